// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"bytes"
	"context"
	"slices"
	"time"

	"rastau/internal/ocsp"
	"rastau/internal/pki"
	"rastau/internal/span"
	"rastau/internal/trust"
)

// maxPaths bounds the candidate paths whose certificates are asked about: every
// one of them may cost a download.
const maxPaths = 8

// role is what a certificate is judged for: it names the sub-indications.
type role int

const (
	asSigner      role = iota // time of signing may be in doubt: …_NO_POE
	asCertificate             // asked about a stated time: nothing is in doubt
	asTSA                     // of a timestamp
	asWitness                 // of a countersignature
)

// principal is whom the question is about: holder and policies are asked of no other.
func (r role) principal() bool { return r == asSigner || r == asCertificate }

// subject is one certificate under judgement.
type subject struct {
	*inquiry
	role       role
	cert       *pki.Certificate
	purpose    Purpose
	anchors    []trust.Anchor
	candidates []*pki.Certificate
	at         evidence // revocation data at hand
	poe        *poe     // by when they are proven to exist; nil: nothing is

	when   time.Time  // validity and revocation dates are judged at this time
	made   time.Time  // of a TSA: the time that the token states
	proven bool       // when is a proven time of existence
	after  *time.Time // proven: the signature was not made before (content timestamp)

	known   *pki.Holder               // memo: whose the certificate is
	found   *provenPaths              // what was remembered of the search just now
	answers map[answerKey]ocsp.Answer // memo of the responses judged

	// Of the candidate path under judgement.
	path       *trust.Path // nil: none reaches an anchor
	hint       string      // what came nearest to a path, English
	notRevoked bool        // revocation data that cover an expired certificate say good
	embedded   bool        // embedded data alone say good of every certificate
	sealed     bool        // and so do those of them that a timestamp covers
	aged       time.Time   // of the oldest data that count on the file's own word; zero where none do
	retry      time.Time
	sources    []listAt // the lists that settled it
	momentary  bool     // something else took part, which may be otherwise the next moment
}

// holder reads whose the certificate is, once.
func (s *subject) holder() pki.Holder {
	if s.known == nil {
		h := pki.HolderOf(s.cert)
		s.known = &h
	}
	return *s.known
}

// judged is the outcome of one certificate.
type judged struct {
	findings []Finding
	path     *trust.Path
	retry    time.Time
	embedded bool
	sealed   bool
	aged     time.Time

	sources   []listAt
	momentary bool
	person    *Person // the holder, where known already
}

// judge finds the candidate paths and judges the certificate along each: the first
// on which everything holds wins, otherwise the one that fails least (a path that
// only waits for revocation data before one that is broken).
func (s *subject) judge(ctx context.Context) judged {
	if !s.asksNow() {
		return s.consider(ctx)
	}
	key, candidates := s.chainKey(), s.candidates
	if j, ok := s.recall(ctx, key); ok {
		return j
	}
	s.holder() // for every path
	j := s.consider(ctx)
	s.keepChain(key, candidates, &j)
	return j
}

func (s *subject) consider(ctx context.Context) judged {
	s.answers = nil
	paths, hint := s.find(ctx)
	if len(paths) == 0 && s.fetchIssuers() {
		s.momentary = true // another time nobody may answer
		paths, hint = s.find(ctx)
	}
	if err := ctx.Err(); err != nil {
		// The asker has gone, or its time is over: what was not looked at is not
		// missing.
		f := undecided(TryLater, "finding.cert.path.interrupted", "name", title(s.cert))
		s.finish(&f, "cert.path", "RFC 5280 §6.1")
		return judged{findings: []Finding{f}}
	}
	if len(paths) == 0 {
		s.hint = hint
		return judged{findings: examine(ctx, s.inquiry, pathChecks, s, pathRoom)}
	}
	var best judged
	for i := range paths[:min(len(paths), maxPaths)] {
		t := s
		if len(paths) > 1 { // what is learnt along one path does not count on another, but for what responses say
			if s.answers == nil {
				s.answers = map[answerKey]ocsp.Answer{}
			}
			t = new(subject)
			*t = *s
		}
		t.path = excuseAnchor(&paths[i])
		j := judged{findings: examine(ctx, s.inquiry, pathChecks, t, pathRoom), path: t.path, retry: t.retry, embedded: t.embedded, sealed: t.sealed, aged: t.aged,
			sources: t.sources, momentary: t.momentary || i > 0}
		s.keeper.keepPath(t.path)
		if decide(j.findings) < 0 {
			return j
		}
		if i == 0 || milder(j.findings, best.findings) {
			best = j
		}
	}
	return best
}

// find asks for the paths from the certificate to the anchors, best first.
func (s *subject) find(ctx context.Context) ([]trust.Path, string) {
	if paths, ok := s.provenPath(); ok {
		return paths, ""
	}
	q := trust.Query{
		Leaf:              s.cert,
		Anchors:           s.anchors,
		Candidates:        s.candidates,
		At:                s.when,
		Algorithms:        s.q.Algorithms,
		Made:              s.v.memory.made,
		AnchorConstraints: true, // what an anchor says of itself binds it (RFC 5937 §3)
	}
	if s.role.principal() {
		// Policies are a question about the signer's certificate, never about the TSA's.
		q.Policies = s.q.Policies
		q.RequireExplicitPolicy = s.q.RequireExplicitPolicy
		q.InhibitPolicyMapping = s.q.InhibitPolicyMapping
		q.InhibitAnyPolicy = s.q.InhibitAnyPolicy
	}
	clock := stopwatch{observe: s.v.o.Observe}
	clock.turn(GroupPath)
	ctx, step := span.Start(ctx, "path")
	paths, hint := trust.Find(ctx, q)
	step.End(ctx.Err())
	clock.turn("")
	if ctx.Err() == nil { // a search cut short has not seen every path
		s.keepPaths(paths)
	}
	return paths, hint
}

// excuseAnchor takes back what was said of the form of an anchor that is no CA
// certificate: whoever trusts such a one trusts a name and a key (RFC 5280 §6.1.1
// (d)), and there is nothing in it that could bind it. The path itself may be shared, and
// stays as it is.
func excuseAnchor(p *trust.Path) *trust.Path {
	c := p.Anchor.Certificate
	if c == nil || (c.BasicConstraints != nil && c.BasicConstraints.CA) {
		return p
	}
	excused := *p
	excused.Failures = slices.DeleteFunc(slices.Clone(p.Failures), func(f trust.Failure) bool {
		return f.Index == len(p.Certificates) && (f.Reason == trust.NotCA || f.Reason == trust.Malformed)
	})
	return &excused
}

// milder reports whether the verdict of a is milder than that of b: undecided
// before failed, then the lower row of the table.
func milder(a, b []Finding) bool {
	fa, fb := a[decide(a)], b[decide(b)]
	if fa.Outcome != fb.Outcome {
		return fa.Outcome == Unknown
	}
	return rank(fa.Sub) > rank(fb.Sub)
}

// anchored reports whether certificate i of the path is the anchor itself.
func (s *subject) anchored(i int) bool {
	a := s.path.Anchor.Certificate
	return a != nil && i == len(s.path.Certificates)-1 && bytes.Equal(a.Raw, s.path.Certificates[i].Raw)
}

// authentic reports whether every signature and name on the path holds, whatever
// else fails: nobody is asked about a certificate that its issuer may not have made.
func (s *subject) authentic() bool {
	for _, f := range s.path.Failures {
		switch f.Reason {
		case trust.Expired, trust.NotYetValid, trust.PolicyConstraint, trust.WeakAlgorithm:
		default:
			return false
		}
	}
	return true
}

// since is when revocation data are proven to have existed: at the time judged, where
// no timestamp says earlier.
func (s *subject) since(sum [32]byte) time.Time {
	if t, ok := s.poe.since(sum); ok && t.Before(s.q.At) {
		return t
	}
	return s.q.At
}

// hold keeps the best time to ask again: the earliest that any source named, after
// the time judged.
func (s *subject) hold(t time.Time) { s.retry = earlier(s.retry, t, s.q.At) }

// earlier gives the earlier of two times that lie after the time judged; zero
// where neither does.
func earlier(a, b, at time.Time) time.Time {
	switch {
	case !b.After(at):
		return a
	case a.IsZero() || b.Before(a):
		return b.UTC()
	}
	return a
}
