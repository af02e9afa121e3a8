// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/pem"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"rastau/crl"
	"rastau/internal/cms"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/verifier"
)

// What other libraries are known to let through, as whole documents. None of them
// may pass, and the good one beside them must.
func TestForgedDocuments(t *testing.T) {
	h := newHouse(t)
	k := h.person(t)
	stranger := h.person(t)
	essOf := func(c *pki.Certificate) []byte {
		var b cryptobyte.Builder
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1OctetString(sum(c.Raw)) })
			})
		})
		return attribute(pki.OIDSigningCertificateV2, b.BytesOrPanic())
	}
	good := signedAttributes(statement)
	old := sha1.Sum(statement)
	tests := []struct {
		name       string
		f          forgery
		indication verifier.Indication
		sub        verifier.SubIndication
		key        string
	}{
		{"nothing wrong", forgery{content: holding(statement), attrs: append(good[:2:2], essOf(k.Certificate))}, passed, "", ""},
		{"attributes shown as the document", forgery{content: holding(set(good)), signs: set(good)},
			refuted, verifier.FormatFailure, "signature.attributes"},
		{"content type exchanged", forgery{content: holding(statement), contentType: "1.2.840.113549.1.9.16.1.4", attrs: good},
			refuted, verifier.FormatFailure, "signature.attributes"},
		{"content type attribute missing", forgery{content: holding(statement), attrs: good[1:]},
			refuted, verifier.FormatFailure, "signature.attributes"},
		{"message digest missing", forgery{content: holding(statement), attrs: good[:1]},
			refuted, verifier.FormatFailure, "signature.attributes"},
		{"message digest twice", forgery{content: holding(statement), attrs: [][]byte{good[0], good[1], good[1]}},
			refuted, verifier.FormatFailure, "signature.attributes"},
		{"message digest with two values", forgery{content: holding(statement), attrs: [][]byte{good[0],
			attribute(pki.OIDMessageDigest, octets(sum(statement)), octets(sum([]byte("other"))))}},
			refuted, verifier.FormatFailure, "signature.attributes"},
		{"SHA-1 digest under a SHA-256 signature", forgery{content: holding(statement), digest: pki.OIDSHA1,
			attrs: [][]byte{good[0], attribute(pki.OIDMessageDigest, octets(old[:]))}},
			indeterminate, verifier.CryptoConstraintsFailure, "signature.algorithm"},
		{"RSA named over an EC key", forgery{content: holding(statement), attrs: good, alg: pki.OIDSHA256WithRSA},
			indeterminate, verifier.CryptoConstraintsFailure, "signature.algorithm"},
		{"attributes in another order than DER's, and signed so", forgery{content: holding(statement), attrs: [][]byte{good[1], good[0]}},
			refuted, verifier.SigCryptoFailure, "signature.value"},
		{"attributes in another order than DER's", forgery{content: holding(statement), attrs: [][]byte{good[1], good[0]}, signs: set(good)},
			indeterminate, verifier.SigConstraintsFailure, "signature.attributes"},
		{"bytes after the message", forgery{content: holding(statement), attrs: good, trailing: []byte("more")},
			refuted, verifier.FormatFailure, "document.format"},
		{"reference to another certificate", forgery{content: holding(statement), attrs: append(good[:2:2], essOf(stranger.Certificate))},
			indeterminate, verifier.NoSigningCertificateFound, "signature.certificate"},
		{"first chunk signed, two shown", forgery{content: func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.OCTET_STRING.Constructed(), func(b *cryptobyte.Builder) {
				b.AddASN1OctetString(statement)
				b.AddASN1OctetString([]byte(" And more."))
			})
		}, attrs: good}, refuted, verifier.HashFailure, "signature.digest"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := tt.f
			f.key = k
			r := h.v.Document(t.Context(), f.der(t), h.ask())
			expect(t, r, tt.indication, tt.sub, tt.key)
			checkReport(t, r)
		})
	}
}

// The signer's own claimed time never becomes the time judged.
func TestClaimedTimeProvesNothing(t *testing.T) {
	h := newHouse(t)
	k := h.person(t, func(l *testpki.Leaf) {
		l.NotBefore, l.NotAfter = day0.Add(-2*time.Hour), day0.Add(-time.Hour)
	})
	q := h.ask()
	q.NoRevocation = true
	der := sign(t, k) // claims day0
	r := h.v.Document(t.Context(), der, q)
	expect(t, r, indeterminate, verifier.OutOfBoundsNoPOE, "cert.validity")
	if s := r.Signatures[0]; s.SigningTime != nil || s.ClaimedTime == nil {
		t.Errorf("signing time %v, claimed time %v", s.SigningTime, s.ClaimedTime)
	}
}

// OCSP answers that a parser alone accepts. None may make a certificate good.
func TestForgedAnswers(t *testing.T) {
	h := newHouse(t)
	k := h.person(t)
	ordinary := h.person(t)
	other, err := h.pki.NewCA("Басқа орталық")
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := other.Issue(testpki.Leaf{OCSPSigning: true, NoCheck: true})
	if err != nil {
		t.Fatal(err)
	}
	rootList := list(t, h.pki.Root(), testpki.CRLOptions{})
	tests := []struct {
		name   string
		o      testpki.OCSPOptions
		passes bool
	}{
		{"by the delegate", testpki.OCSPOptions{}, true},
		{"by the authority itself", testpki.OCSPOptions{ByCA: true}, true},
		{"without nextUpdate", testpki.OCSPOptions{NoNextUpdate: true}, true},
		{"by an ordinary certificate", testpki.OCSPOptions{Signer: ordinary}, false},
		{"by another authority's delegate", testpki.OCSPOptions{Signer: foreign}, false},
		{"of another issuer", testpki.OCSPOptions{WrongIssuer: other}, false},
		{"nextUpdate a year ago", testpki.OCSPOptions{ThisUpdate: day0.AddDate(-1, 0, -1), NextUpdate: day0.AddDate(-1, 0, 0)}, false},
		{"old, without nextUpdate", testpki.OCSPOptions{ThisUpdate: day0.Add(-13 * time.Hour), NoNextUpdate: true}, false},
		{"from the future", testpki.OCSPOptions{ThisUpdate: day0.Add(time.Hour), NextUpdate: day0.Add(2 * time.Hour)}, false},
		{"unknown", testpki.OCSPOptions{Status: "unknown"}, false},
		{"not issued", testpki.OCSPOptions{Status: "not-issued"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q := h.ask()
			q.Offline = true
			q.Lists = []*crl.List{rootList}
			q.Certs = []*pki.Certificate{h.ca.Certificate}
			q.OCSPs = [][]byte{answer(t, h.ca, k.Certificate, tt.o)}
			r := h.v.Certificate(t.Context(), k.Certificate, q)
			if tt.passes {
				expect(t, r, passed, "", "")
			} else {
				expect(t, r, indeterminate, verifier.TryLater, "cert.revocation")
			}
			checkReport(t, r)
		})
	}
}

// Where two sources disagree, the revocation wins; "not issued" is no "good"
// whatever a list leaves out.
func TestSourcesDisagree(t *testing.T) {
	h := newHouse(t)
	k := h.person(t)
	clean := list(t, h.ca, testpki.CRLOptions{})
	q := h.ask()
	q.Offline = true
	q.Certs = []*pki.Certificate{h.ca.Certificate}
	root := list(t, h.pki.Root(), testpki.CRLOptions{})
	good := answer(t, h.ca, k.Certificate, testpki.OCSPOptions{})
	unissued := answer(t, h.ca, k.Certificate, testpki.OCSPOptions{Status: "not-issued"})
	h.ca.Revoke(k.Certificate, day0.Add(-time.Minute), 1)
	revokedList := list(t, h.ca, testpki.CRLOptions{})
	revokedAnswer := answer(t, h.ca, k.Certificate, testpki.OCSPOptions{})
	for _, tt := range []struct {
		name   string
		list   *crl.List
		answer []byte
		sub    verifier.SubIndication
	}{
		{"good by both", clean, good, ""},
		{"revoked by OCSP", clean, revokedAnswer, verifier.Revoked},
		{"revoked by list", revokedList, good, verifier.Revoked},
		{"not issued by OCSP, not listed", clean, unissued, verifier.TryLater},
		{"not issued by OCSP, listed", revokedList, unissued, verifier.Revoked},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q := q
			q.Lists, q.OCSPs = []*crl.List{tt.list, root}, [][]byte{tt.answer}
			r := h.v.Certificate(t.Context(), k.Certificate, q)
			if r.SubIndication != tt.sub {
				t.Errorf("%v/%s, want %q", r.Indication, r.SubIndication, tt.sub)
			}
		})
	}
}

// A list signed by somebody else, and answers that only the network could have
// replayed, are worth nothing.
func TestForgedList(t *testing.T) {
	h := newHouse(t)
	k := h.person(t)
	q := h.ask()
	q.Offline = true
	q.Certs = []*pki.Certificate{h.ca.Certificate}
	q.Lists = []*crl.List{list(t, h.pki.Root(), testpki.CRLOptions{}), list(t, h.ca, testpki.CRLOptions{Signer: h.person(t)})}
	r := h.v.Certificate(t.Context(), k.Certificate, q)
	expect(t, r, indeterminate, verifier.TryLater, "cert.revocation")
}

// A replayed OCSP answer carries another nonce than was sent.
func TestReplayedAnswer(t *testing.T) {
	h := newHouse(t)
	k := h.person(t)
	replay := answer(t, h.ca, k.Certificate, testpki.OCSPOptions{Nonce: bytes.Repeat([]byte{7}, 32)})
	v := verifier.New(verifier.Options{Now: h.clock, Web: replayer{replay}})
	q := h.ask()
	q.Certs = []*pki.Certificate{h.ca.Certificate}
	q.Lists = []*crl.List{list(t, h.pki.Root(), testpki.CRLOptions{})}
	r := v.Certificate(t.Context(), k.Certificate, q)
	expect(t, r, indeterminate, verifier.TryLater, "cert.revocation")
}

type replayer struct{ der []byte }

func (r replayer) Get(context.Context, string, int64) ([]byte, error) { return r.der, nil }
func (r replayer) Post(context.Context, string, string, []byte, int64) ([]byte, error) {
	return r.der, nil
}

// Holders: numbers alone are compared, and only where exactly one well-formed one stands.
func TestHolders(t *testing.T) {
	h := newHouse(t)
	name := func(serials ...string) []byte {
		var b cryptobyte.Builder
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			add := func(o pki.OID, value string) {
				b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) {
					b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
						pki.AddOID(b, o)
						b.AddASN1(asn1.UTF8String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(value)) })
					})
				})
			}
			add(pki.OIDCommonName, "СЫНАҚОВ СЫНАҚ")
			for _, s := range serials {
				add(pki.OIDSerialNumber, s)
			}
		})
		return b.BytesOrPanic()
	}
	last := iin[:11] + string('0'+(iin[11]-'0'+1)%10) // a wrong check digit
	for _, tt := range []struct {
		name    string
		subject []byte
		want    string
		key     string // decides; "" passes
		digit   verifier.Outcome
	}{
		{"the same", name("IIN" + iin), iin, "", verifier.Pass},
		{"another", name("IIN" + iin), "880412300003", "holder.iin", verifier.Pass},
		{"two", name("IIN"+iin, "IIN"+iin[:11]+"0"), iin, "holder.iin", verifier.Unknown},
		{"Cyrillic look-alikes", name("ІІN" + iin), iin, "holder.iin", verifier.Unknown},
		{"none", name(), iin, "holder.iin", verifier.Unknown},
		{"wrong check digit", name("IIN" + last), last, "", verifier.Warn},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := h.person(t, func(l *testpki.Leaf) { l.RawSubject = tt.subject })
			q := h.ask()
			q.NoRevocation, q.IIN = true, tt.want
			r := h.v.Document(t.Context(), sign(t, k), q)
			if tt.key == "" {
				expect(t, r, passed, "", "")
			} else {
				expect(t, r, indeterminate, verifier.ChainConstraintsFailure, tt.key)
			}
			for _, f := range r.Signatures[0].Findings {
				if f.Key == "holder.checkdigit" && f.Outcome != tt.digit {
					t.Errorf("check digit: %s, want %s", f.Outcome, tt.digit)
				}
			}
		})
	}
}

// Detection by content: the same signature as DER, PEM and base64.
func TestEncodings(t *testing.T) {
	h := newHouse(t)
	der := sign(t, h.person(t))
	for name, data := range map[string][]byte{
		"DER":           der,
		"PEM CMS":       pem.EncodeToMemory(&pem.Block{Type: "CMS", Bytes: der}),
		"PEM PKCS7":     pem.EncodeToMemory(&pem.Block{Type: "PKCS7", Bytes: der}),
		"base64":        []byte(base64.StdEncoding.EncodeToString(der)),
		"base64 + line": []byte(base64.StdEncoding.EncodeToString(der) + "\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			r := h.v.Document(t.Context(), data, h.ask())
			expect(t, r, passed, "", "")
			if r.Format != "cms" {
				t.Errorf("format %q", r.Format)
			}
		})
	}
}

// A signed PDF inside a CMS file is content, not the file; a PDF that starts with a
// digit is a PDF.
func TestDetection(t *testing.T) {
	h := newHouse(t)
	k := h.person(t)
	for name, tt := range map[string]struct {
		data   []byte
		format string
	}{
		"a PDF inside CMS":      {sign(t, k, func(o *cms.SignOptions) { o.Content = page(t) }), "cms"},
		"a PDF after a digit":   {append([]byte("0\n"), page(t)...), "pdf"},
		"XML":                   {[]byte("<a xmlns=\"urn:x\"/>"), "xml"},
		"less than, not XML":    {[]byte("< 5"), "none"},
		"CMS of another kind":   {[]byte("0\x1a\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03\xa0\x0d0\x0b\x02\x01\x000\x06\x06\x01\x00\x06\x01\x00"), "cms"},
		"a certificate instead": {k.Certificate.Raw, "none"},
	} {
		t.Run(name, func(t *testing.T) {
			q := h.ask()
			q.NoRevocation = true
			r := h.v.Document(t.Context(), tt.data, q)
			if r.Format != tt.format {
				t.Errorf("format %q, want %q", r.Format, tt.format)
			}
			if name != "a PDF inside CMS" && r.Indication == passed {
				t.Error("passed")
			}
		})
	}
}
