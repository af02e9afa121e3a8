// SPDX-License-Identifier: Apache-2.0

package api

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"rastau/internal/account"
	"rastau/licensing"
)

// loginError is a refused log-in with the regulation's message: M1 on the portal, M5 for staff.
type loginError struct {
	message licensing.Message
	err     error
}

func (e *loginError) Error() string { return e.err.Error() }
func (e *loginError) Unwrap() error { return e.err }

// refusedLogin tells the person why in the regulation's words; other errors stay what they are.
func refusedLogin(err error, staff bool) error {
	var certificate *account.CertificateError
	switch {
	case errors.Is(err, account.ErrLocked):
		return &loginError{licensing.LoginRefused(staff, "locked"), err}
	case errors.As(err, &certificate):
		return &loginError{licensing.LoginRefused(staff, "certificate"), err}
	case errors.Is(err, account.ErrLogin):
		return &loginError{licensing.LoginRefused(staff, "credentials"), err}
	}
	return err
}

// personLine is a person as they are shown: never the password.
type personLine struct {
	ID       string         `json:"id"`
	Login    string         `json:"login,omitempty"`
	Name     string         `json:"name"`
	IIN      string         `json:"iin,omitempty"`
	BIN      string         `json:"bin,omitempty"`
	Roles    []account.Role `json:"roles"`
	Disabled bool           `json:"disabled,omitempty"`
}

func lineOf(p *account.Person) personLine {
	return personLine{ID: p.ID, Login: p.Login, Name: p.Name, IIN: p.IIN, BIN: p.BIN, Roles: p.Roles, Disabled: p.Disabled}
}

// challenge makes the text that a person signs to register or to log in.
func (s *server) challenge(c echo.Context) error {
	var q struct {
		Purpose string `json:"purpose"`
	}
	if err := s.readJSON(c, &q); err != nil {
		return err
	}
	if q.Purpose != account.PurposeRegister && q.Purpose != account.PurposeLogin {
		return badInput("purpose", "must be register or login")
	}
	ch, err := s.o.Desk.Challenge(c.Request().Context(), q.Purpose)
	if err != nil {
		return err
	}
	return answer(c, http.StatusCreated, map[string]any{"nonce": ch.Nonce, "challenge": ch.Text, "expires": ch.Expires})
}

// registration makes an applicant's account from the certificate that signed the challenge (R024, R030).
func (s *server) registration(c echo.Context) error {
	var q struct {
		Nonce     string `json:"nonce"`
		Signature []byte `json:"signature"`
		Password  string `json:"password"`
	}
	if err := s.readJSON(c, &q); err != nil {
		return err
	}
	p, err := s.o.Desk.Register(c.Request().Context(), q.Nonce, q.Signature, q.Password, c.RealIP())
	if err != nil {
		return refusedLogin(err, false)
	}
	return answer(c, http.StatusCreated, lineOf(p))
}

// login is condition C1: by login and password, or by a signed challenge.
func (s *server) login(c echo.Context) error {
	var q struct {
		Login     string `json:"login"`
		Password  string `json:"password"`
		Nonce     string `json:"nonce"`
		Signature []byte `json:"signature"`
	}
	if err := s.readJSON(c, &q); err != nil {
		return err
	}
	ctx := c.Request().Context()
	var p *account.Person
	var token string
	var err error
	staff := false
	switch {
	case q.Nonce != "" && q.Login == "" && q.Password == "":
		p, token, err = s.o.Desk.LoginCertificate(ctx, q.Nonce, q.Signature, c.RealIP())
	case q.Login != "" && q.Nonce == "" && q.Signature == nil:
		// Applicants' logins are numbers; whatever else is tried is meant to be one of staff.
		staff = strings.Trim(q.Login, "0123456789-") != ""
		p, token, err = s.o.Desk.Login(ctx, q.Login, q.Password, c.RealIP())
	default:
		return badInput("login", "give login and password, or nonce and signature")
	}
	if err != nil {
		return refusedLogin(err, staff)
	}
	return answer(c, http.StatusCreated, map[string]any{"token": token, "person": lineOf(p)})
}

// whoAmI shows the caller's own account.
func (s *server) whoAmI(c echo.Context) error {
	a := caller(c)
	return ok(c, personLine{ID: a.ID, Name: a.Name, IIN: a.IIN, BIN: a.BIN, Roles: a.Roles})
}

// logout ends the session whose token the request carries. A token of the configuration is no session and stays.
func (s *server) logout(c echo.Context) error {
	if s.o.Desk != nil {
		_, token, _ := strings.Cut(c.Request().Header.Get(echo.HeaderAuthorization), " ")
		if err := s.o.Desk.Logout(c.Request().Context(), strings.TrimSpace(token), c.RealIP()); err != nil {
			return err
		}
	}
	return c.NoContent(http.StatusNoContent)
}

// people lists everybody who logs in.
func (s *server) people(c echo.Context) error {
	list, err := s.o.Desk.People(c.Request().Context())
	if err != nil {
		return err
	}
	lines := make([]personLine, len(list))
	for i := range list {
		lines[i] = lineOf(&list[i])
	}
	return ok(c, map[string]any{"people": lines})
}

// enter makes an account of staff.
func (s *server) enter(c echo.Context) (*reply, error) {
	var n account.NewStaff
	if err := s.readJSON(c, &n); err != nil {
		return nil, err
	}
	p, err := s.o.Desk.Enter(c.Request().Context(), caller(c), c.RealIP(), n)
	if err != nil {
		return nil, err
	}
	return &reply{status: http.StatusCreated, body: lineOf(p)}, nil
}

// disable shuts a person out or lets them in again.
func (s *server) disable(c echo.Context) (*reply, error) {
	var q struct {
		Disabled *bool `json:"disabled"`
	}
	if err := s.readJSON(c, &q); err != nil {
		return nil, err
	}
	if q.Disabled == nil {
		return nil, badInput("disabled", "is required: true or false")
	}
	if err := s.o.Desk.Disable(c.Request().Context(), caller(c), c.RealIP(), c.Param("id"), *q.Disabled); err != nil {
		return nil, err
	}
	return &reply{status: http.StatusOK, body: map[string]any{"id": c.Param("id"), "disabled": *q.Disabled}}, nil
}

// setPassword changes the caller's own password, or anybody's for an administrator. No answer is remembered: it would remember
// the password.
func (s *server) setPassword(c echo.Context) error {
	var q struct {
		Old      string `json:"old"`
		Password string `json:"password"`
	}
	if err := s.readJSON(c, &q); err != nil {
		return err
	}
	if err := s.o.Desk.SetPassword(c.Request().Context(), caller(c), c.Param("id"), q.Old, q.Password, c.RealIP()); err != nil {
		return refusedLogin(err, true)
	}
	return c.NoContent(http.StatusNoContent)
}

// logins is the journal of log-ins, of one person or of everybody.
func (s *server) logins(c echo.Context) error {
	const most = 500
	list, err := s.o.Desk.Events(c.Request().Context(), c.QueryParam("person"), most)
	if err != nil {
		return err
	}
	type line struct {
		At     string `json:"at"`
		Person string `json:"person,omitempty"`
		Kind   string `json:"kind"`
		From   string `json:"from,omitempty"`
		By     string `json:"by,omitempty"`
	}
	lines := make([]line, len(list))
	for i, e := range list {
		lines[i] = line{e.At.UTC().Format("2006-01-02T15:04:05.000Z"), e.Person, e.Kind, e.From, e.By}
	}
	return ok(c, map[string]any{"events": lines})
}

// withDesk hides the routes of people where nobody logs in here.
func (s *server) withDesk(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.o.Desk == nil {
			return errNoSuch
		}
		return next(c)
	}
}
