// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib"

	"rastau/internal/store"
	"rastau/internal/testpostgres"
	"rastau/licensing"
)

// registerSize is the number of licences that the public register is searched among.
const registerSize = 1_000_000

// BenchmarkRegister searches a register of a million licences in the ways that
// people do and reports the 95th percentile of each, in milliseconds.
func BenchmarkRegister(b *testing.B) {
	for name, open := range map[string]func(*testing.B) string{
		"sqlite":   func(b *testing.B) string { return filepath.Join(b.TempDir(), "register.db") },
		"postgres": func(b *testing.B) string { return testpostgres.Start(b).Database(b) },
	} {
		b.Run(name, func(b *testing.B) {
			address := open(b)
			s, err := store.Open(b.Context(), store.Options{Database: address})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			fill(b, address)
			for kind, filter := range searches {
				b.Run(kind, func(b *testing.B) { search(b, s, filter) })
			}
		})
	}
}

var searches = map[string]func(r *rand.Rand) licensing.LicenceFilter{
	"newest":      func(*rand.Rand) licensing.LicenceFilter { return licensing.LicenceFilter{} },
	"rare word":   func(r *rand.Rand) licensing.LicenceFilter { return words(word(r.IntN(vocabulary))) },
	"prefix":      func(r *rand.Rand) licensing.LicenceFilter { return words(word(r.IntN(vocabulary))[:6]) },
	"common word": func(*rand.Rand) licensing.LicenceFilter { return words("жшс") },
	"two words":   func(r *rand.Rand) licensing.LicenceFilter { return words(word(r.IntN(vocabulary)), "жшс") },
	"number": func(r *rand.Rand) licensing.LicenceFilter {
		return licensing.LicenceFilter{Number: holder(r.IntN(registerSize))}
	},
	"service and state": func(r *rand.Rand) licensing.LicenceFilter {
		return licensing.LicenceFilter{Service: "trunk-pipelines", State: licensing.StateSuspended}
	},
	"old days": func(r *rand.Rand) licensing.LicenceFilter {
		from := began.AddDate(0, 0, r.IntN(300))
		return licensing.LicenceFilter{From: from, Until: from.AddDate(0, 0, 2)}
	},
	"deep page": func(r *rand.Rand) licensing.LicenceFilter {
		return licensing.LicenceFilter{State: licensing.StateIssued, Before: int64(r.IntN(registerSize))}
	},
	"nothing": func(*rand.Rand) licensing.LicenceFilter { return words("ққққ") },
}

func words(w ...string) licensing.LicenceFilter { return licensing.LicenceFilter{Words: w} }

func search(b *testing.B, s *store.Store, filter func(*rand.Rand) licensing.LicenceFilter) {
	r := rand.New(rand.NewPCG(1, 2))
	var took []time.Duration
	for b.Loop() {
		f := filter(r)
		f.Limit = 51
		start := time.Now()
		err := s.View(b.Context(), func(tx licensing.Tx) error {
			_, err := tx.SearchLicences(f)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*95/100])/1e6, "p95-ms")
}

const vocabulary = 20_000

var began = time.Date(2013, 1, 17, 0, 0, 0, 0, time.UTC)

func word(n int) string   { return fmt.Sprintf("сөз%05d", n) }
func holder(n int) string { return fmt.Sprintf("1%011d", n) }

// licenceRow is licence n as the table holds it.
func licenceRow(n int) (row []any, names []string) {
	r := rand.New(rand.NewPCG(uint64(n), 7))
	names = []string{word(r.IntN(vocabulary)), word(r.IntN(vocabulary)), "жшс"}
	state, service := licensing.StateIssued, "passenger-transport"
	if n%50 == 0 {
		state = licensing.StateSuspended
	}
	if n%10 == 0 {
		service = "trunk-pipelines"
	}
	issued := began.Add(time.Duration(n) * 5 * time.Minute)
	l := licensing.Licence{Number: fmt.Sprintf("KZ00ZZZ%08d", n), State: licensing.StateIssued, Service: service, Issued: issued,
		Holder: licensing.Applicant{BIN: holder(n), Name: names[0] + " " + names[1] + " ЖШС"}, Fields: json.RawMessage(`{"vehicles":[]}`), Entry: int64(n)}
	body, err := json.Marshal(l)
	if err != nil {
		panic(err)
	}
	return []any{l.Number, "a" + l.Number, body, []byte("{}"), []byte{1}, "none", issued.UnixMilli(), int64(n), string(state), service, holder(n)}, names
}

var licenceColumns = []string{"number", "application", "body", "document", "signed", "pdf", "issued", "entry", "state", "service", "holder"}

// fill writes licences without what they refer to: only the search is measured.
func fill(b *testing.B, address string) {
	b.Helper()
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	if store.IsPostgres(address) {
		db, err := pgx.Connect(b.Context(), address)
		must(err)
		defer db.Close(b.Context())
		_, err = db.Exec(b.Context(), `SET session_replication_role = replica`) // no foreign keys
		must(err)
		_, err = db.CopyFrom(b.Context(), pgx.Identifier{"licences"}, licenceColumns, pgx.CopyFromSlice(registerSize, func(i int) ([]any, error) {
			row, _ := licenceRow(i)
			return row, nil
		}))
		must(err)
		_, err = db.CopyFrom(b.Context(), pgx.Identifier{"licence_words"}, []string{"word", "entry"}, pgx.CopyFromSlice(registerSize*3, func(i int) ([]any, error) {
			_, names := licenceRow(i / 3)
			if i%3 == 1 && names[0] == names[1] {
				names[1] += "а"
			}
			return []any{names[i%3], int64(i / 3)}, nil
		}))
		must(err)
		_, err = db.Exec(b.Context(), `ANALYZE licences`)
		must(err)
		_, err = db.Exec(b.Context(), `ANALYZE licence_words`)
		must(err)
		return
	}
	db, err := sql.Open("sqlite", "file:"+address+"?_pragma=foreign_keys(0)&_pragma=synchronous(OFF)")
	must(err)
	defer db.Close()
	t, err := db.Begin()
	must(err)
	licence, err := t.Prepare(`INSERT INTO licences (number, application, body, document, signed, pdf, issued, entry, state, service, holder) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
	must(err)
	name, err := t.Prepare(`INSERT INTO licence_words (word, entry) VALUES (?, ?) ON CONFLICT DO NOTHING`)
	must(err)
	for n := range registerSize {
		row, names := licenceRow(n)
		_, err := licence.Exec(row...)
		must(err)
		for _, w := range names {
			_, err := name.Exec(w, n)
			must(err)
		}
	}
	must(t.Commit())
}
