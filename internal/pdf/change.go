// SPDX-License-Identifier: Apache-2.0

package pdf

import (
	"bytes"
	"fmt"
	"iter"
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
	Justified bool   // a rule allows it; everything else is not (reject by default)
	Visible   bool   // a page may look different from what was signed
}

// maxFollowed bounds the references that are followed back.
const maxFollowed = 3_000_000

// maxListed bounds the changes listed for one signature.
const maxListed = 1000

// compare fills the changes of all signatures. Each step from one revision to the next is looked at once.
func (d *Document) compare(sigs []Signature) {
	// Behind a signature that covers the whole file nothing can have changed.
	if !slices.ContainsFunc(sigs, func(s Signature) bool { return s.signed < len(d.revs)-1 || s.After > 0 }) {
		return
	}
	h := &history{d: d, sigs: sigs, edges: map[int][]edge{}, current: map[int]int{}, referred: map[int]bool{},
		notes: map[int]int{}, inked: map[int]ink{}, brush: brush{maxTokens, min(d.lim.Inflate/4, 16<<20)}}
	h.learn(0)
	h.bind(0)
	steps := make([][]Change, len(d.revs))
	for k := 1; k < len(d.revs); k++ {
		h.rev = k
		steps[k] = h.step()
		h.learn(k)
		h.bind(k)
	}
	var tail []Change
	if end := d.revs[len(d.revs)-1].end; end < 0 {
		tail = append(tail, refused(len(d.revs), Unknown, "The file has no proper end."))
	} else if rest := d.data[end:]; len(bytes.Trim(rest, " \t\r\n\x00")) > 0 {
		tail = append(tail, refused(len(d.revs), Unknown, "%d bytes stand behind the end of the document and belong to no revision of it.", len(rest)))
	}
	for i := range sigs {
		s := &sigs[i]
		if s.signed < 0 {
			// What was signed is not known, so everything in the file may differ from it.
			if s.After > 0 {
				s.Changes = append(s.Changes, refused(len(d.revs), Unknown, "It cannot be told which revision of the document was signed."))
			}
			continue
		}
		for k := s.signed + 1; k < len(d.revs); k++ {
			if len(s.Changes) > maxListed {
				s.Changes = append(s.Changes, refused(k, Unknown, "Further updates follow that are not listed."))
				break
			}
			s.Changes = append(s.Changes, steps[k]...)
		}
		s.Changes = append(s.Changes, tail...)
		if len(s.Changes) == 0 && s.After > 0 {
			s.Changes = []Change{{len(d.revs), Padding, fmt.Sprintf("%d bytes of white space follow the signed document.", s.After), s.After <= maxPadding, false}}
		}
	}
}

func refused(rev int, kind, format string, a ...any) Change {
	return Change{rev, kind, fmt.Sprintf(format, a...), false, kind != Metadata && kind != ValidationData}
}

// bind adds what the signatures of a revision allow to later ones.
func (h *history) bind(k int) {
	for i := range h.sigs {
		if s := &h.sigs[i]; s.Revision == k {
			h.may.tighten(s)
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
	followed int          // references
	may      policy       // what the signatures so far allow
	notes    map[int]int  // annotations that P 3 let in, and their pages
	inked    map[int]ink  // where pages draw, as of the last refusal
	brush    brush
	murky    int // an object that other readers may understand, with references that are not known here; 0 where there is none
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

// referrers yields what refers to n in the revision before this one; after too much work something unknown.
func (h *history) referrers(n int) iter.Seq[edge] {
	return func(yield func(edge) bool) {
		if h.followed += len(h.edges[n]); h.followed > maxFollowed {
			yield(edge{from: -1})
			return
		}
		for _, e := range h.edges[n] {
			if h.current[e.from] == e.rev && !yield(e) {
				return
			}
		}
	}
}

// alone says whether nothing refers to n.
func (h *history) alone(n int) bool {
	for range h.referrers(n) {
		return false
	}
	return true
}

// only says whether each referrer of n uses one of the keys from one of the objects.
func (h *history) only(n int, keys []name, from map[int]bool) bool {
	for e := range h.referrers(n) {
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
	s := &step{history: h, old: view{d, k - 1}, new: view{d, k}, open: map[int]bool{}, fields: map[int]*Signature{}, drawn: map[int]bool{}}
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
	led := s.led(r.touched)
	var lost []int // objects to which nothing leads
	for _, n := range r.touched {
		was, had := s.old.version(n)
		now, _ := s.new.version(n)
		if now.broken != nil || now.doubled {
			s.refuse(Unknown, "The update holds an object that readers may understand differently (object %d).", n)
		}
		if !had && !h.referred[n] {
			if !led[n] {
				lost = append(lost, n)
			}
			continue
		}
		if had && was.broken == nil && was.gen == now.gen && h.unchanged(was.value, now.value) {
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
	s.fillings()
	s.trailer()
	for _, n := range lost {
		if s.smuggled(n) {
			s.refuse(Unknown, "The update holds an object that nothing in the document refers to (object %d): data were hidden behind the signature.", n)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(s.open)) {
		s.unexplained(n)
	}
	for _, g := range s.fresh {
		if g.IsTimestamp() {
			s.allow(DocumentTimestamp, "A document time-stamp was added (field %q).", g.Field)
		} else {
			s.say(FurtherSignature, h.may.p != 1, s.drawn[g.field], "A further signature was added (field %q).%s", g.Field, s.forbidden())
		}
	}
	// Dates and programs go with what proves the signatures; alone they are a change, and where nothing may change it is one too many.
	if h.may.p == 1 && !slices.ContainsFunc(s.out, func(c Change) bool { return c.Kind == ValidationData || c.Kind == DocumentTimestamp }) {
		for i := range s.out {
			if c := &s.out[i]; c.Kind == Metadata && c.Justified {
				c.Justified, c.Detail = false, c.Detail+s.forbidden()
			}
		}
	}
	// What a person sees on the page comes first, what only a reader of PDF syntax understands last.
	order := []string{PageAdded, PageRemoved, PageChanged, AnnotationChanged, FormField, FurtherSignature, DocumentTimestamp, ValidationData, Metadata, Padding, Unknown}
	slices.SortStableFunc(s.out, func(a, b Change) int { return slices.Index(order, a.Kind) - slices.Index(order, b.Kind) })
	if slices.ContainsFunc(s.out, func(c Change) bool { return !c.Justified }) {
		clear(h.inked)
	}
	if len(s.out) == 0 {
		s.allow(Padding, "An update without any change was added.")
	}
	return s.out
}

// led finds the new objects of an update to which something leads: its trailer, or an object that was there before.
func (s *step) led(touched []int) map[int]bool {
	fresh, found := map[int]bool{}, map[int]bool{}
	var queue []object
	queue = append(queue, s.new.trailer())
	for _, n := range touched {
		if _, had := s.old.version(n); had {
			queue = append(queue, s.new.get(ref{num: n}))
		} else {
			fresh[n] = true
		}
	}
	for len(queue) > 0 {
		o := queue[0]
		queue = queue[1:]
		references(o, "", func(_ name, r ref) {
			if fresh[r.num] && !found[r.num] {
				found[r.num] = true
				queue = append(queue, s.new.get(r))
			}
		})
	}
	return found
}

// maxPadding is how many bytes of white space may follow a signed document: the line ends that programs and mail leave.
const maxPadding = 16

// maxLeftover bounds in bytes a piece of validation data that a writer leaves behind.
const maxLeftover = 4 << 20

// smuggled reports whether object n, to which nothing leads, could carry something past the signature. Cross-reference streams
// and containers of objects (ISO 32000-1 §7.5.7, §7.5.8) are never referred to. Careless writers leave numbers behind, which
// were lengths of streams, lists of references, and, where they store validation data or sign, pieces of that.
func (s *step) smuggled(n int) bool {
	o := s.new.get(ref{num: n})
	data, streamed := o.(*stream)
	if !streamed {
		switch s.new.name(s.new.dict(o)["Type"]) {
		case "Catalog", "Pages", "Page", "XObject", "Sig", "DocTimeStamp": // what a careless reader may look for
			return true
		}
		left := maxScraps
		return !scrap(o, &left)
	}
	switch s.new.name(data.dict["Type"]) {
	case "XRef", "ObjStm":
		return false
	}
	if !s.signing || len(data.raw) > maxLeftover {
		return true
	}
	budget := s.d.lim.Inflate
	plain, err := decode(data, &budget)
	return err != nil || len(plain) > maxLeftover || !validation(plain)
}

// maxScraps bounds the values in an object that is left behind, maxScrap the letters of a name in it.
const maxScraps, maxScrap = 256, 64

// scrap says whether an object is a piece of structure that says nothing by itself: no text, nothing that is drawn.
func scrap(o object, left *int) bool {
	if *left--; *left < 0 {
		return false
	}
	switch o := o.(type) {
	case nil, bool, int64, float64, ref:
		return true
	case name:
		return len(o) <= maxScrap
	case array:
		return !slices.ContainsFunc(o, func(e object) bool { return !scrap(e, left) })
	case dict:
		for k, e := range o {
			if len(k) > maxScrap || !scrap(e, left) {
				return false
			}
		}
		return true
	}
	return false
}

// validation says whether der has the shape of a certificate, a list (RFC 5280 §4.1, §5.1: SEQUENCE of what is signed, the
// algorithm and the value) or an OCSP response (RFC 6960 §4.2.1), and nothing behind it.
func validation(der []byte) bool {
	inside := func(b []byte, tag int) (contents, rest []byte, ok bool) {
		t, length, head := header(b)
		if head == 0 || t != tag || length < 0 || length > len(b)-head {
			return nil, nil, false
		}
		return b[head : head+length], b[head+length:], true
	}
	outer, rest, ok := inside(der, 0x30)
	if !ok || len(rest) > 0 {
		return false
	}
	if status, rest, ok := inside(outer, 0x0a); ok {
		answer, behind, ok := inside(rest, 0xa0)
		_, extra, basic := inside(answer, 0x30)
		return len(status) == 1 && ok && len(behind) == 0 && basic && len(extra) == 0
	}
	_, rest, signed := inside(outer, 0x30)
	algorithm, rest, named := inside(rest, 0x30)
	_, _, known := inside(algorithm, 0x06)
	value, rest, valued := inside(rest, 0x03)
	return signed && named && known && valued && len(rest) == 0 && len(value) <= 2048
}
