// SPDX-License-Identifier: Apache-2.0

package api

import (
	"errors"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

var errRate = errors.New("too many requests")

// maxBuckets bounds the memory of the limiter; a full bucket tells nothing and
// is dropped first.
const maxBuckets = 100_000

// buckets is a token bucket for each key: a minute's worth at once, refilled
// evenly. It is safe for concurrent use.
type buckets struct {
	size   float64 // tokens
	mu     sync.Mutex
	levels map[string]level
}

type level struct {
	left float64
	at   time.Time
}

func newBuckets(perMinute int) *buckets {
	return &buckets{size: float64(perMinute), levels: make(map[string]level)}
}

// take spends one token, or says how long to wait for it.
func (b *buckets) take(key string, now time.Time) (wait time.Duration, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, known := b.levels[key]; !known && len(b.levels) >= maxBuckets {
		b.sweep(now)
	}
	left := b.level(key, now)
	if left < 1 {
		return time.Duration((1 - left) / b.size * float64(time.Minute)), false
	}
	b.levels[key] = level{left - 1, now}
	return 0, true
}

func (b *buckets) level(key string, now time.Time) float64 {
	l, known := b.levels[key]
	if !known {
		return b.size
	}
	return math.Min(b.size, l.left+max(0, now.Sub(l.at).Minutes())*b.size)
}

// sweep drops full buckets; where all are in use, any half of them: losing a
// level costs only that someone may ask a minute's worth once more.
func (b *buckets) sweep(now time.Time) {
	for key := range b.levels {
		if b.level(key, now) >= b.size {
			delete(b.levels, key)
		}
	}
	for key := range b.levels {
		if len(b.levels) <= maxBuckets/2 {
			return
		}
		delete(b.levels, key)
	}
}

func (s *server) spend(c echo.Context, key string) error {
	wait, ok := s.buckets.take(key, s.o.Now())
	if ok {
		return nil
	}
	c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	return errRate
}
