// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"rastau/crl"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/verifier"
)

// offering is a server of lists that tells how each was received.
type offering struct {
	lists []*crl.List
	errs  []error
}

func (o *offering) List(_ context.Context, _ string, check func(*crl.List) error) (*crl.List, error) {
	o.errs = nil
	for _, l := range o.lists {
		o.errs = append(o.errs, check(l))
	}
	return nil, errors.New("no list")
}

func native(t testing.TB, c *pki.Certificate) *x509.Certificate {
	t.Helper()
	x, err := x509.ParseCertificate(c.Raw)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// certify makes a certificate of a fresh key from a template.
func certify(t testing.TB, template *x509.Certificate, by *testpki.CA) *pki.Key {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	parent, signer := template, crypto.Signer(key)
	if by != nil {
		parent, signer = native(t, by.Certificate), by.Key
	}
	der, err := testpki.CreateCertificate(template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	c, err := pki.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &pki.Key{Signer: key, Certificate: c}
}

// listBy writes a list in the authority's name with somebody's key.
func listBy(t testing.TB, issuer *x509.Certificate, key crypto.Signer, change ...func(*x509.RevocationList)) *crl.List {
	t.Helper()
	template := &x509.RevocationList{Number: big.NewInt(time.Now().UnixNano()), ThisUpdate: day0.Add(-time.Minute), NextUpdate: day0.Add(time.Hour)}
	for _, c := range change {
		c(template)
	}
	der, err := testpki.CreateList(template, issuer, key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := crl.Parse(der, crl.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// A list is kept only where its signer may sign it, whoever bears the authority's name.
func TestListSigners(t *testing.T) {
	h := newHouse(t)
	k := h.person(t, func(l *testpki.Leaf) { l.NoOCSP = true })
	ca := native(t, h.ca.Certificate)
	like := func(usage x509.KeyUsage) *x509.Certificate {
		return &x509.Certificate{SerialNumber: big.NewInt(99), RawSubject: ca.RawSubject, NotBefore: day0.Add(-time.Hour), NotAfter: day0.AddDate(1, 0, 0),
			KeyUsage: usage, BasicConstraintsValid: true, IsCA: usage&x509.KeyUsageCertSign != 0, SubjectKeyId: []byte{1, 2, 3}}
	}
	impostor := certify(t, like(x509.KeyUsageCRLSign|x509.KeyUsageCertSign), nil)
	second := certify(t, like(x509.KeyUsageCRLSign|x509.KeyUsageCertSign), h.pki.Root())
	mute := certify(t, like(x509.KeyUsageDigitalSignature), h.pki.Root())
	neighbour, err := h.pki.NewCA("Көрші орталық")
	if err != nil {
		t.Fatal(err)
	}
	namesake := certify(t, like(x509.KeyUsageCRLSign), neighbour)
	of := func(k *pki.Key) *crl.List {
		c := native(t, k.Certificate)
		c.KeyUsage |= x509.KeyUsageCRLSign // for the writer, which would refuse
		return listBy(t, c, k.Signer)
	}
	lists := &offering{lists: []*crl.List{list(t, h.ca, testpki.CRLOptions{}), of(impostor), of(second), of(mute), of(namesake)}}
	o := h.o
	o.Lists, o.Web = lists, nil
	q := h.ask()
	q.Certs = []*pki.Certificate{h.ca.Certificate, impostor.Certificate, second.Certificate, mute.Certificate, namesake.Certificate, neighbour.Certificate}
	q.Lists = []*crl.List{list(t, h.pki.Root(), testpki.CRLOptions{})} // so that the leaf's lists alone are fetched
	expect(t, verifier.New(o).Certificate(t.Context(), k.Certificate, q), indeterminate, verifier.TryLater, "cert.revocation")
	for i, want := range []struct {
		name string
		ok   bool
	}{
		{"the authority", true},
		{"a self-made certificate of its name", false},
		{"the authority's second key", true},
		{"a certificate that may not sign lists", false},
		{"a namesake below another authority", false},
	} {
		if got := lists.errs[i] == nil; got != want.ok {
			t.Errorf("%s: %v, want accepted %v", want.name, lists.errs[i], want.ok)
		}
	}
}

// An expired certificate without proof of time: whether it was revoked may still be
// known, where the source keeps what has expired.
func TestExpiredButKnown(t *testing.T) {
	h := newHouse(t)
	k := h.person(t, func(l *testpki.Leaf) {
		l.NotBefore, l.NotAfter = day0.AddDate(-2, 0, 0), day0.AddDate(-1, 0, 0)
		l.NoOCSP, l.NoCRL = true, true
	})
	since := func(t0 time.Time) []byte {
		der, err := asn1.MarshalWithParams(t0.UTC(), "generalized")
		if err != nil {
			panic(err)
		}
		return der
	}
	expired := func(keeps *time.Time) *crl.List {
		return listBy(t, native(t, h.ca.Certificate), h.ca.Key, func(l *x509.RevocationList) {
			if keeps != nil { // X.509 §9.5.2.8
				l.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 60}, Value: since(*keeps)}}
			}
		})
	}
	long, short := day0.AddDate(-10, 0, 0), day0.AddDate(0, -1, 0)
	cutoff := func(t0 time.Time) []byte {
		return answer(t, h.ca, k.Certificate, testpki.OCSPOptions{SingleExtensions: []pki.Extension{{OID: "1.3.6.1.5.5.7.48.1.6", Value: since(t0)}}})
	}
	for _, tt := range []struct {
		name string
		with func(*verifier.Question)
		sub  verifier.SubIndication
	}{
		{"nothing at hand", func(*verifier.Question) {}, verifier.OutOfBoundsNoPOE},
		{"a list that forgets", func(q *verifier.Question) { q.Lists = append(q.Lists, expired(nil)) }, verifier.OutOfBoundsNoPOE},
		{"a list that keeps expired ones", func(q *verifier.Question) { q.Lists = append(q.Lists, expired(&long)) }, verifier.OutOfBoundsNotRevoked},
		{"a list that keeps those of a month", func(q *verifier.Question) { q.Lists = append(q.Lists, expired(&short)) }, verifier.OutOfBoundsNoPOE},
		{"an answer", func(q *verifier.Question) {
			q.OCSPs = append(q.OCSPs, answer(t, h.ca, k.Certificate, testpki.OCSPOptions{}))
		}, verifier.OutOfBoundsNoPOE},
		{"an answer with an archive", func(q *verifier.Question) { q.OCSPs = append(q.OCSPs, cutoff(long)) }, verifier.OutOfBoundsNotRevoked},
		{"an answer with a short archive", func(q *verifier.Question) { q.OCSPs = append(q.OCSPs, cutoff(short)) }, verifier.OutOfBoundsNoPOE},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q := h.ask()
			tt.with(&q)
			expect(t, h.v.Document(t.Context(), sign(t, k), q), indeterminate, tt.sub, "cert.validity")
		})
	}
}

// The evidence names every list that took part, and how each was held to be fresh.
func TestBaseAndDelta(t *testing.T) {
	h := newHouse(t)
	k := h.person(t)
	ca := native(t, h.ca.Certificate)
	base := listBy(t, ca, h.ca.Key, func(l *x509.RevocationList) { l.Number = big.NewInt(5) })
	delta := listBy(t, ca, h.ca.Key, func(l *x509.RevocationList) {
		number, _ := asn1.Marshal(5)
		l.Number = big.NewInt(7)
		l.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 27}, Critical: true, Value: number}}
		l.RevokedCertificateEntries = []x509.RevocationListEntry{{SerialNumber: k.Certificate.Serial, RevocationTime: day0.Add(-time.Hour), ReasonCode: 4}}
	})
	q := h.ask()
	q.Offline = true
	q.Lists = []*crl.List{base, list(t, h.pki.Root(), testpki.CRLOptions{})}
	der := sign(t, k)
	expect(t, h.v.Document(t.Context(), der, q), passed, "", "")
	q.Lists = append(q.Lists, delta)
	r := h.v.Document(t.Context(), der, q)
	expect(t, r, indeterminate, verifier.RevokedNoPOE, "cert.revocation")
	evidence := strings.Join(r.Deciding().Evidence, "\n")
	for _, want := range []string{" crl source=given ", " delta-crl source=given ", "freshness=until-nextUpdate", "order=at-hand,ocsp,crl"} {
		if !strings.Contains(evidence, want) {
			t.Errorf("the evidence lacks %q:\n%s", want, evidence)
		}
	}
}

// Where OCSP gives nothing the list decides, and the report says so.
func TestFallbackIsTold(t *testing.T) {
	h := newHouse(t)
	k := h.person(t)
	h.pki.SetDown(false, true, false)
	r := h.v.Document(t.Context(), sign(t, k), h.ask())
	expect(t, r, passed, "", "")
	f := findings(r, "cert.revocation")
	if len(f) == 0 || !strings.Contains(f[0].Detail(), "OCSP had no usable answer") {
		t.Errorf("%+v", f)
	}
}

// A certificate that says it will never be revoked is not asked about (RFC 9608), and
// must then name no source.
func TestNoRevAvail(t *testing.T) {
	h := newHouse(t)
	make := func(change ...func(*x509.Certificate)) *pki.Key {
		template := &x509.Certificate{
			SerialNumber: big.NewInt(12345), Subject: pkix.Name{CommonName: "Қысқа мерзімді"}, NotBefore: day0.Add(-time.Hour), NotAfter: day0.Add(time.Hour),
			KeyUsage: x509.KeyUsageContentCommitment, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection},
			ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 56}, Value: []byte{5, 0}}},
		}
		for _, c := range change {
			c(template)
		}
		k := certify(t, template, h.ca)
		k.Chain = []*pki.Certificate{h.ca.Certificate}
		return k
	}
	q := h.ask()
	r := h.v.Document(t.Context(), sign(t, make()), q)
	expect(t, r, passed, "", "")
	if f := findings(r, "cert.revocation"); len(f) == 0 || f[0].Outcome != verifier.NotApplicable || f[0].Citation != "RFC 9608 §4" {
		t.Errorf("%+v", f)
	}
	expect(t, h.v.Document(t.Context(), sign(t, make(func(c *x509.Certificate) {
		c.CRLDistributionPoints = []string{"http://crl.example.kz/a.crl"}
	})), q), indeterminate, verifier.CertificateChainGeneralFailure, "cert.path")
}
