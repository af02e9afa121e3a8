// SPDX-License-Identifier: Apache-2.0

package walk_test

import "testing"

// TestPortal: applicants with accounts, from the first page to the opened licence.
func TestPortal(t *testing.T) {
	h := open(t)
	p := h.enters(t, "kk")
	p.logIn(h.person)
	p.begins("passenger-transport")
	draft := p.walks("sole-entrepreneur")
	number := p.signs()
	h.grants(t, "kk", number)
	p.receives(draft)
}
