// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"slices"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/cms"
	"rastau/internal/pki"
)

// Unsigned attributes that carry what a signature needs for the long term
// (RFC 5126 §6.3.3, §6.3.4; EN 319 122-1 §A.1.1). They are as untrusted as any other
// certificate or list at hand: what they say is checked, or it is not used.
const (
	attrCertificateValues pki.OID = "1.2.840.113549.1.9.16.2.23"
	attrRevocationValues  pki.OID = "1.2.840.113549.1.9.16.2.24"
)

// attrRevocationArchival is adbe-revocationInfoArchival (ISO 32000-1 §12.8.3.3.2): a
// signed attribute with whole lists and OCSP responses.
const attrRevocationArchival pki.OID = "1.2.840.113583.1.1.8"

// archivedRevocation reads RevocationInfoArchival ::= SEQUENCE { crl [0] EXPLICIT
// SEQUENCE OF CertificateList OPTIONAL, ocsp [1] EXPLICIT SEQUENCE OF OCSPResponse
// OPTIONAL, otherRevInfo [2] … }. It stands in the signed attributes; elsewhere it
// says no less.
func archivedRevocation(s *cms.Signer) (lists, responses [][]byte) {
	signed, _ := s.Attr(attrRevocationArchival)
	for _, value := range slices.Concat(signed, s.UnsignedAttr(attrRevocationArchival)) {
		in := cryptobyte.String(value)
		var body, part cryptobyte.String
		var present bool
		if !in.ReadASN1(&body, asn1.SEQUENCE) {
			continue
		}
		if body.ReadOptionalASN1(&part, &present, asn1.Tag(0).Constructed().ContextSpecific()) && present {
			lists = append(lists, elements(part)...)
		}
		if body.ReadOptionalASN1(&part, &present, asn1.Tag(1).Constructed().ContextSpecific()) && present {
			responses = append(responses, elements(part)...)
		}
	}
	return lists, responses
}

// certificateValues reads CertificateValues ::= SEQUENCE OF Certificate. What
// cannot be read is left out.
func certificateValues(s *cms.Signer) []*pki.Certificate {
	var out []*pki.Certificate
	for _, value := range s.UnsignedAttr(attrCertificateValues) {
		for _, der := range elements(value) {
			if len(out) == maxEmbedded {
				return out
			}
			if c, err := pki.ParseCertificate(der); err == nil {
				out = append(out, c)
			}
		}
	}
	return out
}

// revocationValues reads RevocationValues ::= SEQUENCE { crlVals [0] SEQUENCE OF
// CertificateList OPTIONAL, ocspVals [1] SEQUENCE OF BasicOCSPResponse OPTIONAL,
// otherRevVals [2] … }. The last are not understood and left out.
func revocationValues(s *cms.Signer) (lists, responses [][]byte) {
	for _, value := range s.UnsignedAttr(attrRevocationValues) {
		l, r := readRevocationValues(value)
		lists, responses = append(lists, l...), append(responses, r...)
	}
	return lists, responses
}

func readRevocationValues(value []byte) (lists, responses [][]byte) {
	in := cryptobyte.String(value)
	var body, part cryptobyte.String
	var present bool
	if !in.ReadASN1(&body, asn1.SEQUENCE) {
		return nil, nil
	}
	if body.ReadOptionalASN1(&part, &present, asn1.Tag(0).Constructed().ContextSpecific()) && present {
		lists = elements(part)
	}
	if body.ReadOptionalASN1(&part, &present, asn1.Tag(1).Constructed().ContextSpecific()) && present {
		for _, basic := range elements(part) {
			if whole := response(basic); whole != nil {
				responses = append(responses, whole)
			}
		}
	}
	return lists, responses
}

// elements splits a SEQUENCE OF, at most maxEmbedded elements.
func elements(der []byte) [][]byte {
	in := cryptobyte.String(der)
	var body, element cryptobyte.String
	var tag asn1.Tag
	if !in.ReadASN1(&body, asn1.SEQUENCE) {
		return nil
	}
	var out [][]byte
	for len(out) < maxEmbedded && body.ReadAnyASN1Element(&element, &tag) {
		out = append(out, element)
	}
	return out
}

// response puts a BasicOCSPResponse back into the OCSPResponse that it came in
// (RFC 6960 §4.2.1): successful, id-pkix-ocsp-basic.
func response(basic []byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Enum(0)
		b.AddASN1(asn1.Tag(0).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				pki.AddOID(b, pki.OIDOCSPBasic)
				b.AddASN1OctetString(basic)
			})
		})
	})
	der, err := b.Bytes()
	if err != nil {
		return nil
	}
	return der
}
