// SPDX-License-Identifier: Apache-2.0

package pdf

import (
	"bytes"
	"slices"
)

// ink is where a page draws: rectangles that hold every mark. It may say too much, never too little as far as the file
// tells the truth about its fonts.
type ink struct {
	boxes []box
	words []box // of boxes, those of pictures and of text that is more than a dotted line
	all   bool  // it cannot be told, so everywhere
}

func (k ink) meets(b box) bool {
	return k.all || slices.ContainsFunc(k.boxes, b.meets)
}

// swallows says whether words or a picture stand within b, by more than an edge.
func (k ink) swallows(b box) bool {
	return k.all || slices.ContainsFunc(k.words, func(w box) bool {
		x, y := (w.x0+w.x1)/2, (w.y0+w.y1)/2
		return !(x < b.x0 || x > b.x1 || y < b.y0 || y > b.y1) || w.x0 < b.x0 && w.x1 > b.x1 && !(y < b.y0 || y > b.y1)
	})
}

// brush is the work that may be done for a whole document to find out where its pages draw.
type brush struct {
	tokens  int
	inflate int
}

const (
	maxTokens  = 1_000_000
	maxBoxes   = 50_000
	maxNesting = 12
)

// pageInk reads what the page's content and the annotations on it draw.
func (v view) pageInk(page dict, b *brush) ink {
	p := &painter{view: v, brush: b, fonts: map[int]*font{}}
	var content []byte
	parts := []object{page["Contents"]}
	if a, ok := v.get(page["Contents"]).(array); ok {
		parts = a
	}
	for _, o := range parts {
		if s, ok := v.get(o).(*stream); ok {
			data, err := decode(s, &b.inflate)
			if err != nil {
				return ink{all: true}
			}
			content = append(append(content, data...), '\n')
			if b.tokens -= len(data) / 32; b.tokens < 0 {
				return ink{all: true}
			}
		}
	}
	resources, _ := v.inherited(page, "Resources").(dict)
	p.run(content, resources, identity, maxNesting)
	return p.ink
}

// looks lists where the annotations of a page stand.
func (v view) looks(page dict, b *brush) ink {
	var out ink
	list := v.array(page["Annots"])
	if b.tokens -= len(list); b.tokens < 0 {
		return ink{all: true}
	}
	for _, o := range list {
		a := v.dict(o)
		switch v.name(a["Subtype"]) {
		case "Link", "Popup":
			continue
		}
		if flags, _ := v.get(a["F"]).(int64); a == nil || flags&2 != 0 {
			continue
		}
		if b, ok := v.box(a["Rect"]); ok && !b.flat() {
			if out.boxes = append(out.boxes, b); len(out.boxes) > maxBoxes {
				return ink{all: true}
			}
		}
	}
	return out
}

// blank says whether an appearance stream draws nothing at all.
func (v view) blank(o object, b *brush) bool {
	s, ok := v.get(o).(*stream)
	if !ok {
		return v.get(o) == nil
	}
	data, err := decode(s, &b.inflate)
	if err != nil {
		return false
	}
	p := &painter{view: v, brush: b, fonts: map[int]*font{}, white: true}
	p.run(data, v.dict(s.dict["Resources"]), identity, maxNesting)
	return !p.ink.all && len(p.ink.boxes) == 0
}

// painter follows content streams (ISO 32000-1 §8, §9) as far as it takes to know where they draw. Clipping, dashes and
// transparency only ever make less of a drawing, so they are left out.
type painter struct {
	view
	*brush
	ink   ink
	fonts map[int]*font
	white bool // white counts as well: it hides what is beneath
}

// graphics is the part of the graphics state that matters here.
type graphics struct {
	ctm                      matrix
	width                    float64
	fill, stroke             bool // the colour leaves a mark
	fillSpace, strokeSpace   name
	blend                    bool // white may show, too
	font                     *font
	size, char, gap, stretch float64
	leading, rise            float64
	mode                     int64
}

func (p *painter) mark(b box) {
	if len(p.ink.boxes) >= maxBoxes {
		p.ink.all = true
		return
	}
	p.ink.boxes = append(p.ink.boxes, b)
}

func (p *painter) word(b box) {
	p.mark(b)
	p.ink.words = append(p.ink.words, b)
}

// path is the path under construction, in device space.
type path struct {
	x, y, sx, sy float64
	parts        []box
	whole        box
}

func (p *painter) run(content []byte, res dict, ctm matrix, depth int) {
	if depth <= 0 {
		p.ink.all = true
		return
	}
	r := &reader{
		painter: p, res: res, depth: depth,
		parser: parser{src: content, depth: 16},
		g:      graphics{ctm: ctm, width: 1, fill: true, stroke: true, fillSpace: "DeviceGray", strokeSpace: "DeviceGray", stretch: 1},
		path:   path{whole: nowhere}, tm: identity, line: identity,
	}
	if !r.read() {
		p.ink.all = true
	}
}

// reader is one content stream being read.
type reader struct {
	*painter
	parser   parser
	res      dict
	depth    int
	g        graphics
	saved    []graphics
	path     path
	tm, line matrix
	args     []object
}

// read runs the operators; false where they cannot be followed.
func (r *reader) read() bool {
	p := &r.parser
	for {
		p.skip()
		if p.pos >= len(p.src) || r.ink.all {
			return true
		}
		if r.tokens--; r.tokens < 0 {
			return false
		}
		switch c := p.src[p.pos]; {
		case c == '/' || c == '(' || c == '<' || c == '[' || c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.':
			o, err := p.object()
			if err != nil {
				return false
			}
			if a, ok := o.(array); ok {
				r.tokens -= len(a)
			}
			if r.args = append(r.args, o); len(r.args) > 512 {
				return false
			}
			continue
		case !isRegular(c):
			return false
		}
		op := p.word()
		switch op {
		case "true", "false", "null":
			r.args = append(r.args, nil)
			continue
		case "BI":
			if !r.inline() {
				return false
			}
		default:
			if !r.operator(op) {
				return false
			}
		}
		r.args = r.args[:0]
	}
}

// num is the i-th operand from the end, 1-based.
func (r *reader) num(i int) float64 {
	if i > len(r.args) {
		return 0
	}
	f, _ := number(r.args[len(r.args)-i])
	return f
}

func (r *reader) last() object {
	if len(r.args) == 0 {
		return nil
	}
	return r.args[len(r.args)-1]
}

// inline passes an inline image (§8.9.7), which fills the unit square.
func (r *reader) inline() bool {
	p := &r.parser
	i := bytes.Index(p.src[p.pos:], []byte("ID"))
	if i < 0 {
		return false
	}
	for at := p.pos + i + 2; ; {
		i := bytes.Index(p.src[at:], []byte("EI"))
		if i < 0 {
			return false
		}
		at += i + 2
		if isSpace(p.src[at-3]) && (at == len(p.src) || isSpace(p.src[at])) {
			p.pos = at
			break
		}
	}
	r.painter.word(box{0, 0, 1, 1}.under(r.g.ctm))
	return true
}

func (r *reader) operator(op string) bool {
	g, t := &r.g, &r.path
	switch op {
	case "q":
		if len(r.saved) > 256 {
			return false
		}
		r.saved = append(r.saved, *g)
	case "Q":
		if n := len(r.saved); n > 0 {
			*g, r.saved = r.saved[n-1], r.saved[:n-1]
		}
	case "cm":
		g.ctm = matrix{r.num(6), r.num(5), r.num(4), r.num(3), r.num(2), r.num(1)}.times(g.ctm)
	case "w":
		g.width = r.num(1)
	case "gs":
		return r.state()
	case "m":
		t.sx, t.sy = g.ctm.point(r.num(2), r.num(1))
		t.x, t.y = t.sx, t.sy
	case "l":
		r.segment(2)
	case "c":
		r.segment(6)
	case "v", "y":
		r.segment(4)
	case "h":
		r.part(nowhere.with(t.x, t.y).with(t.sx, t.sy))
		t.x, t.y = t.sx, t.sy
	case "re":
		x, y, w, h := r.num(4), r.num(3), r.num(2), r.num(1)
		for _, side := range []box{{x, y, x + w, y}, {x, y + h, x + w, y + h}, {x, y, x, y + h}, {x + w, y, x + w, y + h}} {
			r.part(side.under(g.ctm))
		}
		t.sx, t.sy = g.ctm.point(x, y)
		t.x, t.y = t.sx, t.sy
	case "S", "s", "f", "F", "f*", "B", "B*", "b", "b*", "n":
		r.paint(op)
	case "sh":
		r.ink.all = true
	case "Do":
		return r.do()
	case "d1", "d0", "BX", "EX", "W", "W*":
	default:
		return r.colour(op) || r.text(op)
	}
	return true
}

// segment draws from the current point over the last n operands.
func (r *reader) segment(n int) {
	t := &r.path
	b := nowhere.with(t.x, t.y)
	for i := n; i > 0; i -= 2 {
		t.x, t.y = r.g.ctm.point(r.num(i), r.num(i-1))
		b = b.with(t.x, t.y)
	}
	r.part(b)
}

func (r *reader) part(b box) {
	t := &r.path
	t.whole = t.whole.with(b.x0, b.y0).with(b.x1, b.y1)
	if t.parts = append(t.parts, b); len(t.parts) > maxBoxes {
		r.ink.all = true
	}
}

// paint ends the path (§8.5.3). A line marks its segments, a filling all that it may enclose.
func (r *reader) paint(op string) {
	t, g := &r.path, &r.g
	if op == "s" || op == "b" || op == "b*" {
		r.part(nowhere.with(t.x, t.y).with(t.sx, t.sy))
	}
	if len(t.parts) > 0 && op != "n" {
		if op != "S" && op != "s" && (g.fill || g.blend || r.white) {
			r.mark(t.whole.grown(0.05))
		}
		if op != "f" && op != "F" && op != "f*" && (g.stroke || g.blend || r.white) {
			half := max(g.width*g.ctm.scale(), 0.2) / 2
			for _, b := range t.parts {
				r.mark(b.grown(half))
			}
		}
	}
	r.path = path{whole: nowhere}
}

// state: any blend mode but the normal one may make white show (§11.3.5).
func (r *reader) state() bool {
	key, _ := r.last().(name)
	gs := r.dict(r.dict(r.res["ExtGState"])[key])
	switch mode := r.get(gs["BM"]).(type) {
	case nil:
	case name:
		r.g.blend = r.g.blend || mode != "Normal" && mode != "Compatible"
	default:
		r.g.blend = true
	}
	if w, ok := number(r.get(gs["LW"])); ok {
		r.g.width = w
	}
	if f := r.array(gs["Font"]); len(f) == 2 {
		r.g.font = r.fontOf(f[0])
		r.g.size, _ = number(r.get(f[1]))
	}
	return true
}

func (r *reader) do() bool {
	key, _ := r.last().(name)
	x, ok := r.get(r.dict(r.res["XObject"])[key]).(*stream)
	if !ok {
		return true
	}
	// Passing white space is work as well.
	if r.tokens -= len(x.raw) / 32; r.name(x.dict["Subtype"]) != "Form" {
		r.painter.word(box{0, 0, 1, 1}.under(r.g.ctm))
		return true
	}
	data, err := decode(x, &r.inflate)
	if err != nil {
		return false
	}
	res := r.dict(x.dict["Resources"])
	if res == nil {
		res = r.res
	}
	sub := &reader{
		painter: r.painter, parser: parser{src: data, depth: 16}, res: res, depth: r.depth - 1,
		g: r.g, path: path{whole: nowhere}, tm: identity, line: identity,
	}
	sub.g.ctm = r.matrix(x.dict["Matrix"]).times(r.g.ctm)
	return sub.depth > 0 && sub.read()
}

// colour follows colours only as far as white (§8.6.8): what says white in a space of its own may be anything.
func (r *reader) colour(op string) bool {
	g := &r.g
	all := func(want float64) bool {
		for _, o := range r.args {
			if f, ok := number(o); !ok || f != want {
				return false
			}
		}
		return len(r.args) > 0
	}
	key, _ := r.last().(name)
	light := func(space name) bool {
		switch space {
		case "DeviceGray", "DeviceRGB":
			return all(1)
		case "DeviceCMYK":
			return all(0)
		}
		return false
	}
	switch op {
	case "g", "rg":
		g.fillSpace, g.fill = "DeviceRGB", !all(1)
	case "G", "RG":
		g.strokeSpace, g.stroke = "DeviceRGB", !all(1)
	case "k":
		g.fillSpace, g.fill = "DeviceCMYK", !all(0)
	case "K":
		g.strokeSpace, g.stroke = "DeviceCMYK", !all(0)
	case "cs":
		g.fillSpace, g.fill = key, true
	case "CS":
		g.strokeSpace, g.stroke = key, true
	case "sc", "scn":
		g.fill = !light(g.fillSpace)
	case "SC", "SCN":
		g.stroke = !light(g.strokeSpace)
	default:
		return false
	}
	return true
}
