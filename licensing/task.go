// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A task is what the law has somebody do by a day and no application asks for. It is an event "task-KIND" on an application or a
// licence, open until "done-KIND" follows; officers are warned a working day before its end, and at the end it is escalated.

// Kinds of tasks.
const (
	TaskHandOver      = "hand-over"      // a licence deemed issued is handed over (law on licensing 2007, art. 43 (2))
	TaskHolderEnded   = "holder-ended"   // the holder is liquidated, has died or given up the business: the licence ends (art. 48)
	TaskHolderChanged = "holder-changed" // the holder's name is another one by now: a re-issue is due (art. 47 (2))

	EventTask     = "task-" // begins the kind of an event that begins a task
	EventTaskDone = "done-" // and of the one that ends it

	termTask = "task"
	maxTasks = 200
)

// TaskTx finds tasks.
type TaskTx interface {
	// OpenTasks are the events that began tasks which nothing has ended, of these services (none: of all), oldest first. Those of
	// licences that are no more have settled themselves and are left out.
	OpenTasks(services []string, limit int) ([]Event, error)
}

// Task is one that is open.
type Task struct {
	Kind        string    `json:"kind"`
	Application string    `json:"application,omitempty"` // id
	Licence     string    `json:"licence,omitempty"`
	Service     string    `json:"service"`
	Since       time.Time `json:"since"`
	Due         time.Time `json:"due"`
	Overdue     bool      `json:"overdue"`
	Why         string    `json:"why"` // in English
}

type taskBody struct {
	Due time.Time `json:"due"`
	Why string    `json:"why"`
}

// raise begins a task unless it is open already; begun says whether it did.
func (s *Service) raise(tx Tx, subject, kind string, due time.Time, why string) (begun bool, err error) {
	events, err := tx.Events(subject)
	if err != nil || openTask(events, kind) != nil {
		return false, err
	}
	if err := s.event(tx, subject, System, EventTask+kind, taskBody{due, why}); err != nil {
		return false, err
	}
	warn, err := s.o.Calendar.Before(due, 1)
	if err != nil {
		return false, err
	}
	key := fmt.Sprintf("%s/%d", kind, len(events)+1)
	if warn.After(s.now()) {
		if err := s.begin(tx, term{Subject: subject, Kind: termTask, Key: key + "/warning"}, warn); err != nil {
			return false, err
		}
	}
	return true, s.begin(tx, term{Subject: subject, Kind: termTask, Key: key}, due)
}

// openTask is the event that began a task which is still open.
func openTask(events []Event, kind string) (open *Event) {
	for i, e := range events {
		switch e.Kind {
		case EventTask + kind:
			open = &events[i]
		case EventTaskDone + kind:
			open = nil
		}
	}
	return open
}

// runTask is the day before a task's end, or the end.
func (s *Service) runTask(ctx context.Context, t term) error {
	kind, rest, _ := strings.Cut(t.Key, "/")
	if kind == TaskHolderEnded && !strings.HasSuffix(rest, "/warning") {
		return s.endOfHolder(ctx, t)
	}
	event := EventEscalation
	if strings.HasSuffix(rest, "/warning") {
		event = EventWarning
	}
	return s.o.Store.Update(ctx, func(tx Tx) error {
		events, err := tx.Events(t.Subject)
		if err != nil {
			return err
		}
		task := openTask(events, kind)
		if task == nil || noted(events, event, t.Key) {
			return nil
		}
		if moot, err := s.settled(tx, t.Subject, kind); err != nil || moot {
			return err
		}
		return s.event(tx, t.Subject, System, event, map[string]any{"reason": t.Key, "task": kind})
	})
}

// settled closes a task that has settled itself: of a licence that is no more.
func (s *Service) settled(tx Tx, subject, kind string) (bool, error) {
	if kind == TaskHandOver {
		return false, nil
	}
	l, err := tx.Licence(subject)
	if err != nil || l.Licence.State != StateTerminated {
		return false, err
	}
	return true, s.event(tx, subject, System, EventTaskDone+kind, nil)
}

// Tasks lists what is open of the services whose cases the actor may see, oldest first.
func (s *Service) Tasks(ctx context.Context, a Actor) (list []Task, err error) {
	if !a.Officer && !a.Admin {
		return nil, ErrForbidden
	}
	list = []Task{}
	services, err := s.services(ctx, a)
	if err != nil || services != nil && len(services) == 0 {
		return list, err
	}
	err = s.o.Store.View(ctx, func(tx Tx) error {
		list = []Task{}
		events, err := tx.OpenTasks(services, maxTasks)
		if err != nil {
			return err
		}
		for _, e := range events {
			t := Task{Kind: strings.TrimPrefix(e.Kind, EventTask), Since: e.At}
			var b taskBody
			if err := json.Unmarshal(e.Body, &b); err != nil {
				return fmt.Errorf("task of %s: %w", e.Subject, err)
			}
			t.Due, t.Why, t.Overdue = b.Due, b.Why, s.now().After(b.Due)
			app, err := tx.Application(e.Subject)
			switch {
			case err == nil:
				t.Application, t.Licence, t.Service = app.ID, app.Licence, app.Service
			case !errors.Is(err, ErrNotFound):
				return err
			default:
				l, err := tx.Licence(e.Subject)
				if err != nil {
					return err
				}
				t.Licence, t.Service = e.Subject, l.Licence.Service
			}
			list = append(list, t)
		}
		return nil
	})
	return list, err
}

// HandOver notes that a licence which was deemed issued was handed over, and how. ErrState where none is to be.
func (s *Service) HandOver(ctx context.Context, a Actor, id, text string) error {
	if !a.Officer {
		return ErrForbidden
	}
	if err := checkProse("text", text); err != nil {
		return err
	}
	return s.o.Store.Update(ctx, func(tx Tx) error {
		app, err := tx.Application(id)
		if err != nil {
			return err
		}
		table, err := s.table(tx)
		if err != nil {
			return err
		}
		if s.foreign(a, app.Service, table) {
			return fmt.Errorf("%w: the application is another licensor's", ErrNotAuthority)
		}
		if err := interested(tx, a, app); err != nil {
			return err
		}
		events, err := tx.Events(id)
		if err != nil {
			return err
		}
		if openTask(events, TaskHandOver) == nil {
			return fmt.Errorf("%w: no licence waits to be handed over", ErrState)
		}
		return s.event(tx, id, a.ID, EventTaskDone+TaskHandOver, map[string]string{"text": text})
	})
}
