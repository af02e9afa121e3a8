// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rastau/internal/identity"
)

// Registers are the state databases of persons (ЖТ МДБ, R019) and bodies (ЗТ МДБ, R020), asked through the gateway. An answer
// that the database has no such number is ErrNoRecord; every other error means that it could not be asked, which proves nothing.
// They must be safe for concurrent use.
type Registers interface {
	Person(ctx context.Context, iin string) (*Person, error)
	Body(ctx context.Context, bin string) (*Body, error)
}

// Payments is the payment gateway (ЭҮТШ, R017). It must be safe for concurrent use, and opening the same reference again must
// answer the same payment.
type Payments interface {
	Open(ctx context.Context, i Invoice) (*PaymentState, error)
	// State of a payment by its reference; ErrNoRecord where the gateway does not know it.
	State(ctx context.Context, reference string) (*PaymentState, error)
}

// ErrNoRecord: the outside system was asked and has no such record.
var ErrNoRecord = errors.New("there is no such record")

// Person in the state database of natural persons.
type Person struct {
	IIN          string `json:"iin"`
	Name         string `json:"name"`
	Address      string `json:"address"`
	Entrepreneur bool   `json:"entrepreneur"` // registered as a sole entrepreneur
	Deceased     bool   `json:"deceased"`
}

// Body in the state database of legal entities.
type Body struct {
	BIN        string `json:"bin"`
	Name       string `json:"name"`
	Address    string `json:"address"`
	Head       string `json:"head"`             // IIN of the first head
	Parent     string `json:"parent,omitempty"` // BIN of the body whose branch or representation it is
	Liquidated bool   `json:"liquidated"`
}

// Invoice is what the gateway is asked to take.
type Invoice struct {
	Reference string `json:"reference"` // ours; opening it twice is one payment
	Amount    int64  `json:"amount"`    // tiyn
	Payer     string `json:"payer"`     // IIN or BIN
	Payee     string `json:"payee"`     // the licensor's BIN
	Purpose   string `json:"purpose"`
	Until     string `json:"until"` // RFC 3339: the fee is that of the day of payment, so the invoice ends with the day
}

// PaymentState is what the gateway says of a payment.
type PaymentState struct {
	Reference string     `json:"reference"`
	Amount    int64      `json:"amount"` // tiyn
	Paid      *time.Time `json:"paid"`   // nil: not paid
	Receipt   string     `json:"receipt,omitempty"`
	Payer     string     `json:"payer,omitempty"`   // IIN or BIN of whoever owed it
	Payee     string     `json:"payee,omitempty"`   // BIN
	Address   string     `json:"address,omitempty"` // where the payer pays
}

// Found is what the registers say of an applicant, for the form.
type Found struct {
	Person *Person `json:"person,omitempty"`
	Body   *Body   `json:"body,omitempty"`
}

// reasons of M6: why the registers' data cannot be used.
const (
	reasonAbsent     = "absent"
	reasonDeceased   = "deceased"
	reasonLiquidated = "liquidated"
	reasonNoBusiness = "no_business"
)

// LookUp asks the state registers for an applicant's data on the paths where somebody else enters them (P4 of the provider's
// path, P3 of the centre's). *RefusalError (M6) where they have none; ErrLater where they cannot be asked.
func (s *Service) LookUp(ctx context.Context, a Actor, service string, c Channel, kind ApplicantKind, number string) (*Found, error) {
	r, ok := s.regulations[service]
	if !ok {
		return nil, badInput("service", "there is no such service: see the list of services")
	}
	if c == ChannelPortal || !c.admits(a) {
		return nil, ErrForbidden
	}
	rule, ok := r.Applicant(kind)
	if !ok {
		return nil, badInput("applicant.kind", "is none that this service knows")
	}
	if _, err := identity.Parse(number); err != nil {
		return nil, badInput("number", "must be an IIN or BIN of twelve digits")
	}
	if s.o.Registers == nil {
		return nil, fmt.Errorf("%w: no state register is configured", ErrLater)
	}
	s.o.Log.InfoContext(ctx, "state register asked", "account", a.ID, "channel", string(c), "kind", string(kind))
	return s.registered(ctx, r, c, rule, number)
}

// registered is the condition on the registers: the person or body is there and can hold a licence.
func (s *Service) registered(ctx context.Context, r *Regulation, c Channel, rule ApplicantRule, number string) (*Found, error) {
	refuse := func(reason, problem string) error {
		code, err := r.refusal(c, onRegisters)
		if err != nil {
			return err
		}
		return &RefusalError{
			Input:   &InputError{Field: "applicant." + rule.Number, Problem: problem},
			Message: refusalMessage(code, reason, nil),
		}
	}
	found := &Found{}
	var err error
	if rule.Number == byBIN {
		found.Body, err = s.o.Registers.Body(ctx, number)
	} else {
		found.Person, err = s.o.Registers.Person(ctx, number)
	}
	switch {
	case errors.Is(err, ErrNoRecord):
		return nil, refuse(reasonAbsent, "is not in the state register")
	case err != nil:
		return nil, fmt.Errorf("%w: the state register: %w", ErrLater, err)
	case found.Person != nil && found.Person.Deceased:
		return nil, refuse(reasonDeceased, "belongs to a person whom the state register calls deceased")
	case found.Body != nil && found.Body.Liquidated:
		return nil, refuse(reasonLiquidated, "belongs to a body that is liquidated")
	case rule.Kind == SoleEntrepreneur && !found.Person.Entrepreneur:
		return nil, refuse(reasonNoBusiness, "belongs to a person who is not registered as an entrepreneur")
	}
	return found, nil
}
