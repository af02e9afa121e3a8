// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"bytes"
	"crypto/sha1" // WSS X.509 Token Profile 1.1 §3.2.1 names certificates by it; nothing is trusted for it
	"math/big"

	"rastau/internal/pki"
)

// maxCertificates bounds the certificates of one KeyInfo.
const maxCertificates = 64

// Forms of a certificate in WS-Security (X.509 Certificate Token Profile 1.1 §3.1).
const (
	tokenV3      = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"
	tokenSKI     = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509SubjectKeyIdentifier"
	tokenThumb   = "http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#ThumbprintSHA1"
	tokenBase64  = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
	maxCertBytes = 64 << 10
)

// keyName is a certificate that KeyInfo names without carrying it.
type keyName struct {
	ski, thumb []byte
	serial     *big.Int
}

func (k keyName) names(c *pki.Certificate) bool {
	switch {
	case len(k.ski) > 0:
		return bytes.Equal(k.ski, c.SubjectKeyID)
	case len(k.thumb) > 0:
		sum := sha1.Sum(c.Raw)
		return bytes.Equal(k.thumb, sum[:])
	case k.serial != nil:
		return k.serial.Cmp(c.Serial) == 0
	}
	return false
}

// readKeyInfo collects the certificates, and the names of certificates. Keys without a certificate belong to nobody.
func (s *Signature) readKeyInfo(e *element) error {
	for _, c := range e.children {
		switch {
		case is(c, "X509Data"):
			for _, x := range c.children {
				switch {
				case is(x, "X509Certificate"):
					if err := s.certificate(x); err != nil {
						return err
					}
				case is(x, "X509SKI"):
					if b, err := x.binary(); err == nil {
						s.keyNames = append(s.keyNames, keyName{ski: b})
					}
				case is(x, "X509IssuerSerial"):
					if text, err := x.child(xmldsig, "X509SerialNumber").simple(); err == nil {
						if n, ok := new(big.Int).SetString(string(text), 10); ok {
							s.keyNames = append(s.keyNames, keyName{serial: n})
						}
					}
				}
			}
		case c.uri == namespaceWSSE && c.local == "SecurityTokenReference":
			if err := s.readToken(c); err != nil {
				return err
			}
		}
	}
	s.Named = len(s.keyNames) > 0
	return nil
}

func (s *Signature) certificate(e *element) error {
	der, err := e.binary()
	if err != nil {
		return err
	}
	if len(s.Certificates) >= maxCertificates || len(der) > maxCertBytes {
		return structure("KeyInfo holds too many or too large certificates")
	}
	c, err := pki.ParseCertificate(der)
	if err != nil {
		return structure("a certificate in KeyInfo cannot be read")
	}
	s.Certificates = append(s.Certificates, c)
	return nil
}

// readToken reads a SecurityTokenReference (X.509 Certificate Token Profile 1.1 §3.2).
func (s *Signature) readToken(e *element) error {
	for _, c := range e.children {
		kind, _ := c.attr("ValueType")
		switch {
		case c.uri == namespaceWSSE && c.local == "KeyIdentifier" && kind == tokenV3:
			if err := s.certificate(c); err != nil {
				return err
			}
		case c.uri == namespaceWSSE && c.local == "KeyIdentifier":
			b, err := c.binary()
			if err != nil {
				return err
			}
			switch kind {
			case tokenSKI:
				s.keyNames = append(s.keyNames, keyName{ski: b})
			case tokenThumb:
				s.keyNames = append(s.keyNames, keyName{thumb: b})
			}
		case c.uri == namespaceWSSE && c.local == "Reference":
			uri, _ := c.attr("URI")
			if len(uri) < 2 || uri[0] != '#' {
				return structure("the security token is outside the document")
			}
			at, err := s.doc.byID(uri[1:])
			if err != nil {
				return err
			}
			budget := 1
			token, err := s.doc.tree(at, s.doc.scopeAround(at), &budget)
			if err != nil {
				return err
			}
			if token.uri != namespaceWSSE || token.local != "BinarySecurityToken" {
				return structure("the security token is no BinarySecurityToken")
			}
			if err := s.certificate(token); err != nil {
				return err
			}
		case is(c, "X509Data"):
			if err := s.readKeyInfo(&element{children: []*element{c}}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Certificate finds the signer's certificate among the signature's own, and in extra where KeyInfo only names it, or names
// none at all; nil where it is not there. XAdES says which it is; otherwise it is the one whose key made the value, the first where none did.
func (s *Signature) Certificate(extra []*pki.Certificate) *pki.Certificate {
	candidates := s.Certificates
	for _, name := range s.keyNames {
		for _, c := range extra {
			if name.names(c) {
				candidates = append(candidates[:len(candidates):len(candidates)], c)
			}
		}
	}
	if p := s.Properties; p != nil && len(p.References) > 0 {
		// KeyInfo may be empty: the signed property itself names the certificate.
		for _, c := range append(candidates[:len(candidates):len(candidates)], extra...) {
			if ok, err := p.References[0].Matches(c); ok && err == nil {
				return c
			}
		}
	}
	if len(s.Certificates) == 0 && len(s.keyNames) == 0 {
		// XMLDSig 1.1 §4.5: without KeyInfo "the recipient is expected to be able to identify the key based on application
		// context", which is what was handed in. The value tells which.
		for _, c := range extra[:min(len(extra), maxCertificates)] {
			if s.checkValue(c) == nil {
				return c
			}
		}
	}
	if len(candidates) == 0 {
		return nil
	}
	for _, c := range candidates {
		if len(candidates) > 1 && s.checkValue(c) == nil {
			return c
		}
	}
	return candidates[0]
}
