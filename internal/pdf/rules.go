// SPDX-License-Identifier: Apache-2.0

package pdf

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// step is one revision compared with the one before. open holds the objects that changed and that no rule has
// explained yet; what is left there at the end is refused.
type step struct {
	*history
	old, new view
	open     map[int]bool
	fields   map[int]*Signature // signatures of this revision by their field's object number
	fresh    []*Signature
	empty    map[int]bool // new signature fields without a value
	out      []Change
	signing  bool         // a signature, a time-stamp or validation data was added
	drawn    map[int]bool // signatures of this revision that leave a mark on a page, by their field's object number
	moved    bool         // pages were added or removed: the page tree's nodes are explained by that sentence
}

// maxChanges bounds the sentences about one revision; what comes behind them is as refused as they are.
const maxChanges = 64

func (s *step) say(kind string, ok, visible bool, format string, a ...any) {
	c := Change{s.rev, kind, fmt.Sprintf(format, a...), ok, visible}
	if !slices.Contains(s.out, c) && len(s.out) < maxChanges {
		s.out = append(s.out, c)
	}
}

// allow says what a rule allows and no page shows, show what a rule allows and a page shows.
func (s *step) allow(kind, format string, a ...any) { s.say(kind, true, false, format, a...) }
func (s *step) show(kind, format string, a ...any)  { s.say(kind, true, true, format, a...) }

func (s *step) refuse(kind, format string, a ...any) {
	c := refused(s.rev, kind, format, a...)
	s.say(c.Kind, false, c.Visible, "%s", c.Detail)
}

// forbidden ends a sentence about something that a certification forbids: "no changes" leaves room for what proves the
// signature, not for others (ISO 32000-2 Table 257).
func (s *step) forbidden() string {
	if s.may.p == 1 {
		return " The certification of the document forbids it."
	}
	return ""
}

// label is the partial name of a field.
func (s *step) label(f dict) string {
	t, _ := s.new.get(f["T"]).(text)
	return textString(t.value)
}

func trimmed(err error) string {
	return strings.TrimPrefix(err.Error(), errors.Unwrap(err).Error()+": ")
}

// trailing are the entries of a trailer and of a cross-reference stream (ISO 32000-1 Tables 15, 17, 19).
var trailing = []name{"Size", "Prev", "Root", "Encrypt", "Info", "ID", "XRefStm", "Type", "Index", "W", "Length", "Filter", "DecodeParms"}

// trailer: of what the trailer names, the catalog has its own rules and the properties are compared here.
func (s *step) trailer() {
	was, now := s.old.trailer(), s.new.trailer()
	// Readers take objects beyond the last /Size as missing (ISO 32000-1 §7.5.5).
	before, _ := was["Size"].(int64)
	if size, _ := now["Size"].(int64); size < before && s.rev == len(s.d.revs)-1 {
		for n := range s.d.numbers() {
			if v, _ := s.old.version(n); v.value != nil && int64(n) >= size && s.referred[n] {
				s.refuse(Unknown, "The update declares fewer objects than the signed document has.")
			}
		}
	}
	// A reader that meets another key would see other texts.
	if !same(was["Encrypt"], now["Encrypt"]) {
		s.refuse(Unknown, "The update changes how the document is encrypted.")
	}
	for _, k := range differing(was, now) {
		left := maxScraps
		if !slices.Contains(trailing, k) && !scrap(now[k], &left) {
			s.refuse(Unknown, "The update's trailer holds something else than a trailer needs: %s.", k)
		}
	}
	if !same(was["Info"], now["Info"]) && now["Info"] != nil {
		s.info(s.old.dict(was["Info"]), s.new.dict(now["Info"]))
	}
	if r, ok := was["Info"].(ref); ok && s.open[r.num] && s.alone(r.num) {
		delete(s.open, r.num)
		s.info(s.old.dict(r), s.new.dict(r))
	}
}

// info: a program that signs may leave its name and the date of the change (ISO 32000-1 §14.3.3), not another title or author.
func (s *step) info(was, now dict) {
	for _, k := range differing(was, now) {
		switch k {
		case "ModDate", "Producer":
		case "CreationDate", "Creator", "Title", "Author", "Subject", "Keywords", "Trapped":
			if was == nil {
				continue // there were none: the program wrote its own
			}
			fallthrough
		default:
			s.refuse(Metadata, "The document's properties were changed: %s.", k)
			return
		}
	}
}

// catalog: the entries that a signature, a time-stamp or validation data need (EN 319 142-1 §5.4, §5.5).
func (s *step) catalog() {
	root, _ := s.old.trailer()["Root"].(ref)
	was, ok1 := s.old.catalog()
	now, ok2 := s.new.catalog() // a writer may give it another number: what it says counts
	if !ok1 || !ok2 {
		s.refuse(Unknown, "The document's catalog is missing.")
		return
	}
	var left []name
	for _, k := range differing(was, now) {
		switch k {
		case "DSS", "AcroForm", "Extensions", "Version":
		case "StructTreeRoot":
			if !s.alike(was[k], now[k]) && !s.structure(was[k], now[k]) {
				left = append(left, k)
			}
		case "Metadata":
			meta := s.new.dict(now[k])
			if meta["Type"] != name("Metadata") {
				left = append(left, k)
				continue
			}
			s.metadata(was[k], now[k])
		default:
			if k == "Pages" || !s.alike(was[k], now[k]) {
				left = append(left, k)
			}
		}
	}
	if slices.Contains(left, "Pages") {
		left = slices.DeleteFunc(left, func(k name) bool { return k == "Pages" })
		s.moved = true
		s.refuse(PageChanged, "The pages of the document were replaced.")
	}
	delete(s.open, root.num)
	if len(left) > 0 {
		s.refuse(Unknown, "The document's catalog was changed: %s.", joined(left))
	}
	if r, ok := was["StructTreeRoot"].(ref); ok && same(r, now["StructTreeRoot"]) {
		s.structure(r, r)
	}
	s.dss(was["DSS"], now["DSS"])
	s.form(root.num, was["AcroForm"], now["AcroForm"])
}

func joined(names []name) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = string(n)
	}
	return strings.Join(out, ", ")
}

// dss: the document security store may grow (EN 319 142-1 §5.4.2). Its dictionaries and arrays may be rewritten as long
// as nothing else refers to them; the certificates, lists and answers that it held stay as they are.
func (s *step) dss(was, now object) {
	if now == nil {
		if was != nil {
			s.refuse(ValidationData, "The validation data was removed.")
		}
		return
	}
	root, _ := s.old.trailer()["Root"].(ref)
	inside, _ := s.dssObjects(s.old, was)
	_, shaped := s.dssObjects(s.new, now)
	if !shaped {
		s.refuse(ValidationData, "The validation data holds something else than certificates, lists and OCSP answers.")
		return
	}
	changed := !same(was, now)
	for n := range inside {
		if !s.open[n] {
			continue
		}
		changed = true
		if _, isStream := s.old.get(ref{num: n}).(*stream); isStream {
			continue
		}
		ok := true
		for e := range s.referrers(n) {
			direct := e.from == root.num && slices.Contains(storeKeys, e.key)
			ok = ok && (inside[e.from] || e.key == "DSS" || direct)
		}
		if ok {
			delete(s.open, n)
		}
	}
	if changed {
		s.signing = true
		s.allow(ValidationData, "Validation data was added (certificates, revocation lists or OCSP answers).")
	}
}

// storeKeys are the entries of a security store that lead to lists and dictionaries of it.
var storeKeys = []name{"Certs", "CRLs", "OCSPs", "VRI", "Cert", "CRL", "OCSP"}

// dssObjects lists the objects of a security store; false where it has another shape.
func (s *step) dssObjects(v view, o object) (map[int]bool, bool) {
	inside := map[int]bool{}
	note := func(o object) object {
		if r, ok := o.(ref); ok {
			inside[r.num] = true
		}
		return v.get(o)
	}
	streams := func(o object) bool {
		a, ok := note(o).(array)
		if !ok {
			return o == nil
		}
		for _, e := range a {
			if _, ok := note(e).(*stream); !ok {
				return false
			}
		}
		return true
	}
	if o == nil {
		return inside, true
	}
	d, ok := note(o).(dict)
	if !ok {
		return inside, false
	}
	for k, e := range d {
		switch k {
		case "Type":
		case "Certs", "CRLs", "OCSPs":
			ok = ok && streams(e)
		case "VRI":
			vri, isDict := note(e).(dict)
			ok = ok && isDict
			for k, e := range vri {
				if k == "Type" {
					continue
				}
				one, isDict := note(e).(dict)
				ok = ok && isDict
				for k, e := range one {
					switch k {
					case "Cert", "CRL", "OCSP":
						ok = ok && streams(e)
					case "TU", "Type":
						note(e)
					case "TS":
						_, isStream := note(e).(*stream)
						ok = ok && isStream
					default:
						ok = false
					}
				}
			}
		default:
			ok = false
		}
	}
	return inside, ok
}

// form: new entries in /Fields are fields of this revision's signatures; an empty signature field may be filled.
func (s *step) form(root int, was, now object) {
	w, n := s.old.dict(was), s.new.dict(now)
	var left []name
	for _, k := range differing(w, n) {
		if k != "Fields" && k != "SigFlags" {
			left = append(left, k)
		}
	}
	// Writers bring the defaults that fields need; what was there stays. Never NeedAppearances or XFA.
	left = slices.DeleteFunc(left, func(k name) bool {
		return len(s.fresh) > 0 && (k == "DA" || k == "Type") && w[k] == nil || k == "DR" && s.defaults(w[k], n[k])
	})
	if r, ok := w["DR"].(ref); ok && s.open[r.num] && s.only(r.num, []name{"DR"}, nil) && s.defaults(r, n["DR"]) {
		delete(s.open, r.num)
	}
	fieldsOK := s.fieldList(s.old.array(w["Fields"]), s.new.array(n["Fields"]))
	if len(left) > 0 {
		s.refuse(FormField, "The form was changed: %s.", joined(left))
	}
	if n == nil && w != nil {
		s.refuse(FormField, "The form was removed.")
		return
	}
	formNum := 0
	if r, ok := was.(ref); ok {
		formNum = r.num
		if s.open[r.num] && s.only(r.num, []name{"AcroForm"}, map[int]bool{root: true}) {
			delete(s.open, r.num)
		}
	}
	if r, ok := w["Fields"].(ref); ok && s.open[r.num] && fieldsOK {
		if s.only(r.num, []name{"Fields"}, map[int]bool{formNum: true, root: true}) {
			delete(s.open, r.num)
		}
	}
	for num, g := range s.fields {
		if was := s.old.dict(ref{num: num}); was != nil && s.locked(g.Field) {
			s.refuse(FormField, "The signature field %q was filled, which an earlier signature has locked.", g.Field)
		}
		if f := s.new.dict(ref{num: num}); f["A"] != nil || f["AA"] != nil {
			s.refuse(FormField, "The further signature in field %q brings an action that a reader would run.", g.Field)
		}
		s.filled(num, g)
	}
}

// defaults compares the resources of a form (ISO 32000-1 §12.7.2). Only fonts and encodings are ever taken from there, by the
// names in /DA: they stay, the rest may be exchanged.
func (s *step) defaults(was, now object) bool {
	w, n := s.old.dict(was), s.new.dict(now)
	for _, k := range []name{"Font", "Encoding"} {
		if !s.grows(w[k], n[k], 2) {
			return false
		}
	}
	return w == nil || n != nil
}

// emptyFields finds new signature fields that wait for their value. Only one without size is harmless: a place on the page
// that the signed revision did not have would be filled with a mark later.
func (s *step) emptyFields() {
	s.empty = map[int]bool{}
	for _, n := range s.d.revs[s.rev].touched {
		if was, had := s.old.version(n); had && was.value != nil || s.referred[n] {
			continue
		}
		f, _ := s.new.get(ref{num: n}).(dict)
		if f["FT"] == name("Sig") && f["V"] == nil && f["Kids"] == nil && f["Parent"] == nil && f["A"] == nil && f["AA"] == nil && s.hidden(f) {
			s.empty[n] = true
			s.say(FurtherSignature, s.may.p != 1, false, "An empty signature field %q was added.%s", s.label(f), s.forbidden())
		}
	}
}

// grows says whether every entry that a dictionary had is still there unchanged.
func (s *step) grows(was, now object, depth int) bool {
	if was == nil || same(was, now) {
		return true
	}
	w, ok1 := s.old.get(was).(dict)
	n, ok2 := s.new.get(now).(dict)
	if !ok1 || !ok2 || depth == 0 {
		return false
	}
	for k, v := range w {
		if !s.grows(v, n[k], depth-1) {
			return false
		}
	}
	return true
}

// without lists the elements of a that b does not have. Lists of fields and annotations hold references; where one holds
// its objects in place, it must do so in the same order.
func without(a, b array) array {
	refs := map[ref]bool{}
	var direct array
	for _, o := range b {
		if r, ok := o.(ref); ok {
			refs[r] = true
		} else {
			direct = append(direct, o)
		}
	}
	var out array
	for _, o := range a {
		if r, ok := o.(ref); ok {
			if !refs[r] {
				out = append(out, o)
			}
			continue
		}
		if len(direct) > 0 && same(direct[0], o) {
			direct = direct[1:]
			continue
		}
		out = append(out, o)
	}
	return out
}

func (s *step) fieldList(was, now array) bool {
	if len(was) == len(now) && (len(was) == 0 || &was[0] == &now[0]) {
		return true // the very same array, which may be long
	}
	ok := true
	if len(without(was, now)) > 0 {
		s.refuse(FormField, "A form field was removed.")
		ok = false
	}
	for _, o := range without(now, was) {
		if r, isRef := o.(ref); isRef && (s.fields[r.num] != nil || s.empty[r.num]) {
			continue
		}
		s.refuse(FormField, "A form field %q was added.", s.label(s.new.dict(o)))
		ok = false
	}
	return ok
}

// filled: a field that was there and empty received this revision's signature.
func (s *step) filled(num int, g *Signature) {
	if !s.open[num] {
		return
	}
	was, now := s.old.dict(ref{num: num}), s.new.dict(ref{num: num})
	if was == nil || was["V"] != nil && s.signedBefore(was["V"]) {
		return
	}
	if s.draws(now) {
		s.drawn[num] = true
		if s.swallows(num) {
			s.refuse(FormField, "The signature field %q stands over words or pictures and received a look that may hide them.", g.Field)
		}
	}
	if !s.appearance(num, was["AP"]) {
		s.refuse(FormField, "The look of the signature field %q is used elsewhere in the document and was changed.", g.Field)
	}
	for _, k := range differing(was, now) {
		switch k {
		case "V", "AP", "M":
		case "F":
			if f, _ := now["F"].(int64); f&2 == 0 { // hiding is not what a signature needs
				continue
			}
			return
		default:
			return
		}
	}
	delete(s.open, num)
}

// appearance: the look that a field had may be replaced with the field, as long as nothing else in the document shows it.
func (s *step) appearance(num int, was object) bool {
	looks := map[int]bool{num: true}
	var collect func(o object, depth int)
	collect = func(o object, depth int) {
		if r, ok := o.(ref); ok {
			looks[r.num] = true
			o = s.old.get(r)
		}
		if d, ok := o.(dict); ok && depth < 3 { // /AP, its /N /R /D, their states (§12.5.5)
			for _, e := range d {
				collect(e, depth+1)
			}
		}
	}
	collect(was, 0)
	for n := range looks {
		for e := range s.referrers(n) {
			if n != num && !looks[e.from] {
				return false
			}
		}
	}
	for n := range looks {
		if n != num {
			delete(s.open, n)
		}
	}
	return true
}

func (s *step) signedBefore(o object) bool {
	v := s.old.dict(o)
	t, _ := v["Contents"].(text)
	return v != nil && len(strings.Trim(string(t.value), "\x00")) > 0
}

// unexplained puts a changed object into words: which page shows it, or what it is.
func (s *step) unexplained(n int) {
	if len(s.out) >= maxChanges {
		return
	}
	was, now := s.old.get(ref{num: n}), s.new.get(ref{num: n})
	root, _ := s.old.trailer()["Root"].(ref)
	if s.alone(n) && n != root.num {
		return // nothing in the signed revision leads to it, and what leads to it now is judged where it does
	}
	d := s.old.dict(ref{num: n})
	switch t := s.old.name(d["Type"]); {
	case t == "Pages" && (s.moved || private(d, s.new.dict(ref{num: n}))):
		return
	case t == "Metadata" && s.new.name(s.new.dict(ref{num: n})["Type"]) == "Metadata" && s.only(n, []name{"Metadata"}, map[int]bool{root.num: true}):
		s.metadata(ref{num: n}, ref{num: n})
		return
	case s.element(n):
		return
	case t == "Metadata":
		s.refuse(Metadata, "The document's metadata was changed.")
		return
	case d["FT"] != nil || d["T"] != nil && d["Parent"] != nil:
		s.refuse(FormField, "The form field %q was changed.", s.label(d))
		return
	case s.old.name(d["Subtype"]) != "" && d["Rect"] != nil:
		s.refuse(AnnotationChanged, "An annotation (%s) was changed.", s.old.name(d["Subtype"]))
		return
	case d["ByteRange"] != nil:
		s.refuse(FurtherSignature, "A signature that was already there was changed or replaced.")
		return
	}
	if pages := s.shownOn(n); len(pages) > 0 {
		s.refuse(PageChanged, "Page %s may show something else than what was signed (object %d was %s).", strings.Join(pages, ", "), n, fate(was, now))
		return
	}
	s.refuse(Unknown, "Object %d of the signed document was %s.", n, fate(was, now))
}

// fillings explains form fields that were filled in and annotations that were let in before.
func (s *step) fillings() {
	for _, n := range slices.Sorted(maps.Keys(s.open)) {
		if page, ok := s.notes[n]; ok && s.may.p == 3 {
			if s.remark(ref{num: n}, page, s.number(page)) {
				delete(s.open, n)
			}
			continue
		}
		if s.fill(n); len(s.out) >= maxChanges {
			return
		}
	}
}

// number is the place of a page in the document, 1-based.
func (s *step) number(page int) int {
	list, _ := s.new.pageList()
	s.brush.tokens -= len(list) / 8
	return slices.IndexFunc(list, func(r ref) bool { return r.num == page }) + 1
}

// private says whether two page tree nodes differ in entries only that ISO 32000-1 §7.7.3.2 does not know, where programs
// keep notes of their own.
func private(was, now dict) bool {
	for _, k := range differing(was, now) {
		switch k {
		case "Type", "Kids", "Count", "Parent", "Resources", "MediaBox", "CropBox", "Rotate":
			return false
		}
	}
	return now != nil
}

func fate(was, now object) string {
	switch {
	case now == nil:
		return "removed"
	case was == nil:
		return "added in a place that was empty"
	}
	return "replaced"
}
