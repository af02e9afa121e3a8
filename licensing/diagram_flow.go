// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"fmt"
	"slices"
	"strings"

	"rastau/internal/phrase"
)

// draw makes the shapes and the flows between them.
func (d *drawing) draw() {
	for _, s := range d.p.Steps {
		at, ok := d.steps[s.Number]
		if !ok {
			continue
		}
		m := d.at(at)
		d.shapes = append(d.shapes, shape{
			symbol: symbolProcess, x: m.x, y: m.y, w: d.box, h: boxHeight, refusal: s.Refusal != "",
			head: d.word("diagram.process", strings.TrimPrefix(s.Process, "P")),
			text: s.Short.In(d.lang), foot: s.Time.words(d.lang), title: s.Process + ". " + s.Action.In(d.lang) + ". " + s.Completion.In(d.lang),
		})
		if c := s.Condition; c != nil {
			m := d.at(d.conditions[c.Key])
			d.shapes = append(d.shapes, shape{
				symbol: symbolCondition, x: m.x, y: m.y, w: d.box + 2*rhombMore, h: rhombHeight,
				head: d.word("diagram.condition", strings.TrimPrefix(c.Key, "C")),
				text: c.Short.In(d.lang), title: c.Key + ". " + c.Text.In(d.lang),
			})
		}
	}
	d.drawStart()
	for _, s := range d.main {
		d.drawOn(s)
		if s.Condition != nil {
			d.drawRefusal(d.p.step(s.refused()))
		}
	}
	d.drawEnd(d.main[len(d.main)-1])
}

func (d *drawing) word(key, n string) string {
	return phrase.Get(key, map[string]string{"n": n}).In(d.lang)
}

func (d *drawing) symbolName(key string) string {
	i := slices.IndexFunc(d.r.Legend, func(s Symbol) bool { return s.Key == key })
	return d.r.Legend[i].Name.In(d.lang)
}

func (d *drawing) event(symbol string, p point) {
	d.shapes = append(d.shapes, shape{symbol: symbol, x: p.x, y: p.y, w: 2 * eventRadius, h: 2 * eventRadius, title: d.symbolName(symbol)})
}

func (d *drawing) flow(symbol string, points ...point) {
	d.flows = append(d.flows, flow{symbol: symbol, points: straight(points)})
}

// straight leaves out the points that lie on the way between their neighbours.
func straight(points []point) []point {
	var out []point
	for _, p := range points {
		if n := len(out); n > 0 && out[n-1] == p {
			continue
		}
		if n := len(out); n > 1 && (out[n-1].x == out[n-2].x && p.x == out[n-1].x || out[n-1].y == out[n-2].y && p.y == out[n-1].y) {
			out[n-1] = p
			continue
		}
		out = append(out, p)
	}
	return out
}

func (d *drawing) drawStart() {
	m := d.at(d.steps[d.main[0].Number])
	s := point{sheetMargin + headWidth + 24, m.y}
	d.event(symbolStart, s)
	d.flow(symbolControl, point{s.x + eventRadius, s.y}, point{m.x - d.box/2, m.y})
}

// drawOn leads from a step to the next one, through its condition where it has one.
func (d *drawing) drawOn(s Step) {
	at := d.steps[s.Number]
	m := d.at(at)
	right := point{m.x + d.box/2, m.y}
	if s.Condition == nil {
		if next := s.follower(); next != 0 {
			d.lead(s, right, at.col, trackNear, next)
		}
		return
	}
	c := d.conditions[s.Condition.Key]
	cm := d.at(c)
	rhombus := d.box/2 + rhombMore
	away := 1.0 // the side that the way in does not take: 1 is below
	switch {
	case c.col != at.col:
		d.flow(symbolControl, right, point{d.track(at.col, trackNear), m.y}, point{d.track(at.col, trackNear), cm.y}, point{cm.x - rhombus, cm.y})
		if s.Routes {
			d.event(symbolIntermediate, point{(right.x + cm.x - rhombus) / 2, m.y})
		}
		if d.at(d.steps[s.refused()]).y < cm.y {
			away = -1
		}
	case c.lane > at.lane:
		d.flow(symbolControl, point{m.x, m.y + boxHeight/2}, point{cm.x, cm.y - rhombHeight/2})
		if s.Routes {
			d.event(symbolIntermediate, point{m.x, d.between(at.lane, m.y+boxHeight/2, cm.y-rhombHeight/2)})
		}
	default:
		d.flow(symbolControl, point{m.x, m.y - boxHeight/2}, point{cm.x, cm.y + rhombHeight/2})
		if s.Routes {
			d.event(symbolIntermediate, point{m.x, (m.y - boxHeight/2 + cm.y + rhombHeight/2) / 2})
		}
		away = -1
	}
	// Two ways out. One leaves on the right by the near track, the other on the
	// side away from the way in, straight or by the far track: the assignment
	// is the one in which they do not cross.
	edge := cm.y + away*(rhombHeight/2)
	turn := edge + away*clearance/2
	sinks := func(other int) bool { // straight from the far side of the rhombus
		p := d.steps[other]
		return (d.at(p).y-turn)*away > 0 && d.clear(c.col, c, cell{p.lane, p.row, c.col}) && !d.taken[cell{p.lane, p.row, c.col}]
	}
	cross := func(side, other int) bool {
		a, b := d.at(d.steps[side]).y, d.at(d.steps[other]).y
		if sinks(other) {
			return between(b, cm.y, a)
		}
		return between(a, turn, b)
	}
	side, other := s.follower(), s.refused()
	sideLabel, otherLabel := "diagram.yes", "diagram.no"
	if cross(side, other) && !cross(other, side) {
		side, other = other, side
		sideLabel, otherLabel = otherLabel, sideLabel
	}
	d.lead(Step{}, point{cm.x + rhombus, cm.y}, c.col, trackNear, side)
	d.label(sideLabel, point{cm.x + rhombus + 1, cm.y - 5}, false)
	to := d.at(d.steps[other])
	entry := point{to.x - d.box/2, to.y}
	beside := edge + away*9 + 3
	if sinks(other) {
		d.flow(symbolControl, point{cm.x, edge}, point{cm.x, to.y}, entry)
		d.label(otherLabel, point{cm.x + 6, beside}, false)
		return
	}
	far := d.track(c.col, trackFar)
	d.flow(symbolControl, point{cm.x, edge}, point{cm.x, turn}, point{far, turn}, point{far, to.y}, entry)
	d.label(otherLabel, point{cm.x - 7, edge + away*4 + 3}, true)
}

// between is the middle of the lane's second row where a vertical passes it,
// else the middle of the vertical.
func (d *drawing) between(l int, from, to float64) float64 {
	if y := d.lanes[l].middle(1); d.lanes[l].row[1] > 0 && y-eventRadius > from && y+eventRadius < to {
		return y
	}
	return (from + to) / 2
}

func between(y, a, b float64) bool { return y >= min(a, b) && y <= max(a, b) }

// lead draws a control flow from the right side of a column to a step.
func (d *drawing) lead(s Step, from point, col int, track float64, to int) {
	t := d.at(d.steps[to])
	x := d.track(col, track)
	end := point{t.x - d.box/2, t.y}
	d.flow(symbolControl, from, point{x, from.y}, point{x, end.y}, end)
	if !s.Routes {
		return
	}
	if from.y == end.y {
		d.event(symbolIntermediate, point{(from.x + end.x) / 2, from.y})
		return
	}
	// Where the way first leaves the lane of the step, clear of its turns.
	l := d.lanes[d.laneOf(s.Unit)]
	y := l.bottom()
	if end.y < from.y {
		y = l.top
	}
	d.event(symbolIntermediate, point{x, y})
}

// label writes yes or no beside the last flow, to the right of a point or to its left.
func (d *drawing) label(key string, at point, left bool) {
	f := &d.flows[len(d.flows)-1]
	f.label, f.labelAt, f.labelLeft = d.word(key, ""), at, left
}

// drawRefusal marks a refusal as an error and leads its message to the one who
// is told: straight up or down where the way is free, else by the gutter.
func (d *drawing) drawRefusal(s Step) {
	at := d.steps[s.Number]
	m := d.at(at)
	d.event(symbolError, point{m.x + d.box/2 - 4, m.y + boxHeight/2})
	told := cell{d.laneOf(s.Tells), 1, at.col}
	y := d.lanes[told.lane].middle(1)
	switch {
	case told.lane == at.lane:
		x := d.track(at.col, trackNear-eventRadius-1)
		d.flow(symbolMessage, point{m.x + d.box/2, m.y}, point{x - eventRadius, m.y})
		d.event(symbolEnd, point{x, m.y})
	case !d.taken[told] && d.clear(at.col, told, at) && !d.crossed(at.col, told.lane, at.lane):
		half, r := boxHeight/2, eventRadius
		if y > m.y {
			half, r = -half, -r
		}
		d.flow(symbolMessage, point{m.x, m.y - half}, point{m.x, y + r})
		d.event(symbolEnd, point{m.x, y})
	default:
		x, r := d.track(at.col, trackMessage), eventRadius
		if y > m.y {
			r = -r
		}
		d.flow(symbolMessage, point{m.x + d.box/2, m.y}, point{x, m.y}, point{x, y + r})
		d.event(symbolEnd, point{x, y})
	}
}

// drawEnd hands the document to the one who is told and ends the service.
func (d *drawing) drawEnd(s Step) {
	at := d.steps[s.Number]
	m := d.at(at)
	y := d.lanes[d.laneOf(s.Tells)].middle(0)
	doc := point{d.track(d.cols, trackFar) + 46, y}
	x := d.track(d.cols, trackNear)
	d.flow(symbolMessage, point{m.x + d.box/2, m.y}, point{x, m.y}, point{x, y}, point{doc.x - 18, y})
	d.shapes = append(d.shapes, shape{symbol: symbolDocument, x: doc.x, y: y, w: 36, h: 46, title: d.symbolName(symbolDocument)})
	end := point{doc.x + 58, y}
	d.flow(symbolControl, point{doc.x + 18, y}, point{end.x - eventRadius, y})
	d.event(symbolSimpleEnd, end)
}

// words writes the time that a table allows as people read it: 10–15 sec, 1,5 min, 15 working days.
func (t Allowed) words(lang phrase.Lang) string {
	say := func(key, time string) string { return phrase.Get(key, map[string]string{"time": time}).In(lang) }
	if t.WorkingDays > 0 {
		return say("diagram.days", fmt.Sprint(t.WorkingDays))
	}
	if len(t.Seconds) == 0 {
		return ""
	}
	minute := func(s int) string {
		n := strings.TrimSuffix(fmt.Sprintf("%.1f", float64(s)/60), ".0")
		if lang != phrase.EN {
			n = strings.Replace(n, ".", ",", 1)
		}
		return n
	}
	from, to := t.Seconds[0], t.Seconds[len(t.Seconds)-1]
	switch {
	case from == to && from >= 60:
		return say("diagram.minutes", minute(from))
	case from == to:
		return say("diagram.seconds", fmt.Sprint(from))
	case to >= 60:
		return say("diagram.seconds", fmt.Sprint(from)) + " – " + say("diagram.minutes", minute(to))
	}
	return say("diagram.seconds", fmt.Sprintf("%d–%d", from, to))
}
