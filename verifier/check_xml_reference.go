// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"errors"

	"rastau/internal/pki"
	"rastau/internal/xmldsig"
)

// checkXMLReference: every reference leads to one element of the document, by transforms that are computed here.
func checkXMLReference(_ context.Context, s *xmlSignature) []Finding {
	if len(s.broken) > 0 {
		return nil
	}
	if s.nothing() {
		return []Finding{refuted(FormatFailure, "finding.signature.reference.nothing")}
	}
	var out []Finding
	for _, r := range s.x.References {
		detail := []string{"uri", r.URI, "detail", ""}
		if r.Problem != nil {
			detail[3] = r.Problem.Error()
		}
		switch err := r.Problem; {
		case err == nil, errors.Is(err, pki.ErrUnsupported): // the latter is the algorithm's finding
		case errors.Is(err, xmldsig.ErrAmbiguous):
			out = append(out, refuted(FormatFailure, "finding.signature.reference.ambiguous", "uri", r.URI))
		case errors.Is(err, xmldsig.ErrNotFound):
			out = append(out, refuted(FormatFailure, "finding.signature.reference.missing", "uri", r.URI))
		case errors.Is(err, xmldsig.ErrExternal):
			out = append(out, failed(SignedDataNotFound, "finding.signature.reference.external", "uri", r.URI))
		case errors.Is(err, xmldsig.ErrTransform):
			out = append(out, failed(SigConstraintsFailure, "finding.signature.reference.transform", detail...).citing("XMLDSig 1.1 §6.6"))
		default:
			out = append(out, refuted(FormatFailure, "finding.signature.reference.wrong", detail...))
		}
	}
	if out == nil {
		out = []Finding{passed("finding.signature.reference.found")}
	}
	return out
}
