// SPDX-License-Identifier: Apache-2.0

package ocsp

import (
	"time"

	"rastau/internal/pki"
	"rastau/internal/trust"
)

// Status is what a responder says of a certificate.
type Status string

// The three statuses of RFC 6960 §2.2.
const (
	StatusUnknown Status = "unknown" // the responder says unknown, or nothing is known
	StatusGood    Status = "good"
	StatusRevoked Status = "revoked"
)

// Usable says whether a response may be relied on.
type Usable int

const (
	// Undecided is the zero value: the responder's certificate is not at hand,
	// the algorithm is not supported, or an unsigned error status such as tryLater.
	Undecided Usable = iota
	// Yes: authentic, about this certificate, and of this time.
	Yes
	// No: proven unusable — wrong CertID, signature, responder's right, times, nonce …
	No
)

// String gives "undecided", "yes" or "no".
func (u Usable) String() string {
	switch u {
	case Yes:
		return "yes"
	case No:
		return "no"
	}
	return "undecided"
}

// Query is the question a response must answer.
type Query struct {
	// Certificate asked about. Required.
	Certificate *pki.Certificate
	// Issuer of the certificate; that its key made the certificate's signature is
	// the path's question, not asked here. Required.
	Issuer trust.Anchor
	// Responders are locally configured ones (RFC 6960 §4.2.2.2 (1)): trusted for
	// every certificate, without OCSPSigning. Optional.
	Responders []*pki.Certificate
	// Candidates are further certificates among which the responder's may stand. Optional.
	Candidates []*pki.Certificate
	// Nonce that was sent: a different one in the response fails, an absent one
	// falls back to the times (RFC 9654 §2.1). Optional.
	Nonce []byte
	// Request is the DER of the request; it must have asked about the certificate,
	// and its nonce counts like Nonce. Optional.
	Request []byte
	// At is the time judged. Required.
	At time.Time
	// MaxAge bounds how old thisUpdate may be at At. Optional. If zero: until
	// nextUpdate, and without nextUpdate DefaultAge.
	MaxAge time.Duration
	// Skew is the tolerance of clocks. Optional. If zero, DefaultSkew for times that
	// lie ahead of At, none for those that have passed.
	Skew time.Duration
	// Algorithms that count. Optional. If nil, pki.DefaultAlgorithms.
	Algorithms *pki.AlgorithmPolicy
	// Once remembers signatures that were proven: it calls prove unless an earlier prove with the same digest gave nil. The
	// digest stands for every byte of the proof, which is mathematics alone: times, algorithms and rights are asked anew.
	// Optional. If nil, every signature is proven each time.
	Once func(digest [32]byte, prove func() error) error
}

// DefaultAge is how long a response without nextUpdate is usable where
// Query.MaxAge does not say. Kazakhstan's responder never sends nextUpdate.
const DefaultAge = 12 * time.Hour

// DefaultSkew is how far ahead of Query.At a response's thisUpdate and producedAt
// may lie where Query.Skew does not say. A responder that signs on demand, as
// Kazakhstan's does, writes a time after the one at which the question was put.
const DefaultSkew = 5 * time.Minute

// Answer is the judgement. Status, Reason, RevokedAt and NotIssued are filled for
// Yes alone: what an unusable response claims is not repeated.
type Answer struct {
	Usable                             Usable
	Status                             Status
	Reason                             int // -1 where absent
	RevokedAt                          time.Time
	ProducedAt, ThisUpdate, NextUpdate time.Time        // as claimed; NextUpdate zero where absent
	Responder                          *pki.Certificate // nil where the CA's own key signed and no certificate of it is at hand
	Delegated                          bool             // signed by a delegate with OCSPSigning
	NoCheck                            bool             // delegate has id-pkix-ocsp-nocheck; otherwise the caller must judge its revocation without recursion
	NotIssued                          bool             // Status is revoked, but by the extended definition: certificateHold at 1970-01-01 means "no such certificate was issued" (RFC 6960 §2.2, §4.4.8)
	AfterExpiry                        bool             // produced after the certificate expired, with no archive cutoff reaching back to then: "good" does not exclude a revocation since forgotten (RFC 6960 §4.4.4)
	ArchiveCutoff                      time.Time
	RetryAfter                         time.Time // when the same question may be answered better; zero where nothing is known
	Why, Citation                      string    // English; empty for Yes unless NotIssued
}
