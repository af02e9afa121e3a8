// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"math/big"
	"sync"

	"filippo.io/bigmod"
	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// keptBits is the longest modulus that is raised with bigmod, whose multiplication is
// written in assembly up to this length. Longer ones are raised with math/big, whose
// division and squaring grow slower. Neither hides anything: signatures and public keys
// are no secret.
const keptBits = 2048

// kept is what is computed of an RSA key once, at its first use. crypto/rsa prepares the
// modulus anew for every signature, a third of its work.
type kept struct {
	once    sync.Once
	modulus *bigmod.Modulus // nil: raised with math/big

	summed sync.Once
	sum    [32]byte
}

// SHA256 is the digest of the key's encoding.
func (k *PublicKey) SHA256() [32]byte {
	if k.kept == nil {
		return sha256.Sum256(k.Raw)
	}
	k.kept.summed.Do(func() { k.kept.sum = sha256.Sum256(k.Raw) })
	return k.kept.sum
}

// residues are the two numbers that one verification works on, and no secret.
type residues struct{ signature, message bigmod.Nat }

var residuesPool = sync.Pool{New: func() any { return &residues{*bigmod.NewNat(), *bigmod.NewNat()} }}

func (k *kept) of(key *rsa.PublicKey) *bigmod.Modulus {
	if k == nil {
		return nil
	}
	k.once.Do(func() {
		if key.N.BitLen() <= keptBits {
			var room [keptBits / 8]byte
			k.modulus, _ = bigmod.NewModulus(key.N.FillBytes(room[:key.Size()]))
		}
	})
	return k.modulus
}

// verifyRSA is RSASSA-PKCS1-v1_5 (RFC 8017 §8.2.2). It stands here, and not in crypto/rsa,
// for the kept modulus and for keys that crypto/rsa declines on principle: whether a short
// one counts is not decided here.
func (k *PublicKey) verifyRSA(alg Algorithm, h OID, digest, sig []byte) error {
	key, err := keyOf[*rsa.PublicKey](k, OIDRSA) // an id-RSASSA-PSS key is for PSS alone (RFC 4055 §1.2)
	if err != nil {
		return err
	}
	if !alg.paramsAbsentOrNull() { // RFC 4055 §5: NULL, and absent "MUST" be accepted
		return ErrAlgorithm
	}
	if _, err := cryptoHash(h); err != nil {
		return err
	}
	if m, ok := k.rsaMessage(key, sig); !ok || !pkcs1Matches(m, digestInfo(h, len(digest)), digest) {
		return ErrSignature
	}
	return nil
}

// pkcs1Matches compares the whole message with what must have been signed, EMSA-PKCS1-v1_5
// (RFC 8017 §9.2), so that nothing of the signature is parsed.
func pkcs1Matches(m, info, digest []byte) bool {
	padding := len(m) - 3 - len(info) - len(digest)
	if padding < 8 || m[0] != 0 || m[1] != 1 || m[2+padding] != 0 {
		return false
	}
	for _, b := range m[2 : 2+padding] {
		if b != 0xff {
			return false
		}
	}
	rest, ok := bytes.CutPrefix(m[3+padding:], info)
	return ok && bytes.Equal(rest, digest)
}

// digestInfo is the DER of a DigestInfo up to the digest itself, which is size octets.
func digestInfo(h OID, size int) []byte {
	if h == OIDSHA256 && size == 32 {
		return sha256Info
	}
	return makeDigestInfo(h, size)
}

var sha256Info = makeDigestInfo(OIDSHA256, 32)

func makeDigestInfo(h OID, size int) []byte {
	var b cryptobyte.Builder
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
			AddOID(b, h)
			b.AddASN1NULL()
		})
		b.AddASN1OctetString(make([]byte, size))
	})
	info := b.BytesOrPanic() // of a known hash there is no error
	return info[:len(info)-size]
}

// rsaMessage is RSAVP1 (RFC 8017 §5.2.2) over a signature of exactly the modulus' length; the message has that length, too.
func (k *PublicKey) rsaMessage(key *rsa.PublicKey, sig []byte) ([]byte, bool) {
	size := key.Size()
	if len(sig) != size {
		return nil, false
	}
	if m := k.kept.of(key); m != nil {
		r := residuesPool.Get().(*residues)
		defer residuesPool.Put(r)
		if _, err := r.signature.SetBytes(sig, m); err != nil { // not below the modulus
			return nil, false
		}
		return r.message.ExpShortVarTime(&r.signature, uint(key.E), m).Bytes(m), true
	}
	s := new(big.Int).SetBytes(sig)
	if s.Cmp(key.N) >= 0 {
		return nil, false
	}
	return s.Exp(s, big.NewInt(int64(key.E)), key.N).FillBytes(make([]byte, size)), true
}
