// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
	"time"
)

// TestDatesEnding: that the rates or the calendar end is told while there is time to extend them, and not before.
func TestDatesEnding(t *testing.T) {
	calendar, rates, err := readDates(&Config{})
	if err != nil {
		t.Fatal(err)
	}
	rows := rates.Rows()
	ends := made(time.ParseInLocation(time.DateOnly, string(rows[len(rows)-1].Until), calendar.Zone()))
	covered := made(time.ParseInLocation(time.DateOnly, string(calendar.Covers().Until), calendar.Zone()))
	for name, c := range map[string]struct {
		at   time.Time
		want string
	}{
		"long before":           {ends.Add(-ratesWarning - 24*time.Hour), ""},
		"before the rates end":  {ends.Add(-ratesWarning), "rates"},
		"after them":            {ends.AddDate(0, 3, 0), "rates"},
		"before the calendar's": {covered.Add(-calendarWarning), "rates calendar"},
	} {
		var got []string
		for _, told := range datesEnding(calendar, rates, c.at) {
			key, _, _ := strings.Cut(told, ":")
			got = append(got, key)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
	k := &configChecker{c: &Config{folder: t.TempDir()}, offline: true, now: func() time.Time { return ends }}
	k.check(t.Context())
	if !strings.Contains(strings.Join(k.notes, "\n"), "add the year's rate") {
		t.Errorf("config check says %q", k.notes)
	}
}
