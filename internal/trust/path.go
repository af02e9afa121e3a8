// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"cmp"
	"slices"

	"rastau/internal/pki"
)

// Reason names the kind of rule that a certificate breaks.
type Reason string

const (
	Signature         Reason = "signature"          // the issuer's key did not make this signature
	Algorithm         Reason = "algorithm"          // not supported, so not computable
	WeakAlgorithm     Reason = "weak-algorithm"     // computed and correct, but no longer accepted at the time judged
	Expired           Reason = "expired"            // the time judged lies after notAfter
	NotYetValid       Reason = "not-yet-valid"      // the time judged lies before notBefore
	NameChaining      Reason = "name-chaining"      // the issuer field is not the name of the certificate above
	NotCA             Reason = "not-ca"             // stands above another certificate without being a CA
	PathLength        Reason = "path-length"        // more CAs below a certificate than it allows
	KeyUsage          Reason = "key-usage"          // a CA whose key may not sign certificates
	NameConstraint    Reason = "name-constraint"    // a name that a CA above does not allow
	PolicyConstraint  Reason = "policy"             // no certificate policy is left, or a forbidden mapping
	CriticalExtension Reason = "critical-extension" // a critical extension that is not processed
	Malformed         Reason = "malformed"          // violates RFC 5280 in itself (inner/outer algorithm differ, version, duplicate extension …)
	NoRevAvailMisuse  Reason = "no-rev-avail"       // noRevAvail where RFC 9608 forbids it
)

// Failure is one rule that one certificate breaks.
type Failure struct {
	Index       int              // position on the path, 0 = leaf; len(Certificates) = the anchor's own certificate
	Certificate *pki.Certificate // the certificate at that position
	Reason      Reason
	Citation    string // "RFC 5280 §6.1.3 (a)(2)"
	Detail      string // English sentence
}

// Path leads from the leaf to an anchor.
type Path struct {
	// Certificates stand leaf first. The anchor is not among them, but a leaf
	// that is itself an anchor's certificate makes a path of that one.
	Certificates []*pki.Certificate
	Anchor       Anchor
	Policies     []pki.OID // user-constrained-policy-set in order of OID; anyPolicy as 2.5.29.32.0
	Failures     []Failure // empty = the path is valid at Query.At; leaf first

	// keys are the working public keys of Certificates: those as written, but
	// for DSA keys that inherit their parameters (RFC 5280 §6.1.4 (e)).
	keys []pki.PublicKey
}

// Valid reports whether no certificate on the path breaks a rule. Revocation
// is not among the rules.
func (p *Path) Valid() bool { return len(p.Failures) == 0 }

// Issuer returns the certificate or anchor that issued Certificates[i]: its
// name, key and, where known, certificate. The key carries inherited DSA
// parameters. An i outside the path panics, as any index does.
func (p *Path) Issuer(i int) Anchor {
	if i == len(p.Certificates)-1 {
		return p.Anchor
	}
	a := AnchorOf(p.Certificates[i+1])
	if len(p.keys) == len(p.Certificates) {
		a.Key = p.keys[i+1]
	}
	return a
}

// outOfTimeOnly reports whether every failure is one of validity alone.
func (p *Path) outOfTimeOnly() bool {
	return !slices.ContainsFunc(p.Failures, func(f Failure) bool {
		return f.Reason != Expired && f.Reason != NotYetValid
	})
}

// sortPaths puts the best first: valid, then those that fail by time alone,
// then by fewest failures. Among equals the shorter path, then the order found.
func sortPaths(paths []Path) {
	class := func(p *Path) int {
		switch {
		case p.Valid():
			return 0
		case p.outOfTimeOnly():
			return 1
		}
		return 2
	}
	slices.SortStableFunc(paths, func(a, b Path) int {
		return cmp.Or(
			cmp.Compare(class(&a), class(&b)),
			cmp.Compare(len(a.Failures), len(b.Failures)),
			cmp.Compare(len(a.Certificates), len(b.Certificates)),
		)
	})
}
