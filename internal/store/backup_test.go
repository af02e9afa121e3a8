// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"rastau/internal/account"
	"rastau/internal/archive"
	"rastau/internal/blob"
	"rastau/internal/store"
	"rastau/internal/testpostgres"
	"rastau/licensing"
)

// TestBackupKnowsEveryTable: a table that a migration adds belongs into the backup, or its rows are lost unseen.
func TestBackupKnowsEveryTable(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		have, err := openStore(t, database).TableNames(t.Context())
		must(t, err)
		known := append([]string{store.Versions}, store.Tables...)
		slices.Sort(known)
		if !slices.Equal(have, known) {
			t.Errorf("the database has the tables\n%q, a backup takes\n%q", have, known)
		}
	})
}

// TestRestoreEndsSessions: a session that was ended after the backup does not come back to life, and nothing that was there is lost.
func TestRestoreEndsSessions(t *testing.T) {
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			place := func() string {
				if kind == "postgres" {
					return testpostgres.Database(t)
				}
				return filepath.Join(t.TempDir(), "register.db")
			}
			folder := filepath.Join(t.TempDir(), "blobs")
			from := sealed(t, place(), folder)()
			now := time.Now().UTC().Truncate(time.Millisecond)
			person := account.Person{ID: "p-1", Login: "person", Name: "ҮЛГІБАЕВА ҚҰНДЫЗ", Roles: []account.Role{account.Auditor}, Created: now}
			scan := bytes.Repeat([]byte("scan"), 1000)
			must(t, from.Keep(t.Context(), scan))
			var name string
			must(t, from.Update(t.Context(), func(tx licensing.Tx) (err error) { name, err = tx.PutBlob(scan); return err }))
			event := account.Event{At: now, Person: person.ID, Kind: "entered", From: "test", By: "test"}
			must(t, from.Accounts().AddPerson(t.Context(), &person, event))
			must(t, from.Accounts().AddSession(t.Context(), &account.Session{TokenSHA256: "digest", Person: person.ID, Method: "password", Created: now, Seen: now}, event))
			var file bytes.Buffer
			b, err := from.Backup(t.Context(), &file, store.BackupOptions{Program: "test", Now: now})
			must(t, err)
			if b.Rows["people"] != 1 || b.Rows["sessions"] != 1 || b.Blobs != 1 || !b.Sealed || len(b.Missing) != 0 {
				t.Errorf("%+v", b)
			}
			if bytes.Contains(file.Bytes(), []byte(person.Name)) {
				t.Error("a sealed name stands open in the archive")
			}
			other, err := blob.NewFolder(filepath.Join(t.TempDir(), "blobs"))
			must(t, err)
			to := store.Options{Database: place(), Blobs: other, Masters: masters(t, "a")}
			wrong := to
			wrong.Masters = masters(t, "b")
			if _, err := store.Restore(t.Context(), bytes.NewReader(file.Bytes()), wrong, store.RestoreOptions{Now: now}); err == nil {
				t.Error("restored without the master key")
			}
			_, err = store.Restore(t.Context(), bytes.NewReader(file.Bytes()), to, store.RestoreOptions{Now: now.Add(time.Hour)})
			must(t, err)
			s := openWith(t, to)
			got, err := s.Accounts().PersonByLogin(t.Context(), person.Login)
			if err != nil || got.Name != person.Name {
				t.Errorf("the person: %+v, %v", got, err)
			}
			session, _, err := s.Accounts().Session(t.Context(), "digest")
			if err != nil || !session.Ended.Equal(now.Add(time.Hour)) {
				t.Errorf("the session: %+v, %v", session, err)
			}
			must(t, s.View(t.Context(), func(tx licensing.Tx) error {
				got, err := tx.Blob(name)
				if !bytes.Equal(got, scan) {
					t.Errorf("the blob: %d bytes, %v", len(got), err)
				}
				return nil
			}))
			if _, err := store.Restore(t.Context(), bytes.NewReader(file.Bytes()), to, store.RestoreOptions{Now: now}); !errors.Is(err, store.ErrNotEmpty) {
				t.Errorf("over a register: %v", err)
			}
		})
	}
}

// TestBackupNamesLostBlobs: a blob that is gone or was changed is named, and the rest is saved.
func TestBackupNamesLostBlobs(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "blobs")
	database := filepath.Join(t.TempDir(), "register.db")
	s := sealed(t, database, folder)()
	var names []string
	for _, text := range []string{"one", "two", "three"} {
		must(t, s.Update(t.Context(), func(tx licensing.Tx) error {
			name, err := tx.PutBlob([]byte(text))
			names = append(names, name)
			return err
		}))
	}
	blobs, err := blob.NewFolder(folder)
	must(t, err)
	must(t, blobs.Remove(t.Context(), names[0]))
	must(t, blobs.Remove(t.Context(), names[1]))
	must(t, blobs.Put(t.Context(), names[1], []byte("another")))
	var file bytes.Buffer
	b, err := s.Backup(t.Context(), &file, store.BackupOptions{Program: "test", Now: time.Now()})
	must(t, err)
	slices.Sort(names[:2])
	if !slices.Equal(b.Missing, names[:2]) || b.Blobs != 1 {
		t.Errorf("%+v", b)
	}
	proven, err := store.Prove(t.Context(), bytes.NewReader(file.Bytes()), store.Options{Masters: masters(t, "a")}, store.RestoreOptions{Now: time.Now()})
	if err != nil || !slices.Equal(proven.Missing, names[:2]) {
		t.Errorf("%+v, %v", proven, err)
	}
	if _, err := store.Prove(t.Context(), bytes.NewReader([]byte("no archive")), store.Options{}, store.RestoreOptions{}); !errors.Is(err, archive.ErrBroken) {
		t.Errorf("no archive: %v", err)
	}
}
