// SPDX-License-Identifier: Apache-2.0

package console

import (
	"testing"

	"rastau/internal/phrase"
)

// TestDecimalMark: a length is read with the mark of the language that the page is in.
func TestDecimalMark(t *testing.T) {
	for lang, want := range map[phrase.Lang]string{phrase.KK: "12,5", phrase.RU: "12,5", phrase.EN: "12.5"} {
		if got := words(field{Kind: "number", Label: "km", Value: "12.5"}, lang, ""); len(got) != 1 || got[0].Value != want {
			t.Errorf("%s: %v, want %s", lang, got, want)
		}
	}
}
