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
