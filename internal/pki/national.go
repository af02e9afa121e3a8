// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/gost"
)

// national is a kind of key of Kazakhstan's algorithms: its AlgorithmIdentifier's parameters are a SEQUENCE of the curve's and
// the hash function's OIDs, which always stand together.
type national struct {
	key         OID
	curveParam  OID
	hashParam   OID
	curve       func() *gost.Curve
	sign, hash  OID // what it signs with
	integerForm bool
}

var nationals = []national{
	{key: OIDGOST2015Key512, curveParam: oidGOST2015Param512A, hashParam: OIDGOST512Hash, curve: gost.TC26512A,
		sign: OIDGOST2015Sign512, hash: OIDGOST512Hash},
	// The other parameter sets of GOST 34.310-2004, and the other substitution of GOST 34.311-95, are registered names
	// without a published meaning: a key that bears them is not supported.
	{key: OIDGOST2004Key, curveParam: oidGOST2004ParamA, hashParam: oidGOST95TestParam, curve: gost.CryptoProA,
		sign: OIDGOST2004Sign, hash: OIDGOST95Hash, integerForm: true},
	// No certificate with a key of 256 bits has been seen: its form is that of 512 bits, cut down.
	{key: OIDGOST2015Key256, curveParam: oidGOST2015Param256A, hashParam: OIDGOST256Hash, curve: gost.TC26256A,
		sign: OIDGOST2015Sign256, hash: OIDGOST256Hash},
}

// nationalOf finds the kind that an AlgorithmIdentifier of a key names; nil where none or with other parameters.
func nationalOf(alg Algorithm) *national {
	for i := range nationals {
		if n := &nationals[i]; n.key == alg.OID {
			params, body := cryptobyte.String(alg.Params), cryptobyte.String(nil)
			if !params.ReadASN1(&body, casn1.SEQUENCE) || !params.Empty() {
				return nil
			}
			curve, err := ReadOID(&body)
			if err != nil || curve != n.curveParam {
				return nil
			}
			hash, err := ReadOID(&body)
			if err != nil || hash != n.hashParam || !body.Empty() {
				return nil
			}
			return n
		}
	}
	return nil
}

func nationalByCurve(c *gost.Curve) *national {
	for i := range nationals {
		if nationals[i].curve() == c {
			return &nationals[i]
		}
	}
	return nil
}

// algorithm is the key's AlgorithmIdentifier.
func (n *national) algorithm() (Algorithm, error) {
	var b cryptobyte.Builder
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		AddOID(b, n.curveParam)
		AddOID(b, n.hashParam)
	})
	params, err := b.Bytes()
	if err != nil {
		return Algorithm{}, err
	}
	return NewAlgorithm(n.key, params)
}

// publicKey reads the OCTET STRING x||y that stands in the BIT STRING; nil where it is no point of the curve.
func (n *national) publicKey(bits []byte) *gost.PublicKey {
	in, point := cryptobyte.String(bits), cryptobyte.String(nil)
	if !in.ReadASN1(&point, casn1.OCTET_STRING) || !in.Empty() {
		return nil
	}
	key, err := gost.NewPublicKey(n.curve(), point)
	if err != nil {
		return nil
	}
	return key
}

// MarshalNationalKey encodes the SubjectPublicKeyInfo of a key as the national authority does; ErrUnsupported for a curve that
// has no name there.
func MarshalNationalKey(key *gost.PublicKey) ([]byte, error) {
	n := nationalByCurve(key.Curve())
	if n == nil {
		return nil, ErrUnsupported
	}
	alg, err := n.algorithm()
	if err != nil {
		return nil, err
	}
	var point, b cryptobyte.Builder
	point.AddASN1OctetString(key.Bytes())
	bits, err := point.Bytes()
	if err != nil {
		return nil, err
	}
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(alg.Raw)
		b.AddASN1BitString(bits)
	})
	return b.Bytes()
}

// NationalSignature gives what a key of the national algorithms signs with: the digest and the signature algorithm, both with
// NULL parameters as the authority writes them. ErrUnsupported for a curve that has no name there.
func NationalSignature(key *gost.PublicKey) (digest, signature Algorithm, err error) {
	n := nationalByCurve(key.Curve())
	if n == nil {
		return Algorithm{}, Algorithm{}, ErrUnsupported
	}
	if digest, err = NewAlgorithm(n.hash, derNull); err == nil {
		signature, err = NewAlgorithm(n.sign, derNull)
	}
	return digest, signature, err
}

// MarshalNationalPrivateKey encodes a PrivateKeyInfo (RFC 5208 §5) as stands in the national authority's files: a secret.
func MarshalNationalPrivateKey(key *gost.PrivateKey) ([]byte, error) {
	n := nationalByCurve(key.Curve())
	if n == nil {
		return nil, ErrUnsupported
	}
	alg, err := n.algorithm()
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		b.AddBytes(alg.Raw)
		b.AddASN1(casn1.OCTET_STRING, func(b *cryptobyte.Builder) { n.addPrivateKey(b, key.Bytes()) })
	})
	return b.Bytes()
}

// addPrivateKey writes d: the OCTET STRING of GOST 34.10-2015, least significant octet first, or GOST 34.310-2004's INTEGER.
func (n *national) addPrivateKey(b *cryptobyte.Builder, d []byte) {
	if !n.integerForm {
		b.AddASN1OctetString(d)
		return
	}
	integer := make([]byte, 1, 1+len(d)) // the first octet keeps the number positive
	for i := range d {
		integer = append(integer, d[len(d)-1-i])
	}
	for len(integer) > 1 && integer[0] == 0 && integer[1] < 0x80 { // X.690 §8.3.2: the fewest octets
		integer = integer[1:]
	}
	b.AddASN1(casn1.INTEGER, func(b *cryptobyte.Builder) { b.AddBytes(integer) })
}

// ParseNationalPrivateKey reads a PrivateKeyInfo (RFC 5208 §5) of the national algorithms. ErrUnsupported where its algorithm is
// another or its parameters are not known, ErrMalformed where it holds no key of its curve.
func ParseNationalPrivateKey(der []byte) (*gost.PrivateKey, error) {
	in := cryptobyte.String(der)
	var info, octets, value cryptobyte.String
	var version int
	if !in.ReadASN1(&info, casn1.SEQUENCE) || !in.Empty() || !info.ReadASN1Integer(&version) || version != 0 {
		return nil, malformed("private key")
	}
	alg, err := ReadAlgorithm(&info)
	if err != nil {
		return nil, err
	}
	n := nationalOf(alg)
	if n == nil {
		return nil, ErrUnsupported
	}
	if !info.ReadASN1(&octets, casn1.OCTET_STRING) { // attributes may follow
		return nil, malformed("private key")
	}
	var key *gost.PrivateKey
	switch {
	case octets.PeekASN1Tag(casn1.OCTET_STRING) && octets.ReadASN1(&value, casn1.OCTET_STRING) && octets.Empty():
		key, err = gost.NewPrivateKey(n.curve(), value)
	case n.integerForm && octets.ReadASN1(&value, casn1.INTEGER) && octets.Empty() && len(value) > 0 && value[0] < 0x80:
		key, err = gost.NewPrivateKeyBigEndian(n.curve(), value)
	default:
		return nil, malformed("private key")
	}
	if err != nil {
		return nil, malformed("private key: %v", err)
	}
	return key, nil
}

func (k *PublicKey) verifyNational(alg Algorithm, h OID, digest, sig []byte) error {
	n := nationalOf(k.Algorithm)
	key, err := keyOf[*gost.PublicKey](k, OIDGOST2015Key512, OIDGOST2004Key, OIDGOST2015Key256)
	if err != nil {
		return err
	}
	// The signature's name, the digest and the key's parameters say the same thing three times. Under the key's own name
	// (rsaEncryption's use in CMS) the digest alone says it.
	if n == nil || digests[h].name != digests[n.hash].name || (alg.OID != n.key && signings[alg.OID].key != n.key) {
		return ErrAlgorithm
	}
	if alg.OID != n.key && !alg.paramsAbsentOrNull() {
		return ErrAlgorithm
	}
	if !gost.Verify(key, digest, sig) {
		return ErrSignature
	}
	return nil
}
