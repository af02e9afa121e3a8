// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"rastau/internal/identity"
	"rastau/internal/testpki"
	"rastau/internal/testredis"
)

// diary keeps what was logged.
type diary struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *diary) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

// has reports whether one line holds all the words.
func (j *diary) has(words ...string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
line:
	for line := range strings.Lines(j.b.String()) {
		for _, w := range words {
			if !strings.Contains(line, w) {
				continue line
			}
		}
		return true
	}
	return false
}

// faultWorld is an authority, its list server and a Redis, each behind a proxy that does what bad networks do, and a clock.
type faultWorld struct {
	*installation
	pki         *testpki.PKI
	ca          *testpki.CA
	path        string // of the authority's list
	good, other []byte // questions about a certificate that is good, and one that is revoked from the beginning
	later       func() // revokes the good one
	lists       *toxiproxy.Proxy
	server      atomic.Pointer[http.HandlerFunc] // answers for the authority's list
	downloads   atomic.Int64
	redis       *toxiproxy.Proxy
	real        *testredis.Server

	mu    sync.Mutex
	ahead time.Duration
}

func (w *faultWorld) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.ahead)
}

func (w *faultWorld) move(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ahead += d
}

// proxied starts a proxy before an address.
func proxied(t *testing.T, to string) *toxiproxy.Proxy {
	t.Helper()
	p := toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), t.Name(), "127.0.0.1:0", to)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p
}

// toxic adds a fault; the function returned takes it away.
func toxic(t *testing.T, p *toxiproxy.Proxy, kind string, attributes string) (heal func()) {
	t.Helper()
	if _, err := p.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(`{"type":%q,"name":"fault","attributes":{%s}}`, kind, attributes))); err != nil {
		t.Fatal(err)
	}
	return func() {
		p.Stop() // what hangs in it hangs no longer
		if err := p.Toxics.RemoveToxic(t.Context(), "fault"); err != nil {
			t.Error(err)
		}
		start(t, p)
	}
}

func start(t *testing.T, p *toxiproxy.Proxy) {
	t.Helper()
	if err := p.Start(); err != nil {
		t.Error(err)
	}
}

func newFaultWorld(t *testing.T) *faultWorld {
	t.Helper()
	w := &faultWorld{}
	w.pki = made(testpki.New(testpki.Options{Now: w.now, EC: true}))
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == w.path {
			w.downloads.Add(1)
			(*w.server.Load())(rw, r)
			return
		}
		_, _ = rw.Write(made(w.pki.Root().CRL(testpki.CRLOptions{NextUpdate: w.now().Add(24 * time.Hour)})))
	}))
	t.Cleanup(server.Close)
	w.lists = proxied(t, server.Listener.Addr().String())
	w.pki.SetBaseURL("http://" + w.lists.Listen)
	w.ca = made(w.pki.NewCA(""))
	w.path = "/crl/" + w.ca.ID() + ".crl"
	issue := func() ([]byte, func()) {
		c := made(w.ca.Issue(testpki.Leaf{NoOCSP: true, IIN: identity.NewIIN(time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC), true, 1)})).Certificate
		return made(json.Marshal(map[string]any{"certificate": c.Raw})), func() { w.ca.Revoke(c, w.now().Add(-30*time.Minute), 1) }
	}
	var revoke func()
	w.good, w.later = issue()
	w.other, revoke = issue()
	w.serve(w.list()) // an older one
	revoke()
	w.serve(w.list())
	w.real = testredis.Start(t)
	w.redis = proxied(t, w.real.Addr)
	w.installation = newInstallation(t, w.pki.Root(), w.ca)
	return w
}

// list is the authority's newest list, good for a day.
func (w *faultWorld) list() []byte {
	return made(w.ca.CRL(testpki.CRLOptions{NextUpdate: w.now().Add(24 * time.Hour)}))
}

func (w *faultWorld) serve(body []byte) {
	w.handle(func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write(body) })
}

func (w *faultWorld) handle(h http.HandlerFunc) { w.server.Store(&h) }

// service is one process's worth of the program, wired as `serve` does.
type service struct {
	*app
	w   *faultWorld
	url string
	log *diary
}

// service starts one; redis says whether it shares lists.
func (w *faultWorld) service(t *testing.T, redis bool) *service {
	t.Helper()
	s := &service{w: w, log: &diary{}}
	c := w.config(func(c *Config) {
		c.Database = fmt.Sprintf("rastau-%d.db", time.Now().UnixNano())
		if c.Lists.Poll = 100 * time.Millisecond; redis {
			c.Redis = "redis://" + w.redis.Listen + "/0"
		}
	})
	var err error
	if s.app, err = newApp(t.Context(), c, appOptions{Now: w.now, Log: slog.New(slog.NewTextHandler(s.log, nil))}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.Handler)
	t.Cleanup(func() {
		server.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	s.url = server.URL
	return s
}

func (s *service) get(t *testing.T, path string) (int, string) {
	t.Helper()
	answer, err := http.Get(s.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode, string(made(io.ReadAll(answer.Body)))
}

// metric reads one of the authority's list, or one without labels.
func (s *service) metric(t *testing.T, name string) float64 {
	t.Helper()
	_, text := s.get(t, "/metrics")
	m := regexp.MustCompile(`(?m)^` + name + `(?:\{url="[^"]*` + regexp.QuoteMeta(s.w.path) + `"\})? ([-+.0-9e]+)$`).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no metric %s in\n%s", name, text)
	}
	return made(strconv.ParseFloat(m[1], 64))
}

// verdict asks and answers INDICATION/SUB, and when to come back.
func (s *service) verdict(t *testing.T, question []byte) (verdict, retry string) {
	t.Helper()
	r := made(http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v1/certificates/verify", bytes.NewReader(question)))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+s.w.token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return "", ""
	}
	defer answer.Body.Close()
	var report struct{ Indication, SubIndication, RetryAfter string }
	if err := json.NewDecoder(answer.Body).Decode(&report); err != nil {
		t.Error(err)
	}
	return strings.TrimSuffix(report.Indication+"/"+report.SubIndication, "/"), report.RetryAfter
}

const (
	passed  = "TOTAL-PASSED"
	revoked = "TOTAL-FAILED/REVOKED"
	tryNow  = "INDETERMINATE/TRY_LATER"
)

func (s *service) want(t *testing.T, when string, good, other string) {
	t.Helper()
	for _, q := range []struct {
		what     string
		question []byte
		want     string
	}{{"the first", s.w.good, good}, {"the second", s.w.other, other}} {
		began := time.Now()
		got, retry := s.verdict(t, q.question)
		if got != q.want || (got == tryNow) != (retry != "") {
			t.Errorf("%s, %s certificate: want %s, got %s, retry %q", when, q.what, q.want, got, retry)
		}
		if d := time.Since(began); d > 45*time.Second {
			t.Errorf("%s, %s certificate: the answer took %s", when, q.what, d)
		}
	}
}

// soon waits until something comes true.
func soon(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(40 * time.Second); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: never", what)
		}
	}
}

// Whatever the list server does: while the list in hand is current the verdict stands on it, past its nextUpdate it is
// INDETERMINATE/TRY_LATER, and when the fault is over it is right again, without a restart. Metrics, readiness and log tell of it.
func TestFaultsOfTheListServer(t *testing.T) {
	stranger := made(net.Listen("tcp", "127.0.0.2:0")) // loopback, but not the address that is allowed
	var reached atomic.Int64
	go func() {
		for {
			c, err := stranger.Accept()
			if err != nil {
				return
			}
			reached.Add(1)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		_ = stranger.Close()
		if n := reached.Load(); n != 0 {
			t.Errorf("an address that must not be dialled was dialled %d times", n)
		}
	})
	redirect := func(w *faultWorld, to string) func() {
		w.handle(func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, to, http.StatusFound) })
		return func() {}
	}
	serve := func(w *faultWorld, body []byte) func() { w.serve(body); return func() {} }
	for name, fault := range map[string]struct {
		inject func(t *testing.T, w *faultWorld, older []byte) (heal func())
		log    string // besides that the list was not renewed
		slow   bool   // it answers in the end
	}{
		"down": {log: "refused", inject: func(t *testing.T, w *faultWorld, _ []byte) func() {
			w.lists.Stop()
			return func() { start(t, w.lists) }
		}},
		"slow": {slow: true, inject: func(t *testing.T, w *faultWorld, _ []byte) func() {
			return toxic(t, w.lists, "latency", `"latency":4000`)
		}},
		"hung": {log: "no answer", inject: func(t *testing.T, w *faultWorld, _ []byte) func() { return toxic(t, w.lists, "timeout", `"timeout":0`) }},
		"cut in the middle": {log: "EOF", inject: func(t *testing.T, w *faultWorld, _ []byte) func() {
			return toxic(t, w.lists, "limit_data", `"bytes":400`)
		}},
		"reset": {log: "no answer", inject: func(t *testing.T, w *faultWorld, _ []byte) func() {
			return toxic(t, w.lists, "reset_peer", `"timeout":0`)
		}},
		"an error page": {log: "malformed", inject: func(_ *testing.T, w *faultWorld, _ []byte) func() {
			return serve(w, []byte("<!doctype html><title>Техникалық жұмыстар</title>"))
		}},
		"an error status": {log: "503", inject: func(_ *testing.T, w *faultWorld, _ []byte) func() {
			w.handle(func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "sorry", http.StatusServiceUnavailable) })
			return func() {}
		}},
		"an empty body": {log: "malformed", inject: func(_ *testing.T, w *faultWorld, _ []byte) func() { return serve(w, nil) }},
		"half a list":   {log: "malformed", inject: func(_ *testing.T, w *faultWorld, older []byte) func() { return serve(w, older[:len(older)/2]) }},
		"an older list": {log: "older than one already seen", inject: func(_ *testing.T, w *faultWorld, older []byte) func() { return serve(w, older) }},
		"a list of another authority": {log: "does not pass", inject: func(_ *testing.T, w *faultWorld, _ []byte) func() {
			return serve(w, made(made(w.pki.NewCA("БАСҚА ОРТАЛЫҚ")).CRL(testpki.CRLOptions{NextUpdate: w.now().Add(100 * time.Hour)})))
		}},
		"a list under the authority's name by another key": {log: "does not pass", inject: func(_ *testing.T, w *faultWorld, _ []byte) func() {
			forger := made(made(w.pki.NewCA("БАСҚА ОРТАЛЫҚ")).Issue(testpki.Leaf{}))
			return serve(w, made(w.ca.CRL(testpki.CRLOptions{Signer: forger, NextUpdate: w.now().Add(100 * time.Hour)})))
		}},
		"a list of the future": {log: "of the future", inject: func(_ *testing.T, w *faultWorld, _ []byte) func() {
			return serve(w, made(w.ca.CRL(testpki.CRLOptions{ThisUpdate: w.now().Add(99 * time.Hour), NextUpdate: w.now().Add(100 * time.Hour)})))
		}},
		"a redirect to loopback": {log: "127.0.0.2", inject: func(_ *testing.T, w *faultWorld, _ []byte) func() {
			return redirect(w, "http://"+stranger.Addr().String()+"/")
		}},
		"a redirect to a link-local address": {log: "169.254.169.254", inject: func(_ *testing.T, w *faultWorld, _ []byte) func() {
			return redirect(w, "http://169.254.169.254/latest/meta-data/")
		}},
		"a redirect to a file": {log: "scheme", inject: func(_ *testing.T, w *faultWorld, _ []byte) func() { return redirect(w, "file:///etc/passwd") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFaultWorld(t)
			older := w.list() // no newer list will be older than this one: the served one was written before, so write another
			w.serve(w.list())
			s := w.service(t, false)
			s.want(t, "at first", passed, revoked)
			heal := fault.inject(t, w, older)
			w.move(2 * time.Hour)
			s.want(t, "during the fault", passed, revoked)
			if !fault.slow {
				soon(t, "the metric", func() bool {
					return s.metric(t, "rastau_crl_failing") == 1 && s.metric(t, "rastau_crl_failures_total") > 0
				})
				soon(t, "the log", func() bool { return s.log.has("revocation list not renewed", fault.log) })
				if s.metric(t, "rastau_crl_fresh") != 0 {
					t.Error("an old list passes for fresh")
				}
				w.move(23 * time.Hour)
				s.want(t, "past nextUpdate", tryNow, tryNow)
				if code, text := s.get(t, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(text, w.path) {
					t.Errorf("readiness: %d %s", code, text)
				}
			}
			heal()
			w.later()
			w.serve(w.list())
			if fault.slow {
				w.move(2 * time.Hour)
			}
			soon(t, "the right verdict after the fault", func() bool {
				w.move(time.Minute)
				got, _ := s.verdict(t, w.good)
				return got == revoked
			})
			s.want(t, "after the fault", revoked, revoked)
			soon(t, "the metric after the fault", func() bool { return s.metric(t, "rastau_crl_failing") == 0 && s.metric(t, "rastau_crl_fresh") == 1 })
			soon(t, "readiness after the fault", func() bool { code, _ := s.get(t, "/readyz"); return code == http.StatusOK })
		})
	}
}

// A thousand at once ask about a list that is not yet there: it is downloaded once.
func TestOneDownloadForAThousandRequests(t *testing.T) {
	w := newFaultWorld(t)
	list := w.list()
	w.handle(func(rw http.ResponseWriter, _ *http.Request) {
		time.Sleep(300 * time.Millisecond)
		_, _ = rw.Write(list)
	})
	s := w.service(t, true)
	if n := w.downloads.Load(); n != 0 {
		t.Fatalf("the list was asked for %d times before anybody asked", n)
	}
	var all sync.WaitGroup
	for i := range 1000 {
		all.Go(func() {
			question, want := w.good, passed
			if i%2 == 1 {
				question, want = w.other, revoked
			}
			if got, _ := s.verdict(t, question); got != want {
				t.Errorf("want %s, got %s", want, got)
			}
		})
	}
	all.Wait()
	if n := w.downloads.Load(); n != 1 {
		t.Errorf("%d downloads", n)
	}
	if n := s.metric(t, "rastau_crl_downloads_total"); n != 1 {
		t.Errorf("the metrics count %v downloads", n)
	}
}

// An address in a certificate is asked only once the certificate's path leads to an anchor: else anybody could send the service
// wherever he likes.
func TestNobodyIsAskedWithoutAPath(t *testing.T) {
	w := newFaultWorld(t)
	s := w.service(t, false)
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer server.Close()
	stranger := made(testpki.New(testpki.Options{Now: w.now, EC: true}))
	stranger.SetBaseURL(server.URL)
	ca := made(stranger.NewCA(""))
	for _, l := range []testpki.Leaf{{}, {NoOCSP: true}, {NoCRL: true}} {
		question := made(json.Marshal(map[string]any{"certificate": made(ca.Issue(l)).Certificate.Raw}))
		if got, _ := s.verdict(t, question); got != "INDETERMINATE/NO_CERTIFICATE_CHAIN_FOUND" {
			t.Error(got)
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("asked %d times", n)
	}
}
