// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"errors"

	"rastau/internal/pki"
	"rastau/internal/xmldsig"
)

// checkXMLDigest: what stands in the document is what was signed.
func checkXMLDigest(_ context.Context, s *xmlSignature) []Finding {
	if len(s.broken) > 0 {
		return nil
	}
	uncomputed := false
	for i, err := range s.checked.Digests {
		switch {
		case err == nil:
		case errors.Is(err, xmldsig.ErrDigest):
			if s.x.References[i].URI == "" {
				return []Finding{refuted(HashFailure, "finding.signature.digest.whole")}
			}
			return []Finding{refuted(HashFailure, "finding.signature.digest.element", "uri", s.x.References[i].URI)}
		case errors.Is(err, xmldsig.ErrCanonical):
			return []Finding{failed(SigConstraintsFailure, "finding.signature.digest.canonical", "detail", err.Error()).citing("Canonical XML 1.0 §1.3")}
		default:
			uncomputed = true
		}
	}
	if uncomputed {
		return []Finding{absent("finding.signature.digest.uncomputed")}
	}
	return []Finding{passed("finding.signature.digest.matches", "hash", pki.HashName(s.x.References[0].Hash))}
}
