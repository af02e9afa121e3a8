// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the zone must be known on a machine without a zone database
)

//go:embed calendar.yaml
var calendarFile []byte

// Bounds of a calendar: its days are written out one by one, with four-digit years.
const (
	maxYears = 100
	lastYear = 9000
)

// ErrCalendar: a day lies outside the years that the calendar covers. It comes with ErrLater: whoever runs the service extends it.
var ErrCalendar = errors.New("the calendar of working days does not cover this day")

// Calendar of working days: dated data. It does not change once loaded.
type Calendar struct {
	zone   *time.Location
	covers Period
	off    map[Day]bool // days off besides the weekend
	work   map[Day]bool // days of the weekend that are worked
	rest   map[time.Weekday]bool
}

type calendarData struct {
	Zone     string       `yaml:"zone"`
	Covers   Period       `yaml:"covers"`
	Weekend  []string     `yaml:"weekend"`
	Holidays []holiday    `yaml:"holidays"`
	Movable  []movableDay `yaml:"movable"`
	Swaps    []swap       `yaml:"swaps"`
}

type holiday struct {
	Key      string   `yaml:"key"`
	Days     []string `yaml:"days"` // month and day
	From     Day      `yaml:"from"`
	Until    Day      `yaml:"until"`
	Transfer bool     `yaml:"transfer"`
	Source   string   `yaml:"source"`
}

type movableDay struct {
	Key    string `yaml:"key"`
	Day    Day    `yaml:"day"`
	Source string `yaml:"source"`
}

type swap struct {
	Work   Day    `yaml:"work"`
	Off    Day    `yaml:"off"`
	Source string `yaml:"source"`
}

// EmbeddedCalendar is the calendar that the program carries.
func EmbeddedCalendar() (*Calendar, error) { return LoadCalendar("calendar.yaml", calendarFile) }

// LoadCalendar reads a calendar. Errors are *DataError, joined.
func LoadCalendar(name string, data []byte) (*Calendar, error) {
	var d calendarData
	src, err := readSource(name, data, &d)
	if err != nil {
		return nil, err
	}
	d.check(src)
	c := &Calendar{covers: d.Covers, off: make(map[Day]bool), work: make(map[Day]bool), rest: make(map[time.Weekday]bool)}
	if c.zone, err = time.LoadLocation(d.Zone); err != nil || d.Zone == "" {
		src.problem(src.line("zone"), "zone must be the name of a time zone")
	}
	for i, w := range d.Weekend {
		day, ok := weekday(w)
		if !ok {
			src.problem(src.line("weekend", i), "%q is no day of the week", w)
		}
		c.rest[day] = true
	}
	if err := src.err(); err != nil {
		return nil, err
	}
	c.fill(d)
	return c, nil
}

func (d calendarData) check(src *source) {
	if !d.Covers.From.Valid() || !d.Covers.Until.Valid() || d.Covers.Until <= d.Covers.From ||
		!strings.HasSuffix(string(d.Covers.From), "-01-01") || !strings.HasSuffix(string(d.Covers.Until), "-01-01") {
		src.problem(src.line("covers"), "covers must go from one 1 January to another")
	}
	if years := yearOf(d.Covers.Until) - yearOf(d.Covers.From); years > maxYears || yearOf(d.Covers.Until) > lastYear {
		src.problem(src.line("covers"), "covers must not be longer than %d years nor end after %d", maxYears, lastYear)
	}
	if len(d.Weekend) == 0 || len(d.Weekend) > 3 {
		src.problem(src.line("weekend"), "the weekend must have one to three days")
	}
	for i, h := range d.Holidays {
		for j, day := range h.Days {
			if _, err := time.Parse(time.DateOnly, "2024-"+day); err != nil {
				src.problem(src.line("holidays", i, "days", j), "%q is no month and day", day)
			}
		}
		if h.From != "" && !h.From.Valid() || h.Until != "" && !h.Until.Valid() || len(h.Days) == 0 || h.Key == "" || h.Source == "" {
			src.problem(src.line("holidays", i), "a holiday needs key, days, source; from and until are days")
		}
	}
	for i, m := range d.Movable {
		if !m.Day.Valid() || m.Key == "" || m.Source == "" {
			src.problem(src.line("movable", i), "a movable holiday needs key, day and source")
		}
	}
	for i, s := range d.Swaps {
		if !s.Work.Valid() || !s.Off.Valid() || s.Source == "" {
			src.problem(src.line("swaps", i), "a swap needs work, off and source")
		}
	}
}

// fill writes out the days off. Holidays are laid down first, then those on a
// day off move to the next working day in the order of the calendar, so that
// two of them take two days: 21 and 22 March 2026, Saturday and Sunday, become
// the 24th and 25th, because the 23rd is a holiday itself.
func (c *Calendar) fill(d calendarData) {
	var moving []Day
	for year := yearOf(d.Covers.From); year < yearOf(d.Covers.Until); year++ {
		for _, h := range d.Holidays {
			for _, md := range h.Days {
				day := Day(fmt.Sprintf("%04d-%s", year, md))
				if !day.Valid() || !(Period{h.From, h.Until}).Holds(day) {
					continue
				}
				c.off[day] = true
				if h.Transfer && c.weekend(day) {
					moving = append(moving, day)
				}
			}
		}
	}
	for _, m := range d.Movable {
		c.off[m.Day] = true
	}
	slices.Sort(moving)
	for _, day := range moving {
		to := day.next()
		for c.weekend(to) || c.off[to] {
			to = to.next()
		}
		c.off[to] = true
	}
	for _, s := range d.Swaps {
		delete(c.off, s.Work)
		c.work[s.Work] = true
		c.off[s.Off] = true
	}
}

func (c *Calendar) weekend(d Day) bool { return c.rest[d.time().Weekday()] }

// Day is the calendar day of a moment where the licensor works.
func (c *Calendar) Day(t time.Time) Day { return Day(t.In(c.zone).Format(time.DateOnly)) }

// Zone is the time zone of the calendar.
func (c *Calendar) Zone() *time.Location { return c.zone }

// Working reports whether a day is worked; ErrCalendar outside the covered years.
func (c *Calendar) Working(d Day) (bool, error) {
	if !d.Valid() || !c.covers.Holds(d) {
		return false, fmt.Errorf("%w: %w: %s is not from %s to before %s; extend calendar.yaml", ErrLater, ErrCalendar, d, c.covers.From, c.covers.Until)
	}
	if c.work[d] {
		return true, nil
	}
	return !c.off[d] && !c.weekend(d), nil
}

// Deadline is the last second of the n-th working day after the day of start,
// where the licensor works. ErrCalendar where the calendar ends before.
func (c *Calendar) Deadline(start time.Time, n int) (time.Time, error) {
	d := c.Day(start)
	// The day of registration itself does not count: a term begins on the next day.
	for n > 0 {
		d = d.next()
		works, err := c.Working(d)
		if err != nil {
			return time.Time{}, err
		}
		if works {
			n--
		}
	}
	end, err := time.ParseInLocation(time.DateOnly, string(d.next()), c.zone)
	if err != nil {
		return time.Time{}, err
	}
	return end.Add(-time.Second).UTC(), nil
}

// Before is the end of the n-th working day before the day of a deadline: when
// there are still n working days. ErrCalendar where the calendar begins later.
func (c *Calendar) Before(deadline time.Time, n int) (time.Time, error) {
	d := c.Day(deadline)
	for n > 0 {
		d = Day(d.time().AddDate(0, 0, -1).Format(time.DateOnly))
		works, err := c.Working(d)
		if err != nil {
			return time.Time{}, err
		}
		if works {
			n--
		}
	}
	return c.End(d), nil
}

// After is the last second of a term that begins on the day after start:
// working days where the term counts them, calendar days otherwise. A term of
// calendar days that ends on a day off ends there: the law moves nothing.
func (c *Calendar) After(start time.Time, t Term) (time.Time, error) {
	if t.CalendarDays > 0 {
		return c.End(Day(c.Day(start).time().AddDate(0, 0, t.CalendarDays).Format(time.DateOnly))), nil
	}
	return c.Deadline(start, t.WorkingDays)
}

// End is the last second of a day where the licensor works, in UTC.
func (c *Calendar) End(d Day) time.Time { return c.begin(d.next()).Add(-time.Second).UTC() }

func (c *Calendar) begin(d Day) time.Time {
	t := d.time()
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, c.zone)
}

// Bounds are the first moment of a period and the first behind it; an open end
// is the end of what the calendar covers. The error is an *InputError.
func (c *Calendar) Bounds(p Period) (from, until time.Time, err error) {
	if p.Until == "" {
		p.Until = c.covers.Until
	}
	if p.From == "" {
		p.From = c.covers.From
	}
	if !p.From.Valid() || !p.Until.Valid() || p.Until <= p.From {
		return from, until, badInput("from", "from and until are days as yyyy-mm-dd, and until comes later")
	}
	return c.begin(p.From).UTC(), c.begin(p.Until).UTC(), nil
}

// time is the day's midnight in UTC, for arithmetic; the zero time for no day.
func (d Day) time() time.Time {
	t, _ := time.Parse(time.DateOnly, string(d))
	return t
}

func (d Day) next() Day { return Day(d.time().AddDate(0, 0, 1).Format(time.DateOnly)) }

func yearOf(d Day) int { return d.time().Year() }

func weekday(name string) (time.Weekday, bool) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.EqualFold(d.String(), name) {
			return d, true
		}
	}
	return 0, false
}
