// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"

	"rastau/internal/pki"
)

// checkPurpose: the certificate may be used for what it was used for (RFC 5280
// §4.2.1.3 key usage, §4.2.1.12 extended key usage). An extension that is absent
// restricts nothing.
func checkPurpose(_ context.Context, s *subject) []Finding {
	c, name := s.cert, title(s.cert)
	evidence := certificateEvidence(c)
	refuse := func(key, citation string) []Finding {
		return []Finding{failed(ChainConstraintsFailure, key, "name", name).citing(citation).with(evidence)}
	}
	const usage, extended = "RFC 5280 §4.2.1.3", "RFC 5280 §4.2.1.12"
	extendedPresent := len(c.ExtKeyUsage) > 0
	switch s.purpose {
	case PurposeSign:
		if c.HasKeyUsage && c.KeyUsage&pki.NonRepudiation == 0 {
			return refuse("finding.cert.purpose.sign-usage", usage)
		}
		if extendedPresent && !c.HasExtKeyUsage(pki.OIDEmailProtection) {
			return refuse("finding.cert.purpose.sign-extended", extended)
		}
		return s.one(passed("finding.cert.purpose.sign", "name", name))
	case PurposeAuth:
		if c.HasKeyUsage && c.KeyUsage&pki.DigitalSignature == 0 {
			return refuse("finding.cert.purpose.auth-usage", usage)
		}
		if extendedPresent && !c.HasExtKeyUsage(pki.OIDClientAuth) {
			return refuse("finding.cert.purpose.auth-extended", extended)
		}
		return s.one(passed("finding.cert.purpose.auth", "name", name))
	case PurposeTimestamp:
		// RFC 3161 §2.3: "The corresponding certificate MUST contain only one
		// instance of the extended key usage field extension […] with
		// KeyPurposeID having value id-kp-timeStamping. This extension MUST be
		// critical."
		e := c.Extension(pki.OIDExtKeyUsage)
		if e == nil || !e.Critical || len(c.ExtKeyUsage) != 1 || c.ExtKeyUsage[0] != pki.OIDTimeStamping {
			return refuse("finding.cert.purpose.timestamp-extended", "RFC 3161 §2.3")
		}
		if c.HasKeyUsage && c.KeyUsage&(pki.DigitalSignature|pki.NonRepudiation) == 0 {
			return refuse("finding.cert.purpose.timestamp-usage", usage)
		}
		return s.one(passed("finding.cert.purpose.timestamp", "name", name))
	case PurposeAny:
		return []Finding{absent("finding.cert.purpose.any", "name", name)}
	}
	// A purpose that nobody has defined is not served by any certificate.
	return refuse("finding.cert.purpose.undefined", usage)
}
