// SPDX-License-Identifier: Apache-2.0

package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rastau/internal/outbox"
	"rastau/internal/store"
	"rastau/licensing"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func openStore(t testing.TB, database string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Database: database})
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// update gives the runner a store.
func update(s *store.Store) func(context.Context, func(outbox.Storage) error) error {
	return func(ctx context.Context, f func(outbox.Storage) error) error {
		return s.Update(ctx, func(tx licensing.Tx) error { return f(tx) })
	}
}

func items(t testing.TB, s *store.Store) map[string]outbox.Item {
	t.Helper()
	all := map[string]outbox.Item{}
	must(t, s.View(context.Background(), func(tx licensing.Tx) error {
		list, err := tx.Items(outbox.Filter{})
		for _, i := range list {
			all[i.ID] = i
		}
		return err
	}))
	return all
}

// run works until every message is done or dead.
func run(t testing.TB, s *store.Store, o outbox.Options) {
	t.Helper()
	o.Update, o.Now = update(s), time.Now
	o.Poll = cmpOr(o.Poll, 5*time.Millisecond)
	r, err := outbox.New(o)
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { r.Run(ctx) })
	defer func() { stop(); wg.Wait() }()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		waiting := 0
		for _, i := range items(t, s) {
			if i.State == outbox.Waiting {
				waiting++
			}
		}
		if waiting == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d messages still wait", waiting)
		}
	}
}

func cmpOr(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// TestOutcomes: what fails is tried again and put aside after the last try; a
// permanent error and a panic put nothing else at risk; a postponement is no failure.
func TestOutcomes(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "r.db"))
	kinds := []string{"good", "flaky", "hopeless", "permanent", "panics", "postponed"}
	must(t, s.Update(t.Context(), func(tx licensing.Tx) error {
		for _, k := range kinds {
			if err := tx.Enqueue(outbox.Message{ID: k, Kind: k}); err != nil {
				return err
			}
		}
		return nil
	}))
	var calls sync.Map
	count := func(kind string) int64 {
		n, _ := calls.LoadOrStore(kind, new(atomic.Int64))
		return n.(*atomic.Int64).Add(1)
	}
	broken := errors.New("broken")
	handlers := map[string]outbox.Handler{
		"good": func(context.Context, outbox.Item) error { count("good"); return nil },
		"flaky": func(context.Context, outbox.Item) error {
			if count("flaky") < 3 {
				return broken
			}
			return nil
		},
		"hopeless":  func(context.Context, outbox.Item) error { count("hopeless"); return broken },
		"permanent": func(context.Context, outbox.Item) error { count("permanent"); return outbox.Permanent(broken) },
		"panics":    func(context.Context, outbox.Item) error { count("panics"); panic("oh") },
		"postponed": func(context.Context, outbox.Item) error {
			if count("postponed") < 6 {
				return outbox.Postpone(time.Now().Add(time.Millisecond))
			}
			return nil
		},
	}
	run(t, s, outbox.Options{Handlers: handlers, Attempts: 4, FirstWait: time.Millisecond, LongestWait: 3 * time.Millisecond})
	all := items(t, s)
	for kind, want := range map[string]struct {
		state           outbox.State
		calls, attempts int
	}{
		"good": {outbox.Done, 1, 1}, "flaky": {outbox.Done, 3, 3}, "hopeless": {outbox.Dead, 4, 4},
		"permanent": {outbox.Dead, 1, 1}, "panics": {outbox.Dead, 4, 4}, "postponed": {outbox.Done, 6, 1},
	} {
		i := all[kind]
		n, _ := calls.Load(kind)
		if i.State != want.state || i.Attempts != want.attempts || int(n.(*atomic.Int64).Load()) != want.calls {
			t.Errorf("%s: %s after %d attempts, %d calls", kind, i.State, i.Attempts, n.(*atomic.Int64).Load())
		}
		if (i.State == outbox.Dead) != (i.Error != "") {
			t.Errorf("%s: error %q", kind, i.Error)
		}
	}
}

// TestStop: a runner that is stopped ends its handlers and gives their messages back at once.
func TestStop(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "r.db"))
	must(t, s.Update(t.Context(), func(tx licensing.Tx) error { return tx.Enqueue(outbox.Message{ID: "m", Kind: "k"}) }))
	began := make(chan struct{})
	r, err := outbox.New(outbox.Options{Update: update(s), Now: time.Now, Handlers: map[string]outbox.Handler{
		"k": func(ctx context.Context, _ outbox.Item) error { close(began); <-ctx.Done(); return ctx.Err() },
	}})
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { r.Run(ctx) })
	<-began
	stop()
	wg.Wait()
	if i := items(t, s)["m"]; i.State != outbox.Waiting || i.Holder != "" || i.Attempts != 0 {
		t.Errorf("not given back: %+v", i)
	}
}

// TestSlow: a handler is ended before its lease is, so that two holders never work at once.
func TestSlow(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "r.db"))
	must(t, s.Update(t.Context(), func(tx licensing.Tx) error { return tx.Enqueue(outbox.Message{ID: "m", Kind: "k"}) }))
	var running, most atomic.Int64
	handlers := map[string]outbox.Handler{"k": func(ctx context.Context, i outbox.Item) error {
		if n := running.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer running.Add(-1)
		if i.Attempts < 3 {
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}}
	other, err := outbox.New(outbox.Options{Update: update(s), Now: time.Now, Handlers: handlers, Lease: 200 * time.Millisecond, FirstWait: time.Millisecond, Poll: time.Millisecond})
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { other.Run(ctx) })
	defer func() { stop(); wg.Wait() }()
	run(t, s, outbox.Options{Handlers: handlers, Lease: 200 * time.Millisecond, FirstWait: time.Millisecond, Poll: time.Millisecond})
	if most.Load() != 1 {
		t.Errorf("%d holders worked at once", most.Load())
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := outbox.New(outbox.Options{Now: time.Now}); err == nil {
		t.Error("a runner without store and handlers")
	}
}

func ExampleRunner() {
	var s memory // a store's transaction in a real program
	_ = s.Enqueue(outbox.Message{ID: "7", Kind: "greeting", Body: []byte("сәлем")})
	ctx, stop := context.WithCancel(context.Background())
	r, err := outbox.New(outbox.Options{
		Update: func(_ context.Context, f func(outbox.Storage) error) error { return f(&s) },
		Now:    time.Now,
		Handlers: map[string]outbox.Handler{"greeting": func(_ context.Context, i outbox.Item) error {
			fmt.Printf("%s %s\n", i.ID, i.Body)
			stop()
			return nil
		}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	r.Run(ctx)
	// Output: 7 сәлем
}

// memory is enough of a store for the example.
type memory struct {
	outbox.Storage
	waiting []outbox.Item
}

func (m *memory) Enqueue(x outbox.Message) error {
	m.waiting = append(m.waiting, outbox.Item{Message: x})
	return nil
}

func (m *memory) Lease(string, []string, time.Time, time.Time, int) ([]outbox.Item, error) {
	due := m.waiting
	m.waiting = nil
	return due, nil
}

func (m *memory) Finish(string, string, outbox.Outcome) error { return nil }
