// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib"

	"rastau/internal/account"
	"rastau/internal/phrase"
	"rastau/internal/store"
	"rastau/internal/testpostgres"
	"rastau/licensing"
)

// How many cases wait and how many licences stand in the register while the pages are asked for.
const (
	crowdCases    = 100_000
	crowdLicences = 1_000_000
)

// BenchmarkQueuePage asks for the officers' queue in the ways that they do, over the network of the machine, and reports the median
// and the 95th percentile of the whole answer in milliseconds.
func BenchmarkQueuePage(b *testing.B) {
	pages := map[string]func(r *rand.Rand) string{
		"first":        func(*rand.Rand) string { return "/queue" },
		"farthest":     func(*rand.Rand) string { return "/queue?sort=farthest" },
		"overdue":      func(*rand.Rand) string { return "/queue?due=overdue" },
		"one service":  func(*rand.Rand) string { return "/queue?service=trunk-pipelines" },
		"one officer":  func(r *rand.Rand) string { return fmt.Sprintf("/queue?officer=clerk.%d", r.IntN(50)) },
		"mine of none": func(*rand.Rand) string { return "/queue?officer=me" },
		"nobody's":     func(*rand.Rand) string { return "/queue?officer=nobody" },
		"number":       func(r *rand.Rand) string { return "/queue?q=" + caseNumber(r.IntN(crowdCases)) },
		"deep page": func(r *rand.Rand) string {
			n := r.IntN(crowdCases)
			return fmt.Sprintf("/queue?after=%d.%s", caseDeadline(n).UnixMilli(), caseID(n))
		},
	}
	crowd(b, func(b *testing.B, address string) { fillCases(b, address) }, func(b *testing.B, h *house) {
		_, err := h.desk.Enter(b.Context(), account.Account{ID: "root"}, "", account.NewStaff{Login: "officer.1", Name: "ҚЫЗМЕТКЕР", IIN: "880709300015",
			Roles: []account.Role{account.Officer}, Password: secret})
		must(b, err)
		officer := h.browser(b).post("/login", url.Values{"login": {"officer.1"}, "password": {secret}}).sees(200)
		ask(b, officer, pages)
	})
}

// BenchmarkRegistryPage asks for the public register in the ways that people do.
func BenchmarkRegistryPage(b *testing.B) {
	pages := map[string]func(r *rand.Rand) string{
		"first":       func(*rand.Rand) string { return "/registry" },
		"rare word":   func(r *rand.Rand) string { return "/registry?q=" + crowdWord(r.IntN(crowdWords)) },
		"common word": func(*rand.Rand) string { return "/registry?q=жшс" },
		"two words":   func(r *rand.Rand) string { return "/registry?q=жшс+" + crowdWord(r.IntN(crowdWords)) },
		"body":        func(r *rand.Rand) string { return "/registry?bin=" + crowdBIN(r.IntN(crowdLicences)) },
		"state":       func(*rand.Rand) string { return "/registry?service=trunk-pipelines&state=suspended" },
		"days":        func(*rand.Rand) string { return "/registry?from=01.03.2014&until=03.03.2014" },
		"deep page": func(r *rand.Rand) string {
			return fmt.Sprintf("/registry?state=issued&cursor=%d", r.IntN(crowdLicences))
		},
		"nothing": func(*rand.Rand) string { return "/registry?q=ққққ" },
	}
	crowd(b, func(b *testing.B, address string) { fillLicences(b, address) }, func(b *testing.B, h *house) { ask(b, h.browser(b), pages) })
}

// crowd runs a benchmark on both databases, each filled once.
func crowd(b *testing.B, fill func(*testing.B, string), run func(*testing.B, *house)) {
	for name, open := range map[string]func(*testing.B) string{
		"sqlite":   func(b *testing.B) string { return filepath.Join(b.TempDir(), "register.db") },
		"postgres": func(b *testing.B) string { return testpostgres.Start(b).Database(b) },
	} {
		b.Run(name, func(b *testing.B) {
			address := open(b)
			db, err := store.Open(b.Context(), store.Options{Database: address})
			must(b, err)
			must(b, db.Close())
			fill(b, address)
			run(b, newHouseOn(b, address))
		})
	}
}

// ask has each page answered and reports how long it took.
func ask(b *testing.B, who *browser, pages map[string]func(*rand.Rand) string) {
	for kind, page := range pages {
		b.Run(kind, func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 2))
			var took []time.Duration
			for b.Loop() {
				address := page(r)
				start := time.Now()
				who.open(address)
				took = append(took, time.Since(start))
				if who.code != 200 {
					b.Fatalf("%s: %d", address, who.code)
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2])/1e6, "p50-ms")
			b.ReportMetric(float64(took[len(took)*95/100])/1e6, "p95-ms")
		})
	}
}

const crowdWords = 20_000

var crowdBegan = time.Date(2013, 1, 17, 0, 0, 0, 0, time.UTC)

func crowdWord(n int) string       { return fmt.Sprintf("сөз%05d", n) }
func crowdBIN(n int) string        { return fmt.Sprintf("1%011d", n) }
func caseID(n int) string          { return fmt.Sprintf("%032x", n+1) }
func caseNumber(n int) string      { return fmt.Sprintf("PT-%08d", n+1) }
func caseDeadline(n int) time.Time { return crowdNow.Add(time.Duration(n-2000) * time.Minute) }
func crowdService(n int) string {
	return map[bool]string{true: "trunk-pipelines", false: "passenger-transport"}[n%100 == 0]
}
func jsonOf(b *testing.B, v any) []byte {
	b.Helper()
	raw, err := json.Marshal(v)
	must(b, err)
	return raw
}

var crowdNow = time.Now().Truncate(time.Second)

// table is one to be filled: row makes row n.
type table struct {
	name    string
	columns []string
	rows    int
	row     func(n int) []any
}

// fillCases writes registered applications as the store writes them, a third of them held by one of fifty officers.
func fillCases(b *testing.B, address string) {
	body := jsonOf(b, map[string]any{"channel": licensing.ChannelPortal, "fields": map[string]any{}, "payment": licensing.Payment{Reference: "PAY-1", Amount: 1}, "lang": phrase.KK,
		"applicant": licensing.Applicant{Kind: licensing.NaturalPerson, IIN: personIIN, Name: "Әлия Үлгіқызы", Address: "Астана қ."}})
	fill(b, address, []table{
		{"applications", []string{"id", "seq", "number", "status", "service", "operation", "owner", "body", "package", "created", "registered", "deadline"}, crowdCases, func(n int) []any {
			at := caseDeadline(n).AddDate(0, 0, -20).UnixMilli()
			return []any{caseID(n), int64(n + 1), caseNumber(n), "registered", crowdService(n), "issue", "portal", body, []byte("{}"), at, at, caseDeadline(n).UnixMilli()}
		}},
		{"cases", []string{"application", "officer", "since", "version"}, crowdCases / 3, func(n int) []any {
			return []any{caseID(n * 3), fmt.Sprintf("clerk.%d", n%50), crowdNow.UnixMilli(), int64(1)}
		}},
	})
}

// fillLicences writes licences and the words of their holders, without the applications that they came of: only the search is measured.
func fillLicences(b *testing.B, address string) {
	names := func(n int) [2]string {
		r := rand.New(rand.NewPCG(uint64(n), 7))
		return [2]string{crowdWord(r.IntN(crowdWords)), crowdWord(r.IntN(crowdWords)) + "а"}
	}
	fill(b, address, []table{
		{"licences", []string{"number", "application", "body", "document", "signed", "pdf", "issued", "entry", "state", "service", "holder"}, crowdLicences, func(n int) []any {
			state, of := licensing.StateIssued, names(n)
			if n%50 == 0 {
				state = licensing.StateSuspended
			}
			service := "passenger-transport"
			if n%10 == 0 {
				service = "trunk-pipelines"
			}
			l := licensing.Licence{Number: fmt.Sprintf("KZ00ZZZ%08d", n), State: licensing.StateIssued, Service: service, Issued: crowdBegan.Add(time.Duration(n) * 5 * time.Minute),
				Activity: phrase.Text{KK: "Жолаушы тасымалы", RU: "Перевозка пассажиров", EN: "Transport of passengers"},
				Holder:   licensing.Applicant{BIN: crowdBIN(n), Name: of[0] + " " + of[1] + " ЖШС"}, Fields: json.RawMessage(`{"vehicles":[]}`), Entry: int64(n)}
			return []any{l.Number, "a" + l.Number, jsonOf(b, l), []byte("{}"), []byte{1}, "none", l.Issued.UnixMilli(), int64(n), string(state), service, crowdBIN(n)}
		}},
		{"licence_words", []string{"word", "entry"}, crowdLicences * 3, func(n int) []any {
			of := names(n / 3)
			return []any{[]string{of[0], of[1], "жшс"}[n%3], int64(n / 3)}
		}},
	})
}

// fill writes the tables past the checks that refer from one to another.
func fill(b *testing.B, address string, tables []table) {
	b.Helper()
	if store.IsPostgres(address) {
		db, err := pgx.Connect(b.Context(), address)
		must(b, err)
		defer db.Close(b.Context())
		_, err = db.Exec(b.Context(), `SET session_replication_role = replica`)
		must(b, err)
		for _, t := range tables {
			_, err = db.CopyFrom(b.Context(), pgx.Identifier{t.name}, t.columns, pgx.CopyFromSlice(t.rows, func(i int) ([]any, error) { return t.row(i), nil }))
			must(b, err)
			_, err = db.Exec(b.Context(), `ANALYZE `+t.name)
			must(b, err)
		}
		return
	}
	db, err := sql.Open("sqlite", "file:"+address+"?_pragma=foreign_keys(0)&_pragma=synchronous(OFF)")
	must(b, err)
	defer db.Close()
	for _, t := range tables {
		x, err := db.Begin()
		must(b, err)
		const together = 50 // rows of one statement
		places := "(?" + strings.Repeat(", ?", len(t.columns)-1) + ")"
		insert, err := x.Prepare(`INSERT INTO ` + t.name + ` (` + strings.Join(t.columns, ", ") + `) VALUES ` + places + strings.Repeat(", "+places, together-1))
		must(b, err)
		one, err := x.Prepare(`INSERT INTO ` + t.name + ` (` + strings.Join(t.columns, ", ") + `) VALUES ` + places)
		must(b, err)
		var args []any
		for n := range t.rows {
			if args = append(args, t.row(n)...); len(args) == together*len(t.columns) {
				_, err := insert.Exec(args...)
				must(b, err)
				args = args[:0]
			}
		}
		for i := 0; i < len(args); i += len(t.columns) {
			_, err := one.Exec(args[i : i+len(t.columns)]...)
			must(b, err)
		}
		must(b, x.Commit())
	}
}
