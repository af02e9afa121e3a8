// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"rastau/verifier"
)

// recheck judges the accepted signature again, by what is known today of the
// time at which it was accepted: a certificate that was revoked meanwhile for a
// time before, or because its key was stolen, holds the application until the
// applicant signs again. That it has merely expired, or was revoked for a later
// time, changes nothing. What cannot be told now is ErrLater, never silence.
func (s *Service) recheck(ctx context.Context, r *Regulation, app *Application) error {
	reg, err := s.accepted(ctx, app)
	if err != nil {
		return err
	}
	if len(reg.Signature) == 0 {
		return nil // taken in without a signature: the provider's path has none
	}
	report, _, err := s.judgeAt(ctx, r, app, reg.Signature, reg.At)
	if err != nil {
		return err
	}
	switch {
	case report.Indication == verifier.TotalPassed && !stolen(report):
		return nil
	case report.Indication == verifier.Indeterminate && report.SubIndication == verifier.TryLater:
		return fmt.Errorf("%w: whether the applicant's certificate was revoked cannot be told at present", ErrLater)
	}
	reason := reasonOf(report)
	if stolen(report) {
		reason = "key_compromise"
	}
	err = s.o.Store.Update(ctx, func(tx Tx) error {
		events, err := tx.Events(app.ID)
		if err != nil || doubtful(events) != nil {
			return err
		}
		if err := s.notify(tx, app, "held", map[string]string{"number": app.Number, "occasion": s.now().Format(time.RFC3339Nano)}); err != nil {
			return err
		}
		return s.event(tx, app.ID, System, EventHeld, map[string]string{"reason": reason, "verdict": report.Indication.String(), "subIndication": string(report.SubIndication)})
	})
	if err != nil {
		return err
	}
	return fmt.Errorf("%w: the applicant's certificate has come into doubt since the registration (%s): the applicant must sign again", ErrState, reason)
}

// accepted is the signature that the application rests on: that of the last correction, else of the registration.
func (s *Service) accepted(ctx context.Context, app *Application) (reg *Registration, err error) {
	err = s.o.Store.View(ctx, func(tx Tx) error {
		last, err := tx.Amendment(app.ID)
		if err == nil {
			reg = &Registration{Application: app.ID, At: *last.Accepted, Signature: last.Signature, Stamped: last.Stamped}
			return nil
		}
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		reg, err = tx.Registration(app.ID)
		return err
	})
	return reg, err
}

// stolen: a certificate of a signer was revoked because of its key, even if only
// after the signature. When a key was really lost nobody knows exactly.
func stolen(r *verifier.Report) bool {
	for _, s := range r.Signatures {
		for _, f := range s.Findings {
			if f.KeyCompromise {
				return true
			}
		}
	}
	return false
}

// doubtful: the application is held since its certificate came into doubt.
func doubtful(events []Event) error {
	held := false
	for _, e := range events {
		switch e.Kind {
		case EventHeld:
			held = true
		case EventCorrected:
			held = false
		}
	}
	if held {
		return fmt.Errorf("%w: the applicant's certificate is in doubt", ErrState)
	}
	return nil
}

// amendmentEntry is the log's entry of a correction.
type amendmentEntry struct {
	Kind        string `json:"kind"`
	Application string `json:"application"` // number
	Seq         int    `json:"seq"`
	At          string `json:"at"`
	Package     string `json:"packageSHA256"`
	Signature   string `json:"signatureSHA256"`
	Stamped     string `json:"stampedSHA256"`
	Report      string `json:"reportSHA256"`
}

func checkAmendmentEntry(tx Tx, n int64, entry []byte) error {
	var e amendmentEntry
	if err := json.Unmarshal(entry, &e); err != nil {
		return err
	}
	app, err := tx.ApplicationNumbered(e.Application)
	if err != nil {
		return fmt.Errorf("%w: application %s: %w", ErrRegister, e.Application, err)
	}
	a, err := tx.AmendmentNumbered(app.ID, e.Seq)
	if err != nil {
		return fmt.Errorf("%w: correction %d of %s: %w", ErrRegister, e.Seq, e.Application, err)
	}
	shown := *app
	a.over(&shown)
	same, err := shown.agrees()
	if err != nil || !same || a.Accepted == nil || a.Entry != n || digest(shown.Package) != e.Package || digest(a.Signature) != e.Signature ||
		digest(a.Stamped) != e.Stamped || digest(a.Report) != e.Report {
		return fmt.Errorf("%w: correction %d of %s was changed", ErrRegister, e.Seq, e.Application)
	}
	return nil
}
