// SPDX-License-Identifier: Apache-2.0

package console

import (
	"errors"
	"net/http"
	"strings"

	"rastau/licensing"
)

func (s *site) claim(q *request) error {
	var err error
	if q.FormValue("release") != "" {
		_, err = s.o.Service.Release(q.Context(), q.actor(), q.PathValue("id"))
	} else {
		_, err = s.o.Service.Claim(q.Context(), q.actor(), q.PathValue("id"))
	}
	if err != nil {
		return err
	}
	return q.redirect("/case/" + q.PathValue("id"))
}

// document shows an attachment for saving; what somebody uploaded is never opened as a page of this site.
func (s *site) document(q *request) error {
	at, content, err := s.o.Service.AttachmentContent(q.Context(), q.actor(), q.PathValue("id"), q.PathValue("sha256"))
	if err != nil {
		return err
	}
	q.w.Header().Set("Content-Security-Policy", "sandbox")
	return q.file(at.Name, at.Type, content, true)
}

// decide approves or refuses; the licence or the reasoned refusal is signed with the licensor's key.
func (s *site) decide(q *request) error {
	if err := q.ParseForm(); err != nil {
		return err
	}
	d := licensing.Decision{Approve: q.FormValue("decision") == "approve", Grounds: strings.TrimSpace(q.FormValue("grounds")), Checklist: map[string]bool{}}
	v := q.view("case.title")
	if answer := q.FormValue("decision"); answer != "approve" && answer != "refuse" {
		return s.showCase(q, http.StatusUnprocessableEntity, []fieldError{{"decision", v.T("case.choose")}})
	}
	for key, values := range q.PostForm {
		if name, ok := strings.CutPrefix(key, "check."); ok && len(values) == 1 {
			d.Checklist[name] = values[0] == "yes"
		}
	}
	app, err := s.o.Service.Decide(q.Context(), q.actor(), q.PathValue("id"), d)
	if err != nil {
		return s.undecided(q, err)
	}
	return q.redirect("/case/" + app.ID)
}

type licencePage struct {
	*licensing.Statement
	Licence *licensing.Licence
	Check   licensing.LicenceCheck
	Moves   []licensing.MoveRecord
	Grounds []licensing.Ground // of the moves that its state allows
	Asked   licensing.MoveRequest
}

// licence shows one licence with its state, its history and, to officers, what may be done with it.
func (s *site) licence(q *request) error { return s.showLicence(q, http.StatusOK, nil) }

func (s *site) showLicence(q *request, status int, errs []fieldError) error {
	number := strings.ToUpper(q.PathValue("number"))
	if licensing.ParseNumber(number) != nil {
		return errMissing
	}
	l, err := s.o.Service.Licence(q.Context(), number)
	if err != nil {
		return err
	}
	p := licencePage{Licence: l, Check: s.o.Service.CheckLicence(q.Context(), nil, nil, number)}
	if p.Moves, err = s.o.Service.Moves(q.Context(), number); err != nil {
		return err
	}
	if q.actor().Officer {
		for _, g := range s.o.Service.Grounds() {
			if _, err := l.State.After(g.Move); err == nil && g.Move != licensing.MoveReplace {
				p.Grounds = append(p.Grounds, g)
			}
		}
		p.Asked = moveAsked(q)
	}
	v := q.view("licence.title")
	v.Path, v.Data, v.Errors, v.Back = "/registry/"+number, p, errs, "/registry"
	return q.render(status, "licence", v)
}

// move suspends, resumes or terminates a licence by a new signed entry.
func (s *site) move(q *request) error {
	if err := q.ParseForm(); err != nil {
		return err
	}
	m := moveAsked(q)
	if until := q.FormValue("until"); until != "" {
		day, _ := isoDate(until)
		m.Until = licensing.Day(day)
	}
	if m.Move == "" {
		// A ground of several moves says not which one is meant: then none is.
		of := 0
		for _, g := range s.o.Service.Grounds() {
			if g.Key == m.Ground {
				of++
				m.Move = g.Move
			}
		}
		if of > 1 {
			m.Move = ""
		}
	}
	_, err := s.o.Service.Move(q.Context(), q.actor(), strings.ToUpper(q.PathValue("number")), m)
	switch {
	case isInput(err):
		return s.showLicence(q, http.StatusUnprocessableEntity, []fieldError{{nameOf(err), fieldOf(q, err)}})
	case errors.Is(err, licensing.ErrState):
		return s.showLicence(q, http.StatusConflict, []fieldError{{"ground", q.view("licence.title").T("licence.not_now")}})
	case err != nil:
		return err
	}
	return q.redirect("/registry/" + q.PathValue("number"))
}

// moveAsked is what an officer asks for: the ground is written as move/key, because several moves may have the same ground.
func moveAsked(q *request) licensing.MoveRequest {
	m := licensing.MoveRequest{Ground: q.FormValue("ground"), Reference: strings.TrimSpace(q.FormValue("reference")), Reason: strings.TrimSpace(q.FormValue("reason")),
		Until: licensing.Day(strings.TrimSpace(q.FormValue("until")))}
	if move, ground, both := strings.Cut(m.Ground, "/"); both {
		m.Move, m.Ground = licensing.Move(move), ground
	}
	return m
}
