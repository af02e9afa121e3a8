// SPDX-License-Identifier: Apache-2.0

package console

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"rastau/licensing"
)

// maxChosen bounds how many cases are decided together from one page.
const maxChosen = 200

type batchForm struct {
	Cases    []licensing.Application
	Service  string
	Review   []licensing.ReviewItem
	Answers  map[string]string
	Decision string
	Grounds  string
	OwnKey   bool // the officer may sign with a key of their own
}

// batchForm asks for one decision on all the cases that were ticked in the queue.
func (s *site) batchForm(q *request) error { return s.showBatchForm(q, http.StatusOK, nil) }

func (s *site) showBatchForm(q *request, status int, errs []fieldError) error {
	if err := q.ParseForm(); err != nil {
		return err
	}
	ids := chosen(q)
	v := q.view("batch.title")
	p := batchForm{Decision: q.FormValue("decision"), Grounds: q.FormValue("grounds"), Answers: map[string]string{}}
	for _, id := range ids {
		app, err := s.o.Service.Application(q.Context(), q.actor(), id)
		if err != nil {
			return err
		}
		if len(p.Cases) > 0 && app.Service != p.Cases[0].Service {
			return s.chooseAgain(q, v.T("batch.one_service"))
		}
		p.Cases = append(p.Cases, *app)
	}
	if len(p.Cases) == 0 {
		return s.chooseAgain(q, v.T("batch.choose"))
	}
	r, ok := s.regulation(p.Cases[0].Service)
	if !ok {
		return errMissing
	}
	p.Service, p.Review = r.Name.In(q.lang), r.Review
	var err error
	if p.OwnKey, err = s.o.Service.HasOwnKey(q.Context(), q.actor(), p.Cases[0].Service); err != nil {
		return err
	}
	for key := range q.Form {
		if name, ok := strings.CutPrefix(key, "check."); ok {
			p.Answers[name] = q.Form.Get(key)
		}
	}
	v.Path, v.Data, v.Errors, v.Back = "/batches/new", p, errs, "/queue"
	v.query = url.Values{"id": ids}
	return q.render(status, "batch-new", v)
}

// chooseAgain says what is wrong with a choice and leads back to the queue.
func (s *site) chooseAgain(q *request, problem string) error {
	v := q.view("batch.title")
	v.Back, v.Errors, v.Data = "/queue", []fieldError{{"cases", problem}}, batchForm{}
	return q.render(http.StatusUnprocessableEntity, "batch-new", v)
}

// chosen are the ticked cases, each once.
func chosen(q *request) []string {
	ids := slices.Clone(q.Form["id"])
	slices.Sort(ids)
	ids = slices.Compact(ids)
	return ids[:min(len(ids), maxChosen)]
}

// beginBatch has the cases decided one by one behind the page.
func (s *site) beginBatch(q *request) error {
	d, errs, err := batchDecision(q)
	if err != nil {
		return err
	}
	if errs != nil {
		return s.showBatchForm(q, http.StatusUnprocessableEntity, errs)
	}
	b, err := s.o.Service.DecideMany(q.Context(), q.actor(), chosen(q), d)
	if isInput(err) {
		return s.showBatchForm(q, http.StatusUnprocessableEntity, []fieldError{{nameOf(err), fieldOf(q, err)}})
	}
	if err != nil {
		return err
	}
	return q.redirect("/batches/" + b.ID)
}

// batchDecision reads the decision on several cases, and what is missing from it.
func batchDecision(q *request) (d licensing.Decision, missing []fieldError, err error) {
	if err := q.ParseForm(); err != nil {
		return d, nil, err
	}
	v := q.view("batch.title")
	answer := q.FormValue("decision")
	d = licensing.Decision{Approve: answer == "approve", Grounds: strings.TrimSpace(q.FormValue("grounds")), Checklist: posts(q)}
	switch {
	case answer != "approve" && answer != "refuse":
		missing = []fieldError{{"decision", v.T("case.choose")}}
	case !d.Approve && d.Grounds == "":
		missing = []fieldError{{"grounds", v.T("batch.grounds")}}
	case d.Approve && len(d.Checklist) == 0:
		missing = []fieldError{{"checklist", v.T("batch.checklist")}}
	}
	return d, missing, nil
}

// posts are the answers to the checklist.
func posts(q *request) map[string]bool {
	out := map[string]bool{}
	for key, values := range q.PostForm {
		if name, ok := strings.CutPrefix(key, "check."); ok && len(values) == 1 {
			out[name] = values[0] == "yes"
		}
	}
	return out
}

type batchPage struct {
	*licensing.Batch
	Items  []batchItem
	Again  string // address that asks for the failed ones anew
	Remain int
}

type batchItem struct {
	licensing.BatchItem
	Number string
	State  string // done, failed or waiting
	Why    string
}

// batch shows how far one has come; the page's script keeps it up to date, without it the link does.
func (s *site) batch(q *request) error {
	b, err := s.o.Service.Batch(q.Context(), q.actor(), q.PathValue("id"))
	if err != nil {
		return err
	}
	p := batchPage{Batch: b, Remain: len(b.Items) - b.Done}
	again := []string{}
	for i, item := range b.Items {
		x := batchItem{BatchItem: item, State: "waiting"}
		app, err := s.o.Service.Application(q.Context(), q.actor(), item.Application)
		if err == nil {
			x.Number = app.Number
		}
		switch {
		case i >= b.Done:
		case item.Problem != "":
			x.State, x.Why = "failed", why(q.lang, item.Problem)
			again = append(again, "id="+item.Application)
		default:
			x.State = "done"
		}
		p.Items = append(p.Items, x)
	}
	if b.Finished != nil && len(again) > 0 {
		p.Again = "/batches/new?" + strings.Join(again[:min(len(again), maxChosen)], "&")
	}
	v := q.view("batch.title")
	v.Data, v.Back = p, "/batches"
	return q.render(http.StatusOK, "batch", v)
}

// batches are the officer's own, newest first.
func (s *site) batches(q *request) error {
	list, err := s.o.Service.Batches(q.Context(), q.actor())
	if err != nil {
		return err
	}
	v := q.view("batches.title")
	v.Data, v.Back = list, "/queue"
	return q.render(http.StatusOK, "batches", v)
}
