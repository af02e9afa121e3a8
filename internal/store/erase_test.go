// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"errors"
	"testing"
	"time"

	"rastau/internal/account"
	"rastau/internal/store"
	"rastau/licensing"
)

// TestErase: old drafts go with what only they attach, old sessions and log-ins go; what is younger, paid, or attached elsewhere stays.
func TestErase(t *testing.T) { both(t, testErase) }

func testErase(t *testing.T, open func() *store.Store) {
	s := open()
	now := time.UnixMilli(1_800_000_000_000).UTC()
	day := 24 * time.Hour
	must(t, s.Update(t.Context(), func(tx licensing.Tx) error {
		for id, age := range map[string]time.Duration{"old": 100 * day, "young": 10 * day} {
			a := draft(id)
			a.Created = now.Add(-age)
			for _, content := range []string{id, "both have it"} {
				sum, err := tx.PutBlob([]byte(content))
				if err != nil {
					return err
				}
				a.Attachments = append(a.Attachments, licensing.Attachment{Document: "d", Name: content, Type: "text/plain", Size: int64(len(content)), SHA256: sum})
			}
			if err := tx.AddApplication(a); err != nil {
				return err
			}
		}
		return nil
	}))
	people := s.Accounts()
	for _, age := range []time.Duration{400 * day, day} {
		must(t, people.AddEvent(t.Context(), account.Event{At: now.Add(-age), Person: "p", Kind: "logged-in"}))
	}
	terms := store.Terms{Drafts: 90 * day, Sessions: day, Events: 365 * day}
	done, err := s.Erase(t.Context(), now, terms)
	must(t, err)
	if done != (store.Erased{Drafts: 1, Events: 1, Blobs: 1}) {
		t.Errorf("%+v", done)
	}
	must(t, s.View(t.Context(), func(tx licensing.Tx) error {
		if _, err := tx.Application("old"); !errors.Is(err, licensing.ErrNotFound) {
			t.Errorf("the old draft: %v", err)
		}
		young, err := tx.Application("young")
		must(t, err)
		for _, a := range young.Attachments {
			if _, err := tx.Blob(a.SHA256); err != nil {
				t.Errorf("%s: %v", a.Name, err)
			}
		}
		if _, err := tx.Blob(digestOf("old")); err == nil {
			t.Error("what only the old draft attached is still there")
		}
		return nil
	}))
	if again, err := s.Erase(t.Context(), now, terms); err != nil || again != (store.Erased{}) {
		t.Errorf("%+v %v", again, err)
	}
	if kept, err := s.Erase(t.Context(), now.Add(1000*day), store.Terms{}); err != nil || kept != (store.Erased{}) {
		t.Errorf("without terms: %+v %v", kept, err)
	}
}
