// SPDX-License-Identifier: Apache-2.0

package egov_test

import (
	"context"
	"testing"
	"time"

	"rastau/internal/egov"
)

// FuzzPaid: whatever the gateway sends, a payment is read or refused, and never a panic.
func FuzzPaid(f *testing.F) {
	g, err := egov.New(egov.Options{URL: "http://127.0.0.1:1", Envelope: plain{}, Now: time.Now, Keep: func(context.Context, egov.Exchange) error { return nil }})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"id":"a","system":"payments","action":"paid","at":"` + time.Now().UTC().Format(time.RFC3339) + `","body":{"reference":"r-1"}}`))
	f.Add([]byte(`{"body":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if state, err := g.Paid(t.Context(), data, ""); (state == nil) == (err == nil) {
			t.Errorf("%v, %v", state, err)
		}
	})
}
