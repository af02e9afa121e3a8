// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"rastau/internal/journal"
	"rastau/internal/store"
	"rastau/internal/testpostgres"
	"rastau/licensing"
)

// BenchmarkStep is one durable step with its entry in the log, alone and with
// sixteen others, against what the disk allows: the sync of one small write.
func BenchmarkStep(b *testing.B) {
	floor := syncs(b)
	for name, open := range map[string]func(b *testing.B) *store.Store{
		"sqlite":   func(b *testing.B) *store.Store { return openStore(b, filepath.Join(b.TempDir(), "r.db")) },
		"postgres": func(b *testing.B) *store.Store { return openStore(b, testpostgres.Start(b).Database(b)) },
	} {
		s := open(b)
		var made atomic.Int64
		step := func() error {
			n := made.Add(1)
			return s.Update(b.Context(), func(tx licensing.Tx) error {
				if err := tx.AddApplication(draft(fmt.Sprintf("a%d", n))); err != nil {
					return err
				}
				_, err := journal.Append(tx, fmt.Appendf(nil, "entry %d", n))
				return err
			})
		}
		b.Run(name+"/alone", func(b *testing.B) {
			for b.Loop() {
				must(b, step())
			}
			b.ReportMetric(float64(floor.Nanoseconds())/(float64(b.Elapsed().Nanoseconds())/float64(b.N)), "of-sync-rate")
		})
		b.Run(name+"/together", func(b *testing.B) {
			b.SetParallelism(8)
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					if err := step(); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(floor.Nanoseconds())/(float64(b.Elapsed().Nanoseconds())/float64(b.N)), "of-sync-rate")
		})
	}
}

// syncs measures how long a small write and its sync take on this disk, into a
// file that is already that long: a write-ahead log works like that.
func syncs(b *testing.B) time.Duration {
	f, err := os.Create(filepath.Join(b.TempDir(), "sync"))
	must(b, err)
	defer f.Close()
	const n = 300
	page := make([]byte, 4096)
	_, err = f.Write(make([]byte, n*len(page)))
	must(b, err)
	must(b, f.Sync())
	began := time.Now()
	for i := range n {
		_, err := f.WriteAt(page, int64(i*len(page)))
		must(b, err)
		must(b, syscall.Fdatasync(int(f.Fd())))
	}
	return time.Since(began) / n
}
