// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/pki"
)

var vectorHashes = map[string]pki.OID{
	"SHA-1": pki.OIDSHA1, "SHA-224": pki.OIDSHA224, "SHA-256": pki.OIDSHA256, "SHA-384": pki.OIDSHA384, "SHA-512": pki.OIDSHA512,
	"SHA3-256": pki.OIDSHA3x256, "SHA3-384": pki.OIDSHA3x384, "SHA3-512": pki.OIDSHA3x512,
}

var vectorRSA = map[string]pki.OID{
	"SHA-224": pki.OIDSHA224WithRSA, "SHA-256": pki.OIDSHA256WithRSA, "SHA-384": pki.OIDSHA384WithRSA, "SHA-512": pki.OIDSHA512WithRSA,
	"SHA3-256": pki.OIDSHA3x256WithRSA, "SHA3-384": pki.OIDSHA3x384WithRSA, "SHA3-512": pki.OIDSHA3x512WithRSA,
}

type vectorGroup struct {
	Type, Sha, MgfSha, PublicKeyDer string
	SLen                            int64
	Tests                           []struct {
		TcID             int
		Msg, Sig, Result string
	}
}

// vectors verifies raw signatures with the keys and algorithms that certificates are verified with.
func vectors(dir string, files []entry) (*Result, error) {
	r := &Result{Suite: "wycheproof", Note: fmt.Sprintf("%d files", len(files))}
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(dir, f.File))
		if err != nil {
			return nil, err
		}
		var all struct{ TestGroups []vectorGroup }
		if err := json.Unmarshal(data, &all); err != nil {
			return nil, fmt.Errorf("%s: %w", f.File, err)
		}
		for _, g := range all.TestGroups {
			if err := r.group(f.ID, g); err != nil {
				return nil, fmt.Errorf("%s: %w", f.ID, err)
			}
		}
	}
	if r.Cases == 0 {
		return nil, fmt.Errorf("%w: no vectors", ErrNoSuite)
	}
	return r, nil
}

func (r *Result) group(file string, g vectorGroup) error {
	der, err := hex.DecodeString(g.PublicKeyDer)
	if err != nil {
		return err
	}
	key, err := pki.ParsePublicKey(der)
	if err != nil {
		return err
	}
	alg, err := g.algorithm()
	if err != nil {
		return err
	}
	for _, v := range g.Tests {
		msg, err := hex.DecodeString(v.Msg)
		if err != nil {
			return err
		}
		sig, err := hex.DecodeString(v.Sig)
		if err != nil {
			return err
		}
		began := time.Now()
		got := "valid"
		if err := key.Verify(alg, msg, sig); err != nil {
			got = "invalid"
		}
		if d := time.Since(began); d > r.Slowest {
			r.Slowest = d
		}
		e := entry{ID: fmt.Sprintf("%s/%d", file, v.TcID), Expect: v.Result}
		r.count(&e, outcome{got, got == v.Result || v.Result == "acceptable", got})
	}
	return nil
}

func (g *vectorGroup) algorithm() (pki.Algorithm, error) {
	switch {
	case g.Type == "EddsaVerify":
		return pki.NewAlgorithm(pki.OIDEd25519, nil)
	case g.Type == "EcdsaVerify" && g.Sha == "SHA-256":
		return pki.NewAlgorithm(pki.OIDECDSAWithSHA256, nil)
	case g.Type == "EcdsaVerify" && g.Sha == "SHA-384":
		return pki.NewAlgorithm(pki.OIDECDSAWithSHA384, nil)
	case strings.HasPrefix(g.Type, "RsassaPss"):
		return g.pss()
	case vectorRSA[g.Sha] != "":
		return pki.NewAlgorithm(vectorRSA[g.Sha], []byte{5, 0})
	}
	return pki.Algorithm{}, fmt.Errorf("vectors of %s with %s are not known", g.Type, g.Sha)
}

// pss makes the parameters of RSASSA-PSS (RFC 4055 §3.1).
func (g *vectorGroup) pss() (pki.Algorithm, error) {
	tagged := func(b *cryptobyte.Builder, tag uint8, body func(*cryptobyte.Builder)) {
		b.AddASN1(asn1.Tag(tag).ContextSpecific().Constructed(), body)
	}
	hash := func(b *cryptobyte.Builder, o pki.OID) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { pki.AddOID(b, o); b.AddASN1NULL() })
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		tagged(b, 0, func(b *cryptobyte.Builder) { hash(b, vectorHashes[g.Sha]) })
		tagged(b, 1, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { pki.AddOID(b, pki.OIDMGF1); hash(b, vectorHashes[g.MgfSha]) })
		})
		tagged(b, 2, func(b *cryptobyte.Builder) { b.AddASN1Int64(g.SLen) })
	})
	params, err := b.Bytes()
	if err != nil {
		return pki.Algorithm{}, err
	}
	return pki.NewAlgorithm(pki.OIDRSAPSS, params)
}
