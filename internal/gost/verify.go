// SPDX-License-Identifier: Apache-2.0

package gost

// Verify says whether sig is a signature of digest by pub (RFC 7091 §6.2). sig is r||s and digest the hash function's output,
// numbers of pub.Curve().Size() octets each with the least significant octet first, as Kazakhstan writes them: the octets of
// RFC 9215's signatures in reverse. Anything of another length is no signature. Verify is safe for concurrent use, allocates
// nothing, and takes a time that depends on its input, all of which is public.
func Verify(pub *PublicKey, digest, sig []byte) bool {
	if pub == nil || pub.curve == nil {
		return false // no key was read
	}
	c := pub.curve
	size := c.Size()
	if len(digest) != size || len(sig) != 2*size {
		return false
	}
	var r, s, e words
	c.decode(&r, sig[:size])
	c.decode(&s, sig[size:])
	// RFC 7091 §6.2 step 1: 0 < r < q and 0 < s < q, or the signature is refused.
	if zero(&r)|zero(&s)|notBelow(&r, &c.q.m)|notBelow(&s, &c.q.m) != 0 {
		return false
	}
	c.digestNumber(&e, digest)

	// Steps 4 and 5: C = z1·G + z2·Q with v = 1/e, z1 = s·v and z2 = -r·v.
	var v, z1, z2 words
	c.q.inversePublic(&v, &e)
	c.q.mul(&z1, &s, &v)
	c.q.mul(&z2, &r, &v)
	c.q.neg(&z2, &z2)
	var p jacobian
	c.combine(&p, &z1, &z2, &pub.point)
	if c.infinite(&p) {
		return false
	}

	// Steps 6 and 7: x mod q = r. x is X/Z², and the numbers below p that are r mod q are r, r + q, …: each is compared with
	// X as a multiple of Z², which saves the division.
	var zz, t words
	c.f.sqr(&zz, &p.z)
	for {
		c.f.mul(&t, &r, &zz)
		if c.f.equal(&t, &p.x) {
			return true
		}
		if !r.addBelow(&c.q.m, &c.f.p) {
			return false
		}
	}
}

// digestNumber is the number e of RFC 7091 §6.1 step 2: the digest, least significant octet first, mod q, and 1 for 0.
func (c *Curve) digestNumber(e *words, digest []byte) {
	c.decode(e, digest)
	c.q.reduce(e, e)
	e[0] |= zero(e)
}
