// SPDX-License-Identifier: Apache-2.0

package gost

import "math/bits"

// modulus is an odd number of exactly 8 or 4 words, the order of a curve's base point, with what Montgomery's multiplication
// needs. mul, add, reduce and montgomery take the same time for all values.
type modulus struct {
	n       int    // words: 8 or 4
	bits    int    // length of m
	m       words  // the modulus
	inv64   uint64 // -1/m mod 2^64
	inv62   uint64 // 1/m mod 2^62, for divsteps
	square  words  // 2^(128n) mod m
	digits  [9]int64
	digitsN int // digits of 62 bits that hold m and a sign: 9 or 5
}

func newModulus(n int, m words) *modulus {
	q := &modulus{n: n, m: m, digitsN: (64*n + 63) / 62}
	for i := n - 1; i >= 0; i-- {
		if m[i] != 0 {
			q.bits = 64*i + bits.Len64(m[i])
			break
		}
	}
	inverse := m[0] // right to 3 bits; each step doubles them
	for range 5 {
		inverse *= 2 - m[0]*inverse
	}
	q.inv64, q.inv62 = -inverse, inverse&mask62
	q.digits = q.split(&m)
	// 2^(128n) by doubling 1, one bit at a time.
	r := words{1}
	for range 128 * n {
		q.add(&r, &r, &r)
	}
	q.square = r
	return q
}

// add sets z = x + y mod m, for x and y below m.
func (q *modulus) add(z, x, y *words) {
	var s, d words
	var carry, borrow uint64
	for i := range q.n {
		s[i], carry = bits.Add64(x[i], y[i], carry)
	}
	for i := range q.n {
		d[i], borrow = bits.Sub64(s[i], q.m[i], borrow)
	}
	// The difference is right where the sum overflowed or was at least m.
	choose(z, &d, &s, carry|(1^borrow))
}

// neg sets z = -x mod m, for 0 < x < m.
func (q *modulus) neg(z, x *words) {
	var borrow uint64
	for i := range q.n {
		z[i], borrow = bits.Sub64(q.m[i], x[i], borrow)
	}
}

// montgomery sets z = x·y / 2^(64n) mod m. One of x and y must be below m, the other only fit its words.
func (q *modulus) montgomery(z, x, y *words) {
	var t [10]uint64
	for i := range q.n {
		carry := addRow(t[:q.n], y[:q.n], x[i])
		var over uint64
		t[q.n], over = bits.Add64(t[q.n], carry, 0)
		t[q.n+1] = over
		carry = addRow(t[:q.n], q.m[:q.n], t[0]*q.inv64)
		t[q.n], over = bits.Add64(t[q.n], carry, 0)
		t[q.n+1] += over
		copy(t[:], t[1:q.n+2])
	}
	var s, d words
	var borrow uint64
	for i := range q.n {
		s[i] = t[i]
		d[i], borrow = bits.Sub64(t[i], q.m[i], borrow)
	}
	choose(z, &d, &s, t[q.n]|(1^borrow))
}

// addRow adds y·w to t and returns the word that does not fit.
func addRow(t, y []uint64, w uint64) uint64 {
	var carry, k uint64
	for i, v := range y {
		h, l := bits.Mul64(v, w)
		l, k = bits.Add64(l, carry, 0)
		h += k
		t[i], k = bits.Add64(t[i], l, 0)
		carry = h + k
	}
	return carry
}

// mul sets z = x·y mod m. One of x and y must be below m.
func (q *modulus) mul(z, x, y *words) {
	var t words
	q.montgomery(&t, x, y)
	q.montgomery(z, &t, &q.square)
}

// reduce sets z = x mod m, for any x of n words.
func (q *modulus) reduce(z, x *words) {
	q.mul(z, x, &words{1})
}
