// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"context"
	"testing"
	"time"

	"rastau/internal/cms"
	"rastau/verifier"
)

// Both sources down: never a pass, and a time to ask again. They come back, and the
// same document passes.
func TestSourcesDownAndBack(t *testing.T) {
	h := newHouse(t)
	der := sign(t, h.person(t))
	h.pki.SetDown(true, true, false)
	r := h.v.Document(t.Context(), der, h.ask())
	expect(t, r, indeterminate, verifier.TryLater, "cert.revocation")
	if r.RetryAfter == nil || !r.RetryAfter.After(day0) || r.RetryAfter.After(day0.Add(24*time.Hour)) {
		t.Fatalf("retryAfter %v", r.RetryAfter)
	}
	h.pki.SetDown(false, false, false)
	h.pass(r.RetryAfter.Sub(h.clock()) + time.Second)
	r = h.v.Document(t.Context(), der, h.ask())
	expect(t, r, passed, "", "")
}

// One source down is enough of the other.
func TestOneSourceDown(t *testing.T) {
	for _, tt := range []struct {
		name      string
		crl, ocsp bool
	}{{"lists down", true, false}, {"OCSP down", false, true}} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t)
			h.pki.SetDown(tt.crl, tt.ocsp, false)
			expect(t, h.v.Document(t.Context(), sign(t, h.person(t)), h.ask()), passed, "", "")
			k := h.person(t)
			h.ca.Revoke(k.Certificate, day0.Add(-time.Minute), 1)
			h.pass(2 * time.Minute) // the list held is asked for again
			expect(t, h.v.Document(t.Context(), sign(t, k), h.ask()), indeterminate, verifier.RevokedNoPOE, "cert.revocation")
		})
	}
}

// A signature that brings the signer's certificate alone, as signing programs do:
// the missing authority is fetched where that is allowed, and only there.
func TestMissingIssuerIsFetched(t *testing.T) {
	h := newHouse(t)
	k := h.person(t)
	alone := sign(t, k, func(o *cms.SignOptions) { o.Chain = nil })
	expect(t, h.v.Document(t.Context(), alone, h.ask()), indeterminate, verifier.NoCertificateChainFound, "cert.path")
	fetching := h.fetching()
	expect(t, fetching.Document(t.Context(), alone, h.ask()), passed, "", "")
	q := h.ask()
	q.Offline = true
	expect(t, fetching.Document(t.Context(), alone, q), indeterminate, verifier.NoCertificateChainFound, "cert.path")
}

// Whoever stops asking gets no verdict that would be wrong.
func TestInterrupted(t *testing.T) {
	h := newHouse(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := h.v.Document(ctx, sign(t, h.person(t)), h.ask())
	expect(t, r, indeterminate, verifier.TryLater, "cert.path")
}

// Servers that hang cost the network's time limit once, not once each.
func TestHangingServers(t *testing.T) {
	h := newHouse(t)
	v := verifier.New(verifier.Options{Now: h.clock, Web: hanging{}, Limits: verifier.Limits{Network: 50 * time.Millisecond}})
	der := merge(t, sign(t, h.person(t)), sign(t, h.person(t)))
	start := time.Now()
	r := v.Document(t.Context(), der, h.ask())
	expect(t, r, indeterminate, verifier.TryLater, "cert.revocation")
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
}

type hanging struct{}

func (hanging) Get(ctx context.Context, _ string, _ int64) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (hanging) Post(ctx context.Context, _, _ string, _ []byte, _ int64) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
