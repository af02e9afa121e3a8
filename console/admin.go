// SPDX-License-Identifier: Apache-2.0

package console

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"rastau/internal/account"
	"rastau/licensing"
)

// Settings are what the configuration says and administrators only look at. They may change while the service runs.
type Settings struct {
	File        string   // the configuration's own name
	Anchors     []string // files and folders, as it names them
	TSAAnchors  []string
	Authorities string
	Calendar    string // "" : the embedded one
	Rates       string // "" : the embedded ones
	Table       *licensing.Rates
	Keys        []string // SHA-256 (hex) of the certificates that the licensor signs with, the one in use first
}

var staffRoles = []account.Role{account.Employee, account.Operator, account.Officer, account.Auditor, account.Admin}

// adminPage is where administrators begin: what there is, and what needs them.
type adminPage struct {
	People, Locked, Keys, Signers, Anchors, Lists int
	Stale                                         []string // addresses of lists that have ended
	Ending                                        bool     // the calendar or the rates end within two months
}

func (s *site) admin(q *request) error {
	people, err := s.o.Desk.People(q.Context())
	if err != nil {
		return err
	}
	keys, err := s.o.Desk.Keys(q.Context())
	if err != nil {
		return err
	}
	signers, err := s.o.Service.Signers(q.Context())
	if err != nil {
		return err
	}
	now := s.o.Now()
	p := adminPage{People: len(people), Anchors: len(s.o.Question().Anchors)}
	for _, x := range people {
		if x.Disabled || now.Before(x.Locked) {
			p.Locked++
		}
	}
	for _, k := range keys {
		if k.Revoked.IsZero() {
			p.Keys++
		}
	}
	for _, l := range signers {
		if holds(l, now) {
			p.Signers++
		}
	}
	if s.o.Lists != nil {
		for _, l := range s.o.Lists.States() {
			p.Lists++
			if !l.NextUpdate.IsZero() && now.After(l.NextUpdate) {
				p.Stale = append(p.Stale, l.URL)
			}
		}
	}
	soon := licensing.Day(now.In(s.zone).AddDate(0, 2, 0).Format(time.DateOnly))
	p.Ending = soon >= s.o.Calendar.Covers().Until
	if table := s.o.Settings().Table; table != nil {
		if _, err := table.At(soon); err != nil {
			p.Ending = true
		}
	}
	v := q.view("admin.title")
	v.Data = p
	return q.render(http.StatusOK, "admin", v)
}

func holds(l licensing.Signer, at time.Time) bool {
	return !at.Before(l.From) && (l.Until.IsZero() || at.Before(l.Until))
}

type peoplePage struct {
	Find   string
	People []personLine
	Roles  []account.Role
	Chosen []account.Role
	Entry  account.NewStaff
	All    int
}

type personLine struct {
	account.Person
	State string // open, locked, disabled
}

// peopleShown bounds the list: a search finds the rest.
const peopleShown = 200

func (s *site) lineOf(p account.Person) personLine {
	l := personLine{Person: p, State: "open"}
	switch {
	case p.Disabled:
		l.State = "disabled"
	case s.o.Now().Before(p.Locked):
		l.State = "locked"
	}
	return l
}

func (s *site) people(q *request) error {
	return s.showPeople(q, http.StatusOK, account.NewStaff{}, nil)
}

func (s *site) showPeople(q *request, status int, n account.NewStaff, errs []fieldError) error {
	people, err := s.o.Desk.People(q.Context())
	if err != nil {
		return err
	}
	p := peoplePage{Find: strings.TrimSpace(q.FormValue("find")), Entry: n, Roles: staffRoles, All: len(people)}
	like := strings.ToLower(p.Find)
	for _, x := range people {
		if like == "" || strings.Contains(strings.ToLower(x.Login+" "+x.Name+" "+x.IIN+" "+x.BIN), like) {
			if p.People = append(p.People, s.lineOf(x)); len(p.People) == peopleShown {
				break
			}
		}
	}
	v := q.view("admin.people")
	v.Data, v.Errors, v.Back = p, errs, "/admin"
	return q.render(status, "people", v)
}

// enter makes an account of staff.
func (s *site) enter(q *request) error {
	if err := q.ParseForm(); err != nil {
		return err
	}
	n := account.NewStaff{Login: strings.TrimSpace(q.FormValue("login")), Name: strings.TrimSpace(q.FormValue("name")),
		IIN: strings.ReplaceAll(q.FormValue("iin"), " ", ""), BIN: strings.ReplaceAll(q.FormValue("bin"), " ", ""), Password: q.FormValue("password"), Roles: rolesIn(q)}
	_, err := s.o.Desk.Enter(q.Context(), *q.user, q.from(), n)
	n.Password = ""
	v := q.view("admin.people")
	switch {
	case errors.Is(err, account.ErrTaken):
		return s.showPeople(q, http.StatusConflict, n, []fieldError{{"login", v.T("admin.taken")}})
	case errors.Is(err, account.ErrPassword):
		return s.showPeople(q, http.StatusUnprocessableEntity, n, []fieldError{{"password", v.T("register.weak")}})
	case errors.Is(err, account.ErrInput):
		return s.showPeople(q, http.StatusUnprocessableEntity, n, []fieldError{{"login", v.T("admin.incomplete")}})
	case err != nil:
		return err
	}
	return q.redirect("/admin/people")
}

func rolesIn(q *request) (roles []account.Role) {
	for _, r := range q.PostForm["roles"] {
		roles = append(roles, account.Role(r))
	}
	return roles
}

type personPage struct {
	personLine
	Staff  bool // roles can be changed
	Self   bool
	Roles  []account.Role
	Events []account.Line
}

// person is one account: its state, what was done to it, and what an administrator can do.
func (s *site) person(q *request) error { return s.showPerson(q, http.StatusOK, "", nil) }

func (s *site) showPerson(q *request, status int, notice string, errs []fieldError) error {
	people, err := s.o.Desk.People(q.Context())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(people, func(p account.Person) bool { return p.ID == q.PathValue("id") })
	if i < 0 {
		return errMissing
	}
	p := personPage{personLine: s.lineOf(people[i]), Self: people[i].ID == q.user.ID, Staff: !slices.Contains(people[i].Roles, account.Applicant), Roles: staffRoles}
	if p.Events, err = s.o.Desk.Search(q.Context(), account.Search{Who: p.ID, Limit: 20}); err != nil {
		return err
	}
	v := q.view("admin.title")
	v.Title, v.Data, v.Errors, v.Back, v.Notice = people[i].Name, p, errs, "/admin/people", notice
	return q.render(status, "person", v)
}

// changePerson does one of the things that the page of a person offers.
func (s *site) changePerson(q *request) error {
	if err := q.ParseForm(); err != nil {
		return err
	}
	id, by, from := q.PathValue("id"), *q.user, q.from()
	var err error
	do := q.FormValue("do")
	switch do {
	case "disable", "enable":
		err = s.o.Desk.Disable(q.Context(), by, from, id, do == "disable")
	case "unlock":
		err = s.o.Desk.Unlock(q.Context(), by, from, id)
	case "sessions":
		err = s.o.Desk.EndSessions(q.Context(), by, from, id)
	case "roles":
		err = s.o.Desk.SetRoles(q.Context(), by, from, id, rolesIn(q))
	case "password":
		if id == by.ID {
			return errMissing // their own they change with the old one
		}
		err = s.o.Desk.SetPassword(q.Context(), by, id, "", q.FormValue("password"), from)
	default:
		return errMissing
	}
	if errors.Is(err, account.ErrPassword) {
		return s.showPerson(q, http.StatusUnprocessableEntity, "", []fieldError{{"password", q.view("admin.title").T("register.weak")}})
	}
	if errors.Is(err, account.ErrInput) {
		return s.showPerson(q, http.StatusUnprocessableEntity, "", []fieldError{{"roles", q.view("admin.title").T("person.refused." + do)}})
	}
	if err != nil {
		return err
	}
	return q.redirect("/admin/people/" + escapePath(id))
}
