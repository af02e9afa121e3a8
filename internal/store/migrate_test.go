// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"rastau/internal/outbox"
	"rastau/internal/store"
	"rastau/internal/testpostgres"
	"rastau/licensing"
)

// written is what the program of each version wrote, statement by statement; @
// stands for the row. Whoever adds a migration with a table adds a line here.
var written = map[int64]string{
	1: `INSERT INTO log_entries (n, entry) VALUES (10@, BYTES(entry @));
		INSERT INTO blobs (sha256, size, content) VALUES ('SUM(scan @)', 6, BYTES(scan @));
		INSERT INTO applications (id, seq, number, status, service, operation, owner, body, package, created, registered, deadline, decided, licence)
			VALUES ('a@', 10@, 'PT-@', 'approved', 's', 'issue', 'o', BYTES({"applicant":{"kind":"natural-person","iin":"85041230041@","name":"Ә @","address":"x"},"fields":{"a":1},"payment":{"reference":"p","amount":5},"lang":"kk"}), BYTES(package @), 1700000000123, 1700000000124, 1700000000125, 1700000000126, 'KZ@');
		INSERT INTO attachments (application, position, document, name, type, size, sha256) VALUES ('a@', 0, 'd', 'n@', 'application/pdf', 6, 'SUM(scan @)');
		INSERT INTO serials (series, serial, application) VALUES ('s', 1@, 'a@');
		INSERT INTO attempts (id, application, at, signature, outcome, reason, sub_indication, finding) OVERRIDE VALUES (1@, 'a@', 1, 'x', 'refused', 'r', 's', 'f');
		INSERT INTO registrations (application, number, at, signature_sha256, signature, report, receipt, entry) VALUES ('a@', 'PT-@', 1700000000124, 'x', BYTES(signature @), BYTES({}), BYTES(receipt @), 10@);
		INSERT INTO rulings (application, at, officer, approve, document, signed, entry) VALUES ('a@', 1700000000126, 'o', TRUE, BYTES({}), BYTES(signed @), 10@);
		INSERT INTO licences (number, application, body, document, signed, pdf, issued, entry) VALUES ('KZ@', 'a@', BYTES({"number":"KZ@","service":"s","state":"issued","holder":{"kind":"natural-person","iin":"85041230041@","name":"Ә @","address":"x"}}), BYTES({}), BYTES(signed @), 'SUM(scan @)', 1700000000126, 10@)`,
	2:  `INSERT INTO outbox (id, seq, kind, key, body, due, state, attempts) VALUES ('m@', 10@, 'k', 'key @', BYTES(body @), 1, 'waiting', 0)`,
	3:  `INSERT INTO blob_removals (sha256, at) VALUES ('x@', 1)`,
	10: `INSERT INTO people (id, login, name, iin, bin, roles, password, created, failures, disabled) VALUES ('p@', 'login @', 'Ә @', 'i@', 'b@', 'applicant', 'x', 1, 0, 0)`,
	20: `INSERT INTO cases (application, officer, since, version) VALUES ('a@', 'o', 1, 1);
		INSERT INTO events (subject, seq, at, actor, kind, body) VALUES ('a@', 1, 1, 'o', 'k', BYTES({}))`,
}

var (
	bytesOf = regexp.MustCompile(`BYTES\((.*?)\)(,|;|\s*$|\))`)
	sumOf   = regexp.MustCompile(`SUM\(([^)]*)\)`)
)

// statementsOf writes what a version wrote in the words of a database.
func statementsOf(version int64, row string, postgres bool) []string {
	text := strings.ReplaceAll(written[version], "@", row)
	text = sumOf.ReplaceAllStringFunc(text, func(m string) string {
		sum := sha256.Sum256([]byte(m[4 : len(m)-1]))
		return hex.EncodeToString(sum[:])
	})
	text = bytesOf.ReplaceAllStringFunc(text, func(m string) string {
		found := bytesOf.FindStringSubmatch(m)
		literal := `X'` + hex.EncodeToString([]byte(found[1])) + `'`
		if postgres {
			literal = `'\x` + hex.EncodeToString([]byte(found[1])) + `'::bytea`
		}
		return literal + found[2]
	})
	overriding := ""
	if postgres {
		overriding = "OVERRIDING SYSTEM VALUE"
	}
	text = strings.ReplaceAll(text, "OVERRIDE", overriding)
	if text == "" {
		return nil
	}
	return strings.Split(text, ";\n")
}

// TestForward: from each earlier version, with the data that its program wrote,
// the tables become those of this program and everything reads back. What the
// version before wrote is still taken afterwards, because its processes may run
// beside the new ones for a while.
func TestForward(t *testing.T) { onBoth(t, testForward) }

func testForward(t *testing.T, first string) {
	postgres := store.IsPostgres(first)
	db, versions, err := store.OpenAt(t.Context(), first, 0)
	must(t, err)
	must(t, db.Close())
	for k, v := range versions {
		database := filepath.Join(t.TempDir(), "r.db")
		if postgres {
			database = testpostgres.Database(t)
		}
		db, _, err := store.OpenAt(t.Context(), database, v)
		must(t, err)
		write := func(upTo int64, row string) {
			t.Helper()
			for _, w := range versions {
				if w > upTo {
					break
				}
				for _, statement := range statementsOf(w, row, postgres) {
					if _, err := db.Exec(statement); err != nil {
						t.Fatalf("version %d, what version %d wrote: %v\n%s", v, w, err, statement)
					}
				}
			}
		}
		write(v, "1")
		s := openStore(t, database)
		rows := []string{"1"}
		if k == len(versions)-2 {
			write(v, "2") // by a process of the version before
			rows = append(rows, "2")
		}
		for _, row := range rows {
			readWritten(t, s, v, row)
		}
		must(t, s.Close())
		must(t, db.Close())
	}
}

func readWritten(t *testing.T, s *store.Store, version int64, row string) {
	t.Helper()
	must(t, s.View(t.Context(), func(tx licensing.Tx) error {
		a, err := tx.ApplicationNumbered("PT-" + row)
		if err != nil {
			return err
		}
		l, err := tx.Licence("KZ" + row)
		if err != nil {
			return err
		}
		content, blobErr := tx.Blob(a.Attachments[0].SHA256)
		r, regErr := tx.Registration(a.ID)
		ruling, rulErr := tx.Ruling(a.ID)
		serial, serErr := tx.Serial("s", a.ID)
		if err := errors.Join(blobErr, regErr, rulErr, serErr); err != nil {
			return err
		}
		if a.Applicant.Name != "Ә "+row || string(a.Package) != "package "+row || a.Attachments[0].Name != "n"+row || a.Channel != licensing.ChannelPortal ||
			l.Licence.Holder.Name != "Ә "+row || l.Licence.State != licensing.StateIssued || string(content) != "scan "+row ||
			string(r.Receipt) != "receipt "+row || !ruling.Approve || fmt.Sprint(serial) != "1"+row {
			shown, _ := json.Marshal(a)
			t.Errorf("from version %d: %s %+v %q %+v %+v %d", version, shown, l, content, r, ruling, serial)
		}
		if version >= 2 {
			items, err := tx.Items(outbox.Filter{})
			if err != nil {
				return err
			}
			if !slices.ContainsFunc(items, func(i outbox.Item) bool { return i.ID == "m"+row && string(i.Body) == "body "+row }) {
				t.Errorf("from version %d: outbox %+v", version, items)
			}
		}
		return nil
	}))
	if version >= 10 {
		if p, err := s.Accounts().PersonByLogin(t.Context(), "login "+row); err != nil || p.Name != "Ә "+row {
			t.Errorf("from version %d: %+v %v", version, p, err)
		}
	}
}

// TestOpenTogether: several processes that open an empty database at once all get one that works.
func TestOpenTogether(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				s, err := store.Open(t.Context(), store.Options{Database: database, Masters: masters(t, "a")})
				if err != nil {
					t.Error(err)
					return
				}
				defer s.Close()
				if err := s.View(t.Context(), func(tx licensing.Tx) error { return second(tx.Counts()) }); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}
