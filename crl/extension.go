// SPDX-License-Identifier: Apache-2.0

package crl

import (
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/pki"
)

// oidExpiredCertsOnCRL is X.509 §9.5.2.8.
const oidExpiredCertsOnCRL pki.OID = "2.5.29.60"

// maxNumber bounds a CRL number in octets (RFC 5280 §5.2.3: "up to 20 octets").
const maxNumber = 20

// maxPoints bounds the distribution points of a freshestCRL.
const maxPoints = 64

// IssuingDistributionPoint is RFC 5280 §5.2.5.
type IssuingDistributionPoint struct {
	FullNames                       []pki.GeneralName
	Relative                        pki.RDN
	OnlyUser, OnlyCA, OnlyAttribute bool
	Indirect                        bool
	Reasons                         uint16 // 0 = all
	HasReasons                      bool
}

// parseExtensions reads the crlExtensions (RFC 5280 §5.2). A critical one that is not processed is noted, not refused: the
// caller may still want to show what such a list says.
func (l *List) parseExtensions(wrapped cryptobyte.String) error {
	all, err := pki.ReadExtensions(&wrapped)
	if err != nil || !wrapped.Empty() {
		return malformed("extensions: %v", err)
	}
	for _, e := range all {
		v := cryptobyte.String(e.Value)
		switch e.OID {
		case pki.OIDAuthorityKeyID:
			l.aki = e.Value
			if l.AuthorityKeyID, _, _, err = pki.ReadAuthorityKeyID(v); err != nil {
				return malformed("authorityKeyIdentifier: %v", err)
			}
		case pki.OIDCRLNumber:
			if e.Critical { // RFC 5280 §5.2.3: "a non-critical CRL extension"
				return malformed("the list number is critical, which is forbidden")
			}
			if l.Number, err = readNumber(v); err != nil {
				return err
			}
		case pki.OIDDeltaCRLIndicator:
			if l.BaseNumber, err = readNumber(v); err != nil {
				return err
			}
		case pki.OIDIssuingDistributionPoint:
			l.idp = e.Value
			if l.IDP, err = readIDP(v); err != nil {
				return err
			}
		case pki.OIDFreshestCRL:
			if l.FreshestCRL, err = readPoints(v); err != nil {
				return err
			}
		case oidExpiredCertsOnCRL:
			if l.ExpiredCerts, err = pki.ReadTime(&v); err != nil || !v.Empty() {
				return malformed("expiredCertsOnCRL")
			}
		default:
			if e.Critical {
				l.noteUnknown(e.OID)
			}
		}
	}
	return nil
}

func readNumber(v cryptobyte.String) (*big.Int, error) {
	n := new(big.Int)
	if !v.ReadASN1Integer(n) || !v.Empty() || n.Sign() < 0 || len(n.Bytes()) > maxNumber {
		return nil, malformed("list number")
	}
	return n, nil
}

// readIDP reads an issuingDistributionPoint. An empty one, and one with two of the only-flags, break RFC 5280 §5.2.5.
func readIDP(v cryptobyte.String) (*IssuingDistributionPoint, error) {
	var body cryptobyte.String
	if !v.ReadASN1(&body, casn1.SEQUENCE) || !v.Empty() || body.Empty() {
		return nil, malformed("issuingDistributionPoint")
	}
	p := &IssuingDistributionPoint{}
	var field cryptobyte.String
	var present bool
	if !body.ReadOptionalASN1(&field, &present, casn1.Tag(0).ContextSpecific().Constructed()) {
		return nil, malformed("issuingDistributionPoint")
	}
	var err error
	if present {
		if p.FullNames, p.Relative, err = pki.ReadDistributionPointName(field); err != nil {
			return nil, malformed("issuingDistributionPoint: %v", err)
		}
	}
	flags := []struct {
		tag  casn1.Tag
		into *bool
	}{{1, &p.OnlyUser}, {2, &p.OnlyCA}, {3, nil}, {4, &p.Indirect}, {5, &p.OnlyAttribute}}
	for _, f := range flags {
		if !body.ReadOptionalASN1(&field, &present, f.tag.ContextSpecific()) {
			return nil, malformed("issuingDistributionPoint")
		}
		switch {
		case !present:
		case f.into == nil:
			if p.Reasons, err = pki.ReadReasons(field); err != nil {
				return nil, malformed("onlySomeReasons: %v", err)
			}
			p.HasReasons = true
		case len(field) == 1 && (field[0] == 0xff || field[0] == 0):
			*f.into = field[0] == 0xff // an explicit FALSE, which DER leaves out, changes nothing
		default:
			return nil, malformed("issuingDistributionPoint: not a boolean")
		}
	}
	if !body.Empty() {
		return nil, malformed("issuingDistributionPoint: trailing bytes")
	}
	n := 0
	for _, only := range []bool{p.OnlyUser, p.OnlyCA, p.OnlyAttribute} {
		if only {
			n++
		}
	}
	if n > 1 {
		return nil, malformed("issuingDistributionPoint: more than one of onlyContains…")
	}
	return p, nil
}

// readPoints reads the SEQUENCE OF DistributionPoint of a freshestCRL (RFC 5280 §5.2.6).
func readPoints(v cryptobyte.String) ([]pki.DistributionPoint, error) {
	bad := malformed("freshestCRL")
	var list cryptobyte.String
	if !v.ReadASN1(&list, casn1.SEQUENCE) || !v.Empty() || list.Empty() {
		return nil, bad
	}
	var out []pki.DistributionPoint
	for !list.Empty() {
		var p pki.DistributionPoint
		var point, name, reasons, issuer cryptobyte.String
		var hasName, hasReasons, hasIssuer bool
		if len(out) == maxPoints || !list.ReadASN1(&point, casn1.SEQUENCE) ||
			!point.ReadOptionalASN1(&name, &hasName, casn1.Tag(0).ContextSpecific().Constructed()) ||
			!point.ReadOptionalASN1(&reasons, &hasReasons, casn1.Tag(1).ContextSpecific()) ||
			!point.ReadOptionalASN1(&issuer, &hasIssuer, casn1.Tag(2).ContextSpecific().Constructed()) || !point.Empty() {
			return nil, bad
		}
		var err error
		if hasName {
			if p.FullNames, p.Relative, err = pki.ReadDistributionPointName(name); err != nil {
				return nil, bad
			}
		}
		if hasReasons {
			if p.Reasons, err = pki.ReadReasons(reasons); err != nil {
				return nil, bad
			}
		}
		if hasIssuer {
			if p.CRLIssuer, err = pki.ReadGeneralNames(issuer); err != nil {
				return nil, bad
			}
		}
		out = append(out, p)
	}
	return out, nil
}
