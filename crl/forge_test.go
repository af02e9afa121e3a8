// SPDX-License-Identifier: Apache-2.0

package crl_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"
	"time"

	"rastau/crl"
	"rastau/internal/pki"
	"rastau/internal/trust"
)

// at is the time judged in the tests that make their own lists.
var at = time.Date(2026, 5, 20, 12, 0, 0, 0, time.UTC)

// authority is a CA made for a test.
type authority struct {
	key    *ecdsa.PrivateKey
	x      *x509.Certificate
	cert   *pki.Certificate
	issuer *authority // nil for a root
	serial int64
}

type certOptions struct {
	serial              *big.Int
	usage               x509.KeyUsage
	notBefore, notAfter time.Time
	extra               []pkix.Extension
	ca                  bool
	key                 *ecdsa.PrivateKey
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newRoot(t testing.TB, name string) *authority {
	t.Helper()
	a := &authority{key: newKey(t)}
	a.x, a.cert = a.make(t, name, a.key, nil, certOptions{ca: true})
	return a
}

// below makes a CA (or, with o.ca false, any certificate with a key) under a.
func (a *authority) below(t testing.TB, name string, o certOptions) *authority {
	t.Helper()
	b := &authority{key: o.key, issuer: a}
	if b.key == nil {
		b.key = newKey(t)
	}
	b.x, b.cert = a.make(t, name, b.key, a.x, o)
	return b
}

func (a *authority) make(t testing.TB, name string, key *ecdsa.PrivateKey, parent *x509.Certificate, o certOptions) (*x509.Certificate, *pki.Certificate) {
	t.Helper()
	a.serial++
	template := &x509.Certificate{
		SerialNumber: o.serial, Subject: pkix.Name{CommonName: name}, NotBefore: o.notBefore, NotAfter: o.notAfter,
		KeyUsage: o.usage, BasicConstraintsValid: true, IsCA: o.ca, ExtraExtensions: o.extra,
	}
	if o.serial == nil {
		template.SerialNumber = big.NewInt(a.serial)
	}
	if o.notBefore.IsZero() {
		template.NotBefore = at.AddDate(-1, 0, 0)
	}
	if o.notAfter.IsZero() {
		template.NotAfter = at.AddDate(1, 0, 0)
	}
	if o.ca && o.usage == 0 {
		template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	}
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	x, err := x509.ParseCertificate(der)
	if err != nil && o.ca { // leaves may hold what the library refuses
		t.Fatal(err)
	}
	c, err := pki.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return x, c
}

func (a *authority) leaf(t testing.TB, o certOptions) *pki.Certificate {
	t.Helper()
	_, c := a.make(t, "Leaf", newKey(t), a.x, o)
	return c
}

func (a *authority) anchor() trust.Anchor { return trust.AnchorOf(a.cert) }

// listOptions describe a list; zero is one without entries, from an hour ago to tomorrow.
type listOptions struct {
	number     int64
	this, next time.Time
	entries    []x509.RevocationListEntry
	extra      []pkix.Extension
	signer     *authority // another key under the same name
	name       string     // another issuer's name
}

func (a *authority) der(t testing.TB, o listOptions) []byte {
	t.Helper()
	if o.this.IsZero() {
		o.this = at.Add(-time.Hour)
	}
	if o.next.IsZero() {
		o.next = at.Add(24 * time.Hour)
	}
	issuer := *a.x
	key := a.key
	if o.signer != nil {
		key = o.signer.key
		issuer.PublicKey = key.Public()
		issuer.SubjectKeyId = o.signer.x.SubjectKeyId
	}
	issuer.KeyUsage |= x509.KeyUsageCRLSign // the library must not refuse what we want to
	if len(issuer.SubjectKeyId) == 0 {
		issuer.SubjectKeyId = []byte{1}
	}
	if o.name != "" {
		issuer.RawSubject, issuer.Subject = nil, pkix.Name{CommonName: o.name}
	}
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(o.number), ThisUpdate: o.this, NextUpdate: o.next, RevokedCertificateEntries: o.entries, ExtraExtensions: o.extra,
	}, &issuer, key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func (a *authority) list(t testing.TB, o listOptions) *crl.List {
	t.Helper()
	l, err := crl.Parse(a.der(t, o), crl.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func entry(c *pki.Certificate, when time.Time, reason int, extra ...pkix.Extension) x509.RevocationListEntry {
	return x509.RevocationListEntry{SerialNumber: c.Serial, RevocationTime: when, ReasonCode: reason, ExtraExtensions: extra}
}

func oid(arc ...int) asn1.ObjectIdentifier { return arc }

// tlv is one DER element, short or long.
func tlv(tag byte, contents ...[]byte) []byte {
	var body []byte
	for _, c := range contents {
		body = append(body, c...)
	}
	n := len(body)
	switch {
	case n < 0x80:
		return append([]byte{tag, byte(n)}, body...)
	case n < 0x100:
		return append([]byte{tag, 0x81, byte(n)}, body...)
	case n < 0x10000:
		return append([]byte{tag, 0x82, byte(n >> 8), byte(n)}, body...)
	}
	if n < 0x1000000 {
		return append([]byte{tag, 0x83, byte(n >> 16), byte(n >> 8), byte(n)}, body...)
	}
	return append([]byte{tag, 0x84, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, body...)
}

func ext(o asn1.ObjectIdentifier, critical bool, value []byte) pkix.Extension {
	return pkix.Extension{Id: o, Critical: critical, Value: value}
}

func uri(s string) []byte       { return tlv(0x86, []byte(s)) }
func dirName(n pki.Name) []byte { return tlv(0xa4, n.Raw) }
func cn(name string) []byte     { return tlv(0x30, tlv(0x31, relative(name))) }
func relative(name string) []byte {
	return tlv(0x30, []byte{6, 3, 0x55, 4, 3}, tlv(0x13, []byte(name)))
}

// idp makes an issuingDistributionPoint of its fields.
func idp(fields ...[]byte) pkix.Extension { return ext(oid(2, 5, 29, 28), true, tlv(0x30, fields...)) }

func fullName(names ...[]byte) []byte { return tlv(0xa0, tlv(0xa0, names...)) }
func relativeName(cn string) []byte   { return tlv(0xa0, tlv(0xa1, relative(cn))) }
func flag(n byte) []byte              { return []byte{0x80 | n, 1, 0xff} }
func someReasons(tag byte, bits byte) []byte {
	return []byte{0x80 | tag, 2, 1, bits}
}

const (
	onlyUser, onlyCA, someReason, indirect, onlyAttribute = 1, 2, 3, 4, 5
)

// cdp makes a cRLDistributionPoints with one point.
func cdp(fields ...[]byte) pkix.Extension {
	return ext(oid(2, 5, 29, 31), false, tlv(0x30, tlv(0x30, fields...)))
}

func crlIssuer(names ...[]byte) []byte { return tlv(0xa2, names...) }

func deltaOf(base int64) pkix.Extension {
	return ext(oid(2, 5, 29, 27), true, tlv(0x02, big.NewInt(base).Bytes()))
}

func certificateIssuer(name []byte) pkix.Extension {
	return ext(oid(2, 5, 29, 29), true, tlv(0x30, tlv(0xa4, name)))
}

func unknown(critical bool) pkix.Extension { return ext(oid(1, 2, 3, 4), critical, []byte{5, 0}) }
