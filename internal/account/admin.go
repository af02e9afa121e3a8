// SPDX-License-Identifier: Apache-2.0

package account

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Search in what was done; a zero field does not filter.
type Search struct {
	Who    string    // id of whoever did it, or of whom or what it was done to
	Kind   string    // of the event
	From   time.Time // the first moment
	Before time.Time // the last moment
	Skip   int       // so many of the newest are left out: with Before, where the page before ended
	Limit  int       // Required.
}

// Line is one thing that was done: a log-in, a change of an account, or a step of the work on an application or licence.
type Line struct {
	At      time.Time
	Kind    string
	Actor   string // who did it; "" for the person themselves
	Subject string // the person, the key, the application's id or the licence's number
	From    string // address; "" where it is not known
	Work    bool   // of the work on an application or a licence
}

// maxSearch bounds a page of Search.
const maxSearch = 5000

// Search lists what was done, newest first.
func (d *Desk) Search(ctx context.Context, q Search) ([]Line, error) {
	q.Limit, q.Skip = max(1, min(q.Limit, maxSearch)), max(0, min(q.Skip, maxSearch))
	return d.o.Store.Search(ctx, q)
}

// Unlock lets a person try passwords again at once.
func (d *Desk) Unlock(ctx context.Context, by Account, from, id string) error {
	return d.change(ctx, by, from, id, "unlocked", func(p *Person) error {
		p.Failures, p.Locked = 0, time.Time{}
		return nil
	})
}

// SetRoles gives a member of staff other roles, and ends their sessions, so that they count at once. Errors: ErrInput, ErrUnknown.
func (d *Desk) SetRoles(ctx context.Context, by Account, from, id string, roles []Role) error {
	if by.ID == id {
		return fmt.Errorf("%w: nobody changes their own roles", ErrInput)
	}
	if len(roles) == 0 || slices.ContainsFunc(roles, func(r Role) bool { return !r.Valid() || r == Applicant }) {
		return fmt.Errorf("%w: roles: one or more of employee, operator, officer, auditor, admin; applicants register themselves", ErrInput)
	}
	err := d.change(ctx, by, from, id, "roles", func(p *Person) error {
		if slices.Contains(p.Roles, Applicant) {
			return fmt.Errorf("%w: roles: an applicant is no staff", ErrInput)
		}
		if (slices.Contains(roles, Employee) || slices.Contains(roles, Operator)) && (p.IIN == "" || p.BIN == "") {
			return fmt.Errorf("%w: iin, bin: an employee's or operator's signature is matched to both", ErrInput)
		}
		p.Roles = slices.Clone(roles)
		return nil
	})
	if err != nil {
		return err
	}
	return d.o.Store.EndSessions(ctx, id, d.now())
}

// EndSessions logs a person out everywhere.
func (d *Desk) EndSessions(ctx context.Context, by Account, from, id string) error {
	if err := d.change(ctx, by, from, id, "sessions-ended", func(*Person) error { return nil }); err != nil {
		return err
	}
	return d.o.Store.EndSessions(ctx, id, d.now())
}

func (d *Desk) change(ctx context.Context, by Account, from, id, kind string, f func(*Person) error) error {
	now := d.now()
	return d.o.Store.ChangePerson(ctx, id, func(p *Person) (*Event, error) {
		if err := f(p); err != nil {
			return nil, err
		}
		return &Event{At: now, Person: id, Kind: kind, From: from, By: by.ID}, nil
	})
}
