// SPDX-License-Identifier: Apache-2.0

package pdf

import (
	"fmt"
	"slices"
)

// maxShown bounds the letters of a field's value in a sentence.
const maxShown = 60

// attribute finds an inheritable entry of a field (ISO 32000-1 §12.7.3.1).
func (v view) attribute(field dict, key name) object {
	for range 32 {
		if field == nil {
			return nil
		}
		if o := v.get(field[key]); o != nil {
			return o
		}
		field = v.dict(field["Parent"])
	}
	return nil
}

// fieldName is the fully qualified name (§12.7.3.2).
func (v view) fieldName(field dict) string {
	out := ""
	for range 32 {
		if field == nil {
			break
		}
		if t, ok := v.get(field["T"]).(text); ok {
			if out != "" {
				out = "." + out
			}
			out = textString(t.value) + out
		}
		field = v.dict(field["Parent"])
	}
	return out
}

// value puts a field's value into words; "" is empty.
func (v view) value(o object) string {
	var s string
	switch o := v.get(o).(type) {
	case text:
		s = textString(o.value)
	case name:
		if o != "Off" {
			s = string(o)
		}
	case array:
		for _, e := range o[:min(len(o), 20)] {
			if s != "" {
				s += ", "
			}
			t, _ := v.get(e).(text)
			s += textString(t.value)
		}
	case *stream:
		s = "…"
	}
	if r := []rune(s); len(r) > maxShown {
		s = string(r[:maxShown]) + "…"
	}
	return s
}

// fill: a form field that was there received a value, or its widget the look of it; false where the object is no such field
// or something else about it changed. Nothing may change about where a field stands or what it does.
func (s *step) fill(n int) bool {
	was, now := s.old.dict(ref{num: n}), s.new.dict(ref{num: n})
	kind, _ := s.old.attribute(was, "FT").(name)
	var may []name
	switch kind {
	case "Tx", "Ch":
		may = []name{"V", "AP", "AS", "M", "DA", "RV", "I"}
	case "Btn":
		may = []name{"V", "AS", "M"}
	default:
		return false
	}
	if was == nil || now == nil {
		return false
	}
	changed := differing(was, now)
	for _, k := range changed {
		if !slices.Contains(may, k) {
			return false
		}
	}
	if slices.Contains(changed, "AP") && !s.appearance(n, was["AP"]) {
		s.refuse(FormField, "The look of the form field %q is used elsewhere in the document and was changed.", s.old.fieldName(was))
		return true
	}
	delete(s.open, n)
	if slices.Contains(changed, "AP") && s.swallows(n) {
		s.refuse(FormField, "The form field %q stands over words or pictures and received a look that may hide them.", s.old.fieldName(was))
	}
	field := s.old.fieldName(was)
	before, after := s.old.value(s.old.attribute(was, "V")), s.new.value(s.new.attribute(now, "V"))
	sentence := fmt.Sprintf("The form field %q was filled in after the document was signed: %q.", field, after)
	if before != "" {
		sentence = fmt.Sprintf("The form field %q was changed after the document was signed: it said %q and now says %q.", field, before, after)
	}
	switch {
	case s.locked(field):
		s.refuse(FormField, "%s A signature has locked the field.", sentence)
	case s.may.p == 1:
		s.refuse(FormField, "%s The certification of the document forbids it.", sentence)
	case s.may.p == 0 && (before != "" || after == ""):
		// No signature says that what stood in the form may be changed; an empty field asks to be filled.
		s.refuse(FormField, "%s", sentence)
	default:
		s.show(FormField, "%s", sentence)
	}
	return true
}
