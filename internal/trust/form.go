// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"fmt"

	"rastau/internal/pki"
)

// problem is a rule that a certificate breaks in itself, wherever it stands.
type problem struct{ citation, detail string }

// maxSerialBits is 20 octets (RFC 5280 §4.1.2.2). A leading zero octet that
// only keeps the number positive is not counted: too many CAs draw 20 random
// octets for that to tell anything.
const maxSerialBits = 160

// formProblems lists where c breaks the profile of RFC 5280 §4 in itself.
// Encoding, duplicate extensions and policies, and extensions in old versions
// are refused where certificates are read (package pki). Serial numbers of
// zero or below pass: §4.1.2.2 asks users to handle them gracefully.
func formProblems(c *pki.Certificate) []problem {
	var out []problem
	add := func(broken bool, citation, format string, args ...any) {
		if broken {
			out = append(out, problem{citation, fmt.Sprintf(format, args...)})
		}
	}
	critical := func(o pki.OID) (present, critical bool) {
		e := c.Extension(o)
		return e != nil, e != nil && e.Critical
	}
	ca := c.BasicConstraints != nil && c.BasicConstraints.CA

	if !c.Algorithm.Equal(c.InnerAlgorithm) { // arguments cost memory even where nothing is broken
		add(true, "RFC 5280 §4.1.1.2",
			"The signature algorithm outside the signed part (%s) is not the one inside (%s).", c.Algorithm.OID, c.InnerAlgorithm.OID)
	}
	add(c.Serial != nil && c.Serial.BitLen() > maxSerialBits, "RFC 5280 §4.1.2.2",
		"The serial number has more than 20 octets.")
	add(c.Issuer.Empty(), "RFC 5280 §4.1.2.4", "The issuer has no name.")
	add(ca && c.Subject.Empty(), "RFC 5280 §4.1.2.6", "The certificate is a CA's and its subject has no name.")
	if c.Subject.Empty() && !ca {
		_, isCritical := critical(pki.OIDSubjectAltName)
		add(!isCritical, "RFC 5280 §4.2.1.6", "The subject has no name, and no critical subjectAltName stands for it.")
	}
	_, isCritical := critical(pki.OIDAuthorityKeyID)
	add(isCritical, "RFC 5280 §4.2.1.1", "The authority key identifier is critical, which is forbidden.")
	_, isCritical = critical(pki.OIDSubjectKeyID)
	add(isCritical, "RFC 5280 §4.2.1.2", "The subject key identifier is critical, which is forbidden.")
	add(c.Version == 3 && !ca && c.HasKeyUsage && c.KeyUsage&pki.CertSign != 0, "RFC 5280 §4.2.1.9",
		"The key usage has keyCertSign, but the certificate is not a CA's.")
	for _, n := range c.SubjectAltNames {
		add(n.Tag == pki.DNSName && !isDNSName(n.Text), "RFC 5280 §4.2.1.6", "The alternative name %q is not a DNS name.", n.Text)
	}
	_, isCritical = critical(pki.OIDAuthorityInfoAccess)
	add(isCritical, "RFC 5280 §4.2.2.1", "The authority information access is critical, which is forbidden.")
	if present, isCritical := critical(pki.OIDNameConstraints); present {
		add(!ca, "RFC 5280 §4.2.1.10", "The certificate has name constraints, but is not a CA's.")
		add(!isCritical, "RFC 5280 §4.2.1.10", "The name constraints are not critical.")
	}
	if nc := c.NameConstraints; nc != nil {
		for _, list := range [][]pki.Subtree{nc.Permitted, nc.Excluded} {
			for _, s := range list {
				add(!isConstraint(s.Base), "RFC 5280 §4.2.1.10", "The name constraint %q is malformed.", s.Base)
			}
		}
	}
	return out
}

// noRevAvailProblems lists where c says that it is never revoked although it
// must not, or contradicts itself (RFC 9608 §3).
func noRevAvailProblems(c *pki.Certificate) []problem {
	if !c.NoRevAvail {
		return nil
	}
	var out []problem
	add := func(broken bool, detail string) {
		if broken {
			out = append(out, problem{"RFC 9608 §3", detail})
		}
	}
	add(c.BasicConstraints != nil && c.BasicConstraints.CA, "The certificate is a CA's and has noRevAvail.")
	add(len(c.DistributionPoints) > 0, "The certificate has noRevAvail and CRL distribution points.")
	add(len(c.FreshestCRL) > 0, "The certificate has noRevAvail and a freshest CRL.")
	add(len(c.OCSPServers) > 0, "The certificate has noRevAvail and names an OCSP responder.")
	return out
}
