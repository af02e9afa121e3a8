// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// maxAttributes bounds the attributes of one name.
const maxAttributes = 512

// ASN.1 string tags of attribute values.
const (
	tagUTF8      = 12
	tagNumeric   = 18
	tagPrintable = 19
	tagT61       = 20
	tagIA5       = 22
	tagVisible   = 26
	tagUniversal = 28
	tagBMP       = 30
)

// Name is a distinguished name. The zero Name is the empty one.
type Name struct {
	Raw  []byte // DER
	RDNs []RDN

	key  string // CanonicalKey of a name that was read
	text string // String of an authority's name, which every report about its holders says
}

// RDN is one relative distinguished name: a set of attributes, in the order they were encoded.
type RDN []Attribute

// Attribute is one type and value of a name.
type Attribute struct {
	Type  OID
	Tag   int    // identifier octet of the value: the ASN.1 string tag
	Value string // decoded to UTF-8; "#" and the hex of Raw where the value is no string
	Raw   []byte // DER of the value
}

// ParseName reads one DER name, no trailing bytes.
func ParseName(der []byte) (Name, error) {
	s := cryptobyte.String(der)
	n, err := ReadName(&s)
	if err == nil && !s.Empty() {
		err = malformed("bytes after the name")
	}
	if err != nil {
		return Name{}, err
	}
	return n, nil
}

// ReadName takes one Name off s (RFC 5280 §4.1.2.4).
func ReadName(s *cryptobyte.String) (Name, error) {
	var raw, body cryptobyte.String
	if !s.ReadASN1Element(&raw, casn1.SEQUENCE) {
		return Name{}, malformed("name")
	}
	in := raw
	in.ReadASN1(&body, casn1.SEQUENCE)
	n := Name{Raw: raw, RDNs: make([]RDN, 0, 8)}
	room := make([]Attribute, 0, 8) // of all its RDNs, nearly always of one attribute each
	for count := 0; !body.Empty(); {
		var set cryptobyte.String
		if !body.ReadASN1(&set, casn1.SET) {
			return Name{}, malformed("relative distinguished name")
		}
		var err error
		if room, err = appendRDN(room, set); err != nil {
			return Name{}, err
		}
		rdn := slices.Clip(RDN(room))
		room = room[len(room):]
		if count += len(rdn); count > maxAttributes {
			return Name{}, malformed("name of more than %d attributes", maxAttributes)
		}
		n.RDNs = append(n.RDNs, rdn)
	}
	n.key = canonicalKey(n.RDNs)
	return n, nil
}

// readRDN reads the contents of a SET OF AttributeTypeAndValue.
func readRDN(set cryptobyte.String) (RDN, error) {
	return appendRDN(make(RDN, 0, 1), set)
}

// appendRDN is readRDN into rdn, which is empty.
func appendRDN(rdn RDN, set cryptobyte.String) (RDN, error) {
	for !set.Empty() {
		var pair, value cryptobyte.String
		var tag casn1.Tag
		if !set.ReadASN1(&pair, casn1.SEQUENCE) {
			return nil, malformed("attribute of a name")
		}
		typ, err := ReadOID(&pair)
		if err != nil {
			return nil, err
		}
		if !pair.ReadAnyASN1Element(&value, &tag) || !pair.Empty() {
			return nil, malformed("value of attribute %s", typ)
		}
		text, err := attributeText(value, tag)
		if err != nil {
			return nil, malformed("value of attribute %s: %v", typ, err)
		}
		if len(rdn) == maxAttributes {
			return nil, malformed("name of more than %d attributes", maxAttributes)
		}
		rdn = append(rdn, Attribute{Type: typ, Tag: int(tag), Value: text, Raw: value})
	}
	if len(rdn) == 0 {
		return nil, malformed("empty relative distinguished name")
	}
	return rdn, nil
}

// attributeText decodes a string value to UTF-8. T61String is read as Latin-1, as most issuers meant it.
// PrintableString is held to ASCII alone: '@', '*' and '&' stand in many real names against X.680 §41.4.
func attributeText(element cryptobyte.String, tag casn1.Tag) (string, error) {
	if !isString(int(tag)) {
		return "#" + hex.EncodeToString(element), nil
	}
	var body cryptobyte.String
	element.ReadASN1(&body, tag)
	var out strings.Builder
	switch int(tag) {
	case tagUTF8:
		if !utf8.Valid(body) {
			return "", malformed("UTF8String")
		}
		return string(body), nil
	case tagT61:
		for _, c := range body {
			out.WriteRune(rune(c))
		}
	case tagBMP:
		if len(body)%2 != 0 {
			return "", malformed("BMPString")
		}
		units := make([]uint16, len(body)/2)
		for i := range units {
			units[i] = binary.BigEndian.Uint16(body[2*i:])
			if utf16.IsSurrogate(rune(units[i])) { // the basic plane has no surrogates
				return "", malformed("BMPString")
			}
		}
		return string(utf16.Decode(units)), nil
	case tagUniversal:
		if len(body)%4 != 0 {
			return "", malformed("UniversalString")
		}
		for ; len(body) > 0; body = body[4:] {
			r := binary.BigEndian.Uint32(body)
			if r > unicode.MaxRune || !utf8.ValidRune(rune(r)) {
				return "", malformed("UniversalString")
			}
			out.WriteRune(rune(r))
		}
	default:
		for _, c := range body {
			if c >= utf8.RuneSelf {
				return "", malformed("string outside ASCII")
			}
		}
		return string(body), nil
	}
	return out.String(), nil
}

// Text decodes one ASN.1 string (DirectoryString and its like) to UTF-8; false where it is none or not well formed.
func Text(element []byte) (string, bool) {
	if len(element) == 0 || !isString(int(element[0])) {
		return "", false
	}
	in := cryptobyte.String(element)
	var whole cryptobyte.String
	if !in.ReadASN1Element(&whole, casn1.Tag(element[0])) || !in.Empty() {
		return "", false
	}
	text, err := attributeText(whole, casn1.Tag(element[0]))
	return text, err == nil
}

func isString(tag int) bool {
	switch tag {
	case tagUTF8, tagNumeric, tagPrintable, tagT61, tagIA5, tagVisible, tagUniversal, tagBMP:
		return true
	}
	return false
}

// Equal compares by RFC 5280 §7.1: letter case and runs of white space do not count, nor which string type was used.
func (n Name) Equal(o Name) bool { return n.CanonicalKey() == o.CanonicalKey() }

// Empty reports a name without attributes.
func (n Name) Empty() bool { return len(n.RDNs) == 0 }

// First returns the first value of an attribute type; "" where there is none.
func (n Name) First(t OID) string {
	for _, rdn := range n.RDNs {
		for i := range rdn {
			if rdn[i].Type == t {
				return rdn[i].Value
			}
		}
	}
	return ""
}

// Get returns the values of an attribute type, in order.
func (n Name) Get(t OID) []string {
	var out []string
	for _, rdn := range n.RDNs {
		for _, a := range rdn {
			if a.Type == t {
				out = append(out, a.Value)
			}
		}
	}
	return out
}

// Within reports whether n lies in the subtree b: its first RDNs are those of b (RFC 5280 §4.2.1.10).
func (n Name) Within(b Name) bool {
	return len(b.RDNs) <= len(n.RDNs) && canonicalKey(n.RDNs[:len(b.RDNs)]) == b.CanonicalKey()
}

// Append returns n with one more RDN at its end: the full name of a nameRelativeToCRLIssuer (RFC 5280 §4.2.1.13).
func (n Name) Append(r RDN) (Name, error) {
	var b cryptobyte.Builder
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, rdn := range append(slices.Clone(n.RDNs), r) {
			b.AddASN1(casn1.SET, func(b *cryptobyte.Builder) {
				for _, a := range rdn {
					b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
						AddOID(b, a.Type)
						b.AddBytes(a.Raw)
					})
				}
			})
		}
	})
	der, err := b.Bytes()
	if err != nil {
		return Name{}, err
	}
	return ParseName(der)
}

// CanonicalKey is equal for equal names and only for them: a key for maps, not for people.
func (n Name) CanonicalKey() string {
	if n.key != "" || len(n.RDNs) == 0 {
		return n.key
	}
	return canonicalKey(n.RDNs)
}

// canonicalKey joins length-prefixed parts, so that no value can imitate a boundary.
func canonicalKey(rdns []RDN) string {
	var room [512]byte
	out := room[:0]
	for _, rdn := range rdns {
		out = append(strconv.AppendInt(out, int64(len(rdn)), 10), '(')
		if len(rdn) == 1 { // as nearly always
			out = appendKey(out, rdn[0])
		} else {
			keys := make([]string, len(rdn))
			for i, a := range rdn {
				keys[i] = string(appendKey(nil, a))
			}
			slices.Sort(keys) // an RDN is a set
			for _, k := range keys {
				out = append(out, k...)
			}
		}
		out = append(out, ')')
	}
	return string(out)
}

// appendKey writes one attribute: its type, and the length of the value before the value.
func appendKey(out []byte, a Attribute) []byte {
	out = append(append(out, a.Type...), '=')
	kind, value := byte('s'), a.Value
	switch {
	case !isString(a.Tag):
		kind, value = 'b', string(a.Raw)
	case simple(value): // prepare leaves all but the letters' case
		out = append(strconv.AppendInt(append(out, kind), int64(len(value)), 10), ':')
		for i := range len(value) {
			c := value[i]
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			out = append(out, c)
		}
		return out
	default:
		if lower, ok := plainKey(value); ok {
			return append(append(strconv.AppendInt(append(out, kind), int64(lower.n), 10), ':'), lower.text[:lower.n]...)
		}
		value = prepare(value)
	}
	return append(append(strconv.AppendInt(append(out, kind), int64(len(value)), 10), ':'), value...)
}

// prepare is the string preparation of RFC 4518 §2, as RFC 5280 §7.1 asks: map, case-fold, NFKC, insignificant space.
func prepare(s string) string {
	if plain(s) {
		return single(strings.ToLower(s))
	}
	return single(fold(s))
}

// lowered is a short text in lower case.
type lowered struct {
	text [128]byte
	n    int
}

// plainKey is prepare of a short text that is plain and has no insignificant space, without memory; false for the rest.
func plainKey(s string) (out lowered, ok bool) {
	if len(s) > len(out.text)-utf8.UTFMax || !plain(s) {
		return out, false
	}
	space := true // before the first character
	for _, r := range s {
		if r == ' ' && space {
			return out, false
		}
		space = r == ' '
		if out.n > len(out.text)-utf8.UTFMax {
			return out, false
		}
		out.n += utf8.EncodeRune(out.text[out.n:], unicode.ToLower(r))
	}
	return out, !space
}

// simple reports visible ASCII without insignificant space.
func simple(s string) bool {
	space := true // before the first character
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c >= 0x7f || c == ' ' && space {
			return false
		}
		space = c == ' '
	}
	return !space
}

// fold maps and folds any text.
func fold(s string) string {
	s = strings.Map(mapRune, s)
	return norm.NFKC.String(cases.Fold().String(norm.NFKC.String(s)))
}

// plain reports visible ASCII and Cyrillic letters: each is its own NFKC and folds to its lower case.
func plain(s string) bool {
	for _, r := range s {
		if r < ' ' || r == 0x7f || r > 0x7f && (r < 0x400 || r > 0x4ff || r >= 0x482 && r <= 0x489) {
			return false
		}
	}
	return true
}

// single leaves one space between words and none around them (RFC 4518 §2.6.1).
func single(s string) string {
	if strings.HasPrefix(s, " ") || strings.HasSuffix(s, " ") || strings.Contains(s, "  ") || strings.Contains(s, "\u0085") || strings.Contains(s, "\u00a0") {
		return strings.Join(strings.Fields(s), " ")
	}
	return s
}

// mapRune is RFC 4518 §2.2: white space becomes a space, what is not seen becomes nothing.
func mapRune(r rune) rune {
	switch {
	case r == '\t', r == '\n', r == '\v', r == '\f', r == '\r', r == 0x85, unicode.In(r, unicode.Z):
		return ' '
	case unicode.In(r, unicode.Cc, unicode.Cf), r == 0x034f, r == 0x1806, r >= 0x180b && r <= 0x180d, r >= 0xfe00 && r <= 0xfe0f, r == 0xfffc:
		return -1
	}
	return r
}

var attributeNames = map[OID]string{
	OIDCommonName: "CN", OIDSurname: "SN", OIDSerialNumber: "SERIALNUMBER", OIDCountry: "C", OIDLocality: "L", OIDState: "ST",
	OIDStreet: "STREET", OIDOrganization: "O", OIDOrganizationalUnit: "OU", OIDTitle: "T", OIDBusinessCategory: "businessCategory",
	OIDPostalCode: "postalCode", OIDGivenName: "GN", OIDInitials: "initials", OIDGenerationQual: "generationQualifier",
	OIDDNQualifier: "dnQualifier", OIDPseudonym: "pseudonym", OIDOrganizationID: "organizationIdentifier",
	OIDEmailAddress: "E", OIDDomainComponent: "DC", OIDUserID: "UID",
}

// AttributeName is the short name of an attribute type ("CN"); the dotted OID where it has none.
func AttributeName(t OID) string {
	if s, ok := attributeNames[t]; ok {
		return s
	}
	return string(t)
}

// String is the name for people in the order of RFC 4514 (last RDN first). Letters of every script stand as they are;
// control and formatting characters are escaped as hex, so that no name can paint over the line it is shown in.
func (n Name) String() string {
	if n.text != "" {
		return n.text
	}
	var out strings.Builder
	out.Grow(len(n.Raw) + 16)
	for i := len(n.RDNs) - 1; i >= 0; i-- {
		for j, a := range n.RDNs[i] {
			switch {
			case j > 0:
				out.WriteByte('+')
			case i < len(n.RDNs)-1:
				out.WriteByte(',')
			}
			out.WriteString(AttributeName(a.Type))
			out.WriteByte('=')
			if isString(a.Tag) {
				writeEscaped(&out, a.Value)
			} else {
				out.WriteString(a.Value)
			}
		}
	}
	return out.String()
}

// special reports a character that RFC 4514 §2.4 escapes wherever it stands.
func special(s string) bool {
	for i := range len(s) {
		switch s[i] {
		case '"', '+', ',', ';', '<', '>', '\\':
			return true
		}
	}
	return false
}

// writeEscaped is RFC 4514 §2.4.
func writeEscaped(out *strings.Builder, s string) {
	if plain(s) && !special(s) && s != "" && s[0] != '#' && s[0] != ' ' && s[len(s)-1] != ' ' {
		out.WriteString(s)
		return
	}
	for i, r := range s {
		last := i+utf8.RuneLen(r) == len(s)
		switch {
		case special(string(r)), r == '#' && i == 0, r == ' ' && (i == 0 || last):
			out.WriteByte('\\')
			out.WriteRune(r)
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co):
			for _, c := range []byte(string(r)) {
				fmt.Fprintf(out, "\\%02X", c)
			}
		default:
			out.WriteRune(r)
		}
	}
}
