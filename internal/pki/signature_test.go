// SPDX-License-Identifier: Apache-2.0

package pki_test

import (
	"bytes"
	"crypto"
	"crypto/dsa" //lint:ignore SA1019 old archives are verified with it; AlgorithmPolicy refuses it by default
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"math/big"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/gost"
	"rastau/internal/pki"
)

func publicKey(t testing.TB, key crypto.Signer) *pki.PublicKey {
	t.Helper()
	var der []byte
	var err error
	if national, ok := key.Public().(*gost.PublicKey); ok {
		der, err = pki.MarshalNationalKey(national)
	} else {
		der, err = x509.MarshalPKIXPublicKey(key.Public())
	}
	if err != nil {
		t.Fatal(err)
	}
	k, err := pki.ParsePublicKey(der)
	if err != nil || k.Key == nil {
		t.Fatalf("%v, key %v", err, k.Key)
	}
	return &k
}

var null = []byte{5, 0}

func TestVerify(t *testing.T) {
	message := []byte("растау")
	digestOf := func(h pki.OID) []byte {
		w, err := pki.NewHash(h)
		if err != nil {
			t.Fatal(err)
		}
		x := w()
		x.Write(message)
		return x.Sum(nil)
	}
	hashes := map[pki.OID]crypto.Hash{
		pki.OIDMD5: crypto.MD5, pki.OIDSHA1: crypto.SHA1, pki.OIDSHA224: crypto.SHA224, pki.OIDSHA256: crypto.SHA256,
		pki.OIDSHA512: crypto.SHA512, pki.OIDSHA3x256: crypto.SHA3_256,
	}
	for _, test := range []struct {
		key    string
		alg    pki.OID
		plain  pki.OID
		params []byte
		hash   pki.OID
	}{
		{"RSA", pki.OIDMD5WithRSA, pki.OIDRSA, null, pki.OIDMD5},
		{"RSA", pki.OIDSHA1WithRSA, pki.OIDRSA, null, pki.OIDSHA1},
		{"RSA", pki.OIDSHA256WithRSA, pki.OIDRSA, null, pki.OIDSHA256},
		{"RSA", pki.OIDSHA256WithRSA, pki.OIDRSA, nil, pki.OIDSHA256},
		{"RSA", pki.OIDSHA3x256WithRSA, pki.OIDRSA, null, pki.OIDSHA3x256},
		{"P-224", pki.OIDECDSAWithSHA224, pki.OIDEC, nil, pki.OIDSHA224},
		{"P-256", pki.OIDECDSAWithSHA256, pki.OIDEC, nil, pki.OIDSHA256},
		{"P-384", pki.OIDECDSAWithSHA3x256, pki.OIDEC, nil, pki.OIDSHA3x256},
		{"P-521", pki.OIDECDSAWithSHA512, pki.OIDEC, nil, pki.OIDSHA512},
	} {
		t.Run(pki.AlgorithmName(pki.Algorithm{OID: test.alg})+" "+test.key, func(t *testing.T) {
			signer, alg := key(test.key), algorithm(t, test.alg, test.params)
			k := publicKey(t, signer)
			digest := digestOf(test.hash)
			sig, err := signer.Sign(rand.Reader, digest, hashes[test.hash])
			if err != nil {
				t.Fatal(err)
			}
			if err := k.Verify(alg, message, sig); err != nil {
				t.Error(err)
			}
			if err := k.VerifyDigest(alg, test.hash, digest, sig); err != nil {
				t.Error(err)
			}
			plain := algorithm(t, test.plain, test.params)
			if err := k.VerifyDigest(plain, test.hash, digest, sig); err != nil {
				t.Errorf("by the key's algorithm: %v", err)
			}
			expect := func(what string, err, want error) {
				t.Helper()
				if !errors.Is(err, want) {
					t.Errorf("%s: %v, want %v", what, err, want)
				}
			}
			sig[len(sig)-1] ^= 1
			expect("signature changed", k.Verify(alg, message, sig), pki.ErrSignature)
			sig[len(sig)-1] ^= 1
			expect("message changed", k.Verify(alg, append(message, '!'), sig), pki.ErrSignature)
			expect("empty signature", k.Verify(alg, message, nil), pki.ErrSignature)
			expect("plain algorithm without a hash", k.Verify(plain, message, sig), pki.ErrAlgorithm)
			expect("digest cut", k.VerifyDigest(alg, test.hash, digest[1:], sig), pki.ErrAlgorithm)
			expect("another hash", k.VerifyDigest(alg, pki.OIDSHA384, make([]byte, 48), sig), pki.ErrAlgorithm)
			expect("unknown hash", k.VerifyDigest(plain, "1.2.3", digest, sig), pki.ErrUnsupported)
			expect("MD4", k.VerifyDigest(plain, pki.OIDMD4, digest, sig), pki.ErrUnsupported)
			expect("parameters", k.Verify(algorithm(t, test.alg, []byte{2, 1, 0}), message, sig), pki.ErrAlgorithm)
			expect("unknown algorithm", k.Verify(algorithm(t, "1.2.3.4", nil), message, sig), pki.ErrUnsupported)
			expect("national algorithm", k.Verify(algorithm(t, pki.OIDGOST2015Sign512, null), message, sig), pki.ErrAlgorithm)
			expect("a key of another kind", publicKey(t, key("Ed25519")).Verify(alg, message, sig), pki.ErrAlgorithm)
			expect("no key", (*pki.PublicKey)(nil).Verify(alg, message, sig), pki.ErrAlgorithm)
		})
	}
}

func TestVerifyEd25519(t *testing.T) {
	k, message := publicKey(t, key("Ed25519")), []byte("растау")
	sig, err := key("Ed25519").Sign(rand.Reader, message, crypto.Hash(0))
	if err != nil {
		t.Fatal(err)
	}
	alg := algorithm(t, pki.OIDEd25519, nil)
	if err := k.Verify(alg, message, sig); err != nil {
		t.Error(err)
	}
	if err := k.Verify(alg, message[1:], sig); !errors.Is(err, pki.ErrSignature) {
		t.Error(err)
	}
	if err := k.Verify(algorithm(t, pki.OIDEd25519, null), message, sig); !errors.Is(err, pki.ErrAlgorithm) {
		t.Error(err)
	}
	if err := k.VerifyDigest(alg, pki.OIDSHA512, make([]byte, 64), sig); !errors.Is(err, pki.ErrAlgorithm) {
		t.Error(err)
	}
}

func TestVerifyPSS(t *testing.T) {
	k, message := publicKey(t, key("RSA")), []byte("растау")
	w := crypto.SHA256.New()
	w.Write(message)
	digest := w.Sum(nil)
	for _, salt := range []int{0, 20, 32, 222} {
		opts := &rsa.PSSOptions{SaltLength: salt}
		if salt == 0 {
			continue // crypto/rsa reads 0 as the longest; the vectors of Wycheproof stand for it
		}
		sig, err := rsa.SignPSS(rand.Reader, key("RSA").(*rsa.PrivateKey), crypto.SHA256, digest, opts)
		if err != nil {
			t.Fatal(err)
		}
		for _, stated := range []int64{0, int64(salt), int64(salt) - 1, int64(salt) + 1} {
			err := k.Verify(pss(t, pki.OIDSHA256, pki.OIDSHA256, stated), message, sig)
			if stated == int64(salt) && err != nil || stated != int64(salt) && !errors.Is(err, pki.ErrSignature) {
				t.Errorf("salt %d stated as %d: %v", salt, stated, err)
			}
		}
		if err := k.Verify(pss(t, pki.OIDSHA256, pki.OIDSHA1, int64(salt)), message, sig); !errors.Is(err, pki.ErrSignature) {
			t.Errorf("another mask: %v", err)
		}
		if err := k.VerifyDigest(pss(t, pki.OIDSHA256, pki.OIDSHA256, int64(salt)), pki.OIDSHA512, make([]byte, 64), sig); !errors.Is(err, pki.ErrAlgorithm) {
			t.Errorf("another hash: %v", err)
		}
	}
	for what, params := range map[string][]byte{
		"absent": nil, "NULL": null, "trailer 2": {0x30, 5, 0xa3, 3, 2, 1, 2}, "negative salt": {0x30, 5, 0xa2, 3, 2, 1, 0xff},
		"byte behind": {0x30, 1, 0}, "field twice": {0x30, 10, 0xa2, 3, 2, 1, 20, 0xa2, 3, 2, 1, 20},
		"mask that is not MGF1": {0x30, 8, 0xa1, 6, 0x30, 4, 6, 2, 0x2a, 3},
	} {
		if err := k.Verify(algorithm(t, pki.OIDRSAPSS, params), message, make([]byte, 256)); !errors.Is(err, pki.ErrAlgorithm) {
			t.Errorf("parameters %s: %v", what, err)
		}
	}
	if name := pki.AlgorithmName(pss(t, pki.OIDSHA256, pki.OIDSHA256, 32)); name != "RSASSA-PSS with SHA-256" {
		t.Error(name)
	}
}

// dsaInfo encodes a DSA key, with its parameters or without.
func dsaInfo(key *dsa.PublicKey, params bool) []byte {
	var bits, b cryptobyte.Builder
	bits.AddASN1BigInt(key.Y)
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
			pki.AddOID(b, pki.OIDDSA)
			if params {
				b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
					for _, n := range []*big.Int{key.P, key.Q, key.G} {
						b.AddASN1BigInt(n)
					}
				})
			}
		})
		b.AddASN1BitString(bits.BytesOrPanic())
	})
	return b.BytesOrPanic()
}

func TestVerifyDSA(t *testing.T) {
	var private dsa.PrivateKey
	if err := dsa.GenerateParameters(&private.Parameters, rand.Reader, dsa.L1024N160); err != nil {
		t.Fatal(err)
	}
	if err := dsa.GenerateKey(&private, rand.Reader); err != nil {
		t.Fatal(err)
	}
	message := []byte("растау")
	w := crypto.SHA256.New()
	w.Write(message)
	r, s, err := dsa.Sign(rand.Reader, &private, w.Sum(nil)[:20])
	if err != nil {
		t.Fatal(err)
	}
	var b cryptobyte.Builder
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1BigInt(r); b.AddASN1BigInt(s) })
	sig, alg := b.BytesOrPanic(), algorithm(t, pki.OIDDSAWithSHA256, nil)

	own, err := pki.ParsePublicKey(dsaInfo(&private.PublicKey, true))
	if err != nil {
		t.Fatal(err)
	}
	if err := own.Verify(alg, message, sig); err != nil {
		t.Error(err)
	}
	if err := own.Verify(alg, message, append(sig, 0)); !errors.Is(err, pki.ErrSignature) {
		t.Errorf("byte behind: %v", err)
	}
	bare, err := pki.ParsePublicKey(dsaInfo(&private.PublicKey, false))
	if err != nil {
		t.Fatal(err)
	}
	if err := bare.Verify(alg, message, sig); !errors.Is(err, pki.ErrAlgorithm) {
		t.Errorf("without parameters: %v", err)
	}
	whole := bare.Inherit(&own)
	if err := whole.Verify(alg, message, sig); err != nil {
		t.Errorf("inherited: %v", err)
	}
	if still := bare.Inherit(publicKey(t, key("RSA"))); still.Verify(alg, message, sig) == nil {
		t.Error("parameters inherited from an RSA key")
	}
}

// rsaInfo encodes an RSA key, whatever its numbers.
func rsaInfo(n, e *big.Int, params []byte) []byte {
	var bits, b cryptobyte.Builder
	bits.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1BigInt(n); b.AddASN1BigInt(e) })
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) { pki.AddOID(b, pki.OIDRSA); b.AddBytes(params) })
		b.AddASN1BitString(bits.BytesOrPanic())
	})
	return b.BytesOrPanic()
}

// TestVerifyOddRSA: keys that crypto/rsa declines, a modulus under 1024 bits or an exponent over 31.
func TestVerifyOddRSA(t *testing.T) {
	message := []byte("растау")
	sum := crypto.SHA256.New()
	sum.Write(message)
	info := append([]byte{0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20}, sum.Sum(nil)...)
	for _, test := range []struct {
		bits int
		e    int64
	}{{768, 65537}, {1024, 3221225473}} {
		n, e, d := new(big.Int), big.NewInt(test.e), (*big.Int)(nil)
		for d == nil || n.BitLen() != test.bits {
			p, err := rand.Prime(rand.Reader, test.bits/2)
			if err != nil {
				t.Fatal(err)
			}
			q, err := rand.Prime(rand.Reader, test.bits/2)
			if err != nil {
				t.Fatal(err)
			}
			one := big.NewInt(1)
			phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
			n, d = new(big.Int).Mul(p, q), new(big.Int).ModInverse(e, phi)
		}
		sign := func(em []byte) []byte {
			return new(big.Int).Exp(new(big.Int).SetBytes(em), d, n).FillBytes(make([]byte, test.bits/8))
		}
		pad := func(first, second byte, count int, tail []byte) []byte {
			em := append(append([]byte{first, second}, bytes.Repeat([]byte{0xff}, count)...), 0)
			return append(append(em, tail...), make([]byte, max(0, test.bits/8-len(em)-len(tail)))...)
		}
		k, err := pki.ParsePublicKey(rsaInfo(n, e, null))
		if err != nil || k.Key == nil {
			t.Fatalf("%v, %v", k.Key, err)
		}
		alg, whole := algorithm(t, pki.OIDSHA256WithRSA, null), test.bits/8-3-len(info)
		for what, sig := range map[string][]byte{
			"another block type":      sign(pad(0, 2, whole, info)),
			"bytes behind the digest": sign(pad(0, 1, 8, info)),
			"cut":                     sign(pad(0, 1, whole, info))[1:],
			"nothing":                 nil,
			"the modulus added":       new(big.Int).Add(new(big.Int).SetBytes(sign(pad(0, 1, whole, info))), n).Bytes(),
		} {
			if err := k.Verify(alg, message, sig); !errors.Is(err, pki.ErrSignature) {
				t.Errorf("%d bits, %s: %v", test.bits, what, err)
			}
		}
		if err := k.Verify(alg, message, sign(pad(0, 1, whole, info))); err != nil {
			t.Errorf("%d bits: %v", test.bits, err)
		}
	}
}

func TestParsePublicKey(t *testing.T) {
	n := key("RSA").(*rsa.PrivateKey).N
	for what, der := range map[string][]byte{
		"exponent 1":      rsaInfo(n, big.NewInt(1), null),
		"even exponent":   rsaInfo(n, big.NewInt(4), null),
		"even modulus":    rsaInfo(new(big.Int).Lsh(n, 1), big.NewInt(65537), null),
		"no parameters":   rsaInfo(n, big.NewInt(65537), nil),
		"negative":        rsaInfo(new(big.Int).Neg(n), big.NewInt(65537), null),
		"modulus too big": rsaInfo(new(big.Int).Add(new(big.Int).Lsh(n, 16384), big.NewInt(1)), big.NewInt(65537), null),
	} {
		k, err := pki.ParsePublicKey(der)
		if err != nil || k.Key != nil {
			t.Errorf("%s: %v, %v", what, k.Key, err)
		}
		if err := k.Verify(algorithm(t, pki.OIDSHA256WithRSA, null), nil, make([]byte, 256)); !errors.Is(err, pki.ErrAlgorithm) {
			t.Errorf("%s: %v", what, err)
		}
	}
	// A modulus of whole octets without the octet of zeros in front is what it is meant to be.
	bare := new(big.Int).Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(n.BitLen())))
	if k, err := pki.ParsePublicKey(rsaInfo(bare, big.NewInt(65537), null)); err != nil || k.Key == nil || k.Key.(*rsa.PublicKey).N.Cmp(n) != 0 {
		t.Errorf("a modulus without its sign: %v, %v", k.Key, err)
	}
	good := rsaInfo(n, big.NewInt(65537), null)
	for what, der := range map[string][]byte{"empty": nil, "byte behind": append(good, 0), "cut": good[:40]} {
		if _, err := pki.ParsePublicKey(der); !errors.Is(err, pki.ErrMalformed) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for name, want := range map[string]string{"RSA": "RSA 2048", "P-384": "EC 384", "Ed25519": "Ed25519"} {
		if got := publicKey(t, key(name)).Size(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
