// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"fmt"
	"time"
)

// weights of the first pass, and of the second where the first leaves 10.
var weights = [2][11]int{
	{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11},
	{3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2},
}

// CheckDigit computes the twelfth digit of the eleven given, as an ASCII digit; ok is false where the number is never
// issued (both passes leave 10) and where the input is not eleven ASCII digits.
func CheckDigit(eleven string) (d byte, ok bool) {
	if !digits(eleven, 11) {
		return 0, false
	}
	for _, pass := range weights {
		sum := 0
		for i, w := range pass {
			sum += w * int(eleven[i]-'0')
		}
		if sum %= 11; sum < 10 {
			return byte('0' + sum), true
		}
	}
	return 0, false
}

// NewIIN makes a valid number for tests and demos from a serial (0-9999, taken modulo 10000): the date of birth is given
// by the caller, so it is of no known person, though nothing can rule out that someone holds it. Where a number is never
// issued (about one in a hundred) the next serial's is given.
func NewIIN(born time.Time, male bool, serial int) string {
	mark := 1
	switch year := born.Year(); {
	case year >= 2000:
		mark = 5
	case year >= 1900:
		mark = 3
	}
	if !male {
		mark++
	}
	for ; ; serial++ {
		eleven := fmt.Sprintf("%s%d%04d", born.Format("060102"), mark, wrap(serial))
		if d, ok := CheckDigit(eleven); ok {
			return eleven + string(d)
		}
	}
}

// NewBIN makes the valid number of a resident's head office for tests and demos from a serial (0-9999, taken modulo
// 10000). Different serials give different numbers.
func NewBIN(registered time.Time, serial int) string {
	for lead := 9; ; lead-- { // the five digits hold one more than the serial needs: it steps past what is never issued
		eleven := fmt.Sprintf("%s40%d%04d", registered.Format("0601"), lead, wrap(serial))
		if d, ok := CheckDigit(eleven); ok {
			return eleven + string(d)
		}
	}
}

func wrap(serial int) int { return (serial%10000 + 10000) % 10000 }
