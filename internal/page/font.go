// SPDX-License-Identifier: Apache-2.0

package page

import (
	"bytes"
	"compress/zlib"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"sync"
)

// The fonts are subsets (fonts/subset.sh) under the SIL Open Font License.
var (
	//go:embed fonts/NotoSans-Regular.ttf
	regularTTF []byte
	//go:embed fonts/NotoSans-Bold.ttf
	boldTTF []byte
)

// face is a font made ready once for all licences: its measures and the PDF objects that hold it.
type face struct {
	resource  string   // its name on the pages
	glyphs    []uint16 // by letter; 0 where there is none
	advances  []uint16 // by glyph, in units
	units     int      // to the em
	ascent    int
	descent   int
	capHeight int
	box       [4]int
	packed    []byte // the file, compressed
	size      int    // of the file
	toUnicode []byte // §9.10.3
	name      string // with the tag of a subset (§9.6.4)
}

// faces are the regular and the bold one. The embedded files are part of the program: one that cannot be read is a mistake of
// whoever built it.
var faces = sync.OnceValue(func() [2]*face {
	var out [2]*face
	for i, f := range []struct {
		data           []byte
		name, resource string
	}{{regularTTF, "RASTAU+NotoSans-Regular", "R"}, {boldTTF, "RASTAU+NotoSans-Bold", "B"}} {
		parsed, err := readFace(f.data)
		if err != nil {
			panic("page: the embedded font: " + err.Error())
		}
		parsed.name, parsed.resource = f.name, f.resource
		out[i] = parsed
	}
	return out
})

// readFace reads the tables of a TrueType file that a page needs: head, hhea, hmtx, OS/2 and a cmap of format 4.
func readFace(data []byte) (*face, error) {
	be := binary.BigEndian
	tables := map[string][]byte{}
	if len(data) < 12 {
		return nil, errors.New("no font")
	}
	for i := range int(be.Uint16(data[4:])) {
		if len(data) < 28+16*i {
			return nil, errors.New("cut")
		}
		entry := data[12+16*i:]
		at, size := int(be.Uint32(entry[8:])), int(be.Uint32(entry[12:]))
		if at > len(data) || size > len(data)-at {
			return nil, errors.New("a table outside the file")
		}
		tables[string(entry[:4])] = data[at : at+size]
	}
	for name, least := range map[string]int{"head": 54, "hhea": 36, "maxp": 6, "OS/2": 90, "cmap": 4, "hmtx": 4} {
		if len(tables[name]) < least {
			return nil, fmt.Errorf("no table %q", name)
		}
	}
	head, hhea, hmtx, os2 := tables["head"], tables["hhea"], tables["hmtx"], tables["OS/2"]
	f := &face{units: int(be.Uint16(head[18:])), glyphs: make([]uint16, 1<<16), size: len(data)}
	signed := func(b []byte) int { return int(int16(be.Uint16(b))) }
	for i := range f.box {
		f.box[i] = signed(head[36+2*i:]) * 1000 / f.units
	}
	f.ascent, f.descent = signed(hhea[4:])*1000/f.units, signed(hhea[6:])*1000/f.units
	f.capHeight = signed(os2[88:]) * 1000 / f.units
	long := int(be.Uint16(hhea[34:]))
	if long == 0 || len(hmtx) < 4*long {
		return nil, errors.New("no advances")
	}
	f.advances = make([]uint16, be.Uint16(tables["maxp"][4:]))
	for i := range f.advances {
		f.advances[i] = be.Uint16(hmtx[4*min(i, long-1):])
	}
	if err := f.readMap(tables["cmap"]); err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	z, _ := zlib.NewWriterLevel(&packed, zlib.BestCompression)
	_, err1 := z.Write(data)
	if err2 := z.Close(); err1 != nil || err2 != nil {
		return nil, errors.Join(err1, err2)
	}
	f.packed, f.toUnicode = packed.Bytes(), f.unicodeMap()
	return f, nil
}

// readMap reads the subtable of format 4 (segments of the Basic Multilingual Plane).
func (f *face) readMap(cmap []byte) error {
	be := binary.BigEndian
	for i := range int(be.Uint16(cmap[2:])) {
		if len(cmap) < 12+8*i {
			break
		}
		at := int(be.Uint32(cmap[8+8*i:]))
		if at+16 > len(cmap) || be.Uint16(cmap[at:]) != 4 {
			continue
		}
		t := cmap[at:]
		n := int(be.Uint16(t[6:]))
		if len(t) < 16+4*n {
			return errors.New("the map of letters is cut")
		}
		ends, starts, deltas, offsets := t[14:], t[16+n:], t[16+2*n:], t[16+3*n:]
		for s := 0; s < n; s += 2 {
			start, end, offset := int(be.Uint16(starts[s:])), int(be.Uint16(ends[s:])), int(be.Uint16(offsets[s:]))
			for c := start; c <= end && c != 0xffff; c++ {
				g := uint16(c)
				if offset != 0 {
					place := s + offset + 2*(c-start)
					if place+2 > len(offsets) {
						return errors.New("the map of letters is cut")
					}
					if g = be.Uint16(offsets[place:]); g == 0 {
						continue
					}
				}
				if g += be.Uint16(deltas[s:]); g != 0 && int(g) < len(f.advances) {
					f.glyphs[c] = g
				}
			}
		}
		return nil
	}
	return errors.New("no map of letters")
}

// glyph of a letter; 0 where there is none.
func (f *face) glyph(r rune) uint16 {
	if r < 0 || int(r) >= len(f.glyphs) {
		return 0
	}
	return f.glyphs[r]
}

// widths writes /W (ISO 32000-1 §9.7.4.3) for the glyphs that a document uses.
func (f *face) widths(used []bool) []byte {
	out := []byte{'['}
	for g := 0; g < len(used); g++ {
		if !used[g] {
			continue
		}
		out = append(strconv.AppendInt(out, int64(g), 10), '[')
		for ; g < len(used) && used[g]; g++ {
			out = append(strconv.AppendInt(out, int64((int(f.advances[g])*1000+f.units/2)/f.units), 10), ' ')
		}
		out = append(out, ']')
	}
	return append(out, ']')
}

// unicodeMap says which letter each glyph stands for, so that words can be copied and read aloud.
func (f *face) unicodeMap() []byte {
	letters := make([]rune, len(f.advances))
	for r, g := range f.glyphs {
		if g != 0 && letters[g] == 0 {
			letters[g] = rune(r)
		}
	}
	var lines [][]byte
	for g, r := range letters {
		if r != 0 {
			lines = append(lines, fmt.Appendf(nil, "<%04X><%04X>\n", g, r))
		}
	}
	out := []byte("/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CIDSystemInfo<</Registry(Adobe)/Ordering(UCS)/Supplement 0>>def\n" +
		"/CMapName/Adobe-Identity-UCS def\n/CMapType 2 def\n1 begincodespacerange\n<0000><FFFF>\nendcodespacerange\n")
	for len(lines) > 0 {
		n := min(len(lines), 100) // a block holds no more
		out = fmt.Appendf(out, "%d beginbfchar\n%sendbfchar\n", n, bytes.Join(lines[:n], nil))
		lines = lines[n:]
	}
	return append(out, "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"...)
}

// width of a text in points.
func (f *face) width(s string, size float64) float64 {
	sum := 0
	for _, r := range s {
		sum += int(f.advances[f.glyph(r)])
	}
	return float64(sum) * size / float64(f.units)
}

// LetterError names a letter that the licence's font cannot draw: printing a box in its place would change a name.
type LetterError struct {
	Field string
	Rune  rune
}

func (e *LetterError) Error() string {
	return fmt.Sprintf("the licence's font has no letter %q (U+%04X), which stands in %s", e.Rune, e.Rune, e.Field)
}

// CheckText says whether the licence can show a text: nil or a *LetterError that names field.
func CheckText(field, text string) error {
	regular, bold := faces()[0], faces()[1]
	for _, r := range text {
		if r == '\n' {
			continue
		}
		if regular.glyph(r) == 0 || bold.glyph(r) == 0 {
			return &LetterError{Field: field, Rune: r}
		}
	}
	return nil
}
