// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"

	"rastau/internal/pki"
)

// checkDigest: the content is the one that was signed (RFC 5652 §5.4, §11.2).
func checkDigest(_ context.Context, s *signature) []Finding {
	switch {
	case s.signer == nil:
		return nil
	case s.foreign:
		// Attached content was signed, yet the asker holds something else in hand.
		return []Finding{refuted(HashFailure, "finding.signature.digest.foreign")}
	case s.check.Digest != nil:
		return []Finding{refuted(HashFailure, "finding.signature.digest.altered")}
	case s.check.Content != nil || s.unasked || s.check.Attributes != nil || s.check.Algorithm != nil || s.contents[s.signer.DigestAlgorithm.OID] == nil:
		// Nothing was compared; the other checks say why.
		return []Finding{absent("finding.signature.digest.uncomputed")}
	case s.signer.SignedAttrs == nil:
		return []Finding{absent("finding.signature.digest.bare")}
	}
	return s.one(passed("finding.signature.digest.matches", "hash", pki.HashName(s.signer.DigestAlgorithm.OID)))
}
