// SPDX-License-Identifier: Apache-2.0

package crl

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"math/big"
	"runtime"
	"time"

	"rastau/internal/pki"
)

// The index is exact: it holds every serial whole, with its date and reason, and nothing else of the list. It is one run of
// bytes, the same in memory, in a mapped file and on the way through Redis, so that loading it is no work.
//
// A table is two arrays: for each bucket the number of its first record, then the records, bucket by bucket. With three
// records to a bucket that is 4/3 octets an entry above the record of 25 (serial 20, date 4, reason 1). A lookup reads one
// place of the first array and one of the second.
//
// Serials of more than 20 octets, dates outside 1950–2086 and entries of another certificate issuer (RFC 5280 §5.3.3) go to
// tables with wider records. A serial that comes twice takes one record.
//
// Buckets are chosen by a strongly universal hash (Dietzfelbinger 1996; Thorup, "High Speed Hashing for Integers and
// Strings") with keys drawn for each index: whoever wrote the list did not know them, so that whatever the serials are, two
// of them meet with a chance of one in the number of buckets.

// Entry is one revoked certificate.
type Entry struct {
	Serial *big.Int // of Lookup the caller's own
	Date   time.Time
	Reason int      // RFC 5280 §5.3.1 CRLReason; -1 where absent
	Issuer pki.Name // certificateIssuer for indirect lists, else the list's issuer
}

// Reasons of RFC 5280 §5.3.1 that Judge treats apart.
const (
	reasonAbsent        = -1
	reasonHold          = 6
	reasonRemoveFromCRL = 8
)

const (
	// maxSerial bounds a serial number in octets; RFC 5280 §4.1.2.2 allows 20 and asks to be ready for more.
	maxSerial = 128
	// maxRuns bounds how often an indirect list may change the certificate issuer: each costs a name to read and keep.
	maxRuns = 1 << 16

	narrowSerial = 20
	narrowRecord = narrowSerial + 4 + 1
	noReason     = 0xff
	perBucket    = 3
)

// widths are the octets of a serial in each table; the first is the narrow one.
var widths = [4]int{narrowSerial, 20, 40, maxSerial}

// recordSize is the length of a record: narrow ones are serial, date (4), reason (1); wide ones serial, issuer (4),
// date (8), reason (1).
func recordSize(t int) int {
	if t == 0 {
		return narrowRecord
	}
	return widths[t] + 4 + 8 + 1
}

// keySize is how much of a record tells entries apart.
func keySize(t int) int {
	if t == 0 {
		return narrowSerial
	}
	return widths[t] + 4
}

// wideTable is the wide table for serials of so many octets.
func wideTable(octets int) int {
	for t := 1; t < len(widths); t++ {
		if octets <= widths[t] {
			return t
		}
	}
	return -1
}

// hashKeys are the secret numbers of the hash: one and then one for each four octets of the longest key.
type hashKeys [1 + (maxSerial+4)/4]uint64

func newHashKeys() (k hashKeys) {
	var b [8 * len(k)]byte
	_, _ = rand.Read(b[:]) // never fails
	for i := range k {
		k[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return k
}

// narrowKey is a serial number of 20 octets, as the processor likes it.
type narrowKey struct {
	a, b uint64
	c    uint32
}

// narrowKeyAt takes the key from the head of b.
func narrowKeyAt(b []byte) narrowKey {
	_ = b[narrowSerial-1]
	return narrowKey{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint32(b[16:])}
}

// narrow is the hash of a narrow key.
func (k *hashKeys) narrow(n narrowKey) uint32 {
	h := k[0] + k[1]*uint64(uint32(n.a)) + k[2]*(n.a>>32) + k[3]*uint64(uint32(n.b)) + k[4]*(n.b>>32) + k[5]*uint64(n.c)
	return uint32(h >> 32)
}

// wide is the hash of a key of any length that is a multiple of four.
func (k *hashKeys) wide(key []byte) uint32 {
	h := k[0]
	for i := 1; len(key) >= 4; i++ {
		h += k[i] * uint64(binary.LittleEndian.Uint32(key))
		key = key[4:]
	}
	return uint32(h >> 32)
}

// bucketOf spreads a hash evenly over n buckets, keeping the order of hashes.
func bucketOf(h uint32, n int) int { return int(uint64(h) * uint64(n) >> 32) }

// table is one part of the index.
type table struct {
	buckets, records int
	starts           []byte // 4 octets for each bucket and one more
	data             []byte // records
}

func (t *table) start(bucket int) int { return int(binary.LittleEndian.Uint32(t.starts[4*bucket:])) }

// index finds entries. Immutable.
type index struct {
	keys   hashKeys
	tables [len(widths)]table
	body   []byte
	memory *memory // what body lies in, nil for the heap
}

// lay cuts the tables out of body by their numbers, and reports whether they fill it exactly.
func (x *index) lay(body []byte) bool {
	x.body = body
	for i := range x.tables {
		t := &x.tables[i]
		if t.buckets == 0 {
			if t.records != 0 {
				return false
			}
			continue
		}
		starts, data := 4*(t.buckets+1), t.records*recordSize(i)
		if t.buckets < 0 || t.records <= 0 || t.buckets > 1<<32 || t.records >= 1<<32 || starts+data > len(body) {
			return false
		}
		t.starts, t.data, body = body[:starts:starts], body[starts:starts+data:starts+data], body[starts+data:]
	}
	return len(body) == 0
}

// broken is the answer of a table whose own numbers lead out of it: a mapped file that rotted. Until the file is found out
// and dropped, everything stands on such a list: what is not known must not pass.
var broken [maxSerial + 4 + 8 + 1]byte

// stretch gives the places of a bucket's records, false where the table is broken.
func (t *table) stretch(bucket int) (at, end int, ok bool) {
	at, end = t.start(bucket), t.start(bucket+1)
	return at, end, at <= end && end <= t.records
}

// narrow finds a record of the narrow table, nil where there is none.
func (x *index) narrow(key narrowKey) []byte {
	t := &x.tables[0]
	if t.buckets == 0 {
		return nil
	}
	at, end, ok := t.stretch(bucketOf(x.keys.narrow(key), t.buckets))
	if !ok {
		return broken[:narrowRecord]
	}
	for records := t.data[at*narrowRecord : end*narrowRecord]; len(records) >= narrowRecord; records = records[narrowRecord:] {
		if narrowKeyAt(records) == key {
			return records[:narrowRecord]
		}
	}
	return nil
}

// wide finds a record of a wide table.
func (x *index) wide(i int, key []byte) []byte {
	t := &x.tables[i]
	if t.buckets == 0 {
		return nil
	}
	size := recordSize(i)
	at, end, ok := t.stretch(bucketOf(x.keys.wide(key), t.buckets))
	if !ok {
		return broken[:size]
	}
	for ; at < end; at++ {
		if record := t.data[at*size : (at+1)*size]; bytes.Equal(record[:len(key)], key) {
			return record
		}
	}
	return nil
}

// find answers the date and reason of an issuer's serial. It allocates nothing.
func (x *index) find(issuer uint32, serial *big.Int) (seconds int64, reason byte, found bool) {
	defer runtime.KeepAlive(x.memory)
	octets := octetsOf(serial)
	if octets > maxSerial {
		return 0, 0, false
	}
	if issuer == 0 && octets <= narrowSerial {
		var key [narrowSerial]byte
		extend(key[:], serial)
		if r := x.narrow(narrowKeyAt(key[:])); r != nil {
			seconds, reason, found = int64(binary.LittleEndian.Uint32(r[narrowSerial:]))+narrowEpoch, r[narrowRecord-1], true
		}
	}
	i := wideTable(octets)
	if x.tables[i].buckets == 0 {
		return seconds, reason, found
	}
	var whole [maxSerial + 4]byte
	key := whole[:keySize(i)]
	extend(key[:widths[i]], serial)
	binary.LittleEndian.PutUint32(key[widths[i]:], issuer)
	if r := x.wide(i, key); r != nil {
		at, why := int64(binary.LittleEndian.Uint64(r[len(key):])), r[len(r)-1]
		// In both tables stands a serial that came twice, once with a date that only the wide one can hold. As within a
		// table a removal gives way; else the earlier date counts.
		if !found || reason == reasonRemoveFromCRL || why != reasonRemoveFromCRL && at < seconds {
			seconds, reason, found = at, why, true
		}
	}
	return seconds, reason, found
}

// Lookup finds the entry for a certificate of that issuer. It allocates nothing where the issuer's name was read, not made.
func (l *List) Lookup(issuer pki.Name, serial *big.Int) (Entry, bool) {
	if l.Entries == 0 {
		return Entry{}, false
	}
	id := uint32(0)
	if l.issuerID == nil {
		if !bytes.Equal(issuer.Raw, l.Issuer.Raw) && !issuer.Equal(l.Issuer) {
			return Entry{}, false
		}
	} else {
		var known bool
		if id, known = l.issuerID[issuer.CanonicalKey()]; !known {
			return Entry{}, false
		}
	}
	seconds, reason, found := l.index.find(id, serial)
	if !found {
		return Entry{}, false
	}
	return Entry{Serial: serial, Date: time.Unix(seconds, 0).UTC(), Reason: reasonOf(reason), Issuer: l.issuers[id]}, true
}

func reasonOf(octet byte) int {
	if octet == noReason {
		return reasonAbsent
	}
	return int(octet)
}

// All yields every entry once, in no order that means anything. A serial that the list holds twice comes once.
func (l *List) All(yield func(Entry) bool) {
	if l.index == nil {
		return
	}
	defer runtime.KeepAlive(l.index.memory)
	for i := range l.index.tables {
		t, size, width := &l.index.tables[i], recordSize(i), widths[i]
		for at := range t.records {
			r := t.data[at*size : (at+1)*size]
			e := Entry{Serial: number(r[:width]), Reason: reasonOf(r[size-1]), Issuer: l.Issuer}
			seconds := int64(binary.LittleEndian.Uint32(r[width:])) + narrowEpoch
			if i > 0 {
				e.Issuer = l.issuers[binary.LittleEndian.Uint32(r[width:])]
				seconds = int64(binary.LittleEndian.Uint64(r[width+4:]))
			}
			e.Date = time.Unix(seconds, 0).UTC()
			if !yield(e) {
				return
			}
		}
	}
}

// IndexBytes is what the index takes, in memory, on disk and in Redis.
func (l *List) IndexBytes() int64 {
	if l.index == nil {
		return 0
	}
	return int64(len(l.index.body))
}
