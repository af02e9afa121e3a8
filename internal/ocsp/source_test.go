// SPDX-License-Identifier: Apache-2.0

package ocsp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"rastau/internal/cache"
	"rastau/internal/fetch"
	"rastau/internal/ocsp"
	"rastau/internal/testpki"
	"rastau/internal/testredis"
	"rastau/internal/trust"
)

var sourceKey = []byte("0123456789abcdef0123456789abcdef")

// desk is a real responder whose answers a test chooses, and a clock.
type desk struct {
	scene
	url   string
	asked atomic.Int64
	mu    sync.Mutex
	ahead time.Duration
	o     testpki.OCSPOptions
	down  bool
	slow  time.Duration
	log   bytes.Buffer
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	d := &desk{scene: newScene(t)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		d.asked.Add(1)
		d.mu.Lock()
		o, down, slow := d.o, d.down, d.slow
		d.mu.Unlock()
		time.Sleep(slow)
		if down {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		if o.ThisUpdate.IsZero() {
			o.ThisUpdate = d.now()
		}
		der, err := d.ca.OCSP(d.leaf.Certificate, o)
		if err != nil {
			t.Error(err)
		}
		_, _ = w.Write(der)
	}))
	t.Cleanup(server.Close)
	d.url = server.URL
	return d
}

func (d *desk) now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return noon.Add(d.ahead)
}

func (d *desk) set(change func(*desk)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d)
}

func (d *desk) move(by time.Duration) { d.set(func(d *desk) { d.ahead += by }) }

func (d *desk) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log.Write(p)
}

func (d *desk) logged(s string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Contains(d.log.String(), s)
}

func (d *desk) source(t testing.TB, o ocsp.SourceOptions) *ocsp.Source {
	t.Helper()
	web, err := fetch.New(fetch.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	o.Web, o.Now, o.Log = web, d.now, slog.New(slog.NewTextHandler(d, nil))
	return ocsp.NewSource(o)
}

// query is the question about the leaf, now.
func (d *desk) query() ocsp.Query {
	return ocsp.Query{Certificate: d.leaf.Certificate, Issuer: trust.AnchorOf(d.ca.Certificate), At: d.now()}
}

// want asks, judges the answer and compares; asked is how often the responder was asked since the beginning.
func (d *desk) want(t *testing.T, when string, s *ocsp.Source, status ocsp.Status, asked int64) {
	t.Helper()
	q := d.query()
	der, nonce, err := s.Ask(t.Context(), d.url, q)
	if err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	q.Nonce = nonce
	if a := ocsp.Judge(der, q); a.Usable != ocsp.Yes || a.Status != status {
		t.Fatalf("%s: want %s, got %+v", when, status, a)
	}
	if n := d.asked.Load(); n != asked {
		t.Fatalf("%s: the responder was asked %d times, not %d", when, n, asked)
	}
}

func TestSourceGivesAnswersAgain(t *testing.T) {
	d := newDesk(t)
	s := d.source(t, ocsp.SourceOptions{Cap: 10 * time.Minute})
	d.want(t, "at first", s, ocsp.StatusGood, 1)
	d.move(9 * time.Minute)
	d.want(t, "within the cap", s, ocsp.StatusGood, 1)
	d.set(func(d *desk) { d.o.Status = "revoked" })
	d.move(2 * time.Minute)
	d.want(t, "after the cap", s, ocsp.StatusRevoked, 2)
	d.want(t, "again", s, ocsp.StatusRevoked, 2)

	d.move(11 * time.Minute)
	d.set(func(d *desk) { d.o = testpki.OCSPOptions{NextUpdate: noon.Add(d.ahead + time.Minute)} })
	d.want(t, "nextUpdate in a minute", s, ocsp.StatusGood, 3)
	d.move(30 * time.Second)
	d.want(t, "before it", s, ocsp.StatusGood, 3)
	d.move(time.Minute)
	d.set(func(d *desk) { d.o = testpki.OCSPOptions{NoNextUpdate: true} })
	d.want(t, "past it", s, ocsp.StatusGood, 4)
	d.want(t, "without nextUpdate there is always a newer one", s, ocsp.StatusGood, 5)

	d.set(func(d *desk) { d.o = testpki.OCSPOptions{} })
	d.want(t, "kept again", s, ocsp.StatusGood, 6)
	d.move(5 * time.Minute)
	q := d.query()
	q.MaxAge = time.Minute
	if _, _, err := s.Ask(t.Context(), d.url, q); err != nil || d.asked.Load() != 7 {
		t.Errorf("an answer too old for the question is asked for anew: %v, %d", err, d.asked.Load())
	}
	never := d.source(t, ocsp.SourceOptions{Cap: -1})
	d.want(t, "never again", never, ocsp.StatusGood, 8)
	d.want(t, "never again", never, ocsp.StatusGood, 9)
	if c := s.Counts(); c.Asked != 7 || c.Again != 3 || c.Failed != 0 {
		t.Errorf("%+v", c)
	}
}

// What is not usable is given to the caller, who says why, and to nobody else later.
func TestSourceKeepsNoBadAnswer(t *testing.T) {
	d := newDesk(t)
	s := d.source(t, ocsp.SourceOptions{})
	for name, o := range map[string]testpki.OCSPOptions{
		"of another issuer": {WrongIssuer: d.other}, "another nonce": {Nonce: []byte("not the one that was sent .......")},
		"stale": {ThisUpdate: noon.Add(-2 * time.Hour), NextUpdate: noon.Add(-time.Hour)},
	} {
		d.set(func(d *desk) { d.o = o })
		before := d.asked.Load()
		for range 2 {
			q := d.query()
			der, nonce, err := s.Ask(t.Context(), d.url, q)
			q.Nonce = nonce
			if err != nil || ocsp.Judge(der, q).Usable == ocsp.Yes {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := d.asked.Load() - before; n != 2 {
			t.Errorf("%s: asked %d times", name, n)
		}
	}
}

func TestSourceAsksOnceForAThousand(t *testing.T) {
	d := newDesk(t)
	d.set(func(d *desk) { d.slow = 100 * time.Millisecond; d.o.NoNextUpdate = true })
	s := d.source(t, ocsp.SourceOptions{})
	var all sync.WaitGroup
	for range 1000 {
		all.Go(func() {
			if der, _, err := s.Ask(t.Context(), d.url, d.query()); err != nil || len(der) == 0 {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := d.asked.Load(); n > 2 { // who comes after the answer asks again
		t.Errorf("asked %d times", n)
	}
	ctx, leave := context.WithCancel(t.Context())
	leave()
	if _, _, err := s.Ask(ctx, d.url, d.query()); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestSourceLeavesTheDeadAlone(t *testing.T) {
	d := newDesk(t)
	s := d.source(t, ocsp.SourceOptions{})
	d.set(func(d *desk) { d.down = true })
	var last time.Duration
	for i := range 8 {
		_, _, err := s.Ask(t.Context(), d.url, d.query())
		var u *ocsp.UnavailableError
		if !errors.As(err, &u) || !errors.Is(err, ocsp.ErrUnavailable) || !u.RetryAt.After(d.now()) {
			t.Fatal(err)
		}
		pause := u.RetryAt.Sub(d.now())
		if pause > time.Minute || i > 0 && i < 6 && pause < last*5/4 {
			t.Errorf("pause %d: %s after %s", i, pause, last)
		}
		last = pause
		before := d.asked.Load()
		for range 10 {
			if _, _, err := s.Ask(t.Context(), d.url, d.query()); !errors.Is(err, ocsp.ErrUnavailable) {
				t.Fatal(err)
			}
		}
		if n := d.asked.Load(); n != before || n != int64(i+1) {
			t.Fatalf("asked %d times", n)
		}
		d.move(pause + time.Millisecond)
	}
	if !d.logged("OCSP responder does not answer") || s.Counts().Failed != 8 {
		t.Errorf("%+v", s.Counts())
	}
	d.set(func(d *desk) { d.down = false })
	d.want(t, "back", s, ocsp.StatusGood, 9)
}

// Processes share answers through Redis, and nobody else may put any there.
func TestSourceShares(t *testing.T) {
	server := testredis.Start(t)
	shared, err := cache.NewRedis(cache.RedisOptions{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = shared.Close() })
	d := newDesk(t)
	o := ocsp.SourceOptions{Shared: shared, Key: sourceKey, Cap: 10 * time.Minute}
	d.want(t, "the first process", d.source(t, o), ocsp.StatusGood, 1)
	second := d.source(t, o)
	d.want(t, "the second", second, ocsp.StatusGood, 1)
	d.want(t, "one with another key", d.source(t, ocsp.SourceOptions{Shared: shared, Key: []byte("another key of 32 octets .......")}), ocsp.StatusGood, 2)
	if !d.logged("OCSP answer in the cache refused") {
		t.Error("nothing in the log")
	}
	d.want(t, "one without a key", d.source(t, ocsp.SourceOptions{Shared: shared}), ocsp.StatusGood, 3)

	options, err := redis.ParseURL(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	intruder := redis.NewClient(options)
	defer intruder.Close()
	keys, err := intruder.Keys(t.Context(), "rastau:ocsp:*").Result()
	if err != nil || len(keys) != 1 {
		t.Fatal(keys, err)
	}
	d.want(t, "shared anew", d.source(t, ocsp.SourceOptions{Shared: shared, Key: sourceKey, Cap: 9 * time.Minute}), ocsp.StatusGood, 4)
	old, err := intruder.Get(t.Context(), keys[0]).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	d.move(11 * time.Minute)
	d.set(func(d *desk) { d.o.Status = "revoked" })
	d.want(t, "revoked", second, ocsp.StatusRevoked, 5)
	flipped := bytes.Clone(old)
	flipped[len(flipped)/2] ^= 1
	for what, value := range map[string][]byte{"an older one": old, "a changed one": flipped, "garbage": []byte("garbage")} {
		if err := intruder.Set(t.Context(), keys[0], value, time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
		d.want(t, what+", a process that knows", second, ocsp.StatusRevoked, d.asked.Load())
		d.want(t, what+", a process that starts", d.source(t, o), ocsp.StatusRevoked, d.asked.Load()+1)
	}
	server.Kill()
	d.want(t, "without Redis", d.source(t, o), ocsp.StatusRevoked, d.asked.Load()+1)
	d.want(t, "without Redis, the second", second, ocsp.StatusRevoked, d.asked.Load())
}

func ExampleSource() {
	p, _ := testpki.New(testpki.Options{Now: func() time.Time { return noon }, EC: true})
	leaf, _ := p.Root().Issue(testpki.Leaf{})
	responder := httptest.NewServer(p.Handler())
	defer responder.Close()
	web, _ := fetch.New(fetch.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	source := ocsp.NewSource(ocsp.SourceOptions{Web: web, Now: func() time.Time { return noon }})
	q := ocsp.Query{Certificate: leaf.Certificate, Issuer: trust.AnchorOf(p.Root().Certificate), At: noon}
	for range 3 {
		der, nonce, err := source.Ask(context.Background(), responder.URL+"/ocsp/"+p.Root().ID(), q)
		q.Nonce = nonce
		fmt.Println(ocsp.Judge(der, q).Status, err)
	}
	fmt.Printf("asked %d time\n", source.Counts().Asked)
	// Output:
	// good <nil>
	// good <nil>
	// good <nil>
	// asked 1 time
}
