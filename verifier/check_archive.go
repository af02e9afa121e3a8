// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"

	"rastau/internal/cms"
	"rastau/internal/pki"
	"rastau/internal/timestamp"
)

// unjudged are the attributes for the long term that are named and prove nothing:
// archive timestamps whose imprint depends on how the message was once encoded, and
// what stands for validation data instead of them. RFC 5126 has the text of ETSI
// TS 101 733, under the same numbers.
var unjudged = []struct {
	attr               pki.OID
	sentence, citation string
}{
	{"1.2.840.113549.1.9.16.2.21", "finding.signature.archive.references", "RFC 5126 §6.2.1"}, // complete-certificate-references
	{"1.2.840.113549.1.9.16.2.22", "finding.signature.archive.references", "RFC 5126 §6.2.2"}, // complete-revocation-references
	{"1.2.840.113549.1.9.16.2.25", "finding.signature.archive.version", "RFC 5126 §6.3.5"},    // CAdES-C-timestamp
	{"1.2.840.113549.1.9.16.2.26", "finding.signature.archive.version", "RFC 5126 §6.3.6"},    // time-stamped-certs-crls-references
	{"1.2.840.113549.1.9.16.2.27", "finding.signature.archive.version", "RFC 5126 §6.4.1"},    // archive-time-stamp
	{"1.2.840.113549.1.9.16.2.48", "finding.signature.archive.version", "RFC 5126 §6.4.1"},    // archive-time-stamp version 2
}

// archiveToken is one archive timestamp that could be read.
type archiveToken struct {
	*timestamp.Token
	raw []byte
}

// checkArchive: each archive timestamp is judged as a signature of its own, the
// latest first, since what it covers is then proven to have existed: the signature
// and its timestamps, the older archive timestamps, and the certificates, lists and
// responses that each was validated with (EN 319 102-1 §5.6.3).
func checkArchive(ctx context.Context, s *signature) []Finding {
	if s.signer == nil {
		return nil
	}
	var out []Finding
	for _, u := range unjudged {
		if len(s.signer.UnsignedAttr(u.attr)) > 0 {
			out = append(out, absent(u.sentence, "attribute", string(u.attr)).citing(u.citation))
		}
	}
	var tokens []archiveToken
	raws := s.signer.ArchiveTokens()
	for _, raw := range raws[:min(len(raws), maxTokens)] {
		t, err := timestamp.Parse(raw)
		if err != nil {
			sum := sha256.Sum256(raw)
			out = append(out, warned("finding.signature.timestamp.unreadable", "detail", err.Error()).citing("RFC 3161 §2.4.2").
				with("sha256:"+hex.EncodeToString(sum[:])+" timestamp"))
			continue
		}
		tokens = append(tokens, archiveToken{t, raw})
	}
	slices.SortStableFunc(tokens, func(a, b archiveToken) int { return cmp.Compare(b.GenTime.UnixNano(), a.GenTime.UnixNano()) })
	var valid []archiveToken
	for _, a := range tokens {
		f, ok := s.archive(ctx, a)
		if out = append(out, f); ok {
			valid = append(valid, a)
		}
	}
	for _, a := range valid {
		out = append(out, s.ordered(a.raw, a.Token)...)
	}
	return out
}

// archive judges one archive timestamp and notes what it proves; false where that is nothing.
func (s *signature) archive(ctx context.Context, a archiveToken) (Finding, bool) {
	var covered cms.Covered
	var defect error
	t, f := s.stamp(ctx, a.raw, s.bag(), func(t *timestamp.Token) (bool, error) {
		input, c, err := s.sd.ArchiveInput(s.signer, t.Signed.Signers[0], t.HashAlgorithm, s.contents)
		switch {
		case errors.Is(err, pki.ErrUnsupported):
			return false, err
		case err != nil:
			defect = err
			return false, nil
		}
		// What is covered is no better known than by the hashes in the index.
		when, proven := s.poe.since(sha256.Sum256(a.raw))
		if !proven {
			when = s.q.At
		}
		if err := s.q.Algorithms.AcceptHash(c.Hash, when); err != nil {
			defect = err
			return false, nil
		}
		covered = c
		return t.Covers(input)
	})
	if defect != nil {
		key, remark := "finding.signature.archive.index", defect.Error()
		if errors.Is(defect, cms.ErrNoContent) {
			key = "finding.signature.archive.content"
		}
		index := warned(key, "time", moment(a.GenTime), "detail", remark)
		index.Evidence = f.Evidence
		return index, false
	}
	if t == nil {
		return f, false
	}
	s.poe.prove(s.signer.Signature, t.GenTime)
	s.poe.proveCovered(covered, t.GenTime)
	s.existed(t.GenTime)
	s.archived = true
	valid := passed("finding.signature.archive.valid", "time", moment(t.GenTime))
	valid.Evidence = f.Evidence
	return valid, true
}

// ordered: a timestamp that covers another was made after it (EN 319 102-1 §5.5.4).
// raw is proven to have existed before the token claims to have been made.
func (s *signature) ordered(raw []byte, t *timestamp.Token) []Finding {
	proven, ok := s.poe.since(sha256.Sum256(raw))
	if !ok || !t.GenTime.After(proven) {
		return nil
	}
	return []Finding{failed(TimestampOrderFailure, "finding.signature.timestamp.covered", "time", moment(t.GenTime), "before", moment(proven)).
		citing("EN 319 102-1 §5.5.4")}
}
