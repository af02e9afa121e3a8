// SPDX-License-Identifier: Apache-2.0

package testpki

import (
	"errors"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// ErrNotSigned: what was handed in is no DER SignedData.
var ErrNotSigned = errors.New("testpki: not a DER SignedData")

var (
	contextZero = asn1.Tag(0).Constructed().ContextSpecific()
	contextOne  = asn1.Tag(1).Constructed().ContextSpecific()
)

// WithoutCertificates takes every certificate and list out of a SignedData (RFC 5652 §5.1); the signature itself stays as it is.
func WithoutCertificates(der []byte) ([]byte, error) {
	return rebuild(der, func(certificates, signers *cryptobyte.String) { *certificates = nil })
}

// WithoutSigners takes every SignerInfo out: a file with certificates and no signature.
func WithoutSigners(der []byte) ([]byte, error) {
	return rebuild(der, func(certificates, signers *cryptobyte.String) { *signers = nil })
}

func rebuild(der []byte, change func(certificates, signers *cryptobyte.String)) ([]byte, error) {
	in := cryptobyte.String(der)
	var outer, explicit, signed, contentType, version, digests, content, certificates, lists, signers cryptobyte.String
	var hasCertificates bool
	if !in.ReadASN1(&outer, asn1.SEQUENCE) || !in.Empty() ||
		!outer.ReadASN1Element(&contentType, asn1.OBJECT_IDENTIFIER) ||
		!outer.ReadASN1(&explicit, contextZero) || !explicit.ReadASN1(&signed, asn1.SEQUENCE) ||
		!signed.ReadASN1Element(&version, asn1.INTEGER) ||
		!signed.ReadASN1Element(&digests, asn1.SET) ||
		!signed.ReadASN1Element(&content, asn1.SEQUENCE) ||
		!signed.ReadOptionalASN1(&certificates, &hasCertificates, contextZero) ||
		!signed.ReadOptionalASN1(&lists, nil, contextOne) ||
		!signed.ReadASN1(&signers, asn1.SET) {
		return nil, ErrNotSigned
	}
	change(&certificates, &signers)
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(contentType)
		b.AddASN1(contextZero, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddBytes(version)
				b.AddBytes(digests)
				b.AddBytes(content)
				if certificates != nil {
					b.AddASN1(contextZero, func(b *cryptobyte.Builder) { b.AddBytes(certificates) })
				}
				b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(signers) })
			})
		})
	})
	return b.Bytes()
}
