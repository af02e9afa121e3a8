// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"crypto/sha1"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/cms"
	"rastau/internal/pdf"
	"rastau/internal/phrase"
	"rastau/verifier"
)

// signedAs signs a page with a CMS of the test's own making.
func signedAs(t testing.TB, filter string, cms func(signed []byte) []byte) []byte {
	t.Helper()
	p, err := pdf.Prepare(page(t), pdf.PrepareOptions{SubFilter: filter})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := io.ReadAll(p.Signed())
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.Embed(cms(signed))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// together puts the signers and certificates of two messages over one content into one.
func together(t testing.TB, a, b []byte) []byte {
	t.Helper()
	parts := func(der []byte) [][]byte {
		in := cryptobyte.String(der)
		var outer, content, signed cryptobyte.String
		if !in.ReadASN1(&outer, asn1.SEQUENCE) || !outer.SkipASN1(asn1.OBJECT_IDENTIFIER) || !outer.ReadASN1(&content, zero) ||
			!content.ReadASN1(&signed, asn1.SEQUENCE) {
			t.Fatal("not a SignedData")
		}
		return each(signed)
	}
	join := func(x, y []byte) []byte {
		bx, by := cryptobyte.String(x), cryptobyte.String(y)
		var cx, cy cryptobyte.String
		var tag asn1.Tag
		bx.ReadAnyASN1(&cx, &tag)
		by.ReadAnyASN1(&cy, &tag)
		var out cryptobyte.Builder
		out.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes(cx); b.AddBytes(cy) })
		return out.BytesOrPanic()
	}
	pa, pb := parts(a), parts(b)
	pa[3], pa[len(pa)-1] = join(pa[3], pb[3]), join(pa[len(pa)-1], pb[len(pb)-1])
	return sequence(oid("1.2.840.113549.1.7.2"), explicit(0, sequence(pa...)))
}

// What programs write into PDFs beside what the standard asks for.
func TestPDFForms(t *testing.T) {
	tests := []struct {
		name, filter string
		make         func(t *testing.T, h *house, signed []byte) []byte
		indication   verifier.Indication
		sub          verifier.SubIndication
		key, intact  string
		signatures   int
	}{
		{"two signers in one field", "adbe.pkcs7.detached", func(t *testing.T, h *house, signed []byte) []byte {
			apart := func(o *cms.SignOptions) { o.Content, o.Detached = signed, true }
			return together(t, sign(t, h.person(t), apart), sign(t, h.person(t), apart))
		}, passed, "", "", "true", 2},
		{"two signers in one field, one of other bytes", "adbe.pkcs7.detached", func(t *testing.T, h *house, signed []byte) []byte {
			apart := func(o *cms.SignOptions) { o.Content, o.Detached = signed, true }
			other := func(o *cms.SignOptions) { o.Content, o.Detached = []byte("other"), true }
			return together(t, sign(t, h.person(t), apart), sign(t, h.person(t), other))
		}, refuted, verifier.HashFailure, "signature.digest", "false", 2},
		{"attributes signed as they were sent", "adbe.pkcs7.detached", func(t *testing.T, h *house, signed []byte) []byte {
			good := signedAttributes(signed)
			return forgery{key: h.person(t), attrs: [][]byte{good[1], good[0]}}.der(t)
		}, indeterminate, verifier.SigConstraintsFailure, "signature.attributes", "true", 1},
		{"the digest of the page as content, the page signed", "adbe.pkcs7.detached", func(t *testing.T, h *house, signed []byte) []byte {
			d := sha1.Sum(signed)
			return forgery{key: h.person(t), content: holding(d[:]), attrs: signedAttributes(signed)}.der(t)
		}, passed, "", "", "true", 1},
		{"the digest of another page as content, the page signed", "adbe.pkcs7.detached", func(t *testing.T, h *house, signed []byte) []byte {
			d := sha1.Sum([]byte("other"))
			return forgery{key: h.person(t), content: holding(d[:]), attrs: signedAttributes(signed)}.der(t)
		}, refuted, verifier.FormatFailure, "document.format", "false", 1},
		{"the digest of the page as content, and that signed", "adbe.pkcs7.detached", func(t *testing.T, h *house, signed []byte) []byte {
			d := sha1.Sum(signed)
			return forgery{key: h.person(t), content: holding(d[:]), attrs: signedAttributes(d[:])}.der(t)
		}, refuted, verifier.HashFailure, "signature.digest", "false", 1},
		{"no CMS", "ETSI.CAdES.detached", func(t *testing.T, h *house, signed []byte) []byte { return []byte("0\x03abc") },
			refuted, verifier.FormatFailure, "document.signature", "null", 0},
		{"an old sub-filter", "adbe.x509.rsa_sha1", func(t *testing.T, h *house, signed []byte) []byte { return []byte("0\x03abc") },
			indeterminate, verifier.CryptoConstraintsFailure, "document.format", "null", 1},
		{"SHA-1 of the page", "adbe.pkcs7.sha1", func(t *testing.T, h *house, signed []byte) []byte {
			d := sha1.Sum(signed)
			return sign(t, h.person(t), func(o *cms.SignOptions) { o.Content = d[:] })
		}, indeterminate, verifier.CryptoConstraintsFailure, "signature.algorithm", "true", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t)
			r := h.v.Document(t.Context(), signedAs(t, tt.filter, func(signed []byte) []byte { return tt.make(t, h, signed) }), h.ask())
			expect(t, r, tt.indication, tt.sub, tt.key)
			if got := tristate(r.Intact); got != tt.intact || len(r.Signatures) != tt.signatures {
				t.Errorf("intact %s with %d signatures, want %s with %d", got, len(r.Signatures), tt.intact, tt.signatures)
			}
			checkReport(t, r)
		})
	}
	t.Run("something unreadable beside a good signature", func(t *testing.T) {
		h := newHouse(t)
		p, err := pdf.Prepare(signPDF(t, page(t), h.person(t)), pdf.PrepareOptions{})
		if err != nil {
			t.Fatal(err)
		}
		out, err := p.Embed([]byte("0\x03abc"))
		if err != nil {
			t.Fatal(err)
		}
		r := h.v.Document(t.Context(), out, h.ask())
		expect(t, r, refuted, verifier.FormatFailure, "document.signature")
		if tristate(r.Intact) != "false" {
			t.Errorf("intact %s", tristate(r.Intact))
		}
	})
}

// Every sentence about a change can be told in Kazakh and Russian.
func TestChangesAreTold(t *testing.T) {
	files, err := filepath.Glob("../internal/pdf/*.go")
	if err != nil {
		t.Fatal(err)
	}
	uttered := regexp.MustCompile(`(?m)(?:refuse|allow|show|say|refused)\([^"\n]*"((?:[^"\\]|\\.)+)"`)
	verbs := regexp.MustCompile(`%[a-z]`)
	count := 0
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range uttered.FindAllStringSubmatch(string(source), -1) {
			s := m[1]
			if strings.HasPrefix(s, "%s") {
				continue // put together from sentences that stand elsewhere
			}
			for _, fate := range []string{"replaced", "removed", "added in a place that was empty"} {
				said := strings.TrimRight(verbs.ReplaceAllString(strings.ReplaceAll(strings.TrimSuffix(s, "%s"), "was %s", "was "+fate), "7"), ".")
				if told := phrase.Remark(said); told.KK == said || told.RU == said {
					t.Errorf("%q is told in English alone", said)
				}
				count++
			}
		}
	}
	if count < 100 {
		t.Errorf("only %d sentences found", count)
	}
}
