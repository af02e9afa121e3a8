// SPDX-License-Identifier: Apache-2.0

package trust_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rastau/internal/pki"
	"rastau/internal/trust"
)

// treeNode is a node of the valid_policy_tree as RFC 5280 §6.1 had it, before
// RFC 9618 made a graph of it.
type treeNode struct {
	policy   pki.OID
	expected []pki.OID
	parent   *treeNode
	children []*treeNode
	depth    int
}

func (n *treeNode) add(policy pki.OID, expected []pki.OID) {
	n.children = append(n.children, &treeNode{policy: policy, expected: expected, parent: n, depth: n.depth + 1})
}

func (n *treeNode) walk(see func(*treeNode)) {
	see(n)
	for _, c := range slices.Clone(n.children) {
		c.walk(see)
	}
}

func (n *treeNode) at(depth int) []*treeNode {
	var out []*treeNode
	n.walk(func(m *treeNode) {
		if m.depth == depth {
			out = append(out, m)
		}
	})
	return out
}

// prune removes childless nodes above depth and returns nil for an empty tree.
func (n *treeNode) prune(depth int) *treeNode {
	for {
		var dead *treeNode
		n.walk(func(m *treeNode) {
			if dead == nil && m.depth < depth && len(m.children) == 0 {
				dead = m
			}
		})
		switch {
		case dead == nil:
			return n
		case dead.parent == nil:
			return nil
		}
		dead.parent.children = slices.DeleteFunc(dead.parent.children, func(m *treeNode) bool { return m == dead })
	}
}

// treePolicies follows RFC 5280 §6.1.2–6.1.5 step by step with the tree.
func treePolicies(q *trust.Query, certificates []*pki.Certificate) (set []pki.OID, ok bool) {
	n := len(certificates)
	initial := func(zero bool) int {
		if zero {
			return 0
		}
		return n + 1
	}
	explicit, inhibitAny, mapping := initial(q.RequireExplicitPolicy), initial(q.InhibitAnyPolicy), initial(q.InhibitPolicyMapping)
	tree := &treeNode{policy: pki.OIDAnyPolicy, expected: []pki.OID{pki.OIDAnyPolicy}}
	ok = true
	for i := 1; i <= n; i++ {
		c := certificates[n-i]
		selfIssued := c.SelfIssued()
		if len(c.Policies) == 0 {
			tree = nil
		}
		if tree != nil {
			hasAny := false
			for _, p := range c.Policies {
				if p.OID == pki.OIDAnyPolicy {
					hasAny = true
					continue
				}
				matched := false
				for _, node := range tree.at(i - 1) {
					if slices.Contains(node.expected, p.OID) {
						node.add(p.OID, []pki.OID{p.OID})
						matched = true
					}
				}
				if !matched {
					for _, node := range tree.at(i - 1) {
						if node.policy == pki.OIDAnyPolicy {
							node.add(p.OID, []pki.OID{p.OID})
						}
					}
				}
			}
			if hasAny && (inhibitAny > 0 || i < n && selfIssued) {
				for _, node := range tree.at(i - 1) {
					for _, e := range node.expected {
						if !slices.ContainsFunc(node.children, func(m *treeNode) bool { return m.policy == e }) {
							node.add(e, []pki.OID{e})
						}
					}
				}
			}
			tree = tree.prune(i)
		}
		if explicit == 0 && tree == nil {
			ok = false
		}
		if i == n {
			break
		}
		subjects := map[pki.OID][]pki.OID{}
		var order []pki.OID
		for _, m := range c.PolicyMappings {
			if subjects[m.Issuer] == nil {
				order = append(order, m.Issuer)
			}
			subjects[m.Issuer] = append(subjects[m.Issuer], m.Subject)
		}
		if tree != nil {
			for _, issuer := range order {
				if mapping > 0 {
					found := false
					for _, node := range tree.at(i) {
						if node.policy == issuer {
							node.expected, found = subjects[issuer], true
						}
					}
					if !found {
						for _, node := range tree.at(i) {
							if node.policy == pki.OIDAnyPolicy {
								node.parent.add(issuer, subjects[issuer])
							}
						}
					}
					continue
				}
				for _, node := range tree.at(i) {
					if node.policy == issuer {
						node.parent.children = slices.DeleteFunc(node.parent.children, func(m *treeNode) bool { return m == node })
					}
				}
				if tree = tree.prune(i); tree == nil {
					break
				}
			}
		}
		if !selfIssued {
			explicit, mapping, inhibitAny = max(explicit-1, 0), max(mapping-1, 0), max(inhibitAny-1, 0)
		}
		if p := c.PolicyConstraints; p != nil {
			if p.RequireExplicit >= 0 {
				explicit = min(explicit, p.RequireExplicit)
			}
			if p.InhibitMapping >= 0 {
				mapping = min(mapping, p.InhibitMapping)
			}
		}
		if c.InhibitAnyPolicy >= 0 {
			inhibitAny = min(inhibitAny, c.InhibitAnyPolicy)
		}
	}
	explicit = max(explicit-1, 0)
	if p := certificates[0].PolicyConstraints; p != nil && p.RequireExplicit == 0 {
		explicit = 0
	}
	if tree != nil {
		tree.walk(func(m *treeNode) {
			if m.policy != pki.OIDAnyPolicy && m.parent.policy == pki.OIDAnyPolicy || m.policy == pki.OIDAnyPolicy && m.depth == n {
				set = append(set, m.policy)
			}
		})
	}
	if user := q.Policies; len(user) > 0 {
		if slices.Contains(set, pki.OIDAnyPolicy) {
			set = slices.Clone(user)
		} else {
			set = slices.DeleteFunc(set, func(o pki.OID) bool { return !slices.Contains(user, o) })
		}
	}
	slices.Sort(set)
	set = slices.Compact(set)
	return set, ok && (explicit > 0 || len(set) > 0)
}

// TestPolicyGraphIsTheTree: the graph of RFC 9618 says what the tree of RFC
// 5280 said, for any small path.
func TestPolicyGraphIsTheTree(t *testing.T) {
	oid := func(i int) pki.OID { return pki.OID(fmt.Sprintf("1.2.398.3.3.2.%d", i)) }
	name := func(s string) pki.Name {
		return pki.Name{RDNs: []pki.RDN{{{Type: pki.OIDCommonName, Tag: 12, Value: s}}}}
	}
	subsets := rapid.SliceOfNDistinct(rapid.IntRange(0, 4), 0, 4, rapid.ID)
	skip := rapid.IntRange(-1, 2)
	rare := rapid.SampledFrom([]bool{true, false, false, false})
	property := func(t *rapid.T) {
		q := &trust.Query{
			RequireExplicitPolicy: rapid.Bool().Draw(t, "explicit"),
			InhibitPolicyMapping:  rare.Draw(t, "no mapping"),
			InhibitAnyPolicy:      rare.Draw(t, "no any"),
		}
		for _, u := range subsets.Draw(t, "user") {
			if u > 0 {
				q.Policies = append(q.Policies, oid(u))
			}
		}
		certificates := make([]*pki.Certificate, rapid.IntRange(1, 5).Draw(t, "length"))
		for i := range certificates {
			c := &pki.Certificate{Issuer: name("CA"), Subject: name("CA"), InhibitAnyPolicy: -1}
			if !rare.Draw(t, "self-issued") {
				c.Subject = name(fmt.Sprint("CA ", i))
			}
			for _, p := range subsets.Draw(t, "policies") {
				policy := oid(p)
				if p == 0 {
					policy = pki.OIDAnyPolicy
				}
				c.Policies = append(c.Policies, pki.Policy{OID: policy})
			}
			type couple struct{ from, to int }
			for _, m := range rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) couple {
				return couple{rapid.IntRange(1, 4).Draw(t, "from"), rapid.IntRange(1, 4).Draw(t, "to")}
			}), 0, 4, rapid.ID).Draw(t, "mappings") {
				c.PolicyMappings = append(c.PolicyMappings, pki.PolicyMapping{Issuer: oid(m.from), Subject: oid(m.to)})
			}
			if rare.Draw(t, "constrained") {
				c.PolicyConstraints = &pki.PolicyConstraints{RequireExplicit: skip.Draw(t, "require"), InhibitMapping: skip.Draw(t, "inhibit")}
			}
			if rare.Draw(t, "inhibits any") {
				c.InhibitAnyPolicy = rapid.IntRange(0, 2).Draw(t, "any")
			}
			certificates[i] = c
		}
		wantSet, wantOK := treePolicies(q, certificates)
		set, ok := trust.PolicySet(q, certificates)
		if ok != wantOK || !sameSet(set, wantSet) {
			t.Fatalf("graph: %v %v, tree: %v %v", set, ok, wantSet, wantOK)
		}
	}
	for range 25 { // a hundred paths each: the corners are rare
		rapid.Check(t, property)
	}
}

// TestPolicyGraphStaysSmall: every CA maps each policy to every other, so that
// the tree would have 60^16 nodes.
func TestPolicyGraphStaysSmall(t *testing.T) {
	const policies, length = 60, 16
	asserted := []pki.Policy{{OID: pki.OIDAnyPolicy}}
	var mappings []pki.PolicyMapping
	for i := range policies {
		asserted = append(asserted, pki.Policy{OID: pki.OID(fmt.Sprintf("1.2.398.3.3.2.%d", i))})
		for j := range policies {
			mappings = append(mappings, pki.PolicyMapping{
				Issuer:  pki.OID(fmt.Sprintf("1.2.398.3.3.2.%d", i)),
				Subject: pki.OID(fmt.Sprintf("1.2.398.3.3.2.%d", j)),
			})
		}
	}
	certificates := make([]*pki.Certificate, length)
	for i := range certificates {
		certificates[i] = &pki.Certificate{Policies: asserted, PolicyMappings: mappings, InhibitAnyPolicy: -1}
	}
	started := time.Now()
	if n := trust.PolicyNodes(certificates); n != (policies+1)*length+1 {
		t.Errorf("%d nodes, expected one a policy and depth: %d", n, (policies+1)*length+1)
	}
	if spent := time.Since(started); spent > 2*time.Second {
		t.Errorf("took %v", spent)
	}
}
