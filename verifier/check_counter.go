// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"rastau/internal/cms"
	"rastau/internal/pki"
	"rastau/internal/timestamp"
)

const attrCounterSignature pki.OID = "1.2.840.113549.1.9.6"

// checkCounter: each countersignature is judged as a signature of its own, over the
// value of the one that it stands upon (RFC 5652 §11.4), and so on upwards. It is an
// unsigned attribute, which anyone may add: one that does not hold is named, and
// takes nothing from the signature.
func checkCounter(ctx context.Context, s *signature) []Finding {
	if s.signer == nil {
		return nil
	}
	w := witnesses{signature: s, left: maxTokens}
	values := s.signer.UnsignedAttr(attrCounterSignature)
	for i, c := range s.signer.CounterSigners() {
		when := s.q.At
		if i < len(values) {
			if t, ok := s.poe.since(sha256.Sum256(values[i])); ok {
				when = t
			}
		}
		w.judge(ctx, s.signer, c, when)
	}
	return w.findings
}

// witnesses are the countersigners of one signature.
type witnesses struct {
	*signature
	left     int
	findings []Finding
}

// judge judges c, which is proven to exist at when, and whoever countersigned it.
func (w *witnesses) judge(ctx context.Context, parent, c *cms.Signer, when time.Time) {
	if w.left == 0 {
		w.findings = append(w.findings, warned("finding.signature.countersignature.too-many"))
		w.left--
	}
	if w.left < 0 {
		return
	}
	w.left--
	cert := w.sd.SignerCertificate(c, w.candidates)
	w.findings = append(w.findings, w.one(ctx, parent, c, cert, when))
	for _, above := range c.CounterSigners() {
		w.judge(ctx, c, above, when)
	}
}

func (w *witnesses) one(ctx context.Context, parent, c *cms.Signer, cert *pki.Certificate, when time.Time) Finding {
	if cert == nil {
		return warned("finding.signature.countersignature.no-certificate")
	}
	name := title(cert)
	check := w.sd.VerifyCounter(parent, c, cert)
	for _, err := range []error{check.Attributes, check.Digest, check.Value, check.Reference, check.DER, check.Algorithm} {
		switch {
		case err == nil:
		case errors.Is(err, pki.ErrUnsupported):
			return warned("finding.signature.countersignature.algorithm", "name", name, "algorithm", pki.AlgorithmName(c.SignatureAlgorithm)).
				with(certificateEvidence(cert))
		default:
			return warned("finding.signature.countersignature.broken", "name", name, "detail", err.Error()).with(certificateEvidence(cert))
		}
	}
	proven := when.Before(w.q.At)
	tokens := c.TimestampTokens()
	for _, raw := range tokens[:min(len(tokens), maxTokens)] {
		t, _ := w.stamp(ctx, raw, w.bag(), func(t *timestamp.Token) (bool, error) { return t.Covers(c.Signature) })
		if t != nil && t.GenTime.Before(when) {
			when, proven = t.GenTime, true
		}
	}
	for _, err := range []error{
		w.q.Algorithms.Accept(c.SignatureAlgorithm, &cert.PublicKey, when),
		w.q.Algorithms.AcceptHash(c.DigestAlgorithm.OID, when),
	} {
		if err != nil {
			return warned("finding.signature.countersignature.algorithm", "name", name, "algorithm", pki.AlgorithmName(c.SignatureAlgorithm)).
				citing("ETSI TS 119 312").with(certificateEvidence(cert))
		}
	}
	of := w.subject(w.intact())
	of.role, of.cert, of.when, of.proven, of.after = asWitness, cert, when, proven, nil
	chain := of.judge(ctx)
	if i := decide(chain.findings); i >= 0 {
		f := chain.findings[i]
		untrusted := warned("finding.signature.countersignature.untrusted", "name", name).then(f)
		return untrusted.citing(f.Citation).with(append([]string{certificateEvidence(cert)}, f.Evidence...)...)
	}
	valid := passed("finding.signature.countersignature.valid", "name", name, "at", moment(when))
	for _, f := range chain.findings {
		if f.Outcome == Pass {
			valid.Evidence = append(valid.Evidence, f.Evidence...)
		}
	}
	valid.Evidence = distinct(valid.Evidence)
	return valid
}
