// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"

	"rastau/internal/identity"
)

// checkIIN and checkBIN: the number in the certificate is the number expected.
// Numbers alone are compared, never names, and only where exactly one well-formed
// number stands: of two, or of one with look-alike letters, nobody knows whose
// certificate it is. The sentences leave the numbers out.
func checkIIN(_ context.Context, s *subject) []Finding {
	if !s.role.principal() {
		return nil
	}
	h := s.holder()
	return compare(s, s.q.IIN, h.IIN, h.IINs, "finding.holder.iin.match", "finding.holder.iin.other",
		"finding.holder.iin.absent", "finding.holder.iin.several", "finding.holder.iin.malformed")
}

func checkBIN(_ context.Context, s *subject) []Finding {
	if !s.role.principal() {
		return nil
	}
	h := s.holder()
	return compare(s, s.q.BIN, h.BIN, h.BINs, "finding.holder.bin.match", "finding.holder.bin.other",
		"finding.holder.bin.absent", "finding.holder.bin.several", "finding.holder.bin.malformed")
}

func compare(s *subject, want, have string, all []string, match, other, none, several, malformed string) []Finding {
	if want == "" {
		return nil
	}
	refuse := func(key string) []Finding {
		return []Finding{failed(ChainConstraintsFailure, key).with(certificateEvidence(s.cert))}
	}
	switch {
	case len(all) == 0 && have == "":
		return refuse(none)
	case len(all) > 1:
		return refuse(several)
	case have == "":
		return refuse(malformed)
	case have != want:
		return refuse(other)
	}
	return s.one(passed(match))
}

// checkDigits: the numbers' check digits. A wrong one is told and decides nothing:
// numbers of the official test contour fail it, and so does a number that the State
// itself prints.
func checkDigits(_ context.Context, s *subject) []Finding {
	if !s.role.principal() {
		return nil
	}
	h := s.holder()
	var out []Finding
	for _, n := range []struct{ digits, wrong string }{
		{h.IIN, "finding.holder.checkdigit.iin"},
		{h.BIN, "finding.holder.checkdigit.bin"},
	} {
		if n.digits == "" {
			continue
		}
		if parsed, err := identity.Parse(n.digits); err != nil || !parsed.CheckDigitOK {
			out = append(out, warned(n.wrong).with(certificateEvidence(s.cert)))
		}
	}
	if len(out) == 0 && (h.IIN != "" || h.BIN != "") {
		return s.one(passed("finding.holder.checkdigit.valid"))
	}
	return out
}
