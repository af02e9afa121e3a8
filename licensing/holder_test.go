// SPDX-License-Identifier: Apache-2.0

package licensing_test

import (
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rastau/internal/phrase"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/licensing"
)

// body registers an application of a body, signed by its head.
func (h *house) body(t testing.TB) *licensing.Application {
	t.Helper()
	n := h.form(t)
	n.Applicant.Kind, n.Applicant.IIN, n.Applicant.BIN, n.Applicant.Name = licensing.LegalEntity, "", bodyBIN, "«Үлгі» ЖШС"
	app, err := h.service.Apply(t.Context(), applicant, n)
	must(t, err)
	key := h.issue(t, testpki.Leaf{IIN: personIIN, BIN: bodyBIN, Organization: "BODY", Roles: []pki.OID{pki.OIDRoleHead}})
	sub, err := h.service.Submit(t.Context(), applicant, app.ID, sign(t, key, app.Package, true))
	must(t, err)
	if sub.Application.Status != licensing.Registered {
		t.Fatalf("%+v", sub.Message)
	}
	return &sub.Application
}

// TestEndedAreNotEntered: on the paths where somebody else enters the data, whoever the register calls ended is refused with M6, each
// with the cause, in three languages.
func TestEndedAreNotEntered(t *testing.T) {
	h := newHouse(t)
	h.options.Registers = &books{
		bodies:  map[string]licensing.Body{bodyBIN: {BIN: bodyBIN, Name: "«Үлгі» ЖШС", Liquidated: true}},
		persons: map[string]licensing.Person{personIIN: {IIN: personIIN, Name: "Әлия", Deceased: true}, "850412300018": {IIN: "850412300018"}},
	}
	h.reopen(t)
	clerk := licensing.Actor{ID: "clerk-1", Employee: true, IIN: "900101400019", BIN: h.options.Regulations[0].Licensor.BIN}
	for _, ended := range []struct {
		kind           licensing.ApplicantKind
		number, reason string
	}{
		{licensing.LegalEntity, bodyBIN, "liquidated"}, {licensing.NaturalPerson, personIIN, "deceased"},
		{licensing.SoleEntrepreneur, "850412300018", "no_business"}, {licensing.NaturalPerson, "900101400019", "absent"},
	} {
		_, err := h.service.LookUp(t.Context(), clerk, "passenger-transport", licensing.ChannelProvider, ended.kind, ended.number)
		var refused *licensing.RefusalError
		if !errors.As(err, &refused) || refused.Message.Code != "M6" || refused.Message.Reason != ended.reason {
			t.Fatalf("%s: %v", ended.reason, err)
		}
		seen := map[string]bool{}
		for _, lang := range []phrase.Lang{phrase.KK, phrase.RU, phrase.EN} {
			text, next := refused.Message.Text.In(lang), refused.Message.Next.In(lang)
			if text == "" || next == "" || seen[text] {
				t.Errorf("%s in %s: %q, %q", ended.reason, lang, text, next)
			}
			seen[text] = true
		}
	}
}

// TestEndedAreNotLicensed: the portal asks no register before the registration, so it is asked when the licence is issued. Of whoever
// is no more only a refusal is possible, for officers and for the system on silence alike; a silent register is waited for.
func TestEndedAreNotLicensed(t *testing.T) {
	h := newHouse(t)
	h.sealed(t)
	ctx := t.Context()
	state := &books{bodies: map[string]licensing.Body{bodyBIN: {BIN: bodyBIN, Name: "«Үлгі» ЖШС"}}, persons: map[string]licensing.Person{}}
	h.options.Registers = state
	h.reopen(t)
	app, silent, person := h.body(t), h.body(t), h.registered(t)
	state.bodies[bodyBIN] = licensing.Body{BIN: bodyBIN, Name: "«Үлгі» ЖШС", Liquidated: true}
	state.persons[personIIN] = licensing.Person{IIN: personIIN, Deceased: true}
	for _, x := range []*licensing.Application{app, person} {
		_, err := h.service.Decide(ctx, officer, x.ID, approval)
		if !errors.Is(err, licensing.ErrState) || !strings.Contains(err.Error(), "only a refusal is possible") {
			t.Errorf("%s: %v", x.Applicant.Kind, err)
		}
		said := strings.TrimPrefix(err.Error(), licensing.ErrState.Error()+": ")
		if in := phrase.Remark(said); in.KK == said || in.RU == said {
			t.Errorf("officers read it in English: %s", said)
		}
	}
	state.down = true
	if _, err := h.service.Decide(ctx, officer, app.ID, approval); !errors.Is(err, licensing.ErrLater) {
		t.Errorf("the register is silent: %v", err)
	}
	state.down = false
	done, err := h.service.Decide(ctx, officer, app.ID, licensing.Decision{Grounds: "заңды тұлға таратылған"})
	must(t, err)
	if done.Status != licensing.Refused {
		t.Errorf("refused: %s", done.Status)
	}
	var clock atomic.Int64
	h.later(t, &clock, time.Until(*silent.Deadline)+time.Minute)
	must(t, h.service.ComeDue(ctx, []byte(`{"subject":"`+silent.ID+`","kind":"decision"}`)))
	got, err := h.service.Application(ctx, officer, silent.ID)
	must(t, err)
	if events := h.eventsOf(t, silent.ID); got.Status != licensing.Registered || !strings.Contains(events, licensing.EventEscalation) {
		t.Errorf("deemed issued to a liquidated body: %s, %s", got.Status, events)
	}
	h.checkRegister(t)
}

// TestNobodyEntersForTheirOwnBody: an employee or operator enters neither for the body that they work for nor for one that they lead
// by the state register.
func TestNobodyEntersForTheirOwnBody(t *testing.T) {
	h := newHouse(t)
	state := &books{bodies: map[string]licensing.Body{bodyBIN: {BIN: bodyBIN, Name: "«Үлгі» ЖШС", Head: "900101400019"}}}
	h.options.Registers = state
	h.reopen(t)
	n := h.form(t)
	n.Channel, n.OnPaper = licensing.ChannelCentre, true
	n.Applicant.Kind, n.Applicant.IIN, n.Applicant.BIN, n.Applicant.Name = licensing.LegalEntity, "", bodyBIN, "«Үлгі» ЖШС"
	n.Attachments = append(n.Attachments, licensing.NewAttachment{Document: licensing.DocumentConsent, Name: "келісім.pdf", Type: "application/pdf", Content: paper})
	operator := licensing.Actor{ID: "operator-1", Name: "ОПЕРАТОР", Operator: true, IIN: "900101400019", BIN: "100640000731"}
	colleague, own := operator, operator
	colleague.IIN = "880709300015"
	own.IIN, own.BIN = colleague.IIN, bodyBIN
	for name, a := range map[string]licensing.Actor{"leads": operator, "of the one who enters": own} {
		_, err := h.service.Apply(t.Context(), a, n)
		var input *licensing.InputError
		if !errors.As(err, &input) || input.Field != "applicant.bin" || !strings.Contains(input.Problem, name) || phrase.Remark(input.Problem).KK == input.Problem {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.service.Apply(t.Context(), colleague, n); err != nil {
		t.Errorf("a colleague: %v", err)
	}
}

// TestOverrideIsShown: what is issued under an act that is no longer in force, because the operator set the override, says so; what is
// issued within its time does not.
func TestOverrideIsShown(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	conditions := func() string {
		var doc struct {
			Conditions phrase.Text `json:"conditions"`
		}
		must(t, h.store.View(ctx, func(tx licensing.Tx) error {
			l, err := tx.Licence(h.licensed(t))
			if err == nil {
				err = json.Unmarshal(l.Document, &doc)
			}
			return err
		}))
		return doc.Conditions.KK
	}
	if got := conditions(); !strings.Contains(got, "05.02.2015") || !strings.Contains(got, "айрықша рұқсатымен") {
		t.Errorf("under a repealed act: %s", got)
	}
	h.options.Regulations[0].InForce.Until = ""
	h.reopen(t)
	if got := conditions(); strings.Contains(got, "рұқсат") {
		t.Errorf("in its time: %s", got)
	}
}
