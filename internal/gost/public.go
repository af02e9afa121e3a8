// SPDX-License-Identifier: Apache-2.0

package gost

// Points whose coordinates anyone may know: the arithmetic of verification. Every function of this file takes a time that
// depends on its values.

// affine is a point other than infinity.
type affine struct{ x, y words }

// jacobian is the point (x/z², y/z³), infinity where z is 0.
type jacobian struct{ x, y, z words }

const (
	baseWidth = 9 // window of the base point's multiples: 128 of them, kept
	keyWidth  = 5 // window of the key's multiples: 8 of them, made for each verification
)

func (c *Curve) infinite(p *jacobian) bool { return c.f.isZero(&p.z) }

// double sets r = 2p.
func (c *Curve) double(r, p *jacobian) {
	f := c.f
	if !c.minus3 {
		c.doubleGeneral(r, p)
		return
	}
	// The formulas dbl-2001-b of the Explicit-Formulas Database, for a = -3. Infinity yields infinity.
	var delta, gamma, beta, alpha, t words
	f.sqr(&delta, &p.z)
	f.sqr(&gamma, &p.y)
	f.mul(&beta, &p.x, &gamma)
	f.sub(&t, &p.x, &delta)
	f.add(&alpha, &p.x, &delta)
	f.mul(&alpha, &alpha, &t)
	f.add(&t, &alpha, &alpha)
	f.add(&alpha, &alpha, &t)
	f.add(&t, &p.y, &p.z)
	f.sqr(&t, &t)
	f.sub(&t, &t, &gamma)
	f.sub(&r.z, &t, &delta)
	f.add(&beta, &beta, &beta)
	f.add(&beta, &beta, &beta)
	f.add(&t, &beta, &beta)
	f.sqr(&r.x, &alpha)
	f.sub(&r.x, &r.x, &t)
	f.sub(&t, &beta, &r.x)
	f.mul(&t, &alpha, &t)
	f.sqr(&gamma, &gamma)
	f.add(&gamma, &gamma, &gamma)
	f.add(&gamma, &gamma, &gamma)
	f.add(&gamma, &gamma, &gamma)
	f.sub(&r.y, &t, &gamma)
}

// doubleGeneral sets r = 2p for any a (dbl-2007-bl).
func (c *Curve) doubleGeneral(r, p *jacobian) {
	f := c.f
	var xx, yy, yyyy, zz, s, m, t words
	f.sqr(&xx, &p.x)
	f.sqr(&yy, &p.y)
	f.sqr(&yyyy, &yy)
	f.sqr(&zz, &p.z)
	f.add(&s, &p.x, &yy)
	f.sqr(&s, &s)
	f.sub(&s, &s, &xx)
	f.sub(&s, &s, &yyyy)
	f.add(&s, &s, &s)
	f.add(&m, &xx, &xx)
	f.add(&m, &m, &xx)
	f.sqr(&t, &zz)
	f.mul(&t, &t, &c.a)
	f.add(&m, &m, &t)
	f.add(&t, &p.y, &p.z)
	f.sqr(&t, &t)
	f.sub(&t, &t, &yy)
	f.sub(&r.z, &t, &zz)
	f.sqr(&r.x, &m)
	f.sub(&r.x, &r.x, &s)
	f.sub(&r.x, &r.x, &s)
	f.sub(&t, &s, &r.x)
	f.mul(&t, &m, &t)
	f.add(&yyyy, &yyyy, &yyyy)
	f.add(&yyyy, &yyyy, &yyyy)
	f.add(&yyyy, &yyyy, &yyyy)
	f.sub(&r.y, &t, &yyyy)
}

// add sets r = p + q (add-1998-cmo-2).
func (c *Curve) add(r, p, q *jacobian) {
	f := c.f
	if c.infinite(p) {
		*r = *q
		return
	}
	if c.infinite(q) {
		*r = *p
		return
	}
	var zz1, zz2, u1, u2, s1, s2 words
	f.sqr(&zz1, &p.z)
	f.sqr(&zz2, &q.z)
	f.mul(&u1, &p.x, &zz2)
	f.mul(&u2, &q.x, &zz1)
	f.mul(&s1, &p.y, &q.z)
	f.mul(&s1, &s1, &zz2)
	f.mul(&s2, &q.y, &p.z)
	f.mul(&s2, &s2, &zz1)
	f.sub(&u2, &u2, &u1)
	f.sub(&s2, &s2, &s1)
	if f.isZero(&u2) {
		c.meet(r, p, &s2)
		return
	}
	f.mul(&zz1, &p.z, &q.z)
	f.mul(&r.z, &zz1, &u2)
	c.chord(r, &u1, &s1, &u2, &s2)
}

// addAffine sets r = p + q.
func (c *Curve) addAffine(r, p *jacobian, q *affine) {
	f := c.f
	if c.infinite(p) {
		*r = jacobian{q.x, q.y, words{1}}
		return
	}
	var zz, u2, s2 words
	f.sqr(&zz, &p.z)
	f.mul(&u2, &q.x, &zz)
	f.mul(&s2, &q.y, &p.z)
	f.mul(&s2, &s2, &zz)
	f.sub(&u2, &u2, &p.x)
	f.sub(&s2, &s2, &p.y)
	if f.isZero(&u2) {
		c.meet(r, p, &s2)
		return
	}
	x, y := p.x, p.y
	f.mul(&r.z, &p.z, &u2)
	c.chord(r, &x, &y, &u2, &s2)
}

// meet sets r to the sum of p and a point of the same x: 2p where their y agree too, else infinity.
func (c *Curve) meet(r, p *jacobian, dy *words) {
	if c.f.isZero(dy) {
		c.double(r, p)
		return
	}
	*r = jacobian{x: words{1}, y: words{1}}
}

// chord sets r.x and r.y from x1, y1 and the differences h = x2-x1 and d = y2-y1, all over one denominator.
func (c *Curve) chord(r *jacobian, x1, y1, h, d *words) {
	f := c.f
	var hh, hhh, v, t words
	f.sqr(&hh, h)
	f.mul(&hhh, &hh, h)
	f.mul(&v, x1, &hh)
	f.sqr(&t, d)
	f.sub(&t, &t, &hhh)
	f.sub(&t, &t, &v)
	f.sub(&r.x, &t, &v)
	f.sub(&v, &v, &r.x)
	f.mul(&v, d, &v)
	f.mul(&t, y1, &hhh)
	f.sub(&r.y, &v, &t)
}

// negate sets r = -p.
func (c *Curve) negate(r, p *jacobian) {
	*r = *p
	c.f.sub(&r.y, &words{}, &p.y)
}

// combine sets r = u·G + v·p: both scalars in signed windows, one run of doublings for both (Straus and Shamir).
func (c *Curve) combine(r *jacobian, u, v *words, p *affine) {
	var odd [1 << (keyWidth - 2)]jacobian
	odd[0] = jacobian{p.x, p.y, words{1}}
	var twice jacobian
	c.double(&twice, &odd[0])
	for i := 1; i < len(odd); i++ {
		c.add(&odd[i], &odd[i-1], &twice)
	}
	base := c.odd()
	var ud, vd [512 + 1]int16
	top := max(c.signedWindows(&ud, u, baseWidth), c.signedWindows(&vd, v, keyWidth))
	*r = jacobian{x: words{1}, y: words{1}}
	for i := top - 1; i >= 0; i-- {
		c.double(r, r)
		if d := vd[i]; d > 0 {
			c.add(r, r, &odd[d>>1])
		} else if d < 0 {
			var minus jacobian
			c.negate(&minus, &odd[-d>>1])
			c.add(r, r, &minus)
		}
		if d := ud[i]; d > 0 {
			c.addAffine(r, r, &base[d>>1])
		} else if d < 0 {
			minus := base[-d>>1]
			c.f.sub(&minus.y, &words{}, &minus.y)
			c.addAffine(r, r, &minus)
		}
	}
}

// signedWindows writes k as a sum of digits[i]·2^i, each digit 0 or odd and less than 2^(width-1) in size, with at least width-1
// zeros after each (the width-w non-adjacent form). It returns how many digits there are.
func (c *Curve) signedWindows(digits *[513]int16, k *words, width int) int {
	length, carry := 0, 0
	for at := 0; at <= 64*c.f.n; {
		if k.bit(at)+carry&1 == 0 || k.bit(at)+carry == 2 {
			at++
			continue
		}
		digit := carry
		for i := range width {
			digit += k.bit(at+i) << i
		}
		carry = 0
		if digit >= 1<<(width-1) {
			digit -= 1 << width
			carry = 1
		}
		digits[at] = int16(digit)
		length = at + 1
		at += width
	}
	return length
}

// bit is bit i of x, 0 beyond its end.
func (x *words) bit(i int) int {
	if i >= 512 {
		return 0
	}
	return int(x[i/64] >> (i % 64) & 1)
}

// makeOdd computes G, 3G, 5G, …
func (c *Curve) makeOdd() *[1 << (baseWidth - 2)]affine {
	var points [1 << (baseWidth - 2)]jacobian
	var twice jacobian
	points[0] = jacobian{c.base.x, c.base.y, words{1}}
	c.double(&twice, &points[0])
	for i := 1; i < len(points); i++ {
		c.add(&points[i], &points[i-1], &twice)
	}
	var table [len(points)]affine
	c.normalize(table[:], points[:])
	return &table
}

// normalize divides the coordinates of points, none of them infinity, with one inversion for all (Montgomery's trick).
func (c *Curve) normalize(table []affine, points []jacobian) {
	f := c.f
	products := make([]words, len(points))
	product := words{1}
	for i := range points {
		products[i] = product
		f.mul(&product, &product, &points[i].z)
	}
	var inverse, zi, zz words
	f.inverse(&inverse, &product)
	for i := len(points) - 1; i >= 0; i-- {
		f.mul(&zi, &inverse, &products[i])
		f.mul(&inverse, &inverse, &points[i].z)
		f.sqr(&zz, &zi)
		f.mul(&table[i].x, &points[i].x, &zz)
		f.mul(&zz, &zz, &zi)
		f.mul(&table[i].y, &points[i].y, &zz)
	}
}
