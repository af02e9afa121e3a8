// SPDX-License-Identifier: Apache-2.0

package pki_test

import (
	"encoding/hex"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/pki"
)

var hashesByName = map[string]pki.OID{
	"SHA-1": pki.OIDSHA1, "SHA-224": pki.OIDSHA224, "SHA-256": pki.OIDSHA256, "SHA-384": pki.OIDSHA384, "SHA-512": pki.OIDSHA512,
	"SHA3-256": pki.OIDSHA3x256, "SHA3-384": pki.OIDSHA3x384, "SHA3-512": pki.OIDSHA3x512,
}

// pss makes the parameters of RSASSA-PSS.
func pss(t testing.TB, hash, mgf pki.OID, salt int64) pki.Algorithm {
	t.Helper()
	explicit := func(tag uint8) casn1.Tag { return casn1.Tag(tag).ContextSpecific().Constructed() }
	var b cryptobyte.Builder
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(explicit(0), func(b *cryptobyte.Builder) {
			b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) { pki.AddOID(b, hash); b.AddASN1NULL() })
		})
		b.AddASN1(explicit(1), func(b *cryptobyte.Builder) {
			b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
				pki.AddOID(b, pki.OIDMGF1)
				b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) { pki.AddOID(b, mgf) })
			})
		})
		b.AddASN1(explicit(2), func(b *cryptobyte.Builder) { b.AddASN1Int64(salt) })
	})
	return algorithm(t, pki.OIDRSAPSS, b.BytesOrPanic())
}

func algorithm(t testing.TB, o pki.OID, params []byte) pki.Algorithm {
	t.Helper()
	a, err := pki.NewAlgorithm(o, params)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestWycheproof(t *testing.T) {
	dir := suite(t, "wycheproof")
	var list []struct{ ID, File string }
	manifest(t, dir, &list)
	for _, entry := range list {
		t.Run(entry.ID, func(t *testing.T) {
			var vectors struct {
				TestGroups []struct {
					Type, Sha, MgfSha, PublicKeyDer string
					SLen                            int64
					Tests                           []struct {
						TcID                      int
						Comment, Msg, Sig, Result string
					}
				}
			}
			if err := json.Unmarshal(read(t, filepath.Join(dir, entry.File)), &vectors); err != nil {
				t.Fatal(err)
			}
			count := 0
			for _, g := range vectors.TestGroups {
				der, _ := hex.DecodeString(g.PublicKeyDer)
				key, err := pki.ParsePublicKey(der)
				if err != nil {
					t.Fatal(err)
				}
				var alg pki.Algorithm
				switch {
				case g.Type == "EddsaVerify":
					alg = algorithm(t, pki.OIDEd25519, nil)
				case g.Type == "EcdsaVerify":
					alg = algorithm(t, map[string]pki.OID{"SHA-256": pki.OIDECDSAWithSHA256, "SHA-384": pki.OIDECDSAWithSHA384}[g.Sha], nil)
				case strings.HasPrefix(g.Type, "RsassaPss"):
					alg = pss(t, hashesByName[g.Sha], hashesByName[g.MgfSha], g.SLen)
				default:
					alg = algorithm(t, map[string]pki.OID{
						"SHA-224": pki.OIDSHA224WithRSA, "SHA-256": pki.OIDSHA256WithRSA, "SHA-384": pki.OIDSHA384WithRSA,
						"SHA-512": pki.OIDSHA512WithRSA, "SHA3-256": pki.OIDSHA3x256WithRSA, "SHA3-384": pki.OIDSHA3x384WithRSA,
						"SHA3-512": pki.OIDSHA3x512WithRSA,
					}[g.Sha], []byte{5, 0})
				}
				for _, v := range g.Tests {
					count++
					msg, _ := hex.DecodeString(v.Msg)
					sig, _ := hex.DecodeString(v.Sig)
					err := key.Verify(alg, msg, sig)
					if v.Result != "acceptable" && (err == nil) != (v.Result == "valid") {
						t.Errorf("%d (%s): %v, want %s", v.TcID, v.Comment, err, v.Result)
					}
				}
			}
			if count == 0 {
				t.Fatal("no vectors")
			}
		})
	}
}
