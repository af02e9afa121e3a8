// SPDX-License-Identifier: Apache-2.0

package gost

// Multiples of the base point by a secret: the arithmetic of signing and of keys. No branch and no address in this file depends
// on the scalar or on a coordinate.

// homogeneous is the point (x/z, y/z); infinity is (0, 1, 0).
type homogeneous struct{ x, y, z words }

// baseWindows holds, for every window of four bits of a scalar (and one for the last carry), 1 … 8 times 16^i·G.
type baseWindows [][8]affine

func (c *Curve) makeWindows() *baseWindows {
	count := 16*c.f.n + 1
	points := make([]jacobian, 0, 8*count)
	step := jacobian{c.base.x, c.base.y, words{1}}
	for range count {
		multiple := step
		points = append(points, multiple)
		for range 7 {
			c.add(&multiple, &multiple, &step)
			points = append(points, multiple)
		}
		c.double(&step, &multiple)
	}
	flat := make([]affine, len(points))
	c.normalize(flat, points)
	table := make(baseWindows, count)
	for i := range table {
		copy(table[i][:], flat[8*i:])
	}
	return &table
}

// multiply sets r = k·G for 0 <= k < 2^(64n): one addition for every window of four bits, whatever the bits are.
func (c *Curve) multiply(r *homogeneous, k *words) {
	table := *c.windows()
	*r = homogeneous{y: words{1}}
	var carry uint64
	for i := range table {
		nibble := carry
		if i < 16*c.f.n { // the loop's counter, not the secret
			nibble += k[i/16] >> (4 * (i % 16)) & 15
		}
		// The digits run from -7 to 8: 9 … 16 become the digit less 16 and a carry into the next window.
		carry = (nibble + 7) >> 4
		negative := -carry
		size := (nibble - carry<<4 ^ negative) - negative
		var point affine
		c.pick(&point, &table[i], size, carry)
		var sum homogeneous
		c.addComplete(&sum, r, &point)
		// A digit of zero picked no point: its sum is thrown away.
		keep := (size | -size) >> 63
		choose(&r.x, &sum.x, &r.x, keep)
		choose(&r.y, &sum.y, &r.y, keep)
		choose(&r.z, &sum.z, &r.z, keep)
	}
}

// pick sets p to row[size-1], with -y for y where minus is 1, reading the whole row. For size 0 it sets zeros.
func (c *Curve) pick(p *affine, row *[8]affine, size, minus uint64) {
	*p = affine{}
	n := c.f.n
	for i := range row {
		differ := uint64(i+1) ^ size
		mask := (differ|-differ)>>63 - 1
		for j := range n {
			p.x[j] |= row[i].x[j] & mask
			p.y[j] |= row[i].y[j] & mask
		}
	}
	var opposite words
	c.f.sub(&opposite, &words{}, &p.y)
	choose(&p.y, &opposite, &p.y, minus)
}

// addComplete sets r = p + q by Renes, Costello and Batina's complete formulas ("Complete addition formulas for prime order
// elliptic curves", 2016, algorithm 2): the same for doubling, for infinity as p and for opposite points. They fail only where
// p - q has order two, which no difference of two multiples of G has, whose order is odd, even on the curve of cofactor 4.
func (c *Curve) addComplete(r, p *homogeneous, q *affine) {
	f := c.f
	var t0, t1, t2, t3, t4, t5, x3, y3, z3 words
	f.mul(&t0, &p.x, &q.x)
	f.mul(&t1, &p.y, &q.y)
	f.add(&t3, &q.x, &q.y)
	f.add(&t4, &p.x, &p.y)
	f.mul(&t3, &t3, &t4)
	f.add(&t4, &t0, &t1)
	f.sub(&t3, &t3, &t4)
	f.mul(&t4, &q.x, &p.z)
	f.add(&t4, &t4, &p.x)
	f.mul(&t5, &q.y, &p.z)
	f.add(&t5, &t5, &p.y)
	f.mul(&z3, &c.a, &t4)
	f.mul(&x3, &c.b3, &p.z)
	f.add(&z3, &x3, &z3)
	f.sub(&x3, &t1, &z3)
	f.add(&z3, &t1, &z3)
	f.mul(&y3, &x3, &z3)
	f.add(&t1, &t0, &t0)
	f.add(&t1, &t1, &t0)
	f.mul(&t2, &c.a, &p.z)
	f.mul(&t4, &c.b3, &t4)
	f.add(&t1, &t1, &t2)
	f.sub(&t2, &t0, &t2)
	f.mul(&t2, &c.a, &t2)
	f.add(&t4, &t4, &t2)
	f.mul(&t0, &t1, &t4)
	f.add(&y3, &y3, &t0)
	f.mul(&t0, &t5, &t4)
	f.mul(&x3, &t3, &x3)
	f.sub(&x3, &x3, &t0)
	f.mul(&t0, &t3, &t1)
	f.mul(&z3, &t5, &z3)
	f.add(&z3, &z3, &t0)
	r.x, r.y, r.z = x3, y3, z3
}

// affine sets p to the coordinates of r, which is not infinity, each below the prime.
func (c *Curve) affine(p *affine, r *homogeneous) {
	var inverse words
	c.f.inverse(&inverse, &r.z)
	c.f.mul(&p.x, &r.x, &inverse)
	c.f.mul(&p.y, &r.y, &inverse)
	c.f.canonical(&p.x, &p.x)
	c.f.canonical(&p.y, &p.y)
}
