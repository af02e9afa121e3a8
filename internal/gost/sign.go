// SPDX-License-Identifier: Apache-2.0

package gost

import (
	"crypto"
	"crypto/hmac"
	"crypto/sha512"
	"fmt"
	"hash"
	"io"
)

var _ crypto.Signer = (*PrivateKey)(nil)

// Sign signs digest (RFC 7091 §6.1) and returns r||s as Verify reads it. opts is not looked at: the caller hashes, with the hash
// function that the key's certificate names. The nonce is derived from the key and the digest as RFC 6979 does it, with
// c.Size() octets of random mixed in (RFC 6979 §3.6), so that neither a poor source nor a fault repeated shows the key. Where
// random is nil the derivation stands alone and the signature is deterministic. The error is ErrDigest or that of random.
func (k *PrivateKey) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	c := k.public.curve
	size := c.Size()
	if len(digest) != size {
		return nil, fmt.Errorf("%w: %d octets, not %d", ErrDigest, len(digest), size)
	}
	var fresh []byte
	if random != nil {
		fresh = make([]byte, size)
		if _, err := io.ReadFull(random, fresh); err != nil {
			return nil, fmt.Errorf("gost: randomness for a signature: %w", err)
		}
	}
	var e words
	c.digestNumber(&e, digest)
	nonces := newNonces(c, &k.d, &e, fresh)
	for {
		var n, r, s, t words
		nonces.next(&n)
		var p homogeneous
		var a affine
		c.multiply(&p, &n)
		c.affine(&a, &p)
		c.q.reduce(&r, &a.x)
		// Step 5: s = rd + ke.
		c.q.mul(&s, &r, &k.d)
		c.q.mul(&t, &n, &e)
		c.q.add(&s, &s, &t)
		// Steps 4 and 5: where r or s is zero, another nonce. This has never been seen.
		if zero(&r)|zero(&s) != 0 {
			continue
		}
		sig := make([]byte, 2*size)
		c.encode(sig[:size], &r)
		c.encode(sig[size:], &s)
		return sig, nil
	}
}

// nonces is RFC 6979's generator (§3.2 with the additional data of §3.6). Its hash function is SHA-512 and not Streebog: the
// nonce's derivation is the signer's own affair, and Streebog reads its tables at addresses that depend on the secret.
type nonces struct {
	c    *Curve
	k, v [sha512.Size]byte
	used bool
}

func newNonces(c *Curve, d, e *words, fresh []byte) *nonces {
	g := &nonces{c: c}
	for i := range g.v {
		g.v[i] = 1
	}
	size := c.Size()
	seed := make([]byte, 2*size, 3*size)
	bigEndian(seed[:size], d)
	bigEndian(seed[size:], e)
	seed = append(seed, fresh...)
	g.mix(0, seed)
	g.mix(1, seed)
	return g
}

// mix is K = HMAC(K, V || mark || seed), V = HMAC(K, V).
func (g *nonces) mix(mark byte, seed []byte) {
	h := hmac.New(sha512.New, g.k[:])
	h.Write(g.v[:])
	h.Write([]byte{mark})
	h.Write(seed)
	h.Sum(g.k[:0])
	g.turn(hmac.New(sha512.New, g.k[:]))
}

// turn is V = HMAC(K, V).
func (g *nonces) turn(h hash.Hash) {
	h.Write(g.v[:])
	h.Sum(g.v[:0])
}

// next sets n to the next number that is neither zero nor above the order. A refused candidate says nothing of the accepted one.
func (g *nonces) next(n *words) {
	for {
		if g.used {
			g.mix(0, nil)
		}
		g.used = true
		g.turn(hmac.New(sha512.New, g.k[:]))
		// bits2int: the leftmost bits, as many as the order has.
		*n = words{}
		last := g.c.f.n - 1
		for i := range g.c.f.n {
			n[last-i] = be.Uint64(g.v[8*i:])
		}
		if spare := 64*g.c.f.n - g.c.q.bits; spare > 0 {
			for i := range last {
				n[i] = n[i]>>spare | n[i+1]<<(64-spare)
			}
			n[last] >>= spare
		}
		if zero(n)|notBelow(n, &g.c.q.m) == 0 {
			return
		}
	}
}

// bigEndian writes x into octets, most significant first.
func bigEndian(octets []byte, x *words) {
	for i := range len(octets) / 8 {
		be.PutUint64(octets[len(octets)-8*(i+1):], x[i])
	}
}
