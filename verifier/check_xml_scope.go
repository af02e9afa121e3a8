// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"strings"
)

// checkXMLScope: the document shows what was signed, and nothing else. An XML signature may cover one element of many
// (XMLDSig 1.1 §8.1.2: "only what is signed is secure"); a document of which a part was signed is not a signed document.
func checkXMLScope(_ context.Context, s *xmlSignature) []Finding {
	if len(s.broken) > 0 || len(s.scope.Signed) == 0 {
		return nil
	}
	out := scopeOf(s)
	if len(s.scope.Prefixes) > 0 {
		out = append(out, warned("finding.signature.scope.prefixes", "names", strings.Join(s.scope.Prefixes, ", ")).citing("Exclusive XML Canonicalization 1.0 §1.3"))
	}
	return out
}

func scopeOf(s *xmlSignature) []Finding {
	what := strings.Join(s.scope.Signed, ", ")
	rest := strings.Join(s.scope.Unsigned, ", ")
	switch {
	case s.scope.Wrapped != "":
		return []Finding{refuted(FormatFailure, "finding.signature.scope.wrapped", "what", what, "detail", s.scope.Wrapped)}
	case s.scope.Split != "":
		return []Finding{refuted(FormatFailure, "finding.signature.scope.comment", "name", s.scope.Split)}
	case s.scope.Whole && rest == "":
		return []Finding{passed("finding.signature.scope.whole")}
	case s.scope.Whole:
		return []Finding{failed(SigConstraintsFailure, "finding.signature.scope.part", "what", what, "rest", rest)}
	case s.scope.Body && rest != "":
		return []Finding{warned("finding.signature.scope.header", "rest", rest).citing("WSS SOAP Message Security 1.1 §8")}
	case s.scope.Body:
		return []Finding{passed("finding.signature.scope.body").citing("WSS SOAP Message Security 1.1 §8")}
	case rest != "":
		return []Finding{failed(SigConstraintsFailure, "finding.signature.scope.part", "what", what, "rest", rest)}
	}
	return []Finding{warned("finding.signature.scope.element", "what", what, "around", strings.Join(s.scope.Around, ", "))}
}
