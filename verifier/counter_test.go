// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"rastau/internal/cms"
	"rastau/internal/identity"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/verifier"
)

const counterSignature pki.OID = "1.2.840.113549.1.9.6"

// counterInfo is the SignerInfo of a countersignature over a value (RFC 5652 §11.4).
func counterInfo(t testing.TB, over []byte, k *pki.Key) []byte {
	t.Helper()
	return split(t, forgery{key: k, attrs: [][]byte{attribute(pki.OIDMessageDigest, octets(sum(over)))}}.der(t)).signers
}

func TestCountersignatures(t *testing.T) {
	h := newHouse(t)
	k := h.person(t)
	notary := h.person(t, func(l *testpki.Leaf) {
		l.IIN, l.CommonName = identity.NewIIN(time.Date(1971, 5, 6, 0, 0, 0, 0, time.UTC), false, 5), "НОТАРИУС"
	})
	revoked := h.person(t)
	h.ca.Revoke(revoked.Certificate, day0.Add(-10*time.Minute), 1)
	stranger := newHouse(t).person(t)
	der := sign(t, k)
	value := parsed(t, der).Signers[0].Signature
	upon := func(info []byte) []byte { return added(t, der, counterSignature, info) }
	tests := []struct {
		name    string
		der     []byte
		certs   []*pki.Certificate
		outcome verifier.Outcome
		says    string
	}{
		{"good", upon(counterInfo(t, value, notary)), []*pki.Certificate{notary.Certificate}, verifier.Pass, "is valid"},
		{"over something else", upon(counterInfo(t, []byte("another value"), notary)), []*pki.Certificate{notary.Certificate}, verifier.Warn, "does not hold"},
		{"by somebody unknown", upon(counterInfo(t, value, notary)), nil, verifier.Warn, "was not found"},
		{"by somebody not trusted", upon(counterInfo(t, value, stranger)), []*pki.Certificate{stranger.Certificate}, verifier.Warn, "not to be relied on"},
		{"by a revoked certificate", upon(counterInfo(t, value, revoked)), []*pki.Certificate{revoked.Certificate}, verifier.Warn, "was revoked"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q := h.ask()
			q.Certs, q.IIN = tt.certs, iin // of the signer, not of who countersigned
			r := h.v.Document(t.Context(), tt.der, q)
			expect(t, r, passed, "", "")
			checkReport(t, r)
			f := findings(r, "signature.countersignature")
			if len(f) != 1 || f[0].Outcome != tt.outcome || !strings.Contains(f[0].Detail(), tt.says) {
				t.Errorf("%+v, want %s that says %q", f, tt.outcome, tt.says)
			}
		})
	}
	t.Run("upon a countersignature", func(t *testing.T) {
		// An unsigned attribute of the first: [1] SET OF Attribute at its end.
		inner := forgery{key: notary, attrs: [][]byte{attribute(pki.OIDMessageDigest, octets(sum(value)))}}.der(t)
		sd := parsed(t, inner)
		second := counterInfo(t, sd.Signers[0].Signature, k)
		both, err := sd.AddUnsigned(0, cms.Attribute{Type: counterSignature, Values: [][]byte{second}})
		if err != nil {
			t.Fatal(err)
		}
		first := split(t, both).signers
		q := h.ask()
		q.Certs = []*pki.Certificate{notary.Certificate}
		r := h.v.Document(t.Context(), upon(first), q)
		expect(t, r, passed, "", "")
		if f := findings(r, "signature.countersignature"); len(f) != 2 || f[0].Outcome != verifier.Pass || f[1].Outcome != verifier.Pass {
			t.Errorf("%+v", f)
		}
	})
}

func findings(r *verifier.Report, key string) []verifier.Finding {
	var out []verifier.Finding
	for _, s := range r.Signatures {
		for _, f := range s.Findings {
			if f.Key == key {
				out = append(out, f)
			}
		}
	}
	for _, f := range r.Findings {
		if f.Key == key {
			out = append(out, f)
		}
	}
	return out
}

// Signed mail is judged by its own part, whatever else is shown with it.
func TestMail(t *testing.T) {
	h := newHouse(t)
	k := h.person(t)
	part := "Content-Type: text/plain; charset=utf-8\r\n\r\nӨтініш\r\n"
	mail := func(part, signed string) []byte {
		der := sign(t, k, detached, func(o *cms.SignOptions) { o.Content = []byte(signed) })
		return []byte("From: a@example.kz\r\nMIME-Version: 1.0\r\n" +
			"Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256; boundary=\"b\"\r\n\r\n" +
			"--b\r\n" + part + "\r\n--b\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
			base64.StdEncoding.EncodeToString(der) + "\r\n--b--\r\n")
	}
	opaque := []byte("MIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime; smime-type=signed-data\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
		base64.StdEncoding.EncodeToString(sign(t, k)) + "\r\n")
	expect(t, h.v.Document(t.Context(), opaque, h.ask()), passed, "", "")
	r := h.v.Document(t.Context(), mail(part, part), h.ask())
	expect(t, r, passed, "", "")
	checkReport(t, r)
	expect(t, h.v.Document(t.Context(), mail(part, "another part"), h.ask()), refuted, verifier.HashFailure, "signature.digest")
	q := h.ask()
	q.Content = reader([]byte("another part"))
	r = h.v.Document(t.Context(), mail(part, "another part"), q)
	expect(t, r, refuted, verifier.HashFailure, "signature.digest")
	if f := findings(r, "input.content"); len(f) != 1 || f[0].Outcome != verifier.Warn {
		t.Errorf("%+v", f)
	}
	// What opens as a PDF is judged as one: around the two parts nothing is signed.
	r = h.v.Document(t.Context(), append([]byte("X: %PDF-1.7\r\n"), mail(part, part)...), h.ask())
	expect(t, r, refuted, verifier.FormatFailure, "document.format")
}
