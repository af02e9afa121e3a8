// SPDX-License-Identifier: Apache-2.0

package licensing_test

import "testing"

// BenchmarkRegister is one application from form to receipt: judged against
// live OCSP, stamped, receipt signed, two durable transactions.
func BenchmarkRegister(b *testing.B) {
	h := newHouse(b)
	key := h.person(b)
	for b.Loop() {
		app := h.draft(b)
		if _, err := h.service.Submit(b.Context(), applicant, app.ID, sign(b, key, app.Package, true)); err != nil {
			b.Fatal(err)
		}
	}
}
