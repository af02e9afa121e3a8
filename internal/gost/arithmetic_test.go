// SPDX-License-Identifier: Apache-2.0

package gost_test

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"rastau/internal/gost"
)

var curves = []*gost.Curve{gost.TC26512A(), gost.CryptoProA(), gost.TC26256A()}

// number draws integers below 2^bits: random ones, and ones within a few of an edge or with long runs of ones and zeros.
func number(bits int, edges ...*big.Int) *rapid.Generator[*big.Int] {
	limit := new(big.Int).Lsh(big.NewInt(1), uint(bits))
	return rapid.Custom(func(t *rapid.T) *big.Int {
		octets := rapid.SliceOfN(rapid.Byte(), bits/8, bits/8).Draw(t, "octets")
		x := new(big.Int)
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			x.Set(rapid.SampledFrom(append(edges, new(big.Int), limit)).Draw(t, "edge"))
			x.Add(x, big.NewInt(int64(rapid.IntRange(-3, 3).Draw(t, "near"))))
		case 1: // words of all ones or zeros
			for i := range octets {
				if octets[i&^7]&1 == 1 {
					octets[i] = 0xff
				} else {
					octets[i] = 0
				}
			}
			x.SetBytes(octets)
		default:
			x.SetBytes(octets)
		}
		return x.Mod(x, limit)
	})
}

// Ensure the fields agree with math/big, on edges and on representatives that are not the least.
func TestField(t *testing.T) {
	for _, c := range curves {
		t.Run(c.Name(), func(t *testing.T) {
			t.Parallel()
			p := c.Prime()
			rapid.Check(t, func(t *rapid.T) {
				x, y := number(c.Width(), p).Draw(t, "x"), number(c.Width(), p).Draw(t, "y")
				for op, want := range map[string]*big.Int{
					"mul": new(big.Int).Mul(x, y),
					"sqr": new(big.Int).Mul(x, x),
					"add": new(big.Int).Add(x, y),
					"sub": new(big.Int).Sub(x, y),
				} {
					if got := c.Field(op, x, y); got.Cmp(want.Mod(want, p)) != 0 {
						t.Fatalf("%s(%x, %x) = %x, want %x", op, x, y, got, want)
					}
				}
				want := new(big.Int)
				if r := new(big.Int).Mod(x, p); r.Sign() != 0 {
					want.ModInverse(r, p)
				}
				if got := c.Field("inverse", x, y); got.Cmp(want) != 0 {
					t.Fatalf("1/%x = %x, want %x", x, got, want)
				}
			})
		})
	}
}

// Ensure the arithmetic modulo the order agrees with math/big.
func TestScalars(t *testing.T) {
	for _, c := range curves {
		t.Run(c.Name(), func(t *testing.T) {
			t.Parallel()
			q := c.Order()
			rapid.Check(t, func(t *rapid.T) {
				wide := number(c.Width(), q).Draw(t, "wide")
				x := new(big.Int).Mod(number(c.Width(), q).Draw(t, "x"), q)
				y := new(big.Int).Mod(number(c.Width(), q).Draw(t, "y"), q)
				check := func(op string, a, b, want *big.Int) {
					if got := c.Scalar(op, a, b); got.Cmp(want.Mod(want, q)) != 0 {
						t.Fatalf("%s(%x, %x) = %x, want %x", op, a, b, got, want)
					}
				}
				check("mul", wide, y, new(big.Int).Mul(wide, y))
				check("add", x, y, new(big.Int).Add(x, y))
				check("reduce", wide, y, new(big.Int).Set(wide))
				if x.Sign() != 0 {
					check("neg", x, y, new(big.Int).Neg(x))
					check("inverse", x, y, new(big.Int).ModInverse(x, q))
				}
			})
		})
	}
}

// point is a point in math/big's numbers; nil is infinity.
type point struct{ x, y *big.Int }

// plus is the group law as the textbook has it.
func plus(c *gost.Curve, p, q *point) *point {
	if p == nil {
		return q
	}
	if q == nil {
		return p
	}
	m := c.Prime()
	above, below := new(big.Int).Sub(q.y, p.y), new(big.Int).Sub(q.x, p.x)
	if below.Mod(below, m).Sign() == 0 {
		if above.Add(p.y, q.y).Mod(above, m).Sign() == 0 {
			return nil
		}
		above.Mul(p.x, p.x)
		above.Mul(above, big.NewInt(3)).Add(above, c.A())
		below.Lsh(p.y, 1)
	}
	slope := above.Mul(above, below.ModInverse(below, m))
	x := new(big.Int).Mul(slope, slope)
	x.Sub(x, p.x).Sub(x, q.x).Mod(x, m)
	y := new(big.Int).Sub(p.x, x)
	y.Mul(y, slope).Sub(y, p.y).Mod(y, m)
	return &point{x, y}
}

func times(c *gost.Curve, k *big.Int, p *point) *point {
	var r *point
	for i := k.BitLen() - 1; i >= 0; i-- {
		if r = plus(c, r, r); k.Bit(i) == 1 {
			r = plus(c, r, p)
		}
	}
	return r
}

// Ensure both ways of multiplying agree with the textbook's group law, at the scalars where shortcuts break: 0, small ones, the
// order and its neighbours, and combinations that meet in a doubling or cancel out.
func TestMultiples(t *testing.T) {
	for _, c := range curves {
		t.Run(c.Name(), func(t *testing.T) {
			t.Parallel()
			q := c.Order()
			gx, gy := c.Base()
			g := &point{gx, gy}
			same := func(t *rapid.T, what string, want *point, x, y *big.Int, infinite bool) {
				if infinite != (want == nil) || want != nil && (x.Cmp(want.x) != 0 || y.Cmp(want.y) != 0) {
					t.Fatalf("%s is wrong", what)
				}
			}
			if times(c, q, g) != nil {
				t.Fatal("the base point's order is not q")
			}
			powers := []*point{g} // 2^i·G
			for i := range c.Width() {
				powers = append(powers, plus(c, powers[i], powers[i]))
			}
			timesBase := func(k *big.Int) (r *point) {
				for i := range k.BitLen() {
					if k.Bit(i) == 1 {
						r = plus(c, r, powers[i])
					}
				}
				return r
			}
			rapid.Check(t, func(t *rapid.T) {
				k := number(c.Width(), q, new(big.Int).Rsh(q, 1)).Draw(t, "k")
				x, y, infinite := c.SecretMultiple(k)
				same(t, "k·G", timesBase(k), x, y, infinite)

				d := big.NewInt(int64(rapid.IntRange(1, 40).Draw(t, "d")))
				if rapid.Bool().Draw(t, "negative") {
					d.Sub(q, d)
				}
				p := timesBase(d)
				u := new(big.Int).Mod(k, q)
				v := new(big.Int).Mod(number(c.Width(), q).Draw(t, "v"), q)
				if rapid.Bool().Draw(t, "cancel") { // u + v·d = 0
					u.Mul(v, d).Neg(u).Mod(u, q)
				}
				x, y, infinite = c.PublicCombination(u, v, p.x, p.y)
				sum := new(big.Int).Mul(v, d) // P is d·G
				same(t, "u·G + v·P", timesBase(sum.Add(sum, u).Mod(sum, q)), x, y, infinite)
			})
		})
	}
}
