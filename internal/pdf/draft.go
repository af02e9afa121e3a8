// SPDX-License-Identifier: Apache-2.0

package pdf

import (
	"iter"
	"sync/atomic"
)

// Draft is a file that its program has just written whole, as one revision with a classic table, and knows its places of.
type Draft struct {
	// Data is the file. Room behind it, up to its capacity, is taken for the first revision that follows, so that it is not copied.
	Data    []byte
	Offsets []int // of the objects by their number; 0 where there is none
	Table   int   // offset of the keyword xref
	Trailer int   // offset of the keyword trailer
}

// Document is what [Open] makes of the same bytes, but an object is read only when it is asked for: whoever wrote it need not
// read it to go on. It keeps Data and Offsets, which must not be changed afterwards. Errors are those of Open.
func (w Draft) Document() (*Document, error) {
	lim := Limits{}.filled()
	if !Is(w.Data) {
		return nil, ErrNotPDF
	}
	if len(w.Data) > lim.Bytes || len(w.Offsets) > lim.Objects || w.Trailer < 0 || w.Trailer > len(w.Data) {
		return nil, bad("the file that was written is larger than one that may be read")
	}
	n := len(w.Data)
	d := &Document{data: w.Data[:n:n], lim: lim, objects: map[int][]version{}}
	p := &parser{src: d.data, pos: w.Trailer, depth: lim.Depth, inFile: true}
	if !p.keyword("trailer") {
		return nil, bad("no trailer at byte %d", w.Trailer)
	}
	o, err := p.object()
	if err != nil {
		return nil, err
	}
	trailer, ok := o.(dict)
	if !ok || trailer["Encrypt"] != nil || trailer["Prev"] != nil || trailer["XRefStm"] != nil {
		return nil, bad("the trailer at byte %d is not that of a plain file of one revision", w.Trailer)
	}
	d.revs = []revision{{sections: []*section{{at: w.Table, end: p.pos, trailer: trailer, prev: -1}}, trailer: trailer}}
	d.ends()
	if d.revs[0].end != n && d.revs[0].quiet != n {
		return nil, bad("the file that was written does not end behind its trailer")
	}
	d.draft = &drafted{data: d.data, lim: lim, offsets: w.Offsets, read: make([]atomic.Pointer[version], len(w.Offsets)), room: w.Data}
	if err := d.settle(0); err != nil {
		return nil, err
	}
	return d, nil
}

// drafted are the objects of a [Draft]. It is safe for concurrent use.
type drafted struct {
	data    []byte
	lim     Limits
	offsets []int
	read    []atomic.Pointer[version]
	room    []byte      // data with the room behind it
	taken   atomic.Bool // room is in use
}

// offset of an object; false where there is none.
func (b *drafted) offset(num int) (int, bool) {
	if b == nil || num < 0 || num >= len(b.offsets) || b.offsets[num] == 0 {
		return 0, false
	}
	return b.offsets[num], true
}

// version reads an object, once.
func (b *drafted) version(num int) (version, bool) {
	at, ok := b.offset(num)
	if !ok {
		return version{}, false
	}
	if v := b.read[num].Load(); v != nil {
		return *v, true
	}
	l := &loader{d: &Document{data: b.data, lim: b.lim, draft: b}, meter: newMeter(len(b.data), b.lim), until: len(b.data)}
	v := version{at: at}
	v.value, v.gen, v.doubled, v.broken = l.direct(num, at)
	v.end = l.end
	b.read[num].Store(&v)
	return v, true
}

// room is the file with the room behind it, for the first who asks; nil where there is none.
func (d *Document) room() []byte {
	if d.draft == nil || len(d.revs) > 1 || !d.draft.taken.CompareAndSwap(false, true) {
		return nil
	}
	return d.draft.room
}

// numbers are those of all objects that any revision writes.
func (d *Document) numbers() iter.Seq[int] {
	return func(yield func(int) bool) {
		for n := range d.objects {
			if !yield(n) {
				return
			}
		}
		if d.draft == nil {
			return
		}
		for n := range d.draft.offsets {
			if _, ok := d.draft.offset(n); ok && d.objects[n] == nil && !yield(n) {
				return
			}
		}
	}
}

// count is how many numbers there are at most.
func (d *Document) count() int {
	n := len(d.objects)
	if d.draft != nil {
		n += len(d.draft.offsets)
	}
	return n
}
