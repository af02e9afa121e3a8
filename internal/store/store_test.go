// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"rastau/internal/blob"
	"rastau/internal/journal"
	"rastau/internal/phrase"
	"rastau/internal/seal"
	"rastau/internal/store"
	"rastau/internal/testpostgres"
	"rastau/licensing"
)

// both runs a contract test on each database, open and sealed. open opens a
// store on the same database each time it is called.
func both(t *testing.T, test func(t *testing.T, open func() *store.Store)) {
	onBoth(t, func(t *testing.T, database string) {
		test(t, func() *store.Store { return openStore(t, database) })
	})
	onBoth(t, func(t *testing.T, database string) {
		test(t, sealed(t, database, filepath.Join(t.TempDir(), "blobs")))
	})
}

// onBoth runs a test on a fresh database of each kind.
func onBoth(t *testing.T, test func(t *testing.T, database string)) {
	t.Run("sqlite", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "a folder? with #signs", "register.db")
		must(t, mkdir(filepath.Dir(path)))
		test(t, path)
	})
	t.Run("postgres", func(t *testing.T) { test(t, testpostgres.Database(t)) })
}

// masters reads a key file of the keys with these letters, the current one first.
func masters(t testing.TB, letters string) *seal.Masters {
	t.Helper()
	var file strings.Builder
	for _, l := range letters {
		fmt.Fprintf(&file, "key-%c %s\n", l, base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{byte(l)}, seal.KeySize)))
	}
	m, err := seal.ReadMasters([]byte(file.String()))
	must(t, err)
	return m
}

// sealed opens stores that seal personal data and keep blobs in a folder.
func sealed(t testing.TB, database, folder string) func() *store.Store {
	return func() *store.Store {
		t.Helper()
		blobs, err := blob.NewFolder(folder)
		must(t, err)
		return openWith(t, store.Options{Database: database, Blobs: blobs, Masters: masters(t, "a")})
	}
}

func openWith(t testing.TB, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), o)
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func openStore(t testing.TB, path string) *store.Store {
	t.Helper()
	return openWith(t, store.Options{Database: path})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func draft(id string) *licensing.Application {
	return &licensing.Application{
		ID: id, Status: licensing.Draft, Service: "s", Operation: "issue", Channel: licensing.ChannelProvider, About: "KZ1", OnPaper: true,
		Clerk: &licensing.Clerk{ID: "c", Name: "n", IIN: "i", BIN: "b"}, Owner: "o-" + id[:1], Lang: phrase.RU,
		Applicant: licensing.Applicant{Kind: licensing.NaturalPerson, IIN: "000000000000", Name: "Ә Ғ Қ Ң Ө Ұ Ү Һ І", Address: "a"},
		Fields:    json.RawMessage(`{"a":1}`), Attachments: []licensing.Attachment{}, Payment: licensing.Payment{Reference: "p", Amount: 5},
		Created: time.UnixMilli(1_700_000_000_123).UTC(), Package: []byte("package " + id),
	}
}

func add(t testing.TB, s *store.Store, ids ...string) {
	t.Helper()
	must(t, s.Update(t.Context(), func(tx licensing.Tx) error {
		for _, id := range ids {
			if err := tx.AddApplication(draft(id)); err != nil {
				return err
			}
		}
		return nil
	}))
}

// TestRoundTrip: what is written reads back the same, after closing too.
func TestRoundTrip(t *testing.T) { both(t, testRoundTrip) }

func testRoundTrip(t *testing.T, open func() *store.Store) {
	s := open()
	at := time.UnixMilli(1_700_000_111_222).UTC()
	app := draft("a1")
	must(t, s.Update(t.Context(), func(tx licensing.Tx) error {
		sum, err := tx.PutBlob([]byte("scan"))
		if err != nil {
			return err
		}
		if _, err := tx.PutBlob([]byte("scan")); err != nil {
			return err
		}
		app.Attachments = []licensing.Attachment{{Document: "d", Name: "n", Type: "image/png", Size: 4, SHA256: sum}}
		if err := tx.AddApplication(app); err != nil {
			return err
		}
		n, err := journal.Append(tx, []byte("entry"))
		if err != nil {
			return err
		}
		app.Number, app.Status, app.Licence = "PT-1", licensing.Approved, "KZ1"
		app.Registered, app.Deadline, app.Decided = &at, &at, &at
		app.Refusal = &licensing.Message{Code: "M4", Text: phrase.Text{KK: "ә"}}
		if err := tx.MoveApplication(app); err != nil {
			return err
		}
		if err := tx.AddAttempt(licensing.Attempt{Application: "a1", At: at, Outcome: "refused"}); err != nil {
			return err
		}
		if err := tx.AddRegistration(&licensing.Registration{Application: "a1", Number: "PT-1", At: at, SignatureSHA256: "x", Signature: []byte{1}, Report: []byte("{}"), Receipt: []byte{2}, Entry: n}); err != nil {
			return err
		}
		if err := tx.AddRuling(&licensing.Ruling{Application: "a1", At: at, Officer: "o", Approve: true, Document: []byte("{}"), Signed: []byte{3}, Entry: n}); err != nil {
			return err
		}
		return tx.AddLicence(&licensing.LicenceRecord{ApplicationID: "a1", Document: []byte("{}"),
			Licence: licensing.Licence{Number: "KZ1", State: licensing.StateIssued, Issued: at, Signed: []byte{4}, PDFSHA256: sum, Fields: json.RawMessage("{}"), Entry: n}})
	}))
	must(t, s.Close())
	s = open()
	must(t, s.View(t.Context(), func(tx licensing.Tx) error {
		for name, read := range map[string]func(string) (*licensing.Application, error){"a1": tx.Application, "PT-1": tx.ApplicationNumbered} {
			got, err := read(name)
			if err != nil {
				return err
			}
			a, _ := json.Marshal(got)
			b, _ := json.Marshal(app)
			if string(a) != string(b) || got.Owner != app.Owner {
				t.Errorf("%s\nis not\n%s", a, b)
			}
		}
		reg, err := tx.Registration("a1")
		if err != nil || !reg.At.Equal(at) || string(reg.Signature) != "\x01" || reg.Stamped != nil {
			t.Errorf("registration %+v %v", reg, err)
		}
		ruling, err := tx.Ruling("a1")
		if err != nil || !ruling.Approve || string(ruling.Signed) != "\x03" {
			t.Errorf("ruling %+v %v", ruling, err)
		}
		l, err := tx.Licence("KZ1")
		if err != nil || l.ApplicationID != "a1" || string(l.Licence.Signed) != "\x04" || !l.Licence.Issued.Equal(at) {
			t.Errorf("licence %+v %v", l, err)
		}
		blob, err := tx.Blob(l.Licence.PDFSHA256)
		if err != nil || string(blob) != "scan" {
			t.Errorf("blob %q %v", blob, err)
		}
		counts, err := tx.Counts()
		if err != nil || counts != (licensing.Counts{Registrations: 1, Rulings: 1, Licences: 1}) {
			t.Errorf("counts %+v %v", counts, err)
		}
		_, err = journal.Check(tx, nil)
		return err
	}))
}

func TestNotFound(t *testing.T) { both(t, testNotFound) }

func testNotFound(t *testing.T, open func() *store.Store) {
	s := open()
	must(t, s.View(t.Context(), func(tx licensing.Tx) error {
		for name, err := range map[string]error{
			"application": second(tx.Application("x")), "number": second(tx.ApplicationNumbered("x")), "registration": second(tx.Registration("x")),
			"ruling": second(tx.Ruling("x")), "licence": second(tx.Licence("x")), "blob": second(tx.Blob("x")), "serial": second(tx.Serial("s", "x")),
		} {
			if !errors.Is(err, licensing.ErrNotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
		return nil
	}))
	if err := s.Update(t.Context(), func(tx licensing.Tx) error { return tx.MoveApplication(draft("x")) }); !errors.Is(err, licensing.ErrNotFound) {
		t.Errorf("move: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestLists(t *testing.T) { both(t, testLists) }

func testLists(t *testing.T, open func() *store.Store) {
	s := open()
	add(t, s, "a1", "b2", "a3")
	must(t, s.View(t.Context(), func(tx licensing.Tx) error {
		for name, c := range map[string]struct {
			f    licensing.Filter
			want []string
		}{
			"all":        {licensing.Filter{}, []string{"a3", "b2", "a1"}},
			"owner":      {licensing.Filter{Owner: "o-a"}, []string{"a3", "a1"}},
			"limit":      {licensing.Filter{Limit: 2}, []string{"a3", "b2"}},
			"status":     {licensing.Filter{Status: licensing.Refused}, nil},
			"not drafts": {licensing.Filter{NotDrafts: true}, nil},
		} {
			list, err := tx.Applications(c.f)
			if err != nil {
				return err
			}
			var got []string
			for _, a := range list {
				got = append(got, a.ID)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%s: %v", name, got)
			}
		}
		return nil
	}))
}

// TestSerials: concurrent reservations through two handles on the same file
// have neither gap nor twin, and what is released is given out first.
func TestSerials(t *testing.T) { both(t, testSerials) }

func testSerials(t *testing.T, open func() *store.Store) {
	stores := []*store.Store{open(), open()}
	var ids []string
	for i := range 40 {
		ids = append(ids, fmt.Sprintf("a%d", i))
	}
	add(t, stores[0], ids...)
	got := make([]int64, len(ids))
	var wg sync.WaitGroup
	for i, id := range ids {
		wg.Go(func() {
			for range 2 { // the second time it is the same one
				err := stores[i%2].Update(t.Context(), func(tx licensing.Tx) error { return tx.Reserve("s", id, &got[i]) })
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	sorted := slices.Sorted(slices.Values(got))
	for i, n := range sorted {
		if n != int64(i+1) {
			t.Fatalf("serials %v", sorted)
		}
	}
	var n, other int64
	must(t, stores[0].Update(t.Context(), func(tx licensing.Tx) error {
		return errors.Join(tx.Release("s", ids[7]), tx.Release("s", ids[3]), tx.Release("s", "nobody"),
			tx.Reserve("s", ids[7], &n), tx.Reserve("another", ids[7], &other))
	}))
	if want := min(got[7], got[3]); n != want {
		t.Errorf("got %d instead of the smallest released, %d", n, want)
	}
	if other != 1 {
		t.Errorf("another series begins with %d", other)
	}
}

// TestAtomic: an error of the function, or a cancelled context, leaves nothing.
func TestAtomic(t *testing.T) { both(t, testAtomic) }

func testAtomic(t *testing.T, open func() *store.Store) {
	s := open()
	stop := errors.New("stop")
	err := s.Update(t.Context(), func(tx licensing.Tx) error {
		if err := tx.AddApplication(draft("a1")); err != nil {
			return err
		}
		if _, err := journal.Append(tx, []byte("x")); err != nil {
			return err
		}
		return stop
	})
	if !errors.Is(err, stop) {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = s.Update(ctx, func(tx licensing.Tx) error {
		cancel()
		return tx.AddApplication(draft("a2"))
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	must(t, s.View(t.Context(), func(tx licensing.Tx) error {
		list, err := tx.Applications(licensing.Filter{})
		size, _ := tx.LogSize()
		if len(list) != 0 || size != 0 {
			t.Errorf("left behind: %v, %d entries", list, size)
		}
		return err
	}))
	if err := s.View(t.Context(), func(tx licensing.Tx) error { return tx.AddApplication(draft("a3")) }); err == nil {
		t.Error("a view wrote")
	}
}

// TestReadersDoNotWait: a view runs beside an update and sees the state before it.
func TestReadersDoNotWait(t *testing.T) { both(t, testReadersDoNotWait) }

func testReadersDoNotWait(t *testing.T, open func() *store.Store) {
	s := open()
	add(t, s, "a1")
	count := func() (n int) {
		must(t, s.View(t.Context(), func(tx licensing.Tx) error {
			list, err := tx.Applications(licensing.Filter{})
			n = len(list)
			return err
		}))
		return n
	}
	must(t, s.Update(t.Context(), func(tx licensing.Tx) error {
		if err := tx.AddApplication(draft("a2")); err != nil {
			return err
		}
		if n := count(); n != 1 {
			t.Errorf("%d applications seen before the commit", n)
		}
		return nil
	}))
	if n := count(); n != 2 {
		t.Errorf("%d applications seen after the commit", n)
	}
}

// TestPragmas: the promises of the package comment hold on the file itself.
func TestPragmas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.db")
	s := openStore(t, path)
	add(t, s, "a1")
	db, err := sql.Open("sqlite", path)
	must(t, err)
	defer db.Close()
	var mode string
	must(t, db.QueryRow(`PRAGMA journal_mode`).Scan(&mode))
	if mode != "wal" {
		t.Errorf("journal_mode %s", mode)
	}
	for name, statement := range map[string]string{
		"package":   `UPDATE applications SET package = x'00'`,
		"owner":     `UPDATE applications SET owner = 'me'`,
		"log entry": `DELETE FROM log_entries`,
	} {
		if name == "log entry" {
			must(t, s.Update(t.Context(), func(tx licensing.Tx) error { return second(journal.Append(tx, []byte("x"))) }))
		}
		if _, err := db.Exec(statement); err == nil || !strings.Contains(err.Error(), "constraint failed") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.Update(t.Context(), func(tx licensing.Tx) error {
		a := draft("a9")
		a.Attachments = []licensing.Attachment{{SHA256: "nothing"}}
		return tx.AddApplication(a)
	}); err == nil {
		t.Error("an attachment without its bytes was accepted: foreign keys are off")
	}
}

// TestChangedOnDisk: who edits the file behind the program's back is found.
func TestChangedOnDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.db")
	s := openStore(t, path)
	sum := ""
	must(t, s.Update(t.Context(), func(tx licensing.Tx) (err error) {
		for i := range 9 {
			if _, err := journal.Append(tx, fmt.Appendf(nil, "entry %d", i)); err != nil {
				return err
			}
		}
		sum, err = tx.PutBlob([]byte("scan"))
		return err
	}))
	db, err := sql.Open("sqlite", path)
	must(t, err)
	defer db.Close()
	for _, statement := range []string{`DROP TRIGGER log_entries_keep`, `UPDATE log_entries SET entry = x'00' WHERE n = 4`, `UPDATE blobs SET content = x'00'`} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	must(t, s.View(t.Context(), func(tx licensing.Tx) error {
		if _, err := journal.Check(tx, nil); !errors.Is(err, journal.ErrBroken) {
			t.Errorf("log: %v", err)
		}
		if _, err := tx.Blob(sum); err == nil {
			t.Error("a changed blob was handed out")
		}
		return nil
	}))
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	must(t, writeFile(text, "this is no database, but it is long enough to look at"))
	for name, path := range map[string]string{"no folder": filepath.Join(dir, "none", "r.db"), "no database": text} {
		if s, err := store.Open(t.Context(), store.Options{Database: path}); err == nil {
			t.Errorf("%s: opened", name)
			s.Close()
		}
	}
}

func mkdir(path string) error { return os.MkdirAll(path, 0o755) }

func writeFile(path, text string) error { return os.WriteFile(path, []byte(text), 0o600) }

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "register")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	s, err := store.Open(context.Background(), store.Options{Database: filepath.Join(dir, "register.db")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	err = s.View(context.Background(), func(tx licensing.Tx) error {
		counts, err := tx.Counts()
		fmt.Printf("%+v\n", counts)
		return err
	})
	fmt.Println(err)
	// Output:
	// {Registrations:0 Rulings:0 Licences:0 Moves:0 Appendices:0 Amendments:0 Renewals:0}
	// <nil>
}
