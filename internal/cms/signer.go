// SPDX-License-Identifier: Apache-2.0

package cms

import (
	"slices"
	"time"

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
	// where they came otherwise, the same as they came; nil where they are DER
	signedAttrsSent []byte
	counters        []*Signer
	named           []ESS // by the signing-certificate attributes
	// contents of the SignerInfo SEQUENCE up to and including signature, and the
	// contents of unsignedAttrs
	head, unsigned []byte
}

// AsSent is the same signer, taken to have signed the attributes as they were sent and not
// their DER form; nil where they are DER. RFC 5652 §5.3 forbids it ("MUST be DER encoded,
// even if the rest of the structure is BER encoded"): a caller who asks for it must say so.
func (s *Signer) AsSent() *Signer {
	if s.signedAttrsSent == nil {
		return nil
	}
	out := *s
	out.signedAttrsSet = s.signedAttrsSent
	return &out
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
	for i := range attrs {
		if attrs[i].Type != t {
			continue
		}
		if count++; count == 1 { // as nearly always; nobody may append into the attribute
			values = slices.Clip(attrs[i].Values)
		} else {
			values = append(values, attrs[i].Values...)
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
	century := 0
	switch {
	case len(der) == len("xxYYMMDDhhmmssZ") && der[0] == byte(asn1.UTCTime):
	case len(der) == len("xxYYYYMMDDhhmmssZ") && der[0] == byte(asn1.GeneralizedTime):
		var ok bool
		if century, ok = twoDigits(der[2:]); !ok {
			return time.Time{}, false
		}
	default:
		return time.Time{}, false
	}
	rest := der[len(der)-len("YYMMDDhhmmssZ"):]
	if int(der[1]) != len(der)-2 || rest[12] != 'Z' {
		return time.Time{}, false
	}
	var f [6]int // year, month, day, hour, minute, second
	for i := range f {
		var ok bool
		if f[i], ok = twoDigits(rest[2*i:]); !ok {
			return time.Time{}, false
		}
	}
	switch {
	case der[0] == byte(asn1.GeneralizedTime):
		f[0] += 100 * century
	case f[0] >= 50: // RFC 5652 §11.3: as RFC 5280 §4.1.2.5.1 has it
		f[0] += 1900
	default:
		f[0] += 2000
	}
	t := time.Date(f[0], time.Month(f[1]), f[2], f[3], f[4], f[5], 0, time.UTC)
	// What time.Date carries over was no date: the 31st of June, 24 o'clock.
	same := t.Year() == f[0] && int(t.Month()) == f[1] && t.Day() == f[2] && t.Hour() == f[3] && t.Minute() == f[4] && t.Second() == f[5]
	return t, same
}

func twoDigits(s []byte) (int, bool) {
	if s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9' {
		return 0, false
	}
	return int(s[0]-'0')*10 + int(s[1]-'0'), true
}

// TimestampTokens returns the signature time-stamp tokens (RFC 3161 appendix A,
// EN 319 122-1 §5.3), unjudged, in order.
func (s *Signer) TimestampTokens() [][]byte { return s.UnsignedAttr(pki.OIDSignatureTimeStamp) }

// CounterSigners returns the countersignatures over s (RFC 5652 §11.4), in order.
func (s *Signer) CounterSigners() []*Signer { return s.counters }
