// SPDX-License-Identifier: Apache-2.0

package console

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"rastau/licensing"
)

type ownPage struct {
	*casePage
	Piece   licensing.OwnPiece
	Number  int
	Content string // base64: what is signed
	Approve bool
	Grounds string
	More    int // applications that get the same decision after this one
}

// beginOwn has a decision signed with the officer's own key, document by document.
func (s *site) beginOwn(q *request) error {
	if err := q.ParseForm(); err != nil {
		return err
	}
	answer := q.FormValue("decision")
	if answer != "approve" && answer != "refuse" {
		return s.showCase(q, http.StatusUnprocessableEntity, []fieldError{{"decision", q.view("case.title").T("case.choose")}})
	}
	d := licensing.Decision{Approve: answer == "approve", Grounds: strings.TrimSpace(q.FormValue("grounds")), Checklist: posts(q)}
	if _, err := s.o.Service.DecideOwn(q.Context(), q.actor(), q.PathValue("id"), d); err != nil {
		return s.undecided(q, err)
	}
	return q.redirect("/case/" + q.PathValue("id") + "/own")
}

// beginOwnBatch has one decision on several cases signed with the officer's own key, case by case.
func (s *site) beginOwnBatch(q *request) error {
	d, errs, err := batchDecision(q)
	if err != nil {
		return err
	}
	ids := chosen(q)
	if errs != nil || len(ids) == 0 {
		return s.showBatchForm(q, http.StatusUnprocessableEntity, errs)
	}
	first, err := s.o.Service.DecideOwn(q.Context(), q.actor(), ids[0], d, ids[1:]...)
	switch {
	case isInput(err):
		return s.showBatchForm(q, http.StatusUnprocessableEntity, []fieldError{{nameOf(err), fieldOf(q, err)}})
	case errors.Is(err, licensing.ErrLater), errors.Is(err, licensing.ErrState), errors.Is(err, licensing.ErrNotAuthority), errors.Is(err, licensing.ErrSigningKey):
		app, missing := s.o.Service.Application(q.Context(), q.actor(), ids[0])
		if missing != nil {
			return missing
		}
		return s.showBatchForm(q, http.StatusConflict, []fieldError{{"cases", app.Number + ": " + why(q.lang, err.Error())}})
	case err != nil:
		return err
	}
	return q.redirect("/case/" + first.Application + "/own")
}

// ownForm shows the document whose signature is waited for.
func (s *site) ownForm(q *request) error { return s.showOwn(q, http.StatusOK, nil) }

func (s *site) showOwn(q *request, status int, errs []fieldError) error {
	o, err := s.o.Service.Piece(q.Context(), q.actor(), q.PathValue("id"))
	if errors.Is(err, licensing.ErrNotFound) {
		return q.redirect("/case/" + q.PathValue("id"))
	}
	if err != nil {
		return err
	}
	c, err := s.caseOf(q)
	if err != nil {
		return err
	}
	v := q.view("own.title")
	v.Path, v.Errors, v.Back = "/case/"+c.ID+"/own", errs, "/case/"+c.ID
	v.Data = ownPage{casePage: c, Piece: o.Next, Number: len(o.Signed) + 1, Content: base64.StdEncoding.EncodeToString(o.Next.Content), Approve: o.Decision.Approve, Grounds: o.Decision.Grounds, More: len(o.Then)}
	return q.render(status, "own", v)
}

// ownContent is the document as a file, for whoever signs elsewhere.
func (s *site) ownContent(q *request) error {
	o, err := s.o.Service.Piece(q.Context(), q.actor(), q.PathValue("id"))
	if err != nil {
		return err
	}
	return q.file("decision-"+strconv.Itoa(len(o.Signed)+1)+".bin", "application/octet-stream", o.Next.Content, true)
}

// signOwn takes the signature and goes on with the next document, or back to the decided case.
func (s *site) signOwn(q *request) error {
	if err := q.ParseMultipartForm(2 << 20); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return err
	}
	signature, err := signatureOf(q)
	if err != nil {
		return err
	}
	id := q.PathValue("id")
	if len(signature) == 0 {
		return s.showOwn(q, http.StatusUnprocessableEntity, []fieldError{{"sign", q.view("apply.title").T("apply.unsigned")}})
	}
	result, err := s.o.Service.SignOwn(q.Context(), q.actor(), id, signature)
	switch {
	case errors.Is(err, licensing.ErrNotFound):
		return q.redirect("/case/" + id)
	case isInput(err):
		return s.showOwn(q, http.StatusUnprocessableEntity, []fieldError{{"sign", fieldOf(q, err)}})
	case errors.Is(err, licensing.ErrLater):
		return s.showOwn(q, http.StatusServiceUnavailable, []fieldError{{"sign", q.view("case.title").T("error.later.text")}})
	case err != nil:
		return s.undecided(q, err)
	case result.Next != "":
		return q.redirect("/case/" + result.Next + "/own")
	case len(result.Skipped) > 0:
		return s.showSkipped(q, result.Skipped)
	}
	return q.redirect("/case/" + id)
}

// showSkipped lists those of several cases that could not be decided with the others, and why.
func (s *site) showSkipped(q *request, skipped []licensing.OwnSkipped) error {
	q.Form.Del("id") // the form of the last signature holds none of this page's
	var errs []fieldError
	for _, one := range skipped {
		app, err := s.o.Service.Application(q.Context(), q.actor(), one.Application)
		if err != nil {
			return err
		}
		q.Form.Add("id", one.Application)
		errs = append(errs, fieldError{"cases", app.Number + ": " + why(q.lang, one.Why)})
	}
	return s.showBatchForm(q, http.StatusConflict, errs)
}

// undecided shows the case with what keeps it from being decided.
func (s *site) undecided(q *request, err error) error {
	switch {
	case isInput(err):
		return s.showCase(q, http.StatusUnprocessableEntity, []fieldError{{nameOf(err), fieldOf(q, err)}})
	case errors.Is(err, licensing.ErrLater):
		return s.showCase(q, http.StatusServiceUnavailable, []fieldError{{"decision", q.view("case.title").T("error.later.text")}})
	case errors.Is(err, licensing.ErrState), errors.Is(err, licensing.ErrNotAuthority), errors.Is(err, licensing.ErrSigningKey):
		return s.showCase(q, http.StatusConflict, []fieldError{{"decision", why(q.lang, err.Error())}})
	}
	return err
}
