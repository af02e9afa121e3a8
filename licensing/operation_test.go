// SPDX-License-Identifier: Apache-2.0

package licensing_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rastau/internal/pdf"
	"rastau/internal/phrase"
	"rastau/internal/testpki"
	"rastau/licensing"
	"rastau/signer"
	"rastau/verifier"
)

// buses counts those that appendices add.
var buses atomic.Int64

// about is a good application for an operation on a licence.
func (h *house) about(t testing.TB, operation, licence string) licensing.NewApplication {
	t.Helper()
	n := h.form(t)
	fee, err := h.service.Fee(n.Service, operation)
	must(t, err)
	n.Operation, n.About, n.Payment = operation, licence, licensing.Payment{Amount: fee}
	if fee > 0 {
		n.Payment.Reference = "PAY-" + operation
	}
	file := n.Attachments[0]
	n.Attachments = nil
	switch operation {
	case licensing.OperationReissue:
		file.Document = "change"
		n.Attachments = []licensing.NewAttachment{file}
		n.Applicant.Name = "Әлия Үлгіқызы Қасымова"
		n.Fields = json.RawMessage(`{"consent":true,"changes":["person-name"],"changedOn":"2014-03-01","subtypes":["regular-international"],
			"vehicles":[{"plate":"001 ZZZ 01","make":"Demo","year":2020}]}`)
	case licensing.OperationDuplicate:
		n.Fields = json.RawMessage(`{"consent":true,"reason":"lost"}`)
	case licensing.OperationAppendix:
		n.Attachments = []licensing.NewAttachment{file}
		// Each adds a bus of its own: what the licence has already is no addition.
		n.Fields = json.RawMessage(fmt.Sprintf(`{"consent":true,"addition":"автобус","vehicles":[{"plate":"%04d ZZZ 01","make":"Bus","year":2022}]}`, buses.Add(1)))
	case licensing.OperationCorrection:
		n.Applicant.Address = "Астана қ., Ұлы Дала д., 11"
		n.Fields = json.RawMessage(`{"consent":true,"error":"мекенжай","subtypes":["regular-international"],"vehicles":[{"plate":"002 ZZZ 01","make":"Demo","year":2021}]}`)
	}
	return n
}

// walk takes an application to its registration.
func (h *house) walk(t testing.TB, n licensing.NewApplication) *licensing.Application {
	t.Helper()
	app, err := h.service.Apply(t.Context(), applicant, n)
	must(t, err)
	sub, err := h.service.Submit(t.Context(), applicant, app.ID, sign(t, h.person(t), app.Package, true))
	must(t, err)
	if sub.Application.Status != licensing.Registered {
		t.Fatalf("not registered: %+v %s", sub.Message, verdictJSON(t, sub.Verdict))
	}
	return &sub.Application
}

func (h *house) licensed(t testing.TB) string {
	t.Helper()
	done, err := h.service.Decide(t.Context(), officer, h.registered(t).ID, approval)
	must(t, err)
	return done.Licence
}

func (h *house) approve(t testing.TB, operation, licence string) string {
	t.Helper()
	done, err := h.service.Decide(t.Context(), officer, h.walk(t, h.about(t, operation, licence)).ID, approval)
	must(t, err)
	return done.Licence
}

func (h *house) genuine(t testing.TB, file []byte) licensing.LicenceCheck {
	t.Helper()
	report := h.verifier.Document(t.Context(), file, h.options.Question())
	if report.Indication != verifier.TotalPassed {
		t.Fatalf("the signature: %s", verdictJSON(t, report))
	}
	return h.service.CheckLicence(t.Context(), report, file, "")
}

// TestOperationsOnLicences: a licence is given an appendix, re-issued, its duplicate
// issued and an error corrected; each time the new one is in force and the one
// before is not, and the register says which followed which.
func TestOperationsOnLicences(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	first := h.licensed(t)

	appendix := h.approve(t, licensing.OperationAppendix, first)
	if appendix != first+"/002" {
		t.Fatalf("appendix %s: 001 came with the licence", appendix)
	}
	if again := h.approve(t, licensing.OperationAppendix, first); again != first+"/003" {
		t.Fatalf("second appendix %s", again)
	}
	// What the licence or an appendix has already is no addition; one new thing beside it is.
	again := h.about(t, licensing.OperationAppendix, first)
	for fields, new := range map[string]bool{
		`"subtypes":["regular-international"]`: false, `"vehicles":[{"plate":"001 ZZZ 01","make":"Demo","year":2020}]`: false,
		`"subtypes":["regular-international","irregular-international"]`: true,
	} {
		again.Fields = json.RawMessage(`{"consent":true,"addition":"тағы",` + fields + `}`)
		_, err := h.service.Apply(ctx, applicant, again)
		var input *licensing.InputError
		if new != (err == nil) || !new && (!errors.As(err, &input) || phrase.Remark(input.Problem).KK == input.Problem) {
			t.Errorf("an appendix of %s: %v", fields, err)
		}
	}
	all, err := h.service.Appendices(ctx, first)
	must(t, err)
	if len(all) != 2 || len(all[0].PDF) == 0 {
		t.Fatalf("appendices: %+v", all)
	}
	for _, file := range [][]byte{all[0].PDF, all[0].Signed} {
		if c := h.genuine(t, file); !c.Registered || !c.SameFile || !c.InForce || c.Number != first || c.Appendix != "002" || c.Entitled == nil || !*c.Entitled {
			t.Errorf("an appendix is checked as %+v", c)
		}
	}

	second := h.approve(t, licensing.OperationReissue, first)
	l, err := h.service.Licence(ctx, second)
	must(t, err)
	if l.State != licensing.StateReissued || l.Predecessor != first || l.Holder.Name != "Әлия Үлгіқызы Қасымова" || len(l.Reissued) != 1 || l.FirstIssued == nil {
		t.Errorf("re-issued: %+v", l)
	}
	if !strings.Contains(string(l.Fields), `"regular-international"`) || strings.Contains(string(l.Fields), "irregular") {
		t.Errorf("the form of the re-issue counts: %s", l.Fields)
	}
	old, err := h.service.Licence(ctx, first)
	must(t, err)
	moves, err := h.service.Moves(ctx, first)
	must(t, err)
	if old.State != licensing.StateTerminated || old.Successor != second || len(moves) != 1 || moves[0].Move != licensing.MoveReplace || moves[0].Successor != second {
		t.Errorf("the one before: %+v, moves %+v", old, moves)
	}
	if report := h.verifier.Document(ctx, moves[0].Signed, h.options.Question()); report.Indication != verifier.TotalPassed {
		t.Errorf("the move's signature: %s", verdictJSON(t, report))
	}
	if c := h.genuine(t, old.PDF); c.InForce || !c.SameFile {
		t.Errorf("the old file: %+v", c)
	}

	third := h.approve(t, licensing.OperationDuplicate, second)
	d, err := h.service.Licence(ctx, third)
	must(t, err)
	if !d.Duplicate || d.Number == second || d.Holder.Name != l.Holder.Name || !bytes.Equal(d.Fields, l.Fields) || !d.FirstIssued.Equal(*l.FirstIssued) || len(d.Reissued) != 1 {
		t.Errorf("duplicate: %+v", d)
	}
	if !strings.Contains(pageText(t, d.PDF), "Телнұсқа") && !bytes.Contains(d.Signed, []byte(`"duplicate":true`)) {
		t.Error("nothing says that it is a duplicate")
	}
	fourth := h.approve(t, licensing.OperationCorrection, third)
	c, err := h.service.Licence(ctx, fourth)
	must(t, err)
	if c.Predecessor != third || c.Holder.Address != "Астана қ., Ұлы Дала д., 11" || !c.Duplicate || !strings.Contains(string(c.Fields), "002 ZZZ 01") {
		t.Errorf("corrected: %+v", c)
	}
	if check := h.genuine(t, c.PDF); !check.InForce {
		t.Errorf("corrected: %+v", check)
	}
	// Serials went on without a gap: appendices have their own.
	for i, n := range []string{first, second, third, fourth} {
		if want := "0000000" + string(rune('1'+i)); n[7:] != want {
			t.Errorf("%s is not number %s", n, want)
		}
	}
	h.checkRegister(t)
}

// TestCorrectionLosesNothing: what appendices added stays when an error in the licence is corrected. The draft begins with all of it,
// a form that leaves some out is refused, and so is one that an appendix overtook.
func TestCorrectionLosesNothing(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	first := h.licensed(t)
	h.approve(t, licensing.OperationAppendix, first)
	n := h.about(t, licensing.OperationCorrection, first)
	n.Fields = json.RawMessage(`{"consent":true,"error":"нөмір","subtypes":["regular-international","irregular-inter-oblast"],"vehicles":[{"plate":"002 ZZZ 01","make":"Demo","year":2020}]}`)
	_, err := h.service.Apply(ctx, applicant, n)
	var input *licensing.InputError
	if !errors.As(err, &input) || input.Field != "fields.vehicles" || phrase.Remark(input.Problem).KK == input.Problem {
		t.Errorf("one of two vehicles: %v", err)
	}
	n.Fields = nil
	draft, err := h.service.Save(ctx, applicant, "", n)
	must(t, err)
	var form struct {
		Subtypes []string          `json:"subtypes"`
		Vehicles []json.RawMessage `json:"vehicles"`
	}
	must(t, json.Unmarshal(draft.Fields, &form))
	if len(form.Subtypes) != 2 || len(form.Vehicles) != 2 {
		t.Fatalf("the draft begins with %s", draft.Fields)
	}
	for op, want := range map[string]bool{licensing.OperationReissue: true, licensing.OperationDuplicate: false, licensing.OperationAppendix: false} {
		other := h.about(t, op, first)
		other.Fields = nil
		d, err := h.service.Save(ctx, applicant, "", other)
		if err != nil || want != (len(d.Fields) > 0) {
			t.Errorf("the draft of %s begins with %s: %v", op, d.Fields, err)
		}
	}
	n.Fields = json.RawMessage(strings.Replace(string(draft.Fields), `{"`, `{"consent":true,"error":"нөмір","`, 1))
	app := h.walk(t, n)
	appendix := h.walk(t, h.about(t, licensing.OperationAppendix, first))
	_, err = h.service.Decide(ctx, officer, appendix.ID, approval)
	must(t, err)
	if _, err = h.service.Decide(ctx, officer, app.ID, approval); !errors.Is(err, licensing.ErrState) {
		t.Errorf("an appendix came since: %v", err)
	}
}

func pageText(t testing.TB, file []byte) string {
	t.Helper()
	d, err := pdf.Open(file, pdf.Limits{})
	must(t, err)
	inside, _ := d.Attachment("licence.json")
	return string(inside)
}

// TestAboutALicence: what an operation is about must exist, be the applicant's,
// and stand in a state that allows it: at registration and at the decision.
func TestAboutALicence(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	first := h.licensed(t)
	var input *licensing.InputError
	stranger := h.about(t, licensing.OperationDuplicate, first)
	stranger.Applicant.Kind, stranger.Applicant.IIN, stranger.Applicant.BIN = licensing.LegalEntity, "", bodyBIN
	named := func(n licensing.NewApplication) map[string]error {
		_, applied := h.service.Apply(ctx, applicant, n)
		_, saved := h.service.Save(ctx, applicant, "", n)
		return map[string]error{"applied": applied, "saved": saved}
	}
	for how, err := range named(stranger) {
		if !errors.As(err, &input) || input.Field != "about" {
			t.Errorf("another's licence, %s: %v", how, err)
		}
	}
	for how, err := range named(h.about(t, licensing.OperationDuplicate, "KZ61TWQ01996275")) {
		if !errors.As(err, &input) || input.Field != "about" {
			t.Errorf("no licence, %s: %v", how, err)
		}
	}
	// Who applies may still be unknown while the form is half filled.
	half := h.about(t, licensing.OperationDuplicate, first)
	half.Applicant = licensing.Applicant{}
	_, err := h.service.Save(ctx, applicant, "", half)
	must(t, err)
	waiting := h.walk(t, h.about(t, licensing.OperationReissue, first))
	_, err = h.service.Move(ctx, officer, first, licensing.MoveRequest{Move: licensing.MoveSuspend, Ground: "court", Reference: "№ 7", Reason: "сот"})
	must(t, err)
	if _, err := h.service.Decide(ctx, officer, waiting.ID, approval); !errors.Is(err, licensing.ErrState) {
		t.Errorf("re-issue of a suspended one: %v", err)
	}
	if _, err := h.service.Decide(ctx, officer, waiting.ID, licensing.Decision{Grounds: "лицензия тоқтатыла тұрған"}); err != nil {
		t.Errorf("its refusal: %v", err)
	}
	// It is told with what to do as soon as the licence is named.
	for how, err := range named(h.about(t, licensing.OperationDuplicate, first)) {
		if !errors.Is(err, licensing.ErrState) || !strings.Contains(err.Error(), "resumed first") {
			t.Errorf("duplicate of a suspended one, %s: %v", how, err)
		}
	}
	_, err = h.service.Move(ctx, officer, first, licensing.MoveRequest{Move: licensing.MoveTerminate, Ground: "voluntary", Reason: "өтініш"})
	must(t, err)
	for how, err := range named(h.about(t, licensing.OperationReissue, first)) {
		if !errors.Is(err, licensing.ErrState) || !strings.Contains(err.Error(), "apply for a new one") {
			t.Errorf("re-issue of a terminated one, %s: %v", how, err)
		}
	}
	h.checkRegister(t)
}

// TestMovesOfALicence: suspension to termination, and all that is refused.
func TestMovesOfALicence(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	n := h.licensed(t)
	day := func(days int) licensing.Day {
		return licensing.Day(time.Now().AddDate(0, 0, days).Format(time.DateOnly))
	}
	var input *licensing.InputError
	for name, q := range map[string]licensing.MoveRequest{
		"no such move":         {Move: "burn", Ground: "court", Reason: "x"},
		"a move of decisions":  {Move: licensing.MoveReplace, Ground: "re-issue", Reason: "x"},
		"no such ground":       {Move: licensing.MoveSuspend, Ground: "mood", Reason: "x"},
		"ground of another":    {Move: licensing.MoveSuspend, Ground: "liquidation", Reference: "1", Reason: "x"},
		"no reference":         {Move: licensing.MoveSuspend, Ground: "court", Reason: "x"},
		"no reason":            {Move: licensing.MoveTerminate, Ground: "voluntary"},
		"no term":              {Move: licensing.MoveSuspend, Ground: "violation", Reference: "1", Reason: "x"},
		"a term that is over":  {Move: licensing.MoveSuspend, Ground: "violation", Reference: "1", Reason: "x", Until: day(-2)},
		"a term too long":      {Move: licensing.MoveSuspend, Ground: "violation", Reference: "1", Reason: "x", Until: day(400)},
		"a term of the wrong":  {Move: licensing.MoveTerminate, Ground: "voluntary", Reason: "x", Until: day(4)},
		"a day that never was": {Move: licensing.MoveSuspend, Ground: "violation", Reference: "1", Reason: "x", Until: "2026-02-30"},
	} {
		if _, err := h.service.Move(ctx, officer, n, q); !errors.As(err, &input) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, a := range map[string]licensing.Actor{"applicant": applicant, "unlisted": {ID: "officer-2", Officer: true}, "admin": {ID: "a", Admin: true}, "the seal's name": {ID: licensing.System, Officer: true}} {
		if _, err := h.service.Move(ctx, a, n, licensing.MoveRequest{Move: licensing.MoveTerminate, Ground: "voluntary", Reason: "x"}); !errors.Is(err, licensing.ErrNotAuthority) {
			t.Errorf("%s: %v", name, err)
		}
	}
	steps := []struct {
		q    licensing.MoveRequest
		want licensing.LicenceState
	}{
		{licensing.MoveRequest{Move: licensing.MoveSuspend, Ground: "violation", Reference: "№ 1", Reason: "тексеру", Until: day(30)}, licensing.StateSuspended},
		{licensing.MoveRequest{Move: licensing.MoveResume, Ground: "remedied", Reason: "жойылды"}, licensing.StateResumed},
		{licensing.MoveRequest{Move: licensing.MoveSuspend, Ground: "own-request", Reason: "өтініш", Until: day(30)}, licensing.StateSuspended},
		{licensing.MoveRequest{Move: licensing.MoveTerminate, Ground: "liquidation", Reference: "№ 2", Reason: "тарату"}, licensing.StateTerminated},
	}
	for i, s := range steps {
		l, err := h.service.Move(ctx, officer, n, s.q)
		must(t, err)
		if l.State != s.want {
			t.Errorf("step %d: %s", i, l.State)
		}
		if c := h.service.CheckLicence(ctx, nil, nil, n); c.State != s.want || c.InForce != s.want.InForce() {
			t.Errorf("step %d: %+v", i, c)
		}
		h.checkRegister(t)
	}
	if _, err := h.service.Move(ctx, officer, n, licensing.MoveRequest{Move: licensing.MoveResume, Ground: "remedied", Reason: "x"}); !errors.Is(err, licensing.ErrState) {
		t.Errorf("out of the grave: %v", err)
	}
	moves, err := h.service.Moves(ctx, n)
	must(t, err)
	if len(moves) != 4 || moves[3].Seq != 4 || moves[3].From != licensing.StateSuspended {
		t.Errorf("moves: %+v", moves)
	}
}

// sealed gives the house a seal of its own, listed in the table of authorities.
func (h *house) sealed(t testing.TB) {
	t.Helper()
	key := h.issue(t, testpki.Leaf{CommonName: "E-LICENSING SEAL", BIN: bodyBIN, Organization: "OPERATOR"})
	ring, err := signer.NewRing(key)
	must(t, err)
	h.options.Seal, err = signer.New(signer.Options{Keys: ring, Stamper: h.options.Stamper, Judge: keyJudge{h.verifier, h.pki}, Checker: h.verifier, Now: time.Now})
	must(t, err)
	h.options.Authorities = append(h.options.Authorities, licensing.Authority{
		Officer: licensing.System, Name: "E-licensing", Position: phrase.Text{KK: "жүйе", RU: "система", EN: "system"},
		Licensor: h.options.Regulations[0].Licensor.BIN, Certificate: key.Certificate.SHA256Hex(), From: time.Now().Add(-time.Hour),
	})
}
