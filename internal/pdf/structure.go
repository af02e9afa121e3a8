// SPDX-License-Identifier: Apache-2.0

package pdf

import "slices"

// structure: the tags of a document (ISO 32000-1 §14.7) may grow by elements that stand for this revision's fields. What
// reading programs say of everything else stays as it was.
func (s *step) structure(was, now object) bool {
	if len(s.fresh) == 0 && len(s.empty) == 0 {
		return false
	}
	w, n := s.old.dict(was), s.new.dict(now)
	if n == nil {
		return false
	}
	for _, k := range differing(w, n) {
		switch k {
		case "Type", "ParentTreeNextKey":
		case "K":
			if !s.branches(w[k], n[k]) {
				return false
			}
		case "ParentTree":
			if !s.parents(w[k], n[k]) {
				return false
			}
		case "RoleMap":
			if !s.grows(w[k], n[k], 1) {
				return false
			}
		default:
			return false
		}
	}
	if r, ok := was.(ref); ok {
		delete(s.open, r.num)
	}
	// Its nodes may have kept their numbers.
	return !same(w["ParentTree"], n["ParentTree"]) || s.parents(w["ParentTree"], n["ParentTree"])
}

// element: a structure element that was there and gained such children.
func (s *step) element(n int) bool {
	was, now := s.old.dict(ref{num: n}), s.new.dict(ref{num: n})
	if was["S"] == nil || was["P"] == nil || now == nil || len(s.fresh) == 0 && len(s.empty) == 0 {
		return false
	}
	for _, k := range differing(was, now) {
		if k != "K" || !s.branches(was[k], now[k]) {
			return false
		}
	}
	return true
}

// branches: every child is still there in its order, what is new stands for a field.
func (s *step) branches(was, now object) bool {
	list := func(v view, o object) array {
		if a, ok := v.get(o).(array); ok {
			return a
		}
		if o == nil {
			return nil
		}
		return array{o}
	}
	before, after := list(s.old, was), list(s.new, now)
	added := without(after, before)
	for _, o := range added {
		if !s.tag(o, 4) {
			return false
		}
	}
	return same(without(after, added), array(before)) || len(before) == 0 && len(added) == len(after)
}

// tag: a new structure element that says nothing but where a field of this revision stands.
func (s *step) tag(o object, depth int) bool {
	r, ok := o.(ref)
	d, isDict := s.new.get(o).(dict)
	if !isDict || depth == 0 {
		return false
	}
	if ok && s.referred[r.num] {
		return false
	}
	if d["Type"] == name("OBJR") {
		w, ok := d["Obj"].(ref)
		return ok && (s.fields[w.num] != nil || s.empty[w.num] || s.born(w))
	}
	for k := range d {
		switch k {
		case "Type", "S", "P", "Pg", "K", "ID":
		default: // words to be read aloud
			return false
		}
	}
	kids := array{d["K"]}
	if a, ok := s.new.get(d["K"]).(array); ok {
		kids = a
	}
	for _, k := range kids {
		if !s.tag(k, depth-1) {
			return false
		}
	}
	return len(kids) > 0
}

// born says whether a widget came with a field of this revision.
func (s *step) born(r ref) bool {
	p, ok := s.new.dict(r)["Parent"].(ref)
	return ok && s.fields[p.num] != nil
}

// maxTags bounds the entries of a parent tree that are compared.
const maxTags = 20_000

// parents: the parent tree (§14.7.4.4) keeps its entries and gains those of new elements. Its nodes may be written anew.
func (s *step) parents(was, now object) bool {
	before, nodes, ok1 := s.old.numberTree(was)
	after, _, ok2 := s.new.numberTree(now)
	if !ok1 || !ok2 {
		return false
	}
	for k, o := range before {
		if p, ok := after[k]; !ok || !s.alike(o, p) {
			return false
		}
	}
	for k, o := range after {
		if _, had := before[k]; had {
			continue
		}
		list, ok := s.new.get(o).(array)
		if !ok {
			list = array{o}
		}
		if slices.ContainsFunc(list, func(o object) bool { return !s.tag(o, 4) }) {
			return false
		}
	}
	for _, n := range nodes {
		if s.only(n, []name{"ParentTree", "Kids"}, nil) {
			delete(s.open, n)
		}
	}
	return true
}

// numberTree reads a number tree (§7.9.7) and the objects that it is made of.
func (v view) numberTree(o object) (map[int64]object, []int, bool) {
	out := map[int64]object{}
	var nodes []int
	ok := true
	var walk func(o object, depth int)
	walk = func(o object, depth int) {
		if r, isRef := o.(ref); isRef {
			nodes = append(nodes, r.num)
		}
		d := v.dict(o)
		nums := v.array(d["Nums"])
		if depth == 0 || len(nodes) > maxTags || len(out)+len(nums)/2 > maxTags {
			ok = false
			return
		}
		for i := 0; i+1 < len(nums); i += 2 {
			k, isInt := v.get(nums[i]).(int64)
			if _, twice := out[k]; !isInt || twice {
				ok = false
			}
			out[k] = nums[i+1]
		}
		for _, k := range v.array(d["Kids"]) {
			walk(k, depth-1)
		}
	}
	if o != nil {
		walk(o, 16)
	}
	return out, nodes, ok
}
