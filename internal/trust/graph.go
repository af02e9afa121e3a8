// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"rastau/internal/pki"
)

// This file finds out which certificates of the bag stand above which, before
// any path is walked.
//
// Walking first and checking on the way is exponential in a bag of
// cross-certificates. Here every certificate that can be reached upwards from
// the leaf is asked once who signed it, and a signature is made by one key: as
// soon as one is found the other keys of that name are left alone. So a bag
// costs at most one pass of signature checks, which Limits.Signatures bounds,
// and what cannot lead to an anchor is known before the walk begins.

// entity is a name with a key: what a certificate is about, and what can
// issue. Cross-certificates share it.
type entity struct {
	key          *pki.PublicKey
	anchors      []int     // positions in Query.Anchors
	certificates []*vertex // in static order, best first
	distance     int       // the least of its certificates

	// room for what nearly every one has one of
	anchor      [1]int
	certificate [1]*vertex
}

// vertex is one certificate of the graph.
type vertex struct {
	certificate *pki.Certificate
	self        *entity
	seen        bool
	depth       int        // certificates between it and the leaf
	up          []*entity  // who may have issued it
	distance    int        // certificates from here to an anchor, this one counted; 0 = none is reached
	issuer      [1]*entity // room of up
}

// few is how many are looked through one by one, and not by a map: as many as a message
// brings that has no wish to be tiresome.
const few = 12

// named are the entities of one name (Name.CanonicalKey).
type named struct {
	name     string
	entities []*entity
	sole     [1]*entity // room for those of a name with one key
}

// nameTable is the entities by name.
type nameTable struct {
	all   []*named
	index map[string]*named // of all, where they are more than few
}

// of gives those of a name, nil where there are none.
func (t *nameTable) of(name string) *named {
	if t.index != nil {
		return t.index[name]
	}
	for _, n := range t.all {
		if n.name == name {
			return n
		}
	}
	return nil
}

// add makes room for the entities of a name that has none.
func (t *nameTable) add(n *named) {
	t.all = append(t.all, n)
	switch {
	case t.index != nil:
		t.index[n.name] = n
	case len(t.all) > few:
		t.index = make(map[string]*named, 2*len(t.all))
		for _, n := range t.all {
			t.index[n.name] = n
		}
	}
}

// graph is the bag and the anchors by name, and what has been learnt of them.
type graph struct {
	q        Query
	limits   Limits
	sigs     signatures
	names    nameTable
	leaf     *vertex
	reached  []*vertex // upwards from the leaf, nearest first
	err      error     // why the search stopped early
	tooDeep  bool      // certificates beyond Limits.Depth were not followed
	bag      int       // certificates looked at
	leftOver int       // certificates beyond Limits.Candidates
}

func newGraph(ctx context.Context, query Query, limits Limits) *graph {
	// What a usual question needs, in one piece: a leaf, its authority, one or two anchors.
	room := &struct {
		graph    graph
		entities [4]entity
		names    [4]named
		vertices [4]vertex
		all      [4]*named
		reached  [4]*vertex
	}{}
	g := &room.graph
	g.q, g.limits, g.names.all, g.reached = query, limits, room.all[:0], room.reached[:0]
	q := &g.q
	g.sigs.begin(ctx, q, limits.Signatures)
	entities, names, vertices := room.entities[:], room.names[:], room.vertices[:]
	type nameAndKey struct{ name, key string }
	var known map[nameAndKey]*entity // of names with several keys: a bag may hold thousands of one
	entityOf := func(name pki.Name, key *pki.PublicKey) *entity {
		at := name.CanonicalKey()
		of := g.names.of(at)
		switch {
		case of == nil:
			of = take(&names)
			of.name, of.entities = at, of.sole[:0]
			g.names.add(of)
		case bytes.Equal(of.entities[0].key.Raw, key.Raw):
			return of.entities[0]
		default:
			if e := known[nameAndKey{at, string(key.Raw)}]; e != nil {
				return e
			}
		}
		e := take(&entities)
		e.key, e.anchors, e.certificates = key, e.anchor[:0], e.certificate[:0]
		if of.entities = append(of.entities, e); len(of.entities) > 1 {
			if known == nil {
				known = make(map[nameAndKey]*entity)
			}
			known[nameAndKey{at, string(key.Raw)}] = e
		}
		return e
	}
	newVertex := func(c *pki.Certificate, self *entity) *vertex {
		v := take(&vertices)
		v.certificate, v.self = c, self
		return v
	}
	for i := range q.Anchors {
		a := &q.Anchors[i]
		e := entityOf(a.Name, &a.Key)
		// Certificates of one name and key differ only where they are judged.
		if len(e.anchors) == 0 || q.AnchorConstraints {
			e.anchors = append(e.anchors, i)
		}
	}

	g.leaf = newVertex(q.Leaf, entityOf(q.Leaf.Subject, &q.Leaf.PublicKey))
	var met map[[32]byte]bool // the certificates seen, where there are more than few
	if len(q.Candidates) > few {
		met = map[[32]byte]bool{q.Leaf.SHA256: true}
	}
	seen := func(i int, c *pki.Certificate) bool {
		if met != nil {
			was := met[c.SHA256]
			met[c.SHA256] = true
			return was
		}
		return c.SHA256 == q.Leaf.SHA256 ||
			slices.ContainsFunc(q.Candidates[:i], func(o *pki.Certificate) bool { return o != nil && o.SHA256 == c.SHA256 })
	}
	for i, c := range q.Candidates {
		if i >= limits.Candidates {
			g.leftOver = len(q.Candidates) - i
			break
		}
		if c == nil || seen(i, c) {
			continue
		}
		g.bag++
		e := entityOf(c.Subject, &c.PublicKey)
		if len(e.anchors) > 0 && c.SelfIssued() {
			continue // an anchor's own certificate, or one by its older or newer key: the anchor itself is nearer
		}
		e.certificates = append(e.certificates, newVertex(c, e))
	}
	for _, of := range g.names.all {
		for _, e := range of.entities {
			slices.SortStableFunc(e.certificates, func(a, b *vertex) int { return compareIssuers(a.certificate, b.certificate, q.At) })
		}
		slices.SortStableFunc(of.entities, func(a, b *entity) int {
			if c := cmp.Compare(min(1, len(b.anchors)), min(1, len(a.anchors))); c != 0 {
				return c
			}
			if len(a.certificates) == 0 || len(b.certificates) == 0 {
				return cmp.Compare(len(b.certificates), len(a.certificates))
			}
			return compareIssuers(a.certificates[0].certificate, b.certificates[0].certificate, q.At)
		})
	}
	return g
}

// take gives the next of a piece made in advance, a new one where it is used up.
func take[T any](piece *[]T) *T {
	if len(*piece) == 0 {
		return new(T)
	}
	next := &(*piece)[0]
	*piece = (*piece)[1:]
	return next
}

// compareIssuers puts before the other the certificate that looks more like
// the issuer of a good path. The fingerprint decides last, so that the order
// of the bag never does.
func compareIssuers(a, b *pki.Certificate, at time.Time) int {
	flaws := func(c *pki.Certificate) int {
		n := 0
		if c.BasicConstraints == nil || !c.BasicConstraints.CA || c.HasKeyUsage && c.KeyUsage&pki.CertSign == 0 {
			n += 2
		}
		if at.Before(c.NotBefore) || at.After(c.NotAfter) {
			n++
		}
		return n
	}
	// One by the subject's own hand adds at most a change of key: what another has issued
	// is asked first, so that any number of the former cannot hide the latter.
	selfIssued := func(c *pki.Certificate) int {
		if c.SelfIssued() {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(flaws(a), flaws(b)),
		cmp.Compare(selfIssued(a), selfIssued(b)),
		b.NotAfter.Compare(a.NotAfter),
		bytes.Compare(a.SHA256[:], b.SHA256[:]),
	)
}

// How the key identifiers of a certificate and a possible issuer agree. They
// are a hint for the order of trying and prove nothing (RFC 4158 §3.5.12); any
// length will do.
const (
	sameKeyID = iota
	unknownKeyID
	otherKeyID
)

func (g *graph) keyIDs(c *pki.Certificate, e *entity) int {
	best := otherKeyID
	see := func(id []byte) {
		switch {
		case len(c.AuthorityKeyID) == 0 || len(id) == 0:
			best = min(best, unknownKeyID)
		case bytes.Equal(c.AuthorityKeyID, id):
			best = sameKeyID
		}
	}
	for _, i := range e.anchors {
		see(g.q.Anchors[i].keyID())
	}
	for _, v := range e.certificates {
		if best == sameKeyID {
			break
		}
		see(v.certificate.SubjectKeyID)
	}
	return best
}

// options lists who, by name, may have issued v, the likeliest first. The list must not be changed.
func (g *graph) options(v *vertex) []*entity {
	of := g.names.of(v.certificate.Issuer.CanonicalKey())
	if of == nil {
		return nil
	}
	// A path on which one name and key stand twice only takes a detour.
	detour := func(e *entity) bool { return len(e.anchors) == 0 && (e == v.self || len(e.certificates) == 0) }
	if len(of.entities) == 1 {
		if detour(of.entities[0]) {
			return nil
		}
		return of.entities
	}
	var byHint [otherKeyID + 1][]*entity
	for _, e := range of.entities {
		if detour(e) {
			continue
		}
		hint := g.keyIDs(v.certificate, e)
		byHint[hint] = append(byHint[hint], e)
	}
	return slices.Concat(byHint[:]...)
}

// climb reaches upwards from the leaf by asking issuers for each certificate,
// at most limit of them, and measures how far from an anchor each stands.
func (g *graph) climb(issuers func(*vertex) ([]*entity, error), limit int) {
	for _, v := range g.reached {
		v.self.distance = 0
		*v = vertex{certificate: v.certificate, self: v.self}
	}
	g.err, g.tooDeep = nil, false
	g.leaf.seen = true
	g.reached = append(g.reached[:0], g.leaf)
	for i := 0; i < len(g.reached) && i < limit; i++ {
		v := g.reached[i]
		if g.tooDeep = v.depth >= g.limits.Depth; g.tooDeep {
			break // nearest first: the others are no nearer
		}
		v.up, g.err = issuers(v)
		if g.err != nil {
			break
		}
		for _, e := range v.up {
			for _, w := range e.certificates {
				if !w.seen {
					w.seen, w.depth = true, v.depth+1
					g.reached = append(g.reached, w)
				}
			}
		}
	}
	g.measure()
}

// measure computes the distances, one round for each certificate more.
func (g *graph) measure() {
	for d := 1; d <= g.limits.Depth; d++ {
		changed := false
		for _, v := range g.reached {
			if v.distance == 0 && slices.ContainsFunc(v.up, func(e *entity) bool {
				return d == 1 && len(e.anchors) > 0 || d > 1 && e.distance == d-1
			}) {
				v.distance = d
				changed = true
			}
		}
		for _, v := range g.reached {
			if v.distance == d && v.self.distance == 0 && v != g.leaf {
				v.self.distance = d
			}
		}
		if !changed && d > 1 {
			break
		}
	}
}

// issuersBySignature finds whose key made v's signature.
func (g *graph) issuersBySignature(v *vertex) ([]*entity, error) {
	found := v.issuer[:0]
	var signer *pki.PublicKey
	for _, e := range g.options(v) {
		if lacksParameters(e.key) && signedByDSA(v.certificate.Algorithm) {
			found = append(found, e) // computable on a path only, where the parameters are inherited
			continue
		}
		if signer != nil && !bytes.Equal(signer.Bits, e.key.Bits) {
			continue // another key
		}
		switch err := g.sigs.check(v.certificate, e.key); {
		case err == nil:
			signer = e.key
			found = append(found, e)
		case errors.Is(err, pki.ErrUnsupported):
			found = append(found, e) // not computable is not wrong: the path says so
		case stopped(err):
			return found, err
		}
	}
	return found, nil
}

// issuersByName takes the name's word for who issued a certificate whose
// signature no key made, unless the key identifiers say that another key of
// that name is meant. A root that signed itself has no other issuer.
func (g *graph) issuersByName(v *vertex) ([]*entity, error) {
	if found, err := g.issuersBySignature(v); err != nil || len(found) > 0 {
		return found, err
	}
	c := v.certificate
	if c.SelfIssued() && g.sigs.check(c, &c.PublicKey) == nil {
		return nil, nil
	}
	return slices.DeleteFunc(slices.Clone(g.options(v)), func(e *entity) bool { return g.keyIDs(c, e) == otherKeyID }), nil
}
