// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"rastau/internal/phrase"
)

// Colours of the sheet. Nothing is told by colour alone.
const (
	ink       = "#1b2733"
	faint     = "#51606f"
	rule      = "#8a97a5"
	paper     = "#ffffff"
	stripe    = "#f4f7fa"
	headFill  = "#e3eaf1"
	boxFill   = "#ffffff"
	refusal   = "#fdecea"
	refuseInk = "#a3271d"
	condFill  = "#fff7dd"
	docFill   = "#e6f4ea"
)

// Sizes of letters, in the sheet's units.
const (
	textSize  = 13.0
	smallest  = 9.0
	headSize  = 11.0
	footSize  = 11.0
	lineSpace = 1.16
	rhombHead = 30.0 // from the top of a rhombus to the line of its name
	rhombDown = 9.0  // by which its text stands below the middle
	boldWider = 1.12
)

// svg writes the sheet, with the signs at the arrows' ends unless the document
// around it has them. The order of reading is the order of the steps.
func (d *drawing) svg(signs bool) []byte {
	var b bytes.Buffer
	w := func(format string, a ...any) { fmt.Fprintf(&b, format+"\n", a...) }
	title := d.p.Diagram.In(d.lang)
	w(`<svg xmlns="http://www.w3.org/2000/svg" width="420mm" height="297mm" viewBox="0 0 %s %s" role="img" aria-labelledby="%s-title %s-description" xml:lang="%s" lang="%s" font-family="'Noto Sans','DejaVu Sans',Arial,sans-serif" fill="%s">`,
		num(sheetWidth), num(sheetHeight), d.p.Key, d.p.Key, d.lang, d.lang, ink)
	w(`<title id="%s-title">%s</title>`, d.p.Key, esc(title))
	w(`<desc id="%s-description">%s</desc>`, d.p.Key, esc(d.description()))
	if signs {
		writeSigns(&b)
	}
	w(`<rect width="%s" height="%s" fill="%s"/>`, num(sheetWidth), num(sheetHeight), paper)
	d.writeTitle(&b, title)
	d.writeLanes(&b)
	// Events lie on lines and boxes; the rest of the symbols lies below the lines.
	for _, s := range d.shapes {
		if !s.event() {
			writeShape(&b, s)
		}
	}
	for _, f := range d.flows {
		writeFlow(&b, f)
	}
	for _, s := range d.shapes {
		if s.event() {
			writeShape(&b, s)
		}
	}
	for _, f := range d.flows {
		if f.label != "" {
			anchor := "start"
			if f.labelLeft {
				anchor = "end"
			}
			w(`<text x="%s" y="%s" font-size="%s" font-style="italic" text-anchor="%s" stroke="%s" stroke-width="3" paint-order="stroke">%s</text>`, num(f.labelAt.x), num(f.labelAt.y), num(headSize), anchor, paper, esc(f.label))
		}
	}
	d.writeLegend(&b)
	w(`</svg>`)
	return b.Bytes()
}

// writeSigns defines the ends of the arrows, once a document.
func writeSigns(b *bytes.Buffer) {
	fmt.Fprintf(b, `<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto-start-reverse"><path d="M0 0.8 L10 5 L0 9.2 Z" fill="%s"/></marker>`+"\n", ink)
	fmt.Fprintf(b, `<marker id="open" viewBox="0 0 12 12" refX="10" refY="6" markerWidth="9" markerHeight="9" orient="auto-start-reverse"><path d="M1 1 L10 6 L1 11" fill="none" stroke="%s" stroke-width="1.6"/></marker>`+"\n", ink)
	fmt.Fprintf(b, `<marker id="dot" viewBox="0 0 8 8" refX="4" refY="4" markerWidth="6" markerHeight="6"><circle cx="4" cy="4" r="3" fill="%s" stroke="%s"/></marker></defs>`+"\n", paper, ink)
}

func (d *drawing) description() string {
	conditions := 0
	for _, s := range d.p.Steps {
		if s.Condition != nil {
			conditions++
		}
	}
	return phrase.Get("diagram.description", map[string]string{
		"lanes": strconv.Itoa(len(d.lanes)), "processes": strconv.Itoa(len(d.p.Steps)), "conditions": strconv.Itoa(conditions),
	}).In(d.lang)
}

func (d *drawing) writeTitle(b *bytes.Buffer, title string) {
	wide := sheetWidth - 2*sheetMargin
	lines, size := fit(title, wide/boldWider, 1, 21)
	y := sheetMargin + size
	writeLines(b, lines, point{sheetMargin, y}, size, `font-weight="bold"`)
	lines, size = fit(d.r.Name.In(d.lang), wide, 2, 14)
	y += 22
	writeLines(b, lines, point{sheetMargin, y}, size, "")
	y += float64(len(lines)-1)*size*lineSpace + 18
	act := phrase.Get("diagram.act", map[string]string{"act": d.r.Act.Name.In(d.lang), "date": d.r.Act.Date.words(), "number": d.r.Act.Number}).In(d.lang)
	lines, size = fit(act, wide, 1, 12)
	writeLines(b, lines, point{sheetMargin, y}, size, `fill="`+faint+`"`)
}

// words writes a day as the orders do.
func (d Day) words() string {
	parts := strings.Split(string(d), "-")
	return parts[2] + "." + parts[1] + "." + parts[0]
}

func (d *drawing) writeLanes(b *bytes.Buffer) {
	right := sheetWidth - sheetMargin
	for i, l := range d.lanes {
		fill := paper
		if i%2 == 1 {
			fill = stripe
		}
		fmt.Fprintf(b, `<rect x="%s" y="%s" width="%s" height="%s" fill="%s" stroke="%s"/>`+"\n", num(sheetMargin), num(l.top), num(right-sheetMargin), num(l.bottom()-l.top), fill, rule)
		fmt.Fprintf(b, `<rect x="%s" y="%s" width="%s" height="%s" fill="%s" stroke="%s"/>`+"\n", num(sheetMargin), num(l.top), num(headWidth), num(l.bottom()-l.top), headFill, rule)
		d.writeHead(b, l)
	}
}

// lettering of a lane's head: the unit's short name in the orders' language, its name.
type lettering struct {
	abbr, name         []string
	abbrSize, nameSize float64
	height             float64
}

// signHeight is what the sign of an information system takes in a lane's head.
const signHeight = 30.0

func (d *drawing) head(l lane) lettering {
	inner := (headWidth - 14) / boldWider
	var h lettering
	h.abbrSize = 14
	if l.unit.System {
		h.height = signHeight
	}
	if l.unit.Abbr != "" && d.lang == phrase.KK {
		h.abbr, h.abbrSize = fit(l.unit.Abbr, inner, 2, 14)
		h.height += float64(len(h.abbr)) * h.abbrSize * lineSpace
	}
	h.name, h.nameSize = fitBox(l.unit.Name.In(d.lang), inner, l.bottom()-l.top-6-h.height)
	h.height += float64(len(h.name)) * h.nameSize * lineSpace
	return h
}

// writeHead names the unit, with the sign of an information system where it is one.
func (d *drawing) writeHead(b *bytes.Buffer, l lane) {
	h := d.head(l)
	x, y := sheetMargin+headWidth/2, (l.top+l.bottom())/2-h.height/2
	if l.unit.System {
		writeSymbol(b, symbolSystem, point{x, y + 13})
		y += signHeight
	}
	weight := `font-weight="bold" text-anchor="middle"`
	if len(h.abbr) > 0 {
		writeLines(b, h.abbr, point{x, y + h.abbrSize*0.9}, h.abbrSize, weight)
		y += float64(len(h.abbr)) * h.abbrSize * lineSpace
		weight = `text-anchor="middle"`
	}
	writeLines(b, h.name, point{x, y + h.nameSize*0.9}, h.nameSize, weight)
}

func writeFlow(b *bytes.Buffer, f flow) {
	var path strings.Builder
	for i, p := range f.points {
		command := "L"
		if i == 0 {
			command = "M"
		}
		fmt.Fprintf(&path, "%s%s %s", command, num(p.x), num(p.y))
	}
	style := `marker-end="url(#arrow)"`
	if f.symbol == symbolMessage {
		style = `stroke-dasharray="6 4" marker-start="url(#dot)" marker-end="url(#open)"`
	}
	fmt.Fprintf(b, `<path d="%s" fill="none" stroke="%s" stroke-width="1.4" stroke-linejoin="round" %s/>`+"\n", path.String(), ink, style)
}

func writeShape(b *bytes.Buffer, s shape) {
	fmt.Fprintf(b, `<g><title>%s</title>`+"\n", esc(s.title))
	switch s.symbol {
	case symbolProcess:
		fill, edge := boxFill, ink
		if s.refusal {
			fill, edge = refusal, refuseInk
		}
		fmt.Fprintf(b, `<rect x="%s" y="%s" width="%s" height="%s" rx="8" fill="%s" stroke="%s" stroke-width="1.3"/>`+"\n", num(s.x-s.w/2), num(s.y-s.h/2), num(s.w), num(s.h), fill, edge)
		writeLines(b, []string{s.head}, point{s.x, s.y - s.h/2 + 13}, headSize, `font-weight="bold" text-anchor="middle" fill="`+edge+`"`)
		room := s.h - 21
		if s.foot != "" {
			room -= 14
			writeLines(b, []string{s.foot}, point{s.x, s.y + s.h/2 - 5}, footSize, `text-anchor="middle" fill="`+faint+`"`)
		}
		lines, size := fitBox(s.text, s.w-8, room)
		y := s.y - s.h/2 + 17 + room/2 - float64(len(lines))*size*lineSpace/2
		writeLines(b, lines, point{s.x, y + size*0.9}, size, `text-anchor="middle"`)
	case symbolCondition:
		fmt.Fprintf(b, `<path d="M%s %sL%s %sL%s %sL%s %sZ" fill="%s" stroke="%s" stroke-width="1.3"/>`+"\n",
			num(s.x-s.w/2), num(s.y), num(s.x), num(s.y-s.h/2), num(s.x+s.w/2), num(s.y), num(s.x), num(s.y+s.h/2), condFill, ink)
		writeLines(b, []string{s.head}, point{s.x, s.y - s.h/2 + rhombHead}, headSize-1, `font-weight="bold" text-anchor="middle"`)
		lines, size := fitRhombus(s.text, s.w, s.h)
		y := s.y + rhombDown - float64(len(lines))*size*lineSpace/2
		writeLines(b, lines, point{s.x, y + size*0.9}, size, `text-anchor="middle"`)
	default:
		writeSymbol(b, s.symbol, point{s.x, s.y})
	}
	fmt.Fprintln(b, `</g>`)
}

// event reports whether the shape is one of the round signs.
func (s shape) event() bool { return s.w == 2*eventRadius }

// writeSymbol draws a sign of the legend around a point.
func writeSymbol(b *bytes.Buffer, symbol string, p point) {
	fmt.Fprintf(b, `<g transform="translate(%s %s)" stroke="%s" fill="%s">`, num(p.x), num(p.y), ink, paper)
	letter := fmt.Sprintf(`<path d="M-6 -4H6V4H-6ZM-6 -4L0 1L6 -4" fill="none" stroke="%s" stroke-width="1.1"/>`, ink)
	switch symbol {
	case symbolStart:
		fmt.Fprintf(b, `<circle r="%s" stroke-width="1.3"/>%s`, num(eventRadius), letter)
	case symbolEnd:
		fmt.Fprintf(b, `<circle r="%s" stroke-width="3"/><path d="M-6 -4H6V4H-6Z" fill="%s" stroke="none"/><path d="M-6 -4L0 1L6 -4" fill="none" stroke="%s" stroke-width="1.2"/>`, num(eventRadius-1), ink, paper)
	case symbolIntermediate:
		fmt.Fprintf(b, `<circle r="%s" stroke-width="1.1"/><circle r="%s" stroke-width="1.1" fill="none"/><g transform="scale(0.85)">%s</g>`, num(eventRadius), num(eventRadius-2.4), letter)
	case symbolSimpleEnd:
		fmt.Fprintf(b, `<circle r="%s" stroke-width="3.4"/>`, num(eventRadius-1))
	case symbolError:
		fmt.Fprintf(b, `<circle r="%s" stroke-width="3" stroke="%s"/><path d="M-5 6L-2 -5L1.6 2L5 -6L2 5L-1.6 -2Z" fill="%s" stroke="none"/>`, num(eventRadius-1.5), refuseInk, refuseInk)
	case symbolSystem:
		fmt.Fprintf(b, `<path d="M-13 -7C-13 -12 13 -12 13 -7V7C13 12 -13 12 -13 7Z" stroke-width="1.3"/><path d="M-13 -7C-13 -2.5 13 -2.5 13 -7M-13 0C-13 4.5 13 4.5 13 0" fill="none" stroke-width="1.3"/>`)
	case symbolProcess:
		fmt.Fprintf(b, `<rect x="-18" y="-11" width="36" height="22" rx="5" fill="%s" stroke-width="1.3"/>`, boxFill)
	case symbolCondition:
		fmt.Fprintf(b, `<path d="M-18 0L0 -12L18 0L0 12Z" fill="%s" stroke-width="1.3"/>`, condFill)
	case symbolControl:
		fmt.Fprintf(b, `<path d="M-19 0H19" stroke-width="1.4" marker-end="url(#arrow)"/>`)
	case symbolMessage:
		fmt.Fprintf(b, `<path d="M-19 0H19" stroke-width="1.4" stroke-dasharray="6 4" marker-start="url(#dot)" marker-end="url(#open)"/>`)
	case symbolDocument:
		fmt.Fprintf(b, `<path d="M-14 -19H6L14 -11V19H-14Z" fill="%s" stroke-width="1.4"/><path d="M6 -19V-11H14" fill="none" stroke-width="1.2"/><path d="M-9 -4H9M-9 3H9M-9 10H3" fill="none" stroke-width="1.1"/>`, docFill)
	}
	fmt.Fprintln(b, `</g>`)
}

func (d *drawing) writeLegend(b *bytes.Buffer) {
	const perRow = 6
	top := sheetHeight - sheetMargin - legendHeight + 12
	writeLines(b, []string{phrase.Get("diagram.legend", nil).In(d.lang)}, point{sheetMargin, top + 10}, 14, `font-weight="bold"`)
	wide := (sheetWidth - 2*sheetMargin) / perRow
	for i, s := range d.r.Legend {
		x := sheetMargin + float64(i%perRow)*wide
		y := top + 38 + float64(i/perRow)*44
		writeSymbol(b, s.Key, point{x + 22, y})
		lines, size := fit(s.Name.In(d.lang), wide-60, 3, 12.5)
		writeLines(b, lines, point{x + 50, y + size*0.35 - float64(len(lines)-1)*size*lineSpace/2}, size, "")
	}
}

func writeLines(b *bytes.Buffer, lines []string, at point, size float64, style string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(b, `<text x="%s" y="%s" font-size="%s" %s>`, num(at.x), num(at.y), num(size), style)
	for i, l := range lines {
		if i == 0 {
			fmt.Fprintf(b, `<tspan>%s</tspan>`, esc(l))
			continue
		}
		fmt.Fprintf(b, `<tspan x="%s" dy="%s">%s</tspan>`, num(at.x), num(size*lineSpace), esc(l))
	}
	fmt.Fprintln(b, `</text>`)
}

// fit breaks a text into at most so many lines of a width, with smaller letters
// where it must. At the smallest size the lines may be more.
func fit(text string, width float64, most int, size float64) ([]string, float64) {
	for ; ; size -= 0.5 {
		lines := wrap(text, func(int) float64 { return width }, size)
		if wide := widest(lines, size); len(lines) <= most && wide <= width || size <= smallest {
			return lines, size
		}
	}
}

func fitBox(text string, width, height float64) ([]string, float64) {
	for size := textSize; ; size -= 0.5 {
		lines, _ := fit(text, width, 99, size)
		if float64(len(lines))*size*lineSpace <= height && widest(lines, size) <= width || size <= smallest {
			return lines, size
		}
	}
}

// fitRhombus breaks a text so that each line lies inside the rhombus.
func fitRhombus(text string, w, h float64) ([]string, float64) {
	for size := textSize; ; size -= 0.5 {
		for n := 1; n <= 3; n++ {
			room := func(i int) float64 {
				// The line's corner furthest from the middle decides.
				top := (float64(i)-float64(n)/2)*size*lineSpace + rhombDown
				off := max(-top, top+size*lineSpace)
				return w * (1 - (off-1)/(h/2))
			}
			lines := wrap(text, room, size)
			ok := len(lines) <= n
			for i, l := range lines {
				ok = ok && measureText(l, size) <= room(i)
			}
			if ok {
				// Empty lines keep the others where they were found to fit.
				return append(lines, make([]string, n-len(lines))...), size
			}
		}
		if size <= smallest {
			return wrap(text, func(int) float64 { return w * 0.7 }, size), size
		}
	}
}

func wrap(text string, room func(line int) float64, size float64) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		longer := strings.TrimSpace(line + " " + word)
		if line != "" && measureText(longer, size) > room(len(lines)) {
			lines = append(lines, line)
			longer = word
		}
		line = longer
	}
	return append(lines, line)
}

func widest(lines []string, size float64) float64 {
	w := 0.0
	for _, l := range lines {
		w = max(w, measureText(l, size))
	}
	return w
}

// measureText estimates a text's width from above: the classes are those of
// DejaVu Sans, the widest of the fonts that the sheet names.
func measureText(s string, size float64) float64 {
	w := 0.0
	for _, c := range s {
		switch {
		case strings.ContainsRune("iIlj.,:;'|іІїЇ", c):
			w += 0.33
		case c == ' ' || c == '(' || c == ')' || c == '-' || c == '/':
			w += 0.38
		case strings.ContainsRune("ftrгѓ", c):
			w += 0.5
		case strings.ContainsRune("mwwшщжмюыфШЩЖМЮЫФWMөӨ", c) && unicode.IsUpper(c):
			w += 1.0
		case strings.ContainsRune("mwшщжмюыф", c):
			w += 0.87
		case unicode.IsUpper(c):
			w += 0.74
		case unicode.IsDigit(c):
			w += 0.64
		case c < utf8.RuneSelf:
			w += 0.6
		default:
			w += 0.63
		}
	}
	return w * size
}

// num writes a measure with one decimal at most.
func num(f float64) string { return strconv.FormatFloat(math.Round(f*10)/10, 'f', -1, 64) }

func esc(s string) string { return html.EscapeString(s) }
