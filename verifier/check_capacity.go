// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"slices"
	"strings"

	"rastau/internal/identity"
	"rastau/internal/pki"
)

// checkCapacity: the holder may act in the capacity that is asked for: the numbers
// that it needs stand in the certificate, each once and well formed, and its roles
// give the right (the matrix in applicant.go).
func checkCapacity(_ context.Context, s *subject) []Finding {
	if s.q.Applicant == "" || !s.role.principal() {
		return nil
	}
	refuse := func(key string, args ...string) []Finding {
		return []Finding{failed(ChainConstraintsFailure, key, args...).with(certificateEvidence(s.cert))}
	}
	c := capacityOf(s.q.Applicant)
	if c == nil {
		return refuse("finding.holder.capacity.undefined", "kind", string(s.q.Applicant))
	}
	h := s.holder()
	switch {
	case c.bin == forbidden && (len(h.BINs) > 0 || slices.ContainsFunc(h.Roles, legal)):
		return refuse("finding.holder.capacity.body")
	case c.iin == required && h.IIN == "":
		return refuse("finding.holder.capacity.iin")
	case c.bin == required && h.BIN == "":
		return refuse("finding.holder.capacity.bin")
	case len(h.Roles) == 0:
		return refuse("finding.holder.capacity.no-role")
	}
	inferior := slices.ContainsFunc(h.Roles, subordinate)
	switch {
	case c.serves(h.Roles) && (!c.subordinate || s.q.Subordinates), c.staff && s.q.Subordinates && inferior:
	case inferior:
		return refuse("finding.holder.capacity.subordinate")
	default:
		return refuse("finding.holder.capacity.role", "roles", roleNames(h.Roles))
	}
	if c.units != nil || c.bodies != nil {
		n, err := identity.Parse(h.BIN)
		switch {
		case err != nil, c.units != nil && !slices.Contains(c.units, n.Unit):
			return refuse("finding.holder.capacity.unit")
		case c.bodies != nil && !slices.Contains(c.bodies, n.Body):
			return refuse("finding.holder.capacity.joint")
		}
	}
	return s.one(passed("finding.holder.capacity.match", "kind", string(s.q.Applicant)))
}

// legal: roles of those who act for a body.
func legal(o pki.OID) bool { return o == pki.OIDRoleLegal || o.Under(pki.OIDRoleLegal) }

func subordinate(o pki.OID) bool { return slices.Contains(subordinates, o) }

// roleNames lists roles for the English remark.
func roleNames(roles []pki.OID) string {
	out := make([]string, len(roles))
	for i, r := range roles {
		out[i] = string(r)
	}
	return strings.Join(out, ", ")
}
