// SPDX-License-Identifier: Apache-2.0

package ocsp

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"rastau/internal/cache"
)

// Poster is what Source needs of the network (internal/fetch has it). It guards the address and bounds size and time.
type Poster interface {
	Post(ctx context.Context, url, contentType string, body []byte, max int64) ([]byte, error)
}

// SourceOptions of NewSource.
type SourceOptions struct {
	Web  Poster           // Required.
	Now  func() time.Time // Optional. If nil, time.Now.
	Rand io.Reader        // Optional. If nil, crypto/rand: nonces.
	Log  *slog.Logger     // Optional. If nil, silent.
	// Cap is how long an answer is given again at most, however far its nextUpdate: so long a revocation may go unseen.
	// Optional. If zero, 5 min; negative for never.
	Cap time.Duration
	// Shared also keeps answers for other processes, under an HMAC with Key. Optional; not used where Key has fewer than 16
	// octets: whoever writes there could show an answer from before a revocation for ever.
	Shared cache.Store
	Key    []byte
}

const (
	// DefaultCap is SourceOptions.Cap where it is zero.
	DefaultCap = 5 * time.Minute

	keptBytes    = 64 << 20 // of answers in this process
	firstPause   = time.Second
	longPause    = time.Minute
	askTime      = 30 * time.Second // one exchange, whoever waits for it
	minKey       = 16
	maxPauses    = 4096 // responders whose failures are remembered
	maxAnswer    = MaxResponse + 4096
	answerMark   = "rastau ocsp answer 1\n" // what the HMAC is for
	requestMedia = "application/ocsp-request"
)

// ErrUnavailable: the responder gave no answer.
var ErrUnavailable = errors.New("the OCSP responder cannot be reached")

// UnavailableError says of which responder, why, and when it is asked again. It is ErrUnavailable.
type UnavailableError struct {
	URL     string
	RetryAt time.Time
	Err     error
}

func (e *UnavailableError) Error() string { return fmt.Sprintf("%s: %v", ErrUnavailable, e.Err) }
func (e *UnavailableError) Unwrap() error { return e.Err }
func (e *UnavailableError) Is(target error) bool {
	return target == ErrUnavailable
}

// Source asks responders once for all who want to know. Safe for concurrent use: of one certificate and responder one
// exchange at a time. A usable answer is given again until its nextUpdate, at most Cap long; one without nextUpdate never is,
// for then "newer revocation information is available all the time" (RFC 6960 §4.2.2.1). A responder that fails is left alone for
// a while, longer each time.
//
// What is given again is not believed: the caller judges it like any other answer, with the nonce that it was asked for with.
type Source struct {
	o    SourceOptions
	kept cache.Store

	asked, again, failed atomic.Int64

	mu      sync.Mutex
	flights map[string]*exchange
	pauses  map[string]*pause // by address
}

// exchange is one question on its way, which any number of callers wait for.
type exchange struct {
	done chan struct{}
	got  answered
	err  error
}

// answered is an answer as it is kept.
type answered struct {
	Asked                  time.Time // when it was asked for
	ThisUpdate, NextUpdate time.Time // zero where it is not to be given again
	Nonce, DER             []byte
}

type pause struct {
	failures int
	until    time.Time
	last     error
}

// NewSource makes a Source.
func NewSource(o SourceOptions) *Source {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Cap == 0 {
		o.Cap = DefaultCap
	}
	if len(o.Key) < minKey {
		o.Shared = nil
	}
	return &Source{o: o, kept: cache.NewMemory(keptBytes), flights: make(map[string]*exchange), pauses: make(map[string]*pause)}
}

// Ask answers a response to q from the responder at url, and the nonce that was sent with the question. q.Nonce and q.Request are
// not looked at. The response need not be usable: that is Judge's to say. Errors: *UnavailableError, which is ErrUnavailable;
// the context's own.
func (s *Source) Ask(ctx context.Context, url string, q Query) (der, nonce []byte, err error) {
	key := s.key(url, &q)
	if got, ok := s.recall(ctx, key, &q); ok {
		s.again.Add(1)
		return got.DER, got.Nonce, nil
	}
	e, err := s.begin(ctx, key, url, q)
	if err != nil {
		return nil, nil, err
	}
	select {
	case <-e.done:
		return e.got.DER, e.got.Nonce, e.err
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
}

// key names a question: which certificate, by which issuer, and whom.
func (s *Source) key(url string, q *Query) string {
	h := sha256.New()
	h.Write(q.Certificate.SHA256[:])
	issuer := sha256.Sum256(q.Issuer.Key.Raw)
	h.Write(issuer[:])
	h.Write([]byte(url))
	return "ocsp:" + hex.EncodeToString(h.Sum(nil))
}

// begin joins or starts an exchange. It goes on when the caller who started it leaves: others may wait.
func (s *Source) begin(ctx context.Context, key, url string, q Query) (*exchange, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.flights[key]; e != nil {
		return e, nil
	}
	if p := s.pauses[url]; p != nil && s.o.Now().Before(p.until) { // the negative cache
		return nil, &UnavailableError{URL: url, RetryAt: p.until, Err: p.last}
	}
	e := &exchange{done: make(chan struct{})}
	s.flights[key] = e
	go func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTime)
		defer cancel()
		got, err := s.exchange(ctx, url, q)
		if err == nil {
			s.keep(ctx, key, got)
		}
		s.mu.Lock()
		retry := s.remember(url, err)
		delete(s.flights, key)
		s.mu.Unlock()
		if e.got = got; err != nil {
			e.err = &UnavailableError{URL: url, RetryAt: retry, Err: err}
		}
		close(e.done)
	}()
	return e, nil
}

// exchange asks the responder.
func (s *Source) exchange(ctx context.Context, url string, q Query) (answered, error) {
	got := answered{Asked: s.o.Now(), Nonce: make([]byte, 32)} // RFC 9654 §2.1: "SHOULD ... 32 octets"
	if _, err := io.ReadFull(s.o.Rand, got.Nonce); err != nil {
		return got, fmt.Errorf("nonce: %w", err)
	}
	request, err := Request(q.Certificate, q.Issuer, RequestOptions{Nonce: got.Nonce})
	if err != nil {
		return got, err
	}
	s.asked.Add(1)
	if got.DER, err = s.o.Web.Post(ctx, url, requestMedia, request, MaxResponse); err != nil {
		return got, err
	}
	q.Nonce, q.Request = got.Nonce, nil
	if a := Judge(got.DER, q); a.Usable == Yes && !a.NextUpdate.IsZero() {
		got.ThisUpdate, got.NextUpdate = a.ThisUpdate, a.NextUpdate
	}
	return got, nil
}

// remember keeps whether a responder answered: after a failure it is not asked for a while, a little longer each time, and not
// by all processes at the same moment. The caller holds s.mu.
func (s *Source) remember(url string, err error) (retry time.Time) {
	now := s.o.Now()
	if err == nil {
		delete(s.pauses, url)
		return time.Time{}
	}
	s.failed.Add(1)
	p := s.pauses[url]
	if p == nil {
		if len(s.pauses) == maxPauses {
			return now.Add(firstPause)
		}
		p = &pause{}
		s.pauses[url] = p
	}
	length := min(firstPause<<min(p.failures, 6), longPause)
	p.failures++
	p.until, p.last = now.Add(time.Duration(float64(length)*(0.75+mathrand.Float64()/4))), err
	s.o.Log.Warn("OCSP responder does not answer", "url", url, "error", err.Error(), "failures", p.failures, "retry", p.until)
	return p.until
}

// until is when an answer is not given again any more.
func (s *Source) until(a answered) time.Time {
	end := a.Asked.Add(s.o.Cap)
	if a.NextUpdate.Before(end) {
		end = a.NextUpdate
	}
	return end
}

// serves: the answer may be given again to this question, now.
func (s *Source) serves(a answered, q *Query) bool {
	now := s.o.Now()
	return !a.NextUpdate.IsZero() && !now.Before(a.Asked) && now.Before(s.until(a)) && // a time to come was written by another clock
		!q.At.After(a.NextUpdate) && (q.MaxAge <= 0 || q.At.Sub(a.ThisUpdate) <= q.MaxAge)
}

func (s *Source) keep(ctx context.Context, key string, a answered) {
	ttl := s.until(a).Sub(s.o.Now())
	if a.NextUpdate.IsZero() || ttl <= 0 {
		return
	}
	text, err := json.Marshal(a)
	if err != nil {
		return // bytes and times are always written
	}
	_ = s.kept.Set(ctx, key, text, ttl) // memory does not fail
	if s.o.Shared != nil {
		// Not shared is not lost: each process can ask for itself.
		_ = s.o.Shared.Set(ctx, key, append(s.mac(key, text), text...), ttl)
	}
}

// recall finds an answer that was given before, here or in another process.
func (s *Source) recall(ctx context.Context, key string, q *Query) (a answered, ok bool) {
	if s.o.Cap < 0 {
		return a, false
	}
	if text, err := s.kept.Get(ctx, key); err == nil && json.Unmarshal(text, &a) == nil {
		return a, s.serves(a, q) // one that serves no more is not replaced by an older one of somebody else's
	}
	if s.o.Shared == nil {
		return a, false
	}
	value, err := s.o.Shared.Get(ctx, key)
	if err != nil {
		return a, false
	}
	if len(value) < sha256.Size || len(value) > maxAnswer*2 || !hmac.Equal(value[:sha256.Size], s.mac(key, value[sha256.Size:])) {
		s.o.Log.Warn("OCSP answer in the cache refused", "error", "its HMAC is not ours")
		return a, false
	}
	a = answered{}
	if json.Unmarshal(value[sha256.Size:], &a) != nil || !s.serves(a, q) {
		return a, false
	}
	_ = s.kept.Set(ctx, key, bytes.Clone(value[sha256.Size:]), s.until(a).Sub(s.o.Now())) // memory does not fail
	return a, true
}

func (s *Source) mac(key string, text []byte) []byte {
	h := hmac.New(sha256.New, s.o.Key)
	h.Write([]byte(answerMark))
	h.Write([]byte(key + "\n"))
	h.Write(text)
	return h.Sum(nil)
}

// Counts of a Source since it was made, for metrics.
type Counts struct {
	Asked  int64 // exchanges begun
	Again  int64 // answers given again
	Failed int64 // exchanges without an answer
}

// Counts tells how often responders were asked.
func (s *Source) Counts() Counts {
	return Counts{s.asked.Load(), s.again.Load(), s.failed.Load()}
}
