// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"

	"rastau/internal/trust"
)

// checkPath: a path leads to an anchor, and it keeps the rules of RFC 5280 §6.1.
// Validity, policies and algorithms have checks of their own.
func checkPath(_ context.Context, s *subject) []Finding {
	if s.path == nil {
		return []Finding{failed(NoCertificateChainFound, "finding.cert.path.none", "name", title(s.cert), "detail", s.hint).
			with(certificateEvidence(s.cert))}
	}
	var out []Finding
	for _, f := range s.path.Failures {
		key := pathSentence(f.Reason)
		if key == "" {
			continue
		}
		out = append(out, failed(CertificateChainGeneralFailure, key, "name", title(f.Certificate), "detail", f.Detail).
			citing(f.Citation).with(certificateEvidence(f.Certificate)))
	}
	if len(out) > 0 {
		return out
	}
	for _, f := range s.path.Failures {
		if f.Reason == trust.Algorithm {
			// Neither a path nor a broken one: the algorithm check says why.
			return []Finding{undecided(CryptoConstraintsFailure, "finding.cert.path.uncomputed", "name", title(s.cert)).
				with(s.chain()...)}
		}
	}
	return s.one(passed("finding.cert.path.valid", "name", title(s.cert), "anchor", s.path.Anchor.Name.String()).
		with(s.chain()...))
}

// pathSentence is the sentence of a broken rule; empty where another check says it.
func pathSentence(r trust.Reason) string {
	switch r {
	case trust.Expired, trust.NotYetValid, trust.PolicyConstraint, trust.Algorithm, trust.WeakAlgorithm:
		return ""
	case trust.Signature:
		return "finding.cert.path.signature"
	case trust.NameChaining:
		return "finding.cert.path.name-chaining"
	case trust.NotCA:
		return "finding.cert.path.not-ca"
	case trust.PathLength:
		return "finding.cert.path.path-length"
	case trust.KeyUsage:
		return "finding.cert.path.key-usage"
	case trust.NameConstraint:
		return "finding.cert.path.name-constraint"
	case trust.CriticalExtension:
		return "finding.cert.path.critical-extension"
	case trust.NoRevAvailMisuse:
		return "finding.cert.path.no-rev-avail"
	}
	return "finding.cert.path.malformed"
}

// chain names every certificate of the path, leaf first, and the anchor.
func (s *subject) chain() []string {
	out := make([]string, 0, len(s.path.Certificates)+1)
	for _, c := range s.path.Certificates {
		out = append(out, certificateEvidence(c))
	}
	if a := s.path.Anchor.Certificate; a != nil && !s.anchored(len(s.path.Certificates)-1) {
		out = append(out, certificateEvidence(a)+" (anchor)")
	}
	return out
}
