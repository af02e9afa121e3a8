// SPDX-License-Identifier: Apache-2.0

package trust_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"

	"rastau/internal/pki"
	"rastau/internal/trust"
)

// at is the time that the made chains are judged at, in the middle of their validity.
var at = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// party is a made certificate and its key.
type party struct {
	*pki.Certificate
	key      crypto.Signer
	template *x509.Certificate
}

func newKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

var serial int64

// change edits a template before it is signed.
type change func(*x509.Certificate)

// issue makes a certificate for key (made where nil) signed by issuer (itself where nil).
func issue(t testing.TB, issuer *party, name string, key crypto.Signer, changes ...change) *party {
	t.Helper()
	if key == nil {
		key = newKey(t)
	}
	serial++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    at.AddDate(-1, 0, 0),
		NotAfter:     at.AddDate(1, 0, 0),
	}
	for _, c := range changes {
		c(template)
	}
	p := &party{key: key, template: template}
	if issuer == nil {
		issuer = p
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer.template, key.Public(), issuer.key)
	if err != nil {
		t.Fatal(err)
	}
	if p.template, err = x509.ParseCertificate(der); err != nil { // with the key identifier that was made for it
		t.Fatal(err)
	}
	if p.Certificate, err = pki.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return p
}

func ca(c *x509.Certificate) {
	c.IsCA, c.BasicConstraintsValid = true, true
	c.MaxPathLen = -1
	c.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
}

func expired(c *x509.Certificate) { c.NotAfter = at.AddDate(0, -1, 0) }

func extension(oid pki.OID, critical bool, value []byte) change {
	return func(c *x509.Certificate) {
		c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: oid.ASN1(), Critical: critical, Value: value})
	}
}

// ask puts the usual question: anchors are certificates, the bag is the rest.
func ask(leaf *party, anchors []*party, bag ...*party) trust.Query {
	q := trust.Query{Leaf: leaf.Certificate, At: at}
	for _, a := range anchors {
		q.Anchors = append(q.Anchors, trust.AnchorOf(a.Certificate))
	}
	for _, b := range bag {
		q.Candidates = append(q.Candidates, b.Certificate)
	}
	return q
}

func find(q trust.Query) ([]trust.Path, string) { return trust.Find(context.Background(), q) }
