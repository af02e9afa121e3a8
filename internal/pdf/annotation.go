// SPDX-License-Identifier: Apache-2.0

package pdf

import "slices"

// remarks are the annotations that people write onto pages (ISO 32000-1 §12.5.6), without those that open or play something.
var remarks = []name{
	"Text", "FreeText", "Line", "Square", "Circle", "Polygon", "PolyLine", "Highlight", "Underline", "Squiggly", "StrikeOut",
	"Stamp", "Caret", "Ink", "Popup",
}

// remark: an annotation that a certification with P 3 allows (§12.8.2.2) and that covers nothing.
func (s *step) remark(o object, page, number int) bool {
	r, ok := o.(ref)
	a := s.new.dict(o)
	kind := s.new.name(a["Subtype"])
	if !ok || s.may.p != 3 || !slices.Contains(remarks, kind) || a["A"] != nil || a["AA"] != nil || a["Dest"] != nil {
		return false
	}
	if kind != "Popup" {
		// Without a look of its own only the symbol of a note is drawn within its rectangle by every reader.
		if kind != "Text" && s.new.get(a["AP"]) == nil || s.covers(a, page) {
			s.refuse(AnnotationChanged, "An annotation (%s) was added to page %d and may cover what was signed.", kind, number)
			return true
		}
		s.show(AnnotationChanged, "An annotation (%s) was added to page %d: %q. The certification of the document allows it, and it covers nothing.",
			kind, number, s.new.value(a["Contents"]))
	}
	s.notes[r.num] = page
	return true
}

// covers says whether an annotation may hide something that page showed in the revision before.
func (s *step) covers(a dict, page int) bool {
	at, ok := s.new.box(a["Rect"])
	if !ok {
		return true
	}
	// A size or a direction that follows the window, not the page (§12.5.3), is nowhere in particular.
	if flags, _ := s.new.get(a["F"]).(int64); flags&(8|16) != 0 {
		return true
	}
	if s.new.name(a["Subtype"]) == "Text" {
		at.x1, at.y0 = max(at.x1, at.x0+symbol), min(at.y0, at.y1-symbol)
	}
	p := s.old.dict(ref{num: page})
	return !s.outside(at, p) && (s.drawing(page).meets(at) || s.old.looks(p, &s.brush).meets(at))
}

// symbol is how large readers draw the symbol of a note, whatever its rectangle says.
const symbol = 32

func (s *step) drawing(page int) ink {
	drawn, ok := s.inked[page]
	if !ok {
		drawn = s.old.pageInk(s.old.dict(ref{num: page}), &s.brush)
		s.inked[page] = drawn
	}
	return drawn
}

// swallows says whether a field that was there stands over words or pictures, so that a new look of it would hide them. A
// field among lines and frames is what a form is.
func (s *step) swallows(num int) bool {
	at, ok := s.old.box(s.old.dict(ref{num: num})["Rect"])
	if !ok || at.flat() {
		return false
	}
	list, _ := s.old.pageList()
	for _, p := range list {
		annots := s.old.array(s.old.dict(p)["Annots"])
		if s.brush.tokens -= 1 + len(annots)/8; s.brush.tokens < 0 {
			return true
		}
		on := slices.ContainsFunc(annots, func(o object) bool {
			r, ok := o.(ref)
			return ok && r.num == num
		})
		if on && s.drawing(p.num).swallows(at) {
			return true
		}
	}
	return false
}

// outside says whether a rectangle is beyond the edges of a page, where nothing is ever shown.
func (s *step) outside(at box, page dict) bool {
	media, ok := s.old.inherited(page, "MediaBox").(array)
	b, good := s.old.box(media)
	return ok && good && !at.grown(1).meets(b)
}

// draws says whether a widget that was not there before may put anything onto the page.
func (s *step) draws(w dict) bool {
	looks, shape := s.new.dict(w["AP"]), s.new.dict(w["MK"])
	if looks == nil && len(shape) == 0 || s.flat(w) {
		return false
	}
	if len(shape) > 0 || looks["N"] == nil {
		return true
	}
	for _, look := range looks {
		if !s.new.blank(look, &s.brush) {
			return true
		}
	}
	return false
}

// flat says whether a widget has no size.
func (s *step) flat(w dict) bool {
	b, ok := s.new.box(w["Rect"])
	return ok && b.flat()
}

// hidden says whether a widget is shown on no page: it has no size, or stands outside of its page.
func (s *step) hidden(w dict) bool {
	if s.flat(w) {
		return true
	}
	b, ok := s.new.box(w["Rect"])
	p, isRef := w["P"].(ref)
	return ok && isRef && s.outside(b, s.old.dict(p))
}
