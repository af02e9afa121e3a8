// SPDX-License-Identifier: Apache-2.0

package ocsp

import (
	"bytes"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/pki"
)

// CertID names a certificate by hashes of its issuer and by its serial number (RFC 6960 §4.1.1).
type CertID struct {
	Hash              pki.Algorithm
	NameHash, KeyHash []byte
	Serial            *big.Int
}

// readCertID takes one CertID off s.
func readCertID(s *cryptobyte.String) (CertID, error) {
	var body cryptobyte.String
	var id CertID
	var err error
	if !s.ReadASN1(&body, casn1.SEQUENCE) {
		return id, malformed("certificate id")
	}
	if id.Hash, err = pki.ReadAlgorithm(&body); err != nil {
		return id, malformed("certificate id: %v", err)
	}
	if !body.ReadASN1Bytes(&id.NameHash, casn1.OCTET_STRING) || !body.ReadASN1Bytes(&id.KeyHash, casn1.OCTET_STRING) {
		return id, malformed("certificate id")
	}
	if id.Serial, _, err = pki.ReadSerial(&body); err != nil || !body.Empty() {
		return id, malformed("certificate id")
	}
	return id, nil
}

// match is how far a CertID agrees with the certificate asked about.
type match int

const (
	otherSerial match = iota
	otherIssuer       // the serial number alone agrees
	unknownHash       // the hash cannot be computed
	same
)

// compare holds id against the certificate of q: hash algorithm, both hashes and
// serial number must all agree (RFC 6960 §3.2 (1)).
func (q *Query) compare(id CertID) match {
	if id.Serial.Cmp(q.Certificate.Serial) != 0 {
		return otherSerial
	}
	newHash, err := pki.NewHash(id.Hash.OID)
	if err != nil {
		return unknownHash
	}
	sum := func(data []byte) []byte {
		h := newHash()
		h.Write(data)
		return h.Sum(nil)
	}
	if !bytes.Equal(id.KeyHash, sum(q.Issuer.Key.Bits)) {
		return otherIssuer
	}
	// "calculated over the DER encoding of the issuer's name field in the
	// certificate being checked" (RFC 6960 §4.1.1); the issuer's own encoding of
	// the same name is met too, and names the same authority.
	if !bytes.Equal(id.NameHash, sum(q.Certificate.Issuer.Raw)) && !bytes.Equal(id.NameHash, sum(q.Issuer.Name.Raw)) {
		return otherIssuer
	}
	return same
}
