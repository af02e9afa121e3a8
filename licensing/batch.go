// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// JobBatch is the kind of the outbox messages by which batches run.
const JobBatch = "batch"

// maxBatch bounds one batch.
const maxBatch = 1000

// Batch is one decision on many applications: signed one by one in the
// background, each in its own transaction, gone on with after a restart where it
// stopped.
type Batch struct {
	ID       string      `json:"id"`
	Officer  Actor       `json:"-"`
	Created  time.Time   `json:"created"`
	Decision Decision    `json:"decision"`
	Items    []BatchItem `json:"items"`
	Done     int         `json:"done"` // items that were tried
	Failed   int         `json:"failed"`
	Finished *time.Time  `json:"finished"`
}

// BatchItem is one application of a batch.
type BatchItem struct {
	Application string `json:"application"` // id
	Status      Status `json:"status,omitempty"`
	Licence     string `json:"licence,omitempty"`
	Problem     string `json:"problem,omitempty"`
}

// DecideMany begins a batch. Every application is held to the same rules as one alone.
func (s *Service) DecideMany(ctx context.Context, a Actor, ids []string, d Decision) (*Batch, error) {
	if !a.Officer {
		return nil, fmt.Errorf("%w: only officers decide", ErrNotAuthority)
	}
	if len(ids) == 0 || len(ids) > maxBatch {
		return nil, badInput("applications", "must be 1 to %d", maxBatch)
	}
	seen := make(map[string]bool, len(ids))
	for _, id := range ids {
		if seen[id] {
			return nil, badInput("applications", "holds one twice")
		}
		seen[id] = true
	}
	id, _, err := s.draftID()
	if err != nil {
		return nil, err
	}
	b := &Batch{ID: id, Officer: a, Created: s.now(), Decision: d, Items: make([]BatchItem, len(ids))}
	for i, id := range ids {
		b.Items[i].Application = id
	}
	err = s.o.Store.Update(ctx, func(tx Tx) error {
		if err := tx.PutBatch(b); err != nil {
			return err
		}
		body, err := json.Marshal(b.ID)
		if err != nil {
			return err
		}
		return tx.Enqueue(Outgoing{Kind: JobBatch, Key: b.ID, Body: body, Due: b.Created})
	})
	if err != nil {
		return nil, fmt.Errorf("keeping the batch: %w", err)
	}
	return b, nil
}

// Batch shows how far a batch has come, to whoever began it.
func (s *Service) Batch(ctx context.Context, a Actor, id string) (b *Batch, err error) {
	err = s.o.Store.View(ctx, func(tx Tx) error {
		b, err = tx.Batch(id)
		return err
	})
	if err == nil && b.Officer.ID != a.ID && !a.Admin {
		return nil, ErrNotFound
	}
	return b, err
}

// RunBatch goes on with a batch: the body is that of a JobBatch message. An
// error means that it is to be gone on with later.
func (s *Service) RunBatch(ctx context.Context, body []byte) error {
	var id string
	if err := json.Unmarshal(body, &id); err != nil {
		return fmt.Errorf("a batch that cannot be read: %w", err)
	}
	var b *Batch
	err := s.o.Store.View(ctx, func(tx Tx) (err error) {
		b, err = tx.Batch(id)
		return err
	})
	if err != nil {
		return err
	}
	for b.Done < len(b.Items) {
		item := &b.Items[b.Done]
		app, err := s.Decide(ctx, b.Officer, item.Application, b.Decision)
		switch {
		case errors.Is(err, ErrLater) || ctx.Err() != nil:
			return errors.Join(err, ctx.Err()) // what is done is kept; the rest waits
		case err != nil:
			item.Problem = err.Error()
			b.Failed++
		default:
			item.Status, item.Licence = app.Status, app.Licence
		}
		if b.Done++; b.Done == len(b.Items) {
			now := s.now()
			b.Finished = &now
		}
		if err := s.o.Store.Update(ctx, func(tx Tx) error { return tx.PutBatch(b) }); err != nil {
			return err
		}
	}
	return nil
}
