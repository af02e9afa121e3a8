// SPDX-License-Identifier: Apache-2.0

package pdf

import "slices"

// Attachment is an embedded file (ISO 32000-1 §7.11.4) as the last revision has it.
type Attachment struct {
	Name         string // the file's own
	Description  string
	MIME         string
	Relationship string // /AFRelationship (ISO 32000-2 Table 43; PDF/A-3): Data, Source, Alternative, …; "" where absent
	Associated   bool   // the catalog's /AF names it: it belongs to the document as a whole

	names  []string // all by which it is known
	file   *stream
	budget int
}

// Content inflates the file, within the limits of its document.
func (a Attachment) Content() ([]byte, error) {
	budget := a.budget
	return decode(a.file, &budget)
}

// Attachments lists the embedded files that the catalog knows by name or as associated files.
func (d *Document) Attachments() []Attachment {
	v := d.last()
	cat, _ := v.catalog()
	associated := map[ref]bool{}
	for _, o := range v.array(cat["AF"]) {
		if r, ok := o.(ref); ok {
			associated[r] = true
		}
	}
	var out []Attachment
	known := map[ref]bool{}
	visits := 0
	add := func(key, spec object) {
		r, isRef := spec.(ref)
		f := v.dict(spec)
		a := Attachment{Relationship: string(v.name(f["AFRelationship"])), Associated: isRef && associated[r], budget: d.lim.Inflate}
		for _, o := range []object{f["UF"], f["F"], key} {
			if t, ok := v.get(o).(text); ok {
				a.names = append(a.names, textString(t.value))
			}
		}
		if len(a.names) > 0 {
			a.Name = a.names[0]
		}
		if t, ok := v.get(f["Desc"]).(text); ok {
			a.Description = textString(t.value)
		}
		ef := v.dict(f["EF"])
		for _, k := range []name{"UF", "F"} {
			if s, ok := v.get(ef[k]).(*stream); ok && a.file == nil {
				a.file, a.MIME = s, string(v.name(s.dict["Subtype"]))
			}
		}
		if a.file != nil {
			known[r] = isRef
			out = append(out, a)
		}
	}
	var walk func(o object, depth int)
	walk = func(o object, depth int) {
		if visits++; depth > d.lim.Depth || visits > d.lim.Objects {
			return
		}
		n := v.dict(o)
		names := v.array(n["Names"])
		for i := 0; i+1 < len(names) && visits <= d.lim.Objects; i += 2 {
			visits++
			add(names[i], names[i+1])
		}
		for _, k := range v.array(n["Kids"]) {
			walk(k, depth+1)
		}
	}
	walk(v.dict(cat["Names"])["EmbeddedFiles"], 0)
	for _, o := range v.array(cat["AF"]) {
		if r, ok := o.(ref); ok && !known[r] {
			add(nil, r)
		}
	}
	return out
}

// Attachment returns an embedded file by name (the canonical licence JSON), as the last revision has it.
// Where two files bear the name neither is returned: there is no telling which one is meant.
func (d *Document) Attachment(file string) ([]byte, bool) {
	var found []Attachment
	for _, a := range d.Attachments() {
		if slices.Contains(a.names, file) {
			found = append(found, a)
		}
	}
	if len(found) != 1 {
		return nil, false
	}
	out, err := found[0].Content()
	return out, err == nil
}
