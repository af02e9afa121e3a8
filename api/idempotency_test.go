// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"rastau/api"
	"rastau/internal/account"
	"rastau/licensing"
)

func key(k string) map[string]string { return map[string]string{"Idempotency-Key": k} }

func TestIdempotency(t *testing.T) {
	h := newHouse(t, nil)
	body := h.newApplication()
	first := ask{path: "/v1/applications", account: "applicant", body: body, header: key("a-1")}
	var one, two licensing.Application
	h.get(t, first, &one)
	w := h.get(t, first, &two)
	if one.ID != two.ID || w.Code != 201 || w.Header().Get("Location") == "" || w.Header().Get("Idempotency-Replayed") != "true" {
		t.Fatalf("the repetition made %s after %s: %d %v", two.ID, one.ID, w.Code, w.Header())
	}
	// Without a key, with another key, for another account: another application.
	for _, a := range []ask{
		{path: first.path, account: "applicant", body: body},
		{path: first.path, account: "applicant", body: body, header: key("a-2")},
		{path: first.path, account: "other", body: body, header: key("a-1")},
	} {
		var other licensing.Application
		h.get(t, a, &other)
		if other.ID == one.ID {
			t.Errorf("%+v got the answer of another request", a.header)
		}
	}
	changed := body
	changed.Payment.Reference = "TEST-0002"
	h.refused(t, ask{path: first.path, account: "applicant", body: changed, header: key("a-1")}, 422, "idempotency_key_reused")
	h.refused(t, ask{path: "/v1/applications/" + one.ID + "/signature", account: "applicant", body: body, header: key("a-1")}, 422, "idempotency_key_reused")
	for _, bad := range []string{strings.Repeat("k", 201), "кілт", "a\x01"} {
		h.refused(t, ask{path: first.path, account: "applicant", body: body, header: key(bad)}, 400, "idempotency_key")
	}

	// A refusal is not kept: the same request is judged again.
	unpaid := body
	unpaid.Payment.Amount++
	for range 2 {
		p := h.refused(t, ask{path: first.path, account: "applicant", body: unpaid, header: key("a-3")}, 422, "refused")
		if p.Message == nil || p.Message.Code != "M2" || p.Field != "payment.amount" {
			t.Fatalf("unpaid: %+v", p)
		}
	}
	h.get(t, ask{path: first.path, account: "applicant", body: body, header: key("a-3")}, &two)

	// Kept for 24 hours, then a new request.
	h.clock.move(24*time.Hour - time.Minute)
	if h.get(t, first, &two); two.ID != one.ID {
		t.Error("forgotten before 24 hours")
	}
	h.clock.move(2 * time.Minute)
	if h.get(t, first, &two); two.ID == one.ID {
		t.Error("still the old answer after 24 hours")
	}
}

// A full share refuses new promises and breaks none.
func TestIdempotencyIsBounded(t *testing.T) {
	h := newHouse(t, nil)
	kept := ask{path: "/v1/applications", account: "applicant", body: h.newApplication(), header: key("kept")}
	var one, two licensing.Application
	h.get(t, kept, &one)
	api.FillAnswers(h.handler, "applicant")
	h.refused(t, ask{path: kept.path, account: "applicant", body: kept.body, header: key("new")}, 503, "idempotency_full")
	if h.get(t, kept, &two); one.ID != two.ID {
		t.Error("the kept answer is lost")
	}
	h.get(t, ask{path: kept.path, account: "applicant", body: kept.body}, &two)
	h.get(t, ask{path: kept.path, account: "other", body: kept.body, header: key("new")}, &two)
}

func TestIdempotentWorkflow(t *testing.T) {
	h := newHouse(t, nil)
	app := h.draft(t)
	signature := map[string][]byte{"signature": h.sign(t, app.Package)}
	path := "/v1/applications/" + app.ID

	// TRY_LATER is no final answer: the same key asks again.
	h.pki.SetDown(true, true, false)
	var sub submission
	submit := ask{path: path + "/signature", account: "applicant", body: signature, header: key("s-1")}
	h.get(t, submit, &sub)
	if sub.Verdict.verdict() != "INDETERMINATE/TRY_LATER" || sub.RetryAfter == nil {
		t.Fatalf("with the sources down: %s", sub.Verdict.verdict())
	}
	h.pki.SetDown(false, false, false)
	h.clock.move(10 * time.Minute)
	h.get(t, submit, &sub)
	if sub.Verdict.verdict() != "TOTAL-PASSED" || sub.Application.Number == "" {
		t.Fatalf("after they came back: %s %s", sub.Verdict.verdict(), sub.Message.Text.EN)
	}
	number := sub.Application.Number

	// Many at once, with and without a key: one decision, one licence.
	var wg sync.WaitGroup
	var mu sync.Mutex
	licences := map[string]int{}
	for i := range 12 {
		wg.Go(func() {
			a := ask{path: path + "/decision", account: "officer", body: approval}
			if i%2 == 0 {
				a.header = key("d-1")
			}
			var decided licensing.Application
			h.get(t, a, &decided)
			mu.Lock()
			defer mu.Unlock()
			licences[decided.Licence]++
		})
	}
	wg.Wait()
	if len(licences) != 1 {
		t.Errorf("licences %v", licences)
	}
	h.get(t, submit, &sub)
	if sub.Application.Number != number {
		t.Errorf("the repetition was registered under %s", sub.Application.Number)
	}
	var head struct{ Size int64 }
	h.get(t, ask{path: "/v1/log", account: string(account.Admin)}, &head)
	if head.Size != 2 {
		t.Errorf("%d entries in the log, not one for the application and one for the licence", head.Size)
	}
}
