// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"bytes"
	"crypto/rsa"
	"math"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// verifyRSA is RSASSA-PKCS1-v1_5 (RFC 8017 §8.2.2).
func (k *PublicKey) verifyRSA(alg Algorithm, h OID, digest, sig []byte) error {
	key, err := keyOf[*rsa.PublicKey](k, OIDRSA) // an id-RSASSA-PSS key is for PSS alone (RFC 4055 §1.2)
	if err != nil {
		return err
	}
	if !alg.paramsAbsentOrNull() { // RFC 4055 §5: NULL, and absent "MUST" be accepted
		return ErrAlgorithm
	}
	hash, err := cryptoHash(h)
	if err != nil {
		return err
	}
	holds := false
	if key.N.BitLen() >= 1024 && key.E <= math.MaxInt32 {
		holds = rsa.VerifyPKCS1v15(key, hash, digest, sig) == nil
	} else { // what crypto/rsa declines on principle: whether it counts is not decided here
		holds = pkcs1Matches(key, h, digest, sig)
	}
	if !holds {
		return ErrSignature
	}
	return nil
}

// pkcs1Matches encodes what must have been signed and compares it whole, so that nothing of the signature is parsed.
func pkcs1Matches(key *rsa.PublicKey, h OID, digest, sig []byte) bool {
	m, ok := rsaMessage(key, sig)
	if !ok {
		return false
	}
	var b cryptobyte.Builder
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) { // DigestInfo
		b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
			AddOID(b, h)
			b.AddASN1NULL()
		})
		b.AddASN1OctetString(digest)
	})
	info, err := b.Bytes()
	padding := key.Size() - len(info) - 3
	if err != nil || padding < 8 {
		return false
	}
	want := append([]byte{0, 1}, bytes.Repeat([]byte{0xff}, padding)...)
	want = append(append(want, 0), info...)
	return bytes.Equal(m.FillBytes(make([]byte, key.Size())), want)
}

// rsaMessage is RSAVP1 (RFC 8017 §5.2.2) over a signature of exactly the modulus' length.
func rsaMessage(key *rsa.PublicKey, sig []byte) (*big.Int, bool) {
	s := new(big.Int).SetBytes(sig)
	if len(sig) != key.Size() || s.Cmp(key.N) >= 0 {
		return nil, false
	}
	return s.Exp(s, big.NewInt(int64(key.E)), key.N), true
}
