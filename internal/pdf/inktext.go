// SPDX-License-Identifier: Apache-2.0

package pdf

import "strings"

// font is what is needed to know how wide and high a string is.
type font struct {
	wide       bool // codes of two bytes
	narrow     bool // codes of one or two bytes, by a table that is not read: each byte may be a glyph
	first      int
	widths     []float64 // in thousandths of the size; negative where not given
	other      float64   // width of codes without one; negative for the standard fonts' upper bound
	unit       float64   // of widths; 0.001 but for Type 3
	up, down   float64   // of a size of 1
	cid        map[int]float64
	unreadable bool
}

// fontOf reads a font dictionary (ISO 32000-1 §9.5 to §9.7).
func (p *painter) fontOf(o object) *font {
	r, indirect := o.(ref)
	p.tokens--
	if f := p.fonts[r.num]; indirect && f != nil {
		return f
	}
	d := p.dict(o)
	f := &font{other: -1, unit: 0.001, up: 1, down: -0.25}
	if d == nil {
		f.unreadable = true
	}
	descriptor := p.dict(d["FontDescriptor"])
	switch p.name(d["Subtype"]) {
	case "Type0":
		f.composite(p, d)
		descriptor = p.dict(p.dict(first(p.array(d["DescendantFonts"])))["FontDescriptor"])
	case "Type3":
		m := p.matrix(d["FontMatrix"])
		b, ok := p.box(d["FontBBox"])
		if b = b.under(m); !ok || b.flat() {
			f.unreadable = true
		}
		f.unit, f.up, f.down = m[0], b.y1, b.y0
		fallthrough
	default:
		start, _ := p.get(d["FirstChar"]).(int64)
		f.first = int(start)
		for _, e := range p.array(d["Widths"]) {
			p.tokens--
			w, ok := number(p.get(e))
			if !ok {
				w = -1
			}
			f.widths = append(f.widths, w)
		}
		if w, ok := number(p.get(descriptor["MissingWidth"])); ok && len(f.widths) > 0 {
			f.other = w
		}
	}
	if p.name(d["Subtype"]) != "Type3" {
		if a, ok := number(p.get(descriptor["Ascent"])); ok && a > 500 && a < 1500 {
			f.up = a / 1000
		}
		if a, ok := number(p.get(descriptor["Descent"])); ok && a < -100 && a > -800 {
			f.down = a / 1000
		}
	}
	if indirect && len(p.fonts) < 1000 {
		p.fonts[r.num] = f
	}
	return f
}

func first(a array) object {
	if len(a) == 0 {
		return nil
	}
	return a[0]
}

// composite reads the widths of a Type 0 font (§9.7.4.3).
func (f *font) composite(p *painter, d dict) {
	switch p.name(d["Encoding"]) {
	case "Identity-H":
		f.wide = true
	case "":
		f.narrow = true
	default:
		f.narrow = true
		if n := string(p.name(d["Encoding"])); strings.HasSuffix(n, "V") {
			f.unreadable = true // vertical writing
		}
	}
	c := p.dict(first(p.array(d["DescendantFonts"])))
	f.other = 1000
	if w, ok := number(p.get(c["DW"])); ok {
		f.other = w
	}
	f.cid = map[int]float64{}
	list := p.array(c["W"])
	p.tokens -= len(list)
	for i := 0; i+1 < len(list); {
		from, _ := p.get(list[i]).(int64)
		if run, ok := p.get(list[i+1]).(array); ok {
			p.tokens -= len(run)
			for j, e := range run {
				f.cid[int(from)+j], _ = number(p.get(e))
			}
			i += 2
			continue
		}
		to, _ := p.get(list[i+1]).(int64)
		if i+2 >= len(list) || to-from > 65536 || to > 65535 {
			break
		}
		w, _ := number(p.get(list[i+2]))
		p.tokens -= int(max(to-from, 0))
		for n := from; n <= to; n++ {
			f.cid[int(n)] = w
		}
		i += 3
	}
	if f.narrow {
		for _, w := range f.cid {
			f.other = max(f.other, w)
		}
	}
}

// width of one code, in a size of 1.
func (f *font) width(code int) float64 {
	switch {
	case f.wide:
		if w, ok := f.cid[code]; ok {
			return w * f.unit
		}
		return f.other * f.unit
	case f.narrow:
		return f.other * f.unit
	}
	if i := code - f.first; i >= 0 && i < len(f.widths) && f.widths[i] >= 0 {
		return f.widths[i] * f.unit
	}
	if f.other >= 0 {
		return f.other * f.unit
	}
	return standardWidth(code)
}

// standardWidth is an upper bound for the standard Latin fonts, whose widths a file need not give (§9.6.2.2). Courier's
// letters are all 0.6 wide.
func standardWidth(code int) float64 {
	switch {
	case code == ' ':
		return 0.6
	case strings.IndexByte("mwMW@%", byte(code)) >= 0 || code > 126 || code < ' ':
		return 1.05
	case code >= 'A' && code <= 'Z':
		return 0.79
	case code >= 'a' && code <= 'z', code >= '0' && code <= '9':
		return 0.62
	}
	return 0.84
}

func (r *reader) text(op string) bool {
	g := &r.g
	switch op {
	case "BT":
		r.tm, r.line = identity, identity
	case "ET", "BMC", "BDC", "EMC", "MP", "DP", "J", "j", "M", "d", "ri", "i":
	case "Tc":
		g.char = r.num(1)
	case "Tw":
		g.gap = r.num(1)
	case "Tz":
		g.stretch = r.num(1) / 100
	case "TL":
		g.leading = r.num(1)
	case "Ts":
		g.rise = r.num(1)
	case "Tr":
		g.mode = int64(r.num(1))
	case "Tf":
		g.size = r.num(1)
		if n := len(r.args); n >= 2 {
			key, _ := r.args[n-2].(name)
			g.font = r.fontOf(r.dict(r.res["Font"])[key])
		}
	case "Td":
		r.move(r.num(2), r.num(1))
	case "TD":
		g.leading = -r.num(1)
		r.move(r.num(2), r.num(1))
	case "Tm":
		r.line = matrix{r.num(6), r.num(5), r.num(4), r.num(3), r.num(2), r.num(1)}
		r.tm = r.line
	case "T*":
		r.move(0, -g.leading)
	case "Tj":
		return r.show(r.last())
	case "'":
		r.move(0, -g.leading)
		return r.show(r.last())
	case "\"":
		g.gap, g.char = r.num(3), r.num(2)
		r.move(0, -g.leading)
		return r.show(r.last())
	case "TJ":
		list, _ := r.last().(array)
		for _, o := range list {
			if n, ok := number(o); ok {
				r.tm = matrix{1, 0, 0, 1, -n / 1000 * g.size * g.stretch, 0}.times(r.tm)
			} else if !r.show(o) {
				return false
			}
		}
	default:
		// An operator that is none is passed over by readers as well (§7.8.2), with all that stood before it.
	}
	return true
}

func (r *reader) move(x, y float64) {
	r.line = matrix{1, 0, 0, 1, x, y}.times(r.line)
	r.tm = r.line
}

// show marks where a string stands (§9.4.4). White letters count where white does.
func (r *reader) show(o object) bool {
	t, ok := o.(text)
	if !ok {
		return true
	}
	g := &r.g
	f := g.font
	if f == nil || f.unreadable {
		return f == nil && g.size == 0 || len(t.value) == 0
	}
	step := 1
	if f.wide {
		step = 2
	}
	r.tokens -= len(t.value) / 8
	width, blank, dotted := 0.0, !f.wide && !f.narrow, !f.wide && !f.narrow
	for i := 0; i+step <= len(t.value); i += step {
		code := int(t.value[i])
		if f.wide {
			code = code<<8 | int(t.value[i+1])
		}
		w := f.width(code)*g.size + g.char
		if step == 1 && code == ' ' {
			w += g.gap
		} else {
			blank = false
			dotted = dotted && (code == '.' || code == '_' || code == '-')
		}
		width += w * g.stretch
	}
	visible := g.mode != 3 && g.mode != 7 && (g.mode == 1 && g.stroke || g.mode != 1 && g.fill || g.mode == 2 && g.stroke || g.blend || r.white)
	if visible && !blank && len(t.value) > 0 {
		b := nowhere.with(0, g.rise+f.down*g.size).with(width, g.rise+f.up*g.size)
		b = b.under(r.tm.times(g.ctm))
		if dotted {
			r.mark(b)
		} else {
			r.painter.word(b)
		}
	}
	r.tm = matrix{1, 0, 0, 1, width, 0}.times(r.tm)
	return true
}
