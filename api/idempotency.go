// SPDX-License-Identifier: Apache-2.0

package api

import (
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

var (
	errIdempotencyKey    = errors.New("unusable Idempotency-Key")
	errIdempotencyReused = errors.New("Idempotency-Key used for another request")
	errIdempotencyFull   = errors.New("no room for another Idempotency-Key")
)

// Bounds of what is remembered. An account that fills its share is refused, so
// that it neither pushes out what was promised to be kept nor fills the memory.
const (
	keepAnswers       = 24 * time.Hour
	maxIdempotencyKey = 200
	maxKept           = 256 << 20 // bytes of all answers
	maxKeptOfOne      = 64 << 20  // bytes of one account's answers
	keptOverhead      = 512       // bytes that an entry costs besides its answer
)

// reply is the answer of a route that changes state.
type reply struct {
	status   int
	location string
	body     any
	passing  bool // the caller was asked to come back: a repetition must run again
}

// kept is a reply as it goes out.
type kept struct {
	status   int
	location string
	body     []byte
}

func (k kept) write(c echo.Context) error {
	if k.location != "" {
		c.Response().Header().Set(echo.HeaderLocation, k.location)
	}
	return c.Blob(k.status, typeJSON, k.body)
}

// answers remembers, in this process alone, what was answered to a key. Only
// answers of success that are final are kept: a refusal changed nothing, and
// asking again gives it again. Safe for concurrent use.
type answers struct {
	now   func() time.Time
	mu    sync.Mutex
	byKey map[answerKey]*remembered
	order *list.List // of answerKey, oldest first
	bytes int
	share map[string]int // bytes by account
}

type answerKey struct{ account, key string }

type remembered struct {
	request [sha256.Size]byte
	at      time.Time
	place   *list.Element
	done    chan struct{} // closed when answer or failed is set
	answer  *kept         // nil while running
}

func newAnswers(now func() time.Time) *answers {
	return &answers{now: now, byKey: make(map[answerKey]*remembered), order: list.New(), share: make(map[string]int)}
}

// once runs handle, and where the caller named the request by an
// Idempotency-Key, runs it at most once: a repetition gets the first answer, one
// that arrives meanwhile waits for it.
func (s *server) once(handle func(echo.Context) (*reply, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		keys := c.Request().Header.Values("Idempotency-Key")
		if len(keys) == 0 {
			k, _, err := run(c, handle)
			if err != nil {
				return err
			}
			return k.write(c)
		}
		if len(keys) > 1 || !printable(keys[0]) {
			return errIdempotencyKey
		}
		request, err := s.fingerprint(c)
		if err != nil {
			return err
		}
		key := answerKey{caller(c).ID, keys[0]}
		for {
			mine, first, err := s.answers.begin(key, request)
			if err != nil {
				return err
			}
			if first {
				k, err := s.answers.first(key, mine, func() (*kept, bool, error) { return run(c, handle) })
				if err != nil {
					return err
				}
				return k.write(c)
			}
			if err := wait(c.Request().Context(), mine.done); err != nil {
				return err
			}
			if mine.answer != nil {
				c.Response().Header().Set("Idempotency-Replayed", "true")
				return mine.answer.write(c)
			}
			// The first run left no answer to repeat, so this one runs.
		}
	}
}

func wait(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func run(c echo.Context, handle func(echo.Context) (*reply, error)) (k *kept, final bool, err error) {
	r, err := handle(c)
	if err != nil {
		return nil, false, err
	}
	body, err := json.Marshal(r.body)
	if err != nil {
		return nil, false, fmt.Errorf("writing the answer: %w", err)
	}
	return &kept{r.status, r.location, body}, !r.passing, nil
}

func printable(key string) bool {
	if key == "" || len(key) > maxIdempotencyKey {
		return false
	}
	for i := range len(key) {
		if key[i] < 0x20 || key[i] > 0x7e {
			return false
		}
	}
	return true
}

// fingerprint tells one request from another: method, address, content type, body.
func (s *server) fingerprint(c echo.Context) (sum [sha256.Size]byte, err error) {
	body, err := s.readBody(c)
	if err != nil {
		return sum, err
	}
	r := c.Request()
	h := sha256.New()
	for _, part := range [][]byte{[]byte(r.Method), []byte(r.URL.RequestURI()), []byte(r.Header.Get(echo.HeaderContentType)), body} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part)))) // no two lists of parts run together alike
		h.Write(part)
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

// begin finds what is remembered of a key or takes it for this request.
func (a *answers) begin(key answerKey, request [sha256.Size]byte) (r *remembered, first bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	a.forget(now)
	if r := a.byKey[key]; r != nil {
		if r.request != request {
			return nil, false, errIdempotencyReused
		}
		return r, false, nil
	}
	if a.bytes+keptOverhead > maxKept || a.share[key.account]+keptOverhead > maxKeptOfOne {
		return nil, false, errIdempotencyFull
	}
	r = &remembered{request: request, at: now, place: a.order.PushBack(key), done: make(chan struct{})}
	a.byKey[key] = r
	a.charge(key.account, keptOverhead)
	return r, true, nil
}

// first runs the request that took the key. Whatever happens, a panic too,
// those who wait are woken.
func (a *answers) first(key answerKey, r *remembered, run func() (*kept, bool, error)) (*kept, error) {
	final := false
	var k *kept
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if final {
			r.answer = k
			a.charge(key.account, len(k.body))
		} else {
			a.drop(key, r, 0)
		}
		close(r.done)
	}()
	k, lasting, err := run()
	if err != nil {
		return nil, err
	}
	final = lasting
	return k, nil
}

// forget drops what is older than promised; what still runs stays.
func (a *answers) forget(now time.Time) {
	for oldest := a.order.Front(); oldest != nil; oldest = a.order.Front() {
		key := oldest.Value.(answerKey)
		r := a.byKey[key]
		if r.answer == nil || now.Sub(r.at) < keepAnswers {
			return
		}
		a.drop(key, r, len(r.answer.body))
	}
}

func (a *answers) drop(key answerKey, r *remembered, body int) {
	delete(a.byKey, key)
	a.order.Remove(r.place)
	a.charge(key.account, -keptOverhead-body)
}

func (a *answers) charge(account string, bytes int) {
	a.bytes += bytes
	if a.share[account] += bytes; a.share[account] <= 0 {
		delete(a.share, account)
	}
}
