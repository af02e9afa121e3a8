// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"time"

	"rastau/internal/cms"
	"rastau/internal/pki"
	"rastau/internal/span"
)

// The validation policy that every report names. The version changes whenever the
// same input, time and evidence would give another verdict.
const (
	PolicyID      = "urn:rastau:policy:default"
	PolicyVersion = "2"
)

// Person is the signer as shown. Numbers are nil where not exactly one well-formed
// number stands in the certificate.
type Person struct {
	Subject, Issuer, Serial string
	IIN, BIN                *string
}

// SignatureReport is the verdict on one signature.
type SignatureReport struct {
	Indication    Indication
	SubIndication SubIndication
	Intact        *bool // the bytes as shown are what was signed; nil: could not be computed
	Signer        *Person
	SigningTime   *time.Time // proven: earliest valid timestamp; nil otherwise
	ClaimedTime   *time.Time // only claimed
	Level         string     // B, T, LT, LTA, none
	Findings      []Finding
	RetryAfter    *time.Time
	Certificate   *pki.Certificate // whose signature it is. Not in JSON.
	Field         string           // PDF: field name
	Scope         *Scope           // XML: what of the document it covers
	Message       bool             // XML: it stands in WS-Security and covers the body of the message. Not in JSON.
	Value         []byte           // the signature value. Not in JSON.
	Signed        cms.Digests      // digests of the content that was signed or shown. Not in JSON.
}

// Scope says what of an XML document a signature covers, in paths and names for people. Nobody signed what is not in Signed.
type Scope struct {
	Signed   []string // "the document", or paths of elements
	Unsigned []string // what else the document shows
	Around   []string // the elements that hold what was signed
	Prefixes []string // declared in it, and not signed: no name uses them
}

// JudgedTime is the time judged and where it came from.
type JudgedTime struct {
	Value  time.Time
	Source string // "clock" or "given"
}

// Report answers one question on one file.
type Report struct {
	File          string
	Document      bool   // a document (intact and signatures are printed) or a certificate
	Format        string // cms, pdf, xml, none; certificate
	Indication    Indication
	SubIndication SubIndication
	Intact        *bool
	Findings      []Finding // of the file as a whole; those of a signature stand in it
	Signatures    []SignatureReport
	RetryAfter    *time.Time
	Time          JudgedTime
	Holder        *Person          // certificate question
	Certificate   *pki.Certificate // certificate question
	Policies      []pki.OID        // user-constrained policy set
	Algorithms    string
	Record        *Record // everything that the verdict rests on, where it was asked for. Not in JSON.

	keeper *keeper
	unread bool // a signature field holds something that is no signature
}

// Deciding returns the finding that named the verdict, of the worst signature for a
// document; nil for TOTAL-PASSED.
func (r *Report) Deciding() *Finding {
	f, _ := r.worst()
	return f
}

// worst finds the deciding finding and the signature it stands in (-1: the file's own).
func (r *Report) worst() (*Finding, int) {
	var worst *Finding
	at := -1
	consider := func(findings []Finding, index int) {
		i := decide(findings)
		if i < 0 {
			return
		}
		f := &findings[i]
		if worst == nil || graver(*f, *worst) {
			worst, at = f, index
		}
	}
	consider(r.Findings, -1)
	for i := range r.Signatures {
		consider(r.Signatures[i].Findings, i)
	}
	return worst, at
}

// graver compares the deciding findings of two signatures: the worse status first,
// then as within one signature.
func graver(a, b Finding) bool {
	ia, _ := verdict([]Finding{a})
	ib, _ := verdict([]Finding{b})
	if ia != ib {
		return ia.worse(ib)
	}
	return before(a, b)
}

// conclude computes the verdict on the file: the worst of its signatures and of
// what was found about the file itself. A document without a judged signature is
// never passed.
func (r *Report) conclude() *Report {
	r.Indication, r.SubIndication = verdict(r.Findings)
	if f, _ := r.worst(); f != nil {
		r.Indication, r.SubIndication = verdict([]Finding{*f})
	}
	if r.Document && len(r.Signatures) == 0 && r.Indication == TotalPassed {
		r.Indication, r.SubIndication = Indeterminate, NoSignatureFound
	}
	r.Intact = r.wholeness()
	r.Record = r.keeper.finish(r)
	if r.SubIndication == TryLater {
		for _, s := range r.Signatures {
			// All must be asked again, so the latest time counts.
			if s.RetryAfter != nil && (r.RetryAfter == nil || s.RetryAfter.After(*r.RetryAfter)) {
				r.RetryAfter = s.RetryAfter
			}
		}
	}
	return r
}

// wholeness: false where any signature is broken or is none, nil where any could not be
// computed or there is none.
func (r *Report) wholeness() *bool {
	whole := len(r.Signatures) > 0
	if !whole {
		return nil
	}
	computed := true
	whole = !r.unread
	for _, s := range r.Signatures {
		switch {
		case s.Intact == nil:
			computed = false
		case !*s.Intact:
			whole = false
		}
	}
	if whole && !computed {
		return nil
	}
	return &whole
}

// tell ends the step of a trace with what was found.
func (r *Report) tell(step *span.Span) {
	step.Set(span.Format, r.Format)
	step.Set(span.Indication, r.Indication.String())
	step.Set(span.SubIndication, string(r.SubIndication))
	step.End(nil)
}
