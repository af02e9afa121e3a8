// SPDX-License-Identifier: Apache-2.0

package pdf

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"maps"
	"slices"
)

// writable opens a document for a further revision. Whoever signs it signs all bytes, so all must belong to it.
func writable(data []byte) (*Document, error) {
	d, err := Open(data, Limits{})
	if err != nil {
		return nil, err
	}
	return d, d.writable()
}

func (d *Document) writable() error {
	if d.crypt != nil {
		return notOpened("encrypted files are not written to")
	}
	last := d.revs[len(d.revs)-1]
	if last.end < 0 || len(bytes.Trim(d.data[last.end:], " \t\r\n\x00")) > 0 {
		return bad("bytes behind the end of the document would be signed unseen")
	}
	return nil
}

// AppendDSS appends an incremental revision whose document security store (EN 319 142-1 §5.4.2) holds what was there and
// what add has, each piece written once. What add.VRI names goes into the store as a whole as well. Where all of it is there
// already data is returned as it is. A certification of any kind allows it (ISO 32000-2 Table 257). Errors are those of
// [Open]; an encrypted file is [ErrEncrypted].
func AppendDSS(data []byte, add *DSS) ([]byte, error) {
	d, err := writable(data)
	if err != nil {
		return nil, err
	}
	w := &storeWriter{view: d.last(), update: d.update(64 << 10), refs: map[[32]byte]ref{}, budget: d.lim.Inflate}
	cat, _ := w.catalog()
	root, _ := w.trailer()["Root"].(ref)
	store := maps.Clone(w.dict(cat["DSS"]))
	if store == nil {
		store = dict{"Type": name("DSS")}
	}
	w.learn(store, "Certs", "CRLs", "OCSPs")
	vri := maps.Clone(w.dict(store["VRI"]))
	if vri == nil {
		vri = dict{}
	}
	for _, o := range vri {
		w.learn(w.dict(o), "Cert", "CRL", "OCSP")
	}
	w.merge(store, "Certs", add.Certificates)
	w.merge(store, "CRLs", add.CRLs)
	w.merge(store, "OCSPs", add.OCSPs)
	for _, k := range slices.Sorted(maps.Keys(add.VRI)) {
		m := add.VRI[k]
		w.merge(store, "Certs", m.Certificates)
		w.merge(store, "CRLs", m.CRLs)
		w.merge(store, "OCSPs", m.OCSPs)
		one := maps.Clone(w.dict(vri[name(k)]))
		if one == nil {
			one = dict{}
			w.changed = true
		}
		w.merge(one, "Cert", m.Certificates)
		w.merge(one, "CRL", m.CRLs)
		w.merge(one, "OCSP", m.OCSPs)
		vri[name(k)] = one
	}
	if !w.changed {
		return data, nil
	}
	if len(vri) > 0 {
		store["VRI"] = vri
	}
	if r, ok := cat["DSS"].(ref); ok {
		w.put(d.gen(r), store)
	} else {
		id := w.fresh()
		w.put(id, store)
		c := maps.Clone(cat)
		c["DSS"] = id
		w.put(d.gen(root), c)
	}
	w.finish()
	if w.out.Len() > maxFile {
		return nil, bad("the file would have more than 1 GiB")
	}
	return w.out.Bytes(), nil
}

type storeWriter struct {
	view
	*update
	refs    map[[32]byte]ref // by digest of the DER
	budget  int
	changed bool
}

// learn finds what is there already. What cannot be read stays where it is.
func (w *storeWriter) learn(from dict, keys ...name) {
	for _, k := range keys {
		for _, o := range w.array(from[k]) {
			r, ok := o.(ref)
			s, isStream := w.get(o).(*stream)
			if !ok || !isStream {
				continue
			}
			if der, err := decode(s, &w.budget); err == nil {
				if sum := sha256.Sum256(der); w.refs[sum] == (ref{}) {
					w.refs[sum] = r
				}
			}
		}
	}
}

// merge appends to the list under key what it does not name yet.
func (w *storeWriter) merge(to dict, key name, items []Item) {
	list := slices.Clone(w.array(to[key]))
	was := len(list)
	for _, i := range items {
		sum := sha256.Sum256(i.DER)
		id, ok := w.refs[sum]
		if !ok {
			id = w.fresh()
			w.put(id, compressed(i.DER))
			w.refs[sum] = id
		}
		if !slices.Contains(list, object(id)) {
			list = append(list, id)
		}
	}
	if len(list) > was {
		to[key] = list
		w.changed = true
	}
}

// compressed is a stream with data, as small as it gets.
func compressed(data []byte) *stream {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, err1 := z.Write(data)
	if err2 := z.Close(); err1 == nil && err2 == nil && b.Len() < len(data) {
		return &stream{dict{"Filter": name("FlateDecode"), "Length": int64(b.Len())}, b.Bytes()}
	}
	return &stream{dict{"Length": int64(len(data))}, data}
}
