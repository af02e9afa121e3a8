// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"rastau/internal/account"
	"rastau/licensing"
)

type registryPage struct {
	Search licensing.Search
	*licensing.RegisterPage
	More   string
	Names  map[string]string
	States []licensing.LicenceState
}

func searchOf(q *request) licensing.Search {
	cursor, _ := strconv.ParseInt(q.FormValue("cursor"), 10, 64)
	day := func(name string) licensing.Day {
		d, _ := isoDate(strings.TrimSpace(q.FormValue(name)))
		return licensing.Day(d)
	}
	return licensing.Search{Text: strings.TrimSpace(q.FormValue("q")), BIN: strings.ReplaceAll(q.FormValue("bin"), " ", ""), Service: q.FormValue("service"),
		State: licensing.LicenceState(q.FormValue("state")), Issued: licensing.Period{From: day("from"), Until: day("until")}, Cursor: max(cursor, 0), Limit: 50}
}

// registry is the public register: of a person the name alone.
func (s *site) registry(q *request) error {
	search := searchOf(q)
	v := q.view("registry.title")
	p := registryPage{Search: search, Names: s.names(q),
		States: []licensing.LicenceState{licensing.StateIssued, licensing.StateReissued, licensing.StateSuspended, licensing.StateResumed, licensing.StateTerminated}}
	page, err := s.o.Service.Register(q.Context(), search)
	if isInput(err) {
		p.RegisterPage = &licensing.RegisterPage{}
		v.Data, v.Errors = p, []fieldError{{nameOf(err), fieldOf(q, err)}}
		return q.render(http.StatusUnprocessableEntity, "registry", v)
	}
	if err != nil {
		return err
	}
	p.RegisterPage = page
	if page.Next > 0 {
		values := q.URL.Query()
		values.Set("cursor", strconv.FormatInt(page.Next, 10))
		p.More = "/registry?" + values.Encode()
	}
	v.Data = p
	return q.render(http.StatusOK, "registry", v)
}

func (s *site) registryCSV(q *request) error {
	var out bytes.Buffer
	if err := s.o.Service.RegisterCSV(q.Context(), &out, searchOf(q), q.lang); err != nil {
		return err
	}
	return q.file("register.csv", "text/csv; charset=utf-8", out.Bytes(), true)
}

type adminPage struct {
	People []account.Person
	Lists  []listLine
	Roles  []account.Role
	Entry  account.NewStaff
}

type listLine struct {
	URL, Error       string
	Next, ThisUpdate time.Time
}

func (s *site) admin(q *request) error {
	return s.showAdmin(q, http.StatusOK, account.NewStaff{}, nil)
}

func (s *site) showAdmin(q *request, status int, n account.NewStaff, errs []fieldError) error {
	people, err := s.o.Desk.People(q.Context())
	if err != nil {
		return err
	}
	p := adminPage{People: people, Entry: n, Roles: []account.Role{account.Employee, account.Operator, account.Officer, account.Auditor, account.Admin}}
	if s.o.Lists != nil {
		for _, l := range s.o.Lists.States() {
			p.Lists = append(p.Lists, listLine{URL: l.URL, Error: l.LastError, Next: l.NextUpdate, ThisUpdate: l.ThisUpdate})
		}
	}
	v := q.view("admin.title")
	v.Data, v.Errors = p, errs
	return q.render(status, "admin", v)
}

// enter makes an account of staff.
func (s *site) enter(q *request) error {
	if err := q.ParseForm(); err != nil {
		return err
	}
	n := account.NewStaff{Login: strings.TrimSpace(q.FormValue("login")), Name: strings.TrimSpace(q.FormValue("name")),
		IIN: strings.ReplaceAll(q.FormValue("iin"), " ", ""), BIN: strings.ReplaceAll(q.FormValue("bin"), " ", ""), Password: q.FormValue("password")}
	for _, r := range q.PostForm["roles"] {
		n.Roles = append(n.Roles, account.Role(r))
	}
	_, err := s.o.Desk.Enter(q.Context(), *q.user, q.from(), n)
	n.Password = ""
	switch {
	case errors.Is(err, account.ErrTaken):
		return s.showAdmin(q, http.StatusConflict, n, []fieldError{{"login", q.view("admin.title").T("admin.taken")}})
	case errors.Is(err, account.ErrPassword):
		return s.showAdmin(q, http.StatusUnprocessableEntity, n, []fieldError{{"password", q.view("admin.title").T("register.weak")}})
	case errors.Is(err, account.ErrInput):
		return s.showAdmin(q, http.StatusUnprocessableEntity, n, []fieldError{{"login", q.view("admin.title").T("admin.incomplete")}})
	case err != nil:
		return err
	}
	return q.redirect("/admin")
}

// shutOut disables a person or lets them in again.
func (s *site) shutOut(q *request) error {
	if err := s.o.Desk.Disable(q.Context(), *q.user, q.from(), q.PathValue("id"), q.FormValue("disabled") == "yes"); err != nil {
		return err
	}
	return q.redirect("/admin")
}
