// SPDX-License-Identifier: Apache-2.0

// Package cache answers one question: does somebody nearby still hold these bytes. It keeps them for a while, in memory or
// in Redis for several processes.
//
// What it holds is never trusted: the takers check it. Losing it costs time, never truth.
// Left out: what the bytes mean, loading what is missing (crl.Source does), any promise that what was set is found again.
package cache

import (
	"context"
	"errors"
	"time"
)

// ErrMiss: nothing under that key.
var ErrMiss = errors.New("not in the cache")

// ErrDown: the cache cannot be reached now; the caller goes on without it.
var ErrDown = errors.New("the cache cannot be reached")

// ErrRefused: the cache answers, but will not do this, for it is full or the like. It is ErrDown too: the caller goes on without.
var ErrRefused = errors.New("the cache refuses")

// Store is safe for concurrent use. Get answers ErrMiss, ErrDown or the bytes (the caller must not change them).
// Set may drop the value, and keeps the slice: the caller must not change it afterwards.
// Lease asks to be the only one for ttl: ok false means somebody else is; release is always callable.
type Store interface {
	Get(ctx context.Context, key string) ([]byte, error)
	Set(ctx context.Context, key string, value []byte, ttl time.Duration) error
	Lease(ctx context.Context, key string, ttl time.Duration) (release func(), ok bool, err error)
}
