// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"
)

// overhead is what an entry costs besides its bytes, about.
const overhead = 128

// held is a value with the time it was given to live.
type held struct {
	value []byte
	ttl   time.Duration
}

// Memory is a Store in this process. Make it with NewMemory.
type Memory struct {
	entries *otter.Cache[string, held]

	mu     sync.Mutex
	leases map[string]*lease
}

type lease struct{ until time.Time }

var _ Store = (*Memory)(nil)

// NewMemory keeps at most maxBytes of keys and values. A value larger than that is dropped.
func NewMemory(maxBytes int64) Store {
	return &Memory{
		entries: otter.Must(&otter.Options[string, held]{
			MaximumWeight: uint64(max(maxBytes, 1)),
			Weigher: func(key string, h held) uint32 {
				return uint32(min(len(key)+len(h.value)+overhead, math.MaxUint32))
			},
			ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[string, held]) time.Duration { return e.Value.ttl }),
		}),
		leases: make(map[string]*lease),
	}
}

// Get never answers ErrDown.
func (m *Memory) Get(_ context.Context, key string) ([]byte, error) {
	h, ok := m.entries.GetIfPresent(key)
	if !ok {
		return nil, ErrMiss
	}
	return h.value, nil
}

// Set never fails; a ttl that is not positive drops the value.
func (m *Memory) Set(_ context.Context, key string, value []byte, ttl time.Duration) error {
	if ttl <= 0 {
		m.entries.Invalidate(key)
		return nil
	}
	m.entries.Set(key, held{value: value, ttl: ttl})
	return nil
}

// Lease never fails. It guards against other goroutines of this process only.
func (m *Memory) Lease(_ context.Context, key string, ttl time.Duration) (release func(), ok bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if l, taken := m.leases[key]; taken && now.Before(l.until) {
		return func() {}, false, nil
	}
	mine := &lease{until: now.Add(ttl)}
	m.leases[key] = mine
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.leases[key] == mine { // one that ran out may be somebody else's by now
			delete(m.leases, key)
		}
	}, true, nil
}
