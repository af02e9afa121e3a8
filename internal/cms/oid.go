// SPDX-License-Identifier: Apache-2.0

package cms

import "rastau/internal/pki"

const (
	oidCounterSignature pki.OID = "1.2.840.113549.1.9.6"    // RFC 5652 §11.4
	oidOCSPResponse     pki.OID = "1.3.6.1.5.5.7.16.2"      // id-ri-ocsp-response, RFC 5940 §2.1
	oidPKCS7            pki.OID = "1.2.840.113549.1.7"      // the arc of the content types of RFC 5652
	oidSMIMEContent     pki.OID = "1.2.840.113549.1.9.16.1" // the arc of those of S/MIME: AuthEnvelopedData …
)
