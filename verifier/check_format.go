// SPDX-License-Identifier: Apache-2.0

package verifier

import "context"

// checkFormat: the signature can be read at all. What is wrong with it is found
// where it is read; here it is told.
func checkFormat(_ context.Context, s *signature) []Finding {
	if len(s.broken) > 0 {
		return s.broken
	}
	if len(s.remarks) > 0 {
		return append([]Finding{passed("finding.document.format.readable")}, s.remarks...)
	}
	return s.one(passed("finding.document.format.readable"))
}

// checkRevision: what stands behind the signed revision of a PDF is justified by a
// rule (ISO 32000-1 §12.8.1, EN 319 142-1 §5.4).
func checkRevision(_ context.Context, s *signature) []Finding { return s.revised }
