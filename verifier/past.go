// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"crypto/sha256"
	"slices"
	"time"

	"rastau/crl"
	"rastau/internal/ocsp"
)

// seen says how revocation data are looked at.
type seen int

const (
	seenNow   seen = iota // current at the time judged
	seenAfter             // issued at or after the time that counts: then nothing was revoked before it
	seenThen              // current at the time that counts, as whoever judged then would have seen them
)

// sight is one way to look at revocation data: they are judged by whom they are signed
// when they are proven to exist, and by their own times against need (EN 319 102-1
// §5.6.2.2: past certificate validation, with the time of each judgement sliding back
// to what is proven).
type sight struct {
	kind seen
	need time.Time
}

func (s *subject) sight(need time.Time, kind seen) sight { return sight{kind, need} }

// of is the same look at whoever signed the data, who must have been good when they
// were produced.
func (v sight) of(produced time.Time) sight {
	if v.kind != seenNow {
		v.need = produced
	}
	return v
}

// anyTime lets ocsp.Judge pass over a response's times.
const anyTime = 100 * 365 * 24 * time.Hour

// maxMoments bounds the times at which lists are asked about one certificate.
const maxMoments = 8

const unprovenWhy = "no timestamp proves that the data existed before the certificate of their signer ended"

// untimely says why a response's times rule it out where they do not count as now;
// empty where they do not.
func (v sight) untimely(s *subject, l *link, a ocsp.Answer, proven time.Time) string {
	if v.kind == seenNow {
		return ""
	}
	latest := proven.Add(ocsp.DefaultSkew)
	switch {
	case a.ThisUpdate.After(latest) || a.ProducedAt.After(latest):
		return "the OCSP response states a time after the one by which it is proven to exist"
	case a.ProducedAt.Before(l.cert.NotBefore.Add(-ocsp.DefaultSkew)):
		return "the OCSP response is older than the certificate"
	case a.AfterExpiry:
		return "the OCSP response was produced after the certificate had expired"
	}
	if v.kind == seenAfter {
		if a.ThisUpdate.Before(v.need) {
			return "the OCSP response is older than the time that counts"
		}
		return ""
	}
	age := s.q.MaxAge
	if age == 0 && a.NextUpdate.IsZero() {
		age = ocsp.DefaultAge
	}
	if age > 0 && v.need.Sub(a.ThisUpdate) > age || !a.NextUpdate.IsZero() && a.NextUpdate.Before(v.need) {
		return "the OCSP response was stale at the time that counts"
	}
	return ""
}

// rule names the rule of freshness in the report.
func (v sight) rule(s *subject) string {
	switch v.kind {
	case seenAfter:
		return "issued-after:" + stamp(v.need)
	case seenThen:
		return s.freshness() + "-at:" + stamp(v.need)
	}
	return s.freshness()
}

// judgeLists asks the lists as of the sight; proven is by when those asked are proven
// to exist. Lists with an earlier proof are asked before others join them.
func (s *subject) judgeLists(ctx context.Context, l *link, held []heldList, by sight) (a crl.Answer, proven time.Time) {
	if by.kind == seenNow {
		q := s.listQuery(l, lists(held))
		a = crl.Judge(ctx, q)
		for _, u := range append(slices.Clip(a.Used), a.List) {
			if u != nil {
				proven = later(proven, s.since(u.SHA256()))
			}
		}
		return a, proven
	}
	var steps []time.Time
	for _, h := range held {
		if t := s.since(h.SHA256()); !slices.Contains(steps, t) {
			steps = append(steps, t)
		}
	}
	slices.SortFunc(steps, time.Time.Compare)
	for _, proven := range steps[:min(len(steps), maxMoments)] {
		known := slices.DeleteFunc(slices.Clone(held), func(h heldList) bool {
			return s.since(h.SHA256()).After(proven) || h.ThisUpdate.After(proven)
		})
		for _, at := range by.moments(known) {
			q := s.listQuery(l, lists(known))
			q.At, q.Proven = at, proven
			if a = crl.Judge(ctx, q); a.Status != crl.Unknown {
				return a, proven
			}
		}
	}
	return a, proven
}

// moments are the times at which lists may be asked: when each was issued after need,
// the earliest first, or need itself.
func (v sight) moments(held []heldList) []time.Time {
	if v.kind == seenThen {
		return []time.Time{v.need}
	}
	var out []time.Time
	for _, h := range held {
		if !h.ThisUpdate.Before(v.need) {
			out = append(out, h.ThisUpdate)
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	out = slices.Compact(out)
	return out[:min(len(out), maxMoments)]
}

// carried reports whether the embedded data alone say of every certificate that it was
// good at the time that counts: what makes a signature one for the long term. sealed
// takes only data that a timestamp covers.
func (s *subject) carried(ctx context.Context, sealed bool) bool {
	foreign := func(from origin, sum [32]byte) bool {
		_, proven := s.poe.since(sum)
		return from != embedded || sealed && !proven
	}
	own := evidence{
		lists:     slices.DeleteFunc(slices.Clone(s.at.lists), func(h heldList) bool { return foreign(h.from, h.SHA256()) }),
		responses: slices.DeleteFunc(slices.Clone(s.at.responses), func(h heldResponse) bool { return foreign(h.from, sha256.Sum256(h.der)) }),
	}
	if len(own.lists)+len(own.responses) == 0 {
		return false
	}
	quiet := *s
	in := *s.inquiry
	in.q.Offline = true
	quiet.inquiry = &in
	for i, c := range s.path.Certificates {
		if s.anchored(i) || c.NoRevAvail {
			continue
		}
		l := s.link(i)
		if quiet.weigh(ctx, l, own, s.sight(s.when, seenAfter)).status != crl.Good &&
			quiet.weigh(ctx, l, own, s.sight(s.when, seenThen)).status != crl.Good {
			return false
		}
	}
	return true
}

// vouchable reports whether data that are proven to exist at that time were then
// signed under a certificate within its validity. What an authority's key has signed
// after the end of its certificate, nobody answers for.
func (s *subject) vouchable(l *link, proven time.Time) bool {
	c := l.issuerCert
	if c == nil || c == s.path.Anchor.Certificate {
		return true // an anchor is a name and a key: its own certificate's period does not count
	}
	return !proven.After(c.NotAfter)
}

func lists(held []heldList) []*crl.List {
	out := make([]*crl.List, len(held))
	for i, h := range held {
		out[i] = h.List
	}
	return out
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// onItsOwn: the latest timestamp of a file can be judged by nothing but the file where
// the asker rules the network out. Data from when the token was made or after then count
// as long as the service's certificate lasts, and the report says of which day they are:
// nobody was asked about the time since. Whoever can ask does (EN 319 102-1 §5.4).
func (s *subject) onItsOwn() bool {
	return s.role == asTSA && s.q.Offline && s.q.MaxAge == 0 && s.when.Equal(s.q.At) && s.made.Before(s.when)
}

// earliest gives the earlier of two times, of which zero is none.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
