// SPDX-License-Identifier: Apache-2.0

package crl

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"rastau/internal/pki"
	"rastau/internal/trust"
)

// candidate is a key that may have signed a list.
type candidate struct {
	key   pki.PublicKey
	cert  *pki.Certificate // nil for an anchor without certificate
	known bool             // the issuer on the path, or the anchor: needs no path of its own
}

// Authorised says why l may not be kept or used for q.Certificate, before any of its entries is believed: it must be signed
// by the certificate's issuer, the anchor, or a certificate of the list issuer's name with its own valid path to the same
// anchor and the right to sign lists. The same key that [Judge] would take, but for one question: whether that signer was
// revoked is told by lists, which need not be at hand yet. q.Lists is not looked at. Nil: it may.
func (l *List) Authorised(ctx context.Context, q Query) error {
	if q.Certificate == nil || q.At.IsZero() {
		return errors.New("no certificate or no time to judge was given")
	}
	if q.Algorithms == nil {
		q.Algorithms = pki.DefaultAlgorithms
	}
	budget := maxSigners
	j := &judgement{Query: q, ctx: ctx, budget: &budget, entitled: true}
	if _, o := j.signer(l); o != nil {
		return errors.New(o.why)
	}
	return nil
}

// signer finds the key that signed a list and may do so (RFC 5280 §6.3.3 (f), (g)): the certificate's issuer, the anchor, or
// a certificate of the list issuer's name with its own valid path to the same anchor, none of it revoked.
func (j *judgement) signer(l *List) (*pki.PublicKey, *obstacle) {
	if j.byIssuer(l) {
		return &j.Issuer.Key, nil
	}
	near := &obstacle{far: farSigner, why: "no certificate of the list's signer is at hand", citation: "RFC 5280 §6.3.3 (f)"}
	signed := false // near is about the key that did sign
	for _, c := range j.candidates(l) {
		if *j.budget == 0 {
			return nil, &obstacle{far: farSigner, why: "too many certificates bear the name of the list's signer", citation: "RFC 5280 §6.3.3 (f)"}
		}
		*j.budget--
		if err := j.ctx.Err(); err != nil {
			return nil, &obstacle{far: farSigner, why: "the time to find the list's signer was over", citation: "RFC 5280 §6.3.3 (f)"}
		}
		if err := j.Algorithms.Accept(l.Algorithm, &c.key, j.provenAt()); err != nil {
			if !signed {
				near = &obstacle{far: farSigner, why: "the list's signature does not count: " + err.Error(), citation: "RFC 5280 §5.1.1.2"}
			}
			continue
		}
		if err := l.VerifySignature(&c.key); err != nil {
			why := "the list's signature does not verify"
			if errors.Is(err, pki.ErrUnsupported) {
				why = "the list's signature cannot be checked: " + err.Error()
			}
			if !signed {
				near = &obstacle{far: farSigner, why: why, citation: "RFC 5280 §6.3.3 (g)"}
			}
			continue
		}
		signed = true
		// (f) "If a key usage extension is present in the CRL issuer's certificate, verify that the cRLSign bit is set."
		if c.cert != nil && c.cert.HasKeyUsage && c.cert.KeyUsage&pki.CRLSign == 0 {
			near = &obstacle{far: farSigner, why: "the list's signer may not sign lists: its key usage lacks cRLSign", citation: "RFC 5280 §6.3.3 (f)"}
			continue
		}
		if c.known {
			return &c.key, nil
		}
		key, o := j.proven(c.cert)
		if o == nil {
			return key, nil
		}
		near = o
	}
	return nil, near
}

// byIssuer reports what nearly always holds, that the certificate's issuer itself is known to have signed the list and may:
// no other key made that signature, so that whoever else bears its name need not be looked for.
func (j *judgement) byIssuer(l *List) bool {
	c := j.IssuerCert
	if c == nil {
		c = j.Issuer.Certificate
	}
	return l.provenBy(&j.Issuer.Key) && l.Issuer.Equal(j.Issuer.Name) && (c == nil || !c.HasKeyUsage || c.KeyUsage&pki.CRLSign != 0) &&
		j.Algorithms.Accept(l.Algorithm, &j.Issuer.Key, j.provenAt()) == nil
}

// candidates are the keys that a list may be signed with, likeliest first. The authority key identifier orders them and
// excludes none: it is a hint (RFC 5280 §5.2.1).
func (j *judgement) candidates(l *List) []candidate {
	var out []candidate
	if l.Issuer.Equal(j.Issuer.Name) {
		cert := j.IssuerCert
		if cert == nil {
			cert = j.Issuer.Certificate
		}
		out = append(out, candidate{key: j.Issuer.Key, cert: cert, known: true})
	}
	if l.Issuer.Equal(j.Anchor.Name) {
		for _, a := range append([]trust.Anchor{j.Anchor}, j.Anchors...) {
			have := slices.ContainsFunc(out, func(o candidate) bool { return bytes.Equal(o.key.Raw, a.Key.Raw) })
			if !have && a.Name.Equal(l.Issuer) {
				out = append(out, candidate{key: a.Key, cert: a.Certificate, known: true})
			}
		}
	}
	known := len(out)
	for _, c := range j.Candidates {
		if !c.Subject.Equal(l.Issuer) {
			continue
		}
		same := func(o candidate) bool { return o.cert != nil && bytes.Equal(o.cert.Raw, c.Raw) }
		if slices.ContainsFunc(out, same) {
			continue
		}
		// A certificate for a key that already stands as issuer or anchor adds nothing: what binds that key to its use is
		// the certificate on the path.
		if slices.ContainsFunc(out[:known], func(o candidate) bool { return bytes.Equal(o.key.Raw, c.PublicKey.Raw) }) {
			continue
		}
		out = append(out, candidate{key: c.PublicKey, cert: c})
	}
	hinted := func(c candidate) bool {
		return c.cert != nil && len(l.AuthorityKeyID) > 0 && bytes.Equal(c.cert.SubjectKeyID, l.AuthorityKeyID)
	}
	slices.SortStableFunc(out, func(a, b candidate) int {
		switch {
		case hinted(a) == hinted(b):
			return 0
		case hinted(a):
			return -1
		}
		return 1
	})
	return out
}

// proven finds a valid path of a list signer's own to the same anchor, each certificate on it good by the same lists. A
// certificate whose status is just being asked cannot vouch for itself, but for the one case that judge allows.
func (j *judgement) proven(c *pki.Certificate) (*pki.PublicKey, *obstacle) {
	paths := j.paths(c)
	if len(paths) == 0 {
		return nil, &obstacle{far: farSigner, why: "the list's signer has no valid path to the same anchor", citation: "RFC 5280 §6.3.3 (f)"}
	}
	o := &obstacle{far: farSigner, why: "the list's signer bears the issuer's name, but neither the issuer nor who certified it made that certificate", citation: "RFC 5280 §6.3.3 (f)"}
	kin := j.kin(c)
	for i := range paths {
		ours := func(k []byte) bool { return slices.ContainsFunc(kin, func(o []byte) bool { return bytes.Equal(k, o) }) }
		if kin != nil && !ours(c.PublicKey.Raw) && !slices.ContainsFunc(certifiers(&paths[i]), ours) {
			continue
		}
		if o = j.pathGood(&paths[i]); o == nil {
			return &c.PublicKey, nil
		}
	}
	return nil, o
}

// paths are the valid paths of a certificate to the anchor of the question. Reasons given in despite are let pass.
func (j *judgement) paths(c *pki.Certificate, despite ...trust.Reason) []trust.Path {
	found, _ := trust.Find(j.ctx, trust.Query{
		Leaf: c, Anchors: []trust.Anchor{j.Anchor}, Candidates: j.Candidates, At: j.provenAt(), Algorithms: j.Algorithms,
	})
	return slices.DeleteFunc(found, func(p trust.Path) bool {
		return slices.ContainsFunc(p.Failures, func(f trust.Failure) bool { return !slices.Contains(despite, f.Reason) })
	})
}

// kin are the keys that show a list signer of the issuer's own name to be the same authority: the issuer's, and those that
// certified the issuer, through its own key rollovers too. The signer must be one of them or certified by one. Without this
// any CA below the anchor could make a certificate with that name and unsay its neighbour's revocations; RFC 5280 §6.3.3 (f)
// asks for the same anchor only. nil where the signer has a name of its own, which the certificate itself gives as cRLIssuer.
func (j *judgement) kin(signer *pki.Certificate) [][]byte {
	if !signer.Subject.Equal(j.Issuer.Name) {
		return nil
	}
	keys := [][]byte{j.Issuer.Key.Raw}
	issuer := j.IssuerCert
	if issuer == nil {
		issuer = j.Issuer.Certificate
	}
	if issuer == nil {
		return keys
	}
	// The issuer's own path was the caller's to judge. Asked about as if it were the last on it, a self-issued certificate
	// falls under constraints that it was free of in between (RFC 5280 §6.1.3 (b), §6.1.4 (h)).
	paths := j.paths(issuer, trust.NameConstraint, trust.PolicyConstraint)
	for i := range paths {
		keys = append(keys, certifiers(&paths[i])...)
	}
	return keys
}

// certifiers are the keys that certified the leaf of a path, and those that certified it under its other keys: as far up as
// the certificates bear the leaf's name.
func certifiers(p *trust.Path) [][]byte {
	var keys [][]byte
	for i, c := range p.Certificates {
		if !c.Subject.Equal(p.Certificates[0].Subject) {
			break
		}
		keys = append(keys, p.Issuer(i).Key.Raw)
	}
	return keys
}

func (j *judgement) pathGood(p *trust.Path) *obstacle {
	if j.entitled {
		return nil
	}
	for i, c := range p.Certificates {
		if c.NoRevAvail || p.Anchor.Certificate != nil && bytes.Equal(p.Anchor.Certificate.Raw, c.Raw) {
			continue // RFC 9608; the anchor itself is not asked about
		}
		if i == 0 && bytes.Equal(c.Raw, j.Certificate.Raw) {
			j.circular = true
			if j.vouches {
				continue
			}
		}
		asked := slices.ContainsFunc(j.above, func(a *pki.Certificate) bool { return bytes.Equal(a.Raw, c.Raw) })
		if asked || len(j.above) > maxDepth {
			return &obstacle{far: farSigner, why: "whether the list's signer is revoked hangs on the list itself", citation: "RFC 5280 §6.3.3 (f)"}
		}
		q := j.Query
		q.Certificate, q.Issuer, q.Anchor = c, p.Issuer(i), p.Anchor
		q.IssuerCert = q.Issuer.Certificate
		a := judge(j.ctx, q, j.above, j.budget)
		switch a.Status {
		case Good:
			j.use(a.Used...)
		case Revoked, Hold:
			return &obstacle{far: farSigner, why: "the list's signer is " + a.Status.String(), citation: "RFC 5280 §6.3.3 (f)", retry: a.RetryAfter}
		default:
			return &obstacle{far: farSigner, why: "whether the list's signer is revoked is not known: " + a.Why, citation: "RFC 5280 §6.3.3 (f)", retry: a.RetryAfter}
		}
	}
	return nil
}
