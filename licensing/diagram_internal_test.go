// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"fmt"
	"math"
	"os"
	"testing"

	"rastau/internal/phrase"
)

var langs = []phrase.Lang{phrase.KK, phrase.RU, phrase.EN}

// drawnRegulations are both orders and the invented one, whose paths have another shape.
func drawnRegulations(t *testing.T) []*Regulation {
	t.Helper()
	all, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("testdata/ferries.yaml")
	if err != nil {
		t.Fatal(err)
	}
	ferries, err := LoadRegulation("ferries.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	return append(all, ferries)
}

// TestNothingOverlaps: on every sheet no symbol covers another (an error sits
// on its refusal, an intermediate message on its line), no arrow runs through
// a symbol, no two arrows lie on each other, and everything lies inside its lane.
func TestNothingOverlaps(t *testing.T) {
	all := drawnRegulations(t)
	for _, r := range all {
		for _, p := range r.Paths {
			for _, lang := range langs {
				t.Run(fmt.Sprint(r.Key, "/", p.Key, "/", lang), func(t *testing.T) {
					d, err := r.layOut(p.Key, lang)
					if err != nil {
						t.Fatal(err)
					}
					d.checkShapes(t)
					d.checkFlows(t)
					d.checkTexts(t)
				})
			}
		}
	}
}

func (d *drawing) checkShapes(t *testing.T) {
	for i, a := range d.shapes {
		inside := false
		for _, l := range d.lanes {
			// An intermediate message may mark where the way leaves the lane.
			inside = inside || a.y-a.h/2 >= l.top && a.y+a.h/2 <= l.bottom() || a.symbol == symbolIntermediate || a.symbol == symbolError
		}
		if !inside || a.x-a.w/2 < sheetMargin+headWidth || a.x+a.w/2 > sheetWidth-sheetMargin {
			t.Errorf("%s %s leaves its lane", a.symbol, a.head)
		}
		for _, b := range d.shapes[i+1:] {
			if a.symbol == symbolError || b.symbol == symbolError {
				continue
			}
			if math.Abs(a.x-b.x) < (a.w+b.w)/2+2 && math.Abs(a.y-b.y) < (a.h+b.h)/2+2 {
				t.Errorf("%s %s %q lies on %s %s %q", a.symbol, a.head, a.text, b.symbol, b.head, b.text)
			}
		}
	}
}

func (d *drawing) checkFlows(t *testing.T) {
	type segment struct {
		a, b point
		flow int
	}
	var all []segment
	for n, f := range d.flows {
		if len(f.points) < 2 {
			t.Errorf("flow %d goes nowhere", n)
		}
		for i := 1; i < len(f.points); i++ {
			a, b := f.points[i-1], f.points[i]
			if a.x != b.x && a.y != b.y {
				t.Errorf("flow %d is neither level nor upright", n)
			}
			all = append(all, segment{a, b, n})
		}
	}
	for _, s := range all {
		left, right, top, bottom := min(s.a.x, s.b.x), max(s.a.x, s.b.x), min(s.a.y, s.b.y), max(s.a.y, s.b.y)
		if left < sheetMargin+headWidth || right > sheetWidth-sheetMargin || top < d.lanes[0].top || bottom > d.lanes[len(d.lanes)-1].bottom() {
			t.Errorf("flow %d leaves the lanes: %v %v", s.flow, s.a, s.b)
		}
		for _, x := range d.shapes {
			if x.symbol == symbolIntermediate || x.symbol == symbolError {
				continue
			}
			const touch = 1.5
			if right > x.x-x.w/2+touch && left < x.x+x.w/2-touch && bottom > x.y-x.h/2+touch && top < x.y+x.h/2-touch {
				t.Errorf("flow %d %v %v runs through %s %s %q", s.flow, s.a, s.b, x.symbol, x.head, x.text)
			}
		}
		for _, o := range all {
			if o.flow <= s.flow {
				continue
			}
			const near = 4
			if s.a.x == s.b.x && o.a.x == o.b.x && math.Abs(s.a.x-o.a.x) < near && min(bottom, max(o.a.y, o.b.y))-max(top, min(o.a.y, o.b.y)) > near ||
				s.a.y == s.b.y && o.a.y == o.b.y && math.Abs(s.a.y-o.a.y) < near && min(right, max(o.a.x, o.b.x))-max(left, min(o.a.x, o.b.x)) > near {
				t.Errorf("flows %d and %d lie on each other near %v", s.flow, o.flow, s.a)
			}
		}
	}
}

// checkTexts: every text fits its symbol at a size that can be read on A4.
func (d *drawing) checkTexts(t *testing.T) {
	for _, s := range d.shapes {
		switch s.symbol {
		case symbolProcess:
			room := s.h - 21
			if s.foot != "" {
				room -= 14
			}
			lines, size := fitBox(s.text, s.w-8, room)
			if widest(lines, size) > s.w-8 || float64(len(lines))*size*lineSpace > room || size < 10 {
				t.Errorf("%s: %q does not fit at %v", s.head, s.text, size)
			}
			if measureText(s.foot, footSize) > s.w {
				t.Errorf("%s: %q is too wide", s.head, s.foot)
			}
		case symbolCondition:
			lines, size := fitRhombus(s.text, s.w, s.h)
			if len(lines) > 3 || size <= smallest {
				t.Errorf("%s: %q does not fit", s.head, s.text)
			}
		}
	}
	if _, size := fit(d.p.Diagram.In(d.lang), (sheetWidth-2*sheetMargin)/boldWider, 1, 21); size < 14 {
		t.Errorf("the title has letters of %v", size)
	}
	for _, l := range d.lanes {
		h := d.head(l)
		if h.height > l.bottom()-l.top-4 || widest(h.abbr, h.abbrSize) > headWidth-12 || widest(h.name, h.nameSize) > headWidth-12 {
			t.Errorf("the head of %s does not fit its lane", l.unit.Key)
		}
	}
}

// TestEveryStepIsDrawn: each step, condition, refusal and end of the data has
// its symbol, and all eleven symbols of the legend are used or stand in it.
func TestEveryStepIsDrawn(t *testing.T) {
	all := drawnRegulations(t)
	seen := map[string]bool{}
	for _, r := range all {
		for _, p := range r.Paths {
			d, err := r.layOut(p.Key, phrase.EN)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]int{symbolStart: 1, symbolSimpleEnd: 1, symbolDocument: 1}
			for _, s := range p.Steps {
				want[symbolProcess]++
				if s.Condition != nil {
					want[symbolCondition]++
				}
				if s.Refusal != "" {
					want[symbolError]++
					want[symbolEnd]++
				}
				if s.Routes {
					want[symbolIntermediate]++
				}
			}
			got := map[string]int{}
			for _, s := range d.shapes {
				got[s.symbol]++
				seen[s.symbol] = true
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s %s: %v, want %v", r.Key, p.Key, got, want)
			}
			for _, f := range d.flows {
				seen[f.symbol] = true
			}
			// Every process and condition but the first is led to, and leads on.
			ends := map[point]bool{}
			for _, f := range d.flows {
				ends[f.points[len(f.points)-1]] = true
			}
			for _, s := range d.shapes {
				if s.symbol != symbolProcess && s.symbol != symbolCondition {
					continue
				}
				half := s.w / 2
				if !ends[point{s.x - half, s.y}] && !ends[point{s.x, s.y - s.h/2}] && !ends[point{s.x, s.y + s.h/2}] {
					t.Errorf("%s %s: nothing leads to %s", r.Key, p.Key, s.head)
				}
			}
			for _, l := range d.lanes {
				seen[symbolSystem] = seen[symbolSystem] || l.unit.System
			}
		}
	}
	for _, k := range knownSymbols {
		if !seen[k] {
			t.Errorf("the symbol %s is never drawn", k)
		}
	}
}
