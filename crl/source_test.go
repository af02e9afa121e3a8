// SPDX-License-Identifier: Apache-2.0

package crl_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rastau/crl"
	"rastau/internal/cache"
	"rastau/internal/fetch"
	"rastau/internal/pki"
)

// listServer serves what it is told to and counts how often it is asked.
type listServer struct {
	*httptest.Server
	asked atomic.Int32
	mu    sync.Mutex
	serve http.HandlerFunc
}

func newListServer(t testing.TB) *listServer {
	t.Helper()
	s := &listServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		s.mu.Lock()
		h := s.serve
		s.mu.Unlock()
		h(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *listServer) set(h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serve = h
}

func (s *listServer) bytes(b []byte) {
	s.set(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(b) })
}

func (s *listServer) down() {
	s.set(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "<html>busy</html>", http.StatusServiceUnavailable)
	})
}

// wall is a clock moved by hand, beginning at the time judged.
type wall struct{ by atomic.Int64 }

func (w *wall) now() time.Time       { return at.Add(time.Duration(w.by.Load())) }
func (w *wall) move(d time.Duration) { w.by.Add(int64(d)) }

func guarded(t testing.TB) *fetch.Client {
	t.Helper()
	c, err := fetch.New(fetch.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// signedBy is the check that callers give: the issuer's name and signature.
func signedBy(c *pki.Certificate) func(*crl.List) error {
	return func(l *crl.List) error {
		if !l.Issuer.Equal(c.Subject) {
			return errors.New("another issuer")
		}
		return l.VerifySignature(&c.PublicKey)
	}
}

func TestSourceDownloadsOnce(t *testing.T) {
	for name, store := range map[string]cache.Store{"alone": nil, "with a cache": cache.NewMemory(1 << 20)} {
		t.Run(name, func(t *testing.T) {
			ca := newRoot(t, "CA")
			server := newListServer(t)
			der := ca.der(t, listOptions{number: 3})
			server.set(func(w http.ResponseWriter, _ *http.Request) {
				time.Sleep(50 * time.Millisecond)
				_, _ = w.Write(der)
			})
			var counted atomic.Int32
			w := &wall{}
			s := crl.NewSource(crl.SourceOptions{Fetch: guarded(t), Cache: store, Now: w.now, OnFetch: func(string) { counted.Add(1) }})
			var wg sync.WaitGroup
			for range 1000 {
				wg.Go(func() {
					if l, err := s.List(context.Background(), server.URL, signedBy(ca.cert)); err != nil || l.Number.Int64() != 3 {
						t.Errorf("%v", err)
					}
				})
			}
			wg.Wait()
			if server.asked.Load() != 1 || counted.Load() != 1 {
				t.Errorf("asked %d times, counted %d", server.asked.Load(), counted.Load())
			}
			w.move(time.Hour + time.Second)
			for range 3 {
				if _, err := s.List(context.Background(), server.URL, signedBy(ca.cert)); err != nil {
					t.Error(err)
				}
			}
			if server.asked.Load() != 2 {
				t.Errorf("after an hour: asked %d times", server.asked.Load())
			}
			st := s.States()
			if len(st) != 1 || st[0].URL != server.URL || st[0].Number != "3" || !st[0].Fetched.Equal(w.now()) || st[0].LastError != "" {
				t.Errorf("%+v", st)
			}
		})
	}
}

// Nothing that a broken or hostile server answers replaces a good list, and a good one is taken again without a restart.
func TestSourceKeepsTheGoodList(t *testing.T) {
	ca, other := newRoot(t, "CA"), newRoot(t, "Other")
	leaf := ca.leaf(t, certOptions{})
	revoked := []x509.RevocationListEntry{entry(leaf, at.Add(-2*time.Hour), 1)}
	good := ca.der(t, listOptions{number: 10, entries: revoked})
	for name, bad := range map[string]http.HandlerFunc{
		"error":          func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"error page 200": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>sorry</html>")) },
		"empty":          func(http.ResponseWriter, *http.Request) {},
		"cut":            func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(good[:len(good)-10]) },
		"hung up": func(w http.ResponseWriter, _ *http.Request) {
			c, _, _ := w.(http.Hijacker).Hijack()
			_ = c.Close()
		},
		"of another CA":      serving(other.der(t, listOptions{number: 99})),
		"by another key":     serving(ca.der(t, listOptions{number: 99, signer: newRoot(t, "CA")})),
		"older number":       serving(ca.der(t, listOptions{number: 9, this: at.Add(-time.Minute)})),
		"older time":         serving(ca.der(t, listOptions{number: 11, this: at.Add(-2 * time.Hour)})),
		"of the future":      serving(ca.der(t, listOptions{number: 11, this: at.Add(200 * time.Hour), next: at.Add(300 * time.Hour)})),
		"over already":       serving(ca.der(t, listOptions{number: 8, this: at.Add(-300 * time.Hour), next: at.Add(-200 * time.Hour)})),
		"redirect elsewhere": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "http://[::1]:1/", http.StatusFound) },
	} {
		t.Run(name, func(t *testing.T) {
			server := newListServer(t)
			server.bytes(good)
			w := &wall{}
			var downloads atomic.Int32
			s := crl.NewSource(crl.SourceOptions{Fetch: guarded(t), Cache: cache.NewMemory(1 << 20), Now: w.now, OnFetch: func(string) { downloads.Add(1) }})
			ask := func() (*crl.List, error) { return s.List(context.Background(), server.URL, signedBy(ca.cert)) }
			still := func(when string) {
				t.Helper()
				l, err := ask()
				if err != nil {
					t.Fatalf("%s: %v", when, err)
				}
				if e, ok, _ := l.Lookup(ca.cert.Subject, leaf.Serial); !ok || e.Reason != 1 {
					t.Fatalf("%s: the revocation is gone", when)
				}
			}
			still("at first")
			server.set(bad)
			before := downloads.Load()
			w.move(2 * time.Hour)
			for range 5 {
				still("while the server fails")
			}
			if n := downloads.Load() - before; n != 1 {
				t.Errorf("asked %d times while it fails", n)
			}
			if st := s.States(); st[0].LastError == "" || !st[0].RetryAt.After(w.now()) {
				t.Errorf("%+v", st)
			}
			w.move(24 * time.Hour) // past nextUpdate: what cannot be renewed is no longer answered
			_, err := ask()
			var u *crl.UnavailableError
			if !errors.Is(err, crl.ErrUnavailable) || !errors.As(err, &u) || !u.RetryAt.After(w.now()) || u.RetryAt.After(w.now().Add(time.Minute)) {
				t.Fatalf("past nextUpdate: %v", err)
			}
			server.bytes(ca.der(t, listOptions{number: 12, this: w.now().Add(-time.Minute), next: w.now().Add(time.Hour), entries: revoked}))
			w.by.Store(int64(u.RetryAt.Sub(at)))
			still("after it came back")
		})
	}
}

func serving(b []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(b) }
}

func TestSourceBacksOff(t *testing.T) {
	server := newListServer(t)
	server.down()
	w := &wall{}
	s := crl.NewSource(crl.SourceOptions{Fetch: guarded(t), Now: w.now})
	var pauses []time.Duration
	for range 9 {
		_, err := s.List(context.Background(), server.URL, func(*crl.List) error { return nil })
		var u *crl.UnavailableError
		if !errors.As(err, &u) {
			t.Fatal(err)
		}
		before := server.asked.Load()
		for range 20 { // meanwhile nobody is asked
			if _, err := s.List(context.Background(), server.URL, func(*crl.List) error { return nil }); !errors.Is(err, crl.ErrUnavailable) {
				t.Fatal(err)
			}
		}
		if server.asked.Load() != before {
			t.Fatal("asked during the pause")
		}
		pauses = append(pauses, u.RetryAt.Sub(w.now()))
		w.by.Store(int64(u.RetryAt.Sub(at)))
	}
	if pauses[0] > time.Second || pauses[0] < 500*time.Millisecond || pauses[4] < 8*time.Second || pauses[8] > time.Minute || pauses[8] < 30*time.Second {
		t.Errorf("%v", pauses)
	}
}

// One who goes away takes nothing from those who wait for the same download.
func TestSourceCallerLeaves(t *testing.T) {
	ca := newRoot(t, "CA")
	server := newListServer(t)
	open := make(chan struct{})
	der := ca.der(t, listOptions{})
	server.set(func(w http.ResponseWriter, _ *http.Request) { <-open; _, _ = w.Write(der) })
	s := crl.NewSource(crl.SourceOptions{Fetch: guarded(t), Now: (&wall{}).now})
	ctx, cancel := context.WithCancel(context.Background())
	first := make(chan error)
	go func() {
		_, err := s.List(ctx, server.URL, signedBy(ca.cert))
		first <- err
	}()
	for server.asked.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	second := make(chan error)
	go func() {
		_, err := s.List(context.Background(), server.URL, signedBy(ca.cert))
		second <- err
	}()
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("the one who left: %v", err)
	}
	close(open)
	if err := <-second; err != nil {
		t.Errorf("the one who stayed: %v", err)
	}
}

// A slow server does not hold up a caller for whom a good list is there.
func TestSourceSlowServer(t *testing.T) {
	ca := newRoot(t, "CA")
	server := newListServer(t)
	server.bytes(ca.der(t, listOptions{}))
	w := &wall{}
	s := crl.NewSource(crl.SourceOptions{Fetch: guarded(t), Now: w.now})
	if _, err := s.List(context.Background(), server.URL, signedBy(ca.cert)); err != nil {
		t.Fatal(err)
	}
	open := make(chan struct{})
	defer close(open)
	server.set(func(http.ResponseWriter, *http.Request) { <-open })
	w.move(2 * time.Hour)
	began := time.Now()
	if _, err := s.List(context.Background(), server.URL, signedBy(ca.cert)); err != nil {
		t.Error(err)
	}
	if d := time.Since(began); d > 4*time.Second {
		t.Errorf("waited %s", d)
	}
}

// What one caller's check lets pass is still shown to the next one's.
func TestSourceChecksForEachCaller(t *testing.T) {
	ca, other := newRoot(t, "CA"), newRoot(t, "CA")
	server := newListServer(t)
	server.bytes(ca.der(t, listOptions{}))
	w := &wall{}
	s := crl.NewSource(crl.SourceOptions{Fetch: guarded(t), Now: w.now})
	for range 3 {
		if _, err := s.List(context.Background(), server.URL, signedBy(ca.cert)); err != nil {
			t.Error(err)
		}
		if _, err := s.List(context.Background(), server.URL, signedBy(other.cert)); !errors.Is(err, crl.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	}
}

// A caller who can be led to believe a forged list must not spoil the address for the others, nor open the way back to an
// older list.
func TestSourceIsNotPoisoned(t *testing.T) {
	ca, forger := newRoot(t, "CA"), newRoot(t, "CA")
	server := newListServer(t)
	w := &wall{}
	s := crl.NewSource(crl.SourceOptions{Fetch: guarded(t), Now: w.now})
	gullible := func(l *crl.List) error {
		if signedBy(ca.cert)(l) == nil {
			return nil
		}
		return signedBy(forger.cert)(l)
	}
	server.bytes(ca.der(t, listOptions{number: 5}))
	if _, err := s.List(context.Background(), server.URL, signedBy(ca.cert)); err != nil {
		t.Fatal(err)
	}
	w.move(2 * time.Hour)
	server.bytes(forger.der(t, listOptions{number: 1 << 60, this: w.now()}))
	if l, err := s.List(context.Background(), server.URL, gullible); err != nil || l.Number.Int64() != 1<<60 {
		t.Fatalf("%v", err)
	}
	server.bytes(ca.der(t, listOptions{number: 4, this: at.Add(-2 * time.Hour)}))
	if l, err := s.List(context.Background(), server.URL, signedBy(ca.cert)); err == nil {
		t.Errorf("an older list is taken: %s", l.Number)
	}
	w.move(2 * time.Minute)
	server.bytes(ca.der(t, listOptions{number: 6, this: at}))
	if l, err := s.List(context.Background(), server.URL, signedBy(ca.cert)); err != nil || l.Number.Int64() != 6 {
		t.Errorf("%v", err)
	}
}

func ExampleSource() {
	t := new(testing.T)
	ca := newRoot(t, "CA")
	der := ca.der(t, listOptions{number: 7})
	s := crl.NewSource(crl.SourceOptions{Fetch: fixed(der), Now: func() time.Time { return at }})
	l, err := s.List(context.Background(), "http://crl.example.kz/ca.crl", signedBy(ca.cert))
	fmt.Println(l.Number, l.Entries, err)
	// Output:
	// 7 0 <nil>
}

// fixed answers every address with the same bytes.
type fixed []byte

func (f fixed) Get(context.Context, string, int64) ([]byte, error) { return f, nil }
