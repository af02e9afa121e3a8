// SPDX-License-Identifier: Apache-2.0

package licensing

import "slices"

// MovedDay is a day that is not what its weekday says.
type MovedDay struct {
	Day   Day
	Works bool // a day of the weekend that is worked; else a day off in the week
}

// Covers are the years that the calendar knows, until before the last day named.
func (c *Calendar) Covers() Period { return c.covers }

// Moved lists the next n days, from one on, that are not what their weekday says.
func (c *Calendar) Moved(from Day, n int) []MovedDay {
	var all []MovedDay
	for d := range c.off {
		if d >= from && !c.weekend(d) {
			all = append(all, MovedDay{Day: d})
		}
	}
	for d := range c.work {
		if d >= from && c.weekend(d) {
			all = append(all, MovedDay{Day: d, Works: true})
		}
	}
	slices.SortFunc(all, func(a, b MovedDay) int {
		if a.Day < b.Day {
			return -1
		}
		return 1 // no day stands twice
	})
	return all[:min(n, len(all))]
}

// Rate is one row of the table of MRP rates.
type Rate struct {
	From, Until Day // Until is the first day on which it no longer counts
	Tenge       int64
}

// Rows are the whole table, oldest first.
func (r *Rates) Rows() []Rate {
	out := make([]Rate, len(r.rows))
	for i, x := range r.rows {
		out[i] = Rate(x)
	}
	return out
}
