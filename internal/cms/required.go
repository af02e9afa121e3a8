// SPDX-License-Identifier: Apache-2.0

package cms

import (
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/pki"
)

// single lists the signed attributes that stand at most once with exactly one value,
// with the rule that says so. A second value would let two readers see two statements.
var single = []struct {
	attr     pki.OID
	name     string
	citation string
}{
	{pki.OIDContentType, "content-type", "RFC 5652 §11.1"},
	{pki.OIDMessageDigest, "message-digest", "RFC 5652 §11.2"},
	{pki.OIDSigningTime, "signing-time", "RFC 5652 §11.3"},
	{pki.OIDCMSAlgProtection, "algorithm-protection", "RFC 6211 §2"},
	{pki.OIDSignaturePolicy, "signature-policy-identifier", "RFC 5126 §5.8.1"},
}

// signedOnly lists the attributes that "MUST NOT be an unsigned attribute": there
// anyone could have written them.
var signedOnly = []struct {
	attr     pki.OID
	name     string
	citation string
}{
	{pki.OIDContentType, "content-type", "RFC 5652 §11.1"},
	{pki.OIDMessageDigest, "message-digest", "RFC 5652 §11.2"},
	{pki.OIDSigningTime, "signing-time", "RFC 5652 §11.3"},
	{pki.OIDSigningCertificate, "signing-certificate", "RFC 2634 §5.4"},
	{pki.OIDSigningCertificateV2, "signing-certificate-v2", "RFC 5035 §3"},
}

// checkAttributes holds a signer's attributes against RFC 5652 §5.3 and §11.
func (sd *SignedData) checkAttributes(s *Signer, d Digests) error {
	if err := s.checkUnsigned(); err != nil {
		return err
	}
	if s.SignedAttrs == nil {
		return sd.checkAbsence(d)
	}
	if err := s.checkSingle(); err != nil {
		return err
	}
	values, count := s.Attr(pki.OIDContentType)
	if count == 0 {
		return &AttributeError{pki.OIDContentType, Missing, "RFC 5652 §11.1", "no content-type among the signed attributes"}
	}
	in := cryptobyte.String(values[0])
	stated, err := pki.ReadOID(&in)
	if err != nil || !in.Empty() {
		return &AttributeError{pki.OIDContentType, Malformed, "RFC 5652 §11.1", "content-type is no object identifier"}
	}
	if stated != sd.ContentType {
		return &AttributeError{pki.OIDContentType, WrongType, "RFC 5652 §11.1",
			"content-type was signed as " + string(stated) + " and is shown as " + string(sd.ContentType)}
	}
	return s.checkMessageDigest()
}

// checkAbsence judges a signer without signed attributes.
func (sd *SignedData) checkAbsence(d Digests) error {
	// RFC 5652 §5.3: signedAttrs "MUST be present if the content type of the
	// EncapsulatedContentInfo value being signed is not id-data".
	if sd.ContentType != pki.OIDData {
		return &AttributeError{"", Missing, "RFC 5652 §5.3", "signed attributes are required for content other than id-data"}
	}
	// A signature over attributes is, bit for bit, a signature without attributes
	// over a document that consists of those attributes. Nobody writes such documents.
	_, marked := d[attributesMark]
	if sd.Detached && marked || !sd.Detached && isSignedAttributes(sd.Content) {
		return &AttributeError{"", Stripped, "RFC 5652 §5.4",
			"the content is the signed attributes of another signature, shown as a document"}
	}
	return nil
}

// checkCounterAttributes holds a countersigner's attributes against RFC 5652 §11.4.
func (s *Signer) checkCounterAttributes() error {
	if err := s.checkUnsigned(); err != nil {
		return err
	}
	if s.SignedAttrs == nil {
		return nil
	}
	if err := s.checkSingle(); err != nil {
		return err
	}
	// "The signedAttributes field MUST NOT contain a content-type attribute".
	if _, count := s.Attr(pki.OIDContentType); count > 0 {
		return &AttributeError{pki.OIDContentType, Forbidden, "RFC 5652 §11.4", "a countersignature has a content-type attribute"}
	}
	return s.checkMessageDigest()
}

func (s *Signer) checkUnsigned() error {
	for _, rule := range signedOnly {
		if _, count := collect(s.UnsignedAttrs, rule.attr); count > 0 {
			return &AttributeError{rule.attr, Forbidden, rule.citation, rule.name + " stands among the unsigned attributes"}
		}
	}
	return nil
}

func (s *Signer) checkSingle() error {
	for _, rule := range single {
		values, count := s.Attr(rule.attr)
		switch {
		case count > 1:
			return &AttributeError{rule.attr, Duplicate, rule.citation, rule.name + " stands more than once"}
		case count == 1 && len(values) != 1:
			return &AttributeError{rule.attr, MultiValue, rule.citation, rule.name + " has other than one value"}
		}
	}
	if values, count := s.Attr(pki.OIDSigningTime); count == 1 {
		if _, ok := parseTime(values[0]); !ok {
			return &AttributeError{pki.OIDSigningTime, Malformed, "RFC 5652 §11.3", "signing-time is no time"}
		}
	}
	return nil
}

func (s *Signer) checkMessageDigest() error {
	values, count := s.Attr(pki.OIDMessageDigest)
	if count == 0 {
		return &AttributeError{pki.OIDMessageDigest, Missing, "RFC 5652 §11.2", "no message-digest among the signed attributes"}
	}
	if _, ok := octets(values[0]); !ok {
		return &AttributeError{pki.OIDMessageDigest, Malformed, "RFC 5652 §11.2", "message-digest is no octet string"}
	}
	return nil
}

// octets reads one OCTET STRING and nothing after it.
func octets(der []byte) ([]byte, bool) {
	in := cryptobyte.String(der)
	var out cryptobyte.String
	ok := in.ReadASN1(&out, asn1.OCTET_STRING) && in.Empty()
	return out, ok
}

// checkProtection compares the algorithms that were signed with those shown, where
// the signer has signed them (RFC 6211 §2): CMSAlgorithmProtection ::= SEQUENCE {
// digestAlgorithm, signatureAlgorithm [1] OPTIONAL, macAlgorithm [2] OPTIONAL }.
func (s *Signer) checkProtection() error {
	values, count := s.Attr(pki.OIDCMSAlgProtection)
	if count != 1 || len(values) != 1 {
		return nil
	}
	in := cryptobyte.String(values[0])
	var body, tagged cryptobyte.String
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() {
		return ErrMismatch
	}
	digest, err := pki.ReadAlgorithm(&body)
	if err != nil || !body.ReadASN1(&tagged, tag1) || !body.Empty() {
		return ErrMismatch
	}
	// IMPLICIT: the SEQUENCE's own tag is replaced.
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(tagged) })
	raw, err := b.Bytes()
	if err != nil {
		return ErrMismatch
	}
	restored := cryptobyte.String(raw)
	signature, err := pki.ReadAlgorithm(&restored)
	if err != nil || !digest.Equal(s.DigestAlgorithm) || !signature.Equal(s.SignatureAlgorithm) {
		return ErrMismatch
	}
	return nil
}
