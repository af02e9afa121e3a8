// SPDX-License-Identifier: Apache-2.0

package phrase

// Lang is a language of the interface.
type Lang string

// The languages of the catalogue.
const (
	KK Lang = "kk"
	RU Lang = "ru"
	EN Lang = "en"
)

// ParseLang reads "kk", "ru" or "en"; ok is false for anything else.
func ParseLang(s string) (l Lang, ok bool) {
	switch l = Lang(s); l {
	case KK, RU, EN:
		return l, true
	}
	return "", false
}
