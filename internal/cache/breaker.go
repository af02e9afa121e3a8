// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"sync"
	"time"
)

const (
	breakAfter = 3                // failures in a row
	firstBreak = 2 * time.Second  // how long nobody asks then
	longBreak  = 30 * time.Second // what that grows to
)

// breaker keeps callers from waiting for a server that does not answer: after some failures in a row it says no at once for
// a while, then lets one caller try. A Redis that hangs would otherwise cost every request its timeout.
type breaker struct {
	now func() time.Time

	mu       sync.Mutex
	failures int
	pause    time.Duration
	until    time.Time
	probing  bool
}

// allow reports whether a call may go out. Each true is followed by one done.
func (b *breaker) allow() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures < breakAfter {
		return true
	}
	if b.probing || b.now().Before(b.until) {
		return false
	}
	b.probing = true
	return true
}

// broken: the server is taken for gone.
func (b *breaker) broken() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failures >= breakAfter
}

// outcome of a call that was let through.
type outcome int

const (
	answered  outcome = iota // the server spoke, whatever it said
	failed                   // it did not
	abandoned                // the caller left before it could: says nothing about the server
)

// done notes how a call went. changed says that the server is taken for gone, or for back, from now on.
func (b *breaker) done(o outcome) (changed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
	switch o {
	case answered:
		changed = b.failures >= breakAfter
		b.failures, b.pause = 0, 0
	case failed:
		b.failures++
		if b.failures < breakAfter || b.now().Before(b.until) {
			return false // calls that were under way when it broke must not make the pause longer
		}
		changed = b.pause == 0
		b.pause = min(max(2*b.pause, firstBreak), longBreak)
		b.until = b.now().Add(b.pause)
	}
	return changed
}
