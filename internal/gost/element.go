// SPDX-License-Identifier: Apache-2.0

package gost

import "math/bits"

// words is an integer of up to 512 bits, least significant word first. The curves of 256 bits use the lower four words and keep
// the upper four zero. As an element of a field it is any representative below 2^512 (2^256); canonical makes it the least one.
type words [8]uint64

// field is one of the two prime fields of the curves: 2^512-569 or 2^256-617. Its operations take the same time for all values.
type field struct {
	wide bool   // 2^512-569
	p    words  // the prime
	n    int    // words of an element: 8 or 4
	gap  uint64 // 2^(64n) - p
}

var (
	field512 = &field{wide: true, p: words{max64 - delta512 + 1, max64, max64, max64, max64, max64, max64, max64}, n: 8, gap: delta512}
	field256 = &field{p: words{max64 - delta256 + 1, max64, max64, max64}, n: 4, gap: delta256}
)

const max64 = 1<<64 - 1

func narrow(x *words) *[4]uint64 { return (*[4]uint64)(x[:4]) }

func (f *field) mul(z, x, y *words) {
	if f.wide {
		mul512((*[8]uint64)(z), (*[8]uint64)(x), (*[8]uint64)(y))
		return
	}
	mul256(narrow(z), narrow(x), narrow(y))
}

func (f *field) sqr(z, x *words) {
	if f.wide {
		sqr512((*[8]uint64)(z), (*[8]uint64)(x))
		return
	}
	sqr256(narrow(z), narrow(x))
}

func (f *field) add(z, x, y *words) {
	if f.wide {
		add512((*[8]uint64)(z), (*[8]uint64)(x), (*[8]uint64)(y))
		return
	}
	add256(narrow(z), narrow(x), narrow(y))
}

func (f *field) sub(z, x, y *words) {
	if f.wide {
		sub512((*[8]uint64)(z), (*[8]uint64)(x), (*[8]uint64)(y))
		return
	}
	sub256(narrow(z), narrow(x), narrow(y))
}

// canonical sets z to the representative of x below p.
func (f *field) canonical(z, x *words) {
	var t words
	carry := f.gap
	for i := range f.n {
		t[i], carry = bits.Add64(x[i], carry, 0)
	}
	// x + 2^(64n) - p overflows exactly where x >= p, and what is left then is x - p.
	choose(z, &t, x, carry)
}

// inverse sets z = x^(p-2) = 1/x (Fermat), and 0 for 0. The exponent is public, the sequence of operations always the same.
func (f *field) inverse(z, x *words) {
	var power [16]words
	power[1] = *x
	for i := 2; i < 16; i++ {
		f.mul(&power[i], &power[i-1], x)
	}
	exponent := f.p
	exponent[0] -= 2
	r := power[exponent[f.n-1]>>60]
	for i := 16*f.n - 2; i >= 0; i-- {
		for range 4 {
			f.sqr(&r, &r)
		}
		if d := exponent[i/16] >> (4 * (i % 16)) & 15; d != 0 {
			f.mul(&r, &r, &power[d])
		}
	}
	*z = r
}

// isZero says whether x is 0 mod p. Its time depends on x: for public values.
func (f *field) isZero(x *words) bool { return *x == words{} || *x == f.p }

// equal says whether x and y are the same element. Its time depends on them: for public values.
func (f *field) equal(x, y *words) bool {
	var d words
	f.sub(&d, x, y)
	return f.isZero(&d)
}

// choose sets z to x where pick is 1 and to y where it is 0, in the same time.
func choose(z, x, y *words, pick uint64) {
	mask := -pick
	for i := range z {
		z[i] = y[i] ^ mask&(x[i]^y[i])
	}
}

// below returns 1 where x < y and 0 elsewhere, in the same time.
func below(x, y *words) uint64 {
	var borrow uint64
	for i := range x {
		_, borrow = bits.Sub64(x[i], y[i], borrow)
	}
	return borrow
}

// zero returns 1 where x is 0 and 0 elsewhere, in the same time.
func zero(x *words) uint64 {
	var any uint64
	for _, w := range x {
		any |= w
	}
	return 1 ^ (any|-any)>>63
}

// addBelow sets x = x + y and says whether the sum fits 512 bits and is below limit. For public values.
func (x *words) addBelow(y, limit *words) bool {
	var carry uint64
	for i := range x {
		x[i], carry = bits.Add64(x[i], y[i], carry)
	}
	return carry == 0 && below(x, limit) == 1
}

// notBelow returns 0 where x < y and 1 elsewhere, in the same time.
func notBelow(x, y *words) uint64 { return 1 ^ below(x, y) }
