// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"rastau/internal/pki"
)

// nearMisses bounds the paths by name alone that are judged where no path of
// signatures exists: they only explain.
const nearMisses = 4

// maxNamed bounds the certificates that are reached by name alone.
const maxNamed = 256

// Find returns candidate paths, best first: valid ones, then those that fail
// only by validity, then by fewest failures. The order and outcome do not
// depend on the order of the bag. Where signatures lead to no anchor but names
// do, the paths that come nearest are returned with the signatures that fail.
//
// Where there is no path, hint is an English sentence that says what came
// nearest; otherwise it is empty. A leaf equal to an anchor's certificate is a
// path of that one certificate, of which only the validity period is judged.
// A cancelled ctx ends the search: what was found by then is returned, and
// signatures not checked are failures.
func Find(ctx context.Context, q Query) (paths []Path, hint string) {
	switch {
	case q.Leaf == nil:
		return nil, "No certificate was given to find a path for."
	case q.At.IsZero():
		return nil, "No time to judge the path at was given."
	case len(q.Anchors) == 0:
		return nil, "No anchors are configured."
	}
	if i := slices.IndexFunc(q.Anchors, func(a Anchor) bool { return a.is(q.Leaf) }); i >= 0 {
		return []Path{judgeAnchorAsLeaf(&q, q.Anchors[i])}, ""
	}

	limits := q.Limits.withDefaults()
	g := newGraph(ctx, q, limits)
	g.climb(g.issuersBySignature, len(q.Candidates)+1)
	if g.leaf.distance == 0 {
		hint = g.hint()
		if g.err != nil {
			return nil, hint
		}
		limits.Paths = min(limits.Paths, nearMisses)
		g.climb(g.issuersByName, maxNamed)
	}
	comparisons := maxComparisons
	for _, walk := range g.walk(limits) {
		paths = append(paths, validate(&g.q, &g.sigs, &comparisons, walk.certificates, &q.Anchors[walk.anchor]))
	}
	sortPaths(paths)
	switch {
	case len(paths) > 0:
		return paths, ""
	case hint == "":
		hint = fmt.Sprintf("Of the ways that lead on from %q none was found that reaches an anchor without passing one name and key twice.", q.Leaf.Subject)
	}
	return nil, hint
}

// walk is one way up the graph.
type walk struct {
	certificates []*pki.Certificate
	anchor       int
}

// walk lists the ways from the leaf to an anchor, the shortest first and among those of
// one length in the order in which issuers are tried, none with the same name and key
// twice. Depth first alone would spend its steps in a mesh of cross-certificates and
// never come to the short way beside it.
func (g *graph) walk(limits Limits) []walk {
	var out []walk
	trail := make([]*vertex, 0, 4)
	stands := func(e *entity, on []*vertex) bool {
		return slices.ContainsFunc(on, func(v *vertex) bool { return v.self == e })
	}
	steps, length, longer := 0, 0, false // longer: some way does not end within length
	var step func(*vertex)
	step = func(v *vertex) {
		if steps++; steps > maxSteps || len(out) >= limits.Paths {
			return
		}
		trail = append(trail, v)
		defer func() { trail = trail[:len(trail)-1] }()
		for _, e := range v.up {
			if len(trail) < length || stands(e, trail[1:]) { // the leaf may be another certificate of the anchor's own
				continue
			}
			for _, anchor := range e.anchors {
				if len(out) < limits.Paths {
					out = append(out, walk{certificatesOf(trail), anchor})
				}
			}
		}
		for _, e := range v.up {
			if stands(e, trail) {
				continue
			}
			for _, w := range e.certificates {
				switch whole := len(trail) + w.distance; {
				case w.distance == 0 || whole > limits.Depth:
				case whole > length:
					longer = true
				default:
					step(w)
				}
			}
		}
	}
	if g.leaf.distance == 0 {
		return nil
	}
	for length = g.leaf.distance; length <= limits.Depth; length++ {
		longer = false
		step(g.leaf)
		if !longer || steps > maxSteps || len(out) >= limits.Paths {
			break
		}
	}
	return out
}

func certificatesOf(trail []*vertex) []*pki.Certificate {
	out := make([]*pki.Certificate, len(trail))
	for i, v := range trail {
		out[i] = v.certificate
	}
	return out
}

// hint says how far the signatures led.
func (g *graph) hint() string {
	switch {
	case errors.Is(g.err, errLimit):
		return fmt.Sprintf("The search stopped after %d signature checks among %d certificates, before an anchor was reached.", g.limits.Signatures, g.bag)
	case g.err != nil:
		return fmt.Sprintf("The search was ended before an anchor was reached: %v.", g.err)
	}
	// The farthest certificate, and of those the likeliest, came nearest.
	far := g.leaf
	for _, v := range g.reached {
		if v.depth > far.depth {
			far = v
		}
	}
	c := far.certificate
	keys := len(g.options(far))
	sentence := ""
	switch {
	case g.tooDeep:
		sentence = fmt.Sprintf("A path may have %d certificates, and no anchor was reached within that many; the next is %q.", g.limits.Depth, c.Subject)
	case keys == 0 && c.SelfIssued():
		sentence = fmt.Sprintf("The path ends at %q, which names itself as its issuer and is not an anchor.", c.Subject)
	case keys == 0:
		sentence = fmt.Sprintf("No certificate and no anchor is named %q, the issuer of %q.", c.Issuer, c.Subject)
	default:
		sentence = fmt.Sprintf("Keys known of %q: %d; none of them made the signature of %q or leads to an anchor.", c.Issuer, keys, c.Subject)
	}
	if g.leftOver > 0 {
		sentence += fmt.Sprintf(" Of the certificates given, %d were not looked at: the limit is %d.", g.leftOver, g.limits.Candidates)
	}
	return sentence
}
