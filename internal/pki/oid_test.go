// SPDX-License-Identifier: Apache-2.0

package pki_test

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"testing"

	"golang.org/x/crypto/cryptobyte"

	"rastau/internal/pki"
)

func TestOID(t *testing.T) {
	for dotted, der := range map[string][]byte{
		"1.2.840.113549.1.1.11": {6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0b},
		"0.0":                   {6, 1, 0},
		"0.39":                  {6, 1, 39},
		"1.0":                   {6, 1, 40},
		"2.0":                   {6, 1, 80},
		"2.999.3":               {6, 3, 0x88, 0x37, 3},
		"1.39":                  {6, 1, 79},
		"1.2.127":               {6, 2, 0x2a, 0x7f},
		"1.2.128":               {6, 3, 0x2a, 0x81, 0},
		"1.2.16383.0.16384":     {6, 7, 0x2a, 0xff, 0x7f, 0, 0x81, 0x80, 0},
		"1.2.999999999":         {6, 6, 0x2a, 0x83, 0xdc, 0xeb, 0x93, 0x7f}, // as large as the short way goes
		"1.2.1000000000":        {6, 6, 0x2a, 0x83, 0xdc, 0xeb, 0x94, 0},
		"2.25.340282366920938463463374607431768211455": append([]byte{6, 20, 0x69, 0x83}, append(bytes.Repeat([]byte{0xff}, 17), 0x7f)...),
	} {
		o, err := pki.ParseOID(dotted)
		if err != nil {
			t.Fatal(err)
		}
		got, err := o.DER()
		if err != nil || !bytes.Equal(got, der) {
			t.Errorf("%s: %x, %v, want %x", dotted, got, err, der)
		}
		s := cryptobyte.String(der)
		if back, err := pki.ReadOID(&s); err != nil || back != o || !s.Empty() {
			t.Errorf("%x: %s, %v", der, back, err)
		}
	}
	for _, bad := range []string{"", "1", "3.1", "1.40", "0.40", "1..2", "1.2.", ".1.2", "1.02", "1.-2", "1.+2", "1.2.a", "1. 2"} {
		if _, err := pki.ParseOID(bad); !errors.Is(err, pki.ErrMalformed) {
			t.Errorf("%q: %v", bad, err)
		}
		if _, err := pki.OID(bad).DER(); err == nil || pki.OID(bad).ASN1() != nil {
			t.Errorf("%q was encoded", bad)
		}
	}
	for _, bad := range [][]byte{{6, 0}, {6, 2, 0x80, 1}, {6, 1, 0x80}, {6, 3, 0x2a, 0x80, 1}, {5, 0}, append([]byte{6, 0x82, 1, 1}, make([]byte, 257)...)} {
		s := cryptobyte.String(bad)
		if o, err := pki.ReadOID(&s); !errors.Is(err, pki.ErrMalformed) {
			t.Errorf("%x: %s, %v", bad, o, err)
		}
	}
	std := asn1.ObjectIdentifier{1, 2, 398, 3}
	if o := pki.OIDOf(std); o != "1.2.398.3" || !o.ASN1().Equal(std) || !o.Under("1.2.398") || o.Under("1.2.39") {
		t.Error(o)
	}
}
