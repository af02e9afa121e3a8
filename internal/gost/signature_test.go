// SPDX-License-Identifier: Apache-2.0

package gost_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"rastau/internal/gost"
)

// little writes x as size octets, least significant first.
func little(x *big.Int, size int) []byte {
	octets := x.FillBytes(make([]byte, size))
	slices.Reverse(octets)
	return octets
}

func numberOf(octets []byte) *big.Int {
	b := slices.Clone(octets)
	slices.Reverse(b)
	return new(big.Int).SetBytes(b)
}

// effective is the number that a digest stands for (RFC 7091 §6.1 step 2).
func effective(digest []byte, q *big.Int) *big.Int {
	e := numberOf(digest)
	if e.Mod(e, q).Sign() == 0 {
		e.SetInt64(1)
	}
	return e
}

func mustGenerate(t testing.TB, c *gost.Curve) (*gost.PrivateKey, *gost.PublicKey) {
	t.Helper()
	k, err := gost.GenerateKey(c, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k, k.Public().(*gost.PublicKey)
}

func mustSign(t rapid.TB, k *gost.PrivateKey, digest []byte) []byte {
	t.Helper()
	sig, err := k.Sign(rand.Reader, digest, nil)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

// Ensure what is signed verifies, and nothing near it does.
func TestSignatures(t *testing.T) {
	for _, c := range curves {
		t.Run(c.Name(), func(t *testing.T) {
			t.Parallel()
			size, q := c.Size(), c.Order()
			_, stranger := mustGenerate(t, c)
			rapid.Check(t, func(t *rapid.T) {
				d := new(big.Int).Mod(number(c.Width(), q).Draw(t, "d"), q)
				if d.Sign() == 0 {
					d.SetInt64(1)
				}
				k, err := gost.NewPrivateKey(c, little(d, size))
				if err != nil {
					t.Fatal(err)
				}
				pub, err := gost.NewPublicKey(c, k.Public().(*gost.PublicKey).Bytes())
				if err != nil {
					t.Fatal(err)
				}
				digest := little(number(c.Width(), q).Draw(t, "digest"), size)
				sig := mustSign(t, k, digest)
				if !gost.Verify(pub, digest, sig) {
					t.Fatal("the signature does not verify")
				}
				if gost.Verify(stranger, digest, sig) {
					t.Fatal("it verifies under another key")
				}
				altered := slices.Clone(sig)
				altered[rapid.IntRange(0, len(sig)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
				if gost.Verify(pub, digest, altered) {
					t.Fatal("an altered signature verifies")
				}
				other := slices.Clone(digest)
				other[rapid.IntRange(0, size-1).Draw(t, "digest at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "digest bit")
				// A signature of the number e is one of -e too: C changes its sign and keeps its x. No hash function can be bent
				// to that; the numbers drawn here can.
				e, f := effective(digest, q), effective(other, q)
				twin := e.Cmp(f) == 0 || new(big.Int).Add(e, f).Cmp(q) == 0
				if gost.Verify(pub, other, sig) != twin {
					t.Fatalf("an altered digest: the same number up to its sign: %v, verifies: %v", twin, !twin)
				}
				r, s := numberOf(sig[:size]), numberOf(sig[size:])
				minus := func(x *big.Int) *big.Int { return new(big.Int).Sub(q, x) }
				for name, pair := range map[string][2]*big.Int{
					"(r, -s)":  {r, minus(s)},
					"(-r, s)":  {minus(r), s},
					"(-r, -s)": {minus(r), minus(s)},
					"(s, r)":   {s, r},
				} {
					if pair[0].Cmp(pair[1]) != 0 && gost.Verify(pub, digest, append(little(pair[0], size), little(pair[1], size)...)) {
						t.Fatalf("%s verifies", name)
					}
				}
			})
		})
	}
}

// Ensure r and s outside 1 … q-1 are refused, even where they are right mod q, and so are wrong lengths.
func TestSignatureRange(t *testing.T) {
	for _, c := range curves {
		size, q := c.Size(), c.Order()
		k, pub := mustGenerate(t, c)
		digest := make([]byte, size)
		digest[0] = 7
		sig := mustSign(t, k, digest)
		r, s := numberOf(sig[:size]), numberOf(sig[size:])
		top := new(big.Int).Lsh(big.NewInt(1), uint(8*size))
		zero := new(big.Int)
		for name, pair := range map[string][2]*big.Int{
			"r = 0": {zero, s}, "s = 0": {r, zero}, "both 0": {zero, zero}, "r = q": {q, s}, "s = q": {r, q},
			"r + q": {new(big.Int).Add(r, q), s}, "s + q": {r, new(big.Int).Add(s, q)},
			"all ones": {new(big.Int).Sub(top, big.NewInt(1)), s},
		} {
			if pair[0].Cmp(top) >= 0 || pair[1].Cmp(top) >= 0 {
				continue // it cannot be written
			}
			if gost.Verify(pub, digest, append(little(pair[0], size), little(pair[1], size)...)) {
				t.Errorf("%s: %s verifies", c, name)
			}
		}
		for name, bad := range map[string][2][]byte{
			"short signature": {digest, sig[1:]}, "long signature": {digest, append(slices.Clone(sig), 0)}, "no signature": {digest, nil},
			"short digest": {digest[1:], sig}, "long digest": {append(slices.Clone(digest), 0), sig}, "no digest": {nil, sig},
		} {
			if gost.Verify(pub, bad[0], bad[1]) {
				t.Errorf("%s: %s verifies", c, name)
			}
		}
		if gost.Verify(nil, digest, sig) || gost.Verify(new(gost.PublicKey), digest, sig) {
			t.Errorf("%s: it verifies without a key", c)
		}
		if _, err := k.Sign(rand.Reader, digest[1:], nil); !errors.Is(err, gost.ErrDigest) {
			t.Errorf("%s: a short digest was signed: %v", c, err)
		}
	}
}

// Ensure a digest of zero, or of the order, stands for 1 (RFC 7091 §6.1 step 2).
func TestZeroDigest(t *testing.T) {
	for _, c := range curves {
		k, pub := mustGenerate(t, c)
		zero, one := make([]byte, c.Size()), little(big.NewInt(1), c.Size())
		sig := mustSign(t, k, zero)
		for _, digest := range [][]byte{zero, one, little(c.Order(), c.Size())} {
			if !gost.Verify(pub, digest, sig) {
				t.Errorf("%s: the signature of zero does not verify for %x", c, digest)
			}
		}
	}
}

// Ensure keys that are none are refused.
func TestPublicKeysRefused(t *testing.T) {
	for _, c := range curves {
		size, p := c.Size(), c.Prime()
		x, y := c.Base()
		key := func(x, y *big.Int) []byte { return append(little(x, size), little(y, size)...) }
		one := big.NewInt(1)
		bad := map[string][]byte{
			"nothing":            nil,
			"one octet short":    key(x, y)[1:],
			"one octet long":     append(key(x, y), 0),
			"infinity as zeros":  make([]byte, 2*size),
			"off the curve":      key(x, new(big.Int).Add(y, one)),
			"x and y exchanged":  key(y, x),
			"all ones":           bytes.Repeat([]byte{0xff}, 2*size),
			"x not below p":      key(p, y),
			"big-endian":         append(x.FillBytes(make([]byte, size)), y.FillBytes(make([]byte, size))...),
			"y the prime's twin": key(x, p),
		}
		if x.Add(x, p); x.BitLen() <= 8*size {
			bad["x + p"] = key(x, y)
		}
		for name, octets := range bad {
			if _, err := gost.NewPublicKey(c, octets); !errors.Is(err, gost.ErrPublicKey) {
				t.Errorf("%s: %s: %v", c, name, err)
			}
		}
	}
}

// Ensure points of the curve of cofactor 4 that are outside the base point's group are refused.
func TestSmallSubgroup(t *testing.T) {
	c := gost.TC26256A()
	p := c.Prime()
	refused := 0
	for i := int64(2); i < 40; i++ {
		x := big.NewInt(i)
		yy := new(big.Int).Exp(x, big.NewInt(3), p)
		yy.Add(yy, new(big.Int).Mul(c.A(), x)).Add(yy, c.B()).Mod(yy, p)
		y := new(big.Int).ModSqrt(yy, p)
		if y == nil {
			continue
		}
		_, err := gost.NewPublicKey(c, append(little(x, 32), little(y, 32)...))
		inGroup := times(c, c.Order(), &point{x, y}) == nil
		if (err == nil) != inGroup {
			t.Errorf("x = %d: %v, in the group: %v", i, err, inGroup)
		}
		if err != nil {
			refused++
		}
	}
	if refused == 0 {
		t.Error("no point outside the group was tried")
	}
}

// Ensure private keys are read in both forms, and refused out of range.
func TestPrivateKeys(t *testing.T) {
	for _, c := range curves {
		size, q := c.Size(), c.Order()
		k, _ := mustGenerate(t, c)
		again, err := gost.NewPrivateKey(c, k.Bytes())
		if err != nil || !again.Equal(k) || !k.Public().(*gost.PublicKey).Equal(again.Public()) {
			t.Errorf("%s: the key's own octets do not bring it back: %v", c, err)
		}
		integer := numberOf(k.Bytes()).Bytes()
		for _, form := range [][]byte{integer, append([]byte{0}, integer...)} {
			if again, err := gost.NewPrivateKeyBigEndian(c, form); err != nil || !again.Equal(k) {
				t.Errorf("%s: the INTEGER does not bring the key back: %v", c, err)
			}
		}
		last := new(big.Int).Sub(q, big.NewInt(1))
		if _, err := gost.NewPrivateKey(c, little(last, size)); err != nil {
			t.Errorf("%s: q-1: %v", c, err)
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			if shown := fmt.Sprintf(verb, k); shown != "private key on "+c.Name() {
				t.Errorf("%s shows %q", verb, shown)
			}
		}
		for name, octets := range map[string][]byte{
			"zero": make([]byte, size), "q": little(q, size), "all ones": bytes.Repeat([]byte{0xff}, size),
			"short": k.Bytes()[1:], "long": append(k.Bytes(), 0), "nothing": nil,
		} {
			if _, err := gost.NewPrivateKey(c, octets); !errors.Is(err, gost.ErrPrivateKey) {
				t.Errorf("%s: %s: %v", c, name, err)
			}
		}
		for name, octets := range map[string][]byte{
			"zero": {0}, "q": q.Bytes(), "too long": append([]byte{1}, make([]byte, size)...), "nothing": nil,
		} {
			if _, err := gost.NewPrivateKeyBigEndian(c, octets); !errors.Is(err, gost.ErrPrivateKey) {
				t.Errorf("%s: INTEGER %s: %v", c, name, err)
			}
		}
	}
}

// Ensure signatures without randomness repeat, with it do not, and a source that fails is told.
func TestRandomness(t *testing.T) {
	var signer crypto.Signer
	for _, c := range curves {
		k, pub := mustGenerate(t, c)
		signer = k
		digest := little(big.NewInt(12345), c.Size())
		sign := func(random io.Reader) []byte {
			sig, err := signer.Sign(random, digest, crypto.Hash(0))
			if err != nil || !gost.Verify(pub, digest, sig) {
				t.Fatalf("%s: %v", c, err)
			}
			return sig
		}
		if !bytes.Equal(sign(nil), sign(nil)) {
			t.Errorf("%s: the derivation alone does not repeat", c)
		}
		if bytes.Equal(sign(rand.Reader)[:c.Size()], sign(rand.Reader)[:c.Size()]) {
			t.Errorf("%s: fresh randomness changes nothing", c)
		}
		// A source stuck at zeros gives the same nonce for the same digest only.
		stuck := bytes.NewReader(make([]byte, 2*c.Size()))
		first := sign(stuck)
		digest[0]++
		if bytes.Equal(first[:c.Size()], sign(stuck)[:c.Size()]) {
			t.Errorf("%s: two digests share a nonce", c)
		}
		broken := iotest.ErrReader(errors.New("broken"))
		if _, err := signer.Sign(broken, digest, nil); err == nil {
			t.Errorf("%s: signed with a broken source", c)
		}
		if _, err := gost.GenerateKey(c, broken); err == nil {
			t.Errorf("%s: a key from a broken source", c)
		}
		if _, err := gost.GenerateKey(c, iotest.TimeoutReader(bytes.NewReader(make([]byte, 1<<16)))); err == nil {
			t.Errorf("%s: a key of zeros", c)
		}
	}
}

// Ensure verification allocates nothing.
func TestVerifyAllocatesNothing(t *testing.T) {
	for _, c := range curves {
		k, pub := mustGenerate(t, c)
		digest := little(big.NewInt(99), c.Size())
		sig := mustSign(t, k, digest)
		if n := testing.AllocsPerRun(5, func() { gost.Verify(pub, digest, sig) }); n != 0 {
			t.Errorf("%s: %v allocations", c, n)
		}
	}
}

// FuzzVerify holds that nothing panics, and that what verifies does so in one form only.
func FuzzVerify(f *testing.F) {
	for i, c := range curves {
		k, err := gost.NewPrivateKey(c, little(big.NewInt(1000), c.Size()))
		if err != nil {
			f.Fatal(err)
		}
		digest := little(big.NewInt(77), c.Size())
		sig, err := k.Sign(nil, digest, nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(i, k.Public().(*gost.PublicKey).Bytes(), digest, sig)
		f.Add(i, make([]byte, 2*c.Size()), digest, sig)
	}
	f.Fuzz(func(t *testing.T, which int, key, digest, sig []byte) {
		if which < 0 || which >= len(curves) {
			return
		}
		c := curves[which]
		pub, err := gost.NewPublicKey(c, key)
		if err != nil {
			if !errors.Is(err, gost.ErrPublicKey) {
				t.Fatalf("an error without a name: %v", err)
			}
			return
		}
		if !bytes.Equal(pub.Bytes(), key) {
			t.Fatal("the key does not come back as it was")
		}
		if !gost.Verify(pub, digest, sig) {
			return
		}
		twin := slices.Clone(sig)
		copy(twin[c.Size():], little(new(big.Int).Sub(c.Order(), numberOf(sig[c.Size():])), c.Size()))
		if gost.Verify(pub, digest, twin) {
			t.Fatal("a signature has a second form")
		}
	})
}
