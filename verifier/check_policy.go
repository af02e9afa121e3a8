// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"strings"

	"rastau/internal/trust"
)

// checkPolicy: the path leaves a certificate policy that the asker accepts
// (RFC 5280 §6.1.5 (g), computed as RFC 9618 says).
func checkPolicy(_ context.Context, s *subject) []Finding {
	if s.path == nil || !s.role.principal() {
		return nil
	}
	var out []Finding
	for _, f := range s.path.Failures {
		if f.Reason == trust.PolicyConstraint {
			out = append(out, failed(ChainConstraintsFailure, "finding.cert.policy.none", "name", title(f.Certificate), "detail", f.Detail).
				citing(f.Citation).with(certificateEvidence(f.Certificate)))
		}
	}
	if len(out) > 0 {
		return out
	}
	if len(s.q.Policies) == 0 && !s.q.RequireExplicitPolicy {
		return nil
	}
	names := make([]string, len(s.path.Policies))
	for i, p := range s.path.Policies {
		names[i] = string(p)
	}
	return s.one(passed("finding.cert.policy.valid", "policies", strings.Join(names, ", ")))
}
