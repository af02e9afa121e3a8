// SPDX-License-Identifier: Apache-2.0

package pdf

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
)

// Item is one piece of validation data.
type Item struct {
	DER      []byte
	Revision int // 0-based revision that wrote it: a document time-stamp of that revision or a later one covers it. Not looked at when writing
}

// Material is validation data by kind.
type Material struct {
	Certificates []Item // X.509
	CRLs         []Item
	OCSPs        []Item // OCSPResponse, RFC 6960 §4.2.1
}

// DSS is the document security store (EN 319 142-1 §5.4.2).
type DSS struct {
	Material                     // all of it, each piece once
	VRI      map[string]Material // what belongs to one signature, by [Signature.VRIKey]
	Skipped  int                 // entries that are no readable streams, or beyond the limits
}

// VRIKey is the name under which a store keeps what belongs to one signature: the upper-case SHA-1 of /Contents, with its
// padding (EN 319 142-1 §5.4.2.2).
func (s Signature) VRIKey() string { return vriKey(s.padded) }

func vriKey(b []byte) string {
	sum := sha1.Sum(b)
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// For is what the store keeps for one signature; false where it names nothing. Some programs leave the padding of /Contents
// out of the name: such entries are found as well.
func (d *DSS) For(s Signature) (Material, bool) {
	if d == nil {
		return Material{}, false
	}
	if m, ok := d.VRI[s.VRIKey()]; ok {
		return m, true
	}
	m, ok := d.VRI[vriKey(s.Contents)]
	return m, ok
}

const (
	maxItems  = 10_000  // pieces of validation data in one document
	maxVisits = 500_000 // entries of all stores of all revisions
)

// DSS reads the security stores of all revisions as one: what a later store leaves out was there all the same. It is nil
// where the document has none. What cannot be read is counted and skipped; the work is bounded by the document's limits.
func (d *Document) DSS() *DSS {
	r := &storeReader{budget: d.lim.Inflate, visits: maxVisits, items: map[itemKey]*Item{}, same: map[[32]byte]*Item{}, shelves: map[string]*shelf{}}
	var was object
	for i := range d.revs {
		r.view = view{d, i}
		cat, _ := r.catalog()
		now := cat["DSS"]
		if now != nil && (!same(was, now) || slices.ContainsFunc(d.revs[i].touched, func(n int) bool { return r.inside[n] })) {
			r.store(now)
		}
		was = now
	}
	if len(r.shelves) == 0 {
		return nil
	}
	out := &DSS{Material: r.shelves[""].Material, VRI: map[string]Material{}, Skipped: r.skipped}
	for k, s := range r.shelves {
		if k != "" {
			out.VRI[k] = s.Material
		}
	}
	return out
}

type itemKey struct{ num, rev int }

// shelf is material being collected.
type shelf struct {
	Material
	have [3]map[*Item]bool
}

type storeReader struct {
	view
	budget, visits, skipped int
	items                   map[itemKey]*Item
	same                    map[[32]byte]*Item // by digest of the DER
	shelves                 map[string]*shelf  // "" is the whole store's
	inside                  map[int]bool       // dictionaries and arrays of the store as last read
}

func (r *storeReader) note(o object) object {
	if ref, ok := o.(ref); ok {
		r.inside[ref.num] = true
	}
	return r.get(o)
}

func (r *storeReader) store(o object) {
	r.inside = map[int]bool{}
	store, _ := r.note(o).(dict)
	r.collect("", store["Certs"], store["CRLs"], store["OCSPs"])
	all, _ := r.note(store["VRI"]).(dict)
	for _, key := range slices.Sorted(maps.Keys(all)) {
		one, ok := r.note(all[key]).(dict)
		if r.visits--; !ok || r.visits < 0 || key == "" {
			continue
		}
		r.collect(strings.ToUpper(string(key)), one["Cert"], one["CRL"], one["OCSP"])
		// What only a signature's own list names belongs to the store as well.
		r.collect("", one["Cert"], one["CRL"], one["OCSP"])
	}
}

func (r *storeReader) collect(name string, certs, crls, ocsps object) {
	s := r.shelves[name]
	if s == nil {
		s = &shelf{have: [3]map[*Item]bool{{}, {}, {}}}
		r.shelves[name] = s
	}
	for kind, o := range []object{certs, crls, ocsps} {
		list, _ := r.note(o).(array)
		for _, e := range list {
			i := r.item(e)
			if i == nil {
				r.skipped++
				continue
			}
			if s.have[kind][i] {
				continue
			}
			s.have[kind][i] = true
			to := []*[]Item{&s.Certificates, &s.CRLs, &s.OCSPs}[kind]
			*to = append(*to, *i)
		}
	}
}

// item reads one stream; nil where it is none.
func (r *storeReader) item(o object) *Item {
	id, isRef := o.(ref)
	if r.visits--; !isRef || r.visits < 0 {
		return nil
	}
	ver, _ := r.version(id.num)
	key := itemKey{id.num, ver.rev}
	if i, ok := r.items[key]; ok || len(r.items) >= maxItems {
		return i
	}
	r.items[key] = nil
	s, ok := ver.value.(*stream)
	if !ok {
		return nil
	}
	data, err := decode(s, &r.budget)
	if err != nil || len(data) == 0 {
		return nil
	}
	sum := sha256.Sum256(data)
	i := r.same[sum]
	if i == nil {
		i = &Item{data, ver.rev}
		r.same[sum] = i
	}
	r.items[key] = i
	return i
}
