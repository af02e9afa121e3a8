// SPDX-License-Identifier: Apache-2.0

package egov

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"rastau/licensing"
)

type numberQuestion struct {
	Number string `json:"number"`
}

type referenceQuestion struct {
	Reference string `json:"reference"`
}

// Person asks the state database of natural persons. licensing.ErrNoRecord where it has no such number.
func (g *Gateway) Person(ctx context.Context, iin string) (*licensing.Person, error) {
	var p licensing.Person
	if err := g.call(ctx, Persons, actionGet, "", numberQuestion{iin}, &p); err != nil {
		return nil, err
	}
	if p.IIN != iin {
		return nil, fmt.Errorf("%w: %s: the answer is about another number", ErrUnavailable, Persons)
	}
	return &p, nil
}

// Body asks the state database of legal entities. licensing.ErrNoRecord where it has no such number.
func (g *Gateway) Body(ctx context.Context, bin string) (*licensing.Body, error) {
	var b licensing.Body
	if err := g.call(ctx, Bodies, actionGet, "", numberQuestion{bin}, &b); err != nil {
		return nil, err
	}
	if b.BIN != bin {
		return nil, fmt.Errorf("%w: %s: the answer is about another number", ErrUnavailable, Bodies)
	}
	return &b, nil
}

// Open asks the payment gateway to take a payment. The reference is the message's id: opening it again is the same payment.
func (g *Gateway) Open(ctx context.Context, i licensing.Invoice) (*licensing.PaymentState, error) {
	var s licensing.PaymentState
	if err := g.call(ctx, Payments, actionOpen, "open-"+i.Reference, i, &s); err != nil {
		return nil, err
	}
	return &s, nil
}

// State asks what became of a payment. licensing.ErrNoRecord where the gateway does not know it.
func (g *Gateway) State(ctx context.Context, reference string) (*licensing.PaymentState, error) {
	var s licensing.PaymentState
	if err := g.call(ctx, Payments, actionState, "", referenceQuestion{reference}, &s); err != nil {
		return nil, err
	}
	if s.Reference != reference {
		return nil, fmt.Errorf("%w: %s: the answer is about another payment", ErrUnavailable, Payments)
	}
	return &s, nil
}

// Paid opens the payment gateway's message about a payment; every error means that nothing was proven.
func (g *Gateway) Paid(ctx context.Context, sealed []byte, mediaType string) (*licensing.PaymentState, error) {
	if len(sealed) > maxMessage {
		return nil, fmt.Errorf("the message is longer than %d bytes", maxMessage)
	}
	m, err := g.Told(ctx, sealed, mediaType)
	if err != nil {
		return nil, err
	}
	if m.System != Payments || m.Action != actionPaid {
		return nil, errors.New("the message is not about a payment")
	}
	var s licensing.PaymentState
	if err := json.Unmarshal(m.Body, &s); err != nil {
		return nil, fmt.Errorf("the message is not readable: %w", err)
	}
	return &s, nil
}

// Send hands a notice to the gateway. It may be called again with the same notice.
func (g *Gateway) Send(ctx context.Context, n licensing.Notice) error {
	var done struct {
		Accepted bool `json:"accepted"`
	}
	if err := g.call(ctx, Notices, actionSend, n.ID, n, &done); err != nil {
		return err
	}
	if !done.Accepted {
		return fmt.Errorf("%w: %s: not accepted", ErrRefused, Notices)
	}
	return nil
}

// faulty brings a system's fault to the errors of those who ask.
func faulty(s System, f *fault) error {
	switch f.Code {
	case faultAbsent:
		return licensing.ErrNoRecord
	case faultInput:
		return fmt.Errorf("%w: %s: %s", ErrRefused, s, f.Text)
	}
	return fmt.Errorf("%w: %s: fault %q: %s", ErrUnavailable, s, f.Code, f.Text)
}
