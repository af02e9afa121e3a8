// SPDX-License-Identifier: Apache-2.0

package cms

import (
	"hash"
	"io"
	"maps"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/pki"
)

// Digests holds digests of one content by digest algorithm. Made by [DigestContent],
// or from a digest that the asker gives instead of the content.
//
// [DigestContent] also marks content that has the form of somebody's signed
// attributes, under a key that is no OID; digests given by hand carry no such mark,
// and then a signer without signed attributes cannot be held against that trick.
type Digests map[pki.OID][]byte

// attributesMark is the key of that mark.
const attributesMark pki.OID = "signed-attributes"

// maxAttributeSet bounds content that is looked at as a set of attributes. What a
// signer's program signs is a few kilobytes, with a policy or a token some tens.
const maxAttributeSet = 1 << 20

// NeededDigests lists the digest algorithms that judging the signers needs of the
// content, each once, supported or not.
func (sd *SignedData) NeededDigests() []pki.OID {
	var out []pki.OID
	for _, s := range sd.Signers {
		if o := s.DigestAlgorithm.OID; !slices.Contains(out, o) {
			out = append(out, o)
		}
	}
	return out
}

// DigestContent reads r once through every supported hash of oids; an unsupported one
// has a nil digest, which tells content that cannot be digested from content not given.
// Memory does not grow with the content. The error is r's.
func DigestContent(r io.Reader, oids []pki.OID) (Digests, error) {
	hashes := map[pki.OID]hash.Hash{}
	peek := &head{max: maxAttributeSet}
	sinks := []io.Writer{peek}
	for _, o := range oids {
		newHash, err := pki.NewHash(o)
		if err != nil || hashes[o] != nil {
			continue
		}
		hashes[o] = newHash()
		sinks = append(sinks, hashes[o])
	}
	if _, err := io.Copy(io.MultiWriter(sinks...), r); err != nil {
		return nil, err
	}
	d := Digests{}
	for _, o := range oids {
		d[o] = nil
		if h := hashes[o]; h != nil {
			d[o] = h.Sum(nil)
		}
	}
	if isSignedAttributes(peek.bytes) {
		d[attributesMark] = []byte{1}
	}
	return d, nil
}

// AttachedDigests is [DigestContent] of the attached content; no digest is made twice.
// The result is shared and must not be changed.
func (sd *SignedData) AttachedDigests(oids []pki.OID) Digests {
	for _, o := range oids {
		_, _ = sd.contentDigest(o, nil) // what cannot be made is missing
	}
	if isSignedAttributes(sd.Content) {
		sd.remember(attributesMark, []byte{1})
	}
	sd.mu.Lock()
	defer sd.mu.Unlock()
	return sd.content
}

// remember keeps a digest of the attached content. Whoever has the map that stood before
// keeps it as it was.
func (sd *SignedData) remember(o pki.OID, sum []byte) {
	sd.mu.Lock()
	defer sd.mu.Unlock()
	if sd.content[o] != nil {
		return
	}
	d := make(Digests, len(sd.content)+1)
	maps.Copy(d, sd.content)
	d[o] = sum
	sd.content = d
}

// head keeps content while it can still be a SET of at most max bytes.
type head struct {
	bytes []byte
	max   int
	over  bool
}

func (h *head) Write(p []byte) (int, error) {
	switch {
	case h.over || len(p) == 0:
	case len(h.bytes) == 0 && p[0] != byte(asn1.SET), len(h.bytes)+len(p) > h.max:
		h.over, h.bytes = true, nil
	default:
		h.bytes = append(h.bytes, p...)
	}
	return len(p), nil
}

// isSignedAttributes says whether content is a DER SET OF Attribute with contentType
// and messageDigest in it: what a signer with signed attributes has signed.
func isSignedAttributes(content []byte) bool {
	in := cryptobyte.String(content)
	var set cryptobyte.String
	if len(content) > maxAttributeSet || !in.ReadASN1(&set, asn1.SET) || !in.Empty() {
		return false
	}
	attrs, err := readAttributes(set)
	if err != nil {
		return false
	}
	_, types := collect(attrs, pki.OIDContentType)
	_, digests := collect(attrs, pki.OIDMessageDigest)
	return types > 0 && digests > 0
}

// contentDigest returns the content's digest under o. Attached content is digested
// here, whatever d says: a verdict on the message is a verdict on the bytes in it.
func (sd *SignedData) contentDigest(o pki.OID, d Digests) ([]byte, error) {
	sum, shown := d[o]
	if sd.Detached && !shown {
		// Content that is not here is missing whatever it should be digested with.
		return nil, ErrNoContent
	}
	size, err := pki.HashSize(o)
	if err != nil {
		return nil, err
	}
	if sd.Detached {
		if len(sum) != size {
			return nil, ErrNoContent
		}
		return sum, nil
	}
	sd.mu.Lock()
	sum = sd.content[o]
	sd.mu.Unlock()
	if sum != nil {
		return sum, nil
	}
	if sum, err = pki.Digest(o, sd.Content); err == nil {
		sd.remember(o, sum)
	}
	return sum, err
}
