// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// System is the actor of what happens without a person; the line of the seal in
// the table of authorities bears this name as its officer.
const System = "system"

// Kinds of events.
const (
	EventClaimed    = "claimed"
	EventReleased   = "released"
	EventAssigned   = "assigned"
	EventComplete   = "complete"
	EventDecided    = "decided"
	EventWarning    = "warning"
	EventEscalation = "escalation"
	EventHeld       = "held" // the certificate is in doubt: to be signed again
	EventNote       = "note"
	EventAgreement  = "agreement-asked"
	EventAgreed     = "agreement-answered"
	EventInspection = "inspection-ordered"
	EventInspected  = "inspection-reported"
	EventCorrection = "correction-asked"
	EventCorrected  = "correction-answered"
	EventAppeal     = "appeal"
	EventAppealed   = "appeal-answered"
	EventTermEnded  = "term-ended"
	EventReminder   = "expiry-reminder"
)

// maxNote bounds what officers write, in characters.
const maxNote = 4000

const maxQueue = 500

// Queue lists what waits for a decision, the nearest deadline first. limit 0 or above 500 is 500.
func (s *Service) Queue(ctx context.Context, a Actor, f QueueFilter) (list []QueueLine, err error) {
	if !a.Officer && !a.Admin {
		return nil, ErrForbidden
	}
	if f.Limit <= 0 || f.Limit > maxQueue {
		f.Limit = maxQueue
	}
	if f.Services, err = s.services(ctx, a); err != nil {
		return nil, err
	}
	if f.Services != nil && len(f.Services) == 0 {
		return []QueueLine{}, nil
	}
	err = s.o.Store.View(ctx, func(tx Tx) error {
		list, err = tx.Queue(f)
		return err
	})
	now := s.now()
	for i := range list {
		list[i].Overdue = now.After(list[i].Deadline)
	}
	return list, err
}

// Claim takes an application; Release gives it back; Assign hands it to another officer.
// ErrState where another officer holds it.
func (s *Service) Claim(ctx context.Context, a Actor, id string) (*Case, error) {
	return s.hold(ctx, a, id, EventClaimed, func(c *Case) (string, error) {
		if c.Officer != "" && c.Officer != a.ID {
			return "", fmt.Errorf("%w: another officer works on it", ErrState)
		}
		return a.ID, nil
	})
}

// Release gives a claimed application back to the queue.
func (s *Service) Release(ctx context.Context, a Actor, id string) (*Case, error) {
	return s.hold(ctx, a, id, EventReleased, func(c *Case) (string, error) {
		if c.Officer != a.ID && !a.Admin {
			return "", fmt.Errorf("%w: it is not yours to give back", ErrState)
		}
		return "", nil
	})
}

// Assign hands an application to an officer: the one who holds it, anybody while nobody does, an administrator always.
func (s *Service) Assign(ctx context.Context, a Actor, id, officer string) (*Case, error) {
	if err := checkLine("officer", officer, true); err != nil {
		return nil, err
	}
	return s.hold(ctx, a, id, EventAssigned, func(c *Case) (string, error) {
		if c.Officer != "" && c.Officer != a.ID && !a.Admin {
			return "", fmt.Errorf("%w: another officer works on it", ErrState)
		}
		return officer, nil
	})
}

func (s *Service) hold(ctx context.Context, a Actor, id, kind string, next func(*Case) (string, error)) (c *Case, err error) {
	err = s.work(ctx, a, id, func(tx Tx, app *Application) error {
		if c, err = tx.Case(id); err != nil {
			return err
		}
		officer, err := next(c)
		if err != nil {
			return err
		}
		if officer == c.Officer {
			return nil
		}
		now := s.now()
		if c.Officer, c.Since = officer, &now; officer == "" {
			c.Since = nil
		}
		if err := tx.PutCase(c); err != nil {
			return err
		}
		return s.event(tx, id, a.ID, kind, map[string]string{"officer": officer})
	})
	return c, err
}

// work runs a step of an officer on a registered application.
func (s *Service) work(ctx context.Context, a Actor, id string, f func(tx Tx, app *Application) error) error {
	if !a.Officer && !a.Admin {
		return ErrForbidden
	}
	return s.o.Store.Update(ctx, func(tx Tx) error {
		app, err := tx.Application(id)
		if err != nil {
			return err
		}
		if err := interested(tx, a, app); err != nil {
			return err
		}
		var table []Authority
		if a.bound() {
			if table, err = s.table(tx); err != nil {
				return err
			}
		}
		if s.foreign(a, app.Service, table) {
			return fmt.Errorf("%w: the application is another licensor's", ErrNotAuthority)
		}
		if app.Status != Registered {
			return fmt.Errorf("%w: the application is %s", ErrState, app.Status)
		}
		return f(tx, app)
	})
}

// mine is work for whoever holds the application, or anybody while nobody does.
func (s *Service) mine(ctx context.Context, a Actor, id string, f func(tx Tx, app *Application) error) error {
	if !a.Officer {
		return ErrForbidden
	}
	return s.work(ctx, a, id, func(tx Tx, app *Application) error {
		if err := heldBy(tx, a, id); err != nil {
			return err
		}
		return f(tx, app)
	})
}

func heldBy(tx Tx, a Actor, id string) error {
	c, err := tx.Case(id)
	if err != nil {
		return err
	}
	if c.Officer != "" && c.Officer != a.ID {
		return fmt.Errorf("%w: another officer works on it", ErrState)
	}
	return nil
}

func (s *Service) event(tx Tx, subject, actor, kind string, body any) error {
	e := &Event{Subject: subject, At: s.now(), Actor: actor, Kind: kind}
	if body != nil {
		var err error
		if e.Body, err = json.Marshal(body); err != nil {
			return err
		}
	}
	return tx.AddEvent(e)
}

// Note adds an officer's remark to the file of an application.
func (s *Service) Note(ctx context.Context, a Actor, id, text string) error {
	if err := checkProse("text", text); err != nil {
		return err
	}
	return s.work(ctx, a, id, func(tx Tx, _ *Application) error {
		return s.event(tx, id, a.ID, EventNote, map[string]string{"text": text})
	})
}

func checkProse(field, text string) error {
	if strings.TrimSpace(text) == "" {
		return badInput(field, "is required")
	}
	if !utf8.ValidString(text) || utf8.RuneCountInString(text) > maxNote {
		return badInput(field, "must be UTF-8 and not longer than %d characters", maxNote)
	}
	return checkSeen(field, text)
}

// checkSeen refuses what would be signed and not be seen, or be seen in another order: control characters but the ends of lines,
// and the marks that turn the direction of writing (UAX #9).
func checkSeen(field, text string) error {
	if strings.ContainsFunc(text, func(c rune) bool {
		return unicode.IsControl(c) && !strings.ContainsRune("\r\n\t", c) || unicode.Is(unicode.Bidi_Control, c)
	}) {
		return badInput(field, "must not contain control characters or marks that turn the direction of writing")
	}
	return nil
}

// foreign: the cases of a service are none of an officer's who neither is the licensor's by BIN nor stands in the table of
// authorities for it. An officer without a BIN is held to that table.
func (s *Service) foreign(a Actor, service string, table []Authority) bool {
	r, ok := s.regulations[service]
	return ok && a.bound() && a.BIN != r.Licensor.BIN &&
		!slices.ContainsFunc(table, func(l Authority) bool { return l.Officer == a.ID && l.Licensor == r.Licensor.BIN })
}

// File is everything that was done on an application: who holds it, every step, and the inventory of its documents.
type File struct {
	Case      Case        `json:"case"`
	Events    []Event     `json:"events"`
	Inventory []Inventory `json:"inventory"`
}

// Inventory is one line of the list of documents that came with an application (опись): what was taken in, and when.
type Inventory struct {
	Document string    `json:"document"`
	Name     string    `json:"name"`
	Type     string    `json:"type"`
	Size     int64     `json:"size"`
	SHA256   string    `json:"sha256"`
	Received time.Time `json:"received"`
}

// ofApplicant are the events that the applicant sees too.
var ofApplicant = []string{EventCorrection, EventCorrected, EventComplete, EventAppeal, EventAppealed, EventDecided, EventInspection, EventHeld}

// File shows the work on an application: all of it to officers and administrators, to its owner what concerns them.
func (s *Service) File(ctx context.Context, a Actor, id string) (*File, error) {
	app, err := s.Application(ctx, a, id)
	if err != nil {
		return nil, err
	}
	f := &File{Events: []Event{}, Inventory: []Inventory{}}
	err = s.o.Store.View(ctx, func(tx Tx) error {
		c, err := tx.Case(id)
		if err != nil {
			return err
		}
		f.Case = *c
		events, err := tx.Events(id)
		if err != nil {
			return err
		}
		for _, e := range events {
			if a.Officer || a.Admin || slices.Contains(ofApplicant, e.Kind) {
				f.Events = append(f.Events, e)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if !a.Officer && !a.Admin {
		f.Case.Officer = ""
	}
	if app.Registered != nil {
		for _, at := range app.Attachments {
			f.Inventory = append(f.Inventory, Inventory{at.Document, at.Name, at.Type, at.Size, at.SHA256, *app.Registered})
		}
	}
	return f, nil
}

// Statistics of the applications registered in a period, from its first day to the last before until: of the services whose
// cases the officer may see.
func (s *Service) Statistics(ctx context.Context, a Actor, p Period) (list []Figures, err error) {
	if !a.Officer && !a.Admin {
		return nil, ErrForbidden
	}
	from, until, err := s.o.Calendar.Bounds(p)
	if err != nil {
		return nil, err
	}
	err = s.o.Store.View(ctx, func(tx Tx) error {
		table, err := s.table(tx)
		if err != nil {
			return err
		}
		list, err = tx.Statistics(from, until, s.now())
		list = slices.DeleteFunc(list, func(f Figures) bool { return s.foreign(a, f.Service, table) })
		return err
	})
	return list, err
}

// closeCase writes a decision and ends what ran for it.
func (s *Service) closeCase(tx Tx, ruling *Ruling, done *Application) error {
	if err := errors.Join(tx.AddRuling(ruling), ruling.preserve(tx)); err != nil {
		return err
	}
	if err := tx.MoveApplication(done); err != nil {
		return err
	}
	if err := s.notify(tx, done, string(done.Status), map[string]string{"number": done.Number, "licence": done.Licence}); err != nil {
		return err
	}
	if ruling.Approve && ruling.Officer == System {
		due, err := s.o.Calendar.After(ruling.At, s.regulations[done.Service].Terms.HandOver)
		if err != nil {
			return err
		}
		if _, err := s.raise(tx, done.ID, TaskHandOver, due, "the licence was deemed issued on silence and must be handed over"); err != nil {
			return err
		}
	}
	return s.event(tx, done.ID, ruling.Officer, EventDecided, map[string]string{"status": string(done.Status), "licence": done.Licence})
}

// mayApprove holds an approval to what the law wants before it: the case is not
// another officer's, nothing that was asked for is open, nobody who had to agree
// refused, the applicant is still there, and the applicant's certificate has not turned out bad.
func (s *Service) mayApprove(ctx context.Context, a Actor, r *Regulation, app *Application) error {
	err := s.o.Store.View(ctx, func(tx Tx) error {
		if err := heldBy(tx, a, app.ID); err != nil {
			return err
		}
		events, err := tx.Events(app.ID)
		if err != nil {
			return err
		}
		return blocked(events)
	})
	if err != nil {
		return err
	}
	if err := s.goesOn(ctx, app.Applicant); err != nil {
		return err
	}
	return s.recheck(ctx, r, app)
}

// blocked says what an approval still waits for.
func blocked(events []Event) error {
	open := map[string]string{}
	for _, e := range events {
		var b struct {
			Body   string `json:"body"`
			Agreed *bool  `json:"agreed"`
			Passed *bool  `json:"passed"`
		}
		if len(e.Body) > 0 {
			if err := json.Unmarshal(e.Body, &b); err != nil {
				return errors.Join(ErrState, err)
			}
		}
		switch e.Kind {
		case EventAgreement:
			open["agreement "+b.Body] = "the agreement of " + b.Body + " is waited for"
		case EventAgreed:
			delete(open, "agreement "+b.Body)
			if b.Agreed != nil && !*b.Agreed {
				open["agreement "+b.Body] = b.Body + " did not agree: only a refusal is possible"
			}
		case EventInspection:
			open["inspection"] = "the report of the inspection is waited for"
		case EventInspected:
			delete(open, "inspection")
			if b.Passed != nil && !*b.Passed {
				open["inspection"] = "the inspection was not passed: only a refusal or another inspection is possible"
			}
		case EventCorrection:
			open["correction"] = "the applicant was asked for a correction"
		case EventCorrected:
			delete(open, "correction")
			delete(open, "held")
		case EventHeld:
			open["held"] = "the applicant's certificate is in doubt: the package must be signed again"
		}
	}
	for _, k := range slices.Sorted(maps.Keys(open)) {
		return fmt.Errorf("%w: %s", ErrState, open[k])
	}
	return nil
}
