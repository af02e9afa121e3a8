// SPDX-License-Identifier: Apache-2.0

package pdf_test

import (
	"bytes"
	"encoding/ascii85"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"rastau/internal/pdf"
)

// The form of these tests: a page with text from 20 to about 150 points and two fields.
const (
	formCatalog = "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[6 0 R 7 0 R]/DA(/F1 9 Tf)/DR<</Font<</F1 5 0 R>>>>>>>>"
	formPage    = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 400 400]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>/Annots[6 0 R 7 0 R]>>"
	formFont    = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
	emptyField  = "<</Type/Annot/Subtype/Widget/FT/Tx/T(town)/Rect[20 200 120 220]/P 3 0 R>>"
	fullField   = "<</Type/Annot/Subtype/Widget/FT/Tx/T(amount)/V(100)/Rect[20 240 120 260]/P 3 0 R>>"
)

// drawing is a stream with its length.
func drawing(dict, s string) string {
	return fmt.Sprintf("<<%s/Length %d>>\nstream\n%s\nendstream", dict, len(s), s)
}

var formText = drawing("", "1 1 1 rg 0 0 400 400 re f 0 g BT /F1 12 Tf 20 350 Td (You pay 100) Tj ET")

func form(tb testing.TB) []byte {
	return edit(tb, smallest(), "", map[int]string{1: formCatalog, 3: formPage, 4: formText, 5: formFont, 6: emptyField, 7: fullField})
}

func replaced(tb testing.TB, s string, pairs ...string) string {
	tb.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(s, pairs[i]) {
			tb.Fatalf("%q is not in %q", pairs[i], s)
		}
		s = strings.Replace(s, pairs[i], pairs[i+1], 1)
	}
	return s
}

// countersign appends a signature with a look of its own, as other programs do. Its CMS is none.
func countersign(tb testing.TB, data []byte, rect, look string, more map[int]string) []byte {
	tb.Helper()
	objects := map[int]string{
		1:   replaced(tb, object(tb, data, 1), "/Fields [", "/Fields [201 0 R "),
		3:   replaced(tb, object(tb, data, 3), "/Annots [", "/Annots [201 0 R "),
		201: fmt.Sprintf("<</Type/Annot/Subtype/Widget/FT/Sig/T(Second)/F 132/Rect[%s]/P 3 0 R/V 202 0 R/AP<</N 203 0 R>>>>", rect),
		202: "<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/ByteRange [0 1111111111 2222222222 3333333333]/Contents <30030201010000>>>",
		203: drawing("/Type/XObject/Subtype/Form/BBox[0 0 100 40]/Resources<<>>", look),
	}
	maps.Copy(objects, more)
	out := edit(tb, data, "", objects)
	from := bytes.LastIndex(out, []byte("/Contents <3003")) + len("/Contents ")
	to := from + bytes.IndexByte(out[from:], '>') + 1
	for placeholder, n := range map[string]int{"1111111111": from, "2222222222": to, "3333333333": len(out) - to} {
		out = bytes.Replace(out, []byte(placeholder), fmt.Appendf(nil, "%-10d", n), 1)
	}
	return out
}

func TestUpdates(t *testing.T) {
	key := licensor(t)
	plain := form(t)
	signed := map[int][]byte{}
	for p := range 4 {
		signed[p] = sign(t, key, plain, pdf.PrepareOptions{Field: "First", Certify: p, Size: 4096})
		agree(t, signed[p], 1)
	}
	filled := replaced(t, emptyField, "/P 3 0 R", "/P 3 0 R/V(Almaty)/AP<</N 90 0 R>>")
	changed := replaced(t, fullField, "(100)", "(999)")
	look := drawing("/Type/XObject/Subtype/Form/BBox[0 0 100 20]/Resources<</Font<</F1 5 0 R>>>>", "BT /F1 9 Tf 2 5 Td (x) Tj ET")
	note := func(rect, more string) map[int]string {
		return map[int]string{
			3:  replaced(t, object(t, signed[3], 3), "/Annots [", "/Annots [91 0 R "),
			91: "<</Type/Annot/Subtype/FreeText/Contents(Seen)/Rect[" + rect + "]/AP<</N 90 0 R>>" + more + ">>", 90: look,
		}
	}
	const mark = "1 g 0 0 100 40 re f"
	const blank, text, beside = "200 50 300 90", "10 340 200 370", "10 10 110 50"
	cases := []struct {
		name    string
		data    []byte
		want    string // in a sentence
		ok      bool
		visible bool
	}{
		{"empty field filled", edit(t, signed[0], "", map[int]string{6: filled, 90: look}), `"town" was filled in after the document was signed: "Almaty"`, true, true},
		{"empty field filled, forms allowed", edit(t, signed[2], "", map[int]string{6: filled, 90: look}), "filled in", true, true},
		{"empty field filled, nothing allowed", edit(t, signed[1], "", map[int]string{6: filled, 90: look}), "certification of the document forbids it", false, true},
		{"look without a value", edit(t, signed[0], "", map[int]string{6: replaced(t, filled, "/V(Almaty)", ""), 90: look}), "filled in", false, true},
		{"field moved", edit(t, signed[2], "", map[int]string{6: replaced(t, filled, "[20 200", "[20 100"), 90: look}), `"town" was changed`, false, true},
		{"field with an action", edit(t, signed[2], "", map[int]string{6: replaced(t, filled, "/P 3", "/AA<<>>/P 3"), 90: look}), `"town" was changed`, false, true},
		{"value changed", edit(t, signed[0], "", map[int]string{7: changed}), `it said "100" and now says "999"`, false, true},
		{"value changed, forms allowed", edit(t, signed[2], "", map[int]string{7: changed}), `it said "100" and now says "999"`, true, true},
		{"mark beside everything", countersign(t, signed[0], blank, mark, nil), "A further signature was added", true, true},
		{"mark that draws nothing", countersign(t, signed[0], text, "% nothing", nil), "A further signature was added", true, false},
		{"mark over the text", countersign(t, signed[0], text, mark, nil), "may cover what was signed", false, true},
		{"mark over the text, forms allowed", countersign(t, signed[2], text, mark, nil), "may cover what was signed", false, true},
		{"mark over a field", countersign(t, signed[0], "20 190 100 230", mark, nil), "may cover what was signed", false, true},
		{"mark off the page", countersign(t, signed[0], "-500 10 -400 50", mark, nil), "A further signature was added", true, false},
		{"further signature, nothing allowed", countersign(t, signed[1], blank, mark, nil), "certification of the document forbids it", false, true},
		{"mark and another text", countersign(t, signed[0], blank, mark, map[int]string{4: replaced(t, formText, "100", "999")}), "Page 1 may show something else", false, true},
		{"note", edit(t, signed[3], "", note(beside, "")), `(FreeText) was added to page 1: "Seen"`, true, true},
		{"note, notes not allowed", edit(t, signed[2], "", note(beside, "")), "An annotation (FreeText) was added", false, true},
		{"note, nothing said", edit(t, signed[0], "", note(beside, "")), "An annotation (FreeText) was added", false, true},
		{"note over the text", edit(t, signed[3], "", note(text, "")), "may cover what was signed", false, true},
		{"note over a field", edit(t, signed[3], "", note("10 190 130 230", "")), "may cover what was signed", false, true},
		{"note with an action", edit(t, signed[3], "", note(beside, "/A<</S/URI/URI(x)>>")), "An annotation (FreeText) was added", false, true},
		{"note that grows with the window", edit(t, signed[3], "", note(beside, "/F 8")), "may cover what was signed", false, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d, err := pdf.Open(c.data, pdf.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			s := d.Signatures()[0]
			if s.Problem != nil {
				t.Error(s.Problem)
			}
			if !slices.ContainsFunc(s.Changes, func(g pdf.Change) bool {
				return strings.Contains(g.Detail, c.want) && g.Justified == c.ok && g.Visible == c.visible
			}) {
				t.Errorf("changes: %+v", s.Changes)
			}
			if all := !slices.ContainsFunc(s.Changes, func(g pdf.Change) bool { return !g.Justified }); all != c.ok {
				t.Errorf("all justified: %v; %+v", all, s.Changes)
			}
		})
	}
	t.Run("note removed again", func(t *testing.T) {
		with := edit(t, signed[3], "", note(beside, ""))
		d, err := pdf.Open(edit(t, with, "", map[int]string{3: object(t, signed[3], 3)}), pdf.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if c := d.Signatures()[0].Changes; len(c) != 2 || !c[0].Justified || !c[1].Justified || !strings.Contains(c[1].Detail, "removed again") {
			t.Errorf("%+v", c)
		}
	})
}

// A signature may lock fields, by its own dictionary or by the field it stands in.
func TestLocks(t *testing.T) {
	key := licensor(t)
	lock := func(l string) []byte {
		data := edit(t, form(t), "", map[int]string{
			1: replaced(t, formCatalog, "/Fields[", "/Fields[8 0 R "), 3: replaced(t, formPage, "/Annots[", "/Annots[8 0 R "),
			8: "<</Type/Annot/Subtype/Widget/FT/Sig/T(First)/Rect[0 0 0 0]/P 3 0 R/Lock " + l + ">>",
		})
		return sign(t, key, data, pdf.PrepareOptions{Field: "First", Size: 4096})
	}
	cases := []struct {
		lock string
		ok   bool
	}{
		{"<</Action/All>>", false},
		{"<</Action/Include/Fields[(town)]>>", false},
		{"<</Action/Include/Fields[(amount)]>>", true},
		{"<</Action/Include/Fields[(tow)]>>", true},
		{"<</Action/Exclude/Fields[(town)]>>", true},
		{"<</Action/Exclude/Fields[(amount)]>>", false},
		{"<</Action/Include/Fields[(amount)]/P 1>>", false},
		{"<<>>", false},
	}
	for _, c := range cases {
		t.Run(c.lock, func(t *testing.T) {
			d, err := pdf.Open(edit(t, lock(c.lock), "", map[int]string{6: replaced(t, emptyField, "/P 3 0 R", "/P 3 0 R/V(Almaty)")}), pdf.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if s := d.Signatures()[0]; len(s.Changes) != 1 || s.Changes[0].Justified != c.ok {
				t.Errorf("%+v", s.Changes)
			}
		})
	}
}

// Where a page draws is found in every way a page may draw. The mark stands at 200 50 300 90.
func TestInk(t *testing.T) {
	key := licensor(t)
	widths := "/FirstChar 32/Widths[" + strings.Repeat("500 ", 95) + "]"
	cases := []struct {
		name, content string
		hit           bool
	}{
		{"nothing", "", false},
		{"white", "1 g 0 0 400 400 re f", false},
		{"white by another mode", "/GS gs 1 g 0 0 400 400 re f", true},
		{"white in a space of its own", "/S1 cs 1 scn 0 0 400 400 re f", true},
		{"light grey", "0.9 g 0 0 400 400 re f", true},
		{"frame of the page", "1 w 10 10 380 380 re S", false},
		{"line through", "0 60 m 400 60 l S", true},
		{"line below", "0 40 m 400 40 l S", false},
		{"wide line below", "30 w 0 40 m 400 40 l S", true},
		{"curve", "0 0 m 200 200 300 0 400 0 c f", true},
		{"path that is not drawn", "0 60 m 400 60 l n", false},
		{"text", "BT /F1 12 Tf 150 60 Td (a long line of text) Tj ET", true},
		{"short text", "BT /F1 12 Tf 150 60 Td (abc) Tj ET", false},
		{"text above", "BT /F1 12 Tf 150 100 Td (a long line of text) Tj ET", false},
		{"text in pieces", "BT /F1 12 Tf 100 60 Td [(a) -9000 (b)] TJ ET", true},
		{"text turned", "BT /F1 12 Tf 0 1 -1 0 250 0 Tm (a long line of text) Tj ET", true},
		{"text of known widths", "BT /F2 12 Tf 150 60 Td (abcdefghij) Tj ET", true},
		{"lines of text", "BT /F1 12 Tf 20 TL 210 120 Td (a) Tj (b) ' (c) ' (d) ' ET", true},
		{"text that is not shown", "BT 3 Tr /F1 12 Tf 150 60 Td (a long line of text) Tj ET", false},
		{"text in no font", "BT /None 12 Tf 10 300 Td (abc) Tj ET", true},
		{"form", "/X1 Do", true},
		{"form elsewhere", "q 1 0 0 1 0 200 cm /X1 Do Q", false},
		{"form in itself", "/X2 Do", true},
		{"picture", "q 300 0 0 300 0 0 cm /I1 Do Q", true},
		{"picture elsewhere", "q 30 0 0 30 0 0 cm /I1 Do Q", false},
		{"picture inside", "q 300 0 0 300 0 0 cm BI /W 1 /H 1 /BPC 1 /IM true ID x EI Q", true},
		{"shading", "/Sh1 sh", true},
		{"unreadable", "BT (", true},
		{"unbalanced", "Q Q Q", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			data := edit(t, form(t), "", map[int]string{
				1: "<</Type/Catalog/Pages 2 0 R>>",
				3: "<</Type/Page/Parent 2 0 R/MediaBox[0 0 400 400]/Contents 4 0 R/Resources<</Font<</F1 5 0 R/F2 10 0 R>>/XObject<</X1 11 0 R/X2 12 0 R/I1 13 0 R>>/ExtGState<</GS<</BM/Difference>>>>/ColorSpace<</S1[/Separation/Black/DeviceGray 14 0 R]>>>>>>",
				4: drawing("", c.content), 10: "<</Type/Font/Subtype/TrueType/BaseFont/X" + widths + ">>",
				11: drawing("/Subtype/Form/BBox[0 0 400 400]/Matrix[1 0 0 1 200 0]", "10 50 20 20 re f"),
				12: drawing("/Subtype/Form/BBox[0 0 400 400]/Resources<</XObject<</X2 12 0 R>>>>", "/X2 Do"),
				13: drawing("/Subtype/Image/Width 1/Height 1/BitsPerComponent 8/ColorSpace/DeviceGray", "x"), 14: "<<>>",
			})
			d, err := pdf.Open(countersign(t, sign(t, key, data, pdf.PrepareOptions{Field: "First", Size: 4096}), "200 50 300 90", "1 g 0 0 100 40 re f", nil), pdf.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			s := d.Signatures()[0]
			if hit := slices.ContainsFunc(s.Changes, func(g pdf.Change) bool { return !g.Justified }); hit != c.hit {
				t.Errorf("covers: %v; %+v", hit, s.Changes)
			}
		})
	}
}

// What a page draws is read through the filters that it is written by.
func TestFilters(t *testing.T) {
	cases := map[string]struct{ dict, data string }{
		"letters":     {"/Filter/ASCIIHexDecode", "30 20 36 30206d20343030203630206c20530A>"}, // 0 60 m 400 60 l S
		"two":         {"/Filter[/ASCIIHexDecode/ASCIIHexDecode]", "33 30 20 32 30 20 33 36 20 33 30 20 32 30 20 36 64 20 32 30 20 33 34 20 33 30 20 33 30 20 32 30 20 33 36 20 33 30 20 32 30 20 36 63 20 32 30 20 35 33 3e>"},
		"eighty-five": {"/Filter/ASCII85Decode", lettered("0 60 m 400 60 l S")},
		"unfinished":  {"/Filter/ASCIIHexDecode", "30 20"},
		"unknown":     {"/Filter/LZWDecode", "x"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			data := edit(t, form(t), "", map[int]string{4: drawing(c.dict, c.data)})
			d := open(t, countersign(t, sign(t, licensor(t), data, pdf.PrepareOptions{Field: "First", Size: 4096}), "200 50 300 90", "1 g 0 0 100 40 re f", nil))
			if s := d.Signatures()[0]; !slices.ContainsFunc(s.Changes, func(g pdf.Change) bool { return !g.Justified }) {
				t.Errorf("%+v", s.Changes)
			}
		})
	}
	data := edit(t, form(t), "", map[int]string{4: drawing("/Filter/ASCII85Decode", lettered("0 360 m 400 360 l S"))})
	d := open(t, countersign(t, sign(t, licensor(t), data, pdf.PrepareOptions{Field: "First", Size: 4096}), "200 50 300 90", "1 g 0 0 100 40 re f", nil))
	if s := d.Signatures()[0]; slices.ContainsFunc(s.Changes, func(g pdf.Change) bool { return !g.Justified }) {
		t.Errorf("a line elsewhere: %+v", s.Changes)
	}
}

func lettered(s string) string {
	out := make([]byte, ascii85.MaxEncodedLen(len(s)))
	return string(out[:ascii85.Encode(out, []byte(s))]) + "~>"
}

// Tags may grow with a further signature, and say nothing new of what was there.
func TestTags(t *testing.T) {
	key := licensor(t)
	data := edit(t, form(t), "", map[int]string{
		1:  replaced(t, formCatalog, "/Type/Catalog", "/Type/Catalog/StructTreeRoot 20 0 R/MarkInfo<</Marked true>>"),
		20: "<</Type/StructTreeRoot/K[21 0 R]/ParentTree 23 0 R/ParentTreeNextKey 1>>",
		21: "<</Type/StructElem/S/Document/P 20 0 R/K[22 0 R]>>",
		22: "<</Type/StructElem/S/P/P 21 0 R/Pg 3 0 R/K 0>>",
		23: "<</Nums[0 24 0 R]>>", 24: "[22 0 R]",
	})
	signed := sign(t, key, data, pdf.PrepareOptions{Field: "First", Size: 4096})
	grown := map[int]string{
		20: "<</Type/StructTreeRoot/K[21 0 R]/ParentTree 30 0 R/ParentTreeNextKey 2>>",
		21: "<</Type/StructElem/S/Document/P 20 0 R/K[22 0 R 31 0 R]>>",
		30: "<</Nums[0 24 0 R 1 31 0 R]>>",
		31: "<</Type/StructElem/S/Form/P 21 0 R/Pg 3 0 R/K<</Type/OBJR/Obj 201 0 R>>>>",
	}
	cases := []struct {
		name string
		with map[int]string
		ok   bool
	}{
		{"as it should", nil, true},
		{"words to be read aloud", map[int]string{31: replaced(t, grown[31], "/S/Form", "/S/Form/Alt(You pay nothing)")}, false},
		{"an element left out", map[int]string{21: "<</Type/StructElem/S/Document/P 20 0 R/K[31 0 R]>>"}, false},
		{"another entry of the parent tree", map[int]string{30: "<</Nums[0 31 0 R 1 31 0 R]>>"}, false},
		{"an element of something else", map[int]string{31: replaced(t, grown[31], "201 0 R", "6 0 R")}, false},
		{"an old element changed", map[int]string{22: "<</Type/StructElem/S/P/P 21 0 R/Pg 3 0 R/K 0/ActualText(x)>>"}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			more := maps.Clone(grown)
			maps.Copy(more, c.with)
			d, err := pdf.Open(countersign(t, signed, "0 0 0 0", "", more), pdf.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			s := d.Signatures()[0]
			if ok := !slices.ContainsFunc(s.Changes, func(g pdf.Change) bool { return !g.Justified }); ok != c.ok {
				t.Errorf("%+v", s.Changes)
			}
		})
	}
}

// Metadata may tell of the change, not of another document.
func TestMetadata(t *testing.T) {
	key := licensor(t)
	xmp := func(title, date string) string {
		s := `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:ModifyDate="` + date +
			`"><dc:title><rdf:Alt><rdf:li>` + title + `</rdf:li></rdf:Alt></dc:title></rdf:Description></rdf:RDF></x:xmpmeta>`
		return fmt.Sprintf("<</Type/Metadata/Subtype/XML/Length %d>>\nstream\n%s\nendstream", len(s), s)
	}
	plain := edit(t, form(t), "", map[int]string{
		1: replaced(t, formCatalog, "/Type/Catalog", "/Type/Catalog/Metadata 40 0 R"), 40: xmp("Licence", "2026-01-01"),
	})
	signed := sign(t, key, plain, pdf.PrepareOptions{Field: "First", Size: 4096})
	t.Run("nothing allowed", func(t *testing.T) {
		sealed := sign(t, key, plain, pdf.PrepareOptions{Field: "First", Certify: 1, Size: 4096})
		c := open(t, edit(t, sealed, "", map[int]string{40: xmp("Licence", "2027-01-01")})).Signatures()[0].Changes
		if len(c) != 1 || c[0].Justified {
			t.Errorf("%+v", c)
		}
	})
	for name, c := range map[string]struct {
		xmp string
		ok  bool
	}{
		"date":       {xmp("Licence", "2027-01-01"), true},
		"title":      {xmp("Diploma", "2026-01-01"), false},
		"unreadable": {"<</Type/Metadata/Subtype/XML/Length 3>>\nstream\n<x>\nendstream", false},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := pdf.Open(edit(t, signed, "", map[int]string{40: c.xmp}), pdf.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if s := d.Signatures()[0]; len(s.Changes) != 1 || s.Changes[0].Kind != pdf.Metadata || s.Changes[0].Justified != c.ok || s.Changes[0].Visible {
				t.Errorf("%+v", s.Changes)
			}
		})
	}
}
