// SPDX-License-Identifier: Apache-2.0

package crl_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rastau/crl"
	"rastau/internal/cache"
	"rastau/internal/fetch"
	"rastau/internal/pki"
	"rastau/internal/testredis"
)

var sealKey = []byte("0123456789abcdef0123456789abcdef")

// journal keeps what was logged.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

func (j *journal) has(s string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Contains(j.b.String(), s)
}

func (j *journal) log() *slog.Logger { return slog.New(slog.NewTextHandler(j, nil)) }

// faulty stands before a server and does to its answers what a bad network does.
type faulty struct {
	URL  string
	mode atomic.Pointer[string]
	to   string
}

// newFaulty starts a listener that passes everything on to an address, but for: "down" (refuses), "hang" (takes, says
// nothing), "cut" (ends after 600 octets of an answer), "slow" (an octet at a time).
func newFaulty(t testing.TB, to string) *faulty {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &faulty{URL: ln.Addr().String(), to: to}
	f.set("")
	var open sync.Map
	t.Cleanup(func() {
		_ = ln.Close()
		open.Range(func(c, _ any) bool { _ = c.(net.Conn).Close(); return true })
	})
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			open.Store(c, true)
			go f.pass(c, &open)
		}
	}()
	return f
}

func (f *faulty) set(mode string) { f.mode.Store(&mode) }

func (f *faulty) pass(c net.Conn, open *sync.Map) {
	defer open.Delete(c)
	defer c.Close()
	if *f.mode.Load() == "down" {
		return
	}
	up, err := net.Dial("tcp", f.to)
	if err != nil {
		return
	}
	defer up.Close()
	go func() { _, _ = io.Copy(up, c); _ = up.(*net.TCPConn).CloseWrite() }()
	b := make([]byte, 512)
	sent := 0
	for {
		n, err := up.Read(b)
		if err != nil {
			return
		}
		switch *f.mode.Load() {
		case "down":
			return
		case "hang":
			time.Sleep(3 * time.Second)
			return
		case "cut":
			if sent += n; sent > 600 {
				return
			}
		case "slow":
			for i := range n {
				if _, err := c.Write(b[i : i+1]); err != nil {
					return
				}
				time.Sleep(time.Millisecond)
			}
			continue
		}
		if _, err := c.Write(b[:n]); err != nil {
			return
		}
	}
}

// house is a Source with a clock, a log and a list server behind a fault injector.
type house struct {
	*wall
	*journal
	server  *listServer
	network *faulty
	url     string
	source  *crl.Source
	ca      *authority
	leaf    *pki.Certificate
}

func newHouse(t testing.TB, o crl.SourceOptions) *house {
	t.Helper()
	h := &house{wall: &wall{}, journal: &journal{}, server: newListServer(t), ca: newRoot(t, "CA")}
	h.leaf = h.ca.leaf(t, certOptions{serial: bigInt(0x1122334455667788)})
	h.network = newFaulty(t, strings.TrimPrefix(h.server.URL, "http://"))
	h.url = "http://" + h.network.URL + "/ca.crl"
	h.source = h.another(t, o)
	return h
}

// another is a Source of another process, or of the same after a restart.
func (h *house) another(t testing.TB, o crl.SourceOptions) *crl.Source {
	t.Helper()
	o.Now, o.Log = h.now, h.log()
	if o.Fetch == nil && o.Offline == "" {
		o.Fetch = impatient(t, 5*time.Second)
	}
	s := crl.NewSource(o)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// impatient is a guarded client that may ask this machine alone.
func impatient(t testing.TB, timeout time.Duration) *fetch.Client {
	t.Helper()
	web, err := fetch.New(fetch.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	return web
}

// list makes a list; with revoked the leaf stands on it.
func (h *house) list(t testing.TB, number int64, revoked bool) []byte {
	t.Helper()
	o := listOptions{number: number, this: h.now().Add(-time.Minute), next: h.now().Add(24 * time.Hour), entries: random(t, 50)}
	if revoked {
		o.entries = append(o.entries, entry(h.leaf, h.now().Add(-2*time.Hour), 1))
	}
	return h.ca.der(t, o)
}

// verdict asks a Source as the verifier does.
func (h *house) verdict(s *crl.Source) (crl.Status, error) {
	l, err := s.List(context.Background(), h.url, signedBy(h.ca.cert))
	if err != nil {
		return crl.Unknown, err
	}
	a := crl.Judge(context.Background(), crl.Query{
		Certificate: h.leaf, Issuer: h.ca.anchor(), IssuerCert: h.ca.cert, Anchor: h.ca.anchor(), Lists: []*crl.List{l}, At: h.now(),
	})
	return a.Status, nil
}

func (h *house) want(t testing.TB, when string, s *crl.Source, want crl.Status) {
	t.Helper()
	got, err := h.verdict(s)
	if got != want || (want == crl.Unknown) != (err != nil) {
		t.Fatalf("%s: want %s, got %s %v", when, want, got, err)
	}
}

// Whatever the list server does, the verdict stays right while the held list is current, is unknown after, and comes back
// by itself. State and log tell of it.
func TestFaultsOfTheListServer(t *testing.T) {
	for name, fault := range map[string]func(t *testing.T, h *house){
		"down": func(_ *testing.T, h *house) { h.network.set("down") },
		"hung": func(_ *testing.T, h *house) { h.network.set("hang") },
		"slow": func(_ *testing.T, h *house) {
			h.server.set(func(http.ResponseWriter, *http.Request) { time.Sleep(1500 * time.Millisecond) })
		},
		"cut in the middle": func(_ *testing.T, h *house) { h.network.set("cut") },
		"an error page": func(_ *testing.T, h *house) {
			h.server.set(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>sorry</html>")) })
		},
		"an empty body": func(_ *testing.T, h *house) { h.server.set(func(http.ResponseWriter, *http.Request) {}) },
		"an older list": func(t *testing.T, h *house) { h.server.bytes(h.list(t, 9, false)) },
		"a list of another CA": func(t *testing.T, h *house) {
			h.server.bytes(newRoot(t, "Other").der(t, listOptions{number: 99, next: h.now().Add(99 * time.Hour)}))
		},
		"redirected to loopback": func(_ *testing.T, h *house) {
			h.server.set(func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "http://127.0.0.2:1/", http.StatusFound)
			})
		},
		"redirected to a link-local address": func(_ *testing.T, h *house) {
			h.server.set(func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "http://169.254.169.254/latest/meta-data", http.StatusFound)
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, crl.SourceOptions{Fetch: impatient(t, 700*time.Millisecond)})
			h.server.bytes(h.list(t, 10, true))
			h.want(t, "at first", h.source, crl.Revoked)
			fault(t, h)
			h.move(2 * time.Hour)
			h.want(t, "during the fault", h.source, crl.Revoked)
			var st crl.State
			for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) { // a slow fetch outlasts the caller's patience
				if st = h.source.States()[0]; st.LastError != "" || time.Now().After(end) {
					break
				}
			}
			if st.LastError == "" || st.Failures == 0 || !st.RetryAt.After(h.now()) || st.Fresh || st.Number != "10" {
				t.Errorf("state %+v", st)
			}
			if !h.has("revocation list not renewed") {
				t.Error("nothing in the log")
			}
			h.move(24 * time.Hour)
			h.want(t, "past nextUpdate", h.source, crl.Unknown)
			h.network.set("")
			h.server.bytes(h.list(t, 11, true))
			h.move(2 * time.Minute)
			h.want(t, "after the fault", h.source, crl.Revoked)
			if st := h.source.States()[0]; st.LastError != "" || st.Number != "11" || !st.Fresh {
				t.Errorf("state after %+v", st)
			}
		})
	}
}

func TestMirror(t *testing.T) {
	h := newHouse(t, crl.SourceOptions{})
	mirror := newListServer(t)
	good := h.list(t, 3, true)
	mirror.bytes(good)
	s := h.another(t, crl.SourceOptions{Mirrors: map[string][]string{h.url: {"http://127.0.0.1:1/none", mirror.URL}}})
	h.network.set("down")
	h.want(t, "the mirror answers", s, crl.Revoked)
	h.network.set("")
	h.server.bytes(h.list(t, 2, false)) // the first address lags behind
	h.move(2 * time.Hour)
	h.want(t, "the first address is old", s, crl.Revoked)
	if st := s.States()[0]; st.LastError != "" || !st.Fresh {
		t.Errorf("%+v", st)
	}
}

// A list that did not change is not sent again.
func TestNotModified(t *testing.T) {
	h := newHouse(t, crl.SourceOptions{})
	der := h.list(t, 3, true)
	var full, short atomic.Int32
	h.server.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"three"`)
		if r.Header.Get("If-None-Match") == `"three"` {
			short.Add(1)
			w.WriteHeader(http.StatusNotModified)
			return
		}
		full.Add(1)
		_, _ = w.Write(der)
	})
	for range 3 {
		h.want(t, "unchanged", h.source, crl.Revoked)
		if st := h.source.States()[0]; !st.Fresh {
			t.Errorf("%+v", st)
		}
		h.move(2 * time.Hour)
	}
	if full.Load() != 1 || short.Load() != 2 {
		t.Errorf("%d whole answers, %d without a body", full.Load(), short.Load())
	}
}

func redisStore(t testing.TB, url string) *cache.Redis {
	t.Helper()
	r, err := cache.NewRedis(cache.RedisOptions{URL: url, Timeout: 500 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// settle waits until what a Source does after its answer is in Redis.
func settle(t testing.TB, store cache.Store, h *house) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if _, err := store.Get(context.Background(), crl.CacheKey(h.url)); err == nil {
			return
		}
	}
	t.Fatal("nothing in the cache")
}

// With a key the index itself goes through Redis, and nothing that anybody else writes there is taken.
func TestFaultsOfRedis(t *testing.T) {
	ctx := context.Background()
	sealed := func(store cache.Store) crl.SourceOptions { return crl.SourceOptions{Cache: store, Key: sealKey} }
	t.Run("shared", func(t *testing.T) {
		store := redisStore(t, testredis.Start(t).URL)
		h := newHouse(t, sealed(store))
		h.server.bytes(h.list(t, 10, true))
		h.want(t, "first process", h.source, crl.Revoked)
		settle(t, store, h)
		h.network.set("down")
		second := h.another(t, sealed(store))
		h.want(t, "second process", second, crl.Revoked)
		if st := second.States()[0]; st.Origin != crl.OriginCache || st.Downloads != 0 || st.Entries != 51 {
			t.Errorf("%+v", st)
		}
		l, err := second.List(ctx, h.url, signedBy(h.ca.cert))
		if err != nil {
			t.Fatal(err)
		}
		if der, err := l.DER(); err != nil || len(der) == 0 {
			t.Errorf("no evidence: %v", err)
		}
		stranger := h.another(t, crl.SourceOptions{Cache: store, Key: []byte("another key of 32 octets .......")})
		h.want(t, "a process with another key", stranger, crl.Unknown)
	})
	t.Run("down at start", func(t *testing.T) {
		server := testredis.Start(t)
		server.Kill()
		h := newHouse(t, sealed(redisStore(t, server.URL)))
		h.server.bytes(h.list(t, 10, true))
		h.want(t, "without Redis", h.source, crl.Revoked)
	})
	t.Run("killed in the middle", func(t *testing.T) {
		server := testredis.Start(t)
		store := redisStore(t, server.URL)
		h := newHouse(t, sealed(store))
		h.server.bytes(h.list(t, 10, true))
		h.want(t, "with Redis", h.source, crl.Revoked)
		server.Kill()
		h.move(2 * time.Hour)
		h.server.bytes(h.list(t, 11, true))
		h.want(t, "without", h.source, crl.Revoked)
		if st := h.source.States()[0]; st.Number != "11" {
			t.Errorf("%+v", st)
		}
	})
	t.Run("hung", func(t *testing.T) {
		server := testredis.Start(t)
		h := newHouse(t, sealed(redisStore(t, server.URL)))
		h.server.bytes(h.list(t, 10, true))
		server.Pause()
		began := time.Now()
		h.want(t, "hung", h.source, crl.Revoked)
		if d := time.Since(began); d > 5*time.Second {
			t.Errorf("took %s", d)
		}
		server.Resume()
	})
	t.Run("emptied", func(t *testing.T) {
		server := testredis.Start(t)
		store := redisStore(t, server.URL)
		h := newHouse(t, sealed(store))
		h.server.bytes(h.list(t, 10, true))
		h.want(t, "at first", h.source, crl.Revoked)
		settle(t, store, h)
		server.Flush()
		h.move(2 * time.Hour)
		h.want(t, "emptied", h.source, crl.Revoked)
		settle(t, store, h)
		h.network.set("down")
		h.want(t, "a new process", h.another(t, sealed(store)), crl.Revoked)
	})
	t.Run("an intruder", func(t *testing.T) {
		store := redisStore(t, testredis.Start(t).URL)
		h := newHouse(t, sealed(store))
		h.server.bytes(h.list(t, 10, false))
		h.want(t, "not yet revoked", h.source, crl.Good)
		settle(t, store, h)
		old, err := store.Get(ctx, crl.CacheKey(h.url))
		if err != nil {
			t.Fatal(err)
		}
		h.move(2 * time.Hour)
		h.server.bytes(h.list(t, 11, true))
		h.want(t, "revoked", h.source, crl.Revoked)
		var now []byte
		for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			if now, err = store.Get(ctx, crl.CacheKey(h.url)); err == nil && !bytes.Equal(now, old) {
				break
			}
		}
		flipped := bytes.Clone(now)
		flipped[len(flipped)/2] ^= 1
		for what, value := range map[string][]byte{
			"an older genuine index": old, "a forged card": flipped, "garbage": []byte("garbage"), "a list without a card": h.list(t, 12, false),
			"half a card": now[:len(now)/2],
		} {
			if err := store.Set(ctx, crl.CacheKey(h.url), value, time.Hour); err != nil {
				t.Fatal(err)
			}
			h.move(2 * time.Hour)
			h.network.set("down")
			h.want(t, what, h.source, crl.Revoked)
			h.network.set("")
			h.move(2 * time.Minute)
		}
		if st := h.source.States()[0]; st.Refused < 5 {
			t.Errorf("%d refused", st.Refused)
		}
		if !h.has("revocation list in the cache refused") {
			t.Error("nothing in the log")
		}
		// A genuine card whose index was changed.
		if err := store.Set(ctx, crl.CacheKey(h.url), now, time.Hour); err != nil {
			t.Fatal(err)
		}
		piece := crl.PieceKey(h.url, now, sealKey)
		body, err := store.Get(ctx, piece)
		if err != nil {
			t.Fatal(err)
		}
		body = bytes.Clone(body)
		body[len(body)/3] ^= 1
		if err := store.Set(ctx, piece, body, time.Hour); err != nil {
			t.Fatal(err)
		}
		h.network.set("down")
		h.want(t, "a changed index, nothing else at hand", h.another(t, sealed(store)), crl.Unknown)
		h.network.set("")
		h.want(t, "a changed index", h.another(t, sealed(store)), crl.Revoked)
	})
}

// A list not yet there, a thousand at once: one download.
func TestOneDownloadForAThousand(t *testing.T) {
	store := redisStore(t, testredis.Start(t).URL)
	h := newHouse(t, crl.SourceOptions{Cache: store, Key: sealKey})
	der := h.list(t, 1, true)
	h.server.set(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(100 * time.Millisecond)
		_, _ = w.Write(der)
	})
	other := h.another(t, crl.SourceOptions{Cache: store, Key: sealKey})
	var wg sync.WaitGroup
	for i := range 1000 {
		wg.Go(func() {
			s := h.source
			if i%2 == 1 {
				s = other
			}
			if got, err := h.verdict(s); got != crl.Revoked {
				t.Errorf("%s %v", got, err)
			}
		})
	}
	wg.Wait()
	if n := h.server.asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}
