// SPDX-License-Identifier: Apache-2.0

package pdf_test

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rastau/internal/pdf"
)

// edit appends a revision with the given objects, as an attacker with a text editor would.
func edit(tb testing.TB, data []byte, trailer string, objects map[int]string) []byte {
	tb.Helper()
	starts := regexp.MustCompile(`startxref\s+(\d+)`).FindAllSubmatch(data, -1)
	prev := string(starts[len(starts)-1][1])
	size := 0
	for _, m := range regexp.MustCompile(`/Size (\d+)`).FindAllSubmatch(data, -1) {
		n, _ := strconv.Atoi(string(m[1]))
		size = max(size, n)
	}
	root := regexp.MustCompile(`/Root (\d+ \d+ R)`).FindSubmatch(data)[1]
	out := bytes.Clone(data)
	var nums []int
	for n := range objects {
		nums = append(nums, n)
		size = max(size, n+1)
	}
	slices.Sort(nums)
	xref := "xref\n"
	for _, n := range nums {
		xref += fmt.Sprintf("%d 1\n%010d 00000 n \n", n, len(out))
		out = fmt.Appendf(out, "%d 0 obj\n%s\nendobj\n", n, objects[n])
	}
	at := len(out)
	out = append(out, xref...)
	return fmt.Appendf(out, "trailer\n<</Size %d /Root %s /Prev %s %s>>\nstartxref\n%d\n%%%%EOF\n", size, root, prev, trailer, at)
}

func stream(data string) string {
	return fmt.Sprintf("<</Length %d>>\nstream\n%s\nendstream", len(data), data)
}

// A place that the signed file leaves open behind its end is not filled by whoever comes next.
func TestPlaceBehindTheEnd(t *testing.T) {
	const place = 200_000
	key := licensor(t)
	shown := drawing("", "BT /F1 12 Tf 10 300 Td (You pay nothing) Tj ET")
	named := edit(t, form(t), "", map[int]string{
		3: replaced(t, object(t, form(t), 3), "/Contents 4 0 R", "/Contents[4 0 R 100 0 R]"), 100: drawing("", ""),
	})
	xref := regexp.MustCompile(`100 1\n(\d{10})`).FindSubmatchIndex(named)
	copy(named[xref[2]:], fmt.Sprintf("%010d", place))
	signed := sign(t, key, named, pdf.PrepareOptions{Field: "First", Size: 4096})
	prev := regexp.MustCompile(`startxref\s+(\d+)`).FindAllSubmatch(signed, -1)
	grown := append(bytes.Clone(signed), bytes.Repeat([]byte("\n"), place-len(signed))...)
	grown = fmt.Appendf(grown, "100 0 obj\n%s\nendobj\n", shown)
	at := len(grown)
	grown = fmt.Appendf(grown, "xref\n100 1\n%010d 00000 n \ntrailer\n<</Size 300 /Root 1 0 R /Prev %s>>\nstartxref\n%d\n%%%%EOF\n", place, prev[len(prev)-1][1], at)
	d, err := pdf.Open(grown, pdf.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	s := d.Signatures()[0]
	if !slices.ContainsFunc(s.Changes, func(c pdf.Change) bool { return !c.Justified }) {
		t.Errorf("%v, %+v", s.Problem, s.Changes)
	}
}

// object returns the newest body of an object that stands in plain sight.
func object(tb testing.TB, data []byte, num int) string {
	tb.Helper()
	all := regexp.MustCompile(fmt.Sprintf(`(?s)(?:^|\n)%d 0 obj\n(.*?)\nendobj`, num)).FindAllSubmatch(data, -1)
	if len(all) == 0 {
		tb.Fatalf("no object %d", num)
	}
	return string(all[len(all)-1][1])
}

// number finds the object whose newest body holds a text.
func number(tb testing.TB, data []byte, has string) int {
	tb.Helper()
	for _, m := range regexp.MustCompile(`(?:^|\n)(\d+) 0 obj\n`).FindAllSubmatch(data, -1) {
		n, _ := strconv.Atoi(string(m[1]))
		if strings.Contains(object(tb, data, n), has) {
			return n
		}
	}
	tb.Fatalf("no object with %q", has)
	return 0
}

func TestChanges(t *testing.T) {
	signed := sign(t, licensor(t), page(t, 1, nil), pdf.PrepareOptions{})
	catalog, pages := number(t, signed, "/Type /Catalog"), number(t, signed, "/Type /Pages")
	first := number(t, signed, "/Type /Page>>")
	if p := object(t, signed, first); !strings.Contains(p, "/Annots") {
		t.Fatalf("page: %s", p)
	}
	field := number(t, signed, "/FT /Sig")
	sig := number(t, signed, "/ByteRange")
	content, _ := strconv.Atoi(regexp.MustCompile(`/Contents (\d+) 0 R`).FindStringSubmatch(object(t, signed, first))[1])
	const free = 100
	text := "<</Length 30>>\nstream\nBT /F1 9 Tf 9 9 Td (x) Tj ET   \nendstream"
	swap := func(s, old, new string) string {
		if !strings.Contains(s, old) {
			t.Fatalf("%q is not in %q", old, s)
		}
		return strings.Replace(s, old, new, 1)
	}
	cases := []struct {
		name string
		data []byte
		kind string
		want string // in the sentence
		ok   bool
	}{
		{"page appended", edit(t, signed, "", map[int]string{
			pages: swap(object(t, signed, pages), fmt.Sprintf("%d 0 R ", first), fmt.Sprintf("%d 0 R %d 0 R ", first, free)),
			free:  fmt.Sprintf("<</Type /Page /Parent %d 0 R /MediaBox [0 0 99 99]>>", pages),
		}), pdf.PageAdded, "Page 2 was added after the document was signed.", false},
		{"page that nothing leads to", edit(t, signed, "", map[int]string{
			free: fmt.Sprintf("<</Type /Page /Parent %d 0 R /MediaBox [0 0 99 99]>>", pages),
		}), pdf.Unknown, "data were hidden behind the signature", false},
		{"pages that lead to each other only", edit(t, signed, "", map[int]string{
			free: fmt.Sprintf("<</Type /Page /Parent %d 0 R>>", free+1), free + 1: fmt.Sprintf("<</Type /Pages /Kids [%d 0 R] /Count 1>>", free),
		}), pdf.Unknown, "data were hidden behind the signature", false},
		{"stream that nothing leads to", edit(t, signed, "", map[int]string{
			free: fmt.Sprintf("<</Length %d>>\nstream\n%s\nendstream", 20<<10, strings.Repeat("hidden... ", 2<<10)),
		}), pdf.Unknown, "data were hidden behind the signature", false},
		{"page removed", edit(t, signed, "", map[int]string{
			pages: swap(object(t, signed, pages), fmt.Sprintf("%d 0 R ", first), fmt.Sprintf("%d 0 R ", free)),
			free:  fmt.Sprintf("<</Type /Page /Parent %d 0 R>>", pages),
		}), pdf.PageRemoved, "Page 1 was removed", false},
		{"page content replaced", edit(t, signed, "", map[int]string{content: text}), pdf.PageChanged, "Page 1 may show something else", false},
		{"page points to other content", edit(t, signed, "", map[int]string{
			first: swap(object(t, signed, first), fmt.Sprintf("/Contents %d 0 R", content), fmt.Sprintf("/Contents %d 0 R", free)), free: text,
		}), pdf.PageChanged, "Page 1 was changed", false},
		{"note over the text", edit(t, signed, "", map[int]string{
			first: swap(object(t, signed, first), "/Annots [", fmt.Sprintf("/Annots [%d 0 R ", free)),
			free:  "<</Type /Annot /Subtype /FreeText /Rect [0 0 99 99] /Contents (x)>>",
		}), pdf.AnnotationChanged, "An annotation (FreeText) was added to page 1", false},
		{"form field", edit(t, signed, "", map[int]string{
			catalog: swap(object(t, signed, catalog), "/Fields [", fmt.Sprintf("/Fields [%d 0 R ", free)),
			free:    "<</FT /Tx /T (amount) /V (9)>>",
		}), pdf.FormField, `"amount" was added`, false},
		{"signature removed", edit(t, signed, "", map[int]string{
			field: swap(object(t, signed, field), fmt.Sprintf("/V %d 0 R", sig), ""),
		}), pdf.FormField, `"Signature1" was changed`, false},
		{"signature replaced", edit(t, signed, "", map[int]string{sig: "<</Type /Sig>>"}), pdf.FurtherSignature, "changed or replaced", false},
		{"script", edit(t, signed, "", map[int]string{
			catalog: swap(object(t, signed, catalog), "/Pages", "/OpenAction <</S /JavaScript /JS (x)>> /Pages"),
		}), pdf.Unknown, "OpenAction", false},
		{"other catalog", edit(t, signed, "/Root 101 0 R", map[int]string{101: "<</Type /Catalog>>"}), "", "", false},
		{"validation data", edit(t, signed, "", map[int]string{
			catalog: swap(object(t, signed, catalog), "/Pages", fmt.Sprintf("/DSS <</Certs [%d 0 R]>> /Pages", free)),
			free:    "<</Length 1>>\nstream\nx\nendstream",
		}), pdf.ValidationData, "Validation data was added", true},
		{"validation data of another kind", edit(t, signed, "", map[int]string{
			catalog: swap(object(t, signed, catalog), "/Pages", fmt.Sprintf("/DSS <</Certs [%d 0 R] /Script 1>> /Pages", free)),
			free:    "<</Length 1>>\nstream\nx\nendstream",
		}), pdf.ValidationData, "something else than certificates", false},
		{"bytes behind the end", append(bytes.Clone(signed), "4 0 obj\nnull\nendobj\n"...), pdf.Unknown, "behind the end of the document", false},
		{"white space behind the end", append(bytes.Clone(signed), "\r\n\r\n"...), pdf.Padding, "white space", true},
		{"object that no table names", func() []byte {
			at := bytes.LastIndex(signed, []byte("startxref"))
			return append(bytes.Clone(signed), "4 0 obj\n(x)\nendobj\n"+string(signed[at:])...)
		}(), pdf.Unknown, "behind the end of the document", false},
		{"object under another generation", bytes.Replace(edit(t, signed, "", map[int]string{content: object(t, signed, content)}),
			fmt.Appendf(nil, "EOF\n%d 0 obj", content), fmt.Appendf(nil, "EOF\n%d 1 obj", content), -1), pdf.PageChanged, "Page 1 may show", false},
		{"nothing", edit(t, signed, "", map[int]string{free: "7"}), pdf.Padding, "without any change", true},
		{"words that nothing leads to", edit(t, signed, "", map[int]string{free: "(x)"}), pdf.Unknown, "data were hidden", false},
		{"words in a dictionary that nothing leads to", edit(t, signed, "", map[int]string{free: "<</Type/VRI/Note[(x)]>>"}), pdf.Unknown, "data were hidden", false},
		{"a long name that nothing leads to", edit(t, signed, "", map[int]string{free: "/" + strings.Repeat("x", 100)}), pdf.Unknown, "data were hidden", false},
		{"a certificate that nothing leads to", edit(t, signed, "", map[int]string{free: stream("0\x0a0\x010\x030\x01\x06\x00\x03\x00")}), pdf.Unknown, "data were hidden", false},
		{"data in the guise of a certificate", edit(t, signed, "", map[int]string{
			catalog: swap(object(t, signed, catalog), "/Pages", fmt.Sprintf("/DSS <</Certs [%d 0 R]>> /Pages", free)),
			free:    stream("x"), free + 1: stream("0\x80hidden"),
		}), pdf.Unknown, "data were hidden", false},
		{"lines of white space behind the end", append(bytes.Clone(signed), strings.Repeat("\r\n", 9)...), pdf.Padding, "white space", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d, err := pdf.Open(c.data, pdf.Limits{})
			if err != nil {
				if c.kind == "" {
					return
				}
				t.Fatal(err)
			}
			sigs := d.Signatures()
			if len(sigs) == 0 {
				t.Fatal("the signature is forgotten")
			}
			s := sigs[0]
			if s.Problem != nil || s.CoversAll || s.After != int64(len(c.data)-len(signed)) {
				t.Errorf("problem %v, covers all %v, after %d", s.Problem, s.CoversAll, s.After)
			}
			if !slices.ContainsFunc(s.Changes, func(g pdf.Change) bool {
				return g.Kind == c.kind && strings.Contains(g.Detail, c.want) && g.Justified == c.ok
			}) {
				t.Errorf("changes: %+v", s.Changes)
			}
			if all := !slices.ContainsFunc(s.Changes, func(g pdf.Change) bool { return !g.Justified }); all != c.ok {
				t.Errorf("all justified: %v; %+v", all, s.Changes)
			}
		})
	}
}

// Documents that were made to be changed after an honest person signed them: what leads to the changed object is hidden
// from those who look too lightly.
func TestShadows(t *testing.T) {
	const page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Resources<</XObject<</A 4 0 R>>>>>>"
	const form = "/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</B 5 0 R>>>>"
	image := func(s string) string {
		return fmt.Sprintf("<</Subtype/Form/BBox[0 0 9 9]/Length %d>>\nstream\n%s\nendstream", len(s), s)
	}
	cases := []struct {
		name    string
		signed  map[int]string
		changed map[int]string
	}{
		{"drawing that calls itself a cross-reference stream",
			map[int]string{3: page, 4: "<</Type/XRef" + form + "/Length 1>>\nstream\nx\nendstream", 5: image("a")}, map[int]string{5: image("b")}},
		{"drawing with a wrong length",
			map[int]string{3: page, 4: "<<" + form + "/Length 9>>\nstream\nx\nendstream", 5: image("a")}, map[int]string{5: image("b")}},
		{"drawing with a key twice",
			map[int]string{3: page, 4: "<<" + form + "/Resources<<>>/Length 1>>\nstream\nx\nendstream", 5: image("a")}, map[int]string{5: image("b")}},
		{"drawing that was missing",
			map[int]string{3: page, 4: "<<" + form + "/Length 1>>\nstream\nx\nendstream"}, map[int]string{5: image("b")}},
		{"drawing whose length stands elsewhere",
			map[int]string{3: page, 4: "<<" + form + "/Length 6 0 R>>\nstream\nx\nendstream", 5: image("a"), 6: "1"}, map[int]string{6: "0"}},
	}
	key := licensor(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			signed := sign(t, key, edit(t, smallest(), "", c.signed), pdf.PrepareOptions{})
			d, err := pdf.Open(edit(t, signed, "", c.changed), pdf.Limits{})
			if err != nil {
				return
			}
			s := d.Signatures()[0]
			if !slices.ContainsFunc(s.Changes, func(g pdf.Change) bool { return !g.Justified }) {
				t.Errorf("nothing was noticed: %+v", s.Changes)
			}
		})
	}
}

func TestByteRange(t *testing.T) {
	signed := sign(t, licensor(t), page(t, 1, nil), pdf.PrepareOptions{})
	m := regexp.MustCompile(`/ByteRange \[0 (\d+) +(\d+) +(\d+) +\]`).FindSubmatchIndex(signed)
	num := func(i int) int { n, _ := strconv.Atoi(string(signed[m[2*i]:m[2*i+1]])); return n }
	from, to, rest := num(1), num(2), num(3)
	with := func(a, b, c, d int) []byte {
		out := bytes.Clone(signed)
		copy(out[m[0]:m[1]], fmt.Sprintf("/ByteRange [%d %d %d %d]%40s", a, b, c, d, "")[:m[1]-m[0]])
		return out
	}
	other := func(old, new string) []byte {
		return bytes.Replace(signed, []byte(old), []byte(new), 1)
	}
	cases := []struct {
		name string
		data []byte
		want string
	}{
		{"does not start at 0", with(1, from-1, to, rest), "beginning"},
		{"gap too large", with(0, from-1, to, rest), "leaves out"},
		{"gap too small", with(0, from+1, to, rest), "leaves out"},
		{"gap without the delimiter", with(0, from, to-1, rest+1), "leaves out"},
		{"past the end", with(0, from, to, rest+1), "outside the file"},
		{"negative", with(0, from, -1, rest), "outside the file"},
		{"overlapping", with(0, to, from, rest), "overlap"},
		{"ends before the end of the revision", with(0, from, to, rest-10), "where a revision"},
		{"missing", other("/ByteRange", "/ByteRangf"), "not four"},
		{"contents closed early", other("000000> /", "0000>   /"), "leaves out"},
		{"contents as text", func() []byte {
			out := bytes.Clone(signed)
			out[from], out[to-1] = '(', ')'
			return out
		}(), "no hexadecimal string"},
		{"key twice", other("/Filter /Adobe.PPKLite", "/M (x)/M (x)          "), "twice"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d, err := pdf.Open(c.data, pdf.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			sigs := d.Signatures()
			if len(sigs) != 1 || sigs[0].Problem == nil || !strings.Contains(sigs[0].Problem.Error(), c.want) || sigs[0].CoversAll {
				t.Errorf("%+v", sigs)
			}
		})
	}
}

// Fifty signatures are read in a time that grows with them, not with their square.
func TestManySignatures(t *testing.T) {
	key := licensor(t)
	data := page(t, 5, nil)
	for range 50 {
		data = sign(t, key, data, pdf.PrepareOptions{Size: 4096})
	}
	began := time.Now()
	d, err := pdf.Open(data, pdf.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	t.Logf("50 signatures, %d bytes: %v", len(data), took)
	if took > 5*time.Second { // the race detector is slow
		t.Errorf("50 signatures took %v", took)
	}
	sigs := d.Signatures()
	if len(sigs) != 50 || len(sigs[0].Changes) != 49 {
		t.Fatalf("%d signatures", len(sigs))
	}
	for _, s := range sigs {
		if s.Problem != nil || slices.ContainsFunc(s.Changes, func(c pdf.Change) bool { return !c.Justified }) {
			t.Errorf("%s: %v %+v", s.Field, s.Problem, s.Changes)
		}
	}
}
