// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"rastau/internal/egov"
	"rastau/internal/identity"
	"rastau/internal/testpki"
	"rastau/licensing"
	"rastau/signer"
	"rastau/verifier"
)

// gateway puts the sandbox of the outside systems beside the house and connects both sides with keys of their own.
func (h *house) gateway(tb testing.TB, judge *verifier.Verifier, question func() verifier.Question) *egov.Gateway {
	tb.Helper()
	day := time.Date(2012, 3, 9, 0, 0, 0, 0, time.UTC)
	gatewayBIN, ourBIN := identity.NewBIN(day, 5301), identity.NewBIN(day, 5302)
	envelope := func(bin, peer string) *egov.CMS {
		key, err := h.ca.Issue(testpki.Leaf{CommonName: "SYSTEM", BIN: bin, Organization: "SYSTEM"})
		if err != nil {
			tb.Fatal(err)
		}
		ring, err := signer.NewRing(key)
		if err != nil {
			tb.Fatal(err)
		}
		s, err := signer.New(signer.Options{Keys: ring, Judge: keyJudge{judge, h.pki}, Checker: judge, Now: h.clock.now})
		if err != nil {
			tb.Fatal(err)
		}
		return &egov.CMS{Signer: s, Judge: judge, Question: question, Peer: peer}
	}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	tb.Cleanup(server.Close)
	var err error
	h.sandbox, err = egov.NewSandbox(egov.SandboxOptions{Envelope: envelope(gatewayBIN, ourBIN), Base: server.URL, Now: h.clock.now})
	if err != nil {
		tb.Fatal(err)
	}
	mux.Handle("/", h.sandbox.Handler())
	h.sandbox.AddPerson(licensing.Person{IIN: "880709300015", Name: "ҮЛГІБАЕВА ҚҰНДЫЗ", Address: "Астана қ."})
	g, err := egov.New(egov.Options{URL: server.URL, Envelope: envelope(ourBIN, gatewayBIN), Now: h.clock.now,
		Keep: func(context.Context, egov.Exchange) error { return nil }})
	if err != nil {
		tb.Fatal(err)
	}
	return g
}
