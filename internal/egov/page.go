// SPDX-License-Identifier: Apache-2.0

package egov

import (
	_ "embed"
	"html/template"
)

//go:embed pay.html
var payHTML string

// page is where an invoice of the sandbox is paid.
var page = template.Must(template.New("pay").Parse(payHTML))
