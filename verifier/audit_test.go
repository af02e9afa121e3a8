// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"sync/atomic"
	"testing"
	"time"

	"rastau/internal/cms"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/verifier"
)

// A timestamp service's certificate is for timestamps alone and says so critically (RFC 3161 §2.3).
func TestServicesForMoreThanTimestamps(t *testing.T) {
	h := newHouse(t)
	purposes := func(critical bool, list ...pki.OID) pkix.Extension {
		var ids []asn1.ObjectIdentifier
		for _, o := range list {
			ids = append(ids, o.ASN1())
		}
		value, err := asn1.Marshal(ids)
		if err != nil {
			t.Fatal(err)
		}
		return pkix.Extension{Id: pki.OIDExtKeyUsage.ASN1(), Critical: critical, Value: value}
	}
	k := h.person(t)
	for i, tt := range []struct {
		name  string
		ext   []pkix.Extension
		usage x509.KeyUsage
		ok    bool
	}{
		{"alone and critical", []pkix.Extension{purposes(true, pki.OIDTimeStamping)}, x509.KeyUsageDigitalSignature, true},
		{"not critical", []pkix.Extension{purposes(false, pki.OIDTimeStamping)}, x509.KeyUsageDigitalSignature, false},
		{"and for mail", []pkix.Extension{purposes(true, pki.OIDTimeStamping, pki.OIDEmailProtection)}, x509.KeyUsageDigitalSignature, false},
		{"named twice", []pkix.Extension{purposes(true, pki.OIDTimeStamping, pki.OIDTimeStamping)}, x509.KeyUsageDigitalSignature, false},
		{"for any purpose", []pkix.Extension{purposes(true, pki.OIDAnyExtKeyUsage)}, x509.KeyUsageDigitalSignature, false},
		{"for no purpose", nil, x509.KeyUsageDigitalSignature, false},
		{"a key that may not sign", []pkix.Extension{purposes(true, pki.OIDTimeStamping)}, x509.KeyUsageKeyEncipherment, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tsa := certify(t, &x509.Certificate{
				SerialNumber: big.NewInt(int64(9000 + i)), Subject: pkix.Name{CommonName: "Уақыт белгісі"}, NotBefore: day0.Add(-time.Hour), NotAfter: day0.AddDate(1, 0, 0),
				KeyUsage: tt.usage, ExtraExtensions: tt.ext,
			}, h.ca)
			tsa.Chain = []*pki.Certificate{h.ca.Certificate}
			h.pki.UseTSA(tsa)
			q := h.ask()
			q.NoRevocation = true
			r := h.v.Document(t.Context(), sign(t, k, func(o *cms.SignOptions) {
				o.Stamp = func(_ context.Context, signature []byte) ([]byte, error) {
					return h.pki.TimestampTokenBy(pki.OIDSHA256, signature, day0.Add(-time.Minute))
				}
			}), q)
			if proven := r.Signatures[0].SigningTime != nil; proven != tt.ok {
				t.Errorf("a time is proven: %v, want %v", proven, tt.ok)
			}
		})
	}
}

// What a service stamped before it was closed stands for some reasons of revocation, and nothing after it (RFC 3161 §4).
func TestServiceRevokedBeforeAndAfter(t *testing.T) {
	for reason, stands := range map[int]bool{1: false, 2: false, 3: true, 4: true, 5: true, 9: false, 10: false} {
		for _, at := range []time.Duration{-2 * time.Minute, -30 * time.Second} { // before and after the revocation
			h := newHouse(t)
			tsa, err := h.pki.NewTSA(h.ca)
			if err != nil {
				t.Fatal(err)
			}
			h.ca.Revoke(tsa.Certificate, day0.Add(-time.Minute), reason)
			r := h.v.Document(t.Context(), sign(t, h.person(t), h.stamped(day0.Add(at))), h.ask())
			want := stands && at == -2*time.Minute
			if proven := r.Signatures[0].SigningTime != nil; proven != want {
				t.Errorf("reason %d, stamped at %v: a time is proven: %v", reason, at, proven)
			}
		}
	}
}

// circle serves the same or ever new issuers.
type circle struct {
	hanging
	asked atomic.Int32
	next  func() []byte
}

func (c *circle) Get(context.Context, string, int64) ([]byte, error) {
	c.asked.Add(1)
	return c.next(), nil
}

// Issuers that are fetched in a circle, or without end, cost a bounded number of fetches.
func TestIssuersWithoutEnd(t *testing.T) {
	h := newHouse(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	n := int64(0)
	first := native(t, h.ca.Certificate)
	subject := first.RawSubject
	// Each certificate is of the name that was asked for, and names one more above it.
	tower := func() []byte {
		n++
		above := &x509.Certificate{Subject: pkix.Name{CommonName: fmt.Sprint("Қабат ", n)}}
		der, err := testpki.CreateCertificate(&x509.Certificate{
			SerialNumber: big.NewInt(n), RawSubject: subject, NotBefore: day0.Add(-time.Hour), NotAfter: day0.AddDate(1, 0, 0),
			KeyUsage: x509.KeyUsageCertSign, BasicConstraintsValid: true, IsCA: true, SubjectKeyId: first.SubjectKeyId, IssuingCertificateURL: []string{"http://aia.example.kz/next.cer"},
		}, above, key.Public(), key)
		if err != nil {
			t.Error(err)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Error(err)
		}
		subject = c.RawIssuer
		return der
	}
	for name, next := range map[string]func() []byte{
		"without end":            tower,
		"the certificate itself": func() []byte { return h.ca.Certificate.Raw },
		"no certificate":         func() []byte { return []byte("<html>") },
	} {
		web := &circle{next: next}
		o := h.o
		o.Web, o.FetchIssuers = web, true
		q := h.ask()
		q.NoRevocation = true
		k := certify(t, &x509.Certificate{
			SerialNumber: big.NewInt(77), Subject: pkix.Name{CommonName: "Сынақ"}, NotBefore: day0.Add(-time.Hour), NotAfter: day0.AddDate(1, 0, 0),
			KeyUsage: x509.KeyUsageContentCommitment, IssuingCertificateURL: []string{"http://aia.example.kz/first.cer"},
		}, h.ca)
		verifier.New(o).Document(t.Context(), sign(t, k), q)
		if got := web.asked.Load(); got == 0 || got > 8 {
			t.Errorf("%s: fetched %d times", name, got)
		}
	}
}

// Two numbers, or one that only looks like it, belong to nobody, for bodies as for people.
func TestNumbersThatOnlyLookRight(t *testing.T) {
	h := newHouse(t)
	name := func(pairs ...[2]string) []byte {
		var rdns pkix.RDNSequence
		for _, p := range pairs {
			rdns = append(rdns, pkix.RelativeDistinguishedNameSET{{Type: pki.OID(p[0]).ASN1(), Value: p[1]}})
		}
		der, err := asn1.Marshal(rdns)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	const cn, person, unit = string(pki.OIDCommonName), string(pki.OIDSerialNumber), string(pki.OIDOrganizationalUnit)
	who := [2]string{cn, "СЫНАҚ"}
	mine := [2]string{person, "IIN" + iin}
	body := [2]string{unit, "BIN" + bin}
	for _, tt := range []struct {
		name    string
		subject []byte
		key     string
	}{
		{"as the State writes them", name(who, mine, body), ""},
		{"a unit beside the number", name(who, mine, body, [2]string{unit, "Бухгалтерия"}), ""},
		{"prefix of the IIN in lower case", name(who, [2]string{person, "iin" + iin}, body), "holder.iin"},
		{"IIN without a prefix", name(who, [2]string{person, iin}, body), "holder.iin"},
		{"IIN with a space", name(who, [2]string{person, "IIN " + iin}, body), "holder.iin"},
		{"IIN of eleven digits", name(who, [2]string{person, "IIN" + iin[:11]}, body), "holder.iin"},
		{"the right IIN and a Cyrillic one", name(who, mine, [2]string{person, "ІІN880412300003"}, body), "holder.iin"},
		{"two BINs", name(who, mine, body, [2]string{unit, "BIN150940000003"}), "holder.bin"},
		{"BIN in Cyrillic", name(who, mine, [2]string{unit, "ВІN" + bin}), "holder.bin"},
		{"prefix of the BIN in lower case", name(who, mine, [2]string{unit, "bin" + bin}), "holder.bin"},
		{"the BIN as the name", name([2]string{cn, "BIN" + bin}, mine), "holder.bin"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := h.person(t, func(l *testpki.Leaf) { l.RawSubject = tt.subject })
			q := h.ask()
			q.NoRevocation, q.IIN, q.BIN = true, iin, bin
			r := h.v.Document(t.Context(), sign(t, k), q)
			if tt.key == "" {
				expect(t, r, passed, "", "")
				return
			}
			expect(t, r, indeterminate, verifier.ChainConstraintsFailure, tt.key)
		})
	}
}
