// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"rastau/crl"
	"rastau/internal/ocsp"
	"rastau/internal/pki"
	"rastau/internal/trust"
)

// holdReason is CRLReason certificateHold (RFC 5280 §5.3.1).
const holdReason = 6

// revocation is what the data say of one certificate.
type revocation struct {
	status        crl.Status
	revokedAt     time.Time
	reason        int       // RFC 5280 §5.3.1; -1 where absent
	thisUpdate    time.Time // of the data that decided
	proven        time.Time // the data that decided are proven to exist by then
	unproven      bool      // data say good, but nothing proves that they are older than their signer's end
	fallback      string    // English: why the source asked before did not decide
	later         bool      // revoked, but after the time judged
	notIssued     bool      // the responder does not know the serial number
	coversExpired bool      // the data speak of the certificate although it has expired
	from          origin
	evidence      []string
	retry         time.Time
	why           string // English, for what is not known
	citation      string
}

// link is one certificate with what issued it.
type link struct {
	cert       *pki.Certificate
	issuer     trust.Anchor
	issuerCert *pki.Certificate
}

func (s *subject) link(i int) *link {
	issuer := s.path.Issuer(i)
	return &link{s.path.Certificates[i], issuer, issuer.Certificate}
}

// sourceOrder is the order in which sources are asked, as the report names it.
const sourceOrder = "at-hand,ocsp,crl"

// revocation asks about certificate i in this order: what is at hand, OCSP from
// the network, lists from the network. Each step is taken only where those before
// it have decided nothing. Of a certificate that need only be good as of a proven time
// (need, before the time judged), data from after that time decide without the
// network, and data that were current then where the network knows no better.
func (s *subject) revocation(ctx context.Context, i int, need time.Time) revocation {
	l := s.link(i)
	at := s.at
	now, after, then := s.sight(need, seenNow), s.sight(need, seenAfter), s.sight(need, seenThen)
	r := s.weigh(ctx, l, at, now)
	unproven := false
	// look is what is known as of the past, where that is asked for.
	look := func(by sight) (revocation, bool) {
		if !need.Before(s.q.At) {
			return revocation{}, false
		}
		p := s.weigh(ctx, l, at, by)
		unproven = unproven || p.unproven
		if by.kind == seenAfter && p.status == crl.Good {
			// Where older data would do as well, their signer need only have been good when
			// those are proven to exist.
			if q := s.weigh(ctx, l, at, then); q.status == crl.Good && q.proven.Before(p.proven) {
				p.proven, p.evidence = q.proven, distinct(append(p.evidence, q.evidence...))
			}
		}
		return p, p.decided()
	}
	if !r.settled(need) {
		if p, ok := look(after); ok {
			return p
		}
	}
	if !s.q.Offline && !r.settled(need) {
		r = s.ask(ctx, l, &at, need)
	}
	if !r.decided() {
		if p, ok := look(then); ok {
			return p
		}
	}
	r.unproven = r.unproven || unproven
	return r
}

// ask asks the network, OCSP before lists, and adds what it gives to what is at hand.
func (s *subject) ask(ctx context.Context, l *link, at *evidence, need time.Time) revocation {
	now := s.sight(need, seenNow)
	answered := s.askResponders(l)
	s.momentary = s.momentary || len(answered.responses)+len(answered.failures) > 0
	at.responses = append(slices.Clip(at.responses), answered.responses...)
	retry := answered.retry
	r := s.weigh(ctx, l, *at, now)
	if !r.settled(need) {
		fallback := joined(r.why, answered.failures)
		fetched := s.fetchLists(l)
		s.sources = append(s.sources, fetched.sources...)
		s.momentary = s.momentary || fetched.partial
		at.lists = append(slices.Clip(at.lists), fetched.lists...)
		r = s.weigh(ctx, l, *at, now)
		retry = earlier(retry, fetched.retry, s.q.At)
		r.why = joined(r.why, answered.failures, fetched.failures)
		if len(l.cert.OCSPServers) > 0 && r.from == network {
			r.fallback = fallback
		}
	}
	r.retry = earlier(r.retry, retry, s.q.At)
	return r
}

// settled: nobody need be asked. Data that the signature brings are chosen by whoever
// made it: what was issued before the time that counts leaves out what happened since,
// so where the network can be asked it is, and they decide only if it says nothing.
func (r revocation) settled(need time.Time) bool {
	return r.decided() && (r.from != embedded || r.status != crl.Good || !r.thisUpdate.Before(need))
}

// decided: there is an answer, even if an unpleasant one. A responder that does not
// know the certificate has answered; lists could only say "not listed".
func (r revocation) decided() bool { return r.status != crl.Unknown || r.notIssued }

// statement is one usable thing said about the certificate.
type statement struct{ revocation }

// weight ranks statements of different kinds.
func (st statement) weight() int {
	switch {
	case st.status == crl.Revoked:
		return 2
	case st.notIssued:
		return 1
	}
	return 0
}

const nothingAtHand = "no revocation data at hand"

// weigh judges all data at hand. Whoever says revoked wins: a revocation cannot be
// undone, and an older "good" says nothing against it. "Not issued" outranks good,
// because a list can only say that it does not know the certificate either. Between
// hold and good, which may follow each other, the newer statement wins.
func (s *subject) weigh(ctx context.Context, l *link, at evidence, by sight) revocation {
	if len(at.responses)+len(at.lists) == 0 {
		return revocation{why: nothingAtHand}
	}
	var room [1]statement
	statements := room[:0]
	var open revocation
	var why []string
	for _, held := range at.responses {
		st, usable, reason := s.readResponse(ctx, l, held, at, by)
		if usable && !s.vouchable(l, st.proven) {
			open.unproven, usable, reason = true, false, unprovenWhy
		}
		open.retry = earlier(open.retry, st.retry, s.q.At)
		if usable {
			statements = append(statements, st)
		} else if reason != "" {
			why = append(why, reason)
		}
		open.unproven = open.unproven || st.unproven
	}
	at.lists = s.vet(ctx, l, at.lists)
	if len(at.lists) > 0 {
		st, reason := s.readLists(ctx, l, at, by)
		if st.status != crl.Unknown && !s.vouchable(l, st.proven) {
			open.unproven, st.status, reason = true, crl.Unknown, unprovenWhy
		}
		open.retry = earlier(open.retry, st.retry, s.q.At)
		if st.status != crl.Unknown {
			statements = append(statements, st)
		} else if reason != "" {
			why = append(why, reason)
			open.citation = st.citation
		}
	}
	if len(statements) == 0 {
		if len(why) == 0 {
			why = append(why, nothingAtHand)
		}
		open.why = joined("", why)
		return open
	}
	best := slices.MaxFunc(statements, func(a, b statement) int {
		if c := cmp.Compare(a.weight(), b.weight()); c != 0 {
			return c
		}
		if a.status == crl.Revoked {
			return b.revokedAt.Compare(a.revokedAt) // the earlier revocation counts
		}
		return a.thisUpdate.Compare(b.thisUpdate)
	})
	return best.revocation
}

// readResponse judges one OCSP response. A response of "unknown" is no statement.
func (s *subject) readResponse(ctx context.Context, l *link, held heldResponse, at evidence, by sight) (st statement, usable bool, why string) {
	st.proven = s.since(sha256.Sum256(held.der))
	q := ocsp.Query{
		Certificate: l.cert,
		Issuer:      l.issuer,
		Candidates:  s.candidates,
		Nonce:       held.nonce,
		At:          s.q.At,
		MaxAge:      s.q.MaxAge,
		Algorithms:  s.q.Algorithms,
		Once:        s.v.memory.once,
	}
	if by.kind != seenNow {
		// Its signer is judged when it is proven to have existed; its times, below.
		q.At, q.MaxAge, q.Skew = st.proven, 0, anyTime
	}
	a := s.judgeResponse(held.der, q)
	st.retry = a.RetryAfter
	if a.Usable != ocsp.Yes {
		if by.kind != seenNow && !a.ProducedAt.IsZero() {
			// It held when it was made, yet nothing proves that it was made then.
			q.At = a.ProducedAt
			st.unproven = s.judgeResponse(held.der, q).Usable == ocsp.Yes
		}
		return st, false, a.Why
	}
	if why := by.untimely(s, l, a, st.proven); why != "" {
		return st, false, why
	}
	if a.Delegated && !a.NoCheck && a.Responder != nil {
		// RFC 6960 §4.2.2.2.1: without nocheck the delegate's own status is asked,
		// by lists alone, so that responders never vouch for each other.
		d := s.delegate(ctx, &link{a.Responder, l.issuer, l.issuerCert}, at, by.of(a.ProducedAt))
		if d.Status != crl.Good {
			return st, false, "the OCSP responder's own certificate is not known to be good: " + d.Why
		}
	}
	st.thisUpdate = a.ThisUpdate
	st.from = held.from
	st.citation = "RFC 6960 §3.2"
	rule := by.rule(s)
	if by.kind == seenNow && s.q.MaxAge <= 0 && a.NextUpdate.IsZero() {
		rule = "max-age:" + ocsp.DefaultAge.String()
	}
	st.evidence = []string{responseEvidence(held.der, a, held.from, rule)}
	st.coversExpired = !a.AfterExpiry // RFC 6960 §4.4.4
	st.reason = a.Reason
	switch {
	case a.NotIssued:
		st.notIssued, st.status, st.citation = true, crl.Unknown, "RFC 6960 §2.2"
	case a.Status == ocsp.StatusGood && a.AfterExpiry:
		// RFC 6960 §2.2: "good" says at least that no certificate of that number "currently within its validity interval is
		// revoked". Of one that has ended a revocation may be forgotten, but by a responder that keeps an archive (§4.4.4).
		return st, false, "the OCSP response was produced after the certificate had expired, and names no archive that reaches back to then"
	case a.Status == ocsp.StatusGood:
		st.status = crl.Good
	case a.Status == ocsp.StatusRevoked:
		st.status, st.revokedAt = crl.Revoked, a.RevokedAt
		if a.Reason == holdReason {
			st.status = crl.Hold
		}
		s.settle(&st, l, by)
	default:
		return st, false, "the OCSP responder does not know the certificate's status"
	}
	return st, true, ""
}

// answerKey is what the judgement of a response depends on, for one subject.
type answerKey struct {
	response, certificate [32]byte
	issuer, nonce         string
	at                    time.Time
	anyTime               bool
}

// judgeResponse judges a response once for each time: it may stand on every candidate
// path and is looked at in several ways, and a message may bring dozens.
func (s *subject) judgeResponse(der []byte, q ocsp.Query) ocsp.Answer {
	key := answerKey{sha256.Sum256(der), q.Certificate.SHA256, string(q.Issuer.Key.Raw), string(q.Nonce), q.At, q.Skew == anyTime}
	if a, ok := s.answers[key]; ok {
		return a
	}
	a := ocsp.Judge(der, q)
	if s.answers == nil {
		s.answers = map[answerKey]ocsp.Answer{}
	}
	s.answers[key] = a
	return a
}

// delegate asks about a responder's certificate by lists alone.
func (s *subject) delegate(ctx context.Context, l *link, at evidence, by sight) crl.Answer {
	a, _ := s.judgeLists(ctx, l, at.lists, by)
	if a.Status == crl.Unknown && !s.q.Offline {
		fetched := s.fetchLists(l)
		a, _ = s.judgeLists(ctx, l, append(slices.Clip(at.lists), fetched.lists...), by)
	}
	return a
}

// listQuery is the question to lists about one certificate.
func (s *subject) listQuery(l *link, lists []*crl.List) crl.Query {
	return crl.Query{
		Certificate: l.cert,
		Issuer:      l.issuer,
		IssuerCert:  l.issuerCert,
		Anchor:      s.path.Anchor,
		Anchors:     s.anchors,
		Lists:       lists,
		Candidates:  s.candidates,
		At:          s.q.At,
		MaxAge:      s.q.MaxAge,
		Algorithms:  s.q.Algorithms,
	}
}

// readLists judges the lists together: sharded and delta lists speak only so.
func (s *subject) readLists(ctx context.Context, l *link, at evidence, by sight) (statement, string) {
	a, proven := s.judgeLists(ctx, l, at.lists, by)
	st := statement{revocation: revocation{status: a.Status, revokedAt: a.RevokedAt, reason: a.Reason, proven: proven, retry: a.RetryAfter, citation: a.Citation}}
	st.later = a.Status == crl.Good && !a.RevokedAt.IsZero() // from a time to come
	if a.List != nil {
		st.thisUpdate = a.List.ThisUpdate
		st.from = originOf(at.lists, a.List)
		// crl.Judge takes silence for good only where the list was issued while the
		// certificate was valid, or promises to keep expired ones (X.509 §9.5.2.8).
		st.coversExpired = true
		used := a.Used
		if !slices.Contains(used, a.List) {
			used = append([]*crl.List{a.List}, used...)
		}
		for _, u := range used {
			from := originOf(at.lists, u)
			st.evidence = append(st.evidence, listEvidence(u, from, by.rule(s)))
			if st.from == embedded {
				st.from = from // embedded data alone decide only where no other took part
			}
		}
	}
	if st.citation == "" {
		st.citation = "RFC 5280 §6.3.3"
	}
	s.settle(&st, l, by)
	return st, a.Why
}

// settle turns a revocation after the time that counts into good, with a note: at that
// time the certificate was not revoked.
func (s *subject) settle(st *statement, l *link, by sight) {
	if st.status != crl.Revoked && st.status != crl.Hold {
		return
	}
	limit := s.when
	switch {
	case l.cert == s.cert:
		// RFC 3161 §4: of a service that has merely stopped, "tokens generated before
		// the revocation time will remain valid"; without a reason none do.
		if s.role == asTSA && slices.Contains(retired, st.reason) {
			limit = s.made
		}
	default:
		// What an authority has signed since its revocation or hold counts for nothing,
		// whatever the reason given, so it must have been good when the data it signed
		// are proven to exist (EN 319 102-1 §5.6.2.2).
		limit = by.need
	}
	if st.revokedAt.After(limit) {
		st.status, st.later = crl.Good, true
	}
}

// retired are the reasons of revocation that leave a time-stamping service's earlier
// tokens standing (RFC 3161 §4).
var retired = []int{0, 3, 4, 5}

// vet drops embedded lists that nobody who may has signed, each looked at once a
// question: a message may carry megabytes of them for every one of its signers.
// Lists that were given stay, so that the judgement can say what is wrong with them.
func (s *subject) vet(ctx context.Context, l *link, lists []heldList) []heldList {
	if !slices.ContainsFunc(lists, func(h heldList) bool { return h.from == embedded }) {
		return lists
	}
	return slices.DeleteFunc(slices.Clone(lists), func(h heldList) bool {
		if h.from != embedded {
			return false
		}
		sum := h.SHA256()
		key := strings.Join([]string{hex.EncodeToString(sum[:]), l.cert.SHA256Hex(), hex.EncodeToString(s.path.Anchor.Key.Raw), stamp(s.since(sum))}, " ")
		good, known := s.vetted[key]
		if !known {
			good = s.vouch(ctx, l)(h.List) == nil
			if s.vetted == nil {
				s.vetted = map[string]bool{}
			}
			s.vetted[key] = good
		}
		return !good
	})
}

// joined makes one line of the distinct reasons, at most four.
func joined(first string, others ...[]string) string {
	var room [4]string
	out := room[:0]
	if first != "" {
		out = append(out, first)
	}
	for _, reasons := range others {
		for _, r := range reasons {
			if r != "" && !slices.Contains(out, r) && len(out) < len(room) {
				out = append(out, r)
			}
		}
	}
	return strings.Join(out, "; ")
}
