// SPDX-License-Identifier: Apache-2.0

package store

import (
	"rastau/licensing"
)

// Reserve gives a serial: the application's own, else the smallest released, else the next.
func (x *tx) Reserve(series, application string, serial *int64) error {
	return x.later([]any{serial}, `INSERT INTO serials (series, serial, application) SELECT $1, coalesce(
		(SELECT serial FROM serials WHERE series = $1 AND application = $2),
		(SELECT serial FROM serials WHERE series = $1 AND application IS NULL ORDER BY serial LIMIT 1),
		(SELECT coalesce(max(serial), 0) + 1 FROM serials WHERE series = $1)), $2 WHERE true
		ON CONFLICT (series, serial) DO UPDATE SET application = excluded.application RETURNING serial`, series, application)
}

// Release gives a serial back; it is no error where there was none.
func (x *tx) Release(series, application string) error {
	return x.exec(`UPDATE serials SET application = NULL WHERE series = $1 AND application = $2`, series, application)
}

// Serial is the one reserved for an application.
func (x *tx) Serial(series, application string) (serial int64, err error) {
	err = x.one([]any{&serial}, `SELECT serial FROM serials WHERE series = $1 AND application = $2`, series, application)
	return serial, err
}

// AddAttempt notes a signature that was not accepted.
func (x *tx) AddAttempt(a licensing.Attempt) error {
	return x.exec(`INSERT INTO attempts (application, at, signature, outcome, reason, sub_indication, finding) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		a.Application, a.At.UnixMilli(), a.SignatureSHA256, a.Outcome, a.Reason, a.SubIndication, a.FindingKey)
}

// AddRegistration writes the accepted signature with its evidence.
func (x *tx) AddRegistration(r *licensing.Registration) error {
	return x.exec(`INSERT INTO registrations (application, number, at, signature_sha256, signature, stamped, report, receipt, entry) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		r.Application, r.Number, r.At.UnixMilli(), r.SignatureSHA256, x.hide("registrations.signature", r.Application, r.Signature),
		x.hide("registrations.stamped", r.Application, r.Stamped), x.hide("registrations.report", r.Application, r.Report),
		x.hide("registrations.receipt", r.Application, r.Receipt), r.Entry)
}

// Registration reads it by the application's id.
func (x *tx) Registration(application string) (*licensing.Registration, error) {
	r := &licensing.Registration{Application: application}
	var at int64
	err := x.one([]any{&r.Number, &at, &r.SignatureSHA256, x.shown(&r.Signature, "registrations.signature", &application),
		x.shown(&r.Stamped, "registrations.stamped", &application), x.shown(&r.Report, "registrations.report", &application),
		x.shown(&r.Receipt, "registrations.receipt", &application), &r.Entry},
		`SELECT number, at, signature_sha256, signature, stamped, report, receipt, entry FROM registrations WHERE application = $1`, application)
	if err != nil {
		return nil, err
	}
	r.At = moment(at)
	return r, nil
}

// AddRuling writes an officer's signed decision.
func (x *tx) AddRuling(r *licensing.Ruling) error {
	return x.exec(`INSERT INTO rulings (application, at, officer, approve, document, signed, entry) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		r.Application, r.At.UnixMilli(), r.Officer, r.Approve, x.hide("rulings.document", r.Application, r.Document), x.hide("rulings.signed", r.Application, r.Signed), r.Entry)
}

// Ruling reads it by the application's id.
func (x *tx) Ruling(application string) (*licensing.Ruling, error) {
	r := &licensing.Ruling{Application: application}
	var at int64
	err := x.one([]any{&at, &r.Officer, &r.Approve, x.shown(&r.Document, "rulings.document", &application), x.shown(&r.Signed, "rulings.signed", &application), &r.Entry},
		`SELECT at, officer, approve, document, signed, entry FROM rulings WHERE application = $1`, application)
	if err != nil {
		return nil, err
	}
	r.At = moment(at)
	return r, nil
}
