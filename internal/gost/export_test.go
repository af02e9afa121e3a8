// SPDX-License-Identifier: Apache-2.0

package gost

import (
	"hash"
	"math/big"
)

// The tests compare the arithmetic inside with math/big.

func toWords(x *big.Int) (w words) {
	octets := x.FillBytes(make([]byte, 64))
	for i := range w {
		w[i] = be.Uint64(octets[56-8*i:])
	}
	return w
}

func fromWords(w *words) *big.Int {
	octets := make([]byte, 64)
	bigEndian(octets, w)
	return new(big.Int).SetBytes(octets)
}

func (c *Curve) Prime() *big.Int       { return fromWords(&c.f.p) }
func (c *Curve) Order() *big.Int       { return fromWords(&c.q.m) }
func (c *Curve) A() *big.Int           { return fromWords(&c.a) }
func (c *Curve) B() *big.Int           { return fromWords(&c.b) }
func (c *Curve) Base() (x, y *big.Int) { return fromWords(&c.base.x), fromWords(&c.base.y) }
func (c *Curve) HasPrimeOrder() bool   { return c.prime }
func (c *Curve) Width() int            { return 64 * c.f.n }
func NewHashOf(box [8][16]byte) hash.Hash {
	n := nibbles(box)
	return &hash34311{box: n.bytes()}
}

// Field applies each operation of the field, in place too, and returns canonical results.
func (c *Curve) Field(op string, x, y *big.Int) *big.Int {
	a, b := toWords(x), toWords(y)
	z := a
	switch op {
	case "mul":
		c.f.mul(&z, &z, &b)
	case "sqr":
		c.f.sqr(&z, &z)
	case "add":
		c.f.add(&z, &z, &b)
	case "sub":
		c.f.sub(&z, &z, &b)
	case "inverse":
		c.f.inverse(&z, &z)
	}
	c.f.canonical(&z, &z)
	return fromWords(&z)
}

// Scalar applies each operation modulo the order.
func (c *Curve) Scalar(op string, x, y *big.Int) *big.Int {
	z, b := toWords(x), toWords(y)
	switch op {
	case "mul":
		c.q.mul(&z, &z, &b)
	case "add":
		c.q.add(&z, &z, &b)
	case "neg":
		c.q.neg(&z, &z)
	case "reduce":
		c.q.reduce(&z, &z)
	case "inverse":
		c.q.inversePublic(&z, &z)
	}
	return fromWords(&z)
}

// SecretMultiple is k·G by the constant-time way.
func (c *Curve) SecretMultiple(k *big.Int) (x, y *big.Int, infinite bool) {
	w := toWords(k)
	var r homogeneous
	c.multiply(&r, &w)
	if c.f.isZero(&r.z) {
		return nil, nil, true
	}
	var p affine
	c.affine(&p, &r)
	return fromWords(&p.x), fromWords(&p.y), false
}

// PublicCombination is u·G + v·P by the fast way.
func (c *Curve) PublicCombination(u, v, px, py *big.Int) (x, y *big.Int, infinite bool) {
	uw, vw, p := toWords(u), toWords(v), affine{toWords(px), toWords(py)}
	var r jacobian
	c.combine(&r, &uw, &vw, &p)
	if c.infinite(&r) {
		return nil, nil, true
	}
	table := make([]affine, 1)
	c.normalize(table, []jacobian{r})
	c.f.canonical(&table[0].x, &table[0].x)
	c.f.canonical(&table[0].y, &table[0].y)
	return fromWords(&table[0].x), fromWords(&table[0].y), false
}
