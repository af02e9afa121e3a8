// SPDX-License-Identifier: Apache-2.0

package pki_test

import (
	"crypto/x509"
	"encoding/asn1"
	"slices"
	"testing"

	"rastau/internal/identity"
	"rastau/internal/pki"
)

func TestHolderOf(t *testing.T) {
	iin, bin := identity.NewIIN(born, false, 42), identity.NewBIN(registered, 42)
	c := parsed(t, made(t, key("P-256"), person(t), func(x *x509.Certificate) {
		x.EmailAddresses = []string{"a@example.test"}
		x.UnknownExtKeyUsage = []asn1.ObjectIdentifier{pki.OIDRoleLegal.ASN1(), pki.OIDRoleHead.ASN1(), {1, 2, 3}, {1, 2, 3981}}
	}))
	h := pki.HolderOf(c)
	if h.IIN != iin || h.BIN != bin || h.CommonName != "ҮЛГІЛІ ҚАРАҒОЗ" || h.Surname != "ҮЛГІЛІ" || h.Patronymic != "ҒАЛЫМҚЫЗЫ" ||
		h.Organization != "«Үлгі» ЖШС" || h.Country != "KZ" || h.Email != "a@example.test" {
		t.Errorf("%+v", h)
	}
	if !slices.Equal(h.Roles, []pki.OID{pki.OIDRoleLegal, pki.OIDRoleHead}) {
		t.Errorf("roles %v", h.Roles)
	}
}

func TestHolderNumbers(t *testing.T) {
	n, other := identity.NewIIN(born, true, 7), identity.NewIIN(born, true, 8)
	for _, test := range []struct {
		name   string
		values []string
		iin    string
		iins   []string
	}{
		{"well formed", []string{"IIN" + n}, n, []string{n}},
		{"none", nil, "", nil},
		{"another serial number", []string{"PNOKZ-" + n, n, "12345", "11" + n}, "", nil},
		{"two", []string{"IIN" + n, "IIN" + other}, "", []string{n, other}},
		{"the same twice", []string{"IIN" + n, "IIN" + n}, "", []string{n, n}},
		{"lower case", []string{"iin" + n}, "", []string{"iin" + n}},
		{"Cyrillic letters", []string{"ІІN" + n}, "", []string{"ІІN" + n}},
		{"Greek letters", []string{"ΙΙΝ" + n}, "", []string{"ΙΙΝ" + n}},
		{"full width", []string{"ＩＩＮ" + n}, "", []string{"ＩＩＮ" + n}},
		{"Russian abbreviation", []string{"ИИН" + n}, "", []string{"ИИН" + n}},
		{"a genuine one beside the Russian abbreviation", []string{"IIN" + n, "ИИН" + other}, "", []string{n, "ИИН" + other}},
		{"a genuine one beside small capitals", []string{"IIN" + n, "ɪɪɴ" + other}, "", []string{n, "ɪɪɴ" + other}},
		{"letters with marks", []string{"I\u0323IN" + n}, "", []string{"I\u0323IN" + n}},
		{"a genuine one beside a look-alike", []string{"IIN" + n, "ІIN" + other}, "", []string{n, "ІIN" + other}},
		{"space", []string{"IIN " + n}, "", []string{" " + n}},
		{"space before", []string{" IIN" + n}, "", []string{" IIN" + n}},
		{"eleven digits", []string{"IIN" + n[:11]}, "", []string{n[:11]}},
		{"thirteen digits", []string{"IIN" + n + "0"}, "", []string{n + "0"}},
		{"Arabic digits", []string{"IIN" + "١" + n[1:]}, "", []string{"١" + n[1:]}},
		{"prefix alone", []string{"IIN"}, "", []string{""}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var attributes []attribute
			for _, v := range test.values {
				attributes = append(attributes, attribute{pki.OIDSerialNumber, str(12, v)})
			}
			h := pki.HolderOf(&pki.Certificate{Subject: name(t, attributes...)})
			if h.IIN != test.iin || !slices.Equal(h.IINs, test.iins) {
				t.Errorf("%q of %q, want %q of %q", h.IIN, h.IINs, test.iin, test.iins)
			}
		})
	}
	bin := identity.NewBIN(registered, 7)
	for _, test := range []struct {
		name   string
		values []string
		bin    string
		bins   []string
	}{
		{"beside a department", []string{"Бухгалтерия", "BINARY SYSTEMS", "BIN" + bin}, bin, []string{bin}},
		{"Cyrillic letter", []string{"ВIN" + bin}, "", []string{"ВIN" + bin}},
		{"lower case", []string{"bin" + bin}, "", []string{"bin" + bin}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var attributes []attribute
			for _, v := range test.values {
				attributes = append(attributes, attribute{pki.OIDOrganizationalUnit, str(12, v)})
			}
			h := pki.HolderOf(&pki.Certificate{Subject: name(t, attributes...)})
			if h.BIN != test.bin || !slices.Equal(h.BINs, test.bins) {
				t.Errorf("%q of %q, want %q of %q", h.BIN, h.BINs, test.bin, test.bins)
			}
		})
	}
}
