// SPDX-License-Identifier: Apache-2.0

package pdf

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
)

// Kinds of change.
const (
	ValidationData    = "validation-data"
	DocumentTimestamp = "document-timestamp"
	FurtherSignature  = "signature"
	PageAdded         = "page-added"
	PageRemoved       = "page-removed"
	PageChanged       = "page-changed"
	AnnotationChanged = "annotation"
	FormField         = "form-field"
	Metadata          = "metadata"
	Padding           = "padding"
	Unknown           = "unknown"
)

// Change is one difference between the signed revision and a later one, in words a person understands.
type Change struct {
	Revision  int    // 0-based; the number of revisions for bytes that belong to none
	Kind      string // one of the constants above
	Detail    string // English
	Justified bool   // a rule allows it: DSS grows, document timestamp or a further signature. Everything else is not (reject by default)
}

// maxListed bounds the changes listed for one signature.
const maxListed = 1000

// compare fills the changes of all signatures. Each step from one revision to the next is looked at once.
func (d *Document) compare(sigs []Signature) {
	if len(sigs) == 0 {
		return
	}
	h := &history{d: d, sigs: sigs, edges: map[int][]edge{}, current: map[int]int{}, referred: map[int]bool{}}
	h.learn(0)
	steps := make([][]Change, len(d.revs))
	for k := 1; k < len(d.revs); k++ {
		h.rev = k
		steps[k] = h.step()
		h.learn(k)
	}
	var tail []Change
	if end := d.revs[len(d.revs)-1].end; end < 0 {
		tail = append(tail, Change{len(d.revs), Unknown, "The file has no proper end.", false})
	} else if rest := d.data[end:]; len(bytes.Trim(rest, " \t\r\n\x00")) > 0 {
		tail = append(tail, Change{len(d.revs), Unknown, fmt.Sprintf("%d bytes stand behind the end of the document and belong to no revision of it.", len(rest)), false})
	}
	for i := range sigs {
		s := &sigs[i]
		if s.signed < 0 {
			// What was signed is not known, so everything in the file may differ from it.
			if s.After > 0 {
				s.Changes = append(s.Changes, Change{len(d.revs), Unknown, "It cannot be told which revision of the document was signed.", false})
			}
			continue
		}
		for k := s.signed + 1; k < len(d.revs); k++ {
			if len(s.Changes) > maxListed {
				s.Changes = append(s.Changes, Change{k, Unknown, "Further updates follow that are not listed.", false})
				break
			}
			s.Changes = append(s.Changes, steps[k]...)
		}
		s.Changes = append(s.Changes, tail...)
		if s.Permission == 1 {
			// "No changes" leaves room for what proves the signature, not for others (ISO 32000-2 Table 257).
			for j := range s.Changes {
				if c := &s.Changes[j]; c.Kind == FurtherSignature && c.Justified {
					c.Justified, c.Detail = false, c.Detail+" The certification of the document forbids it."
				}
			}
		}
		if len(s.Changes) == 0 && s.After > 0 {
			s.Changes = []Change{{len(d.revs), Padding, fmt.Sprintf("%d bytes of white space follow the signed document.", s.After), true}}
		}
	}
}

// unchanged compares two versions of an object. Streams that overlap in the file could be compared for hours: what goes
// beyond the file's size twice counts as changed.
func (h *history) unchanged(was, now object) bool {
	a, ok1 := was.(*stream)
	b, ok2 := now.(*stream)
	if ok1 && ok2 && len(a.raw) == len(b.raw) {
		if h.compared += len(a.raw); h.compared > 2*len(h.d.data) {
			return false
		}
	}
	return same(was, now)
}

// edge is a reference from one object, as a revision wrote it, to another.
type edge struct {
	from, rev int
	key       name
}

// history knows what refers to what, up to the revision before rev.
type history struct {
	d        *Document
	sigs     []Signature
	rev      int
	edges    map[int][]edge
	current  map[int]int  // latest revision that wrote an object
	referred map[int]bool // ever referred to
	compared int          // bytes of streams
	murky    int          // an object that other readers may understand, with references that are not known here; 0 where there is none
}

func (h *history) learn(k int) {
	for _, n := range h.d.revs[k].touched {
		v, _ := view{h.d, k}.version(n)
		h.current[n] = k
		if v.broken != nil || v.doubled {
			h.murky = n
		}
		xref := false
		if s, ok := v.value.(*stream); ok {
			xref = s.dict["Type"] == name("XRef")
		}
		references(v.value, "", func(key name, r ref) {
			if xref && (key == "Root" || key == "Info") {
				return // a trailer's entries, no part of the document
			}
			h.edges[r.num] = append(h.edges[r.num], edge{n, k, key})
			h.referred[r.num] = true
		})
	}
	// Other entries of a trailer are for the programs that wrote them; no reader shows what they lead to.
	for _, key := range []name{"Root", "Info"} {
		if r, ok := h.d.revs[k].trailer[key].(ref); ok {
			h.referred[r.num] = true
		}
	}
}

// referrers lists what refers to n in the revision before this one.
func (h *history) referrers(n int) []edge {
	var out []edge
	for _, e := range h.edges[n] {
		if h.current[e.from] == e.rev {
			out = append(out, e)
		}
	}
	return out
}

// only says whether each referrer of n uses one of the keys from one of the objects.
func (h *history) only(n int, keys []name, from map[int]bool) bool {
	for _, e := range h.referrers(n) {
		if !slices.Contains(keys, e.key) || from != nil && !from[e.from] {
			return false
		}
	}
	return true
}

func differing(a, b dict) []name {
	var out []name
	for k, v := range a {
		if w, ok := b[k]; !ok && v != nil || !same(v, w) {
			out = append(out, k)
		}
	}
	for k, w := range b {
		if _, ok := a[k]; !ok && w != nil {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

// step compares the revision with the one before.
func (h *history) step() []Change {
	d, k := h.d, h.rev
	s := &step{history: h, old: view{d, k - 1}, new: view{d, k}, open: map[int]bool{}, fields: map[int]*Signature{}}
	r := &d.revs[k]
	if h.murky != 0 {
		s.refuse(Unknown, "The document holds an object that readers may understand differently (object %d), so it cannot be told what the update changes.", h.murky)
	}
	if r.stray != nil {
		s.refuse(Unknown, "The update at the end of the file is not cleanly made: %v.", trimmed(r.stray))
	}
	if len(r.packed) > 0 {
		s.refuse(Unknown, "The update replaces a container of older objects (object %d).", r.packed[0])
	}
	for _, n := range r.touched {
		was, had := s.old.version(n)
		now, _ := s.new.version(n)
		if now.broken != nil || now.doubled {
			s.refuse(Unknown, "The update holds an object that readers may understand differently (object %d).", n)
		}
		if !had && !h.referred[n] || had && was.broken == nil && was.gen == now.gen && h.unchanged(was.value, now.value) {
			continue
		}
		s.open[n] = true
	}
	for i := range h.sigs {
		g := &h.sigs[i]
		if g.Revision == k && g.Problem == nil && g.signed == k {
			s.fields[g.field] = g
			s.fresh = append(s.fresh, g)
			s.signing = true
		}
	}
	s.emptyFields()
	s.catalog()
	s.pages()
	s.trailer()
	for _, n := range slices.Sorted(maps.Keys(s.open)) {
		s.unexplained(n)
	}
	for _, g := range s.fresh {
		if g.IsTimestamp() {
			s.allow(DocumentTimestamp, "A document time-stamp was added (field %q).", g.Field)
		} else {
			s.allow(FurtherSignature, "A further signature was added (field %q).", g.Field)
		}
	}
	// What a person sees on the page comes first, what only a reader of PDF syntax understands last.
	order := []string{PageAdded, PageRemoved, PageChanged, AnnotationChanged, FormField, FurtherSignature, DocumentTimestamp, ValidationData, Metadata, Padding, Unknown}
	slices.SortStableFunc(s.out, func(a, b Change) int { return slices.Index(order, a.Kind) - slices.Index(order, b.Kind) })
	if len(s.out) == 0 {
		s.allow(Padding, "An update without any change was added.")
	}
	return s.out
}
