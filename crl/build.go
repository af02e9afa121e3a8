// SPDX-License-Identifier: Apache-2.0

package crl

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"sync"
	"sync/atomic"
)

const (
	parts    = 256       // how many heaps the records of a large list are thrown on, by the first octet of their hash
	partFrom = 2 << 20   // octets of entries from which that pays: below, everything fits into the processor's cache
	heapStep = 128 << 10 // octets by which a heap grows, at most
	heapMin  = 4 << 10
)

// builder gathers the entries of a list as they are read and makes the index of them.
//
// A bucket lies anywhere in hundreds of megabytes, so records are first thrown on heaps that each make one stretch of the
// table, small enough to be put in order within the processor's cache.
type builder struct {
	keys   hashKeys
	tables [len(widths)]staged
}

// staged are the records of one table, in the order of the list within each heap.
type staged struct {
	records int
	heaps   []heap // one, or parts of them
}

type heap struct {
	open    []byte   // grows by append up to its capacity
	full    [][]byte // whole records each
	records int
}

// newBuilder expects about so many octets of entries.
func newBuilder(octets int64) *builder {
	b := &builder{keys: newHashKeys()}
	for t := range b.tables {
		n := 1
		if t == 0 && octets >= partFrom {
			n = parts
		}
		b.tables[t].heaps = make([]heap, n)
	}
	return b
}

// room gives the place for one more record of that size on the heap.
func (h *heap) room(size int) []byte {
	at := len(h.open)
	if at+size > cap(h.open) {
		h.grow(size)
		at = 0
	}
	h.open = h.open[:at+size]
	h.records++
	return h.open[at:]
}

func (h *heap) grow(size int) {
	next := max(heapMin, min(2*cap(h.open), heapStep))
	if h.open != nil {
		h.full = append(h.full, h.open)
	}
	h.open = make([]byte, 0, max(next/size, 1)*size)
}

// narrow adds an entry to the narrow table.
func (b *builder) narrow(serial narrowKey, date uint32, reason byte) {
	t := &b.tables[0]
	at := 0
	if len(t.heaps) > 1 {
		at = int(b.keys.narrow(serial) >> 24)
	}
	r := t.heaps[at].room(narrowRecord)
	_ = r[narrowRecord-1]
	binary.LittleEndian.PutUint64(r, serial.a)
	binary.LittleEndian.PutUint64(r[8:], serial.b)
	binary.LittleEndian.PutUint32(r[16:], serial.c)
	binary.LittleEndian.PutUint32(r[narrowSerial:], date)
	r[narrowRecord-1] = reason
	t.records++
}

// add takes an entry of any form: contents of the serial's INTEGER, seconds since 1970.
func (b *builder) add(serial []byte, issuer uint32, seconds int64, reason byte) {
	var whole [maxSerial]byte
	if len(serial) > 0 && serial[0] >= 0x80 {
		for i := range whole {
			whole[i] = 0xff
		}
	}
	copy(whole[maxSerial-len(serial):], serial)
	if date := seconds - narrowEpoch; issuer == 0 && len(serial) <= narrowSerial && date >= 0 && date < 1<<32 {
		b.narrow(narrowKeyAt(whole[maxSerial-narrowSerial:]), uint32(date), reason)
		return
	}
	i := wideTable(len(serial))
	t, width := &b.tables[i], widths[i]
	r := t.heaps[0].room(recordSize(i))
	copy(r, whole[maxSerial-width:])
	binary.LittleEndian.PutUint32(r[width:], issuer)
	binary.LittleEndian.PutUint64(r[width+4:], uint64(seconds))
	r[width+12] = reason
	t.records++
}

// index puts the records in order. The builder is used up.
func (b *builder) index() *index {
	x := &index{keys: b.keys}
	size := 0
	for i := range b.tables {
		n := b.tables[i].records
		if n == 0 {
			continue
		}
		buckets := n/perBucket + 1
		if heaps := len(b.tables[i].heaps); heaps > 1 {
			buckets = (buckets + heaps - 1) / heaps * heaps // no bucket may lie in two heaps
		}
		x.tables[i].buckets, x.tables[i].records = buckets, n
		size += 4*(buckets+1) + n*recordSize(i)
	}
	body, memory := allocate(size)
	x.memory = memory
	x.lay(body)
	twice := false
	for i := range b.tables {
		if b.tables[i].order(&x.keys, &x.tables[i], i) {
			twice = true
			x.tables[i].unite(i)
		}
	}
	if twice {
		x.compact()
	}
	return x
}

// order fills a table from its heaps, several at a time, and reports whether some key stands there twice.
func (s *staged) order(keys *hashKeys, t *table, i int) (twice bool) {
	if s.records == 0 {
		return false
	}
	first := make([]int, len(s.heaps)+1) // the number of each heap's first record
	for h := range s.heaps {
		first[h+1] = first[h] + s.heaps[h].records
	}
	var next atomic.Int32
	var found atomic.Bool
	work := func() {
		var w worker
		for {
			h := int(next.Add(1)) - 1
			if h >= len(s.heaps) {
				return
			}
			low, high := t.buckets*h/len(s.heaps), t.buckets*(h+1)/len(s.heaps)
			w.order(keys, &s.heaps[h], t, i, first[h], low, high)
			if !found.Load() && repeats(t, i, low, high, first[h+1]) {
				found.Store(true)
			}
			s.heaps[h] = heap{} // the collector may have it while the table grows
		}
	}
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(s.heaps)) - 1 {
		wg.Go(work)
	}
	binary.LittleEndian.PutUint32(t.starts[4*t.buckets:], uint32(s.records))
	work()
	wg.Wait()
	return found.Load()
}

// worker puts heaps in order; it keeps its scratch space from one to the next.
type worker struct{ bucket, place []uint32 }

// order writes the records of one heap, in the order of their buckets, the order of the list within each.
func (w *worker) order(keys *hashKeys, h *heap, t *table, i, first, low, high int) {
	if cap(w.bucket) < h.records {
		w.bucket = make([]uint32, h.records+h.records/8)
	}
	if cap(w.place) < high-low {
		w.place = make([]uint32, high-low)
	}
	bucket, place := w.bucket[:h.records], w.place[:high-low]
	clear(place)
	size, key := recordSize(i), keySize(i)
	if len(h.open) > 0 {
		h.full = append(h.full, h.open)
	}
	n := 0
	for _, run := range h.full {
		for ; len(run) >= size; run = run[size:] {
			var hash uint32
			if i == 0 {
				hash = keys.narrow(narrowKeyAt(run))
			} else {
				hash = keys.wide(run[:key])
			}
			b := uint32(bucketOf(hash, t.buckets) - low)
			bucket[n] = b
			place[b]++
			n++
		}
	}
	at := uint32(first)
	for b, count := range place {
		binary.LittleEndian.PutUint32(t.starts[4*(low+b):], at)
		place[b] = at
		at += count
	}
	n = 0
	for _, run := range h.full {
		for ; len(run) >= size; run = run[size:] {
			b := bucket[n]
			to := int(place[b]) * size
			place[b]++
			n++
			if i == 0 {
				*(*[narrowRecord]byte)(t.data[to:]) = *(*[narrowRecord]byte)(run)
			} else {
				copy(t.data[to:to+size], run)
			}
		}
	}
}

// repeats reports whether some key stands twice in these buckets, the last of which ends before the record end. It stops at
// the first that it meets: keys that differ are few in any bucket, whatever the list, so that is soon.
func repeats(t *table, i, low, high, end int) bool {
	size, key := recordSize(i), keySize(i)
	for b := low; b < high; b++ {
		first, last := t.start(b), end
		if b+1 < high {
			last = t.start(b + 1)
		}
		for at := first + 1; at < last; at++ {
			k := t.data[at*size : at*size+key]
			head := binary.LittleEndian.Uint64(k[narrowSerial-8:]) // the last octets differ where the first may not
			for before := first; before < at; before++ {
				if binary.LittleEndian.Uint64(t.data[before*size+narrowSerial-8:]) == head && bytes.Equal(k, t.data[before*size:before*size+key]) {
					return true
				}
			}
		}
	}
	return false
}

// unite leaves one record of each key: the first of the list, or, where that is a removal which a second entry
// contradicts, the second.
func (t *table) unite(i int) {
	size, key := recordSize(i), keySize(i)
	at, kept := 0, 0
	for b := range t.buckets {
		end, first := t.start(b+1), kept
		binary.LittleEndian.PutUint32(t.starts[4*b:], uint32(kept))
		for ; at < end; at++ {
			r := t.data[at*size : (at+1)*size]
			twin := -1
			for k := first; k < kept; k++ {
				if bytes.Equal(t.data[k*size:k*size+key], r[:key]) {
					twin = k
					break
				}
			}
			switch {
			case twin < 0:
				copy(t.data[kept*size:], r)
				kept++
			case t.data[(twin+1)*size-1] == reasonRemoveFromCRL:
				copy(t.data[twin*size:], r)
			}
		}
	}
	binary.LittleEndian.PutUint32(t.starts[4*t.buckets:], uint32(kept))
	t.records, t.data = kept, t.data[:kept*size]
}

// compact moves the tables together after records were dropped.
func (x *index) compact() {
	size := 0
	for i := range x.tables {
		size += len(x.tables[i].starts) + len(x.tables[i].data)
	}
	body, memory := allocate(size)
	at := 0
	for i := range x.tables {
		at += copy(body[at:], x.tables[i].starts)
		at += copy(body[at:], x.tables[i].data)
	}
	runtime.KeepAlive(x.memory)
	x.memory = memory
	x.lay(body)
}
