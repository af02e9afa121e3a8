// SPDX-License-Identifier: Apache-2.0

package ocsp_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rastau/internal/cache"
	"rastau/internal/ocsp"
	"rastau/internal/testpki"
)

const responder = "http://ocsp.example/"

// recording notes how long each answer was to be kept.
type recording struct {
	cache.Store
	ttl atomic.Int64
}

func (r *recording) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	r.ttl.Store(int64(ttl))
	return r.Store.Set(ctx, key, value, ttl)
}

func TestCache(t *testing.T) {
	s := newScene(t)
	now := noon
	store := &recording{Store: cache.NewMemory(1 << 20)}
	c := ocsp.NewCache(ocsp.CacheOptions{Store: store, Now: func() time.Time { return now }})
	var asked atomic.Int32
	bring := func(o testpki.OCSPOptions) func(context.Context) ([]byte, error) {
		return func(context.Context) ([]byte, error) {
			asked.Add(1)
			time.Sleep(20 * time.Millisecond)
			return s.ca.OCSP(s.leaf.Certificate, o)
		}
	}
	get := func(o testpki.OCSPOptions) ocsp.Answer {
		t.Helper()
		der, err := c.Get(t.Context(), responder, s.query(), bring(o))
		if err != nil {
			t.Fatal(err)
		}
		return ocsp.Judge(der, s.query())
	}

	// Without nextUpdate an answer is of its moment; one that is not usable is not kept either.
	for name, o := range map[string]testpki.OCSPOptions{
		"no nextUpdate": {NoNextUpdate: true},
		"forged":        {Signer: s.issue(t, s.other, testpki.Leaf{}), NextUpdate: noon.Add(time.Hour)},
		"over":          {ThisUpdate: noon.Add(-2 * time.Hour), NextUpdate: noon.Add(-time.Hour)},
	} {
		before := asked.Load()
		get(o)
		get(o)
		if asked.Load() != before+2 {
			t.Errorf("%s: asked %d times of 2", name, asked.Load()-before)
		}
	}

	// A thousand at once: one question.
	before := asked.Load()
	var wg sync.WaitGroup
	for range 1000 {
		wg.Go(func() {
			if a := get(testpki.OCSPOptions{NextUpdate: noon.Add(30 * time.Minute)}); a.Usable != ocsp.Yes || a.Status != ocsp.StatusGood {
				t.Errorf("%+v", a)
			}
		})
	}
	wg.Wait()
	if asked.Load() != before+1 {
		t.Errorf("asked %d times for a thousand", asked.Load()-before)
	}
	if ttl := time.Duration(store.ttl.Load()); ttl != 30*time.Minute {
		t.Errorf("kept for %s", ttl)
	}

	// The cap.
	other := s.issue(t, s.ca, testpki.Leaf{})
	q := s.query()
	q.Certificate = other.Certificate
	ask := func(context.Context) ([]byte, error) {
		return s.ca.OCSP(other.Certificate, testpki.OCSPOptions{NextUpdate: noon.Add(100 * time.Hour)})
	}
	if _, err := c.Get(t.Context(), responder, q, ask); err != nil || time.Duration(store.ttl.Load()) != time.Hour {
		t.Errorf("kept for %s, %v", time.Duration(store.ttl.Load()), err)
	}
}

// Whoever can write to the store makes an answer missing, not good.
func TestCacheIntruder(t *testing.T) {
	s := newScene(t)
	forged := s.answer(t, testpki.OCSPOptions{Signer: s.issue(t, s.other, testpki.Leaf{}), NextUpdate: noon.Add(time.Hour)})
	for name, value := range map[string][]byte{"forged": forged, "garbage": []byte("garbage"), "empty": {}} {
		c := ocsp.NewCache(ocsp.CacheOptions{Store: always(value), Now: func() time.Time { return noon }})
		der, err := c.Get(t.Context(), responder, s.query(), func(context.Context) ([]byte, error) {
			return s.ca.OCSP(s.leaf.Certificate, testpki.OCSPOptions{Status: "revoked"})
		})
		if err != nil || ocsp.Judge(der, s.query()).Status != ocsp.StatusRevoked {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// always is a store in which the same value stands everywhere.
type always []byte

func (a always) Get(context.Context, string) ([]byte, error)              { return a, nil }
func (a always) Set(context.Context, string, []byte, time.Duration) error { return cache.ErrDown }
func (a always) Lease(context.Context, string, time.Duration) (func(), bool, error) {
	return func() {}, true, nil
}

// A responder that fails is left alone for a while; one who goes away takes nothing from the others.
func TestCacheFails(t *testing.T) {
	s := newScene(t)
	now := atomic.Int64{}
	c := ocsp.NewCache(ocsp.CacheOptions{Store: cache.NewMemory(1 << 20), Now: func() time.Time { return noon.Add(time.Duration(now.Load())) }})
	broken := errors.New("no answer")
	asked := 0
	fail := func(context.Context) ([]byte, error) { asked++; return nil, broken }
	for range 5 {
		if _, err := c.Get(t.Context(), responder, s.query(), fail); !errors.Is(err, broken) {
			t.Fatal(err)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	now.Store(int64(time.Minute))
	open := make(chan struct{})
	ctx, leave := context.WithCancel(t.Context())
	begun := make(chan struct{})
	slow := func(ctx context.Context) ([]byte, error) {
		close(begun)
		<-open
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return s.ca.OCSP(s.leaf.Certificate, testpki.OCSPOptions{})
	}
	first := make(chan error)
	go func() { _, err := c.Get(ctx, responder, s.query(), slow); first <- err }()
	<-begun
	second := make(chan error)
	go func() { _, err := c.Get(t.Context(), responder, s.query(), fail); second <- err }()
	leave()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	time.Sleep(20 * time.Millisecond) // the second has joined, or the test proves less
	close(open)
	if err := <-second; err != nil {
		t.Error(err)
	}
}
