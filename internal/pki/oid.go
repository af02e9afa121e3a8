// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"encoding/asn1"
	"math/big"
	"strconv"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// OID is a dotted object identifier, "1.2.840.113549.1.1.11".
type OID string

// Digest algorithms.
const (
	OIDMD2         OID = "1.2.840.113549.2.2"
	OIDMD4         OID = "1.2.840.113549.2.4"
	OIDMD5         OID = "1.2.840.113549.2.5"
	OIDSHA1        OID = "1.3.14.3.2.26"
	OIDSHA224      OID = "2.16.840.1.101.3.4.2.4"
	OIDSHA256      OID = "2.16.840.1.101.3.4.2.1"
	OIDSHA384      OID = "2.16.840.1.101.3.4.2.2"
	OIDSHA512      OID = "2.16.840.1.101.3.4.2.3"
	OIDSHA512x224  OID = "2.16.840.1.101.3.4.2.5"
	OIDSHA512x256  OID = "2.16.840.1.101.3.4.2.6"
	OIDSHA3x224    OID = "2.16.840.1.101.3.4.2.7"
	OIDSHA3x256    OID = "2.16.840.1.101.3.4.2.8"
	OIDSHA3x384    OID = "2.16.840.1.101.3.4.2.9"
	OIDSHA3x512    OID = "2.16.840.1.101.3.4.2.10"
	OIDGOST95Hash  OID = "1.2.398.3.10.1.3.1"
	OIDGOST256Hash OID = "1.2.398.3.10.1.3.2"
	OIDGOST512Hash OID = "1.2.398.3.10.1.3.3"
)

// Keys and signature algorithms.
const (
	OIDRSA             OID = "1.2.840.113549.1.1.1" // rsaEncryption
	OIDMD2WithRSA      OID = "1.2.840.113549.1.1.2"
	OIDMD4WithRSA      OID = "1.2.840.113549.1.1.3"
	OIDMD5WithRSA      OID = "1.2.840.113549.1.1.4"
	OIDSHA1WithRSA     OID = "1.2.840.113549.1.1.5"
	OIDSHA1WithRSAISO  OID = "1.3.14.3.2.29" // the same algorithm under its old OIW name
	OIDMGF1            OID = "1.2.840.113549.1.1.8"
	OIDRSAPSS          OID = "1.2.840.113549.1.1.10"
	OIDSHA256WithRSA   OID = "1.2.840.113549.1.1.11"
	OIDSHA384WithRSA   OID = "1.2.840.113549.1.1.12"
	OIDSHA512WithRSA   OID = "1.2.840.113549.1.1.13"
	OIDSHA224WithRSA   OID = "1.2.840.113549.1.1.14"
	OIDSHA3x224WithRSA OID = "2.16.840.1.101.3.4.3.13"
	OIDSHA3x256WithRSA OID = "2.16.840.1.101.3.4.3.14"
	OIDSHA3x384WithRSA OID = "2.16.840.1.101.3.4.3.15"
	OIDSHA3x512WithRSA OID = "2.16.840.1.101.3.4.3.16"

	OIDEC                OID = "1.2.840.10045.2.1" // id-ecPublicKey
	OIDECDSAWithSHA1     OID = "1.2.840.10045.4.1"
	OIDECDSAWithSHA224   OID = "1.2.840.10045.4.3.1"
	OIDECDSAWithSHA256   OID = "1.2.840.10045.4.3.2"
	OIDECDSAWithSHA384   OID = "1.2.840.10045.4.3.3"
	OIDECDSAWithSHA512   OID = "1.2.840.10045.4.3.4"
	OIDECDSAWithSHA3x224 OID = "2.16.840.1.101.3.4.3.9"
	OIDECDSAWithSHA3x256 OID = "2.16.840.1.101.3.4.3.10"
	OIDECDSAWithSHA3x384 OID = "2.16.840.1.101.3.4.3.11"
	OIDECDSAWithSHA3x512 OID = "2.16.840.1.101.3.4.3.12"

	OIDDSA           OID = "1.2.840.10040.4.1"
	OIDDSAWithSHA1   OID = "1.2.840.10040.4.3"
	OIDDSAWithSHA224 OID = "2.16.840.1.101.3.4.3.1"
	OIDDSAWithSHA256 OID = "2.16.840.1.101.3.4.3.2"
	OIDDSAWithSHA384 OID = "2.16.840.1.101.3.4.3.3"
	OIDDSAWithSHA512 OID = "2.16.840.1.101.3.4.3.4"

	OIDEd25519 OID = "1.3.101.112"
	OIDEd448   OID = "1.3.101.113"

	// The national algorithms of Kazakhstan.
	OIDGOST2004Key     OID = "1.2.398.3.10.1.1.1.1"
	OIDGOST2004Sign    OID = "1.2.398.3.10.1.1.1.2"
	OIDGOST2015Key256  OID = "1.2.398.3.10.1.1.2.1"
	OIDGOST2015Key512  OID = "1.2.398.3.10.1.1.2.2"
	OIDGOST2015Sign256 OID = "1.2.398.3.10.1.1.2.3.1"
	OIDGOST2015Sign512 OID = "1.2.398.3.10.1.1.2.3.2"
	// The name that the Gamma library gave GOST 34.310-2004 with GOST 34.311-95; time-stamp requests of the national
	// authority's policy 1.2.398.3.3.2.6.3 use it for the digest too.
	OIDGammaSign OID = "1.3.6.1.4.1.6801.1.2.2"

	// Parameter sets in keys of the national algorithms.
	oidGOST2004ParamA    OID = "1.2.398.3.10.1.1.1.1.1"
	oidGOST95TestParam   OID = "1.2.398.3.10.1.3.1.1.0"
	oidGOST2015Param256A OID = "1.2.398.3.10.1.1.2.1.1"
	oidGOST2015Param512A OID = "1.2.398.3.10.1.1.2.2.1"
)

// Certificate and list extensions (RFC 5280 §4.2, §5.2, §5.3).
const (
	OIDSubjectDirectoryAttributes OID = "2.5.29.9"
	OIDSubjectKeyID               OID = "2.5.29.14"
	OIDKeyUsage                   OID = "2.5.29.15"
	OIDSubjectAltName             OID = "2.5.29.17"
	OIDIssuerAltName              OID = "2.5.29.18"
	OIDBasicConstraints           OID = "2.5.29.19"
	OIDCRLNumber                  OID = "2.5.29.20"
	OIDCRLReason                  OID = "2.5.29.21"
	OIDInvalidityDate             OID = "2.5.29.24"
	OIDDeltaCRLIndicator          OID = "2.5.29.27"
	OIDIssuingDistributionPoint   OID = "2.5.29.28"
	OIDCertificateIssuer          OID = "2.5.29.29"
	OIDNameConstraints            OID = "2.5.29.30"
	OIDCRLDistributionPoints      OID = "2.5.29.31"
	OIDCertificatePolicies        OID = "2.5.29.32"
	OIDPolicyMappings             OID = "2.5.29.33"
	OIDAuthorityKeyID             OID = "2.5.29.35"
	OIDPolicyConstraints          OID = "2.5.29.36"
	OIDExtKeyUsage                OID = "2.5.29.37"
	OIDFreshestCRL                OID = "2.5.29.46"
	OIDInhibitAnyPolicy           OID = "2.5.29.54"
	OIDNoRevAvail                 OID = "2.5.29.56" // RFC 9608
	OIDAuthorityInfoAccess        OID = "1.3.6.1.5.5.7.1.1"
	OIDQCStatements               OID = "1.3.6.1.5.5.7.1.3"
	OIDSubjectInfoAccess          OID = "1.3.6.1.5.5.7.1.11"
	OIDOCSPNoCheck                OID = "1.3.6.1.5.5.7.48.1.5"
	OIDKZKeyStorage               OID = "1.2.398.3.3.5" // where the holder's key is kept
)

// Access methods, key purposes, policies.
const (
	OIDOCSP      OID = "1.3.6.1.5.5.7.48.1"
	OIDCAIssuers OID = "1.3.6.1.5.5.7.48.2"

	OIDAnyExtKeyUsage  OID = "2.5.29.37.0"
	OIDServerAuth      OID = "1.3.6.1.5.5.7.3.1"
	OIDClientAuth      OID = "1.3.6.1.5.5.7.3.2"
	OIDCodeSigning     OID = "1.3.6.1.5.5.7.3.3"
	OIDEmailProtection OID = "1.3.6.1.5.5.7.3.4"
	OIDTimeStamping    OID = "1.3.6.1.5.5.7.3.8"
	OIDOCSPSigning     OID = "1.3.6.1.5.5.7.3.9"

	OIDAnyPolicy OID = "2.5.29.32.0"
)

// Roles of a holder in Kazakhstan's certificates (extended key usages).
const (
	OIDRoleIndividual OID = "1.2.398.3.3.4.1.1"
	OIDRoleLegal      OID = "1.2.398.3.3.4.1.2"
	OIDRoleHead       OID = "1.2.398.3.3.4.1.2.1"
	OIDRoleSigner     OID = "1.2.398.3.3.4.1.2.2"
	OIDRoleFinancial  OID = "1.2.398.3.3.4.1.2.3"
	OIDRoleHR         OID = "1.2.398.3.3.4.1.2.4"
	OIDRoleEmployee   OID = "1.2.398.3.3.4.1.2.5"
	OIDRoleSystem     OID = "1.2.398.3.3.4.1.2.6"
)

// Attribute types of a name.
const (
	OIDCommonName         OID = "2.5.4.3"
	OIDSurname            OID = "2.5.4.4"
	OIDSerialNumber       OID = "2.5.4.5"
	OIDCountry            OID = "2.5.4.6"
	OIDLocality           OID = "2.5.4.7"
	OIDState              OID = "2.5.4.8"
	OIDStreet             OID = "2.5.4.9"
	OIDOrganization       OID = "2.5.4.10"
	OIDOrganizationalUnit OID = "2.5.4.11"
	OIDTitle              OID = "2.5.4.12"
	OIDBusinessCategory   OID = "2.5.4.15"
	OIDPostalCode         OID = "2.5.4.17"
	OIDGivenName          OID = "2.5.4.42"
	OIDInitials           OID = "2.5.4.43"
	OIDGenerationQual     OID = "2.5.4.44"
	OIDDNQualifier        OID = "2.5.4.46"
	OIDPseudonym          OID = "2.5.4.65"
	OIDOrganizationID     OID = "2.5.4.97"
	OIDEmailAddress       OID = "1.2.840.113549.1.9.1"
	OIDDomainComponent    OID = "0.9.2342.19200300.100.1.25"
	OIDUserID             OID = "0.9.2342.19200300.100.1.1"
)

// Content types, attributes and structures of CMS (RFC 5652), time-stamps (RFC 3161), OCSP (RFC 6960).
const (
	OIDData                 OID = "1.2.840.113549.1.7.1"
	OIDSignedData           OID = "1.2.840.113549.1.7.2"
	OIDEnvelopedData        OID = "1.2.840.113549.1.7.3"
	OIDEncryptedData        OID = "1.2.840.113549.1.7.6"
	OIDTSTInfo              OID = "1.2.840.113549.1.9.16.1.4"
	OIDContentType          OID = "1.2.840.113549.1.9.3"
	OIDMessageDigest        OID = "1.2.840.113549.1.9.4"
	OIDSigningTime          OID = "1.2.840.113549.1.9.5"
	OIDSigningCertificate   OID = "1.2.840.113549.1.9.16.2.12"
	OIDSigningCertificateV2 OID = "1.2.840.113549.1.9.16.2.47"
	OIDSignaturePolicy      OID = "1.2.840.113549.1.9.16.2.15"
	OIDCommitmentType       OID = "1.2.840.113549.1.9.16.2.16"
	OIDSignatureTimeStamp   OID = "1.2.840.113549.1.9.16.2.14"
	OIDCMSAlgProtection     OID = "1.2.840.113549.1.9.52"
	OIDOCSPBasic            OID = "1.3.6.1.5.5.7.48.1.1"
	OIDOCSPNonce            OID = "1.3.6.1.5.5.7.48.1.2"
	OIDOCSPExtendedRevoke   OID = "1.3.6.1.5.5.7.48.1.9"
)

// maxOID bounds the contents octets of one object identifier.
const maxOID = 256

// OIDOf turns the standard library's form into ours.
func OIDOf(o asn1.ObjectIdentifier) OID { return OID(o.String()) }

// ParseOID reads the dotted form, each arc without leading zeros.
func ParseOID(s string) (OID, error) {
	if _, err := oidContents(OID(s)); err != nil {
		return "", err
	}
	return OID(s), nil
}

// ASN1 returns the standard library's form; nil where o is not dotted or an arc does not fit an int.
func (o OID) ASN1() asn1.ObjectIdentifier {
	if _, err := oidContents(o); err != nil {
		return nil
	}
	parts := strings.Split(string(o), ".")
	out := make(asn1.ObjectIdentifier, len(parts))
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil {
			return nil
		}
		out[i] = n
	}
	return out
}

// DER returns the encoded OBJECT IDENTIFIER.
func (o OID) DER() ([]byte, error) {
	var b cryptobyte.Builder
	AddOID(&b, o)
	return b.Bytes()
}

// Under reports whether o lies below the arc (or is it): 1.2.398.3 is under 1.2.398.
func (o OID) Under(arc OID) bool {
	return o == arc || strings.HasPrefix(string(o), string(arc)+".")
}

// AddOID appends the encoded OBJECT IDENTIFIER; an OID that is not dotted decimal makes the builder fail.
func AddOID(b *cryptobyte.Builder, o OID) {
	contents, err := oidContents(o)
	if err != nil {
		b.SetError(err)
		return
	}
	b.AddASN1(casn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes(contents) })
}

// ReadOID takes one OBJECT IDENTIFIER off s. Arcs of any size are read (RFC 5280 asks for 28 bits at least;
// UUID arcs under 2.25 need 128).
func ReadOID(s *cryptobyte.String) (OID, error) {
	var contents cryptobyte.String
	if !s.ReadASN1(&contents, casn1.OBJECT_IDENTIFIER) {
		return "", malformed("object identifier")
	}
	return oidOfContents(contents)
}

func oidOfContents(contents []byte) (OID, error) {
	if len(contents) == 0 || len(contents) > maxOID || contents[len(contents)-1]&0x80 != 0 {
		return "", malformed("object identifier")
	}
	if o, ok := known.of(contents); ok {
		return o, nil
	}
	if o, ok := shortOID(contents); ok {
		return o, nil
	}
	var out strings.Builder
	for first := true; len(contents) > 0; first = false {
		if contents[0] == 0x80 { // X.690 §8.19.2: no leading zero group
			return "", malformed("object identifier with a padded arc")
		}
		n := 0
		for contents[n]&0x80 != 0 {
			n++
		}
		arc := new(big.Int)
		if n < 9 {
			var v uint64
			for _, c := range contents[:n+1] {
				v = v<<7 | uint64(c&0x7f)
			}
			arc.SetUint64(v)
		} else {
			for _, c := range contents[:n+1] {
				arc.Lsh(arc, 7).Or(arc, big.NewInt(int64(c&0x7f)))
			}
		}
		contents = contents[n+1:]
		if first { // X.690 §8.19.4: the first two arcs share a group
			switch {
			case arc.Cmp(big.NewInt(40)) < 0:
				out.WriteString("0.")
			case arc.Cmp(big.NewInt(80)) < 0:
				out.WriteString("1.")
				arc.Sub(arc, big.NewInt(40))
			default:
				out.WriteString("2.")
				arc.Sub(arc, big.NewInt(80))
			}
		} else {
			out.WriteByte('.')
		}
		out.WriteString(arc.String())
	}
	return OID(out.String()), nil
}

// shortOID reads what nearly every OID is, arcs of at most 63 bits; false for the rest and for what is malformed.
func shortOID(contents []byte) (OID, bool) {
	var text [128]byte
	out := text[:0]
	var arc uint64
	first, begins := true, true
	for _, c := range contents {
		if begins && c == 0x80 || arc >= 1<<56 || len(out) > len(text)-24 {
			return "", false
		}
		arc = arc<<7 | uint64(c&0x7f)
		if begins = c&0x80 == 0; !begins {
			continue
		}
		if first {
			root := min(arc/40, 2)
			out = append(out, byte('0'+root))
			arc -= 40 * root
			first = false
		}
		out = strconv.AppendUint(append(out, '.'), arc, 10)
		arc = 0
	}
	return OID(out), begins && !first
}

// smallOID is oidContents where every arc has at most nine digits and two follow in one octet, as in all that are usual; nil elsewhere.
func smallOID(o OID) []byte {
	out := make([]byte, 0, len(o))
	first, arcs := uint64(0), 0
	for part := range strings.SplitSeq(string(o), ".") {
		if part == "" || len(part) > 9 || len(part) > 1 && part[0] == '0' {
			return nil
		}
		arc := uint64(0)
		for _, c := range []byte(part) {
			if c < '0' || c > '9' {
				return nil
			}
			arc = 10*arc + uint64(c-'0')
		}
		switch arcs++; {
		case arcs == 1:
			if first = arc; first > 2 {
				return nil
			}
			continue
		case arcs == 2:
			if arc >= 40 {
				return nil
			}
			arc += 40 * first
		}
		for shift := 28; shift >= 0; shift -= 7 {
			if v := byte(arc >> shift & 0x7f); arc>>shift != 0 || shift == 0 {
				if shift > 0 {
					v |= 0x80
				}
				out = append(out, v)
			}
		}
	}
	if arcs < 2 || len(out) > maxOID {
		return nil
	}
	return out
}

func oidContents(o OID) ([]byte, error) {
	if len(o) > 4*maxOID {
		return nil, malformed("object identifier too long")
	}
	if out := smallOID(o); out != nil {
		return out, nil
	}
	parts := strings.Split(string(o), ".")
	if len(parts) < 2 {
		return nil, malformed("object identifier %q", string(o))
	}
	arcs := make([]*big.Int, len(parts))
	for i, p := range parts {
		if p == "" || (len(p) > 1 && p[0] == '0') || strings.Trim(p, "0123456789") != "" {
			return nil, malformed("object identifier %q", string(o))
		}
		arcs[i], _ = new(big.Int).SetString(p, 10)
	}
	two, forty := big.NewInt(2), big.NewInt(40)
	if arcs[0].Cmp(two) > 0 || (arcs[0].Cmp(two) < 0 && arcs[1].Cmp(forty) >= 0) {
		return nil, malformed("object identifier %q", string(o))
	}
	arcs[1].Add(arcs[1], new(big.Int).Mul(arcs[0], forty))
	var out []byte
	for _, arc := range arcs[1:] {
		groups := max(1, (arc.BitLen()+6)/7)
		for g := groups - 1; g >= 0; g-- {
			v := byte(new(big.Int).And(new(big.Int).Rsh(arc, uint(7*g)), big.NewInt(0x7f)).Uint64())
			if g > 0 {
				v |= 0x80
			}
			out = append(out, v)
		}
	}
	if len(out) > maxOID {
		return nil, malformed("object identifier too long")
	}
	return out, nil
}
