// SPDX-License-Identifier: Apache-2.0

// Package trust answers one question: does a path lead from a certificate to
// a trusted anchor, and which rule does each certificate on it break at the
// time being judged.
//
// Paths are built among an untrusted bag of certificates (RFC 4158 describes
// the problem) and validated by RFC 5280 §6.1, with policies processed as the
// graph of RFC 9618. Validity is judged by the shell model: every certificate
// must be valid at the one time asked about; periods need not nest, because
// CAs exist that are older than the root above them. An anchor is a name and
// a key (RFC 5280 §6.1.1 (d)); nothing else of its certificate counts unless
// Query.AnchorConstraints asks for it (RFC 5937).
//
// A rule broken is a Failure on the path, never an error. Left out:
// revocation, the purpose of the leaf (its own key usage and extended key
// usage), who the holder is, and fetching of missing certificates. The
// extended key usage of a CA does not limit what stands below it: RFC 5280
// gives it no such meaning.
package trust

import (
	"time"

	"rastau/internal/pki"
)

// Query is one question to the path builder. It is read only; the same Query
// may be asked from several goroutines.
type Query struct {
	Leaf       *pki.Certificate   // Required. A CA certificate or one of version 1 will do.
	Anchors    []Anchor           // Required for any path to exist.
	Candidates []*pki.Certificate // Optional. An untrusted bag in any order; looked at up to Limits.Candidates.
	At         time.Time          // Required. The time judged; without it there is no path.

	Policies              []pki.OID // Optional. user-initial-policy-set (RFC 5280 §6.1.1 (c)). If empty, anyPolicy.
	RequireExplicitPolicy bool      // initial-explicit-policy (§6.1.1 (f))
	InhibitPolicyMapping  bool      // initial-policy-mapping-inhibit (§6.1.1 (e))
	InhibitAnyPolicy      bool      // initial-any-policy-inhibit (§6.1.1 (g))

	Algorithms *pki.AlgorithmPolicy // Optional. If nil, pki.DefaultAlgorithms.

	// AnchorConstraints applies what an anchor's certificate says of itself:
	// its form, key usage, path length, name constraints and critical
	// extensions (RFC 5937 §3). Its validity period and policies still do not
	// count.
	AnchorConstraints bool

	// Made says whether the key made the certificate's signature, for callers who may
	// know it already. Optional. If nil, Certificate.CheckSignatureFrom, and it must
	// give what that would give.
	Made func(c *pki.Certificate, key *pki.PublicKey) error

	Limits Limits // Optional. Zero fields take their defaults.
}

// Limits bound the work of one query, so that a hostile bag of certificates
// costs milliseconds. A field of zero or below takes its default.
type Limits struct {
	Depth      int // certificates on a path without the anchor, 16
	Signatures int // signature checks, 200
	Paths      int // complete paths judged, 32
	Candidates int // certificates of the bag looked at, 10,000
}

const (
	defaultDepth      = 16
	defaultSignatures = 200
	defaultPaths      = 32
	defaultCandidates = 10_000

	// maxSteps bounds the walk over a graph whose edges cost nothing any more.
	maxSteps = 10_000
	// maxComparisons bounds names times constraints in one query: two
	// certificates of 64 KiB could ask for ten million.
	maxComparisons = 250_000
)

func (l Limits) withDefaults() Limits {
	for _, f := range []struct {
		field *int
		value int
	}{
		{&l.Depth, defaultDepth},
		{&l.Signatures, defaultSignatures},
		{&l.Paths, defaultPaths},
		{&l.Candidates, defaultCandidates},
	} {
		if *f.field <= 0 {
			*f.field = f.value
		}
	}
	return l
}
