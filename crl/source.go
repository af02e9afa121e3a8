// SPDX-License-Identifier: Apache-2.0

package crl

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"rastau/internal/cache"
)

// Fetcher is what Source needs of the network (internal/fetch has it): the whole body of a successful answer, at most max
// bytes, or an error. It guards the address and bounds the time.
type Fetcher interface {
	Get(ctx context.Context, url string, max int64) ([]byte, error)
}

// SourceOptions of NewSource.
type SourceOptions struct {
	Fetch   Fetcher          // Required.
	Cache   cache.Store      // Optional. If nil, lists live in this process only.
	Now     func() time.Time // Optional. If nil, time.Now.
	Log     *slog.Logger     // Optional. If nil, silent.
	Limits  Limits           // Optional.
	Refresh time.Duration    // Optional. If zero, 1 h: a list held longer is asked for again, and kept while the server fails and nextUpdate has not passed.
	OnFetch func(url string) // Optional: counts downloads (metrics, tests)
}

const (
	defaultRefresh = time.Hour
	firstBackoff   = time.Second
	longBackoff    = time.Minute
	skew           = 5 * time.Minute  // how far thisUpdate may lie ahead of our clock
	loadTime       = 2 * time.Minute  // one look at cache and network, whoever waits for it
	patience       = time.Second      // how long a caller with a list that is still good waits for a newer one
	leaseTime      = 30 * time.Second // after that a holder is taken for dead
	leaseWait      = 3 * time.Second  // how long another process's download is waited for
	leasePoll      = 50 * time.Millisecond
	maxAddresses   = 4096
)

// Source fetches lists once and shares them. Safe for concurrent use; one download per address at a time.
//
// It looks in this order: what this process holds, what other processes left in the cache, the network. Whatever comes from
// the latter two is parsed, shown to the caller's check and compared with what this process has seen, so that neither an
// error page nor an old list nor whoever writes to the cache can take a revocation back.
type Source struct {
	o SourceOptions

	mu        sync.RWMutex
	addresses map[string]*address
}

// address is the state of one URL. The list in hand is read without a lock; the rest is owned by mu.
type address struct {
	url  string
	held atomic.Pointer[fetched]
	seen map[[32]byte]mark // owned by the flight: the newest list of each key that signed here

	mu       sync.Mutex
	flight   *flight // nil while nobody loads
	failures int
	retryAt  time.Time
	last     error
}

// mark is how far the lists of one signer have come. Marks are kept for each key apart: a list that passes one caller's
// check under a key of its own must not make the genuine ones of another caller look old.
type mark struct {
	number     *big.Int
	thisUpdate time.Time
}

// maxMarks bounds how many keys may sign at one address; more are refused rather than an old mark forgotten.
const maxMarks = 64

// fetched is a list with the time somebody fetched it, here or in another process.
type fetched struct {
	list *List
	at   time.Time
}

// flight is one load that any number of callers wait for.
type flight struct {
	done chan struct{}
	err  error
}

// NewSource makes a Source.
func NewSource(o SourceOptions) *Source {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Refresh <= 0 {
		o.Refresh = defaultRefresh
	}
	if o.OnFetch == nil {
		o.OnFetch = func(string) {}
	}
	o.Limits = o.Limits.orDefault()
	return &Source{o: o, addresses: make(map[string]*address)}
}

// List answers the newest list of that address. check (signature, issuer) is asked before a list from anywhere is kept or
// used; a list that fails it, is older (number, thisUpdate) than one this process has seen from that address, or cannot be
// parsed never replaces a good one. Only addresses of certificates whose path leads to an anchor should come here.
// Errors: *UnavailableError, which is ErrUnavailable; the context's own.
func (s *Source) List(ctx context.Context, url string, check func(*List) error) (*List, error) {
	a := s.address(url)
	if a == nil {
		return nil, &UnavailableError{URL: url, RetryAt: s.o.Now().Add(longBackoff), Err: errors.New("too many addresses of lists")}
	}
	if f := a.held.Load(); f != nil && s.fresh(f) {
		if err := check(f.list); err == nil {
			return f.list, nil
		}
	}
	wait, cancel := ctx, context.CancelFunc(func() {})
	if f := a.held.Load(); f != nil && s.current(f.list) && check(f.list) == nil {
		wait, cancel = context.WithTimeout(ctx, patience) // there is a good list: a slow server must not hold the caller up
	}
	err := s.load(wait, a, check)
	cancel()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	f := a.held.Load()
	switch {
	case f != nil && s.current(f.list):
		// Fetched just now, or held while its server fails. It is the caller's check that counts, not the one of whoever
		// was first to ask.
		if cerr := check(f.list); cerr == nil {
			return f.list, nil
		} else if err == nil {
			err = cerr
		}
	case err == nil:
		err = errors.New("the newest list is past its nextUpdate")
	}
	a.mu.Lock()
	retry := a.retryAt
	a.mu.Unlock()
	if now := s.o.Now(); !retry.After(now) {
		retry = now.Add(firstBackoff)
	}
	return nil, &UnavailableError{URL: url, RetryAt: retry, Err: err}
}

func (s *Source) address(url string) *address {
	s.mu.RLock()
	a := s.addresses[url]
	s.mu.RUnlock()
	if a != nil {
		return a
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if a = s.addresses[url]; a == nil && len(s.addresses) < maxAddresses {
		a = &address{url: url, seen: make(map[[32]byte]mark)}
		s.addresses[url] = a
	}
	return a
}

// current: the list's own time is not over. A list without nextUpdate never is: how old it may be is Judge's to say.
func (s *Source) current(l *List) bool {
	return l.NextUpdate.IsZero() || !l.NextUpdate.Before(s.o.Now())
}

// fresh: current, and not yet due to be asked for again.
func (s *Source) fresh(f *fetched) bool {
	return s.current(f.list) && s.o.Now().Before(f.at.Add(s.o.Refresh))
}

// load joins or starts the one load of an address. It goes on when the caller who started it leaves: others may wait.
func (s *Source) load(ctx context.Context, a *address, check func(*List) error) error {
	a.mu.Lock()
	f := a.flight
	if f == nil {
		if s.o.Now().Before(a.retryAt) { // the negative cache
			err := a.last
			a.mu.Unlock()
			return err
		}
		f = &flight{done: make(chan struct{})}
		a.flight = f
		go func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTime)
			defer cancel()
			err := s.renew(ctx, a, check)
			a.mu.Lock()
			a.flight, f.err = nil, err
			s.remember(a, err)
			a.mu.Unlock()
			close(f.done)
		}()
	}
	a.mu.Unlock()
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// remember keeps the outcome of a load: after a failure nobody asks again for a while, a little longer each time, and not
// all processes at the same moment. The caller holds a.mu.
func (s *Source) remember(a *address, err error) {
	if err == nil {
		a.failures, a.retryAt, a.last = 0, time.Time{}, nil
		return
	}
	pause := min(firstBackoff<<min(a.failures, 6), longBackoff)
	a.failures++
	a.last = err
	a.retryAt = s.o.Now().Add(time.Duration(float64(pause) * (0.75 + rand.Float64()/4)))
	s.o.Log.Warn("revocation list not renewed", "url", a.url, "error", err.Error(), "failures", a.failures, "retry", a.retryAt)
}

// renew looks in the cache, then on the network.
func (s *Source) renew(ctx context.Context, a *address, check func(*List) error) error {
	if s.o.Cache == nil {
		return s.download(ctx, a, check)
	}
	if s.share(ctx, a, check) {
		return nil
	}
	release, mine, err := s.o.Cache.Lease(ctx, cacheKey(a.url)+":lease", leaseTime)
	defer release()
	if err == nil && !mine {
		// Another process is fetching it. It may be slow, or dead: then we ask for ourselves.
		for end := time.Now().Add(leaseWait); time.Now().Before(end); {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(leasePoll):
			}
			if s.share(ctx, a, check) {
				return nil
			}
		}
	} else if err == nil && s.share(ctx, a, check) { // filled between the first look and the lease
		return nil
	}
	return s.download(ctx, a, check)
}

// share takes what another process left in the cache, and reports whether that makes the held list fresh.
func (s *Source) share(ctx context.Context, a *address, check func(*List) error) bool {
	value, err := s.o.Cache.Get(ctx, cacheKey(a.url))
	if err != nil {
		return false
	}
	at, der, err := unwrap(value)
	if err == nil {
		if now := s.o.Now(); at.After(now) {
			at = now // another clock, or somebody who wants an old list kept: it ages from now on
		}
		err = s.adopt(a, der, at, check)
	}
	if err != nil {
		s.o.Log.Warn("revocation list in the cache refused", "url", a.url, "error", err.Error())
		return false
	}
	return s.fresh(a.held.Load())
}

// download asks the list's server, keeps the list and leaves it to the others.
func (s *Source) download(ctx context.Context, a *address, check func(*List) error) error {
	s.o.OnFetch(a.url)
	der, err := s.o.Fetch.Get(ctx, a.url, s.o.Limits.Bytes)
	if err != nil {
		return err
	}
	now := s.o.Now()
	if err := s.adopt(a, der, now, check); err != nil {
		return err
	}
	l := a.held.Load().list
	if !s.current(l) {
		return fmt.Errorf("the server's list is past its nextUpdate, %s", l.NextUpdate.UTC().Format(time.RFC3339))
	}
	if s.o.Cache != nil {
		ttl := s.o.Refresh
		if !l.NextUpdate.IsZero() {
			ttl = l.NextUpdate.Sub(now)
		}
		// Not shared is not lost: each process can ask for itself.
		if err := s.o.Cache.Set(ctx, cacheKey(a.url), wrap(now, l.Raw), ttl); err != nil && !errors.Is(err, cache.ErrDown) {
			s.o.Log.Warn("revocation list not shared", "url", a.url, "error", err.Error())
		}
	}
	return nil
}

// adopt makes bytes from outside the held list, if they deserve it. Only the flight of an address calls it.
func (s *Source) adopt(a *address, der []byte, at time.Time, check func(*List) error) error {
	held := a.held.Load()
	var l *List
	if held != nil && sha256.Sum256(der) == held.list.SHA256 {
		l = held.list // the same again: parsed, and its signature known
	} else {
		var err error
		if l, err = Parse(der, s.o.Limits); err != nil {
			return err
		}
	}
	if err := check(l); err != nil {
		return fmt.Errorf("the list does not pass: %w", err)
	}
	if l.ThisUpdate.After(s.o.Now().Add(skew)) {
		return fmt.Errorf("the list is of the future, %s", l.ThisUpdate.UTC().Format(time.RFC3339))
	}
	var signer [32]byte
	if key := l.verified.Load(); key != nil { // by check, just now
		signer = *key
	}
	last, known := a.seen[signer]
	switch {
	case known && older(l, last):
		return errors.New("the list is older than one already seen from there")
	case !known && len(a.seen) == maxMarks:
		return errors.New("too many keys have signed lists there")
	}
	a.seen[signer] = mark{number: l.Number, thisUpdate: l.ThisUpdate}
	if held != nil && held.list == l && at.Before(held.at) {
		return nil
	}
	a.held.Store(&fetched{list: l, at: at})
	return nil
}

// older: RFC 5280 §5.2.3, the number grows with every list of a scope; thisUpdate says the same where there is none.
func older(l *List, than mark) bool {
	if l.Number != nil && than.number != nil && l.Number.Cmp(than.number) < 0 {
		return true
	}
	return l.ThisUpdate.Before(than.thisUpdate)
}

func cacheKey(url string) string {
	sum := sha256.Sum256([]byte(url))
	return "crl:" + hex.EncodeToString(sum[:])
}

// In the cache a list stands behind the time of its download, so that a list handed on is not young again: RFC 3339 in UTC,
// a line feed, DER.
func wrap(at time.Time, der []byte) []byte {
	return append(append(at.UTC().AppendFormat(nil, time.RFC3339), '\n'), der...)
}

func unwrap(value []byte) (at time.Time, der []byte, err error) {
	i := slices.Index(value[:min(len(value), 64)], '\n')
	if i < 0 {
		return time.Time{}, nil, malformed("no time before the list in the cache")
	}
	if at, err = time.Parse(time.RFC3339, string(value[:i])); err != nil {
		return time.Time{}, nil, malformed("no time before the list in the cache")
	}
	return at, value[i+1:], nil
}

// State of an address, for readiness and metrics.
type State struct {
	URL                             string
	Number                          string    // decimal, empty where the list has none
	ThisUpdate, NextUpdate, Fetched time.Time // zero where there is no list yet
	LastError                       string    // empty after a success
	RetryAt                         time.Time // zero after a success
}

// States tells of every address asked for, in order of address.
func (s *Source) States() []State {
	s.mu.RLock()
	all := make([]*address, 0, len(s.addresses))
	for _, a := range s.addresses {
		all = append(all, a)
	}
	s.mu.RUnlock()
	out := make([]State, 0, len(all))
	for _, a := range all {
		st := State{URL: a.url}
		if f := a.held.Load(); f != nil {
			st.ThisUpdate, st.NextUpdate, st.Fetched = f.list.ThisUpdate, f.list.NextUpdate, f.at
			if f.list.Number != nil {
				st.Number = f.list.Number.String()
			}
		}
		a.mu.Lock()
		st.RetryAt = a.retryAt
		if a.last != nil {
			st.LastError = a.last.Error()
		}
		a.mu.Unlock()
		out = append(out, st)
	}
	slices.SortFunc(out, func(a, b State) int { return strings.Compare(a.URL, b.URL) })
	return out
}
