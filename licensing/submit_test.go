// SPDX-License-Identifier: Apache-2.0

package licensing_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"rastau/internal/cms"
	"rastau/internal/identity"
	"rastau/internal/phrase"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/licensing"
	"rastau/verifier"
)

// TestRefusedSignatures: every cause of refusal M3 is told apart, the draft
// stays open and a good signature registers it afterwards.
func TestRefusedSignatures(t *testing.T) {
	h := newHouse(t)
	now := time.Now()
	stranger, err := testpki.New(testpki.Options{Now: time.Now, EC: true})
	must(t, err)
	strangerCA, err := stranger.NewCA("")
	must(t, err)
	otherIIN := identity.NewIIN(time.Date(1991, 1, 2, 0, 0, 0, 0, time.UTC), false, 55)
	revoked := func(revoke func(*pki.Certificate, time.Time, int), l testpki.Leaf) *pki.Key {
		k := h.issue(t, l)
		revoke(k.Certificate, now.Add(-time.Minute), 1)
		return k
	}
	detached := func(k *pki.Key) func([]byte) []byte {
		return func(pack []byte) []byte { return sign(t, k, pack, true) }
	}
	body := licensing.Applicant{Kind: licensing.LegalEntity, BIN: bodyBIN, Name: "«Сынақ» ЖШС", Address: "Алматы"}
	for _, c := range []struct {
		name      string
		applicant *licensing.Applicant
		signature func(pack []byte) []byte
		reason    string
		sub       verifier.SubIndication
	}{
		{"expired", nil, detached(h.issue(t, testpki.Leaf{IIN: personIIN, NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(0, 0, -1)})), "expired", verifier.OutOfBoundsNoPOE},
		{"not yet valid", nil, detached(h.issue(t, testpki.Leaf{IIN: personIIN, NotBefore: now.AddDate(0, 0, 1), NotAfter: now.AddDate(1, 0, 0)})), "not_yet_valid", verifier.OutOfBoundsNoPOE},
		{"revoked by list", nil, detached(revoked(h.ca.RevokeCRLOnly, testpki.Leaf{IIN: personIIN, NoOCSP: true})), "revoked", verifier.RevokedNoPOE},
		{"revoked by OCSP", nil, detached(revoked(h.ca.RevokeOCSPOnly, testpki.Leaf{IIN: personIIN})), "revoked", verifier.RevokedNoPOE},
		{"IIN of somebody else", nil, detached(h.issue(t, testpki.Leaf{IIN: otherIIN})), "holder_iin", verifier.ChainConstraintsFailure},
		{"a body's certificate for a person", nil, detached(h.issue(t, testpki.Leaf{IIN: personIIN, BIN: bodyBIN})), "capacity", verifier.ChainConstraintsFailure},
		{"the body's accountant", &body, detached(h.issue(t, testpki.Leaf{IIN: personIIN, BIN: bodyBIN, Roles: []pki.OID{pki.OIDRoleFinancial}})), "capacity", verifier.ChainConstraintsFailure},
		{"BIN of another body", &body, detached(h.issue(t, testpki.Leaf{IIN: personIIN, BIN: identity.NewBIN(now, 9)})), "holder_bin", verifier.ChainConstraintsFailure},
		{"a person's certificate for a body", &body, detached(h.person(t)), "holder_bin", verifier.ChainConstraintsFailure},
		{"authentication certificate", nil, detached(h.issue(t, testpki.Leaf{IIN: personIIN, Auth: true})), "purpose", verifier.ChainConstraintsFailure},
		{"altered after signing", nil, func(pack []byte) []byte {
			return sign(t, h.person(t), bytes.Replace(pack, []byte(`"year":2020`), []byte(`"year":2021`), 1), true)
		}, "altered", verifier.HashFailure},
		{"another content attached", nil, func([]byte) []byte { return sign(t, h.person(t), []byte("{}"), false) }, "altered", verifier.HashFailure},
		{"unknown root", nil, func(pack []byte) []byte {
			k, err := strangerCA.Issue(testpki.Leaf{IIN: personIIN})
			must(t, err)
			return sign(t, k, pack, true)
		}, "chain", verifier.NoCertificateChainFound},
		{"no signature", nil, func(pack []byte) []byte {
			out, err := testpki.WithoutSigners(sign(t, h.person(t), pack, false))
			must(t, err)
			return out
		}, "no_signature", verifier.NoSignatureFound},
		{"no certificate", nil, func(pack []byte) []byte {
			out, err := testpki.WithoutCertificates(sign(t, h.person(t), pack, true))
			must(t, err)
			return out
		}, "no_certificate", verifier.NoSigningCertificateFound},
		{"no signature format", nil, func([]byte) []byte { return []byte("hello") }, "format", verifier.FormatFailure},
		{"a signed PDF", nil, func([]byte) []byte { return []byte("%PDF-1.4\n") }, "format", verifier.FormatFailure},
	} {
		t.Run(c.name, func(t *testing.T) {
			form, good := h.form(t), h.person(t)
			if c.applicant != nil {
				form.Applicant = *c.applicant
				good = h.issue(t, testpki.Leaf{IIN: otherIIN, BIN: bodyBIN, Roles: []pki.OID{pki.OIDRoleHead}})
			}
			app, err := h.service.Apply(t.Context(), applicant, form)
			must(t, err)
			sub, err := h.service.Submit(t.Context(), applicant, app.ID, c.signature(app.Package))
			must(t, err)
			if sub.Message.Code != "M3" || sub.Message.Reason != c.reason || sub.Verdict.SubIndication != c.sub || sub.Verdict.Indication == verifier.TotalPassed {
				t.Errorf("%s/%s by %s/%s\n%s", sub.Message.Code, sub.Message.Reason, sub.Verdict.Indication, sub.Verdict.SubIndication, verdictJSON(t, sub.Verdict))
			}
			if sub.Message.Text.KK == "" || sub.Message.Text.EN == "refusal.M3."+c.reason || sub.Message.Next.RU == "" {
				t.Errorf("message: %+v", sub.Message)
			}
			if sub.Application.Status != licensing.Draft || sub.Application.Number != "" || sub.Receipt != nil {
				t.Errorf("application: %+v", sub.Application)
			}
			sub, err = h.service.Submit(t.Context(), applicant, app.ID, sign(t, good, app.Package, false))
			must(t, err)
			if sub.Application.Status != licensing.Registered {
				t.Errorf("a good signature afterwards: %+v", sub.Message)
			}
		})
	}
	h.checkRegister(t)
}

// TestSourcesDown: without revocation data nothing passes and nothing is lost.
func TestSourcesDown(t *testing.T) {
	h := newHouse(t)
	app := h.draft(t)
	signature := sign(t, h.person(t), app.Package, true)
	h.pki.SetDown(true, true, false)
	sub, err := h.service.Submit(t.Context(), applicant, app.ID, signature)
	must(t, err)
	if sub.Message.Code != licensing.CodeLater || sub.Verdict.SubIndication != verifier.TryLater || sub.RetryAfter == nil || sub.Application.Status != licensing.Draft {
		t.Fatalf("%+v %s", sub.Message, verdictJSON(t, sub.Verdict))
	}
	h.pki.SetDown(false, false, true)
	sub, err = h.service.Submit(t.Context(), applicant, app.ID, signature)
	must(t, err)
	if sub.Message.Code != licensing.CodeLater || sub.RetryAfter == nil || sub.Application.Status != licensing.Draft {
		t.Fatalf("without time-stamps: %+v", sub.Message)
	}
	h.pki.SetDown(false, false, false)
	waitFor(t, func() bool {
		sub, err = h.service.Submit(t.Context(), applicant, app.ID, signature)
		must(t, err)
		return sub.Application.Status == licensing.Registered
	})
	if sub.Application.Number != "PT-00000001" {
		t.Fatalf("number %s", sub.Application.Number)
	}
	h.pki.SetDown(false, false, true)
	if _, err := h.service.Decide(t.Context(), officer, app.ID, approval); !errors.Is(err, licensing.ErrLater) {
		t.Fatalf("deciding without time-stamps: %v", err)
	}
	h.pki.SetDown(false, false, false)
	done, err := h.service.Decide(t.Context(), officer, app.ID, approval)
	must(t, err)
	if done.Licence[7:] != "00000001" {
		t.Fatalf("licence %s", done.Licence)
	}
	h.checkRegister(t)
}

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for range 50 {
		if done() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("waited in vain")
}

// TestSeveralSignatures: all must pass, and the stamped form keeps them all.
func TestSeveralSignatures(t *testing.T) {
	h := newHouse(t)
	app := h.draft(t)
	good, bad := sign(t, h.person(t), app.Package, false), sign(t, h.issue(t, testpki.Leaf{IIN: personIIN, Auth: true}), app.Package, false)
	sub, err := h.service.Submit(t.Context(), applicant, app.ID, both(t, good, bad))
	must(t, err)
	if sub.Message.Code != "M3" || sub.Message.Reason != "purpose" {
		t.Fatalf("good and bad: %+v", sub.Message)
	}
	second := sign(t, h.person(t), app.Package, false)
	sub, err = h.service.Submit(t.Context(), applicant, app.ID, both(t, good, second))
	must(t, err)
	if sub.Application.Status != licensing.Registered || len(sub.Verdict.Signatures) != 2 {
		t.Fatalf("good and good: %+v", sub.Message)
	}
	must(t, h.store.View(t.Context(), func(tx licensing.Tx) error {
		reg, err := tx.Registration(app.ID)
		if err != nil {
			return err
		}
		sd, err := cms.Parse(reg.Stamped, cms.Limits{})
		if err != nil {
			return err
		}
		for i, s := range sd.Signers {
			if len(s.TimestampTokens()) != 1 {
				t.Errorf("signature %d has %d time-stamps", i, len(s.TimestampTokens()))
			}
		}
		return nil
	}))
}

// TestConcurrentSubmit: many requests for one draft give one number.
func TestConcurrentSubmit(t *testing.T) {
	h := newHouse(t)
	other, err := licensing.New(h.options) // a second process over the same store
	must(t, err)
	for range 3 {
		app := h.draft(t)
		signature := sign(t, h.person(t), app.Package, true)
		numbers := make([]string, 12)
		receipts := make([][]byte, len(numbers))
		each(len(numbers), func(i int) {
			s := []*licensing.Service{h.service, other}[i%2]
			sub, err := s.Submit(t.Context(), applicant, app.ID, signature)
			if err != nil {
				t.Error(err)
				return
			}
			numbers[i], receipts[i] = sub.Application.Number, sub.Receipt
		})
		for i := range numbers {
			if numbers[i] == "" || numbers[i] != numbers[0] || !bytes.Equal(receipts[i], receipts[0]) {
				t.Errorf("numbers %q", numbers)
				break
			}
		}
	}
	h.checkRegister(t)
}

func each(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

func TestSubmitAfterRegistration(t *testing.T) {
	h := newHouse(t)
	app := h.registered(t)
	if _, err := h.service.Submit(t.Context(), applicant, app.ID, sign(t, h.person(t), app.Package, true)); !errors.Is(err, licensing.ErrState) {
		t.Errorf("another signature: %v", err)
	}
	var input *licensing.InputError
	if _, err := h.service.Submit(t.Context(), applicant, app.ID, nil); !errors.As(err, &input) {
		t.Errorf("no bytes: %v", err)
	}
	if _, err := h.service.Submit(t.Context(), applicant, app.ID, make([]byte, 5<<20)); !errors.As(err, &input) {
		t.Errorf("too many bytes: %v", err)
	}
}

// TestInputIsJudged: what an application may not be, by field.
func TestInputIsJudged(t *testing.T) {
	h := newHouse(t)
	for _, c := range []struct {
		name   string
		change func(n *licensing.NewApplication)
		field  string
	}{
		{"unknown service", func(n *licensing.NewApplication) { n.Service = "none" }, "service"},
		{"unknown operation", func(n *licensing.NewApplication) { n.Operation = "revoke" }, "operation"},
		{"re-issue of no licence", func(n *licensing.NewApplication) { n.Operation = "re-issue" }, "about"},
		{"unknown kind", func(n *licensing.NewApplication) { n.Applicant.Kind = "branch" }, "applicant.kind"},
		{"IIN too short", func(n *licensing.NewApplication) { n.Applicant.IIN = "12345678901" }, "applicant.iin"},
		{"look-alike digits", func(n *licensing.NewApplication) { n.Applicant.IIN = "12345678901２" }, "applicant.iin"},
		{"BIN of a person", func(n *licensing.NewApplication) { n.Applicant.BIN = bodyBIN }, "applicant"},
		{"no name", func(n *licensing.NewApplication) { n.Applicant.Name = " " }, "applicant.name"},
		{"turned writing", func(n *licensing.NewApplication) { n.Applicant.Name = "a\u202eb" }, "applicant.name"},
		{"letters that no font has", func(n *licensing.NewApplication) { n.Applicant.Name = "漢字" }, "applicant.name"},
		{"unknown language", func(n *licensing.NewApplication) { n.Lang = "xx" }, "lang"},
		{"no form", func(n *licensing.NewApplication) { n.Fields = nil }, "fields"},
		{"form is no JSON", func(n *licensing.NewApplication) { n.Fields = json.RawMessage(`{`) }, "fields"},
		{"repeated name", func(n *licensing.NewApplication) {
			n.Fields = json.RawMessage(`{"consent":true,"consent":true,"subtypes":["regular-international"],"vehicles":[{"make":"D","year":2020,"plate":"001 Z"}]}`)
		}, "fields"},
		{"deep", func(n *licensing.NewApplication) {
			n.Fields = json.RawMessage(bytes.Repeat([]byte("["), 100))
		}, "fields"},
		{"no consent", func(n *licensing.NewApplication) {
			n.Fields = json.RawMessage(`{"consent":false,"subtypes":["regular-international"],"vehicles":[{"make":"D","year":2020,"plate":"001 Z"}]}`)
		}, "fields.consent"},
		{"unknown sub-type", func(n *licensing.NewApplication) {
			n.Fields = json.RawMessage(`{"consent":true,"subtypes":["space"],"vehicles":[{"make":"D","year":2020,"plate":"001 Z"}]}`)
		}, "fields.subtypes.0"},
		{"field of another kind", func(n *licensing.NewApplication) {
			n.Fields = json.RawMessage(`{"head":"X","consent":true,"subtypes":["regular-international"],"vehicles":[{"make":"D","year":2020,"plate":"001 Z"}]}`)
		}, "fields.head"},
		{"no vehicle", func(n *licensing.NewApplication) {
			n.Fields = json.RawMessage(`{"consent":true,"subtypes":["regular-international"],"vehicles":[]}`)
		}, "fields.vehicles"},
		{"no plate", func(n *licensing.NewApplication) {
			n.Fields = json.RawMessage(`{"consent":true,"subtypes":["regular-international"],"vehicles":[{"make":"D","year":2020}]}`)
		}, "fields.vehicles.0.plate"},
		{"no date", func(n *licensing.NewApplication) {
			n.Fields = json.RawMessage(`{"registrationDate":"2020-02-30","consent":true,"subtypes":["regular-international"],"vehicles":[{"make":"D","year":2020,"plate":"001 Z"}]}`)
		}, "fields.registrationDate"},
		{"document missing", func(n *licensing.NewApplication) { n.Attachments = nil }, "attachments"},
		{"unknown document", func(n *licensing.NewApplication) { n.Attachments[0].Document = "x" }, "attachments.0.document"},
		{"type not allowed", func(n *licensing.NewApplication) { n.Attachments[0].Type = "text/html" }, "attachments.0.type"},
		{"type that lies", func(n *licensing.NewApplication) { n.Attachments[0].Content = []byte("<html>") }, "attachments.0.content"},
		{"path as a name", func(n *licensing.NewApplication) { n.Attachments[0].Name = "../x.pdf" }, "attachments.0.name"},
		{"not paid", func(n *licensing.NewApplication) { n.Payment = licensing.Payment{} }, "payment.reference"},
		{"paid too little", func(n *licensing.NewApplication) { n.Payment.Amount-- }, "payment.amount"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := h.form(t)
			n.Attachments = slices.Clone(n.Attachments)
			c.change(&n)
			_, err := h.service.Apply(t.Context(), applicant, n)
			var input *licensing.InputError
			if !errors.As(err, &input) || input.Field != c.field {
				t.Fatalf("got %v, want a complaint about %s", err, c.field)
			}
			var refusal *licensing.RefusalError
			if unpaid := c.field == "payment.reference" || c.field == "payment.amount"; unpaid != errors.As(err, &refusal) || unpaid && (refusal.Message.Code != "M2" || !phrase.Has("refusal.M2")) {
				t.Errorf("refusal: %+v", refusal)
			}
		})
	}
}

// TestRepealed: after its end the regulation takes no applications, unless the
// operator set the marked override.
func TestRepealed(t *testing.T) {
	h := newHouse(t)
	h.options.AcceptRepealed = false
	n := h.form(t)
	h.reopen(t)
	if _, err := h.service.Apply(t.Context(), applicant, n); !errors.Is(err, licensing.ErrNotInForce) {
		t.Fatal(err)
	}
	h.options.Now = func() time.Time { return time.Date(2014, 3, 5, 8, 0, 0, 0, time.UTC) }
	h.reopen(t)
	fee, err := h.service.Fee("passenger-transport", "issue")
	must(t, err)
	if fee != 3*1852*100 {
		t.Fatalf("fee of 2014: %d", fee)
	}
	n.Payment.Amount = fee
	if _, err := h.service.Apply(t.Context(), applicant, n); err != nil {
		t.Fatal(err)
	}
}

func TestCancelledRequestChangesNothing(t *testing.T) {
	h := newHouse(t)
	app := h.draft(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.service.Submit(ctx, applicant, app.ID, sign(t, h.person(t), app.Package, true)); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	after, err := h.service.Application(t.Context(), applicant, app.ID)
	if err != nil || after.Status != licensing.Draft {
		t.Fatalf("%v %v", after, err)
	}
}

// both joins two signatures over the same attached content into one message.
func both(t *testing.T, a, b []byte) []byte {
	t.Helper()
	out, err := joinSignatures(a, b)
	must(t, err)
	return out
}
