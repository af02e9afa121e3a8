// SPDX-License-Identifier: Apache-2.0

package crl

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"rastau/internal/cache"
	"rastau/internal/fetch"
)

// Fetcher is what Source needs of the network (internal/fetch has it): the whole body of a successful answer, at most max
// bytes, or an error. It guards the address and bounds the time. One that is an Opener too is read as the body comes.
type Fetcher interface {
	Get(ctx context.Context, url string, max int64) ([]byte, error)
}

// Opener answers a body to be read as it comes, and whether the list changed at all.
type Opener interface {
	Open(ctx context.Context, url string, a fetch.Ask) (*fetch.Answer, error)
}

// SourceOptions of NewSource.
type SourceOptions struct {
	Fetch Fetcher          // Required, unless Offline is set.
	Cache cache.Store      // Optional. If nil, lists live in this process only.
	Now   func() time.Time // Optional. If nil, time.Now.
	Log   *slog.Logger     // Optional. If nil, silent.
	// Limits of a list. Optional.
	Limits Limits
	// Refresh is how long a list is held before it is asked for again; it is kept while the server fails and nextUpdate has
	// not passed. Optional. If zero, 1 h.
	Refresh time.Duration
	// Poll is how often Run looks whether another process has left a newer list in the cache. Optional. If zero, 2 s.
	Poll time.Duration
	// Key seals what goes through the cache and the folder: an HMAC key of 16 octets or more, the same in all processes.
	// Optional. If empty, the cache carries whole lists, whose signature each process checks for itself, up to 32 MiB.
	Key []byte
	// Folder keeps lists, and how new they were, for the next start. It must be writable by this service alone.
	// Optional. If empty, a process that starts knows nothing.
	Folder string
	// Mirrors are further addresses of the same list, by its address. They are asked in order when that one fails. Optional.
	Mirrors map[string][]string
	// Offline is a folder of lists (.crl, .pem, .der) that is the only source: nothing is fetched, nothing shared. A list is
	// found by the last part of its address, or by its issuer. Optional.
	Offline string
	OnFetch func(url string) // Optional: counts downloads (metrics, tests)
}

const (
	defaultRefresh = time.Hour
	defaultPoll    = 2 * time.Second
	firstBackoff   = time.Second
	longBackoff    = time.Minute
	skew           = 5 * time.Minute        // how far thisUpdate may lie ahead of our clock
	loadTime       = 10 * time.Minute       // one look at cache and network, whoever waits for it
	patience       = time.Second            // how long a caller with a list that is still good waits for a newer one
	longLease      = 30 * time.Second       // after that a holder is taken for dead, at the latest
	shortLease     = 2 * time.Second        // and at the earliest
	leaseWait      = 3 * time.Second        // how long another process's download is waited for
	leasePoll      = 50 * time.Millisecond  // how often it is looked for then
	leasePause     = 250 * time.Millisecond // how long one who has a good list leaves it to the holder
	minKey         = 16
	maxAddresses   = 4096
)

// Where a held list came from.
const (
	OriginNetwork = "network"
	OriginCache   = "cache"
	OriginFolder  = "folder"
	OriginOffline = "offline"
)

// Source fetches lists once and shares them. Safe for concurrent use; one download per address at a time.
//
// It looks in this order: what this process holds, its folder, what other processes left in the cache, the network. Whatever
// comes from anywhere is shown to the caller's check and compared with what was seen before, so that neither an error page
// nor an old list nor whoever writes to the cache can take a revocation back.
//
// Without Run a list is renewed when somebody asks for it and it is held for longer than Refresh; with Run before that.
type Source struct {
	o       SourceOptions
	folder  *folder
	running atomic.Int32 // calls of Run under way
	flights sync.WaitGroup

	mu        sync.RWMutex
	addresses map[string]*address

	bringing sync.Mutex // guards brought
	brought  map[string]brought
}

// address is the state of one URL. The list in hand is read without a lock; seen, loaded and bad belong to the flight; the
// rest is owned by mu.
type address struct {
	url       string
	held      atomic.Pointer[fetched]
	seen      map[[32]byte]mark        // the newest list of each key that signed here
	loaded    bool                     // what the folder has was looked at
	bad       [32]byte                 // the digest of what was refused last of the cache
	handing   sync.Mutex               // held while a list is handed on to cache and folder
	published atomic.Pointer[[32]byte] // the list whose pieces this process left in the cache
	rolled    atomic.Bool              // the server's list is signed by another key than the held one: it waits for a caller's check

	downloads, failed, refused atomic.Int64

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

// arrival tells how a list came here.
type arrival struct {
	at             time.Time // when somebody fetched it, here or in another process
	origin         string
	etag, modified string // what the server called it,
	address        string // and which server
	leaves         []byte // the digests of what is kept of it elsewhere, nil where nothing is
}

// fetched is a list with the way it came.
type fetched struct {
	list *List
	arrival
	due time.Time // when Run renews it
}

// flight is one load that any number of callers wait for.
type flight struct {
	done chan struct{}
	err  error
}

// NewSource makes a Source. A folder that cannot be used is logged and done without; a key that is too short is not used,
// which is logged too.
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
	if o.Poll <= 0 {
		o.Poll = defaultPoll
	}
	if o.OnFetch == nil {
		o.OnFetch = func(string) {}
	}
	if len(o.Key) > 0 && len(o.Key) < minKey {
		o.Log.Error("the key that seals revocation lists is too short and not used", "octets", len(o.Key), "least", minKey)
		o.Key = nil
	}
	o.Limits = o.Limits.orDefault()
	s := &Source{o: o, addresses: make(map[string]*address), brought: make(map[string]brought)}
	if o.Folder != "" && o.Offline == "" {
		var err error
		if s.folder, err = openFolder(o.Folder, o.Key); err != nil {
			o.Log.Error("the folder of revocation lists cannot be used", "error", err.Error())
		}
	}
	return s
}

// List answers the newest list of that address. check (signature, issuer) is asked before a list from anywhere is kept or
// used; a list that fails it, is older (number, thisUpdate) than one seen from that address, or cannot be parsed never
// replaces a good one. Only addresses of certificates whose path leads to an anchor should come here.
// Errors: *UnavailableError, which is ErrUnavailable; the context's own.
func (s *Source) List(ctx context.Context, url string, check func(*List) error) (*List, error) {
	a := s.address(url)
	if a == nil {
		return nil, &UnavailableError{URL: url, RetryAt: s.o.Now().Add(longBackoff), Err: errors.New("too many addresses of lists")}
	}
	wait, cancel := ctx, context.CancelFunc(func() {})
	if f := a.held.Load(); f != nil && s.current(f.list) && check(f.list) == nil {
		if s.fresh(f) || s.running.Load() > 0 && !a.rolled.Load() {
			return f.list, nil // where Run runs it sees to the rest
		}
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

// Close waits until what was fetched is handed on to cache and folder. Nobody may ask for a list any more.
func (s *Source) Close() error {
	s.flights.Wait()
	return nil
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
	f, err := s.begin(ctx, a, check, false)
	if f == nil {
		return err
	}
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// begin joins or starts a load. There is none, and the last error, while the negative cache holds. ahead says that nobody
// waits for it.
func (s *Source) begin(ctx context.Context, a *address, check func(*List) error, ahead bool) (*flight, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.flight != nil {
		return a.flight, nil
	}
	if s.o.Now().Before(a.retryAt) && (ahead || !a.rolled.Load()) { // the negative cache, but for one who can say whether a new key may sign
		return nil, a.last
	}
	f := &flight{done: make(chan struct{})}
	a.flight = f
	s.flights.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTime)
		defer cancel()
		after, err := s.renew(ctx, a, check, ahead)
		a.mu.Lock()
		a.flight, f.err = nil, err
		s.remember(a, err)
		a.mu.Unlock()
		a.handing.Lock()
		defer a.handing.Unlock()
		close(f.done) // whoever waits has the list; handing it on is not theirs to wait for
		after()
	})
	return f, nil
}

// errLeft: another process is fetching the list.
var errLeft = errors.New("another process is fetching the list")

// errAnotherKey: a list came that the key of the held one did not sign. Whether that is right only a caller's check can say.
var errAnotherKey = errors.New("the list is signed by another key than the one held")

// remember keeps the outcome of a load: after a failure nobody asks again for a while, a little longer each time, and not
// all processes at the same moment. The caller holds a.mu.
func (s *Source) remember(a *address, err error) {
	now := s.o.Now()
	switch {
	case err == nil:
		a.failures, a.retryAt, a.last = 0, time.Time{}, nil
		a.rolled.Store(false)
		return
	case errors.Is(err, errLeft):
		a.retryAt, a.last = now.Add(leasePause), nil
		return
	}
	a.rolled.Store(errors.Is(err, errAnotherKey))
	pause := min(firstBackoff<<min(a.failures, 6), longBackoff)
	a.failures++
	a.failed.Add(1)
	a.last = err
	a.retryAt = now.Add(time.Duration(float64(pause) * (0.75 + rand.Float64()/4)))
	s.o.Log.Warn("revocation list not renewed", "url", a.url, "error", err.Error(), "failures", a.failures, "retry", a.retryAt)
}

// deserves says why a list may not become the held one. Only the flight of an address calls it.
func (s *Source) deserves(a *address, l *List, check func(*List) error) error {
	if err := check(l); err != nil {
		return fmt.Errorf("the list does not pass: %w", err)
	}
	if l.ThisUpdate.After(s.o.Now().Add(skew)) {
		return fmt.Errorf("the list is of the future, %s", l.ThisUpdate.UTC().Format(time.RFC3339))
	}
	last, known := a.seen[signerOf(l)]
	switch {
	case known && older(l, last):
		return errors.New("the list is older than one already seen from there")
	case !known && len(a.seen) == maxMarks:
		return errors.New("too many keys have signed lists there")
	}
	return nil
}

// signerOf is the digest of the key that a check, just now, found the list signed under.
func signerOf(l *List) (id [32]byte) {
	if v := l.verified.Load(); v != nil {
		id = v.id
	}
	return id
}

// adopt makes a list the held one, if it deserves it. Only the flight of an address calls it.
func (s *Source) adopt(a *address, l *List, from arrival, check func(*List) error) error {
	held := a.held.Load()
	if held != nil && held.list.same(l) {
		l = held.list // the same again: indexed, and its signature known
	}
	if err := s.deserves(a, l, check); err != nil {
		return err
	}
	id, now := signerOf(l), mark{number: l.Number, thisUpdate: l.ThisUpdate}
	if last, known := a.seen[id]; !known || precedes(last, now) {
		a.seen[id] = now
		if s.folder != nil {
			if err := s.folder.remember(a.url, a.seen); err != nil {
				s.o.Log.Warn("how new the lists are is not kept", "url", a.url, "error", err.Error())
			}
		}
	}
	f := &fetched{list: l, arrival: from}
	if held != nil && held.list == l {
		if from.at.Before(held.at) {
			return nil
		}
		f.leaves, f.origin = held.leaves, held.origin
		if f.etag == "" && f.modified == "" {
			f.etag, f.modified, f.address = held.etag, held.modified, held.address
		}
	} else {
		s.o.Log.Info("revocation list", "url", a.url, "from", from.origin, "number", numberOf(l), "entries", l.Entries, "nextUpdate", l.NextUpdate)
	}
	f.due = s.dueAt(f)
	a.held.Store(f)
	return nil
}

// older: RFC 5280 §5.2.3, the number grows with every list of a scope; thisUpdate says the same where there is none.
func older(l *List, than mark) bool { return precedes(mark{l.Number, l.ThisUpdate}, than) }

func precedes(m, than mark) bool {
	if m.number != nil && than.number != nil && m.number.Cmp(than.number) < 0 {
		return true
	}
	return m.thisUpdate.Before(than.thisUpdate)
}

func numberOf(l *List) string {
	if l.Number == nil {
		return ""
	}
	return l.Number.String()
}
