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
// A table is two arrays: the records, bucket by bucket, then for each bucket the number of its first record. With three
// records to a bucket that is 4/3 octets an entry above the record of 25 (serial 20, date 4, reason 1). A lookup reads one
// place of the second array and one of the first.
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
	at               int    // where in the index it begins
	data             []byte // records
	starts           []byte // 4 octets for each bucket and one more
}

// size is what the table takes.
func (t *table) size(i int) int {
	if t.buckets == 0 {
		return 0
	}
	return t.records*recordSize(i) + 4*(t.buckets+1)
}

// lay cuts the table out of the head of body, which is long enough, and gives what is left.
func (t *table) lay(body []byte, i int) []byte {
	data, whole := t.records*recordSize(i), t.size(i)
	t.data, t.starts = body[:data:data], body[data:whole:whole]
	return body[whole:]
}

func (t *table) start(bucket int) int { return int(binary.LittleEndian.Uint32(t.starts[4*bucket:])) }

// index finds entries. Immutable.
type index struct {
	keys   hashKeys
	tables [len(widths)]table
	body   []byte
	memory *memory // what body lies in, nil for the heap
	proof  *proof  // of a body that somebody else may have changed; nil for one that was made or checked here
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
		if t.buckets < 0 || t.records <= 0 || t.buckets > 1<<32 || t.records >= 1<<32 || t.size(i) > len(body) {
			return false
		}
		t.at = len(x.body) - len(body)
		body = t.lay(body, i)
	}
	return len(body) == 0
}

// bucket gives the records of a bucket, false where they are not what was written.
func (x *index) bucket(i int, hash uint32) (records []byte, intact bool) {
	t, size := &x.tables[i], recordSize(i)
	n := bucketOf(hash, t.buckets)
	if starts := t.at + len(t.data) + 4*n; !x.proof.holds(starts, starts+8) {
		return nil, false
	}
	at, end := t.start(n)*size, t.start(n+1)*size
	if at > end || end > len(t.data) || !x.proof.holds(t.at+at, t.at+end) {
		return nil, false
	}
	return t.data[at:end], true
}

// narrow finds a record of the narrow table, nil where there is none.
func (x *index) narrow(key narrowKey) (record []byte, intact bool) {
	if x.tables[0].buckets == 0 {
		return nil, true
	}
	records, intact := x.bucket(0, x.keys.narrow(key))
	for ; len(records) >= narrowRecord; records = records[narrowRecord:] {
		if narrowKeyAt(records) == key {
			return records[:narrowRecord], intact
		}
	}
	return nil, intact
}

// wide finds a record of a wide table.
func (x *index) wide(i int, key []byte) (record []byte, intact bool) {
	if x.tables[i].buckets == 0 {
		return nil, true
	}
	size := recordSize(i)
	records, intact := x.bucket(i, x.keys.wide(key))
	for ; len(records) >= size; records = records[size:] {
		if bytes.Equal(records[:len(key)], key) {
			return records[:size], intact
		}
	}
	return nil, intact
}

// find answers the date and reason of an issuer's serial. It allocates nothing.
func (x *index) find(issuer uint32, serial *big.Int) (seconds int64, reason byte, found, intact bool) {
	defer runtime.KeepAlive(x.memory)
	octets := octetsOf(serial)
	if octets > maxSerial {
		return 0, 0, false, true
	}
	if issuer == 0 && octets <= narrowSerial {
		var key [narrowSerial]byte
		extend(key[:], serial)
		r, intact := x.narrow(narrowKeyAt(key[:]))
		if !intact {
			return 0, 0, false, false
		}
		if r != nil {
			seconds, reason, found = int64(binary.LittleEndian.Uint32(r[narrowSerial:]))+narrowEpoch, r[narrowRecord-1], true
		}
	}
	i := wideTable(octets)
	if x.tables[i].buckets == 0 {
		return seconds, reason, found, true
	}
	var whole [maxSerial + 4]byte
	key := whole[:keySize(i)]
	extend(key[:widths[i]], serial)
	binary.LittleEndian.PutUint32(key[widths[i]:], issuer)
	r, intact := x.wide(i, key)
	if r != nil {
		at, why := int64(binary.LittleEndian.Uint64(r[len(key):])), r[len(r)-1]
		// In both tables stands a serial that came twice, once with a date that only the wide one can hold. As within a
		// table a removal gives way; else the earlier date counts.
		if !found || reason == reasonRemoveFromCRL || why != reasonRemoveFromCRL && at < seconds {
			seconds, reason, found = at, why, true
		}
	}
	return seconds, reason, found, intact
}

// Lookup finds the entry for a certificate of that issuer. It allocates nothing where the issuer's name was read, not made.
// Error: ErrDamaged; then nothing is known, neither that the serial is listed nor that it is not.
func (l *List) Lookup(issuer pki.Name, serial *big.Int) (Entry, bool, error) {
	if l.Entries == 0 {
		return Entry{}, false, nil
	}
	id := uint32(0)
	if l.issuerID == nil {
		if !bytes.Equal(issuer.Raw, l.Issuer.Raw) && !issuer.Equal(l.Issuer) {
			return Entry{}, false, nil
		}
	} else {
		var known bool
		if id, known = l.issuerID[issuer.CanonicalKey()]; !known {
			return Entry{}, false, nil
		}
	}
	seconds, reason, found, intact := l.index.find(id, serial)
	if !intact {
		return Entry{}, false, ErrDamaged
	}
	if !found {
		return Entry{}, false, nil
	}
	return Entry{Serial: serial, Date: time.Unix(seconds, 0).UTC(), Reason: reasonOf(reason), Issuer: l.issuers[id]}, true, nil
}

func reasonOf(octet byte) int {
	if octet == noReason {
		return reasonAbsent
	}
	return int(octet)
}

// All yields every entry once, in no order that means anything. A serial that the list holds twice comes once. Of a damaged
// index (see ErrDamaged) none comes.
func (l *List) All(yield func(Entry) bool) {
	if l.index == nil || !l.index.proof.holds(0, len(l.index.body)) {
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
