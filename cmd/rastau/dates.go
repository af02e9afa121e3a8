// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"time"

	"rastau/licensing"
)

// How long before their end the dated tables are told of. The calendar must reach further than the longest term counted by it.
const (
	ratesWarning    = 60 * 24 * time.Hour
	calendarWarning = 120 * 24 * time.Hour
)

// readDates reads the operator's calendar and rates, or the embedded ones.
func readDates(c *Config) (*licensing.Calendar, *licensing.Rates, error) {
	calendar, err := licensing.EmbeddedCalendar()
	if err == nil && c.Calendar != "" {
		calendar, err = readData("calendar", c.path(c.Calendar), licensing.LoadCalendar)
	}
	if err != nil {
		return nil, nil, err
	}
	rates, err := licensing.EmbeddedRates()
	if err == nil && c.Rates != "" {
		rates, err = readData("rates", c.path(c.Rates), licensing.LoadRates)
	}
	return calendar, rates, err
}

// datesEnding says which of the dated tables will soon say nothing more: then no fee can be told, or no deadline counted, and no
// application is taken.
func datesEnding(calendar *licensing.Calendar, rates *licensing.Rates, now time.Time) (told []string) {
	ahead := func(d time.Duration) licensing.Day { return calendar.Day(now.Add(d)) }
	rows := rates.Rows()
	if until := rows[len(rows)-1].Until; ahead(ratesWarning) >= until {
		told = append(told, fmt.Sprintf("rates: the table of MRP rates says nothing from %s on, and no fee can be told then: add the year's rate and reload", until))
	}
	if until := calendar.Covers().Until; ahead(calendarWarning) >= until {
		told = append(told, fmt.Sprintf("calendar: it ends before %s, and terms that reach further cannot be counted: extend it and reload", until))
	}
	return told
}
