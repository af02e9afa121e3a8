// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"

	"rastau/internal/pki"
	"rastau/internal/trust"
)

// checkValidity: every certificate of the path is within its period at the time
// judged (RFC 5280 §6.1.3 (a)(2), shell model).
func checkValidity(_ context.Context, s *subject) []Finding {
	var out []Finding
	if s.path == nil {
		// No path has told the leaf's own period yet.
		switch {
		case s.when.After(s.cert.NotAfter):
			out = append(out, s.expired(s.cert, 0))
		case s.when.Before(s.cert.NotBefore):
			out = append(out, s.notYetValid(s.cert, 0))
		}
	} else {
		for _, f := range s.path.Failures {
			switch f.Reason {
			case trust.Expired:
				out = append(out, s.expired(f.Certificate, f.Index).citing(f.Citation))
			case trust.NotYetValid:
				out = append(out, s.notYetValid(f.Certificate, f.Index).citing(f.Citation))
			}
		}
	}
	if len(out) > 0 {
		return out
	}
	return s.one(passed("finding.cert.validity.valid", "name", title(s.cert), "at", s.moment(s.when),
		"from", moment(s.cert.NotBefore), "until", moment(s.cert.NotAfter)))
}

// expired: for a certificate asked about at a stated time that is the answer. A
// signature may be older than the time judged, so there it is only a lack of proof,
// unless a content timestamp shows that it was made after the end
// (EN 319 102-1 §5.3.4). Of a CA's certificate it is never proof against the signer.
func (s *subject) expired(c *pki.Certificate, index int) Finding {
	args := []string{"name", title(c), "at", s.moment(s.when), "until", moment(c.NotAfter)}
	evidence := certificateEvidence(c)
	switch {
	case index == 0 && s.role == asCertificate:
		return refuted(Expired, "finding.cert.validity.expired", args...).with(evidence)
	case index == 0 && s.after != nil && s.after.After(c.NotAfter):
		return refuted(Expired, "finding.cert.validity.expired-proven", "name", title(c), "made", moment(*s.after), "until", moment(c.NotAfter)).with(evidence)
	case index == 0 && s.notRevoked:
		return failed(OutOfBoundsNotRevoked, "finding.cert.validity.expired-not-revoked", args...).with(evidence)
	}
	return failed(OutOfBoundsNoPOE, "finding.cert.validity.expired", args...).with(evidence)
}

// notYetValid: a timestamp from before the beginning proves that the signature
// existed before its certificate did (EN 319 102-1 §5.5.4).
func (s *subject) notYetValid(c *pki.Certificate, index int) Finding {
	args := []string{"name", title(c), "at", s.moment(s.when), "from", moment(c.NotBefore)}
	evidence := certificateEvidence(c)
	switch {
	case index == 0 && s.role == asCertificate:
		return refuted(NotYetValid, "finding.cert.validity.not-yet-valid", args...).with(evidence)
	case index == 0 && s.proven:
		return refuted(NotYetValid, "finding.cert.validity.not-yet-valid-proven", args...).with(evidence)
	}
	return failed(OutOfBoundsNoPOE, "finding.cert.validity.not-yet-valid", args...).with(evidence)
}
