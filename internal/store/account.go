// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"rastau/internal/account"
	"rastau/licensing"
)

// accounts keeps people in the same database as the register.
type accounts struct{ s *Store }

// Accounts is the account.Store of this database.
func (s *Store) Accounts() account.Store { return accounts{s} }

func (a accounts) update(ctx context.Context, f func(x *tx) error) error {
	return a.s.update(ctx, f)
}

// look reads by one question, as everything here does.
func (a accounts) look(ctx context.Context, f func(x *tx) error) error {
	err := a.s.look(ctx, f)
	if errors.Is(err, licensing.ErrNotFound) {
		return account.ErrUnknown
	}
	return err
}

const personColumns = `id, login, name, iin, bin, roles, password, created, failures, locked, disabled`

func (a accounts) AddPerson(ctx context.Context, p *account.Person, e account.Event) error {
	return a.update(ctx, func(x *tx) error {
		err := x.must(account.ErrTaken, `INSERT INTO people (`+personColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING`,
			p.ID, x.digest("people.login", p.Login), x.hidePerson(p), x.digest("people.iin", p.IIN), x.digest("people.bin", p.BIN), rolesText(p.Roles), p.Password, p.Created.UnixMilli(), p.Failures, lockedUntil(p), flag(p.Disabled))
		if err != nil {
			return err
		}
		return x.addEvent(e)
	})
}

func (a accounts) PersonByID(ctx context.Context, id string) (*account.Person, error) {
	return a.person(ctx, func(x *tx) ([]account.Person, error) { return x.people(`id = $1`, id) })
}

func (a accounts) PersonByLogin(ctx context.Context, login string) (*account.Person, error) {
	return a.person(ctx, func(x *tx) ([]account.Person, error) { return x.people(`login = $1`, x.digest("people.login", login)) })
}

// PersonByNumbers prefers the applicant's account where staff have the same numbers.
func (a accounts) PersonByNumbers(ctx context.Context, iin, bin string) (*account.Person, error) {
	return a.person(ctx, func(x *tx) ([]account.Person, error) {
		return x.people(`iin = $1 AND bin = $2 ORDER BY roles <> 'applicant', created LIMIT 1`, x.digest("people.iin", iin), x.digest("people.bin", bin))
	})
}

func (a accounts) person(ctx context.Context, find func(*tx) ([]account.Person, error)) (p *account.Person, err error) {
	err = a.look(ctx, func(x *tx) error {
		list, err := find(x)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return account.ErrUnknown
		}
		p = &list[0]
		return nil
	})
	return p, err
}

func (a accounts) People(ctx context.Context) (list []account.Person, err error) {
	err = a.look(ctx, func(x *tx) error {
		list, err = x.people(`true ORDER BY created, id`)
		return err
	})
	return list, err
}

func (x *tx) people(where string, args ...any) ([]account.Person, error) {
	list := []account.Person{}
	err := x.all(func(scan func(...any) error) error {
		var p account.Person
		row := personRow{x: x, p: &p}
		err := scan(row.columns()...)
		if err == nil {
			err = row.read()
		}
		list = append(list, p)
		return err
	}, `SELECT `+personColumns+` FROM people WHERE `+where, args...)
	return list, err
}

// personRow reads personColumns.
type personRow struct {
	x                 *tx
	p                 *account.Person
	roles             string
	created, disabled int64
	locked            sql.NullInt64
}

func (r *personRow) columns() []any {
	p := r.p
	return []any{&p.ID, &p.Login, &p.Name, &p.IIN, &p.BIN, &r.roles, &p.Password, &r.created, &p.Failures, &r.locked, &r.disabled}
}

func (r *personRow) read() error {
	p := r.p
	for role := range strings.SplitSeq(r.roles, " ") {
		p.Roles = append(p.Roles, account.Role(role))
	}
	p.Created, p.Disabled = moment(r.created), r.disabled == 1
	if r.locked.Valid {
		p.Locked = moment(r.locked.Int64)
	}
	return r.x.showPerson(p)
}

func (a accounts) ChangePerson(ctx context.Context, id string, change func(*account.Person) (*account.Event, error)) error {
	return a.update(ctx, func(x *tx) error {
		list, err := x.people(`id = $1`, id)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return account.ErrUnknown
		}
		p := &list[0]
		e, err := change(p)
		if err != nil {
			return err
		}
		err = x.must(account.ErrUnknown, `UPDATE people SET name = $1, roles = $2, password = $3, failures = $4, locked = $5, disabled = $6 WHERE id = $7`,
			x.hidePerson(p), rolesText(p.Roles), p.Password, p.Failures, lockedUntil(p), flag(p.Disabled), id)
		if err != nil || e == nil {
			return err
		}
		return x.addEvent(*e)
	})
}

func (a accounts) AddSession(ctx context.Context, s *account.Session, e account.Event) error {
	return a.update(ctx, func(x *tx) error {
		err := x.exec(`INSERT INTO sessions (token, person, method, created, seen) VALUES ($1, $2, $3, $4, $5)`,
			s.TokenSHA256, s.Person, string(s.Method), s.Created.UnixMilli(), s.Seen.UnixMilli())
		if err != nil {
			return err
		}
		return x.addEvent(e)
	})
}

func (a accounts) Session(ctx context.Context, token string) (*account.Session, *account.Person, error) {
	s := account.Session{TokenSHA256: token}
	var p account.Person
	err := a.look(ctx, func(x *tx) error {
		var method string
		var created, seen int64
		var ended sql.NullInt64
		row := personRow{x: x, p: &p}
		err := x.one(append([]any{&method, &created, &seen, &ended}, row.columns()...),
			`SELECT s.method, s.created, s.seen, s.ended, p.`+strings.ReplaceAll(personColumns, ", ", ", p.")+` FROM sessions s JOIN people p ON p.id = s.person WHERE s.token = $1`, token)
		if err != nil {
			return err
		}
		s.Method, s.Created, s.Seen = account.Method(method), moment(created), moment(seen)
		if ended.Valid {
			s.Ended = moment(ended.Int64)
		}
		return row.read()
	})
	if err != nil {
		return nil, nil, err
	}
	s.Person = p.ID
	return &s, &p, nil
}

func (a accounts) SeeSession(ctx context.Context, token string, at time.Time) error {
	return a.s.stepBeside(ctx, func(x *tx) error {
		return x.exec(`UPDATE sessions SET seen = $1 WHERE token = $2 AND seen < $1`, at.UnixMilli(), token)
	})
}

func (a accounts) EndSession(ctx context.Context, token string, e account.Event) error {
	return a.update(ctx, func(x *tx) error {
		if err := x.exec(`UPDATE sessions SET ended = $1 WHERE token = $2 AND ended IS NULL`, e.At.UnixMilli(), token); err != nil {
			return err
		}
		return x.addEvent(e)
	})
}

func (a accounts) EndSessions(ctx context.Context, person string, at time.Time) error {
	return a.update(ctx, func(x *tx) error {
		return x.exec(`UPDATE sessions SET ended = $1 WHERE person = $2 AND ended IS NULL`, at.UnixMilli(), person)
	})
}

// AddChallenge also clears those that have ended, so that asking for many fills nothing.
func (a accounts) AddChallenge(ctx context.Context, c *account.Challenge) error {
	return a.update(ctx, func(x *tx) error {
		ended := c.Expires.Add(-time.Hour).UnixMilli()
		if err := x.exec(`DELETE FROM challenges WHERE expires < $1`, ended); err != nil {
			return err
		}
		return x.exec(`INSERT INTO challenges (nonce, purpose, expires, text) VALUES ($1, $2, $3, $4)`, c.Nonce, c.Purpose, c.Expires.UnixMilli(), c.Text)
	})
}

func (a accounts) TakeChallenge(ctx context.Context, nonce string) (*account.Challenge, error) {
	c := account.Challenge{Nonce: nonce}
	err := a.update(ctx, func(x *tx) error {
		var expires int64
		err := x.one([]any{&c.Purpose, &expires, &c.Text}, `DELETE FROM challenges WHERE nonce = $1 RETURNING purpose, expires, text`, nonce)
		c.Expires = moment(expires)
		if errors.Is(err, licensing.ErrNotFound) {
			return account.ErrUnknown
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &c, nil
}

func (a accounts) AddEvent(ctx context.Context, e account.Event) error {
	return a.update(ctx, func(x *tx) error { return x.addEvent(e) })
}

func (x *tx) addEvent(e account.Event) error {
	return x.exec(`INSERT INTO account_events (at, person, kind, origin, actor) VALUES ($1, $2, $3, $4, $5)`,
		e.At.UnixMilli(), e.Person, e.Kind, e.From, e.By)
}

func (a accounts) Events(ctx context.Context, person string, limit int) ([]account.Event, error) {
	list := []account.Event{}
	err := a.look(ctx, func(x *tx) error {
		return x.all(func(scan func(...any) error) error {
			var e account.Event
			var at int64
			err := scan(&at, &e.Person, &e.Kind, &e.From, &e.By)
			e.At = moment(at)
			list = append(list, e)
			return err
		}, `SELECT at, person, kind, origin, actor FROM account_events WHERE ($1 = '' OR person = $1) ORDER BY id DESC LIMIT $2`, person, limit)
	})
	return list, err
}

// personal is what is sealed of a person, together, in the column of the name;
// login and numbers are then found by their digests.
type personal struct {
	Login string `json:"login"`
	Name  string `json:"name"`
	IIN   string `json:"iin"`
	BIN   string `json:"bin"`
}

func (x *tx) hidePerson(p *account.Person) string {
	if x.keys.box.Load() == nil {
		return p.Name
	}
	content, err := json.Marshal(personal{p.Login, p.Name, p.IIN, p.BIN})
	if err != nil {
		panic(err) // four strings
	}
	return x.hideText("people.name", p.ID, string(content))
}

func (x *tx) showPerson(p *account.Person) error {
	content, err := x.showText("people.name", p.ID, p.Name)
	if err != nil || content == p.Name {
		return err // written before there was a key
	}
	var s personal
	if err := json.Unmarshal([]byte(content), &s); err != nil {
		return fmt.Errorf("person %s: %w", p.ID, err)
	}
	p.Login, p.Name, p.IIN, p.BIN = s.Login, s.Name, s.IIN, s.BIN
	return nil
}

func rolesText(roles []account.Role) string {
	parts := make([]string, len(roles))
	for i, r := range roles {
		parts[i] = string(r)
	}
	return strings.Join(parts, " ")
}

func lockedUntil(p *account.Person) any {
	if p.Locked.IsZero() {
		return nil
	}
	return p.Locked.UnixMilli()
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
