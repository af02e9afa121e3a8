// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"rastau/internal/phrase"
)

// A draft is open until it is sealed: its form may be saved half filled, as often as the person likes (figure 11), and paid for.
// Sealing holds it to every rule of its path and writes the package that is signed; from then on nothing in it changes.

// DraftTx keeps drafts with what is attached to them.
type DraftTx interface {
	AddApplication(a *Application) error
	// PutBlob keeps bytes under their SHA-256 (hex); the same bytes are kept once.
	PutBlob(content []byte) (sha256 string, err error)
	// ChangeDraft writes what was entered into a draft whose package is not yet written; ErrState for any other application.
	ChangeDraft(a *Application) error
}

// Save makes a draft, or writes over the open one with the given id. What is entered is bounded but may be incomplete: Seal holds
// it to the regulation. The new draft of a re-issue or a correction begins with what the licence covers. An attachment without content is one that the draft already has, named by its sha256.
// Errors: *InputError; ErrNotInForce; ErrState for a draft that is sealed.
func (s *Service) Save(ctx context.Context, a Actor, id string, n NewApplication) (*Application, error) {
	n.Channel = cmp.Or(n.Channel, ChannelPortal)
	r, op, err := s.operation(n.Service, n.Operation)
	if err != nil {
		return nil, err
	}
	clerk, err := r.checkChannel(a, op, n)
	if err != nil {
		return nil, err
	}
	if err := s.inForce(r, s.o.Calendar.Day(s.now())); err != nil {
		return nil, err
	}
	if err := checkDraft(n); err != nil {
		return nil, err
	}
	var old *Application
	if id != "" {
		unlock, err := s.running.lock(ctx, id)
		if err != nil {
			return nil, err
		}
		defer unlock()
		if old, err = s.ownDraft(ctx, a, id); err != nil {
			return nil, err
		}
		if old.Service != r.Key || old.Channel != n.Channel {
			return nil, badInput("service", "is not the one of this draft: begin another draft")
		}
	}
	app := &Application{
		Status: Draft, Service: r.Key, Operation: op.Key, Channel: n.Channel, About: n.About, Applicant: n.Applicant, Clerk: clerk,
		Fields: n.Fields, OnPaper: n.OnPaper, Payment: Payment{Reference: n.Payment.Reference, Amount: n.Payment.Amount}, Lang: n.Lang, Owner: a.ID, Package: []byte{},
	}
	if app.Attachments, err = r.checkAttachments(n.Channel, old, n.Attachments); err != nil {
		return nil, err
	}
	if err := s.aboutDraft(ctx, app); err != nil {
		return nil, err
	}
	if old == nil {
		if err := s.prefill(ctx, app); err != nil {
			return nil, err
		}
		app.Created = s.now()
		if app.ID, _, err = s.draftID(); err != nil {
			return nil, err
		}
	} else {
		app.ID, app.Created = old.ID, old.Created
	}
	if err := s.keepAttachments(ctx, n.Attachments); err != nil {
		return nil, err
	}
	err = s.o.Store.Beside(ctx, func(tx BesideTx) error {
		if err := putAttachments(tx, n.Attachments, app.Attachments); err != nil {
			return err
		}
		if old == nil {
			return tx.AddApplication(app)
		}
		return tx.ChangeDraft(app)
	})
	if err != nil {
		return nil, fmt.Errorf("keeping the draft: %w", err)
	}
	s.o.Log.InfoContext(ctx, "draft saved", "application", app.ID, "service", app.Service, "operation", app.Operation)
	return app, nil
}

// Seal holds a draft to every rule of its path, conditions on registers (M6) and payment (M2) included, and writes the package to
// be signed. A sealed draft is answered as it is. Errors: *InputError, *RefusalError, ErrLater.
func (s *Service) Seal(ctx context.Context, a Actor, id string) (*Application, error) {
	unlock, err := s.running.lock(ctx, id)
	if err != nil {
		return nil, err
	}
	defer unlock()
	app, err := s.own(ctx, a, id)
	if err != nil {
		return nil, err
	}
	if len(app.Package) > 0 {
		return app, nil
	}
	r, op, err := s.operation(app.Service, app.Operation)
	if err != nil {
		return nil, err
	}
	if err := s.inForce(r, s.o.Calendar.Day(s.now())); err != nil {
		return nil, err
	}
	payment, err := s.complete(ctx, r, op, app)
	if err != nil {
		return nil, err
	}
	_, nonce, err := s.draftID()
	if err != nil {
		return nil, err
	}
	if app.Package, err = s.pack(r, op, app, nonce, s.now()); err != nil {
		return nil, err
	}
	err = s.o.Store.Beside(ctx, func(tx BesideTx) error {
		if err := keepPayment(tx, payment); err != nil {
			return err
		}
		return tx.ChangeDraft(app)
	})
	if errors.Is(err, ErrPaid) {
		return nil, unpaid(r, app.Channel, "payment.reference", "used", app.Payment.Amount, "the payment with this reference belongs to another application")
	}
	if errors.Is(err, ErrState) {
		// Another process sealed it meanwhile, perhaps for the same request: its package counts.
		if now, again := s.own(ctx, a, id); again == nil && len(now.Package) > 0 {
			return now, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("sealing the draft: %w", err)
	}
	s.o.Log.InfoContext(ctx, "draft sealed", "application", app.ID, "service", app.Service, "operation", app.Operation)
	return app, nil
}

// complete holds a whole application to the regulation and the outside systems, in the order of the path, and brings its fields
// to their canonical form.
func (s *Service) complete(ctx context.Context, r *Regulation, op Operation, app *Application) (*PaymentRecord, error) {
	if _, ok := phrase.ParseLang(string(app.Lang)); !ok {
		return nil, badInput("lang", "must be kk, ru or en")
	}
	if err := r.checkApplicant(app.Applicant); err != nil {
		return nil, err
	}
	if err := op.checkAbout(app.About); err != nil {
		return nil, err
	}
	if err := s.aboutDraft(ctx, app); err != nil {
		return nil, err
	}
	fields, err := r.checkFields(app.Applicant.Kind, op.Key, app.Fields)
	if err != nil {
		return nil, err
	}
	app.Fields = fields
	if err := s.checkAgainst(ctx, r, app); err != nil {
		return nil, err
	}
	if err := checkDocuments(r.Checklist(app.Applicant.Kind, op.Key, app.Channel, fields), app.Attachments); err != nil {
		return nil, err
	}
	if err := checkDrawable(app.Applicant); err != nil {
		return nil, err
	}
	if app.Channel != ChannelPortal && s.o.Registers != nil {
		rule, _ := r.Applicant(app.Applicant.Kind)
		found, err := s.registered(ctx, r, app.Channel, rule, app.Applicant.IIN+app.Applicant.BIN)
		if err != nil {
			return nil, err
		}
		if found.Body != nil && app.Clerk != nil && found.Body.Head == app.Clerk.IIN {
			return nil, badInput("applicant.bin", "is a body that the one who enters the data leads: nobody certifies an application of their own")
		}
	}
	return s.paid(ctx, r, op, app)
}

// own reads an application for whoever may go on with it.
func (s *Service) own(ctx context.Context, a Actor, id string) (*Application, error) {
	app, err := s.loadDraft(ctx, id)
	if err != nil {
		return nil, err
	}
	if app.Owner != a.ID && !a.Admin {
		return nil, ErrForbidden
	}
	return app, nil
}

// ownDraft is own, of a draft that is still open.
func (s *Service) ownDraft(ctx context.Context, a Actor, id string) (*Application, error) {
	app, err := s.own(ctx, a, id)
	if err != nil {
		return nil, err
	}
	if app.Status != Draft {
		return nil, fmt.Errorf("%w: the application is %s", ErrState, app.Status)
	}
	if len(app.Package) > 0 {
		return nil, fmt.Errorf("%w: the draft is sealed: what is to be signed does not change", ErrState)
	}
	return app, nil
}

func (s *Service) operation(service, operation string) (*Regulation, Operation, error) {
	r, ok := s.regulations[service]
	if !ok {
		return nil, Operation{}, badInput("service", "there is no such service: see the list of services")
	}
	op, ok := r.Operation(operation)
	if !ok {
		return nil, Operation{}, badInput("operation", "must be one of %s", r.operationKeys())
	}
	return r, op, nil
}

// checkDraft bounds what is kept half filled.
func checkDraft(n NewApplication) error {
	if _, ok := phrase.ParseLang(string(n.Lang)); !ok {
		return badInput("lang", "must be kk, ru or en")
	}
	for _, l := range []struct{ field, value string }{
		{"applicant.kind", string(n.Applicant.Kind)}, {"applicant.iin", n.Applicant.IIN}, {"applicant.bin", n.Applicant.BIN},
		{"applicant.name", n.Applicant.Name}, {"applicant.address", n.Applicant.Address}, {"applicant.email", n.Applicant.Email},
		{"applicant.phone", n.Applicant.Phone}, {"about", n.About}, {"payment.reference", n.Payment.Reference},
	} {
		if err := checkLine(l.field, l.value, false); err != nil {
			return err
		}
	}
	if len(n.Fields) > maxFields || !utf8.Valid(n.Fields) || depthOf(n.Fields) > maxFieldsDepth || len(n.Fields) > 0 && !json.Valid(n.Fields) {
		return badInput("fields", "must be JSON in UTF-8 of at most %d bytes", maxFields)
	}
	return nil
}

// keepPayment writes the payment that an application brought with it; one that was opened here is there already.
func keepPayment(tx PaymentTx, p *PaymentRecord) error {
	if p == nil {
		return nil
	}
	held, err := tx.PaymentReferenced(p.Reference)
	switch {
	case err == nil && held.Application != p.Application:
		return ErrPaid
	case err == nil:
		return nil
	case !errors.Is(err, ErrNotFound):
		return err
	}
	return tx.AddPayment(p)
}
