// SPDX-License-Identifier: Apache-2.0

package trust_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"time"

	"rastau/internal/pki"
	"rastau/internal/trust"
)

func ExampleFind() {
	day := func(month time.Month) time.Time { return time.Date(2026, month, 1, 0, 0, 0, 0, time.UTC) }
	rootKey, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	leafKey, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Root"},
		NotBefore: day(time.January), NotAfter: day(time.December), IsCA: true, BasicConstraintsValid: true,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Leaf"},
		NotBefore: day(time.February), NotAfter: day(time.June),
	}
	read := func(template *x509.Certificate, key *ecdsa.PrivateKey) *pki.Certificate {
		der, err := x509.CreateCertificate(rand.Reader, template, root, key.Public(), rootKey)
		if err != nil {
			panic(err)
		}
		c, err := pki.ParseCertificate(der)
		if err != nil {
			panic(err)
		}
		return c
	}

	q := trust.Query{Leaf: read(leaf, leafKey), Anchors: []trust.Anchor{trust.AnchorOf(read(root, rootKey))}}
	for _, month := range []time.Month{time.March, time.July} {
		q.At = day(month)
		paths, _ := trust.Find(context.Background(), q)
		best := paths[0]
		fmt.Println(q.At.Format(time.DateOnly), "valid:", best.Valid())
		for _, f := range best.Failures {
			fmt.Println(f.Index, f.Reason, f.Citation)
		}
	}
	q.Anchors = nil
	_, hint := trust.Find(context.Background(), q)
	fmt.Println(hint)
	// Output:
	// 2026-03-01 valid: true
	// 2026-07-01 valid: false
	// 0 expired RFC 5280 §6.1.3 (a)(2)
	// No anchors are configured.
}
