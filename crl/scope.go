// SPDX-License-Identifier: Apache-2.0

package crl

import (
	"bytes"
	"net/url"
	"strings"

	"rastau/internal/pki"
)

// allReasons are the bits of ReasonFlags, keyCompromise (1) to aACompromise (8); bit 0 is unused (RFC 5280 §4.2.1.13).
const allReasons uint16 = 0x1fe

// reasonsOf are the reasons that a list answers for at a distribution point (RFC 5280 §6.3.3 (d)).
func reasonsOf(l *List, p *pki.DistributionPoint) uint16 {
	mask := allReasons
	if l.IDP != nil && l.IDP.HasReasons {
		mask &= l.IDP.Reasons
	}
	if p.Reasons != 0 {
		mask &= p.Reasons
	}
	return mask
}

// misfit says why a list does not cover the certificate at a distribution point (RFC 5280 §6.3.3 (b)), nil where it does.
func misfit(c *pki.Certificate, p *pki.DistributionPoint, l *List) *obstacle {
	// (b)(1) the issuer.
	if len(p.CRLIssuer) > 0 {
		if !namesDir(p.CRLIssuer, l.Issuer) {
			return &obstacle{far: farNone, why: "the list is not of the cRLIssuer that the certificate names", citation: "RFC 5280 §6.3.3 (b)(1)"}
		}
		if l.IDP == nil || !l.IDP.Indirect {
			return &obstacle{far: farScope, why: "the certificate names another issuer of lists, but the list is not indirect", citation: "RFC 5280 §6.3.3 (b)(1)"}
		}
	} else if !l.Issuer.Equal(c.Issuer) {
		return &obstacle{far: farNone, why: "no list of the certificate's issuer is at hand", citation: "RFC 5280 §6.3.3 (b)(1)"}
	}
	if l.IDP == nil {
		return nil
	}
	// (b)(2)(i) the distribution point.
	if (len(l.IDP.FullNames) > 0 || len(l.IDP.Relative) > 0) && !samePoint(c, p, l) {
		return &obstacle{far: farScope, why: "the list is of another distribution point", citation: "RFC 5280 §6.3.3 (b)(2)(i)"}
	}
	// (b)(2)(ii)–(iv) the kind of certificate.
	isCA := c.BasicConstraints != nil && c.BasicConstraints.CA
	switch {
	case l.IDP.OnlyAttribute:
		return &obstacle{far: farScope, why: "the list is of attribute certificates only", citation: "RFC 5280 §6.3.3 (b)(2)(iv)"}
	case (l.IDP.OnlyUser || l.IDP.OnlyCA) && c.Version < 3:
		// "the scope of the CRL MUST NOT include any version 1 or version 2 certificates"
		return &obstacle{far: farScope, why: "the list tells users from CAs, so no certificate before version 3 is in its scope", citation: "RFC 5280 §5.2.5"}
	case l.IDP.OnlyUser && isCA:
		return &obstacle{far: farScope, why: "the list is of users' certificates only, this is a CA's", citation: "RFC 5280 §6.3.3 (b)(2)(ii)"}
	case l.IDP.OnlyCA && !isCA:
		return &obstacle{far: farScope, why: "the list is of CAs' certificates only, this is none", citation: "RFC 5280 §6.3.3 (b)(2)(iii)"}
	}
	return nil
}

// samePoint tells whether one name of the list's distribution point is one of the certificate's. Where the certificate's
// point has no name, one of its cRLIssuer names must match.
func samePoint(c *pki.Certificate, p *pki.DistributionPoint, l *List) bool {
	of := l.IDP.FullNames
	if len(l.IDP.Relative) > 0 {
		of = []pki.GeneralName{{Tag: pki.DirectoryName, Dir: below(l.Issuer, l.IDP.Relative)}}
	}
	want := p.CRLIssuer
	switch {
	case len(p.FullNames) > 0:
		want = p.FullNames
	case len(p.Relative) > 0:
		// RFC 5280 §4.2.1.13: relative to the cRLIssuer where there is one (then a single directory name), else the issuer.
		base := c.Issuer
		if len(p.CRLIssuer) > 0 {
			base = l.Issuer // misfit has found it among the cRLIssuer names
		}
		want = []pki.GeneralName{{Tag: pki.DirectoryName, Dir: below(base, p.Relative)}}
	}
	for _, a := range of {
		for _, b := range want {
			if sameName(a, b) {
				return true
			}
		}
	}
	return false
}

// below is a name with one more relative name under it.
func below(base pki.Name, rdn pki.RDN) pki.Name {
	return pki.Name{RDNs: append(append([]pki.RDN(nil), base.RDNs...), rdn)}
}

func namesDir(names []pki.GeneralName, dir pki.Name) bool {
	for _, n := range names {
		if n.Tag == pki.DirectoryName && n.Dir.Equal(dir) {
			return true
		}
	}
	return false
}

// sameName compares two general names (RFC 5280 §7).
func sameName(a, b pki.GeneralName) bool {
	if a.Tag != b.Tag {
		return false
	}
	switch a.Tag {
	case pki.DirectoryName:
		return a.Dir.Equal(b.Dir)
	case pki.URIName:
		return a.Text == b.Text || comparableURI(a.Text) == comparableURI(b.Text)
	case pki.RFC822Name, pki.DNSName:
		return strings.EqualFold(a.Text, b.Text)
	case pki.RegisteredID:
		return a.Text == b.Text
	}
	return bytes.Equal(a.Bytes, b.Bytes)
}

// comparableURI lowers scheme and host, the rest is compared as written (RFC 5280 §7.4).
func comparableURI(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return s
	}
	u.Host = strings.ToLower(u.Host)
	return u.String()
}
