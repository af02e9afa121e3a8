// SPDX-License-Identifier: Apache-2.0

package console

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"rastau/internal/phrase"
	"rastau/licensing"
	"rastau/verifier"
)

type casePage struct {
	*licensing.Application
	File      *licensing.File
	Service   string
	Operation string
	Sections  []section
	Review    []licensing.ReviewItem
	Answers   map[string]string // of the checklist, as they were posted
	Decision  string
	Checks    []autoCheck
	Findings  []findingLine
	Matters   matters
	Events    []eventLine
	Documents []documentLine
	Mine      bool
	Held      bool
	Overdue   bool
	OwnKey    bool // the officer may sign with a key of their own
	Grounds   string
}

// autoCheck is what the system found by itself, in plain words.
type autoCheck struct {
	Name  string
	State string // good, bad or open
	Text  string
}

type findingLine struct {
	Name, Outcome, Detail string
}

// theCase shows an application with its documents, what was found of the signature, and the checklist.
func (s *site) theCase(q *request) error { return s.showCase(q, http.StatusOK, nil) }

func (s *site) showCase(q *request, status int, errs []fieldError) error {
	p, err := s.caseOf(q)
	if err != nil {
		return err
	}
	v := q.view("case.title")
	p.Checks = p.checks(s, v)
	if p.OwnKey, err = s.o.Service.HasOwnKey(q.Context(), q.actor(), p.Application.Service); err != nil {
		return err
	}
	report, err := s.o.Service.Verdict(q.Context(), q.actor(), p.ID)
	if err != nil && !errors.Is(err, licensing.ErrNotFound) {
		return err
	}
	if report != nil {
		p.Checks = append([]autoCheck{signatureCheck(v, report, p.Registered)}, p.Checks...)
		p.Findings = findingLines(v, report)
	}
	p.Grounds, p.Decision, p.Answers = q.FormValue("grounds"), q.FormValue("decision"), map[string]string{}
	for key := range q.Form {
		if name, ok := strings.CutPrefix(key, "check."); ok {
			p.Answers[name] = q.Form.Get(key)
		}
	}
	v.Path, v.Data, v.Back, v.Errors = "/case/"+p.ID, p, "/queue", errs
	return q.render(status, "case", v)
}

// caseOf reads an application with its file and its regulation.
func (s *site) caseOf(q *request) (*casePage, error) {
	app, err := s.o.Service.Application(q.Context(), q.actor(), q.PathValue("id"))
	if err != nil {
		return nil, err
	}
	file, err := s.o.Service.File(q.Context(), q.actor(), app.ID)
	if err != nil {
		return nil, err
	}
	r, ok := s.regulation(app.Service)
	if !ok {
		return nil, errMissing
	}
	op, _ := r.Operation(app.Operation)
	p := &casePage{Application: app, File: file, Service: r.Name.In(q.lang), Operation: op.Name.In(q.lang), Review: r.Review,
		Mine: file.Case.Officer == q.user.ID, Held: file.Case.Officer != "", Matters: mattersOf(file.Events)}
	p.Overdue = app.Status == licensing.Registered && app.Deadline != nil && s.o.Now().After(*app.Deadline)
	values := valuesOf(app.Fields)
	v := q.view("case.title")
	for _, f := range r.Screens(app.Applicant.Kind, app.Operation) {
		if f.Part == "" {
			p.Sections = append(p.Sections, section{screen{Key: f.Key, Name: f.Name.In(q.lang)}, answersOf(f, values, q.lang, v.T("yes"))})
		}
	}
	p.Documents = documentLines(r, app)
	p.Events = eventLines(v, r, app, file.Events)
	return p, nil
}

// documentLines are the lines of the checklist with what was attached to each.
func documentLines(r *licensing.Regulation, app *licensing.Application) []documentLine {
	var out []documentLine
	for _, d := range r.Checklist(app.Applicant.Kind, app.Operation, app.Channel, app.Fields) {
		line := documentLine{Document: d}
		for _, a := range app.Attachments {
			if a.Document == d.Key {
				line.Files = append(line.Files, a)
			}
		}
		out = append(out, line)
	}
	return out
}

// signatureCheck says in a sentence who signed, when, and whether the signature holds.
func signatureCheck(v *view, r *verifier.Report, registered *time.Time) autoCheck {
	c := autoCheck{Name: v.T("auto.signature"), State: "open", Text: v.T("auto.signature.open")}
	if r.Indication != verifier.TotalPassed || len(r.Signatures) == 0 {
		if r.Indication == verifier.TotalFailed {
			c.State, c.Text = "bad", v.T("auto.signature.bad")
		}
		return c
	}
	s := r.Signatures[0]
	at, name := registered, ""
	if s.SigningTime != nil {
		at = s.SigningTime
	}
	if s.Signer != nil {
		name = commonName(s.Signer.Subject)
	}
	c.State, c.Text = "good", v.T("auto.signature.good", "name", name, "at", v.Moment(at))
	return c
}

// commonName is the name in a subject as people write it.
func commonName(subject string) string {
	for _, part := range strings.Split(subject, ",") {
		if name, ok := strings.CutPrefix(strings.TrimSpace(part), "CN="); ok {
			return name
		}
	}
	return subject
}

// checks are the other things that the system knows by itself: whose certificate it was, the payment, the documents.
func (p *casePage) checks(s *site, v *view) []autoCheck {
	var out []autoCheck
	holder := autoCheck{Name: v.T("auto.holder"), State: "good", Text: v.T("auto.holder.good", "number", v.Grouped(p.Applicant.IIN+p.Applicant.BIN))}
	if p.Clerk != nil {
		holder.Text = v.T("auto.holder.clerk", "name", p.Clerk.Name, "number", v.Grouped(p.Clerk.IIN))
	}
	if p.Matters.Held {
		holder.State, holder.Text = "bad", v.T("auto.holder.doubt")
	}
	out = append(out, holder)
	if p.Payment.Amount > 0 || p.Payment.Reference != "" {
		pay := autoCheck{Name: v.T("apply.payment"), State: "open", Text: v.T("auto.payment.told", "reference", p.Payment.Reference, "amount", v.Tenge(p.Payment.Amount))}
		if p.Payment.Paid != nil {
			pay.State, pay.Text = "good", v.T("auto.payment.paid", "reference", p.Payment.Reference, "amount", v.Tenge(p.Payment.Amount), "at", v.Moment(p.Payment.Paid))
		}
		out = append(out, pay)
	}
	asked, there := 0, 0
	for _, d := range p.Documents {
		if d.Required {
			asked++
			if len(d.Files) > 0 {
				there++
			}
		}
	}
	docs := autoCheck{Name: v.T("apply.documents"), State: "good", Text: v.T("auto.documents", "there", strconv.Itoa(there), "asked", strconv.Itoa(asked))}
	if there < asked {
		docs.State = "bad"
	}
	if p.OnPaper {
		docs.Text += " " + v.T("auto.documents.paper")
	}
	return append(out, docs)
}

// findingLines are all findings of a verdict, each by the question that it answers.
func findingLines(v *view, r *verifier.Report) []findingLine {
	var out []findingLine
	add := func(list []verifier.Finding) {
		for _, f := range list {
			if f.Outcome == verifier.NotApplicable {
				continue
			}
			out = append(out, findingLine{v.T("check." + f.Key), f.Outcome.String(), phrase.Remark(f.In(v.Lang)).In(v.Lang)})
		}
	}
	for _, s := range r.Signatures {
		add(s.Findings)
	}
	add(r.Findings)
	return out
}

// eventBody is every member that an event of the workflow may have.
type eventBody struct {
	Officer, Text, Body, Reason, What, Findings, Reasons, Status, Licence, Until string
	On                                                                           licensing.Day
	Due, Deadline                                                                *time.Time
	Agreed, Passed, Upheld                                                       *bool
	Silence                                                                      bool
	Fields                                                                       []string
}

type eventLine struct {
	Text, Detail, By string
	At               time.Time
}

// eventLines tell the work on an application in words.
func eventLines(v *view, r *licensing.Regulation, app *licensing.Application, events []licensing.Event) []eventLine {
	out := make([]eventLine, 0, len(events))
	for _, e := range events {
		var b eventBody
		_ = json.Unmarshal(e.Body, &b) // what is no object has no members
		key := "event." + e.Kind
		switch {
		case b.Agreed != nil && b.Silence:
			key += ".silence"
		case b.Agreed != nil:
			key += yesNo(*b.Agreed)
		case b.Passed != nil:
			key += yesNo(*b.Passed)
		case b.Upheld != nil:
			key += yesNo(*b.Upheld)
		}
		due := b.Due
		if due == nil {
			due = b.Deadline
		}
		line := eventLine{At: e.At, By: e.Actor, Text: v.T(key, "officer", b.Officer, "body", bodyName(v, r, b.Body), "on", v.Day(b.On), "due", v.Day(due),
			"status", v.T("status."+b.Status), "licence", v.Grouped(b.Licence))}
		for _, detail := range []string{b.Text, b.What, b.Findings, b.Reasons} {
			if detail != "" {
				line.Detail = detail
			}
		}
		if e.Kind == licensing.EventAgreed && b.Reason != "" {
			line.Detail = b.Reason
		}
		switch e.Actor {
		case licensing.System:
			line.By = v.T("event.by.system")
		case app.Owner:
			line.By = v.T("event.by.applicant")
			if app.Clerk != nil {
				line.By = app.Clerk.Name
			}
		}
		out = append(out, line)
	}
	return out
}

func yesNo(yes bool) string {
	if yes {
		return ".yes"
	}
	return ".no"
}

// bodyName is the name of a body that was asked for its agreement.
func bodyName(v *view, r *licensing.Regulation, key string) string {
	for _, a := range r.Agreements {
		if a.Key == key {
			return a.Name.In(v.Lang)
		}
	}
	return key
}

// matters are what is open or was found in the work on an application.
type matters struct {
	Asked      []string // bodies whose agreement is waited for
	Disagreed  []string
	Inspection bool // ordered, not reported
	Failed     bool // the inspection was not passed
	Correction bool // asked for, not answered
	Request    eventBody
	Held       bool // the certificate is in doubt
	Appeal     bool // not answered
	Appealed   bool // answered
	HandOver   bool // the licence was issued on silence and waits to be handed over
	Text       string
	Complete   bool
}

func mattersOf(events []licensing.Event) matters {
	var m matters
	for _, e := range events {
		var b eventBody
		_ = json.Unmarshal(e.Body, &b)
		switch e.Kind {
		case licensing.EventComplete:
			m.Complete = true
		case licensing.EventAgreement:
			m.Asked = append(m.Asked, b.Body)
		case licensing.EventAgreed:
			m.Asked = slices.DeleteFunc(m.Asked, func(x string) bool { return x == b.Body })
			if b.Agreed != nil && !*b.Agreed {
				m.Disagreed = append(m.Disagreed, b.Body)
			}
		case licensing.EventInspection:
			m.Inspection, m.Failed = true, false
		case licensing.EventInspected:
			m.Inspection, m.Failed = false, b.Passed != nil && !*b.Passed
		case licensing.EventCorrection:
			m.Correction, m.Request = true, b
		case licensing.EventCorrected:
			m.Correction, m.Held = false, false
		case licensing.EventHeld:
			m.Held = true
		case licensing.EventAppeal:
			m.Appeal, m.Text = true, b.Text
		case licensing.EventAppealed:
			m.Appeal, m.Appealed = false, true
		case licensing.EventTask + licensing.TaskHandOver:
			m.HandOver = true
		case licensing.EventTaskDone + licensing.TaskHandOver:
			m.HandOver = false
		}
	}
	return m
}

// why is the reason of an error in the reader's language, without the words that only programs need.
func why(lang phrase.Lang, text string) string {
	for _, prefix := range []error{licensing.ErrState, licensing.ErrNotAuthority, licensing.ErrLater} {
		text = strings.TrimPrefix(text, prefix.Error()+": ")
	}
	return phrase.Remark(text).In(lang)
}

// Size of a file in words.
func (v *view) Size(bytes int64) string {
	mega, kilo := " МБ", " КБ"
	if v.Lang == phrase.EN {
		mega, kilo = " MB", " KB"
	}
	if bytes < 1<<20 {
		return strconv.FormatInt((bytes+1<<10-1)>>10, 10) + kilo
	}
	n := strconv.FormatFloat(float64(bytes)/(1<<20), 'f', 1, 64)
	if v.Lang != phrase.EN {
		n = strings.Replace(n, ".", ",", 1)
	}
	return n + mega
}
