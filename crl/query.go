// SPDX-License-Identifier: Apache-2.0

package crl

import (
	"time"

	"rastau/internal/pki"
	"rastau/internal/trust"
)

// Status is what lists say about a certificate.
type Status int

const (
	Unknown Status = iota // not decided: the zero value is never good
	Good
	Revoked
	Hold // certificateHold: reversible
)

func (s Status) String() string {
	switch s {
	case Good:
		return "good"
	case Revoked:
		return "revoked"
	case Hold:
		return "on hold"
	}
	return "unknown"
}

// Query asks whether Certificate was revoked at At, by the Lists at hand.
type Query struct {
	Certificate *pki.Certificate   // Required.
	Issuer      trust.Anchor       // Required. Name and key that issued it.
	IssuerCert  *pki.Certificate   // Optional: its key usage must allow cRLSign where present.
	Anchor      trust.Anchor       // Required. The path's anchor, for separate list signers.
	Anchors     []trust.Anchor     // Optional. All that are trusted: one of Anchor's own name is the same authority under another key (rollover).
	Lists       []*List            // complete and delta, any order
	Candidates  []*pki.Certificate // where list signers' certificates may stand
	At          time.Time          // Required. The time judged.
	Proven      time.Time          // Optional. By when the lists are proven to exist: their signers and algorithms are judged then (EN 319 102-1 §5.6.2). If zero, At.
	MaxAge      time.Duration      // Optional. If zero, until nextUpdate.
	Algorithms  *pki.AlgorithmPolicy
}

// provenAt is the time at which signatures on lists count.
func (q *Query) provenAt() time.Time {
	if q.Proven.IsZero() {
		return q.At
	}
	return q.Proven
}

// Answer is what the lists say.
type Answer struct {
	Status     Status
	RevokedAt  time.Time // of Good: where not zero, the certificate is revoked from then on, after the time judged
	Reason     int       // RFC 5280 §5.3.1; -1 where absent
	List       *List     // that decided
	Used       []*List   // all that took part, deltas too: the evidence
	RetryAfter time.Time // for Unknown and Hold: when to ask again, zero where nothing is known
	Why        string    // English sentence, for Unknown: what is missing or wrong
	Citation   string
}
