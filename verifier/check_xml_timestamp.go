// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"

	"rastau/internal/timestamp"
)

// checkXMLTimestamp: each SignatureTimeStamp is judged as a signature of its own, as those of CAdES are.
func checkXMLTimestamp(ctx context.Context, s *xmlSignature) []Finding {
	p := s.x.Properties
	if len(s.broken) > 0 || p == nil {
		return nil
	}
	var out []Finding
	for _, x := range p.Tokens[:min(len(p.Tokens), maxTokens)] {
		t, f := s.stamp(ctx, x.DER, s.bag(), covering(func() ([]byte, error) { return s.x.StampInput(x) }))
		out = append(out, f)
		if t != nil {
			out = append(out, s.ordered(x.DER, t)...)
			s.existed(t.GenTime)
		}
	}
	if s.stamped != nil {
		for _, x := range p.Contents {
			s.poe.prove(x.DER, *s.stamped)
		}
	}
	for _, x := range p.Contents[:min(len(p.Contents), maxTokens)] {
		t, f := s.stamp(ctx, x.DER, s.bag(), covering(func() ([]byte, error) { return s.x.ContentInput(x) }))
		out = append(out, f)
		if t != nil && (s.after == nil || t.GenTime.After(*s.after)) {
			at := t.GenTime.UTC()
			s.after = &at
		}
	}
	if s.after != nil && s.stamped != nil && s.after.After(*s.stamped) {
		out = append(out, failed(TimestampOrderFailure, "finding.signature.timestamp.order",
			"content", moment(*s.after), "signature", moment(*s.stamped)).citing("EN 319 102-1 §5.5.4"))
	}
	return out
}

// covering compares a token's imprint with what it should have been made over.
func covering(input func() ([]byte, error)) func(*timestamp.Token) (bool, error) {
	return func(t *timestamp.Token) (bool, error) {
		data, err := input()
		if err != nil {
			return false, nil // what cannot be brought into form is not covered
		}
		return t.Covers(data)
	}
}
