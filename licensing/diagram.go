// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"rastau/internal/phrase"
)

// The symbols of annex 1, in the order of its legend.
const (
	symbolStart        = "start-message"
	symbolEnd          = "end-message"
	symbolIntermediate = "intermediate-message"
	symbolSimpleEnd    = "simple-end"
	symbolError        = "error"
	symbolSystem       = "information-system"
	symbolProcess      = "process"
	symbolCondition    = "condition"
	symbolControl      = "control-flow"
	symbolMessage      = "message-flow"
	symbolDocument     = "document"
)

var knownSymbols = []string{
	symbolStart, symbolEnd, symbolIntermediate, symbolSimpleEnd, symbolError, symbolSystem,
	symbolProcess, symbolCondition, symbolControl, symbolMessage, symbolDocument,
}

// Measures of the sheet: A3 landscape at 96 dots an inch.
const (
	sheetWidth, sheetHeight = 1587.0, 1123.0

	sheetMargin = 36.0
	headWidth   = 156.0 // of a lane's head
	startWidth  = 56.0  // of the column with the start
	endWidth    = 136.0 // of the column with the document and the end
	eventRadius = 11.0
	boxHeight   = 76.0
	rhombHeight = 94.0
	rhombMore   = 7.0  // by which a rhombus is wider than a box, on each side
	gutter      = 53.0 // between the boxes of two columns
	clearance   = 12.0 // above and below what stands in a row
	smallRow    = 42.0 // of a lane's second row where it holds events only
	emptyRow    = 64.0 // of a lane's first row where it holds the document only
)

// Tracks of a gutter between two columns, counted from the box on its left.
const (
	trackMessage = 10.0 // message flows to the one who is told
	trackNear    = 30.0
	trackFar     = 41.0
)

type point struct{ x, y float64 }

// shape is one symbol on the sheet; x and y are its middle.
type shape struct {
	symbol     string
	x, y, w, h float64
	head       string // 1-процесс, 1-шарт
	text, foot string
	title      string // the whole text, for those who hear the diagram
	refusal    bool
}

// flow is one arrow; its points lie on horizontals and verticals.
type flow struct {
	symbol  string
	points  []point
	label   string // yes or no
	labelAt point

	labelLeft bool // the label ends at its point
}

// lane is the strip of one unit: a row of processes and, where needed, one of
// refusals and of messages to the unit.
type lane struct {
	unit   Unit
	top    float64
	row    [2]float64 // heights
	boxes  bool       // the first row holds processes
	rhombs bool       // the first row holds conditions
	second bool       // the second row holds boxes
	events bool       // the second row holds events
}

func (l lane) middle(row int) float64 {
	if row == 0 {
		return l.top + l.row[0]/2
	}
	return l.top + l.row[0] + l.row[1]/2
}

func (l lane) bottom() float64 { return l.top + l.row[0] + l.row[1] }

// cell is where something stands in the grid.
type cell struct{ lane, row, col int }

// drawing lays one path out on one sheet.
type drawing struct {
	r    *Regulation
	p    Path
	lang phrase.Lang

	main  []Step // without refusals, from first to last
	lanes []lane
	cols  int // of processes and conditions
	width float64
	box   float64

	steps      map[int]cell    // by step number
	conditions map[string]cell // by key
	taken      map[cell]bool
	falls      map[int][2]int // column → lanes between which a vertical runs

	shapes []shape
	flows  []flow
}

// Diagram draws a path of the regulation as annex 1 does: a lane for each
// unit, the processes and conditions from left to right, the legend below. The
// sheet is SVG for A3 landscape.
func (r *Regulation) Diagram(path string, lang phrase.Lang) ([]byte, error) {
	d, err := r.layOut(path, lang)
	if err != nil {
		return nil, err
	}
	return d.svg(true), nil
}

// Diagrams are all paths of the regulation on one sheet of SVG, one below the other.
func (r *Regulation) Diagrams(lang phrase.Lang) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="420mm" height="%dmm" viewBox="0 0 %s %s" lang="%s" xml:lang="%s">`+"\n",
		297*len(r.Paths), num(sheetWidth), num(sheetHeight*float64(len(r.Paths))), lang, lang)
	writeSigns(&b)
	for i, p := range r.Paths {
		d, err := r.layOut(p.Key, lang)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, `<svg y="%s" width="%s" height="%s">`+"\n%s</svg>\n", num(sheetHeight*float64(i)), num(sheetWidth), num(sheetHeight), d.svg(false))
	}
	b.WriteString("</svg>\n")
	return b.Bytes(), nil
}

func (r *Regulation) layOut(path string, lang phrase.Lang) (*drawing, error) {
	p, ok := r.Path(path)
	if !ok {
		return nil, fmt.Errorf("regulation %s has no path %q: %w", r.Key, path, ErrNotFound)
	}
	d := &drawing{
		r: r, p: p, lang: lang,
		steps: map[int]cell{}, conditions: map[string]cell{}, taken: map[cell]bool{}, falls: map[int][2]int{},
	}
	d.findLanes()
	d.placeSteps()
	d.measure()
	if d.box < 70 {
		return nil, errors.New("the path has too many steps for one sheet")
	}
	d.draw()
	return d, nil
}

// findLanes takes the units that act or are told, in the regulation's order,
// and the way to the good end.
func (d *drawing) findLanes() {
	used := map[string]bool{}
	for _, s := range d.p.Steps {
		used[s.Unit], used[s.Tells] = true, true
		if s.Condition != nil {
			used[s.Condition.Unit] = true
		}
	}
	for _, u := range d.r.Units {
		if used[u.Key] {
			d.lanes = append(d.lanes, lane{unit: u})
		}
	}
	for s := d.p.Steps[0]; ; s = d.p.step(s.follower()) {
		d.main = append(d.main, s)
		if s.follower() == 0 {
			return
		}
	}
}

// follower is the step that comes next where nothing is refused; 0 at the end.
func (s Step) follower() int {
	for _, n := range s.Next {
		if n.When != whenFail {
			return n.To
		}
	}
	return 0
}

// refused is the step that refuses where the condition fails.
func (s Step) refused() int {
	for _, n := range s.Next {
		if n.When == whenFail {
			return n.To
		}
	}
	return 0
}

func (d *drawing) laneOf(unit string) int {
	return slices.IndexFunc(d.lanes, func(l lane) bool { return l.unit.Key == unit })
}

// placeSteps gives every process and condition its lane and column. A
// condition of another unit stands in the column of its process where the way
// down or up is free; a refusal stands one column further, in the second row.
func (d *drawing) placeSteps() {
	for _, s := range d.main {
		d.cols++
		at := cell{d.laneOf(s.Unit), 0, d.cols}
		d.steps[s.Number], d.taken[at] = at, true
		d.lanes[at.lane].boxes = true
		c := s.Condition
		if c == nil {
			continue
		}
		to := cell{d.laneOf(c.Unit), 0, d.cols}
		if to.lane == at.lane || !d.clear(d.cols, at, to) {
			d.cols++
			to.col = d.cols
		} else {
			d.falls[d.cols] = [2]int{min(at.lane, to.lane), max(at.lane, to.lane)}
		}
		d.conditions[c.Key], d.taken[to] = to, true
		d.lanes[to.lane].rhombs = true
		refusal := d.p.step(s.refused())
		beside := cell{d.laneOf(refusal.Unit), 1, d.cols + 1}
		d.steps[refusal.Number], d.taken[beside] = beside, true
		d.lanes[beside.lane].second = true
	}
	for _, s := range d.p.Steps {
		if s.Tells != "" && s.Refusal != "" {
			d.lanes[d.laneOf(s.Tells)].events = true
		}
	}
}

// clear reports whether nothing stands in a column between two places.
func (d *drawing) clear(col int, a, b cell) bool {
	if a.lane > b.lane || a.lane == b.lane && a.row > b.row {
		a, b = b, a
	}
	for l := a.lane; l <= b.lane; l++ {
		for row := range 2 {
			p := cell{l, row, col}
			if p == (cell{a.lane, a.row, col}) || p == (cell{b.lane, b.row, col}) || l == a.lane && row < a.row || l == b.lane && row > b.row {
				continue
			}
			if d.taken[p] {
				return false
			}
		}
	}
	return true
}

// crossed reports whether a vertical between a process and its condition runs
// through a column somewhere between two lanes.
func (d *drawing) crossed(col, a, b int) bool {
	f, ok := d.falls[col]
	return ok && f[0] <= max(a, b) && f[1] >= min(a, b)
}

// Heights of what stands above and below the lanes.
const (
	titleHeight  = 80.0
	legendHeight = 110.0
)

// measure spreads the columns over the width and the lanes over the height.
func (d *drawing) measure() {
	d.width = (sheetWidth - 2*sheetMargin - headWidth - startWidth - endWidth) / float64(d.cols)
	d.box = min(160, d.width-gutter)
	need := 0.0
	for i := range d.lanes {
		l := &d.lanes[i]
		switch {
		case l.rhombs:
			l.row[0] = rhombHeight + 2*clearance
		case l.boxes:
			l.row[0] = boxHeight + 20
		default:
			l.row[0] = emptyRow
		}
		switch {
		case l.second:
			l.row[1] = boxHeight + 18
		case l.events:
			l.row[1] = smallRow
		}
		need += l.row[0] + l.row[1]
	}
	room := sheetHeight - 2*sheetMargin - titleHeight - legendHeight
	// Spare height goes to the rows in proportion, within reason; too little squeezes them.
	factor := min(1.6, room/need)
	top := sheetMargin + titleHeight
	for i := range d.lanes {
		l := &d.lanes[i]
		l.row[0] *= factor
		l.row[1] *= factor
		l.top = top
		top = l.bottom()
	}
}

// left is the edge of a column, counted from 1; the gutter is on its right.
func (d *drawing) left(col int) float64 {
	return sheetMargin + headWidth + startWidth + float64(col-1)*d.width
}

// at is the middle of what stands in a cell.
func (d *drawing) at(p cell) point {
	return point{d.left(p.col) + d.box/2, d.lanes[p.lane].middle(p.row)}
}

// track is a vertical in the gutter behind a column.
func (d *drawing) track(col int, offset float64) float64 { return d.left(col) + d.box + offset }
