// SPDX-License-Identifier: Apache-2.0

package pki_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/gost"
	"rastau/internal/pki"
)

// nationalInfo encodes a key of stated parameters, whatever stands in it.
func nationalInfo(t *testing.T, alg pki.OID, params []pki.OID, point []byte) []byte {
	t.Helper()
	var list, bits, b cryptobyte.Builder
	list.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, o := range params {
			pki.AddOID(b, o)
		}
	})
	bits.AddASN1OctetString(point)
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(algorithm(t, alg, list.BytesOrPanic()).Raw)
		b.AddASN1BitString(bits.BytesOrPanic())
	})
	return b.BytesOrPanic()
}

func TestVerifyNational(t *testing.T) {
	message := []byte("растау")
	for _, test := range []struct {
		key       string
		plain     pki.OID
		alg, hash pki.OID
		size      string
	}{
		{"GOST 512", pki.OIDGOST2015Key512, pki.OIDGOST2015Sign512, pki.OIDGOST512Hash, "GOST 34.10-2015-512"},
		{"GOST 2004", pki.OIDGOST2004Key, pki.OIDGOST2004Sign, pki.OIDGOST95Hash, "GOST 34.310-2004"},
		{"GOST 2004", pki.OIDGOST2004Key, pki.OIDGammaSign, pki.OIDGammaSign, "GOST 34.310-2004"},
		{"GOST 256", pki.OIDGOST2015Key256, pki.OIDGOST2015Sign256, pki.OIDGOST256Hash, "GOST 34.10-2015-256 (not seen in the wild)"},
	} {
		t.Run(test.key+" "+string(test.alg), func(t *testing.T) {
			signer := key(test.key)
			k := publicKey(t, signer)
			if k.Size() != test.size || pki.AlgorithmName(algorithm(t, test.alg, null)) != test.size {
				t.Errorf("shown as %s", k.Size())
			}
			digestAlg, alg, err := pki.NationalSignature(signer.Public().(*gost.PublicKey))
			if err != nil || test.alg != pki.OIDGammaSign && (alg.OID != test.alg || digestAlg.OID != test.hash) {
				t.Errorf("signs with %s over %s, %v", alg.OID, digestAlg.OID, err)
			}
			newHash, err := pki.NewHash(test.hash)
			if err != nil {
				t.Fatal(err)
			}
			if size, err := pki.HashSize(test.hash); err != nil || size != newHash().Size() {
				t.Errorf("size %d, %v", size, err)
			}
			h := newHash()
			h.Write(message)
			digest := h.Sum(nil)
			sig, err := signer.Sign(rand.Reader, digest, crypto.Hash(0))
			if err != nil {
				t.Fatal(err)
			}
			// A list of the national authority's writes NULL outside and nothing inside.
			for _, params := range [][]byte{null, nil} {
				if err := k.Verify(algorithm(t, test.alg, params), message, sig); err != nil {
					t.Error(err)
				}
				if err := k.VerifyDigest(algorithm(t, test.alg, params), test.hash, digest, sig); err != nil {
					t.Error(err)
				}
			}
			if err := k.VerifyDigest(k.Algorithm, test.hash, digest, sig); err != nil {
				t.Errorf("by the key's algorithm: %v", err)
			}
			good := algorithm(t, test.alg, null)
			for what, c := range map[string]struct{ err, want error }{
				"message changed":         {k.Verify(good, append([]byte("!"), message...), sig), pki.ErrSignature},
				"halves exchanged":        {k.Verify(good, message, append(bytes.Clone(sig[len(sig)/2:]), sig[:len(sig)/2]...)), pki.ErrSignature},
				"byte behind":             {k.Verify(good, message, append(bytes.Clone(sig), 0)), pki.ErrSignature},
				"nothing":                 {k.Verify(good, message, nil), pki.ErrSignature},
				"parameters":              {k.Verify(algorithm(t, test.alg, []byte{2, 1, 0}), message, sig), pki.ErrAlgorithm},
				"another hash":            {k.VerifyDigest(good, pki.OIDSHA256, make([]byte, 32), sig), pki.ErrAlgorithm},
				"plain with another hash": {k.VerifyDigest(k.Algorithm, pki.OIDSHA512, make([]byte, 64), sig), pki.ErrAlgorithm},
				"digest cut":              {k.VerifyDigest(good, test.hash, digest[1:], sig), pki.ErrAlgorithm},
				"an RSA key":              {publicKey(t, key("RSA")).Verify(good, message, sig), pki.ErrAlgorithm},
				"RSA's algorithm":         {k.Verify(algorithm(t, pki.OIDSHA256WithRSA, null), message, sig), pki.ErrAlgorithm},
			} {
				if !errors.Is(c.err, c.want) {
					t.Errorf("%s: %v, want %v", what, c.err, c.want)
				}
			}
			for _, other := range []string{"GOST 512", "GOST 2004", "GOST 256"} {
				if err := publicKey(t, key(other)).Verify(good, message, sig); other != test.key && !errors.Is(err, pki.ErrAlgorithm) {
					t.Errorf("a key %s: %v", other, err)
				}
			}
		})
	}
}

func TestParseNationalKey(t *testing.T) {
	point := key("GOST 512").Public().(*gost.PublicKey).Bytes()
	off := bytes.Clone(point)
	off[0] ^= 1
	good := []pki.OID{"1.2.398.3.10.1.1.2.2.1", pki.OIDGOST512Hash}
	whole := nationalInfo(t, pki.OIDGOST2015Key512, good, point)
	if made, err := pki.MarshalNationalKey(key("GOST 512").Public().(*gost.PublicKey)); err != nil || !bytes.Equal(made, whole) {
		t.Errorf("%x, %v", made, err)
	}
	// The two forms that stand in certificates.
	for name, prefix := range map[string]string{
		"GOST 512":  "302306092a830e030a010102023016060a2a830e030a010102020106082a830e030a010303",
		"GOST 2004": "302506092a830e030a010101013018060a2a830e030a0101010101060a2a830e030a0103010100",
	} {
		if got := hex.EncodeToString(publicKey(t, key(name)).Algorithm.Raw); got != prefix {
			t.Errorf("%s: %s", name, got)
		}
	}
	for _, test := range []struct {
		name string
		der  []byte
		want error
	}{
		{"off the curve", nationalInfo(t, pki.OIDGOST2015Key512, good, off), pki.ErrAlgorithm},
		{"zeros", nationalInfo(t, pki.OIDGOST2015Key512, good, make([]byte, 128)), pki.ErrAlgorithm},
		{"cut", nationalInfo(t, pki.OIDGOST2015Key512, good, point[1:]), pki.ErrAlgorithm},
		{"nothing", nationalInfo(t, pki.OIDGOST2015Key512, good, nil), pki.ErrAlgorithm},
		{"another curve's", nationalInfo(t, pki.OIDGOST2015Key512, good, key("GOST 2004").Public().(*gost.PublicKey).Bytes()), pki.ErrAlgorithm},
		{"no parameters", nationalInfo(t, pki.OIDGOST2015Key512, nil, point), pki.ErrUnsupported},
		{"parameter set B", nationalInfo(t, pki.OIDGOST2015Key512, []pki.OID{"1.2.398.3.10.1.1.2.2.2", pki.OIDGOST512Hash}, point), pki.ErrUnsupported},
		{"another hash", nationalInfo(t, pki.OIDGOST2015Key512, []pki.OID{good[0], pki.OIDGOST256Hash}, point), pki.ErrUnsupported},
		{"a third parameter", nationalInfo(t, pki.OIDGOST2015Key512, append(good, good[0]), point), pki.ErrUnsupported},
		{"another substitution", nationalInfo(t, pki.OIDGOST2004Key, []pki.OID{"1.2.398.3.10.1.1.1.1.1", "1.2.398.3.10.1.3.1.1.1"},
			key("GOST 2004").Public().(*gost.PublicKey).Bytes()), pki.ErrUnsupported},
	} {
		k, err := pki.ParsePublicKey(test.der)
		if err != nil || k.Key != nil || !strings.HasPrefix(k.Size(), "GOST") {
			t.Errorf("%s: %v, %v", test.name, k.Key, err)
			continue
		}
		alg := algorithm(t, pki.OIDGOST2015Sign512, null)
		if k.Algorithm.OID == pki.OIDGOST2004Key {
			alg = algorithm(t, pki.OIDGOST2004Sign, null)
		}
		if err := k.Verify(alg, nil, make([]byte, 128)); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
}

func TestNationalPrivateKey(t *testing.T) {
	for _, name := range []string{"GOST 512", "GOST 2004", "GOST 256"} {
		private := key(name).(*gost.PrivateKey)
		der, err := pki.MarshalNationalPrivateKey(private)
		if err != nil {
			t.Fatal(err)
		}
		again, err := pki.ParseNationalPrivateKey(der)
		if err != nil || !again.Equal(private) {
			t.Errorf("%s: %v", name, err)
		}
		for what, bad := range map[string][]byte{"empty": nil, "byte behind": append(bytes.Clone(der), 0), "cut": der[:len(der)-1]} {
			if _, err := pki.ParseNationalPrivateKey(bad); !errors.Is(err, pki.ErrMalformed) {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
	}
}
