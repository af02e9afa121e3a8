// SPDX-License-Identifier: Apache-2.0

package licensing_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"rastau/internal/journal"
	"rastau/internal/pki"
	"rastau/internal/store"
	"rastau/internal/testpostgres"
	"rastau/licensing"
)

// storm is a register on which several officers act at once, lawfully or not.
type storm struct {
	*house
	tb       testing.TB
	ctx      context.Context
	key      *pki.Key             // the applicant's
	services []*licensing.Service // of several processes, each with a store of its own on the same database
	signed   sync.Map             // application → signature, so that a repetition is one

	mu           sync.Mutex
	applications []string // ids
}

// stormMove is one thing that somebody tries. pick chooses what it is tried on,
// service the process that is asked. The error says why it was refused.
type stormMove func(w *storm, service *licensing.Service, pick int) error

// stormMoves are drawn at random; each file of tests adds its own.
var stormMoves = map[string]stormMove{
	"register": func(w *storm, service *licensing.Service, _ int) error {
		app, err := service.Apply(w.ctx, applicant, w.form(w.tb))
		if err != nil {
			return err
		}
		w.mu.Lock()
		w.applications = append(w.applications, app.ID)
		w.mu.Unlock()
		return w.submit(service, app)
	},
	"apply": func(w *storm, service *licensing.Service, _ int) error {
		app, err := service.Apply(w.ctx, applicant, w.form(w.tb))
		if err == nil {
			w.mu.Lock()
			w.applications = append(w.applications, app.ID)
			w.mu.Unlock()
		}
		return err
	},
	"submit again": func(w *storm, service *licensing.Service, pick int) error {
		app, err := w.application(service, pick)
		if err != nil {
			return err
		}
		return w.submit(service, app)
	},
	"approve": func(w *storm, service *licensing.Service, pick int) error { return w.decide(service, pick, true) },
	"refuse":  func(w *storm, service *licensing.Service, pick int) error { return w.decide(service, pick, false) },
}

// errNothing: there is nothing yet to try the move on.
var errNothing = errors.New("nothing to try it on")

// application is one of those made so far.
func (w *storm) application(service *licensing.Service, pick int) (*licensing.Application, error) {
	w.mu.Lock()
	if len(w.applications) == 0 {
		w.mu.Unlock()
		return nil, errNothing
	}
	id := w.applications[pick%len(w.applications)]
	w.mu.Unlock()
	return service.Application(w.ctx, licensing.Actor{ID: applicant.ID, Applicant: true, Admin: true}, id)
}

func (w *storm) submit(service *licensing.Service, app *licensing.Application) error {
	signature, ok := w.signed.Load(app.ID)
	if !ok {
		signature, _ = w.signed.LoadOrStore(app.ID, sign(w.tb, w.key, app.Package, true))
	}
	sub, err := service.Submit(w.ctx, applicant, app.ID, signature.([]byte))
	if err == nil && sub.Application.Number == "" {
		return fmt.Errorf("not registered: %s", sub.Message.Text.EN)
	}
	return err
}

func (w *storm) decide(service *licensing.Service, pick int, approve bool) error {
	app, err := w.application(service, pick)
	if err != nil {
		return err
	}
	_, err = service.Decide(w.ctx, officer, app.ID, licensing.Decision{Approve: approve, Grounds: "does not meet the requirements", Checklist: approval.Checklist})
	return err
}

// refusals are the errors by which an unlawful move is refused. Anything else is a fault.
func lawful(err error) bool {
	var input *licensing.InputError
	var refusal *licensing.RefusalError
	return err == nil || errors.Is(err, errNothing) || errors.Is(err, licensing.ErrState) || errors.Is(err, licensing.ErrNotAuthority) ||
		errors.Is(err, licensing.ErrForbidden) || errors.Is(err, licensing.ErrLater) || errors.As(err, &input) || errors.As(err, &refusal)
}

// TestStorm: whatever several officers try at once through several processes,
// no number is lost or given twice, the log only grows, and the register agrees
// with it after every round.
func TestStorm(t *testing.T) {
	checks := "6"
	if testing.Short() {
		checks = "2"
	}
	must(t, flag.Set("rapid.checks", checks))
	defer func() { must(t, flag.Set("rapid.checks", "100")) }()
	t.Run("sqlite", func(t *testing.T) {
		made := 0
		storms(t, func() string { made++; return filepath.Join(t.TempDir(), fmt.Sprintf("storm%d.db", made)) })
	})
	t.Run("postgres", func(t *testing.T) {
		storms(t, func() string { return testpostgres.Database(t) })
	})
}

func storms(t *testing.T, database func() string) {
	h := newHouse(t)
	key := h.person(t)
	names := slices.Sorted(maps.Keys(stormMoves))
	rapid.Check(t, func(r *rapid.T) {
		w := &storm{house: h, ctx: context.Background(), key: key, tb: t}
		address := database()
		var stores []*store.Store
		for range 2 {
			s, err := store.Open(w.ctx, store.Options{Database: address})
			if err != nil {
				r.Fatal(err)
			}
			defer s.Close()
			o := h.options
			o.Store = s
			service, err := licensing.New(o)
			if err != nil {
				r.Fatal(err)
			}
			stores, w.services = append(stores, s), append(w.services, service)
		}
		var head journal.Head
		for round := range rapid.IntRange(3, 8).Draw(r, "rounds") {
			var wg sync.WaitGroup
			for i := range rapid.IntRange(2, 6).Draw(r, "officers") {
				// The first round has something to decide on.
				name := "register"
				if round > 0 || i > 1 {
					name = rapid.SampledFrom(names).Draw(r, "move")
				}
				pick := rapid.IntRange(0, 3).Draw(r, "pick")
				wg.Go(func() {
					if err := stormMoves[name](w, w.services[i%len(w.services)], pick); !lawful(err) {
						t.Errorf("round %d, %s: %v", round, name, err)
					}
				})
			}
			wg.Wait()
			if t.Failed() {
				r.FailNow()
			}
			head = w.proveRegister(r, stores[round%len(stores)], head)
		}
		w.fill(r, stores[0])
	})
}

// stormChecks prove what must hold after every round; each file of tests may add its own.
var stormChecks = []func(w *storm, tx licensing.Tx) error{numbersWhole}

// proveRegister proves the whole register again and that it grew from before.
func (w *storm) proveRegister(r *rapid.T, s *store.Store, before journal.Head) journal.Head {
	head, err := licensing.CheckRegister(w.ctx, s)
	if err != nil {
		r.Fatalf("the register does not hold: %v", err)
	}
	err = s.View(w.ctx, func(tx licensing.Tx) error {
		growth, err := journal.ProveGrowth(tx, before.Size, head.Size)
		if err == nil && before.Size > 0 {
			err = journal.CheckGrowth(growth, before, head)
		}
		if err != nil && before.Size > 0 {
			return fmt.Errorf("the log was rewritten: %w", err)
		}
		for _, check := range stormChecks {
			if err := check(w, tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		r.Fatal(err)
	}
	return head
}

// numbersWhole: numbers of applications and licences count from 1 without a gap
// or a twin. A number that an interrupted step has reserved is not lost: the
// next try of the same application takes it.
func numbersWhole(w *storm, tx licensing.Tx) error {
	list, err := tx.Applications(licensing.Filter{})
	if err != nil {
		return err
	}
	var applications, licences []int
	refused := 0
	for _, a := range list {
		if a.Status == licensing.Refused {
			refused++
		}
		if (a.Status == licensing.Draft) != (a.Number == "") {
			return fmt.Errorf("application %s is %s with the number %q", a.ID, a.Status, a.Number)
		}
		if a.Number != "" {
			n, err := strconv.Atoi(a.Number[strings.LastIndexByte(a.Number, '-')+1:])
			if err != nil {
				return err
			}
			applications = append(applications, n)
		} else if n, err := tx.Serial("application/"+w.prefix(a.Service), a.ID); err == nil {
			applications = append(applications, int(n))
		}
		if strings.Contains(a.Licence, "/") {
			continue // an appendix: appendicesWhole counts it
		}
		if a.Licence != "" {
			n, err := strconv.Atoi(a.Licence[len(a.Licence)-8:])
			if err != nil {
				return err
			}
			licences = append(licences, n)
		} else if n, err := tx.Serial("licence/"+w.options.LicenceCode, a.ID); err == nil {
			licences = append(licences, int(n))
		}
	}
	for name, numbers := range map[string][]int{"applications": applications, "licences": licences} {
		slices.Sort(numbers)
		if len(slices.Compact(slices.Clone(numbers))) != len(numbers) {
			return fmt.Errorf("a twin among the numbers of %s: %v", name, numbers)
		}
		holes := 0
		if len(numbers) > 0 {
			holes = numbers[len(numbers)-1] - len(numbers)
		}
		// A number that an approval had reserved and a refusal gave back waits for the next approval.
		if name == "licences" && holes > refused || name == "applications" && holes > 0 {
			return fmt.Errorf("numbers of %s: %v", name, numbers)
		}
	}
	return nil
}

// prefix of a service's application numbers.
func (w *storm) prefix(service string) string {
	i := slices.IndexFunc(w.options.Regulations, func(r *licensing.Regulation) bool { return r.Key == service })
	return w.options.Regulations[i].Numbering.Prefix
}
