// SPDX-License-Identifier: Apache-2.0

package licensing_test

import (
	"errors"
	"testing"
	"time"

	"rastau/licensing"
	"rastau/signer"
)

// TestRevokedLicensor: with a revoked certificate the licensor decides nothing, the officer is told why, and the application waits.
func TestRevokedLicensor(t *testing.T) {
	h := newHouse(t)
	app := h.registered(t)
	h.ca.Revoke(h.licensor.Certificate, time.Now().Add(-time.Minute), 1)
	ring, err := signer.NewRing(h.licensor)
	must(t, err)
	h.options.Signer, err = signer.New(signer.Options{Keys: ring, Judge: keyJudge{h.verifier, h.pki}, Checker: h.verifier, Stamper: h.options.Stamper, Now: time.Now})
	must(t, err)
	h.reopen(t)
	if _, err := h.service.Decide(t.Context(), officer, app.ID, approval); !errors.Is(err, licensing.ErrSigningKey) || !errors.Is(err, signer.ErrRefused) {
		t.Errorf("approved with a revoked key: %v", err)
	}
	after, err := h.service.Application(t.Context(), officer, app.ID)
	must(t, err)
	if after.Status != licensing.Registered {
		t.Errorf("the application is %s", after.Status)
	}
}
