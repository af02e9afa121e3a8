// SPDX-License-Identifier: Apache-2.0

package identity_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rastau/internal/identity"
)

func day(y int, m time.Month, d int) *time.Time {
	t := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	return &t
}

// with gives eleven digits their check digit.
func with(t *testing.T, eleven string) string {
	t.Helper()
	d, ok := identity.CheckDigit(eleven)
	if !ok {
		t.Fatalf("%s is never issued", eleven)
	}
	return eleven + string(d)
}

func TestParse(t *testing.T) {
	for _, test := range []struct {
		name, in string
		want     identity.Number
	}{
		{"a man of the last century", with(t, "55010130001"), identity.Number{Kind: identity.IIN, Born: day(1955, 1, 1), Sex: "m"}},
		{"a woman of the last century", with(t, "55123140002"), identity.Number{Kind: identity.IIN, Born: day(1955, 12, 31), Sex: "f"}},
		{"a man of this century", with(t, "04022950003"), identity.Number{Kind: identity.IIN, Born: day(2004, 2, 29), Sex: "m"}},
		{"a woman of this century", with(t, "10060660004"), identity.Number{Kind: identity.IIN, Born: day(2010, 6, 6), Sex: "f"}},
		{"a man of the century before last", with(t, "99010110005"), identity.Number{Kind: identity.IIN, Born: day(1899, 1, 1), Sex: "m"}},
		{"a century that is not told", with(t, "55010100006"), identity.Number{Kind: identity.IIN}},
		{"a century to come", with(t, "55010170006"), identity.Number{Kind: identity.IIN}},
		{"29 February of no leap year", with(t, "03022950003"), identity.Number{Kind: identity.IIN, Sex: "m"}},
		{"month 13", with(t, "55130130001"), identity.Number{Kind: identity.IIN, Sex: "m"}},
		{"a resident's head office", with(t, "19034000001"), identity.Number{Kind: identity.BIN, Registered: day(2019, 3, 1), Body: "resident", Unit: "head-office"}},
		{"a non-resident's branch", with(t, "98125100001"), identity.Number{Kind: identity.BIN, Registered: day(1998, 12, 1), Body: "non-resident", Unit: "branch"}},
		{"a joint enterprise", with(t, "19036200001"), identity.Number{Kind: identity.BIN, Registered: day(2019, 3, 1), Body: "joint-enterprise", Unit: "representative-office"}},
		{"a farm", with(t, "19034300001"), identity.Number{Kind: identity.BIN, Registered: day(2019, 3, 1), Body: "resident", Unit: "farm"}},
		{"a unit that is not known", with(t, "19034900001"), identity.Number{Kind: identity.BIN, Registered: day(2019, 3, 1), Body: "resident"}},
		{"a body of month 0", with(t, "19004000001"), identity.Number{Kind: identity.BIN, Body: "resident", Unit: "head-office"}},
		{"neither", with(t, "19037000001"), identity.Number{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.want.Digits, test.want.CheckDigitOK = test.in, true
			got, err := identity.Parse(test.in)
			if err != nil || show(got) != show(test.want) {
				t.Errorf("%s, %v, want %s", show(got), err, show(test.want))
			}
			wrong := test.in[:11] + string('0'+(test.in[11]-'0'+1)%10)
			if n, err := identity.Parse(wrong); err != nil || n.CheckDigitOK || n.Kind != test.want.Kind {
				t.Errorf("a wrong check digit must only warn: %+v, %v", n, err)
			}
		})
	}
}

func show(n identity.Number) string {
	date := func(t *time.Time) string {
		if t == nil {
			return "-"
		}
		return t.Format(time.DateOnly)
	}
	return fmt.Sprint(n.Digits, n.Kind, n.CheckDigitOK, date(n.Born), n.Sex, date(n.Registered), n.Body, n.Unit)
}

func TestParseRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"nothing": "", "eleven": "55010130001", "thirteen": "5501013000111", "a letter O": "55O101300011", "a space": "550101 30001",
		"Arabic digits": "٥٥٠١٠١٣٠٠٠١١", "full-width digits": "５５０１０１３０００１１", "one look-alike": "55010130001１", "prefix": "IIN550101300", "sign": "-55010130001",
		"line end": "55010130001\n",
	} {
		if n, err := identity.Parse(in); !errors.Is(err, identity.ErrFormat) || n.Digits != "" {
			t.Errorf("%s: %+v, %v", name, n, err)
		}
	}
}

// TestCheckDigit holds sums worked out by hand.
func TestCheckDigit(t *testing.T) {
	for _, test := range []struct {
		eleven string
		d      byte
		ok     bool
	}{
		{"00000000000", '0', true},
		{"10000000000", '1', true},
		{"00000000001", '0', true}, // 11 leaves nothing
		{"00000000010", '1', true}, // 10, so the second pass: 1
		{"00000000281", 0, false},  // 10 in both passes
	} {
		if d, ok := identity.CheckDigit(test.eleven); d != test.d || ok != test.ok {
			t.Errorf("%s: %c, %v", test.eleven, d, ok)
		}
	}
	for _, bad := range []string{"", "1234567890", "123456789012", "1234567890a"} {
		if _, ok := identity.CheckDigit(bad); ok {
			t.Errorf("%q has a check digit", bad)
		}
	}
}

func TestNewNumbers(t *testing.T) {
	born, registered := *day(1987, 6, 5), *day(2019, 3, 1)
	bins, never := make(map[string]bool), 0
	for serial := range 10000 {
		for _, male := range []bool{true, false} {
			n, err := identity.Parse(identity.NewIIN(born, male, serial))
			if err != nil || !n.CheckDigitOK || n.Kind != identity.IIN || n.Born == nil || !n.Born.Equal(born) || (n.Sex == "m") != male {
				t.Fatalf("%d: %s, %v", serial, show(n), err)
			}
		}
		n, err := identity.Parse(identity.NewBIN(registered, serial))
		if err != nil || !n.CheckDigitOK || n.Kind != identity.BIN || n.Registered == nil || !n.Registered.Equal(registered) || n.Unit != identity.UnitHeadOffice {
			t.Fatalf("%d: %s, %v", serial, show(n), err)
		}
		bins[n.Digits] = true
		if _, ok := identity.CheckDigit(fmt.Sprintf("8706053%04d", serial)); !ok {
			never++
		}
	}
	if len(bins) != 10000 {
		t.Errorf("%d different BINs of 10000", len(bins))
	}
	if never == 0 {
		t.Error("no serial met the number that is never issued")
	}
	for _, serial := range []int{-1, 10000, 1 << 40} {
		if n, err := identity.Parse(identity.NewIIN(born, true, serial)); err != nil || !n.CheckDigitOK {
			t.Errorf("%d: %v", serial, err)
		}
	}
}

// TestOneDigit: the rule was made to catch one wrong digit, and does.
func TestOneDigit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := identity.NewBIN(*day(2019, 3, 1), rapid.IntRange(0, 9999).Draw(t, "serial"))
		at := rapid.IntRange(0, 9).Draw(t, "place") // the eleventh weighs 11, that is nothing, in the first pass
		other := []byte(n)
		other[at] = '0' + (other[at]-'0'+byte(rapid.IntRange(1, 9).Draw(t, "step")))%10
		was, _ := identity.Parse(n)
		is, err := identity.Parse(string(other))
		if err != nil || !was.CheckDigitOK {
			t.Fatal(err)
		}
		first := func(s string) int {
			sum := 0
			for i := range 11 {
				sum += (i + 1) * int(s[i]-'0')
			}
			return sum % 11
		}
		if first(n) < 10 && first(string(other)) < 10 && is.CheckDigitOK {
			t.Fatalf("%s and %s both pass", n, other)
		}
	})
}

func FuzzParse(f *testing.F) {
	seeds := []string{identity.NewIIN(*day(1987, 6, 5), true, 1), identity.NewBIN(*day(2019, 3, 1), 1), "", "IIN", "１２３"}
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := identity.Parse(s)
		if (err == nil) != (len(s) == 12 && n.Digits == s) {
			t.Fatalf("%q: %+v, %v", s, n, err)
		}
	})
}

func ExampleParse() {
	n, err := identity.Parse(identity.NewIIN(time.Date(1987, 6, 5, 0, 0, 0, 0, time.UTC), false, 42))
	fmt.Println(n.Kind, n.Born.Format(time.DateOnly), n.Sex, n.CheckDigitOK, err)
	_, err = identity.Parse("87060540042O")
	fmt.Println(err)
	// Output:
	// IIN 1987-06-05 f true <nil>
	// an identification number has exactly twelve digits
}
