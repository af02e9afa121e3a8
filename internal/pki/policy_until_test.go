// SPDX-License-Identifier: Apache-2.0

package pki_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"testing"
	"time"

	"rastau/internal/pki"
)

// TestUntil: what counts until an end is accepted then and refused a second later.
func TestUntil(t *testing.T) {
	public := func(key any) *pki.PublicKey {
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			t.Fatal(err)
		}
		k, err := pki.ParsePublicKey(der)
		if err != nil {
			t.Fatal(err)
		}
		return &k
	}
	rsa2048, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	alg := func(o pki.OID) pki.Algorithm {
		a, err := pki.NewAlgorithm(o, nil)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	for name, c := range map[string]struct {
		alg  pki.OID
		key  *pki.PublicKey
		year int // 0: not at all
	}{
		"RSA-2048":    {pki.OIDSHA256WithRSA, public(rsa2048.Public()), 2035},
		"P-256":       {pki.OIDECDSAWithSHA256, public(p256.Public()), 9999},
		"SHA-256":     {pki.OIDSHA256, nil, 9999},
		"SHA-224":     {pki.OIDSHA224, nil, 2025},
		"SHA-1":       {pki.OIDSHA1, nil, 0},
		"GOST 34.311": {pki.OIDGOST95Hash, nil, 2045},
		"unknown":     {"1.2.3", nil, 0},
	} {
		end := pki.DefaultAlgorithms.Until(alg(c.alg), c.key)
		if c.year == 0 {
			if !end.IsZero() {
				t.Errorf("%s counts until %s", name, end)
			}
			continue
		}
		if end.Year() != c.year {
			t.Errorf("%s counts until %s, want %d", name, end, c.year)
		}
		if err := pki.DefaultAlgorithms.Accept(alg(c.alg), c.key, end); err != nil {
			t.Errorf("%s at its end: %v", name, err)
		}
		if c.year < 9999 && pki.DefaultAlgorithms.Accept(alg(c.alg), c.key, end.Add(time.Second)) == nil {
			t.Errorf("%s is accepted after its end", name)
		}
	}
}
