// SPDX-License-Identifier: Apache-2.0

package console

import (
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"strings"

	"rastau/internal/account"
	"rastau/licensing"
)

const sessionCookie = "rastau-session"

func sessionToken(r *http.Request) string {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return ""
	}
	return c.Value
}

// keep puts the session's token into a cookie that scripts cannot read; it ends with the browser, or with the session.
func (q *request) keep(token string) {
	http.SetCookie(q.w, &http.Cookie{Name: sessionCookie, Value: token, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: q.site.o.Secure})
}

func (q *request) from() string {
	if q.site.o.Address != nil {
		return q.site.o.Address(q.Request)
	}
	host, _, err := net.SplitHostPort(q.RemoteAddr)
	if err != nil {
		return q.RemoteAddr
	}
	return host
}

// next is where to go after logging in: a page of this site, never another's. Browsers read a backslash as a slash (WHATWG URL
// §4.4), and a redirect's path is cleaned: both could lead to an address that begins with two.
func next(to string) string {
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") {
		return ""
	}
	return to
}

type loginPage struct {
	Next, Login string
	Challenge   string // base64: what is signed
	Nonce       string
	Refusal     *licensing.Message
}

func (s *site) loginForm(q *request) error {
	return s.showLogin(q, http.StatusOK, loginPage{Next: next(q.FormValue("next"))}, nil)
}

func (s *site) showLogin(q *request, status int, p loginPage, errs []fieldError) error {
	c, err := s.o.Desk.Challenge(q.Context(), account.PurposeLogin)
	if err != nil {
		return err
	}
	p.Nonce, p.Challenge = c.Nonce, base64.StdEncoding.EncodeToString(c.Text)
	v := q.view("login.title")
	v.Data, v.Errors = p, errs
	return q.render(status, "login", v)
}

// login is condition C1, by password or by the signed challenge.
func (s *site) login(q *request) error {
	if err := q.ParseForm(); err != nil {
		return err
	}
	p := loginPage{Next: next(q.FormValue("next")), Login: strings.TrimSpace(q.FormValue("login"))}
	var person *account.Person
	var token string
	var err error
	staff := strings.Trim(p.Login, "0123456789-") != ""
	if signature := q.FormValue("signature"); signature != "" {
		raw, derr := base64.StdEncoding.DecodeString(signature)
		if derr != nil {
			raw = []byte(signature)
		}
		person, token, err = s.o.Desk.LoginCertificate(q.Context(), q.FormValue("nonce"), raw, q.from())
	} else {
		person, token, err = s.o.Desk.Login(q.Context(), strings.ReplaceAll(p.Login, " ", ""), q.FormValue("password"), q.from())
	}
	if err != nil {
		m, ok := refusedLogin(err, staff)
		if !ok {
			return err
		}
		p.Refusal = &m
		return s.showLogin(q, http.StatusUnauthorized, p, []fieldError{{"login", m.Text.In(q.lang)}})
	}
	q.keep(token)
	if p.Next != "" {
		return q.redirect(p.Next)
	}
	return q.redirect(home(person.Account()))
}

// refusedLogin is message M1, or M5 of staff; ok is false where something else went wrong.
func refusedLogin(err error, staff bool) (licensing.Message, bool) {
	var certificate *account.CertificateError
	switch {
	case errors.Is(err, account.ErrLocked):
		return licensing.LoginRefused(staff, "locked"), true
	case errors.As(err, &certificate):
		return licensing.LoginRefused(staff, "certificate"), true
	case errors.Is(err, account.ErrLogin):
		return licensing.LoginRefused(staff, "credentials"), true
	}
	return licensing.Message{}, false
}

// home is where a person's work begins.
func home(a account.Account) string {
	for _, h := range []struct {
		role account.Role
		page string
	}{{account.Officer, "/queue"}, {account.Employee, "/entry"}, {account.Operator, "/entry"}, {account.Auditor, "/audit"}, {account.Admin, "/admin"}} {
		if a.Has(h.role) {
			return h.page
		}
	}
	return "/my"
}

func (s *site) logout(q *request) error {
	if err := s.o.Desk.Logout(q.Context(), sessionToken(q.Request), q.from()); err != nil {
		return err
	}
	http.SetCookie(q.w, &http.Cookie{Name: sessionCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.o.Secure})
	return q.redirect("/")
}

func (s *site) registerForm(q *request) error {
	return s.showRegister(q, http.StatusOK, nil, nil)
}

func (s *site) showRegister(q *request, status int, refusal *licensing.Message, errs []fieldError) error {
	c, err := s.o.Desk.Challenge(q.Context(), account.PurposeRegister)
	if err != nil {
		return err
	}
	v := q.view("register.title")
	v.Data, v.Errors = loginPage{Nonce: c.Nonce, Challenge: base64.StdEncoding.EncodeToString(c.Text), Refusal: refusal}, errs
	return q.render(status, "register", v)
}

// register makes the account of whoever signed the challenge (R024).
func (s *site) register(q *request) error {
	if err := q.ParseForm(); err != nil {
		return err
	}
	password := q.FormValue("password")
	if password != q.FormValue("again") {
		return s.showRegister(q, http.StatusUnprocessableEntity, nil, []fieldError{{"again", q.view("register.title").T("register.differ")}})
	}
	raw, err := base64.StdEncoding.DecodeString(q.FormValue("signature"))
	if err != nil || len(raw) == 0 {
		return s.showRegister(q, http.StatusUnprocessableEntity, nil, []fieldError{{"sign", q.view("register.title").T("register.unsigned")}})
	}
	p, err := s.o.Desk.Register(q.Context(), q.FormValue("nonce"), raw, password, q.from())
	switch {
	case errors.Is(err, account.ErrTaken):
		return s.showRegister(q, http.StatusConflict, nil, []fieldError{{"sign", q.view("register.title").T("register.taken")}})
	case errors.Is(err, account.ErrPassword):
		return s.showRegister(q, http.StatusUnprocessableEntity, nil, []fieldError{{"password", q.view("register.title").T("register.weak")}})
	case err != nil:
		m, ok := refusedLogin(err, false)
		if !ok {
			return err
		}
		return s.showRegister(q, http.StatusUnauthorized, &m, []fieldError{{"sign", m.Text.In(q.lang)}})
	}
	_, token, err := s.o.Desk.Login(q.Context(), p.Login, password, q.from())
	if err != nil {
		return err
	}
	q.keep(token)
	return q.redirect("/my")
}
