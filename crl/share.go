// SPDX-License-Identifier: Apache-2.0

package crl

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"rastau/internal/cache"
)

// In the cache, with a key: under cacheKey the card, under cacheKey:DIGEST:N the body in pieces of 4 MB, DIGEST being of the
// body, so that pieces of two lists never mix. Without a key: under cacheKey the list itself, which its authority signed.

// pieceSize is what one value holds. The whole of a large index in one value would keep the server from answering anyone
// else meanwhile.
const pieceSize = 4 << 20

func cacheKey(url string) string {
	sum := sha256.Sum256([]byte(url))
	return "crl:" + hex.EncodeToString(sum[:])
}

func pieceKey(url string, leaves []byte, n int) string {
	root := rootOf(leaves)
	return fmt.Sprintf("%s:%x:%d", cacheKey(url), root[:12], n)
}

// share takes what another process left in the cache. It reports whether the held list is fresh then.
func (s *Source) share(ctx context.Context, a *address, check func(*List) error) bool {
	if s.o.Cache == nil {
		return false
	}
	value, err := s.o.Cache.Get(ctx, cacheKey(a.url))
	if err != nil {
		if errors.Is(err, cache.ErrMiss) {
			a.published.Store(nil) // emptied: the pieces are gone too
		}
		return false
	}
	if len(s.o.Key) > 0 {
		err = s.shareIndex(ctx, a, value, check)
	} else {
		var at time.Time
		var der []byte
		if at, der, err = unwrap(value); err == nil {
			err = s.take(a, der, arrival{at: s.past(at), origin: OriginCache}, check)
		}
	}
	if err != nil {
		a.refused.Add(1)
		if sum := sha256.Sum256(value); sum != a.bad { // what stays there is told of once
			a.bad = sum
			s.o.Log.Warn("revocation list in the cache refused", "url", a.url, "error", err.Error())
		}
		return false
	}
	f := a.held.Load()
	return f != nil && s.fresh(f)
}

// past: another clock, or somebody who wants an old list kept, may have written a time to come: it ages from now on.
func (s *Source) past(at time.Time) time.Time {
	if now := s.o.Now(); at.After(now) {
		return now
	}
	return at
}

func (s *Source) shareIndex(ctx context.Context, a *address, value []byte, check func(*List) error) error {
	c, err := openCard(s.o.Key, value, a.url)
	if err != nil {
		return err
	}
	from := arrival{at: s.past(c.Fetched), origin: OriginCache, etag: c.ETag, modified: c.LastModified, address: c.From, leaves: c.Leaves}
	if held := a.held.Load(); held != nil && held.list.named(c.SHA256) {
		return s.adopt(a, held.list, from, check)
	}
	l, err := c.outline()
	if err != nil {
		return err
	}
	if err := s.deserves(a, l, check); err != nil { // before its megabytes are fetched
		return err
	}
	if !c.fits(s.o.Limits) {
		return tooLarge("an index of %d bytes", c.Index)
	}
	body, m := allocate(int(c.Index + c.Raw))
	p, err := newProof(body, m, c.Leaves, func() {})
	if err != nil {
		return err
	}
	if err := s.gather(ctx, a.url, c, p); err != nil {
		return err
	}
	if err := c.attach(l, body, m, p); err != nil {
		return err
	}
	return s.adopt(a, l, from, check)
}

// gather fills a body with its pieces and checks each as it comes. Two are under way at a time: while one is hashed, the
// server sends the next.
func (s *Source) gather(ctx context.Context, url string, c *card, p *proof) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var next atomic.Int64
	take := func() {
		for ctx.Err() == nil {
			n := int(next.Add(1)) - 1
			from, to := n*pieceSize, min((n+1)*pieceSize, len(p.body))
			if from >= to {
				return
			}
			piece, err := s.o.Cache.Get(ctx, pieceKey(url, c.Leaves, n))
			switch {
			case errors.Is(err, cache.ErrMiss):
				err = errors.New("a piece of the index is gone")
			case err == nil && len(piece) != to-from:
				err = errors.New("a piece of the index is of another length")
			case err == nil:
				if copy(p.body[from:to], piece); !p.holds(from, to) {
					err = errors.New("the index is not the one of its card")
				}
			}
			if err != nil {
				stop(err)
			}
		}
	}
	var wg sync.WaitGroup
	wg.Go(take)
	take()
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	p.whole.Store(true)
	return nil
}

// publish leaves the held list to the others.
func (s *Source) publish(ctx context.Context, a *address) {
	f := a.held.Load()
	if s.o.Cache == nil || f == nil {
		return
	}
	l := f.list
	ttl := s.o.Refresh
	if !l.NextUpdate.IsZero() {
		ttl = l.NextUpdate.Sub(s.o.Now())
	}
	if ttl <= 0 {
		return
	}
	var err error
	switch {
	case len(s.o.Key) > 0:
		err = s.publishIndex(ctx, a, f, ttl)
	case l.Raw != nil:
		err = s.o.Cache.Set(ctx, cacheKey(a.url), wrap(f.at, l.Raw), ttl)
	}
	// Not shared is not lost: each process can ask for itself.
	if err != nil && (errors.Is(err, cache.ErrRefused) || !errors.Is(err, cache.ErrDown)) {
		s.o.Log.Warn("revocation list not shared", "url", a.url, "error", err.Error())
	}
}

func (s *Source) publishIndex(ctx context.Context, a *address, f *fetched, ttl time.Duration) error {
	defer runtime.KeepAlive(f)
	stretches := bodyOf(f.list)
	c := cardOf(a.url, f)
	if last := a.published.Load(); last == nil || *last != f.list.SHA256() {
		whole := slices.Concat(stretches...)
		if len(stretches) == 1 {
			whole = stretches[0]
		}
		n := 0
		for piece := range slices.Chunk(whole, pieceSize) {
			// The pieces outlive the card a little: whoever has just read it still finds them.
			if err := s.o.Cache.Set(ctx, pieceKey(a.url, c.Leaves, n), bytes.Clone(piece), ttl+time.Minute); err != nil {
				return err
			}
			n++
		}
	}
	value, err := c.seal(s.o.Key)
	if err != nil {
		return err
	}
	if err := s.o.Cache.Set(ctx, cacheKey(a.url), value, ttl); err != nil {
		return err
	}
	sum := f.list.SHA256()
	a.published.Store(&sum)
	return nil
}

// Without a key a list stands in the cache behind the time of its download, so that a list handed on is not young again:
// RFC 3339 in UTC, a line feed, DER.
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
