// SPDX-License-Identifier: Apache-2.0

package verifier

import "context"

// checkXMLFormat: the signature is built as its schema demands. What is wrong with it is found where it is read.
func checkXMLFormat(_ context.Context, s *xmlSignature) []Finding {
	if len(s.broken) > 0 {
		return s.broken
	}
	return []Finding{passed("finding.document.format.readable")}
}
