// SPDX-License-Identifier: Apache-2.0

package licensing_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rastau/internal/phrase"
	"rastau/licensing"
)

func TestWorkingDays(t *testing.T) {
	c, err := licensing.EmbeddedCalendar()
	must(t, err)
	for day, want := range map[licensing.Day]bool{
		"2026-01-01": false, "2026-01-02": false, "2026-01-05": true, "2026-01-07": false,
		"2026-03-08": false, "2026-03-09": false, // Sunday moves to Monday
		"2026-03-21": false, "2026-03-22": false, "2026-03-23": false, "2026-03-24": false, "2026-03-25": false, "2026-03-26": true,
		"2026-05-27": false, "2026-05-28": true,
		"2023-01-07": false, "2023-01-09": true, // 7 January, a Saturday, does not move
		"2018-08-25": true, "2018-08-31": false, // swapped by the government
		"2012-05-07": true, "2013-05-07": false, // a holiday from 2013 on
		"2021-12-17": false, "2024-12-17": true, // one day of independence from 2022 on
		"2014-10-25": false, "2019-10-25": true, "2023-10-25": false, // a Saturday; no holiday; holiday again
	} {
		if got, err := c.Working(day); err != nil || got != want {
			t.Errorf("%s: %v %v", day, got, err)
		}
	}
	for _, day := range []licensing.Day{"2011-12-31", "2028-01-01", "2026-02-30"} {
		if _, err := c.Working(day); !errors.Is(err, licensing.ErrCalendar) {
			t.Errorf("%s: %v", day, err)
		}
	}
	// Registered on Friday 13 March 2026 at 23:30 in Astana: five working days
	// to Friday the 20th, then 26 March is the sixth.
	start := time.Date(2026, 3, 13, 18, 30, 0, 0, time.UTC)
	for n, want := range map[int]string{5: "2026-03-20T23:59:59+05:00", 6: "2026-03-26T23:59:59+05:00"} {
		got, err := c.Deadline(start, n)
		must(t, err)
		if s := got.In(c.Zone()).Format(time.RFC3339); s != want {
			t.Errorf("%d working days: %s", n, s)
		}
	}
	if _, err := c.Deadline(time.Date(2027, 12, 30, 8, 0, 0, 0, time.UTC), 15); !errors.Is(err, licensing.ErrCalendar) || !errors.Is(err, licensing.ErrLater) {
		t.Errorf("past the end: %v", err)
	}
}

// TestDeadlineProperty: the term never shrinks as it begins later or has more
// days, and its last day is worked.
func TestDeadlineProperty(t *testing.T) {
	c, err := licensing.EmbeddedCalendar()
	must(t, err)
	rapid.Check(t, func(t *rapid.T) {
		start := time.Date(2012, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.Int64Range(0, 15*365*24*60).Draw(t, "minutes")) * time.Minute)
		n := rapid.IntRange(1, 40).Draw(t, "days")
		a, err := c.Deadline(start, n)
		if err != nil {
			t.Fatal(err)
		}
		b, err := c.Deadline(start.Add(24*time.Hour), n)
		if err != nil {
			t.Fatal(err)
		}
		longer, err := c.Deadline(start, n+1)
		if err != nil {
			t.Fatal(err)
		}
		works, err := c.Working(c.Day(a))
		if err != nil || !works || b.Before(a) || !longer.After(a) || a.Sub(start) < time.Duration(n)*24*time.Hour-24*time.Hour {
			t.Fatalf("%s + %d: %s, a day later %s, a day more %s", start, n, a, b, longer)
		}
	})
}

func TestBrokenCalendars(t *testing.T) {
	for name, c := range map[string]struct{ data, problem string }{
		"no zone":        {"covers: {from: 2026-01-01, until: 2027-01-01}\nweekend: [sunday]\n", "time zone"},
		"half a year":    {"zone: Asia/Almaty\ncovers: {from: 2026-02-01, until: 2027-01-01}\nweekend: [sunday]\n", "1 January"},
		"no such day":    {"zone: Asia/Almaty\ncovers: {from: 2026-01-01, until: 2027-01-01}\nweekend: [caturday]\n", "no day of the week"},
		"wrong date":     {"zone: Asia/Almaty\ncovers: {from: 2026-01-01, until: 2027-01-01}\nweekend: [sunday]\nholidays:\n  - {key: a, days: [13-01], source: x}\n", "x.yaml:5"},
		"wrong swap":     {"zone: Asia/Almaty\ncovers: {from: 2026-01-01, until: 2027-01-01}\nweekend: [sunday]\nswaps:\n  - {work: 2026-01-04, source: x}\n", "x.yaml:5"},
		"half a holiday": {"zone: Asia/Almaty\ncovers: {from: 2026-01-01, until: 2027-01-01}\nweekend: [sunday]\nmovable:\n  - {key: a, source: x}\n", "x.yaml:5"},
	} {
		if _, err := licensing.LoadCalendar("x.yaml", []byte(c.data)); err == nil || !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFees(t *testing.T) {
	h := newHouse(t)
	h.options.Now = func() time.Time { return time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC) }
	h.reopen(t)
	for operation, want := range map[string]int64{"issue": 3 * 432500, "re-issue": 129750, "duplicate": 3 * 432500} {
		if got, err := h.service.Fee("passenger-transport", operation); err != nil || got != want {
			t.Errorf("%s: %d %v", operation, got, err)
		}
	}
	if _, err := h.service.Fee("none", "issue"); !errors.Is(err, licensing.ErrNotFound) {
		t.Error(err)
	}
	h.options.Now = func() time.Time { return time.Date(2030, 6, 1, 0, 0, 0, 0, time.UTC) }
	h.reopen(t)
	if _, err := h.service.Fee("passenger-transport", "issue"); !errors.Is(err, licensing.ErrLater) || !strings.Contains(err.Error(), "2030-06-01") {
		t.Errorf("a year without a rate: %v", err)
	}
	for _, data := range []string{"rates: []\n", "rates:\n  - {from: 2026-01-01, until: 2025-01-01, tenge: 1}\n", "rates:\n  - {from: 2026-01-01, until: 2027-01-01, tenge: 0}\n"} {
		if _, err := licensing.LoadRates("x.yaml", []byte(data)); err == nil {
			t.Errorf("accepted %q", data)
		}
	}
}

func TestAuthorities(t *testing.T) {
	good := `
- officer: officer-1
  name: Officer One
  position: {kk: басшы, ru: руководитель, en: head}
  licensor: "120940948216"
  certificate: ` + strings.Repeat("ab", 32) + `
  from: 2026-01-01T00:00:00Z
`
	table, err := licensing.LoadAuthorities([]byte(good))
	must(t, err)
	if len(table) != 1 || table[0].Position != (phrase.Text{KK: "басшы", RU: "руководитель", EN: "head"}) || !table[0].Until.IsZero() {
		t.Fatalf("%+v", table)
	}
	for name, c := range map[string][2]string{
		"no officer":    {"officer: officer-1", "officer: ''"},
		"two languages": {", en: head", ""},
		"BIN":           {"120940948216", "1209"},
		"certificate":   {"abab", "ab"},
		"no beginning":  {"  from: 2026-01-01T00:00:00Z\n", ""},
		"end before":    {"from: 2026-01-01T00:00:00Z", "from: 2026-01-01T00:00:00Z\n  until: 2025-01-01T00:00:00Z"},
		"unknown field": {"name:", "nickname:"},
	} {
		if _, err := licensing.LoadAuthorities([]byte(strings.Replace(good, c[0], c[1], 1))); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestLicenceNumbers: made-up numbers of the right form pass, every single
// wrong digit and every exchange of neighbours is found.
func TestLicenceNumbers(t *testing.T) {
	n := numberOf(t, 42)
	for i := 2; i < len(n); i++ {
		for d := byte('0'); d <= '9'; d++ {
			if n[i] == d || i >= 4 && i < 7 {
				continue
			}
			if wrong := n[:i] + string(d) + n[i+1:]; licensing.ParseNumber(wrong) == nil {
				t.Errorf("%s passes beside %s", wrong, n)
			}
		}
		if i+1 < len(n) && n[i] != n[i+1] {
			if wrong := n[:i] + string(n[i+1]) + string(n[i]) + n[i+2:]; licensing.ParseNumber(wrong) == nil {
				t.Errorf("%s passes beside %s", wrong, n)
			}
		}
	}
	for _, wrong := range []string{"", "KZ", strings.ToLower(n), n + "0", " " + n, strings.Replace(n, "Z", "Ζ", 1)} {
		var input *licensing.InputError
		if err := licensing.ParseNumber(wrong); !errors.As(err, &input) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

// TestMoves draws the whole table: what is not here is not possible.
func TestMoves(t *testing.T) {
	states := []licensing.LicenceState{licensing.StateNone, licensing.StateIssued, licensing.StateReissued, licensing.StateSuspended, licensing.StateResumed, licensing.StateTerminated}
	moves := []licensing.Move{licensing.MoveIssue, licensing.MoveReissue, licensing.MoveDuplicate, licensing.MoveCorrect, licensing.MoveReplace,
		licensing.MoveSuspend, licensing.MoveResume, licensing.MoveTerminate}
	var drawn strings.Builder
	for _, s := range states {
		for _, m := range moves {
			to, err := s.After(m)
			if err != nil {
				if !errors.Is(err, licensing.ErrState) || to != s {
					t.Errorf("%s by %s: %s %v", s, m, to, err)
				}
				continue
			}
			drawn.WriteString(string(s) + "-" + string(to) + " ")
		}
	}
	const want = "-issued -re-issued -issued -issued issued-terminated issued-suspended issued-terminated re-issued-terminated re-issued-suspended " +
		"re-issued-terminated suspended-resumed suspended-terminated resumed-terminated resumed-suspended resumed-terminated "
	if drawn.String() != want {
		t.Errorf("the table is\n%s", drawn.String())
	}
	for _, s := range states {
		if s.InForce() != (s == licensing.StateIssued || s == licensing.StateReissued || s == licensing.StateResumed) {
			t.Errorf("%q in force: %v", s, s.InForce())
		}
	}
}

// TestPhrases: every text that the workflow says stands in the catalogue.
func TestPhrases(t *testing.T) {
	for _, key := range []string{
		"workflow.statement", "workflow.registered", "workflow.registered.next", "workflow.later.status_unknown", "workflow.later.unavailable",
		"workflow.later.next", "workflow.refused", "workflow.refused.next", "workflow.refusal.next", "workflow.unpaid.next", "workflow.sign.reason",
		"workflow.check.good", "workflow.check.number_good", "workflow.check.no_number", "workflow.check.not_registered", "workflow.check.other_number",
		"workflow.check.changed", "workflow.check.not_in_force", "workflow.check.not_entitled", "workflow.check.unknown",
		"workflow.finding.content", "workflow.finding.format", "workflow.finding.capacity", "workflow.refusal.M3.capacity",
		"refusal.M2", "refusal.M3", "refusal.M3.format", "refusal.M3.no_signature", "refusal.M3.content", "refusal.M3.altered", "refusal.M3.value",
		"refusal.M3.no_certificate", "refusal.M3.algorithm", "refusal.M3.chain", "refusal.M3.expired", "refusal.M3.not_yet_valid", "refusal.M3.revoked",
		"refusal.M3.purpose", "refusal.M3.policy", "refusal.M3.holder_iin", "refusal.M3.holder_bin",
	} {
		if !phrase.Has(key) {
			t.Errorf("the catalogue lacks %s", key)
		}
	}
}
