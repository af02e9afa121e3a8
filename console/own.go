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
	v.Data = ownPage{casePage: c, Piece: o.Next, Number: len(o.Signed) + 1, Content: base64.StdEncoding.EncodeToString(o.Next.Content), Approve: o.Decision.Approve, Grounds: o.Decision.Grounds}
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
	done, err := s.o.Service.SignOwn(q.Context(), q.actor(), id, signature)
	switch {
	case errors.Is(err, licensing.ErrNotFound):
		return q.redirect("/case/" + id)
	case isInput(err):
		return s.showOwn(q, http.StatusUnprocessableEntity, []fieldError{{"sign", fieldOf(q, err)}})
	case errors.Is(err, licensing.ErrLater):
		return s.showOwn(q, http.StatusServiceUnavailable, []fieldError{{"sign", q.view("case.title").T("error.later.text")}})
	case err != nil:
		return s.undecided(q, err)
	case done == nil:
		return q.redirect("/case/" + id + "/own")
	}
	return q.redirect("/case/" + id)
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
