// SPDX-License-Identifier: Apache-2.0

package outbox

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math"
	mathrand "math/rand/v2"
	"slices"
	"sync"
	"time"
	"unicode/utf8"
)

// Handler does or sends one message. It may be called again for the same ID,
// also while another process still believes to work on it: what it does must
// have its effect once (by the ID at the receiver, or by the state it finds).
// It ends when ctx does, which is before the lease ends. Nil: done. Postpone
// and Permanent say more than other errors, which are tried again later. The
// text of an error is kept and shown to operators: no personal data in it.
type Handler func(ctx context.Context, i Item) error

type postponed struct{ at time.Time }

func (p *postponed) Error() string { return "not before " + p.at.UTC().Format(time.RFC3339) }

// Postpone says that the time has not come: the message waits until at, and nothing is counted as a failure.
func Postpone(at time.Time) error { return &postponed{at} }

type permanent struct{ error }

func (p *permanent) Unwrap() error { return p.error }

// Permanent says that trying again cannot help: the message is put aside at once.
func Permanent(err error) error { return &permanent{err} }

// Options of a Runner.
type Options struct {
	// Update runs f in one durable transaction. Required.
	Update func(ctx context.Context, f func(Storage) error) error
	// Finish is Storage.Finish in one durable transaction. Optional. If nil, it is done in an Update; a store may know a shorter way.
	Finish func(ctx context.Context, holder, id string, o Outcome) error
	// Handlers by kind. Required. Kinds without one are left to other processes.
	Handlers map[string]Handler
	// Now is the clock; clocks of processes that share a database must agree to a fraction of Lease. Required.
	Now func() time.Time
	// Workers is how many messages are handled at a time. Optional. If zero, 8.
	Workers int
	// Lease is how long a message is kept from others. Optional. If zero, one minute.
	Lease time.Duration
	// Poll is how long it takes at most until something due is seen. Optional. If zero, half a second.
	Poll time.Duration
	// Attempts before a message is put aside. Optional. If zero, 15: with FirstWait and LongestWait a good day.
	Attempts int
	// FirstWait after a failure; it doubles with each, up to LongestWait. Optional. If zero, 2 s and 3 h.
	FirstWait, LongestWait time.Duration
	// Keep is how long what is done and has no Key stays in the list. Optional. If zero, 30 days.
	Keep time.Duration
	// Log says what failed and what was put aside. Optional. If nil, nothing is logged.
	Log *slog.Logger
}

// Runner hands due messages to their handlers. Several may run on one store, in
// one process or many.
type Runner struct {
	o      Options
	holder string
	kinds  []string
	woken  chan struct{}
}

// New makes a runner; Run starts it.
func New(o Options) (*Runner, error) {
	if o.Update == nil || o.Now == nil || len(o.Handlers) == 0 {
		return nil, errors.New("outbox: Update, Now and Handlers are required")
	}
	var raw [8]byte
	if _, err := rand.Read(raw[:]); err != nil {
		return nil, fmt.Errorf("random name: %w", err)
	}
	r := &Runner{o: o, holder: hex.EncodeToString(raw[:]), woken: make(chan struct{}, 1)}
	for kind := range o.Handlers {
		r.kinds = append(r.kinds, kind)
	}
	slices.Sort(r.kinds)
	if r.o.Finish == nil {
		r.o.Finish = func(ctx context.Context, holder, id string, out Outcome) error {
			return o.Update(ctx, func(s Storage) error { return s.Finish(holder, id, out) })
		}
	}
	r.o.Workers = cmp.Or(o.Workers, 8)
	r.o.Attempts = cmp.Or(o.Attempts, 15)
	r.o.Lease = cmp.Or(o.Lease, time.Minute)
	r.o.Poll = cmp.Or(o.Poll, time.Second/2)
	r.o.FirstWait = cmp.Or(o.FirstWait, 2*time.Second)
	r.o.LongestWait = cmp.Or(o.LongestWait, 3*time.Hour)
	r.o.Keep = cmp.Or(o.Keep, 30*24*time.Hour)
	if r.o.Log == nil {
		r.o.Log = slog.New(slog.DiscardHandler)
	}
	return r, nil
}

// Wake has the runner look at once, because something was enqueued.
func (r *Runner) Wake() {
	select {
	case r.woken <- struct{}{}:
	default:
	}
}

// Run works until ctx ends, then gives back what it has not finished.
func (r *Runner) Run(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	free := make(chan struct{}, r.o.Workers)
	for range r.o.Workers {
		free <- struct{}{}
	}
	forget := time.NewTicker(forgetEvery)
	defer forget.Stop()
	for {
		n, ok := take(ctx, free)
		if !ok {
			return
		}
		select {
		case <-forget.C:
			r.forget(ctx)
		default:
		}
		items, until, err := r.lease(ctx, n)
		if err != nil && ctx.Err() == nil {
			r.o.Log.ErrorContext(ctx, "outbox: nothing can be leased", "error", err)
		}
		for range n - len(items) {
			free <- struct{}{}
		}
		for _, i := range items {
			running.Go(func() {
				defer func() { free <- struct{}{} }()
				r.handle(ctx, i, until)
			})
		}
		if len(items) == n {
			continue // there may be more
		}
		select {
		case <-ctx.Done():
			return
		case <-r.woken:
		case <-time.After(r.o.Poll):
		}
	}
}

// forgetEvery is how often the list is shortened.
const forgetEvery = time.Hour

func (r *Runner) forget(ctx context.Context) {
	before := r.o.Now().Add(-r.o.Keep)
	if err := r.o.Update(ctx, func(s Storage) error { return s.Forget(before) }); err != nil && ctx.Err() == nil {
		r.o.Log.ErrorContext(ctx, "outbox: the list cannot be shortened", "error", err)
	}
}

// take waits for one free worker and takes all that are.
func take(ctx context.Context, free chan struct{}) (n int, ok bool) {
	select {
	case <-ctx.Done():
		return 0, false
	case <-free:
	}
	for n = 1; ; n++ {
		select {
		case <-free:
		default:
			return n, true
		}
	}
}

func (r *Runner) lease(ctx context.Context, n int) (items []Item, until time.Time, err error) {
	now := r.o.Now()
	until = now.Add(r.o.Lease)
	err = r.o.Update(ctx, func(s Storage) error {
		items, err = s.Lease(r.holder, r.kinds, now, until, n)
		return err
	})
	if err != nil {
		return nil, until, err
	}
	return items, until, nil
}

// handle does one message and notes how it went.
func (r *Runner) handle(ctx context.Context, i Item, until time.Time) {
	// A handler must be done before another holder may begin.
	left := until.Sub(r.o.Now()) * 4 / 5
	limited, cancel := context.WithTimeout(ctx, left)
	err := r.guarded(limited, i)
	cancel()
	stopped := ctx.Err() != nil
	o := r.outcome(i, err, stopped)
	switch {
	case stopped && o.State == Waiting:
	case o.State == Dead:
		r.o.Log.ErrorContext(ctx, "outbox: put aside; see `rastau outbox list`", "id", i.ID, "kind", i.Kind, "attempts", i.Attempts, "error", o.Error)
	case o.Error != "":
		r.o.Log.WarnContext(ctx, "outbox: failed, will be tried again", "id", i.ID, "kind", i.Kind, "attempts", i.Attempts, "error", o.Error, "due", o.Due)
	}
	r.finish(ctx, i, o, until)
}

// guarded turns a panic of a handler into an error: one bad message must not
// stop all others.
func (r *Runner) guarded(ctx context.Context, i Item) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the handler panicked: %v", p)
		}
	}()
	return r.o.Handlers[i.Kind](ctx, i)
}

func (r *Runner) outcome(i Item, err error, stopped bool) Outcome {
	now := r.o.Now()
	var p *postponed
	var never *permanent
	switch {
	case err == nil:
		return Outcome{State: Done, At: now}
	case errors.As(err, &p):
		return Outcome{State: Waiting, Due: p.at, Uncounted: true, At: now}
	case stopped:
		return Outcome{State: Waiting, Due: now, Uncounted: true, At: now}
	case errors.As(err, &never), i.Attempts >= r.o.Attempts:
		return Outcome{State: Dead, Error: shorten(err.Error()), At: now}
	}
	return Outcome{State: Waiting, Due: now.Add(r.wait(i.Attempts)), Error: shorten(err.Error()), At: now}
}

// wait doubles from FirstWait to LongestWait, and is spread by a quarter so
// that what failed together does not come back together.
func (r *Runner) wait(attempts int) time.Duration {
	d := float64(r.o.FirstWait) * math.Pow(2, float64(max(attempts, 1)-1))
	d = min(d, float64(r.o.LongestWait))
	return time.Duration(d * (0.75 + mathrand.Float64()/2))
}

// finish notes the outcome. While the lease lasts it is tried again; after that
// another holder repeats the message.
func (r *Runner) finish(ctx context.Context, i Item, o Outcome, until time.Time) {
	ctx = context.WithoutCancel(ctx)
	for {
		err := r.o.Finish(ctx, r.holder, i.ID, o)
		if err == nil {
			return
		}
		lost := errors.Is(err, ErrLost)
		r.o.Log.ErrorContext(ctx, "outbox: the outcome could not be noted", "id", i.ID, "kind", i.Kind, "state", string(o.State), "error", err)
		if lost || !r.o.Now().Before(until) {
			return
		}
		time.Sleep(r.o.Poll)
	}
}

// maxError bounds what is kept of an error, in bytes.
const maxError = 500

func shorten(s string) string {
	if len(s) > maxError {
		s = s[:maxError]
		for len(s) > 0 && !utf8.ValidString(s) {
			s = s[:len(s)-1]
		}
	}
	return s
}
