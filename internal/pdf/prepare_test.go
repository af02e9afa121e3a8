// SPDX-License-Identifier: Apache-2.0

package pdf_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"codeberg.org/go-pdf/fpdf"

	"rastau/internal/cms"
	"rastau/internal/pdf"
	"rastau/internal/pki"
	"rastau/internal/testpki"
)

var clock = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// page makes a file as the licence pages are made; attachment is optional.
func page(tb testing.TB, pages int, attachment []byte) []byte {
	tb.Helper()
	f := fpdf.New("P", "mm", "A4", "")
	f.SetCreationDate(clock)
	f.SetModificationDate(clock)
	f.SetFont("Helvetica", "", 12)
	for i := range pages {
		f.AddPage()
		f.Text(20, 20, fmt.Sprintf("Licence, page %d", i+1))
	}
	if attachment != nil {
		f.SetAttachments([]fpdf.Attachment{{Content: attachment, Filename: "licence.json", Description: "canonical licence"}})
	}
	var out bytes.Buffer
	if err := f.Output(&out); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// qpdf rewrites a file with qpdf, or skips.
func qpdf(t *testing.T, in []byte, args ...string) []byte {
	t.Helper()
	bin, err := exec.LookPath("qpdf")
	if err != nil {
		t.Skip("qpdf is not installed")
	}
	dir := t.TempDir()
	src, dst := filepath.Join(dir, "in.pdf"), filepath.Join(dir, "out.pdf")
	if err := os.WriteFile(src, in, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(bin, append(args, src, dst)...).CombinedOutput(); err != nil {
		t.Fatalf("qpdf: %v\n%s", err, out)
	}
	data, err := os.ReadFile(dst)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func licensor(tb testing.TB) *pki.Key {
	tb.Helper()
	p, err := testpki.New(testpki.Options{Now: func() time.Time { return clock }, EC: true})
	if err != nil {
		tb.Fatal(err)
	}
	ca, err := p.NewCA("CA")
	if err != nil {
		tb.Fatal(err)
	}
	k, err := ca.Issue(testpki.Leaf{})
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func sign(tb testing.TB, key *pki.Key, data []byte, o pdf.PrepareOptions) []byte {
	tb.Helper()
	p, err := pdf.Prepare(data, o)
	if err != nil {
		tb.Fatal(err)
	}
	content, err := io.ReadAll(p.Signed())
	if err != nil {
		tb.Fatal(err)
	}
	sd, err := cms.Sign(context.Background(), cms.SignOptions{Content: content, Detached: true, Key: key.Signer, Certificate: key.Certificate, Chain: key.Chain})
	if err != nil {
		tb.Fatal(err)
	}
	out, err := p.Embed(sd)
	if err != nil {
		tb.Fatal(err)
	}
	if !bytes.HasPrefix(out, data) {
		tb.Fatal("the original bytes were changed")
	}
	return out
}

// agree asks poppler and qpdf, where they are installed, about a file that its last signature covers.
func agree(t *testing.T, data []byte, signatures int) {
	t.Helper()
	agreed(t, data, signatures, true)
}

// agreed asks the same about any file.
func agreed(t *testing.T, data []byte, signatures int, covered bool) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "signed.pdf")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if bin, err := exec.LookPath("pdfsig"); err == nil {
		out, _ := exec.CommandContext(ctx, bin, "-nocert", file).CombinedOutput()
		if n := strings.Count(string(out), "Signature Validation: Signature is Valid."); n != signatures {
			t.Errorf("pdfsig calls %d of %d signatures valid:\n%s", n, signatures, out)
		}
		if covered && !strings.Contains(string(out), "Total document signed") {
			t.Errorf("pdfsig: the last signature does not cover the document:\n%s", out)
		}
	}
	if bin, err := exec.LookPath("qpdf"); err == nil {
		if out, err := exec.CommandContext(ctx, bin, "--check", file).CombinedOutput(); err != nil || strings.Contains(string(out), "WARNING") {
			t.Errorf("qpdf --check: %v\n%s", err, out)
		}
	}
}

func TestPrepare(t *testing.T) {
	key := licensor(t)
	plain := page(t, 2, []byte(`{"number":"ZZZ-1"}`))
	files := map[string]func(t *testing.T) []byte{
		"table":      func(*testing.T) []byte { return plain },
		"stream":     func(t *testing.T) []byte { return qpdf(t, plain, "--object-streams=generate") },
		"linearised": func(t *testing.T) []byte { return qpdf(t, plain, "--linearize") },
		"linearised stream": func(t *testing.T) []byte {
			return qpdf(t, plain, "--linearize", "--object-streams=generate")
		},
	}
	for name, make := range files {
		t.Run(name, func(t *testing.T) {
			data := make(t)
			one := sign(t, key, data, pdf.PrepareOptions{Reason: "Лицензия (1)", Location: "/Contents <00>", ContactInfo: "/Contents <00>", M: clock})
			agree(t, one, 1)
			two := sign(t, key, one, pdf.PrepareOptions{Page: 2, Rect: [4]float64{10, 10, 110, 60}})
			agree(t, two, 2)
			d, err := pdf.Open(two, pdf.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if d.Revisions() != 3 || d.Pages() != 2 {
				t.Errorf("%d revisions, %d pages", d.Revisions(), d.Pages())
			}
			if got, ok := d.Attachment("licence.json"); !ok || string(got) != `{"number":"ZZZ-1"}` {
				t.Errorf("attachment: %q, %v", got, ok)
			}
			sigs := d.Signatures()
			if len(sigs) != 2 {
				t.Fatalf("%d signatures", len(sigs))
			}
			for i, s := range sigs {
				if s.Problem != nil || s.Field != fmt.Sprintf("Signature%d", i+1) || s.Revision != i+1 || s.SubFilter != "ETSI.CAdES.detached" || intact(d, s) != "" {
					t.Errorf("signature %d: %+v", i, s)
				}
			}
			if s := sigs[0]; s.Reason != "Лицензия (1)" || s.ClaimedTime != "D:20260304050607Z" || s.CoversAll || s.After != int64(len(two)-len(one)) {
				t.Errorf("first signature: %q %q %v %d", s.Reason, s.ClaimedTime, s.CoversAll, s.After)
			}
			if c := sigs[0].Changes; len(c) != 1 || c[0].Kind != pdf.FurtherSignature || !c[0].Justified {
				t.Errorf("changes behind the first signature: %+v", c)
			}
			if s := sigs[1]; !s.CoversAll || s.After != 0 || len(s.Changes) != 0 {
				t.Errorf("second signature: %+v", s)
			}
		})
	}
}

// The form that is there keeps what it has, wherever its parts stand.
func TestPrepareForms(t *testing.T) {
	key := licensor(t)
	const field = "<</Type/Annot/Subtype/Widget/FT/Tx/T(amount)/V(9)/Rect[0 0 9 9]/P 3 0 R>>"
	page := func(annots string) string {
		return "<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Annots " + annots + ">>"
	}
	cases := map[string]map[int]string{
		"direct":   {1: "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R]/DA(x)>>>>", 3: page("[4 0 R]"), 4: field},
		"indirect": {1: "<</Type/Catalog/Pages 2 0 R/AcroForm 5 0 R>>", 3: page("[4 0 R]"), 4: field, 5: "<</Fields[4 0 R]/DA(x)>>"},
		"lists":    {1: "<</Type/Catalog/Pages 2 0 R/AcroForm 5 0 R>>", 3: page("7 0 R"), 4: field, 5: "<</Fields 6 0 R/DA(x)>>", 6: "[4 0 R]", 7: "[4 0 R]"},
	}
	for name, objects := range cases {
		t.Run(name, func(t *testing.T) {
			one := sign(t, key, edit(t, smallest(), "", objects), pdf.PrepareOptions{})
			two := sign(t, key, one, pdf.PrepareOptions{Field: "Лицензиар"})
			agree(t, two, 2)
			if n := bytes.Count(one, []byte("[4 0 R ")); n != 2 {
				t.Errorf("the field that was there stands in %d lists, not in form and page", n)
			}
			d, err := pdf.Open(two, pdf.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range d.Signatures() {
				if s.Problem != nil {
					t.Error(s.Problem)
				}
				for _, c := range s.Changes {
					if !c.Justified {
						t.Errorf("%+v", c)
					}
				}
			}
		})
	}
}

// A signature field that is there and empty is filled.
func TestPrepareField(t *testing.T) {
	data := edit(t, smallest(), "", map[int]string{
		1: "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R]>>>>", 3: "<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Annots[4 0 R]>>",
		4: "<</Type/Annot/Subtype/Widget/FT/Sig/T(Licensor)/Rect[0 0 9 9]/F 4/P 3 0 R>>",
	})
	key := licensor(t)
	one := sign(t, key, data, pdf.PrepareOptions{Field: "Other"})
	two := sign(t, key, one, pdf.PrepareOptions{Field: "Licensor"})
	agree(t, two, 2)
	d, err := pdf.Open(two, pdf.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	sigs := d.Signatures()
	if len(sigs) != 2 || sigs[0].Field != "Other" || sigs[1].Field != "Licensor" {
		t.Fatalf("%+v", sigs)
	}
	if c := sigs[0].Changes; len(c) != 1 || c[0].Kind != pdf.FurtherSignature || !c[0].Justified {
		t.Errorf("%+v", c)
	}
}

func TestPrepareRefuses(t *testing.T) {
	key := licensor(t)
	data := page(t, 1, nil)
	signed := sign(t, key, data, pdf.PrepareOptions{Field: "Licensor"})
	cases := []struct {
		name string
		data []byte
		o    pdf.PrepareOptions
		want error
	}{
		{"text", []byte("hello"), pdf.PrepareOptions{}, pdf.ErrNotPDF},
		{"half a file", data[:len(data)/2], pdf.PrepareOptions{}, pdf.ErrFormat},
		{"bytes behind the end", append(bytes.Clone(data), "more"...), pdf.PrepareOptions{}, pdf.ErrFormat},
		{"no such page", data, pdf.PrepareOptions{Page: 2}, pdf.ErrField},
		{"field already signed", signed, pdf.PrepareOptions{Field: "Licensor"}, pdf.ErrField},
		{"field below another", data, pdf.PrepareOptions{Field: "a.b"}, pdf.ErrField},
		{"size", data, pdf.PrepareOptions{Size: 1 << 30}, pdf.ErrField},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := pdf.Prepare(c.data, c.o); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
	p, err := pdf.Prepare(data, pdf.PrepareOptions{Size: 10})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Embed(make([]byte, 11)); !errors.Is(err, pdf.ErrTooLarge) {
		t.Errorf("a signature that does not fit: %v", err)
	}
	if _, err := p.Embed(make([]byte, 10)); err != nil {
		t.Error(err)
	}
}
