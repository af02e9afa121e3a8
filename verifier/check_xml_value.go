// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"errors"

	"rastau/internal/xmldsig"
)

// checkXMLValue: the signature value was made with the key of the signer's certificate.
func checkXMLValue(_ context.Context, s *xmlSignature) []Finding {
	switch err := s.checked.Value; {
	case len(s.broken) > 0:
		return nil
	case errors.Is(err, xmldsig.ErrNoCertificate), s.checked.Algorithm != nil:
		return []Finding{absent("finding.signature.value.uncomputed")}
	case err != nil:
		return []Finding{refuted(SigCryptoFailure, "finding.signature.value.wrong").with(s.named()...)}
	}
	return []Finding{passed("finding.signature.value.holds").with(s.named()...)}
}
