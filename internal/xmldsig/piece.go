// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"bytes"
	"encoding/binary"
	"iter"
	"slices"
	"unicode/utf8"
)

// pieces reads elements that stand as canonical form has them, with the text between them and their end tags: no
// declarations, no prefixed attributes. One that holds nothing else, neither an identifier nor a second prefix, becomes one
// node, a piece, however much is in it. It stops in front of all else, of the root's end, and of the elements of the
// vocabularies that this package reads, having taken up nothing of it: the other methods read that.
func (p *parser) pieces(i int, flags uint8) (next int, behind uint8, err error) {
	src := p.src
	for i+1 < len(src) {
		around := &p.open[len(p.open)-1]
		if src[i+1] == '/' {
			next = i + 3 + int(around.size)
			if len(p.open) == 1 || next > len(src) || src[next-1] != '>' || !equal(src, int(around.name), i+2, int(around.size)) {
				return i, flags, nil
			}
			start, inside := &p.table[around.node], around.inside
			if inside&apart == 0 && flags != 0 {
				// Its own canonical form, whatever stands in it: the nodes of that are not needed.
				p.count = int(around.node) + 1
				start.to, start.kind = uint32(next), piece
				start.flags |= inside
			} else {
				inside |= apart
				start.link = uint32(p.count)
				p.add(uint32(i), uint32(next), endTag, flags|plainTag, around.prefix)
				p.table[p.count-1].link = around.node
				p.restore(int(around.undo))
			}
			p.open = p.open[:len(p.open)-1]
			p.open[len(p.open)-1].inside |= inside & apart
		} else {
			begin, local, prefix := i+1, i+1, prefixNone
			end := begin
			for end < len(src) && class[src[end]]&isName != 0 {
				end++
			}
			if end == len(src) {
				return i, flags, nil
			}
			if c := src[end]; c == ':' && end > begin {
				if prefix, err = p.prefix(src[begin:end]); err != nil || int(prefix) >= len(p.cur) {
					return i, flags, nil
				}
				local = end + 1
				end = name(src, local)
			} else if c >= utf8.RuneSelf {
				end = name(src, begin)
			}
			if end == local || end == len(src) || class[src[begin]]&(isName|isStart) == isName {
				return i, flags, nil
			}
			if uri := p.cur[prefix]; uri < uriOther && (uri != uriNone || prefix != prefixNone) {
				return i, flags, nil
			}
			to, id := end, identifier{}
			if src[to] == ' ' {
				flags |= attributed
				if to, id = usual(src, to, p.limits.Attributes); to == 0 {
					return i, flags &^ attributed, nil
				}
			}
			size := len(p.open)
			if size >= p.limits.Depth {
				return i, flags &^ attributed, nil
			}
			k := startTag
			if src[to] == '/' {
				k = emptyTag
				to++
			}
			if to == len(src) || src[to] != '>' {
				return i, flags &^ attributed, nil
			}
			next = to + 1
			around.inside |= nested
			if flags&plainText == 0 || prefix != around.prefix || id.to != 0 {
				around.inside |= apart
				if id.to != 0 {
					id.node = uint32(p.count)
					p.identify(id)
				}
			}
			n := &p.table[p.count]
			n.from, n.to, n.link = uint32(i), uint32(next), uint32(p.count)
			n.kind, n.flags, n.prefix = k, flags|plainTag, prefix
			if k == emptyTag {
				p.hollow(uint32(to - 1))
			} else {
				if size == cap(p.open) {
					p.open = slices.Grow(p.open, size)
				}
				p.open = p.open[:size+1]
				o := &p.open[size]
				o.node, o.name, o.size, o.undo = uint32(p.count), uint32(begin), uint32(end-begin), uint32(len(p.undo))
				o.prefix, o.inside = prefix, 0
			}
			p.count++
		}
		i, flags = next, plainText
		if i < len(src) && src[i] == '<' {
			continue
		}
		for i < len(src) && i < next+8 && class[src[i]]&inText == 0 {
			i++
		}
		if i == len(src) || src[i] != '<' {
			plain := false
			if i, plain, err = p.text(next); err != nil {
				return i, 0, err
			}
			if !plain {
				flags = 0
			}
		}
	}
	return i, flags, nil
}

// hollow takes up an empty element.
func (p *parser) hollow(slash uint32) {
	if len(p.hollows) == cap(p.hollows) { // twice as many: append would copy a long list five times over
		p.hollows = slices.Grow(p.hollows, max(64, len(p.hollows)))
	}
	p.hollows = append(p.hollows, slash)
}

// equal says whether the size octets at a, somewhere in front of b, stand at b too.
func equal(src []byte, a, b, size int) bool {
	if size <= 8 && b+8 <= len(src) {
		x := binary.LittleEndian.Uint64(src[a:]) ^ binary.LittleEndian.Uint64(src[b:])
		return x<<((64-8*uint(size))&63) == 0
	}
	return string(src[a:a+size]) == string(src[b:b+size])
}

// usual reads attributes at i, a space, as canonical form has them: one space, a name without a prefix that is behind the
// one before, double quotes, and in them nothing to be looked at nor ">". Next is 0 where they stand in any other way.
func usual(src []byte, i, limit int) (next int, id identifier) {
	var before []byte
	for count := 0; src[i] == ' '; count++ {
		begin := i + 1
		end := begin
		for end < len(src) && class[src[end]]&isName != 0 {
			end++
		}
		if end < len(src) && src[end] >= utf8.RuneSelf {
			end = name(src, begin)
		}
		from := end + 2
		if from >= len(src) || end == begin || src[end] != '=' || src[end+1] != '"' || class[src[begin]]&(isName|isStart) == isName || count == limit {
			return 0, id
		}
		word := src[begin:end]
		if count > 0 && bytes.Compare(before, word) >= 0 || string(word) == "xmlns" {
			return 0, id
		}
		before = word
		to := from
		for to < len(src) && class[src[to]]&inTag == 0 {
			to++
		}
		if to+1 >= len(src) || src[to] != '"' {
			return 0, id
		}
		if isID(word) {
			if id.to != 0 {
				return 0, id
			}
			id.from, id.to = uint32(from), uint32(to)
		}
		i = to + 1
	}
	return i, id
}

// tags gives the start and end of each tag of a piece, in order. What stands between two of them is text.
func (d *Document) tags(n *node) iter.Seq2[uint32, uint32] {
	return func(yield func(from, to uint32) bool) {
		for at := n.from; at < n.to; {
			end := at + uint32(bytes.IndexByte(d.src[at:], '>')) + 1
			if !yield(at, end) || end == n.to {
				return
			}
			at = end + uint32(bytes.IndexByte(d.src[end:], '<'))
		}
	}
}

// names gives the local name of an element, and those of the elements in it, where it is a piece.
func (d *Document) names(n *node) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		if n.kind != piece {
			yield(d.localAt(n.from + 1))
			return
		}
		for from := range d.tags(n) {
			if d.src[from+1] != '/' && !yield(d.localAt(from+1)) {
				return
			}
		}
	}
}

// content is where the inside of a piece stands.
func (d *Document) content(n *node) (from, to uint32) {
	for _, from := range d.tags(n) {
		return from, n.to - (d.nameEnd(n.from+1) - n.from - 1) - 3
	}
	return n.to, n.to // cannot be
}

// textOf is the text in a piece, of all its elements.
func (d *Document) textOf(n *node) []byte {
	var out []byte
	text := n.from
	for from, to := range d.tags(n) {
		out = append(out, d.decoded(text, from, false)...)
		text = to
	}
	return out
}

// looseIn says whether text stands directly in the outermost element of a piece.
func (d *Document) looseIn(n *node) bool {
	depth, text := 0, n.from
	for from, to := range d.tags(n) {
		if depth == 1 && !blank(d.src[text:from]) {
			return true
		}
		switch text = to; {
		case d.src[from+1] == '/':
			depth--
		case d.src[to-2] != '/':
			depth++
		}
	}
	return false
}

// piece writes a piece from there on.
func (w *writer) piece(n *node, from uint32) {
	for ; w.next < len(w.hollows) && w.hollows[w.next] < n.to; w.next++ {
		slash := w.hollows[w.next]
		if slash < from {
			continue
		}
		name, end := slash, slash
		for w.src[name-1] != '<' {
			if name--; w.src[name] == ' ' {
				end = name
			}
		}
		w.source(from, slash)
		w.opened(w.src[name:end])
		from = slash + 2
	}
	w.source(from, n.to)
}
