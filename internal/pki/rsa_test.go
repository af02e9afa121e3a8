// SPDX-License-Identifier: Apache-2.0

package pki_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"math/big"
	"testing"

	"rastau/internal/pki"
)

// Whatever the length of the modulus, and so whichever way it is raised, crypto/rsa says
// the same of every signature: the right one, ones with a bit turned, and the numbers
// that stand for the same residue.
func TestRSAAsTheStandardLibrary(t *testing.T) {
	sum := sha256.Sum256([]byte("statement"))
	alg := algorithm(t, pki.OIDSHA256WithRSA, []byte{5, 0})
	for _, bits := range []int{1024, 1031, 1536, 2040, 2048, 2056, 3072} {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		k, err := pki.ParsePublicKey(der)
		if err != nil {
			t.Fatal(err)
		}
		sig, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		size := key.Size()
		n := new(big.Int).SetBytes(sig)
		cases := [][]byte{sig, nil, sig[:size-1], append([]byte{0}, sig...), make([]byte, size),
			key.N.FillBytes(make([]byte, size)), new(big.Int).Sub(key.N, n).FillBytes(make([]byte, size))}
		if above := new(big.Int).Add(n, key.N); above.BitLen() <= 8*size {
			cases = append(cases, above.FillBytes(make([]byte, size)))
		}
		for i := range 8 {
			turned := append([]byte{}, sig...)
			turned[i*(size-1)/7] ^= 1 << i
			cases = append(cases, turned)
		}
		for i, c := range cases {
			want := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], c) == nil
			if err := k.VerifyDigest(alg, pki.OIDSHA256, sum[:], c); (err == nil) != want {
				t.Errorf("%d bits, signature %d: %v, crypto/rsa says %t", bits, i, err, want)
			}
			if want != (i == 0) {
				t.Errorf("%d bits, signature %d: %t", bits, i, want)
			}
		}
	}
}

// A message padded otherwise than the standard has it is no signature, whoever raised it.
func TestRSAPaddingIsWhole(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	k, err := pki.ParsePublicKey(der)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("statement"))
	right, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	raise := func(s []byte, e *big.Int) []byte {
		return new(big.Int).Exp(new(big.Int).SetBytes(s), e, key.N).FillBytes(make([]byte, 256))
	}
	message := raise(right, big.NewInt(int64(key.E)))
	for name, change := range map[string]func(m []byte) []byte{
		"as it is":              func(m []byte) []byte { return m },
		"block type 2":          func(m []byte) []byte { m[1] = 2; return m },
		"no zero first":         func(m []byte) []byte { m[0] = 0x01; return m },
		"a hole in the padding": func(m []byte) []byte { m[20] = 0xfe; return m },
		"no end of the padding": func(m []byte) []byte { m[256-52] = 0xff; return m },
		"another hash's name":   func(m []byte) []byte { m[256-37] ^= 2; return m },
		"short padding, digest in front": func(m []byte) []byte {
			return append(append(append([]byte{0, 1}, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0), m[256-51:]...), make([]byte, 256-11-51)...)
		},
	} {
		m := change(append([]byte{}, message...))
		if new(big.Int).SetBytes(m).Cmp(key.N) >= 0 {
			continue // no signature gives this message
		}
		err := k.VerifyDigest(algorithm(t, pki.OIDSHA256WithRSA, []byte{5, 0}), pki.OIDSHA256, sum[:], raise(m, key.D))
		if (err == nil) != (name == "as it is") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
