// SPDX-License-Identifier: Apache-2.0

package pdf

import (
	"bytes"
)

// maxObject is the largest object number (ISO 32000-1 Annex C).
const maxObject = 8388607

type entryKind uint8

const (
	entryFree   entryKind = iota
	entryOffset           // at: offset in the file
	entryPacked           // at: number of the object stream, index: place in it
)

type entry struct {
	kind      entryKind
	at, index int
}

// section is one cross-reference section with its trailer (ISO 32000-1 §7.5.4, §7.5.8).
type section struct {
	at, end int // first byte, and first byte behind the trailer or the stream object
	stream  bool
	hybrid  int // first byte behind the stream that /XRefStm names; 0 where there is none
	size    int // bytes of the stream's data
	entries map[int]entry
	trailer dict
	prev    int // -1 where absent
}

// xrefReader follows the chain of sections from the newest to the oldest.
type xrefReader struct {
	data    []byte
	lim     Limits
	objects int // entries in use still allowed
	entries int // entries still allowed, free ones too
	inflate *int
	meter   *meter
	hybrids map[int]*section // by offset: later sections may name the same stream again
}

// hybrid reads the stream that /XRefStm of a table names (ISO 32000-1 §7.5.8.4).
func (x *xrefReader) hybrid(at int) (*section, error) {
	if h := x.hybrids[at]; h != nil {
		// Copying its entries again is work as well.
		if x.objects -= len(h.entries); x.objects < 0 {
			return nil, bad("more than %d objects", x.lim.Objects)
		}
		return h, nil
	}
	h, err := x.section(at)
	if err != nil {
		return nil, err
	}
	if !h.stream {
		return nil, bad("/XRefStm names no cross-reference stream")
	}
	x.hybrids[at] = h
	return h, nil
}

func lastStart(data []byte) (int, error) {
	i := bytes.LastIndex(data, []byte("startxref"))
	if i < 0 {
		return 0, bad("no startxref")
	}
	p := parser{src: data, pos: i + len("startxref"), inFile: true}
	at, ok := p.integer()
	if !ok {
		return 0, bad("startxref names no offset")
	}
	return at, nil
}

// chain reads all sections, newest first. A loop, a section outside the file and too many sections are errors:
// a table rebuilt by scanning would show what nobody signed, so none is ever rebuilt.
func (x *xrefReader) chain() ([]*section, error) {
	at, err := lastStart(x.data)
	if err != nil {
		return nil, err
	}
	var out []*section
	seen := map[int]bool{}
	for at >= 0 {
		if seen[at] {
			return nil, bad("the cross-reference sections run in a circle")
		}
		seen[at] = true
		// A linearised file has two sections for its first revision.
		if len(out) > x.lim.Revisions {
			return nil, bad("more than %d revisions", x.lim.Revisions)
		}
		s, err := x.section(at)
		if err != nil {
			return nil, err
		}
		if stm, ok := s.trailer["XRefStm"].(int64); ok && !s.stream {
			h, err := x.hybrid(int(stm))
			if err != nil {
				return nil, err
			}
			s.hybrid = h.end
			// Objects hidden from old readers are free in the table and found in the stream (§7.5.8.4).
			for n, e := range h.entries {
				if old, ok := s.entries[n]; !ok || old.kind == entryFree {
					s.entries[n] = e
				}
			}
		}
		out = append(out, s)
		at = s.prev
	}
	return out, nil
}

func (x *xrefReader) section(at int) (*section, error) {
	if at < 0 || at >= len(x.data) {
		return nil, bad("a cross-reference section outside the file, at byte %d", at)
	}
	p := &parser{src: x.data, pos: at, depth: x.lim.Depth, inFile: true, meter: x.meter}
	p.skip()
	s := &section{at: p.pos, prev: -1, entries: map[int]entry{}}
	var err error
	if p.keyword("xref") {
		err = x.table(p, s)
	} else {
		err = x.stream(p, s)
	}
	skipped := 0
	if s.stream {
		skipped = s.size
	}
	if spent := x.meter.spend(p, at, skipped); err == nil {
		err = spent
	}
	if err != nil {
		return nil, err
	}
	if p.doubled {
		return nil, bad("the trailer at byte %d holds a key twice", at)
	}
	s.end = p.pos
	switch v := s.trailer["Prev"].(type) {
	case nil:
	case int64:
		if v < 0 || v >= int64(len(x.data)) {
			return nil, bad("a cross-reference section outside the file, at byte %d", v)
		}
		s.prev = int(v)
	default:
		return nil, bad("/Prev is no offset")
	}
	return s, nil
}

func (x *xrefReader) add(s *section, num int, e entry) error {
	if num > maxObject {
		return bad("object number %d is too large", num)
	}
	if e.kind != entryFree {
		x.objects--
	}
	if x.entries--; x.objects < 0 || x.entries < 0 {
		return bad("more than %d objects", x.lim.Objects)
	}
	held := len(s.entries)
	s.entries[num] = e
	if len(s.entries) == held {
		return bad("object %d stands twice in one cross-reference section", num)
	}
	return nil
}

func (x *xrefReader) table(p *parser, s *section) error {
	for !p.keyword("trailer") {
		first, ok1 := p.integer()
		count, ok2 := p.integer()
		if !ok1 || !ok2 || count > len(p.src)/10 {
			return bad("the cross-reference table at byte %d is broken", s.at)
		}
		if len(s.entries) == 0 {
			s.entries = make(map[int]entry, min(count, x.lim.Objects))
		}
		for i := range count {
			off, ok1 := p.integer()
			_, ok2 := p.integer()
			kind := p.run()
			if !ok1 || !ok2 || len(kind) != 1 || kind[0] != 'n' && kind[0] != 'f' {
				return bad("the cross-reference table at byte %d is broken", s.at)
			}
			e := entry{}
			if kind[0] == 'n' && off != 0 {
				e = entry{kind: entryOffset, at: off}
			}
			// Some writers count the free head of the list from 1.
			if i == 0 && first == 1 && kind[0] == 'f' {
				first = 0
			}
			if err := x.add(s, first+i, e); err != nil {
				return err
			}
		}
	}
	o, err := p.object()
	if err != nil {
		return err
	}
	d, ok := o.(dict)
	if !ok {
		return bad("the trailer at byte %d is no dictionary", s.at)
	}
	s.trailer = d
	return nil
}

func (x *xrefReader) stream(p *parser, s *section) error {
	_, o, err := indirect(p, nil)
	if err != nil {
		return err
	}
	st, ok := o.(*stream)
	if !ok || st.dict["Type"] != name("XRef") {
		return bad("no cross-reference section at byte %d", s.at)
	}
	s.stream, s.size, s.trailer = true, len(st.raw), st.dict
	rows, err := decode(st, x.inflate)
	if err != nil {
		return err
	}
	w, ok := integers(st.dict["W"])
	if !ok || len(w) != 3 || w[0] > 8 || w[1] > 8 || w[2] > 8 || w[0]+w[1]+w[2] == 0 {
		return bad("the cross-reference stream at byte %d has wrong widths", s.at)
	}
	size, _ := st.dict["Size"].(int64)
	index := []int{0, int(size)}
	if v, ok := st.dict["Index"]; ok {
		if index, ok = integers(v); !ok || len(index)%2 != 0 {
			return bad("the cross-reference stream at byte %d has a wrong index", s.at)
		}
	}
	row := w[0] + w[1] + w[2]
	for ; len(index) >= 2; index = index[2:] {
		first, count := index[0], index[1]
		if count > len(rows)/row {
			return bad("the cross-reference stream at byte %d is too short", s.at)
		}
		for i := range count {
			var f [3]int
			cut := rows[:row]
			rows = rows[row:]
			f[0] = 1 // the default of an absent type field (§7.5.8.2)
			for j := range w {
				if w[j] > 0 {
					v := 0
					for _, c := range cut[:w[j]] {
						if v > 1<<40 {
							return bad("an offset in the cross-reference stream at byte %d is too large", s.at)
						}
						v = v<<8 | int(c)
					}
					f[j], cut = v, cut[w[j]:]
				}
			}
			e := entry{}
			switch f[0] {
			case 1:
				if f[1] != 0 {
					e = entry{kind: entryOffset, at: f[1]}
				}
			case 2:
				e = entry{kind: entryPacked, at: f[1], index: f[2]}
			}
			if err := x.add(s, first+i, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// integers reads an array of non-negative integers.
func integers(o object) ([]int, bool) {
	a, ok := o.(array)
	if !ok {
		return nil, false
	}
	out := make([]int, len(a))
	for i, e := range a {
		n, ok := e.(int64)
		if !ok || n < 0 || n > 1<<40 {
			return nil, false
		}
		out[i] = int(n)
	}
	return out, true
}

// indirect reads "n g obj … endobj" at p. length resolves an indirect /Length.
func indirect(p *parser, length func(ref) (int, bool)) (ref, object, error) {
	p.skip()
	at := p.pos
	num, ok1 := p.integer()
	gen, ok2 := p.integer()
	if !ok1 || !ok2 || !p.keyword("obj") {
		return ref{}, nil, bad("no object at byte %d", at)
	}
	id := ref{num, gen}
	p.skip()
	if p.keyword("endobj") { // an empty object is null
		return id, nil, nil
	}
	o, err := p.object()
	if err != nil {
		return id, nil, err
	}
	if d, ok := o.(dict); ok && p.keyword("stream") {
		// The data begins behind CR LF or LF, never behind CR alone (§7.3.8.1).
		switch rest := p.src[p.pos:]; {
		case bytes.HasPrefix(rest, []byte("\r\n")):
			p.pos += 2
		case bytes.HasPrefix(rest, []byte("\n")):
			p.pos++
		default:
			return id, nil, bad("the stream of object %d does not begin on a new line", num)
		}
		n, ok := 0, false
		switch l := d["Length"].(type) {
		case int64:
			n, ok = int(l), l >= 0 && l <= int64(len(p.src))
		case ref:
			if length != nil {
				n, ok = length(l)
			}
		}
		if !ok || n > len(p.src)-p.pos {
			return id, nil, bad("the stream of object %d has a wrong length", num)
		}
		raw := p.src[p.pos : p.pos+n : p.pos+n]
		p.pos += n
		if !p.keyword("endstream") {
			return id, nil, bad("the stream of object %d does not end where its length says", num)
		}
		o = &stream{dict: d, raw: raw}
	}
	if !p.keyword("endobj") {
		return id, nil, bad("object %d has no end", num)
	}
	return id, o, nil
}
