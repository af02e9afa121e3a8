// SPDX-License-Identifier: Apache-2.0

package pdf

import (
	"bytes"
	"maps"
	"slices"
)

// Continue reads a file that begins with the bytes of d and goes on with one more revision, as [Open] does with d's limits, but
// without reading again what d holds already: that it begins with the same bytes is compared. Whatever is not as simple as
// that is read whole. It keeps data, as Open does; d stays as it is.
func (d *Document) Continue(data []byte) (*Document, error) {
	if n, err := d.next(data); n != nil || err != nil {
		return n, err
	}
	return Open(data, d.lim)
}

// next is nil without an error where the file has to be read whole.
func (d *Document) next(data []byte) (*Document, error) {
	if len(data) > d.lim.Bytes || !bytes.HasPrefix(data, d.data) || !d.plain() {
		return nil, nil
	}
	at, err := lastStart(data)
	if err != nil || at < len(d.data) {
		return nil, err
	}
	budget := d.lim.Inflate
	m := newMeter(len(data), d.lim)
	x := &xrefReader{data: data, lim: d.lim, objects: d.lim.Objects - d.count(), entries: 4*d.lim.Objects - d.count(), inflate: &budget, meter: m}
	s, err := x.section(at)
	last := d.revs[len(d.revs)-1].sections[0]
	if err != nil || s.prev != last.at || s.stream || s.trailer["XRefStm"] != nil || s.trailer["Encrypt"] != nil || s.at < len(d.data) {
		return nil, err
	}
	n := &Document{data: data, lim: d.lim, objects: maps.Clone(d.objects), draft: d.draft}
	n.revs = append(slices.Clone(d.revs), revision{sections: []*section{s}, trailer: s.trailer})
	if len(n.revs) > d.lim.Revisions {
		return nil, nil
	}
	n.ends()
	l := &loader{d: n, budget: &budget, meter: m, now: map[int]entry{}, packs: map[int]*pack{}, containers: map[int]bool{}}
	for _, r := range d.revs {
		maps.Copy(l.now, r.sections[0].entries)
	}
	if err := l.revision(len(d.revs)); err != nil {
		return nil, err
	}
	if err := n.settle(len(d.revs)); err != nil {
		return nil, err
	}
	return n, nil
}

// plain says whether nothing in the file could be understood in another way once bytes follow it: classic tables alone, every
// object whole.
func (d *Document) plain() bool {
	if d.crypt != nil {
		return false
	}
	for _, r := range d.revs {
		if len(r.sections) != 1 || r.sections[0].stream || r.sections[0].hybrid != 0 || r.end < 0 || r.stray != nil {
			return false
		}
	}
	for _, versions := range d.objects {
		for _, v := range versions {
			if v.broken != nil || v.end > d.revs[v.rev].end {
				return false
			}
		}
	}
	return true
}
