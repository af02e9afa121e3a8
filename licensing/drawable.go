// SPDX-License-Identifier: Apache-2.0

package licensing

import "rastau/internal/page"

// checkDrawable makes sure, before anybody signs the application, that the licence it asks for can be drawn: a name in
// letters that the licence's font does not have must be said now, not after weeks of review. Long texts go on on a next page.
func checkDrawable(a Applicant) error {
	for field, text := range map[string]string{"applicant.name": a.Name, "applicant.address": a.Address} {
		if err := page.CheckText(field, text); err != nil {
			return badInput(field, "the licence cannot be drawn: %v", err)
		}
	}
	return nil
}
