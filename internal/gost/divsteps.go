// SPDX-License-Identifier: Apache-2.0

package gost

import "math/bits"

// The inverse of a public value by Bernstein and Yang's division steps ("Fast constant-time gcd computation and modular
// inversion", 2019), here in variable time: f and g begin as the modulus and the value, a step divides g by two after making it
// even, and d and e follow so that d·x = f and e·x = g (mod m) at all times. Steps are gathered 62 at a time into a matrix, so
// that the long numbers are touched once in 62 steps. Numbers are signed, in digits of 62 bits, the last digit carrying the sign.

const mask62 = 1<<62 - 1

// split cuts x into digits of 62 bits.
func (q *modulus) split(x *words) (z [9]int64) {
	for i := range q.digitsN {
		at := 62 * i
		w, s := at/64, at%64
		v := uint64(0)
		if w < q.n {
			v = x[w] >> s
			if s > 2 && w+1 < q.n {
				v |= x[w+1] << (64 - s)
			}
		}
		z[i] = int64(v & mask62)
	}
	return z
}

// join is the inverse of split, for a value that is not negative.
func (q *modulus) join(x *[9]int64) (z words) {
	for i := range q.digitsN {
		at := 62 * i
		w, s := at/64, at%64
		v := uint64(x[i])
		if w < q.n {
			z[w] |= v << s
		}
		if s > 2 && w+1 < q.n {
			z[w+1] |= v >> (64 - s)
		}
	}
	return z
}

// inversePublic sets z = 1/x mod m for 0 < x < m, m prime. Its time depends on x: never for a secret.
func (q *modulus) inversePublic(z, x *words) {
	n := q.digitsN
	f, g := q.digits, q.split(x)
	var d, e [9]int64
	e[0] = 1
	eta := int64(-1)
	for {
		var t matrix
		eta = t.steps(eta, uint64(f[0]), uint64(g[0]))
		t.applyModulo(d[:n], e[:n], q)
		t.apply(f[:n], g[:n])
		if isZero62(g[:n]) {
			break
		}
	}
	// Now f is 1 or -1 and d·x = f. Bring d = ±1/x, which lies above -2m and below m, to its least representative.
	if f[n-1] < 0 {
		for i := range d {
			d[i] = -d[i]
		}
	}
	for carry62(d[:n]); d[n-1] < 0; carry62(d[:n]) {
		for i := range n {
			d[i] += q.digits[i]
		}
	}
	for {
		r := d
		for i := range n {
			r[i] -= q.digits[i]
		}
		if carry62(r[:n]); r[n-1] < 0 {
			break
		}
		d = r
	}
	*z = q.join(&d)
}

func isZero62(x []int64) bool {
	var any int64
	for _, v := range x {
		any |= v
	}
	return any == 0
}

// carry62 brings all digits but the last into 0 … 2^62-1.
func carry62(x []int64) {
	for i := range len(x) - 1 {
		x[i+1] += x[i] >> 62
		x[i] &= mask62
	}
}

// matrix takes (f, g) to 2^62 times their values 62 steps on: (u·f + v·g, q·f + r·g).
type matrix struct{ u, v, q, r int64 }

// steps makes 62 division steps with the lowest bits of f and g, of which no more is needed, and returns the new eta.
func (t *matrix) steps(eta int64, f, g uint64) int64 {
	u, v, q, r := uint64(1), uint64(0), uint64(0), uint64(1)
	for left := 62; ; {
		zeros := bits.TrailingZeros64(g | max64<<left)
		g >>= zeros
		u <<= zeros
		v <<= zeros
		eta -= int64(zeros)
		left -= zeros
		if left == 0 {
			break
		}
		if eta < 0 {
			eta = -eta
			f, g = g, -f
			u, q = q, -u
			v, r = r, -v
		}
		// Up to eta+1 steps only add multiples of f to g: cancel that many low bits of g (at most 6) at once.
		// -1/f mod 64 is f·(f²-2).
		count := min(int(eta)+1, left, 6)
		w := f * (f*f - 2) * g & (1<<count - 1)
		g += f * w
		q += u * w
		r += v * w
	}
	t.u, t.v, t.q, t.r = int64(u), int64(v), int64(q), int64(r)
	return eta
}

// apply sets (f, g) to the matrix's image divided by 2^62, which is exact.
func (t *matrix) apply(f, g []int64) {
	var cf, cg int128
	for i := range f {
		cf.addProduct(t.u, f[i])
		cf.addProduct(t.v, g[i])
		cg.addProduct(t.q, f[i])
		cg.addProduct(t.r, g[i])
		a, b := cf.shift62(), cg.shift62()
		if i > 0 {
			f[i-1], g[i-1] = a, b
		}
	}
	f[len(f)-1], g[len(f)-1] = int64(cf.low), int64(cg.low)
}

// applyModulo does the same to (d, e) modulo m: a multiple of m makes the division exact. Both stay above -2m and below m.
func (t *matrix) applyModulo(d, e []int64, q *modulus) {
	n := len(d)
	// A negative d or e takes one m more, which keeps the result in its bounds.
	ds, es := d[n-1]>>63, e[n-1]>>63
	md, me := t.u&ds+t.v&es, t.q&ds+t.r&es
	md -= int64((q.inv62*uint64(t.u*d[0]+t.v*e[0]) + uint64(md)) & mask62)
	me -= int64((q.inv62*uint64(t.q*d[0]+t.r*e[0]) + uint64(me)) & mask62)
	var cd, ce int128
	for i := range d {
		cd.addProduct(t.u, d[i])
		cd.addProduct(t.v, e[i])
		cd.addProduct(q.digits[i], md)
		ce.addProduct(t.q, d[i])
		ce.addProduct(t.r, e[i])
		ce.addProduct(q.digits[i], me)
		a, b := cd.shift62(), ce.shift62()
		if i > 0 {
			d[i-1], e[i-1] = a, b
		}
	}
	d[n-1], e[n-1] = int64(cd.low), int64(ce.low)
}

// int128 is a signed integer of 128 bits.
type int128 struct {
	low  uint64
	high int64
}

func (s *int128) addProduct(x, y int64) {
	h, l := bits.Mul64(uint64(x), uint64(y))
	high := int64(h) - x>>63&y - y>>63&x
	var k uint64
	s.low, k = bits.Add64(s.low, l, 0)
	s.high += high + int64(k)
}

// shift62 takes the lowest 62 bits off.
func (s *int128) shift62() int64 {
	digit := int64(s.low & mask62)
	s.low = s.low>>62 | uint64(s.high)<<2
	s.high >>= 62
	return digit
}
