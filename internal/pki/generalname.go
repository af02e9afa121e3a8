// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// maxNames bounds a list of general names.
const maxNames = 512

// Tags of a GeneralName (RFC 5280 §4.2.1.6).
const (
	OtherName     = 0
	RFC822Name    = 1
	DNSName       = 2
	DirectoryName = 4
	URIName       = 6
	IPName        = 7
	RegisteredID  = 8
)

// GeneralName holds one name form; exactly one of the fields after Tag is set.
type GeneralName struct {
	Tag   int    // 0 otherName, 1 rfc822, 2 dNS, 4 directory, 6 URI, 7 IP, 8 registeredID
	Text  string // tags 1, 2, 6 (and 8 as dotted OID)
	Dir   Name   // tag 4
	Bytes []byte // tag 7: address (or address+mask in constraints); others: raw contents
}

// String shows the name for people.
func (g GeneralName) String() string {
	switch g.Tag {
	case DirectoryName:
		return g.Dir.String()
	case RFC822Name, DNSName, URIName, RegisteredID:
		var out strings.Builder
		writeEscaped(&out, g.Text)
		return out.String()
	case IPName:
		if a, ok := netip.AddrFromSlice(g.Bytes); ok {
			return a.String()
		}
	}
	return "general name of another form"
}

// ReadGeneralName takes one GeneralName off s.
func ReadGeneralName(s *cryptobyte.String) (GeneralName, error) {
	var body cryptobyte.String
	var tag casn1.Tag
	if !s.ReadAnyASN1(&body, &tag) || tag&0xc0 != 0x80 {
		return GeneralName{}, malformed("general name")
	}
	g := GeneralName{Tag: int(tag & 0x1f)}
	constructed := tag&0x20 != 0
	switch g.Tag {
	case 0, 3, 4, 5:
		if !constructed {
			return GeneralName{}, malformed("general name of form %d", g.Tag)
		}
	case 1, 2, 6, 7, 8:
		if constructed {
			return GeneralName{}, malformed("general name of form %d", g.Tag)
		}
	default:
		return GeneralName{}, malformed("general name of form %d", g.Tag)
	}
	switch g.Tag {
	case RFC822Name, DNSName, URIName:
		for _, c := range body { // IA5String
			if c >= utf8.RuneSelf {
				return GeneralName{}, malformed("general name outside ASCII")
			}
		}
		g.Text = string(body)
	case DirectoryName: // explicit, because Name is a CHOICE
		dir, err := ParseName(body)
		if err != nil {
			return GeneralName{}, err
		}
		g.Dir = dir
	case RegisteredID:
		o, err := oidOfContents(body)
		if err != nil {
			return GeneralName{}, err
		}
		g.Text = string(o)
	default:
		g.Bytes = body
	}
	return g, nil
}

// ReadGeneralNames reads the contents of a GeneralNames (tag and length already taken off): one name at least.
func ReadGeneralNames(contents cryptobyte.String) ([]GeneralName, error) {
	var out []GeneralName
	for !contents.Empty() {
		if len(out) == maxNames {
			return nil, malformed("more than %d general names", maxNames)
		}
		g, err := ReadGeneralName(&contents)
		if err != nil {
			return nil, err
		}
		out = append(out, g)
	}
	if len(out) == 0 {
		return nil, malformed("empty list of general names")
	}
	return out, nil
}

// DistributionPoint says where and for which reasons a list is found (RFC 5280 §4.2.1.13).
type DistributionPoint struct {
	FullNames []GeneralName
	Relative  RDN    // nameRelativeToCRLIssuer
	Reasons   uint16 // bits as in the BIT STRING, bit 1 keyCompromise…; 0 = all reasons
	CRLIssuer []GeneralName
}

// maxPoints bounds the distribution points of one extension.
const maxPoints = 64

// ReadDistributionPointName reads the contents of a [0] DistributionPointName: full names or a relative name.
// The issuing distribution point of a list has the same form.
func ReadDistributionPointName(contents cryptobyte.String) (full []GeneralName, relative RDN, err error) {
	var body cryptobyte.String
	var tag casn1.Tag
	if !contents.ReadAnyASN1(&body, &tag) || !contents.Empty() {
		return nil, nil, malformed("name of a distribution point")
	}
	switch tag {
	case casn1.Tag(0).ContextSpecific().Constructed():
		full, err = ReadGeneralNames(body)
	case casn1.Tag(1).ContextSpecific().Constructed():
		relative, err = readRDN(body)
	default:
		err = malformed("name of a distribution point")
	}
	return full, relative, err
}

// ReadReasons reads the contents of a ReasonFlags BIT STRING, at least one bit set.
func ReadReasons(contents cryptobyte.String) (uint16, error) {
	bits, err := namedBits(contents)
	if err == nil && bits == 0 { // no reason at all must not read as "all reasons"
		err = malformed("reasons without a bit")
	}
	return bits, err
}

// namedBits reads the contents of a BIT STRING of at most 16 named bits; bit i of the string is 1<<i.
func namedBits(contents cryptobyte.String) (uint16, error) {
	if len(contents) == 0 || len(contents) > 3 || contents[0] > 7 || (len(contents) == 1 && contents[0] != 0) {
		return 0, malformed("bit string")
	}
	unused, octets := contents[0], contents[1:]
	if len(octets) > 0 && octets[len(octets)-1]&(1<<unused-1) != 0 { // X.690 §11.2.1
		return 0, malformed("bit string with unused bits set")
	}
	var out uint16
	for i, c := range octets {
		for b := range 8 {
			if c&(0x80>>b) != 0 {
				out |= 1 << (8*i + b)
			}
		}
	}
	return out, nil
}

// readDistributionPoints reads the SEQUENCE OF DistributionPoint of both extensions that hold one.
func readDistributionPoints(value cryptobyte.String) ([]DistributionPoint, error) {
	var list cryptobyte.String
	if !value.ReadASN1(&list, casn1.SEQUENCE) || !value.Empty() || list.Empty() {
		return nil, malformed("distribution points")
	}
	var out []DistributionPoint
	for !list.Empty() {
		var point, body cryptobyte.String
		var present bool
		var p DistributionPoint
		var err error
		if len(out) == maxPoints || !list.ReadASN1(&point, casn1.SEQUENCE) {
			return nil, malformed("distribution point")
		}
		if !point.ReadOptionalASN1(&body, &present, casn1.Tag(0).ContextSpecific().Constructed()) {
			return nil, malformed("distribution point")
		}
		if present {
			if p.FullNames, p.Relative, err = ReadDistributionPointName(body); err != nil {
				return nil, err
			}
		}
		if !point.ReadOptionalASN1(&body, &present, casn1.Tag(1).ContextSpecific()) {
			return nil, malformed("distribution point")
		}
		if present {
			if p.Reasons, err = ReadReasons(body); err != nil {
				return nil, err
			}
		}
		if !point.ReadOptionalASN1(&body, &present, casn1.Tag(2).ContextSpecific().Constructed()) || !point.Empty() {
			return nil, malformed("distribution point")
		}
		if present {
			if p.CRLIssuer, err = ReadGeneralNames(body); err != nil {
				return nil, err
			}
		}
		out = append(out, p)
	}
	return out, nil
}
