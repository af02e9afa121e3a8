// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"context"
	"fmt"
)

// OrderInspection has the place of the activity inspected before the decision (law on licensing 2007, art. 49-1). on is the day.
func (s *Service) OrderInspection(ctx context.Context, a Actor, id string, on Day, what string) error {
	if !on.Valid() {
		return badInput("on", "must be a day as yyyy-mm-dd")
	}
	if err := checkProse("what", what); err != nil {
		return err
	}
	return s.mine(ctx, a, id, func(tx Tx, app *Application) error {
		if on < s.o.Calendar.Day(*app.Registered) || on > s.o.Calendar.Day(*app.Deadline) {
			return badInput("on", "must lie between the registration and the deadline, %s", s.o.Calendar.Day(*app.Deadline))
		}
		return s.event(tx, id, a.ID, EventInspection, map[string]any{"on": on, "what": what})
	})
}

// ReportInspection notes what the inspection found.
func (s *Service) ReportInspection(ctx context.Context, a Actor, id string, passed bool, findings string) error {
	if err := checkProse("findings", findings); err != nil {
		return err
	}
	return s.mine(ctx, a, id, func(tx Tx, _ *Application) error {
		events, err := tx.Events(id)
		if err != nil {
			return err
		}
		open := false
		for _, e := range events {
			switch e.Kind {
			case EventInspection:
				open = true
			case EventInspected:
				open = false
			}
		}
		if !open {
			return fmt.Errorf("%w: no inspection was ordered", ErrState)
		}
		return s.event(tx, id, a.ID, EventInspected, map[string]any{"passed": passed, "findings": findings})
	})
}

// Complete says that the documents are complete; where they are not, the application is refused within the two working days.
func (s *Service) Complete(ctx context.Context, a Actor, id string) error {
	return s.mine(ctx, a, id, func(tx Tx, _ *Application) error {
		events, err := tx.Events(id)
		if err != nil || happened(events, EventComplete) {
			return err
		}
		return s.event(tx, id, a.ID, EventComplete, nil)
	})
}

// Incomplete refuses to consider an application whose documents are not
// complete: a signed refusal with its reasons, within the term of the
// regulation only (law on licensing 2007, art. 42 (4)).
func (s *Service) Incomplete(ctx context.Context, a Actor, id, missing string) (*Application, error) {
	err := s.mine(ctx, a, id, func(tx Tx, app *Application) error {
		r, ok := s.regulations[app.Service]
		if !ok {
			return fmt.Errorf("%w: the service %q is no longer offered", ErrState, app.Service)
		}
		until, err := s.o.Calendar.After(*app.Registered, r.Terms.Completeness)
		if err != nil {
			return err
		}
		events, err := tx.Events(id)
		if err != nil {
			return err
		}
		if s.now().After(until) || happened(events, EventComplete) {
			return fmt.Errorf("%w: the documents count as complete; the application can only be decided on its merits", ErrState)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.Decide(ctx, a, id, Decision{Grounds: missing})
}
