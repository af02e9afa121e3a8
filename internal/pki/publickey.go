// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"bytes"
	"crypto"
	"crypto/dsa" //lint:ignore SA1019 old archives are verified with it; AlgorithmPolicy refuses it by default
	"crypto/rsa"
	"crypto/x509"
	"math/big"
	"math/bits"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Bounds that keep one verification short.
const (
	maxRSABits      = 16384
	maxExponentBits = 62
	maxDSABits      = 4096
)

// PublicKey is a SubjectPublicKeyInfo.
type PublicKey struct {
	Raw       []byte // DER of the SubjectPublicKeyInfo
	Algorithm Algorithm
	Bits      []byte           // contents of the BIT STRING, without the unused-bits octet
	Key       crypto.PublicKey // *gost.PublicKey for the national algorithms; nil where the algorithm is not supported

	kept *kept // of an RSA key; nil of others and of keys that were not read but made
}

// ParsePublicKey reads a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7). A key of an algorithm or curve that is not supported is
// read with Key nil; so is an RSA, EC, DSA or GOST key whose numbers are no key (Verify then answers ErrAlgorithm).
func ParsePublicKey(der []byte) (PublicKey, error) {
	if len(der) > MaxCertificate {
		return PublicKey{}, malformed("public key of more than %d bytes", MaxCertificate)
	}
	return parsePublicKey(bytes.Clone(der))
}

// parsePublicKey keeps der, within the bounds of whoever calls.
func parsePublicKey(der []byte) (PublicKey, error) {
	raw := cryptobyte.String(der)
	var body, bits cryptobyte.String
	if !raw.ReadASN1(&body, casn1.SEQUENCE) || !raw.Empty() {
		return PublicKey{}, malformed("public key")
	}
	alg, err := ReadAlgorithm(&body)
	if err != nil {
		return PublicKey{}, err
	}
	if !body.ReadASN1(&bits, casn1.BIT_STRING) || !body.Empty() || len(bits) == 0 || bits[0] != 0 {
		return PublicKey{}, malformed("public key")
	}
	k := PublicKey{Raw: der, Algorithm: alg, Bits: bits[1:]}
	switch alg.OID {
	case OIDRSA, OIDRSAPSS:
		if r := rsaKey(alg, k.Bits); r != nil {
			k.Key, k.kept = &r.key, &r.kept
		}
	case OIDDSA:
		k.Key = dsaKey(alg, k.Bits)
	case OIDEC, OIDEd25519:
		if key, err := x509.ParsePKIXPublicKey(der); err == nil {
			k.Key = key
		}
	case OIDGOST2015Key512, OIDGOST2015Key256, OIDGOST2004Key:
		if n := nationalOf(alg); n != nil {
			if key := n.publicKey(k.Bits); key != nil {
				k.Key = key
			}
		}
	}
	return k, nil
}

// rsaRoom is an RSA key with what is kept of it, in one piece.
type rsaRoom struct {
	key  rsa.PublicKey
	n    big.Int
	kept kept
}

// rsaKey answers nil where the numbers are no RSA key. Exponents of up to 62 bits are read: some qualified issuers of the
// European Union use more than the 31 that crypto/rsa allows.
func rsaKey(alg Algorithm, encoded []byte) *rsaRoom {
	if alg.OID == OIDRSA && !bytes.Equal(alg.Params, derNull) { // RFC 3279 §2.3.1: "MUST have ASN.1 type NULL"
		return nil
	}
	s, body := cryptobyte.String(encoded), cryptobyte.String(nil)
	var modulus cryptobyte.String
	var e uint64
	if !s.ReadASN1(&body, casn1.SEQUENCE) || !s.Empty() || !body.ReadASN1(&modulus, casn1.INTEGER) ||
		!body.ReadASN1Integer(&e) || !body.Empty() || len(modulus) == 0 || len(modulus) > 1 && modulus[0] == 0 && modulus[1] < 0x80 {
		return nil
	}
	r := &rsaRoom{}
	n := twosComplement(&r.n, modulus)
	if n.Sign() < 0 && len(modulus)%64 == 0 {
		// An authority of the European Union has left out the octet of zeros in front in a whole generation of cards: their
		// moduli of 2048 bits are negative as written. All take them for what they are meant to be.
		n.SetBytes(modulus)
	}
	if n.Sign() <= 0 || n.BitLen() > maxRSABits || n.Bit(0) == 0 || bits.Len64(e) > maxExponentBits || e&1 == 0 ||
		e < 3 || n.IsUint64() && e >= n.Uint64() { // an exponent of 1 would let anyone sign
		return nil
	}
	r.key = rsa.PublicKey{N: n, E: int(e)}
	return r
}

// dsaKey reads RFC 3279 §2.3.2; without parameters the key inherits its issuer's (see Inherit) and verifies nothing before.
func dsaKey(alg Algorithm, bits []byte) crypto.PublicKey {
	s, key := cryptobyte.String(bits), &dsa.PublicKey{Y: new(big.Int)}
	if !s.ReadASN1Integer(key.Y) || !s.Empty() || key.Y.Sign() <= 0 || key.Y.BitLen() > maxDSABits {
		return nil
	}
	if alg.paramsAbsentOrNull() {
		return key
	}
	params, body := cryptobyte.String(alg.Params), cryptobyte.String(nil)
	key.P, key.Q, key.G = new(big.Int), new(big.Int), new(big.Int)
	if !params.ReadASN1(&body, casn1.SEQUENCE) || !body.ReadASN1Integer(key.P) || !body.ReadASN1Integer(key.Q) ||
		!body.ReadASN1Integer(key.G) || !body.Empty() || !dsaSane(key) {
		return nil
	}
	return key
}

func dsaSane(k *dsa.PublicKey) bool {
	one := big.NewInt(1)
	return k.P.Sign() > 0 && k.P.BitLen() <= maxDSABits && k.P.Bit(0) == 1 && k.Q.Sign() > 0 && k.Q.BitLen() <= 512 &&
		k.G.Cmp(one) > 0 && k.G.Cmp(k.P) < 0 && k.Y.Cmp(one) > 0 && k.Y.Cmp(k.P) < 0
}

// Inherit returns k with the DSA parameters of its issuer's key where k has none of its own
// (RFC 5280 §6.1.4 (d)-(f), working_public_key_parameters); every other key is returned as it is.
func (k PublicKey) Inherit(issuer *PublicKey) PublicKey {
	own, ok := k.Key.(*dsa.PublicKey)
	if !ok || own.P != nil || issuer == nil {
		return k
	}
	from, ok := issuer.Key.(*dsa.PublicKey)
	if !ok || from.P == nil {
		return k
	}
	key := &dsa.PublicKey{Parameters: from.Parameters, Y: own.Y}
	if dsaSane(key) {
		k.Key = key
	}
	return k
}

// Equal reports the same key by its encoding.
func (k *PublicKey) Equal(o *PublicKey) bool { return bytes.Equal(k.Raw, o.Raw) }
