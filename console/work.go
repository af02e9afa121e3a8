// SPDX-License-Identifier: Apache-2.0

package console

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"rastau/internal/account"
	"rastau/licensing"
)

// The steps of an officer between registration and decision, a page each: what is asked for stands in the template "work".

// Steps of the work on a case.
const (
	stepAssign     = "assign"
	stepNote       = "note"
	stepComplete   = "complete"
	stepIncomplete = "incomplete"
	stepCorrection = "correction"
	stepAgreement  = "agreement"
	stepAgreed     = "agreed"
	stepInspection = "inspection"
	stepInspected  = "inspected"
	stepAppeal     = "appeal"
	stepHandOver   = "hand-over"
)

var workSteps = []string{stepAssign, stepNote, stepComplete, stepIncomplete, stepCorrection, stepAgreement, stepAgreed, stepInspection, stepInspected, stepAppeal, stepHandOver}

type workPage struct {
	*casePage
	Step    string
	Bodies  []option // that may be asked, or are waited for
	Parts   []option // of the application that may be put right
	Text    string
	On      string
	Officer string
	Answer  string // yes or no
}

// workForm asks for what a step needs.
func (s *site) workForm(q *request) error { return s.showWork(q, http.StatusOK, nil) }

func (s *site) showWork(q *request, status int, errs []fieldError) error {
	step := q.PathValue("step")
	if !slices.Contains(workSteps, step) {
		return errMissing
	}
	c, err := s.caseOf(q)
	if err != nil {
		return err
	}
	p := workPage{casePage: c, Step: step, Text: q.FormValue("text"), On: q.FormValue("on"), Officer: q.FormValue("officer"), Answer: q.FormValue("answer")}
	v := q.view("work." + step + ".title")
	r, _ := s.regulation(c.Application.Service)
	switch step {
	case stepAgreement:
		for _, a := range r.Agreements {
			if len(a.Operations) == 0 || slices.Contains(a.Operations, c.Application.Operation) {
				p.Bodies = append(p.Bodies, option{a.Key, a.Name.In(q.lang), slices.Contains(q.Form["bodies"], a.Key)})
			}
		}
	case stepAgreed:
		for _, b := range c.Matters.Asked {
			p.Bodies = append(p.Bodies, option{b, bodyName(v, r, b), q.FormValue("body") == b || len(c.Matters.Asked) == 1})
		}
	case stepCorrection:
		p.Parts = partsOf(r, c.Application, q)
	}
	v.Data, v.Errors, v.Back = p, errs, "/case/"+c.ID
	return q.render(status, "work", v)
}

// partsOf are the fields of the form and the documents, each by its name.
func partsOf(r *licensing.Regulation, app *licensing.Application, q *request) []option {
	var out []option
	for _, f := range r.Screens(app.Applicant.Kind, app.Operation) {
		if f.Part != "" {
			continue
		}
		for _, fd := range fieldsOf(f, app.Operation, nil, q.lang, nil) {
			out = append(out, option{fd.Name, fd.Label, slices.Contains(q.Form["fields"], fd.Name)})
		}
	}
	for _, d := range documentLines(r, app) {
		out = append(out, option{d.Key, d.Name.In(q.lang), slices.Contains(q.Form["fields"], d.Key)})
	}
	return out
}

// doWork takes a step and goes back to the case.
func (s *site) doWork(q *request) error {
	if err := q.ParseForm(); err != nil {
		return err
	}
	v := q.view("case.title")
	text, id, step := strings.TrimSpace(q.FormValue("text")), q.PathValue("id"), q.PathValue("step")
	answer := q.FormValue("answer")
	if slices.Contains([]string{stepAgreed, stepInspected, stepAppeal}, step) && answer != "yes" && answer != "no" {
		return s.showWork(q, http.StatusUnprocessableEntity, []fieldError{{"answer", v.T("work.choose")}})
	}
	ctx, a, yes := q.Context(), q.actor(), answer == "yes"
	var err error
	switch step {
	case stepAssign:
		login := strings.TrimSpace(q.FormValue("officer"))
		to, unknown := s.o.Desk.Named(ctx, login)
		if unknown != nil && !errors.Is(unknown, account.ErrUnknown) {
			return unknown
		}
		if unknown != nil || !to.Has(account.Officer) {
			return s.showWork(q, http.StatusUnprocessableEntity, []fieldError{{"officer", v.T("work.no_officer")}})
		}
		_, err = s.o.Service.Assign(ctx, a, id, to.ID)
	case stepNote:
		err = s.o.Service.Note(ctx, a, id, text)
	case stepComplete:
		err = s.o.Service.Complete(ctx, a, id)
	case stepIncomplete:
		_, err = s.o.Service.Incomplete(ctx, a, id, text)
	case stepCorrection:
		err = s.o.Service.AskCorrection(ctx, a, id, licensing.Correction{Fields: q.PostForm["fields"], Text: text})
	case stepAgreement:
		err = s.o.Service.AskAgreement(ctx, a, id, bodiesOf(q))
	case stepAgreed:
		err = s.o.Service.AnswerAgreement(ctx, a, id, q.FormValue("body"), yes, text)
	case stepInspection:
		day, _ := isoDate(strings.TrimSpace(q.FormValue("on")))
		err = s.o.Service.OrderInspection(ctx, a, id, licensing.Day(day), text)
	case stepInspected:
		err = s.o.Service.ReportInspection(ctx, a, id, yes, text)
	case stepAppeal:
		err = s.o.Service.AnswerAppeal(ctx, a, id, yes, text)
	case stepHandOver:
		err = s.o.Service.HandOver(ctx, a, id, text)
	default:
		return errMissing
	}
	switch {
	case err == nil:
		return q.redirect("/case/" + id)
	case isInput(err):
		name := nameOf(err)
		if slices.Contains([]string{"what", "findings", "reason", "reasons", "grounds"}, name) {
			name = "text"
		}
		return s.showWork(q, http.StatusUnprocessableEntity, []fieldError{{name, fieldOf(q, err)}})
	case errors.Is(err, licensing.ErrState), errors.Is(err, licensing.ErrNotAuthority), errors.Is(err, licensing.ErrSigningKey):
		return s.showWork(q, http.StatusConflict, []fieldError{{"step", why(q.lang, err.Error())}})
	case errors.Is(err, licensing.ErrLater):
		return s.showWork(q, http.StatusServiceUnavailable, []fieldError{{"step", v.T("error.later.text")}})
	}
	return err
}

// bodiesOf are those ticked, or written one a line where the regulation lists none.
func bodiesOf(q *request) []string {
	var out []string
	for _, given := range q.PostForm["bodies"] {
		for line := range strings.Lines(given) {
			if line = strings.TrimSpace(line); line != "" {
				out = append(out, line)
			}
		}
	}
	return out
}
