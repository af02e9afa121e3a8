// SPDX-License-Identifier: Apache-2.0

package verifier

// The levels of EN 319 122-1 and EN 319 142-1, as far as their material is there.
const (
	levelNone = "none"
	levelB    = "B"
	levelT    = "T"
	levelLT   = "LT"
	levelLTA  = "LTA"
)

// level is told by the material, never by a label: B where the signer's certificate
// is bound by a signing-certificate attribute, T with a valid timestamp, LT with
// embedded data that decide the whole path, LTA where valid archive timestamps, or
// document timestamps, cover all that.
func (s *signature) level(chain judged, intact *bool) string {
	ess := s.signer.ESS()
	if len(s.remarks) > 0 || (intact != nil && !*intact) || !ess.Present || !ess.Valid || s.check.Reference != nil || s.check.Attributes != nil {
		return levelNone
	}
	return s.grade(chain)
}

// grade is the level of a signature whose signer is bound.
func (s *signature) grade(chain judged) string {
	switch {
	case s.stamped == nil:
		return levelB
	case !chain.embedded || chain.path == nil:
		return levelT
	case !s.archived || !chain.sealed:
		return levelLT
	}
	return levelLTA
}
