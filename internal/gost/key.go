// SPDX-License-Identifier: Apache-2.0

package gost

import (
	"crypto"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

var (
	le = binary.LittleEndian
	be = binary.BigEndian
)

var (
	// ErrPublicKey is returned for octets that are no public key of the curve.
	ErrPublicKey = errors.New("gost: not a public key of this curve")
	// ErrPrivateKey is returned for octets that are no private key of the curve.
	ErrPrivateKey = errors.New("gost: not a private key of this curve")
	// ErrDigest is returned where a digest's length is not the curve's.
	ErrDigest = errors.New("gost: the digest has not the curve's length")
)

// PublicKey is a point of a curve's group, never infinity. It is immutable and safe for concurrent use.
type PublicKey struct {
	curve *Curve
	point affine
}

// NewPublicKey reads x||y, each of c.Size() octets, least significant first: the contents of the OCTET STRING in a Kazakh
// SubjectPublicKeyInfo. It refuses coordinates that are not below the prime, points off the curve and, on the curve of
// cofactor 4, points outside the base point's group (RFC 7091 §5.3: qQ = 0). The error is ErrPublicKey with a reason.
func NewPublicKey(c *Curve, octets []byte) (*PublicKey, error) {
	size := c.Size()
	if len(octets) != 2*size {
		return nil, fmt.Errorf("%w: %d octets, not %d", ErrPublicKey, len(octets), 2*size)
	}
	k := &PublicKey{curve: c}
	c.decode(&k.point.x, octets[:size])
	c.decode(&k.point.y, octets[size:])
	if notBelow(&k.point.x, &c.f.p)|notBelow(&k.point.y, &c.f.p) != 0 {
		return nil, fmt.Errorf("%w: a coordinate is not below the prime", ErrPublicKey)
	}
	if !c.contains(&k.point) {
		return nil, fmt.Errorf("%w: the point is not on the curve", ErrPublicKey)
	}
	if !c.prime {
		var r jacobian
		c.combine(&r, &words{}, &c.q.m, &k.point)
		if !c.infinite(&r) {
			return nil, fmt.Errorf("%w: the point is not in the base point's group", ErrPublicKey)
		}
	}
	return k, nil
}

// Curve is the key's parameter set.
func (k *PublicKey) Curve() *Curve { return k.curve }

// Bytes is x||y, least significant octets first, as NewPublicKey reads it.
func (k *PublicKey) Bytes() []byte {
	size := k.curve.Size()
	octets := make([]byte, 2*size)
	k.curve.encode(octets[:size], &k.point.x)
	k.curve.encode(octets[size:], &k.point.y)
	return octets
}

// Equal says whether other is a *PublicKey of the same curve and point.
func (k *PublicKey) Equal(other crypto.PublicKey) bool {
	o, ok := other.(*PublicKey)
	return ok && o != nil && k.curve == o.curve && k.point == o.point
}

// PrivateKey is a number d, 0 < d < q, with its public key. It implements crypto.Signer, is immutable and safe for concurrent
// use. Nothing erases d from memory.
type PrivateKey struct {
	d      words
	public PublicKey
}

// NewPrivateKey reads d as c.Size() octets, least significant first: the OCTET STRING in a Kazakh GOST-2015 PrivateKeyInfo.
// The error is ErrPrivateKey.
func NewPrivateKey(c *Curve, octets []byte) (*PrivateKey, error) {
	if len(octets) != c.Size() {
		return nil, fmt.Errorf("%w: %d octets, not %d", ErrPrivateKey, len(octets), c.Size())
	}
	var d words
	c.decode(&d, octets)
	return newPrivateKey(c, &d)
}

// NewPrivateKeyBigEndian reads d as the contents of a DER INTEGER, most significant octet first: the form of a Kazakh
// GOST-2004 PrivateKeyInfo. Leading zeros may be there or be left out. The error is ErrPrivateKey.
func NewPrivateKeyBigEndian(c *Curve, integer []byte) (*PrivateKey, error) {
	size := c.Size()
	for len(integer) > size && integer[0] == 0 {
		integer = integer[1:]
	}
	if len(integer) == 0 || len(integer) > size {
		return nil, fmt.Errorf("%w: the integer does not fit %d octets", ErrPrivateKey, size)
	}
	var octets [64]byte
	for i, v := range integer {
		octets[len(integer)-1-i] = v
	}
	return NewPrivateKey(c, octets[:size])
}

// GenerateKey makes a key of c from random, crypto/rand.Reader where it is nil. The error is that of random.
func GenerateKey(c *Curve, random io.Reader) (*PrivateKey, error) {
	if random == nil {
		random = rand.Reader
	}
	var octets [64]byte
	for range 256 {
		if _, err := io.ReadFull(random, octets[:c.Size()]); err != nil {
			return nil, fmt.Errorf("gost: randomness for a key: %w", err)
		}
		var d words
		c.decode(&d, octets[:])
		if spare := 64*c.f.n - c.q.bits; spare > 0 {
			d[c.f.n-1] &= max64 >> spare
		}
		// A candidate that is refused says nothing of the one that is not. One of two fits on the curve of cofactor 4, all
		// but one in 2^128 on the others.
		if k, err := newPrivateKey(c, &d); err == nil {
			return k, nil
		}
	}
	return nil, errors.New("gost: the source of randomness repeats itself")
}

func newPrivateKey(c *Curve, d *words) (*PrivateKey, error) {
	if zero(d)|notBelow(d, &c.q.m) != 0 {
		return nil, fmt.Errorf("%w: zero, or not below the order", ErrPrivateKey)
	}
	k := &PrivateKey{d: *d, public: PublicKey{curve: c}}
	var q homogeneous
	c.multiply(&q, d)
	c.affine(&k.public.point, &q)
	return k, nil
}

// Curve is the key's parameter set.
func (k *PrivateKey) Curve() *Curve { return k.public.curve }

// Public is the *PublicKey d·G.
func (k *PrivateKey) Public() crypto.PublicKey { return &k.public }

// Bytes is d as NewPrivateKey reads it: a secret.
func (k *PrivateKey) Bytes() []byte {
	octets := make([]byte, k.public.curve.Size())
	k.public.curve.encode(octets, &k.d)
	return octets
}

// String names the key's kind and never shows d; it stands in for the key wherever fmt or a logger prints it.
func (k *PrivateKey) String() string { return "private key on " + k.public.curve.name }

// GoString is String.
func (k *PrivateKey) GoString() string { return k.String() }

// Equal says whether other is a *PrivateKey of the same curve and number, in a time that does not depend on the numbers.
func (k *PrivateKey) Equal(other crypto.PrivateKey) bool {
	o, ok := other.(*PrivateKey)
	return ok && o != nil && k.public.curve == o.public.curve && subtle.ConstantTimeCompare(k.Bytes(), o.Bytes()) == 1
}
