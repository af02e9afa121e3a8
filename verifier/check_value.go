// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"errors"

	"rastau/internal/cms"
)

// checkValue: the signature value was made with the key of the signer's certificate
// (RFC 5652 §5.6).
func checkValue(_ context.Context, s *signature) []Finding {
	if s.signer == nil {
		return nil
	}
	err := s.check.Value
	switch {
	case errors.Is(err, cms.ErrNoCertificate), s.check.Algorithm != nil:
		// There is no key to compute with, or no way to: other checks say so.
		return []Finding{absent("finding.signature.value.uncomputed")}
	case err != nil:
		return []Finding{refuted(SigCryptoFailure, "finding.signature.value.wrong").with(certificateEvidence(s.cert))}
	case s.signer.SignedAttrs == nil && s.check.Content != nil:
		return []Finding{absent("finding.signature.value.uncomputed")}
	}
	return s.one(passed("finding.signature.value.holds").with(s.named()...))
}
