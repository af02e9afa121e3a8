// SPDX-License-Identifier: Apache-2.0

package pdf

import (
	"bytes"
	"maps"
	"slices"
)

// revise groups the sections (newest first) into revisions, oldest first.
func (d *Document) revise(sections []*section) error {
	slices.Reverse(sections)
	for i, s := range sections {
		if i > 0 && sections[i-1].at > s.at {
			// Only the first-page section of a linearised file stands before the section it continues (Annex F.3.4).
			if i != 1 || !d.linearised() {
				return bad("the cross-reference section at byte %d continues one that stands behind it", s.at)
			}
			r := &d.revs[0]
			r.sections = append(r.sections, s)
			r.trailer = s.trailer
			continue
		}
		d.revs = append(d.revs, revision{sections: []*section{s}, trailer: s.trailer})
	}
	if len(d.revs) > d.lim.Revisions {
		return bad("more than %d revisions", d.lim.Revisions)
	}
	return nil
}

// linearised says whether the file begins with a linearisation dictionary.
func (d *Document) linearised() bool {
	i := bytes.Index(d.data[:min(len(d.data), 1024)], []byte("%PDF-"))
	p := &parser{src: d.data[:min(len(d.data), i+4096)], pos: i, depth: d.lim.Depth, inFile: true}
	_, o, err := indirect(p, nil)
	m, _ := o.(dict)
	return err == nil && m["Linearized"] != nil
}

// load reads each object once in each revision that writes it.
func (d *Document) load(budget *int, m *meter) error {
	d.objects = make(map[int][]version, len(d.revs[0].sections[0].entries))
	l := &loader{d: d, budget: budget, meter: m, now: make(map[int]entry, len(d.revs[0].sections[0].entries)), packs: map[int]*pack{}, containers: map[int]bool{}}
	for i := range d.revs {
		if err := l.revision(i); err != nil {
			return err
		}
	}
	return nil
}

// pack is a decoded object stream (ISO 32000-1 §7.5.7).
type pack struct {
	nums    []int
	values  []object
	doubled []bool
}

type loader struct {
	d          *Document
	budget     *int
	meter      *meter
	spent      error
	now        map[int]entry // as of the revision being read
	packs      map[int]*pack // by offset of the object stream
	containers map[int]bool
	unpacking  bool
	until      int // end of the revision being read; -1 where it has none
	end        int // of the object read last
}

func (l *loader) revision(i int) error {
	r := &l.d.revs[i]
	l.until = r.end
	entries := r.sections[0].entries
	if len(r.sections) > 1 {
		entries = map[int]entry{}
	}
	for _, s := range r.sections {
		if s.hybrid > r.end && r.end >= 0 {
			return bad("the cross-reference section at byte %d names a stream behind the end of its revision", s.at)
		}
		if len(r.sections) > 1 {
			maps.Copy(entries, s.entries)
		}
	}
	r.touched = slices.Sorted(maps.Keys(entries))
	for n, e := range entries {
		// An object stream that later bytes replace would change every object that was in it.
		if l.containers[n] {
			r.packed = append(r.packed, n)
		}
		l.now[n] = e
	}
	// The versions of a revision stand in one piece of memory; an object that a later revision writes again gets one of its own.
	versions := make([]version, len(r.touched))
	for k, n := range r.touched {
		v := version{rev: i, at: -1}
		switch e := entries[n]; e.kind {
		case entryOffset:
			v.at = e.at
			v.value, v.gen, v.doubled, v.broken = l.direct(n, e.at)
			v.end = l.end
			if l.spent != nil {
				return l.spent
			}
		case entryPacked:
			l.containers[e.at] = true
			var err error
			if v.value, v.doubled, err = l.packed(n, e); err != nil {
				return err
			}
		}
		if before := l.d.objects[n]; before != nil {
			l.d.objects[n] = append(slices.Clip(before), v) // [Document.Continue] shares what was before
			continue
		}
		versions[k] = v
		l.d.objects[n] = versions[k : k+1 : k+1]
	}
	return nil
}

func (l *loader) direct(n, at int) (o object, gen int, doubled bool, err error) {
	if at >= len(l.d.data) {
		return nil, 0, false, bad("object %d stands outside the file", n)
	}
	p := &parser{src: l.d.data, pos: at, depth: l.d.lim.Depth, inFile: true, meter: l.meter}
	id, o, err := indirect(p, l.length)
	l.end = p.pos
	skipped := 0
	if s, ok := o.(*stream); ok {
		skipped = len(s.raw)
	}
	if l.spent = l.meter.spend(p, at, skipped); l.spent == nil && l.meter.values < 0 {
		l.spent = bad("too many values")
	}
	if err == nil && id.num != n {
		err = bad("at the place of object %d stands object %d", n, id.num)
	}
	// What a revision names behind its own end was not there when it was signed: whoever appends it there fills a place
	// that somebody left open.
	if err == nil && l.until >= 0 && p.pos > l.until {
		err = bad("object %d stands behind the end of the revision that names it", n)
	}
	if c := l.d.crypt; err == nil && c != nil && n != c.object {
		o, err = c.open(id, o)
	}
	if err != nil {
		return nil, 0, false, err
	}
	return o, id.gen, p.doubled, nil
}

// length reads an indirect stream length, which must be a plain integer object. That of an object stream must not stand in
// one (ISO 32000-1 §7.5.7).
func (l *loader) length(r ref) (int, bool) {
	e := l.entry(r.num)
	if e.kind == entryPacked && !l.unpacking {
		o, _, err := l.packed(r.num, e)
		n, ok := o.(int64)
		return int(n), err == nil && ok && n >= 0 && n <= int64(len(l.d.data))
	}
	if e.kind != entryOffset || e.at >= len(l.d.data) || l.until >= 0 && e.at >= l.until {
		return 0, false
	}
	p := &parser{src: l.d.data[:min(len(l.d.data), e.at+256)], pos: e.at, depth: 1, inFile: true}
	if n, ok := p.integer(); !ok || n != r.num {
		return 0, false
	}
	if _, ok := p.integer(); !ok || !p.keyword("obj") {
		return 0, false
	}
	return p.integer()
}

// entry of an object as of the revision being read.
func (l *loader) entry(num int) entry {
	if e, ok := l.now[num]; ok {
		return e
	}
	if at, ok := l.d.draft.offset(num); ok {
		return entry{kind: entryOffset, at: at}
	}
	return entry{}
}

func (l *loader) packed(n int, e entry) (object, bool, error) {
	c := l.entry(e.at)
	if c.kind != entryOffset {
		return nil, false, bad("object %d is in an object stream that does not exist", n)
	}
	k, ok := l.packs[c.at]
	if !ok {
		var err error
		if k, err = l.unpack(e.at, c.at); err != nil {
			return nil, false, err
		}
		l.packs[c.at] = k
	}
	if e.index >= len(k.nums) || k.nums[e.index] != n {
		return nil, false, bad("object %d is not where the cross-reference stream says", n)
	}
	return k.values[e.index], k.doubled[e.index], nil
}

func (l *loader) unpack(num, at int) (*pack, error) {
	l.unpacking = true
	o, _, _, err := l.direct(num, at)
	l.unpacking = false
	if err != nil {
		return nil, err
	}
	s, ok := o.(*stream)
	if !ok || s.dict["Type"] != name("ObjStm") {
		return nil, bad("object %d is no object stream", num)
	}
	body, err := decode(s, l.budget)
	if err != nil {
		return nil, err
	}
	count, _ := s.dict["N"].(int64)
	first, _ := s.dict["First"].(int64)
	if count < 0 || count > int64(l.d.lim.Objects) || first < 0 || first > int64(len(body)) {
		return nil, bad("object stream %d is broken", num)
	}
	head := &parser{src: body[:first]}
	k := &pack{}
	m := &meter{bytes: 2*len(body) + 1024, values: l.meter.values}
	defer func() { l.meter.values = m.values }()
	for range count {
		n, ok1 := head.integer()
		off, ok2 := head.integer()
		if !ok1 || !ok2 || off > len(body)-int(first) {
			return nil, bad("object stream %d is broken", num)
		}
		p := &parser{src: body, pos: int(first) + off, depth: l.d.lim.Depth, meter: m}
		v, err := p.object()
		if spent := m.spend(p, int(first)+off, 0); err == nil {
			err = spent
		}
		if err != nil {
			return nil, err
		}
		k.nums, k.values, k.doubled = append(k.nums, n), append(k.values, v), append(k.doubled, p.doubled)
	}
	return k, nil
}

// ends finds where each revision ends.
func (d *Document) ends() {
	for i := range d.revs {
		r := &d.revs[i]
		r.end = d.eof(r.sections[0]) // the main section: of a linearised file the one at the end
		for r.quiet = max(r.end, 0); r.quiet < len(d.data) && isSpace(d.data[r.quiet]); {
			r.quiet++
		}
	}
}

// bound finds out whether an update holds anything but its own objects.
func (d *Document) bound() {
	from := d.revs[0].end
	for i := 1; i < len(d.revs); i++ {
		r := &d.revs[i]
		switch {
		case from < 0:
			r.stray = bad("the revision before has no end")
		case r.end < 0:
			r.stray = bad("the revision has no startxref and %%%%EOF of its own")
		default:
			r.stray = d.tiles(i, from)
		}
		from = r.end
	}
}

// eof returns the offset behind the %%EOF that belongs to s.
func (d *Document) eof(s *section) int {
	p := &parser{src: d.data, pos: s.end, inFile: true}
	if !p.keyword("startxref") {
		return -1
	}
	if _, ok := p.integer(); !ok {
		return -1
	}
	for p.pos < len(d.data) && isSpace(d.data[p.pos]) {
		p.pos++
	}
	if !bytes.HasPrefix(d.data[p.pos:], []byte("%%EOF")) {
		return -1
	}
	return p.pos + len("%%EOF")
}

// tiles checks that the bytes of update i are its own objects, its cross-reference section and nothing else: an object
// that the section does not name is seen only by readers that rebuild, and those must not see another document.
func (d *Document) tiles(i, from int) error {
	r := &d.revs[i]
	sections := map[int]*section{}
	for _, s := range r.sections {
		sections[s.at] = s
		if stm, ok := s.trailer["XRefStm"].(int64); ok {
			sections[int(stm)] = nil // a stream object: read below like any other
		}
	}
	p := &parser{src: d.data, pos: from, depth: d.lim.Depth, inFile: true}
	starts := map[int]int{} // and ends
	for _, n := range r.touched {
		if v, _ := (view{d, i}).version(n); v.at >= from {
			at := v.at // some writers count from the white space before
			for at < len(d.data) && at < v.at+16 && isSpace(d.data[at]) {
				at++
			}
			starts[at] = 0
			if v.broken != nil {
				return bad("object %d cannot be read", n)
			}
			starts[at] = v.end
		}
	}
	for {
		p.skip()
		at := p.pos
		if s := sections[at]; s != nil {
			if s.end < at {
				return bad("overlapping sections")
			}
			p.pos = s.end
			if e := d.eof(s); e == r.end {
				return nil
			}
			continue
		}
		if at >= r.end {
			return bad("the revision does not hold its own cross-reference section")
		}
		end, object := starts[at]
		if _, xref := sections[at]; !object && !xref {
			return bad("bytes at %d that belong to no object of the revision", at)
		}
		if end > at {
			p.pos = end
			continue
		}
		lengths := func(rf ref) (int, bool) {
			n, ok := view{d, i}.get(rf).(int64)
			return int(n), ok && n >= 0 && n <= int64(len(d.data))
		}
		if _, _, err := indirect(p, lengths); err != nil {
			return err
		}
	}
}
