// SPDX-License-Identifier: Apache-2.0

package licensing_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	"rastau/internal/journal"
	"rastau/internal/store"
	"rastau/licensing"
)

// TestTamperedRegister: who can write to the database and drops its triggers
// is found by the log, whatever they change.
func TestTamperedRegister(t *testing.T) {
	folder := t.TempDir()
	h := newHouseIn(t, folder)
	for _, approve := range []bool{true, false, true} {
		_, err := h.service.Decide(t.Context(), officer, h.registered(t).ID, licensing.Decision{Approve: approve, Grounds: "x", Checklist: approval.Checklist})
		must(t, err)
	}
	h.registered(t)
	held, err := h.service.Applications(t.Context(), officer, licensing.Approved, 0)
	must(t, err)
	_, err = h.service.Move(t.Context(), officer, held[0].Licence, licensing.MoveRequest{Move: licensing.MoveSuspend, Ground: "court", Reference: "1", Reason: "x"})
	must(t, err)
	h.checkRegister(t)
	path := filepath.Join(folder, "register.db")
	for _, c := range []struct{ name, statement string }{
		{"licence slipped in", `INSERT INTO licences (number, application, body, document, signed, pdf, issued, entry) SELECT 'KZ00ZZZ00000009', (SELECT id FROM applications WHERE status = 'refused'), body, document, signed, pdf, issued, entry + 1000 FROM licences LIMIT 1`},
		{"state of a licence set", `UPDATE licences SET state = 'resumed' WHERE state = 'issued'`},
		{"suspension taken back", `UPDATE licences SET state = 'issued' WHERE state = 'suspended'`},
		{"move removed", `DELETE FROM licence_moves`},
		{"move and state removed", `UPDATE licences SET state = 'issued', moves = 0`},
		{"move changed", `UPDATE licence_moves SET ground = 'other'`},
		{"move's signature changed", `UPDATE licence_moves SET signed = x'00'`},
		{"hidden from the search by number", `UPDATE licences SET holder = 'x'`},
		{"hidden from the search by service", `UPDATE licences SET service = 'x'`},
		{"licence removed", `DELETE FROM licences WHERE number = (SELECT max(number) FROM licences)`},
		{"holder changed", `UPDATE licences SET body = CAST(replace(CAST(body AS TEXT), 'Әлия', 'Алия') AS BLOB)`},
		{"state changed", `UPDATE licences SET body = CAST(replace(CAST(body AS TEXT), '"state":"issued"', '"state":"resumed"') AS BLOB)`},
		{"signed JSON changed", `UPDATE licences SET signed = x'00'`},
		{"document changed", `UPDATE licences SET document = x'7b7d'`},
		{"PDF changed", `UPDATE blobs SET content = x'00' WHERE sha256 IN (SELECT pdf FROM licences)`},
		{"applicant changed", `UPDATE applications SET body = CAST(replace(CAST(body AS TEXT), 'Әлия', 'Алия') AS BLOB)`},
		{"package changed", `UPDATE applications SET package = x'7b7d' WHERE status = 'registered'`},
		{"refusal made a waiting one", `UPDATE applications SET status = 'registered' WHERE status = 'refused'`},
		{"application back to draft", `UPDATE applications SET status = 'draft', number = NULL WHERE status = 'registered'`},
		{"report changed", `UPDATE registrations SET report = x'7b7d'`},
		{"time-stamp removed", `UPDATE registrations SET stamped = NULL`},
		{"receipt changed", `UPDATE registrations SET receipt = x'00'`},
		{"decision changed", `UPDATE rulings SET signed = x'00' WHERE approve = 0`},
		{"decision removed", `DELETE FROM rulings WHERE approve = 0`},
		{"entry changed", `UPDATE log_entries SET entry = x'7b7d' WHERE n = 3`},
		{"last entry removed", `DELETE FROM log_entries WHERE n = (SELECT max(n) FROM log_entries)`},
		{"hash changed", `UPDATE log_hashes SET hash = zeroblob(32) WHERE i = 2`},
	} {
		t.Run(c.name, func(t *testing.T) {
			copied := filepath.Join(t.TempDir(), "copy.db")
			tamper(t, path, copied, c.statement)
			s, err := store.Open(t.Context(), store.Options{Database: copied})
			must(t, err)
			defer s.Close()
			if _, err := licensing.CheckRegister(t.Context(), s); !errors.Is(err, licensing.ErrRegister) && !errors.Is(err, journal.ErrBroken) {
				t.Errorf("not found: %v", err)
			}
		})
	}
}

// tamper copies the database, takes its triggers away and runs the statement.
func tamper(t *testing.T, from, to, statement string) {
	t.Helper()
	source, err := sql.Open("sqlite", from)
	must(t, err)
	_, err = source.Exec(`VACUUM INTO ?`, to)
	must(t, err)
	must(t, source.Close())
	db, err := sql.Open("sqlite", to)
	must(t, err)
	defer db.Close()
	rows, err := db.Query(`SELECT name FROM sqlite_master WHERE type = 'trigger'`)
	must(t, err)
	var triggers []string
	for rows.Next() {
		var name string
		must(t, rows.Scan(&name))
		triggers = append(triggers, name)
	}
	must(t, rows.Close())
	for _, name := range triggers {
		_, err := db.Exec(`DROP TRIGGER ` + name)
		must(t, err)
	}
	res, err := db.Exec(statement)
	must(t, err)
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		t.Fatalf("the statement changed %d rows, %v: the test does not fit the tables any more", n, err)
	}
}
