// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/internal/xmldsig"
	"rastau/verifier"
)

// signXML signs a document as the options say.
func signXML(t testing.TB, k *pki.Key, doc string, change ...func(*xmldsig.SignOptions)) []byte {
	t.Helper()
	o := xmldsig.SignOptions{Key: k.Signer, Certificate: k.Certificate, Chain: k.Chain, SigningTime: day0}
	for _, c := range change {
		c(&o)
	}
	out, err := xmldsig.Sign(context.Background(), []byte(doc), o)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func secured(t testing.TB, k *pki.Key, message string) []byte {
	t.Helper()
	out, err := xmldsig.SignSecurity(context.Background(), []byte(message), xmldsig.SignOptions{Key: k.Signer, Certificate: k.Certificate})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func asXAdES(o *xmldsig.SignOptions) { o.XAdES = true }

func element(id string) func(*xmldsig.SignOptions) {
	return func(o *xmldsig.SignOptions) { o.Element = id }
}

func (h *house) stampedXML(at time.Time) func(*xmldsig.SignOptions) {
	return func(o *xmldsig.SignOptions) {
		o.XAdES = true
		o.Stamp = func(_ context.Context, data []byte) ([]byte, error) { return h.pki.TimestampToken(data, at) }
	}
}

const message = `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><ask xmlns="urn:kz:gbd">Сұрау</ask></soap:Body></soap:Envelope>`

func TestXMLVerdicts(t *testing.T) {
	h := newHouse(t)
	k, other := h.person(t), h.person(t)
	const doc = `<application>Өтініш</application>`
	tests := []struct {
		name       string
		data       []byte
		indication verifier.Indication
		sub        verifier.SubIndication
		key        string
		intact     bool
		levels     string
	}{
		{"as NCALayer signs", signXML(t, k, doc), passed, "", "", true, "none"},
		{"XAdES-B", signXML(t, k, doc, asXAdES), passed, "", "", true, "B"},
		{"XAdES-T", signXML(t, k, doc, h.stampedXML(day0)), passed, "", "", true, "T"},
		{"two signers", signXML(t, other, string(signXML(t, k, doc)), asXAdES), passed, "", "", true, "none B"},
		{"the one element", signXML(t, k, `<root><a Id="part"><x>1</x></a></root>`, element("part")), passed, "", "", true, "none"},
		{"one element of two", signXML(t, k, `<root><a Id="part"><x>1</x></a><b/></root>`, element("part")), indeterminate, verifier.SigConstraintsFailure, "signature.scope", true, "none"},
		{"WS-Security", secured(t, k, message), passed, "", "", true, "none"},
		{"altered", bytes.Replace(signXML(t, k, doc), []byte("Өтініш"), []byte("Өтiніш"), 1), refuted, verifier.HashFailure, "signature.digest", false, "none"},
		{"altered message", bytes.Replace(secured(t, k, message), []byte("Сұрау"), []byte("Сурау"), 1), refuted, verifier.HashFailure, "signature.digest", false, "none"},
		{"altered by the second signer's standards alone", bytes.Replace(signXML(t, other, string(signXML(t, k, doc))), []byte("X509Data"), []byte("X509data"), 4), refuted, verifier.HashFailure, "signature.digest", false, "none none"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := h.v.Document(t.Context(), tt.data, h.knowing())
			expect(t, r, tt.indication, tt.sub, tt.key)
			if r.Intact == nil || *r.Intact != tt.intact {
				t.Errorf("intact %v, want %v", r.Intact, tt.intact)
			}
			var levels []string
			for _, s := range r.Signatures {
				levels = append(levels, s.Level)
				if tt.intact && s.Signer == nil || s.Signer != nil && (s.Signer.IIN == nil || *s.Signer.IIN != iin) {
					t.Errorf("signer %+v", s.Signer)
				}
			}
			if got := strings.Join(levels, " "); got != tt.levels {
				t.Errorf("levels %q, want %q", got, tt.levels)
			}
		})
	}
	t.Run("another person's", func(t *testing.T) {
		q := h.ask()
		q.IIN = "000000000000"
		expect(t, h.v.Document(t.Context(), signXML(t, k, doc), q), indeterminate, verifier.ChainConstraintsFailure, "holder.iin")
	})
	t.Run("expired since, stamped before", func(t *testing.T) {
		short := h.person(t, func(l *testpki.Leaf) { l.NotBefore, l.NotAfter = day0.Add(-time.Hour), day0.Add(time.Hour) })
		plain, stamped := signXML(t, short, doc, asXAdES), signXML(t, short, doc, h.stampedXML(day0))
		h.pass(2 * time.Hour)
		q := h.ask()
		expect(t, h.v.Document(t.Context(), plain, q), indeterminate, verifier.OutOfBoundsNoPOE, "cert.validity")
		expect(t, h.v.Document(t.Context(), stamped, q), indeterminate, verifier.TryLater, "cert.revocation")
		h.pki.KeepArchive()
		r := h.v.Document(t.Context(), stamped, q)
		expect(t, r, passed, "", "")
		if r.Signatures[0].SigningTime == nil || !r.Signatures[0].SigningTime.Equal(day0) {
			t.Errorf("signing time %v", r.Signatures[0].SigningTime)
		}
	})
}

// knowing is the ordinary question with the authority's certificate at hand: WS-Security carries the signer's alone.
func (h *house) knowing() verifier.Question {
	q := h.ask()
	q.Certs = []*pki.Certificate{h.ca.Certificate}
	return q
}

// longTerm adds validation data and archive time-stamps, as EN 319 132-1 §5.4, §5.5 have them.
func (h *house) longTerm(t testing.TB, signed []byte, archived ...time.Time) []byte {
	t.Helper()
	b64 := base64.StdEncoding.EncodeToString
	answer, err := h.ca.OCSP(h.leafOf(t, signed), testpki.OCSPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	lists := ""
	for _, ca := range []*testpki.CA{h.ca, h.pki.Root()} {
		der, err := ca.CRL(testpki.CRLOptions{})
		if err != nil {
			t.Fatal(err)
		}
		lists += "<xades:EncapsulatedCRLValue>" + b64(der) + "</xades:EncapsulatedCRLValue>"
	}
	const end = "</xades:UnsignedSignatureProperties>"
	values := fmt.Sprintf("<xades:CertificateValues><xades:EncapsulatedX509Certificate>%s</xades:EncapsulatedX509Certificate></xades:CertificateValues>"+
		"<xades:RevocationValues><xades:CRLValues>%s</xades:CRLValues><xades:OCSPValues><xades:EncapsulatedOCSPValue>%s</xades:EncapsulatedOCSPValue></xades:OCSPValues></xades:RevocationValues>",
		b64(h.ca.Certificate.Raw), lists, b64(answer))
	out := strings.Replace(string(signed), end, values+end, 1)
	for _, at := range archived {
		stamp := func(token []byte) string {
			return strings.Replace(out, end, fmt.Sprintf(`<a:ArchiveTimeStamp xmlns:a="http://uri.etsi.org/01903/v1.4.1#"><ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>`+
				`<a:EncapsulatedTimeStamp>%s</a:EncapsulatedTimeStamp></a:ArchiveTimeStamp>`, b64(token))+end, 1)
		}
		d, err := xmldsig.Parse([]byte(stamp([]byte{0})), xmldsig.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		s := d.Signatures()[0]
		if s.Problem != nil {
			t.Fatal(s.Problem)
		}
		input, err := s.ArchiveInput(s.Properties.Archive[len(s.Properties.Archive)-1])
		if err != nil {
			t.Fatal(err)
		}
		token, err := h.pki.TimestampToken(input, at)
		if err != nil {
			t.Fatal(err)
		}
		out = stamp(token)
	}
	return []byte(out)
}

func (h *house) leafOf(t testing.TB, signed []byte) *pki.Certificate {
	t.Helper()
	d, err := xmldsig.Parse(signed, xmldsig.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return d.Signatures()[0].Certificate(nil)
}

// The levels are told by the material.
func TestXMLLongTerm(t *testing.T) {
	h := newHouse(t)
	k := h.person(t)
	stamped := signXML(t, k, `<application>Өтініш</application>`, h.stampedXML(day0))
	q := h.ask()
	q.Offline, q.At = true, day0.Add(time.Hour)
	lt := h.longTerm(t, stamped)
	lta := h.longTerm(t, stamped, day0.Add(time.Minute), day0.Add(2*time.Minute))
	for level, doc := range map[string][]byte{"LT": lt, "LTA": lta} {
		r := h.v.Document(t.Context(), doc, q)
		expect(t, r, passed, "", "")
		if got := r.Signatures[0].Level; got != level {
			t.Errorf("level %s, want %s", got, level)
		}
	}
	// A letter of what the archive time-stamp covers changed: it proves nothing any more.
	spoiled := bytes.Replace(lta, []byte("<xades:CertificateValues>"), []byte(`<xades:CertificateValues Id="x">`), 1)
	if r := h.v.Document(t.Context(), spoiled, q); r.Signatures[0].Level == "LTA" {
		t.Error("LTA although what it covers was changed")
	}
}
