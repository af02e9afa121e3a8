// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rastau/internal/journal"
	"rastau/internal/store"
	"rastau/licensing"
)

// TestAppendTogether: steps that share a transaction know the log's end from each other, also from those that were taken back or
// whose last statement fails only when it is sent with those of others, and two processes follow each other: the log has every entry
// once, its hashes are those of its entries, and each step hears its own error alone.
func TestAppendTogether(t *testing.T) {
	both(t, func(t *testing.T, open func() *store.Store) {
		all := []*store.Store{open(), open()}
		var wg sync.WaitGroup
		var made atomic.Int64
		backed := errors.New("taken back")
		for i := range 60 {
			wg.Go(func() {
				err := all[i%2].Update(t.Context(), func(tx licensing.Tx) error {
					for k := range 1 + i%2 {
						if _, err := journal.Append(tx, fmt.Appendf(nil, `{"n":%d,"k":%d}`, i, k)); err != nil {
							return err
						}
					}
					switch {
					case i%3 == 0:
						return backed
					case i%5 == 1:
						return tx.Enter(entered(fmt.Sprintf("nobody %d", i)), "s", 1)
					}
					return tx.AddEvent(&licensing.Event{Subject: fmt.Sprint(i), At: time.Now(), Actor: "a", Kind: "k"})
				})
				switch {
				case i%3 == 0:
					if !errors.Is(err, backed) {
						t.Error(err)
					}
				case i%5 == 1:
					if !errors.Is(err, licensing.ErrOvertaken) {
						t.Error(err)
					}
				case err != nil:
					t.Error(err)
				default:
					made.Add(int64(1 + i%2))
				}
			})
		}
		wg.Wait()
		must(t, all[0].View(t.Context(), func(tx licensing.Tx) error {
			head, err := journal.Now(tx)
			if err != nil {
				return err
			}
			var entries bytes.Buffer
			for n := range head.Size {
				entry, err := tx.LogEntry(n)
				if err != nil {
					return err
				}
				entries.Write(append(entry, '\n'))
			}
			again, err := journal.Replay(&entries)
			if err != nil || again != head || head.Size != made.Load() {
				t.Errorf("%s, from its entries %s, %d were made: %v", head, again, made.Load(), err)
			}
			return nil
		}))
	})
}
