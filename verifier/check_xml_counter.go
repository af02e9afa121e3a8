// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"

	"rastau/internal/pki"
)

// checkXMLCounter: each countersignature is a signature over the value of the one that it stands upon (EN 319 132-1
// §5.2.7.2). Anyone may add one: where it does not hold it is named, and takes nothing from the signature.
func checkXMLCounter(ctx context.Context, s *xmlSignature) []Finding {
	var out []Finding
	for _, x := range s.counter[:min(len(s.counter), maxTokens)] {
		cert := x.Certificate(s.candidates)
		if cert == nil {
			out = append(out, warned("finding.signature.countersignature.no-certificate"))
			continue
		}
		name := title(cert)
		if whole := x.Verify(cert).Intact(); whole == nil || !*whole {
			out = append(out, warned("finding.signature.countersignature.broken", "name", name, "detail", "its digest or its value does not hold").
				with(certificateEvidence(cert)))
			continue
		}
		if err := s.q.Algorithms.Accept(x.Algorithm, &cert.PublicKey, s.q.At); err != nil {
			out = append(out, warned("finding.signature.countersignature.algorithm", "name", name, "algorithm", pki.AlgorithmName(x.Algorithm)).
				citing("ETSI TS 119 312").with(certificateEvidence(cert)))
			continue
		}
		of := s.subject(s.intact())
		of.role, of.cert, of.when, of.proven, of.after = asWitness, cert, s.q.At, false, nil
		chain := of.judge(ctx)
		if i := decide(chain.findings); i >= 0 {
			f := chain.findings[i]
			untrusted := warned("finding.signature.countersignature.untrusted", "name", name).then(f)
			out = append(out, untrusted.citing(f.Citation).with(append([]string{certificateEvidence(cert)}, f.Evidence...)...))
			continue
		}
		out = append(out, passed("finding.signature.countersignature.valid", "name", name, "at", moment(s.q.At)).with(certificateEvidence(cert)))
	}
	return out
}
