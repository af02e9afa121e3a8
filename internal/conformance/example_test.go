// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"fmt"
	"os"

	"rastau/internal/conformance"
)

// A score is a table, with every disagreement named under it.
func Example() {
	conformance.Text(os.Stdout, []*conformance.Result{{Suite: "pkits", Cases: 249, Agree: 248, Failures: []string{"4.1.1: TOTAL-FAILED, expected valid"}}})
	fmt.Println("whole:", (&conformance.Result{}).Whole())
	// Output:
	// pkits: 248/249 agree, 0 waived, 0 wrongly accepted; slowest case 0s
	//   DISAGREES 4.1.1: TOTAL-FAILED, expected valid
	// whole: true
}
