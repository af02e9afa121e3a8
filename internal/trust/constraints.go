// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"fmt"
	"net/netip"

	"rastau/internal/pki"
)

// nameConstraints is the permitted_subtrees and excluded_subtrees of RFC 5280
// §6.1.2 (b), (c). Instead of intersecting subtrees it keeps the layer of each
// CA and asks a name to satisfy every layer, which comes to the same.
type nameConstraints struct {
	layers      []constraintLayer
	comparisons *int // left in this query
}

// constraintLayer is one CA's subtrees by name form (the tag of GeneralName).
type constraintLayer struct {
	permitted, excluded map[int][]pki.GeneralName
}

// add takes in a CA's extension, nil where it has none (RFC 5280 §6.1.4 (g)).
func (n *nameConstraints) add(nc *pki.NameConstraints) {
	if nc == nil {
		return
	}
	byForm := func(trees []pki.Subtree) map[int][]pki.GeneralName {
		m := make(map[int][]pki.GeneralName)
		for _, t := range trees {
			m[t.Base.Tag] = append(m[t.Base.Tag], t.Base)
		}
		return m
	}
	n.layers = append(n.layers, constraintLayer{byForm(nc.Permitted), byForm(nc.Excluded)})
}

// check returns a sentence about the first name of c that is not allowed, ""
// where all are.
func (n *nameConstraints) check(c *pki.Certificate) string {
	if len(n.layers) == 0 {
		return ""
	}
	if !c.Subject.Empty() {
		if p := n.checkName(pki.GeneralName{Tag: pki.DirectoryName, Dir: c.Subject}); p != "" {
			return p
		}
	}
	// §4.2.1.10 asks for the addresses in the subject where no
	// subjectAltName is there. They count always here: people read them.
	for _, mail := range c.Subject.Get(pki.OIDEmailAddress) {
		if p := n.checkName(pki.GeneralName{Tag: pki.RFC822Name, Text: mail}); p != "" {
			return p
		}
	}
	for _, name := range c.SubjectAltNames {
		if p := n.checkName(name); p != "" {
			return p
		}
	}
	return ""
}

func (n *nameConstraints) checkName(name pki.GeneralName) string {
	var match *matcher
	for _, layer := range n.layers {
		permitted, excluded := layer.permitted[name.Tag], layer.excluded[name.Tag]
		if len(permitted)+len(excluded) == 0 {
			continue // no constraint on this form
		}
		if match == nil {
			var ok bool
			if match, ok = newMatcher(name); !ok {
				return fmt.Sprintf("Names of the form of %q are constrained, and this one cannot be evaluated.", name)
			}
		}
		if *n.comparisons -= match.cost * (len(permitted) + len(excluded)); *n.comparisons < 0 {
			return "There are too many names and name constraints to compare."
		}
		for _, base := range excluded {
			if match.within(base) || match.mayMeet(base) {
				return fmt.Sprintf("The name %q lies in the excluded subtree %q.", name, base)
			}
		}
		if len(permitted) == 0 {
			continue
		}
		inside := false
		for _, base := range permitted {
			if match.within(base) {
				inside = true
				break
			}
		}
		if !inside {
			return fmt.Sprintf("The name %q lies in no permitted subtree.", name)
		}
	}
	return ""
}

// matcher is a name made ready to be compared with constraints of its form.
type matcher struct {
	cost    int
	within  func(base pki.GeneralName) bool
	mayMeet func(base pki.GeneralName) bool // some name it stands for is within base
}

// directoryCost is what comparing two distinguished names costs against two
// host names.
const directoryCost = 50

// newMatcher reports false where the name is malformed or its form is not
// evaluated: "the application MUST either process the constraint or reject the
// certificate" (RFC 5280 §4.2.1.10).
func newMatcher(name pki.GeneralName) (*matcher, bool) {
	never := func(pki.GeneralName) bool { return false }
	switch name.Tag {
	case pki.DirectoryName:
		return &matcher{directoryCost, func(b pki.GeneralName) bool { return name.Dir.Within(b.Dir) }, never}, true
	case pki.DNSName:
		return &matcher{1,
			func(b pki.GeneralName) bool { return belowHost(name.Text, b.Text) },
			func(b pki.GeneralName) bool { return wildcardMeets(name.Text, b.Text) },
		}, isDNSName(name.Text)
	case pki.RFC822Name:
		local, host, ok := splitMailbox(name.Text)
		return &matcher{1, func(b pki.GeneralName) bool { return inMail(local, host, b.Text) }, never}, ok
	case pki.URIName:
		host, ok := uriHost(name.Text)
		return &matcher{1, func(b pki.GeneralName) bool { return inHosts(host, b.Text) }, never}, ok
	case pki.IPName:
		addr, ok := netip.AddrFromSlice(name.Bytes)
		covers := func(b pki.GeneralName, a netip.Addr) bool {
			prefix, ok := prefixOf(b.Bytes)
			return ok && prefix.Contains(a)
		}
		return &matcher{1,
			func(b pki.GeneralName) bool { return covers(b, addr) },
			// ::ffff:192.0.2.1 reaches the host that 192.0.2.1 does.
			func(b pki.GeneralName) bool { return covers(b, addr.Unmap()) },
		}, ok
	}
	return nil, false
}
