// SPDX-License-Identifier: Apache-2.0

package pdf

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// An object is nil (null), bool, int64, float64, name, text, array, dict, *stream or ref (ISO 32000-1 §7.3).
type object any

type name string

// text is a string with its place in the file, because a signature is judged by where its /Contents stands.
type text struct {
	value []byte
	at    int // offset of the opening delimiter; -1 inside an object stream
	end   int // offset behind the closing delimiter
	hex   bool
}

type array []object

type dict map[name]object

type ref struct{ num, gen int }

// stream keeps its bytes as they stand in the file, undecoded.
type stream struct {
	dict
	raw []byte
}

// parser reads objects from src; base is the offset of src in the file, -1 where src is a decoded object stream.
type parser struct {
	src     []byte
	pos     int
	depth   int // nesting left
	inFile  bool
	doubled bool   // a dictionary held a key twice: readers differ on which one counts
	meter   *meter // Optional.
}

// meter bounds the work of reading a whole file: objects may overlap in it, so that each is short and all are not.
type meter struct{ bytes, values int }

func newMeter(size int, lim Limits) *meter {
	return &meter{bytes: 4*size + 1<<20, values: 8 * lim.Objects}
}

// spend charges what p read since start, but for skipped bytes that nobody looked at.
func (m *meter) spend(p *parser, start, skipped int) error {
	if m.bytes -= p.pos - start - skipped; m.bytes < 0 {
		return bad("objects overlap: reading them takes more work than a file of this size can need")
	}
	return nil
}

func bad(format string, a ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrFormat}, a...)...)
}

func isSpace(c byte) bool {
	return c == 0 || c == '\t' || c == '\n' || c == '\f' || c == '\r' || c == ' '
}

func isDelim(c byte) bool {
	switch c {
	case '(', ')', '<', '>', '[', ']', '{', '}', '/', '%':
		return true
	}
	return false
}

func isRegular(c byte) bool { return !isSpace(c) && !isDelim(c) }

// skip passes white space and comments.
func (p *parser) skip() {
	for p.pos < len(p.src) {
		c := p.src[p.pos]
		if c == '%' {
			for p.pos < len(p.src) && p.src[p.pos] != '\n' && p.src[p.pos] != '\r' {
				p.pos++
			}
			continue
		}
		if !isSpace(c) {
			return
		}
		p.pos++
	}
}

// word reads a run of regular characters, at most 64.
func (p *parser) word() string { return string(p.run()) }

func (p *parser) run() []byte {
	p.skip()
	start := p.pos
	for p.pos < len(p.src) && isRegular(p.src[p.pos]) && p.pos-start < 64 {
		p.pos++
	}
	return p.src[start:p.pos]
}

// keyword consumes w where it stands next.
func (p *parser) keyword(w string) bool {
	was := p.pos
	if string(p.run()) == w {
		return true
	}
	p.pos = was
	return false
}

// integer reads a non-negative integer of at most 40 bits.
func (p *parser) integer() (int, bool) {
	was := p.pos
	w := p.run()
	n := 0
	for _, c := range w {
		if n = 10*n + int(c-'0'); c < '0' || c > '9' || n >= 1<<40 {
			p.pos = was
			return 0, false
		}
	}
	if len(w) == 0 {
		return 0, false
	}
	return n, true
}

// object reads one object (ISO 32000-1 §7.3); a stream's data is read by the caller.
func (p *parser) object() (object, error) {
	if p.meter != nil {
		if p.meter.values--; p.meter.values < 0 {
			return nil, bad("too many values")
		}
	}
	p.skip()
	if p.pos >= len(p.src) {
		return nil, bad("the file ends inside an object")
	}
	switch c := p.src[p.pos]; {
	case c == '/':
		return p.name()
	case c == '(':
		return p.literal()
	case c == '<' && p.pos+1 < len(p.src) && p.src[p.pos+1] == '<':
		return p.dict()
	case c == '<':
		return p.hex()
	case c == '[':
		return p.array()
	case c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.':
		return p.number()
	}
	switch at, w := p.pos, p.word(); w {
	case "null":
		return nil, nil
	case "true":
		return true, nil
	case "false":
		return false, nil
	default:
		return nil, bad("no object at byte %d", at)
	}
}

// usual are the names that nearly every file is made of, boxed once: reading one of them allocates nothing.
var usual = func() map[string]object {
	out := map[string]object{}
	for n := range strings.FieldsSeq(`Type Catalog Version Pages Page Kids Count Parent MediaBox Resources Font Contents StructParents StructParent
		Tabs S P K Pg Nums StructElem StructTreeRoot ParentTree ParentTreeNextKey RoleMap MCR OBJR Obj MCID Lang Alt A O Table TR TH TD Scope
		Column Document Part Sect Div H1 H2 H3 Span Figure Link Metadata XML MarkInfo Marked ViewerPreferences DisplayDocTitle OutputIntents
		OutputIntent GTS_PDFA1 OutputConditionIdentifier Info DestOutputProfile AF Names EmbeddedFiles EmbeddedFile Filespec F UF EF Desc
		AFRelationship Data Params Size ModDate CreationDate Title Subject Author Producer Creator Length Length1 Filter FlateDecode Subtype
		Type0 BaseFont Encoding Identity Identity-H DescendantFonts ToUnicode FontDescriptor FontName Flags FontBBox ItalicAngle Ascent
		Descent CapHeight StemV FontFile2 CIDFontType2 CIDSystemInfo Registry Ordering Supplement CIDToGIDMap DW W R B N Annot Annots Widget
		Rect Border URI AP BBox XObject Form FT T V Sig Fields SigFlags AcroForm Adobe.PPKLite SubFilter ETSI.CAdES.detached ETSI.RFC3161
		adbe.pkcs7.detached ByteRange M Name Reason Location Perms DocMDP Root Prev ID XRef ObjStm First Index DecodeParms ProcSet ExtGState
		ColorSpace Image Width Height BitsPerComponent DeviceRGB DeviceGray`) {
		out[n] = name(n)
	}
	return out
}()

func (p *parser) name() (object, error) {
	p.pos++
	at := p.pos
	for at < len(p.src) && isRegular(p.src[at]) && p.src[at] != '#' {
		at++
	}
	if at == len(p.src) || p.src[at] != '#' {
		if at-p.pos > 1024 {
			return nil, bad("a name longer than 1024 bytes")
		}
		raw := p.src[p.pos:at]
		p.pos = at
		if n, ok := usual[string(raw)]; ok {
			return n, nil
		}
		return name(raw), nil
	}
	var out []byte
	for p.pos < len(p.src) && isRegular(p.src[p.pos]) {
		c := p.src[p.pos]
		p.pos++
		if c == '#' && p.pos+1 < len(p.src) {
			hi, lo := unhex(p.src[p.pos]), unhex(p.src[p.pos+1])
			if hi >= 0 && lo >= 0 {
				c = byte(hi<<4 | lo)
				p.pos += 2
			}
		}
		if len(out) >= 1024 {
			return nil, bad("a name longer than 1024 bytes")
		}
		out = append(out, c)
	}
	return name(out), nil
}

// hexDigits are the characters that unhex knows.
var hexDigits = func() (is [256]bool) {
	for c := range is {
		is[c] = unhex(byte(c)) >= 0
	}
	return is
}()

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// cost charges what a value weighs beyond itself.
func (p *parser) cost(n int) {
	if p.meter != nil {
		p.meter.values -= n
	}
}

// digits reads a run of at most n digits; the length of the run is 0 where there is none, or more.
func (p *parser) digits(n int) (value int64, length int) {
	for at := p.pos; at < len(p.src) && p.src[at] >= '0' && p.src[at] <= '9'; at++ {
		if length++; length > n {
			return 0, 0
		}
		value = value*10 + int64(p.src[at]-'0')
	}
	return value, length
}

// reference reads what stands between the number of an object and the R of a reference to it.
func (p *parser) reference() (gen int, ok bool) {
	was := p.pos
	p.skip()
	g, n := p.digits(5)
	p.pos += n
	if n > 0 && g <= 65535 && p.pos < len(p.src) && !isRegular(p.src[p.pos]) {
		p.skip()
		if p.pos < len(p.src) && p.src[p.pos] == 'R' && (p.pos+1 == len(p.src) || !isRegular(p.src[p.pos+1])) {
			p.pos++
			return int(g), true
		}
	}
	p.pos = was
	return 0, false
}

func (p *parser) number() (object, error) {
	at := p.pos
	if n, length := p.digits(18); length > 0 && (at+length == len(p.src) || !isRegular(p.src[at+length])) {
		p.pos += length
		if gen, ok := p.reference(); ok {
			if n > maxObject {
				return nil, bad("object number %d is too large", n)
			}
			return ref{int(n), gen}, nil
		}
		return n, nil
	}
	w := p.word()
	if n, err := strconv.ParseInt(w, 10, 64); err == nil {
		return n, nil
	}
	for _, c := range []byte(w) { // no exponents and no names of infinities (§7.3.3)
		if (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' {
			return nil, bad("no number at byte %d", at)
		}
	}
	f, err := strconv.ParseFloat(w, 64)
	if err != nil {
		return nil, bad("no number at byte %d", at)
	}
	return f, nil
}

func (p *parser) place(at int) (int, int) {
	if !p.inFile {
		return -1, -1
	}
	return at, p.pos
}

func (p *parser) literal() (object, error) {
	p.cost(2)
	at, open := p.pos, 1
	p.pos++
	var out []byte
	for p.pos < len(p.src) {
		c := p.src[p.pos]
		p.pos++
		switch c {
		case '(':
			open++
		case ')':
			if open--; open == 0 {
				t := text{value: out}
				t.at, t.end = p.place(at)
				return t, nil
			}
		case '\r': // an end of line counts as one LF (§7.3.4.2)
			if p.pos < len(p.src) && p.src[p.pos] == '\n' {
				p.pos++
			}
			c = '\n'
		case '\\':
			if p.pos >= len(p.src) {
				return nil, bad("an unfinished string at byte %d", at)
			}
			c = p.src[p.pos]
			p.pos++
			switch {
			case c >= '0' && c <= '7':
				v := int(c - '0')
				for i := 0; i < 2 && p.pos < len(p.src) && p.src[p.pos] >= '0' && p.src[p.pos] <= '7'; i++ {
					v = v<<3 | int(p.src[p.pos]-'0')
					p.pos++
				}
				c = byte(v)
			case c == '\r':
				if p.pos < len(p.src) && p.src[p.pos] == '\n' {
					p.pos++
				}
				continue
			case c == '\n':
				continue
			default:
				if i := bytes.IndexByte([]byte("nrtbf"), c); i >= 0 {
					c = "\n\r\t\b\f"[i]
				}
			}
		}
		out = append(out, c)
	}
	return nil, bad("an unfinished string at byte %d", at)
}

func (p *parser) hex() (object, error) {
	p.cost(2)
	at := p.pos
	p.pos++
	// A signature is one long run of digits.
	run := p.pos
	for run < len(p.src) && hexDigits[p.src[run]] {
		run++
	}
	if n := run - p.pos; run < len(p.src) && p.src[run] == '>' && n%2 == 0 {
		out := make([]byte, n/2)
		if _, err := hex.Decode(out, p.src[p.pos:run]); err == nil {
			p.pos = run + 1
			t := text{value: out, hex: true}
			t.at, t.end = p.place(at)
			return t, nil
		}
	}
	var out []byte
	half := -1
	for p.pos < len(p.src) {
		c := p.src[p.pos]
		p.pos++
		if c == '>' {
			if half >= 0 {
				out = append(out, byte(half<<4)) // a missing digit is 0 (§7.3.4.3)
			}
			t := text{value: out, hex: true}
			t.at, t.end = p.place(at)
			return t, nil
		}
		if isSpace(c) {
			continue
		}
		v := unhex(c)
		if v < 0 {
			return nil, bad("a character that is no hexadecimal digit at byte %d", p.pos-1)
		}
		if half < 0 {
			half = v
			continue
		}
		out = append(out, byte(half<<4|v))
		half = -1
	}
	return nil, bad("an unfinished string at byte %d", at)
}

func (p *parser) enter() error {
	if p.depth <= 0 {
		return bad("objects nested too deep at byte %d", p.pos)
	}
	p.depth--
	return nil
}

func (p *parser) array() (object, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth++ }()
	p.pos++
	p.cost(2)
	out := array{}
	for {
		p.skip()
		if p.pos < len(p.src) && p.src[p.pos] == ']' {
			p.pos++
			return out, nil
		}
		o, err := p.object()
		if err != nil {
			return nil, err
		}
		if len(out) == 0 {
			out = make(array, 0, 4) // a rectangle
		}
		out = append(out, o)
	}
}

func (p *parser) dict() (object, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth++ }()
	p.pos += 2
	p.cost(7) // what a map weighs even where it holds little
	out := dict{}
	for {
		p.skip()
		if p.pos+1 < len(p.src) && p.src[p.pos] == '>' && p.src[p.pos+1] == '>' {
			p.pos += 2
			return out, nil
		}
		if p.pos >= len(p.src) || p.src[p.pos] != '/' {
			return nil, bad("a dictionary without a key at byte %d", p.pos)
		}
		k, err := p.name()
		if err != nil {
			return nil, err
		}
		v, err := p.object()
		if err != nil {
			return nil, err
		}
		held := len(out)
		out[k.(name)] = v
		if len(out) == held {
			p.doubled = true
		}
	}
}

// same compares two objects by what they say, not by where they stand.
func same(a, b object) bool {
	switch a := a.(type) {
	case text:
		b, ok := b.(text)
		return ok && bytes.Equal(a.value, b.value)
	case array:
		b, ok := b.(array)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !same(a[i], b[i]) {
				return false
			}
		}
		return true
	case dict:
		b, ok := b.(dict)
		return ok && len(differing(a, b)) == 0
	case *stream:
		b, ok := b.(*stream)
		return ok && bytes.Equal(a.raw, b.raw) && len(differing(a.dict, b.dict)) == 0
	case int64:
		f, ok := b.(float64)
		return a == b || ok && float64(a) == f
	case float64:
		n, ok := b.(int64)
		return a == b || ok && float64(n) == a
	default:
		switch b.(type) {
		case text, array, dict, *stream:
			return false
		}
		return a == b
	}
}

// references calls yield for every reference inside o with the dictionary key that led to it.
func references(o object, key name, yield func(key name, r ref)) {
	switch o := o.(type) {
	case ref:
		yield(key, o)
	case array:
		for _, e := range o {
			references(e, key, yield)
		}
	case dict:
		for k, e := range o {
			references(e, k, yield)
		}
	case *stream:
		references(o.dict, key, yield)
	}
}
