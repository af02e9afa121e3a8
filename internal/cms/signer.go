// SPDX-License-Identifier: Apache-2.0

package cms

import (
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/pki"
)

// Signer is one SignerInfo (RFC 5652 §5.3). It is immutable.
type Signer struct {
	Version            int
	Issuer             pki.Name // issuerAndSerialNumber…
	SerialBytes        []byte
	SubjectKeyID       []byte // …or subjectKeyIdentifier
	DigestAlgorithm    pki.Algorithm
	SignatureAlgorithm pki.Algorithm
	SignedAttrs        []Attribute // nil where absent
	SignedAttrsDER     bool        // false where the message's signedAttrs are not DER (RFC 5652 §5.3 MUST)
	UnsignedAttrs      []Attribute
	Signature          []byte

	// the DER SET OF encoding that is signed (RFC 5652 §5.4); nil where attributes are absent
	signedAttrsSet []byte
	counters       []*Signer
	named          []ESS // by the signing-certificate attributes
	// contents of the SignerInfo SEQUENCE up to and including signature, and the
	// contents of unsignedAttrs
	head, unsigned []byte
}

// Attribute is a type with its set of values (RFC 5652 §5.3).
type Attribute struct {
	Type   pki.OID
	Values [][]byte // DER of each value
}

// Attr returns the values of the signed attribute t and how many Attribute elements
// of that type there are; more than one is a defect for most types.
func (s *Signer) Attr(t pki.OID) (values [][]byte, count int) { return collect(s.SignedAttrs, t) }

// UnsignedAttr returns the values of every unsigned attribute of type t, in order.
func (s *Signer) UnsignedAttr(t pki.OID) [][]byte {
	values, _ := collect(s.UnsignedAttrs, t)
	return values
}

func collect(attrs []Attribute, t pki.OID) (values [][]byte, count int) {
	for _, a := range attrs {
		if a.Type == t {
			values = append(values, a.Values...)
			count++
		}
	}
	return values, count
}

// SigningTime returns the time that the signer claims (RFC 5652 §11.3), in UTC;
// false where the attribute is absent, doubled or malformed. It proves nothing.
func (s *Signer) SigningTime() (time.Time, bool) {
	values, count := s.Attr(pki.OIDSigningTime)
	if count != 1 || len(values) != 1 {
		return time.Time{}, false
	}
	return parseTime(values[0])
}

// parseTime reads a Time as RFC 5652 §11.3 wants it: UTCTime or GeneralizedTime, in
// Z, with seconds and no fractions. Signers are seen to write GeneralizedTime for
// years that UTCTime covers; which of the two it is says nothing about the time.
func parseTime(der []byte) (time.Time, bool) {
	s := cryptobyte.String(der)
	var t time.Time
	switch {
	case len(der) == len("xxYYMMDDhhmmssZ") && s.PeekASN1Tag(asn1.UTCTime):
		if !s.ReadASN1UTCTime(&t) {
			return time.Time{}, false
		}
	case len(der) == len("xxYYYYMMDDhhmmssZ") && s.PeekASN1Tag(asn1.GeneralizedTime):
		if !s.ReadASN1GeneralizedTime(&t) {
			return time.Time{}, false
		}
	default:
		return time.Time{}, false
	}
	// cryptobyte takes offsets too; at this length they could only stand for the seconds.
	return t.UTC(), s.Empty() && der[len(der)-1] == 'Z'
}

// TimestampTokens returns the signature time-stamp tokens (RFC 3161 appendix A,
// EN 319 122-1 §5.3), unjudged, in order.
func (s *Signer) TimestampTokens() [][]byte { return s.UnsignedAttr(pki.OIDSignatureTimeStamp) }

// CounterSigners returns the countersignatures over s (RFC 5652 §11.4), in order.
func (s *Signer) CounterSigners() []*Signer { return s.counters }
