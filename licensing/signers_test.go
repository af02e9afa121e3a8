// SPDX-License-Identifier: Apache-2.0

package licensing_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"rastau/internal/phrase"
	"rastau/licensing"
)

// An administrator ends the authority of the configuration's line and gives it to another: each counts at once, and what was
// signed before stays entitled.
func TestTableOfSigners(t *testing.T) {
	h := newHouse(t)
	admin := licensing.Actor{ID: "admin.1", Admin: true}
	first := h.registered(t)
	approve := approval
	done, err := h.service.Decide(t.Context(), officer, first.ID, approve)
	must(t, err)

	list, err := h.service.Signers(t.Context())
	must(t, err)
	if len(list) != 1 || list[0].Added || list[0].Officer != officer.ID {
		t.Fatalf("%+v", list)
	}
	if err := h.service.EndSigner(t.Context(), officer, "192.0.2.1", list[0].ID, time.Time{}); !errors.Is(err, licensing.ErrForbidden) {
		t.Errorf("an officer ends a line: %v", err)
	}
	var input *licensing.InputError
	if err := h.service.EndSigner(t.Context(), admin, "192.0.2.1", list[0].ID, time.Now().Add(-time.Hour)); !errors.As(err, &input) {
		t.Errorf("an end in the past: %v", err)
	}
	if err := h.service.EndSigner(t.Context(), admin, "192.0.2.1", "none", time.Time{}); !errors.Is(err, licensing.ErrNotFound) {
		t.Errorf("an unknown line: %v", err)
	}
	must(t, h.service.EndSigner(t.Context(), admin, "192.0.2.1", list[0].ID, time.Time{}))
	if err := h.service.EndSigner(t.Context(), admin, "192.0.2.1", list[0].ID, time.Time{}); !errors.Is(err, licensing.ErrState) {
		t.Errorf("ended twice: %v", err)
	}

	second := h.registered(t)
	if _, err := h.service.Decide(t.Context(), officer, second.ID, approve); !errors.Is(err, licensing.ErrNotAuthority) {
		t.Errorf("an officer whose line has ended decides: %v", err)
	}
	if c := h.service.CheckLicence(t.Context(), nil, nil, done.Licence); c.Entitled == nil || !*c.Entitled {
		t.Errorf("what was signed before is not entitled any more: %+v", c)
	}

	next := licensing.Authority{Officer: officer.ID, Name: "Officer One", Position: phrase.Text{KK: "басшы", RU: "руководитель", EN: "head"},
		Licensor: list[0].Licensor, Certificate: strings.ToUpper(h.licensor.Certificate.SHA256Hex()), From: time.Now()}
	past, other := next, next
	past.From, other.Officer = time.Now().AddDate(0, 0, -2), licensing.System
	for _, n := range []licensing.Authority{past, other, {}} {
		if err := h.service.AddSigner(t.Context(), admin, "192.0.2.1", n); !errors.As(err, &input) {
			t.Errorf("%+v: %v", n, err)
		}
	}
	if err := h.service.AddSigner(t.Context(), officer, "192.0.2.1", next); !errors.Is(err, licensing.ErrForbidden) {
		t.Errorf("an officer adds a line: %v", err)
	}
	must(t, h.service.AddSigner(t.Context(), admin, "192.0.2.1", next))
	h.reopen(t) // another process reads the same table
	if _, err := h.service.Decide(t.Context(), officer, second.ID, approve); err != nil {
		t.Errorf("the new line does not count: %v", err)
	}
	var kinds []string
	must(t, h.store.View(t.Context(), func(tx licensing.Tx) error {
		kinds = nil
		events, err := tx.Events("signers")
		for _, e := range events {
			kinds = append(kinds, e.Kind+" "+e.Actor)
			if !strings.Contains(string(e.Body), "192.0.2.1") {
				t.Errorf("the event does not say from where: %s", e.Body)
			}
		}
		return err
	}))
	if len(kinds) != 2 || kinds[0] != "signer-ended admin.1" || kinds[1] != "signer-added admin.1" {
		t.Errorf("events %v", kinds)
	}
}

// Whoever knows the digest of a registered page has the file.
func TestRegisteredFile(t *testing.T) {
	h := newHouse(t)
	app := h.registered(t)
	done, err := h.service.Decide(t.Context(), officer, app.ID, approval)
	must(t, err)
	l, err := h.service.Licence(t.Context(), done.Licence)
	must(t, err)
	number, pdf, err := h.service.RegisteredFile(t.Context(), l.PDFSHA256)
	if err != nil || number != l.Number || string(pdf) != string(l.PDF) {
		t.Errorf("%s %d bytes %v", number, len(pdf), err)
	}
	if _, _, err := h.service.RegisteredFile(t.Context(), strings.Repeat("0", 64)); !errors.Is(err, licensing.ErrNotFound) {
		t.Errorf("an unknown file: %v", err)
	}
	var input *licensing.InputError
	if _, _, err := h.service.RegisteredFile(t.Context(), "no digest"); !errors.As(err, &input) {
		t.Errorf("no digest: %v", err)
	}
}
