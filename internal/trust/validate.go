// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"rastau/internal/pki"
)

// validation carries the state variables of RFC 5280 §6.1.2 down one path.
// Unlike the standard it does not stop at the first rule broken: a person who
// is refused should read the whole list.
type validation struct {
	q     *Query
	sigs  *signatures
	names nameConstraints
	path  *Path

	workingName pki.Name       // working_issuer_name
	workingKey  *pki.PublicKey // working_public_key with its parameters
	pathLength  int            // max_path_length
	policy      policyState
	policyLost  bool // a policy failure has been reported
}

// validate judges one path by RFC 5280 §6.1, anchor first.
func validate(q *Query, sigs *signatures, comparisons *int, certificates []*pki.Certificate, anchor *Anchor) Path {
	n := len(certificates)
	path := Path{Certificates: certificates, Anchor: *anchor, keys: make([]pki.PublicKey, n)}
	v := validation{
		q: q, sigs: sigs, path: &path,
		names:       nameConstraints{comparisons: comparisons},
		workingName: anchor.Name,
		workingKey:  &anchor.Key,
		pathLength:  n,
		policy:      newPolicyState(q, n),
	}
	if q.AnchorConstraints && anchor.Certificate != nil {
		v.anchor(anchor.Certificate)
	}
	for i := n - 1; i >= 0; i-- {
		c := certificates[i]
		final := i == 0
		selfIssued := c.SelfIssued()

		v.basics(i, c)
		if !selfIssued || final { // §6.1.3 (b), (c)
			if problem := v.names.check(c); problem != "" {
				v.fail(i, c, NameConstraint, "RFC 5280 §6.1.3 (b), (c)", problem)
			}
		}
		if !v.policy.enter(c, selfIssued, final) {
			v.failPolicy(i, c, "RFC 5280 §6.1.3 (f)", "A certificate policy is required, and none is valid down to this certificate.")
		}
		for _, problem := range formProblems(c) {
			v.fail(i, c, Malformed, problem.citation, problem.detail)
		}
		for _, problem := range noRevAvailProblems(c) {
			v.fail(i, c, NoRevAvailMisuse, problem.citation, problem.detail)
		}
		v.critical(i, c)
		path.keys[i] = workingKey(c.PublicKey, *v.workingKey) // §6.1.4 (d)–(f), §6.1.5 (c)–(e)
		if !final {
			v.descend(i, c, selfIssued)
		}
	}
	set, ok := v.policy.finish(certificates[0], q.Policies)
	if !ok {
		v.failPolicy(0, certificates[0], "RFC 5280 §6.1.5 (g)", "A certificate policy is required, and none of those asked for is valid for this path.")
	}
	if ok && !v.policyLost {
		path.Policies = set
	}
	slices.SortStableFunc(path.Failures, func(a, b Failure) int { return a.Index - b.Index })
	return path
}

// judgeAnchorAsLeaf is the path of a leaf that is an anchor's certificate:
// trusted as it stands, so that time alone is left to judge.
func judgeAnchorAsLeaf(q *Query, anchor Anchor) Path {
	path := Path{Certificates: []*pki.Certificate{q.Leaf}, Anchor: anchor, keys: []pki.PublicKey{q.Leaf.PublicKey}}
	v := &validation{q: q, path: &path}
	v.validity(0, q.Leaf)
	return path
}

func (v *validation) fail(i int, c *pki.Certificate, reason Reason, citation, detail string) {
	v.path.Failures = append(v.path.Failures, Failure{Index: i, Certificate: c, Reason: reason, Citation: citation, Detail: detail})
}

// failPolicy reports the first loss of policy only: every certificate below
// would repeat it.
func (v *validation) failPolicy(i int, c *pki.Certificate, citation, detail string) {
	if !v.policyLost {
		v.policyLost = true
		v.fail(i, c, PolicyConstraint, citation, detail)
	}
}

// basics is RFC 5280 §6.1.3 (a) but for (3), revocation.
func (v *validation) basics(i int, c *pki.Certificate) {
	v.signature(i, c)
	v.validity(i, c)
	if !c.Issuer.Equal(v.workingName) { // (a)(4); building goes by names, so this holds it to them
		v.fail(i, c, NameChaining, "RFC 5280 §6.1.3 (a)(4)",
			fmt.Sprintf("The certificate names %q as its issuer, but %q stands above it.", c.Issuer, v.workingName))
	}
}

func (v *validation) signature(i int, c *pki.Certificate) {
	const citation = "RFC 5280 §6.1.3 (a)(1)"
	switch err := v.sigs.check(c, v.workingKey); {
	case err == nil:
	case stopped(err):
		v.fail(i, c, Signature, citation, fmt.Sprintf("The signature was not checked: %v.", err))
	case errors.Is(err, pki.ErrUnsupported):
		v.fail(i, c, Algorithm, citation, fmt.Sprintf("The certificate is signed with %s, which is not supported, so its signature could not be computed.", pki.AlgorithmName(c.Algorithm)))
		return
	default:
		v.fail(i, c, Signature, citation, fmt.Sprintf("The key of %q did not make this signature: %v.", v.workingName, err))
	}
	if err := v.algorithms().Accept(c.Algorithm, v.workingKey, v.q.At); err != nil {
		v.unaccepted(i, c, err)
	}
}

// unaccepted says why the algorithm of c's signature does not count.
func (v *validation) unaccepted(i int, c *pki.Certificate, err error) {
	var weak *pki.WeakError
	switch {
	case errors.As(err, &weak):
		v.fail(i, c, WeakAlgorithm, "ETSI TS 119 312", fmt.Sprintf("The certificate's signature is not accepted: %v.", weak))
	default:
		v.fail(i, c, Algorithm, "ETSI TS 119 312", fmt.Sprintf("The certificate is signed with %s, which the algorithm policy does not know.", pki.AlgorithmName(c.Algorithm)))
	}
}

func (v *validation) algorithms() *pki.AlgorithmPolicy {
	if v.q.Algorithms == nil {
		return pki.DefaultAlgorithms
	}
	return v.q.Algorithms
}

// validity is RFC 5280 §6.1.3 (a)(2). Both ends belong to the period, and it
// is written in whole seconds (§4.1.2.5), so a fraction of one does not count.
func (v *validation) validity(i int, c *pki.Certificate) {
	at := v.q.At.UTC().Truncate(time.Second)
	stamp := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	if at.Before(c.NotBefore) {
		v.fail(i, c, NotYetValid, "RFC 5280 §6.1.3 (a)(2)", fmt.Sprintf("The certificate is valid from %s; judged at %s.", stamp(c.NotBefore), stamp(at)))
	}
	if at.After(c.NotAfter) {
		v.fail(i, c, Expired, "RFC 5280 §6.1.3 (a)(2)", fmt.Sprintf("The certificate was valid until %s; judged at %s.", stamp(c.NotAfter), stamp(at)))
	}
}

// critical is RFC 5280 §6.1.4 (o), (p) and §6.1.5 (f).
func (v *validation) critical(i int, c *pki.Certificate) {
	for _, oid := range c.UnknownCritical {
		v.fail(i, c, CriticalExtension, "RFC 5280 §4.2", fmt.Sprintf("The certificate has the critical extension %s, which is not processed.", oid))
	}
}

// descend prepares for the certificate below a CA's (RFC 5280 §6.1.4).
func (v *validation) descend(i int, c *pki.Certificate, selfIssued bool) {
	if !v.policy.leave(c, selfIssued) {
		v.fail(i, c, PolicyConstraint, "RFC 5280 §6.1.4 (a)", "The certificate maps to or from anyPolicy, which is forbidden.")
	}
	v.workingName = c.Subject      // (c)
	v.workingKey = &v.path.keys[i] // (d)–(f)
	v.names.add(c.NameConstraints) // (g)
	v.authority(i, c)              // (k), (n)
	if !selfIssued {               // (l)
		if v.pathLength <= 0 {
			v.fail(i, c, PathLength, "RFC 5280 §6.1.4 (l)", "A certificate above allows fewer CA certificates below itself than this path has.")
		}
		v.pathLength = max(v.pathLength-1, 0)
	}
	if b := c.BasicConstraints; b != nil {
		v.pathLength = lower(v.pathLength, b.PathLen) // (m)
	}
}

// authority says whether c may stand above another certificate: RFC 5280
// §6.1.4 (k) and (n).
func (v *validation) authority(i int, c *pki.Certificate) {
	const citation = "RFC 5280 §6.1.4 (k)"
	switch {
	case c.Version < 3:
		// "the application MUST either verify that certificate i is a CA
		// certificate through out-of-band means or reject the certificate":
		// out of band is what anchors are for.
		v.fail(i, c, NotCA, citation, fmt.Sprintf("The certificate is of version %d and cannot say that it is a CA.", c.Version))
	case c.BasicConstraints == nil:
		v.fail(i, c, NotCA, citation, "The certificate has issued another but has no basicConstraints.")
	case !c.BasicConstraints.CA:
		v.fail(i, c, NotCA, citation, "The certificate has issued another but is not a CA.")
	}
	if c.HasKeyUsage && c.KeyUsage&pki.CertSign == 0 {
		v.fail(i, c, KeyUsage, "RFC 5280 §6.1.4 (n)", "The certificate has issued another but its key usage lacks keyCertSign.")
	}
}

// anchor applies an anchor's certificate (RFC 5937 §3). The policies it names
// are left aside: roots name those of their own practice statement, not those
// that they would limit others to.
func (v *validation) anchor(c *pki.Certificate) {
	i := len(v.path.Certificates)
	for _, problem := range formProblems(c) {
		v.fail(i, c, Malformed, problem.citation, problem.detail)
	}
	v.critical(i, c)
	if c.Version >= 3 {
		v.authority(i, c)
	}
	v.names.add(c.NameConstraints)
	if b := c.BasicConstraints; b != nil {
		v.pathLength = lower(v.pathLength, b.PathLen)
	}
	if p := c.PolicyConstraints; p != nil {
		v.policy.explicit = lower(v.policy.explicit, p.RequireExplicit)
		v.policy.mapping = lower(v.policy.mapping, p.InhibitMapping)
	}
	v.policy.anyLeft = lower(v.policy.anyLeft, c.InhibitAnyPolicy)
}
