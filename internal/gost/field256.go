// SPDX-License-Identifier: Apache-2.0

package gost

import "math/bits"

// delta256 is 2^256 - p.
const delta256 = 617

// mul256 sets z = x·y mod p: one row per word of x, its low and its high halves added in one carry chain each; then
// the upper half of the product is folded by 2^256 = 617. The time does not depend on the values.
func mul256(z, x, y *[4]uint64) {
	var k uint64
	var t [8]uint64
	var h0, l0, a0 uint64
	var h1, l1, a1 uint64
	var h2, l2, a2 uint64
	var h3, l3, a3 uint64
	var a4 uint64

	h0, l0 = bits.Mul64(x[0], y[0])
	h1, l1 = bits.Mul64(x[0], y[1])
	h2, l2 = bits.Mul64(x[0], y[2])
	h3, l3 = bits.Mul64(x[0], y[3])
	t[0] = l0
	a0, k = bits.Add64(l1, h0, 0)
	a1, k = bits.Add64(l2, h1, k)
	a2, k = bits.Add64(l3, h2, k)
	a3 = h3 + k

	h0, l0 = bits.Mul64(x[1], y[0])
	h1, l1 = bits.Mul64(x[1], y[1])
	h2, l2 = bits.Mul64(x[1], y[2])
	h3, l3 = bits.Mul64(x[1], y[3])
	a0, k = bits.Add64(a0, l0, 0)
	a1, k = bits.Add64(a1, l1, k)
	a2, k = bits.Add64(a2, l2, k)
	a3, k = bits.Add64(a3, l3, k)
	a4 = k
	t[1] = a0
	a0, k = bits.Add64(a1, h0, 0)
	a1, k = bits.Add64(a2, h1, k)
	a2, k = bits.Add64(a3, h2, k)
	a3, _ = bits.Add64(a4, h3, k)

	h0, l0 = bits.Mul64(x[2], y[0])
	h1, l1 = bits.Mul64(x[2], y[1])
	h2, l2 = bits.Mul64(x[2], y[2])
	h3, l3 = bits.Mul64(x[2], y[3])
	a0, k = bits.Add64(a0, l0, 0)
	a1, k = bits.Add64(a1, l1, k)
	a2, k = bits.Add64(a2, l2, k)
	a3, k = bits.Add64(a3, l3, k)
	a4 = k
	t[2] = a0
	a0, k = bits.Add64(a1, h0, 0)
	a1, k = bits.Add64(a2, h1, k)
	a2, k = bits.Add64(a3, h2, k)
	a3, _ = bits.Add64(a4, h3, k)

	h0, l0 = bits.Mul64(x[3], y[0])
	h1, l1 = bits.Mul64(x[3], y[1])
	h2, l2 = bits.Mul64(x[3], y[2])
	h3, l3 = bits.Mul64(x[3], y[3])
	a0, k = bits.Add64(a0, l0, 0)
	a1, k = bits.Add64(a1, l1, k)
	a2, k = bits.Add64(a2, l2, k)
	a3, k = bits.Add64(a3, l3, k)
	a4 = k
	t[3] = a0
	a0, k = bits.Add64(a1, h0, 0)
	a1, k = bits.Add64(a2, h1, k)
	a2, k = bits.Add64(a3, h2, k)
	a3, _ = bits.Add64(a4, h3, k)

	t[4], t[5], t[6], t[7] = a0, a1, a2, a3
	fold256(z, &t)
}

// sqr256 sets z = x² mod p; each cross product is computed once and added twice.
func sqr256(z, x *[4]uint64) {
	var h, l, c0, c1, c2, d0, d1, d2, k uint64
	var t [8]uint64
	h, l = bits.Mul64(x[0], x[0])
	c0, k = bits.Add64(c0, l, 0)
	c1, k = bits.Add64(c1, h, k)
	c2, _ = bits.Add64(c2, 0, k)
	t[0], c0, c1, c2 = c0, c1, c2, 0
	h, l = bits.Mul64(x[0], x[1])
	c0, k = bits.Add64(c0, l, 0)
	c1, k = bits.Add64(c1, h, k)
	c2, _ = bits.Add64(c2, 0, k)
	c0, k = bits.Add64(c0, l, 0)
	c1, k = bits.Add64(c1, h, k)
	c2, _ = bits.Add64(c2, 0, k)
	t[1], c0, c1, c2 = c0, c1, c2, 0
	h, l = bits.Mul64(x[0], x[2])
	c0, k = bits.Add64(c0, l, 0)
	c1, k = bits.Add64(c1, h, k)
	c2, _ = bits.Add64(c2, 0, k)
	c0, k = bits.Add64(c0, l, 0)
	c1, k = bits.Add64(c1, h, k)
	c2, _ = bits.Add64(c2, 0, k)
	h, l = bits.Mul64(x[1], x[1])
	c0, k = bits.Add64(c0, l, 0)
	c1, k = bits.Add64(c1, h, k)
	c2, _ = bits.Add64(c2, 0, k)
	t[2], c0, c1, c2 = c0, c1, c2, 0
	d1, d0 = bits.Mul64(x[0], x[3])
	d2 = 0
	h, l = bits.Mul64(x[1], x[2])
	d0, k = bits.Add64(d0, l, 0)
	d1, k = bits.Add64(d1, h, k)
	d2, _ = bits.Add64(d2, 0, k)
	c0, k = bits.Add64(c0, d0, 0)
	c1, k = bits.Add64(c1, d1, k)
	c2, _ = bits.Add64(c2, d2, k)
	c0, k = bits.Add64(c0, d0, 0)
	c1, k = bits.Add64(c1, d1, k)
	c2, _ = bits.Add64(c2, d2, k)
	t[3], c0, c1, c2 = c0, c1, c2, 0
	h, l = bits.Mul64(x[1], x[3])
	c0, k = bits.Add64(c0, l, 0)
	c1, k = bits.Add64(c1, h, k)
	c2, _ = bits.Add64(c2, 0, k)
	c0, k = bits.Add64(c0, l, 0)
	c1, k = bits.Add64(c1, h, k)
	c2, _ = bits.Add64(c2, 0, k)
	h, l = bits.Mul64(x[2], x[2])
	c0, k = bits.Add64(c0, l, 0)
	c1, k = bits.Add64(c1, h, k)
	c2, _ = bits.Add64(c2, 0, k)
	t[4], c0, c1, c2 = c0, c1, c2, 0
	h, l = bits.Mul64(x[2], x[3])
	c0, k = bits.Add64(c0, l, 0)
	c1, k = bits.Add64(c1, h, k)
	c2, _ = bits.Add64(c2, 0, k)
	c0, k = bits.Add64(c0, l, 0)
	c1, k = bits.Add64(c1, h, k)
	c2, _ = bits.Add64(c2, 0, k)
	t[5], c0, c1, c2 = c0, c1, c2, 0
	h, l = bits.Mul64(x[3], x[3])
	c0, k = bits.Add64(c0, l, 0)
	c1, _ = bits.Add64(c1, h, k)
	t[6], t[7] = c0, c1
	fold256(z, &t)
}

// add256 sets z = x + y mod p, at most 2^256-1.
func add256(z, x, y *[4]uint64) {
	a0, k := bits.Add64(x[0], y[0], 0)
	a1, k := bits.Add64(x[1], y[1], k)
	a2, k := bits.Add64(x[2], y[2], k)
	a3, k := bits.Add64(x[3], y[3], k)
	a0, k = bits.Add64(a0, delta256&-k, 0)
	a1, k = bits.Add64(a1, 0, k)
	a2, k = bits.Add64(a2, 0, k)
	a3, k = bits.Add64(a3, 0, k)
	// A second overflow leaves less than 617, so this addition cannot carry.
	a0 += delta256 & -k
	z[0], z[1], z[2], z[3] = a0, a1, a2, a3
}

// sub256 sets z = x - y mod p, at most 2^256-1.
func sub256(z, x, y *[4]uint64) {
	a0, k := bits.Sub64(x[0], y[0], 0)
	a1, k := bits.Sub64(x[1], y[1], k)
	a2, k := bits.Sub64(x[2], y[2], k)
	a3, k := bits.Sub64(x[3], y[3], k)
	a0, k = bits.Sub64(a0, delta256&-k, 0)
	a1, k = bits.Sub64(a1, 0, k)
	a2, k = bits.Sub64(a2, 0, k)
	a3, k = bits.Sub64(a3, 0, k)
	// A second underflow leaves at least 2^256-617, so this subtraction cannot borrow.
	a0 -= delta256 & -k
	z[0], z[1], z[2], z[3] = a0, a1, a2, a3
}

// fold256 sets z to the double-width t modulo p, at most 2^256-1.
func fold256(z *[4]uint64, t *[8]uint64) {
	var k, top uint64
	h0, l0 := bits.Mul64(t[4], delta256)
	h1, l1 := bits.Mul64(t[5], delta256)
	h2, l2 := bits.Mul64(t[6], delta256)
	h3, l3 := bits.Mul64(t[7], delta256)
	l0, k = bits.Add64(l0, t[0], 0)
	l1, k = bits.Add64(l1, t[1], k)
	l2, k = bits.Add64(l2, t[2], k)
	l3, k = bits.Add64(l3, t[3], k)
	top = h3 + k
	l1, k = bits.Add64(l1, h0, 0)
	l2, k = bits.Add64(l2, h1, k)
	l3, k = bits.Add64(l3, h2, k)
	top += k
	l0, k = bits.Add64(l0, top*delta256, 0)
	l1, k = bits.Add64(l1, 0, k)
	l2, k = bits.Add64(l2, 0, k)
	l3, k = bits.Add64(l3, 0, k)
	// A second overflow leaves less than 2^20, so this addition cannot carry.
	l0 += delta256 & -k
	z[0], z[1], z[2], z[3] = l0, l1, l2, l3
}
