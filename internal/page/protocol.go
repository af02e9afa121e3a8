// SPDX-License-Identifier: Apache-2.0

package page

import (
	"strings"
	"time"
)

// Protocol is a plain report in one language: headings, and lines of a name and a value.
type Protocol struct {
	Title string
	Lang  string // BCP 47, for example kk-KZ
	At    time.Time
	Parts []ProtocolPart
}

// ProtocolPart is a heading with its lines.
type ProtocolPart struct {
	Heading string
	Lines   []ProtocolLine
}

// ProtocolLine is one name and its value; without a name the value has the whole width.
type ProtocolLine struct{ Name, Value string }

// Millimetres of a protocol.
const (
	protocolName = 48.0 // width of the names
	protocolEnd  = pageHeight - 18
	protocolLine = 4.6
)

// DrawProtocol returns the protocol as PDF/A-3. Letters that the font lacks stand as question marks: unlike a licence, a protocol
// says what files say of themselves. The same Protocol gives the same bytes. ErrTooLong where it has more than maxPages pages.
// Safe for concurrent use.
func DrawProtocol(p Protocol) ([]byte, error) {
	c := newCanvas()
	regular, bold := faces()[0], faces()[1]
	y := 0.0
	turn := func() {
		c.newPage()
		y = 22
	}
	room := func(lines int) bool {
		if y+float64(lines-1)*protocolLine > protocolEnd {
			turn()
		}
		return len(c.sheets) <= maxPages
	}
	put := func(role string, x, width float64, f *face, size float64, s string) float64 {
		lines := wrapped(f, size, width, drawable(s))
		from := y
		for i, line := range lines {
			if i > 0 {
				y += protocolLine
				room(1)
			}
			c.begin(role, p.Lang, "")
			c.text(x, y, f, size, black, line)
			c.end()
		}
		if y < from { // it went on on a further page
			return protocolEnd
		}
		return y
	}
	turn()
	put("H1", margin, inner, bold, 15, p.Title)
	y += 9
	for _, part := range p.Parts {
		if !room(3) {
			return nil, ErrTooLong
		}
		y += 3
		put("H2", margin, inner, bold, 11, part.Heading)
		y += 2
		c.artifact(func() { c.line(margin, y, pageWidth-margin, y, 0.2, hair) })
		y += 5
		for _, l := range part.Lines {
			if !room(1) {
				return nil, ErrTooLong
			}
			if l.Name == "" {
				put("P", margin, inner, regular, 9, l.Value)
			} else {
				from, sheets := y, len(c.sheets)
				after := put("P", margin, protocolName-3, bold, 9, l.Name)
				if len(c.sheets) == sheets {
					y = from
				}
				sheets = len(c.sheets)
				end := put("P", margin+protocolName, inner-protocolName, regular, 9, l.Value)
				if len(c.sheets) == sheets {
					y = max(after, end)
				}
			}
			y += protocolLine + 1
		}
		y += 2
	}
	if len(c.sheets) > maxPages {
		return nil, ErrTooLong
	}
	return assembly{canvas: c, properties: properties{title: drawable(p.Title), subject: drawable(p.Title), at: p.At, lang: p.Lang}}.assemble().Data, nil
}

// drawable puts a question mark wherever the font has no letter.
func drawable(s string) string {
	regular, bold := faces()[0], faces()[1]
	return strings.Map(func(r rune) rune {
		if r == '\n' || regular.glyph(r) != 0 && bold.glyph(r) != 0 {
			return r
		}
		return '?'
	}, s)
}
