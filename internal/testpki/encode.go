// SPDX-License-Identifier: Apache-2.0

package testpki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"hash"
	"sync"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/gost"
	"rastau/internal/pki"
)

// crypto/x509 writes certificates and lists, but knows no national algorithm. For those it writes a draft under a key that is
// thrown away; the algorithm and the key are then exchanged in the draft and the result is signed again.

var draftKey = sync.OnceValues(func() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) })

var errDraft = errors.New("testpki: the library's own draft cannot be read")

// mechanism is how a key signs.
type mechanism struct {
	algorithm pki.Algorithm
	newHash   func() hash.Hash
	opts      crypto.Hash // 0 for a key that knows its hash function by itself
}

func mechanismOf(public crypto.PublicKey) (m mechanism, err error) {
	m.newHash, m.opts = sha256.New, crypto.SHA256
	switch key := public.(type) {
	case *gost.PublicKey:
		var digest pki.Algorithm
		if digest, m.algorithm, err = pki.NationalSignature(key); err != nil {
			return m, err
		}
		m.opts = 0
		m.newHash, err = pki.NewHash(digest.OID)
	case *ecdsa.PublicKey: // RFC 5758 §3.2: without parameters
		m.algorithm, err = pki.NewAlgorithm(pki.OIDECDSAWithSHA256, nil)
	default:
		m.algorithm, err = pki.NewAlgorithm(pki.OIDSHA256WithRSA, []byte{5, 0})
	}
	return m, err
}

// sign makes a signature over message with the algorithm that fits the key.
func sign(key crypto.Signer, message []byte) (pki.Algorithm, []byte, error) {
	m, err := mechanismOf(key.Public())
	if err != nil {
		return pki.Algorithm{}, nil, err
	}
	h := m.newHash()
	h.Write(message)
	signature, err := key.Sign(rand.Reader, h.Sum(nil), m.opts)
	return m.algorithm, signature, err
}

// marshalPublic encodes a SubjectPublicKeyInfo.
func marshalPublic(public crypto.PublicKey) ([]byte, error) {
	if key, ok := public.(*gost.PublicKey); ok {
		return pki.MarshalNationalKey(key)
	}
	return x509.MarshalPKIXPublicKey(public)
}

func national(public crypto.PublicKey) bool {
	_, ok := public.(*gost.PublicKey)
	return ok
}

// CreateCertificate is x509.CreateCertificate for the national algorithms too.
func CreateCertificate(template, parent *x509.Certificate, public crypto.PublicKey, signer crypto.Signer) ([]byte, error) {
	if !national(public) && !national(signer.Public()) {
		return x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	}
	draft, err := draftKey()
	if err != nil {
		return nil, err
	}
	info, err := marshalPublic(public)
	if err != nil {
		return nil, err
	}
	// The parent is looked at for its name and key identifier; its key would have to fit the draft's.
	bare := *parent
	bare.PublicKey = nil
	der, err := x509.CreateCertificate(rand.Reader, template, &bare, draft.Public(), draft)
	if err != nil {
		return nil, err
	}
	// version, serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo, …
	return signAgain(der, signer, map[int][]byte{6: info}, 2)
}

// CreateList is x509.CreateRevocationList for the national algorithms too.
func CreateList(template *x509.RevocationList, issuer *x509.Certificate, signer crypto.Signer) ([]byte, error) {
	if !national(signer.Public()) {
		return x509.CreateRevocationList(rand.Reader, template, issuer, signer)
	}
	draft, err := draftKey()
	if err != nil {
		return nil, err
	}
	bare := *issuer
	bare.PublicKey = nil
	der, err := x509.CreateRevocationList(rand.Reader, template, &bare, draft)
	if err != nil {
		return nil, err
	}
	return signAgain(der, signer, nil, 1) // version, signature, …
}

// signAgain exchanges fields of what is signed, by their place, and the algorithm at the place given, and signs the whole.
func signAgain(draft []byte, key crypto.Signer, fields map[int][]byte, algorithmAt int) ([]byte, error) {
	m, err := mechanismOf(key.Public())
	if err != nil {
		return nil, err
	}
	in := cryptobyte.String(draft)
	var outer, tbs cryptobyte.String
	if !in.ReadASN1(&outer, casn1.SEQUENCE) || !outer.ReadASN1(&tbs, casn1.SEQUENCE) {
		return nil, errDraft
	}
	var contents []byte
	for i := 0; !tbs.Empty(); i++ {
		var field cryptobyte.String
		var tag casn1.Tag
		if !tbs.ReadAnyASN1Element(&field, &tag) {
			return nil, errDraft
		}
		switch {
		case i == algorithmAt:
			field = m.algorithm.Raw
		case fields[i] != nil:
			field = fields[i]
		}
		contents = append(contents, field...)
	}
	var b cryptobyte.Builder
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(contents) })
	signed, err := b.Bytes()
	if err != nil {
		return nil, err
	}
	_, signature, err := sign(key, signed)
	if err != nil {
		return nil, err
	}
	var out cryptobyte.Builder
	out.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(signed)
		b.AddBytes(m.algorithm.Raw)
		b.AddASN1BitString(signature)
	})
	return out.Bytes()
}
