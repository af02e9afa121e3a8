// SPDX-License-Identifier: Apache-2.0

package pdf

import (
	"slices"
	"strconv"
)

// pages compares the page trees and each page that the revision wrote anew.
func (s *step) pages() {
	was, err1 := s.old.pageList()
	now, err2 := s.new.pageList()
	if err1 != nil || err2 != nil {
		s.refuse(Unknown, "The list of pages cannot be read any more.")
		return
	}
	place := func(list []ref) map[int]int {
		m := map[int]int{}
		for i, r := range list {
			m[r.num] = i + 1
		}
		return m
	}
	before, after := place(was), place(now)
	for _, r := range now {
		if before[r.num] == 0 {
			s.moved = true
			s.refuse(PageAdded, "Page %d was added after the document was signed.", after[r.num])
		}
	}
	for _, r := range was {
		if after[r.num] == 0 {
			s.moved = true
			s.refuse(PageRemoved, "Page %d was removed after the document was signed.", before[r.num])
		}
	}
	if !s.moved && !slices.Equal(was, now) {
		s.moved = true
		s.refuse(PageChanged, "The pages were put into another order.")
	}
	for _, r := range was {
		if after[r.num] != 0 {
			s.page(r.num, before[r.num])
		}
	}
}

// page: nothing but the widgets of this revision's signatures may come to /Annots (ISO 32000-1 §12.5.2).
func (s *step) page(num, number int) {
	was, now := s.old.dict(ref{num: num}), s.new.dict(ref{num: num})
	list, indirect := was["Annots"].(ref)
	written := s.open[num]
	if written {
		delete(s.open, num)
		for _, k := range differing(was, now) {
			tagging := (k == "Tabs" || k == "StructParents") && was[k] == nil && len(s.fresh)+len(s.empty) > 0
			if k != "Annots" && !tagging && !s.alike(was[k], now[k]) {
				s.refuse(PageChanged, "Page %d was changed after the document was signed: %s.", number, k)
			}
		}
	}
	if !written && !(indirect && s.open[list.num]) {
		return
	}
	if indirect && s.open[list.num] {
		// An array that another page shares would show the widget there too.
		if !s.only(list.num, []name{"Annots"}, map[int]bool{num: true}) {
			return
		}
		delete(s.open, list.num)
	}
	old, fresh := s.old.array(was["Annots"]), s.new.array(now["Annots"])
	gone := without(old, fresh)
	for _, o := range gone {
		if r, ok := o.(ref); ok && s.notes[r.num] == num && s.may.p == 3 {
			delete(s.open, r.num)
			s.show(AnnotationChanged, "An annotation that was added to page %d after the document was signed was removed again.", number)
			continue
		}
		s.refuse(AnnotationChanged, "An annotation (%s) was removed from page %d.", s.old.name(s.old.dict(o)["Subtype"]), number)
	}
	added := without(fresh, old)
	if kept := without(fresh, added); len(kept) == len(old)-len(gone) && !same(kept, without(old, gone)) {
		s.refuse(AnnotationChanged, "The annotations of page %d were put into another order.", number)
	}
	for _, o := range added {
		if s.widget(o, num) || s.remark(o, num, number) {
			continue
		}
		s.refuse(AnnotationChanged, "An annotation (%s) was added to page %d after the document was signed.", s.new.name(s.new.dict(o)["Subtype"]), number)
	}
}

// alike compares two values through references: a writer may copy an object to another number. What both sides refer to
// under one number is equal here and judged as that object.
func (s *step) alike(was, now object) bool {
	left := 1000
	var equal func(a, b object, depth int) bool
	equal = func(a, b object, depth int) bool {
		if left--; left < 0 || depth > 16 {
			return false
		}
		ra, ok1 := a.(ref)
		rb, ok2 := b.(ref)
		if ok1 && ok2 && ra == rb {
			return true
		}
		// A reference with a wrong generation is null to strict readers (ISO 32000-1 §7.3.10).
		if ver, _ := s.new.version(rb.num); ok2 && (ver.gen != rb.gen || ra.num == rb.num) {
			return false
		}
		switch a := s.old.get(a).(type) {
		case dict:
			b, ok := s.new.get(b).(dict)
			if !ok || len(a) != len(b) {
				return false
			}
			for k, v := range a {
				if w, ok := b[k]; !ok || !equal(v, w, depth+1) {
					return false
				}
			}
			return true
		case array:
			b, ok := s.new.get(b).(array)
			if !ok || len(a) != len(b) {
				return false
			}
			for i := range a {
				if !equal(a[i], b[i], depth+1) {
					return false
				}
			}
			return true
		case *stream:
			b, ok := s.new.get(b).(*stream)
			return ok && equal(a.dict, b.dict, depth+1) && s.unchanged(&stream{raw: a.raw}, &stream{raw: b.raw})
		default:
			return same(a, s.new.get(b))
		}
	}
	return equal(was, now, 0)
}

// widget says whether o is the widget of a signature that this revision brings.
func (s *step) widget(o object, page int) bool {
	r, ok := o.(ref)
	w := s.new.dict(o)
	if !ok || s.new.name(w["Subtype"]) != "Widget" {
		return false
	}
	if p, ok := w["P"].(ref); ok && p.num != page {
		return false
	}
	if s.empty[r.num] {
		return true
	}
	if parent, ok := w["Parent"].(ref); s.fields[r.num] == nil && (!ok || s.fields[parent.num] == nil) {
		return false
	}
	if w["A"] != nil || w["AA"] != nil {
		s.refuse(AnnotationChanged, "The further signature in field %q brings an action that a reader would run.", s.label(w))
	}
	if s.draws(w) {
		if s.covers(w, page) {
			s.refuse(AnnotationChanged, "The further signature in field %q draws a mark of its own on the page, which may cover what was signed.", s.label(w))
		}
		field := r.num
		if s.fields[field] == nil {
			field = w["Parent"].(ref).num
		}
		at, _ := s.new.box(w["Rect"])
		s.drawn[field] = s.drawn[field] || !s.outside(at, s.old.dict(ref{num: page}))
	}
	return true
}

// shownOn follows references backwards from an object to the pages that may show it.
func (s *step) shownOn(n int) []string {
	pages, err := s.old.pageList()
	if err != nil {
		return nil
	}
	number := map[int]int{}
	for i, r := range pages {
		number[r.num] = i + 1
	}
	seen := map[int]bool{n: true}
	var found []int
	for queue, looked := []int{n}, 0; len(queue) > 0 && looked < 100_000; queue = queue[1:] {
		looked += len(s.edges[queue[0]])
		for e := range s.referrers(queue[0]) {
			switch e.key { // these lead up or sideways, not to what a page draws
			case "Parent", "P", "Pg", "Dest", "D", "Prev", "Next", "First", "Last", "Kids", "K":
				continue
			}
			if seen[e.from] {
				continue
			}
			seen[e.from] = true
			if p := number[e.from]; p > 0 {
				found = append(found, p)
				continue
			}
			queue = append(queue, e.from)
		}
	}
	slices.Sort(found)
	var out []string
	for _, p := range found[:min(len(found), 8)] {
		out = append(out, strconv.Itoa(p))
	}
	return out
}
