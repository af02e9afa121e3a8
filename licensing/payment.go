// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// PaymentRecord is the payment of one application as it is kept: one reference pays for one application.
type PaymentRecord struct {
	Application string
	Reference   string
	Amount      int64  // tiyn
	Address     string // where the payer pays
	Opened      time.Time
	Paid        *time.Time
	Receipt     string // the gateway's
}

// PaymentTx keeps payments. A reference that another application has is ErrPaid.
type PaymentTx interface {
	AddPayment(p *PaymentRecord) error
	// MovePayment writes paid and receipt.
	MovePayment(p *PaymentRecord) error
	Payment(application string) (*PaymentRecord, error)
	PaymentReferenced(reference string) (*PaymentRecord, error)
}

// ErrPaid: the payment belongs to another application.
var ErrPaid = errors.New("the payment belongs to another application")

// Pay opens the fee's payment at the gateway (P4) and answers where to pay. Called again it answers the same payment and what
// became of it. Errors: ErrState for what is no draft; ErrLater where the gateway cannot be asked.
func (s *Service) Pay(ctx context.Context, a Actor, id string) (*PaymentRecord, error) {
	unlock, err := s.running.lock(ctx, id)
	if err != nil {
		return nil, err
	}
	defer unlock()
	app, err := s.ownDraft(ctx, a, id)
	if err != nil {
		return nil, err
	}
	r, op, err := s.operation(app.Service, app.Operation)
	if err != nil {
		return nil, err
	}
	if s.o.Payments == nil {
		return nil, fmt.Errorf("%w: no payment gateway is configured: give the payment's reference with the application", ErrState)
	}
	var p *PaymentRecord
	err = s.o.Store.Look(ctx, func(tx Tx) (err error) {
		p, err = tx.Payment(id)
		return err
	})
	if err == nil {
		return s.askPayment(ctx, p)
	}
	if !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	now := s.now()
	fee, err := r.fee(op.Key, s.o.Calendar.Day(now), s.o.Rates)
	if err != nil {
		return nil, err
	}
	if fee == 0 {
		return nil, badInput("operation", "is free of charge")
	}
	if err := r.checkApplicant(app.Applicant); err != nil {
		return nil, err
	}
	invoice := Invoice{
		Reference: "RST-" + app.ID, Amount: fee, Payer: app.Applicant.IIN + app.Applicant.BIN, Payee: r.Licensor.BIN,
		Purpose: op.Name.In(app.Lang) + ": " + r.Name.In(app.Lang), Until: s.endOfDay(now).Format(time.RFC3339),
	}
	state, err := s.o.Payments.Open(ctx, invoice)
	if err != nil {
		return nil, fmt.Errorf("%w: the payment gateway: %w", ErrLater, err)
	}
	if state.Reference != invoice.Reference || state.Amount != fee {
		return nil, fmt.Errorf("%w: the payment gateway opened another payment than it was asked for", ErrLater)
	}
	p = &PaymentRecord{Application: id, Reference: invoice.Reference, Amount: fee, Address: state.Address, Opened: now, Paid: state.Paid, Receipt: state.Receipt}
	err = s.o.Store.Beside(ctx, func(tx BesideTx) error { return tx.AddPayment(p) })
	if errors.Is(err, ErrPaid) {
		// Another process kept it meanwhile, perhaps for the same request.
		var kept *PaymentRecord
		again := s.o.Store.Look(ctx, func(tx Tx) (err error) {
			kept, err = tx.Payment(id)
			return err
		})
		if again == nil && kept.Reference == p.Reference {
			return kept, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("keeping the payment: %w", err)
	}
	s.o.Log.InfoContext(ctx, "payment opened", "application", id, "amount", fee)
	return p, nil
}

// endOfDay is the last second of the calendar's day.
func (s *Service) endOfDay(t time.Time) time.Time {
	y, m, d := t.In(s.o.Calendar.zone).Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, s.o.Calendar.zone).Add(-time.Second)
}

// askPayment brings an open payment up to what the gateway says.
func (s *Service) askPayment(ctx context.Context, p *PaymentRecord) (*PaymentRecord, error) {
	if p.Paid != nil {
		return p, nil
	}
	state, err := s.o.Payments.State(ctx, p.Reference)
	if errors.Is(err, ErrNoRecord) {
		return p, nil // opened here, but the gateway forgot it: not paid
	}
	if err != nil {
		return nil, fmt.Errorf("%w: the payment gateway: %w", ErrLater, err)
	}
	return s.settle(ctx, p, *state)
}

// settle keeps what the gateway said of a payment.
func (s *Service) settle(ctx context.Context, p *PaymentRecord, state PaymentState) (*PaymentRecord, error) {
	if state.Reference != p.Reference || state.Paid == nil || p.Paid != nil {
		return p, nil
	}
	done := *p
	done.Amount, done.Paid, done.Receipt = state.Amount, state.Paid, state.Receipt
	if err := s.o.Store.Beside(ctx, func(tx BesideTx) error { return tx.MovePayment(&done) }); err != nil {
		return nil, fmt.Errorf("keeping the payment: %w", err)
	}
	s.o.Log.InfoContext(ctx, "payment settled", "application", p.Application, "amount", done.Amount)
	return &done, nil
}

// Settle takes the gateway's own word that a payment was made (R017: the gateway informs E-licensing). The word must have been
// proven to be the gateway's. A reference that nobody here opened is ErrNotFound.
func (s *Service) Settle(ctx context.Context, state PaymentState) error {
	var p *PaymentRecord
	err := s.o.Store.Look(ctx, func(tx Tx) (err error) {
		p, err = tx.PaymentReferenced(state.Reference)
		return err
	})
	if err != nil {
		return err
	}
	_, err = s.settle(ctx, p, state)
	return err
}

// paid is condition C2: nothing is registered without the payment of exactly the fee of the day on which it was made (R046).
// Without a gateway the portal answers for the reference that it gives. The record is nil where there is nothing to keep.
func (s *Service) paid(ctx context.Context, r *Regulation, op Operation, app *Application) (*PaymentRecord, error) {
	fee, err := r.fee(op.Key, s.o.Calendar.Day(s.now()), s.o.Rates)
	if err != nil {
		return nil, err
	}
	if fee == 0 {
		// Appendices and corrections are free (law on licensing 2007, art. 44).
		if app.Payment.Reference != "" || app.Payment.Amount != 0 {
			return nil, badInput("payment", "is not asked for: this operation is free of charge")
		}
		return nil, nil
	}
	if err := checkLine("payment.reference", app.Payment.Reference, false); err != nil {
		return nil, err
	}
	if s.o.Payments == nil {
		switch {
		case strings.TrimSpace(app.Payment.Reference) == "":
			return nil, unpaid(r, app.Channel, "payment.reference", "not_paid", fee, "the fee is not paid: give the reference of the payment")
		case app.Payment.Amount != fee:
			return nil, unpaid(r, app.Channel, "payment.amount", "amount", fee, fmt.Sprintf("the fee is %d tiyn, exactly", fee))
		}
		app.Payment = Payment{Reference: app.Payment.Reference, Amount: fee}
		return nil, nil
	}
	p, err := s.paymentOf(ctx, r, app)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, unpaid(r, app.Channel, "payment.reference", "not_paid", fee, "the fee is not paid: open a payment or give the reference of one")
	case errors.Is(err, errAnothers):
		return nil, unpaid(r, app.Channel, "payment.reference", "not_paid", fee, "the payment with this reference is not the applicant's to this licensor")
	case errors.Is(err, ErrPaid):
		return nil, unpaid(r, app.Channel, "payment.reference", "used", fee, "the payment with this reference belongs to another application")
	case err != nil:
		return nil, err
	case p.Paid == nil:
		return nil, unpaid(r, app.Channel, "payment.reference", "not_paid", fee, "the payment gateway says that the fee is not paid yet")
	}
	if fee, err = r.fee(op.Key, s.o.Calendar.Day(*p.Paid), s.o.Rates); err != nil {
		return nil, err
	}
	if p.Amount != fee {
		return nil, unpaid(r, app.Channel, "payment.amount", "amount", fee, fmt.Sprintf("the fee on the day of payment was %d tiyn, exactly", fee))
	}
	app.Payment = Payment{Reference: p.Reference, Amount: p.Amount, Paid: p.Paid, Receipt: p.Receipt}
	return p, nil
}

// errAnothers: somebody else paid, or somebody else was paid.
var errAnothers = errors.New("the payment is not the applicant's to this licensor")

// paymentOf is the draft's own payment, or the one whose reference the application names: paid at a bank, at a counter. What was
// not opened here counts only where the gateway says that this applicant paid it to this licensor: references are no secret.
func (s *Service) paymentOf(ctx context.Context, r *Regulation, app *Application) (*PaymentRecord, error) {
	var own, named *PaymentRecord
	err := s.o.Store.View(ctx, func(tx Tx) (err error) {
		if own, err = tx.Payment(app.ID); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if app.Payment.Reference == "" {
			return nil
		}
		if named, err = tx.PaymentReferenced(app.Payment.Reference); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case named != nil && named.Application != app.ID:
		return nil, ErrPaid
	case own != nil:
		return s.askPayment(ctx, own)
	case app.Payment.Reference == "":
		return nil, ErrNotFound
	}
	state, err := s.o.Payments.State(ctx, app.Payment.Reference)
	if errors.Is(err, ErrNoRecord) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("%w: the payment gateway: %w", ErrLater, err)
	}
	if state.Payee != r.Licensor.BIN || state.Payer != app.Applicant.IIN+app.Applicant.BIN {
		return nil, errAnothers
	}
	return &PaymentRecord{
		Application: app.ID, Reference: app.Payment.Reference, Amount: state.Amount, Opened: s.now(), Paid: state.Paid, Receipt: state.Receipt,
	}, nil
}

// unpaid is refusal M2.
func unpaid(r *Regulation, c Channel, field, reason string, fee int64, problem string) error {
	code, err := r.refusal(c, onPayment)
	if err != nil {
		return err
	}
	return &RefusalError{Input: &InputError{Field: field, Problem: problem}, Message: refusalMessage(code, reason, map[string]string{"fee": tenge(fee)})}
}

// tenge writes an amount of tiyn for people.
func tenge(tiyn int64) string {
	return fmt.Sprintf("%d,%02d ₸", tiyn/tiynPerTenge, tiyn%tiynPerTenge)
}
