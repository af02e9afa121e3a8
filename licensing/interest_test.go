// SPDX-License-Identifier: Apache-2.0

package licensing_test

import (
	"context"
	"errors"
	"testing"

	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/licensing"
)

// books are the state registers of a test.
type books struct {
	persons map[string]licensing.Person
	bodies  map[string]licensing.Body
	down    bool
}

func (b *books) Person(_ context.Context, iin string) (*licensing.Person, error) {
	p, ok := b.persons[iin]
	switch {
	case b.down:
		return nil, errors.New("down")
	case !ok:
		return nil, licensing.ErrNoRecord
	}
	return &p, nil
}

func (b *books) Body(_ context.Context, bin string) (*licensing.Body, error) {
	x, ok := b.bodies[bin]
	switch {
	case b.down:
		return nil, errors.New("down")
	case !ok:
		return nil, licensing.ErrNoRecord
	}
	return &x, nil
}

// TestNobodyDecidesForTheirOwnBody: who signed for a body, and who leads it by the state register, neither works on its application,
// nor decides on it, nor moves its licence, under whatever account.
func TestNobodyDecidesForTheirOwnBody(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	registers := &books{bodies: map[string]licensing.Body{}}
	h.options.Registers = registers
	h.reopen(t)
	n := h.form(t)
	n.Applicant.Kind, n.Applicant.IIN, n.Applicant.BIN, n.Applicant.Name = licensing.LegalEntity, "", bodyBIN, "«Үлгі» ЖШС"
	app, err := h.service.Apply(ctx, applicant, n)
	must(t, err)
	key := h.issue(t, testpki.Leaf{IIN: personIIN, BIN: bodyBIN, Organization: "BODY", Roles: []pki.OID{pki.OIDRoleHead}})
	sub, err := h.service.Submit(ctx, applicant, app.ID, sign(t, key, app.Package, true))
	must(t, err)
	if sub.Application.Status != licensing.Registered {
		t.Fatalf("%+v", sub.Message)
	}
	signer, head := officer, officer
	signer.IIN, head.IIN = personIIN, "850412300018"
	registers.bodies[bodyBIN] = licensing.Body{BIN: bodyBIN, Head: head.IIN}
	if _, err := h.service.Claim(ctx, signer, app.ID); !errors.Is(err, licensing.ErrNotAuthority) {
		t.Errorf("the signer claimed: %v", err)
	}
	for name, a := range map[string]licensing.Actor{"signer": signer, "head": head} {
		if _, err := h.service.Decide(ctx, a, app.ID, approval); !errors.Is(err, licensing.ErrNotAuthority) {
			t.Errorf("the %s approved: %v", name, err)
		}
		if _, err := h.service.Decide(ctx, a, app.ID, licensing.Decision{Grounds: "жоқ"}); !errors.Is(err, licensing.ErrNotAuthority) {
			t.Errorf("the %s refused: %v", name, err)
		}
	}
	registers.bodies[bodyBIN] = licensing.Body{BIN: bodyBIN, Head: "900101400019", Parent: "100640000731"}
	registers.bodies["100640000731"] = licensing.Body{BIN: "100640000731", Head: head.IIN}
	if _, err := h.service.Decide(ctx, head, app.ID, approval); !errors.Is(err, licensing.ErrNotAuthority) {
		t.Errorf("the head of the body whose branch it is approved: %v", err)
	}
	registers.down = true
	if _, err := h.service.Decide(ctx, head, app.ID, approval); !errors.Is(err, licensing.ErrLater) {
		t.Errorf("the register is silent: %v", err)
	}
	registers.down = false
	registers.bodies[bodyBIN] = licensing.Body{BIN: bodyBIN, Head: "900101400019"}
	done, err := h.service.Decide(ctx, head, app.ID, approval)
	must(t, err)
	request := licensing.MoveRequest{Move: licensing.MoveTerminate, Ground: "voluntary", Reason: "өтініш"}
	registers.bodies[bodyBIN] = licensing.Body{BIN: bodyBIN, Head: head.IIN}
	for name, a := range map[string]licensing.Actor{"signer": signer, "head": head} {
		if _, err := h.service.Move(ctx, a, done.Licence, request); !errors.Is(err, licensing.ErrNotAuthority) {
			t.Errorf("the %s moved the licence: %v", name, err)
		}
	}
	_, err = h.service.Move(ctx, officer, done.Licence, request)
	must(t, err)
}
