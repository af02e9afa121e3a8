// SPDX-License-Identifier: Apache-2.0

package pdf

import (
	"slices"
	"strings"
)

// lock names form fields that a signature forbids to change: FieldMDP (ISO 32000-1 §12.8.2.4) or the signature field's own
// /Lock (§12.7.4.5).
type lock struct {
	action name // All, Include, Exclude; anything else locks all
	fields []string
}

func (l lock) holds(field string) bool {
	among := slices.ContainsFunc(l.fields, func(f string) bool {
		return field == f || strings.HasPrefix(field, f+".")
	})
	switch l.action {
	case "Include":
		return among
	case "Exclude":
		return !among
	}
	return true
}

func (v view) lock(o object) lock {
	d := v.dict(o)
	l := lock{action: v.name(d["Action"])}
	for _, f := range v.array(d["Fields"]) {
		t, _ := v.get(f).(text)
		if l.fields = append(l.fields, textString(t.value)); len(l.fields) > 10_000 {
			return lock{action: "All"}
		}
	}
	return l
}

// locks reads what a signature and its field forbid; p is the P of the field's /Lock (ISO 32000-2 Table 236), 0 where absent.
func (v view) locks(field, sig dict) (locks []lock, p int) {
	for i, r := range v.array(sig["Reference"]) {
		if r := v.dict(r); i < 16 && v.name(r["TransformMethod"]) == "FieldMDP" {
			locks = append(locks, v.lock(r["TransformParams"]))
		}
	}
	if own := v.dict(field["Lock"]); own != nil {
		locks = append(locks, v.lock(own))
		if n, ok := v.get(own["P"]).(int64); ok {
			p = int(min(max(n, 1), 3))
		}
	}
	return locks, p
}

// policy is what the signatures so far allow. The strictest word counts.
type policy struct {
	p     int // DocMDP's P; 0 where no signature says anything
	locks []lock
}

func (y *policy) tighten(s *Signature) {
	for _, p := range []int{s.Permission, s.lockP} {
		if p > 0 && (y.p == 0 || p < y.p) {
			y.p = p
		}
	}
	y.locks = append(y.locks, s.locks...)
}

// locked says whether a field must stay as it is. Where that takes too much work it must.
func (h *history) locked(field string) bool {
	return slices.ContainsFunc(h.may.locks, func(l lock) bool {
		h.brush.tokens -= 1 + len(l.fields)/4
		return h.brush.tokens < 0 || l.holds(field)
	})
}
