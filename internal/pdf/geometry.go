// SPDX-License-Identifier: Apache-2.0

package pdf

import "math"

// matrix is a transformation [a b c d e f] (ISO 32000-1 §8.3.4).
type matrix [6]float64

var identity = matrix{1, 0, 0, 1, 0, 0}

// times is m applied first, then n.
func (m matrix) times(n matrix) matrix {
	return matrix{
		m[0]*n[0] + m[1]*n[2], m[0]*n[1] + m[1]*n[3],
		m[2]*n[0] + m[3]*n[2], m[2]*n[1] + m[3]*n[3],
		m[4]*n[0] + m[5]*n[2] + n[4], m[4]*n[1] + m[5]*n[3] + n[5],
	}
}

func (m matrix) point(x, y float64) (float64, float64) {
	return m[0]*x + m[2]*y + m[4], m[1]*x + m[3]*y + m[5]
}

// scale is the factor by which lines grow at most.
func (m matrix) scale() float64 {
	return max(math.Hypot(m[0], m[1]), math.Hypot(m[2], m[3]))
}

// box is an upright rectangle in points, left below right, bottom below top.
type box struct{ x0, y0, x1, y1 float64 }

var nowhere = box{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}

func (b box) with(x, y float64) box {
	return box{min(b.x0, x), min(b.y0, y), max(b.x1, x), max(b.y1, y)}
}

func (b box) grown(by float64) box { return box{b.x0 - by, b.y0 - by, b.x1 + by, b.y1 + by} }

// under is the upright rectangle around b transformed.
func (b box) under(m matrix) box {
	out := nowhere
	for _, p := range [4][2]float64{{b.x0, b.y0}, {b.x1, b.y0}, {b.x0, b.y1}, {b.x1, b.y1}} {
		x, y := m.point(p[0], p[1])
		out = out.with(x, y)
	}
	return out
}

// meets says whether two rectangles share more than an edge. What is no number meets everything.
func (b box) meets(c box) bool {
	const edge = 0.01
	return !(b.x1 <= c.x0+edge || c.x1 <= b.x0+edge || b.y1 <= c.y0+edge || c.y1 <= b.y0+edge)
}

// flat says whether b has no size.
func (b box) flat() bool { return b.x0 >= b.x1 || b.y0 >= b.y1 }

func number(o object) (float64, bool) {
	switch n := o.(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

// numbers reads an array of exactly n numbers.
func (v view) numbers(o object, n int) ([]float64, bool) {
	a := v.array(o)
	if len(a) != n {
		return nil, false
	}
	out := make([]float64, n)
	for i, e := range a {
		f, ok := number(v.get(e))
		if !ok {
			return nil, false
		}
		out[i] = f
	}
	return out, true
}

// box reads a rectangle, whose corners may stand in any order (ISO 32000-1 §7.9.5).
func (v view) box(o object) (box, bool) {
	n, ok := v.numbers(o, 4)
	if !ok {
		return box{}, false
	}
	return box{min(n[0], n[2]), min(n[1], n[3]), max(n[0], n[2]), max(n[1], n[3])}, true
}

func (v view) matrix(o object) matrix {
	if n, ok := v.numbers(o, 6); ok {
		return matrix(n)
	}
	return identity
}

// inherited finds a page attribute in the page or above it (ISO 32000-1 §7.7.3.4).
func (v view) inherited(page dict, key name) object {
	for range v.d.lim.Depth {
		if page == nil {
			return nil
		}
		if o := v.get(page[key]); o != nil {
			return o
		}
		page = v.dict(page["Parent"])
	}
	return nil
}
