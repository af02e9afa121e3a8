// SPDX-License-Identifier: Apache-2.0

package cms

import (
	"fmt"
	"hash"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/pki"
)

// OIDArchiveTimestampV3 is id-aa-ets-archiveTimestampV3 (EN 319 122-1 §5.5.3).
const OIDArchiveTimestampV3 pki.OID = "0.4.0.1733.2.4"

const (
	oidHashIndexV3 pki.OID = "0.4.0.19122.1.5" // EN 319 122-1 §5.5.2
	oidHashIndex   pki.OID = "0.4.0.1733.2.5"  // its predecessor, TS 101 733 §6.4.2
)

// ArchiveTokens returns the archive time-stamp tokens of version 3, unjudged, in order.
func (s *Signer) ArchiveTokens() [][]byte { return s.UnsignedAttr(OIDArchiveTimestampV3) }

// Covered is what an archive time-stamp covers beside the content and the signature.
type Covered struct {
	Hash         pki.OID     // that the index names them by
	Certificates [][]byte    // elements of SignedData.certificates
	Revocation   [][]byte    // elements of SignedData.crls: a list, or [1] with another format
	Attributes   []Attribute // unsigned attributes, one value each
}

// hashIndex is ATSHashIndexV3 ::= SEQUENCE { hashIndAlgorithm, certificatesHashIndex,
// crlsHashIndex, unsignedAttrValuesHashIndex }, or its predecessor, in which the
// algorithm is SHA-256 by default and attributes are hashed whole.
type hashIndex struct {
	raw                                  []byte
	algorithm                            pki.OID
	certificates, revocation, attributes map[string]bool
	whole                                bool
}

// ArchiveInput returns what the archive time-stamp token of version 3 over s was made
// over, and what it covers. token is the SignerInfo of the time-stamp token, whose
// unsigned attribute ats-hash-index says what is covered; hash is the token's digest
// algorithm and content the digests of detached content. Errors: [ErrHashIndex],
// [ErrNoContent], pki.ErrUnsupported.
func (sd *SignedData) ArchiveInput(s, token *Signer, hash pki.OID, content Digests) ([]byte, Covered, error) {
	index, err := readHashIndex(token)
	if err != nil {
		return nil, Covered{}, err
	}
	covered, err := index.match(sd, s)
	if err != nil {
		return nil, Covered{}, err
	}
	digest, err := sd.contentDigest(hash, content)
	if err != nil {
		return nil, Covered{}, err
	}
	kind, err := sd.ContentType.DER()
	if err != nil {
		return nil, Covered{}, malformed("eContentType")
	}
	// EN 319 122-1 §5.5.3: eContentType, the digest of the signed data, the fields of
	// SignerInfo up to and including signature, and a single ATSHashIndexV3.
	var out []byte
	for _, part := range [][]byte{kind, digest, s.head, index.raw} {
		out = append(out, part...)
	}
	return out, covered, nil
}

// readHashIndex reads the one ats-hash-index of a time-stamp token.
func readHashIndex(token *Signer) (hashIndex, error) {
	x := hashIndex{algorithm: pki.OIDSHA256}
	values := token.UnsignedAttr(oidHashIndexV3)
	if len(values) == 0 {
		values = token.UnsignedAttr(oidHashIndex)
		x.whole = true
	}
	if len(values) != 1 {
		return x, fmt.Errorf("%w: %d of them", ErrHashIndex, len(values))
	}
	x.raw = values[0]
	in := cryptobyte.String(values[0])
	var body cryptobyte.String
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() {
		return x, fmt.Errorf("%w: malformed", ErrHashIndex)
	}
	// An AlgorithmIdentifier and a SEQUENCE OF OCTET STRING have the same tag; only the
	// former starts with an OBJECT IDENTIFIER.
	peek := body
	var first cryptobyte.String
	if peek.ReadASN1(&first, asn1.SEQUENCE) && first.PeekASN1Tag(asn1.OBJECT_IDENTIFIER) {
		a, err := pki.ReadAlgorithm(&body)
		if err != nil {
			return x, fmt.Errorf("%w: malformed", ErrHashIndex)
		}
		x.algorithm = a.OID
	} else if !x.whole {
		return x, fmt.Errorf("%w: it names no algorithm", ErrHashIndex)
	}
	for _, to := range []*map[string]bool{&x.certificates, &x.revocation, &x.attributes} {
		list, ok := readHashes(&body)
		if !ok {
			return x, fmt.Errorf("%w: malformed", ErrHashIndex)
		}
		*to = list
	}
	if !body.Empty() {
		return x, fmt.Errorf("%w: malformed", ErrHashIndex)
	}
	return x, nil
}

// readHashes reads a SEQUENCE OF OCTET STRING.
func readHashes(in *cryptobyte.String) (map[string]bool, bool) {
	var list, value cryptobyte.String
	if !in.ReadASN1(&list, asn1.SEQUENCE) {
		return nil, false
	}
	out := map[string]bool{}
	for !list.Empty() {
		if !list.ReadASN1(&value, asn1.OCTET_STRING) {
			return nil, false
		}
		out[string(value)] = true
	}
	return out, true
}

// match finds what the index names. Each hash must still have its counterpart: what
// was taken away since would otherwise not be missed. What came later is not covered.
func (x hashIndex) match(sd *SignedData, s *Signer) (Covered, error) {
	newHash, err := pki.NewHash(x.algorithm)
	if err != nil {
		return Covered{}, err
	}
	sum := func(parts ...[]byte) string { return digestOf(newHash, parts) }
	c := Covered{Hash: x.algorithm}
	found := map[string]bool{}
	for _, e := range sd.certificateSet {
		if h := sum(e); x.certificates[h] {
			c.Certificates, found[h] = append(c.Certificates, e), true
		}
	}
	certificates := len(found)
	clear(found)
	for _, e := range sd.revocationSet {
		if h := sum(e); x.revocation[h] {
			c.Revocation, found[h] = append(c.Revocation, e), true
		}
	}
	revocation := len(found)
	clear(found)
	for _, a := range s.UnsignedAttrs {
		if err := x.matchAttribute(a, sum, found, &c); err != nil {
			return Covered{}, err
		}
	}
	if certificates != len(x.certificates) || revocation != len(x.revocation) || len(found) != len(x.attributes) {
		return Covered{}, fmt.Errorf("%w: something that it names is missing", ErrHashIndex)
	}
	return c, nil
}

// matchAttribute looks at one attribute: EN 319 122-1 §5.5.2 hashes attrType and each
// value of attrValues together, TS 101 733 the Attribute as it stands.
func (x hashIndex) matchAttribute(a Attribute, sum func(...[]byte) string, found map[string]bool, c *Covered) error {
	if x.whole {
		der, err := a.encode()
		if err != nil {
			return malformed("unsigned attribute %s", a.Type)
		}
		if h := sum(der); x.attributes[h] {
			found[h] = true
			for _, v := range a.Values {
				c.Attributes = append(c.Attributes, Attribute{a.Type, [][]byte{v}})
			}
		}
		return nil
	}
	kind, err := a.Type.DER()
	if err != nil {
		return malformed("unsigned attribute %s", a.Type)
	}
	for _, v := range a.Values {
		if h := sum(kind, v); x.attributes[h] {
			found[h] = true
			c.Attributes = append(c.Attributes, Attribute{a.Type, [][]byte{v}})
		}
	}
	return nil
}

func digestOf(newHash func() hash.Hash, parts [][]byte) string {
	h := newHash()
	for _, p := range parts {
		h.Write(p)
	}
	return string(h.Sum(nil))
}
