// SPDX-License-Identifier: Apache-2.0

package cms

import (
	"bytes"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/pki"
)

// ESS is the signing-certificate (RFC 2634 §5.4) or signing-certificate-v2
// (RFC 5035 §3) attribute: the signed statement which certificate is the signer's.
type ESS struct {
	Present, Valid bool // Valid: well-formed, one attribute, one value, at least one certificate id
	V2             bool
	Digest         pki.OID
	Hash           []byte   // of the first certificate id: the signer's
	Issuer         pki.Name // optional issuerSerial
	SerialBytes    []byte
}

// ESS returns the signing-certificate reference, version 2 before version 1 where
// both stand. [SignedData.Verify] holds the certificate against both.
func (s *Signer) ESS() ESS {
	if refs := s.references(); len(refs) > 0 {
		return refs[0]
	}
	return ESS{}
}

// references returns one ESS for each version present, version 2 first.
func (s *Signer) references() []ESS { return s.named }

func (s *Signer) readReferences() []ESS {
	var out []ESS
	for _, v2 := range [2]bool{true, false} {
		t := pki.OIDSigningCertificateV2
		if !v2 {
			t = pki.OIDSigningCertificate
		}
		values, count := s.Attr(t)
		if count == 0 {
			continue
		}
		e := ESS{Present: true, V2: v2}
		// RFC 5035 §3: the attribute has a single value and stands at most once.
		if count == 1 && len(values) == 1 {
			e = readESS(values[0], v2)
		}
		out = append(out, e)
	}
	return out
}

// readESS reads the first certificate id: RFC 2634 §5.4 "The first certificate
// identified in the sequence of certificate identifiers MUST be the certificate used
// to verify the signature." The rest restrict the path and are only held to be well-formed.
func readESS(der []byte, v2 bool) ESS {
	bad := ESS{Present: true, V2: v2}
	outer := cryptobyte.String(der)
	var seq, ids cryptobyte.String
	if !outer.ReadASN1(&seq, asn1.SEQUENCE) || !outer.Empty() ||
		!seq.ReadASN1(&ids, asn1.SEQUENCE) || ids.Empty() {
		return bad
	}
	if !seq.Empty() {
		// policies SEQUENCE OF PolicyInformation OPTIONAL
		if !seq.SkipASN1(asn1.SEQUENCE) || !seq.Empty() {
			return bad
		}
	}
	first, ok := readCertID(&ids, v2)
	if !ok {
		return bad
	}
	for !ids.Empty() {
		if _, ok := readCertID(&ids, v2); !ok {
			return bad
		}
	}
	first.Present, first.Valid, first.V2 = true, true, v2
	return first
}

// readCertID reads an ESSCertID or ESSCertIDv2.
func readCertID(ids *cryptobyte.String, v2 bool) (ESS, bool) {
	e := ESS{Digest: pki.OIDSHA1}
	var id cryptobyte.String
	if !ids.ReadASN1(&id, asn1.SEQUENCE) {
		return e, false
	}
	if v2 {
		e.Digest = pki.OIDSHA256 // DEFAULT {algorithm id-sha256}
		if id.PeekASN1Tag(asn1.SEQUENCE) {
			alg, err := pki.ReadAlgorithm(&id)
			if err != nil {
				return e, false
			}
			e.Digest = alg.OID
		}
	}
	var hash cryptobyte.String
	if !id.ReadASN1(&hash, asn1.OCTET_STRING) || len(hash) == 0 {
		return e, false
	}
	e.Hash = hash
	if id.Empty() {
		return e, true
	}
	return e, readIssuerSerial(&id, &e) && id.Empty()
}

// readIssuerSerial reads IssuerSerial ::= SEQUENCE { issuer GeneralNames, serialNumber }.
// A reference that gives no single directoryName keeps Issuer empty and so never matches.
func readIssuerSerial(id *cryptobyte.String, e *ESS) bool {
	var seq, names, serial cryptobyte.String
	if !id.ReadASN1(&seq, asn1.SEQUENCE) || !seq.ReadASN1(&names, asn1.SEQUENCE) ||
		!seq.ReadASN1(&serial, asn1.INTEGER) || len(serial) == 0 {
		return false
	}
	if !seq.Empty() {
		return false
	}
	e.SerialBytes = serial
	directory := asn1.Tag(4).ContextSpecific().Constructed()
	for !names.Empty() {
		var element, inner cryptobyte.String
		var tag asn1.Tag
		if !names.ReadAnyASN1Element(&element, &tag) {
			return false
		}
		if tag != directory {
			continue
		}
		if !element.ReadASN1(&inner, directory) {
			return false
		}
		name, err := pki.ParseName(inner)
		if err != nil {
			return false
		}
		e.Issuer = name
	}
	return true
}

// Matches says whether the reference names c: by digest, and by issuer and serial
// where those are given (RFC 5035 §4, EN 319 122-1 §5.2.2.2). The error is
// [pki.ErrUnsupported] where the digest cannot be computed. An absent or invalid
// reference matches nothing.
func (e ESS) Matches(c *pki.Certificate) (bool, error) {
	if !e.Valid || c == nil {
		return false, nil
	}
	sum := c.SHA256[:]
	if e.Digest != pki.OIDSHA256 {
		var err error
		if sum, err = pki.Digest(e.Digest, c.Raw); err != nil {
			return false, err
		}
	}
	if !bytes.Equal(sum, e.Hash) {
		return false, nil
	}
	if e.SerialBytes != nil && (!sameInteger(e.SerialBytes, c.SerialBytes) || !e.Issuer.Equal(c.Issuer)) {
		return false, nil
	}
	return true, nil
}
