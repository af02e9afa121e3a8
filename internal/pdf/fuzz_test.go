// SPDX-License-Identifier: Apache-2.0

package pdf_test

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"rastau/internal/pdf"
)

// packed makes a file whose objects stand in an object stream and whose cross-references are a stream with a predictor.
func packed(tb testing.TB) []byte {
	tb.Helper()
	deflate := func(b []byte) []byte {
		var out bytes.Buffer
		z := zlib.NewWriter(&out)
		if _, err := z.Write(b); err != nil {
			tb.Fatal(err)
		}
		z.Close()
		return out.Bytes()
	}
	objects := []string{"<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>", "<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>"}
	var head, body string
	for i, o := range objects {
		head += fmt.Sprintf("%d %d ", i+1, len(body))
		body += o + " "
	}
	out := []byte("%PDF-1.5\n")
	at := len(out)
	z := deflate([]byte(head + body))
	out = fmt.Appendf(out, "4 0 obj\n<</Type/ObjStm/N 3/First %d/Filter/FlateDecode/Length %d>>\nstream\n%s\nendstream\nendobj\n", len(head), len(z), z)
	start := len(out)
	rows := [][]byte{{0, 0, 0, 0}, {2, 0, 4, 0}, {2, 0, 4, 1}, {2, 0, 4, 2}, {1, byte(at >> 8), byte(at), 0}, {1, byte(start >> 8), byte(start), 0}}
	var table []byte
	above := make([]byte, 4)
	for _, r := range rows {
		table = append(table, 2) // PNG up
		for i := range r {
			table = append(table, r[i]-above[i])
		}
		above = r
	}
	z = deflate(table)
	out = fmt.Appendf(out, "5 0 obj\n<</Type/XRef/Size 6/W[1 2 1]/Root 1 0 R/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 4>>/Length %d>>\nstream\n%s\nendstream\nendobj\n", len(z), z)
	return fmt.Appendf(out, "startxref\n%d\n%%%%EOF\n", start)
}

func TestPacked(t *testing.T) {
	data := packed(t)
	signed := sign(t, licensor(t), data, pdf.PrepareOptions{})
	agree(t, signed, 1)
	if bytes.Contains(signed[len(data):], []byte("trailer")) {
		t.Error("a table continues a stream")
	}
}

func TestOpenRefuses(t *testing.T) {
	plain := page(t, 1, nil)
	loop := edit(t, plain, "", map[int]string{9: "null"})
	at := bytes.LastIndex(loop, []byte("xref\n9"))
	loop = append(loop[:at], fmt.Sprintf("xref\n9 1\n0000000015 00000 n \ntrailer\n<</Size 10/Root 1 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n", at, at)...)
	cases := []struct {
		name string
		data []byte
		lim  pdf.Limits
		want error
	}{
		{"empty", nil, pdf.Limits{}, pdf.ErrNotPDF},
		{"text", []byte("hello"), pdf.Limits{}, pdf.ErrNotPDF},
		{"header only", []byte("%PDF-1.7\n"), pdf.Limits{}, pdf.ErrFormat},
		{"half", plain[:len(plain)/2], pdf.Limits{}, pdf.ErrFormat},
		{"too large", plain, pdf.Limits{Bytes: 100}, pdf.ErrFormat},
		{"too many objects", plain, pdf.Limits{Objects: 2}, pdf.ErrFormat},
		{"too many revisions", edit(t, plain, "", map[int]string{90: "null"}), pdf.Limits{Revisions: 1}, pdf.ErrFormat},
		{"inflates too far", packed(t), pdf.Limits{Inflate: 10}, pdf.ErrFormat},
		{"chain in a circle", loop, pdf.Limits{}, pdf.ErrFormat},
		{"encrypted", edit(t, plain, "/Encrypt 9 0 R", map[int]string{9: "<<>>"}), pdf.Limits{}, pdf.ErrEncrypted},
		{"page tree in a circle", edit(t, plain, "", map[int]string{1: "<</Type /Pages /Kids [1 0 R]>>"}), pdf.Limits{}, pdf.ErrFormat},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if d, err := pdf.Open(c.data, c.lim); d != nil || !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
	// An object that cannot be read is null to readers; it is looked at where something refers to it.
	if _, err := pdf.Open(edit(t, plain, "", map[int]string{90: strings.Repeat("[", 100_000)}), pdf.Limits{}); err != nil {
		t.Error(err)
	}
}

// Files made to cost far more than they weigh end in an error or an answer, soon.
func TestBoundedWork(t *testing.T) {
	const n = 20_000
	nested := func(open string) []byte { // each object holds all that follow
		out := []byte("%PDF-1.4\n")
		xref := fmt.Appendf(nil, "xref\n1 %d\n", n)
		for i := range n {
			xref = fmt.Appendf(xref, "%010d 00000 n \n", len(out))
			out = fmt.Appendf(out, "%d 0 obj %s", i+1, open)
		}
		out = append(out, bytes.Repeat([]byte(")"), n)...)
		at := len(out)
		return fmt.Appendf(append(out, xref...), "trailer<</Size 9/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", at)
	}
	fields := "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[" + strings.Repeat("3 0 R ", n) + "]>>>>"
	cases := map[string][]byte{
		"nested strings":  nested("("),
		"nested comments": nested("%"),
		"nested arrays":   nested("["),
		"nested streams":  nested("<</Length 100000>>stream\n"),
		"many fields":     edit(t, sign(t, licensor(t), smallest(), pdf.PrepareOptions{}), "", map[int]string{1: fields, 3: "<</FT/Sig/T(x)>>"}),
	}
	for name, content := range map[string]string{
		"many drawings":  strings.Repeat("0 0 1 1 re S ", 900_000),
		"many letters":   "BT /F1 12 Tf " + strings.Repeat("(aaaaaaaaaaaaaaaaaaaaaaaaaaaaa) Tj ", 300_000),
		"many fonts":     "BT " + strings.Repeat("/F1 12 Tf ", 900_000),
		"many forms":     strings.Repeat("/X Do ", 900_000),
		"much nothing":   strings.Repeat(" ", 20<<20),
		"many questions": strings.Repeat("/GS gs ", 900_000),
	} {
		blank := drawing("/Subtype/Form/Resources<</XObject<</X 8 0 R>>>>", "/X Do "+strings.Repeat(" ", 100_000))
		signed := sign(t, licensor(t), edit(t, form(t), "", map[int]string{
			3: replaced(t, formPage, "/Font", "/XObject<</X 8 0 R>>/Font"), 4: flate(content), 5: replaced(t, formFont, ">>", "/Widths["+strings.Repeat("5 ", 50_000)+"]>>"), 8: blank,
		}), pdf.PrepareOptions{Field: "First", Size: 4096})
		cases[name] = countersign(t, signed, "200 50 300 90", "1 g 0 0 9 9 re f", nil)
	}
	for name, data := range cases {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			if d, err := pdf.Open(data, pdf.Limits{}); err == nil {
				d.Signatures()
			}
			if took := time.Since(began); took > 10*time.Second { // what is not bounded takes minutes
				t.Errorf("%d bytes took %v", len(data), took)
			}
		})
	}
}

// flate is a compressed stream.
func flate(s string) string {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	if _, err := z.Write([]byte(s)); err != nil || z.Close() != nil {
		panic(err)
	}
	return drawing("/Filter/FlateDecode", b.String())
}

// smallest is the smallest file with a table.
func smallest() []byte {
	return whole("", "<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>", "<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>")
}

// whole is a file of one revision.
func whole(trailer string, objects ...string) []byte {
	out := []byte("%PDF-1.4\n")
	xref := fmt.Sprintf("xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for i, o := range objects {
		xref += fmt.Sprintf("%010d 00000 n \n", len(out))
		out = fmt.Appendf(out, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	return fmt.Appendf(out, "%strailer\n<</Size %d /Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n", xref, len(objects)+1, trailer, len(out))
}

// worked is the time that this process has kept a core busy: what a machine does beside it is not the input's doing.
func worked(tb testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// FuzzOpen: nothing panics, what is open can be read to the end, and what can be prepared is one revision more
// with the old bytes untouched.
func FuzzOpen(f *testing.F) {
	key := licensor(f)
	small := page(f, 1, []byte("{}"))
	seeds := [][]byte{small, packed(f), sign(f, key, small, pdf.PrepareOptions{Size: 2048}), sign(f, key, packed(f), pdf.PrepareOptions{Size: 2048})}
	p, err := pdf.Prepare(small, pdf.PrepareOptions{Size: 64})
	if err != nil {
		f.Fatal(err)
	}
	prepared, err := p.Embed(nil)
	if err != nil {
		f.Fatal(err)
	}
	store := &pdf.DSS{Material: pdf.Material{Certificates: items("ca")}, VRI: map[string]pdf.Material{"AB": {OCSPs: items("answer")}}}
	lasting, err := pdf.AppendDSS(seeds[2], store)
	if err != nil {
		f.Fatal(err)
	}
	certified := sign(f, key, form(f), pdf.PrepareOptions{Field: "First", Certify: 3, Size: 2048})
	marked := countersign(f, certified, "200 50 300 90", "q 1 g 0 0 100 40 re f BT /F1 9 Tf (x) Tj ET Q", nil)
	noted := edit(f, certified, "", map[int]string{
		3:  replaced(f, object(f, certified, 3), "/Annots [", "/Annots [91 0 R "),
		91: "<</Type/Annot/Subtype/FreeText/Contents(Seen)/Rect[10 10 110 50]/AP<</N 90 0 R>>>>", 90: drawing("/Subtype/Form/BBox[0 0 9 9]", "0 0 9 9 re f"),
	})
	filled := edit(f, certified, "", map[int]string{6: replaced(f, emptyField, "/P 3 0 R", "/P 3 0 R/V(Almaty)")})
	tagged := edit(f, countersign(f, certified, "0 0 0 0", "", map[int]string{
		1:  replaced(f, object(f, certified, 1), "/Type /Catalog", "/Type /Catalog/StructTreeRoot 20 0 R/Metadata 40 0 R", "/Fields [", "/Fields [201 0 R "),
		20: "<</Type/StructTreeRoot/K[21 0 R]/ParentTree<</Nums[0 21 0 R]>>>>", 21: "<</Type/StructElem/S/Form/P 20 0 R/K<</Type/OBJR/Obj 201 0 R>>>>",
		40: drawing("/Type/Metadata/Subtype/XML", `<x:xmpmeta xmlns:x="adobe:ns:meta/"><title>Licence</title></x:xmpmeta>`),
	}), "", map[int]string{40: drawing("/Type/Metadata/Subtype/XML", "<title>Licence</title>")})
	stamped := sign(f, key, lasting, pdf.PrepareOptions{SubFilter: "ETSI.RFC3161", Size: 2048})
	seeds = append(seeds, lasting, certified, marked, noted, filled, tagged, stamped, encrypted(f))
	seeds = append(seeds, prepared, edit(f, seeds[2], "", map[int]string{1: "<</Type /Pages /Kids [] /Count 0>>"}))
	for _, s := range seeds {
		if _, err := pdf.Open(s, pdf.Limits{}); err != nil {
			f.Fatalf("a seed is broken: %v", err)
		}
		f.Add(s)
	}
	lim := pdf.Limits{Bytes: 1 << 20, Objects: 5000, Depth: 32, Revisions: 20, Inflate: 4 << 20}
	f.Fuzz(func(t *testing.T, data []byte) {
		began := worked(t)
		defer func() {
			if took := worked(t) - began; took > time.Second {
				t.Errorf("%d bytes took %v", len(data), took)
			}
		}()
		d, err := pdf.Open(data, lim)
		if err != nil {
			if d != nil || !errors.Is(err, pdf.ErrNotPDF) && !errors.Is(err, pdf.ErrFormat) && !errors.Is(err, pdf.ErrEncrypted) {
				t.Fatalf("%v, %v", d, err)
			}
			return
		}
		for _, s := range d.Signatures() {
			n, err := io.Copy(io.Discard, d.Signed(s))
			if err != nil {
				t.Fatal(err)
			}
			if s.Problem == nil && n != s.ByteRange[1]+s.ByteRange[3] {
				t.Fatalf("%d bytes signed, ByteRange %v", n, s.ByteRange)
			}
			if s.Problem == nil && s.After > 0 && len(s.Changes) == 0 {
				t.Fatal("bytes behind the signed revision without a word")
			}
		}
		for _, a := range d.Attachments() {
			a.Content()
		}
		have := d.DSS()
		if longer, err := pdf.AppendDSS(data, store); err == nil {
			again, err := pdf.Open(longer, pdf.Limits{})
			if err != nil {
				t.Fatalf("what was appended cannot be opened: %v", err)
			}
			now := again.DSS()
			if now == nil || len(now.Certificates) == 0 || have != nil && len(now.Certificates) < len(have.Certificates) {
				t.Fatal("validation data was lost")
			}
		}
		p, err := pdf.Prepare(data, pdf.PrepareOptions{Size: 16})
		if err != nil {
			return
		}
		out, err := p.Embed([]byte{0x30, 0x00})
		if err != nil || !bytes.HasPrefix(out, data) {
			t.Fatalf("embed: %v", err)
		}
		again, err := pdf.Open(out, pdf.Limits{})
		if err != nil {
			t.Fatalf("what was prepared cannot be opened: %v", err)
		}
		if again.Revisions() != d.Revisions()+1 {
			t.Fatalf("%d revisions after %d", again.Revisions(), d.Revisions())
		}
	})
}
