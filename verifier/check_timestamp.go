// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"rastau/internal/cms"
	"rastau/internal/pki"
	"rastau/internal/timestamp"
)

// attrContentTimestamp is id-aa-ets-contentTimestamp (EN 319 122-1 §5.2.8): made
// before the signature, over the content.
const attrContentTimestamp pki.OID = "1.2.840.113549.1.9.16.2.20"

func contentTokens(s *cms.Signer) [][]byte {
	values, _ := s.Attr(attrContentTimestamp)
	return values[:min(len(values), maxTokens)]
}

// checkTimestamp: each timestamp is judged as a signature of its own. The earliest
// valid one over the signature value proves when the signature existed; the latest
// valid one over the content proves when it did not exist yet. A timestamp that is
// not valid proves nothing, and takes nothing from the signature either.
func checkTimestamp(ctx context.Context, s *signature) []Finding {
	if s.signer == nil {
		return nil
	}
	var out []Finding
	tokens := s.signer.TimestampTokens()
	for _, raw := range tokens[:min(len(tokens), maxTokens)] {
		t, f := s.stamp(ctx, raw, s.bag(), func(t *timestamp.Token) (bool, error) { return t.Covers(s.signer.Signature) })
		out = append(out, f)
		if t != nil {
			out = append(out, s.ordered(raw, t)...)
			s.existed(t.GenTime)
		}
	}
	contents := contentTokens(s.signer)
	if s.stamped != nil {
		// Signed attributes existed when the signature over them did.
		for _, raw := range contents {
			s.poe.prove(raw, *s.stamped)
		}
	}
	for _, raw := range contents {
		t, f := s.stamp(ctx, raw, s.bag(), func(t *timestamp.Token) (bool, error) {
			d := s.contents[t.HashAlgorithm]
			if d == nil {
				return false, pki.ErrUnsupported
			}
			return bytes.Equal(d, t.Imprint), nil
		})
		out = append(out, f)
		if t != nil && (s.after == nil || t.GenTime.After(*s.after)) {
			at := t.GenTime.UTC()
			s.after = &at
		}
	}
	// EN 319 102-1 §5.5.4: what was stamped before signing cannot be younger than the
	// stamp upon the signature.
	if s.after != nil && s.stamped != nil && s.after.After(*s.stamped) {
		out = append(out, failed(TimestampOrderFailure, "finding.signature.timestamp.order",
			"content", moment(*s.after), "signature", moment(*s.stamped)).citing("EN 319 102-1 §5.5.4"))
	}
	return out
}

// bag is what stands at hand for judging a token: certificates and revocation data.
type bag struct {
	candidates []*pki.Certificate
	at         evidence
	poe        *poe
}

func (s *signature) bag() bag { return bag{s.candidates, s.at, s.poe} }

// existed notes a proven time of existence; the earliest counts.
func (s *signature) existed(t time.Time) {
	if s.stamped == nil || t.Before(*s.stamped) {
		t = t.UTC()
		s.stamped = &t
	}
}

// stamp judges one token (RFC 3161 §2.3, §2.4.2): nil where it proves nothing.
func (in *inquiry) stamp(ctx context.Context, raw []byte, b bag, covers func(*timestamp.Token) (bool, error)) (*timestamp.Token, Finding) {
	sum := sha256.Sum256(raw)
	evidence := "sha256:" + hex.EncodeToString(sum[:]) + " timestamp"
	in.keeper.keep(PieceTimestamp, embedded, raw)
	t, err := timestamp.Parse(raw)
	if err != nil {
		return nil, warned("finding.signature.timestamp.unreadable", "detail", err.Error()).citing("RFC 3161 §2.4.2").with(evidence)
	}
	invalid := func(key, citation string, args ...string) (*timestamp.Token, Finding) {
		return nil, warned(key, append([]string{"time", moment(t.GenTime)}, args...)...).citing(citation).with(evidence)
	}
	switch ok, err := covers(t); {
	case err != nil:
		return invalid("finding.signature.timestamp.algorithm", "RFC 3161 §2.4.2", "algorithm", pki.HashName(t.HashAlgorithm))
	case !ok:
		return invalid("finding.signature.timestamp.imprint", "RFC 3161 §2.4.2")
	case t.GenTime.After(in.q.At):
		return invalid("finding.signature.timestamp.future", "RFC 3161 §2.4.2", "at", moment(in.q.At))
	}
	// EN 319 102-1 §5.4 judges a token now, whatever time it states: a service whose
	// key or algorithm has fallen since could have stated any. Only a later timestamp
	// over the token lets it be judged as of then.
	when, proven := b.poe.since(sum)
	if !proven {
		when = in.q.At
	}
	if key, citation, args := in.tokenSignature(t, b.candidates, when); key != "" {
		return invalid(key, citation, args...)
	}
	cert := t.Signed.SignerCertificate(t.Signed.Signers[0], b.candidates)
	if t.GenTime.Before(cert.NotBefore) {
		return invalid("finding.signature.timestamp.early", "RFC 3161 §2.4.2", "from", moment(cert.NotBefore))
	}
	chain := in.authority(ctx, t, cert, b, when)
	if i := decide(chain.findings); i >= 0 {
		f := chain.findings[i]
		untrusted := warned("finding.signature.timestamp.untrusted", "time", moment(t.GenTime)).then(f)
		return nil, untrusted.citing(f.Citation).with(append([]string{evidence}, f.Evidence...)...)
	}
	f := passed("finding.signature.timestamp.valid", "time", moment(t.GenTime)).with(evidence)
	if !chain.aged.IsZero() {
		f = f.then(passed("finding.signature.timestamp.aged", "date", moment(chain.aged)))
	}
	for _, c := range chain.findings {
		if c.Outcome == Pass {
			f.Evidence = append(f.Evidence, c.Evidence...)
		}
	}
	f.Evidence = distinct(f.Evidence)
	return t, f
}

// tokenSignature does the mathematics of the token's own signature; an empty key
// means that it holds.
func (in *inquiry) tokenSignature(t *timestamp.Token, candidates []*pki.Certificate, when time.Time) (key, citation string, args []string) {
	// RFC 3161 §2.4.2: "The time-stamp token MUST NOT contain any signatures other
	// than the signature of the TSA."
	if len(t.Signed.Signers) != 1 {
		return "finding.signature.timestamp.wrong", "RFC 3161 §2.4.2", nil
	}
	signer := t.Signed.Signers[0]
	cert := t.Signed.SignerCertificate(signer, candidates)
	if cert == nil {
		return "finding.signature.timestamp.no-certificate", "RFC 3161 §2.4.1", nil
	}
	c := t.Signed.Verify(signer, cert, nil)
	if errors.Is(c.Algorithm, pki.ErrUnsupported) {
		return "finding.signature.timestamp.algorithm", "RFC 3161 §2.4.2", []string{"algorithm", pki.AlgorithmName(signer.SignatureAlgorithm)}
	}
	intact := c.Intact()
	// RFC 3161 §2.4.2: the ESSCertID of the TSA certificate "MUST be included as a
	// signerInfo attribute".
	if intact == nil || !*intact || c.DER != nil || c.Reference != nil || !signer.ESS().Present {
		return "finding.signature.timestamp.wrong", "RFC 3161 §2.4.2", nil
	}
	for _, err := range []error{
		in.q.Algorithms.Accept(signer.SignatureAlgorithm, &cert.PublicKey, when),
		in.q.Algorithms.AcceptHash(signer.DigestAlgorithm.OID, when),
		in.q.Algorithms.AcceptHash(t.HashAlgorithm, when),
	} {
		if err != nil {
			return "finding.signature.timestamp.algorithm", "ETSI TS 119 312", []string{"algorithm", pki.AlgorithmName(signer.SignatureAlgorithm)}
		}
	}
	return "", "", nil
}

// authority judges the TSA's certificate: a path to an anchor for timestamps that is
// valid when the token is proven to exist, for timestamps alone, and not revoked.
func (in *inquiry) authority(ctx context.Context, t *timestamp.Token, cert *pki.Certificate, b bag, when time.Time) judged {
	certificates, lists, responses := tokenMaterial(t)
	s := &subject{
		inquiry:    in,
		role:       asTSA,
		cert:       cert,
		purpose:    PurposeTimestamp,
		anchors:    in.q.TSAAnchors,
		candidates: slices.Concat(certificates, b.candidates),
		at:         b.at.plus(lists, responses),
		poe:        b.poe,
		when:       when,
		made:       t.GenTime,
		proven:     true,
	}
	return s.judge(ctx)
}

// distinct keeps the first of equal lines.
func distinct(lines []string) []string {
	seen := map[string]bool{}
	out := lines[:0:0]
	for _, l := range lines {
		if !seen[l] {
			seen[l] = true
			out = append(out, l)
		}
	}
	return out
}
