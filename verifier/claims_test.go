// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"strings"
	"testing"

	"rastau/internal/cms"
	"rastau/internal/pki"
	"rastau/verifier"
)

// text is a UTF8String.
func text(s string) []byte { return append([]byte{0x0c, byte(len(s))}, s...) }

// What a signer states is shown as his word, and neither helps nor harms the signature.
func TestClaims(t *testing.T) {
	h := newHouse(t)
	role := func(wrap func([]byte) []byte) []byte {
		attribute := sequence(oid("2.5.4.72"), set([][]byte{text("бас инспектор")}))
		return sequence(explicit(0, wrap(attribute)))
	}
	plain := func(b []byte) []byte { return b }
	for name, tt := range map[string]struct {
		kind     pki.OID
		value    []byte
		said     string // "" = nothing is
		citation string
	}{
		"commitment":           {"1.2.840.113549.1.9.16.2.16", sequence(oid("1.2.840.113549.1.9.16.6.5")), "meant for: proofOfApproval.", "EN 319 122-1 §5.2.3"},
		"commitment of others": {"1.2.840.113549.1.9.16.2.16", sequence(oid("1.2.3.4")), "meant for: 1.2.3.4.", "EN 319 122-1 §5.2.3"},
		"place":                {"1.2.840.113549.1.9.16.2.17", sequence(explicit(0, text("KZ")), explicit(1, text("Астана"))), "names: KZ, Астана.", "EN 319 122-1 §5.2.5"},
		"postal address":       {"1.2.840.113549.1.9.16.2.17", sequence(explicit(2, sequence(text("Мәңгілік Ел, 8"), text("010000")))), "names: Мәңгілік Ел, 8, 010000.", "EN 319 122-1 §5.2.5"},
		"role":                 {"0.4.0.19122.1.1", role(plain), "claims: бас инспектор.", "EN 319 122-1 §5.2.6"},
		"role, explicitly":     {"0.4.0.19122.1.1", role(func(b []byte) []byte { return sequence(b) }), "claims: бас инспектор.", "EN 319 122-1 §5.2.6"},
		"role, version 1":      {"1.2.840.113549.1.9.16.2.18", role(plain), "claims: бас инспектор.", "EN 319 122-1 §5.2.6"},
		"certified role":       {"0.4.0.19122.1.1", sequence(explicit(1, sequence(text("бас инспектор")))), "", ""},
		"no sequence":          {"1.2.840.113549.1.9.16.2.17", text("Астана"), "", ""},
		"no text":              {"1.2.840.113549.1.9.16.2.17", sequence(explicit(0, []byte{2, 1, 1})), "", ""},
		"letters that paint":   {"1.2.840.113549.1.9.16.2.17", sequence(explicit(1, text("a\u202eb"))), `a\u202eb`, "EN 319 122-1 §5.2.5"},
	} {
		t.Run(name, func(t *testing.T) {
			der := sign(t, h.person(t), func(o *cms.SignOptions) {
				o.Attributes = append(o.Attributes, cms.Attribute{Type: tt.kind, Values: [][]byte{tt.value}})
			})
			r := h.v.Document(t.Context(), der, h.ask())
			expect(t, r, passed, "", "")
			named := findings(r, "signature.claims")
			if tt.said == "" {
				if len(named) != 0 {
					t.Errorf("%+v", named)
				}
				return
			}
			if len(named) != 1 || named[0].Outcome != verifier.NotApplicable || named[0].Citation != tt.citation || !strings.Contains(named[0].Detail(), tt.said) {
				for _, f := range named {
					t.Errorf("%s %s %s", f.Outcome, f.Citation, f.Detail())
				}
				t.Errorf("want %q once", tt.said)
			}
		})
	}
}
