// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"rastau/internal/outbox"
)

// A licence ends with its holder: by the liquidation of the body, by the death of the person or the end of their business (law on
// licensing 2007, art. 48 (1); law on permits 2014, art. 35); and a holder of another name has to have it re-issued (art. 47 (2);
// art. 33). Nobody applies for the first and some forget the second, so the holders of all licences are looked up in the state
// registers time and again. What the register says is confirmed by a second answer days later before a licence is terminated.

// JobHolders is the kind of the outbox messages by which holders are looked up.
const JobHolders = "holders"

const (
	holdersEvery = 30 * 24 * time.Hour // from one round to the next
	holdersBatch = 50                  // licences in one go
	holdersPause = 15 * time.Second    // between two goes: the registers have others to answer
	holderDays   = 5                   // working days in which officers may look into a holder's end; the law gives no number
	groundEnded  = "person-ended"      // of a natural person
	groundGone   = "liquidation"       // of a body
	roundLayout  = "2006-01-02T15:04"  // names a round
)

// round is how far one has come: licences whose entry is before, the newest first; zero is the beginning.
type round struct {
	Began  string `json:"began"`
	Before int64  `json:"before"`
}

// Begin starts what runs for ever, once for all processes. Without registers there is nothing to ask.
func (s *Service) Begin(ctx context.Context) error {
	if s.o.Registers == nil {
		return nil
	}
	return s.o.Store.Update(ctx, func(tx Tx) error {
		waiting, err := tx.Items(outbox.Filter{Kind: JobHolders, State: outbox.Waiting, Limit: 1})
		if err != nil || len(waiting) > 0 {
			return err
		}
		return s.nextRound(tx, round{Began: s.now().Format(roundLayout)}, s.now().Add(24*time.Hour))
	})
}

func (s *Service) nextRound(tx Tx, r round, due time.Time) error {
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return tx.Enqueue(Outgoing{Kind: JobHolders, Key: fmt.Sprintf("%s/%d", r.Began, r.Before), Body: body, Due: due})
}

// LookAtHolders is one go of a round. It may run several times; an error means that it is to be tried again.
func (s *Service) LookAtHolders(ctx context.Context, body []byte) error {
	var r round
	if err := json.Unmarshal(body, &r); err != nil {
		return fmt.Errorf("a round that cannot be read: %w", err)
	}
	var list []Licence
	err := s.o.Store.View(ctx, func(tx Tx) (err error) {
		list, err = tx.SearchLicences(LicenceFilter{Before: r.Before, Limit: holdersBatch})
		return err
	})
	if err != nil {
		return err
	}
	for _, l := range list {
		if l.State == StateTerminated {
			continue
		}
		if err := s.lookAt(ctx, l); err != nil {
			return err
		}
	}
	next, due := round{Began: r.Began}, s.now().Add(holdersPause)
	if len(list) == holdersBatch {
		next.Before = list[len(list)-1].Entry
	} else {
		// Named by the round before, so that a go which runs twice begins one round.
		began, err := time.Parse(roundLayout, r.Began)
		if err != nil {
			return fmt.Errorf("a round that cannot be read: %w", err)
		}
		due = began.Add(holdersEvery)
		next.Began = due.Format(roundLayout)
	}
	return s.o.Store.Update(ctx, func(tx Tx) error { return s.nextRound(tx, next, due) })
}

// holderNow is what the state register says of a holder today.
type holderNow struct {
	name  string
	ended string // why the licence has to end; "" where the holder goes on
}

// holder asks for one. known is false where the register has no such number, which proves nothing.
func (s *Service) holder(ctx context.Context, h Applicant) (now holderNow, known bool, err error) {
	if h.BIN != "" {
		body, err := s.o.Registers.Body(ctx, h.BIN)
		if err != nil {
			return now, false, registerError(err)
		}
		now.name = body.Name
		if body.Liquidated {
			now.ended = "the state register calls the body liquidated"
		}
		return now, true, nil
	}
	person, err := s.o.Registers.Person(ctx, h.IIN)
	if err != nil {
		return now, false, registerError(err)
	}
	now.name = person.Name
	switch {
	case person.Deceased:
		now.ended = "the state register calls the person deceased"
	case h.Kind == SoleEntrepreneur && !person.Entrepreneur:
		now.ended = "the state register knows the person as an entrepreneur no more"
	}
	return now, true, nil
}

// goesOn is ErrState where the state register says that whoever applies is no more: nobody is licensed who could not hold the licence
// for a day (the law on licensing 2007, art. 48 (1), would end it at once). The order has the portal ask no register before the
// registration, and much can happen in fifteen working days, so it is asked when the licence is issued. ErrLater where it cannot be.
func (s *Service) goesOn(ctx context.Context, a Applicant) error {
	if s.o.Registers == nil {
		return nil
	}
	now, _, err := s.holder(ctx, a)
	if err != nil {
		return err
	}
	if now.ended != "" {
		return fmt.Errorf("%w: %s: only a refusal is possible", ErrState, now.ended)
	}
	return nil
}

func registerError(err error) error {
	if errors.Is(err, ErrNoRecord) {
		return nil
	}
	return fmt.Errorf("%w: the state register: %w", ErrLater, err)
}

func (s *Service) lookAt(ctx context.Context, l Licence) error {
	r, ok := s.regulations[l.Service]
	if !ok {
		return nil
	}
	now, known, err := s.holder(ctx, l.Holder)
	if err != nil || !known {
		return err
	}
	switch {
	case now.ended != "":
		due, err := s.o.Calendar.Deadline(s.now(), holderDays)
		if err != nil {
			return err
		}
		return s.tellHolder(ctx, l, TaskHolderEnded, due, now.ended)
	case plainName(now.name) != plainName(l.Holder.Name):
		due, err := s.o.Calendar.After(s.now(), r.Terms.ReissueRequest)
		if err != nil {
			return err
		}
		return s.tellHolder(ctx, l, TaskHolderChanged, due, "the state register writes the holder's name in another way than the licence")
	}
	return nil
}

// tellHolder raises the task and tells the licensee; the application that the licence came of knows how to reach them.
func (s *Service) tellHolder(ctx context.Context, l Licence, kind string, due time.Time, why string) error {
	return s.o.Store.Update(ctx, func(tx Tx) error {
		rec, err := tx.Licence(l.Number)
		if err != nil || rec.Licence.State == StateTerminated {
			return err
		}
		begun, err := s.raise(tx, l.Number, kind, due, why)
		if err != nil || !begun {
			return err
		}
		app, err := tx.Application(rec.ApplicationID)
		if err != nil {
			return err
		}
		return s.notify(tx, app, kind, map[string]string{
			"licence": l.Number, "until": due.In(s.o.Calendar.zone).Format("02.01.2006"), "occasion": " " + s.now().Format(time.DateOnly),
		})
	})
}

// plainName leaves what two registers write differently: case, quotation marks, spaces.
func plainName(name string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(name), func(c rune) bool { return unicode.IsSpace(c) || unicode.In(c, unicode.Quotation_Mark) }), " ")
}

// endOfHolder is the end of that task: the register is asked again, and where it says the same the licence is terminated under the
// system's seal. Whatever is unclear is left to people.
func (s *Service) endOfHolder(ctx context.Context, t term) error {
	rec, err := s.licence(ctx, t.Subject)
	if err != nil {
		return err
	}
	var events []Event
	err = s.o.Store.Look(ctx, func(tx Tx) error {
		events, err = tx.Events(t.Subject)
		return err
	})
	if err != nil || openTask(events, TaskHolderEnded) == nil {
		return err
	}
	done := func() error {
		return s.o.Store.Update(ctx, func(tx Tx) error { return s.event(tx, t.Subject, System, EventTaskDone+TaskHolderEnded, nil) })
	}
	if rec.Licence.State == StateTerminated {
		return done()
	}
	if s.o.Registers == nil {
		return s.escalate(ctx, t, "no state register is configured any more")
	}
	now, known, err := s.holder(ctx, rec.Licence.Holder)
	switch {
	case err != nil:
		return err
	case !known:
		return s.escalate(ctx, t, "the state register does not know the holder any more")
	case now.ended == "":
		return done() // an error of the register, or a holder who goes on
	}
	r, ok := s.regulations[rec.Licence.Service]
	if !ok {
		return s.escalate(ctx, t, "the service is no longer offered")
	}
	h, err := s.sealed(ctx, r)
	if err != nil {
		return s.unsealed(ctx, t, err)
	}
	key := groundEnded
	if rec.Licence.Holder.BIN != "" {
		key = groundGone
	}
	ground, ok := s.o.Grounds.of(MoveTerminate, key)
	if !ok {
		return s.escalate(ctx, t, "the table of grounds has no "+key)
	}
	begun := openTask(events, TaskHolderEnded).At
	m, err := s.signMove(ctx, h, rec, MoveRequest{Move: MoveTerminate, Reason: now.ended, Reference: fmt.Sprintf("state register, asked on %s and %s",
		s.o.Calendar.Day(begun), s.o.Calendar.Day(s.now()))}, ground, "")
	if err != nil {
		return unsigned(err)
	}
	return s.o.Store.Update(ctx, func(tx Tx) error {
		current, err := tx.Licence(t.Subject)
		if err != nil {
			return err
		}
		if current.Moves != rec.Moves {
			return ErrLater
		}
		if err := enterMove(tx, m); err != nil {
			return err
		}
		return s.event(tx, t.Subject, System, EventTaskDone+TaskHolderEnded, nil)
	})
}
