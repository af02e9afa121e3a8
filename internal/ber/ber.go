// SPDX-License-Identifier: Apache-2.0

// Package ber answers one question: how does this BER element (X.690 §8) read in DER lengths?
//
// Signatures and key files reach us with indefinite lengths and strings in pieces. This package rewrites them within
// stated bounds, so that every reader above sees definite minimal lengths and primitive strings alone. It knows no
// types: it leaves the order of sets, defaults, booleans and numbers as found, and what is not DER in them is for the
// reader of the type to refuse.
package ber

import (
	"errors"
	"fmt"
)

// ErrMalformed: the bytes are no BER element, or go beyond the limits.
var ErrMalformed = errors.New("malformed BER")

// Limits bound the work before any of it is done. Zero fields take the defaults.
type Limits struct {
	Bytes int // input size, default 64 MiB
	Depth int // nesting, default 64
	Nodes int // elements, default 1 << 20
}

const (
	defaultBytes = 64 << 20
	defaultDepth = 64
	defaultNodes = 1 << 20
)

// Identifier octets and bits (X.690 §8.1.2).
const (
	classMask      = 0xc0
	constructedBit = 0x20
	numberMask     = 0x1f
	tagBitString   = 0x03
	tagOctetString = 0x04
)

// ToDER rewrites one BER element as DER lengths: definite minimal lengths, constructed strings joined to primitive ones,
// explicit tags kept; SET OF order is left as found. Trailing bytes are an error, wrapping ErrMalformed as all do. The
// input is returned as is when it is DER already; otherwise the result is a new slice.
// A string under an implicit tag that hides its type keeps its pieces: only its reader can know it for a string.
func ToDER(in []byte, lim Limits) ([]byte, error) {
	if lim.Bytes == 0 {
		lim.Bytes = defaultBytes
	}
	if lim.Depth == 0 {
		lim.Depth = defaultDepth
	}
	if lim.Nodes == 0 {
		lim.Nodes = defaultNodes
	}
	if len(in) > lim.Bytes {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrMalformed, lim.Bytes)
	}
	if plain(in, lim) {
		return in, nil
	}
	m := measurer{in: in, nodes: lim.Nodes, depth: lim.Depth}
	root, err := m.element(0, len(in))
	if err != nil {
		return nil, err
	}
	if root.end != len(in) {
		return nil, fmt.Errorf("%w: %d bytes after the element", ErrMalformed, len(in)-root.end)
	}
	if !m.changed {
		return in, nil
	}
	w := writer{in: in, lengths: m.lengths, out: make([]byte, 0, root.size())}
	w.element(0)
	return w.out, nil
}

// plain reports in one pass, without memory, that the input has nothing to be rewritten. False where something has, or
// where anything is unusual or wrong: the measurer then looks at it closely.
func plain(in []byte, lim Limits) bool {
	var ends [defaultDepth + 1]int // of the elements that the position is in; the outermost is the input
	ends[0] = len(in)
	p, level := 0, 0
	for ; lim.Nodes > 0; lim.Nodes-- {
		end := ends[level]
		if level >= min(lim.Depth, defaultDepth) || end-p < 2 {
			return false
		}
		id, length := in[p], int(in[p+1])
		p += 2
		if id == 0 || id&numberMask == numberMask {
			return false
		}
		if length >= 0x80 {
			n := length & 0x7f
			if n == 0 || n > 4 || n > end-p {
				return false
			}
			length = 0
			for _, c := range in[p : p+n] {
				length = length<<8 | int(c)
			}
			if p += n; lengthSize(length) != n+1 {
				return false
			}
		}
		switch {
		case length < 0 || length > end-p:
			return false
		case id&constructedBit == 0:
			p += length
		case isStringTag(id):
			return false
		default:
			level++
			ends[level] = p + length
		}
		for p == ends[level] {
			if level == 0 {
				return true
			}
			level--
		}
		if level == 0 {
			return false
		}
	}
	return false
}

// header is the identifier and length octets of one element.
type header struct {
	id          []byte
	start       int // offset of the contents
	length      int // -1: indefinite
	minimal     bool
	constructed bool
}

// endOfContents reports the two zero octets (X.690 §8.1.5).
func (h header) endOfContents() bool { return h.id[0] == 0 && h.length == 0 && h.minimal }

func malformed(what string, at int) error {
	return fmt.Errorf("%w: %s at offset %d", ErrMalformed, what, at)
}

// readHeader reads the header at offset at of an element that must end by limit.
func readHeader(in []byte, at, limit int) (header, error) {
	p := at
	if p >= limit {
		return header{}, malformed("nothing where an element should be", at)
	}
	h := header{constructed: in[p]&constructedBit != 0, minimal: true}
	if in[p]&numberMask == numberMask { // X.690 §8.1.2.4: the number follows in groups of seven bits
		p++
		if p < limit && in[p] == 0x80 {
			return header{}, malformed("padded tag number", at)
		}
		for p < limit && in[p]&0x80 != 0 && p-at < 5 {
			p++
		}
		if p >= limit || in[p]&0x80 != 0 || (p == at+1 && in[p] < numberMask) {
			return header{}, malformed("tag number", at)
		}
	}
	p++
	h.id = in[at:p]
	if p >= limit {
		return header{}, malformed("no length", at)
	}
	first := in[p]
	p++
	switch {
	case first < 0x80:
		h.length = int(first)
	case first == 0x80:
		if !h.constructed { // X.690 §8.1.3.2
			return header{}, malformed("indefinite length of a primitive element", at)
		}
		h.length, h.minimal = -1, false
	default:
		n := int(first & 0x7f)
		if n == 0x7f || n > limit-p { // X.690 §8.1.3.5 (c)
			return header{}, malformed("length octets", at)
		}
		for _, c := range in[p : p+n] { // leading zeros are legal in BER; no length can pass the input's size
			if h.length = h.length<<8 | int(c); h.length > len(in) {
				return header{}, malformed("length beyond the end", at)
			}
		}
		p += n
		h.minimal = lengthSize(h.length) == n+1
	}
	h.start = p
	if h.length > limit-p {
		return header{}, malformed("length beyond the end", at)
	}
	return h, nil
}

// measure is what one element will be in DER, and where it ends in the input.
type measure struct {
	head, length int // octets of the identifier, octets of the contents
	end          int
}

func (m measure) size() int { return m.head + lengthSize(m.length) + m.length }

// measurer walks the input once and notes the length that each constructed element will have, in the order met.
type measurer struct {
	in      []byte
	nodes   int // still allowed
	depth   int
	lengths []int
	changed bool
}

func (m *measurer) element(at, limit int) (measure, error) {
	h, err := readHeader(m.in, at, limit)
	if err != nil {
		return measure{}, err
	}
	return m.behind(h, at, limit, 0)
}

// behind measures the element at offset at whose header is h.
func (m *measurer) behind(h header, at, limit, depth int) (measure, error) {
	if depth >= m.depth {
		return measure{}, malformed("nested too deep", at)
	}
	if m.nodes--; m.nodes < 0 {
		return measure{}, malformed("too many elements", at)
	}
	if h.id[0] == 0 { // end-of-contents octets stand for nothing else
		return measure{}, malformed("end of contents", at)
	}
	if !h.minimal {
		m.changed = true
	}
	if !h.constructed {
		return measure{len(h.id), h.length, h.start + h.length}, nil
	}
	slot := len(m.lengths)
	m.lengths = append(m.lengths, 0)
	whole := measure{head: len(h.id), end: h.start}
	join := joint{tag: h.id[0] & numberMask, string: isString(h.id)}
	if h.length >= 0 {
		limit = h.start + h.length
	}
	for h.length < 0 || whole.end < limit {
		child, err := readHeader(m.in, whole.end, limit)
		if err != nil {
			return measure{}, err
		}
		if h.length < 0 && child.endOfContents() {
			whole.end = child.start
			break
		}
		part, err := m.behind(child, whole.end, limit, depth+1)
		if err != nil {
			return measure{}, err
		}
		if join.string {
			if err := join.add(m.in, child, part, whole.end); err != nil {
				return measure{}, err
			}
		}
		whole.length += part.size()
		whole.end = part.end
	}
	if join.string {
		m.changed = true
		whole.length = join.length
		if join.tag == tagBitString {
			whole.length++
		}
	}
	m.lengths[slot] = whole.length
	return whole, nil
}

// isString reports a universal type that BER may cut into pieces (X.690 §8.6.4, §8.7.3, §8.23).
func isString(id []byte) bool { return len(id) == 1 && isStringTag(id[0]) }

func isStringTag(id byte) bool {
	if id&classMask != 0 {
		return false
	}
	switch id & numberMask {
	case tagBitString, tagOctetString, 12, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 30:
		return true
	}
	return false
}

// joint measures the contents of a string in pieces.
type joint struct {
	tag    byte
	string bool
	length int  // octets of all pieces, without the unused-bits octet of bit strings
	ragged bool // the last piece met ends inside an octet
}

// add takes one piece. X.690 §8.23.6 cuts character strings into octet strings; some encoders repeat the type instead.
func (j *joint) add(in []byte, piece header, part measure, at int) error {
	tag := piece.id[0] &^ constructedBit
	if len(piece.id) != 1 || (tag != j.tag && (tag != tagOctetString || j.tag == tagBitString)) {
		return malformed("string with a piece of another type", at)
	}
	if j.tag != tagBitString {
		j.length += part.length
		return nil
	}
	if piece.constructed { // its own pieces are bit strings, which no encoder writes and X.690 §8.6.4 hardly allows
		return malformed("bit string with a piece in pieces", at)
	}
	if j.ragged || part.length == 0 { // X.690 §8.6.4: only the last piece may end inside an octet
		return malformed("piece of a bit string", at)
	}
	unused := in[piece.start]
	if unused > 7 || (part.length == 1 && unused != 0) {
		return malformed("piece of a bit string", at)
	}
	j.ragged = unused != 0
	j.length += part.length - 1
	return nil
}

// writer walks the measured input again and writes its DER form.
type writer struct {
	in, out []byte
	lengths []int // of the constructed elements still to come
}

// element writes the element at offset at and returns where it ends. The input was measured: no header can fail.
func (w *writer) element(at int) int {
	h, _ := readHeader(w.in, at, len(w.in))
	if !h.constructed {
		w.out = append(w.out, h.id...)
		w.out = appendLength(w.out, h.length)
		w.out = append(w.out, w.in[h.start:h.start+h.length]...)
		return h.start + h.length
	}
	length := w.lengths[0]
	if isString(h.id) {
		tag := h.id[0] & numberMask
		w.out = append(w.out, tag)
		w.out = appendLength(w.out, length)
		unusedAt := len(w.out)
		if tag == tagBitString {
			w.out = append(w.out, 0)
		}
		return w.pieces(at, tag, unusedAt)
	}
	w.lengths = w.lengths[1:]
	w.out = append(w.out, h.id...)
	w.out = appendLength(w.out, length)
	p := h.start
	for {
		next, end := w.next(h, p)
		if end {
			return next
		}
		p = w.element(p)
	}
}

// next says where the contents of h go on, or that they are over and where the element ends.
func (w *writer) next(h header, p int) (int, bool) {
	if h.length >= 0 {
		return p, p == h.start+h.length
	}
	child, _ := readHeader(w.in, p, len(w.in))
	if child.endOfContents() {
		return child.start, true
	}
	return p, false
}

// pieces writes the contents of the string at offset at, whether in pieces or not.
func (w *writer) pieces(at int, tag byte, unusedAt int) int {
	h, _ := readHeader(w.in, at, len(w.in))
	if !h.constructed {
		body := w.in[h.start : h.start+h.length]
		if tag == tagBitString {
			w.out[unusedAt], body = body[0], body[1:]
		}
		w.out = append(w.out, body...)
		return h.start + h.length
	}
	w.lengths = w.lengths[1:]
	p := h.start
	for {
		next, end := w.next(h, p)
		if end {
			return next
		}
		p = w.pieces(p, tag, unusedAt)
	}
}

func lengthSize(n int) int {
	size := 1
	if n >= 0x80 {
		for ; n > 0; n >>= 8 {
			size++
		}
	}
	return size
}

func appendLength(out []byte, n int) []byte {
	if n < 0x80 {
		return append(out, byte(n))
	}
	size := lengthSize(n) - 1
	out = append(out, 0x80|byte(size))
	for i := size - 1; i >= 0; i-- {
		out = append(out, byte(n>>(8*i)))
	}
	return out
}
