// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"bytes"
	"crypto/hmac"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/ber"
)

// The library that opens PKCS#12 files reads DER alone and believes every count it finds. This file walks the outer
// structure before it: it holds the iteration counts to a cap, and where the inside is BER it checks the MAC over the bytes
// as they were, rewrites them and makes the MAC anew. What lies inside an encrypted safe it does not see; a count there
// is believed only after the password and MAC were right.

const (
	maxIterations = 1_000_000
	maxKeyLength  = 1024 // octets that a key derivation may be asked for
	maxSafes      = 16
	maxBags       = 256

	oidPBES2       OID = "1.2.840.113549.1.5.13"
	oidPBKDF2      OID = "1.2.840.113549.1.5.12"
	oidPBMAC1      OID = "1.2.840.113549.1.5.14"
	oidPKCS12PBE   OID = "1.2.840.113549.1.12.1"
	oidShroudedKey OID = "1.2.840.113549.1.12.10.1.2"
)

var pfxLimits = ber.Limits{Bytes: MaxPKCS12, Depth: 32, Nodes: 1 << 14}

func notPKCS12(why string) error { return fmt.Errorf("%w: %s", ErrNotPKCS12, why) }

// normalPFX returns the file as DER to its ground, its counts within the caps.
func normalPFX(data []byte, password string) ([]byte, error) {
	outer, err := ber.ToDER(data, pfxLimits)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrNotPKCS12, err)
	}
	var pfx cryptobyte.String
	var version int
	in := cryptobyte.String(outer)
	if !in.ReadASN1(&pfx, casn1.SEQUENCE) || !pfx.ReadASN1Integer(&version) || version != 3 {
		return nil, notPKCS12("no PFX of version 3")
	}
	kind, content, err := readContentInfo(&pfx)
	if err != nil {
		return nil, err
	}
	var safe cryptobyte.String
	if kind == OIDSignedData {
		return nil, fmt.Errorf("%w: a PKCS#12 file sealed by a public key", ErrUnsupported)
	}
	if kind != OIDData || !content.ReadASN1(&safe, casn1.OCTET_STRING) || !content.Empty() {
		return nil, notPKCS12("no authenticated safe")
	}
	mac, err := readMAC(pfx)
	if err != nil {
		return nil, err
	}
	plain, err := normalSafe(safe)
	if err != nil {
		return nil, err
	}
	if bytes.Equal(plain, safe) {
		return outer, nil
	}
	return mac.remake(safe, plain, password)
}

// readContentInfo takes a ContentInfo off s and returns what stands in its [0].
func readContentInfo(s *cryptobyte.String) (OID, cryptobyte.String, error) {
	var info, content cryptobyte.String
	if !s.ReadASN1(&info, casn1.SEQUENCE) {
		return "", nil, notPKCS12("no content info")
	}
	kind, err := ReadOID(&info)
	if err != nil || !info.ReadASN1(&content, casn1.Tag(0).ContextSpecific().Constructed()) || !info.Empty() {
		return "", nil, notPKCS12("content info")
	}
	return kind, content, nil
}

// normalSafe rewrites an AuthenticatedSafe as DER and holds its iteration counts to the cap.
func normalSafe(safe []byte) ([]byte, error) {
	der, err := ber.ToDER(safe, pfxLimits)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrNotPKCS12, err)
	}
	var list cryptobyte.String
	in := cryptobyte.String(der)
	if !in.ReadASN1(&list, casn1.SEQUENCE) || !in.Empty() {
		return nil, notPKCS12("authenticated safe")
	}
	var out cryptobyte.Builder
	var fail error
	out.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for count := 0; !list.Empty() && fail == nil; count++ {
			if count == maxSafes {
				fail = notPKCS12("too many safes")
				return
			}
			var kind OID
			var content cryptobyte.String
			if kind, content, fail = readContentInfo(&list); fail == nil {
				fail = addSafe(b, kind, content)
			}
		}
	})
	if fail != nil {
		return nil, fail
	}
	return out.Bytes()
}

func addSafe(b *cryptobyte.Builder, kind OID, content cryptobyte.String) error {
	body := []byte(content)
	switch kind {
	case OIDData:
		var octets cryptobyte.String
		if !content.ReadASN1(&octets, casn1.OCTET_STRING) || !content.Empty() {
			return notPKCS12("safe")
		}
		bags, err := ber.ToDER(octets, pfxLimits)
		if err != nil {
			return fmt.Errorf("%w: %v", ErrNotPKCS12, err)
		}
		if err := checkBags(bags); err != nil {
			return err
		}
		var inner cryptobyte.Builder
		inner.AddASN1OctetString(bags)
		body = inner.BytesOrPanic()
	case OIDEncryptedData:
		var err error
		if body, err = normalEncrypted(content); err != nil {
			return err
		}
	default:
		return fmt.Errorf("%w: a safe of type %s", ErrUnsupported, kind)
	}
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		AddOID(b, kind)
		b.AddASN1(casn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddBytes(body) })
	})
	return nil
}

// normalEncrypted joins the pieces of an EncryptedData's content, which its implicit tag hides from ber.ToDER.
func normalEncrypted(content cryptobyte.String) ([]byte, error) {
	var data, info, cipher cryptobyte.String
	var version int
	if !content.ReadASN1(&data, casn1.SEQUENCE) || !content.Empty() || !data.ReadASN1Integer(&version) ||
		!data.ReadASN1(&info, casn1.SEQUENCE) {
		return nil, notPKCS12("encrypted safe")
	}
	kind, err := ReadOID(&info)
	if err != nil {
		return nil, notPKCS12("encrypted safe")
	}
	alg, err := ReadAlgorithm(&info)
	if err != nil {
		return nil, notPKCS12("encrypted safe")
	}
	if err := checkIterations(alg); err != nil {
		return nil, err
	}
	whole := casn1.Tag(0).ContextSpecific()
	var joined []byte
	switch {
	case info.PeekASN1Tag(whole):
		if !info.ReadASN1(&cipher, whole) {
			return nil, notPKCS12("encrypted safe")
		}
		joined = cipher
	case info.ReadASN1(&cipher, whole.Constructed()):
		for !cipher.Empty() {
			var piece cryptobyte.String
			if !cipher.ReadASN1(&piece, casn1.OCTET_STRING) {
				return nil, notPKCS12("pieces of an encrypted safe")
			}
			joined = append(joined, piece...)
		}
	default:
		return nil, notPKCS12("encrypted safe")
	}
	if !info.Empty() {
		return nil, notPKCS12("encrypted safe")
	}
	var out cryptobyte.Builder
	out.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(int64(version))
		b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
			AddOID(b, kind)
			b.AddBytes(alg.Raw)
			b.AddASN1(whole, func(b *cryptobyte.Builder) { b.AddBytes(joined) })
		})
		b.AddBytes(data) // unprotected attributes, if any
	})
	return out.Bytes()
}

// checkBags holds the counts of shrouded keys to the cap.
func checkBags(safe cryptobyte.String) error {
	var list cryptobyte.String
	if !safe.ReadASN1(&list, casn1.SEQUENCE) || !safe.Empty() {
		return notPKCS12("bags")
	}
	for count := 0; !list.Empty(); count++ {
		var bag, value, shrouded cryptobyte.String
		if count == maxBags || !list.ReadASN1(&bag, casn1.SEQUENCE) {
			return notPKCS12("bag")
		}
		kind, err := ReadOID(&bag)
		if err != nil || !bag.ReadASN1(&value, casn1.Tag(0).ContextSpecific().Constructed()) {
			return notPKCS12("bag")
		}
		if kind != oidShroudedKey {
			continue
		}
		if !value.ReadASN1(&shrouded, casn1.SEQUENCE) {
			return notPKCS12("shrouded key")
		}
		alg, err := ReadAlgorithm(&shrouded)
		if err != nil {
			return notPKCS12("shrouded key")
		}
		if err := checkIterations(alg); err != nil {
			return err
		}
	}
	return nil
}

// checkIterations reads the count of a password-based algorithm.
func checkIterations(alg Algorithm) error {
	params, body := cryptobyte.String(alg.Params), cryptobyte.String(nil)
	if !params.ReadASN1(&body, casn1.SEQUENCE) || !params.Empty() {
		return notPKCS12("parameters of encryption")
	}
	switch {
	case alg.OID.Under(oidPKCS12PBE):
	case alg.OID == oidPBES2, alg.OID == oidPBMAC1:
		kdf, err := ReadAlgorithm(&body)
		if err != nil {
			return notPKCS12("key derivation")
		}
		if kdf.OID != oidPBKDF2 {
			return fmt.Errorf("%w: key derivation %s", ErrUnsupported, kdf.OID)
		}
		params = kdf.Params
		if !params.ReadASN1(&body, casn1.SEQUENCE) || !params.Empty() {
			return notPKCS12("key derivation")
		}
	default:
		return fmt.Errorf("%w: encryption %s", ErrUnsupported, alg.OID)
	}
	var salt cryptobyte.String
	var count, length int
	if !body.ReadASN1(&salt, casn1.OCTET_STRING) || !body.ReadASN1Integer(&count) || count < 1 || count > maxIterations {
		return notPKCS12("iteration count out of bounds")
	}
	if body.PeekASN1Tag(casn1.INTEGER) && (!body.ReadASN1Integer(&length) || length < 1 || length > maxKeyLength) {
		return notPKCS12("key length out of bounds")
	}
	return nil
}

// pfxMAC is MacData (RFC 7292 §4).
type pfxMAC struct {
	present    bool
	algorithm  Algorithm
	value      []byte
	salt       []byte
	iterations int
}

func readMAC(pfx cryptobyte.String) (pfxMAC, error) {
	if pfx.Empty() {
		return pfxMAC{}, nil
	}
	var body, info, value, salt cryptobyte.String
	m := pfxMAC{present: true, iterations: 1}
	if !pfx.ReadASN1(&body, casn1.SEQUENCE) || !pfx.Empty() || !body.ReadASN1(&info, casn1.SEQUENCE) {
		return m, notPKCS12("MAC")
	}
	var err error
	if m.algorithm, err = ReadAlgorithm(&info); err != nil {
		return m, notPKCS12("MAC")
	}
	if !info.ReadASN1(&value, casn1.OCTET_STRING) || !info.Empty() || !body.ReadASN1(&salt, casn1.OCTET_STRING) ||
		(!body.Empty() && (!body.ReadASN1Integer(&m.iterations) || !body.Empty())) {
		return m, notPKCS12("MAC")
	}
	m.value, m.salt = value, salt
	if m.iterations < 1 || m.iterations > maxIterations {
		return m, notPKCS12("iteration count of the MAC out of bounds")
	}
	if m.algorithm.OID == oidPBMAC1 {
		return m, checkIterations(m.algorithm)
	}
	return m, nil
}

// remake checks the MAC over the safe as it was and returns the file around the rewritten one.
func (m pfxMAC) remake(safe, plain []byte, password string) ([]byte, error) {
	if m.present {
		was, err := m.compute(safe, password)
		if err != nil {
			return nil, err
		}
		if !hmac.Equal(was, m.value) {
			return nil, ErrPassword
		}
		if m.value, err = m.compute(plain, password); err != nil {
			return nil, err
		}
	}
	return m.encode(plain)
}

// encode writes the file around a safe.
func (m pfxMAC) encode(plain []byte) ([]byte, error) {
	var out cryptobyte.Builder
	out.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(3)
		b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
			AddOID(b, OIDData)
			b.AddASN1(casn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddASN1OctetString(plain) })
		})
		if !m.present {
			return
		}
		b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddBytes(m.algorithm.Raw)
				b.AddASN1OctetString(m.value)
			})
			b.AddASN1OctetString(m.salt)
			b.AddASN1Int64(int64(m.iterations))
		})
	})
	return out.Bytes()
}

// compute is the MAC of RFC 7292 §5.1.
func (m pfxMAC) compute(message []byte, password string) ([]byte, error) {
	hash, err := cryptoHash(m.algorithm.OID)
	if err != nil {
		return nil, fmt.Errorf("%w: MAC of a BER file with %s", ErrUnsupported, HashName(m.algorithm.OID))
	}
	key := pkcs12Derive(hash.New, 3, m.salt, bmpPassword(password), m.iterations, hash.Size())
	mac := hmac.New(hash.New, key)
	mac.Write(message)
	return mac.Sum(nil), nil
}
