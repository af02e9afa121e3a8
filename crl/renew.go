// SPDX-License-Identifier: Apache-2.0

package crl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"rastau/internal/fetch"
)

// renew looks in the folder, in the cache, then on the network. What is left to do when nobody waits any more it gives back.
func (s *Source) renew(ctx context.Context, a *address, check func(*List) error, ahead bool) (after func(), err error) {
	after = func() {}
	if s.o.Offline != "" {
		l, err := s.offline(ctx, a, check)
		if err == nil {
			err = s.adopt(a, l, arrival{at: s.o.Now(), origin: OriginOffline}, check)
		}
		if err == nil && !s.current(l) {
			err = fmt.Errorf("the folder's list is past its nextUpdate, %s", l.NextUpdate.UTC().Format(time.RFC3339))
		}
		return after, err
	}
	s.recall(a, check)
	due := func() bool { // the cache may have brought a list that another process fetched a while ago
		f := a.held.Load()
		return f == nil || !s.fresh(f) || ahead && !s.o.Now().Before(f.due) || check(f.list) != nil
	}
	s.share(ctx, a, check)
	if !due() {
		return s.keeping(a), nil
	}
	if s.o.Cache == nil {
		return s.fetchAny(ctx, a, check)
	}
	a.handed()
	release, mine, err := s.o.Cache.Lease(ctx, cacheKey(a.url)+":lease", min(max(2*s.o.Refresh, shortLease), longLease))
	switch {
	case err != nil: // no cache, no lease: each for itself
	case mine:
		if s.share(ctx, a, check); !due() { // filled between the first look and the lease
			release()
			return s.keeping(a), nil
		}
	default:
		if f := a.held.Load(); f != nil && s.current(f.list) {
			return after, errLeft
		}
		// Another process is fetching it. It may be slow, or dead: then we ask for ourselves.
		for end := time.Now().Add(leaseWait); time.Now().Before(end); {
			select {
			case <-ctx.Done():
				return after, ctx.Err()
			case <-time.After(leasePoll):
			}
			if s.share(ctx, a, check); !due() {
				return s.keeping(a), nil
			}
		}
	}
	after, err = s.fetchAny(ctx, a, check)
	store := after
	return func() { store(); release() }, err
}

// handed waits until the list before this one is handed on: so long the lease may still be this process's own.
func (a *address) handed() {
	a.handing.Lock()
	defer a.handing.Unlock()
}

// recall takes back what an earlier process kept, once.
func (s *Source) recall(a *address, check func(*List) error) {
	if s.folder == nil || a.loaded {
		return
	}
	a.loaded = true
	marks, err := s.folder.marks(a.url)
	if err == nil {
		for id, m := range marks {
			a.seen[id] = m
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		s.o.Log.Warn("how new the lists were is not known", "url", a.url, "error", err.Error())
	}
	began := time.Now()
	l, c, err := s.folder.load(a.url, s.o.Limits, func(l *List) {
		s.o.Log.Error("revocation list in the folder is damaged and dropped", "url", a.url, "error", ErrDamaged.Error())
		a.refused.Add(1)
		s.folder.drop(a.url)
		if f := a.held.Load(); f != nil && f.list == l {
			a.held.CompareAndSwap(f, nil)
		}
	})
	if err == nil {
		err = s.adopt(a, l, arrival{at: s.past(c.Fetched), origin: OriginFolder, etag: c.ETag, modified: c.LastModified, address: c.From, leaves: c.Leaves}, check)
	}
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		a.refused.Add(1)
		s.o.Log.Warn("revocation list in the folder refused", "url", a.url, "error", err.Error())
	default:
		s.o.Log.Debug("revocation list taken from the folder", "url", a.url, "took", time.Since(began))
	}
}

// fetchAny asks the address, then its mirrors, for a list that is good now.
func (s *Source) fetchAny(ctx context.Context, a *address, check func(*List) error) (after func(), err error) {
	after = func() {}
	var all []error
	for _, url := range append([]string{a.url}, s.o.Mirrors[a.url]...) {
		was := a.held.Load()
		err := s.download(ctx, a, url, check)
		if f := a.held.Load(); err == nil && !s.current(f.list) {
			err = fmt.Errorf("the server's list is past its nextUpdate, %s", f.list.NextUpdate.UTC().Format(time.RFC3339))
		}
		if err == nil {
			fresh := was == nil || was.list != a.held.Load().list
			return func() {
				ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTime)
				defer cancel()
				s.digest(a)
				s.publish(ctx, a)
				if fresh {
					s.keep(a)
				}
			}, nil
		}
		if url != a.url {
			err = fmt.Errorf("mirror %s: %w", url, err)
		}
		all = append(all, err)
		if ctx.Err() != nil {
			break
		}
	}
	return after, errors.Join(all...)
}

// download asks one server and makes its list the held one.
func (s *Source) download(ctx context.Context, a *address, url string, check func(*List) error) error {
	if s.o.Fetch == nil {
		return errors.New("there is no network")
	}
	s.o.OnFetch(url)
	a.downloads.Add(1)
	from := arrival{origin: OriginNetwork, address: url}
	opener, ok := s.o.Fetch.(Opener)
	if !ok {
		der, err := s.o.Fetch.Get(ctx, url, s.o.Limits.Bytes)
		if err != nil {
			return err
		}
		from.at = s.o.Now()
		return s.take(a, der, from, check)
	}
	ask := fetch.Ask{Max: s.o.Limits.Bytes}
	held := a.held.Load()
	if held != nil && held.address == url && s.current(held.list) {
		ask.ETag, ask.LastModified = held.etag, held.modified
	}
	answer, err := opener.Open(ctx, url, ask)
	if err != nil {
		return err
	}
	if answer.NotModified {
		from.at, from.etag, from.modified = s.o.Now(), ask.ETag, ask.LastModified
		return s.adopt(a, held.list, from, check)
	}
	defer answer.Body.Close()
	var in io.Reader = answer.Body
	var copied *copying
	if s.folder != nil && (answer.Size < 0 || answer.Size > maxRaw) {
		copied = s.folder.copying(a.url, in)
		defer copied.discard() // what was not settled
		in = copied
	}
	l, err := Read(ctx, in, s.o.Limits)
	if err != nil {
		return err
	}
	from.at, from.etag, from.modified = s.o.Now(), answer.ETag, answer.LastModified
	if held != nil && held.list.same(l) {
		return s.refusing(a, s.adopt(a, held.list, from, check))
	}
	if err := s.deserves(a, l, check); err != nil {
		return s.refusing(a, err)
	}
	if name := ""; copied != nil && l.Raw == nil {
		if name = s.folder.name(a.url, ".crl"); copied.settle(name) {
			l.file = name
		}
	}
	return s.refusing(a, s.adopt(a, l, from, check))
}

// take makes bytes from outside the held list, if they deserve it.
func (s *Source) take(a *address, der []byte, from arrival, check func(*List) error) error {
	if held := a.held.Load(); held != nil && held.list.Raw != nil && string(held.list.Raw) == string(der) {
		return s.adopt(a, held.list, from, check)
	}
	l, err := Parse(der, s.o.Limits)
	if err != nil {
		return err
	}
	return s.refusing(a, s.adopt(a, l, from, check))
}

// refusing counts a list that came and was not taken.
func (s *Source) refusing(a *address, err error) error {
	if err != nil {
		a.refused.Add(1)
	}
	return err
}

// digest makes the digests of what is kept of the held list elsewhere, once for each list.
func (s *Source) digest(a *address) {
	f := a.held.Load()
	if f == nil || f.leaves != nil || len(s.o.Key) == 0 && s.folder == nil {
		return
	}
	with := *f
	with.leaves = leavesOf(bodyOf(f.list))
	a.held.CompareAndSwap(f, &with)
}

// keeping keeps a list that came from the cache, where the folder has another.
func (s *Source) keeping(a *address) func() {
	f := a.held.Load()
	if s.folder == nil || f == nil || f.origin != OriginCache {
		return func() {}
	}
	return func() {
		if in, err := os.Open(s.folder.name(a.url, ".index")); err == nil {
			c, _, err := s.folder.card(in, a.url)
			_ = in.Close()
			if err == nil && f.list.named(c.SHA256) {
				return
			}
		}
		s.digest(a)
		s.keep(a)
	}
}

// keep leaves the held list to the next process.
func (s *Source) keep(a *address) {
	f := a.held.Load()
	if s.folder == nil || f == nil || f.leaves == nil {
		return
	}
	if err := s.folder.keep(a.url, f); err != nil {
		s.o.Log.Warn("revocation list not kept", "url", a.url, "error", err.Error())
	}
}
