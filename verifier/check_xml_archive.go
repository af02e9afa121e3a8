// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"rastau/internal/timestamp"
	"rastau/internal/xmldsig"
)

// checkXMLArchive: each ArchiveTimeStamp is judged as a signature of its own, the latest first, since what it covers is
// then proven to have existed (EN 319 102-1 §5.6.3).
func checkXMLArchive(ctx context.Context, s *xmlSignature) []Finding {
	p := s.x.Properties
	if len(s.broken) > 0 || p == nil {
		return nil
	}
	var out []Finding
	for _, name := range distinct(p.Unjudged) {
		out = append(out, absent("finding.signature.archive.unjudged", "property", name))
	}
	type archive struct {
		xmldsig.Token
		token *timestamp.Token
	}
	var tokens []archive
	for _, x := range p.Archive[:min(len(p.Archive), maxTokens)] {
		t, err := timestamp.Parse(x.DER)
		if err != nil {
			sum := sha256.Sum256(x.DER)
			out = append(out, warned("finding.signature.timestamp.unreadable", "detail", err.Error()).citing("RFC 3161 §2.4.2").
				with("sha256:"+hex.EncodeToString(sum[:])+" timestamp"))
			continue
		}
		tokens = append(tokens, archive{x, t})
	}
	slices.SortStableFunc(tokens, func(a, b archive) int { return cmp.Compare(b.token.GenTime.UnixNano(), a.token.GenTime.UnixNano()) })
	var valid []archive
	for _, x := range tokens {
		t, f := s.stamp(ctx, x.DER, s.bag(), covering(func() ([]byte, error) { return s.x.ArchiveInput(x.Token) }))
		if t == nil {
			out = append(out, f)
			continue
		}
		s.proveBefore(x.Token, t)
		s.existed(t.GenTime)
		s.archived = true
		v := passed("finding.signature.archive.valid", "time", moment(t.GenTime))
		v.Evidence = f.Evidence
		out, valid = append(out, v), append(valid, x)
	}
	for _, x := range valid {
		out = append(out, s.ordered(x.DER, x.token)...)
	}
	return out
}

// proveBefore notes what an archive timestamp covers.
func (s *xmlSignature) proveBefore(x xmldsig.Token, t *timestamp.Token) {
	tokens, certificates, lists, responses := s.x.Properties.Before(x)
	for _, der := range slices.Concat(certificates, lists, ocspResponses(responses), tokens) {
		s.poe.prove(der, t.GenTime)
	}
	for _, c := range s.x.Certificates { // KeyInfo
		s.poe.prove(c.Raw, t.GenTime)
	}
	s.poe.prove(s.x.Value, t.GenTime)
	for _, der := range tokens {
		if token, err := timestamp.Parse(der); err == nil {
			s.poe.proveToken(token, t.GenTime)
		}
	}
}
