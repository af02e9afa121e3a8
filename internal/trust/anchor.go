// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"

	"rastau/internal/pki"
)

// Anchor is a trusted name and key (RFC 5280 §6.1.1 (d)).
type Anchor struct {
	Name        pki.Name
	Key         pki.PublicKey
	Certificate *pki.Certificate // Optional: the certificate it came from (its SKI helps building; its extensions are not applied)
}

// AnchorOf makes an anchor of a certificate's subject and key. Whoever calls
// it has decided to trust them; nothing is checked.
func AnchorOf(c *pki.Certificate) Anchor {
	return Anchor{Name: c.Subject, Key: c.PublicKey, Certificate: c}
}

// is reports whether c is the very certificate that the anchor came from.
func (a *Anchor) is(c *pki.Certificate) bool {
	return a.Certificate != nil && bytes.Equal(a.Certificate.Raw, c.Raw)
}

// keyID is the subject key identifier that the anchor is known by, nil where unknown.
func (a *Anchor) keyID() []byte {
	if a.Certificate == nil {
		return nil
	}
	return a.Certificate.SubjectKeyID
}
