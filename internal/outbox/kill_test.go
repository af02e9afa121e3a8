// SPDX-License-Identifier: Apache-2.0

package outbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"rastau/internal/outbox"
	"rastau/internal/store"
	"rastau/internal/testpostgres"
	"rastau/licensing"
)

// The child of TestKilledAtEveryStep is told by the environment what to do.
const (
	killDatabase = "RASTAU_TEST_OUTBOX_DATABASE"
	killReceiver = "RASTAU_TEST_OUTBOX_RECEIVER"
	killStep     = "RASTAU_TEST_OUTBOX_STEP"
)

// messages is how many changes the child makes, each with one message.
const messages = 3

// TestKilledChild makes changes with messages, works the messages off, and
// kills itself at the step it was told: no deferred function runs, no buffer is
// written, as by kill -9.
func TestKilledChild(t *testing.T) {
	database := os.Getenv(killDatabase)
	if database == "" {
		t.Skip("only run as the child of TestKilledAtEveryStep")
	}
	die, err := strconv.Atoi(os.Getenv(killStep))
	must(t, err)
	var steps atomic.Int64
	step := func(name string) {
		if n := int(steps.Add(1)); n == die {
			fmt.Printf("dying at step %d, %s\n", n, name)
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	s := openStore(t, database)
	for i := range messages {
		id := fmt.Sprintf("change-%d", i)
		err := s.Update(t.Context(), func(tx licensing.Tx) error {
			if _, err := tx.Application(id); err == nil {
				return nil // made before the death
			}
			a := &licensing.Application{ID: id, Status: licensing.Draft, Service: "s", Operation: "issue", Owner: "o", Package: []byte("p"), Created: time.Now()}
			if err := tx.AddApplication(a); err != nil {
				return err
			}
			step("between the change and its message")
			if err := tx.Enqueue(outbox.Message{ID: "id-" + id, Kind: "send", Key: id, Body: []byte(id)}); err != nil {
				return err
			}
			step("before the commit")
			return nil
		})
		must(t, err)
		fmt.Printf("acknowledged %s\n", id)
		step("after the commit")
	}
	send := func(ctx context.Context, i outbox.Item) error {
		step("before sending")
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv(killReceiver), bytes.NewReader(i.Body))
		if err != nil {
			return err
		}
		req.Header.Set("Idempotency-Key", i.ID)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		step("after sending")
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("the receiver answers %s", res.Status)
		}
		return nil
	}
	runStepped(t, s, step, send)
	fmt.Println("finished")
}

// runStepped is run with a step on both sides of every transaction of the runner.
func runStepped(t *testing.T, s *store.Store, step func(string), send outbox.Handler) {
	t.Helper()
	var quiet atomic.Bool
	r, err := outbox.New(outbox.Options{
		Handlers: map[string]outbox.Handler{"send": send}, Now: time.Now, Workers: 2, Lease: time.Second, Poll: 20 * time.Millisecond,
		FirstWait: 10 * time.Millisecond, LongestWait: 20 * time.Millisecond,
		Update: func(ctx context.Context, f func(outbox.Storage) error) error {
			if !quiet.Load() {
				step("before a lease or an outcome")
			}
			err := s.Update(ctx, func(tx licensing.Tx) error { return f(tx) })
			if !quiet.Load() {
				step("after a lease or an outcome")
			}
			return err
		},
	})
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { r.Run(ctx) })
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		waiting := 0
		for _, i := range items(t, s) {
			if i.State != outbox.Done {
				waiting++
			}
		}
		if waiting == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d messages still wait", waiting)
		}
	}
	quiet.Store(true)
	stop()
	wg.Wait()
}

// receiver is the outside system: it keeps what it did by idempotency key and
// does nothing twice.
type receiver struct {
	mu       sync.Mutex
	arrived  map[string]int    // deliveries by key
	effects  map[string]string // what was done, by key
	conflict bool              // one key with two bodies
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	key := req.Header.Get("Idempotency-Key")
	r.mu.Lock()
	defer r.mu.Unlock()
	r.arrived[key]++
	if done, ok := r.effects[key]; ok {
		r.conflict = r.conflict || done != string(body)
		return
	}
	r.effects[key] = string(body)
}

// TestKilledAtEveryStep kills a process at every step in turn, from the change
// that causes a message to the note that it was sent, and lets another process
// go on: everything acknowledged is sent, everything has its effect once.
func TestKilledAtEveryStep(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		killEverywhere(t, func(t *testing.T) string { return filepath.Join(t.TempDir(), "r.db") })
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		killEverywhere(t, func(t *testing.T) string { return testpostgres.Database(t) })
	})
}

// killEverywhere goes through the steps, a few at a time, for most of the time of each is waiting for a lease to run out.
func killEverywhere(t *testing.T, database func(*testing.T) string) {
	var next, repeated atomic.Int64
	var ended atomic.Bool
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for !ended.Load() {
				die := int(next.Add(1))
				t.Run(fmt.Sprintf("step %d", die), func(t *testing.T) {
					if die > 100 {
						ended.Store(true)
						t.Fatal("the child never gets to its end")
					}
					died, again := killAt(t, database(t), die)
					if repeated.Add(int64(again)); !died {
						ended.Store(true)
						if die < 10 {
							t.Fatalf("the child dies at %d steps only", die-1)
						}
					}
				})
				if t.Failed() {
					return
				}
			}
		})
	}
	all.Wait()
	// Without a repetition the idempotency key would not have been tried.
	if repeated.Load() == 0 {
		t.Error("no death made a delivery happen twice: the steps miss the moment between sending and noting")
	}
	t.Logf("%d deliveries were repeated, none had its effect twice", repeated.Load())
}

// killAt has a child die at a step and another go on, and judges what they leave: whether the child came to that step at all,
// and how many deliveries were repeated.
func killAt(t *testing.T, database string, die int) (died bool, repeated int) {
	t.Helper()
	r := &receiver{arrived: map[string]int{}, effects: map[string]string{}}
	server := httptest.NewServer(r)
	defer server.Close()
	told, killed := child(t, database, server.URL, die)
	if !killed {
		return false, 0
	}
	more, killed := child(t, database, server.URL, 0)
	if killed {
		t.Fatalf("the second child died: %v", more)
	}
	all := items(t, openStore(t, database))
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, line := range append(told, more...) {
		id, ok := strings.CutPrefix(line, "acknowledged ")
		if !ok {
			continue
		}
		if r.effects["id-"+id] != id {
			t.Errorf("%v: %s was acknowledged and its message is lost", told, id)
		}
		if all["id-"+id].State != outbox.Done {
			t.Errorf("%s is %s", id, all["id-"+id].State)
		}
	}
	if len(r.effects) != messages || r.conflict {
		t.Errorf("%d effects of %d messages, conflict %v", len(r.effects), messages, r.conflict)
	}
	for _, n := range r.arrived {
		if n > 1 {
			repeated++
		}
	}
	return true, repeated
}

// child runs TestKilledChild in a process of its own and tells what it printed and whether it was killed.
func child(t *testing.T, database, receiver string, die int) (lines []string, killed bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestKilledChild$", "-test.v=false")
	cmd.Env = append(os.Environ(), killDatabase+"="+database, killReceiver+"="+receiver, fmt.Sprintf("%s=%d", killStep, die))
	var out, failed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &failed
	err := cmd.Run()
	lines = strings.Split(strings.TrimSpace(out.String()), "\n")
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled() {
		return lines, true
	}
	if err != nil {
		t.Fatalf("child: %v\n%s%s", err, out.String(), failed.String())
	}
	return lines, false
}
