// SPDX-License-Identifier: Apache-2.0

package page

import (
	_ "embed"
	"fmt"
)

// The fonts are subsets (fonts/subset.sh) under the SIL Open Font License.
var (
	//go:embed fonts/NotoSans-Regular.ttf
	regular []byte
	//go:embed fonts/NotoSans-Bold.ttf
	bold []byte
)

// covered says whether the embedded fonts draw r; the ranges are those of fonts/subset.sh.
func covered(r rune) bool {
	switch {
	case r >= 0x20 && r <= 0x7e, r >= 0xa0 && r <= 0xff, r >= 0x0400 && r <= 0x04ff,
		r >= 0x2010 && r <= 0x2015, r >= 0x2018 && r <= 0x201e:
		return true
	}
	switch r {
	case '•', '…', '‰', '‹', '›', '€', '₸', '№':
		return true
	}
	return false
}

// LetterError names a letter that the licence's font cannot draw: printing a box in its place would change a name.
type LetterError struct {
	Field string
	Rune  rune
}

func (e *LetterError) Error() string {
	return fmt.Sprintf("the licence's font has no letter %q (U+%04X), which stands in %s", e.Rune, e.Rune, e.Field)
}

// CheckText says whether the licence can show a text: nil or a *LetterError that names field.
func CheckText(field, text string) error {
	for _, r := range text {
		if !covered(r) {
			return &LetterError{Field: field, Rune: r}
		}
	}
	return nil
}
