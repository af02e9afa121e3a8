// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/subtle"
	"encoding/binary"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// pssParams is RSASSA-PSS-params (RFC 4055 §3.1).
type pssParams struct {
	hash, mgfHash OID
	salt          int // octets
}

// readPSS reads the parameters of an id-RSASSA-PSS signature, which MUST be present (RFC 4055 §3.1).
func readPSS(a Algorithm) (pssParams, error) {
	p, ok := parsePSS(a.Params)
	if a.OID != OIDRSAPSS || !ok {
		return pssParams{}, ErrAlgorithm
	}
	return p, nil
}

func parsePSS(der cryptobyte.String) (pssParams, bool) {
	p := pssParams{hash: OIDSHA1, mgfHash: OIDSHA1, salt: 20} // the defaults of the ASN.1
	var body, field cryptobyte.String
	var present bool
	next := func(tag casn1.Tag) bool {
		field = nil
		return body.ReadOptionalASN1(&field, &present, tag.ContextSpecific().Constructed())
	}
	if !der.ReadASN1(&body, casn1.SEQUENCE) || !der.Empty() || !next(0) {
		return p, false
	}
	if present {
		h, err := ReadAlgorithm(&field)
		if err != nil || !field.Empty() || !h.paramsAbsentOrNull() { // RFC 4055 §2.1: both forms
			return p, false
		}
		p.hash = h.OID
	}
	if !next(1) {
		return p, false
	}
	if present {
		mgf, err := ReadAlgorithm(&field)
		if err != nil || !field.Empty() || mgf.OID != OIDMGF1 {
			return p, false
		}
		inner := cryptobyte.String(mgf.Params)
		h, err := ReadAlgorithm(&inner)
		if err != nil || !inner.Empty() || !h.paramsAbsentOrNull() {
			return p, false
		}
		p.mgfHash = h.OID
	}
	if !next(2) {
		return p, false
	}
	if present {
		var n int64
		if !field.ReadASN1Integer(&n) || !field.Empty() || n < 0 || n > maxRSABits/8 {
			return p, false
		}
		p.salt = int(n)
	}
	if !next(3) {
		return p, false
	}
	if present {
		var n int64
		if !field.ReadASN1Integer(&n) || !field.Empty() || n != 1 { // trailerFieldBC alone exists
			return p, false
		}
	}
	return p, body.Empty()
}

func (k *PublicKey) verifyPSS(alg Algorithm, h OID, digest, sig []byte) error {
	key, err := keyOf[*rsa.PublicKey](k, OIDRSA, OIDRSAPSS)
	if err != nil {
		return err
	}
	p, err := readPSS(alg)
	if err != nil {
		return err
	}
	if p.hash != h {
		return ErrAlgorithm
	}
	if k.Algorithm.OID == OIDRSAPSS && !k.Algorithm.paramsAbsent() {
		// RFC 4055 §3.3: the key's parameters bind the hash and the mask, and the salt from below.
		own, ok := parsePSS(k.Algorithm.Params)
		if !ok || own.hash != p.hash || own.mgfHash != p.mgfHash || p.salt < own.salt {
			return ErrAlgorithm
		}
	}
	mgf, err := cryptoHash(p.mgfHash)
	if err != nil {
		return err
	}
	hash, err := cryptoHash(p.hash)
	if err != nil {
		return err
	}
	m, ok := k.rsaMessage(key, sig)
	if !ok || !pssMatches(m, key.N.BitLen()-1, hash, mgf, p.salt, digest) {
		return ErrSignature
	}
	return nil
}

// pssMatches is EMSA-PSS-VERIFY (RFC 8017 §9.1.2) over the message m, which it changes. It stands here because crypto/rsa masks with the message's own
// hash only and reads a stated salt length of 0 as "any".
func pssMatches(m []byte, emBits int, hash, mgf crypto.Hash, salt int, digest []byte) bool {
	emLen, hLen := (emBits+7)/8, hash.Size()
	em := m[len(m)-emLen:]
	if len(bytes.Trim(m[:len(m)-emLen], "\x00")) != 0 || emLen < hLen+salt+2 {
		return false
	}
	if em[emLen-1] != 0xbc {
		return false
	}
	db, h := em[:emLen-hLen-1], em[emLen-hLen-1:emLen-1]
	top := byte(0xff) >> (8*emLen - emBits)
	if db[0]&^top != 0 {
		return false
	}
	mask(db, mgf, h)
	db[0] &= top
	padding := db[:len(db)-salt-1]
	if len(bytes.Trim(padding, "\x00")) != 0 || db[len(padding)] != 1 {
		return false
	}
	w := hash.New()
	w.Write(make([]byte, 8))
	w.Write(digest)
	w.Write(db[len(padding)+1:])
	return subtle.ConstantTimeCompare(w.Sum(nil), h) == 1
}

// mask is MGF1 (RFC 8017 §B.2.1) over seed, applied to db in place.
func mask(db []byte, mgf crypto.Hash, seed []byte) {
	for counter := uint32(0); len(db) > 0; counter++ {
		w := mgf.New()
		w.Write(seed)
		w.Write(binary.BigEndian.AppendUint32(nil, counter))
		db = db[subtle.XORBytes(db, db, w.Sum(nil)):]
	}
}
