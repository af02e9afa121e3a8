// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"slices"

	"rastau/internal/pki"
	"rastau/internal/span"
)

// CertificateFile judges a certificate file, DER or PEM. Of several certificates in
// it the first is judged, and the others may stand on its path. A file that holds
// none is TOTAL-FAILED/FORMAT_FAILURE.
func (v *Verifier) CertificateFile(ctx context.Context, data []byte, q Question) *Report {
	ctx, step := span.Start(ctx, "verdict")
	r := v.certificateFile(ctx, data, q)
	r.tell(step)
	return r
}

func (v *Verifier) certificateFile(ctx context.Context, data []byte, q Question) *Report {
	if int64(len(data)) <= v.o.Limits.Document {
		if all, err := pki.ReadCertificates(data); err == nil && len(all) > 0 {
			return v.certificate(ctx, data, all, q)
		}
	}
	in := v.ask(ctx, q, PurposeAny)
	defer in.online.end()
	in.keeper.document(data)
	r := in.report(false, formatNone)
	in.note(r, "document.format", "RFC 5280 §4.1", refuted(FormatFailure, "finding.document.format.certificate"))
	return r.conclude()
}

// Certificate judges a certificate already read, at the stated time.
func (v *Verifier) Certificate(ctx context.Context, c *pki.Certificate, q Question) *Report {
	ctx, step := span.Start(ctx, "verdict")
	r := v.certificate(ctx, c.Raw, []*pki.Certificate{c}, q)
	r.tell(step)
	return r
}

// certificate judges the first of a file's certificates; the others may stand on its path.
func (v *Verifier) certificate(ctx context.Context, data []byte, all []*pki.Certificate, q Question) *Report {
	in := v.ask(ctx, q, PurposeAny)
	defer in.online.end()
	in.keeper.document(data)
	c := all[0]
	r := in.report(false, formatCertificate)
	r.Certificate = c
	s := &subject{
		inquiry:    in,
		role:       asCertificate,
		cert:       c,
		purpose:    in.q.Purpose,
		anchors:    in.q.Anchors,
		candidates: anchorCertificates(slices.Concat(in.q.Certs, all[1:]), in.q.Anchors),
		at:         in.given,
		when:       in.q.At,
	}
	chain := s.judge(ctx)
	r.Holder = chain.holder(c)
	r.Findings = append(r.Findings, chain.findings...)
	if chain.path != nil && chain.path.Valid() {
		r.Policies = chain.path.Policies
	}
	r.conclude()
	r.RetryAfter = in.retryAfter(r.SubIndication, chain.retry)
	return r
}

// holder is the person in the certificate judged.
func (j judged) holder(c *pki.Certificate) *Person {
	if j.person == nil {
		return personOf(c, pki.HolderOf(c))
	}
	p := *j.person
	return &p
}

func personOf(c *pki.Certificate, h pki.Holder) *Person {
	p := &Person{Subject: c.Subject.String(), Issuer: c.Issuer.String(), Serial: c.SerialHex()}
	if h.IIN != "" {
		p.IIN = &h.IIN
	}
	if h.BIN != "" {
		p.BIN = &h.BIN
	}
	return p
}
