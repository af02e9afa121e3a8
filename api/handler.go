// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"rastau/crl"
	"rastau/internal/account"
	"rastau/internal/batch"
	"rastau/internal/ocsp"
	"rastau/licensing"
	"rastau/verifier"
)

// Shared is the cache that several processes share (internal/cache.Redis).
type Shared interface {
	// Answers reports whether it answered lately. It does not wait.
	Answers() bool
	// Counts is how often something was asked for, by outcome.
	Counts() (hits, misses, failures int64)
}

// Options of the API.
type Options struct {
	Verifier *verifier.Verifier       // Required.
	Question func() verifier.Question // Required. Anchors and policy of this installation; callers never bring anchors of their own.
	Service  *licensing.Service       // Required.
	Accounts *account.Book            // Required. Tokens of programs and portals.
	Desk     *account.Desk            // Optional. People who log in; if nil, nobody does.
	Payments Teller                   // Optional. The payment gateway's messages; if nil, none are taken.
	Lists    *crl.Source              // Optional. If nil, /readyz and /metrics say nothing of revocation lists.
	Answers  *ocsp.Source             // Optional. If nil, /metrics says nothing of OCSP.
	Shared   Shared                   // Optional. If nil, /metrics says nothing of the shared cache.
	// Ready gives the reasons why not ready, empty means ready, and what is missed without changing a verdict. Optional. If nil, always ready.
	Ready func(ctx context.Context) (why, degraded []string)
	// Backlog tells what waits. Optional. If nil, /metrics says nothing of it.
	Backlog func(ctx context.Context) (Backlog, error)
	// Reload reads the configuration again for an administrator, and tells which keys wait for a restart. Optional. If nil, there is no such route.
	Reload        func(ctx context.Context, by string) (waiting []string, err error)
	Memory        *Memory          // Optional. What outlives a Handler; if nil, a new one.
	Batches       *batch.Service   // Optional. Files judged many at a time; if nil, there are none.
	Gate          *batch.Gate      // Optional. Told of requests for which batches wait.
	NCANode       *NCANode         // Optional. The endpoints of NCANode; if nil, there are none.
	BodyLimit     int64            // Optional. Bytes of a request's body. If zero, 32 MiB.
	RatePerMinute int              // Optional. Requests of one account, or of one address without an account. If zero, 600.
	TrustProxy    []string         // Optional. CIDRs whose X-Forwarded-For counts. If empty, none.
	Now           func() time.Time // Required.
	Log           *slog.Logger     // Required.
	Version       string           // Optional. Shown in /readyz and /metrics.
}

// Teller proves that a message is the payment gateway's (egov.Gateway has it). It must be safe for concurrent use.
type Teller interface {
	Paid(ctx context.Context, sealed []byte, mediaType string) (*licensing.PaymentState, error)
}

const (
	defaultBodyLimit = 32 << 20
	defaultRate      = 600

	// requestTime bounds one request: a judgement may ask several revocation
	// sources one after the other, each bounded on its own.
	requestTime = 60 * time.Second

	// largeBody and maxLarge bound the memory of bodies: those of more bytes, or
	// of a length that nobody told, wait until one of so many places is free.
	largeBody = 1 << 20
	maxLarge  = 8
)

// server is what the routes share. Its own state (answers, buckets, counters)
// guards itself.
type server struct {
	o       Options
	echo    *echo.Echo
	zone    *time.Location // of dates shown to people
	limit   int64
	large   chan struct{} // a place for each large body
	buckets *buckets
	answers *answers
	counts  *counts
}

// Memory is what a service remembers while its Handler is exchanged for one of another configuration: answers to
// idempotency keys, counters, rates, the places of large bodies. It is safe for concurrent use.
type Memory struct {
	large   chan struct{}
	buckets *buckets
	answers *answers
	counts  *counts
}

// NewMemory makes one; ratePerMinute as in Options.
func NewMemory(now func() time.Time, ratePerMinute int) *Memory {
	if ratePerMinute <= 0 {
		ratePerMinute = defaultRate
	}
	return &Memory{make(chan struct{}, maxLarge), newBuckets(ratePerMinute), newAnswers(now), newCounts(now())}
}

// Handler builds the routes. It is safe for concurrent use.
func Handler(o Options) (http.Handler, error) {
	switch {
	case o.Verifier == nil || o.Question == nil || o.Service == nil || o.Accounts == nil:
		return nil, errors.New("api: Verifier, Question, Service and Accounts are required")
	case o.Now == nil || o.Log == nil:
		return nil, errors.New("api: Now and Log are required")
	case o.BodyLimit < 0 || o.RatePerMinute < 0:
		return nil, errors.New("api: BodyLimit and RatePerMinute must not be negative")
	}
	if o.BodyLimit == 0 {
		o.BodyLimit = defaultBodyLimit
	}
	if o.RatePerMinute == 0 {
		o.RatePerMinute = defaultRate
	}
	if o.Memory == nil {
		o.Memory = NewMemory(o.Now, o.RatePerMinute)
	}
	address, err := addressOf(o.TrustProxy)
	if err != nil {
		return nil, err
	}
	calendar, err := licensing.EmbeddedCalendar()
	if err != nil {
		return nil, err
	}
	s := &server{
		o: o, echo: echo.New(), zone: calendar.Zone(), limit: o.BodyLimit, large: o.Memory.large,
		buckets: o.Memory.buckets, answers: o.Memory.answers, counts: o.Memory.counts,
	}
	s.echo.IPExtractor = address
	s.echo.HTTPErrorHandler = s.fail
	s.echo.Use(s.identify, s.observe, s.bound, s.recoverPanic)
	for _, r := range append(s.routes(), s.ncaRoutes()...) {
		s.echo.Add(r.method, r.path, r.handle, s.admit(r.roles))
	}
	return s, nil
}

// ServeHTTP bounds the body's size and the time that reading it may take outside
// of everything else, so that no route and no middleware can wait for more.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Body != nil {
		r.Body = http.MaxBytesReader(w, r.Body, s.limit)
		// Where the connection has no deadlines (a test's recorder) there is nothing to bound.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(requestTime))
	}
	s.echo.ServeHTTP(w, r)
}

// Address is how the API finds out where a request comes from, for the other handlers of the same process. The errors name the
// network that is none.
func Address(proxies []string) (func(*http.Request) string, error) { return addressOf(proxies) }

// addressOf says where a request comes from: the connection, unless that is one
// of the proxies. Echo's own default would believe any X-Forwarded-For.
func addressOf(proxies []string) (echo.IPExtractor, error) {
	if len(proxies) == 0 {
		return echo.ExtractIPDirect(), nil
	}
	trust := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range proxies {
		_, network, err := net.ParseCIDR(p)
		if err != nil {
			return nil, fmt.Errorf("api: trustProxy %q is no network: write it like 10.1.0.0/16", p)
		}
		trust = append(trust, echo.TrustIPRange(network))
	}
	return echo.ExtractIPFromXFFHeader(trust...), nil
}
