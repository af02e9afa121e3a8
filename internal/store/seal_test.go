// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rastau/internal/account"
	"rastau/internal/blob"
	"rastau/internal/journal"
	"rastau/internal/outbox"
	"rastau/internal/phrase"
	"rastau/internal/seal"
	"rastau/internal/store"
	"rastau/licensing"
)

// secret is what must never be found on the disk.
const secret = "ТҰЛҒА-850412300417"

const secretNumber = "850412300417"

// personal writes a secret into every place that holds personal data.
func personal(t testing.TB, s *store.Store, id string) {
	t.Helper()
	must(t, s.Keep(t.Context(), []byte("%PDF-1.4 "+secret+id)))
	must(t, s.Update(t.Context(), func(tx licensing.Tx) error {
		sum, err := tx.PutBlob([]byte("%PDF-1.4 " + secret + id))
		if err != nil {
			return err
		}
		a := draft(id)
		a.Applicant.Name, a.Applicant.IIN, a.Package = secret, secretNumber, []byte(secret)
		a.Attachments = []licensing.Attachment{{Document: "d", Name: secret + ".pdf", Type: "application/pdf", Size: 9, SHA256: sum}}
		if err := tx.AddApplication(a); err != nil {
			return err
		}
		n, err := journal.Append(tx, []byte("entry"))
		if err != nil {
			return err
		}
		at := time.UnixMilli(1_700_000_000_000)
		a.Number, a.Status, a.Registered = "PT-"+id, licensing.Refused, &at
		a.Refusal = &licensing.Message{Code: "M4", Text: phrase.Text{KK: secret}}
		return errors.Join(
			tx.MoveApplication(a),
			tx.AddRegistration(&licensing.Registration{Application: id, Number: a.Number, At: at, SignatureSHA256: "x", Signature: []byte(secret),
				Stamped: []byte(secret), Report: []byte(secret), Receipt: []byte(secret), Entry: n}),
			tx.AddRuling(&licensing.Ruling{Application: id, At: at, Officer: "o", Document: []byte(secret), Signed: []byte(secret), Entry: n}),
			tx.AddEvent(&licensing.Event{Subject: id, At: at, Actor: "o", Kind: "k", Body: []byte(`"` + secret + `"`)}),
			tx.Enqueue(outbox.Message{ID: "m" + id, Kind: "k", Body: []byte(secret)}))
	}))
	must(t, s.AddExchange(t.Context(), store.Exchange{ID: "e" + id, System: "registers", Request: []byte(secret), Response: []byte(secret)}))
	must(t, s.Accounts().AddPerson(t.Context(), &account.Person{ID: "p" + id, Login: secretNumber + id, Name: secret, IIN: secretNumber, BIN: "b" + id,
		Roles: []account.Role{account.Applicant}, Created: time.UnixMilli(1_700_000_000_000)}, account.Event{Person: "p" + id, Kind: "registered"}))
}

// readPersonal proves that everything reads back.
func readPersonal(t testing.TB, s *store.Store, id string) {
	t.Helper()
	must(t, s.View(t.Context(), func(tx licensing.Tx) error {
		list, err := tx.Applications(licensing.Filter{Holder: secretNumber})
		if err != nil {
			return err
		}
		found := false
		for _, a := range list {
			found = found || a.ID == id
		}
		a, err := tx.Application(id)
		if err != nil {
			return err
		}
		if !found || a.Applicant.Name != secret || string(a.Package) != secret || a.Attachments[0].Name != secret+".pdf" || a.Refusal.Text.KK != secret {
			t.Errorf("application %+v, found by its number: %v", a, found)
		}
		content, err := tx.Blob(a.Attachments[0].SHA256)
		if err != nil || string(content) != "%PDF-1.4 "+secret+id {
			t.Errorf("attachment %q %v", content, err)
		}
		r, err := tx.Registration(id)
		if err != nil || string(r.Signature) != secret || string(r.Stamped) != secret || string(r.Report) != secret || string(r.Receipt) != secret {
			t.Errorf("registration %+v %v", r, err)
		}
		ruling, err := tx.Ruling(id)
		if err != nil || string(ruling.Document) != secret || string(ruling.Signed) != secret {
			t.Errorf("ruling %+v %v", ruling, err)
		}
		events, err := tx.Events(id)
		if err != nil || string(events[0].Body) != `"`+secret+`"` {
			t.Errorf("events %+v %v", events, err)
		}
		items, err := tx.Items(outbox.Filter{})
		if err != nil || string(items[0].Body) != secret {
			t.Errorf("outbox %+v %v", items, err)
		}
		return err
	}))
	e, err := s.Exchanges(t.Context(), "e"+id)
	if err != nil || len(e) != 1 || string(e[0].Request) != secret || string(e[0].Response) != secret {
		t.Errorf("exchange %+v %v", e, err)
	}
	for name, find := range map[string]func() (*account.Person, error){
		"login": func() (*account.Person, error) { return s.Accounts().PersonByLogin(t.Context(), secretNumber+id) },
		"numbers": func() (*account.Person, error) {
			return s.Accounts().PersonByNumbers(t.Context(), secretNumber, "b"+id)
		},
		"id": func() (*account.Person, error) { return s.Accounts().PersonByID(t.Context(), "p"+id) },
	} {
		p, err := find()
		if err != nil || p.Name != secret || p.IIN != secretNumber || p.Login != secretNumber+id {
			t.Errorf("by %s: %+v %v", name, p, err)
		}
	}
}

// spilled names the files under a folder that hold the secret.
func spilled(t testing.TB, folder string) (names []string) {
	t.Helper()
	must(t, filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(secret)) || bytes.Contains(data, []byte(secretNumber)) {
			names = append(names, filepath.Base(path))
		}
		return err
	}))
	return names
}

// TestNothingSpilled: with a key no file of the database or of the blobs holds
// personal data in the open; without one they are there, so that this test
// would find them.
func TestNothingSpilled(t *testing.T) {
	for name, c := range map[string]struct {
		m    *seal.Masters
		want bool
	}{"sealed": {masters(t, "a"), false}, "open": {nil, true}} {
		folder := t.TempDir()
		blobs, err := blob.NewFolder(filepath.Join(folder, "blobs"))
		must(t, err)
		s := openWith(t, store.Options{Database: filepath.Join(folder, "r.db"), Blobs: blobs, Masters: c.m})
		personal(t, s, "a1")
		readPersonal(t, s, "a1")
		must(t, s.Close())
		if found := spilled(t, folder); (len(found) > 0) != c.want {
			t.Errorf("%s: personal data in %v", name, found)
		}
	}
}

// TestKeysChange: a key may come later, and another after it; what was written
// under each is read and found. Processes that run meanwhile learn of new keys.
func TestKeysChange(t *testing.T) { onBoth(t, testKeysChange) }

func testKeysChange(t *testing.T, database string) {
	with := func(m *seal.Masters) *store.Store {
		return openWith(t, store.Options{Database: database, Masters: m})
	}
	before := with(nil)
	personal(t, before, "a0")
	must(t, before.Close())
	running := with(masters(t, "ab"))
	readPersonal(t, running, "a0")
	personal(t, running, "a1")
	changed := with(masters(t, "ba"))
	personal(t, changed, "a2")
	for name, s := range map[string]*store.Store{"before the change": running, "after it": changed} {
		for _, id := range []string{"a0", "a1", "a2"} {
			readPersonal(t, s, id)
		}
		if t.Failed() {
			t.Fatal(name)
		}
	}
	personal(t, running, "a3")
	readPersonal(t, with(masters(t, "b")), "a3") // the old master key is no longer needed
	for name, m := range map[string]*seal.Masters{"none": nil, "an old one": masters(t, "a"), "another": masters(t, "c")} {
		if s, err := store.Open(t.Context(), store.Options{Database: database, Masters: m}); err == nil {
			s.Close()
			t.Errorf("opened with %s of the keys", name)
		}
	}
}

// TestChangedSeal: sealed bytes that were put in another row's place are not shown.
func TestChangedSeal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.db")
	s := openWith(t, store.Options{Database: path, Masters: masters(t, "a")})
	personal(t, s, "a1")
	personal(t, s, "a2")
	raw(t, path, `DROP TRIGGER registrations_keep`, `UPDATE registrations SET report = (SELECT r.report FROM registrations r WHERE r.application = 'a1') WHERE application = 'a2'`)
	err := s.View(t.Context(), func(tx licensing.Tx) error { return second(tx.Registration("a2")) })
	if !errors.Is(err, seal.ErrBroken) {
		t.Errorf("shown in another's place: %v", err)
	}
}
