// SPDX-License-Identifier: Apache-2.0

package batch_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rastau/internal/batch"
	"rastau/internal/outbox"
	"rastau/internal/store"
	"rastau/internal/testpostgres"
	"rastau/licensing"
	"rastau/verifier"
)

// judging makes a counting judge a batch.Verifier that finds the name of a file by its bytes.
type judging struct{ *counting }

func (j judging) Document(ctx context.Context, data []byte, q verifier.Question) *verifier.Report {
	name := fmt.Sprint(len(data))
	j.mu.Lock()
	j.times[name]++
	j.mu.Unlock()
	if j.before != nil {
		j.before(name)
	}
	if name == j.hang {
		<-ctx.Done()
	}
	return j.v.Document(ctx, data, q)
}

func openStore(t testing.TB, database string) *store.Store {
	t.Helper()
	db, err := store.Open(context.Background(), store.Options{Database: database})
	must(t, err)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func newService(t testing.TB, gate *batch.Gate) (*batch.Service, *counting, *store.Store) {
	t.Helper()
	return serviceOn(t, openStore(t, filepath.Join(t.TempDir(), "b.db")), gate, time.Now)
}

func serviceOn(t testing.TB, db *store.Store, gate *batch.Gate, now func() time.Time) (*batch.Service, *counting, *store.Store) {
	t.Helper()
	c := newCounting(t)
	s, err := batch.New(batch.Options{Store: db.Batches(), Verifier: judging{c}, Question: c.ask, Now: now, Gate: gate, Workers: 2, Open: 2})
	must(t, err)
	return s, c, db
}

var ask = batch.Ask{At: sessionTime, Purpose: verifier.PurposeSign, Lang: "en"}

func submit(t testing.TB, s *batch.Service, files map[string][]byte) *batch.Job {
	t.Helper()
	source, err := fromZIP(t, pack(t, files), s.Limits())
	must(t, err)
	j, err := s.Submit(t.Context(), "officer-1", source, ask)
	must(t, err)
	return j
}

func message(id string, attempts int) outbox.Item {
	body, _ := json.Marshal(id) // a text always encodes
	return outbox.Item{Message: outbox.Message{Kind: batch.KindVerify, Key: id, Body: body}, Attempts: attempts}
}

// runAll hands the message on as the outbox does until there is nothing more to do.
func runAll(t testing.TB, s *batch.Service, id string) {
	t.Helper()
	for range 100 {
		if s.Run(t.Context(), message(id, 1)) == nil {
			return
		}
	}
	t.Fatal("the batch never ends")
}

func lines(t testing.TB, s *batch.Service, id string) (out []string) {
	t.Helper()
	must(t, s.Lines(t.Context(), "officer-1", false, id, 0, func(n int, l batch.Line) error {
		if n != len(out) {
			t.Errorf("line %d comes as %d", n, len(out))
		}
		out = append(out, string(l.JSON))
		return nil
	}))
	return out
}

// TestService: a batch runs through the real outbox on both databases, with two processes at it, and every file is judged once.
func TestService(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { testService(t, filepath.Join(t.TempDir(), "b.db")) })
	t.Run("postgres", func(t *testing.T) { testService(t, testpostgres.Database(t)) })
}

func testService(t *testing.T, database string) {
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	t.Cleanup(func() { stop(); running.Wait() })
	var services []*batch.Service
	for range 2 {
		s, _, db := serviceOn(t, openStore(t, database), nil, time.Now)
		r, err := outbox.New(outbox.Options{Handlers: map[string]outbox.Handler{batch.KindVerify: s.Run}, Now: time.Now, Poll: 10 * time.Millisecond,
			Update: func(ctx context.Context, f func(outbox.Storage) error) error {
				return db.Update(ctx, func(tx licensing.Tx) error { return f(tx) })
			}})
		must(t, err)
		running.Go(func() { r.Run(ctx) })
		services = append(services, s)
	}
	files := sample(t)
	for i := range 120 {
		files[fmt.Sprintf("more/%03d", i)] = files["a/good.p7s"]
	}
	j := submit(t, services[0], files)
	if j.State != batch.Waiting || j.Files != 125 {
		t.Fatalf("%+v", j)
	}
	for end := time.Now().Add(30 * time.Second); j.State != batch.Done; time.Sleep(10 * time.Millisecond) {
		var err error
		if j, err = services[1].Job(ctx, "officer-1", false, j.ID); err != nil || time.Now().After(end) {
			t.Fatalf("%v %+v", err, j)
		}
	}
	if j.Judged != 125 || j.Verdicts["TOTAL-PASSED"] != 122 || j.Verdicts["TOTAL-FAILED/HASH_FAILURE"] != 1 || j.Finished == nil {
		t.Errorf("%+v", j)
	}
	got := lines(t, services[1], j.ID)
	if len(got) != 125 || verdict(t, got[1]) != wanted[1] {
		t.Errorf("%d lines, %s", len(got), got[1])
	}
	// Somebody else's is not there; an administrator sees it.
	if _, err := services[0].Job(ctx, "officer-2", false, j.ID); !errors.Is(err, batch.ErrUnknown) {
		t.Errorf("another's batch: %v", err)
	}
	if list, err := services[0].Jobs(ctx, "admin", true); err != nil || len(list) != 1 {
		t.Errorf("%v %v", list, err)
	}
	must(t, services[0].Remove(ctx, "officer-1", false, j.ID))
	if _, err := services[0].Job(ctx, "officer-1", false, j.ID); !errors.Is(err, batch.ErrUnknown) {
		t.Errorf("erased: %v", err)
	}
}

// TestGoesOn: a process that ends in the middle leaves its lines; another goes on behind them and judges nothing twice.
func TestGoesOn(t *testing.T) {
	database := filepath.Join(t.TempDir(), "b.db")
	first, c, _ := serviceOn(t, openStore(t, database), nil, time.Now)
	files := map[string][]byte{}
	good := read(t, "good.p7s")
	for i := range 40 {
		files[fmt.Sprintf("%02d", i)] = append(bytes.Clone(good), make([]byte, i)...) // told apart by their length
	}
	j := submit(t, first, files)
	ctx, stop := context.WithCancel(t.Context())
	c.before = func(name string) {
		if name == fmt.Sprint(len(good)+21) {
			stop()
		}
	}
	if err := first.Run(ctx, message(j.ID, 1)); err == nil {
		t.Fatal("a batch that was stopped said that it is done")
	}
	done := lines(t, first, j.ID)
	if len(done) < 16 || len(done) > 22 {
		t.Fatalf("%d lines", len(done))
	}
	second, again, _ := serviceOn(t, openStore(t, database), nil, time.Now)
	runAll(t, second, j.ID)
	if got := lines(t, second, j.ID); len(got) != 40 || strings.Join(got[:len(done)], "\n") != strings.Join(done, "\n") {
		t.Errorf("%d lines", len(got))
	}
	for i := range done {
		if n := again.times[fmt.Sprint(len(good)+i)]; n != 0 {
			t.Errorf("file %d has its line and was judged %d times more", i, n)
		}
	}
}

// TestPoison: a file at which every attempt dies is given up, and all others get their verdicts.
func TestPoison(t *testing.T) {
	s, c, _ := newService(t, nil)
	files := sample(t)
	files["b poison"] = []byte("poison")
	j := submit(t, s, files)
	c.hang = fmt.Sprint(len("poison"))
	for attempt := 1; ; attempt++ {
		if attempt > 10 {
			t.Fatal("the file is never given up")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond) // as a lease ends
		err := s.Run(ctx, message(j.ID, attempt))
		cancel()
		if err == nil {
			break
		}
	}
	same(t, lines(t, s, j.ID), []string{wanted[0], wanted[1], wanted[2], "b poison error: given up after 3 attempts to judge it", wanted[3], wanted[4]})
}

// TestCancel: what is judged stays, nothing more is judged, and the place is free again.
func TestCancel(t *testing.T) {
	s, c, _ := newService(t, nil)
	j := submit(t, s, sample(t))
	submit(t, s, sample(t))
	source, err := fromZIP(t, pack(t, sample(t)), s.Limits())
	must(t, err)
	if _, err := s.Submit(t.Context(), "officer-1", source, ask); !errors.Is(err, batch.ErrMany) {
		t.Errorf("a third batch: %v", err)
	}
	if _, err := s.Cancel(t.Context(), "officer-2", false, j.ID); !errors.Is(err, batch.ErrUnknown) {
		t.Errorf("another's: %v", err)
	}
	j, err = s.Cancel(t.Context(), "officer-1", false, j.ID)
	if err != nil || j.State != batch.Cancelled {
		t.Fatalf("%v %+v", err, j)
	}
	runAll(t, s, j.ID)
	if len(c.times) != 0 || len(lines(t, s, j.ID)) != 0 {
		t.Errorf("%v", c.times)
	}
	submit(t, s, sample(t))
}

// TestErased: results are kept for their time and no longer, and so is what a dead process left.
func TestErased(t *testing.T) {
	var ahead time.Duration
	now := func() time.Time { return time.Now().Add(ahead) }
	s, _, _ := serviceOn(t, openStore(t, filepath.Join(t.TempDir(), "b.db")), nil, now)
	j := submit(t, s, sample(t))
	runAll(t, s, j.ID)
	sweep := func(want int) {
		t.Helper()
		if n, err := s.Sweep(t.Context()); err != nil || n != want {
			t.Errorf("%d erased, want %d: %v", n, want, err)
		}
	}
	sweep(0)
	ahead = 8 * 24 * time.Hour
	sweep(1)
	if _, err := s.Job(t.Context(), "officer-1", false, j.ID); !errors.Is(err, batch.ErrUnknown) {
		t.Error(err)
	}
	// An hour is enough for a batch to come.
	source, err := fromZIP(t, pack(t, sample(t)), batch.Limits{Total: 10})
	must(t, err)
	if _, err := s.Submit(t.Context(), "officer-1", source, ask); !errors.Is(err, batch.ErrLimit) {
		t.Errorf("too large: %v", err)
	}
	if list, err := s.Jobs(t.Context(), "officer-1", false); err != nil || len(list) != 0 {
		t.Errorf("what was refused was kept: %v %v", list, err)
	}
}

// TestTimeEnds: a batch that takes too long says so and keeps what it has.
func TestTimeEnds(t *testing.T) {
	var ahead time.Duration
	s, _, _ := serviceOn(t, openStore(t, filepath.Join(t.TempDir(), "b.db")), nil, func() time.Time { return time.Now().Add(ahead) })
	j := submit(t, s, sample(t))
	ahead = 25 * time.Hour
	runAll(t, s, j.ID)
	j, err := s.Job(t.Context(), "officer-1", false, j.ID)
	if err != nil || j.State != batch.Failed || !strings.Contains(j.Problem, "longer than 24h") {
		t.Errorf("%v %+v", err, j)
	}
}
