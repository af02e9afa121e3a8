// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"log/slog"
	"time"

	"rastau/internal/store"
)

// sweepEvery is how often blobs that nothing names are looked for.
const sweepEvery = 6 * time.Hour

// sweepBlobs removes what dead processes left in the blob store, until the app is closed.
func (a *app) sweepBlobs(ctx context.Context, db *store.Store, now func() time.Time, log *slog.Logger) {
	a.every(ctx, sweepEvery, func(ctx context.Context) {
		n, err := db.SweepBlobs(ctx, now())
		if err != nil && ctx.Err() == nil {
			log.ErrorContext(ctx, "blobs that nothing names cannot be removed", "error", err)
		} else if n > 0 {
			log.InfoContext(ctx, "blobs that nothing names were removed", "count", n)
		}
	})
}

// sweepBatches erases batches of files that have been kept long enough, until the app is closed.
func (a *app) sweepBatches(ctx context.Context, log *slog.Logger) {
	a.every(ctx, time.Hour, func(ctx context.Context) {
		n, err := a.Batches.Sweep(ctx)
		if err != nil && ctx.Err() == nil {
			log.ErrorContext(ctx, "old batches cannot be erased", "error", err)
		} else if n > 0 {
			log.InfoContext(ctx, "old batches were erased", "count", n)
		}
	})
}

// terms are how long personal data stay that the law does not keep: docs/PRIVACY.md.
var terms = store.Terms{Drafts: 90 * 24 * time.Hour, Sessions: 30 * 24 * time.Hour, Events: 365 * 24 * time.Hour}

// erase removes what is older than its term, until the app is closed.
func (a *app) erase(ctx context.Context, db *store.Store, now func() time.Time, log *slog.Logger) {
	a.every(ctx, sweepEvery, func(ctx context.Context) {
		done, err := db.Erase(ctx, now(), terms)
		if err != nil && ctx.Err() == nil {
			log.ErrorContext(ctx, "old personal data cannot be erased", "error", err)
		} else if done != (store.Erased{}) {
			log.InfoContext(ctx, "old personal data were erased", "drafts", done.Drafts, "sessions", done.Sessions, "events", done.Events, "attachments", done.Blobs)
		}
	})
}

// every calls f again and again until the app is closed.
func (a *app) every(ctx context.Context, pause time.Duration, f func(context.Context)) {
	ctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
			f(ctx)
		}
	}()
	a.closers = append(a.closers, closer(func() error { stop(); <-done; return nil }))
}
