// SPDX-License-Identifier: Apache-2.0

package pdf

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

var (
	// ErrTooLarge: the signature does not fit into the space that was reserved for it.
	ErrTooLarge = errors.New("the signature does not fit into the reserved space")
	// ErrField: the field cannot take the signature; wrapped with why.
	ErrField = errors.New("the signature field cannot be used")
)

// PrepareOptions for a new signature revision.
type PrepareOptions struct {
	Field                               string // Optional. If empty, "Signature1" and counting.
	SubFilter                           string // Optional. If empty, ETSI.CAdES.detached.
	Name, Reason, Location, ContactInfo string
	M                                   time.Time // Optional. Claimed time of signing (EN 319 142-1 §5.4.1); if zero, no /M.
	Size                                int       // bytes reserved for the CMS; if zero 16384
	Certify                             int       // Optional. DocMDP's P (ISO 32000-1 §12.8.2.2): 1 no changes, 2 forms, 3 forms and annotations; only for the first signature
	// Rect of the visible widget on page Page (1-based; if zero, 1) in points: left, bottom, right, top. All zero = invisible.
	Page int
	Rect [4]float64
	// Appearance content stream and its resources are drawn by the page itself; the widget is transparent.
}

// maxSignature bounds the reserved space.
const maxSignature = 4 << 20

// maxFile keeps offsets within ten digits and four octets.
const maxFile = 1 << 30

// zeros fill the place of a signature, as often as needed.
var zeros = strings.Repeat("0", 1024)

// widthByteRange is the width of "[0 n n n]" with numbers of ten digits.
const widthByteRange = 36

// Prepared is a document with an empty signature in its last revision. It is immutable, but for [Prepared.Seal], and safe for concurrent use.
type Prepared struct {
	data     []byte
	from, to int // the gap: /Contents with its delimiters
}

// Prepare appends an incremental revision with a signature dictionary whose /Contents is a placeholder. The bytes of data
// stay as they are. An empty signature field of the given name is filled, else a new field is made.
// Errors are those of [Open] and [ErrField].
func Prepare(data []byte, o PrepareOptions) (*Prepared, error) {
	d, err := Open(data, Limits{})
	if err != nil {
		return nil, err
	}
	return d.Prepare(o)
}

// Prepare is [Prepare] of a document that is open already. Errors are [ErrFormat], [ErrEncrypted] and [ErrField].
func (d *Document) Prepare(o PrepareOptions) (*Prepared, error) {
	if o.SubFilter == "" {
		o.SubFilter = "ETSI.CAdES.detached"
	}
	if o.Size == 0 {
		o.Size = 16384
	}
	if o.Size < 0 || o.Size > maxSignature {
		return nil, fmt.Errorf("%w: %d bytes cannot be reserved for a signature", ErrField, o.Size)
	}
	if err := d.writable(); err != nil {
		return nil, err
	}
	// What proves the signatures that are there is no change (ISO 32000-2 Table 257).
	if o.SubFilter != rfc3161 && d.sealed() {
		return nil, fmt.Errorf("%w: the document is certified against every further change (DocMDP, P 1)", ErrField)
	}
	if o.Certify < 0 || o.Certify > 3 {
		return nil, fmt.Errorf("%w: a certification allows 1, 2 or 3, not %d", ErrField, o.Certify)
	}
	if o.Certify > 0 && (len(d.sigs) > 0 || o.SubFilter == rfc3161) {
		return nil, fmt.Errorf("%w: only the first signature of a person certifies a document", ErrField)
	}
	f, err := d.target(&o)
	if err != nil {
		return nil, err
	}
	u := d.update(2*o.Size + 4<<10)
	sig := u.fresh()
	if err := f.place(u, sig, o); err != nil {
		return nil, err
	}
	return u.signature(sig, o)
}

// signature writes the dictionary with its places of fixed width first, so that no text in it can be taken for them,
// ends the revision and fills the ByteRange in.
func (u *update) signature(id ref, o PrepareOptions) (*Prepared, error) {
	u.written[id.num], u.offsets[id.num] = id, u.out.Len()
	fmt.Fprintf(&u.out, "%d 0 obj\n<</ByteRange ", id.num)
	at := u.out.Len()
	fmt.Fprintf(&u.out, "%*s /Contents ", widthByteRange, "")
	from := u.out.Len()
	u.out.WriteByte('<')
	for left := 2 * o.Size; left > 0; left -= len(zeros) {
		u.out.WriteString(zeros[:min(left, len(zeros))])
	}
	u.out.WriteByte('>')
	to := u.out.Len()
	var rest bytes.Buffer
	write(&rest, signatureDict(o))
	u.out.WriteString(" ")
	u.out.Write(rest.Bytes()[len("<<"):])
	u.out.WriteString("\nendobj\n")
	u.finish()
	data := u.out.Bytes()
	if len(data) > maxFile {
		return nil, bad("the file would have more than 1 GiB")
	}
	copy(data[at:], fmt.Sprintf("[0 %-10d %-10d %-10d]", from, to, len(data)-to))
	return &Prepared{data: data, from: from, to: to}, nil
}

// sealed says whether a certification forbids every change (ISO 32000-1 §12.8.2.2).
func (d *Document) sealed() bool {
	v := d.last()
	cat, _ := v.catalog()
	cert := v.dict(v.dict(cat["Perms"])["DocMDP"])
	return cert != nil && v.permission(cert) == 1
}

// signatureDict is the signature dictionary but for /ByteRange and /Contents.
func signatureDict(o PrepareOptions) dict {
	s := dict{
		"Type":      name("Sig"),
		"Filter":    name("Adobe.PPKLite"),
		"SubFilter": name(o.SubFilter),
	}
	if o.SubFilter == rfc3161 {
		s["Type"] = name("DocTimeStamp") // ISO 32000-2 §12.8.5
	}
	for k, v := range map[name]string{"Name": o.Name, "Reason": o.Reason, "Location": o.Location, "ContactInfo": o.ContactInfo} {
		if v != "" {
			s[k] = text{value: textBytes(v)}
		}
	}
	if o.Certify > 0 {
		s["Reference"] = array{dict{
			"Type": name("SigRef"), "TransformMethod": name("DocMDP"),
			"TransformParams": dict{"Type": name("TransformParams"), "P": int64(o.Certify), "V": name("1.2")},
		}}
	}
	if !o.M.IsZero() {
		s["M"] = text{value: []byte(o.M.UTC().Format("D:20060102150405") + "Z")}
	}
	return s
}

// target is the place of the new signature.
type target struct {
	d     *Document
	field ref  // an empty field that is there already, else zero
	page  ref  // of a new widget
	old   dict // the field that is there
	seal  *ref // the signature that certifies; nil where none does
}

// target finds the field of o.Field where it is there and empty, and names a new one otherwise.
func (d *Document) target(o *PrepareOptions) (*target, error) {
	v := d.last()
	names := map[string]bool{}
	visits := d.lim.Objects
	t := &target{d: d}
	var taken bool
	err := v.fields(&visits, func(f field) {
		names[f.name] = true
		if o.Field == "" || f.name != o.Field {
			return
		}
		if f.value != nil || f.num == 0 {
			taken = true
			return
		}
		t.old, t.field = v.dict(ref{num: f.num}), ref{num: f.num}
	})
	if err != nil {
		return nil, err
	}
	if taken {
		return nil, fmt.Errorf("%w: %q is already signed", ErrField, o.Field)
	}
	cat, _ := v.catalog()
	for _, f := range v.array(v.dict(cat["AcroForm"])["Fields"]) {
		if n, ok := v.get(v.dict(f)["T"]).(text); ok {
			names[textString(n.value)] = true
		}
	}
	if o.Field == "" {
		for i := 1; o.Field == ""; i++ {
			if n := fmt.Sprintf("Signature%d", i); !names[n] {
				o.Field = n
			}
		}
	} else if t.old == nil && names[o.Field] {
		return nil, fmt.Errorf("%w: another field is called %q", ErrField, o.Field)
	}
	if strings.Contains(o.Field, ".") && t.old == nil {
		return nil, fmt.Errorf("%w: a name with a full stop names a field below another (ISO 32000-1 §12.7.3.2)", ErrField)
	}
	pages, err := v.pageList()
	if err != nil {
		return nil, err
	}
	if o.Page == 0 {
		o.Page = 1
	}
	if o.Page < 1 || o.Page > len(pages) {
		return nil, fmt.Errorf("%w: the document has %d pages, there is no page %d", ErrField, len(pages), o.Page)
	}
	t.page = pages[o.Page-1]
	return t, nil
}

// gen gives an object its generation as the file has it.
func (d *Document) gen(r ref) ref {
	ver, _ := d.last().version(r.num)
	return ref{r.num, ver.gen}
}

// place writes field, widget, page and form, each only where it changes.
func (t *target) place(u *update, sig ref, o PrepareOptions) error {
	v := t.d.last()
	if o.Certify > 0 {
		t.seal = &sig
	}
	if t.old != nil {
		f := maps.Clone(t.old)
		f["V"] = sig
		u.put(t.d.gen(t.field), f)
		return t.form(u, nil)
	}
	empty := &stream{dict{
		"Type": name("XObject"), "Subtype": name("Form"), "Length": int64(0), "Resources": dict{},
		"BBox": array{int64(0), int64(0), o.Rect[2] - o.Rect[0], o.Rect[3] - o.Rect[1]},
	}, nil}
	look, id := u.fresh(), u.fresh()
	u.put(look, empty)
	widget := dict{
		"Type": name("Annot"), "Subtype": name("Widget"), "FT": name("Sig"),
		"T": text{value: textBytes(o.Field)}, "V": sig, "P": t.page,
		"F":    int64(4 | 128), // print, locked (§12.5.3)
		"Rect": array{o.Rect[0], o.Rect[1], o.Rect[2], o.Rect[3]},
		"AP":   dict{"N": look},
	}
	u.put(id, widget)
	page := v.dict(t.page)
	switch annots := page["Annots"].(type) {
	case ref:
		list, ok := v.get(annots).(array)
		if !ok && v.get(annots) != nil {
			return bad("/Annots of page %d is no array", o.Page)
		}
		u.put(t.d.gen(annots), append(slices.Clone(list), id))
	default:
		list, _ := annots.(array)
		p := maps.Clone(page)
		p["Annots"] = append(slices.Clone(list), id)
		u.put(t.d.gen(t.page), p)
	}
	return t.form(u, &id)
}

// form merges the field into the AcroForm that is there: SigFlags 3 says signatures exist and the file is only to be
// appended to (§12.7.2).
func (t *target) form(u *update, field *ref) error {
	v := t.d.last()
	cat, _ := v.catalog()
	root, _ := v.trailer()["Root"].(ref)
	old := v.dict(cat["AcroForm"])
	form := maps.Clone(old)
	if form == nil {
		form = dict{}
	}
	flags, _ := v.get(form["SigFlags"]).(int64)
	form["SigFlags"] = flags | 3
	if field != nil {
		switch list := form["Fields"].(type) {
		case ref:
			a, ok := v.get(list).(array)
			if !ok && v.get(list) != nil {
				return bad("/Fields of the form is no array")
			}
			u.put(t.d.gen(list), append(slices.Clone(a), *field))
		default:
			a, _ := list.(array)
			form["Fields"] = append(slices.Clone(a), *field)
		}
	}
	c := maps.Clone(cat)
	if t.seal != nil {
		perms := maps.Clone(v.dict(cat["Perms"]))
		if perms == nil {
			perms = dict{}
		}
		perms["DocMDP"] = *t.seal
		c["Perms"] = perms
	}
	if len(differing(old, form)) > 0 {
		if r, ok := cat["AcroForm"].(ref); ok && old != nil {
			u.put(t.d.gen(r), form)
		} else {
			c["AcroForm"] = form
		}
	}
	if len(differing(cat, c)) > 0 {
		u.put(t.d.gen(root), c)
	}
	return nil
}

// Signed yields the bytes to be signed.
func (p *Prepared) Signed() io.Reader {
	return &halves{p.data[:p.from], p.data[p.to:]}
}

// Embed puts the CMS in and returns the whole file. [ErrTooLarge] when it does not fit. p may be embedded into again.
func (p *Prepared) Embed(cms []byte) ([]byte, error) {
	if err := p.fits(cms); err != nil {
		return nil, err
	}
	out := bytes.Clone(p.data)
	hex.Encode(out[p.from+1:], cms)
	return out, nil
}

func (p *Prepared) fits(cms []byte) error {
	if room := (p.to - p.from - 2) / 2; len(cms) > room {
		return fmt.Errorf("%w: it has %d bytes, %d were reserved", ErrTooLarge, len(cms), room)
	}
	return nil
}

// Seal is [Prepared.Embed] for the last time: p is the file then, not a copy of it, and must not be used again. It is not safe for
// concurrent use. Where it fails p stays as it is.
func (p *Prepared) Seal(cms []byte) ([]byte, error) {
	if err := p.fits(cms); err != nil {
		return nil, err
	}
	hex.Encode(p.data[p.from+1:], cms)
	return p.data, nil
}

// Bytes is the whole file with the empty place, to be kept until [Resume]. It shares memory with p.
func (p *Prepared) Bytes() []byte { return p.data }

// Resume takes up a file that [Prepare] made, from its bytes alone. [ErrField] where its last signature's place is not empty, or
// does not cover the whole file.
func Resume(data []byte) (*Prepared, error) {
	i := bytes.LastIndex(data, []byte("/ByteRange [0 "))
	var from, to, rest int
	if i >= 0 {
		text := data[i+len("/ByteRange "):]
		if _, err := fmt.Sscanf(string(text[:min(len(text), widthByteRange)]), "[0 %d %d %d ]", &from, &to, &rest); err != nil {
			i = -1
		}
	}
	if i < 0 || from < i || to < from+2 || to > len(data) || to+rest != len(data) || data[from] != '<' || data[to-1] != '>' ||
		len(bytes.Trim(data[from+1:to-1], "0")) > 0 {
		return nil, fmt.Errorf("%w: the file holds no empty place for a signature over all of it", ErrField)
	}
	return &Prepared{data: data, from: from, to: to}, nil
}
