// SPDX-License-Identifier: Apache-2.0

package licensing_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"rastau/internal/cms"
	"rastau/internal/testpki"
	"rastau/licensing"
	"rastau/verifier"
)

// TestWhoMayDecide: only an officer whom the dated table lists for this
// licensor, with this very key.
func TestWhoMayDecide(t *testing.T) {
	h := newHouse(t)
	app := h.registered(t)
	good := h.options.Authorities[0]
	for name, c := range map[string]struct {
		actor  licensing.Actor
		change func(a *licensing.Authority)
		want   error
	}{
		"not an officer":                      {licensing.Actor{ID: officer.ID}, nil, licensing.ErrNotAuthority},
		"an admin":                            {licensing.Actor{ID: "admin", Admin: true}, nil, licensing.ErrNotAuthority},
		"an unlisted officer":                 {licensing.Actor{ID: "officer-2", Officer: true}, nil, licensing.ErrNotAuthority},
		"the applicant":                       {licensing.Actor{ID: applicant.ID, Officer: true}, func(a *licensing.Authority) { a.Officer = applicant.ID }, licensing.ErrNotAuthority},
		"the applicant under another account": {licensing.Actor{ID: officer.ID, Officer: true, IIN: app.Applicant.IIN}, nil, licensing.ErrNotAuthority},
		"not yet":                             {officer, func(a *licensing.Authority) { a.From = time.Now().Add(time.Hour) }, licensing.ErrNotAuthority},
		"no longer":                           {officer, func(a *licensing.Authority) { a.Until = time.Now().Add(-time.Minute) }, licensing.ErrNotAuthority},
		"another licensor":                    {officer, func(a *licensing.Authority) { a.Licensor = bodyBIN }, licensing.ErrNotAuthority},
		"another key":                         {officer, func(a *licensing.Authority) { a.Certificate = strings.Repeat("0", 64) }, licensing.ErrNotAuthority},
	} {
		t.Run(name, func(t *testing.T) {
			line := good
			if c.change != nil {
				c.change(&line)
			}
			h.options.Authorities = []licensing.Authority{line}
			h.reopen(t)
			for _, approve := range []bool{true, false} {
				if _, err := h.service.Decide(t.Context(), c.actor, app.ID, licensing.Decision{Approve: approve, Grounds: "x", Checklist: approval.Checklist}); !errors.Is(err, c.want) {
					t.Errorf("approve %v: %v", approve, err)
				}
			}
		})
	}
	h.options.Authorities = []licensing.Authority{good}
	h.reopen(t)
	if after, err := h.service.Application(t.Context(), officer, app.ID); err != nil || after.Status != licensing.Registered {
		t.Fatalf("%+v %v", after, err)
	}
}

func TestRefusal(t *testing.T) {
	h := newHouse(t)
	app := h.registered(t)
	var input *licensing.InputError
	for name, d := range map[string]licensing.Decision{
		"without grounds":           {},
		"unknown question":          {Grounds: "x", Checklist: map[string]bool{"nothing": false}},
		"approved against the list": {Approve: true, Checklist: map[string]bool{"grounds": false}},
		"grounds unseen":            {Grounds: "a\u202eb"},
		"grounds with a zero":       {Grounds: "a\x00b"},
		"grounds too long":          {Grounds: strings.Repeat("x", 5000)},
	} {
		if _, err := h.service.Decide(t.Context(), officer, app.ID, d); !errors.As(err, &input) {
			t.Errorf("%s: %v", name, err)
		}
	}
	refused, err := h.service.Decide(t.Context(), officer, app.ID, licensing.Decision{Grounds: "Көлік құралының құжаты жоқ", Checklist: map[string]bool{"documents-match": false}})
	must(t, err)
	if refused.Status != licensing.Refused || refused.Refusal == nil || refused.Refusal.Code != "M4" || !strings.Contains(refused.Refusal.Text.KK, "Көлік құралының құжаты жоқ") {
		t.Fatalf("%+v", refused)
	}
	ruling, err := h.service.Ruling(t.Context(), applicant, app.ID)
	must(t, err)
	if report := h.verifier.Document(t.Context(), ruling.Signed, h.options.Question()); report.Indication != verifier.TotalPassed {
		t.Errorf("the refusal's signature: %s", verdictJSON(t, report))
	}
	signed, err := cms.Parse(ruling.Signed, cms.Limits{})
	must(t, err)
	if !bytes.Equal(signed.Content, ruling.Document) || !bytes.Contains(ruling.Document, []byte(`"code":"M4"`)) {
		t.Errorf("document: %s", ruling.Document)
	}
	if _, err := h.service.Decide(t.Context(), officer, app.ID, approval); !errors.Is(err, licensing.ErrState) {
		t.Errorf("approving a refused one: %v", err)
	}
	stored, err := h.service.Application(t.Context(), applicant, app.ID)
	must(t, err)
	if stored.Refusal == nil || *stored.Refusal != *refused.Refusal {
		t.Errorf("stored: %+v", stored.Refusal)
	}
	h.checkRegister(t)
}

// TestConcurrentDecide: officers of two processes decide the same applications
// at once; each gets one answer, licences are numbered without gap or twin.
func TestConcurrentDecide(t *testing.T) {
	h := newHouse(t)
	other, err := licensing.New(h.options)
	must(t, err)
	services := []*licensing.Service{h.service, other}
	const n = 6
	apps := make([]*licensing.Application, n)
	for i := range apps {
		apps[i] = h.registered(t)
	}
	var mu sync.Mutex
	licences := map[string]map[string]bool{}
	each(n*4, func(i int) {
		app := apps[i%n]
		done, err := services[i%2].Decide(t.Context(), officer, app.ID, licensing.Decision{Approve: i%4 != 3 || i%n == 0, Grounds: "x", Checklist: approval.Checklist})
		if err != nil {
			if !errors.Is(err, licensing.ErrState) {
				t.Error(err)
			}
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if licences[app.ID] == nil {
			licences[app.ID] = map[string]bool{}
		}
		licences[app.ID][string(done.Status)+done.Licence] = true
	})
	serials := map[string]bool{}
	for id, answers := range licences {
		if len(answers) != 1 {
			t.Errorf("%s was answered %v", id, answers)
		}
		for a := range answers {
			if number, ok := strings.CutPrefix(a, "approved"); ok {
				serials[number[7:]] = true
			}
		}
	}
	// A refusal may have given a serial back after a later one was taken; the
	// next approvals fill the holes.
	for range n {
		done, err := h.service.Decide(t.Context(), officer, h.registered(t).ID, approval)
		must(t, err)
		serials[done.Licence[7:]] = true
	}
	for i := 1; i <= len(serials); i++ {
		if !serials[fmt.Sprintf("%08d", i)] {
			t.Errorf("serial %d is missing among %v", i, serials)
		}
	}
	h.checkRegister(t)
}

// breaking fails transactions on demand: before the commit, or after it, so
// that the write that failed yet happened is tried as well.
type breaking struct {
	licensing.Store
	before, after int // of the calls to Update, counted from 1; 0 never
	calls         int
}

var errBroken = errors.New("the disk is gone")

func (b *breaking) Update(ctx context.Context, f func(licensing.Tx) error) error {
	b.calls++
	if b.calls == b.before {
		return b.Store.Update(ctx, func(tx licensing.Tx) error {
			if err := f(tx); err != nil {
				return err
			}
			return errBroken
		})
	}
	err := b.Store.Update(ctx, f)
	if err == nil && b.calls == b.after {
		return errBroken
	}
	return err
}

// TestFaultsInPairs breaks every transaction of registration and decision,
// once without and once with its effect. The repeated call must come to one
// number, one licence, and a register that holds.
func TestFaultsInPairs(t *testing.T) {
	h := newHouse(t)
	whole := h.options.Store
	want := 0
	for _, happened := range []bool{false, true} {
		for call := 1; call <= 2; call++ {
			t.Run(fmt.Sprintf("call %d, happened %v", call, happened), func(t *testing.T) {
				app := h.draft(t)
				signature := sign(t, h.person(t), app.Package, true)
				h.options.Store = fault(whole, call, happened)
				h.reopen(t)
				if _, err := h.service.Submit(t.Context(), applicant, app.ID, signature); !errors.Is(err, errBroken) {
					t.Fatalf("submit: %v", err)
				}
				h.options.Store = whole
				h.reopen(t)
				sub, err := h.service.Submit(t.Context(), applicant, app.ID, signature)
				must(t, err)
				want++
				if number := fmt.Sprintf("PT-%08d", want); sub.Application.Number != number {
					t.Errorf("number %s instead of %s", sub.Application.Number, number)
				}
				h.options.Store = fault(whole, call, happened)
				h.reopen(t)
				if _, err := h.service.Decide(t.Context(), officer, app.ID, approval); !errors.Is(err, errBroken) {
					t.Fatalf("decide: %v", err)
				}
				h.options.Store = whole
				h.reopen(t)
				done, err := h.service.Decide(t.Context(), officer, app.ID, approval)
				must(t, err)
				if serial := fmt.Sprintf("%08d", want); done.Licence[7:] != serial {
					t.Errorf("licence %s instead of serial %s", done.Licence, serial)
				}
				h.checkRegister(t)
			})
		}
	}
}

func fault(s licensing.Store, call int, happened bool) *breaking {
	if happened {
		return &breaking{Store: s, after: call}
	}
	return &breaking{Store: s, before: call}
}

// TestReleasedNumbers: an approval that broke after reserving its number and
// then became a refusal leaves no gap; so does a signature refused meanwhile.
func TestReleasedNumbers(t *testing.T) {
	h := newHouse(t)
	whole := h.options.Store
	first := h.registered(t)
	h.options.Store = fault(whole, 2, false)
	h.reopen(t)
	if _, err := h.service.Decide(t.Context(), officer, first.ID, approval); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	h.options.Store = whole
	h.reopen(t)
	_, err := h.service.Decide(t.Context(), officer, first.ID, licensing.Decision{Grounds: "x"})
	must(t, err)
	done, err := h.service.Decide(t.Context(), officer, h.registered(t).ID, approval)
	must(t, err)
	if done.Licence[7:] != "00000001" {
		t.Errorf("licence %s", done.Licence)
	}

	app := h.draft(t)
	h.options.Store = fault(whole, 2, false)
	h.reopen(t)
	if _, err := h.service.Submit(t.Context(), applicant, app.ID, sign(t, h.person(t), app.Package, true)); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	h.options.Store = whole
	h.reopen(t)
	bad := sign(t, h.issue(t, testpki.Leaf{IIN: personIIN, Auth: true}), app.Package, true)
	sub, err := h.service.Submit(t.Context(), applicant, app.ID, bad)
	must(t, err)
	if sub.Message.Reason != "purpose" {
		t.Fatalf("%+v", sub.Message)
	}
	if next := h.registered(t); next.Number != "PT-00000003" {
		t.Errorf("number %s", next.Number)
	}
	h.checkRegister(t)
}

// TestCheckLicence: what an auditor hears about files and numbers.
func TestCheckLicence(t *testing.T) {
	h := newHouse(t)
	done, err := h.service.Decide(t.Context(), officer, h.registered(t).ID, approval)
	must(t, err)
	l, err := h.service.Licence(t.Context(), done.Licence)
	must(t, err)
	second, err := h.service.Decide(t.Context(), officer, h.registered(t).ID, approval)
	must(t, err)
	changed := bytes.Clone(l.PDF)
	changed[len(changed)-3] ^= 1
	forged := sign(t, h.issue(t, testpki.Leaf{BIN: l.LicensorBIN}), mustContent(t, l.Signed), false)
	type answer struct{ registered, same, force bool }
	for _, c := range []struct {
		name     string
		file     []byte
		number   string
		want     answer
		entitled string
		why      string
	}{
		{"genuine", l.PDF, "", answer{true, true, true}, "true", "unchanged"},
		{"number alone", nil, done.Licence, answer{true, false, true}, "true", "No file was checked"},
		{"number of another", l.PDF, second.Licence, answer{true, false, true}, "true", "another one"},
		{"one byte changed", changed, done.Licence, answer{true, false, true}, "", "changed after issue"},
		{"appended", append(bytes.Clone(l.PDF), "\n%more"...), done.Licence, answer{true, false, true}, "", "changed after issue"},
		{"signed by somebody else", forged, "", answer{true, false, true}, "false", "changed after issue"},
		{"unknown number", nil, "KZ00ZZZ00000001", answer{}, "", "No licence number"},
		{"number never given", nil, numberOf(t, 999), answer{}, "", "No licence of this number"},
		{"no licence at all", []byte("hello"), "", answer{}, "", "No licence number"},
		{"nothing", nil, "", answer{}, "", "No licence number"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var report *verifier.Report
			if c.file != nil {
				report = h.verifier.Document(t.Context(), c.file, h.options.Question())
			}
			got := h.service.CheckLicence(t.Context(), report, c.file, c.number)
			if (answer{got.Registered, got.SameFile, got.InForce}) != c.want || !strings.Contains(got.Why.EN, c.why) {
				t.Errorf("%+v", got)
			}
			if c.entitled != "" && (got.Entitled == nil || fmt.Sprint(*got.Entitled) != c.entitled) {
				t.Errorf("entitled: %v", got.Entitled)
			}
		})
	}
}

func mustContent(t *testing.T, signed []byte) []byte {
	t.Helper()
	sd, err := cms.Parse(signed, cms.Limits{})
	must(t, err)
	return sd.Content
}

// numberOf finds the number of a serial by trying the check digits.
func numberOf(t *testing.T, serial int) string {
	t.Helper()
	for d := range 100 {
		if n := fmt.Sprintf("KZ%02dZZZ%08d", d, serial); licensing.ParseNumber(n) == nil {
			return n
		}
	}
	t.Fatal("no check digits fit")
	return ""
}
