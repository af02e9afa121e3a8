// SPDX-License-Identifier: Apache-2.0

package licensing_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rastau/internal/outbox"
	"rastau/internal/phrase"
	"rastau/licensing"
)

func (h *house) tasks(t testing.TB) string {
	t.Helper()
	list, err := h.service.Tasks(t.Context(), officer)
	must(t, err)
	var out []string
	for _, x := range list {
		mark := ""
		if x.Overdue {
			mark = "!"
		}
		out = append(out, x.Kind+mark)
	}
	return strings.Join(out, " ")
}

// eventsOf are the kinds of the events of an application or a licence.
func (h *house) eventsOf(t testing.TB, subject string) string {
	t.Helper()
	var out []string
	must(t, h.store.View(t.Context(), func(tx licensing.Tx) error {
		out = nil
		list, err := tx.Events(subject)
		for _, e := range list {
			out = append(out, e.Kind)
		}
		return err
	}))
	return strings.Join(out, " ")
}

// look has the state registers asked about all holders, twice: whoever takes over from one that died does it again.
func (h *house) look(t testing.TB) {
	t.Helper()
	for range 2 {
		must(t, h.service.LookAtHolders(t.Context(), []byte(`{"began":"2026-01-01T00:00"}`)))
	}
}

// TestHandOver: a licence deemed issued is handed over within five working days; officers are warned, then it is escalated, until
// somebody notes that it was done.
func TestHandOver(t *testing.T) {
	h := newHouse(t)
	h.sealed(t)
	ctx := t.Context()
	var clock atomic.Int64
	app := h.registered(t)
	if err := h.service.HandOver(ctx, officer, app.ID, "қолына"); !errors.Is(err, licensing.ErrState) {
		t.Errorf("before there is a licence: %v", err)
	}
	h.later(t, &clock, time.Until(*app.Deadline)+time.Minute)
	h.runJobs(t)
	list, err := h.service.Tasks(ctx, officer)
	must(t, err)
	want, err := h.options.Calendar.Deadline(h.options.Now(), 5)
	must(t, err)
	if len(list) != 1 || list[0].Kind != licensing.TaskHandOver || list[0].Licence == "" || !list[0].Due.Equal(want) || list[0].Overdue {
		t.Fatalf("tasks: %+v, due %s", list, want)
	}
	must(t, h.store.View(ctx, func(tx licensing.Tx) error {
		// A list is cut off after the choice of the service: the tasks of one licensor never crowd out another's.
		for service, want := range map[string]int{app.Service: 1, "trunk-pipelines": 0} {
			if found, err := tx.OpenTasks([]string{service}, 1); err != nil || len(found) != want {
				t.Errorf("open tasks of %s: %v %v", service, found, err)
			}
		}
		return nil
	}))
	for name, a := range map[string]licensing.Actor{"applicant": applicant, "operator": {ID: "o", Operator: true}} {
		if _, err := h.service.Tasks(ctx, a); !errors.Is(err, licensing.ErrForbidden) {
			t.Errorf("%s lists tasks: %v", name, err)
		}
		if err := h.service.HandOver(ctx, a, app.ID, "қолына"); !errors.Is(err, licensing.ErrForbidden) {
			t.Errorf("%s hands over: %v", name, err)
		}
	}
	foreign := licensing.Actor{ID: "officer-3", Officer: true, BIN: bodyBIN}
	if list, err := h.service.Tasks(ctx, foreign); err != nil || len(list) != 0 {
		t.Errorf("another licensor's officer sees %v %v", list, err)
	}
	if err := h.service.HandOver(ctx, foreign, app.ID, "қолына"); !errors.Is(err, licensing.ErrNotAuthority) {
		t.Errorf("another licensor's officer: %v", err)
	}
	h.later(t, &clock, list[0].Due.Sub(h.options.Now())-time.Minute)
	h.runJobs(t)
	if got := h.eventsOf(t, app.ID); !strings.HasSuffix(got, "task-hand-over decided warning") {
		t.Errorf("a day before: %s", got)
	}
	h.later(t, &clock, 2*time.Minute)
	h.runJobs(t)
	if got := h.eventsOf(t, app.ID); !strings.HasSuffix(got, "warning escalation") || h.tasks(t) != "hand-over!" {
		t.Errorf("at its end: %s, %s", got, h.tasks(t))
	}
	must(t, h.service.HandOver(ctx, officer, app.ID, "лицензиатқа қолына берілді"))
	if h.tasks(t) != "" {
		t.Errorf("handed over: %s", h.tasks(t))
	}
	if err := h.service.HandOver(ctx, officer, app.ID, "қолына"); !errors.Is(err, licensing.ErrState) {
		t.Errorf("handed over twice: %v", err)
	}
}

// TestEndOfTheHolder: a holder whom the register calls ended is a task for officers; five working days later, where the register
// still says so, the licence is terminated under the seal. An error that the register took back ends nothing.
func TestEndOfTheHolder(t *testing.T) {
	h := newHouse(t)
	h.sealed(t)
	ctx := t.Context()
	var clock atomic.Int64
	state := &books{persons: map[string]licensing.Person{}}
	h.options.Registers = state
	h.later(t, &clock, 0)
	n := h.licensed(t)
	holder := licensing.Person{IIN: personIIN, Name: h.form(t).Applicant.Name}
	state.persons[personIIN] = holder
	h.look(t)
	if got := h.tasks(t); got != "" {
		t.Fatalf("a holder like every other: %s", got)
	}
	gone := holder
	gone.Deceased = true
	state.persons[personIIN] = gone
	h.look(t)
	if got := h.tasks(t); got != "holder-ended" {
		t.Fatalf("tasks: %s", got)
	}
	state.persons[personIIN] = holder // an error, mended
	h.later(t, &clock, 10*24*time.Hour)
	h.runJobs(t)
	if l, err := h.service.Licence(ctx, n); err != nil || l.State != licensing.StateIssued || h.tasks(t) != "" {
		t.Fatalf("the register took it back: %+v %v %s", l, err, h.tasks(t))
	}
	state.persons[personIIN] = gone
	h.look(t)
	h.later(t, &clock, 10*24*time.Hour)
	state.down = true
	if err := h.service.ComeDue(ctx, []byte(`{"subject":"`+n+`","kind":"task","key":"holder-ended/9"}`)); !errors.Is(err, licensing.ErrLater) {
		t.Errorf("the register is silent: %v", err)
	}
	state.down = false
	h.runJobs(t)
	l, err := h.service.Licence(ctx, n)
	must(t, err)
	moves, err := h.service.Moves(ctx, n)
	must(t, err)
	if l.State != licensing.StateTerminated || len(moves) != 1 || moves[0].Ground != "person-ended" || h.tasks(t) != "" {
		t.Fatalf("%s %+v %s: %s", l.State, moves, h.tasks(t), h.eventsOf(t, n))
	}
	h.look(t)
	if h.tasks(t) != "" {
		t.Error("a licence that is no more raises tasks")
	}
	h.checkRegister(t)
}

// TestEndOfTheHolderWithoutASeal: nothing is signed in nobody's name; officers are told until one of them acts.
func TestEndOfTheHolderWithoutASeal(t *testing.T) {
	h := newHouse(t)
	var clock atomic.Int64
	state := &books{persons: map[string]licensing.Person{}}
	h.options.Registers = state
	h.later(t, &clock, 0)
	n := h.licensed(t)
	state.persons[personIIN] = licensing.Person{IIN: personIIN, Name: "x", Deceased: true}
	h.look(t)
	h.later(t, &clock, 10*24*time.Hour)
	h.runJobs(t)
	if l, err := h.service.Licence(t.Context(), n); err != nil || l.State != licensing.StateIssued || h.tasks(t) != "holder-ended!" || !strings.HasSuffix(h.eventsOf(t, n), "escalation") {
		t.Errorf("%+v %v %s: %s", l, err, h.tasks(t), h.eventsOf(t, n))
	}
	_, err := h.service.Move(t.Context(), officer, n, licensing.MoveRequest{Move: licensing.MoveTerminate, Ground: "person-ended", Reason: "қайтыс болды"})
	must(t, err)
	if h.tasks(t) != "" {
		t.Errorf("terminated by an officer: %s", h.tasks(t))
	}
}

// TestChangedHolder: whoever bears another name by the state register has thirty calendar days to apply for a re-issue, is told so,
// and officers see it until the licence is replaced.
func TestChangedHolder(t *testing.T) {
	h := newHouse(t)
	var clock atomic.Int64
	h.options.Registers = &books{persons: map[string]licensing.Person{personIIN: {IIN: personIIN, Name: "Әлия Үлгіқызы ҚАСЫМОВА"}}}
	h.options.Notices = true
	h.later(t, &clock, 0)
	n := h.licensed(t)
	h.look(t)
	list, err := h.service.Tasks(t.Context(), officer)
	must(t, err)
	today := h.options.Now()
	if len(list) != 1 || list[0].Kind != licensing.TaskHolderChanged || h.options.Calendar.Day(list[0].Due) != h.options.Calendar.Day(today.AddDate(0, 0, 30)) {
		t.Fatalf("tasks: %+v", list)
	}
	told := 0
	must(t, h.store.View(t.Context(), func(tx licensing.Tx) error {
		told = 0
		items, err := tx.Items(outbox.Filter{Kind: licensing.KindNotice})
		for _, i := range items {
			if strings.Contains(string(i.Body), "қайта ресімдеу") {
				told++
			}
		}
		return err
	}))
	if told != 1 {
		t.Errorf("told %d times", told)
	}
	h.later(t, &clock, 31*24*time.Hour)
	h.runJobs(t)
	if got := h.eventsOf(t, n); got != "task-holder-changed warning escalation" {
		t.Errorf("after thirty days: %s", got)
	}
	clock.Store(0) // the applicant's certificate is of today
	h.later(t, &clock, 0)
	h.approve(t, licensing.OperationReissue, n)
	h.look(t) // the new licence bears the new name
	if h.tasks(t) != "" {
		t.Errorf("re-issued: %s", h.tasks(t))
	}
}

// TestRoundsOfHolders: a round reads every licence, goes on where it stopped, and begins the next one once.
func TestRoundsOfHolders(t *testing.T) {
	h := newHouse(t)
	h.options.Registers = &books{}
	h.reopen(t)
	for range 2 {
		must(t, h.service.Begin(t.Context()))
	}
	rounds := func() (out []string) {
		must(t, h.store.View(t.Context(), func(tx licensing.Tx) error {
			out = nil
			items, err := tx.Items(outbox.Filter{Kind: licensing.JobHolders})
			for _, i := range items {
				out = append(out, i.Key)
			}
			return err
		}))
		return out
	}
	if got := rounds(); len(got) != 1 {
		t.Fatalf("rounds: %v", got)
	}
	h.look(t)
	if got := rounds(); len(got) != 2 || !slices.Contains(got, "2026-01-31T00:00/0") {
		t.Errorf("rounds: %v", got)
	}
	for _, bad := range []string{"", "{", `{"began":"x"}`} {
		if err := h.service.LookAtHolders(t.Context(), []byte(bad)); err == nil {
			t.Errorf("%q is a round", bad)
		}
	}
}

// TestRequestsForAgreement: bodies whose agreement is needed are asked within two working days; the day before and at the end
// officers are told whom nobody has asked.
func TestRequestsForAgreement(t *testing.T) {
	h := newHouse(t)
	data, err := os.ReadFile("regulations/passenger-transport.yaml")
	must(t, err)
	agreements := `agreements:
  - {key: fire, name: {kk: Өрт, ru: Пожарный надзор, en: Fire}, source: invented}
  - {key: health, name: {kk: Денсаулық, ru: Здоровье, en: Health}, operations: [re-issue], source: invented}
units:`
	r, err := licensing.LoadRegulation("agreed.yaml", []byte(strings.Replace(string(data), "\nunits:", "\n"+agreements, 1)))
	must(t, err)
	h.options.Regulations = []*licensing.Regulation{r}
	var clock atomic.Int64
	h.later(t, &clock, 0)
	app, other := h.registered(t), h.registered(t)
	must(t, h.service.AskAgreement(t.Context(), officer, other.ID, []string{"fire"}))
	due, err := h.options.Calendar.Deadline(*app.Registered, 2)
	must(t, err)
	h.later(t, &clock, due.Sub(h.options.Now())-time.Minute)
	h.runJobs(t)
	if got := h.eventsOf(t, app.ID); got != "warning" {
		t.Errorf("a day before: %s", got)
	}
	h.later(t, &clock, 2*time.Minute)
	h.runJobs(t)
	if got := h.eventsOf(t, app.ID); !strings.Contains(got, "escalation") {
		t.Errorf("at the end: %s", got)
	}
	if got := h.eventsOf(t, other.ID); strings.Contains(got, "escalation") || strings.Contains(got, "warning") {
		t.Errorf("whose body was asked: %s", got)
	}
}

// TestLateReissue: more than thirty calendar days after the change the officer is told; it is no ground of refusal.
func TestLateReissue(t *testing.T) {
	h := newHouse(t)
	n := h.about(t, licensing.OperationReissue, h.licensed(t))
	late := h.walk(t, n)
	if got := h.eventsOf(t, late.ID); got != "warning" {
		t.Errorf("late: %s", got)
	}
	_, err := h.service.Decide(t.Context(), officer, late.ID, approval)
	must(t, err)
	n = h.about(t, licensing.OperationReissue, h.licensed(t))
	n.Fields = json.RawMessage(strings.Replace(string(n.Fields), "2014-03-01", time.Now().AddDate(0, 0, -20).Format(time.DateOnly), 1))
	if got := h.eventsOf(t, h.walk(t, n).ID); got != "" {
		t.Errorf("in time: %s", got)
	}
}

// TestWordsOfTasks: what people are told of tasks stands in the catalogue.
func TestWordsOfTasks(t *testing.T) {
	for _, kind := range []string{licensing.TaskHandOver, licensing.TaskHolderEnded, licensing.TaskHolderChanged} {
		for _, key := range []string{"console.event.task-" + kind, "console.event.done-" + kind} {
			if !phrase.Has(key) {
				t.Errorf("the catalogue lacks %s", key)
			}
		}
	}
	for _, key := range []string{"notice.holder-ended", "notice.holder-ended.subject", "notice.holder-changed", "notice.holder-changed.subject"} {
		if !phrase.Has(key) {
			t.Errorf("the catalogue lacks %s", key)
		}
	}
}

// unread fails the reading of the table of signers while it is told so.
type unread struct {
	licensing.Store
	broken bool
}

type unreadTx struct{ licensing.Tx }

func (unreadTx) Signers() ([]licensing.Authority, map[string]time.Time, error) {
	return nil, nil, errBroken
}

func (u *unread) View(ctx context.Context, f func(licensing.Tx) error) error {
	return u.Store.View(ctx, func(tx licensing.Tx) error {
		if u.broken {
			tx = unreadTx{tx}
		}
		return f(tx)
	})
}

// TestSealUnread: a table of authorities that cannot be read is no table without the seal. The term is tried again, and nothing is
// escalated to people who could mend nothing.
func TestSealUnread(t *testing.T) {
	h := newHouse(t)
	h.sealed(t)
	var clock atomic.Int64
	app := h.registered(t)
	h.later(t, &clock, time.Until(*app.Deadline)+time.Minute)
	table := &unread{Store: h.store, broken: true}
	h.options.Store = table
	h.reopen(t)
	term := []byte(`{"subject":"` + app.ID + `","kind":"decision"}`)
	if err := h.service.ComeDue(t.Context(), term); !errors.Is(err, errBroken) {
		t.Errorf("the table cannot be read: %v", err)
	}
	if got := h.eventsOf(t, app.ID); strings.Contains(got, "escalation") {
		t.Errorf("escalated: %s", got)
	}
	table.broken = false
	must(t, h.service.ComeDue(t.Context(), term))
	if got := h.tasks(t); got != "hand-over" {
		t.Errorf("read again, the licence is deemed issued: %s", got)
	}
}
