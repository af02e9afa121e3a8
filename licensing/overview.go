// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rastau/verifier"
)

// maxDue bounds what is counted for an overview: whoever sees a thousand cases needs no exact number.
const maxDue = 1000

// soonDays is how many calendar days before its deadline an application counts as due soon.
const soonDays = 3

// Waiting is how many applications wait for a decision, by how near the deadline is. A number at More means that many or more.
type Waiting struct {
	Overdue, Today, Soon, Later int
	Appeals                     int // decided applications whose appeal has no answer yet
	Tasks                       int // open, of no application's deadline: see [Service.Tasks]
	More                        int
}

// Waiting counts the queue of an officer by deadline.
func (s *Service) Waiting(ctx context.Context, a Actor) (w Waiting, err error) {
	if !a.Officer && !a.Admin {
		return w, ErrForbidden
	}
	services, err := s.services(ctx, a)
	if err != nil {
		return w, err
	}
	if services != nil && len(services) == 0 {
		return Waiting{More: maxDue}, nil
	}
	now := s.now()
	today := s.o.Calendar.Day(now)
	next := func(d Day) time.Time { return s.o.Calendar.begin(d.next()) }
	ends := []time.Time{{}, now, next(today), next(Day(today.time().AddDate(0, 0, soonDays).Format(time.DateOnly))), now.AddDate(100, 0, 0)}
	err = s.o.Store.View(ctx, func(tx Tx) error {
		w = Waiting{More: maxDue}
		for i, into := range []*int{&w.Overdue, &w.Today, &w.Soon, &w.Later} {
			from := ends[i]
			if i == 0 {
				from = time.UnixMilli(0)
			}
			n, err := tx.Due(services, from, ends[i+1], maxDue)
			if err != nil {
				return err
			}
			*into = n
		}
		appeals, err := tx.OpenAppeals(services, maxDue)
		if err != nil {
			return err
		}
		tasks, err := tx.OpenTasks(services, maxDue)
		w.Appeals, w.Tasks = len(appeals), len(tasks)
		return err
	})
	return w, err
}

// services are those whose applications an officer may see; nil: all.
func (s *Service) services(ctx context.Context, a Actor) ([]string, error) {
	if !a.bound() {
		return nil, nil
	}
	table, err := s.authorities(ctx)
	if err != nil {
		return nil, err
	}
	own := []string{}
	for _, r := range s.o.Regulations {
		if !s.foreign(a, r.Key, table) {
			own = append(own, r.Key)
		}
	}
	if len(own) == len(s.o.Regulations) {
		return nil, nil
	}
	return own, nil
}

// Numbered is [Service.Application] by the number that registration gave. ErrNotFound, ErrForbidden.
func (s *Service) Numbered(ctx context.Context, a Actor, number string) (*Application, error) {
	var id string
	err := s.o.Store.View(ctx, func(tx Tx) error {
		app, err := tx.ApplicationNumbered(number)
		if err == nil {
			id = app.ID
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.Application(ctx, a, id)
}

// Appeals are decided applications whose appeal waits for an answer, the oldest first, as far as the officer may see them.
func (s *Service) Appeals(ctx context.Context, a Actor) ([]Application, error) {
	if !a.Officer && !a.Admin {
		return nil, ErrForbidden
	}
	list := []Application{}
	services, err := s.services(ctx, a)
	if err != nil {
		return nil, err
	}
	if services != nil && len(services) == 0 {
		return list, nil
	}
	err = s.o.Store.View(ctx, func(tx Tx) error {
		list = list[:0]
		ids, err := tx.OpenAppeals(services, maxList)
		if err != nil {
			return err
		}
		for _, id := range ids {
			app, err := corrected(tx, id)
			if err != nil {
				return fmt.Errorf("appeal against %s: %w", id, err)
			}
			list = append(list, *app)
		}
		return nil
	})
	for i := range list {
		s.accessed(ctx, "case read", a, list[i].ID, "appeals")
	}
	return list, err
}

// Verdict is what was found of the signature under which an application was registered, or corrected last, to those who may see it.
// ErrNotFound before there is one.
func (s *Service) Verdict(ctx context.Context, a Actor, id string) (*verifier.Report, error) {
	if _, err := s.Application(ctx, a, id); err != nil {
		return nil, err
	}
	var raw []byte
	err := s.o.Store.View(ctx, func(tx Tx) error {
		m, err := tx.Amendment(id)
		if err == nil {
			raw = m.Report
			return nil
		}
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		reg, err := tx.Registration(id)
		if err == nil {
			raw = reg.Report
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return readReport(raw)
}

// maxBatches is how many of an officer's batches are listed.
const maxBatches = 50

// Batches of an officer, newest first.
func (s *Service) Batches(ctx context.Context, a Actor) (list []Batch, err error) {
	if !a.Officer {
		return nil, ErrForbidden
	}
	err = s.o.Store.View(ctx, func(tx Tx) error {
		list, err = tx.Batches(a.ID, maxBatches)
		return err
	})
	return list, err
}
