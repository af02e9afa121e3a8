// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"crypto/sha256"
	"maps"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/cms"
	"rastau/internal/pki"
	"rastau/internal/timestamp"
)

// poe holds the proofs of existence that valid timestamps give (EN 319 102-1
// §5.6.2.3): which bytes existed by when. What is not proven existed when it was
// shown, at the time judged. It belongs to one signature.
type poe struct {
	at map[[32]byte]time.Time // by SHA-256 of the object's DER
}

// empty reports that nothing is proven.
func (p *poe) empty() bool { return p == nil || len(p.at) == 0 }

// since gives the earliest time by which the object is proven to exist; false where
// nothing proves it.
func (p *poe) since(sum [32]byte) (time.Time, bool) {
	if p == nil {
		return time.Time{}, false
	}
	t, ok := p.at[sum]
	return t, ok
}

// clone is a copy that further proofs can be added to.
func (p *poe) clone() *poe { return &poe{at: maps.Clone(p.at)} }

// prove notes that the object existed at t; the earliest proof counts.
func (p *poe) prove(der []byte, t time.Time) {
	sum := sha256.Sum256(der)
	if have, ok := p.at[sum]; ok && !t.Before(have) {
		return
	}
	if p.at == nil {
		p.at = map[[32]byte]time.Time{}
	}
	p.at[sum] = t.UTC()
}

// proveMessage notes that a whole message existed at t, with all that stands in it.
func (p *poe) proveMessage(sd *cms.SignedData, t time.Time) {
	for _, c := range sd.Certificates {
		p.prove(c.Raw, t)
	}
	for _, der := range slices.Concat(sd.CRLs, sd.OCSPs) {
		p.prove(der, t)
	}
	for _, s := range sd.Signers {
		p.prove(s.Signature, t)
		lists, responses := archivedRevocation(s)
		for _, der := range append(lists, responses...) {
			p.prove(der, t)
		}
		for _, a := range slices.Concat(s.SignedAttrs, s.UnsignedAttrs) {
			for _, v := range a.Values {
				p.proveValue(a.Type, v, t)
			}
		}
	}
}

// proveCovered notes what an archive timestamp covers: the elements themselves, and
// the certificates, lists, responses and tokens inside them.
func (p *poe) proveCovered(c cms.Covered, t time.Time) {
	for _, e := range c.Certificates {
		p.prove(e, t)
	}
	for _, e := range c.Revocation {
		p.prove(e, t)
		if answer := otherRevocation(e); answer != nil {
			p.prove(answer, t)
		}
	}
	for _, a := range c.Attributes {
		for _, v := range a.Values {
			p.proveValue(a.Type, v, t)
		}
	}
}

// proveValue notes an attribute value and what stands inside it.
func (p *poe) proveValue(kind pki.OID, value []byte, t time.Time) {
	p.prove(value, t)
	switch kind {
	case attrCertificateValues:
		for _, der := range elements(value) {
			p.prove(der, t)
		}
	case attrRevocationValues:
		lists, responses := readRevocationValues(value)
		for _, der := range append(lists, responses...) {
			p.prove(der, t)
		}
	case pki.OIDSignatureTimeStamp, cms.OIDArchiveTimestampV3, attrContentTimestamp:
		if token, err := timestamp.Parse(value); err == nil {
			p.proveToken(token, t)
		}
	}
}

// proveToken notes the validation data that a token brings.
func (p *poe) proveToken(token *timestamp.Token, t time.Time) {
	certificates, lists, responses := tokenMaterial(token)
	for _, c := range certificates {
		p.prove(c.Raw, t)
	}
	for _, der := range append(lists, responses...) {
		p.prove(der, t)
	}
}

// tokenMaterial is the validation data inside a token: among its certificates and
// lists, and in the unsigned attributes of its signature.
func tokenMaterial(token *timestamp.Token) (certificates []*pki.Certificate, lists, responses [][]byte) {
	signer := token.Signed.Signers[0]
	lists, responses = revocationValues(signer)
	certificates = append(certificateValues(signer), token.Signed.Certificates...)
	return certificates, append(lists, token.Signed.CRLs...), append(responses, token.Signed.OCSPs...)
}

// otherRevocation takes the OCSP response out of an OtherRevocationInfoFormat
// (RFC 5940 §2.1); nil where there is none.
func otherRevocation(element []byte) []byte {
	in := cryptobyte.String(element)
	var body, answer cryptobyte.String
	if !in.ReadASN1(&body, asn1.Tag(1).Constructed().ContextSpecific()) ||
		!body.SkipASN1(asn1.OBJECT_IDENTIFIER) || !body.ReadASN1Element(&answer, asn1.SEQUENCE) {
		return nil
	}
	return answer
}
