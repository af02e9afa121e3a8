// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"context"
	"errors"
	"time"

	"rastau/internal/outbox"
)

// retryJob is when what could not be done now is tried again.
const retryJob = 2 * time.Minute

// Jobs are the handlers, by kind, of what the workflow has to do later by
// itself. Each finds out from the register whether it has still to be done.
func (s *Service) Jobs() map[string]outbox.Handler {
	return map[string]outbox.Handler{
		JobTerm: func(ctx context.Context, i outbox.Item) error { return s.patient(ctx, s.ComeDue(ctx, i.Body)) },
		JobHolders: func(ctx context.Context, i outbox.Item) error {
			return s.patient(ctx, s.LookAtHolders(ctx, i.Body))
		},
		JobRenew: func(ctx context.Context, i outbox.Item) error { return s.patient(ctx, s.Renew(ctx, string(i.Body))) },
		JobBatch: func(ctx context.Context, i outbox.Item) error {
			return s.patient(ctx, s.RunBatch(ctx, i.Body))
		},
	}
}

// patient: what something outside keeps from being done waits, however often; so does what ran out of its lease.
func (s *Service) patient(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return outbox.Postpone(s.now())
	case errors.Is(err, ErrLater):
		return outbox.Postpone(s.now().Add(retryJob))
	}
	return err
}
