// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"fmt"

	"rastau/console"
)

func ExampleHandler() {
	// Nothing works without the services behind the pages.
	_, err := console.Handler(console.Options{})
	fmt.Println(err)
	// Output: console: Service, Desk, Verifier, Question and Calendar are required
}
