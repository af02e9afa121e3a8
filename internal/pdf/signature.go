// SPDX-License-Identifier: Apache-2.0

package pdf

import (
	"bytes"
	"fmt"
	"io"
	"slices"
)

// Signature is one signature field with a value (ISO 32000-1 §12.8.1).
type Signature struct {
	Field                  string // fully qualified field name
	SubFilter              string // adbe.pkcs7.detached, ETSI.CAdES.detached, ETSI.RFC3161, …
	Filter                 string
	ByteRange              []int64  // as written: [o1 l1 o2 l2]
	Contents               []byte   // the CMS or token, trailing zero padding removed as far as the outer length says
	Revision               int      // 0-based revision in which the value was written
	End                    int64    // end of the signed revision: o2+l2
	Problem                error    // ByteRange not exact: does not start at 0, gap is not exactly this signature's /Contents hex string, overlaps, past the end …
	CoversAll              bool     // the ranges and the gap cover the whole file
	After                  int64    // bytes of the file behind the signed revision
	Changes                []Change // what later revisions changed
	ClaimedTime            string   // /M as written
	Reason, Location, Name string
	Permission             int // DocMDP's P of a certification (ISO 32000-1 §12.8.2.2): 1 no changes, 2 forms, 3 forms and annotations; 0 no certification
	Trailing               int // bytes of /Contents behind the CMS that are no padding of zeros; unsigned, and shown by no reader

	field, value int    // object numbers; value is 0 where the dictionary stands in the field itself
	padded       []byte // /Contents with its padding
	locks        []lock
	lockP        int // P of the field's /Lock
	gap          [2]int
	signed       int // index of the revision that End closes; -1 where there is none
}

// rfc3161 is the sub-filter of document time-stamps (EN 319 142-1 §5.4.3).
const rfc3161 = "ETSI.RFC3161"

// IsTimestamp says whether the value is a document time-stamp (EN 319 142-1 §5.5) and not a person's signature.
func (s Signature) IsTimestamp() bool { return s.SubFilter == rfc3161 }

// Signatures in the order of their revisions; an empty slice is not an error. A field whose /Contents is still the
// placeholder of zeros has no signature yet. A signature that a later revision removed or replaced is still listed.
func (d *Document) Signatures() []Signature { return slices.Clone(d.sigs) }

// Signed yields exactly the bytes the signature covers, in file order; nothing where the ByteRange has a [Signature.Problem]
// that leaves the bytes undetermined.
func (d *Document) Signed(s Signature) io.Reader {
	r, err := d.ranges(s.ByteRange)
	if err != nil {
		return bytes.NewReader(nil)
	}
	return &halves{d.data[r[0]:r[1]], d.data[r[2]:r[3]]}
}

// halves are read one after the other; unlike an [io.MultiReader] they are written without a buffer between.
type halves [2][]byte

func (h *halves) Read(p []byte) (int, error) {
	if len(h[0]) == 0 {
		h[0], h[1] = h[1], nil
	}
	if len(h[0]) == 0 {
		return 0, io.EOF
	}
	n := copy(p, h[0])
	h[0] = h[0][n:]
	return n, nil
}

func (h *halves) WriteTo(w io.Writer) (int64, error) {
	var total int64
	for i, half := range h {
		n, err := w.Write(half)
		total += int64(n)
		if h[i] = half[n:]; err != nil {
			return total, err
		}
	}
	return total, nil
}

// ranges turns a ByteRange into four offsets inside the file.
func (d *Document) ranges(b []int64) ([4]int, error) {
	var out [4]int
	if len(b) != 4 {
		return out, fmt.Errorf("the ByteRange has %d numbers, not four", len(b))
	}
	size := int64(len(d.data))
	for _, n := range b {
		if n < 0 || n > size {
			return out, fmt.Errorf("the ByteRange points outside the file (%d of %d bytes)", n, size)
		}
	}
	out = [4]int{int(b[0]), int(b[0] + b[1]), int(b[2]), int(b[2] + b[3])}
	if b[0]+b[1] > size || b[2]+b[3] > size {
		return out, fmt.Errorf("the ByteRange points outside the file (%d bytes)", size)
	}
	return out, nil
}

// field is a signature field as one revision has it.
type field struct {
	name  string
	num   int
	value object
}

// fields walks the form (ISO 32000-1 §12.7.3) and yields every signature field. /FT and /V are inherited (§12.7.3.1).
func (v view) fields(visits *int, yield func(field)) error {
	cat, _ := v.catalog()
	type inherited struct {
		name  string
		ft    name
		value object
	}
	path := map[int]bool{}
	var walk func(o object, in inherited, depth int) error
	walk = func(o object, in inherited, depth int) error {
		if *visits--; *visits < 0 {
			return bad("too many form fields")
		}
		if depth > v.d.lim.Depth {
			return bad("form fields nested too deep")
		}
		r, ok := o.(ref)
		if ok {
			if path[r.num] {
				return bad("form field %d is its own ancestor", r.num)
			}
			path[r.num] = true
			defer delete(path, r.num)
		}
		f := v.dict(o)
		if f == nil {
			return nil
		}
		if t, ok := v.get(f["T"]).(text); ok {
			if in.name != "" {
				in.name += "."
			}
			in.name += textString(t.value)
		}
		if ft := v.name(f["FT"]); ft != "" {
			in.ft = ft
		}
		if f["V"] != nil {
			in.value = f["V"]
		}
		kids := v.array(f["Kids"])
		terminal := true
		for _, k := range kids {
			if v.dict(k)["T"] != nil {
				terminal = false
				if err := walk(k, in, depth+1); err != nil {
					return err
				}
			}
		}
		// Kids without a name are the widgets of this field.
		if terminal && in.ft == "Sig" {
			yield(field{in.name, r.num, in.value})
		}
		return nil
	}
	for _, f := range v.array(v.dict(cat["AcroForm"])["Fields"]) {
		if err := walk(f, inherited{}, 0); err != nil {
			return err
		}
	}
	// A widget that only its page knows is shown by readers all the same.
	pages, err := v.pageList()
	if err != nil {
		return nil
	}
	for _, p := range pages {
		for _, a := range v.array(v.dict(p)["Annots"]) {
			if *visits--; *visits < 0 {
				return bad("too many annotations")
			}
			w := v.dict(a)
			if v.name(w["FT"]) == "Sig" && w["Parent"] == nil && w["V"] != nil {
				if err := walk(a, inherited{}, 0); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// maxSignatures bounds the signatures of one document: each costs a pass over its bytes.
const maxSignatures = 256

// readSignatures collects the signatures of all revisions, so that one removed later is not forgotten.
func (d *Document) readSignatures() ([]Signature, error) {
	visits := 5 * d.lim.Objects
	var out []Signature
	type key struct{ num, gap int }
	seen := map[key]bool{}
	for i := range d.revs {
		v := view{d, i}
		err := v.fields(&visits, func(f field) {
			s, ok := d.signature(v, f)
			k := key{s.value, s.gap[0]}
			if s.value == 0 {
				k.num = -s.field
			}
			if !ok || seen[k] {
				return
			}
			seen[k] = true
			s.Revision = i
			out = append(out, s)
		})
		if len(out) > maxSignatures {
			return nil, bad("more than %d signatures", maxSignatures)
		}
		if err != nil {
			return nil, err
		}
	}
	for i := range out {
		d.place(&out[i])
	}
	// A later signature covers the earlier one whole, its own gap lies behind it.
	for i := range out {
		for j := range out[:i] {
			if out[i].Problem == nil && out[j].Problem == nil && (out[i].End <= out[j].End || int64(out[i].gap[0]) < out[j].End) {
				out[i].Problem = fmt.Errorf("the ByteRange overlaps that of signature field %q", out[j].Field)
			}
		}
	}
	d.compare(out)
	return out, nil
}

// signature reads the value of one field; false where the field is still empty.
func (d *Document) signature(v view, f field) (Signature, bool) {
	s := Signature{Field: f.name, field: f.num, signed: -1}
	if r, ok := f.value.(ref); ok {
		s.value = r.num
	}
	val := v.dict(f.value)
	if val == nil {
		return s, false
	}
	str := func(k name) string {
		t, _ := v.get(val[k]).(text)
		return textString(t.value)
	}
	s.SubFilter, s.Filter = string(v.name(val["SubFilter"])), string(v.name(val["Filter"]))
	s.ClaimedTime, s.Reason, s.Location, s.Name = str("M"), str("Reason"), str("Location"), str("Name")
	for _, n := range v.array(val["ByteRange"]) {
		i, ok := v.get(n).(int64)
		if !ok {
			s.Problem = fmt.Errorf("the ByteRange holds something that is no number")
			i = -1
		}
		if s.ByteRange = append(s.ByteRange, i); len(s.ByteRange) > 64 {
			break
		}
	}
	s.Permission = v.permission(val)
	s.locks, s.lockP = v.locks(v.dict(ref{num: f.num}), val)
	contents, ok := val["Contents"].(text)
	if ok && len(contents.value) > 0 && len(bytes.Trim(contents.value, "\x00")) == 0 {
		return s, false
	}
	s.gap = [2]int{contents.at, contents.end}
	switch {
	case !ok:
		s.gap = [2]int{-1, -1}
		s.Problem = fmt.Errorf("the signature has no /Contents of its own")
	case len(contents.value) == 0:
		s.Problem = fmt.Errorf("the signature's /Contents is empty")
	case !contents.hex || contents.at < 0:
		s.Problem = fmt.Errorf("the signature's /Contents is no hexadecimal string of the file")
	}
	s.Contents, s.padded = unpadded(contents.value), contents.value
	s.Trailing = len(bytes.TrimRight(contents.value[len(s.Contents):], "\x00"))
	if ver, ok := v.version(s.value); ok && s.value != 0 && ver.doubled {
		s.Problem = fmt.Errorf("the signature dictionary holds a key twice")
	}
	return s, true
}

// permission reads the certification of a signature dictionary; a missing P is 2, a wrong one 1.
func (v view) permission(sig dict) int {
	for _, r := range v.array(sig["Reference"]) {
		r := v.dict(r)
		if v.name(r["TransformMethod"]) != "DocMDP" {
			continue
		}
		switch p := v.get(v.dict(r["TransformParams"])["P"]).(type) {
		case nil:
			return 2
		case int64:
			if p == 2 || p == 3 {
				return int(p)
			}
		}
		return 1
	}
	return 0
}

// unpadded cuts contents at the end of their first DER or BER element (X.690 §8.1); everything is kept where that end is
// not to be found.
func unpadded(b []byte) []byte {
	open, at := 0, 0
	for {
		tag, length, head := header(b[at:])
		if head == 0 {
			return b
		}
		at += head
		switch {
		case tag == 0 && length == 0: // end of contents
			open--
		case length < 0:
			open++
		case length > len(b)-at:
			return b
		default:
			at += length
		}
		if open <= 0 {
			return b[:at]
		}
	}
}

// header reads tag and length of a BER element; length -1 is indefinite, head 0 unreadable.
func header(b []byte) (tag, length, head int) {
	if len(b) < 2 || b[0]&0x1f == 0x1f { // CMS has no tags above 30
		return 0, 0, 0
	}
	n := int(b[1])
	switch {
	case n == 0x80:
		return int(b[0]), -1, 2
	case n < 0x80:
		return int(b[0]), n, 2
	}
	if n -= 0x80; n > 4 || len(b) < 2+n {
		return 0, 0, 0
	}
	for _, c := range b[2 : 2+n] {
		length = length<<8 | int(c)
	}
	return int(b[0]), length, 2 + n
}

// place judges the ByteRange: it begins at 0, its gap is exactly the /Contents string with its delimiters, it ends where
// a revision ends (ISO 32000-2 §12.8.1; EN 319 142-1 §5.1).
func (d *Document) place(s *Signature) {
	r, err := d.ranges(s.ByteRange)
	if err != nil {
		if s.Problem == nil {
			s.Problem = err
		}
		s.After = int64(len(d.data))
		return
	}
	s.End, s.After = int64(r[3]), int64(len(d.data)-r[3])
	problem := func(format string, a ...any) {
		if s.Problem == nil {
			s.Problem = fmt.Errorf(format, a...)
		}
	}
	if r[0] != 0 {
		problem("the ByteRange does not start at the beginning of the file")
	}
	if r[1] > r[2] {
		problem("the two parts of the ByteRange overlap")
	}
	if r[1] != s.gap[0] || r[2] != s.gap[1] {
		problem("the ByteRange leaves out bytes %d to %d, the signature's own /Contents stands at %d to %d", r[1], r[2], s.gap[0], s.gap[1])
	}
	for i := range d.revs {
		if e := &d.revs[i]; e.end >= 0 && e.end <= r[3] && r[3] <= e.quiet {
			s.signed = i
		}
	}
	if s.signed < 0 {
		problem("the signed bytes do not end where a revision of the file ends")
	} else if s.signed != s.Revision {
		problem("the signature was written in revision %d, yet it covers up to revision %d", s.Revision+1, s.signed+1)
	}
	s.CoversAll = s.Problem == nil && s.After == 0
}
