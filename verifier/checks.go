// SPDX-License-Identifier: Apache-2.0

package verifier

import "context"

// check is one rule. It leaves findings; where they name no key or citation of
// their own, the check's stand. A check that has nothing to say leaves none.
type check[T any] struct {
	key, citation string
	run           func(context.Context, T) []Finding
}

// signatureChecks judge one signature of a document, in this order. What they
// learn on the way (the signer's certificate, the mathematics, the proven time)
// stays in the signature for those that follow.
var signatureChecks = []check[*signature]{
	{"document.format", "RFC 5652 §5.1", checkFormat},
	{"document.revision", "ISO 32000-1 §12.8.1", checkRevision},
	{"signature.certificate", "RFC 5035 §3", checkCertificate},
	{"signature.content", "RFC 5652 §5.2", checkContent},
	{"signature.attributes", "RFC 5652 §5.3", checkAttributes},
	{"signature.claims", "EN 319 122-1 §5.2", checkClaims},
	{"signature.digest", "RFC 5652 §5.4", checkDigest},
	{"signature.value", "RFC 5652 §5.6", checkValue},
	// Before the timestamps that it may cover.
	{"signature.archive", "EN 319 122-1 §5.5.3", checkArchive},
	{"signature.timestamp", "EN 319 102-1 §5.4", checkTimestamp},
	{"signature.algorithm", "ETSI TS 119 312", checkAlgorithm},
	{"signature.countersignature", "RFC 5652 §11.4", checkCounter},
}

// xmlChecks judge one XML signature, in this order.
var xmlChecks = []check[*xmlSignature]{
	{"document.format", "XMLDSig 1.1 §4.1", checkXMLFormat},
	{"signature.certificate", "EN 319 132-1 §5.2.2", checkXMLCertificate},
	{"signature.reference", "XMLDSig 1.1 §4.4.3", checkXMLReference},
	{"signature.scope", "XMLDSig 1.1 §8.1", checkXMLScope},
	{"signature.digest", "XMLDSig 1.1 §3.2.1", checkXMLDigest},
	{"signature.value", "XMLDSig 1.1 §3.2.2", checkXMLValue},
	// Before the timestamps that it may cover.
	{"signature.archive", "EN 319 132-1 §5.5.2", checkXMLArchive},
	{"signature.timestamp", "EN 319 132-1 §5.3", checkXMLTimestamp},
	{"signature.algorithm", "ETSI TS 119 312", checkXMLAlgorithm},
	{"signature.countersignature", "EN 319 132-1 §5.2.7", checkXMLCounter},
}

// pathChecks judge one certificate along one candidate path, in this order.
var pathChecks = []check[*subject]{
	{"cert.path", "RFC 5280 §6.1", checkPath},
	{"signature.algorithm", "ETSI TS 119 312", checkPathAlgorithm},
	{"cert.revocation", "RFC 5280 §6.3", checkRevocation},
	// After revocation: what is known of it tells the two out-of-bounds apart.
	{"cert.validity", "RFC 5280 §4.1.2.5", checkValidity},
	{"cert.purpose", "RFC 5280 §4.2.1.3", checkPurpose},
	{"cert.policy", "RFC 5280 §6.1.5", checkPolicy},
	{"holder.iin", "RFC 5280 §4.1.2.6", checkIIN},
	{"holder.bin", "RFC 5280 §4.1.2.6", checkBIN},
	{"holder.capacity", "RFC 5280 §4.2.1.12", checkCapacity},
	{"holder.number", "Law 223-III of 2007-01-12", checkNumber},
	{"holder.checkdigit", "Resolution 565 of 2003-06-11", checkDigits},
}

// A signature on which all holds leaves 8 findings, and its certificate 9: room for what
// is usual, so that the list need not grow.
const (
	signatureRoom = 17
	pathRoom      = 9
)

// examine runs checks in order over one subject.
func examine[T any](ctx context.Context, in *inquiry, checks []check[T], over T, room int) []Finding {
	out := make([]Finding, 0, room)
	for _, c := range checks {
		for _, f := range c.run(ctx, over) {
			out = append(out, f)
			in.finish(&out[len(out)-1], c.key, c.citation)
		}
	}
	return out
}

// one is the result of a check that leaves a single finding, in room that the next such
// check takes again: whoever ran the check has copied it by then.
func (in *inquiry) one(f Finding) []Finding {
	in.room[0] = f
	return in.room[:]
}

// finish gives a finding its key and citation where it lacks them, and its language.
func (in *inquiry) finish(f *Finding, key, citation string) {
	if f.Key == "" {
		f.Key = key
	}
	if f.Citation == "" {
		f.Citation = citation
	}
	f.Lang = in.q.Lang
}
