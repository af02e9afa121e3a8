// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// JobTerm is the kind of the outbox messages by which terms come due.
const JobTerm = "term"

// Kinds of terms. Those of an application follow each other: completeness,
// warning, escalation, decision.
const (
	termCompleteness = "completeness"
	termWarning      = "warning"
	termEscalation   = "escalation"
	termDecision     = "decision"
	termAgreement    = "agreement"
	termRequest      = "agreement-request"
	termSuspension   = "suspension"
	termReminder     = "reminder"
	termExpiry       = "expiry"
)

// Working days before the deadline at which officers are reminded, and then
// their head. A shorter deadline has them at its half and its last day.
const (
	warnDays     = 3
	escalateDays = 1
)

// reminderDays before its end a licensee is reminded (calendar days).
const reminderDays = 30

// term is one that runs. Whoever it concerns is read anew when it comes due, so
// that a term that no longer matters does nothing.
type term struct {
	Subject string `json:"subject"` // application's id or licence's number
	Kind    string `json:"kind"`
	Key     string `json:"key,omitempty"`
}

func (s *Service) begin(tx Tx, t term, due time.Time) error {
	body, err := json.Marshal(t)
	if err != nil {
		return err
	}
	// The same term of the same subject comes due once, whoever begins it again.
	return tx.Enqueue(Outgoing{Kind: JobTerm, Key: t.Kind + "/" + t.Subject + "/" + t.Key, Body: body, Due: due})
}

// termsOfApplication begins what runs from registration on.
func (s *Service) termsOfApplication(tx Tx, r *Regulation, app *Application) error {
	due, err := s.o.Calendar.After(*app.Registered, r.Terms.Completeness)
	if err != nil {
		return err
	}
	if due.After(*app.Deadline) {
		due = *app.Deadline
	}
	if err := s.begin(tx, term{Subject: app.ID, Kind: termCompleteness}, due); err != nil {
		return err
	}
	if len(r.mustAsk(app.Operation)) > 0 {
		due, err := s.o.Calendar.After(*app.Registered, r.Terms.AgreementRequest)
		if err != nil {
			return err
		}
		warn, err := s.o.Calendar.Before(due, 1)
		if err != nil {
			return err
		}
		for _, x := range []struct {
			key string
			due time.Time
		}{{"warning", warn}, {"", due}} {
			if x.due.After(s.now()) {
				if err := s.begin(tx, term{Subject: app.ID, Kind: termRequest, Key: x.key}, x.due); err != nil {
					return err
				}
			}
		}
	}
	return s.lateReissue(tx, r, app)
}

// lateReissue: a licensee has to apply within a term from the change (law on licensing 2007, art. 47 (2)). Being late is no ground
// of refusal (art. 45), so the officer is told.
func (s *Service) lateReissue(tx Tx, r *Regulation, app *Application) error {
	if app.Operation != OperationReissue {
		return nil
	}
	var form struct {
		ChangedOn Day `json:"changedOn"`
	}
	if err := json.Unmarshal(app.Fields, &form); err != nil || !form.ChangedOn.Valid() {
		return nil // this regulation's form asks for no day
	}
	due, err := s.o.Calendar.After(s.o.Calendar.begin(form.ChangedOn), r.Terms.ReissueRequest)
	if err != nil || !app.Registered.After(due) {
		return err
	}
	return s.event(tx, app.ID, System, EventWarning, map[string]string{"reason": "reissue-late", "changedOn": string(form.ChangedOn), "due": due.Format(time.RFC3339)})
}

// mustAsk are the bodies whose agreement an operation needs.
func (r *Regulation) mustAsk(operation string) (keys []string) {
	for _, x := range r.Agreements {
		if len(x.Operations) == 0 || slices.Contains(x.Operations, operation) {
			keys = append(keys, x.Key)
		}
	}
	return keys
}

// runRequest is the end of the term to ask other bodies, or the day before it: officers are told whom nobody has asked.
func (s *Service) runRequest(ctx context.Context, t term) error {
	kind := EventEscalation
	if t.Key != "" {
		kind = EventWarning
	}
	return s.o.Store.Update(ctx, func(tx Tx) error {
		app, err := tx.Application(t.Subject)
		if err != nil || app.Status != Registered {
			return err
		}
		r, ok := s.regulations[app.Service]
		if !ok {
			return nil
		}
		asked, _, err := agreements(tx, app.ID)
		if err != nil {
			return err
		}
		left := slices.DeleteFunc(r.mustAsk(app.Operation), func(k string) bool { return slices.Contains(asked, k) })
		events, err := tx.Events(app.ID)
		if err != nil || len(left) == 0 || noted(events, kind, t.Kind) {
			return err
		}
		return s.event(tx, app.ID, System, kind, map[string]any{"reason": t.Kind, "bodies": left})
	})
}

// termsOfLicence begins what runs from a licence's issue on.
func (s *Service) termsOfLicence(tx Tx, l *Licence) error {
	if l.ValidUntil == nil {
		return nil
	}
	if remind := l.ValidUntil.AddDate(0, 0, -reminderDays); remind.After(l.Issued) {
		if err := s.begin(tx, term{Subject: l.Number, Kind: termReminder}, remind); err != nil {
			return err
		}
	}
	return s.begin(tx, term{Subject: l.Number, Kind: termExpiry}, *l.ValidUntil)
}

// termsOfMove begins the end of a suspension.
func (s *Service) termsOfMove(tx Tx, m *MoveRecord) error {
	if m.Until == "" {
		return nil
	}
	return s.begin(tx, term{Subject: m.Licence, Kind: termSuspension, Key: fmt.Sprint(m.Seq)}, s.o.Calendar.End(m.Until))
}

// ComeDue does what a term asks for that has come due: the body is that of a
// JobTerm message. It may run several times and on several machines at once; an
// error means that it is to be tried again.
func (s *Service) ComeDue(ctx context.Context, body []byte) error {
	var t term
	if err := json.Unmarshal(body, &t); err != nil {
		return fmt.Errorf("a term that cannot be read: %w", err)
	}
	switch t.Kind {
	case termCompleteness, termWarning, termEscalation:
		return s.runApplicationTerm(ctx, t)
	case termDecision:
		return s.deem(ctx, t)
	case termAgreement:
		return s.agreeBySilence(ctx, t)
	case termSuspension, termReminder:
		return s.runLicenceTerm(ctx, t)
	case termExpiry:
		return s.expire(ctx, t)
	case termTask:
		return s.runTask(ctx, t)
	case termRequest:
		return s.runRequest(ctx, t)
	}
	return fmt.Errorf("a term of unknown kind %q", t.Kind)
}

// runApplicationTerm notes that a day has come and begins the next term.
func (s *Service) runApplicationTerm(ctx context.Context, t term) error {
	return s.o.Store.Update(ctx, func(tx Tx) error {
		app, err := tx.Application(t.Subject)
		if err != nil || app.Status != Registered {
			return err
		}
		events, err := tx.Events(t.Subject)
		if err != nil {
			return err
		}
		next, at, kind := term{Subject: t.Subject, Kind: termWarning}, time.Time{}, ""
		switch t.Kind {
		case termCompleteness:
			// Whoever says nothing in time takes the documents as complete.
			if !happened(events, EventComplete) {
				kind = EventComplete
			}
			if at, err = s.daysBefore(app, warnDays); err != nil {
				return err
			}
		case termWarning:
			next.Kind, kind = termEscalation, EventWarning
			if at, err = s.daysBefore(app, escalateDays); err != nil {
				return err
			}
		case termEscalation:
			next.Kind, kind, at = termDecision, EventEscalation, *app.Deadline
		}
		if kind != "" && !noted(events, kind, t.Kind) {
			if err := s.event(tx, t.Subject, System, kind, map[string]string{"deadline": app.Deadline.Format(time.RFC3339), "reason": t.Kind}); err != nil {
				return err
			}
		}
		return s.begin(tx, next, at)
	})
}

// daysBefore is n working days before the deadline, but not before the registration.
func (s *Service) daysBefore(app *Application, n int) (time.Time, error) {
	at, err := s.o.Calendar.Before(*app.Deadline, n)
	if at.Before(*app.Registered) {
		at = *app.Registered
	}
	return at, err
}

func happened(events []Event, kind string) bool {
	for _, e := range events {
		if e.Kind == kind {
			return true
		}
	}
	return false
}

// noted: the same was noted before, by this term.
func noted(events []Event, kind, reason string) bool {
	for _, e := range events {
		var b struct{ Reason string }
		if e.Kind == kind && json.Unmarshal(e.Body, &b) == nil && b.Reason == reason {
			return true
		}
	}
	return false
}

// deem issues what the licensor kept silent about: when the deadline has passed
// the licence is deemed issued (law on licensing 2007, art. 43 (2); law on
// permits, art. 26), and the system certifies that with its own seal. Where the
// signature itself has come into doubt, or nothing can be issued, people are told.
func (s *Service) deem(ctx context.Context, t term) error {
	unlock, err := s.running.lock(ctx, t.Subject)
	if err != nil {
		return err
	}
	defer unlock()
	app, err := s.load(ctx, t.Subject)
	if err != nil || app.Status != Registered {
		return err
	}
	if !s.now().After(*app.Deadline) {
		return fmt.Errorf("%w: the deadline has not passed", ErrLater)
	}
	r, ok := s.regulations[app.Service]
	if !ok {
		return s.escalate(ctx, t, "the service is no longer offered")
	}
	h, err := s.sealed(ctx, r)
	if err != nil {
		return s.unsealed(ctx, t, err)
	}
	err = s.o.Store.View(ctx, func(tx Tx) error {
		events, err := tx.Events(t.Subject)
		if err != nil {
			return err
		}
		return doubtful(events)
	})
	if err == nil {
		err = s.goesOn(ctx, app.Applicant)
	}
	if err == nil {
		err = s.recheck(ctx, r, app)
	}
	if err == nil {
		_, err = s.approve(ctx, r, app, h, Decision{Approve: true})
	}
	var input *InputError
	switch {
	case errors.Is(err, ErrOvertaken):
		return nil // somebody decided, or the next try will see why not
	case errors.Is(err, ErrState), errors.As(err, &input):
		return s.escalate(ctx, t, err.Error())
	case err != nil:
		return unsigned(err)
	}
	s.o.Log.WarnContext(ctx, "licence deemed issued: the licensor kept silent", "application", app.ID, "number", app.Number)
	return nil
}

// sealed is the system's own hand. ErrNotAuthority where it has none that the table of authorities lists, which people must mend;
// any other error is one of reading the table, and the next try may succeed.
func (s *Service) sealed(ctx context.Context, r *Regulation) (hand, error) {
	if s.seal == nil {
		return hand{}, fmt.Errorf("%w: the installation has no seal of its own", ErrNotAuthority)
	}
	by := s.seal.Certificate()
	line, err := s.authorityOf(ctx, System, by.SHA256Hex(), r.Licensor.BIN, s.now())
	if errors.Is(err, ErrNotAuthority) {
		return hand{}, fmt.Errorf("the table of authorities does not list the seal: %w", err)
	}
	if err != nil {
		return hand{}, err
	}
	return hand{officer: System, line: line, key: s.seal, by: by, deemed: true}, nil
}

// unsealed is what becomes of a term for which the system's hand was not found.
func (s *Service) unsealed(ctx context.Context, t term, err error) error {
	if errors.Is(err, ErrNotAuthority) {
		return s.escalate(ctx, t, err.Error())
	}
	return err
}

func (s *Service) escalate(ctx context.Context, t term, why string) error {
	s.o.Log.ErrorContext(ctx, "a term has ended and nothing could be done", "kind", t.Kind, "subject", t.Subject, "why", why)
	return s.note(ctx, t, EventEscalation, map[string]string{"reason": t.Kind, "why": why})
}

// note adds the event of a term, once.
func (s *Service) note(ctx context.Context, t term, kind string, body map[string]string) error {
	return s.o.Store.Update(ctx, func(tx Tx) error {
		events, err := tx.Events(t.Subject)
		if err != nil || noted(events, kind, body["reason"]) {
			return err
		}
		return s.event(tx, t.Subject, System, kind, body)
	})
}

// runLicenceTerm notes the end of a suspension, or reminds of the end of the licence.
func (s *Service) runLicenceTerm(ctx context.Context, t term) error {
	l, err := s.licence(ctx, t.Subject)
	if err != nil {
		return err
	}
	switch {
	case t.Kind == termSuspension && l.Licence.State == StateSuspended && fmt.Sprint(l.Moves) == t.Key:
		return s.note(ctx, t, EventTermEnded, map[string]string{"reason": t.Kind + " " + t.Key})
	case t.Kind == termReminder && l.Licence.State != StateTerminated:
		return s.remind(ctx, t, l)
	}
	return nil
}

// remind tells the licensee that the licence ends soon; the application that it came of knows how to reach them.
func (s *Service) remind(ctx context.Context, t term, l *LicenceRecord) error {
	until := l.Licence.ValidUntil
	err := s.o.Store.Update(ctx, func(tx Tx) error {
		app, err := tx.Application(l.ApplicationID)
		if err != nil {
			return err
		}
		return s.notify(tx, app, "reminder", map[string]string{"licence": l.Licence.Number, "until": until.In(s.o.Calendar.zone).Format("02.01.2006")})
	})
	if err != nil {
		return err
	}
	return s.note(ctx, t, EventReminder, map[string]string{"reason": t.Kind, "until": until.Format(time.RFC3339)})
}

// expire terminates a licence whose term has ended, under the system's seal.
func (s *Service) expire(ctx context.Context, t term) error {
	rec, err := s.licence(ctx, t.Subject)
	if err != nil || rec.Licence.State == StateTerminated {
		return err
	}
	r, ok := s.regulations[rec.Licence.Service]
	if !ok {
		return s.escalate(ctx, t, "the service is no longer offered")
	}
	h, err := s.sealed(ctx, r)
	if err != nil {
		return s.unsealed(ctx, t, err)
	}
	ground, ok := s.o.Grounds.of(MoveTerminate, "expiry")
	if !ok {
		return s.escalate(ctx, t, "the table of grounds has no expiry")
	}
	m, err := s.signMove(ctx, h, rec, MoveRequest{Move: MoveTerminate}, ground, "")
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
		return enterMove(tx, m)
	})
}
