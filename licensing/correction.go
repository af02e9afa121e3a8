// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"rastau/internal/journal"
	"rastau/verifier"
)

// AmendmentRecord is the answer to a request for correction: another package
// for the same application, linked to it by its draft id and signed anew. What
// was registered stays as it is.
type AmendmentRecord struct {
	Application string // id
	Seq         int    // counted from 1
	Created     time.Time
	Applicant   Applicant
	Fields      json.RawMessage
	Attachments []Attachment
	Package     []byte // canonical bytes (RFC 8785) to be signed

	Accepted  *time.Time // nil until its signature is accepted
	Signature []byte
	Stamped   []byte
	Report    []byte
	Entry     int64 // of the log
}

// over shows an application as corrected.
func (m *AmendmentRecord) over(app *Application) {
	app.Applicant, app.Fields, app.Attachments, app.Package = m.Applicant, m.Fields, m.Attachments, m.Package
}

// Correction is what an officer asks the applicant to put right.
type Correction struct {
	Fields []string `json:"fields"` // of the form, or keys of documents; may be empty
	Text   string   `json:"text"`
}

// AskCorrection asks the applicant to put something right and sign again. The deadline runs on: the law knows no pause.
func (s *Service) AskCorrection(ctx context.Context, a Actor, id string, c Correction) error {
	if err := checkProse("text", c.Text); err != nil {
		return err
	}
	if len(c.Fields) > 100 {
		return badInput("fields", "must not be more than 100")
	}
	for _, f := range c.Fields {
		if err := checkLine("fields", f, true); err != nil {
			return err
		}
	}
	return s.mine(ctx, a, id, func(tx Tx, app *Application) error {
		if err := s.notify(tx, app, "correction", map[string]string{"number": app.Number, "occasion": s.now().Format(time.RFC3339Nano)}); err != nil {
			return err
		}
		return s.event(tx, id, a.ID, EventCorrection, c)
	})
}

// Amend makes the package of a correction: the whole form and all attachments again, of the same applicant and operation.
// An attachment without content is one that the application has already, named by its sha256. Amending again replaces what has not been signed. Errors: *InputError; ErrState where no correction was asked for.
func (s *Service) Amend(ctx context.Context, a Actor, id string, n NewApplication) (*Application, error) {
	app, r, err := s.amendable(ctx, a, id)
	if err != nil {
		return nil, err
	}
	op, _ := r.Operation(app.Operation)
	if n.Applicant.Kind != app.Applicant.Kind || n.Applicant.IIN != app.Applicant.IIN || n.Applicant.BIN != app.Applicant.BIN {
		return nil, badInput("applicant", "must be the one who applied: kind, IIN and BIN cannot be corrected")
	}
	if err := r.checkApplicant(n.Applicant); err != nil {
		return nil, err
	}
	if err := checkDrawable(n.Applicant); err != nil {
		return nil, err
	}
	fields, err := r.checkFields(n.Applicant.Kind, op.Key, n.Fields)
	if err != nil {
		return nil, err
	}
	attachments, err := r.checkAttachments(app.Channel, app, n.Attachments)
	if err != nil {
		return nil, err
	}
	if err := checkDocuments(r.Checklist(n.Applicant.Kind, op.Key, app.Channel, fields), attachments); err != nil {
		return nil, err
	}
	_, nonce, err := s.draftID()
	if err != nil {
		return nil, err
	}
	now := s.now()
	m := &AmendmentRecord{Application: id, Created: now, Applicant: n.Applicant, Fields: fields, Attachments: attachments}
	shown := *app
	m.over(&shown)
	if m.Package, err = s.pack(r, op, &shown, nonce, now); err != nil {
		return nil, err
	}
	shown.Package = m.Package
	if err := s.keepAttachments(ctx, n.Attachments); err != nil {
		return nil, err
	}
	err = s.o.Store.Update(ctx, func(tx Tx) error {
		if err := putAttachments(tx, n.Attachments, attachments); err != nil {
			return err
		}
		return tx.PutAmendment(m)
	})
	if err != nil {
		return nil, fmt.Errorf("keeping the correction: %w", err)
	}
	return &shown, nil
}

// amendable is the actor's application that waits for a correction.
func (s *Service) amendable(ctx context.Context, a Actor, id string) (*Application, *Regulation, error) {
	app, err := s.load(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	if app.Owner != a.ID {
		return nil, nil, ErrForbidden
	}
	if app.Status != Registered {
		return nil, nil, fmt.Errorf("%w: the application is %s", ErrState, app.Status)
	}
	r, ok := s.regulations[app.Service]
	if !ok {
		return nil, nil, fmt.Errorf("%w: the service %q is no longer offered", ErrState, app.Service)
	}
	err = s.o.Store.View(ctx, func(tx Tx) error {
		events, err := tx.Events(id)
		if err != nil {
			return err
		}
		if !awaited(events) {
			return fmt.Errorf("%w: no correction was asked for", ErrState)
		}
		return nil
	})
	return app, r, err
}

// awaited: a correction or another signature was asked for and has not come.
func awaited(events []Event) bool {
	open := false
	for _, e := range events {
		switch e.Kind {
		case EventCorrection, EventHeld:
			open = true
		case EventCorrected:
			open = false
		}
	}
	return open
}

// SubmitAmendment judges the signature over a correction as Submit does over an application.
func (s *Service) SubmitAmendment(ctx context.Context, a Actor, id string, signature []byte) (*Submission, error) {
	if len(signature) == 0 || len(signature) > maxSignature {
		return nil, badInput("signature", "must have 1 to %d bytes", maxSignature)
	}
	unlock, err := s.running.lock(ctx, id)
	if err != nil {
		return nil, err
	}
	defer unlock()
	app, r, err := s.amendable(ctx, a, id)
	if err != nil {
		return nil, err
	}
	var m *AmendmentRecord
	err = s.o.Store.View(ctx, func(tx Tx) error {
		m, err = tx.PendingAmendment(id)
		return err
	})
	if errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("%w: there is no corrected package to be signed", ErrState)
	}
	if err != nil {
		return nil, err
	}
	m.over(app)
	report, sd, err := s.judge(ctx, r, app, signature)
	if err != nil {
		return nil, err
	}
	rule, _ := r.Applicant(app.Applicant.Kind)
	switch {
	case report.Indication == verifier.TotalPassed && app.Clerk == nil && refuseCapacity(rule, report):
		return s.refuseSignature(ctx, r, app, signature, report, reasonCapacity)
	case report.Indication == verifier.TotalPassed:
	case report.Indication == verifier.Indeterminate && report.SubIndication == verifier.TryLater:
		return s.later(ctx, app, signature, report, "status_unknown", report.RetryAfter)
	default:
		return s.refuseSignature(ctx, r, app, signature, report, reasonOf(report))
	}
	if m.Stamped, err = s.stamp(ctx, signature, sd); err != nil {
		return s.later(ctx, app, signature, report, "unavailable", nil)
	}
	if m.Report, err = json.Marshal(report); err != nil {
		return nil, fmt.Errorf("writing the verdict: %w", err)
	}
	now := s.now()
	m.Accepted, m.Signature = &now, signature
	entry, err := canonical(amendmentEntry{
		Kind: entryAmendment, Application: app.Number, Seq: m.Seq, At: now.Format(time.RFC3339Nano), Package: digest(m.Package),
		Signature: digest(signature), Stamped: digest(m.Stamped), Report: digest(m.Report),
	})
	if err != nil {
		return nil, err
	}
	preserve, err := s.preserveApplicants(fmt.Sprintf("%s%s/%d", correctionOf, app.Number, m.Seq), m.Stamped, sd)
	if err != nil {
		return nil, err
	}
	err = s.o.Store.Update(ctx, func(tx Tx) error {
		current, err := tx.Application(id)
		if err != nil {
			return err
		}
		if current.Status != Registered {
			return fmt.Errorf("%w: the application is %s", ErrState, current.Status)
		}
		if m.Entry, err = journal.Append(tx, entry); err != nil {
			return err
		}
		if err := tx.AcceptAmendment(m); err != nil {
			return err
		}
		if err := preserve(tx); err != nil {
			return err
		}
		return s.event(tx, id, a.ID, EventCorrected, map[string]any{"seq": m.Seq, "packageSHA256": digest(m.Package)})
	})
	if err != nil {
		return nil, fmt.Errorf("registering the correction: %w", err)
	}
	return &Submission{Application: *app, Verdict: report, Message: registeredMessage(app.Number, *app.Deadline, s.o.Calendar.zone)}, nil
}

// Correcting is the owner's application as the correction that waits for its signature would leave it, with the package to be signed.
// ErrState where none was asked for, ErrNotFound where none was made.
func (s *Service) Correcting(ctx context.Context, a Actor, id string) (*Application, error) {
	app, _, err := s.amendable(ctx, a, id)
	if err != nil {
		return nil, err
	}
	err = s.o.Store.View(ctx, func(tx Tx) error {
		m, err := tx.PendingAmendment(id)
		if err == nil {
			m.over(app)
		}
		return err
	})
	return app, err
}
