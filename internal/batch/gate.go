// SPDX-License-Identifier: Apache-2.0

package batch

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"
)

// Gate lets batches give way to people: while as many requests are under way as
// the machine has processors, the next file of a batch waits, but never longer
// than maxWait, so that a batch comes to its end on a busy machine too. The zero
// value and nil are open. Safe for concurrent use.
type Gate struct{ people atomic.Int64 }

const (
	maxWait  = 250 * time.Millisecond
	lookWait = 2 * time.Millisecond
)

// Enter counts a request; the function returned ends it.
func (g *Gate) Enter() (leave func()) {
	if g == nil {
		return func() {}
	}
	g.people.Add(1)
	return func() { g.people.Add(-1) }
}

func (g *Gate) wait(ctx context.Context) {
	if g == nil {
		return
	}
	for end := time.Now().Add(maxWait); g.people.Load() >= int64(runtime.GOMAXPROCS(0)) && time.Now().Before(end); {
		select {
		case <-ctx.Done():
			return
		case <-time.After(lookWait):
		}
	}
}
