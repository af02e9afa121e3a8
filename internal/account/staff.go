// SPDX-License-Identifier: Apache-2.0

package account

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"rastau/internal/identity"
	"rastau/internal/pki"
)

// NewStaff is somebody whom an administrator enters: an employee, an operator, an officer.
type NewStaff struct {
	Login    string `json:"login"`
	Name     string `json:"name"`
	IIN      string `json:"iin"`
	BIN      string `json:"bin"`
	Roles    []Role `json:"roles"`
	Password string `json:"password"` // "" where they log in by certificate only
}

// maxName bounds logins and names, in bytes.
const maxName = 200

// Enter makes a staff account; from is the address of whoever does it. Errors: ErrTaken, ErrPassword, or an error that names what is wrong.
func (d *Desk) Enter(ctx context.Context, by Account, from string, n NewStaff) (*Person, error) {
	switch {
	case n.Login == "" || len(n.Login) > maxName || strings.Contains(n.Login, " ") || !plain(n.Login) || isDigits(n.Login) || strings.HasPrefix(n.Login, KeyPrefix):
		return nil, fmt.Errorf("%w: login: letters, without spaces; numbers alone are the logins of applicants", ErrInput)
	case n.Name == "" || len(n.Name) > maxName || !plain(n.Name):
		return nil, fmt.Errorf("%w: name: is required, %d bytes at most, without control characters or invisible marks", ErrInput, maxName)
	case len(n.Roles) == 0 || slices.ContainsFunc(n.Roles, func(r Role) bool { return !r.Valid() || r == Applicant }):
		return nil, fmt.Errorf("%w: roles: one or more of employee, operator, officer, auditor, admin; applicants register themselves", ErrInput)
	}
	for field, number := range map[string]string{"iin": n.IIN, "bin": n.BIN} {
		if _, err := identity.Parse(number); number != "" && err != nil {
			return nil, fmt.Errorf("%w: %s: twelve digits", ErrInput, field)
		}
	}
	if (slices.Contains(n.Roles, Employee) || slices.Contains(n.Roles, Operator)) && (n.IIN == "" || n.BIN == "") {
		return nil, fmt.Errorf("%w: iin, bin: an employee's or operator's signature is matched to both", ErrInput)
	}
	// The id is the login, so that the table of authorities can name officers as people know them.
	p := &Person{ID: n.Login, Login: n.Login, Name: n.Name, IIN: n.IIN, BIN: n.BIN, Roles: slices.Clone(n.Roles), Created: d.now()}
	if n.Password != "" {
		if err := checkPassword(n.Password); err != nil {
			return nil, err
		}
		var err error
		if p.Password, err = d.hash(ctx, n.Password); err != nil {
			return nil, err
		}
	} else if n.IIN == "" {
		return nil, fmt.Errorf("%w: password or iin: without either nobody could log in", ErrInput)
	}
	if err := d.o.Store.AddPerson(ctx, p, Event{At: p.Created, Person: p.ID, Kind: "entered", From: from, By: by.ID}); err != nil {
		return nil, err
	}
	d.o.Log.InfoContext(ctx, "staff entered", "person", p.ID, "by", by.ID)
	return p, nil
}

// ErrInput: what was entered is not possible; the error names the field.
var ErrInput = errors.New("cannot be entered")

// SetPassword gives a person a new password and ends their sessions. A person changes their own with the old one; an
// administrator any, with old "".
func (d *Desk) SetPassword(ctx context.Context, by Account, id, old, password, from string) error {
	if err := checkPassword(password); err != nil {
		return err
	}
	p, err := d.o.Store.PersonByID(ctx, id)
	if err != nil {
		return err
	}
	if old != "" || !by.Has(Admin) {
		if by.ID != id {
			return ErrLogin
		}
		if _, _, err := d.Login(ctx, p.Login, old, from); err != nil {
			return err
		}
	}
	hash, err := d.hash(ctx, password)
	if err != nil {
		return err
	}
	now := d.now()
	err = d.o.Store.ChangePerson(ctx, id, func(x *Person) (*Event, error) {
		x.Password, x.Failures, x.Locked = hash, 0, time.Time{}
		return &Event{At: now, Person: id, Kind: "password", From: from, By: by.ID}, nil
	})
	if err != nil {
		return err
	}
	return d.o.Store.EndSessions(ctx, id, now)
}

// Disable shuts a person out, or lets them in again, and ends their sessions.
func (d *Desk) Disable(ctx context.Context, by Account, from, id string, disabled bool) error {
	if by.ID == id {
		return fmt.Errorf("%w: nobody shuts themselves out", ErrInput)
	}
	now := d.now()
	err := d.o.Store.ChangePerson(ctx, id, func(x *Person) (*Event, error) {
		x.Disabled = disabled
		kind := "disabled"
		if !disabled {
			kind = "enabled"
			x.Failures, x.Locked = 0, time.Time{}
		}
		return &Event{At: now, Person: id, Kind: kind, From: from, By: by.ID}, nil
	})
	if err != nil {
		return err
	}
	return d.o.Store.EndSessions(ctx, id, now)
}

// People lists everybody.
func (d *Desk) People(ctx context.Context) ([]Person, error) { return d.o.Store.People(ctx) }

// Events is the journal of a person's log-ins, newest first; of everybody where person is "".
func (d *Desk) Events(ctx context.Context, person string, limit int) ([]Event, error) {
	return d.o.Store.Events(ctx, person, limit)
}

// plain: a person who reads it sees all of it.
func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(c rune) bool { return unicode.IsControl(c) || unicode.Is(unicode.Cf, c) })
}

func isDigits(s string) bool { return strings.Trim(s, "0123456789-") == "" }

// nameOf is the holder's name as the certificate writes it.
func nameOf(h pki.Holder) string {
	if h.Organization != "" {
		return h.CommonName + ", " + h.Organization
	}
	return h.CommonName
}

func contentOf(b []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
}

// Named is the account of a log-in. ErrUnknown where there is none, or its person is shut out.
func (d *Desk) Named(ctx context.Context, login string) (Account, error) {
	p, err := d.o.Store.PersonByLogin(ctx, login)
	if err != nil {
		return Account{}, err
	}
	if p.Disabled {
		return Account{}, ErrUnknown
	}
	return p.Account(), nil
}

// Journal notes that somebody is about to change something, and from which address: what is the address of the page, ids alone.
// Whoever cannot be journalled changes nothing.
func (d *Desk) Journal(ctx context.Context, by Account, what, from string) error {
	return d.o.Store.AddEvent(ctx, Event{At: d.now(), Person: what, Kind: "changed", From: from, By: by.ID})
}
