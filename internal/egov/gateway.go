// SPDX-License-Identifier: Apache-2.0

package egov

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/sony/gobreaker/v2"

	"rastau/internal/span"
)

// Options of a Gateway.
type Options struct {
	URL      string                                      // Required. Address of the gateway; the systems are asked at URL/v1/SYSTEM.
	Envelope Envelope                                    // Required.
	Keep     func(ctx context.Context, e Exchange) error // Required. Keeps each exchange; where it fails, the answer does not count.
	HTTP     *http.Client                                // Optional. If nil, one with sensible bounds. Redirects are not followed.
	Timeout  time.Duration                               // Optional. Of one question with its repetitions. If zero, 5 s.
	Tries    int                                         // Optional. If zero, 3.
	Now      func() time.Time                            // Required.
	Log      *slog.Logger                                // Optional. If nil, nothing is logged. Never personal data.
}

const (
	defaultTimeout = 5 * time.Second
	defaultTries   = 3
	firstPause     = 50 * time.Millisecond
	breakAfter     = 5                // failures in a row
	breakFor       = 10 * time.Second // before one question is let through again
)

// Gateway asks the outside systems. It is safe for concurrent use.
type Gateway struct {
	o        Options
	base     string
	breakers map[System]*gobreaker.CircuitBreaker[answer]
}

type answer struct {
	message  *message
	response []byte
}

// New checks the options.
func New(o Options) (*Gateway, error) {
	if o.URL == "" || o.Envelope == nil || o.Keep == nil || o.Now == nil {
		return nil, errors.New("egov: URL, Envelope, Keep and Now are required")
	}
	if !strings.HasPrefix(o.URL, "https://") && !strings.HasPrefix(o.URL, "http://") {
		return nil, fmt.Errorf("egov: %q is no http or https address", o.URL)
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Tries == 0 {
		o.Tries = defaultTries
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.HTTP == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.Proxy, t.MaxIdleConnsPerHost = nil, 64
		o.HTTP = &http.Client{Transport: t}
	}
	client := *o.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	o.HTTP = &client
	g := &Gateway{o: o, base: strings.TrimSuffix(o.URL, "/"), breakers: map[System]*gobreaker.CircuitBreaker[answer]{}}
	for _, s := range []System{Persons, Bodies, Payments, Notices} {
		g.breakers[s] = gobreaker.NewCircuitBreaker[answer](gobreaker.Settings{
			Name: string(s), Timeout: breakFor,
			ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= breakAfter },
			// What the caller broke off says nothing of the system.
			IsSuccessful: func(err error) bool { return err == nil || errors.Is(err, context.Canceled) },
			OnStateChange: func(name string, from, to gobreaker.State) {
				o.Log.Warn("outside system", "system", name, "from", from.String(), "to", to.String())
			},
		})
	}
	return g, nil
}

// Health says of each system whether it is asked ("closed"), not asked ("open") or tried ("half-open"), for readiness and metrics.
func (g *Gateway) Health() map[System]string {
	out := make(map[System]string, len(g.breakers))
	for s, b := range g.breakers {
		out[s] = b.State().String()
	}
	return out
}

// call asks a system and reads the answer's body into to. id makes a question that must be done once; "" takes a new one.
func (g *Gateway) call(ctx context.Context, system System, action, id string, body, to any) (err error) {
	ctx, step := span.Ask(ctx, "gateway", g.base)
	step.Set(span.System, string(system))
	step.Set(span.Action, action)
	defer func() { step.End(err) }()
	if id == "" {
		id = newID()
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	now := g.o.Now().UTC()
	question, err := json.Marshal(message{ID: id, System: system, Action: action, At: now.Format(time.RFC3339), Body: raw})
	if err != nil {
		return err
	}
	sealed, mediaType, err := g.o.Envelope.Seal(ctx, question)
	if err != nil {
		return fmt.Errorf("%w: signing the question: %w", ErrUnavailable, err)
	}
	ctx, cancel := context.WithTimeout(ctx, g.o.Timeout)
	defer cancel()
	a, err := g.breakers[system].Execute(func() (answer, error) { return g.ask(ctx, system, id, sealed, mediaType) })
	kept := Exchange{ID: id, System: system, At: now, Request: sealed, Response: a.response, Outcome: "answered"}
	switch {
	case err != nil:
		kept.Outcome = err.Error()
	case a.message.Fault != nil:
		kept.Outcome = "fault " + a.message.Fault.Code
	}
	// The asker may have gone; what was said is kept all the same.
	if kerr := g.o.Keep(context.WithoutCancel(ctx), kept); kerr != nil && err == nil {
		err = fmt.Errorf("keeping the exchange: %w", kerr)
	}
	if err != nil {
		g.o.Log.WarnContext(ctx, "outside system not asked", "system", string(system), "message", id, "error", err)
		return fmt.Errorf("%w: %s: %w", ErrUnavailable, system, err)
	}
	if f := a.message.Fault; f != nil {
		return faulty(system, f)
	}
	if err := json.Unmarshal(a.message.Body, to); err != nil {
		return fmt.Errorf("%w: %s: the answer is not readable: %w", ErrUnavailable, system, err)
	}
	return nil
}

// ask sends one and the same message until an answer is proven or the tries are used up.
func (g *Gateway) ask(ctx context.Context, system System, id string, sealed []byte, mediaType string) (a answer, err error) {
	for try := range g.o.Tries {
		if try > 0 {
			pause := firstPause << (try - 1)
			select {
			case <-time.After(pause/2 + mathrand.N(pause)):
			case <-ctx.Done():
				return a, ctx.Err()
			}
		}
		var again bool
		if a, again, err = g.once(ctx, system, id, sealed, mediaType); err == nil || !again {
			return a, err
		}
	}
	return a, err
}

// once says with an error whether asking again may help.
func (g *Gateway) once(ctx context.Context, system System, id string, sealed []byte, mediaType string) (a answer, again bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.base+"/v1/"+string(system), bytes.NewReader(sealed))
	if err != nil {
		return a, false, err
	}
	req.Header.Set("Content-Type", mediaType)
	req.Header.Set("Idempotency-Key", id)
	span.Inject(ctx, req.Header)
	resp, err := g.o.HTTP.Do(req)
	if err != nil {
		return a, ctx.Err() == nil, err
	}
	defer resp.Body.Close()
	a.response, err = io.ReadAll(io.LimitReader(resp.Body, maxMessage+1))
	switch {
	case err != nil:
		return a, ctx.Err() == nil, err
	case len(a.response) > maxMessage:
		a.response = nil
		return a, false, fmt.Errorf("the answer is longer than %d bytes", maxMessage)
	case resp.StatusCode != http.StatusOK:
		return a, resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests, fmt.Errorf("the gateway answers with status %d", resp.StatusCode)
	}
	raw, err := g.o.Envelope.Open(ctx, a.response, resp.Header.Get("Content-Type"))
	if err != nil {
		return a, false, err
	}
	if a.message, err = read(raw, g.o.Now()); err != nil {
		return a, false, err
	}
	if a.message.InReplyTo != id || a.message.System != system {
		return a, false, errors.New("the answer is to another question")
	}
	if f := a.message.Fault; f != nil && f.Code == faultBusy {
		return a, true, errors.New("the system is busy: " + f.Text)
	}
	return a, false, nil
}

// Told opens a message that a system sent of its own accord: the payment gateway tells of payments.
func (g *Gateway) Told(ctx context.Context, sealed []byte, mediaType string) (*message, error) {
	raw, err := g.o.Envelope.Open(ctx, sealed, mediaType)
	if err != nil {
		return nil, err
	}
	m, err := read(raw, g.o.Now())
	if err != nil {
		return nil, err
	}
	kept := Exchange{ID: m.ID, System: m.System, At: g.o.Now().UTC(), Request: sealed, Outcome: "told"}
	if err := g.o.Keep(ctx, kept); err != nil {
		return nil, fmt.Errorf("keeping the exchange: %w", err)
	}
	return m, nil
}

func newID() string {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails (crypto/rand)
	return hex.EncodeToString(raw[:])
}
