// SPDX-License-Identifier: Apache-2.0

package licensing_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rastau/internal/outbox"
	"rastau/internal/phrase"
	"rastau/licensing"
	"rastau/verifier"
)

// second is of the same body, and signs nothing.
var second = licensing.Actor{ID: "officer-2", Officer: true, BIN: licensorBIN}

// later moves the workflow's clock; certificates and signatures keep their own.
func (h *house) later(t testing.TB, clock *atomic.Int64, by time.Duration) {
	t.Helper()
	clock.Add(int64(by))
	h.options.Now = func() time.Time { return time.Now().Add(time.Duration(clock.Load())) }
	h.reopen(t)
}

// runJobs does everything that is due, as several processes would.
func (h *house) runJobs(t testing.TB) {
	t.Helper()
	jobs := h.service.Jobs()
	kinds := []string{licensing.JobTerm, licensing.JobBatch}
	for {
		var items []outbox.Item
		must(t, h.store.Update(t.Context(), func(tx licensing.Tx) (err error) {
			items, err = tx.Lease("test", kinds, h.options.Now(), h.options.Now().Add(time.Minute), 10)
			return err
		}))
		if len(items) == 0 {
			return
		}
		for _, i := range items {
			// Twice: whoever takes over from one that died does it again.
			for range 2 {
				if err := jobs[i.Kind](t.Context(), i); err != nil {
					t.Fatalf("%s: %v", i.Body, err)
				}
			}
			must(t, h.store.Update(t.Context(), func(tx licensing.Tx) error {
				return tx.Finish("test", i.ID, outbox.Outcome{State: outbox.Done, At: h.options.Now()})
			}))
		}
	}
}

func (h *house) kinds(t testing.TB, id string) string {
	t.Helper()
	f, err := h.service.File(t.Context(), officer, id)
	must(t, err)
	var out []string
	for _, e := range f.Events {
		out = append(out, e.Kind)
	}
	return strings.Join(out, " ")
}

// TestQueue: officers see what waits by its deadline, take it, hand it on, and
// nobody decides over another's head.
func TestQueue(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	a, b := h.registered(t), h.registered(t)
	short := h.walk(t, h.about(t, licensing.OperationDuplicate, h.licensed(t)))
	list, err := h.service.Queue(ctx, officer, licensing.QueueFilter{})
	must(t, err)
	if len(list) != 3 || list[0].ID != short.ID || list[0].Overdue {
		t.Fatalf("queue: %+v", list)
	}
	page, err := h.service.Queue(ctx, officer, licensing.QueueFilter{Limit: 2})
	must(t, err)
	rest, err := h.service.Queue(ctx, officer, licensing.QueueFilter{AfterDue: page[1].Deadline, AfterID: page[1].ID})
	must(t, err)
	if len(page) != 2 || len(rest) != 1 || rest[0].ID == page[1].ID {
		t.Errorf("pages: %+v %+v", page, rest)
	}
	if _, err := h.service.Queue(ctx, applicant, licensing.QueueFilter{}); !errors.Is(err, licensing.ErrForbidden) {
		t.Errorf("an applicant sees the queue: %v", err)
	}
	c, err := h.service.Claim(ctx, second, a.ID)
	if err != nil || c.Officer != second.ID {
		t.Fatalf("%+v %v", c, err)
	}
	if _, err := h.service.Claim(ctx, officer, a.ID); !errors.Is(err, licensing.ErrState) {
		t.Errorf("claimed twice: %v", err)
	}
	if _, err := h.service.Decide(ctx, officer, a.ID, approval); !errors.Is(err, licensing.ErrState) {
		t.Errorf("decided over another's head: %v", err)
	}
	if _, err := h.service.Release(ctx, officer, a.ID); !errors.Is(err, licensing.ErrState) {
		t.Errorf("given back by another: %v", err)
	}
	_, err = h.service.Assign(ctx, second, a.ID, officer.ID)
	must(t, err)
	mine, err := h.service.Queue(ctx, officer, licensing.QueueFilter{Officer: officer.ID})
	must(t, err)
	free, err := h.service.Queue(ctx, officer, licensing.QueueFilter{Unclaimed: true})
	must(t, err)
	if len(mine) != 1 || mine[0].ID != a.ID || len(free) != 2 {
		t.Errorf("mine %+v, free %+v", mine, free)
	}
	_, err = h.service.Decide(ctx, officer, a.ID, approval)
	must(t, err)
	if got := h.kinds(t, a.ID); got != "claimed assigned decided" {
		t.Errorf("events: %s", got)
	}
	f, err := h.service.File(ctx, applicant, a.ID)
	must(t, err)
	if len(f.Events) != 1 || f.Case.Officer != "" || len(f.Inventory) != 1 || f.Inventory[0].Document != "qualification" || f.Inventory[0].Received.IsZero() {
		t.Errorf("the applicant sees %+v", f)
	}
	figures, err := h.service.Statistics(ctx, officer, licensing.Period{})
	must(t, err)
	if len(figures) != 2 || figures[1].Approved != 2 || figures[1].Waiting != 1 || figures[0].Waiting != 1 {
		t.Errorf("statistics: %+v", figures)
	}
	_ = b
}

// TestForeignOfficer: an officer of another licensor neither reads nor holds a case.
func TestForeignOfficer(t *testing.T) {
	h := newHouse(t)
	app := h.registered(t)
	foreign := licensing.Actor{ID: "officer-3", Officer: true, BIN: bodyBIN}
	if _, err := h.service.Application(t.Context(), foreign, app.ID); !errors.Is(err, licensing.ErrForbidden) {
		t.Errorf("read: %v", err)
	}
	if list, err := h.service.Applications(t.Context(), foreign, "", 0); err != nil || len(list) != 0 {
		t.Errorf("listed: %v %v", list, err)
	}
	if _, err := h.service.File(t.Context(), foreign, app.ID); !errors.Is(err, licensing.ErrForbidden) {
		t.Errorf("file: %v", err)
	}
	if _, err := h.service.Claim(t.Context(), foreign, app.ID); !errors.Is(err, licensing.ErrNotAuthority) {
		t.Errorf("claimed: %v", err)
	}
	// Somebody without a BIN is held to the table of authorities.
	nameless := licensing.Actor{ID: "officer-4", Officer: true}
	if _, err := h.service.Claim(t.Context(), nameless, app.ID); !errors.Is(err, licensing.ErrNotAuthority) {
		t.Errorf("claimed without a BIN: %v", err)
	}
	for _, a := range []licensing.Actor{foreign, nameless} {
		if list, err := h.service.Queue(t.Context(), a, licensing.QueueFilter{}); err != nil || len(list) != 0 {
			t.Errorf("queue of %s: %v %v", a.ID, list, err)
		}
		if list, err := h.service.Statistics(t.Context(), a, licensing.Period{}); err != nil || len(list) != 0 {
			t.Errorf("statistics of %s: %v %v", a.ID, list, err)
		}
	}
	if list, err := h.service.Statistics(t.Context(), officer, licensing.Period{}); err != nil || len(list) != 1 {
		t.Errorf("statistics of their own: %v %v", list, err)
	}
	_, err := h.service.Decide(t.Context(), officer, app.ID, approval)
	must(t, err)
}

// TestChecklistIsAnswered: an approval needs every question answered with yes.
func TestChecklistIsAnswered(t *testing.T) {
	h := newHouse(t)
	app := h.registered(t)
	var input *licensing.InputError
	for _, list := range []map[string]bool{nil, {"grounds": true}, {"documents-match": true}, {"grounds": true, "documents-match": false}} {
		if _, err := h.service.Decide(t.Context(), officer, app.ID, licensing.Decision{Approve: true, Checklist: list}); !errors.As(err, &input) {
			t.Errorf("%v: %v", list, err)
		}
	}
}

// TestAgreementsAndInspection: other bodies are asked at once, silence agrees,
// a no or a failed inspection leaves only the refusal.
func TestAgreementsAndInspection(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	var clock atomic.Int64
	app := h.registered(t)
	must(t, h.service.AskAgreement(ctx, officer, app.ID, []string{"sanitary", "fire"}))
	if err := h.service.AskAgreement(ctx, officer, app.ID, []string{"fire"}); !errors.Is(err, licensing.ErrState) {
		t.Errorf("asked twice: %v", err)
	}
	must(t, h.service.AnswerAgreement(ctx, officer, app.ID, "fire", true, ""))
	if err := h.service.AnswerAgreement(ctx, officer, app.ID, "army", true, ""); !errors.Is(err, licensing.ErrState) {
		t.Errorf("an answer nobody asked for: %v", err)
	}
	if _, err := h.service.Decide(ctx, officer, app.ID, approval); !errors.Is(err, licensing.ErrState) || !strings.Contains(err.Error(), "sanitary") {
		t.Errorf("decided before the answer: %v", err)
	}
	today := h.options.Calendar.Day(time.Now())
	must(t, h.service.OrderInspection(ctx, officer, app.ID, today, "гараж"))
	h.later(t, &clock, 15*24*time.Hour)
	h.runJobs(t)
	if got := h.kinds(t, app.ID); strings.Count(got, licensing.EventAgreed) != 2 {
		t.Errorf("silence: %s", got)
	}
	if _, err := h.service.Decide(ctx, officer, app.ID, approval); !errors.Is(err, licensing.ErrState) || !strings.Contains(err.Error(), "inspection") {
		t.Errorf("decided before the inspection: %v", err)
	}
	must(t, h.service.ReportInspection(ctx, officer, app.ID, false, "гараж жоқ"))
	if _, err := h.service.Decide(ctx, officer, app.ID, approval); !errors.Is(err, licensing.ErrState) {
		t.Errorf("decided against the inspection: %v", err)
	}
	must(t, h.service.OrderInspection(ctx, officer, app.ID, h.options.Calendar.Day(h.options.Now()), "гараж"))
	must(t, h.service.ReportInspection(ctx, officer, app.ID, true, "бар"))
	_, err := h.service.Decide(ctx, officer, app.ID, approval)
	must(t, err)

	no := h.registered(t)
	must(t, h.service.AskAgreement(ctx, officer, no.ID, []string{"fire"}))
	must(t, h.service.AnswerAgreement(ctx, officer, no.ID, "fire", false, "қауіпті"))
	if _, err := h.service.Decide(ctx, officer, no.ID, approval); !errors.Is(err, licensing.ErrState) {
		t.Errorf("decided against a body: %v", err)
	}
	_, err = h.service.Decide(ctx, officer, no.ID, licensing.Decision{Grounds: "келісілмеді"})
	must(t, err)
	h.checkRegister(t)
}

// TestSilence: warning, escalation, and then the licence is deemed issued, once,
// under the seal, whoever runs the job and however often.
func TestSilence(t *testing.T) {
	h := newHouse(t)
	h.sealed(t)
	ctx := t.Context()
	var clock atomic.Int64
	h.later(t, &clock, 0)
	app := h.registered(t)
	h.runJobs(t)
	if got := h.kinds(t, app.ID); got != "" {
		t.Errorf("at once: %s", got)
	}
	h.later(t, &clock, 8*24*time.Hour)
	h.runJobs(t)
	if got := h.kinds(t, app.ID); got != "complete" {
		t.Errorf("after the term of completeness: %s", got)
	}
	if _, err := h.service.Incomplete(ctx, officer, app.ID, "құжат жоқ"); !errors.Is(err, licensing.ErrState) {
		t.Errorf("refused to consider, too late: %v", err)
	}
	h.later(t, &clock, time.Until(*app.Deadline)-time.Duration(clock.Load())-time.Minute)
	h.runJobs(t)
	if got := h.kinds(t, app.ID); got != "complete warning escalation" {
		t.Errorf("before the deadline: %s", got)
	}
	h.later(t, &clock, 2*time.Minute)
	list, err := h.service.Queue(ctx, officer, licensing.QueueFilter{})
	must(t, err)
	if len(list) != 1 || !list[0].Overdue {
		t.Errorf("overdue: %+v", list)
	}
	h.runJobs(t)
	done, err := h.service.Application(ctx, applicant, app.ID)
	must(t, err)
	if done.Status != licensing.Approved {
		t.Fatalf("after silence: %+v, %s", done, h.kinds(t, app.ID))
	}
	l, err := h.service.Licence(ctx, done.Licence)
	must(t, err)
	if !l.Deemed || l.SignedBy != h.options.Seal.Certificate().SHA256Hex() {
		t.Errorf("deemed: %+v", l)
	}
	t.Run("page", func(t *testing.T) {
		// Whoever holds a printout must see why no officer's name stands on it.
		tool, err := exec.LookPath("pdftotext")
		if err != nil {
			if os.Getenv("RASTAU_REQUIRE_TOOLS") != "" {
				t.Fatalf("pdftotext is required here: %v", err)
			}
			t.Skip("pdftotext is not installed, and nothing else here reads the words of a page; `make tools` installs it, and `make test` does so before the tests")
		}
		cmd := exec.CommandContext(ctx, tool, "-", "-")
		cmd.Stdin = bytes.NewReader(l.PDF)
		text, err := cmd.Output()
		must(t, err)
		if words := strings.Join(strings.Fields(string(text)), " "); !strings.Contains(words, "мөрімен куәландырылған") {
			t.Errorf("the page says nothing of the silence: %s", words)
		}
	})
	report := h.verifier.Document(ctx, l.PDF, h.options.Question())
	if report.Indication != verifier.TotalPassed {
		t.Fatalf("the seal's signature: %s", verdictJSON(t, report))
	}
	if c := h.service.CheckLicence(ctx, report, l.PDF, ""); c.Number != l.Number || !c.SameFile {
		t.Errorf("check: %+v", c)
	}
	ruling, err := h.service.Ruling(ctx, applicant, app.ID)
	must(t, err)
	if ruling.Officer != licensing.System || !strings.Contains(string(ruling.Document), `"note"`) {
		t.Errorf("decision: %s", ruling.Document)
	}
	h.checkRegister(t)
}

// TestSilenceWithoutASeal: nothing is issued in nobody's name.
func TestSilenceWithoutASeal(t *testing.T) {
	h := newHouse(t)
	var clock atomic.Int64
	app := h.registered(t)
	h.later(t, &clock, time.Until(*app.Deadline)+time.Minute)
	h.runJobs(t)
	after, err := h.service.Application(t.Context(), officer, app.ID)
	must(t, err)
	if after.Status != licensing.Registered || !strings.HasSuffix(h.kinds(t, app.ID), "escalation escalation") {
		t.Errorf("%s: %s", after.Status, h.kinds(t, app.ID))
	}
}

// TestIncomplete: within two working days the licensor refuses to consider what is not whole.
func TestIncomplete(t *testing.T) {
	h := newHouse(t)
	app := h.registered(t)
	done, err := h.service.Incomplete(t.Context(), officer, app.ID, "біліктілік құжаты оқылмайды")
	must(t, err)
	if done.Status != licensing.Refused || done.Refusal.Code != "M4" {
		t.Errorf("%+v", done)
	}
	whole := h.registered(t)
	must(t, h.service.Complete(t.Context(), officer, whole.ID))
	if _, err := h.service.Incomplete(t.Context(), officer, whole.ID, "x"); !errors.Is(err, licensing.ErrState) {
		t.Errorf("complete and then not: %v", err)
	}
	h.checkRegister(t)
}

// TestCorrection: the applicant is asked, answers with another signed package, and that one is decided on.
func TestCorrection(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	app := h.registered(t)
	n := h.form(t)
	n.Applicant.Address = "Алматы қ., Абай д., 5"
	n.Attachments = []licensing.NewAttachment{{Document: "qualification", Name: app.Attachments[0].Name, Type: app.Attachments[0].Type, SHA256: app.Attachments[0].SHA256}}
	if _, err := h.service.Amend(ctx, applicant, app.ID, n); !errors.Is(err, licensing.ErrState) {
		t.Errorf("unasked: %v", err)
	}
	must(t, h.service.AskCorrection(ctx, officer, app.ID, licensing.Correction{Fields: []string{"applicant.address"}, Text: "Мекенжай толық емес"}))
	if _, err := h.service.Decide(ctx, officer, app.ID, approval); !errors.Is(err, licensing.ErrState) {
		t.Errorf("decided before the answer: %v", err)
	}
	other := n
	other.Applicant.IIN = "850412400017"
	var input *licensing.InputError
	if _, err := h.service.Amend(ctx, applicant, app.ID, other); !errors.As(err, &input) {
		t.Errorf("another person: %v", err)
	}
	if _, err := h.service.Amend(ctx, licensing.Actor{ID: "applicant-2", Applicant: true}, app.ID, n); !errors.Is(err, licensing.ErrForbidden) {
		t.Errorf("by another: %v", err)
	}
	amended, err := h.service.Amend(ctx, applicant, app.ID, n)
	must(t, err)
	if string(amended.Package) == string(app.Package) || !strings.Contains(string(amended.Package), "Абай") {
		t.Fatal("the package is not the corrected one")
	}
	sub, err := h.service.SubmitAmendment(ctx, applicant, app.ID, sign(t, h.person(t), app.Package, true))
	must(t, err)
	if sub.Message.Code != "M3" {
		t.Errorf("the old package signed again: %+v", sub.Message)
	}
	sub, err = h.service.SubmitAmendment(ctx, applicant, app.ID, sign(t, h.person(t), amended.Package, true))
	must(t, err)
	if sub.Application.Number != app.Number || sub.Verdict.Indication != verifier.TotalPassed {
		t.Fatalf("%+v", sub.Message)
	}
	h.checkRegister(t)
	done, err := h.service.Decide(ctx, officer, app.ID, approval)
	must(t, err)
	l, err := h.service.Licence(ctx, done.Licence)
	must(t, err)
	if l.Holder.Address != n.Applicant.Address {
		t.Errorf("the licence bears %s", l.Holder.Address)
	}
	h.checkRegister(t)
}

// TestCertificateAfterRegistration: revoked later, nothing changes; revoked for a
// time before, or because of the key, the application is held until it is signed again.
func TestCertificateAfterRegistration(t *testing.T) {
	for name, c := range map[string]struct {
		at     time.Duration
		reason int
		held   bool
	}{
		"superseded later": {time.Hour, 4, false}, "revoked before": {-time.Minute, 4, true}, "key stolen, later": {time.Hour, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			ctx := t.Context()
			key := h.person(t)
			app := h.draft(t)
			_, err := h.service.Submit(ctx, applicant, app.ID, sign(t, key, app.Package, true))
			must(t, err)
			h.ca.Revoke(key.Certificate, time.Now().Add(c.at), c.reason)
			_, err = h.service.Decide(ctx, officer, app.ID, approval)
			if !c.held {
				must(t, err)
				return
			}
			if !errors.Is(err, licensing.ErrState) || h.kinds(t, app.ID) != licensing.EventHeld {
				t.Fatalf("not held: %v, %s", err, h.kinds(t, app.ID))
			}
			amended, err := h.service.Amend(ctx, applicant, app.ID, h.form(t))
			must(t, err)
			sub, err := h.service.SubmitAmendment(ctx, applicant, app.ID, sign(t, h.person(t), amended.Package, true))
			must(t, err)
			if sub.Verdict.Indication != verifier.TotalPassed {
				t.Fatal(verdictJSON(t, sub.Verdict))
			}
			_, err = h.service.Decide(ctx, officer, app.ID, approval)
			must(t, err)
			h.checkRegister(t)
		})
	}
}

// TestAppeal: against a decision, answered by another officer, signed.
func TestAppeal(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	line := h.options.Authorities[0]
	line.Officer = second.ID
	h.options.Authorities = append(h.options.Authorities, line)
	h.reopen(t)
	app := h.registered(t)
	if err := h.service.Appeal(ctx, applicant, app.ID, "x"); !errors.Is(err, licensing.ErrState) {
		t.Errorf("before the decision: %v", err)
	}
	_, err := h.service.Decide(ctx, officer, app.ID, licensing.Decision{Grounds: "жоқ"})
	must(t, err)
	must(t, h.service.Appeal(ctx, applicant, app.ID, "Құжат қоса берілген"))
	if err := h.service.Appeal(ctx, applicant, app.ID, "тағы"); !errors.Is(err, licensing.ErrState) {
		t.Errorf("two at once: %v", err)
	}
	if err := h.service.AnswerAppeal(ctx, officer, app.ID, false, "жоқ"); !errors.Is(err, licensing.ErrNotAuthority) {
		t.Errorf("by the one who decided: %v", err)
	}
	must(t, h.service.AnswerAppeal(ctx, second, app.ID, true, "Қанағаттандырылды"))
	f, err := h.service.File(ctx, applicant, app.ID)
	must(t, err)
	if last := f.Events[len(f.Events)-1]; last.Kind != licensing.EventAppealed || !strings.Contains(string(last.Body), `"upheld":true`) {
		t.Errorf("%+v", last)
	}
}

// TestBatch: many at once, each by the rules of one; what was interrupted goes on.
func TestBatch(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	var ids []string
	for range 4 {
		ids = append(ids, h.registered(t).ID)
	}
	_, err := h.service.Claim(ctx, second, ids[2])
	must(t, err)
	var input *licensing.InputError
	if _, err := h.service.DecideMany(ctx, officer, []string{ids[0], ids[0]}, approval); !errors.As(err, &input) {
		t.Errorf("one twice: %v", err)
	}
	b, err := h.service.DecideMany(ctx, officer, ids, approval)
	must(t, err)
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	if err := h.service.RunBatch(stopped, []byte(`"`+b.ID+`"`)); err == nil {
		t.Error("a batch that was stopped said that it is done")
	}
	h.options.Now = time.Now
	h.runJobs(t)
	b, err = h.service.Batch(ctx, officer, b.ID)
	must(t, err)
	if b.Finished == nil || b.Done != 4 || b.Failed != 1 || b.Items[2].Problem == "" || b.Items[3].Licence == "" {
		t.Errorf("%+v", b)
	}
	if _, err := h.service.Batch(ctx, second, b.ID); !errors.Is(err, licensing.ErrNotFound) {
		t.Errorf("another's batch: %v", err)
	}
	h.checkRegister(t)
}

// TestExpiry: the licensee is reminded, and the licence ends under the seal.
func TestExpiry(t *testing.T) {
	h := newHouse(t)
	h.sealed(t)
	ctx := t.Context()
	h.options.Regulations = yearly(t)
	h.reopen(t)
	var clock atomic.Int64
	n := h.licensed(t)
	h.later(t, &clock, 340*24*time.Hour)
	h.runJobs(t)
	events := func() (out []string) {
		must(t, h.store.View(ctx, func(tx licensing.Tx) error {
			list, err := tx.Events(n)
			for _, e := range list {
				out = append(out, e.Kind)
			}
			return err
		}))
		return out
	}
	if got := events(); len(got) == 0 || got[0] != licensing.EventReminder {
		t.Errorf("events: %v", got)
	}
	h.later(t, &clock, 30*24*time.Hour)
	h.runJobs(t)
	l, err := h.service.Licence(ctx, n)
	must(t, err)
	if l.State != licensing.StateTerminated {
		t.Errorf("after its end: %s", l.State)
	}
	h.checkRegister(t)
}

// TestWordsOfTheRegister: what the register says stands in the catalogue.
func TestWordsOfTheRegister(t *testing.T) {
	for _, key := range []string{"workflow.deemed.note", "workflow.deemed.decision", "notice.approved", "notice.refused", "notice.correction", "notice.held", "notice.reminder"} {
		if !phrase.Has(key) {
			t.Errorf("the catalogue lacks %s", key)
		}
	}
}

// yearly is the regulation of the house with licences that hold for one year.
func yearly(t testing.TB) []*licensing.Regulation {
	t.Helper()
	data, err := os.ReadFile("regulations/passenger-transport.yaml")
	must(t, err)
	r, err := licensing.LoadRegulation("yearly.yaml", []byte(strings.Replace(string(data), "years: 0", "years: 1", 1)))
	must(t, err)
	return []*licensing.Regulation{r}
}
