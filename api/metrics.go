// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"rastau/verifier"
)

// counts are the numbers of /metrics. Every label takes its values from a list
// that the program knows, so that no caller can make new series. Safe for
// concurrent use.
type counts struct {
	began time.Time

	mu       sync.Mutex
	requests map[requestLabels]uint64
	steps    map[string]*histogram // by route
	verdicts map[verdictLabels]uint64
	works    map[string]*histogram // by step
	failed   map[string]uint64     // by step
	checks   map[verifier.Group]*histogram
}

// bounds of the durations that are told apart, in seconds; the budget of every step is one second.
var bounds = [...]float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20}

// histogram counts durations up to each of the bounds; the last place counts all others.
type histogram struct {
	counts [len(bounds) + 1]uint64
	sum    float64
}

func (h *histogram) add(seconds float64) {
	i, _ := slices.BinarySearch(bounds[:], seconds)
	h.counts[i]++
	h.sum += seconds
}

// write adds the lines of one series: a bucket holds everything up to its bound.
func (h *histogram) write(e *exposition, name string, labels ...string) {
	below := uint64(0)
	for i, n := range h.counts {
		below += n
		bound := "+Inf"
		if i < len(bounds) {
			bound = strconv.FormatFloat(bounds[i], 'g', -1, 64)
		}
		e.sample(name+"_bucket", float64(below), append(labels[:len(labels):len(labels)], "le", bound)...)
	}
	e.sample(name+"_sum", h.sum, labels...)
	e.sample(name+"_count", float64(below), labels...)
}

type requestLabels struct {
	method, route string
	status        int
}

type verdictLabels struct{ question, indication, sub string }

func newCounts(began time.Time) *counts {
	return &counts{
		began: began, requests: make(map[requestLabels]uint64), steps: make(map[string]*histogram),
		verdicts: make(map[verdictLabels]uint64), works: make(map[string]*histogram), failed: make(map[string]uint64), checks: make(map[verifier.Group]*histogram),
	}
}

func (n *counts) request(method, route string, status int, took time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.requests[requestLabels{method, route, status}]++
	note(n.steps, route, took)
}

// note counts a duration among those of one label.
func note[K comparable](all map[K]*histogram, of K, took time.Duration) {
	h := all[of]
	if h == nil {
		h = new(histogram)
		all[of] = h
	}
	h.add(took.Seconds())
}

// Verdict counts one answer to a question and writes its line of statistics: no name, no number, nothing of the file.
func (m *Memory) Verdict(log *slog.Logger, question string, r *verifier.Report) {
	m.counts.verdict(question, r)
	log.Info("verdict", "question", question, "indication", r.Indication.String(), "subIndication", string(r.SubIndication), "format", r.Format,
		"signatures", len(r.Signatures), "timeSource", r.Time.Source)
}

// verdict counts one answer to a question: application, signature, certificate or licence.
func (n *counts) verdict(question string, r *verifier.Report) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.verdicts[verdictLabels{question, r.Indication.String(), string(r.SubIndication)}]++
}

// exposition writes the text format of Prometheus, version 0.0.4.
type exposition struct{ bytes.Buffer }

func (e *exposition) family(name, kind, help string) {
	fmt.Fprintf(e, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

// labelEscaper escapes a label's value: backslash, quotation mark, line feed.
var labelEscaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// sample writes one line; labels are pairs of name and value.
func (e *exposition) sample(name string, value float64, labels ...string) {
	e.WriteString(name)
	for i := 0; i+1 < len(labels); i += 2 {
		e.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
		e.WriteString(labels[i] + `="` + labelEscaper.Replace(strings.ToValidUTF8(labels[i+1], "?")) + `"`)
	}
	if len(labels) > 0 {
		e.WriteByte('}')
	}
	e.WriteString(" " + strconv.FormatFloat(value, 'g', -1, 64) + "\n")
}

func (n *counts) write(e *exposition) {
	n.mu.Lock()
	defer n.mu.Unlock()
	e.family("process_start_time_seconds", "gauge", "Start of the process in seconds since 1970-01-01.")
	e.sample("process_start_time_seconds", float64(n.began.UnixMilli())/1000)
	e.family("rastau_http_requests_total", "counter", "Answered requests.")
	for _, l := range slices.SortedFunc(maps.Keys(n.requests), func(a, b requestLabels) int {
		return cmp.Or(cmp.Compare(a.route, b.route), cmp.Compare(a.method, b.method), cmp.Compare(a.status, b.status))
	}) {
		e.sample("rastau_http_requests_total", float64(n.requests[l]), "method", l.method, "route", l.route, "status", strconv.Itoa(l.status))
	}
	e.family("rastau_http_request_duration_seconds", "histogram", "Time from the request's head to its answer.")
	for _, route := range slices.Sorted(maps.Keys(n.steps)) {
		n.steps[route].write(e, "rastau_http_request_duration_seconds", "route", route)
	}
	e.family("rastau_verdicts_total", "counter", "Verdicts given, by question and outcome.")
	for _, l := range slices.SortedFunc(maps.Keys(n.verdicts), func(a, b verdictLabels) int {
		return cmp.Or(cmp.Compare(a.question, b.question), cmp.Compare(a.indication, b.indication), cmp.Compare(a.sub, b.sub))
	}) {
		e.sample("rastau_verdicts_total", float64(n.verdicts[l]), "question", l.question, "indication", l.indication, "sub_indication", l.sub)
	}
}

// writeLists tells how old each revocation list is and until when it holds.
func (s *server) writeLists(e *exposition) {
	if s.o.Lists == nil {
		return
	}
	states := s.o.Lists.States()
	for _, m := range []struct {
		name, help string
		of         func(i int) time.Time
	}{
		{"rastau_crl_this_update_seconds", "thisUpdate of the list in use, in seconds since 1970-01-01.", func(i int) time.Time { return states[i].ThisUpdate }},
		{"rastau_crl_next_update_seconds", "nextUpdate of the list in use, in seconds since 1970-01-01.", func(i int) time.Time { return states[i].NextUpdate }},
		{"rastau_crl_fetched_seconds", "When the list in use was fetched, in seconds since 1970-01-01.", func(i int) time.Time { return states[i].Fetched }},
		{"rastau_crl_next_refresh_seconds", "When the list is asked for again, in seconds since 1970-01-01.", func(i int) time.Time { return states[i].NextRefresh }},
	} {
		e.family(m.name, "gauge", m.help)
		for i := range states {
			if at := m.of(i); !at.IsZero() {
				e.sample(m.name, float64(at.Unix()), "url", states[i].URL)
			}
		}
	}
	now := s.o.Now()
	e.family("rastau_crl_age_seconds", "gauge", "Seconds since thisUpdate of the list in use.")
	for _, st := range states {
		if !st.ThisUpdate.IsZero() {
			e.sample("rastau_crl_age_seconds", now.Sub(st.ThisUpdate).Seconds(), "url", st.URL)
		}
	}
	for _, m := range []struct {
		name, kind, help string
		of               func(i int) float64
	}{
		{"rastau_crl_fresh", "gauge", "1 while the list in use is current and not yet due to be asked for again.", func(i int) float64 {
			if states[i].Fresh {
				return 1
			}
			return 0
		}},
		{"rastau_crl_entries", "gauge", "Entries of the list in use.", func(i int) float64 { return float64(states[i].Entries) }},
		{"rastau_crl_index_bytes", "gauge", "What the index of the list in use takes.", func(i int) float64 { return float64(states[i].IndexBytes) }},
		{"rastau_crl_downloads_total", "counter", "Requests to the servers of the list.", func(i int) float64 { return float64(states[i].Downloads) }},
		{"rastau_crl_failures_total", "counter", "Attempts to renew the list that failed.", func(i int) float64 { return float64(states[i].Failures) }},
		{"rastau_crl_refused_total", "counter", "Lists that came, from wherever, and were not taken.", func(i int) float64 { return float64(states[i].Refused) }},
	} {
		e.family(m.name, m.kind, m.help)
		for i := range states {
			e.sample(m.name, m.of(i), "url", states[i].URL)
		}
	}
	e.family("rastau_crl_failing", "gauge", "1 where the last attempt to fetch the list failed.")
	for _, st := range states {
		failing := 0.0
		if st.LastError != "" {
			failing = 1
		}
		e.sample("rastau_crl_failing", failing, "url", st.URL)
	}
}

// writeAnswers tells how often OCSP responders were asked.
func (s *server) writeAnswers(e *exposition) {
	if s.o.Answers == nil {
		return
	}
	c := s.o.Answers.Counts()
	for _, m := range []struct {
		name, help string
		value      int64
	}{
		{"rastau_ocsp_requests_total", "Requests to OCSP responders.", c.Asked},
		{"rastau_ocsp_repeated_total", "OCSP answers that were given again without a request.", c.Again},
		{"rastau_ocsp_failures_total", "Requests to OCSP responders that got no answer.", c.Failed},
	} {
		e.family(m.name, "counter", m.help)
		e.sample(m.name, float64(m.value))
	}
}

func (s *server) metrics(c echo.Context) error {
	var e exposition
	s.counts.write(&e)
	e.family("rastau_build_info", "gauge", "The version that runs.")
	e.sample("rastau_build_info", 1, "version", s.o.Version)
	s.counts.writeSteps(&e)
	s.writeLists(&e)
	s.writeAnswers(&e)
	s.writeBacklog(c.Request().Context(), &e)
	if s.o.Shared != nil {
		e.family("rastau_redis_up", "gauge", "0 where Redis did not answer lately; verdicts stay right, each process fetches for itself.")
		up := 0.0
		if s.o.Shared.Answers() {
			up = 1
		}
		e.sample("rastau_redis_up", up)
		hits, misses, failures := s.o.Shared.Counts()
		e.family("rastau_redis_gets_total", "counter", "What was asked of the shared cache, by outcome.")
		e.sample("rastau_redis_gets_total", float64(hits), "outcome", "hit")
		e.sample("rastau_redis_gets_total", float64(misses), "outcome", "miss")
		e.sample("rastau_redis_gets_total", float64(failures), "outcome", "failure")
	}
	return c.Blob(http.StatusOK, "text/plain; version=0.0.4; charset=utf-8", e.Bytes())
}
