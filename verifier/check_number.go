// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"time"

	"rastau/internal/identity"
)

// greatestAge is more than anybody has reached.
const greatestAge = 130

// checkNumber: the IIN and BIN are made up as the State makes them: a date of birth
// that there is, a century, a kind of body. What cannot be a real number is told and
// decides nothing: the numbers of the official test contour are made up otherwise.
func checkNumber(_ context.Context, s *subject) []Finding {
	if !s.role.principal() {
		return nil
	}
	h := s.holder()
	var out []Finding
	judged := false
	if n, err := identity.Parse(h.IIN); err == nil {
		judged = true
		if why := impossibleIIN(n, s.cert.NotBefore); why != "" {
			out = append(out, warned(why).with(certificateEvidence(s.cert)))
		}
	}
	if n, err := identity.Parse(h.BIN); err == nil {
		judged = true
		if why := impossibleBIN(n); why != "" {
			out = append(out, warned(why).with(certificateEvidence(s.cert)))
		}
	}
	if judged && len(out) == 0 {
		return s.one(passed("finding.holder.number.plausible"))
	}
	return out
}

// impossibleIIN names the sentence that says why there can be no such number in a
// certificate issued then; empty where there can.
func impossibleIIN(n identity.Number, issued time.Time) string {
	if n.Kind != identity.IIN {
		return "finding.holder.number.iin-kind"
	}
	if n.Born == nil {
		if _, err := time.Parse("060102", n.Digits[:6]); err != nil {
			return "finding.holder.number.iin-birthdate"
		}
		switch n.Digits[6] {
		case '0': // met in practice; the century is then not told
			return ""
		case '1', '2', '3', '4', '5', '6': // 29 February of no leap year
			return "finding.holder.number.iin-birthdate"
		}
		return "finding.holder.number.iin-century"
	}
	if n.Born.After(issued) || n.Born.AddDate(greatestAge, 0, 0).Before(issued) {
		return "finding.holder.number.iin-age"
	}
	return ""
}

func impossibleBIN(n identity.Number) string {
	switch {
	case n.Body == "":
		return "finding.holder.number.bin-type"
	case n.Registered == nil:
		return "finding.holder.number.bin-registered"
	}
	return ""
}
