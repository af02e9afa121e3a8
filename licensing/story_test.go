// SPDX-License-Identifier: Apache-2.0

package licensing_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"rastau/internal/cms"
	"rastau/internal/pdf"
	"rastau/licensing"
	"rastau/verifier"
)

func (h *house) checkRegister(t testing.TB) {
	t.Helper()
	if _, err := licensing.CheckRegister(t.Context(), h.store); err != nil {
		t.Errorf("the register does not hold: %v", err)
	}
}

// TestFromApplicationToLicence walks the portal path to its good end and asks
// as an auditor whether the licence is genuine.
func TestFromApplicationToLicence(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	app := h.draft(t)
	if app.Status != licensing.Draft || app.Number != "" {
		t.Fatalf("draft: %+v", app)
	}
	signature := sign(t, h.person(t), app.Package, true)
	sub, err := h.service.Submit(ctx, applicant, app.ID, signature)
	must(t, err)
	if sub.Application.Number != "PT-00000001" || sub.Message.Code != licensing.CodeRegistered || sub.Verdict.Indication != verifier.TotalPassed {
		t.Fatalf("submission: %+v %s\n%s", sub.Message, verdictJSON(t, sub.Verdict), h.log)
	}
	if sub.Application.Deadline == nil || !sub.Application.Deadline.After(*sub.Application.Registered) {
		t.Fatalf("deadline %v", sub.Application.Deadline)
	}
	again, err := h.service.Submit(ctx, applicant, app.ID, signature)
	must(t, err)
	if again.Application.Number != sub.Application.Number || !bytes.Equal(again.Receipt, sub.Receipt) || again.Message != sub.Message {
		t.Fatal("the same signature again was answered otherwise")
	}
	if a, b := verdictJSON(t, again.Verdict), verdictJSON(t, sub.Verdict); a != b {
		t.Fatalf("the stored verdict reads back otherwise:\n%s\n%s", a, b)
	}
	receipt, err := cms.Parse(sub.Receipt, cms.Limits{})
	must(t, err)
	if !bytes.Contains(receipt.Content, []byte(`"number":"PT-00000001"`)) {
		t.Fatalf("receipt: %s", receipt.Content)
	}

	done, err := h.service.Decide(ctx, officer, app.ID, approval)
	must(t, err)
	if done.Status != licensing.Approved || licensing.ParseNumber(done.Licence) != nil {
		t.Fatalf("decided: %+v", done)
	}
	same, err := h.service.Decide(ctx, officer, app.ID, approval)
	must(t, err)
	if same.Licence != done.Licence {
		t.Fatalf("approved twice: %s and %s", done.Licence, same.Licence)
	}
	l, err := h.service.Licence(ctx, done.Licence)
	must(t, err)
	if l.State != licensing.StateIssued || len(l.PDF) == 0 || len(l.Signed) == 0 || l.Holder.Email != "" {
		t.Fatalf("licence: %+v", l)
	}
	q := h.options.Question()
	for name, file := range map[string][]byte{"PDF": l.PDF, "CAdES": l.Signed} {
		report := h.verifier.Document(ctx, file, q)
		if report.Indication != verifier.TotalPassed {
			t.Fatalf("%s: %s", name, verdictJSON(t, report))
		}
		check := h.service.CheckLicence(ctx, report, file, "")
		if !check.Registered || !check.SameFile || !check.InForce || check.Entitled == nil || !*check.Entitled || check.Number != done.Licence {
			t.Errorf("%s: %+v", name, check)
		}
	}
	doc, err := pdf.Open(l.PDF, pdf.Limits{})
	must(t, err)
	inside, ok := doc.Attachment("licence.json")
	signed, err := cms.Parse(l.Signed, cms.Limits{})
	must(t, err)
	if !ok || !bytes.Equal(inside, signed.Content) {
		t.Error("the PDF does not carry the signed JSON")
	}
	h.checkRegister(t)
	size, root, err := h.service.LogHead(ctx)
	if err != nil || size != 2 || root == "" {
		t.Errorf("log: %d %s %v", size, root, err)
	}
	for _, secret := range []string{personIIN, "Ғаниева", "Дала", "applicant@"} {
		if strings.Contains(h.log.String(), secret) {
			t.Errorf("the log tells %q", secret)
		}
	}
}

// TestPackageIsCanonical: the bytes to be signed are RFC 8785 and hold what was asked.
func TestPackageIsCanonical(t *testing.T) {
	h := newHouse(t)
	app := h.draft(t)
	var p map[string]any
	must(t, json.Unmarshal(app.Package, &p))
	for _, key := range []string{"schema", "service", "operation", "applicant", "fields", "attachments", "payment", "licensorBIN", "text", "draft", "nonce", "time"} {
		if p[key] == nil {
			t.Errorf("the package lacks %s", key)
		}
	}
	if !bytes.Contains(app.Package, []byte(`"fields":{"consent":true,"subtypes":["regular-international","irregular-inter-oblast"],"vehicles":[{"make":"Demo","plate":"001 ZZZ 01","year":2020}]}`)) {
		t.Errorf("fields are not canonical: %s", app.Package)
	}
	other := h.draft(t)
	if bytes.Equal(app.Package, other.Package) || app.ID == other.ID {
		t.Error("two drafts share a package")
	}
	schema, _ := p["schema"].(map[string]any)
	if schema["sha256"] != h.options.Regulations[0].Digest() {
		t.Error("the package does not name the regulation's digest")
	}
}

func TestReadingIsGuarded(t *testing.T) {
	h := newHouse(t)
	app := h.draft(t)
	for name, c := range map[string]struct {
		actor licensing.Actor
		want  error
	}{
		"owner":                {applicant, nil},
		"admin":                {licensing.Actor{ID: "admin", Admin: true}, nil},
		"somebody else":        {licensing.Actor{ID: "applicant-2"}, licensing.ErrForbidden},
		"officer, while draft": {officer, licensing.ErrForbidden},
	} {
		if _, err := h.service.Application(t.Context(), c.actor, app.ID); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.service.Application(t.Context(), applicant, "none"); !errors.Is(err, licensing.ErrNotFound) {
		t.Errorf("unknown: %v", err)
	}
	if _, err := h.service.Submit(t.Context(), licensing.Actor{ID: "applicant-2"}, app.ID, []byte{1}); !errors.Is(err, licensing.ErrForbidden) {
		t.Errorf("somebody else signs: %v", err)
	}
	sum := app.Attachments[0].SHA256
	if at, content, err := h.service.AttachmentContent(t.Context(), applicant, app.ID, sum); err != nil || at.Document != "qualification" || !bytes.Equal(content, paper) {
		t.Errorf("attachment: %+v %q %v", at, content, err)
	}
	if _, _, err := h.service.AttachmentContent(t.Context(), officer, app.ID, sum); !errors.Is(err, licensing.ErrForbidden) {
		t.Errorf("attachment of a draft, for an officer: %v", err)
	}
	if _, _, err := h.service.AttachmentContent(t.Context(), applicant, app.ID, "x"); !errors.Is(err, licensing.ErrNotFound) {
		t.Errorf("attachment of another: %v", err)
	}
	mine, err := h.service.Applications(t.Context(), applicant, "", 10)
	if err != nil || len(mine) != 1 {
		t.Errorf("own list: %v %v", mine, err)
	}
	theirs, err := h.service.Applications(t.Context(), officer, "", 10)
	if err != nil || len(theirs) != 0 {
		t.Errorf("an officer sees drafts: %v %v", theirs, err)
	}
}
