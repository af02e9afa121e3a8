// SPDX-License-Identifier: Apache-2.0

package console

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"rastau/licensing"
)

type reportPage struct {
	From, Until string
	Waiting     licensing.Waiting
	Figures     []figureLine
	Licences    []countLine
	Survey      []surveyLine
	Sheet       string
}

type figureLine struct {
	licensing.Figures
	Service, Operation string
	InTime             string // share of the decisions that kept the deadline
}

type countLine struct {
	Service, State string
	Count          int64
}

type surveyLine struct {
	licensing.Indicator
	Service string
}

// period is the one asked for, this year where none is: both days count.
func (s *site) period(q *request) (licensing.Period, bool) {
	now := s.o.Now().In(s.zone)
	from, until := time.Date(now.Year(), 1, 1, 0, 0, 0, 0, time.UTC), time.Date(now.Year(), 12, 31, 0, 0, 0, 0, time.UTC)
	good := true
	for name, into := range map[string]*time.Time{"from": &from, "until": &until} {
		given := strings.TrimSpace(q.FormValue(name))
		if given == "" {
			continue
		}
		day, ok := isoDate(given)
		t, err := time.Parse(time.DateOnly, day)
		if !ok || err != nil {
			good = false
			continue
		}
		*into = t
	}
	if until.Before(from) {
		good = false
	}
	return licensing.Period{From: licensing.Day(from.Format(time.DateOnly)), Until: licensing.Day(until.AddDate(0, 0, 1).Format(time.DateOnly))}, good
}

func (s *site) figures(q *request, p licensing.Period) ([]figureLine, error) {
	figures, err := s.o.Service.Statistics(q.Context(), q.actor(), p)
	if err != nil {
		return nil, err
	}
	var out []figureLine
	for _, f := range figures {
		line := figureLine{Figures: f, Service: f.Service, Operation: f.Operation, InTime: "—"}
		if r, ok := s.regulation(f.Service); ok {
			op, _ := r.Operation(f.Operation)
			line.Service, line.Operation = r.Name.In(q.lang), op.Name.In(q.lang)
		}
		if decided := f.Approved + f.Refused; decided > 0 {
			line.InTime = strconv.FormatInt((decided-f.Late)*100/decided, 10) + " %"
		}
		out = append(out, line)
	}
	return out, nil
}

// reports show how the terms are kept, what the register holds and what applicants answered.
func (s *site) reports(q *request) error {
	v := q.view("report.title")
	period, good := s.period(q)
	p := reportPage{From: v.Day(period.From), Until: v.Day(dayBefore(period.Until))}
	status := http.StatusOK
	if !good {
		p.From, p.Until = q.FormValue("from"), q.FormValue("until")
		v.Data, v.Errors = p, []fieldError{{"from", v.T("report.bad_period")}}
		return q.render(http.StatusUnprocessableEntity, "reports", v)
	}
	var err error
	if p.Waiting, err = s.o.Service.Waiting(q.Context(), q.actor()); err != nil {
		return err
	}
	if p.Figures, err = s.figures(q, period); err != nil {
		return err
	}
	counts, err := s.o.Service.Counted(q.Context())
	if err != nil {
		return err
	}
	names := s.names(q)
	for _, c := range counts {
		p.Licences = append(p.Licences, countLine{names[c.Service], string(c.State), c.Count})
	}
	indicators, err := s.o.Service.Indicators(q.Context(), period)
	if err != nil {
		return err
	}
	for _, i := range indicators {
		p.Survey = append(p.Survey, surveyLine{i, names[i.Service]})
	}
	p.Sheet = "/reports.csv?from=" + escapeQuery(p.From) + "&until=" + escapeQuery(p.Until)
	v.Data = p
	return q.render(status, "reports", v)
}

func dayBefore(d licensing.Day) licensing.Day {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return d
	}
	return licensing.Day(t.AddDate(0, 0, -1).Format(time.DateOnly))
}

// reportSheet is the table of terms as CSV.
func (s *site) reportSheet(q *request) error {
	period, good := s.period(q)
	if !good {
		return s.reports(q)
	}
	lines, err := s.figures(q, period)
	if err != nil {
		return err
	}
	v := q.view("report.title")
	w := q.sheet("report.csv")
	w.line(v.T("my.service"), v.T("service.request"), v.T("report.waiting"), v.T("report.overdue"), v.T("report.approved"), v.T("report.refused"), v.T("report.late"),
		v.T("report.in_time"), v.T("report.mean"), v.T("report.slowest"))
	n := func(i int64) string { return strconv.FormatInt(i, 10) }
	for _, l := range lines {
		w.line(l.Service, l.Operation, n(l.Waiting), n(l.Overdue), n(l.Approved), n(l.Refused), n(l.Late), l.InTime, n(l.MeanHours), n(l.SlowestHours))
	}
	return w.end()
}
