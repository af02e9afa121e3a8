// SPDX-License-Identifier: Apache-2.0

// Package identity answers what Kazakhstan's 12-digit identification numbers say of themselves: the individual one (IIN)
// of a person, the business one (BIN) of a body.
//
// The numbers are those of the Law "On national registers of identification numbers" of 12 January 2007; their make-up is
// read as the state publishes it. The check digit is told, never enforced: the numbers of the official test contour fail
// it. Whether a number was ever issued, and to whom, only the state's registers know.
package identity

import (
	"errors"
	"strings"
	"time"
)

// ErrFormat: the text is not exactly twelve ASCII digits.
var ErrFormat = errors.New("an identification number has exactly twelve digits")

// Kind tells the two numbers apart by the fifth digit: the tens of a day of birth in an IIN, the type of body in a BIN.
type Kind int

// The kinds of number.
const (
	KindUnknown Kind = iota
	IIN
	BIN
)

func (k Kind) String() string {
	switch k {
	case IIN:
		return "IIN"
	case BIN:
		return "BIN"
	}
	return "unknown"
}

// Bodies and units that a BIN names.
const (
	BodyResident        = "resident"
	BodyNonResident     = "non-resident"
	BodyJointEnterprise = "joint-enterprise"

	UnitHeadOffice           = "head-office"
	UnitBranch               = "branch"
	UnitRepresentativeOffice = "representative-office"
	UnitFarm                 = "farm"
)

// Number is a 12-digit identification number, as far as its digits can be read.
type Number struct {
	Digits       string
	Kind         Kind
	CheckDigitOK bool       // a warning when false, never a refusal: the official test numbers fail it
	Born         *time.Time // IIN: date of birth, nil where century or date cannot be read
	Sex          string     // IIN: "m", "f", ""
	Registered   *time.Time // BIN: first day of the month of registration
	Body         string     // BIN: resident, non-resident, joint-enterprise
	Unit         string     // BIN: head-office, branch, representative-office, farm
}

// Parse reads exactly twelve ASCII digits; anything else is ErrFormat (look-alike letters and digits included).
func Parse(s string) (Number, error) {
	if !digits(s, 12) {
		return Number{}, ErrFormat
	}
	check, issued := CheckDigit(s[:11])
	n := Number{Digits: s, CheckDigitOK: issued && check == s[11]}
	switch s[4] {
	case '0', '1', '2', '3':
		n.Kind = IIN
		n.readPerson()
	case '4', '5', '6':
		n.Kind = BIN
		n.readBody()
	}
	return n, nil
}

// readPerson reads YYMMDD and the digit of century and sex; a 0 there is met in practice and says neither.
func (n *Number) readPerson() {
	century, sex := "", ""
	switch n.Digits[6] {
	case '1', '2':
		century = "18"
	case '3', '4':
		century = "19"
	case '5', '6':
		century = "20"
	}
	if century == "" {
		return
	}
	if sex = "m"; (n.Digits[6]-'0')%2 == 0 {
		sex = "f"
	}
	n.Sex = sex
	if t, err := time.Parse("20060102", century+n.Digits[:6]); err == nil {
		n.Born = &t
	}
}

// readBody reads YYMM of registration, the type of body and the kind of unit.
func (n *Number) readBody() {
	century := "20"
	if n.Digits[0] >= '5' { // no body of the 1950s to 1990s is confused with one of this century before 2050
		century = "19"
	}
	if t, err := time.Parse("200601", century+n.Digits[:4]); err == nil {
		n.Registered = &t
	}
	n.Body = map[byte]string{'4': BodyResident, '5': BodyNonResident, '6': BodyJointEnterprise}[n.Digits[4]]
	n.Unit = map[byte]string{'0': UnitHeadOffice, '1': UnitBranch, '2': UnitRepresentativeOffice, '3': UnitFarm}[n.Digits[5]]
}

func digits(s string, count int) bool {
	return len(s) == count && strings.Trim(s, "0123456789") == ""
}
