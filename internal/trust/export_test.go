// SPDX-License-Identifier: Apache-2.0

package trust

import "rastau/internal/pki"

// PolicySet runs policy processing alone over certificates, leaf first.
func PolicySet(q *Query, certificates []*pki.Certificate) (set []pki.OID, ok bool) {
	s := newPolicyState(q, len(certificates))
	ok = true
	for i := len(certificates) - 1; i >= 0; i-- {
		c := certificates[i]
		ok = s.enter(c, c.SelfIssued(), i == 0) && ok
		if i > 0 {
			ok = s.leave(c, c.SelfIssued()) && ok
		}
	}
	set, enough := s.finish(certificates[0], q.Policies)
	return set, ok && enough
}

// PolicyNodes counts the nodes that policy processing makes of certificates.
func PolicyNodes(certificates []*pki.Certificate) int {
	s := newPolicyState(&Query{}, len(certificates))
	for i := len(certificates) - 1; i >= 0; i-- {
		s.enter(certificates[i], false, i == 0)
		if i > 0 {
			s.leave(certificates[i], false)
		}
	}
	n := 0
	if s.graph != nil {
		for _, level := range s.graph.levels {
			n += len(level)
		}
	}
	return n
}

// ConstraintProblem judges the names of c by constraints, each standing for a CA.
func ConstraintProblem(c *pki.Certificate, constraints ...*pki.NameConstraints) string {
	left := maxComparisons
	n := &nameConstraints{comparisons: &left}
	for _, nc := range constraints {
		n.add(nc)
	}
	return n.check(c)
}

// WellFormed reports whether base may be the base of a subtree.
func WellFormed(base pki.GeneralName) bool { return isConstraint(base) }

// FormProblems counts what a certificate breaks in itself under a citation.
func FormProblems(c *pki.Certificate, citation string) (n int) {
	for _, p := range formProblems(c) {
		if p.citation == citation {
			n++
		}
	}
	return n
}
