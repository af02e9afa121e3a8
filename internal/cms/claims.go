// SPDX-License-Identifier: Apache-2.0

package cms

import (
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/pki"
)

// maxClaims bounds what is read of one attribute.
const maxClaims = 16

// Claims are what the signer says of the signature in signed attributes. Nobody but the signer vouches for any of it.
type Claims struct {
	Commitments []pki.OID // commitment-type-indication (EN 319 122-1 §5.2.3)
	Place       []string  // signer-location (§5.2.5): country, locality, postal address, as far as given
	Roles       []string  // claimed attributes of signer-attributes (§5.2.6): the values that are texts
}

const (
	oidSignerLocation     pki.OID = "1.2.840.113549.1.9.16.2.17"
	oidSignerAttributes   pki.OID = "1.2.840.113549.1.9.16.2.18"
	oidSignerAttributesV2 pki.OID = "0.4.0.19122.1.1"
)

// Claims reads the attributes that stand in s. What is malformed is left out: nothing rests on it.
func (s *Signer) Claims() Claims {
	var c Claims
	for i := range s.SignedAttrs {
		a := &s.SignedAttrs[i]
		for _, v := range a.Values {
			value := cryptobyte.String(v)
			var body cryptobyte.String
			if !value.ReadASN1(&body, asn1.SEQUENCE) || !value.Empty() {
				continue
			}
			switch a.Type {
			case pki.OIDCommitmentType:
				if o, err := pki.ReadOID(&body); err == nil && len(c.Commitments) < maxClaims {
					c.Commitments = append(c.Commitments, o)
				}
			case oidSignerLocation:
				c.Place = append(c.Place, readPlace(body)...)
			case oidSignerAttributes, oidSignerAttributesV2:
				c.Roles = append(c.Roles, readRoles(body)...)
			}
		}
	}
	return c
}

// readPlace reads SignerLocation { countryName [0], localityName [1], postalAddress [2] SEQUENCE OF }, all optional.
func readPlace(in cryptobyte.String) (out []string) {
	for tag := asn1.Tag(0); tag <= 2; tag++ {
		var field cryptobyte.String
		var present bool
		if !in.ReadOptionalASN1(&field, &present, tag.ContextSpecific().Constructed()) || !present {
			continue
		}
		if tag == 2 {
			var lines cryptobyte.String
			if field.ReadASN1(&lines, asn1.SEQUENCE) {
				field = lines
			}
		}
		out = appendTexts(out, field)
	}
	return out
}

// readRoles reads claimedAttributes [0] SEQUENCE OF Attribute; certified ones and assertions would have to be judged first.
func readRoles(in cryptobyte.String) (out []string) {
	for !in.Empty() {
		var field, attribute, values cryptobyte.String
		var tag asn1.Tag
		if !in.ReadAnyASN1(&field, &tag) {
			return out
		}
		if tag != asn1.Tag(0).ContextSpecific().Constructed() {
			continue
		}
		if inner := field; inner.ReadASN1(&attribute, asn1.SEQUENCE) && inner.Empty() && attribute.PeekASN1Tag(asn1.SEQUENCE) {
			field = attribute // tagged explicitly
		}
		for field.ReadASN1(&attribute, asn1.SEQUENCE) {
			if _, err := pki.ReadOID(&attribute); err == nil && attribute.ReadASN1(&values, asn1.SET) {
				out = appendTexts(out, values)
			}
		}
	}
	return out
}

// appendTexts takes the strings off in, as far as there are any.
func appendTexts(out []string, in cryptobyte.String) []string {
	for len(out) < maxClaims {
		var value cryptobyte.String
		var tag asn1.Tag
		if !in.ReadAnyASN1Element(&value, &tag) {
			return out
		}
		if text, ok := pki.Text(value); ok && text != "" {
			out = append(out, text)
		}
	}
	return out
}
