// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// A licence number is "KZ", two check digits, the document code of three
// letters and a serial of eight digits. The check digits are those of
// ISO 7064 MOD 97-10 by the rule of ISO 13616: with the first four characters
// moved behind and A=10 … Z=35, the number leaves the remainder 1.
const (
	numberCountry = "KZ"
	numberLength  = 15
	maxSerial     = 99_999_999
)

func checkCode(code string) error {
	if len(code) != 3 || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return errors.New("the licence code must be three Latin capital letters")
	}
	return nil
}

// ParseNumber checks a licence number: KZ + ISO 7064 MOD 97-10 + three letters + eight digits. The error is an *InputError.
func ParseNumber(s string) error {
	if len(s) != numberLength || !strings.HasPrefix(s, numberCountry) {
		return badInput("number", "a licence number is KZ, two digits, three Latin capital letters and eight digits")
	}
	if checkCode(s[4:7]) != nil || strings.Trim(s[2:4]+s[7:], "0123456789") != "" {
		return badInput("number", "a licence number is KZ, two digits, three Latin capital letters and eight digits")
	}
	// The rule allows 02 to 98 only; 00, 01 and 99 give the same remainder as
	// 97, 98 and 02 and would be a second spelling.
	if d := s[2:4]; d == "00" || d == "01" || d == "99" {
		return badInput("number", "no licence has these check digits")
	}
	if remainder(s[4:]+s[:4]) != 1 {
		return badInput("number", "the check digits do not agree with the rest: look for a mistyped character")
	}
	return nil
}

// licenceNumber makes the number of a serial, counted from 1.
func licenceNumber(code string, serial int64) (string, error) {
	if serial < 1 || serial > maxSerial {
		return "", fmt.Errorf("licence serial %d is outside 1 to %d", serial, maxSerial)
	}
	rest := fmt.Sprintf("%s%08d", code, serial)
	return fmt.Sprintf("%s%02d%s", numberCountry, 98-remainder(rest+numberCountry+"00"), rest), nil
}

// remainder is the number that the letters and digits spell, modulo 97.
func remainder(s string) int64 {
	var digits strings.Builder
	for _, r := range s {
		if r >= 'A' {
			fmt.Fprintf(&digits, "%d", r-'A'+10)
		} else {
			digits.WriteRune(r)
		}
	}
	n, ok := new(big.Int).SetString(digits.String(), 10)
	if !ok {
		return 0
	}
	return n.Mod(n, big.NewInt(97)).Int64()
}
