// SPDX-License-Identifier: Apache-2.0

package crl

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

const (
	parts    = 240      // how many piles the records of a large list are thrown on, by their hash: fewer than an octet tells apart
	nobodys  = 0xff     // the mark of a block of no pile
	partFrom = 2 << 20  // octets of entries from which piles pay: below, everything fits into the processor's cache
	blockMin = 4 << 10  // octets of a block, about
	blockMax = 16 << 10 // and at most
	minEntry = 20       // octets of the shortest entry there is
)

// builder gathers the entries of a list as they are read and makes the index of them.
//
// A bucket lies anywhere in hundreds of megabytes, so records are first thrown on piles that each make one stretch of the
// table, small enough to be put in order within the processor's cache. A block of a pile that is full is written behind the
// others where the table itself will be, and there the table is made of them, from its end to its beginning: memory that a
// process touches for the first time costs more than everything else here, so that there is none besides the index's own.
//
// A small list has one pile in one block, which is long enough for all of it.
type builder struct {
	keys   hashKeys
	region []byte // where the narrow table comes to lie; nil where there is one pile
	memory *memory
	piles  []pile
	block  int     // octets of a block, whole records
	owner  []uint8 // which pile each block in region is of
	wide   [len(widths)][]byte
}

// pile is the records of one stretch of the table.
type pile struct {
	open    []byte // the block that is filled now
	at      int
	records int // on full blocks
}

func (p *pile) count() int { return p.records + p.at/narrowRecord }

// newBuilder makes room for as many entries as fit into so many octets.
func newBuilder(octets int64) (*builder, error) {
	b := &builder{keys: newHashKeys()}
	most := int(octets / minEntry)
	if octets < partFrom {
		b.piles = []pile{{open: make([]byte, most*narrowRecord)}}
		return b, nil
	}
	b.block = int(min(max(octets/parts/16, blockMin), blockMax)) / narrowRecord * narrowRecord
	open := make([]byte, parts*b.block)
	b.piles = make([]pile, parts)
	for i := range b.piles {
		b.piles[i].open = open[i*b.block : (i+1)*b.block : (i+1)*b.block]
	}
	var err error
	if b.region, b.memory, err = reserve(most*narrowRecord + 4*(narrowBuckets(most, parts)+1)); err != nil {
		return nil, tooLarge("no memory for %d bytes of entries: %v", octets, err)
	}
	b.owner = make([]uint8, 0, len(b.region)/4/b.block+1)
	return b, nil
}

// narrowBuckets is how many buckets a table of n records has. No bucket may lie in two piles.
func narrowBuckets(n, piles int) int { return (n/perBucket + piles) / piles * piles }

// narrow adds an entry to the narrow table.
func (b *builder) narrow(serial narrowKey, date uint32, reason byte) {
	i := bucketOf(b.keys.narrow(serial), len(b.piles))
	p := &b.piles[i]
	if p.at == len(p.open) {
		b.put(i)
	}
	r := p.open[p.at : p.at+narrowRecord]
	p.at += narrowRecord
	binary.LittleEndian.PutUint64(r, serial.a)
	binary.LittleEndian.PutUint64(r[8:], serial.b)
	binary.LittleEndian.PutUint64(r[16:], uint64(date)<<32|uint64(serial.c))
	r[narrowRecord-1] = reason
}

// put writes the full block of a pile to the others.
func (b *builder) put(i int) {
	p := &b.piles[i]
	copy(b.region[len(b.owner)*b.block:], p.open)
	b.owner = append(b.owner, uint8(i))
	p.records += b.block / narrowRecord
	p.at = 0
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
	r := append(b.wide[i], whole[maxSerial-widths[i]:]...)
	r = binary.LittleEndian.AppendUint32(r, issuer)
	r = binary.LittleEndian.AppendUint64(r, uint64(seconds))
	b.wide[i] = append(r, reason)
}

// index puts the records in order. The builder is used up.
func (b *builder) index() *index {
	x := &index{keys: b.keys}
	n := 0
	for i := range b.piles {
		n += b.piles[i].count()
	}
	t := &x.tables[0]
	if t.records = n; n > 0 {
		t.buckets = narrowBuckets(n, len(b.piles))
	}
	size := t.size(0)
	for i := 1; i < len(widths); i++ {
		if n := len(b.wide[i]) / recordSize(i); n > 0 {
			x.tables[i].records, x.tables[i].buckets = n, n/perBucket+1
			size += x.tables[i].size(i)
		}
	}
	body, memory := b.region, b.memory
	if body == nil {
		body, memory = allocate(size)
	}
	twice := false
	if n > 0 {
		t.lay(body, 0)
		twice = b.order(t)
	}
	if narrow := t.size(0); b.region != nil && (size != narrow || memory == nil) { // what lies on the heap takes no more than it needs
		body, memory = allocate(size)
		copy(body, b.region[:narrow])
		b.memory.free()
	}
	x.memory = memory
	memory.touched(size)
	x.lay(body[:size:size])
	for i := 1; i < len(widths); i++ {
		if x.tables[i].records > 0 {
			twice = orderWide(&x.keys, &x.tables[i], i, b.wide[i]) || twice
		}
	}
	if twice {
		x.unite()
	}
	return x
}

// order makes the narrow table of the piles, several at a time, and reports whether some key stands there twice.
func (b *builder) order(t *table) (twice bool) {
	binary.LittleEndian.PutUint32(t.starts[4*t.buckets:], uint32(t.records))
	if p := b.piles[0]; len(b.piles) == 1 {
		scatter(&b.keys, t, p.open[:p.at], 0, 0, make([]uint32, t.records), make([]uint32, t.buckets))
		return repeats(t, 0, 0, t.buckets, t.records)
	}
	s := sorting{b: b, t: t, first: make([]int, len(b.piles)+1), next: len(b.piles), top: len(b.owner), turn: make([]uint32, len(b.owner))}
	for i := range b.piles {
		s.first[i+1] = s.first[i] + b.piles[i].count()
	}
	for i := range s.turn {
		s.turn[i] = uint32(i)
	}
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(b.piles)) - 1 {
		wg.Go(s.work)
	}
	s.work()
	wg.Wait()
	return s.twice.Load()
}

// sorting turns blocks of piles into a table, in place.
type sorting struct {
	b     *builder
	t     *table
	first []int // the number of each pile's first record
	twice atomic.Bool

	mu   sync.Mutex // owns what follows, and every block below top
	next int        // the piles from here on are taken
	top  int        // the blocks from here on gave way to the table
	turn []uint32   // the how manieth each block was
	free []int      // blocks that are nobody's
	mine []int
}

// work takes pile after pile from the last to the first.
func (s *sorting) work() {
	var records []byte
	var bucket, place []uint32
	for {
		s.mu.Lock()
		if s.next == 0 {
			s.mu.Unlock()
			return
		}
		s.next--
		p := s.next
		records = s.take(records[:0], p)
		s.mu.Unlock()
		low, high := s.t.buckets*p/len(s.b.piles), s.t.buckets*(p+1)/len(s.b.piles)
		if n := len(records) / narrowRecord; cap(bucket) < n {
			bucket = make([]uint32, n+n/8)
		}
		if cap(place) < high-low {
			place = make([]uint32, high-low)
		}
		scatter(&s.b.keys, s.t, records, s.first[p], low, bucket[:len(records)/narrowRecord], place[:high-low])
		if !s.twice.Load() && repeats(s.t, 0, low, high, s.first[p+1]) {
			s.twice.Store(true)
		}
	}
}

// take copies the records of a pile, in the order of the list, and clears the stretch of the table that they will make: the
// blocks there move to those that have become free below. There are enough: the piles that are left fit below, whole.
func (s *sorting) take(records []byte, p int) []byte {
	b := s.b
	s.mine = s.mine[:0]
	for at := 0; at < s.top; at++ {
		n := bytes.IndexByte(b.owner[at:s.top], uint8(p))
		if n < 0 {
			break
		}
		at += n
		s.mine = append(s.mine, at)
	}
	slices.SortFunc(s.mine, func(x, y int) int { return int(s.turn[x]) - int(s.turn[y]) })
	for _, at := range s.mine {
		records = append(records, b.region[at*b.block:(at+1)*b.block]...)
		b.owner[at] = nobodys
	}
	s.free = append(s.free, s.mine...)
	records = append(records, b.piles[p].open[:b.piles[p].at]...)
	floor := s.first[p] * narrowRecord / b.block
	for at := floor; at < s.top; at++ {
		if b.owner[at] == nobodys {
			continue
		}
		to := s.top
		for to >= floor {
			to = s.free[len(s.free)-1]
			s.free = s.free[:len(s.free)-1]
		}
		copy(b.region[to*b.block:(to+1)*b.block], b.region[at*b.block:])
		b.owner[to], s.turn[to] = b.owner[at], s.turn[at]
	}
	s.top = min(s.top, floor)
	return records
}

// scatter writes records in the order of their buckets, low and on, that of the list within each. bucket and place are room
// for as many as there are records and buckets.
func scatter(keys *hashKeys, t *table, records []byte, first, low int, bucket, place []uint32) {
	clear(place)
	run := records
	for i := range bucket {
		k := uint32(bucketOf(keys.narrow(narrowKeyAt(run)), t.buckets) - low)
		bucket[i] = k
		place[k]++
		run = run[narrowRecord:]
	}
	at := uint32(first)
	starts := t.starts[4*low:]
	for k, count := range place {
		binary.LittleEndian.PutUint32(starts[4*k:], at)
		place[k] = at
		at += count
	}
	run = records
	for _, k := range bucket {
		to := int(place[k]) * narrowRecord
		place[k]++
		into, from := t.data[to:to+narrowRecord], run[:narrowRecord] // four moves, where a copy of 25 octets is a call
		binary.LittleEndian.PutUint64(into, binary.LittleEndian.Uint64(from))
		binary.LittleEndian.PutUint64(into[8:], binary.LittleEndian.Uint64(from[8:]))
		binary.LittleEndian.PutUint64(into[16:], binary.LittleEndian.Uint64(from[16:]))
		into[narrowRecord-1] = from[narrowRecord-1]
		run = run[narrowRecord:]
	}
}

// orderWide fills a wide table, and reports whether some key stands there twice.
func orderWide(keys *hashKeys, t *table, i int, records []byte) (twice bool) {
	size, key := recordSize(i), keySize(i)
	bucket, place := make([]uint32, t.records), make([]uint32, t.buckets)
	for n := range bucket {
		bucket[n] = uint32(bucketOf(keys.wide(records[n*size:n*size+key]), t.buckets))
		place[bucket[n]]++
	}
	at := uint32(0)
	for b, count := range place {
		binary.LittleEndian.PutUint32(t.starts[4*b:], at)
		place[b] = at
		at += count
	}
	binary.LittleEndian.PutUint32(t.starts[4*t.buckets:], at)
	for n, b := range bucket {
		copy(t.data[int(place[b])*size:], records[n*size:(n+1)*size])
		place[b]++
	}
	return repeats(t, i, 0, t.buckets, t.records)
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

// unite leaves one record of each key in every table, and moves the tables together.
func (x *index) unite() {
	at := 0
	for i := range x.tables {
		t := &x.tables[i]
		if t.buckets == 0 {
			continue
		}
		t.unite(i)
		at += copy(x.body[at:], t.data)
		at += copy(x.body[at:], t.starts)
	}
	if body := x.body[:at:at]; at > len(x.body)/2 {
		x.lay(body)
	} else { // a list that said the same again and again does not keep the memory it took
		less, memory := allocate(at)
		copy(less, body)
		x.lay(less[:at:at])
		x.memory.free()
		x.memory = memory
	}
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
