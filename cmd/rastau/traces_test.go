// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/hex"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"rastau/api"
	"rastau/crl"
	"rastau/internal/fetch"
	"rastau/internal/testpki"
	"rastau/internal/trust"
	"rastau/verifier"
)

// collector takes OTLP over HTTP as any collector does.
type collector struct {
	*httptest.Server
	mu    sync.Mutex
	got   []*tracepb.ResourceSpans
	wrong error
}

func newCollector(t *testing.T) *collector {
	c := new(collector)
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in collectorpb.ExportTraceServiceRequest
		err := func() (err error) {
			var body io.Reader = r.Body
			if r.Header.Get("Content-Encoding") == "gzip" {
				if body, err = gzip.NewReader(r.Body); err != nil {
					return err
				}
			}
			data, err := io.ReadAll(body)
			if err != nil {
				return err
			}
			return proto.Unmarshal(data, &in)
		}()
		c.mu.Lock()
		defer c.mu.Unlock()
		if err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
			c.wrong = err
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		c.got = append(c.got, in.ResourceSpans...)
	}))
	t.Cleanup(c.Close)
	return c
}

// spans are all that came, by trace.
func (c *collector) spans(t *testing.T) map[string][]*tracepb.Span {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.wrong != nil {
		t.Error(c.wrong)
	}
	out := map[string][]*tracepb.Span{}
	for _, r := range c.got {
		for _, s := range r.ScopeSpans {
			for _, one := range s.Spans {
				id := hex.EncodeToString(one.TraceId)
				out[id] = append(out[id], one)
			}
		}
	}
	return out
}

// mayTell is everything that a span may tell. What is not of these could be of a person.
var mayTell = map[string]*regexp.Regexp{
	"http.request.method":       regexp.MustCompile(`^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|other)$`),
	"http.route":                regexp.MustCompile(`^(none|/[a-zA-Z0-9/:{}$._-]*)$`),
	"http.response.status_code": regexp.MustCompile(`^[1-5][0-9][0-9]$`),
	"server.address":            regexp.MustCompile(`^127\.0\.0\.1:[0-9]{1,5}$`),
	"rastau.system":             regexp.MustCompile(`^(persons|bodies|payments|notices)$`),
	"rastau.action":             regexp.MustCompile(`^(get|open|state|send)$`),
	"rastau.kind":               regexp.MustCompile(`^(view|look|update|beside|cades|cades-detached|pades|xades|xmldsig|wsse)$`),
	"rastau.format":             regexp.MustCompile(`^[A-Za-z0-9/ -]{1,20}$`),
	"rastau.indication":         regexp.MustCompile(`^(TOTAL-PASSED|TOTAL-FAILED|INDETERMINATE)$`),
	"rastau.sub_indication":     regexp.MustCompile(`^[A-Z_]+$`),
	"error.type":                regexp.MustCompile(`^(canceled|timeout|failed|5[0-9][0-9])$`),
}

var (
	spanNamed     = regexp.MustCompile(`^((GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|other) (none|/[a-zA-Z0-9/:{}$._-]*)|job [a-z.-]+|verdict|path|revocation (OCSP|list)|fetch|store|sign|timestamp|gateway)$`)
	ofAnybody     = regexp.MustCompile(`[0-9]{6}|\p{Cyrillic}`) // part of an IIN, BIN or id; a name
	theSubmission = "POST /v1/applications/:id/signature"
)

// judge holds what a played story has left to what may be told, and looks for one application from its request to the store.
func (c *collector) judge(t *testing.T) {
	t.Helper()
	seen, whole := map[string]bool{}, false
	for _, trace := range c.spans(t) {
		here := map[string]bool{}
		for _, s := range trace {
			here[strings.TrimSpace(s.Name)], seen[s.Name] = true, true
			if !spanNamed.MatchString(s.Name) || ofAnybody.MatchString(s.Name) {
				t.Errorf("the span %q", s.Name)
			}
			if s.Status.GetMessage() != "" || s.TraceState != "" || len(s.Events) > 0 || len(s.Links) > 0 {
				t.Errorf("%s tells more than it may: %v", s.Name, s)
			}
			for _, a := range s.Attributes {
				value := a.Value.GetStringValue()
				if a.Key == "http.response.status_code" {
					value = regexp.MustCompile(`[0-9]+`).FindString(a.Value.String())
				}
				if may := mayTell[a.Key]; may == nil || !may.MatchString(value) || ofAnybody.MatchString(value) {
					t.Errorf("%s: %s=%q may not be told", s.Name, a.Key, value)
				}
			}
			if len(s.ParentSpanId) > 0 && !slices.ContainsFunc(trace, func(p *tracepb.Span) bool { return bytes.Equal(p.SpanId, s.ParentSpanId) }) {
				t.Errorf("%s: its parent is not in the trace", s.Name)
			}
		}
		whole = whole || here[theSubmission] && here["verdict"] && here["path"] && here["revocation OCSP"] && here["fetch"] && here["timestamp"] && here["sign"] && here["store"]
	}
	if !whole {
		t.Error("no trace leads one application from its request over verdict, path, revocation, time stamp and signature to the store")
	}
	for _, name := range []string{"revocation list", "gateway"} {
		if !seen[name] {
			t.Errorf("nothing was told of %s", name)
		}
	}
}

// TestTraceOfACaller: a request goes on with its caller's trace; others are kept by their share, and none where nothing is asked for.
func TestTraceOfACaller(t *testing.T) {
	c := newCollector(t)
	h := newReloadHouse(t, func(o *Config) { o.Traces = TraceConfig{Endpoint: c.URL, Sample: 1e-12} })
	h.start(t)
	for _, header := range []string{"", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", "00-1bf7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"} {
		r := httptest.NewRequest(http.MethodGet, "/v1/licences/970115300018?who=970115300018", nil)
		r.Header.Set("Traceparent", header)
		h.app.Handler.ServeHTTP(httptest.NewRecorder(), r)
		h.app.Handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/registry/970115300018", nil))
	}
	if err := h.app.traces.provider.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := c.spans(t)
	if len(got) != 1 || len(got["1bf7651916cd43dd8448eb211c80319c"]) == 0 {
		t.Errorf("kept: %v", got)
	}
	off := newReloadHouse(t, nil)
	off.start(t)
	if off.app.traces != nil {
		t.Error("traces are kept although nobody asked for them")
	}
}

// TestCollectorDown: a collector that refuses or is not there touches no request, and the log hears of it once.
func TestCollectorDown(t *testing.T) {
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer refusing.Close()
	var lines bytes.Buffer
	traces, err := openTraces(t.Context(), TraceConfig{Endpoint: refusing.URL, Sample: 1}, slog.New(slog.NewTextHandler(&lines, nil)))
	if err != nil {
		t.Fatal(err)
	}
	answers := 0
	handler := traces.handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answers++; w.WriteHeader(http.StatusTeapot) }))
	for range 2*traceQueue + 1 { // more than the queue holds
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if w.Code != http.StatusTeapot {
			t.Fatal(w.Code)
		}
	}
	if err := traces.Close(); err != nil || answers != 2*traceQueue+1 {
		t.Errorf("%v, %d answers", err, answers)
	}
	if n := strings.Count(lines.String(), "traces are not sent"); n != 1 {
		t.Errorf("%d lines:\n%s", n, lines.String())
	}
}

func TestTraceConfig(t *testing.T) {
	for value, want := range map[TraceConfig]string{
		{Endpoint: "collector:4318"}:                 "traces.endpoint",
		{Endpoint: "http://me:secret@127.0.0.1:1"}:   "traces.endpoint",
		{Endpoint: "ftp://127.0.0.1:1"}:              "traces.endpoint",
		{Sample: 2}:                                  "traces.sample",
		{Sample: -1}:                                 "traces.sample",
		{Endpoint: "http://127.0.0.1:1", Sample: .5}: "",
	} {
		told := ""
		value.check(func(format string, _ ...any) { told += format })
		if want == "" && told != "" || !strings.Contains(told, want) {
			t.Errorf("%+v: %q", value, told)
		}
	}
}

// TestWhoIsToldOfATrace: the time-stamping authority is told which trace a question belongs to, where there is one; whoever stands in
// a certificate (lists, responders, issuers) never is.
func TestWhoIsToldOfATrace(t *testing.T) {
	told := map[string][]string{}
	p := made(testpki.New(testpki.Options{Now: time.Now, EC: true}))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		told[r.URL.Path] = append(told[r.URL.Path], r.Header.Get("Traceparent"))
		p.Handler().ServeHTTP(w, r)
	}))
	defer server.Close()
	p.SetBaseURL(server.URL)
	ca := made(p.NewCA(""))
	made(p.NewTSA(ca))
	leaf := made(ca.Issue(testpki.Leaf{})).Certificate
	allow := made(parsePrefixes([]string{"127.0.0.0/8"}))
	web := tracedWeb{made(fetch.New(fetch.Options{Allow: allow}))}
	stamper := made((&Config{TSA: server.URL + "/tsp"}).stamper(allow, api.NewMemory(time.Now, 0), time.Now()))
	judge := verifier.New(verifier.Options{Now: time.Now, Web: web, Lists: crl.NewSource(crl.SourceOptions{Fetch: web, Now: time.Now}), FetchIssuers: true})
	ask := func(ctx context.Context) {
		t.Helper()
		made(stamper.Stamp(ctx, []byte("a signature")))
		q := verifier.Question{Anchors: []trust.Anchor{trust.AnchorOf(p.Root().Certificate)}}
		if r := judge.Certificate(ctx, leaf, q); r.Indication != verifier.TotalPassed {
			t.Fatalf("%v %+v", r.Indication, r.Deciding())
		}
	}
	ask(t.Context())
	kept := sdktrace.NewTracerProvider()
	ctx, request := kept.Tracer("").Start(t.Context(), "request")
	ask(ctx)
	request.End()
	if got := told["/tsp"]; len(got) != 2 || got[0] != "" || !strings.HasPrefix(got[1], "00-"+request.SpanContext().TraceID().String()+"-") {
		t.Errorf("the time-stamping authority was told %q", got)
	}
	delete(told, "/tsp")
	if len(told) < 3 {
		t.Errorf("hardly anybody else was asked: %v", slices.Sorted(maps.Keys(told)))
	}
	for path, all := range told {
		if i := slices.IndexFunc(all, func(s string) bool { return s != "" }); i >= 0 {
			t.Errorf("%s was told %q", path, all[i])
		}
	}
}
