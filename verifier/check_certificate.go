// SPDX-License-Identifier: Apache-2.0

package verifier

import "context"

// checkCertificate: the signer's certificate is here and is the one that the signer
// named and signed (RFC 5035 §3: without that reference it could be exchanged for
// another certificate of the same key).
func checkCertificate(_ context.Context, s *signature) []Finding {
	switch {
	case s.signer == nil:
		return nil
	case s.cert == nil:
		return []Finding{failed(NoSigningCertificateFound, "finding.signature.certificate.missing").citing("RFC 5652 §5.3")}
	case s.check.Reference != nil:
		return []Finding{failed(NoSigningCertificateFound, "finding.signature.certificate.other", "name", title(s.cert)).
			with(certificateEvidence(s.cert))}
	case !s.signer.ESS().Present:
		return []Finding{warned("finding.signature.certificate.unbound", "name", title(s.cert)).with(certificateEvidence(s.cert))}
	}
	return s.one(passed("finding.signature.certificate.found", "name", title(s.cert)).with(s.named()...))
}
