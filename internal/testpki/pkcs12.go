// SPDX-License-Identifier: Apache-2.0

package testpki

import (
	"crypto/x509"

	"software.sslmate.com/src/go-pkcs12"

	"rastau/internal/pki"
)

// PKCS12 encodes a key with its certificate and chain for a file, with AES-256
// and PBKDF2 as OpenSSL 3 does by default.
func PKCS12(k *pki.Key, password string) ([]byte, error) {
	cert, err := x509.ParseCertificate(k.Certificate.Raw)
	if err != nil {
		return nil, err
	}
	var chain []*x509.Certificate
	for _, c := range k.Chain {
		x, err := x509.ParseCertificate(c.Raw)
		if err != nil {
			return nil, err
		}
		chain = append(chain, x)
	}
	return pkcs12.Modern2023.Encode(k.Signer, cert, chain, password)
}
