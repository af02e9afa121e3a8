// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"errors"

	"rastau/internal/cms"
)

// checkAttributes: the signed attributes are those that RFC 5652 §5.3 and §11
// require. Without that a signature over attributes could be shown as one over a
// document. Attributes that are not DER may hold mathematically; the rule that they
// MUST be DER is broken all the same.
func checkAttributes(_ context.Context, s *signature) []Finding {
	if s.signer == nil {
		return nil
	}
	if err := s.check.Attributes; err != nil {
		f := refuted(FormatFailure, "finding.signature.attributes.wrong", "detail", err.Error())
		var a *cms.AttributeError
		if errors.As(err, &a) {
			f = f.citing(a.Citation)
		}
		return []Finding{f}
	}
	if s.check.DER != nil {
		return []Finding{failed(SigConstraintsFailure, "finding.signature.attributes.not-der")}
	}
	if s.signer.SignedAttrs == nil {
		return []Finding{warned("finding.signature.attributes.absent")}
	}
	return s.one(passed("finding.signature.attributes.valid"))
}
