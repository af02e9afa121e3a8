// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Holder is the person or body named in a certificate (Kazakhstan's profile).
type Holder struct {
	CommonName, Surname, Patronymic, Organization, Email, Country string
	IIN, BIN                                                      string   // the number where exactly one well-formed value stands, else ""
	IINs, BINs                                                    []string // every value found, as written after the prefix
	Roles                                                         []OID    // 1.2.398.* extended key usages
}

// oidKazakhstan is the country's arc.
const oidKazakhstan OID = "1.2.398"

// HolderOf reads the subject: serialNumber "IIN" and 12 digits, organizational unit "BIN" and 12 digits, givenName the
// patronymic. A prefix in lower case or in look-alike letters gives no number: the value stands in IINs or BINs whole, as
// written, so that a check can show it, and while it stands there no other value is taken for the only one.
func HolderOf(c *Certificate) Holder {
	h := Holder{
		CommonName:   c.Subject.First(OIDCommonName),
		Surname:      c.Subject.First(OIDSurname),
		Patronymic:   c.Subject.First(OIDGivenName),
		Organization: c.Subject.First(OIDOrganization),
		Email:        c.Subject.First(OIDEmailAddress),
		Country:      c.Subject.First(OIDCountry),
	}
	for _, g := range c.SubjectAltNames {
		if h.Email == "" && g.Tag == RFC822Name {
			h.Email = g.Text
		}
	}
	h.IIN, h.IINs = numbers(c.Subject.Get(OIDSerialNumber), "IIN")
	h.BIN, h.BINs = numbers(c.Subject.Get(OIDOrganizationalUnit), "BIN")
	for _, o := range c.ExtKeyUsage {
		if o.Under(oidKazakhstan) {
			h.Roles = append(h.Roles, o)
		}
	}
	return h
}

// numbers collects what stands behind the prefix, and the number itself where it is the only candidate and well formed.
func numbers(values []string, prefix string) (only string, found []string) {
	wellFormed := ""
	for _, v := range values {
		rest, exact := strings.CutPrefix(v, prefix)
		switch {
		case exact && twelveDigits(rest):
			wellFormed = rest
			found = append(found, rest)
		case exact && (rest == "" || strings.ContainsFunc(rest, unicode.IsDigit)): // not "BINARY SYSTEMS"
			found = append(found, rest)
		case !exact && looksLike(v, prefix):
			found = append(found, v)
		}
	}
	if len(found) != 1 {
		return "", found
	}
	return wellFormed, found
}

func twelveDigits(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

// lookAlikes are letters of other scripts and digits that are taken for I, N and B on a screen.
var lookAlikes = strings.NewReplacer(
	"І", "I", "Ӏ", "I", "Ι", "I", "Į", "I", "İ", "I", "L", "I", "1", "I", "|", "I", "!", "I", "Ν", "N", "Ñ", "N", "И", "N",
	"В", "B", "Β", "B", "8", "B", "ß", "B", "Б", "B",
)

// looksLike reports a value that a person would read as prefix and digits though it is not written so: lower case,
// full-width, Cyrillic or Greek letters, spaces between. Three letters of which one is of another alphabet, before twelve
// digits, are one whatever they are: no table holds all that looks alike (Unicode UTS #39).
func looksLike(v, prefix string) bool {
	bare := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Mn) {
			return -1
		}
		return r
	}, strings.ToUpper(norm.NFKC.String(v)))
	runes := []rune(bare)
	if len(runes) <= len(prefix) {
		return false
	}
	head, rest := string(runes[:len(prefix)]), string(runes[len(prefix):])
	letters := strings.ContainsFunc(head, unicode.IsLetter) // a plain serial number is none
	foreign := strings.ContainsFunc(head, func(r rune) bool { return r > unicode.MaxASCII })
	number := len(runes) == len(prefix)+12 && strings.TrimFunc(rest, unicode.IsDigit) == ""
	return letters && (foreign && number || lookAlikes.Replace(head) == prefix && strings.ContainsFunc(rest, unicode.IsDigit))
}
