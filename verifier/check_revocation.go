// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"time"

	"rastau/crl"
	"rastau/internal/pki"
)

// retryDelay after the time judged, where no source names a time to ask again.
const retryDelay = time.Minute

// checkRevocation: every certificate on the path but the anchor was not revoked at
// the time judged (RFC 5280 §6.3, RFC 6960). Nothing but usable data says so: what
// is missing, stale or of unknown meaning leaves the question open, TRY_LATER.
func checkRevocation(ctx context.Context, s *subject) []Finding {
	switch {
	case s.path == nil:
		return nil
	case s.q.NoRevocation:
		return []Finding{absent("finding.cert.revocation.not-asked")}
	case !s.authentic():
		return []Finding{absent("finding.cert.revocation.path-broken")}
	}
	out := make([]Finding, 0, len(s.path.Certificates))
	s.embedded = s.carried(ctx, false)
	s.sealed = s.embedded && !s.poe.empty() && s.carried(ctx, true)
	// need is when the certificate must have been good: the first when the signature is
	// proven to exist, each above it when what it has signed is.
	need := s.when
	own := s.onItsOwn()
	if own {
		need = s.made
	}
	for i, c := range s.path.Certificates {
		switch {
		case s.anchored(i):
			out = append(out, absent("finding.cert.revocation.anchor", "name", title(c)).citing("RFC 5280 §6.1.1"))
		case c.NoRevAvail:
			// RFC 9608 §4; misuse of the extension has broken the path already.
			out = append(out, absent("finding.cert.revocation.no-rev-avail", "name", title(c)).citing("RFC 9608 §4"))
		default:
			r := s.above(ctx, i, need)
			// Of what has expired nobody need say more: asking again is no use. A proof
			// is what is missing, of when the data at hand were made.
			ended := !s.vouchable(s.link(i), s.q.At)
			r.unproven = ended || r.unproven && s.q.At.After(c.NotAfter)
			out = append(out, s.tell(i, c, r))
			s.momentary = s.momentary || r.later
			if r.proven.After(need) && !own {
				need = r.proven
			}
			if own && r.thisUpdate.Before(s.when) {
				s.aged = earliest(s.aged, r.thisUpdate)
			}
			if i == 0 {
				s.notRevoked = r.status == crl.Good && r.coversExpired
			}
		}
	}
	return out
}

// tell puts what is known of certificate i into a finding.
func (s *subject) tell(i int, c *pki.Certificate, r revocation) Finding {
	name := title(c)
	evidence := append(append(make([]string, 0, 1+len(r.evidence)), certificateEvidence(c)), r.evidence...)
	var f Finding
	switch {
	case r.status == crl.Good && r.later:
		f = passed("finding.cert.revocation.revoked-later", "name", name, "date", moment(r.revokedAt), "at", s.moment(s.when))
	case r.status == crl.Good && r.fallback != "":
		f = passed("finding.cert.revocation.good-fallback", "name", name, "at", s.moment(s.when), "detail", r.fallback)
	case r.status == crl.Good:
		f = passed("finding.cert.revocation.good", "name", name, "at", s.moment(s.when))
	case r.status == crl.Revoked:
		f = s.revoked(i, name, r)
	case r.notIssued:
		s.hold(r.retry)
		f = undecided(TryLater, "finding.cert.revocation.not-issued", "name", name)
	case r.status == crl.Hold:
		s.hold(r.retry)
		f = undecided(TryLater, "finding.cert.revocation.hold", "name", name, "date", moment(r.revokedAt))
	case r.unproven:
		f = undecided(RevocationOutOfBoundsNoPOE, "finding.cert.revocation.unproven", "name", name)
	default:
		s.hold(r.retry)
		f = undecided(TryLater, "finding.cert.revocation.unavailable", "name", name, "detail", r.why)
	}
	f = f.citing(r.citation).with(evidence...)
	// RFC 5280 §5.3.1: keyCompromise. Of a good answer that was never revoked the reason is absent.
	f.KeyCompromise = r.reason == keyCompromise && (r.later || r.status == crl.Revoked)
	return f
}

const keyCompromise = 1

// revoked: of a certificate asked about at a stated time that is the answer. A
// signature may be older than the revocation, so there it lacks proof, unless a
// content timestamp shows that it was made later (EN 319 102-1 §5.3.4).
func (s *subject) revoked(i int, name string, r revocation) Finding {
	args := []string{"name", name, "date", moment(r.revokedAt), "at", s.moment(s.when)}
	switch {
	case i > 0:
		return failed(RevokedCANoPOE, "finding.cert.revocation.revoked-ca", args...)
	case s.role == asCertificate:
		return refuted(Revoked, "finding.cert.revocation.revoked", args...)
	case s.after != nil && !s.after.Before(r.revokedAt):
		return refuted(Revoked, "finding.cert.revocation.revoked-proven", "name", name, "date", moment(r.revokedAt), "made", moment(*s.after))
	}
	return failed(RevokedNoPOE, "finding.cert.revocation.revoked", args...)
}
