// SPDX-License-Identifier: Apache-2.0

package ocsp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync"
	"time"

	"rastau/internal/cache"
	"rastau/internal/pki"
	"rastau/internal/trust"
)

// CacheOptions of NewCache.
type CacheOptions struct {
	Store cache.Store      // Required. Where answers lie: memory, or Redis for several processes.
	Now   func() time.Time // Optional. If nil, time.Now.
	// Cap is how long an answer is kept at most. Optional. If zero, 1 h.
	Cap time.Duration
	// Failed is how long a responder that failed is not asked again about a certificate. Optional. If zero, 10 s.
	Failed time.Duration
}

const (
	defaultCap    = time.Hour
	defaultFailed = 10 * time.Second
	maxFlights    = 1 << 16
)

// Cache keeps responses until their nextUpdate, at most for a while, and asks about one certificate once at a time. What
// comes out of it is as untrusted as what comes from the network: a responder signed it, Judge finds out. Only a response
// that Judge called usable is kept, and what was kept is judged again each time it is taken, so that whoever writes to the
// store can make an answer missing, never good. A response without nextUpdate is of its moment and not kept.
//
// Nonces and a cache exclude each other (RFC 9654 §1): a caller who wants a fresh answer asks the responder itself.
// Safe for concurrent use.
type Cache struct {
	o CacheOptions

	mu      sync.Mutex
	flights map[string]*flight
	failed  map[string]failure
}

type flight struct {
	done chan struct{}
	der  []byte
	err  error
}

type failure struct {
	until time.Time
	err   error
}

// NewCache makes a Cache.
func NewCache(o CacheOptions) *Cache {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Cap <= 0 {
		o.Cap = defaultCap
	}
	if o.Failed <= 0 {
		o.Failed = defaultFailed
	}
	return &Cache{o: o, flights: make(map[string]*flight), failed: make(map[string]failure)}
}

// answerKey names an answer: the responder's address, the issuer's key and name, the serial number.
func answerKey(url string, cert *pki.Certificate, issuer trust.Anchor) string {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(url), issuer.Key.Raw, cert.Issuer.Raw, cert.Serial.Bytes()} {
		sum := sha256.Sum256(part)
		h.Write(sum[:])
	}
	return "ocsp:" + hex.EncodeToString(h.Sum(nil))
}

// Get answers the response for q.Certificate: a kept one that q still finds usable, else what ask brings, which is called
// once however many wait for it and goes on when its first caller leaves. A response that is not usable is handed on, for it
// says why, but not kept. Errors: those of ask, also for a while after it failed; the context's own.
func (c *Cache) Get(ctx context.Context, url string, q Query, ask func(context.Context) ([]byte, error)) ([]byte, error) {
	if q.Certificate == nil || q.Certificate.Serial == nil {
		return nil, errors.New("no certificate to ask about")
	}
	key := answerKey(url, q.Certificate, q.Issuer)
	if der, err := c.o.Store.Get(ctx, key); err == nil && len(der) <= MaxResponse && Judge(der, q).Usable == Yes {
		return der, nil
	}
	f, err := c.begin(ctx, key, q, ask)
	if err != nil {
		return nil, err
	}
	select {
	case <-f.done:
		return f.der, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// begin joins or starts the one question about a certificate.
func (c *Cache) begin(ctx context.Context, key string, q Query, ask func(context.Context) ([]byte, error)) (*flight, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.flights[key]; f != nil {
		return f, nil
	}
	now := c.o.Now()
	if last, known := c.failed[key]; known {
		if now.Before(last.until) {
			return nil, last.err
		}
		delete(c.failed, key)
	}
	f := &flight{done: make(chan struct{})}
	c.flights[key] = f
	go func() {
		ctx := context.WithoutCancel(ctx)
		f.der, f.err = ask(ctx)
		if f.err == nil {
			c.keep(ctx, key, f.der, q)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.flights, key)
		if f.err != nil {
			if len(c.failed) >= maxFlights { // more than anybody asks for: start anew rather than grow
				clear(c.failed)
			}
			c.failed[key] = failure{c.o.Now().Add(c.o.Failed), f.err}
		}
		close(f.done)
	}()
	return f, nil
}

// keep stores a usable response until it is of no use.
func (c *Cache) keep(ctx context.Context, key string, der []byte, q Query) {
	a := Judge(der, q)
	if a.Usable != Yes || a.NextUpdate.IsZero() {
		return
	}
	ttl := min(a.NextUpdate.Sub(c.o.Now()), c.o.Cap)
	if ttl <= 0 {
		return
	}
	_ = c.o.Store.Set(ctx, key, der, ttl) // not kept is asked again
}
