// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"rastau/internal/outbox"
)

const outboxColumns = `id, kind, key, body, due, state, attempts, holder, leased_until, error, finished`

// Enqueue adds a message once.
func (x *tx) Enqueue(m outbox.Message) error {
	if m.Kind == "" {
		return fmt.Errorf("a message without a kind cannot be delivered")
	}
	if m.ID == "" {
		var raw [16]byte
		if _, err := rand.Read(raw[:]); err != nil {
			return err
		}
		m.ID = hex.EncodeToString(raw[:])
	}
	if m.Body == nil {
		m.Body = []byte{}
	}
	due := int64(0)
	if !m.Due.IsZero() {
		due = m.Due.UnixMilli()
	}
	return x.exec(`INSERT INTO outbox (id, seq, kind, key, body, due, state, attempts)
		VALUES ($1, (SELECT coalesce(max(seq), 0) + 1 FROM outbox), $2, $3, $4, $5, 'waiting', 0) ON CONFLICT DO NOTHING`,
		m.ID, m.Kind, absent(m.Key), x.hide("outbox.body", m.ID, m.Body), due)
}

// Withdraw takes back what nobody has begun.
func (x *tx) Withdraw(kind, key string) error {
	return x.exec(`DELETE FROM outbox WHERE kind = $1 AND key = $2 AND state = 'waiting' AND holder IS NULL`, kind, key)
}

// Lease takes what is due.
func (x *tx) Lease(holder string, kinds []string, now, until time.Time, limit int) ([]outbox.Item, error) {
	if len(kinds) == 0 {
		return nil, nil
	}
	args := []any{holder, until.UnixMilli(), now.UnixMilli(), limit}
	places := make([]string, len(kinds))
	for i, k := range kinds {
		args = append(args, k)
		places[i] = fmt.Sprintf("$%d", len(args))
	}
	items, err := x.items(`UPDATE outbox SET holder = $1, leased_until = $2, attempts = attempts + 1 WHERE id IN (
		SELECT id FROM outbox WHERE state = 'waiting' AND due <= $3 AND (leased_until IS NULL OR leased_until <= $3) AND kind IN (`+strings.Join(places, ", ")+`)
		ORDER BY due, seq LIMIT $4) RETURNING `+outboxColumns, args...)
	// RETURNING promises no order.
	slices.SortStableFunc(items, func(a, b outbox.Item) int { return a.Due.Compare(b.Due) })
	return items, err
}

// Finish writes the outcome where the lease is still the holder's.
func (x *tx) Finish(holder, id string, o outbox.Outcome) error {
	uncounted := 0
	if o.Uncounted {
		uncounted = 1
	}
	var due, finished any
	if o.State == outbox.Waiting {
		due = o.Due.UnixMilli()
	} else {
		finished = o.At.UnixMilli()
	}
	return x.must(fmt.Errorf("message %s: %w", id, outbox.ErrLost),
		`UPDATE outbox SET state = $1, due = coalesce($2, due), error = $3, finished = $4, attempts = attempts - $5, holder = NULL, leased_until = NULL
		WHERE id = $6 AND holder = $7 AND state = 'waiting'`, string(o.State), due, absent(o.Error), finished, uncounted, id, holder)
}

// FinishOutgoing is Finish in a transaction of its own, beside the writers.
func (s *Store) FinishOutgoing(ctx context.Context, holder, id string, o outbox.Outcome) error {
	return s.stepBeside(ctx, func(x *tx) error { return x.Finish(holder, id, o) })
}

// Items lists for the operator.
func (x *tx) Items(f outbox.Filter) ([]outbox.Item, error) {
	query := `SELECT ` + outboxColumns + ` FROM outbox WHERE true`
	var args []any
	if f.State != "" {
		args = append(args, string(f.State))
		query += fmt.Sprintf(` AND state = $%d`, len(args))
	}
	if f.Kind != "" {
		args = append(args, f.Kind)
		query += fmt.Sprintf(` AND kind = $%d`, len(args))
	}
	query += ` ORDER BY seq`
	if f.Limit > 0 {
		args = append(args, f.Limit)
		query += fmt.Sprintf(` LIMIT $%d`, len(args))
	}
	return x.items(query, args...)
}

// Revive lets a dead message wait again.
func (x *tx) Revive(id string, due time.Time) error {
	return x.must(fmt.Errorf("message %s: %w", id, outbox.ErrUnknown),
		`UPDATE outbox SET state = 'waiting', due = $1, attempts = 0, finished = NULL WHERE id = $2 AND state = 'dead'`, due.UnixMilli(), id)
}

// Forget drops what nobody asks for any more; keys are kept, so that they still count as taken.
func (x *tx) Forget(before time.Time) error {
	return x.exec(`DELETE FROM outbox WHERE state = 'done' AND key IS NULL AND finished < $1`, before.UnixMilli())
}

// Tallies counts.
func (x *tx) Tallies() ([]outbox.Tally, error) {
	var list []outbox.Tally
	err := x.all(func(scan func(...any) error) error {
		var t outbox.Tally
		var state string
		var due int64
		err := scan(&t.Kind, &state, &t.Count, &due)
		t.State, t.Due = outbox.State(state), moment(due)
		list = append(list, t)
		return err
	}, `SELECT kind, state, count(*), min(due) FROM outbox GROUP BY kind, state ORDER BY kind, state`)
	return list, err
}

func (x *tx) items(query string, args ...any) ([]outbox.Item, error) {
	var list []outbox.Item
	err := x.all(func(scan func(...any) error) error {
		var i outbox.Item
		var key, holder, failed sql.NullString
		var due int64
		var until, finished sql.NullInt64
		var state string
		err := scan(&i.ID, &i.Kind, &key, x.shown(&i.Body, "outbox.body", &i.ID), &due, &state, &i.Attempts, &holder, &until, &failed, &finished)
		i.Key, i.Holder, i.Error, i.State = key.String, holder.String, failed.String, outbox.State(state)
		i.Due, i.LeasedUntil, i.Finished = moment(due), maybe(until), maybe(finished)
		list = append(list, i)
		return err
	}, query, args...)
	return list, err
}
