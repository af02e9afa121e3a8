// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"rastau/api"
	"rastau/internal/identity"
	"rastau/internal/ocsp"
	"rastau/licensing"
)

// Large bodies share a few places, so that they cannot fill the memory together; small ones pass by.
func TestLargeBodiesWait(t *testing.T) {
	h := newHouse(t, nil)
	var open []*io.PipeWriter
	done := make(chan int, api.MaxLarge)
	for range api.MaxLarge {
		r, w := io.Pipe()
		req := request(t, r)
		req.Header.Set("Authorization", "Bearer "+h.tokens["auditor"])
		open = append(open, w)
		go func() { done <- record(h, req).Code }()
		if _, err := w.Write([]byte("{")); err != nil { // returns when it is being read
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	late := request(t, strings.NewReader(`{"document":"AAAA"}`)).WithContext(ctx)
	late.Header.Set("Authorization", "Bearer "+h.tokens["auditor"])
	if w := record(h, late); w.Code != 503 {
		t.Errorf("one too many: %d %s", w.Code, w.Body)
	}
	h.get(t, ask{path: "/v1/signatures/verify", account: "auditor", body: `{"document":"AAAA"}`}, new(any))
	for _, w := range open {
		if _, err := w.Write([]byte(`"document":"AAAA"}`)); err != nil {
			t.Fatal(err)
		}
		w.Close()
		if code := <-done; code != 200 {
			t.Errorf("a large one: %d", code)
		}
	}
	again := request(t, strings.NewReader(`{"document":"AAAA"}`))
	again.Header.Set("Authorization", "Bearer "+h.tokens["auditor"])
	if w := record(h, again); w.Code != 200 {
		t.Errorf("the places were not given back: %d", w.Code)
	}
}

func TestOptions(t *testing.T) {
	h := newHouse(t, nil)
	for name, change := range map[string]func(*api.Options){
		"verifier": func(o *api.Options) { o.Verifier = nil }, "question": func(o *api.Options) { o.Question = nil },
		"service": func(o *api.Options) { o.Service = nil }, "accounts": func(o *api.Options) { o.Accounts = nil },
		"clock": func(o *api.Options) { o.Now = nil }, "log": func(o *api.Options) { o.Log = nil },
		"body limit": func(o *api.Options) { o.BodyLimit = -1 }, "rate": func(o *api.Options) { o.RatePerMinute = -1 },
		"proxy": func(o *api.Options) { o.TrustProxy = []string{"10.0.0.1"} },
	} {
		o := h.options
		change(&o)
		if _, err := api.Handler(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// One account's haste does not slow another, and guessing tokens is slow too.
func TestRate(t *testing.T) {
	h := newHouse(t, func(o *api.Options) { o.RatePerMinute = 5 })
	began := time.Now()
	for range 5 {
		h.get(t, ask{path: "/v1/services", account: "officer"}, new(any))
	}
	w := h.do(t, ask{path: "/v1/services", account: "officer"})
	if took := time.Since(began); took > 5*time.Second {
		t.Skipf("the machine took %s: the bucket was refilled", took)
	}
	if w.Code != 429 || w.Header().Get("Retry-After") == "" {
		t.Errorf("the sixth: %d %v", w.Code, w.Header())
	}
	h.get(t, ask{path: "/v1/services", account: "auditor"}, new(any))
	h.clock.move(time.Minute)
	h.get(t, ask{path: "/v1/services", account: "officer"}, new(any))

	guess := ask{path: "/v1/services", header: map[string]string{"Authorization": "Bearer guess"}}
	for range 5 {
		h.refused(t, guess, 401, "token")
	}
	h.refused(t, guess, 429, "rate")
	h.refused(t, ask{path: "/v1/openapi.json"}, 429, "rate")
	for _, path := range []string{"/livez", "/readyz", "/metrics"} { // whoever watches must always get through
		if w := h.do(t, ask{path: path}); w.Code != 200 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	// From another address the service answers; a forged header is no other address.
	guess.header["X-Forwarded-For"] = "198.51.100.7"
	h.refused(t, guess, 429, "rate")
}

func TestTrustedProxy(t *testing.T) {
	// httptest speaks from 192.0.2.1.
	h := newHouse(t, func(o *api.Options) { o.RatePerMinute, o.TrustProxy = 3, []string{"192.0.2.0/24"} })
	from := func(address string) int {
		return h.do(t, ask{path: "/v1/openapi.json", header: map[string]string{"X-Forwarded-For": address}}).Code
	}
	for i := range 4 {
		if code := from("198.51.100.7"); (code == 429) != (i == 3) {
			t.Errorf("request %d: %d", i+1, code)
		}
	}
	if code := from("198.51.100.8"); code != 200 {
		t.Errorf("another address: %d", code)
	}
	// What the client itself put before the proxy's entry does not count.
	if code := from("203.0.113.9, 198.51.100.7"); code != 429 {
		t.Errorf("behind a forged entry: %d", code)
	}
}

func TestBuckets(t *testing.T) {
	b := api.NewBuckets(60)
	now := started
	for range 60 {
		if _, ok := api.Take(b, "a", now); !ok {
			t.Fatal("empty before its size")
		}
	}
	if wait, ok := api.Take(b, "a", now); ok || wait <= 0 || wait > time.Second {
		t.Errorf("empty: %v %v", wait, ok)
	}
	if _, ok := api.Take(b, "a", now.Add(-time.Hour)); ok {
		t.Error("a clock that went back fills the bucket")
	}
	if _, ok := api.Take(b, "a", now.Add(time.Second)); !ok {
		t.Error("not refilled after a second")
	}
	for i := range 250_000 { // more addresses than are remembered
		if _, ok := api.Take(b, fmt.Sprint(i), now); !ok {
			t.Fatal("a new address is refused")
		}
	}
}

func TestAddressKey(t *testing.T) {
	for a, b := range map[string]string{"2001:db8:1:2::5": "2001:db8:1:2:ffff::9", "::ffff:192.0.2.1": "192.0.2.1"} {
		if api.AddressKey(a) != api.AddressKey(b) {
			t.Errorf("%s and %s: %s, %s", a, b, api.AddressKey(a), api.AddressKey(b))
		}
	}
	if api.AddressKey("2001:db8:1:2::5") == api.AddressKey("2001:db8:1:3::5") || api.AddressKey("192.0.2.1") == api.AddressKey("192.0.2.2") {
		t.Error("two subscribers are one")
	}
}

// A fault inside says nothing of the inside and keeps the service alive.
func TestFaults(t *testing.T) {
	h := newHouse(t, nil)
	const secret = "the inside"
	api.Add(h.handler, "/panic", func(echo.Context) error { panic(secret) })
	api.Add(h.handler, "/error", func(echo.Context) error { return errors.New(secret) })
	api.Add(h.handler, "/late", func(echo.Context) error { return fmt.Errorf("%s: %w", secret, context.DeadlineExceeded) })
	api.Add(h.handler, "/later", func(echo.Context) error { return fmt.Errorf("%w: %s", licensing.ErrLater, secret) })
	api.Add(h.handler, "/gone", func(echo.Context) error { return fmt.Errorf("%s: %w", secret, licensing.ErrNotFound) })
	for path, want := range map[string]struct {
		status int
		code   string
	}{"/panic": {500, "internal"}, "/error": {500, "internal"}, "/late": {503, "timeout"}, "/later": {503, "later"}, "/gone": {404, "not_found"}} {
		w := h.do(t, ask{path: path})
		h.refused(t, ask{path: path}, want.status, want.code)
		if strings.Contains(w.Body.String(), secret) || want.status == 503 && w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: %v %s", path, w.Header(), w.Body)
		}
	}
	if !strings.Contains(h.logs.String(), secret) || !strings.Contains(h.logs.String(), `"msg":"panic"`) {
		t.Error("the log does not tell of the fault")
	}
}

func TestRequestID(t *testing.T) {
	h := newHouse(t, nil)
	for given, kept := range map[string]bool{"abc-1.2_3": true, "": false, "a b": false, "a\nb": false, "ә": false, strings.Repeat("a", 65): false, strings.Repeat("a", 64): true,
		identity.NewIIN(time.Date(1988, 4, 12, 0, 0, 0, 0, time.UTC), true, 7): false, "iin-" + identity.NewBIN(time.Date(2015, 9, 1, 0, 0, 0, 0, time.UTC), 7) + ".a": false,
		strings.Repeat("1", 13): false, strings.Repeat("1", 11): true, "2026-03-02.090000-000001": true} {
		w := h.do(t, ask{path: "/livez", header: map[string]string{"X-Request-Id": given}})
		if got := w.Header().Get("X-Request-Id"); (got == given) != kept || got == "" {
			t.Errorf("%q became %q", given, got)
		}
		if !kept && len(given) > 11 && strings.Contains(h.logs.String(), given) {
			t.Errorf("%q stands in the log", given)
		}
	}
}

func TestReady(t *testing.T) {
	why := []string{}
	h := newHouse(t, func(o *api.Options) { o.Ready = func(context.Context) ([]string, []string) { return why, nil } })
	h.issue(t) // so that a list or an answer was fetched
	var r struct {
		Ready   bool
		Reasons []string
		Lists   []struct{ URL string }
	}
	if h.get(t, ask{path: "/readyz"}, &r); !r.Ready || len(r.Reasons) != 0 {
		t.Errorf("ready: %+v", r)
	}
	why = append(why, "no anchor")
	w := h.do(t, ask{path: "/readyz"})
	if w.Code != 503 || !strings.Contains(w.Body.String(), "no anchor") {
		t.Errorf("not ready: %d %s", w.Code, w.Body)
	}
	fits(t, describe(t, h), "/readyz", "get", w)
}

func TestMetrics(t *testing.T) {
	h := newHouse(t, func(o *api.Options) {
		o.Version = "a\"b\\c\nd"
		o.Answers = ocsp.NewSource(ocsp.SourceOptions{})
	})
	h.issue(t)
	h.pki.SetDown(false, true, false) // without OCSP the lists are asked
	h.get(t, ask{path: "/v1/certificates/verify", account: "auditor", body: map[string][]byte{"certificate": h.head.Certificate.Raw}}, new(any))
	h.do(t, ask{method: "INVENTED", path: "/v1/services"})
	h.do(t, ask{path: "/v1/none-" + h.bin})
	w := h.do(t, ask{path: "/metrics"})
	if kind := w.Header().Get("Content-Type"); kind != "text/plain; version=0.0.4; charset=utf-8" {
		t.Errorf("type %s", kind)
	}
	text := w.Body.String()
	for _, want := range []string{
		`rastau_verdicts_total{question="application",indication="TOTAL-PASSED",sub_indication=""} 1`,
		`rastau_verdicts_total{question="certificate",indication="TOTAL-PASSED",sub_indication=""} 1`,
		`rastau_http_requests_total{method="POST",route="/v1/applications",status="201"} 1`,
		`method="other"`, `route="none"`, `rastau_build_info{version="a\"b\\c\nd"} 1`,
		`rastau_crl_next_update_seconds{url="http://127.0.0.1:`, `rastau_crl_next_refresh_seconds{url="http://127.0.0.1:`,
		`rastau_crl_age_seconds{url="http://127.0.0.1:`, `rastau_crl_fresh{url="http://127.0.0.1:`, `rastau_crl_downloads_total{url="http://127.0.0.1:`,
		"rastau_ocsp_requests_total ", "rastau_ocsp_repeated_total ", "rastau_ocsp_failures_total ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing in\n%s", want, text)
		}
	}
	if strings.Contains(text, h.bin) || strings.Contains(text, "INVENTED") {
		t.Error("a caller's words stand in a label")
	}
	exposition(t, text)
}

// exposition reads the text format line by line: HELP, TYPE, then samples of that family, none twice.
func exposition(t *testing.T, text string) {
	t.Helper()
	sample := regexp.MustCompile(`^([a-z_]+)(\{[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\[\\"n])*")*\})? [-+0-9.eE]+$`)
	family, kind := "", ""
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch words := strings.Fields(line); {
		case strings.HasPrefix(line, "# HELP "):
			family = words[2]
			if seen[family] {
				t.Errorf("family %s stands twice", family)
			}
			seen[family] = true
		case strings.HasPrefix(line, "# TYPE "):
			if words[2] != family {
				t.Errorf("TYPE of %s behind HELP of %s", words[2], family)
			}
			kind = words[3]
		default:
			m := sample.FindStringSubmatch(line)
			if m == nil {
				t.Errorf("no sample: %q", line)
				continue
			}
			name := m[1]
			if kind == "summary" || kind == "histogram" {
				name = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_sum"), "_count")
			}
			if name != family || seen[m[1]+m[2]] && m[2] != "" {
				t.Errorf("%q in family %s, or twice", line, family)
			}
			seen[m[1]+m[2]] = true
		}
	}
}

func TestHeaders(t *testing.T) {
	h := newHouse(t, nil)
	for _, path := range []string{"/livez", "/v1/services", "/none", "/v/x"} {
		w := h.do(t, ask{path: path})
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
	}
}

func TestPrefersJSON(t *testing.T) {
	for accept, want := range map[string]bool{
		"": false, "application/json": true, "application/json, text/html": false, "text/html;q=0.5, application/json": true, "application/json;q=0": false,
		"*/*": false, "application/json;q=x": false, "APPLICATION/JSON": true, "text/html,application/json;q=0.9": false, "application/json," + strings.Repeat("a,", 1000): false,
	} {
		if got := api.PrefersJSON(accept); got != want {
			t.Errorf("%.60q: %v", accept, got)
		}
	}
}

// A server that stops in the middle of a request answers the ones under way; here: a client that went away.
func TestClientGone(t *testing.T) {
	h := newHouse(t, nil)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := httptest.NewRequestWithContext(ctx, "POST", "/v1/signatures/verify", strings.NewReader(`{"document":"AAAA"}`))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+h.tokens["auditor"])
	if w := record(h, r); w.Code != 503 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
