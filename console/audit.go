// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"encoding/csv"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"rastau/internal/account"
	"rastau/licensing"
)

// eventKinds are what can be searched for: of people and keys, then of the work on applications, licences and the table of signers.
var eventKinds = []string{
	"changed",
	"registered", "logged-in", "refused", "locked", "logged-out", "entered", "disabled", "enabled", "unlocked", "roles", "sessions-ended", "password",
	account.EventReloaded, account.EventReloadRefused, account.EventKeyMade, account.EventKeyRevoked, licensing.EventSignerAdded, licensing.EventSignerEnded,
	"claimed", "released", "assigned", "note", "held", "decided", "correction-asked", "correction-answered", "agreement-asked", "agreement-answered",
	"inspection-ordered", "inspection-reported", "complete", "appeal", "appeal-answered", "warning", "escalation", "expiry-reminder", "term-ended",
}

const (
	eventsPage = 50
	eventsCSV  = 5000 // lines of one file; a narrower search gives the rest
)

type auditPage struct {
	Size   int64
	Events []account.Line
}

// audit is where auditors begin: what they can do, and what was done lately.
func (s *site) audit(q *request) error {
	p := auditPage{}
	var err error
	if p.Size, _, err = s.o.Service.LogHead(q.Context()); err != nil {
		return err
	}
	if p.Events, err = s.o.Desk.Search(q.Context(), account.Search{Limit: 10}); err != nil {
		return err
	}
	v := q.view("audit.title")
	v.Data = p
	return q.render(http.StatusOK, "audit", v)
}

type eventsView struct {
	Who, Kind, From, Until string
	Kinds                  []string
	Lines                  []account.Line
	More, CSV              string
}

// searchEvents reads the filters; complaints name the fields that cannot be read.
func (s *site) searchEvents(q *request, v *view) (f account.Search, p eventsView, errs []fieldError) {
	get := func(name string) string { return strings.TrimSpace(q.FormValue(name)) }
	p = eventsView{Who: get("who"), Kind: get("kind"), From: get("from"), Until: get("until"), Kinds: eventKinds}
	f = account.Search{Who: p.Who, Kind: p.Kind}
	day := func(field, typed string) (t time.Time) {
		if typed == "" {
			return t
		}
		t, err := time.ParseInLocation("02.01.2006", typed, s.zone)
		if err != nil {
			errs = append(errs, fieldError{field, v.T("events.bad_day")})
		}
		return t
	}
	f.From = day("from", p.From)
	if until := day("until", p.Until); !until.IsZero() {
		f.Before = until.AddDate(0, 0, 1).Add(-time.Millisecond)
	}
	// Where the page before ended: a moment, and how many of it were shown.
	if at, skip, ok := strings.Cut(q.FormValue("after"), "."); ok {
		ms, err1 := strconv.ParseInt(at, 10, 64)
		n, err2 := strconv.Atoi(skip)
		if before := time.UnixMilli(ms); err1 == nil && err2 == nil && n >= 0 && (f.Before.IsZero() || before.Before(f.Before)) {
			f.Before, f.Skip = before, n
		}
	}
	return f, p, errs
}

// events is the search in everything that was done.
func (s *site) events(q *request) error {
	v := q.view("events.title")
	v.Back = "/audit"
	f, p, errs := s.searchEvents(q, v)
	if len(errs) > 0 {
		v.Data, v.Errors = p, errs
		return q.render(http.StatusUnprocessableEntity, "events", v)
	}
	f.Limit = eventsPage + 1
	lines, err := s.o.Desk.Search(q.Context(), f)
	if err != nil {
		return err
	}
	values := url.Values{}
	for name, value := range map[string]string{"who": p.Who, "kind": p.Kind, "from": p.From, "until": p.Until} {
		if value != "" {
			values.Set(name, value)
		}
	}
	p.CSV = "/audit/events.csv?" + values.Encode()
	if len(lines) > eventsPage {
		lines = lines[:eventsPage]
		last := lines[len(lines)-1].At
		skip := 0
		if f.Before.Equal(last) {
			skip = f.Skip
		}
		for _, l := range lines {
			if l.At.Equal(last) {
				skip++
			}
		}
		values.Set("after", strconv.FormatInt(last.UnixMilli(), 10)+"."+strconv.Itoa(skip))
		p.More = "/audit/events?" + values.Encode()
	}
	p.Lines = lines
	v.Data = p
	return q.render(http.StatusOK, "events", v)
}

func (s *site) eventsCSV(q *request) error {
	v := q.view("events.title")
	f, _, errs := s.searchEvents(q, v)
	if len(errs) > 0 {
		return q.redirect("/audit/events?" + q.URL.RawQuery)
	}
	f.Limit = eventsCSV
	lines, err := s.o.Desk.Search(q.Context(), f)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	out.WriteString("\ufeff") // spreadsheets read UTF-8 by it
	w := csv.NewWriter(&out)
	_ = w.Write([]string{"at", "kind", "event", "actor", "subject", "from"}) // to memory: the error comes with Flush
	for _, l := range lines {
		_ = w.Write([]string{l.At.UTC().Format(time.RFC3339), l.Kind, v.T("done." + l.Kind), cell(l.Actor), cell(l.Subject), l.From})
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return err
	}
	return q.file("events.csv", "text/csv; charset=utf-8", out.Bytes(), true)
}

// cell keeps a spreadsheet from taking a text for a formula (OWASP, CSV injection).
func cell(s string) string {
	if s != "" && strings.ContainsAny(s[:1], "=+-@\t\r") {
		return "'" + s
	}
	return s
}
