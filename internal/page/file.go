// SPDX-License-Identifier: Apache-2.0

package page

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf16"

	"rastau/internal/pdf"
)

// Numbers of the objects that every licence has.
const (
	numCatalog = iota + 1
	numPages
	numInfo
	numMetadata
	numIntent
	numFonts   // five for each face
	numTree    = numFonts + 10
	numParents = numTree + 1
	numFree    = numParents + 1
)

// file writes a PDF 1.7 as PDF/A-3 wants it (ISO 19005-3): one revision, a classic table where the licence is not long, nothing left
// out that a reader in decades may miss.
type file struct {
	out     []byte
	offsets []int // by object number
	own     int   // where the objects of this licence begin

	squeezed bool // the structure's elements stand in object streams
	aside    []byte
	places   []place
}

// place of an object in aside.
type place struct{ num, at int }

func (f *file) start() {
	f.out = append(f.out, "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"...)
	f.offsets = make([]int, numFree, 256)
}

func (f *file) fresh() int {
	f.offsets = append(f.offsets, 0)
	return len(f.offsets) - 1
}

func (f *file) object(num int, format string, a ...any) {
	f.offsets[num] = len(f.out)
	f.out = fmt.Appendf(f.out, "%d 0 obj\n", num)
	f.out = fmt.Appendf(f.out, format, a...)
	f.out = append(f.out, "\nendobj\n"...)
}

// lesser is object for what may stand in an object stream: no stream, and nothing that a reader needs to find those.
func (f *file) lesser(num int, format string, a ...any) {
	if !f.squeezed {
		f.object(num, format, a...)
		return
	}
	f.places = append(f.places, place{num, len(f.aside)})
	f.aside = append(fmt.Appendf(f.aside, format, a...), '\n')
}

// element writes one of the structure; link is 0 where it is none. It is called some sixty times for each licence.
func (f *file) element(num int, e element, parent int, kids []int, sheet, link int) {
	if f.squeezed {
		f.places = append(f.places, place{num, len(f.aside)})
		f.aside = append(writeElement(f.aside, e, parent, kids, sheet, link), '\n')
		return
	}
	f.offsets[num] = len(f.out)
	f.out = append(strconv.AppendInt(f.out, int64(num), 10), " 0 obj\n"...)
	f.out = append(writeElement(f.out, e, parent, kids, sheet, link), "\nendobj\n"...)
}

func writeElement(out []byte, e element, parent int, kids []int, sheet, link int) []byte {
	out = append(append(out, "<</Type/StructElem/S/"...), e.role...)
	out = reference(append(out, "/P "...), parent)
	if e.lang != "" {
		out = append(append(append(out, "/Lang("...), e.lang...), ')')
	}
	if e.alt != "" {
		out = append(append(out, "/Alt"...), words(e.alt)...)
	}
	if e.header {
		out = append(out, "/A<</O/Table/Scope/Column>>"...)
	}
	if e.mark >= 0 || e.link {
		out = reference(append(out, "/Pg "...), sheet)
	}
	out = append(out, "/K"...)
	if e.mark >= 0 && !e.link {
		out = strconv.AppendInt(append(out, ' '), int64(e.mark), 10)
	} else {
		out = append(out, '[')
		for _, k := range kids {
			out = append(reference(out, k), ' ')
		}
		if e.link {
			out = append(reference(append(out, "<</Type/OBJR/Obj "...), link), ">>"...)
		}
		out = append(out, ']')
	}
	return append(out, ">>"...)
}

func reference(out []byte, num int) []byte {
	return append(strconv.AppendInt(out, int64(num), 10), " 0 R"...)
}

// stream writes data behind a dictionary's own entries.
func (f *file) stream(num int, entries string, data []byte) {
	f.offsets[num] = len(f.out)
	f.out = fmt.Appendf(f.out, "%d 0 obj\n<<%s/Length %d>>\nstream\n", num, entries, len(data))
	f.out = append(f.out, data...)
	f.out = append(f.out, "\nendstream\nendobj\n"...)
}

// finish writes the table and the trailer. The identifier (ISO 32000-1 §14.4) is made from what this licence alone has, so that
// the same licence gives the same file.
func (f *file) finish() pdf.Draft {
	if f.squeezed {
		f.finishSqueezed()
		return pdf.Draft{Data: f.out}
	}
	sum := sha256.Sum256(f.out[f.own:])
	at := len(f.out)
	f.out = fmt.Appendf(f.out, "xref\n0 %d\n0000000000 65535 f \n", len(f.offsets))
	for _, o := range f.offsets[1:] {
		row := [20]byte{10: ' '}
		copy(row[10:], " 00000 n \n")
		for i := 9; i >= 0; i-- {
			row[i], o = byte('0'+o%10), o/10
		}
		f.out = append(f.out, row[:]...)
	}
	trailer := len(f.out)
	f.out = fmt.Appendf(f.out, "trailer\n<</Size %d/Root %d 0 R/Info %d 0 R/ID[<%X><%X>]>>\nstartxref\n%d\n%%%%EOF\n",
		len(f.offsets), numCatalog, numInfo, sum[:16], sum[:16], at)
	return pdf.Draft{Data: f.out, Offsets: f.offsets, Table: at, Trailer: trailer}
}

// inStream is how many objects one object stream holds.
const inStream = 1000

// finishSqueezed writes the objects that were put aside into object streams (ISO 32000-1 §7.5.7), and a stream of cross-references
// (§7.5.8) in the table's place.
func (f *file) finishSqueezed() {
	type inside struct{ stream, index int }
	where := map[int]inside{}
	for len(f.places) > 0 {
		some := f.places[:min(len(f.places), inStream)]
		f.places = f.places[len(some):]
		end := len(f.aside)
		if len(f.places) > 0 {
			end = f.places[0].at
		}
		stream := f.fresh()
		var head []byte
		for i, p := range some {
			head = append(strconv.AppendInt(append(strconv.AppendInt(head, int64(p.num), 10), ' '), int64(p.at-some[0].at), 10), ' ')
			where[p.num] = inside{stream, i}
		}
		f.stream(stream, fmt.Sprintf("/Type/ObjStm/N %d/First %d/Filter/FlateDecode", len(some), len(head)), deflated(append(head, f.aside[some[0].at:end]...)))
	}
	sum := sha256.Sum256(f.out[f.own:])
	table, at := f.fresh(), len(f.out)
	f.offsets[table] = at
	var rows []byte
	for num, offset := range f.offsets {
		kind, second, third := byte(1), offset, 0
		if in, is := where[num]; is {
			kind, second, third = 2, in.stream, in.index
		} else if num == 0 {
			kind, third = 0, 65535
		}
		rows = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32(append(rows, kind), uint32(second)), uint16(third))
	}
	f.stream(table, fmt.Sprintf("/Type/XRef/Size %d/W[1 4 2]/Root %d 0 R/Info %d 0 R/ID[<%X><%X>]/Filter/FlateDecode",
		len(f.offsets), numCatalog, numInfo, sum[:16], sum[:16]), deflated(rows))
	f.out = fmt.Appendf(f.out, "startxref\n%d\n%%%%EOF\n", at)
}

// words writes a text string (ISO 32000-1 §7.9.2.2) as UTF-16 in hexadecimal digits.
func words(s string) string {
	var out strings.Builder
	out.Grow(4*len(s) + len("<FEFF>"))
	out.WriteString("<FEFF")
	var units [2]uint16
	for _, r := range s {
		for _, u := range utf16.AppendRune(units[:0], r) {
			out.Write([]byte{hexDigits[u>>12], hexDigits[u>>8&15], hexDigits[u>>4&15], hexDigits[u&15]})
		}
	}
	out.WriteByte('>')
	return out.String()
}

// properties are what the document says of itself, in Info and in XMP alike (ISO 19005-3 §6.6.2.3).
type properties struct {
	title, subject string
	at             time.Time
	lang           string
}

const producer = "Rastau"

var markup = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func (f *file) properties(p properties) {
	at := p.at.UTC()
	f.object(numInfo, "<</Title%s/Subject%s/Producer(%s)/CreationDate(D:%sZ)/ModDate(D:%sZ)>>", words(p.title), words(p.subject), producer,
		at.Format("20060102150405"), at.Format("20060102150405"))
	iso := at.Format("2006-01-02T15:04:05Z")
	f.stream(numMetadata, "/Type/Metadata/Subtype/XML", []byte("<?xpacket begin=\"\uFEFF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n"+
		`<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">`+
		`<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">`+
		`<pdfaid:part>3</pdfaid:part><pdfaid:conformance>U</pdfaid:conformance><dc:format>application/pdf</dc:format>`+
		`<dc:title><rdf:Alt><rdf:li xml:lang="x-default">`+markup.Replace(p.title)+`</rdf:li></rdf:Alt></dc:title>`+
		`<dc:description><rdf:Alt><rdf:li xml:lang="x-default">`+markup.Replace(p.subject)+`</rdf:li></rdf:Alt></dc:description>`+
		`<dc:language><rdf:Bag><rdf:li>`+p.lang+`</rdf:li></rdf:Bag></dc:language>`+
		`<xmp:CreateDate>`+iso+`</xmp:CreateDate><xmp:ModifyDate>`+iso+`</xmp:ModifyDate><pdf:Producer>`+producer+`</pdf:Producer>`+
		"</rdf:Description></rdf:RDF></x:xmpmeta>\n<?xpacket end=\"r\"?>"))
}

// kept are the objects that are the same in every licence: the fonts and the profile of colours.
type kept struct {
	body    []byte
	offsets map[int]int // from the start of body
}

var fixed = sync.OnceValue(func() kept {
	f := &file{offsets: make([]int, numFree)}
	for i, face := range faces() {
		n := numFonts + 5*i
		f.object(n, "<</Type/Font/Subtype/Type0/BaseFont/%s/Encoding/Identity-H/DescendantFonts[%d 0 R]/ToUnicode %d 0 R>>", face.name, n+1, n+4)
		f.object(n+2, "<</Type/FontDescriptor/FontName/%s/Flags 32/FontBBox[%d %d %d %d]/ItalicAngle 0/Ascent %d/Descent %d/CapHeight %d/StemV %d/FontFile2 %d 0 R>>",
			face.name, face.box[0], face.box[1], face.box[2], face.box[3], face.ascent, face.descent, face.capHeight, 80+60*i, n+3)
		f.stream(n+3, fmt.Sprintf("/Filter/FlateDecode/Length1 %d", face.size), face.packed)
		f.stream(n+4, "/Filter/FlateDecode", deflated(face.toUnicode))
	}
	f.stream(numIntent, "/N 3/Filter/FlateDecode", deflated(profile()))
	k := kept{f.out, map[int]int{}}
	for num, at := range f.offsets {
		if own := num - numFonts; num == numIntent || own >= 0 && own < 10 && own%5 != 1 {
			k.offsets[num] = at
		}
	}
	return k
})

// letters writes of each font what depends on the document: how wide the glyphs are that it uses.
func (f *file) letters(used map[*face][]bool) {
	for i, face := range faces() {
		n := numFonts + 5*i
		f.object(n+1, "<</Type/Font/Subtype/CIDFontType2/BaseFont/%s/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"+
			"/CIDToGIDMap/Identity/FontDescriptor %d 0 R/DW 600/W%s>>", face.name, n+2, face.widths(used[face]))
	}
}

// fixed copies them in.
func (f *file) fixed() {
	k := fixed()
	for num, at := range k.offsets {
		f.offsets[num] = len(f.out) + at
	}
	f.out = append(f.out, k.body...)
	f.own = len(f.out)
}

func deflated(data []byte) []byte {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	// A buffer takes everything.
	_, _ = z.Write(data)
	_ = z.Close()
	return b.Bytes()
}

// profile is an ICC profile (ICC.1:2001-04) of sRGB: a display of three primaries and a gamma of 2.2, as seen under D50.
func profile() []byte {
	be := binary.BigEndian
	xyz := func(x, y, z float64) []byte {
		b := append([]byte("XYZ "), 0, 0, 0, 0)
		for _, v := range []float64{x, y, z} {
			b = be.AppendUint32(b, uint32(int32(math.Round(v*65536))))
		}
		return b
	}
	text := func(kind, s string) []byte {
		b := append([]byte(kind), 0, 0, 0, 0)
		if kind == "desc" {
			b = be.AppendUint32(b, uint32(len(s)+1))
			b = append(append(b, s...), 0)
			return append(b, make([]byte, 4+4+2+1+67)...) // no other languages, no script code
		}
		return append(append(b, s...), 0)
	}
	curve := append([]byte("curv"), 0, 0, 0, 0, 0, 0, 0, 1, 0x02, 0x33) // 2.2 as u8Fixed8
	tags := []struct {
		name string
		data []byte
	}{
		{"desc", text("desc", "sRGB")}, {"cprt", text("text", "Public domain")}, {"wtpt", xyz(0.9505, 1, 1.0891)},
		{"rXYZ", xyz(0.4361, 0.2225, 0.0139)}, {"gXYZ", xyz(0.3851, 0.7169, 0.0971)}, {"bXYZ", xyz(0.1431, 0.0606, 0.7139)},
		{"rTRC", curve}, {"gTRC", curve}, {"bTRC", curve},
	}
	head := make([]byte, 128)
	be.PutUint32(head[8:], 0x02100000)
	copy(head[12:], "mntrRGB XYZ ")
	for i, v := range []uint16{2001, 1, 1, 0, 0, 0} { // when the format was made
		be.PutUint16(head[24+2*i:], v)
	}
	copy(head[36:], "acsp")
	copy(head[68:], xyz(0.9642, 1, 0.8249)[8:])
	table := be.AppendUint32(nil, uint32(len(tags)))
	at := 128 + 4 + 12*len(tags)
	var data []byte
	for _, t := range tags {
		for len(data)%4 != 0 {
			data = append(data, 0)
		}
		table = append(table, t.name...)
		table = be.AppendUint32(table, uint32(at+len(data)))
		table = be.AppendUint32(table, uint32(len(t.data)))
		data = append(data, t.data...)
	}
	out := append(append(head, table...), data...)
	be.PutUint32(out, uint32(len(out)))
	return out
}
