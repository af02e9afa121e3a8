// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"rastau/internal/account"
	"rastau/internal/phrase"
	"rastau/internal/store"
	"rastau/licensing"
)

// Keys hold until they are revoked; ids and tokens stand once.
func TestAPIKeys(t *testing.T) {
	both(t, func(t *testing.T, open func() *store.Store) {
		s := open()
		t.Cleanup(func() { must(t, s.Close()) })
		a, at := s.Accounts(), time.Now().UTC().Truncate(time.Millisecond)
		k := account.Key{ID: "key.portal", Name: "Портал Ә", Roles: []account.Role{account.Applicant, account.Auditor}, TokenSHA256: strings.Repeat("a", 64), Created: at, By: "admin.1"}
		e := account.Event{At: at, Person: k.ID, Kind: account.EventKeyMade, From: "192.0.2.7", By: "admin.1"}
		must(t, a.AddKey(t.Context(), &k, e))
		if err := a.AddKey(t.Context(), &k, e); !errors.Is(err, account.ErrTaken) {
			t.Errorf("twice: %v", err)
		}
		got, err := a.KeyByToken(t.Context(), k.TokenSHA256)
		must(t, err)
		if fmt.Sprint(*got) != fmt.Sprint(k) {
			t.Errorf("%+v, want %+v", got, k)
		}
		if _, err := a.KeyByToken(t.Context(), strings.Repeat("b", 64)); !errors.Is(err, account.ErrUnknown) {
			t.Errorf("another's token: %v", err)
		}
		e.Kind, e.At = account.EventKeyRevoked, at.Add(time.Second)
		must(t, a.RevokeKey(t.Context(), k.ID, e))
		if err := a.RevokeKey(t.Context(), k.ID, e); !errors.Is(err, account.ErrUnknown) {
			t.Errorf("revoked twice: %v", err)
		}
		list, err := a.Keys(t.Context())
		must(t, err)
		if len(list) != 1 || !list[0].Revoked.Equal(e.At) || list[0].RevokedBy != "admin.1" {
			t.Errorf("%+v", list)
		}
	})
}

// The search puts both journals together by time, pages them without losing or repeating a line, and filters.
func TestSearchInWhatWasDone(t *testing.T) {
	both(t, func(t *testing.T, open func() *store.Store) {
		s := open()
		t.Cleanup(func() { must(t, s.Close()) })
		start := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
		for i := range 30 {
			at := start.Add(time.Duration(i/4) * time.Minute) // several at one moment
			must(t, s.Accounts().AddEvent(t.Context(), account.Event{At: at, Person: fmt.Sprintf("p%d", i%3), Kind: "logged-in", From: "192.0.2.1"}))
			must(t, s.Update(t.Context(), func(tx licensing.Tx) error {
				return tx.AddEvent(&licensing.Event{Subject: "app-1", At: at, Actor: fmt.Sprintf("p%d", i%3), Kind: "claimed"})
			}))
		}
		seen, pages := 0, 0
		var q account.Search
		q.Limit = 7
		var last time.Time
		for {
			list, err := s.Accounts().Search(t.Context(), q)
			must(t, err)
			if len(list) == 0 {
				break
			}
			pages++
			for _, l := range list {
				seen++
				if !last.IsZero() && l.At.After(last) {
					t.Fatalf("out of order: %v after %v", l.At, last)
				}
				last = l.At
			}
			before, skip := q.Before, 0
			if before.Equal(last) {
				skip = q.Skip
			}
			for _, l := range list {
				if l.At.Equal(last) {
					skip++
				}
			}
			q.Before, q.Skip = last, skip
		}
		if seen != 60 || pages != 9 {
			t.Errorf("%d lines on %d pages", seen, pages)
		}
		for _, c := range []struct {
			q    account.Search
			want int
		}{
			{account.Search{Who: "p1", Limit: 100}, 20}, {account.Search{Kind: "claimed", Limit: 100}, 30}, {account.Search{Who: "app-1", Limit: 100}, 30},
			{account.Search{From: start.Add(7 * time.Minute), Limit: 100}, 4}, {account.Search{Before: start, Limit: 100}, 8}, {account.Search{Who: "nobody", Limit: 100}, 0},
		} {
			list, err := s.Accounts().Search(t.Context(), c.q)
			must(t, err)
			if len(list) != c.want {
				t.Errorf("%+v: %d lines, want %d", c.q, len(list), c.want)
			}
		}
	})
}

// Lines of the table of signers and their ends stand once, and nothing changes them.
func TestSigners(t *testing.T) {
	both(t, func(t *testing.T, open func() *store.Store) {
		s := open()
		t.Cleanup(func() { must(t, s.Close()) })
		from := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
		line := licensing.Authority{Officer: "officer.2", Name: "Ұ. Әлі", Position: phrase.Text{KK: "басшы", RU: "руководитель", EN: "head"}, Licensor: "100640000312", Certificate: strings.Repeat("c", 64), From: from}
		add := func() error {
			return s.Update(t.Context(), func(tx licensing.Tx) error { return tx.AddSigner("l1", line) })
		}
		must(t, add())
		if err := add(); !errors.Is(err, licensing.ErrState) {
			t.Errorf("twice: %v", err)
		}
		end := func(until time.Time) error {
			return s.Update(t.Context(), func(tx licensing.Tx) error { return tx.EndSigner("l1", until) })
		}
		must(t, end(from.Add(time.Hour)))
		if err := end(from.Add(2 * time.Hour)); !errors.Is(err, licensing.ErrState) {
			t.Errorf("ended twice: %v", err)
		}
		must(t, s.View(t.Context(), func(tx licensing.Tx) error {
			added, ends, err := tx.Signers()
			if err == nil && (len(added) != 1 || fmt.Sprint(added[0]) != fmt.Sprint(line) || !ends["l1"].Equal(from.Add(time.Hour))) {
				t.Errorf("%+v %+v", added, ends)
			}
			return err
		}))
	})
}
