// SPDX-License-Identifier: Apache-2.0

package verifier

import "context"

// checkContent: the content that was signed is here (RFC 5652 §5.2: eContent absent
// means that it is kept elsewhere).
func checkContent(_ context.Context, s *signature) []Finding {
	switch {
	case s.signer == nil:
		return nil
	case s.unasked:
		return []Finding{failed(SignedDataNotFound, "finding.signature.content.unreadable")}
	case s.check.Content != nil:
		return []Finding{failed(SignedDataNotFound, "finding.signature.content.missing")}
	case s.sd.Detached:
		return s.one(passed("finding.signature.content.detached"))
	}
	return s.one(passed("finding.signature.content.attached"))
}
