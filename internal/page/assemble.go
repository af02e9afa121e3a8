// SPDX-License-Identifier: Apache-2.0

package page

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"rastau/internal/pdf"
)

// maxPlain is how many bytes of drawing stay uncompressed: compressing a licence of one page costs more than all else.
const maxPlain = 24 << 10

// maxElements is how many elements of the structure stand in the file as they are: those of a long list weigh more than its text.
const maxElements = 200

// assembly is what a file is put together from.
type assembly struct {
	canvas     *canvas
	properties properties
	attachment []byte
	name       string // of the attachment
	about      string // it
}

// room is left behind the file for the revision with the signature.
const room = 20 << 10

// assemble writes the file.
func (a assembly) assemble() pdf.Draft {
	c := a.canvas
	f := &file{squeezed: len(c.elements) > maxElements}
	size := len(a.attachment) + len(fixed().body) + 8<<10 + 160*len(c.elements) + room
	plain := 0
	for _, s := range c.sheets {
		plain += len(s.ops)
	}
	f.out = make([]byte, 0, size+plain)
	f.start()
	f.fixed()
	f.letters(c.used)
	f.properties(a.properties)

	sheets := make([]int, len(c.sheets))
	for i := range sheets {
		sheets[i] = f.fresh()
	}
	link := 0
	if c.linked >= 0 {
		num := f.fresh()
		link = num
		b := c.link
		f.object(num, "<</Type/Annot/Subtype/Link/Rect[%.2f %.2f %.2f %.2f]/Border[0 0 0]/F 4/StructParent %d/Contents%s/A<</S/URI/URI(%s)>>>>",
			b[0], b[1], b[2], b[3], len(c.sheets), words(c.address), escaped(c.address))
	}
	for i, s := range c.sheets {
		contents := f.fresh()
		if plain > maxPlain || f.squeezed {
			f.stream(contents, "/Filter/FlateDecode", deflated(s.ops))
		} else {
			f.stream(contents, "", s.ops)
		}
		annots := ""
		if i == c.linked {
			annots = fmt.Sprintf("/Annots[%d 0 R]", link)
		}
		f.object(sheets[i], "<</Type/Page/Parent %d 0 R/MediaBox[0 0 595.28 841.89]/Resources<</Font<</R %d 0 R/B %d 0 R>>>>/Contents %d 0 R/StructParents %d/Tabs/S%s>>",
			numPages, numFonts, numFonts+5, contents, i, annots)
	}
	f.object(numPages, "<</Type /Pages /Kids [%s] /Count %d>>", refs(sheets), len(sheets))
	a.structure(f, sheets, link)
	files := ""
	if a.attachment != nil {
		files = a.attach(f)
	}
	f.object(numCatalog, "<</Type/Catalog/Version/1.7/Pages %d 0 R/Lang(kk-KZ)/Metadata %d 0 R/MarkInfo<</Marked true>>/StructTreeRoot %d 0 R"+
		"/ViewerPreferences<</DisplayDocTitle true>>/OutputIntents[<</Type/OutputIntent/S/GTS_PDFA1/OutputConditionIdentifier(sRGB)/Info(sRGB)/DestOutputProfile %d 0 R>>]%s>>",
		numPages, numMetadata, numTree, numIntent, files)
	return f.finish()
}

// attach embeds the licence's data (ISO 19005-3 §6.8: with its kind, its relation to the document and a name for all readers).
func (a assembly) attach(f *file) (catalog string) {
	data, entries := a.attachment, "/Type/EmbeddedFile/Subtype/application#2Fjson"
	entries += fmt.Sprintf("/Params<</Size %d/ModDate(D:%sZ)>>", len(data), a.properties.at.UTC().Format("20060102150405"))
	if len(data) > maxPlain || f.squeezed {
		data, entries = deflated(data), entries+"/Filter/FlateDecode"
	}
	body, spec := f.fresh(), f.fresh()
	f.stream(body, entries, data)
	f.object(spec, "<</Type/Filespec/F(%s)/UF%s/Desc%s/AFRelationship/Data/EF<</F %d 0 R/UF %d 0 R>>>>", escaped(a.name), words(a.name), words(a.about), body, body)
	return fmt.Sprintf("/AF[%d 0 R]/Names<</EmbeddedFiles<</Names[%s %d 0 R]>>>>", spec, words(a.name), spec)
}

// structure writes the tree of what is read aloud (ISO 32000-1 §14.7) and the way back to it from the pages.
func (a assembly) structure(f *file, sheets []int, link int) {
	c := a.canvas
	document := f.fresh()
	nums := make([]int, len(c.elements))
	var top []int
	for i := range nums {
		nums[i] = f.fresh()
		if c.elements[i].parent < 0 {
			top = append(top, nums[i])
		}
	}
	f.lesser(numTree, "<</Type/StructTreeRoot/K %d 0 R/ParentTree %d 0 R/ParentTreeNextKey %d>>", document, numParents, len(sheets)+1)
	f.lesser(document, "<</Type/StructElem/S/Document/P %d 0 R/Lang(kk-KZ)/K[%s]>>", numTree, refs(top))
	linked := 0
	var kids []int
	for i, e := range c.elements {
		parent := document
		if e.parent >= 0 {
			parent = nums[e.parent]
		}
		if e.link {
			linked, e.sheet = nums[i], c.linked
		}
		kids = kids[:0]
		for _, kid := range e.kids {
			kids = append(kids, nums[kid])
		}
		f.element(nums[i], e, parent, kids, sheets[e.sheet], link)
	}
	var way strings.Builder
	for i, s := range c.sheets {
		marked := make([]int, len(s.marks))
		for k, m := range s.marks {
			marked[k] = nums[m]
		}
		fmt.Fprintf(&way, "%d[%s]", i, refs(marked))
	}
	if linked > 0 {
		fmt.Fprintf(&way, "%d %d 0 R", len(c.sheets), linked)
	}
	f.lesser(numParents, "<</Nums[%s]>>", way.String())
}

func refs(nums []int) string {
	var out []byte
	for _, n := range nums {
		out = append(strconv.AppendInt(out, int64(n), 10), " 0 R "...)
	}
	return string(out)
}

// escaped writes a literal string (ISO 32000-1 §7.3.4.2) in ASCII; what is not is left to the entry beside it that holds Unicode.
func escaped(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '(' || r == ')' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r > '~':
			b.WriteByte('_')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// since is a date of the licence with its default.
func since(t, otherwise time.Time) time.Time {
	if t.IsZero() {
		return otherwise
	}
	return t
}
