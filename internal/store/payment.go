// SPDX-License-Identifier: Apache-2.0

package store

import (
	"database/sql"

	"rastau/licensing"
)

// AddPayment keeps a payment; its reference pays for one application.
func (x *tx) AddPayment(p *licensing.PaymentRecord) error {
	return x.must(licensing.ErrPaid, `INSERT INTO payments (application, reference, amount, address, opened, paid, receipt)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
		p.Application, p.Reference, p.Amount, p.Address, p.Opened.UnixMilli(), millis(p.Paid), p.Receipt)
}

// MovePayment notes that a payment was made.
func (x *tx) MovePayment(p *licensing.PaymentRecord) error {
	return x.must(missing("payment of application %s", p.Application),
		`UPDATE payments SET amount = $1, paid = $2, receipt = $3 WHERE application = $4`, p.Amount, millis(p.Paid), p.Receipt, p.Application)
}

// Payment of an application.
func (x *tx) Payment(application string) (*licensing.PaymentRecord, error) {
	return x.payment(`application = $1`, application)
}

// PaymentReferenced finds the payment with a reference.
func (x *tx) PaymentReferenced(reference string) (*licensing.PaymentRecord, error) {
	return x.payment(`reference = $1`, reference)
}

func (x *tx) payment(where, key string) (*licensing.PaymentRecord, error) {
	var p licensing.PaymentRecord
	var opened int64
	var paid sql.NullInt64
	err := x.one([]any{&p.Application, &p.Reference, &p.Amount, &p.Address, &opened, &paid, &p.Receipt},
		`SELECT application, reference, amount, address, opened, paid, receipt FROM payments WHERE `+where, key)
	if err != nil {
		return nil, err
	}
	p.Opened, p.Paid = moment(opened), maybe(paid)
	return &p, nil
}
