// SPDX-License-Identifier: Apache-2.0

package testpki

import (
	"crypto"
	"crypto/sha1" // RFC 5280 §4.2.1.2 (1): key identifiers and, in this profile, serial numbers
	"crypto/x509"
	"fmt"
	"math/big"
	"sync"
	"time"

	"rastau/internal/pki"
)

// CA issues leaves, lists and answers. Safe for concurrent use.
type CA struct {
	Certificate *pki.Certificate
	Key         crypto.Signer

	pki    *PKI
	id     string // in addresses: "root", "ca1", …
	parent *CA    // nil for the root
	x509   *x509.Certificate
	down   struct{ crl, ocsp bool } // guarded by pki.mu

	mu       sync.Mutex
	reloaded bool                // an earlier process issued certificates too
	number   int64               // of the last list
	issued   map[string]bool     // serial numbers in decimal
	listed   map[string]entry    // what the list says
	answered map[string]entry    // what the responder says
	silent   map[string]struct{} // what the responder does not know
	order    []string            // of entries in the list
	delegate *pki.Key            // OCSP responder, made when first needed
}

// entry is one revocation.
type entry struct {
	at     time.Time
	reason int
}

func (p *PKI) newCA(parent *CA, commonName string) (*CA, error) {
	key, err := p.newKey()
	if err != nil {
		return nil, err
	}
	ca := p.blankCA(parent, key)
	p.register(ca)
	keyID, err := keyIdentifier(key.Public())
	if err != nil {
		return nil, err
	}
	subject, err := encodeName([]attribute{
		{pki.OIDCommonName, commonName}, {pki.OIDOrganization, ownerOrg}, {pki.OIDCountry, "KZ"},
	})
	if err != nil {
		return nil, err
	}
	policy, err := x509.ParseOID(string(policyLeaf))
	if err != nil {
		return nil, err
	}
	now := p.now()
	template := &x509.Certificate{
		SerialNumber:          serialOf(keyID),
		RawSubject:            subject,
		NotBefore:             now.Add(-5 * 365 * day),
		NotAfter:              now.Add(15 * 365 * day),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		SubjectKeyId:          keyID,
	}
	signer := key
	issuer := template
	if parent == nil {
		template.NotBefore = now.Add(-10 * 365 * day)
		template.NotAfter = now.Add(20 * 365 * day)
	} else {
		signer, issuer = parent.Key, parent.x509
		template.MaxPathLenZero = true
		template.Policies = []x509.OID{policy}
		parent.addresses(template, false, false)
	}
	der, err := CreateCertificate(template, issuer, key.Public(), signer)
	if err != nil {
		return nil, fmt.Errorf("testpki: issue %q: %w", commonName, err)
	}
	if ca.x509, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	if ca.Certificate, err = pki.ParseCertificate(der); err != nil {
		return nil, err
	}
	if parent != nil {
		parent.remember(ca.Certificate.Serial)
	}
	return ca, nil
}

// blankCA is an authority without a certificate yet.
func (p *PKI) blankCA(parent *CA, key crypto.Signer) *CA {
	return &CA{
		Key:      key,
		pki:      p,
		parent:   parent,
		issued:   make(map[string]bool),
		listed:   make(map[string]entry),
		answered: make(map[string]entry),
		silent:   make(map[string]struct{}),
	}
}

// ID is the authority's name in addresses: /crl/{ID}.crl, /ocsp/{ID}, /cert/{ID}.cer.
func (c *CA) ID() string { return c.id }

// addresses writes where the list, the responder and the authority's own
// certificate are served into a certificate about to be issued.
func (c *CA) addresses(t *x509.Certificate, noCRL, noOCSP bool) {
	base := c.pki.baseURL()
	if base == "" {
		return
	}
	t.IssuingCertificateURL = []string{base + "/cert/" + c.id + ".cer"}
	if !noCRL {
		t.CRLDistributionPoints = []string{base + "/crl/" + c.id + ".crl"}
	}
	if !noOCSP {
		t.OCSPServer = []string{base + "/ocsp/" + c.id}
	}
}

// remember makes a serial number one that this authority issued.
func (c *CA) remember(serial *big.Int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.issued[serial.String()] = true
}

// Revoke puts cert on the list and into the responder's answers.
func (c *CA) Revoke(cert *pki.Certificate, at time.Time, reason int) {
	c.revoke(cert, at, reason, true, true)
}

// RevokeCRLOnly puts cert on the list; the responder answers "unknown".
func (c *CA) RevokeCRLOnly(cert *pki.Certificate, at time.Time, reason int) {
	c.revoke(cert, at, reason, true, false)
}

// RevokeOCSPOnly lets the responder answer "revoked" while the list is silent.
func (c *CA) RevokeOCSPOnly(cert *pki.Certificate, at time.Time, reason int) {
	c.revoke(cert, at, reason, false, true)
}

func (c *CA) revoke(cert *pki.Certificate, at time.Time, reason int, list, answer bool) {
	serial := cert.Serial.String()
	e := entry{at.UTC().Truncate(time.Second), reason}
	c.mu.Lock()
	defer c.mu.Unlock()
	if list {
		if _, again := c.listed[serial]; !again {
			c.order = append(c.order, serial)
		}
		c.listed[serial] = e
	}
	if answer {
		c.answered[serial] = e
		delete(c.silent, serial)
	} else {
		c.silent[serial] = struct{}{}
	}
}

// keyIdentifier is the SHA-1 of the key's BIT STRING contents (RFC 5280 §4.2.1.2 (1)).
func keyIdentifier(public crypto.PublicKey) ([]byte, error) {
	der, err := marshalPublic(public)
	if err != nil {
		return nil, err
	}
	key, err := pki.ParsePublicKey(der)
	if err != nil {
		return nil, err
	}
	sum := sha1.Sum(key.Bits)
	return sum[:], nil
}

// serialOf makes the serial number as the National Certification Authority does:
// the key identifier with its top bit cleared. The next bit is set, so that
// every serial has its full 20 octets.
func serialOf(keyID []byte) *big.Int {
	b := append([]byte(nil), keyID...)
	b[0] = b[0]&0x7f | 0x40
	return new(big.Int).SetBytes(b)
}
