// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"bytes"
	"context"
	"slices"
	"time"

	"rastau/crl"
	"rastau/internal/pki"
	"rastau/internal/trust"
)

// The few authorities above everybody's certificates are asked about with every signature.
// What the lists said of one is remembered while it would be said again word for word: by
// the same lists at the same addresses, for the same path above it and the same trust, under
// the same rules of algorithms and of freshness, within the time in which none of these
// change. Only a good answer is remembered, given by lists that the authority's own issuer
// signed: what hangs on other certificates of the message is judged anew.

// authorityKey is the authority and the rules that its lists are held against.
type authorityKey struct {
	certificate [32]byte
	algorithms  *pki.AlgorithmPolicy
	evidence    string // freshness, as the evidence names it
}

// goodAuthority is a certificate above the signer's that its lists call good.
type goodAuthority struct {
	link    *link
	anchor  trust.Anchor
	anchors []trust.Anchor
	window  window
	sources []listAt
	said    revocation
}

// above is revocation for certificate i of the path, from memory where it may.
func (s *subject) above(ctx context.Context, i int, need time.Time) revocation {
	if i == 0 || s.q.Offline || !s.asksNow() || !need.Equal(s.when) {
		return s.revocation(ctx, i, need)
	}
	key := authorityKey{s.path.Certificates[i].SHA256, s.q.Algorithms, s.freshness()}
	if r, ok := s.knownGood(ctx, key, s.path.Issuer(i)); ok {
		return r
	}
	before, was := s.momentary, len(s.sources)
	s.momentary = false
	r := s.revocation(ctx, i, need)
	sources := slices.Clone(s.sources[was:])
	if !s.momentary {
		s.keepGood(key, s.link(i), r, sources)
	}
	s.momentary = s.momentary || before
	return r
}

// knownGood asks for each list as ever, and answers only if all are those of before.
func (s *subject) knownGood(ctx context.Context, key authorityKey, issuer trust.Anchor) (revocation, bool) {
	g, ok := s.v.memory.authorities.get(key)
	if !ok || !g.window.holds(s.when) || !sameAnchor(g.link.issuer, issuer) || !sameAnchor(g.anchor, s.path.Anchor) ||
		!slices.EqualFunc(g.anchors, s.anchors, sameAnchor) || !s.soleSigner(g.link) {
		return revocation{}, false
	}
	for _, known := range g.sources {
		now, err := s.v.o.Lists.List(s.online, known.url, func(list *crl.List) error {
			if list == known.list {
				return nil
			}
			return s.vouch(ctx, g.link)(list)
		})
		if err != nil || now != known.list {
			return revocation{}, false
		}
	}
	s.sources = append(s.sources, g.sources...)
	return g.said, true
}

func (s *subject) keepGood(key authorityKey, l *link, r revocation, sources []listAt) {
	if r.status != crl.Good || r.from != network || r.later || r.unproven || len(sources) == 0 || !s.soleSigner(l) {
		return
	}
	w := s.hour()
	for _, c := range []*pki.Certificate{l.cert, l.issuerCert} {
		if c != nil {
			w.period(c)
		}
	}
	for _, source := range sources {
		if !source.list.Issuer.Equal(l.issuer.Name) || !s.fresh(&w, source.list) {
			return
		}
	}
	r.evidence = slices.Clip(r.evidence) // shared from now on
	s.v.memory.authorities.put(key, &goodAuthority{l, s.path.Anchor, s.v.memory.anchors(s.anchors), w, sources, r})
}

// soleSigner reports whether, of all certificates at hand, none but the issuer's own bears
// its name: then its lists are checked with its key, and no other comes into question.
func (s *subject) soleSigner(l *link) bool {
	for _, c := range s.candidates {
		if c.Subject.Equal(l.issuer.Name) && !bytes.Equal(c.PublicKey.Raw, l.issuer.Key.Raw) {
			return false
		}
	}
	return true
}
