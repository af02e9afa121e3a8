// SPDX-License-Identifier: Apache-2.0

package gost

import (
	"hash"
	"math/bits"
	"sync"
)

// New34311 returns ГОСТ 34.311-95 (GOST R 34.11-94, RFC 5831) as Kazakhstan uses it: 256 bits of output, initial value zero and
// the substitution of id-GostR3411-94-TestParamSet (RFC 4357 §11.2), where Russia uses CryptoPro's. Write and Sum allocate nothing of their own. Its time
// depends on the data: it is no hash function for secrets.
func New34311() hash.Hash { return &hash34311{box: testBox()} }

// Sum34311 is the digest of data.
func Sum34311(data []byte) (digest [32]byte) {
	s := hash34311{box: testBox()}
	s.Write(data)
	s.Sum(digest[:0])
	return digest
}

// nibbles is a substitution of GOST 28147-89: row i replaces bits 4i … 4i+3.
type nibbles [8][16]byte

var testNibbles = nibbles{
	{0x4, 0xA, 0x9, 0x2, 0xD, 0x8, 0x0, 0xE, 0x6, 0xB, 0x1, 0xC, 0x7, 0xF, 0x5, 0x3},
	{0xE, 0xB, 0x4, 0xC, 0x6, 0xD, 0xF, 0xA, 0x2, 0x3, 0x8, 0x1, 0x0, 0x7, 0x5, 0x9},
	{0x5, 0x8, 0x1, 0xD, 0xA, 0x3, 0x4, 0x2, 0xE, 0xF, 0xC, 0x7, 0x6, 0x0, 0x9, 0xB},
	{0x7, 0xD, 0xA, 0x1, 0x0, 0x8, 0x9, 0xF, 0xE, 0x4, 0x6, 0xC, 0xB, 0x2, 0x5, 0x3},
	{0x6, 0xC, 0x7, 0x1, 0x5, 0xF, 0xD, 0x8, 0x4, 0xA, 0x9, 0xE, 0x0, 0x3, 0xB, 0x2},
	{0x4, 0xB, 0xA, 0x0, 0x7, 0x2, 0x1, 0xD, 0x3, 0x6, 0x8, 0x5, 0x9, 0xC, 0xF, 0xE},
	{0xD, 0xB, 0x4, 0x1, 0x3, 0xF, 0x5, 0x9, 0x0, 0xA, 0xE, 0x7, 0x6, 0x8, 0x2, 0xC},
	{0x1, 0xF, 0xD, 0x0, 0x5, 0x7, 0xA, 0x4, 0x9, 0x2, 0x3, 0xE, 0x6, 0xB, 0x8, 0xC},
}

// bytesBox holds a substitution and the rotation by 11 bits after it, for each byte of the word.
type bytesBox [4][256]uint32

func (n *nibbles) bytes() *bytesBox {
	box := new(bytesBox)
	for i := range box {
		for v := range box[i] {
			pair := uint32(n[2*i][v&15]) | uint32(n[2*i+1][v>>4])<<4
			box[i][v] = bits.RotateLeft32(pair<<(8*i), 11)
		}
	}
	return box
}

var testBox = sync.OnceValue(testNibbles.bytes)

// block256 is 256 bits, least significant word first.
type block256 [4]uint64

type hash34311 struct {
	box     *bytesBox
	h       block256 // the chaining value
	sum     block256 // Σ, the sum of all blocks mod 2^256
	length  uint64   // bytes of all full blocks
	rest    [32]byte // the bytes that do not fill a block yet
	waiting int      // how many they are
}

func (s *hash34311) Size() int      { return 32 }
func (s *hash34311) BlockSize() int { return 32 }
func (s *hash34311) Reset()         { *s = hash34311{box: s.box} }

func (s *hash34311) Write(p []byte) (int, error) {
	written := len(p)
	if s.waiting > 0 {
		n := copy(s.rest[s.waiting:], p)
		s.waiting += n
		p = p[n:]
		if s.waiting == len(s.rest) {
			s.absorb(&s.rest, 32)
			s.waiting = 0
		}
	}
	for len(p) >= 32 {
		s.absorb((*[32]byte)(p), 32)
		p = p[32:]
	}
	if len(p) > 0 {
		s.waiting = copy(s.rest[:], p)
	}
	return written, nil
}

// absorb takes one block of which length octets are the message's.
func (s *hash34311) absorb(octets *[32]byte, length int) {
	var m block256
	for i := range m {
		m[i] = le.Uint64(octets[8*i:])
	}
	s.step(&m)
	var carry uint64
	for i := range m {
		s.sum[i], carry = bits.Add64(s.sum[i], m[i], carry)
	}
	s.length += uint64(length)
}

func (s *hash34311) Sum(b []byte) []byte {
	last := *s // so that the caller can go on writing
	if last.waiting > 0 {
		tail := last.rest
		clear(tail[last.waiting:])
		last.absorb(&tail, last.waiting)
	}
	last.step(&block256{last.length << 3, last.length >> 61})
	last.step(&last.sum)
	var digest [32]byte
	for i, w := range last.h {
		le.PutUint64(digest[8*i:], w)
	}
	return append(b, digest[:]...)
}

// step is the step function h = χ(m, h) (RFC 5831 §5).
func (s *hash34311) step(m *block256) {
	var keys [4][8]uint32
	u, v := s.h, *m
	for i := range keys {
		if i > 0 {
			u.shift()
			if i == 2 { // C_3; C_2 and C_4 are zero
				u[0] ^= 0xff00ff00ff00ff00
				u[1] ^= 0x00ff00ff00ff00ff
				u[2] ^= 0xff0000ff00ffff00
				u[3] ^= 0xff00ffff000000ff
			}
			v.shift()
			v.shift()
		}
		transpose(&keys[i], u[0]^v[0], u[1]^v[1], u[2]^v[2], u[3]^v[3])
	}
	var cipher block256
	s.box.encrypt(&cipher, &s.h, &keys)
	s.mix(&cipher, m)
}

// shift is the transformation A: x4||x3||x2||x1 becomes (x1 ^ x2)||x4||x3||x2.
func (b *block256) shift() {
	b[0], b[1], b[2], b[3] = b[1], b[2], b[3], b[0]^b[1]
}

// transpose is the transformation P: byte 8i+k of the block becomes byte i+4k, byte i of word k of the key.
func transpose(key *[8]uint32, a, b, c, d uint64) {
	for k := range key {
		key[k] = uint32(byte(a)) | uint32(byte(b))<<8 | uint32(byte(c))<<16 | uint32(byte(d))<<24
		a, b, c, d = a>>8, b>>8, c>>8, d>>8
	}
}

// encrypt is GOST 28147-89 in simple substitution of the four words, each under its own key. The four run side by side.
func (t *bytesBox) encrypt(z, x *block256, keys *[4][8]uint32) {
	a0, a1 := uint32(x[0]), uint32(x[0]>>32)
	b0, b1 := uint32(x[1]), uint32(x[1]>>32)
	c0, c1 := uint32(x[2]), uint32(x[2]>>32)
	d0, d1 := uint32(x[3]), uint32(x[3]>>32)
	for round := range 32 {
		// The key's words go forwards three times, then backwards.
		k := round & 7
		if round >= 24 {
			k = 7 - k
		}
		a0, a1 = a1^t.replace(a0+keys[0][k]), a0
		b0, b1 = b1^t.replace(b0+keys[1][k]), b0
		c0, c1 = c1^t.replace(c0+keys[2][k]), c0
		d0, d1 = d1^t.replace(d0+keys[3][k]), d0
	}
	// The last round does not swap.
	z[0] = uint64(a0)<<32 | uint64(a1)
	z[1] = uint64(b0)<<32 | uint64(b1)
	z[2] = uint64(c0)<<32 | uint64(c1)
	z[3] = uint64(d0)<<32 | uint64(d1)
}

func (t *bytesBox) replace(x uint32) uint32 {
	return t[0][byte(x)] ^ t[1][byte(x>>8)] ^ t[2][byte(x>>16)] ^ t[3][byte(x>>24)]
}

// mix is the mixing transformation h = ψ^61(h ^ ψ(m ^ ψ^12(s))).
func (s *hash34311) mix(cipher, m *block256) {
	var g [16 + 61]uint16
	load(&g, cipher)
	psi(&g, 12)
	xor(&g, m)
	psi(&g, 1)
	xor(&g, &s.h)
	psi(&g, 61)
	for i := range s.h {
		s.h[i] = uint64(g[4*i]) | uint64(g[4*i+1])<<16 | uint64(g[4*i+2])<<32 | uint64(g[4*i+3])<<48
	}
}

func load(g *[77]uint16, b *block256) {
	for i, w := range b {
		g[4*i], g[4*i+1], g[4*i+2], g[4*i+3] = uint16(w), uint16(w>>16), uint16(w>>32), uint16(w>>48)
	}
}

func xor(g *[77]uint16, b *block256) {
	for i, w := range b {
		g[4*i] ^= uint16(w)
		g[4*i+1] ^= uint16(w >> 16)
		g[4*i+2] ^= uint16(w >> 32)
		g[4*i+3] ^= uint16(w >> 48)
	}
}

// psi is ψ times over: y16||…||y1 becomes (y1^y2^y3^y4^y13^y16)||y16||…||y2. The register slides along g and is put back.
func psi(g *[77]uint16, times int) {
	for i := range times {
		g[i+16] = g[i] ^ g[i+1] ^ g[i+2] ^ g[i+3] ^ g[i+12] ^ g[i+15]
	}
	copy(g[:16], g[times:])
}
