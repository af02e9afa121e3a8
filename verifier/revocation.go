// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"cmp"
	"context"
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
	later         bool // revoked, but after the time judged
	notIssued     bool // the responder does not know the serial number
	coversExpired bool // the data speak of the certificate although it has expired
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

func (s *subject) link(i int) link {
	issuer := s.path.Issuer(i)
	return link{s.path.Certificates[i], issuer, issuer.Certificate}
}

// revocation asks about certificate i in this order: what is at hand, OCSP from
// the network, lists from the network. Each step is taken only where those before
// it have decided nothing.
func (s *subject) revocation(ctx context.Context, i int) revocation {
	l := s.link(i)
	at := s.at
	r := s.weigh(ctx, l, at)
	if r.decided() || s.q.Offline {
		return r
	}
	answered := s.askResponders(l)
	at.responses = append(slices.Clip(at.responses), answered.responses...)
	retry := answered.retry
	if r = s.weigh(ctx, l, at); !r.decided() {
		fetched := s.fetchLists(l)
		at.lists = append(slices.Clip(at.lists), fetched.lists...)
		r = s.weigh(ctx, l, at)
		retry = earlier(retry, fetched.retry, s.q.At)
		r.why = joined(append([]string{r.why}, append(answered.failures, fetched.failures...)...))
	}
	r.retry = earlier(r.retry, retry, s.q.At)
	return r
}

// decided: there is an answer, even if an unpleasant one. A responder that does not
// know the certificate has answered; lists could only say "not listed".
func (r revocation) decided() bool { return r.status != crl.Unknown || r.notIssued }

// statement is one usable thing said about the certificate.
type statement struct {
	revocation
	thisUpdate time.Time
}

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

// weigh judges all data at hand. Whoever says revoked wins: a revocation cannot be
// undone, and an older "good" says nothing against it. "Not issued" outranks good,
// because a list can only say that it does not know the certificate either. Between
// hold and good, which may follow each other, the newer statement wins.
func (s *subject) weigh(ctx context.Context, l link, at evidence) revocation {
	var statements []statement
	var open revocation
	var why []string
	for _, held := range at.responses {
		st, usable, reason := s.readResponse(ctx, l, held, at)
		open.retry = earlier(open.retry, st.retry, s.q.At)
		if usable {
			statements = append(statements, st)
		} else if reason != "" {
			why = append(why, reason)
		}
	}
	at.lists = s.vet(l, at.lists)
	if len(at.lists) > 0 {
		st, reason := s.readLists(ctx, l, at)
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
			why = append(why, "no revocation data at hand")
		}
		open.why = joined(why)
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
func (s *subject) readResponse(ctx context.Context, l link, held heldResponse, at evidence) (st statement, usable bool, why string) {
	a := ocsp.Judge(held.der, ocsp.Query{
		Certificate: l.cert,
		Issuer:      l.issuer,
		Candidates:  s.candidates,
		Nonce:       held.nonce,
		At:          s.q.At,
		MaxAge:      s.q.MaxAge,
		Algorithms:  s.q.Algorithms,
	})
	st.retry = a.RetryAfter
	if a.Usable != ocsp.Yes {
		return st, false, a.Why
	}
	if a.Delegated && !a.NoCheck && a.Responder != nil {
		// RFC 6960 §4.2.2.2.1: without nocheck the delegate's own status is asked,
		// by lists alone, so that responders never vouch for each other.
		d := s.delegate(ctx, link{a.Responder, l.issuer, l.issuerCert}, at)
		if d.Status != crl.Good {
			return st, false, "the OCSP responder's own certificate is not known to be good: " + d.Why
		}
	}
	st.thisUpdate = a.ThisUpdate
	st.from = held.from
	st.citation = "RFC 6960 §3.2"
	rule := s.freshness()
	if s.q.MaxAge <= 0 && a.NextUpdate.IsZero() {
		rule = "max-age:12h0m0s"
	}
	st.evidence = []string{responseEvidence(held.der, a, held.from, rule)}
	st.coversExpired = !a.AfterExpiry // RFC 6960 §4.4.4
	switch {
	case a.NotIssued:
		st.notIssued, st.status, st.citation = true, crl.Unknown, "RFC 6960 §2.2"
	case a.Status == ocsp.StatusGood:
		st.status = crl.Good
	case a.Status == ocsp.StatusRevoked:
		st.status, st.revokedAt = crl.Revoked, a.RevokedAt
		if a.Reason == holdReason {
			st.status = crl.Hold
		}
		st.settle(s.when)
	default:
		return st, false, "the OCSP responder does not know the certificate's status"
	}
	return st, true, ""
}

// delegate asks about a responder's certificate by lists alone.
func (s *subject) delegate(ctx context.Context, l link, at evidence) crl.Answer {
	a := s.judgeLists(ctx, l, at.all())
	if a.Status == crl.Unknown && !s.q.Offline {
		fetched := s.fetchLists(l)
		both := evidence{lists: append(slices.Clip(at.lists), fetched.lists...)}
		a = s.judgeLists(ctx, l, both.all())
	}
	return a
}

func (s *subject) judgeLists(ctx context.Context, l link, lists []*crl.List) crl.Answer {
	return crl.Judge(ctx, crl.Query{
		Certificate: l.cert,
		Issuer:      l.issuer,
		IssuerCert:  l.issuerCert,
		Anchor:      s.path.Anchor,
		Lists:       lists,
		Candidates:  s.candidates,
		At:          s.q.At,
		MaxAge:      s.q.MaxAge,
		Algorithms:  s.q.Algorithms,
	})
}

// readLists judges the lists together: sharded and delta lists speak only so.
func (s *subject) readLists(ctx context.Context, l link, at evidence) (statement, string) {
	a := s.judgeLists(ctx, l, at.all())
	st := statement{revocation: revocation{status: a.Status, revokedAt: a.RevokedAt, retry: a.RetryAfter, citation: a.Citation}}
	if a.List != nil {
		st.thisUpdate = a.List.ThisUpdate
		st.from = originOf(at.lists, a.List)
		st.evidence = []string{listEvidence(a.List, st.from, s.freshness())}
		st.coversExpired = covers(l.cert, a.List.ThisUpdate)
	}
	if st.citation == "" {
		st.citation = "RFC 5280 §6.3.3"
	}
	st.settle(s.when)
	return st, a.Why
}

// settle turns a revocation after the time judged into good, with a note: at that
// time the certificate was not revoked.
func (st *statement) settle(when time.Time) {
	if (st.status == crl.Revoked || st.status == crl.Hold) && st.revokedAt.After(when) {
		st.status, st.later = crl.Good, true
	}
}

// vet drops embedded lists that nobody who may has signed, each looked at once a
// question: a message may carry megabytes of them for every one of its signers.
// Lists that were given stay, so that the judgement can say what is wrong with them.
func (s *subject) vet(l link, lists []heldList) []heldList {
	return slices.DeleteFunc(slices.Clone(lists), func(h heldList) bool {
		if h.from != embedded {
			return false
		}
		key := hex.EncodeToString(h.SHA256[:]) + " " + hex.EncodeToString(l.issuer.Key.Raw)
		good, known := s.vetted[key]
		if !known {
			good = s.vouch(l)(h.List) == nil
			s.vetted[key] = good
		}
		return !good
	})
}

// covers: data issued within the certificate's validity speak of it; later lists
// may drop an expired certificate (RFC 5280 §3.3).
func covers(c *pki.Certificate, thisUpdate time.Time) bool {
	return !thisUpdate.IsZero() && !thisUpdate.After(c.NotAfter)
}

// joined makes one line of the distinct reasons, at most four.
func joined(reasons []string) string {
	var out []string
	for _, r := range reasons {
		if r != "" && !slices.Contains(out, r) && len(out) < 4 {
			out = append(out, r)
		}
	}
	return strings.Join(out, "; ")
}
