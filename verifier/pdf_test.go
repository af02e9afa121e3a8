// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"codeberg.org/go-pdf/fpdf"

	"rastau/internal/cms"
	"rastau/internal/pdf"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/verifier"
)

// page is a plain PDF of one page.
func page(t testing.TB) []byte {
	t.Helper()
	f := fpdf.New("P", "mm", "A4", "")
	f.SetCreationDate(day0)
	f.SetModificationDate(day0)
	f.AddPage()
	f.SetFont("Helvetica", "", 14)
	f.Text(20, 30, "LICENCE ZZZ")
	var b bytes.Buffer
	if err := f.Output(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func signPDF(t testing.TB, document []byte, k *pki.Key, change ...func(*cms.SignOptions)) []byte {
	t.Helper()
	p, err := pdf.Prepare(document, pdf.PrepareOptions{})
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(p.Signed())
	if err != nil {
		t.Fatal(err)
	}
	der := sign(t, k, append([]func(*cms.SignOptions){func(o *cms.SignOptions) {
		o.Content, o.Detached, o.SigningTime = content, true, time.Time{}
	}}, change...)...)
	out, err := p.Embed(der)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// stampPDF appends a document timestamp.
func stampPDF(t testing.TB, h *house, document []byte, at time.Time) []byte {
	t.Helper()
	p, err := pdf.Prepare(document, pdf.PrepareOptions{SubFilter: "ETSI.RFC3161"})
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(p.Signed())
	if err != nil {
		t.Fatal(err)
	}
	token, err := h.pki.TimestampToken(content, at)
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.Embed(token)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestPDFVerdicts(t *testing.T) {
	tests := []struct {
		name       string
		make       func(t *testing.T, h *house) []byte
		indication verifier.Indication
		sub        verifier.SubIndication
		key        string
		intact     string
		signatures int
	}{
		{"good", func(t *testing.T, h *house) []byte { return signPDF(t, page(t), h.person(t)) }, passed, "", "", "true", 1},
		{"two signers", func(t *testing.T, h *house) []byte {
			return signPDF(t, signPDF(t, page(t), h.person(t)), h.person(t))
		}, passed, "", "", "true", 2},
		{"no signature", func(t *testing.T, h *house) []byte { return page(t) },
			indeterminate, verifier.NoSignatureFound, "document.signature", "null", 0},
		{"one byte changed", func(t *testing.T, h *house) []byte {
			out := signPDF(t, page(t), h.person(t))
			i := bytes.Index(out, []byte("/MediaBox")) + len("/MediaBox [0 0 5")
			out[i] = '0' + (out[i]-'0'+1)%10
			return out
		}, refuted, verifier.HashFailure, "signature.digest", "false", 1},
		{"bytes behind the signed revision", func(t *testing.T, h *house) []byte {
			return append(signPDF(t, page(t), h.person(t)), "\n% a remark\n%%EOF\n"...)
		}, refuted, verifier.FormatFailure, "document.revision", "false", 1},
		{"content inside the signature", func(t *testing.T, h *house) []byte {
			return signPDF(t, page(t), h.person(t), func(o *cms.SignOptions) { o.Detached = false })
		}, refuted, verifier.FormatFailure, "document.format", "false", 1},
		{"signature of another document", func(t *testing.T, h *house) []byte {
			return signPDF(t, page(t), h.person(t), func(o *cms.SignOptions) { o.Content = []byte("another") })
		}, refuted, verifier.HashFailure, "signature.digest", "false", 1},
		{"authentication certificate", func(t *testing.T, h *house) []byte {
			return signPDF(t, page(t), h.person(t, func(l *testpki.Leaf) { l.Auth = true }))
		}, indeterminate, verifier.ChainConstraintsFailure, "cert.purpose", "true", 1},
		{"document timestamp after", func(t *testing.T, h *house) []byte {
			return stampPDF(t, h, signPDF(t, page(t), h.person(t)), day0.Add(-time.Minute))
		}, passed, "", "", "true", 1},
		{"revoked since, and a document timestamp from before", func(t *testing.T, h *house) []byte {
			k := h.person(t)
			h.ca.Revoke(k.Certificate, day0.Add(-time.Minute), 1)
			return stampPDF(t, h, signPDF(t, page(t), k), day0.Add(-2*time.Minute))
		}, passed, "", "", "true", 1},
		{"bytes in the gap of the signature", func(t *testing.T, h *house) []byte {
			return fillGap(t, signPDF(t, page(t), h.person(t)), 0)
		}, refuted, verifier.FormatFailure, "document.revision", "false", 1},
		{"bytes in the gap, and a timestamp over them", func(t *testing.T, h *house) []byte {
			return stampPDF(t, h, fillGap(t, signPDF(t, page(t), h.person(t)), 0), day0.Add(-time.Minute))
		}, refuted, verifier.FormatFailure, "document.revision", "false", 1},
		{"bytes in the gap of a later signature", func(t *testing.T, h *house) []byte {
			return fillGap(t, signPDF(t, signPDF(t, page(t), h.person(t)), h.person(t)), 1)
		}, refuted, verifier.FormatFailure, "document.revision", "false", 2},
		{"bytes in the gap of a document timestamp", func(t *testing.T, h *house) []byte {
			return fillGap(t, stampPDF(t, h, signPDF(t, page(t), h.person(t)), day0.Add(-time.Minute)), 1)
		}, refuted, verifier.FormatFailure, "document.revision", "false", 1},
		{"document timestamp alone", func(t *testing.T, h *house) []byte {
			return stampPDF(t, h, page(t), day0.Add(-time.Minute))
		}, indeterminate, verifier.NoSignatureFound, "document.signature", "null", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t)
			r := h.v.Document(t.Context(), tt.make(t, h), h.ask())
			expect(t, r, tt.indication, tt.sub, tt.key)
			if got := tristate(r.Intact); got != tt.intact {
				t.Errorf("intact %s, want %s", got, tt.intact)
			}
			if len(r.Signatures) != tt.signatures || r.Format != "pdf" {
				t.Errorf("%d signatures in %s, want %d in pdf", len(r.Signatures), r.Format, tt.signatures)
			}
			checkReport(t, r)
		})
	}
}

// fillGap writes into the zeros behind the value in the gap of signature i.
func fillGap(t testing.TB, document []byte, i int) []byte {
	t.Helper()
	doc, err := pdf.Open(document, pdf.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	end := doc.Signatures()[i].ByteRange[2] - 1
	out := bytes.Clone(document)
	if out[end] != '>' || !bytes.Equal(out[end-40:end], bytes.Repeat([]byte("0"), 40)) {
		t.Fatalf("no padding in the gap: %s", out[end-40:end+1])
	}
	copy(out[end-40:end], "6e6f626f6479207369676e6564207468697321ff")
	return out
}

// Whoever signed before somebody else's gap was filled is told of it too.
func TestGapIsTold(t *testing.T) {
	h := newHouse(t)
	document := fillGap(t, signPDF(t, signPDF(t, page(t), h.person(t)), h.person(t)), 1)
	for _, s := range h.v.Document(t.Context(), document, h.ask()).Signatures {
		if s.Indication != refuted || s.SubIndication != verifier.FormatFailure || tristate(s.Intact) != "false" {
			t.Errorf("%s: %s/%s, intact %s", s.Field, s.Indication, s.SubIndication, tristate(s.Intact))
		}
	}
}

func TestDocumentTimestampProves(t *testing.T) {
	h := newHouse(t)
	at := day0.Add(-time.Minute)
	r := h.v.Document(t.Context(), stampPDF(t, h, signPDF(t, page(t), h.person(t)), at), h.ask())
	if s := r.Signatures[0]; s.SigningTime == nil || !s.SigningTime.Equal(at) || s.Level != "T" {
		t.Errorf("signing time %v, level %s", s.SigningTime, s.Level)
	}
}

// CheckSigned is the last look before a signature leaves the house.
func TestCheckSigned(t *testing.T) {
	h := newHouse(t)
	k, other := h.person(t), h.person(t)
	attached, apart := sign(t, k), sign(t, k, detached)
	document := signPDF(t, page(t), k)
	broken := bytes.Clone(attached)
	broken[len(broken)-1] ^= 1
	tests := []struct {
		name, kind      string
		signed, content []byte
		by              *pki.Certificate
		ok              bool
	}{
		{"attached", "cades", attached, statement, k.Certificate, true},
		{"detached", "cades-detached", apart, statement, k.Certificate, true},
		{"PDF", "pades", document, nil, k.Certificate, true},
		{"by another", "cades", attached, statement, other.Certificate, false},
		{"of other content", "cades", attached, []byte("other"), k.Certificate, false},
		{"detached, of other content", "cades-detached", apart, []byte("other"), k.Certificate, false},
		{"attached where detached was asked", "cades-detached", attached, statement, k.Certificate, false},
		{"detached where attached was asked", "cades", apart, statement, k.Certificate, false},
		{"broken", "cades", broken, statement, k.Certificate, false},
		{"not a signature", "cades", []byte("x"), statement, k.Certificate, false},
		{"PDF by another", "pades", document, nil, other.Certificate, false},
		{"PDF with bytes behind", "pades", append(bytes.Clone(document), '\n', '%'), nil, k.Certificate, false},
		{"unsigned PDF", "pades", page(t), nil, k.Certificate, false},
		{"unknown kind", "xades", attached, statement, k.Certificate, false},
		{"nobody", "cades", attached, statement, nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := h.v.CheckSigned(t.Context(), tt.kind, tt.signed, tt.content, tt.by)
			if (err == nil) != tt.ok {
				t.Errorf("%v, want ok %v", err, tt.ok)
			}
			if err != nil && !errors.Is(err, verifier.ErrSigned) {
				t.Errorf("%v is no ErrSigned", err)
			}
		})
	}
}
