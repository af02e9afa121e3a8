// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"slices"

	"rastau/internal/pki"
)

// This file holds the policy half of RFC 5280 §6.1 as RFC 9618 §5 rewrites it.
// RFC 5280 speaks of a tree in which the same policy may stand in many nodes
// of one depth, which lets a few certificates of a few kilobytes ask for
// 2^depth nodes. The graph keeps one node a policy and depth, with as many
// parents as expect it, so that a certificate costs what it weighs.

// policyNode is one valid policy at one depth.
type policyNode struct {
	policy   pki.OID
	expected []pki.OID // expected_policy_set
	parents  []*policyNode
	children int

	// room for an expected set of the policy alone and for one parent, as most have
	itself [1]pki.OID
	parent [1]*policyNode
}

// policyGraph is the valid_policy_graph (RFC 9618 §5.1). A nil graph is NULL.
type policyGraph struct {
	levels [][]*policyNode // one depth each, without removed nodes

	// room for a usual path, of three certificates with one policy each
	depths [usualDepths][]*policyNode
	rows   [usualDepths][1]*policyNode
	nodes  [usualDepths]policyNode
	spare  []policyNode // of nodes
}

const usualDepths = 4

// node is a new one, whose parents are copied.
func (g *policyGraph) node(policy pki.OID, parents []*policyNode) *policyNode {
	n := take(&g.spare)
	n.policy, n.itself[0] = policy, policy
	n.expected, n.parents = n.itself[:], append(n.parent[:0], parents...)
	return n
}

// newPolicyGraph is the graph of RFC 9618 §5.1 (a): anyPolicy alone at depth 0.
func newPolicyGraph() *policyGraph {
	g := &policyGraph{}
	g.spare, g.rows[0][0] = g.nodes[:], g.node(pki.OIDAnyPolicy, nil)
	g.levels = append(g.depths[:0], g.rows[0][:])
	return g
}

func (g *policyGraph) top() []*policyNode { return g.levels[len(g.levels)-1] }

func nodeOf(level []*policyNode, policy pki.OID) *policyNode {
	for _, n := range level {
		if n.policy == policy {
			return n
		}
	}
	return nil
}

// wantedPolicies tells which nodes of a depth expect a policy.
type wantedPolicies struct {
	above []*policyNode
	nodes map[pki.OID][]*policyNode // where more than few are expected
}

func (w *wantedPolicies) index(above []*policyNode) {
	w.above = above
	count := 0
	for _, n := range above {
		count += len(n.expected)
	}
	if count <= few {
		return
	}
	w.nodes = make(map[pki.OID][]*policyNode)
	for _, n := range above {
		for _, e := range n.expected {
			w.nodes[e] = append(w.nodes[e], n)
		}
	}
}

// by lists the nodes that expect the policy, in room where that is enough; none where none does.
func (w *wantedPolicies) by(policy pki.OID, room []*policyNode) []*policyNode {
	if w.nodes != nil {
		return w.nodes[policy]
	}
	out := room[:0]
	for _, n := range w.above {
		for _, e := range n.expected {
			if e == policy {
				out = append(out, n)
			}
		}
	}
	return out
}

// extend adds the depth of a certificate that asserts policies (RFC 9618 §5.2,
// RFC 5280 §6.1.3 (d)) and returns the graph, nil where nothing is left of it.
// anyAllowed: anyPolicy in this certificate counts.
func (g *policyGraph) extend(policies []pki.Policy, anyAllowed bool) *policyGraph {
	above := g.top()
	var wanted wantedPolicies
	wanted.index(above)
	anyAbove := nodeOf(above, pki.OIDAnyPolicy)

	var level []*policyNode
	if depth := len(g.levels); depth < usualDepths {
		level = g.rows[depth][:0]
	}
	var room [few]*policyNode
	var listed map[pki.OID]bool // the policies of level, where they may be more than few
	if len(policies) > few || wanted.nodes != nil {
		listed = make(map[pki.OID]bool)
	}
	stands := func(policy pki.OID) bool {
		return listed[policy] || listed == nil && nodeOf(level, policy) != nil
	}
	add := func(policy pki.OID, parents []*policyNode) {
		if listed != nil {
			listed[policy] = true
		}
		for _, p := range parents {
			p.children++
		}
		level = append(level, g.node(policy, parents))
	}

	assertsAny := false
	for _, p := range policies {
		if p.OID == pki.OIDAnyPolicy {
			assertsAny = true
			continue
		}
		if stands(p.OID) { // a policy named twice is judged as the form of the certificate
			continue
		}
		if parents := wanted.by(p.OID, room[:]); len(parents) > 0 { // (d)(1)(i)
			add(p.OID, parents)
		} else if anyAbove != nil { // (d)(1)(ii)
			add(p.OID, append(room[:0], anyAbove))
		}
	}
	if assertsAny && anyAllowed { // (d)(2)
		for _, n := range above {
			for _, e := range n.expected {
				if !stands(e) {
					add(e, wanted.by(e, room[:]))
				}
			}
		}
	}
	g.levels = append(g.levels, level)
	return g.prune()
}

// prune removes the nodes above the last depth that have no child left
// (RFC 5280 §6.1.3 (d)(3)). An empty depth anywhere empties the whole: NULL.
func (g *policyGraph) prune() *policyGraph {
	for d := len(g.levels) - 2; d >= 0; d-- {
		g.levels[d] = slices.DeleteFunc(g.levels[d], func(n *policyNode) bool {
			if n.children > 0 {
				return false
			}
			for _, p := range n.parents {
				p.children--
			}
			return true
		})
	}
	if len(g.top()) == 0 {
		return nil
	}
	return g
}

// rewrite applies the policy mappings of a CA certificate to the last depth
// (RFC 5280 §6.1.4 (b), RFC 9618 §5.3). allowed: policy_mapping is above zero;
// otherwise the mapped policies are removed.
func (g *policyGraph) rewrite(mappings []pki.PolicyMapping, allowed bool) *policyGraph {
	last := len(g.levels) - 1
	if !allowed { // (b)(2)
		mapped := make(map[pki.OID]bool, len(mappings))
		for _, m := range mappings {
			mapped[m.Issuer] = true
		}
		g.levels[last] = slices.DeleteFunc(g.levels[last], func(n *policyNode) bool {
			if !mapped[n.policy] {
				return false
			}
			for _, p := range n.parents {
				p.children--
			}
			return true
		})
		return g.prune()
	}

	subjects := make(map[pki.OID][]pki.OID) // issuerDomainPolicy → subjectDomainPolicies
	met := make(map[pki.PolicyMapping]bool, len(mappings))
	var order []pki.OID
	for _, m := range mappings {
		if met[m] {
			continue
		}
		met[m] = true
		if subjects[m.Issuer] == nil {
			order = append(order, m.Issuer)
		}
		subjects[m.Issuer] = append(subjects[m.Issuer], m.Subject)
	}
	nodes := make(map[pki.OID]*policyNode, len(g.levels[last]))
	for _, n := range g.levels[last] {
		nodes[n.policy] = n
	}
	anyHere := nodes[pki.OIDAnyPolicy]
	for _, issuer := range order { // (b)(1)
		if n := nodes[issuer]; n != nil {
			n.expected = subjects[issuer]
		} else if anyHere != nil {
			for _, p := range anyHere.parents {
				p.children++
			}
			g.levels[last] = append(g.levels[last], &policyNode{policy: issuer, expected: subjects[issuer], parents: anyHere.parents})
		}
	}
	return g
}

// authorityConstrained is the authority-constrained-policy-set: the policies
// in the words of the anchor's own domain (RFC 9618 §5.4 (g)). Pruning has
// seen to it that each node in the graph leads down to the leaf.
func (g *policyGraph) authorityConstrained() []pki.OID {
	if g == nil {
		return nil
	}
	var set []pki.OID
	for _, level := range g.levels[1:] {
		for _, n := range level {
			if n.policy != pki.OIDAnyPolicy && nodeOf(n.parents, pki.OIDAnyPolicy) != nil {
				set = append(set, n.policy)
			}
		}
	}
	if nodeOf(g.top(), pki.OIDAnyPolicy) != nil {
		set = append(set, pki.OIDAnyPolicy)
	}
	slices.Sort(set)
	return slices.Compact(set)
}

// userConstrained is the user-constrained-policy-set (RFC 9618 §5.4 (g)): what
// the authorities allow of what the user asked for.
func (g *policyGraph) userConstrained(user []pki.OID) []pki.OID {
	authority := g.authorityConstrained()
	if len(user) == 0 || slices.Contains(user, pki.OIDAnyPolicy) {
		return authority
	}
	if slices.Contains(authority, pki.OIDAnyPolicy) {
		set := slices.Clone(user)
		slices.Sort(set)
		return slices.Compact(set)
	}
	return slices.DeleteFunc(authority, func(o pki.OID) bool { return !slices.Contains(user, o) })
}

// policyState carries the policy variables of RFC 5280 §6.1.2 down a path.
type policyState struct {
	graph    *policyGraph
	explicit int // explicit_policy
	anyLeft  int // inhibit_anyPolicy
	mapping  int // policy_mapping
}

func newPolicyState(q *Query, length int) policyState {
	from := func(inhibited bool) int { // §6.1.2 (d), (e), (f)
		if inhibited {
			return 0
		}
		return length + 1
	}
	return policyState{
		graph:    newPolicyGraph(),
		explicit: from(q.RequireExplicitPolicy),
		anyLeft:  from(q.InhibitAnyPolicy),
		mapping:  from(q.InhibitPolicyMapping),
	}
}

// enter takes one certificate's policies in (RFC 5280 §6.1.3 (d)–(f)) and
// reports whether a policy is left or none is needed.
func (s *policyState) enter(c *pki.Certificate, selfIssued, final bool) bool {
	switch {
	case len(c.Policies) == 0:
		s.graph = nil // (e)
	case s.graph != nil:
		s.graph = s.graph.extend(c.Policies, s.anyLeft > 0 || !final && selfIssued) // (d)
	}
	return s.explicit > 0 || s.graph != nil // (f)
}

// leave prepares for the certificate below a CA's (RFC 5280 §6.1.4 (a), (b),
// (h)–(j)) and reports whether its mappings are legal.
func (s *policyState) leave(c *pki.Certificate, selfIssued bool) bool {
	legal := true
	mappings := slices.DeleteFunc(slices.Clone(c.PolicyMappings), func(m pki.PolicyMapping) bool {
		special := m.Issuer == pki.OIDAnyPolicy || m.Subject == pki.OIDAnyPolicy // (a)
		legal = legal && !special
		return special
	})
	if s.graph != nil && len(mappings) > 0 {
		s.graph = s.graph.rewrite(mappings, s.mapping > 0) // (b)
	}
	if !selfIssued { // (h)
		s.explicit = max(s.explicit-1, 0)
		s.mapping = max(s.mapping-1, 0)
		s.anyLeft = max(s.anyLeft-1, 0)
	}
	if p := c.PolicyConstraints; p != nil { // (i)
		s.explicit = lower(s.explicit, p.RequireExplicit)
		s.mapping = lower(s.mapping, p.InhibitMapping)
	}
	s.anyLeft = lower(s.anyLeft, c.InhibitAnyPolicy) // (j)
	return legal
}

// finish ends the path at the leaf (RFC 5280 §6.1.5 (a), (b), (g)). It returns
// the user-constrained-policy-set and whether the path satisfies it.
func (s *policyState) finish(leaf *pki.Certificate, user []pki.OID) (set []pki.OID, ok bool) {
	s.explicit = max(s.explicit-1, 0) // (a)
	if p := leaf.PolicyConstraints; p != nil && p.RequireExplicit == 0 {
		s.explicit = 0 // (b)
	}
	set = s.graph.userConstrained(user) // (g)
	return set, s.explicit > 0 || len(set) > 0
}

// lower is the smaller of a counter and a constraint, -1 meaning no constraint.
func lower(counter, constraint int) int {
	if constraint >= 0 {
		return min(counter, constraint)
	}
	return counter
}
