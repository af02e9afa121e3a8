// SPDX-License-Identifier: Apache-2.0

package store

import "rastau/licensing"

// AddRenewal keeps a renewal; its documents must be there as blobs.
func (x *tx) AddRenewal(r *licensing.Renewal) error {
	return x.exec(`INSERT INTO renewals (subject, seq, at, until_at, signed, pdf, entry) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		r.Subject, r.Seq, r.At.UnixMilli(), r.Until.UnixMilli(), r.Signed, r.PDF, r.Entry)
}

// Renewals of a subject, oldest first.
func (x *tx) Renewals(subject string) ([]licensing.Renewal, error) {
	var list []licensing.Renewal
	err := x.all(func(scan func(...any) error) error {
		r := licensing.Renewal{Subject: subject}
		var at, until int64
		err := scan(&r.Seq, &at, &until, &r.Signed, &r.PDF, &r.Entry)
		r.At, r.Until = moment(at), moment(until)
		list = append(list, r)
		return err
	}, `SELECT seq, at, until_at, signed, pdf, entry FROM renewals WHERE subject = $1 ORDER BY seq`, subject)
	return list, err
}
