// SPDX-License-Identifier: Apache-2.0

package gost

import "sync"

// Curve names a parameter set: a curve y² = x³ + ax + b over a prime field with a base point of prime order. There are three
// values, each made once: compare them with ==. A Curve is safe for concurrent use.
type Curve struct {
	name     string
	f        *field
	q        *modulus
	a, b, b3 words
	minus3   bool // a = -3, which makes doubling cheaper
	prime    bool // the order of the curve is that of the base point: every point but infinity is in its group
	base     affine

	odd     func() *[1 << (baseWidth - 2)]affine // odd multiples of the base point, for verification
	windows func() *baseWindows                  // multiples of 16^i times the base point, for secret scalars
}

// TC26512A is id-tc26-gost-3410-12-512-paramSetA (RFC 7836 A.1), the national CA's curve of 512 bits.
func TC26512A() *Curve { return tc26512A() }

// CryptoProA is id-GostR3410-2001-CryptoPro-A-ParamSet (RFC 4357 §11.4), the curve of ГОСТ 34.310-2004 keys.
func CryptoProA() *Curve { return cryptoProA() }

// TC26256A is id-tc26-gost-3410-2012-256-paramSetA (RFC 7836 A.2), a curve of cofactor 4. No certificate with such a key has
// been seen in Kazakhstan.
func TC26256A() *Curve { return tc26256A() }

var tc26512A = sync.OnceValue(func() *Curve {
	return newCurve(Curve{
		name: "id-tc26-gost-3410-12-512-paramSetA",
		f:    field512,
		q: newModulus(8, words{0xCACDB1411F10B275, 0x9B4B38ABFAD2B85D, 0x6FF22B8D4E056060, 0x27E69532F48D8911,
			max64, max64, max64, max64}),
		a: words{max64 - delta512 - 2, max64, max64, max64, max64, max64, max64, max64},
		b: words{0x503190785A71C760, 0x862EF9D4EBEE4761, 0x4CB4574010DA90DD, 0xEE3CB090F30D2761,
			0x79BD081CFD0B6265, 0x34B82574761CB0E8, 0xC1BD0B2B6667F1DA, 0xE8C2505DEDFC86DD},
		minus3: true,
		prime:  true,
		base: affine{
			x: words{3},
			y: words{0x89A589CB5215F2A4, 0x8028FE5FC235F5B8, 0x3D75E6A50E3A41E9, 0xDF1626BE4FD036E9,
				0x778064FDCBEFA921, 0xCE5E1C93ACF1ABC1, 0xA61B8816E25450E6, 0x7503CFE87A836AE3},
		},
	})
})

var cryptoProA = sync.OnceValue(func() *Curve {
	return newCurve(Curve{
		name:   "id-GostR3410-2001-CryptoPro-A-ParamSet",
		f:      field256,
		q:      newModulus(4, words{0x45841B09B761B893, 0x6C611070995AD100, max64, max64}),
		a:      words{max64 - delta256 - 2, max64, max64, max64},
		b:      words{0xA6},
		minus3: true,
		prime:  true,
		base: affine{
			x: words{1},
			y: words{0x22ACC99C9E9F1E14, 0x35294F2DDF23E3B1, 0x27DF505A453F2B76, 0x8D91E471E0989CDA},
		},
	})
})

var tc26256A = sync.OnceValue(func() *Curve {
	return newCurve(Curve{
		name: "id-tc26-gost-3410-2012-256-paramSetA",
		f:    field256,
		q:    newModulus(4, words{0xC115AF556C360C67, 0x0FD8CDDFC87B6635, 0, 0x4000000000000000}),
		a:    words{0xB22C656F277E7335, 0xE25E2013BF95AA33, 0xAF4892C23035A27C, 0xC2173F1513981673},
		b:    words{0xBA9337A6F8AE9513, 0x22FCCD9108E17BF7, 0xCC20E7C359A9D41A, 0x295F9BAE7428ED9C},
		base: affine{
			x: words{0x8B2582FE742DAA28, 0x658B9196932E02C7, 0x880923425712B2BB, 0x91E38443A5E82C0D},
			y: words{0xAF268ADB32322E5C, 0x5FDE0B5344766740, 0x895786C4BB46E956, 0x32879423AB1A0375},
		},
	})
})

func newCurve(c Curve) *Curve {
	c.f.add(&c.b3, &c.b, &c.b)
	c.f.add(&c.b3, &c.b3, &c.b)
	c.odd = sync.OnceValue(c.makeOdd)
	c.windows = sync.OnceValue(c.makeWindows)
	return &c
}

// Name is the parameter set's name in RFC 4357 and RFC 7836.
func (c *Curve) Name() string { return c.name }

// String is Name.
func (c *Curve) String() string { return c.name }

// Size is the length in octets of a coordinate, a private key, a digest and each half of a signature: 64 or 32.
func (c *Curve) Size() int { return 8 * c.f.n }

// decode reads an integer of c.Size() octets, least significant first.
func (c *Curve) decode(z *words, octets []byte) {
	*z = words{}
	for i := range c.f.n {
		z[i] = le.Uint64(octets[8*i:])
	}
}

// encode writes x as c.Size() octets, least significant first.
func (c *Curve) encode(octets []byte, x *words) {
	for i := range c.f.n {
		le.PutUint64(octets[8*i:], x[i])
	}
}

// contains says whether p, with both coordinates below the prime, satisfies the curve's equation.
func (c *Curve) contains(p *affine) bool {
	var l, r words
	c.f.sqr(&l, &p.y)
	c.f.sqr(&r, &p.x)
	c.f.add(&r, &r, &c.a)
	c.f.mul(&r, &r, &p.x)
	c.f.add(&r, &r, &c.b)
	return c.f.equal(&l, &r)
}
