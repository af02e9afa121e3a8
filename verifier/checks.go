// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"time"
)

// check is one rule. It leaves findings; where they name no key or citation of
// their own, the check's stand. A check that has nothing to say leaves none.
type check[T any] struct {
	key, citation string
	run           func(context.Context, T) []Finding
	group         Group
}

// Group of checks whose time is told together.
type Group string

// The groups: what a document and a signature say of themselves, the mathematics, time stamps, the path to an anchor, revocation, and
// what the certificate may be used for and by whom.
const (
	GroupForm       Group = "form"
	GroupValue      Group = "value"
	GroupTime       Group = "time"
	GroupPath       Group = "path"
	GroupRevocation Group = "revocation"
	GroupUse        Group = "use"
)

// signatureChecks judge one signature of a document, in this order. What they
// learn on the way (the signer's certificate, the mathematics, the proven time)
// stays in the signature for those that follow.
var signatureChecks = []check[*signature]{
	{"document.format", "RFC 5652 §5.1", checkFormat, GroupForm},
	{"document.revision", "ISO 32000-1 §12.8.1", checkRevision, GroupForm},
	{"signature.certificate", "RFC 5035 §3", checkCertificate, GroupForm},
	{"signature.content", "RFC 5652 §5.2", checkContent, GroupValue},
	{"signature.attributes", "RFC 5652 §5.3", checkAttributes, GroupValue},
	{"signature.claims", "EN 319 122-1 §5.2", checkClaims, GroupValue},
	{"signature.digest", "RFC 5652 §5.4", checkDigest, GroupValue},
	{"signature.value", "RFC 5652 §5.6", checkValue, GroupValue},
	// Before the timestamps that it may cover.
	{"signature.archive", "EN 319 122-1 §5.5.3", checkArchive, GroupTime},
	{"signature.timestamp", "EN 319 102-1 §5.4", checkTimestamp, GroupTime},
	{"signature.algorithm", "ETSI TS 119 312", checkAlgorithm, GroupValue},
	{"signature.countersignature", "RFC 5652 §11.4", checkCounter, GroupValue},
}

// xmlChecks judge one XML signature, in this order.
var xmlChecks = []check[*xmlSignature]{
	{"document.format", "XMLDSig 1.1 §4.1", checkXMLFormat, GroupForm},
	{"signature.certificate", "EN 319 132-1 §5.2.2", checkXMLCertificate, GroupForm},
	{"signature.reference", "XMLDSig 1.1 §4.4.3", checkXMLReference, GroupValue},
	{"signature.scope", "XMLDSig 1.1 §8.1", checkXMLScope, GroupValue},
	{"signature.digest", "XMLDSig 1.1 §3.2.1", checkXMLDigest, GroupValue},
	{"signature.value", "XMLDSig 1.1 §3.2.2", checkXMLValue, GroupValue},
	// Before the timestamps that it may cover.
	{"signature.archive", "EN 319 132-1 §5.5.2", checkXMLArchive, GroupTime},
	{"signature.timestamp", "EN 319 132-1 §5.3", checkXMLTimestamp, GroupTime},
	{"signature.algorithm", "ETSI TS 119 312", checkXMLAlgorithm, GroupValue},
	{"signature.countersignature", "EN 319 132-1 §5.2.7", checkXMLCounter, GroupValue},
}

// pathChecks judge one certificate along one candidate path, in this order.
var pathChecks = []check[*subject]{
	{"cert.path", "RFC 5280 §6.1", checkPath, GroupPath},
	{"signature.algorithm", "ETSI TS 119 312", checkPathAlgorithm, GroupPath},
	{"cert.revocation", "RFC 5280 §6.3", checkRevocation, GroupRevocation},
	// After revocation: what is known of it tells the two out-of-bounds apart.
	{"cert.validity", "RFC 5280 §4.1.2.5", checkValidity, GroupUse},
	{"cert.purpose", "RFC 5280 §4.2.1.3", checkPurpose, GroupUse},
	{"cert.policy", "RFC 5280 §6.1.5", checkPolicy, GroupUse},
	{"holder.iin", "RFC 5280 §4.1.2.6", checkIIN, GroupUse},
	{"holder.bin", "RFC 5280 §4.1.2.6", checkBIN, GroupUse},
	{"holder.capacity", "RFC 5280 §4.2.1.12", checkCapacity, GroupUse},
	{"holder.number", "Law 223-III of 2007-01-12", checkNumber, GroupUse},
	{"holder.checkdigit", "Resolution 565 of 2003-06-11", checkDigits, GroupUse},
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
	clock := stopwatch{observe: in.v.o.Observe}
	defer clock.turn("")
	for _, c := range checks {
		clock.turn(c.group)
		for _, f := range c.run(ctx, over) {
			out = append(out, f)
			in.finish(&out[len(out)-1], c.key, c.citation)
		}
	}
	return out
}

// stopwatch tells how long each group of checks took; without anybody to tell it reads no clock.
type stopwatch struct {
	observe func(Group, time.Duration)
	group   Group
	began   time.Time
}

// turn ends the group under way, if any, and begins the next.
func (w *stopwatch) turn(next Group) {
	if w.observe == nil || w.group == next {
		return
	}
	now := time.Now()
	if w.group != "" {
		w.observe(w.group, now.Sub(w.began))
	}
	w.group, w.began = next, now
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
