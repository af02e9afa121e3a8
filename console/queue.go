// SPDX-License-Identifier: Apache-2.0

package console

import (
	"encoding/csv"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"rastau/licensing"
)

// queueLines is how many cases stand on one page.
const queueLines = 50

// maxSheet bounds the lines of one CSV file.
const maxSheet = 100_000

type queuePage struct {
	Lines    []queueLine
	Services []*licensing.Regulation
	Asked    queueQuestion
	Waiting  licensing.Waiting
	More     string // address of the next page
	First    string // address of the first page, where this is another
	Sheet    string // address of the same list as CSV
}

type queueLine struct {
	licensing.QueueLine
	Service, Operation string
	Today              bool
}

// queueQuestion is what the officer looks for, as it stands in the address.
type queueQuestion struct{ Number, Service, Officer, Due, Sort string }

func (a queueQuestion) values() url.Values {
	v := url.Values{}
	for name, value := range map[string]string{"q": a.Number, "service": a.Service, "officer": a.Officer, "due": a.Due, "sort": a.Sort} {
		if value != "" {
			v.Set(name, value)
		}
	}
	return v
}

// queueFilter reads the question out of the address.
func (s *site) queueFilter(q *request) (asked queueQuestion, f licensing.QueueFilter) {
	asked = queueQuestion{Number: strings.ToUpper(strings.TrimSpace(q.FormValue("q"))), Service: q.FormValue("service"), Officer: strings.TrimSpace(q.FormValue("officer")),
		Due: q.FormValue("due"), Sort: q.FormValue("sort")}
	if q.FormValue("mine") != "" {
		asked.Officer = "me"
	}
	f = licensing.QueueFilter{Number: asked.Number, Service: asked.Service, Farthest: asked.Sort == "farthest", Limit: queueLines + 1}
	switch asked.Officer {
	case "":
	case "me":
		f.Officer = q.user.ID
	case "nobody":
		f.Unclaimed = true
	default:
		f.Officer = asked.Officer
	}
	now := s.o.Now().In(s.zone)
	midnight := func(days int) time.Time {
		return time.Date(now.Year(), now.Month(), now.Day()+days, 0, 0, 0, 0, s.zone)
	}
	switch asked.Due {
	case "overdue":
		f.DueBefore = now
	case "today":
		f.DueBefore = midnight(1)
	case "soon":
		f.DueBefore = midnight(4)
	}
	due, id, found := strings.Cut(q.FormValue("after"), ".")
	if ms, err := strconv.ParseInt(due, 10, 64); err == nil && found {
		f.AfterDue, f.AfterID = time.UnixMilli(ms), id
	}
	return asked, f
}

// queue lists what waits for a decision, the nearest deadline first.
func (s *site) queue(q *request) error {
	asked, f := s.queueFilter(q)
	lines, err := s.o.Service.Queue(q.Context(), q.actor(), f)
	if err != nil {
		return err
	}
	if len(lines) == 0 && asked.Number != "" {
		// What is no longer in the queue is found by its number.
		app, err := s.o.Service.Numbered(q.Context(), q.actor(), asked.Number)
		if err == nil {
			return q.redirect("/case/" + app.ID)
		}
		if !errors.Is(err, licensing.ErrNotFound) && !errors.Is(err, licensing.ErrForbidden) {
			return err
		}
	}
	p := queuePage{Asked: asked, Services: s.o.Service.Regulations()}
	if p.Waiting, err = s.o.Service.Waiting(q.Context(), q.actor()); err != nil {
		return err
	}
	values := asked.values()
	p.Sheet = "/queue.csv?" + values.Encode()
	if f.AfterID != "" {
		p.First = "/queue?" + values.Encode()
	}
	if len(lines) > queueLines {
		lines = lines[:queueLines]
		last := lines[queueLines-1]
		values.Set("after", strconv.FormatInt(last.Deadline.UnixMilli(), 10)+"."+last.ID)
		p.More = "/queue?" + values.Encode()
	}
	p.Lines = s.queueLines(q, lines)
	v := q.view("queue.title")
	v.Data = p
	return q.render(http.StatusOK, "queue", v)
}

func (s *site) queueLines(q *request, lines []licensing.QueueLine) []queueLine {
	today := s.o.Calendar.Day(s.o.Now())
	out := make([]queueLine, len(lines))
	for i, l := range lines {
		out[i] = queueLine{QueueLine: l, Service: l.Service, Operation: l.Operation, Today: s.o.Calendar.Day(l.Deadline) == today}
		if r, ok := s.regulation(l.Service); ok {
			op, _ := r.Operation(l.Operation)
			out[i].Service, out[i].Operation = r.Name.In(q.lang), op.Name.In(q.lang)
		}
	}
	return out
}

// queueSheet is the whole of a filtered queue as CSV (RFC 4180).
func (s *site) queueSheet(q *request) error {
	_, f := s.queueFilter(q)
	f.Limit, f.AfterID = 500, ""
	v := q.view("queue.title")
	w := q.sheet("queue.csv")
	w.line(v.T("my.number"), v.T("my.service"), v.T("service.request"), v.T("queue.registered"), v.T("my.deadline"), v.T("queue.overdue"), v.T("queue.officer"))
	for written := 0; written < maxSheet; {
		lines, err := s.o.Service.Queue(q.Context(), q.actor(), f)
		if err != nil {
			return w.broken(err)
		}
		for _, l := range s.queueLines(q, lines) {
			overdue := ""
			if l.Overdue {
				overdue = v.T("yes")
			}
			w.line(l.Number, l.Service, l.Operation, v.Day(l.Registered), v.Day(l.Deadline), overdue, l.Officer)
		}
		written += len(lines)
		if len(lines) < f.Limit {
			break
		}
		last := lines[len(lines)-1]
		f.AfterDue, f.AfterID = last.Deadline, last.ID
	}
	return w.end()
}

// sheet is a CSV file that goes out as it is written.
type sheet struct {
	q    *request
	name string
	csv  *csv.Writer
}

func (q *request) sheet(name string) *sheet { return &sheet{q: q, name: name} }

// line writes one. A cell that a spreadsheet would take for a formula gets an apostrophe before it.
func (w *sheet) line(cells ...string) {
	if w.csv == nil {
		h := w.q.w.Header()
		h.Set("Content-Type", "text/csv; charset=utf-8")
		h.Set("Content-Disposition", `attachment; filename="`+w.name+`"`)
		_, _ = io.WriteString(w.q.w, "\ufeff") // spreadsheets take a file without the mark for another encoding
		w.csv = csv.NewWriter(w.q.w)
		w.csv.UseCRLF = true
	}
	for i, c := range cells {
		if c != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(c)[0]) {
			cells[i] = "'" + c
		}
	}
	_ = w.csv.Write(cells)
}

// end sends what is left; whoever has gone away is not told.
func (w *sheet) end() error {
	w.csv.Flush()
	return nil
}

// broken ends a file that could not be written whole in a way that the reader notices: the connection breaks.
func (w *sheet) broken(err error) error {
	w.csv.Flush()
	w.q.site.o.Log.ErrorContext(w.q.Context(), "list not written whole", "list", w.name, "error", err.Error())
	panic(http.ErrAbortHandler)
}

type taskLine struct {
	licensing.Task
	Service string
}

// tasks lists what the law has officers do by a day and no application asks for.
func (s *site) tasks(q *request) error {
	list, err := s.o.Service.Tasks(q.Context(), q.actor())
	if err != nil {
		return err
	}
	names := s.names(q)
	lines := make([]taskLine, len(list))
	for i, t := range list {
		lines[i] = taskLine{t, names[t.Service]}
	}
	v := q.view("tasks.title")
	v.Back, v.Data = "/queue", lines
	return q.render(http.StatusOK, "tasks", v)
}

// appeals lists decided applications whose appeal waits for an answer.
func (s *site) appeals(q *request) error {
	list, err := s.o.Service.Appeals(q.Context(), q.actor())
	if err != nil {
		return err
	}
	v := q.view("appeals.title")
	v.Back, v.Data = "/queue", myPage{Applications: list, Names: s.names(q)}
	return q.render(http.StatusOK, "appeals", v)
}
