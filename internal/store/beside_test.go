// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"rastau/internal/store"
	"rastau/internal/testpostgres"
	"rastau/licensing"
)

// TestLook: one question is answered, a second one and every write are refused,
// because they could see or make another state.
func TestLook(t *testing.T) {
	both(t, func(t *testing.T, open func() *store.Store) {
		s := open()
		add(t, s, "a1")
		must(t, s.Look(t.Context(), func(tx licensing.Tx) error { return second(tx.Application("a1")) }))
		if err := s.Look(t.Context(), func(tx licensing.Tx) error {
			if err := second(tx.Application("a1")); err != nil {
				return err
			}
			return second(tx.Application("a1"))
		}); err == nil {
			t.Error("a look asked twice")
		}
		if err := s.Look(t.Context(), func(tx licensing.Tx) error { return tx.AddApplication(draft("a2")) }); err == nil {
			t.Error("a look wrote")
		}
		if err := s.View(t.Context(), func(tx licensing.Tx) error { return second(tx.Application("a2")) }); !errors.Is(err, licensing.ErrNotFound) {
			t.Errorf("%v", err)
		}
	})
}

// entered is a draft on its way into the register.
func entered(id string) *licensing.Application {
	now := time.Now()
	a := draft(id)
	a.Number, a.Status, a.Registered, a.Deadline = "N "+id, licensing.Registered, &now, &now
	return a
}

// TestEnter: a draft is registered once, and only with a serial of its own.
func TestEnter(t *testing.T) {
	both(t, func(t *testing.T, open func() *store.Store) {
		s := open()
		add(t, s, "a1")
		add(t, s, "a2")
		var serial int64
		must(t, s.Update(t.Context(), func(tx licensing.Tx) error { return tx.Reserve("s", "a1", &serial) }))
		enter := func(id string, serial int64) error {
			a := entered(id)
			return s.Update(t.Context(), func(tx licensing.Tx) error { return tx.Enter(a, "s", serial) })
		}
		for name, err := range map[string]error{"another's": enter("a2", serial), "none": enter("a2", 7), "wrong": enter("a1", serial+1)} {
			if !errors.Is(err, licensing.ErrOvertaken) {
				t.Errorf("%s serial: %v", name, err)
			}
		}
		must(t, enter("a1", serial))
		if err := enter("a1", serial); !errors.Is(err, licensing.ErrOvertaken) {
			t.Errorf("registered twice: %v", err)
		}
	})
}

// TestBeside: one reference pays for one application, one draft is sealed once,
// whoever writes at the same time and in whichever process.
func TestBeside(t *testing.T) {
	both(t, func(t *testing.T, open func() *store.Store) {
		one, two := open(), open()
		for i := range 20 {
			a := draft(fmt.Sprintf("a%d", i))
			a.Package = []byte{}
			must(t, one.Update(t.Context(), func(tx licensing.Tx) error { return tx.AddApplication(a) }))
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		paid, sealed := map[string]int{}, map[string]int{}
		for i := range 20 {
			for k, s := range []*store.Store{one, two} {
				wg.Go(func() {
					id, reference := fmt.Sprintf("a%d", (i+k)%20), fmt.Sprintf("r%d", i)
					err := s.Beside(t.Context(), func(tx licensing.BesideTx) error {
						return tx.AddPayment(&licensing.PaymentRecord{Application: id, Reference: reference, Amount: 1, Opened: time.Now()})
					})
					a := draft(fmt.Sprintf("a%d", i))
					a.Package = fmt.Appendf(nil, "package of %d", k)
					serr := s.Beside(t.Context(), func(tx licensing.BesideTx) error { return tx.ChangeDraft(a) })
					mu.Lock()
					defer mu.Unlock()
					switch {
					case err == nil:
						paid[reference]++
					case !errors.Is(err, licensing.ErrPaid):
						t.Errorf("payment: %v", err)
					}
					switch {
					case serr == nil:
						sealed[a.ID]++
					case !errors.Is(serr, licensing.ErrState):
						t.Errorf("seal: %v", serr)
					}
				})
			}
		}
		wg.Wait()
		for i := range 20 {
			if n := paid[fmt.Sprintf("r%d", i)]; n > 1 {
				t.Errorf("reference %d pays for %d applications", i, n)
			}
			if n := sealed[fmt.Sprintf("a%d", i)]; n != 1 {
				t.Errorf("draft %d was sealed %d times", i, n)
			}
		}
	})
}

// TestBesideDoesNotWait: on PostgreSQL such a step ends while another process writes.
func TestBesideDoesNotWait(t *testing.T) {
	address := testpostgres.Database(t)
	one, two := openStore(t, address), openStore(t, address)
	add(t, one, "a1")
	must(t, one.Update(t.Context(), func(tx licensing.Tx) error {
		if _, err := tx.LogSize(); err != nil { // the lock is held from here on
			return err
		}
		return two.Beside(t.Context(), func(tx licensing.BesideTx) error {
			a := draft("a2")
			for _, content := range []string{"one", "two"} {
				sum, err := tx.PutBlob([]byte(content))
				if err != nil {
					return err
				}
				a.Attachments = append(a.Attachments, licensing.Attachment{Document: "d", Name: content, Type: "text/plain", Size: 3, SHA256: sum})
			}
			return errors.Join(tx.AddApplication(a), tx.AddPayment(&licensing.PaymentRecord{Application: "a1", Reference: "r", Amount: 1, Opened: time.Now()}))
		})
	}))
}

// TestDraftsBeside: drafts of several processes come into the list at the same time, with the same attachment, while old ones that
// had it are erased; nothing that was saved is lost, and what it attaches is there.
func TestDraftsBeside(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		open := sealed(t, database, filepath.Join(t.TempDir(), "blobs"))
		stores := []*store.Store{open(), open()}
		save := func(s *store.Store, id string, created time.Time) error {
			return s.Beside(t.Context(), func(tx licensing.BesideTx) error {
				a := draft(id)
				sum, err := tx.PutBlob([]byte("the same scan"))
				a.Created, a.Attachments = created, []licensing.Attachment{{Document: "d", Name: "n", Type: "text/plain", Size: 13, SHA256: sum}}
				return errors.Join(err, tx.AddApplication(a))
			})
		}
		now := time.Now()
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				if i%8 == 7 {
					if _, err := stores[i/8%2].Erase(t.Context(), now, store.Terms{Drafts: time.Hour}); err != nil {
						t.Error(err)
					}
					return
				}
				created := now
				if i%2 == 0 {
					created = now.Add(-2 * time.Hour)
				}
				if err := save(stores[i%3%2], fmt.Sprintf("a%d", i), created); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		must(t, stores[0].View(t.Context(), func(tx licensing.Tx) error {
			all, err := tx.Applications(licensing.Filter{})
			young := 0
			for _, a := range all {
				if a.Created.After(now.Add(-time.Hour)) {
					young++
				}
				_, lost := tx.Blob(a.Attachments[0].SHA256)
				err = errors.Join(err, lost)
			}
			if young != 15 {
				t.Errorf("%d of 15 drafts stand", young)
			}
			return err
		}))
	})
}
