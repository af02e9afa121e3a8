// SPDX-License-Identifier: Apache-2.0

package page

import (
	"math"
	"strconv"
	"strings"
	"sync"
)

// points of PDF in a millimetre.
const points = 72 / 25.4

// colour in RGB, each of 0 to 1.
type colour [3]float64

var (
	black = colour{0, 0, 0}
	grey  = colour{0.35, 0.35, 0.35} // 7:1 on white (WCAG 1.4.6)
	teal  = colour{0, 0.33, 0.4}
	pale  = colour{0.92, 0.92, 0.92}
	hair  = colour{0.72, 0.78, 0.8}
	red   = colour{0.7, 0.08, 0.08}
)

// element of the document's structure (ISO 32000-1 §14.7): what is read aloud, in the order of reading.
type element struct {
	role, lang, alt string
	parent          int // place in canvas.elements; -1 is the document
	kids            []int
	sheet, mark     int  // where its words stand; mark is -1 where it has none of its own
	link            bool // the link over the code belongs to it
	header          bool // of a column
}

// sheet is one page being drawn.
type sheet struct {
	ops   []byte
	marks []int // elements by their mark
}

// canvas collects what all pages hold. Measures are in millimetres from the top left.
type canvas struct {
	sheets   []*sheet
	elements []element
	used     map[*face][]bool // glyphs
	inside   int              // element under which the next ones stand; -1 is the document
	linked   int              // sheet with the link, and its place; -1 where there is none
	link     [4]float64
	address  string
}

// canvases are used again: a licence costs little more than the memory that it needs meanwhile.
var canvases = sync.Pool{New: func() any { return &canvas{used: map[*face][]bool{}} }}

// newCanvas is an empty one; release it when nothing of it is needed any longer.
func newCanvas() *canvas {
	c := canvases.Get().(*canvas)
	c.sheets, c.elements, c.inside, c.linked, c.address = c.sheets[:0], c.elements[:0], -1, -1, ""
	for _, used := range c.used {
		clear(used)
	}
	return c
}

func (c *canvas) release() {
	clear(c.elements) // and the texts of the licence with them
	canvases.Put(c)
}

func (c *canvas) page() *sheet { return c.sheets[len(c.sheets)-1] }

func (c *canvas) newPage() {
	n := len(c.sheets)
	if n == cap(c.sheets) {
		c.sheets = append(c.sheets, nil)
	}
	if c.sheets = c.sheets[:n+1]; c.sheets[n] == nil {
		c.sheets[n] = &sheet{ops: make([]byte, 0, 12<<10)}
	}
	c.sheets[n].ops, c.sheets[n].marks = c.sheets[n].ops[:0], c.sheets[n].marks[:0]
}

// begin opens words that are read aloud; end closes them.
func (c *canvas) begin(role, lang, alt string) int {
	s := c.page()
	id := c.group(role, lang)
	e := &c.elements[id]
	e.alt, e.sheet, e.mark = alt, len(c.sheets)-1, len(s.marks)
	s.ops = append(append(append(s.ops, '/'), role...), "<</MCID "...)
	s.ops = append(strconv.AppendInt(s.ops, int64(len(s.marks)), 10), ">>BDC\n"...)
	s.marks = append(s.marks, id)
	return id
}

func (c *canvas) end() { c.page().ops = append(c.page().ops, "EMC\n"...) }

// artifact draws what is decoration and not read aloud.
func (c *canvas) artifact(draw func()) {
	c.page().ops = append(c.page().ops, "/Artifact BMC\n"...)
	draw()
	c.end()
}

// group is an element that holds others; enter makes it the one that the next ones stand under.
func (c *canvas) group(role, lang string) int {
	id := len(c.elements)
	c.elements = append(c.elements, element{role: role, lang: lang, parent: c.inside, mark: -1})
	if c.inside >= 0 {
		c.elements[c.inside].kids = append(c.elements[c.inside].kids, id)
	}
	return id
}

func (c *canvas) enter(role, lang string) (leave func()) {
	outer := c.inside
	c.inside = c.group(role, lang)
	return func() { c.inside = outer }
}

// number writes v with two decimals.
func (s *sheet) number(v float64) *sheet {
	n := int64(math.Round(v * 100))
	if n == 0 {
		s.ops = append(s.ops, "0 "...)
		return s
	}
	if n < 0 {
		s.ops, n = append(s.ops, '-'), -n
	}
	s.ops = strconv.AppendInt(s.ops, n/100, 10)
	if n %= 100; n != 0 {
		s.ops = append(s.ops, '.', byte('0'+n/10), byte('0'+n%10))
	}
	s.ops = append(s.ops, ' ')
	return s
}

func (s *sheet) op(op string) *sheet {
	s.ops = append(append(s.ops, op...), '\n')
	return s
}

func (s *sheet) fill(c colour) *sheet   { return s.number(c[0]).number(c[1]).number(c[2]).op("rg") }
func (s *sheet) stroke(c colour) *sheet { return s.number(c[0]).number(c[1]).number(c[2]).op("RG") }

const hexDigits = "0123456789ABCDEF"

// text puts a line with its baseline at y.
func (c *canvas) text(x, y float64, f *face, size float64, col colour, line string) {
	s := c.page()
	s.op("BT").fill(col)
	s.ops = append(append(append(s.ops, '/'), f.resource...), ' ')
	s.number(size).op("Tf").number(x * points).number((pageHeight - y) * points).op("Td")
	s.ops = append(s.ops, '<')
	used := c.used[f]
	if used == nil {
		used = make([]bool, len(f.advances))
		c.used[f] = used
	}
	show := func(g uint16) {
		used[g] = true
		s.ops = append(s.ops, hexDigits[g>>12], hexDigits[g>>8&15], hexDigits[g>>4&15], hexDigits[g&15])
	}
	for _, r := range line {
		show(f.glyph(r))
	}
	show(f.glyph(' ')) // or the last word of a line would be read as one with the first of the next
	s.op(">Tj").op("ET")
}

// turned puts a line around its middle, turned by the angle whose cosine and sine are given.
func (c *canvas) turned(x, y, cos, sin float64, f *face, size float64, col colour, line string) {
	s := c.page()
	s.op("q").number(cos).number(sin).number(-sin).number(cos).number(x * points).number((pageHeight - y) * points).op("cm")
	half := f.width(line, size) / 2 / points
	c.text(-half, pageHeight, f, size, col, line)
	s.op("Q")
}

func (c *canvas) line(x1, y1, x2, y2, width float64, col colour) {
	c.page().stroke(col).number(width * points).op("w").number(x1 * points).number((pageHeight - y1) * points).op("m").
		number(x2 * points).number((pageHeight - y2) * points).op("l S")
}

func (c *canvas) frame(x, y, w, h, width float64, col colour) {
	c.page().stroke(col).number(width * points).op("w").number(x * points).number((pageHeight - y - h) * points).
		number(w * points).number(h * points).op("re S")
}

func (c *canvas) box(x, y, w, h float64, col colour) {
	c.page().fill(col).number(x * points).number((pageHeight - y - h) * points).number(w * points).number(h * points).op("re f")
}

// wrapped breaks a text into lines of at most so many millimetres, between words where it can, inside a word where it must.
func wrapped(f *face, size, width float64, text string) []string {
	room, space := width*points, f.width(" ", size)
	var out []string
	for paragraph := range strings.SplitSeq(text, "\n") {
		paragraph = single(paragraph)
		// The line is what lies from start to end; wide is its width.
		start, end, wide := 0, 0, 0.0
		for at := 0; at < len(paragraph); {
			to := len(paragraph)
			if i := strings.IndexByte(paragraph[at:], ' '); i >= 0 {
				to = at + i
			}
			long := f.width(paragraph[at:to], size)
			if end > start && wide+space+long <= room {
				end, wide, at = to, wide+space+long, to+1
				continue
			}
			if end > start {
				out = append(out, paragraph[start:end])
			}
			for long > room {
				cut := at + fitting(f, size, room, paragraph[at:to])
				out = append(out, paragraph[at:cut])
				if at = cut; at == to {
					break
				}
				long = f.width(paragraph[at:to], size)
			}
			start, end, wide, at = at, to, long, to+1
		}
		out = append(out, paragraph[start:end])
	}
	return out
}

// single has one space between words and none around them.
func single(s string) string {
	if !strings.HasPrefix(s, " ") && !strings.HasSuffix(s, " ") && !strings.Contains(s, "  ") && !strings.ContainsAny(s, "\t\v\f\r\u0085\u00a0") {
		return s
	}
	return strings.Join(strings.Fields(s), " ")
}

// fitting is how many bytes of a word fit, at least its first letter.
func fitting(f *face, size, room float64, word string) int {
	cut := len(word)
	for i := range word {
		if i > 0 && f.width(word[:i], size) > room {
			break
		}
		if i > 0 {
			cut = i
		}
	}
	return cut
}
