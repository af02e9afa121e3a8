// SPDX-License-Identifier: Apache-2.0

package crl

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"rastau/internal/pki"
)

// retryStep is how long after the time judged a newer list may be hoped for, where the list at hand does not say.
const retryStep = 5 * time.Minute

// How far a list came before something stood in its way. The farthest is what the answer tells.
const (
	farNone   = iota // another issuer's
	farScope         // of the issuer, but not about this certificate
	farSigner        // in scope, its signature or signer does not stand
	farUsed          // authentic, but of unknown extensions, or its time is over
	farSilent        // authentic and current, but silence in it proves nothing for this certificate
)

// obstacle is why a list did not decide.
type obstacle struct {
	far      int
	why      string
	citation string
	retry    time.Time
}

// judgement is one run of RFC 5280 §6.3.3 for one certificate.
type judgement struct {
	Query
	ctx    context.Context
	above  []*pki.Certificate // certificates whose status waits for this one: a list signer must not vouch for itself
	budget *int               // signer candidates that may still be tried, shared by all runs of one question

	circular bool // a list was met that the certificate in question signed itself
	vouches  bool // such lists count
	entitled bool // only who may sign is asked, not whether that one was revoked

	mask    uint16 // reasons_mask
	used    []*List
	last    *List
	hold    *Answer
	nearest *obstacle
	coming  *Entry // the earliest that revokes the certificate after the time judged
}

// maxSigners bounds how many candidate list signers one question may try: a signature check hashes a whole list.
const maxSigners = 64

// maxDepth bounds how deep list signers of list signers are followed.
const maxDepth = 4

// Judge follows RFC 5280 §6.3.3 whole: scope, reasons, delta, indirect, list signer, freshness, unknown critical extensions.
// It never errs: what cannot be decided is Unknown, and Why says what is missing.
func Judge(ctx context.Context, q Query) Answer {
	budget := maxSigners
	return judge(ctx, q, nil, &budget)
}

func judge(ctx context.Context, q Query, above []*pki.Certificate, budget *int) Answer {
	if q.Certificate == nil || q.At.IsZero() {
		return Answer{Reason: reasonAbsent, Why: "no certificate or no time to judge was given", Citation: "RFC 5280 §6.3.1"}
	}
	if q.Algorithms == nil {
		q.Algorithms = pki.DefaultAlgorithms
	}
	j := &judgement{Query: q, ctx: ctx, above: append(slices.Clone(above), q.Certificate), budget: budget}
	a := j.run()
	if a.Status == Unknown && j.circular {
		// A list signer whose certificate stands on no list but its own (PKITS 4.14.30). Only after every other list left the
		// question open is its own believed: it can say that the signer is revoked, and nobody else says anything.
		j = &judgement{Query: q, ctx: ctx, above: j.above, budget: budget, vouches: true}
		a = j.run()
	}
	return a
}

func (j *judgement) run() Answer {
	// Newest first: where two lists of one scope are both current, the later one is what the issuer says now.
	if len(j.Lists) > 1 {
		j.Lists = slices.Clone(j.Lists)
		slices.SortStableFunc(j.Lists, func(a, b *List) int { return b.ThisUpdate.Compare(a.ThisUpdate) })
	}

	elsewhere := false
	for i := range j.Certificate.DistributionPoints {
		p := &j.Certificate.DistributionPoints[i]
		elsewhere = elsewhere || len(p.CRLIssuer) > 0
		if a, ends := j.point(p); ends {
			return a
		}
	}
	// A certificate without any point, or whose own do not cover all reasons, is covered by the lists of its issuer as if it
	// named a point by the issuer's name (RFC 5280 §6.3.3, last paragraph) — but not where it sends to another issuer of
	// lists: then silence in the CA's own list would say nothing.
	if !elsewhere {
		if a, ends := j.point(&pki.DistributionPoint{FullNames: []pki.GeneralName{{Tag: pki.DirectoryName, Dir: j.Certificate.Issuer}}}); ends {
			return a
		}
	}
	if j.hold != nil {
		return *j.hold
	}
	return j.unknown()
}

// point asks all complete lists at one distribution point. It answers only where that ends the question.
func (j *judgement) point(p *pki.DistributionPoint) (a Answer, ends bool) {
	for _, l := range j.Lists {
		if l.Delta() || reasonsOf(l, p)&^j.mask == 0 { // RFC 5280 §6.3.3 (e)
			continue
		}
		if a := j.consult(l, p); a != nil {
			return *a, true
		}
		if j.mask == allReasons && j.hold == nil {
			return j.good(), true
		}
	}
	return Answer{}, false
}

// consult asks one complete list, with its delta, at one point. It answers only where that ends the question.
func (j *judgement) consult(l *List, p *pki.DistributionPoint) *Answer {
	if o := misfit(j.Certificate, p, l); o != nil {
		j.note(o)
		return nil
	}
	key, o := j.signer(l)
	if o != nil {
		j.note(o)
		return nil
	}
	entry, listed, err := l.Lookup(j.Certificate.Issuer, j.Certificate.Serial)
	if err != nil {
		j.note(&obstacle{far: farUsed, why: err.Error(), citation: "RFC 5280 §6.3.3", retry: j.At.Add(retryStep)})
		return nil
	}
	// RFC 5280 §5.2: "If a CRL contains a critical extension that the application cannot process, then the application MUST
	// NOT use that CRL to determine the status of certificates."
	if len(l.UnknownCritical) > 0 {
		why := fmt.Sprintf("the list has a critical extension that is not processed (%s)", l.UnknownCritical[0])
		j.note(&obstacle{far: farUsed, why: why + mention(listed, entry), citation: "RFC 5280 §5.2", retry: j.retry(l)})
		return nil
	}
	current := l // the list whose times count: a delta brings its base up to date (RFC 5280 §6.3.3 (a))
	delta := j.delta(l, key)
	if delta != nil {
		current = delta
	}
	if o := j.untimely(l, current); o != nil {
		o.why += mention(listed, entry)
		j.note(o)
		return nil
	}

	if listed && entry.Reason == reasonRemoveFromCRL { // RFC 5280 §5.3.1: "only ... in delta CRLs"
		j.note(&obstacle{far: farUsed, why: "a complete list holds removeFromCRL for the certificate", citation: "RFC 5280 §5.3.1", retry: j.retry(current)})
		return nil
	}
	decided := l
	if delta != nil {
		e, in, err := delta.Lookup(j.Certificate.Issuer, j.Certificate.Serial)
		if err != nil {
			j.note(&obstacle{far: farUsed, why: err.Error(), citation: "RFC 5280 §6.3.3", retry: j.At.Add(retryStep)})
			return nil
		}
		// (i), before (j). What the delta dates after the time judged does not yet undo what the complete list says of it.
		if in && !(listed && e.Date.After(j.At)) {
			entry, listed, decided = e, e.Reason != reasonRemoveFromCRL, delta
		}
	}
	j.use(l, delta)
	if listed && !entry.Date.After(j.At) {
		return j.revoked(decided, current, entry)
	}
	if listed {
		if j.coming == nil || entry.Date.Before(j.coming.Date) {
			j.coming = &entry
		}
	} else if o := j.silent(current); o != nil {
		j.note(o)
		return nil
	}
	j.last = decided
	j.mask |= reasonsOf(l, p) // (l)
	return nil
}

func (j *judgement) good() Answer {
	a := Answer{Status: Good, Reason: reasonAbsent, List: j.last, Used: j.used, Citation: "RFC 5280 §6.3.3"}
	if e := j.coming; e != nil {
		a.RevokedAt, a.Reason = e.Date, e.Reason
		a.Why = fmt.Sprintf("the list revokes the certificate from %s, after the time judged", e.Date.UTC().Format(time.RFC3339))
	}
	return a
}

// revoked ends the question, but for a hold: another list may know worse.
func (j *judgement) revoked(decided, current *List, e Entry) *Answer {
	a := Answer{Status: Revoked, RevokedAt: e.Date, Reason: e.Reason, List: decided, Used: j.used, Citation: "RFC 5280 §6.3.3 (j)"}
	if e.Reason != reasonHold {
		return &a
	}
	a.Status, a.RetryAfter, a.Citation = Hold, j.retry(current), "RFC 5280 §5.3.1"
	if j.hold == nil {
		j.hold = &a
	}
	return nil
}

// untimely says why a list's times rule it out at the time judged, nil where they do not.
func (j *judgement) untimely(l, current *List) *obstacle {
	age := j.At.Sub(current.ThisUpdate)
	switch {
	case l.ThisUpdate.After(j.At):
		return &obstacle{far: farUsed, why: "the list was issued after the time judged", citation: "RFC 5280 §5.1.2.4"}
	case current.NextUpdate.IsZero() && j.MaxAge <= 0:
		return &obstacle{far: farUsed, why: "the list has no nextUpdate and no greatest age is set", citation: "RFC 5280 §5.1.2.5", retry: j.retry(current)}
	case !current.NextUpdate.IsZero() && current.NextUpdate.Before(j.At):
		return &obstacle{far: farUsed, why: "the list is stale: its nextUpdate was " + current.NextUpdate.UTC().Format(time.RFC3339), citation: "RFC 5280 §6.3.3 (a)", retry: j.retry(current)}
	case j.MaxAge > 0 && age > j.MaxAge:
		return &obstacle{far: farUsed, why: fmt.Sprintf("the list is %s old, %s is allowed", age, j.MaxAge), citation: "EN 319 102-1 §5.2.5", retry: j.retry(current)}
	}
	return nil
}

// silent says why a certificate's absence from a list proves nothing, nil where it proves that it is not revoked.
func (j *judgement) silent(current *List) *obstacle {
	c := j.Certificate
	switch {
	case current.ThisUpdate.Before(c.NotBefore):
		return &obstacle{far: farSilent, why: "the list is older than the certificate", citation: "RFC 5280 §5", retry: j.retry(current)}
	case current.ThisUpdate.After(c.NotAfter) && (current.ExpiredCerts.IsZero() || current.ExpiredCerts.After(c.NotAfter)):
		// RFC 5280 §3.3: an entry may leave the list once the certificate has expired.
		return &obstacle{far: farSilent, why: "the certificate had expired before the list was issued, and the list does not promise to keep expired ones", citation: "RFC 5280 §3.3"}
	}
	return nil
}

// delta finds the newest usable delta for a complete list whose signature stands under key (RFC 5280 §5.2.4, §6.3.3 (c)).
// One that does not fit is passed over: the complete list stands for itself.
func (j *judgement) delta(base *List, key *pki.PublicKey) *List {
	var best *List
	for _, d := range j.Lists {
		if !d.Delta() || len(d.UnknownCritical) > 0 || !d.Issuer.Equal(base.Issuer) ||
			!bytes.Equal(d.idp, base.idp) || !bytes.Equal(d.aki, base.aki) {
			continue
		}
		// BaseCRLNumber ≤ the complete list's number < the delta's.
		if base.Number == nil || d.Number == nil || d.BaseNumber.Cmp(base.Number) > 0 || base.Number.Cmp(d.Number) >= 0 {
			continue
		}
		if best != nil && best.Number.Cmp(d.Number) >= 0 {
			continue
		}
		if j.untimely(d, d) != nil || j.Algorithms.Accept(d.Algorithm, key, j.provenAt()) != nil || d.VerifySignature(key) != nil {
			continue
		}
		best = d
	}
	return best
}

// retry is when a newer list may be there: at nextUpdate, or soon where that has passed.
func (j *judgement) retry(l *List) time.Time {
	if l.NextUpdate.After(j.At) {
		return l.NextUpdate
	}
	return j.At.Add(retryStep)
}

func (j *judgement) use(lists ...*List) {
	for _, l := range lists {
		if l != nil && !slices.Contains(j.used, l) {
			j.used = append(j.used, l)
		}
	}
}

func (j *judgement) note(o *obstacle) {
	if j.nearest == nil || o.far > j.nearest.far {
		j.nearest = o
	}
}

func (j *judgement) unknown() Answer {
	a := Answer{Status: Unknown, Reason: reasonAbsent, Used: j.used}
	switch {
	case j.nearest != nil && j.nearest.far > farNone:
		a.Why, a.Citation, a.RetryAfter = j.nearest.why, j.nearest.citation, j.nearest.retry
	case j.mask != 0:
	default:
		a.Why, a.Citation = "no list of the certificate's issuer is at hand", "RFC 5280 §6.3.3"
		if j.nearest != nil {
			a.Why, a.Citation = j.nearest.why, j.nearest.citation
		}
	}
	if j.mask != 0 {
		// RFC 5280 §6.3.3: UNDETERMINED unless reasons_mask is all-reasons.
		why := "the lists at hand answer for some reasons of revocation only"
		if a.Why != "" {
			why += "; " + a.Why
		}
		a.Why, a.Citation = why, "RFC 5280 §6.3.3 (l)"
	}
	return a
}

// mention keeps a warning where a list that cannot be used names the certificate.
func mention(listed bool, e Entry) string {
	if !listed {
		return ""
	}
	return fmt.Sprintf("; it lists the certificate as revoked on %s", e.Date.UTC().Format(time.RFC3339))
}
