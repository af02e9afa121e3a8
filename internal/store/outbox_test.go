// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"rastau/internal/outbox"
	"rastau/internal/store"
	"rastau/licensing"
)

func enqueue(t testing.TB, s *store.Store, all ...outbox.Message) {
	t.Helper()
	must(t, s.Update(t.Context(), func(tx licensing.Tx) error {
		for _, m := range all {
			if err := tx.Enqueue(m); err != nil {
				return err
			}
		}
		return nil
	}))
}

func lease(t testing.TB, s *store.Store, holder string, now, until time.Time, limit int) (ids []string) {
	t.Helper()
	must(t, s.Update(t.Context(), func(tx licensing.Tx) error {
		items, err := tx.Lease(holder, []string{"k"}, now, until, limit)
		ids = nil
		for _, i := range items {
			ids = append(ids, i.ID)
		}
		return err
	}))
	return ids
}

func TestOutbox(t *testing.T) { both(t, testOutbox) }

func testOutbox(t *testing.T, open func() *store.Store) {
	s := open()
	at := time.UnixMilli(1_700_000_000_000).UTC()
	enqueue(t, s,
		outbox.Message{ID: "late", Kind: "k", Due: at.Add(time.Hour)},
		outbox.Message{ID: "b", Kind: "k", Due: at, Body: []byte("body b")},
		outbox.Message{ID: "a", Kind: "k", Key: "one", Due: at.Add(-time.Second)},
		outbox.Message{ID: "other", Kind: "another", Due: at})
	// The same ID and the same key are taken once.
	enqueue(t, s, outbox.Message{ID: "b", Kind: "k"}, outbox.Message{ID: "c", Kind: "k", Key: "one"})
	if got := lease(t, s, "h1", at, at.Add(time.Minute), 9); !slices.Equal(got, []string{"a", "b"}) {
		t.Fatalf("leased %v", got)
	}
	if got := lease(t, s, "h2", at.Add(time.Minute-1), at.Add(time.Hour), 9); len(got) != 0 {
		t.Fatalf("leased although another holds it: %v", got)
	}
	// The lease runs out: the other takes over, the first one's outcome no longer counts.
	if got := lease(t, s, "h2", at.Add(time.Minute), at.Add(time.Hour), 1); !slices.Equal(got, []string{"a"}) {
		t.Fatalf("leased %v", got)
	}
	finish := func(holder, id string, o outbox.Outcome) error {
		return s.Update(t.Context(), func(tx licensing.Tx) error { return tx.Finish(holder, id, o) })
	}
	if err := finish("h1", "a", outbox.Outcome{State: outbox.Done, At: at}); !errors.Is(err, outbox.ErrLost) {
		t.Errorf("a lost lease finished: %v", err)
	}
	must(t, finish("h2", "a", outbox.Outcome{State: outbox.Done, At: at}))
	must(t, finish("h1", "b", outbox.Outcome{State: outbox.Waiting, Due: at.Add(time.Second), Error: "no answer", At: at}))
	enqueue(t, s, outbox.Message{ID: "d", Kind: "k", Key: "one", Due: at}) // done, and still taken
	if got := lease(t, s, "h1", at.Add(time.Second), at.Add(time.Minute), 9); !slices.Equal(got, []string{"b"}) {
		t.Fatalf("leased %v", got)
	}
	must(t, finish("h1", "b", outbox.Outcome{State: outbox.Dead, Error: "no hope", At: at}))
	must(t, s.View(t.Context(), func(tx licensing.Tx) error {
		items, err := tx.Items(outbox.Filter{State: outbox.Dead})
		if err != nil || len(items) != 1 || items[0].ID != "b" || items[0].Error != "no hope" || items[0].Attempts != 2 ||
			string(items[0].Body) != "body b" || items[0].Holder != "" || !items[0].Finished.Equal(at) {
			t.Errorf("dead: %+v %v", items, err)
		}
		if items, err := tx.Items(outbox.Filter{Kind: "k", Limit: 2}); err != nil || len(items) != 2 || items[0].ID != "late" {
			t.Errorf("list: %+v %v", items, err)
		}
		tallies, err := tx.Tallies()
		if len(tallies) != 4 || tallies[0] != (outbox.Tally{Kind: "another", State: outbox.Waiting, Count: 1, Due: at}) {
			t.Errorf("tallies: %+v", tallies)
		}
		return err
	}))
	revive := func(id string) error {
		return s.Update(t.Context(), func(tx licensing.Tx) error { return tx.Revive(id, at) })
	}
	if err := revive("late"); !errors.Is(err, outbox.ErrUnknown) {
		t.Errorf("revived what was not dead: %v", err)
	}
	must(t, revive("b"))
	if got := lease(t, s, "h1", at, at.Add(time.Minute), 9); !slices.Equal(got, []string{"b"}) {
		t.Fatalf("leased %v", got)
	}
	// Withdrawn is what nobody has begun.
	enqueue(t, s, outbox.Message{ID: "w", Kind: "k", Key: "w", Due: at})
	must(t, s.Update(t.Context(), func(tx licensing.Tx) error { return errors.Join(tx.Withdraw("k", "w"), tx.Withdraw("k", "nothing")) }))
	if got := lease(t, s, "h1", at, at.Add(time.Minute), 9); len(got) != 0 {
		t.Fatalf("leased what was withdrawn: %v", got)
	}
	must(t, finish("h1", "b", outbox.Outcome{State: outbox.Done, At: at}))
	must(t, s.Update(t.Context(), func(tx licensing.Tx) error { return tx.Forget(at.Add(time.Second)) }))
	must(t, s.View(t.Context(), func(tx licensing.Tx) error {
		items, err := tx.Items(outbox.Filter{State: outbox.Done})
		if len(items) != 1 || items[0].ID != "a" {
			t.Errorf("what has a key must stay: %+v", items)
		}
		return err
	}))
	// A message belongs to its transaction.
	stop := errors.New("stop")
	if err := s.Update(t.Context(), func(tx licensing.Tx) error {
		return errors.Join(tx.Enqueue(outbox.Message{ID: "never", Kind: "k"}), stop)
	}); !errors.Is(err, stop) {
		t.Fatal(err)
	}
	must(t, s.View(t.Context(), func(tx licensing.Tx) error {
		items, err := tx.Items(outbox.Filter{})
		if slices.ContainsFunc(items, func(i outbox.Item) bool { return i.ID == "never" }) {
			t.Error("a message without its change")
		}
		return err
	}))
}

// TestLeaseOnce: holders in several stores on one database never get the same message.
func TestLeaseOnce(t *testing.T) { both(t, testLeaseOnce) }

func testLeaseOnce(t *testing.T, open func() *store.Store) {
	stores := []*store.Store{open(), open(), open()}
	const n = 90
	for i := range n {
		enqueue(t, stores[0], outbox.Message{ID: fmt.Sprint(i), Kind: "k"})
	}
	now := time.Now()
	var mu sync.Mutex
	times := map[string]int{}
	var wg sync.WaitGroup
	for h := range 9 {
		wg.Go(func() {
			for {
				ids := lease(t, stores[h%3], fmt.Sprint(h), now, now.Add(time.Hour), 4)
				if len(ids) == 0 {
					return
				}
				mu.Lock()
				for _, id := range ids {
					times[id]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(times) != n {
		t.Errorf("%d of %d leased", len(times), n)
	}
	for id, k := range times {
		if k != 1 {
			t.Errorf("message %s was leased %d times", id, k)
		}
	}
}
