// SPDX-License-Identifier: Apache-2.0

package pdf

import (
	"bytes"
	"errors"
	"fmt"
)

var (
	// ErrNotPDF: no PDF header within the first 1024 bytes.
	ErrNotPDF = errors.New("not a PDF")
	// ErrFormat: the file cannot be read as it stands; wrapped with what is wrong.
	ErrFormat = errors.New("PDF is damaged")
	// ErrEncrypted: the file is encrypted and cannot be read with an empty password, or is to be written to; wrapped with why.
	ErrEncrypted = errors.New("PDF is encrypted")
)

// Limits before and while reading. Zero = default.
type Limits struct {
	Bytes     int // 64 MiB
	Objects   int // 200,000, over all revisions
	Depth     int // 64
	Revisions int // 200
	Inflate   int // decompressed bytes in all, 48 MiB
}

func (l Limits) filled() Limits {
	def := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	def(&l.Bytes, 64<<20)
	def(&l.Objects, 200_000)
	def(&l.Depth, 64)
	def(&l.Revisions, 200)
	def(&l.Inflate, 48<<20)
	return l
}

// version is an object as one revision wrote it.
type version struct {
	rev     int
	value   object
	broken  error // the object cannot be read; value is null
	doubled bool  // a dictionary in it holds a key twice
	at, end int   // offsets in the file; at is -1 in an object stream or free
	gen     int
}

// revision is one section of the cross-reference chain, or two in the first revision of a linearised file.
type revision struct {
	sections []*section
	trailer  dict
	touched  []int // object numbers, ascending
	end      int   // offset behind %%EOF; -1 where the revision has no proper end
	quiet    int   // offset behind the white space that follows end
	pages    pages
	stray    error // bytes between the previous revision's end and this one's that belong to no object
	packed   []int // containers of older objects that this revision replaces
}

// Document is a read PDF. It is immutable and safe for concurrent use.
type Document struct {
	data    []byte
	lim     Limits
	revs    []revision // oldest first
	objects map[int][]version
	pages   int
	sigs    []Signature
	crypt   *crypt   // nil where the file is not encrypted
	draft   *drafted // objects of the first revision that are read when asked for; nil of a file that was read
}

// Is says whether data looks like a PDF: a header within the first 1024 bytes (ISO 32000-1 Annex H, note 13).
func Is(data []byte) bool {
	return bytes.Contains(data[:min(len(data), 1024)], []byte("%PDF-"))
}

// Open reads cross-references (classic, stream, hybrid), objects and revisions within bounds.
// It keeps data, which must not be changed afterwards. Errors are [ErrNotPDF], [ErrFormat] and [ErrEncrypted].
func Open(data []byte, lim Limits) (*Document, error) {
	lim = lim.filled()
	if !Is(data) {
		return nil, ErrNotPDF
	}
	if len(data) > lim.Bytes {
		return nil, bad("the file has %d bytes, more than %d", len(data), lim.Bytes)
	}
	d := &Document{data: data, lim: lim}
	budget := lim.Inflate
	m := newMeter(len(data), lim)
	x := &xrefReader{data: data, lim: lim, objects: lim.Objects, entries: 4 * lim.Objects, inflate: &budget, meter: m, hybrids: map[int]*section{}}
	sections, err := x.chain()
	if err != nil {
		return nil, err
	}
	if d.crypt, err = x.unlock(sections); err != nil {
		return nil, err
	}
	if err := d.revise(sections); err != nil {
		return nil, err
	}
	d.ends()
	if err := d.load(&budget, m); err != nil {
		return nil, err
	}
	if err := d.settle(0); err != nil {
		return nil, err
	}
	return d, nil
}

// settle finds pages and signatures once all objects are there; the revisions before from know their pages.
func (d *Document) settle(from int) error {
	d.bound()
	if _, ok := d.last().catalog(); !ok {
		return bad("no catalog")
	}
	visits := 10 * d.lim.Objects
	for i := from; i < len(d.revs); i++ {
		d.revs[i].pages = view{d, i}.readPages(&visits)
	}
	pages, err := d.last().pageList()
	if err != nil {
		return err
	}
	d.pages = len(pages)
	d.sigs, err = d.readSignatures()
	return err
}

// Bytes is the file. It must not be changed.
func (d *Document) Bytes() []byte { return d.data }

// Pages counts the pages of the last revision.
func (d *Document) Pages() int { return d.pages }

// Revisions counts the revisions: one, and one more for each incremental update.
func (d *Document) Revisions() int { return len(d.revs) }

// Encrypted says whether the file is encrypted, with an empty password for readers. Such files are judged, never written to.
func (d *Document) Encrypted() bool { return d.crypt != nil }

// view shows the document as it was up to a revision.
type view struct {
	d   *Document
	rev int
}

func (d *Document) last() view { return view{d, len(d.revs) - 1} }

func (v view) version(num int) (version, bool) {
	all := v.d.objects[num]
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].rev <= v.rev {
			return all[i], true
		}
	}
	return v.d.draft.version(num)
}

// get follows references to an object; a missing one is null (ISO 32000-1 §7.3.10). Chains of references end after eight.
func (v view) get(o object) object {
	for range 8 {
		r, ok := o.(ref)
		if !ok {
			return o
		}
		ver, _ := v.version(r.num)
		o = ver.value
	}
	return nil
}

func (v view) dict(o object) dict {
	switch o := v.get(o).(type) {
	case dict:
		return o
	case *stream:
		return o.dict
	}
	return nil
}

func (v view) array(o object) array {
	a, _ := v.get(o).(array)
	return a
}

func (v view) name(o object) name {
	n, _ := v.get(o).(name)
	return n
}

func (v view) trailer() dict { return v.d.revs[v.rev].trailer }

func (v view) catalog() (dict, bool) {
	r, ok := v.trailer()["Root"].(ref)
	if !ok {
		return nil, false
	}
	c, ok := v.get(r).(dict)
	return c, ok
}

// pages is the page tree of one revision, flat.
type pages struct {
	list []ref
	err  error
}

func (v view) pageList() ([]ref, error) {
	p := v.d.revs[v.rev].pages
	return p.list, p.err
}

// readPages walks the page tree (ISO 32000-1 §7.7.3). A node met twice is an error: a tree that is none has no pages to count.
func (v view) readPages(visits *int) pages {
	cat, _ := v.catalog()
	var out []ref
	seen := map[int]bool{}
	var walk func(o object, depth int) error
	walk = func(o object, depth int) error {
		r, ok := o.(ref)
		if !ok {
			return bad("a page tree node that is no reference")
		}
		if *visits--; *visits < 0 {
			return bad("too many pages over all revisions")
		}
		if seen[r.num] {
			return bad("the page tree meets object %d twice", r.num)
		}
		if depth > v.d.lim.Depth {
			return bad("the page tree is too deep")
		}
		seen[r.num] = true
		n := v.dict(r)
		if n == nil {
			return bad("page tree node %d is missing", r.num)
		}
		if kids, ok := v.get(n["Kids"]).(array); ok && v.name(n["Type"]) != "Page" {
			for _, k := range kids {
				if err := walk(k, depth+1); err != nil {
					return err
				}
			}
			return nil
		}
		out = append(out, r)
		return nil
	}
	if cat["Pages"] == nil {
		return pages{err: bad("no page tree")}
	}
	err := walk(cat["Pages"], 0)
	return pages{out, err}
}

func (d *Document) String() string {
	return fmt.Sprintf("PDF of %d pages, %d revisions, %d signatures", d.pages, len(d.revs), len(d.sigs))
}
