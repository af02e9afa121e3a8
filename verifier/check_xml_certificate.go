// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"errors"

	"rastau/internal/xmldsig"
)

// checkXMLCertificate: the signer's certificate is here and is the one that the signer named and signed.
func checkXMLCertificate(_ context.Context, s *xmlSignature) []Finding {
	switch {
	case len(s.broken) > 0, errors.Is(s.checked.Algorithm, xmldsig.ErrSymmetric): // there is none to be found
		return nil
	case s.cert == nil && !s.x.Named && len(s.q.Certs) > 0:
		return []Finding{failed(NoSigningCertificateFound, "finding.signature.certificate.none-fits").citing("XMLDSig 1.1 §4.5")}
	case s.cert == nil:
		return []Finding{failed(NoSigningCertificateFound, "finding.signature.certificate.missing").citing("XMLDSig 1.1 §4.5")}
	case s.checked.Reference != nil:
		return []Finding{failed(NoSigningCertificateFound, "finding.signature.certificate.other", "name", title(s.cert)).with(s.named()...)}
	case s.x.Properties == nil || len(s.x.Properties.References) == 0:
		return []Finding{warned("finding.signature.certificate.unbound-xml", "name", title(s.cert)).with(s.named()...)}
	}
	return []Finding{passed("finding.signature.certificate.found", "name", title(s.cert)).with(s.named()...)}
}
