// SPDX-License-Identifier: Apache-2.0

package licensing_test

import (
	"bytes"
	"context"
	"testing"

	"rastau/licensing"
)

// meanwhile lets something happen between what a step has read and what it writes, once.
type meanwhile struct {
	licensing.Store
	happens func()
}

func (m *meanwhile) Beside(ctx context.Context, f func(licensing.BesideTx) error) error {
	if happens := m.happens; happens != nil {
		m.happens = nil
		happens()
	}
	return m.Store.Beside(ctx, f)
}

// till is a payment gateway that takes every invoice.
type till struct{}

func (till) Open(_ context.Context, i licensing.Invoice) (*licensing.PaymentState, error) {
	return &licensing.PaymentState{Reference: i.Reference, Amount: i.Amount, Payer: i.Payer, Payee: i.Payee}, nil
}

func (till) State(context.Context, string) (*licensing.PaymentState, error) {
	return nil, licensing.ErrNoRecord
}

// TestMeanwhile: a request that is sent again to a second process, because the first died with its COMMIT on the way, finds the
// draft sealed or the payment opened when it writes: it is answered with that, not refused.
func TestMeanwhile(t *testing.T) {
	h := newHouse(t)
	m := &meanwhile{Store: h.store}
	o := h.options
	o.Store = m
	second, err := licensing.New(o)
	must(t, err)

	form := h.form(t)
	app, err := h.service.Save(t.Context(), applicant, "", form)
	must(t, err)
	var first *licensing.Application
	m.happens = func() {
		first, err = h.service.Seal(t.Context(), applicant, app.ID)
		must(t, err)
	}
	sealed, err := second.Seal(t.Context(), applicant, app.ID)
	must(t, err)
	if first == nil || !bytes.Equal(sealed.Package, first.Package) {
		t.Error("the two answers are not the same package")
	}

	h.options.Payments, o.Payments = till{}, till{}
	h.reopen(t)
	second, err = licensing.New(o)
	must(t, err)
	form.Payment = licensing.Payment{}
	app, err = h.service.Save(t.Context(), applicant, "", form)
	must(t, err)
	var opened *licensing.PaymentRecord
	m.happens = func() {
		opened, err = h.service.Pay(t.Context(), applicant, app.ID)
		must(t, err)
	}
	paid, err := second.Pay(t.Context(), applicant, app.ID)
	must(t, err)
	if opened == nil || paid.Reference != opened.Reference || paid.Amount != opened.Amount {
		t.Errorf("%+v instead of %+v", paid, opened)
	}
}
