// SPDX-License-Identifier: Apache-2.0

package crl_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/big"
	"runtime"
	"testing"
	"time"

	"rastau/crl"
)

// hostile are the serial numbers of lists made to hurt an index: by i of n, the contents of an INTEGER. None that begins with 0x7e is
// among them.
var hostile = map[string]func(i, n int) []byte{
	"one serial":            func(int, int) []byte { return []byte{9} },
	"one octet":             func(i, _ int) []byte { return []byte{byte(1 + i%120)} },
	"each twice":            func(i, _ int) []byte { return counter(i/2, 20) },
	"each twice, far apart": func(i, n int) []byte { return counter(i%(n/2), 20) },
	"ascending":             func(i, _ int) []byte { return counter(i, 9) },
	"descending":            func(i, n int) []byte { return counter(n-i, 9) },
	"negative":              func(i, _ int) []byte { s := counter(i, 20); s[0] = 0x80 | s[0]&0x3f; return s },
	"the last octets alike": func(i, _ int) []byte {
		s := make([]byte, 20)
		binary.BigEndian.PutUint32(s, 0x40000000|uint32(i))
		return s
	},
	"the first octets alike": func(i, _ int) []byte {
		s := bytes.Repeat([]byte{0x11}, 20)
		binary.BigEndian.PutUint32(s[16:], uint32(i))
		return s
	},
	"a power of two apart": func(i, _ int) []byte {
		s := make([]byte, 20)
		s[0] = 1
		binary.BigEndian.PutUint64(s[4:], uint64(i)<<32)
		return s
	},
	"longer than allowed": func(i, _ int) []byte { return counter(i, 41) },
	"the longest":         func(i, _ int) []byte { return counter(i, 128) },
}

// counter is i in so many octets, none of which may be left out.
func counter(i, octets int) []byte {
	s := make([]byte, octets)
	s[0] = 0x40
	binary.BigEndian.PutUint32(s[octets-5:], uint32(i))
	return s
}

// hostileList is a list of n entries.
func hostileList(n int, serial func(i, n int) []byte) []byte {
	entries := make([]byte, 0, n*40)
	for i := range n {
		s := serial(i, n)
		if len(s) < 100 { // by hand: a million calls of the general form take their time
			entries = append(entries, 0x30, byte(2+len(s)+15), 2, byte(len(s)))
		} else {
			entries = append(entries, 0x30, 0x81, byte(3+len(s)+15), 2, 0x81, byte(len(s)))
		}
		entries = append(append(entries, s...), "\x17\x0d260101000000Z"...)
	}
	return assemble(entries)
}

// Whatever the serial numbers: each is found, none other is, and the index takes no more than its records and what comes with them.
func TestHostileSerials(t *testing.T) {
	for name, serial := range hostile {
		t.Run(name, func(t *testing.T) {
			const n = 130_000 // enough for the way that large lists take
			der := hostileList(n, serial)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			l, err := crl.Read(t.Context(), bytes.NewReader(der), crl.Limits{})
			runtime.ReadMemStats(&after)
			if err != nil || l.Entries != n {
				t.Fatal(err)
			}
			if took := int(after.TotalAlloc - before.TotalAlloc); took > 16*len(der)+(16<<20) { // what was given back is counted too
				t.Errorf("%d bytes of memory for a list of %d", took, len(der))
			}
			distinct, width := map[string]bool{}, 0
			for i := range n {
				s := serial(i, n)
				distinct[string(s)] = true
				width = len(s)
			}
			each := 25.0
			if width > 20 {
				each = map[bool]float64{true: 53, false: 141}[width <= 40]
			}
			if most := (each+0.5)*float64(len(distinct)) + 1.4*n + 4096; float64(l.IndexBytes()) > most {
				t.Errorf("the index takes %d bytes, %.0f are enough", l.IndexBytes(), most)
			}
			for s := range distinct {
				number := new(big.Int).SetBytes([]byte(s))
				if s[0] >= 0x80 {
					number.Sub(number, new(big.Int).Lsh(big.NewInt(1), uint(8*len(s))))
				}
				if e, listed, err := l.Lookup(l.Issuer, number); err != nil || !listed || e.Date.Year() != 2026 {
					t.Fatalf("%x: %v %v", s, listed, err)
				}
				other := []byte(s)
				other[0] = 0x7e
				if _, listed, _ := l.Lookup(l.Issuer, new(big.Int).SetBytes(other)); listed {
					t.Fatalf("%x is listed", other)
				}
			}
			all := 0
			for range l.All {
				all++
			}
			if all != len(distinct) {
				t.Errorf("%d entries, want %d", all, len(distinct))
			}
		})
	}
}

// A hostile list against an ordinary one of as many octets: what it costs more.
func BenchmarkHostile(b *testing.B) {
	random := func(i, _ int) []byte {
		s := counter(i, 20)
		binary.BigEndian.PutUint64(s[4:], uint64(i)*0x9e3779b97f4a7c15)
		return s
	}
	for name, serial := range hostile {
		b.Run(name, func(b *testing.B) {
			const n = 500_000
			der := hostileList(n, serial)
			plain := hostileList(len(der)/39, random)
			read := func(der []byte) time.Duration {
				return median(1, func() {
					if _, err := crl.Read(b.Context(), bytes.NewReader(der), crl.Limits{}); err != nil {
						b.Fatal(err)
					}
				})
			}
			read(plain)
			var theirs, ours []time.Duration
			for b.Loop() {
				theirs, ours = append(theirs, read(plain)), append(ours, read(der))
			}
			b.ReportMetric(float64(middle(ours))/float64(middle(theirs)), "x-ordinary")
			b.ReportMetric(float64(len(der))/n, "octets/entry")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func ExampleList_Lookup() {
	l, err := crl.Parse(assemble(rawEntry([]byte{9})), crl.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, serial := range []int64{9, 10} {
		_, listed, err := l.Lookup(l.Issuer, big.NewInt(serial))
		fmt.Println(listed, err)
	}
	// Output:
	// true <nil>
	// false <nil>
}
