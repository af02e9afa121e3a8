// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"io"
	"time"

	"rastau/crl"
	"rastau/internal/phrase"
	"rastau/internal/pki"
	"rastau/internal/trust"
)

// Purpose that the certificate must serve.
type Purpose string

// The purposes. The empty one is PurposeSign for a document and PurposeAny for a
// certificate.
const (
	PurposeSign      Purpose = "sign"      // nonRepudiation where key usage is present, emailProtection where extended key usage is
	PurposeAuth      Purpose = "auth"      // digitalSignature; clientAuth where extended key usage is
	PurposeAny       Purpose = "any"       // not asked
	PurposeTimestamp Purpose = "timestamp" // critical sole timeStamping (RFC 3161 §2.3)
)

// Question is what is asked of a file. The zero value asks about now, trusts
// nobody and requires revocation data: it can never end in TOTAL-PASSED.
type Question struct {
	// At is the time judged. Zero: Options.Now is asked once and the report says "clock".
	At   time.Time
	Lang phrase.Lang // of Finding.Detail; anything but Kazakh and Russian is English

	Anchors    []trust.Anchor     // trusted for signers
	TSAAnchors []trust.Anchor     // trusted for timestamps; nil: Anchors
	Certs      []*pki.Certificate // extra, untrusted

	Lists  []*crl.List // given lists
	OCSPs  [][]byte    // given OCSP responses, DER
	Broken []Finding   // extra inputs that could not be read (input.crl …), reported and passed over

	// Content gives the detached content; it may be asked more than once and is
	// closed after each reading. Nil: not given.
	Content func() (io.ReadCloser, error)
	Digests map[pki.OID][]byte // detached content by its digests, where Content is nil

	IIN, BIN  string    // expected holder numbers; "" = not asked
	Applicant Applicant // capacity in which the holder must be able to act; "" = not asked
	// Subordinates lets those sign for a body whose role gives no right to: finance,
	// HR, employees. Otherwise they are refused wherever Applicant is asked.
	Subordinates bool
	Purpose      Purpose

	Policies                                                      []pki.OID // initial policy set
	RequireExplicitPolicy, InhibitPolicyMapping, InhibitAnyPolicy bool

	NoRevocation bool                 // revocation is not asked
	MaxAge       time.Duration        // how old revocation data may be; 0: until nextUpdate
	Algorithms   *pki.AlgorithmPolicy // nil: pki.DefaultAlgorithms
	Offline      bool                 // no network

	// KeepRecord: the report carries everything that the verdict rests on
	// (Report.Record). It costs a digest of every piece, so it is asked for.
	KeepRecord bool
	// Replay judges from what an earlier judgement recorded, never from the network.
	Replay *Replay
}
