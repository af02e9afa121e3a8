// SPDX-License-Identifier: Apache-2.0

package cms

import (
	"bytes"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/pki"
)

// AddMaterial returns the message with certificates (DER), lists (CertificateList) and OCSP responses (OCSPResponse, written
// as RFC 5940 §2.1 has it) added to SignedData.certificates and crls, where an archive time-stamp of version 3 looks for them
// (EN 319 122-1 §5.5.3). What is there already is not added again, and everything that was there keeps its bytes: archive
// time-stamps name it by its digest. Where nothing is new the message comes back as it is.
func (sd *SignedData) AddMaterial(certificates, lists, responses [][]byte) ([]byte, error) {
	others := make([][]byte, 0, len(responses))
	for _, der := range responses {
		var b cryptobyte.Builder
		b.AddASN1(tag1, func(b *cryptobyte.Builder) {
			pki.AddOID(b, oidOCSPResponse)
			b.AddBytes(der)
		})
		other, err := b.Bytes()
		if err != nil {
			return nil, fmt.Errorf("cms: OCSP response: %w", err)
		}
		others = append(others, other)
	}
	certs := added(sd.certificateSet, certificates)
	revocation := added(sd.revocationSet, slices.Concat(lists, others))
	if len(certs) == len(sd.certificateSet) && len(revocation) == len(sd.revocationSet) {
		return sd.Raw, nil
	}
	head := cryptobyte.String(sd.head)
	var digests, encap cryptobyte.String
	var version int64
	if !head.ReadASN1Integer(&version) || !head.ReadASN1Element(&digests, asn1.SET) || !head.ReadASN1Element(&encap, asn1.SEQUENCE) {
		return nil, malformed("what stands before the certificates")
	}
	if slices.ContainsFunc(revocation, func(e []byte) bool { return e[0] == byte(tag1) }) {
		version = 5 // RFC 5652 §5.1: "any crls with a type of other"
	}
	var b cryptobyte.Builder
	addMessage(&b, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(version)
		b.AddBytes(digests)
		b.AddBytes(encap)
		if len(certs) > 0 {
			addSetOf(b, tag0, certs)
		}
		if len(revocation) > 0 {
			addSetOf(b, tag1, revocation)
		}
		b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) {
			for _, s := range sd.Signers {
				s.write(b, s.unsigned)
			}
		})
	})
	return b.Bytes()
}

// added is have with what of more is not in it.
func added(have, more [][]byte) [][]byte {
	out := slices.Clone(have)
	for _, e := range more {
		if !slices.ContainsFunc(out, func(x []byte) bool { return bytes.Equal(x, e) }) {
			out = append(out, e)
		}
	}
	return out
}

// write is the SignerInfo with these unsigned attributes; nil: none.
func (s *Signer) write(b *cryptobyte.Builder, unsigned []byte) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(s.head)
		if unsigned != nil {
			b.AddASN1(tag1, func(b *cryptobyte.Builder) { b.AddBytes(unsigned) })
		}
	})
}

// NewArchiveInput returns what an archive time-stamp of version 3 over signer i is to be made over, covering all that stands in
// the message now, and the ATSHashIndexV3 that says so (EN 319 122-1 §5.5.2, §5.5.3). hash is the digest algorithm of the
// index and of the time-stamp's imprint; content the digests of detached content. [ErrNoContent] where they are missing.
func (sd *SignedData) NewArchiveInput(i int, hash pki.OID, content Digests) (input, index []byte, err error) {
	if i < 0 || i >= len(sd.Signers) {
		return nil, nil, fmt.Errorf("cms: no signer %d among %d", i, len(sd.Signers))
	}
	s := sd.Signers[i]
	if index, err = sd.newHashIndex(s, hash); err != nil {
		return nil, nil, err
	}
	digest, err := sd.contentDigest(hash, content)
	if err != nil {
		return nil, nil, err
	}
	kind, err := sd.ContentType.DER()
	if err != nil {
		return nil, nil, malformed("eContentType")
	}
	return slices.Concat(kind, digest, s.head, index), index, nil
}

func (sd *SignedData) newHashIndex(s *Signer, hash pki.OID) ([]byte, error) {
	newHash, err := pki.NewHash(hash)
	if err != nil {
		return nil, err
	}
	algorithm, err := pki.NewAlgorithm(hash, nil) // RFC 5754 §2: parameters are absent
	if err != nil {
		return nil, err
	}
	var values [][]byte
	for _, a := range s.UnsignedAttrs {
		kind, err := a.Type.DER()
		if err != nil {
			return nil, malformed("unsigned attribute %s", a.Type)
		}
		for _, v := range a.Values { // §5.5.2: the type and one value, each value for itself
			values = append(values, slices.Concat(kind, v))
		}
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(algorithm.Raw)
		for _, part := range [][][]byte{sd.certificateSet, sd.revocationSet, values} {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, e := range part {
					b.AddASN1OctetString([]byte(digestOf(newHash, [][]byte{e})))
				}
			})
		}
	})
	return b.Bytes()
}

// AddArchiveTimestamp returns the message with a time-stamp token over [SignedData.NewArchiveInput] added to signer i, index
// standing among the token's own unsigned attributes (EN 319 122-1 §5.5.3).
func (sd *SignedData) AddArchiveTimestamp(i int, token, index []byte) ([]byte, error) {
	t, err := Parse(token, Limits{})
	if err != nil {
		return nil, fmt.Errorf("archive time-stamp: %w", err)
	}
	indexed, err := t.AddUnsigned(0, Attribute{oidHashIndexV3, [][]byte{index}})
	if err != nil {
		return nil, fmt.Errorf("archive time-stamp: %w", err)
	}
	return sd.AddUnsigned(i, Attribute{OIDArchiveTimestampV3, [][]byte{indexed}})
}
