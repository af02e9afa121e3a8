// SPDX-License-Identifier: Apache-2.0

package licensing_test

import (
	"testing"
	"time"

	"rastau/licensing"
)

// What is shown of the dated tables is what is reckoned with.
func TestDatedTablesAreShown(t *testing.T) {
	c, err := licensing.LoadCalendar("c.yaml", []byte("zone: Asia/Almaty\ncovers: {from: 2026-01-01, until: 2028-01-01}\nweekend: [saturday, sunday]\nholidays:\n"+
		"  - {key: k, days: [03-21, 03-22], transfer: true, source: law}\nswaps:\n  - {work: 2026-05-02, off: 2026-05-04, source: press}\n"))
	must(t, err)
	moved := c.Moved("2026-01-01", 100)
	want := []licensing.MovedDay{{Day: "2026-03-23"}, {Day: "2026-03-24"}, {Day: "2026-05-02", Works: true}, {Day: "2026-05-04"}, {Day: "2027-03-22"}, {Day: "2027-03-23"}}
	if len(moved) != len(want) {
		t.Fatalf("%v, want %v", moved, want)
	}
	for i, m := range moved {
		works, err := c.Working(m.Day)
		must(t, err)
		day, err := time.Parse(time.DateOnly, string(m.Day))
		must(t, err)
		weekend := day.Weekday() == time.Saturday || day.Weekday() == time.Sunday
		if m != want[i] || works != m.Works || weekend != m.Works {
			t.Errorf("%v, want %v; it is worked: %v", m, want[i], works)
		}
	}
	if rest := c.Moved("2026-05-03", 2); len(rest) != 2 || rest[0].Day != "2026-05-04" {
		t.Errorf("%v", rest)
	}
	if p := c.Covers(); p.From != "2026-01-01" || p.Until != "2028-01-01" {
		t.Errorf("%v", p)
	}
	rates, err := licensing.EmbeddedRates()
	must(t, err)
	for _, row := range rates.Rows() {
		if got, err := rates.At(row.From); err != nil || got != row.Tenge {
			t.Errorf("%+v: %d %v", row, got, err)
		}
	}
}
