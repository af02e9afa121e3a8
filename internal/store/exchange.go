// SPDX-License-Identifier: Apache-2.0

package store

import "context"

// Exchange is a signed question to an outside system with its answer, as they went over the wire. It holds personal data.
type Exchange struct {
	ID, System, Outcome string
	At                  int64 // milliseconds since 1970-01-01 UTC
	Request, Response   []byte
}

// AddExchange keeps one; exchanges are only added.
func (s *Store) AddExchange(ctx context.Context, e Exchange) error {
	return s.stepBeside(ctx, func(x *tx) error {
		var response any
		if e.Response != nil {
			response = x.hide("exchanges.response", e.ID, e.Response)
		}
		return x.exec(`INSERT INTO exchanges (id, at, system, request, response, outcome) VALUES ($1, $2, $3, $4, $5, $6)`,
			e.ID, e.At, e.System, x.hide("exchanges.request", e.ID, e.Request), response, e.Outcome)
	})
}

// Exchanges finds those of one message id.
func (s *Store) Exchanges(ctx context.Context, id string) ([]Exchange, error) {
	list := []Exchange{}
	err := s.view(ctx, func(x *tx) error {
		return x.all(func(scan func(...any) error) error {
			var e Exchange
			err := scan(&e.ID, &e.At, &e.System, x.shown(&e.Request, "exchanges.request", &e.ID), x.shown(&e.Response, "exchanges.response", &e.ID), &e.Outcome)
			list = append(list, e)
			return err
		}, `SELECT id, at, system, request, response, outcome FROM exchanges WHERE id = $1 ORDER BY at`, id)
	})
	return list, err
}
