// SPDX-License-Identifier: Apache-2.0

package gost

import (
	"hash"
	"math/bits"
	"sync"
)

// NewStreebog512 returns GOST R 34.11-2012 with 512 bits of output (СТ РК ГОСТ Р 34.11-2015, RFC 6986). Write and Sum allocate
// nothing of their own. Its time depends on the data: it is no hash function for secrets.
func NewStreebog512() hash.Hash { return newStreebog(64) }

// NewStreebog256 returns GOST R 34.11-2012 with 256 bits of output.
func NewStreebog256() hash.Hash { return newStreebog(32) }

// SumStreebog512 is the digest of data.
func SumStreebog512(data []byte) (digest [64]byte) {
	s := streebog{size: 64}
	s.Write(data)
	s.Sum(digest[:0])
	return digest
}

// SumStreebog256 is the digest of data.
func SumStreebog256(data []byte) (digest [32]byte) {
	s := streebog{size: 32}
	s.Reset()
	s.Write(data)
	s.Sum(digest[:0])
	return digest
}

// block is 512 bits, least significant word first.
type block [8]uint64

type streebog struct {
	size    int
	h       block    // the chaining value
	sum     block    // Σ, the sum of all blocks mod 2^512
	n       block    // N, the bits hashed so far mod 2^512
	rest    [64]byte // the bytes that do not fill a block yet
	waiting int      // how many they are
}

func newStreebog(size int) *streebog {
	s := &streebog{size: size}
	s.Reset()
	return s
}

func (s *streebog) Size() int      { return s.size }
func (s *streebog) BlockSize() int { return 64 }

func (s *streebog) Reset() {
	*s = streebog{size: s.size}
	if s.size == 32 { // RFC 6986 §6.1: the initial value is (00000001)^64
		for i := range s.h {
			s.h[i] = 0x0101010101010101
		}
	}
}

func (s *streebog) Write(p []byte) (int, error) {
	written := len(p)
	if s.waiting > 0 {
		n := copy(s.rest[s.waiting:], p)
		s.waiting += n
		p = p[n:]
		if s.waiting == len(s.rest) {
			s.absorb(&s.rest, 512)
			s.waiting = 0
		}
	}
	for len(p) >= 64 {
		s.absorb((*[64]byte)(p), 512)
		p = p[64:]
	}
	if len(p) > 0 {
		s.waiting = copy(s.rest[:], p)
	}
	return written, nil
}

// absorb takes one block of which length bits are the message's (RFC 6986 §9).
func (s *streebog) absorb(octets *[64]byte, length uint64) {
	var m block
	for i := range m {
		m[i] = le.Uint64(octets[8*i:])
	}
	compress(&s.h, &s.n, &m)
	s.n.add(&block{length})
	s.sum.add(&m)
}

func (s *streebog) Sum(b []byte) []byte {
	last := *s // so that the caller can go on writing
	tail := last.rest
	clear(tail[last.waiting:])
	tail[last.waiting] = 1
	last.absorb(&tail, uint64(8*last.waiting))
	compress(&last.h, &block{}, &last.n)
	compress(&last.h, &block{}, &last.sum)
	var digest [64]byte
	for i, w := range last.h {
		le.PutUint64(digest[8*i:], w)
	}
	// RFC 6986 §9: the 256-bit digest is the most significant half.
	return append(b, digest[64-last.size:]...)
}

// add sets b = b + x mod 2^512.
func (b *block) add(x *block) {
	var carry uint64
	for i := range b {
		b[i], carry = bits.Add64(b[i], x[i], carry)
	}
}

// compress is g_N(h, m) = E(LPS(h ^ N), m) ^ h ^ m (RFC 6986 §8).
func compress(h, n, m *block) {
	t := streebogTable()
	var key, state block
	lps(t, &key, h, n)
	state = *m
	for i := range streebogC {
		lps(t, &state, &state, &key)
		lps(t, &key, &key, &streebogC[i])
	}
	for i := range h {
		h[i] ^= state[i] ^ key[i] ^ m[i]
	}
}

// table holds S, P and L together: table[j][v] is what byte v, as byte i of word j, adds to word i.
type table [8][256]uint64

// streebogTable makes the table at its first use. P makes byte i of word j byte j of word i; L takes bit k of a word to row 63-k
// of A.
var streebogTable = sync.OnceValue(func() *table {
	t := new(table)
	for j := range t {
		for v, s := range streebogPi {
			for k := range 8 {
				if s>>k&1 == 1 {
					t[j][v] ^= streebogA[63-(8*j+k)]
				}
			}
		}
	}
	return t
})

// lps sets z = L(P(S(x ^ y))).
func lps(t *table, z, x, y *block) {
	a, b, c, d := x[0]^y[0], x[1]^y[1], x[2]^y[2], x[3]^y[3]
	e, f, g, h := x[4]^y[4], x[5]^y[5], x[6]^y[6], x[7]^y[7]
	for i := range z {
		z[i] = t[0][byte(a)] ^ t[1][byte(b)] ^ t[2][byte(c)] ^ t[3][byte(d)] ^
			t[4][byte(e)] ^ t[5][byte(f)] ^ t[6][byte(g)] ^ t[7][byte(h)]
		a, b, c, d, e, f, g, h = a>>8, b>>8, c>>8, d>>8, e>>8, f>>8, g>>8, h>>8
	}
}
