// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"strings"

	"rastau/internal/pki"
)

// commitments are the types of EN 319 122-1 §5.2.3 (OIDs of RFC 5126 §5.11.1).
var commitments = map[pki.OID]string{
	"1.2.840.113549.1.9.16.6.1": "proofOfOrigin",
	"1.2.840.113549.1.9.16.6.2": "proofOfReceipt",
	"1.2.840.113549.1.9.16.6.3": "proofOfDelivery",
	"1.2.840.113549.1.9.16.6.4": "proofOfSender",
	"1.2.840.113549.1.9.16.6.5": "proofOfApproval",
	"1.2.840.113549.1.9.16.6.6": "proofOfCreation",
}

// checkClaims names what the signer states in signed attributes: what the signature is meant for, where it was made and
// in which role. That was signed, and by nobody else confirmed: it is shown and decides nothing.
func checkClaims(_ context.Context, s *signature) []Finding {
	if s.signer == nil || len(s.signer.SignedAttrs) <= 3 { // content type, digest, and which certificate
		return nil
	}
	c := s.signer.Claims()
	var out []Finding
	say := func(sentence, citation string, stated []string) {
		if len(stated) > 0 {
			out = append(out, absent(sentence, "stated", strings.Join(stated, ", ")).citing(citation))
		}
	}
	var meant []string
	for _, o := range c.Commitments {
		name := commitments[o]
		if name == "" {
			name = string(o)
		}
		meant = append(meant, name)
	}
	say("finding.signature.claims.commitment", "EN 319 122-1 §5.2.3", meant)
	say("finding.signature.claims.place", "EN 319 122-1 §5.2.5", c.Place)
	say("finding.signature.claims.role", "EN 319 122-1 §5.2.6", c.Roles)
	return out
}
