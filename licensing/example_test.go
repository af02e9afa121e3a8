// SPDX-License-Identifier: Apache-2.0

package licensing_test

import (
	"fmt"
	"time"

	"rastau/licensing"
)

func ExampleParseNumber() {
	fmt.Println(licensing.ParseNumber("KZ18ZZZ00000001"))
	fmt.Println(licensing.ParseNumber("KZ18ZZZ00000010"))
	// Output:
	// <nil>
	// number: the check digits do not agree with the rest: look for a mistyped character
}

func ExampleCalendar_Deadline() {
	calendar, err := licensing.EmbeddedCalendar()
	if err != nil {
		fmt.Println(err)
		return
	}
	registered := time.Date(2026, 3, 13, 9, 0, 0, 0, calendar.Zone())
	deadline, err := calendar.Deadline(registered, 15)
	fmt.Println(deadline.In(calendar.Zone()).Format(time.DateOnly), err)
	// Output: 2026-04-08 <nil>
}

func ExampleLicenceState_After() {
	state, err := licensing.StateSuspended.After(licensing.MoveResume)
	fmt.Println(state, err)
	_, err = licensing.StateTerminated.After(licensing.MoveResume)
	fmt.Println(err)
	// Output:
	// resumed <nil>
	// not possible in this state: a licence that is "terminated" cannot be moved by "resume"
}
