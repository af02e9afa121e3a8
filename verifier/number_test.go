// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"strings"
	"testing"
	"time"

	"rastau/internal/identity"
	"rastau/internal/testpki"
	"rastau/verifier"
)

// What cannot be a real number is told, names the number nowhere, and refuses nobody.
func TestImpossibleNumbers(t *testing.T) {
	h := newHouse(t)
	born := func(y int) string { return identity.NewIIN(time.Date(y, 4, 12, 0, 0, 0, 0, time.UTC), true, 7) }
	for _, tt := range []struct{ name, iin, bin, word string }{
		{"real", iin, bin, ""},
		{"no BIN", iin, "", ""},
		{"century not told", "880412000007", bin, ""},
		{"nothing but zeros", "000000000000", bin, "date of birth"},
		{"month 13", "881312300007", bin, "date of birth"},
		{"29 February of no leap year", "010229500007", bin, "date of birth"},
		{"century to come", "880412900007", bin, "century"},
		{"a body's number as IIN", bin, bin, "fifth digit"},
		{"born after the certificate was issued", born(2030), bin, "not born"},
		{"born too long ago", born(1880), bin, "130"},
		{"a BIN of zeros", iin, "000000000000", "kind of body"},
		{"a person's number as BIN", iin, iin, "kind of body"},
		{"no kind of body", iin, "150970000007", "kind of body"},
		{"registered in month 13", iin, "151340000007", "month of registration"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := h.person(t, func(l *testpki.Leaf) { l.IIN, l.BIN = tt.iin, tt.bin })
			q := h.ask()
			q.IIN, q.BIN = tt.iin, tt.bin
			r := h.v.Document(t.Context(), sign(t, k), q)
			if r.Indication != passed {
				t.Errorf("%s/%s", r.Indication, r.SubIndication)
			}
			found := findings(r, "holder.number")
			if len(found) != 1 {
				t.Fatalf("%d findings", len(found))
			}
			f := found[0]
			if tt.word == "" && f.Outcome != verifier.Pass || tt.word != "" && f.Outcome != verifier.Warn || !strings.Contains(f.Detail(), tt.word) {
				t.Errorf("%s %s", f.Outcome, f.Detail())
			}
			if strings.Contains(f.Detail(), tt.iin) {
				t.Error("the sentence repeats the number")
			}
		})
	}
}
