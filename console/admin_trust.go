// SPDX-License-Identifier: Apache-2.0

package console

import (
	"net/http"
	"time"

	"rastau/crl"
	"rastau/internal/pki"
	"rastau/internal/trust"
	"rastau/licensing"
	"rastau/verifier"
)

type anchorsPage struct {
	Source  []string
	File    string
	Anchors []anchorLine
	TSA     []anchorLine
}

type anchorLine struct {
	Name, SHA256, Key string
	From, Until       time.Time
	Ended             bool
}

// anchors shows whom this installation trusts; they stand in files, which the page names.
func (s *site) anchors(q *request) error {
	question, settings := s.o.Question(), s.o.Settings()
	p := anchorsPage{Source: append(settings.Anchors[:len(settings.Anchors):len(settings.Anchors)], settings.TSAAnchors...), File: settings.File,
		Anchors: s.anchorLines(question.Anchors), TSA: s.anchorLines(question.TSAAnchors)}
	return s.show(q, "anchors", p)
}

func (s *site) anchorLines(list []trust.Anchor) (lines []anchorLine) {
	for _, a := range list {
		if a.Certificate == nil {
			lines = append(lines, anchorLine{Name: nameIn(a.Name)})
			continue
		}
		c := a.Certificate
		lines = append(lines, anchorLine{Name: nameIn(c.Subject), SHA256: c.SHA256Hex(), Key: pki.AlgorithmName(c.PublicKey.Algorithm), From: c.NotBefore, Until: c.NotAfter,
			Ended: s.o.Now().After(c.NotAfter)})
	}
	return lines
}

type listLine struct {
	crl.State
	Ended bool
}

// lists shows how fresh the revocation lists are that this process holds.
func (s *site) lists(q *request) error {
	var p []listLine
	if s.o.Lists != nil {
		for _, l := range s.o.Lists.States() {
			p = append(p, listLine{l, !l.NextUpdate.IsZero() && s.o.Now().After(l.NextUpdate)})
		}
	}
	return s.show(q, "lists", p)
}

type policyPage struct {
	ID, Version string
	MaxAge      string
	Ends        []pki.AlgorithmEnd
}

// policyPage is what every report is judged by.
func (s *site) validation(q *request) error {
	p := policyPage{ID: verifier.PolicyID, Version: verifier.PolicyVersion, Ends: pki.AlgorithmEnds()}
	if age := s.o.Question().MaxAge; age > 0 {
		p.MaxAge = age.String()
	}
	return s.show(q, "policy", p)
}

type calendarPage struct {
	Source string
	Covers licensing.Period
	Zone   string
	Moved  []licensing.MovedDay
	Ending bool
}

// calendar shows the working days that the deadlines reckon with.
func (s *site) calendar(q *request) error {
	c := s.o.Calendar
	today := c.Day(s.o.Now())
	p := calendarPage{Source: s.o.Settings().Calendar, Covers: c.Covers(), Zone: c.Zone().String(), Moved: c.Moved(today, 40)}
	p.Ending = licensing.Day(s.o.Now().In(s.zone).AddDate(0, 2, 0).Format(time.DateOnly)) >= p.Covers.Until
	return s.show(q, "calendar", p)
}

type ratesPage struct {
	Source string
	Rows   []licensing.Rate
	Today  licensing.Day
	Fees   []feeLine
}

type feeLine struct {
	Service, Operation string
	Tiyn               int64
}

// rates shows the monthly calculation index and what it makes of the fees today.
func (s *site) rates(q *request) error {
	settings := s.o.Settings()
	p := ratesPage{Source: settings.Rates, Today: s.o.Calendar.Day(s.o.Now())}
	if settings.Table != nil {
		p.Rows = settings.Table.Rows()
	}
	for _, r := range s.o.Service.Regulations() {
		for _, o := range r.Operations {
			fee, err := s.o.Service.Fee(r.Key, o.Key)
			if err != nil {
				continue // no rate for today: the table shows that it ends
			}
			p.Fees = append(p.Fees, feeLine{r.Name.In(q.lang), o.Name.In(q.lang), fee})
		}
	}
	return s.show(q, "rates", p)
}

// show renders a page of the administrators that is only looked at.
func (s *site) show(q *request, name string, data any) error {
	v := q.view(name + ".title")
	v.Data, v.Back = data, "/admin"
	return q.render(http.StatusOK, name, v)
}

// Counts reports whether a row of the rates counts on a day.
func (p ratesPage) Counts(r licensing.Rate) bool { return r.From <= p.Today && p.Today < r.Until }
