// SPDX-License-Identifier: Apache-2.0

package pki_test

import (
	"errors"
	"testing"

	"rastau/internal/pki"
)

func name(t testing.TB, attributes ...attribute) pki.Name {
	t.Helper()
	n, err := pki.ParseName(subject(t, attributes...))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNameEqual(t *testing.T) {
	cn := func(tag int, s string) attribute { return attribute{pki.OIDCommonName, str(tag, s)} }
	for _, test := range []struct {
		name string
		a, b []attribute
		want bool
	}{
		{"the same", []attribute{cn(12, "Үлгі")}, []attribute{cn(12, "Үлгі")}, true},
		{"letter case", []attribute{cn(12, "ҮЛГІ Қ")}, []attribute{cn(12, "үлгі қ")}, true},
		{"white space", []attribute{cn(19, "  A   B ")}, []attribute{cn(12, "A B")}, true},
		{"white space of other scripts", []attribute{cn(12, "A\u00a0\u3000B")}, []attribute{cn(12, "A B")}, true},
		{"string types", []attribute{cn(19, "Demo")}, []attribute{cn(30, "\x00D\x00e\x00m\x00o")}, true},
		{"composed and decomposed", []attribute{cn(12, "\u0439")}, []attribute{cn(12, "\u0438\u0306")}, true},
		{"full width", []attribute{cn(12, "Ａ１")}, []attribute{cn(12, "a1")}, true},
		{"sharp s", []attribute{cn(12, "straße")}, []attribute{cn(12, "STRASSE")}, true},
		{"unseen marks", []attribute{cn(12, "A\u00adB\u200b")}, []attribute{cn(12, "AB")}, true},
		{"look-alike letters", []attribute{cn(12, "АВС")}, []attribute{cn(12, "ABC")}, false},
		{"another type", []attribute{cn(12, "A")}, []attribute{{pki.OIDSurname, str(12, "A")}}, false},
		{"order", []attribute{cn(12, "A"), cn(12, "B")}, []attribute{cn(12, "B"), cn(12, "A")}, false},
		{"shorter", []attribute{cn(12, "A"), cn(12, "B")}, []attribute{cn(12, "A")}, false},
		{"moved boundary", []attribute{cn(12, "A"), cn(12, "B")}, []attribute{cn(12, "A1:B")}, false},
		{"binary", []attribute{{pki.OIDCommonName, 5}}, []attribute{{pki.OIDCommonName, 5}}, true},
		{"binary differs", []attribute{{pki.OIDCommonName, 5}}, []attribute{{pki.OIDCommonName, 6}}, false},
		{"binary and its own hex", []attribute{{pki.OIDCommonName, 5}}, []attribute{cn(12, "#020105")}, false},
		{"empty", nil, nil, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, b := name(t, test.a...), name(t, test.b...)
			if a.Equal(b) != test.want || (a.CanonicalKey() == b.CanonicalKey()) != test.want {
				t.Errorf("%q and %q: %v", a, b, !test.want)
			}
			bare := pki.Name{RDNs: a.RDNs}
			if !bare.Equal(a) || a.Empty() != (len(test.a) == 0) {
				t.Error("a name made by hand differs from the one read")
			}
		})
	}
}

func TestNameString(t *testing.T) {
	for _, test := range []struct {
		name string
		in   []attribute
		want string
	}{
		{"last first", []attribute{{pki.OIDCountry, "KZ"}, {pki.OIDCommonName, "ҮЛГІЛІ ҚАРАҒОЗ"}}, "CN=ҮЛГІЛІ ҚАРАҒОЗ,C=KZ"},
		{"specials", []attribute{{pki.OIDCommonName, str(12, ` #a,b+c"d\e<f>;=`+" ")}}, `CN=\ #a\,b\+c\"d\\e\<f\>\;=\ `},
		{"leading number sign", []attribute{{pki.OIDCommonName, str(12, "#1")}}, `CN=\#1`},
		{"control characters", []attribute{{pki.OIDCommonName, str(12, "a\x00b\r\n\x1b[2J\u202egpj")}}, `CN=a\00b\0D\0A\1B[2J\E2\80\AEgpj`},
		{"unknown type", []attribute{{"1.2.3", "x"}}, "1.2.3=x"},
		{"no string", []attribute{{pki.OIDCommonName, 5}}, "CN=#020105"},
		{"T61 as Latin-1", []attribute{{pki.OIDCommonName, str(20, "\xe9")}}, "CN=é"},
		{"BMP", []attribute{{pki.OIDCommonName, str(30, "\x04\x9a")}}, "CN=Қ"},
		{"Universal", []attribute{{pki.OIDCommonName, str(28, "\x00\x01\xf6\x00")}}, "CN=😀"},
		{"empty", nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := name(t, test.in...).String(); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

func TestMalformedNames(t *testing.T) {
	for what, der := range map[string][]byte{
		"bad UTF-8":      subject(t, attribute{pki.OIDCommonName, str(12, "\xc3")}),
		"odd BMP":        subject(t, attribute{pki.OIDCommonName, str(30, "\x00")}),
		"surrogate":      subject(t, attribute{pki.OIDCommonName, str(30, "\xd8\x00")}),
		"beyond Unicode": subject(t, attribute{pki.OIDCommonName, str(28, "\x00\x11\x00\x00")}),
		"eight bits":     subject(t, attribute{pki.OIDCommonName, str(19, "\x80")}),
		"trailing byte":  append(subject(t, attribute{pki.OIDCommonName, "a"}), 0),
		"empty RDN":      {0x30, 2, 0x31, 0},
		"no name":        {2, 1, 0},
		"no value":       {0x30, 9, 0x31, 7, 0x30, 5, 6, 3, 0x55, 4, 3},
		"too many":       subject(t, make513()...),
	} {
		if _, err := pki.ParseName(der); !errors.Is(err, pki.ErrMalformed) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func make513() []attribute {
	out := make([]attribute, 513)
	for i := range out {
		out[i] = attribute{pki.OIDCommonName, "a"}
	}
	return out
}

func TestNameWithin(t *testing.T) {
	c, o, u := attribute{pki.OIDCountry, "KZ"}, attribute{pki.OIDOrganization, "Үлгі"}, attribute{pki.OIDOrganizationalUnit, "A"}
	whole := name(t, c, o, u)
	for _, test := range []struct {
		what string
		base pki.Name
		want bool
	}{
		{"empty", pki.Name{}, true}, {"country", name(t, c), true}, {"itself", whole, true},
		{"letter case", name(t, attribute{pki.OIDCountry, "kz"}, o), true},
		{"the end", name(t, u), false}, {"longer", name(t, c, o, u, u), false},
	} {
		if got := whole.Within(test.base); got != test.want {
			t.Errorf("%s: %v", test.what, got)
		}
	}
	full, err := name(t, c, o).Append(whole.RDNs[2])
	if err != nil || !full.Equal(whole) {
		t.Errorf("%v, %v", full, err)
	}
}
