// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/sha1" // the key derivation of PKCS#12's own algorithms
	"crypto/x509"
	"errors"
	"fmt"
	"hash"
	"unicode/utf16"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
	"software.sslmate.com/src/go-pkcs12"

	"rastau/internal/gost"
)

// The library that opens PKCS#12 files knows no key of the national algorithms. So the private key is decrypted here and the
// library is given the same file without it: it reads the certificates, and has checked the MAC before.

const (
	oidKeyBag     OID = "1.2.840.113549.1.12.10.1.1"
	oidPBESHA3DES OID = "1.2.840.113549.1.12.1.3"
	oidHMACSHA1   OID = "1.2.840.113549.2.7"
	oidHMACSHA256 OID = "1.2.840.113549.2.9"
	oidHMACSHA512 OID = "1.2.840.113549.2.11"
	oidAES128CBC  OID = "2.16.840.1.101.3.4.1.2"
	oidAES256CBC  OID = "2.16.840.1.101.3.4.1.42"
	oidDESEDE3CBC OID = "1.2.840.113549.3.7"
)

// readNational opens a file, already held to the caps and whose MAC is right, with a key of the national algorithms.
func readNational(der []byte, password string) (*gost.PrivateKey, []*x509.Certificate, error) {
	var pfx, safe, list cryptobyte.String
	var version int
	in := cryptobyte.String(der)
	if !in.ReadASN1(&pfx, casn1.SEQUENCE) || !pfx.ReadASN1Integer(&version) {
		return nil, nil, notPKCS12("no PFX")
	}
	_, content, err := readContentInfo(&pfx)
	if err != nil {
		return nil, nil, err
	}
	if !content.ReadASN1(&safe, casn1.OCTET_STRING) {
		return nil, nil, notPKCS12("no authenticated safe")
	}
	if !safe.ReadASN1(&list, casn1.SEQUENCE) {
		return nil, nil, notPKCS12("authenticated safe")
	}
	var key *gost.PrivateKey
	var rest cryptobyte.Builder
	for !list.Empty() {
		kind, content, err := readContentInfo(&list)
		if err != nil {
			return nil, nil, err
		}
		body := []byte(content)
		if kind == OIDData {
			var octets cryptobyte.String
			if !content.ReadASN1(&octets, casn1.OCTET_STRING) {
				return nil, nil, notPKCS12("safe")
			}
			others, found, err := takeKey(octets, password)
			if err != nil {
				return nil, nil, err
			}
			if found != nil && key != nil {
				return nil, nil, fmt.Errorf("%w: a file with more than one private key", ErrUnsupported)
			}
			if found != nil {
				key = found
			}
			var inner cryptobyte.Builder
			inner.AddASN1OctetString(others)
			body = inner.BytesOrPanic()
		}
		rest.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
			AddOID(b, kind)
			b.AddASN1(casn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddBytes(body) })
		})
	}
	if key == nil { // a key inside an encrypted safe, or none
		return nil, nil, fmt.Errorf("%w: no private key of a known form", ErrUnsupported)
	}
	contents, err := rest.Bytes()
	if err != nil {
		return nil, nil, err
	}
	var wrapped cryptobyte.Builder
	wrapped.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(contents) })
	plain, err := wrapped.Bytes()
	if err != nil {
		return nil, nil, err
	}
	sha, err := NewAlgorithm(OIDSHA1, derNull)
	if err != nil {
		return nil, nil, err
	}
	mac := pfxMAC{present: true, algorithm: sha, salt: make([]byte, 8), iterations: 1} // nobody but the library will see it
	if mac.value, err = mac.compute(plain, password); err != nil {
		return nil, nil, err
	}
	stubbed, err := mac.encode(plain)
	if err != nil {
		return nil, nil, err
	}
	_, leaf, others, err := pkcs12.DecodeChain(stubbed, password)
	if err != nil {
		return nil, nil, pkcs12Error(err)
	}
	return key, append([]*x509.Certificate{leaf}, others...), nil
}

// stubKey is the PrivateKeyInfo of an Ed25519 key of zeros: it takes the place of the key that the library cannot read.
var stubKey = append([]byte{0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20}, make([]byte, 32)...)

// takeKey decrypts the private key in a safe and returns the safe with stubKey instead. A safe without one stays as it is.
func takeKey(safe cryptobyte.String, password string) (others []byte, key *gost.PrivateKey, err error) {
	whole := []byte(safe)
	var list cryptobyte.String
	if !safe.ReadASN1(&list, casn1.SEQUENCE) {
		return nil, nil, notPKCS12("bags")
	}
	var rest cryptobyte.Builder
	for !list.Empty() {
		var raw, bag, value cryptobyte.String
		if !list.ReadASN1Element(&raw, casn1.SEQUENCE) {
			return nil, nil, notPKCS12("bag")
		}
		in := raw
		in.ReadASN1(&bag, casn1.SEQUENCE)
		kind, err := ReadOID(&bag)
		if err != nil || !bag.ReadASN1(&value, casn1.Tag(0).ContextSpecific().Constructed()) {
			return nil, nil, notPKCS12("bag")
		}
		if kind != oidShroudedKey && kind != oidKeyBag {
			rest.AddBytes(raw)
			continue
		}
		if key != nil {
			return nil, nil, fmt.Errorf("%w: a file with more than one private key", ErrUnsupported)
		}
		info := []byte(value)
		if kind == oidShroudedKey {
			if info, err = unshroud(value, password); err != nil {
				return nil, nil, err
			}
		}
		if key, err = ParseNationalPrivateKey(info); err != nil {
			if errors.Is(err, ErrMalformed) {
				err = fmt.Errorf("%w: %w", ErrNotPKCS12, err)
			}
			return nil, nil, err
		}
		rest.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
			AddOID(b, oidKeyBag)
			b.AddASN1(casn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddBytes(stubKey) })
		})
	}
	if key == nil {
		return whole, nil, nil
	}
	contents, err := rest.Bytes()
	if err != nil {
		return nil, nil, err
	}
	var b cryptobyte.Builder
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(contents) })
	others, err = b.Bytes()
	return others, key, err
}

// unshroud decrypts an EncryptedPrivateKeyInfo (RFC 5208 §6), whose counts checkBags has held to the cap.
func unshroud(value cryptobyte.String, password string) ([]byte, error) {
	var body, sealed cryptobyte.String
	if !value.ReadASN1(&body, casn1.SEQUENCE) {
		return nil, notPKCS12("shrouded key")
	}
	alg, err := ReadAlgorithm(&body)
	if err != nil || !body.ReadASN1(&sealed, casn1.OCTET_STRING) || !body.Empty() {
		return nil, notPKCS12("shrouded key")
	}
	block, iv, err := passwordCipher(alg, password)
	if err != nil {
		return nil, err
	}
	size := block.BlockSize()
	if len(iv) != size || len(sealed) == 0 || len(sealed)%size != 0 {
		return nil, notPKCS12("shrouded key")
	}
	plain := bytes.Clone(sealed)
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, plain)
	// The MAC was right, so what the padding says tells an attacker nothing that he did not know.
	padding := int(plain[len(plain)-1])
	if padding == 0 || padding > size || !bytes.Equal(plain[len(plain)-padding:], bytes.Repeat([]byte{byte(padding)}, padding)) {
		return nil, ErrPassword // the key has another than the file
	}
	return plain[:len(plain)-padding], nil
}

// passwordCipher makes the cipher of a password-based algorithm: PKCS#12's own with three-key DES, which the national authority
// writes (RFC 7292 appendix C), or PBES2 (RFC 8018 §6.2).
func passwordCipher(alg Algorithm, password string) (cipher.Block, []byte, error) {
	params, body, salt := cryptobyte.String(alg.Params), cryptobyte.String(nil), cryptobyte.String(nil)
	if !params.ReadASN1(&body, casn1.SEQUENCE) {
		return nil, nil, notPKCS12("parameters of encryption")
	}
	switch alg.OID {
	case oidPBESHA3DES:
		var count int
		if !body.ReadASN1(&salt, casn1.OCTET_STRING) || !body.ReadASN1Integer(&count) {
			return nil, nil, notPKCS12("parameters of encryption")
		}
		secret := bmpPassword(password)
		block, err := des.NewTripleDESCipher(pkcs12Derive(sha1.New, 1, salt, secret, count, 24))
		return block, pkcs12Derive(sha1.New, 2, salt, secret, count, des.BlockSize), err
	case oidPBES2:
		kdf, err := ReadAlgorithm(&body)
		if err != nil {
			return nil, nil, notPKCS12("key derivation")
		}
		scheme, err := ReadAlgorithm(&body)
		if err != nil {
			return nil, nil, notPKCS12("encryption scheme")
		}
		return pbes2(kdf, scheme, password)
	}
	return nil, nil, fmt.Errorf("%w: encryption %s", ErrUnsupported, alg.OID)
}

func pbes2(kdf, scheme Algorithm, password string) (cipher.Block, []byte, error) {
	params, body, salt := cryptobyte.String(kdf.Params), cryptobyte.String(nil), cryptobyte.String(nil)
	var count, length int
	if !params.ReadASN1(&body, casn1.SEQUENCE) || !body.ReadASN1(&salt, casn1.OCTET_STRING) || !body.ReadASN1Integer(&count) {
		return nil, nil, notPKCS12("key derivation")
	}
	if body.PeekASN1Tag(casn1.INTEGER) && !body.ReadASN1Integer(&length) {
		return nil, nil, notPKCS12("key derivation")
	}
	prf := oidHMACSHA1 // RFC 8018 §A.2: the default
	if !body.Empty() {
		a, err := ReadAlgorithm(&body)
		if err != nil {
			return nil, nil, notPKCS12("key derivation")
		}
		prf = a.OID
	}
	function := map[OID]OID{oidHMACSHA1: OIDSHA1, oidHMACSHA256: OIDSHA256, oidHMACSHA512: OIDSHA512}[prf]
	newHash, err := NewHash(function)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: key derivation with %s", ErrUnsupported, prf)
	}
	create, size := aes.NewCipher, map[OID]int{oidAES128CBC: 16, oidAES256CBC: 32, oidDESEDE3CBC: 24}[scheme.OID]
	if scheme.OID == oidDESEDE3CBC {
		create = des.NewTripleDESCipher
	}
	iv, in := cryptobyte.String(nil), cryptobyte.String(scheme.Params)
	switch {
	case size == 0:
		return nil, nil, fmt.Errorf("%w: encryption %s", ErrUnsupported, scheme.OID)
	case !in.ReadASN1(&iv, casn1.OCTET_STRING), length != 0 && length != size:
		return nil, nil, notPKCS12("encryption scheme")
	}
	secret, err := pbkdf2.Key(newHash, password, salt, count, size)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %v", ErrUnsupported, err)
	}
	block, err := create(secret)
	return block, iv, err
}

// bmpPassword is the password in UTF-16, most significant octet first, with a zero behind it (RFC 7292 §B.1).
func bmpPassword(password string) []byte {
	var out []byte
	for _, unit := range append(utf16.Encode([]rune(password)), 0) {
		out = append(out, byte(unit>>8), byte(unit))
	}
	return out
}

// pkcs12Derive is RFC 7292 §B.2: size octets for a purpose (1 key, 2 IV, 3 MAC).
func pkcs12Derive(newHash func() hash.Hash, purpose byte, salt, secret []byte, count, size int) []byte {
	h := newHash()
	v := h.BlockSize()
	d := bytes.Repeat([]byte{purpose}, v)
	var i []byte
	for _, part := range [][]byte{salt, secret} { // each repeated to whole blocks
		for n := (len(part) + v - 1) / v * v; n > 0; n -= len(part) {
			i = append(i, part[:min(n, len(part))]...)
		}
	}
	var out []byte
	for len(out) < size {
		h.Reset()
		h.Write(d)
		h.Write(i)
		a := h.Sum(nil)
		for range count - 1 {
			h.Reset()
			h.Write(a)
			a = h.Sum(a[:0])
		}
		out = append(out, a...)
		// Step 6 C: each block of I grows by B + 1, where B is A repeated to a block.
		for at := 0; at < len(i); at += v {
			carry := uint(1)
			for j := v - 1; j >= 0; j-- {
				carry += uint(i[at+j]) + uint(a[j%len(a)])
				i[at+j] = byte(carry)
				carry >>= 8
			}
		}
	}
	return out[:size]
}
