// SPDX-License-Identifier: Apache-2.0

package licensing_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"rastau/internal/store"
	"rastau/licensing"
)

// What officers do to licences and to each other's cases, lawful or not.
var _ = func() bool {
	maps.Copy(stormMoves, map[string]stormMove{
		"suspend":   moveBy(licensing.MoveRequest{Move: licensing.MoveSuspend, Ground: "court", Reference: "1", Reason: "x"}),
		"resume":    moveBy(licensing.MoveRequest{Move: licensing.MoveResume, Ground: "remedied", Reason: "x"}),
		"terminate": moveBy(licensing.MoveRequest{Move: licensing.MoveTerminate, Ground: "voluntary", Reason: "x"}),
		"re-issue":  operate(licensing.OperationReissue), "duplicate": operate(licensing.OperationDuplicate),
		"appendix": operate(licensing.OperationAppendix), "correction": operate(licensing.OperationCorrection),
		"claim": onCase(func(w *storm, s *licensing.Service, id string) error {
			_, err := s.Claim(w.ctx, officer, id)
			return err
		}),
		"claim by another": onCase(func(w *storm, s *licensing.Service, id string) error {
			_, err := s.Claim(w.ctx, second, id)
			if err == nil {
				_, err = s.Release(w.ctx, second, id)
			}
			return err
		}),
		"silence": onCase(func(w *storm, s *licensing.Service, id string) error {
			return s.ComeDue(w.ctx, []byte(`{"subject":"`+id+`","kind":"decision"}`)) // before its time
		}),
		"ask and answer": onCase(func(w *storm, s *licensing.Service, id string) error {
			if err := s.AskAgreement(w.ctx, officer, id, []string{"fire"}); err != nil {
				return err
			}
			return s.AnswerAgreement(w.ctx, officer, id, "fire", true, "")
		}),
		"batch": onCase(func(w *storm, s *licensing.Service, id string) error {
			b, err := s.DecideMany(w.ctx, officer, []string{id}, approval)
			if err != nil {
				return err
			}
			return s.RunBatch(w.ctx, []byte(`"`+b.ID+`"`))
		}),
	})
	stormChecks = append(stormChecks, statesByTheTable)
	return true
}()

func moveBy(q licensing.MoveRequest) stormMove {
	return func(w *storm, service *licensing.Service, pick int) error {
		n, err := w.someLicence(service, pick)
		if err != nil {
			return err
		}
		_, err = service.Move(w.ctx, officer, n, q)
		return err
	}
}

// operate applies for an operation on a licence and has it approved, unless somebody is faster.
func operate(operation string) stormMove {
	return func(w *storm, service *licensing.Service, pick int) error {
		n, err := w.someLicence(service, pick)
		if err != nil {
			return err
		}
		app, err := service.Apply(w.ctx, applicant, w.about(w.tb, operation, n))
		if err != nil {
			return err
		}
		w.mu.Lock()
		w.applications = append(w.applications, app.ID)
		w.mu.Unlock()
		if err := w.submit(service, app); err != nil {
			return err
		}
		_, err = service.Decide(w.ctx, officer, app.ID, approval)
		return err
	}
}

func onCase(f func(*storm, *licensing.Service, string) error) stormMove {
	return func(w *storm, service *licensing.Service, pick int) error {
		app, err := w.application(service, pick)
		if err != nil {
			return err
		}
		return f(w, service, app.ID)
	}
}

// someLicence is one of the register's, in whatever state.
func (w *storm) someLicence(service *licensing.Service, pick int) (string, error) {
	page, err := service.Register(w.ctx, licensing.Search{})
	if err != nil {
		return "", err
	}
	if len(page.Licences) == 0 {
		return "", errNothing
	}
	return page.Licences[pick%len(page.Licences)].Number, nil
}

// statesByTheTable: every licence stands in one of the five states, came there
// by the table alone, and is followed by its successor; of licences that replace
// each other one at most is in force; appendices count without a gap.
func statesByTheTable(w *storm, tx licensing.Tx) error {
	list, err := tx.SearchLicences(licensing.LicenceFilter{Limit: 10_000})
	if err != nil {
		return err
	}
	after := map[string]string{}
	for _, l := range list {
		if !l.State.Valid() {
			return fmt.Errorf("%s is %q", l.Number, l.State)
		}
		rec, err := tx.Licence(l.Number)
		if err != nil {
			return err
		}
		moves, err := tx.Moves(l.Number)
		if err != nil {
			return err
		}
		state := rec.Born
		for _, m := range moves {
			to, err := state.After(m.Move)
			if err != nil || to != m.To {
				return fmt.Errorf("%s: %s from %s: %w", l.Number, m.Move, state, err)
			}
			state = to
		}
		if state != l.State || len(moves) != rec.Moves {
			return fmt.Errorf("%s is %s, its moves lead to %s", l.Number, l.State, state)
		}
		if l.Predecessor != "" {
			if other := after[l.Predecessor]; other != "" {
				return fmt.Errorf("%s was replaced by %s and by %s", l.Predecessor, other, l.Number)
			}
			after[l.Predecessor] = l.Number
			before, err := tx.Licence(l.Predecessor)
			if err != nil || before.Licence.State != licensing.StateTerminated || before.Licence.Successor != l.Number {
				return fmt.Errorf("%s was replaced by %s and is %+v, %w", l.Predecessor, l.Number, before, err)
			}
		}
		appendices, err := tx.Appendices(l.Number)
		if err != nil {
			return err
		}
		var numbers []string
		for _, a := range appendices {
			numbers = append(numbers, a.Number)
		}
		slices.Sort(numbers)
		if len(slices.Compact(slices.Clone(numbers))) != len(numbers) {
			return fmt.Errorf("appendices of %s: %v", l.Number, numbers)
		}
	}
	return nil
}

// fill takes the numbers that refusals gave back: afterwards none is missing.
func (w *storm) fill(r *rapid.T, s *store.Store) {
	for range 12 {
		missing := 0
		err := s.View(w.ctx, func(tx licensing.Tx) error {
			list, err := tx.SearchLicences(licensing.LicenceFilter{Limit: 10_000})
			highest := 0
			for _, l := range list {
				var n int
				if _, err := fmt.Sscanf(l.Number[7:], "%08d", &n); err != nil {
					return err
				}
				highest = max(highest, n)
			}
			missing = highest - len(list)
			return err
		})
		if err != nil {
			r.Fatal(err)
		}
		if missing == 0 {
			return
		}
		service := w.services[0]
		app, err := service.Apply(w.ctx, applicant, w.form(w.tb))
		if err != nil {
			r.Fatal(err)
		}
		if err := w.submit(service, app); err != nil {
			r.Fatal(err)
		}
		// An application that holds a reserved number may be waiting: it is decided too, by a refusal where its licence has gone.
		for _, id := range append(w.waiting(r, s), app.ID) {
			_, err := service.Decide(w.ctx, officer, id, approval)
			if errors.Is(err, licensing.ErrState) {
				_, err = service.Decide(w.ctx, officer, id, licensing.Decision{Grounds: "x"})
			}
			if !lawful(err) {
				r.Fatal(err)
			}
		}
	}
	r.Fatal("numbers of licences are missing and are not given out again")
}

func (w *storm) waiting(r *rapid.T, s *store.Store) (ids []string) {
	err := s.View(w.ctx, func(tx licensing.Tx) error {
		list, err := tx.Queue(licensing.QueueFilter{Limit: 1000, DueBefore: time.Now().AddDate(1, 0, 0)})
		for _, l := range list {
			ids = append(ids, l.ID)
		}
		return err
	})
	if err != nil && !strings.Contains(err.Error(), "not found") {
		r.Fatal(err)
	}
	return ids
}
