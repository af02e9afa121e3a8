// SPDX-License-Identifier: Apache-2.0

package crl_test

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sort"
	"testing"
	"time"

	"rastau/crl"
	"rastau/internal/pki"
	"rastau/internal/testpki"
)

// The benchmarks below put each figure beside its floor or peer, measured in the same process a moment before: a shared
// machine is as noisy for both.

// million and tenMillion are how long the lists of the benchmarks are.
const (
	million    = 1_000_000
	tenMillion = 10_000_000
)

// bigCA is an authority whose lists are as long as one likes.
func bigCA(t testing.TB) *testpki.CA {
	t.Helper()
	p, err := testpki.New(testpki.Options{Now: func() time.Time { return at }, EC: true})
	if err != nil {
		t.Fatal(err)
	}
	return p.Root()
}

// bigFile writes a list of n entries into a folder of the test's.
func bigFile(t testing.TB, ca *testpki.CA, o testpki.BigList) string {
	t.Helper()
	o.ThisUpdate, o.NextUpdate = at.Add(-time.Hour), at.Add(24*time.Hour)
	if o.Number == 0 {
		o.Number = 1
	}
	name := filepath.Join(t.TempDir(), "list.crl")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := ca.WriteBigList(f, o); err != nil {
		t.Fatal(err)
	}
	return name
}

func readList(t testing.TB, name string) *crl.List {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	l, err := crl.Read(context.Background(), f, crl.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// hashFile is the floor: whoever takes a list must read and hash it.
func hashFile(t testing.TB, name string) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.CopyBuffer(struct{ io.Writer }{sha256.New()}, struct{ io.Reader }{f}, make([]byte, 256<<10)); err != nil {
		t.Fatal(err)
	}
}

// median of what f takes in n runs.
func median(n int, f func()) time.Duration {
	all := make([]time.Duration, n)
	for i := range all {
		runtime.GC()
		began := time.Now()
		f()
		all[i] = time.Since(began)
	}
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	return all[n/2]
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func key(ca *testpki.CA) *pki.PublicKey { return &ca.Certificate.PublicKey }

// A list from its file to a verified index, against the library and against reading and hashing alone.
func BenchmarkRefresh(b *testing.B) {
	ca := bigCA(b)
	for _, n := range []int{million, tenMillion} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			if n > million && testing.Short() {
				b.Skip("a list of half a gigabyte takes a minute to write")
			}
			name := bigFile(b, ca, testpki.BigList{Entries: n})
			var floors, ours []time.Duration
			var l *crl.List
			renew := func() time.Duration {
				return median(1, func() {
					next := readList(b, name)
					if err := next.VerifySignature(key(ca)); err != nil {
						b.Fatal(err)
					}
					l = next // until now the one before was held, as in a service
				})
			}
			first := renew() // alone it takes memory that the process never touched
			renew()
			for b.Loop() {
				for range 3 {
					floors = append(floors, median(1, func() { hashFile(b, name) }))
					ours = append(ours, renew())
				}
			}
			floor, each := middle(floors), middle(ours)
			b.ReportMetric(float64(each)/float64(floor), "x-read+hash")
			b.ReportMetric(float64(first)/float64(floor), "first-x-read+hash")
			b.ReportMetric(float64(slices.Min(ours))/float64(slices.Min(floors)), "least-x-read+hash") // when nobody else was about
			b.ReportMetric(float64(l.IndexBytes())/float64(n), "bytes/entry")
			b.ReportMetric(ms(each), "ms")
			b.ReportMetric(0, "ns/op")
			if n > million {
				return
			}
			der, err := os.ReadFile(name)
			if err != nil {
				b.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			readList(b, name)
			runtime.ReadMemStats(&after)
			mine := after.TotalAlloc - before.TotalAlloc + uint64(l.IndexBytes()) // the index may lie outside the heap
			runtime.ReadMemStats(&before)
			peer := median(3, func() {
				if _, err := x509.ParseRevocationList(der); err != nil {
					b.Fatal(err)
				}
			})
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(peer)/float64(each), "x-library")
			b.ReportMetric(float64(mine)/float64((after.TotalAlloc-before.TotalAlloc)/3), "x-library-memory")
		})
	}
}

func middle(all []time.Duration) time.Duration {
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	return all[len(all)/2]
}

// A lookup in a large index against two reads, one depending on the other, of a table of the same size.
func BenchmarkLookup(b *testing.B) {
	ca := bigCA(b)
	for _, n := range []int{million, tenMillion} {
		if n > million && testing.Short() {
			continue
		}
		l := readList(b, bigFile(b, ca, testpki.BigList{Entries: n}))
		table := make([]uint64, l.IndexBytes()/8)
		for i := range table {
			table[i] = rand.Uint64()
		}
		const asked = 1 << 16
		hits, misses := make([]*big.Int, asked), make([]*big.Int, asked)
		for i := range asked {
			s, m := testpki.BigSerial(0, rand.IntN(n)), testpki.BigSerial(1, i)
			hits[i], misses[i] = new(big.Int).SetBytes(s[:]), new(big.Int).SetBytes(m[:])
		}
		floor := func() time.Duration {
			sum := uint64(0)
			began := time.Now()
			for i := range asked {
				v := table[(uint64(i)*0x9e3779b97f4a7c15+sum&1)%uint64(len(table))]
				sum += table[v%uint64(len(table))]
			}
			runtime.KeepAlive(sum)
			return time.Since(began) / asked
		}
		for _, tc := range []struct {
			name string
			ask  []*big.Int
			want bool
		}{{"hit", hits, true}, {"miss", misses, false}} {
			b.Run(fmt.Sprintf("%d/%s", n, tc.name), func(b *testing.B) {
				floors := []time.Duration{}
				for range 9 {
					floors = append(floors, floor())
				}
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					if _, ok, _ := l.Lookup(l.Issuer, tc.ask[i%asked]); ok != tc.want {
						b.Fatal(ok)
					}
					i++
				}
				each := b.Elapsed() / time.Duration(b.N)
				b.ReportMetric(float64(each)/float64(middle(floors)), "x-two-reads")
			})
		}
	}
}

// A delta list of ten thousand entries against the complete list of a million.
func BenchmarkDelta(b *testing.B) {
	ca := bigCA(b)
	full := bigFile(b, ca, testpki.BigList{Entries: million, Number: 5})
	delta := bigFile(b, ca, testpki.BigList{Entries: 10_000, Seed: 1, Number: 6, Base: 5})
	var wholes, deltas, named []time.Duration
	for b.Loop() {
		wholes = append(wholes, median(1, func() { readList(b, full) }))
		deltas = append(deltas, median(9, func() { readList(b, delta) }))
		named = append(named, median(9, func() { readList(b, delta).SHA256() })) // as whoever cites it in a report needs it
	}
	b.ReportMetric(float64(middle(deltas))/float64(middle(wholes)), "x-complete")
	b.ReportMetric(float64(middle(named))/float64(middle(wholes)), "named-x-complete")
	b.ReportMetric(ms(middle(deltas)), "ms")
	b.ReportMetric(0, "ns/op")
}
