// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"strings"
	"testing"
)

// What is told to be plain has the fold that the whole preparation gives it, letter by
// letter and beside its neighbours.
func TestPlainNamesFoldAlike(t *testing.T) {
	n := 0
	for r := rune(1); r <= 0x24f0; r++ {
		for _, s := range []string{string(r), "a" + string(r) + "Б", string(r) + string(r+1)} {
			if !plain(s) {
				continue
			}
			n++
			if got, want := prepare(s), strings.Join(strings.Fields(fold(s)), " "); got != want {
				t.Errorf("%U: %q, want %q", r, got, want)
			}
		}
	}
	if n < 600 {
		t.Errorf("only %d texts are plain", n)
	}
}

// TestPlainKey holds the short way of preparing a text against the long one.
func TestPlainKey(t *testing.T) {
	taken := 0
	for _, s := range []string{"", " ", "a", "A b", "a  b", " a", "a ", "ҮЛГІБАЕВ ӘЛІ", "Ҥҩ ӀѢ", "ҰЛТТЫҚ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (RSA)", "a\u00a0b", "é", "Ab\u0483", "\t",
		strings.Repeat("Ж", 64), strings.Repeat("Ж", 61), strings.Repeat("z", 200)} {
		got, ok := plainKey(s)
		if !ok {
			continue
		}
		taken++
		if key, want := string(got.text[:got.n]), prepare(s); key != want {
			t.Errorf("%q: %q, not %q", s, key, want)
		}
	}
	for r := rune(' '); r < 0x500; r++ {
		s := "X" + string(r) + "Y"
		if got, ok := plainKey(s); ok {
			taken++
			if key, want := string(got.text[:got.n]), prepare(s); key != want {
				t.Errorf("%q: %q, not %q", s, key, want)
			}
		}
	}
	if taken < 300 {
		t.Errorf("only %d texts went the short way", taken)
	}
}
