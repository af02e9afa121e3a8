// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"slices"

	"rastau/internal/cms"
	"rastau/internal/pki"
	"rastau/internal/timestamp"
	"rastau/internal/xmldsig"
)

// xmlSignature is one XML signature under judgement.
type xmlSignature struct {
	*signature
	x       *xmldsig.Signature
	checked xmldsig.Check
	scope   xmldsig.Scope
	counter []*xmldsig.Signature // those that stand upon it
}

// xml judges an XML document: XMLDSig, XAdES, WS-Security. Nobody signs with an XML signature what stands around it, so
// what each signature covers is a finding of its own.
func (in *inquiry) xml(ctx context.Context, data []byte) *Report {
	doc, err := xmldsig.Parse(data, xmldsig.Limits{Bytes: int(in.v.o.Limits.Document)})
	if err != nil {
		return in.unreadable(formatXML, err)
	}
	defer doc.Close()
	r := in.report(true, formatXML)
	in.note(r, "document.format", "XMLDSig 1.1 §4", passed("finding.document.format.xml"))
	if in.q.Content != nil || len(in.q.Digests) > 0 {
		in.note(r, "input.content", "XMLDSig 1.1 §4.4.3", warned("finding.input.content.unused"))
	}
	var own, counter []*xmldsig.Signature
	for _, x := range doc.Signatures() {
		if x.Counter {
			counter = append(counter, x)
		} else {
			own = append(own, x)
		}
	}
	if !in.countable(r, len(own), "XMLDSig 1.1 §4") {
		return r.conclude()
	}
	for _, x := range own {
		s := in.xmlSignature(x)
		for _, c := range counter {
			if c.Upon(x) {
				s.counter = append(s.counter, c)
			}
		}
		r.Signatures = append(r.Signatures, s.judge(ctx))
	}
	return r.conclude()
}

// xmlSignature takes a signature up to its mathematics, done here, once.
func (in *inquiry) xmlSignature(x *xmldsig.Signature) *xmlSignature {
	s := &xmlSignature{x: x, signature: &signature{inquiry: in, at: in.given, poe: &poe{}}}
	s.candidates = slices.Concat(x.Certificates, in.q.Certs)
	s.candidates = anchorCertificates(anchorCertificates(s.candidates, in.q.Anchors), in.q.TSAAnchors)
	if x.Problem != nil {
		s.broken = []Finding{refuted(FormatFailure, "finding.document.format.damaged-xml", "detail", x.Problem.Error())}
		return s
	}
	if p := x.Properties; p != nil {
		s.gatherXML(p)
	}
	s.cert = x.Certificate(s.candidates)
	s.checked = x.Verify(s.cert)
	s.scope = x.Scope()
	return s
}

// gatherXML takes up the validation data among the properties of XAdES and in its tokens: as untrusted as any other.
func (s *xmlSignature) gatherXML(p *xmldsig.Properties) {
	lists, responses := p.Lists, ocspResponses(p.Responses)
	for _, der := range p.Certificates {
		if c, err := pki.ParseCertificate(der); err == nil {
			s.candidates = append(s.candidates, c)
		}
	}
	tokens := slices.Concat(p.Tokens, p.Archive)
	for _, t := range tokens[:min(len(tokens), maxTokens)] {
		if token, err := timestamp.Parse(t.DER); err == nil {
			c, l, r := tokenMaterial(token)
			s.candidates, lists, responses = append(s.candidates, c...), append(lists, l...), append(responses, r...)
		}
	}
	if len(lists)+len(responses) > 0 {
		s.at = s.at.plus(lists, responses)
	}
}

// ocspResponses brings what stands in EncapsulatedOCSPValue into one form: EN 319 132-1 §5.4.2 has the OCSPResponse there,
// and some write the BasicOCSPResponse of CAdES.
func ocspResponses(values [][]byte) [][]byte {
	var out [][]byte
	for _, der := range values {
		if parts := elements(der); len(parts) > 0 && len(parts[0]) > 0 && parts[0][0] != 0x0a { // no responseStatus
			der = response(der)
		}
		out = append(out, der)
	}
	return out
}

// judge runs the checks of the signature and then those of its certificate.
func (s *xmlSignature) judge(ctx context.Context) SignatureReport {
	r := SignatureReport{Level: levelNone}
	r.Findings = examine(ctx, s.inquiry, xmlChecks, s, signatureRoom)
	r.Intact = s.intact()
	r.SigningTime = s.stamped
	r.Value = s.x.Value
	r.Message = s.x.Security && s.scope.Body
	r.Scope = &Scope{s.scope.Signed, s.scope.Unsigned, s.scope.Around, s.scope.Prefixes}
	r.Signed = cms.Digests{}
	for _, ref := range s.x.References {
		if !ref.Properties {
			r.Signed[ref.Hash] = ref.Digest()
		}
	}
	p := s.x.Properties
	if p != nil {
		r.ClaimedTime = p.SigningTime
	}
	chain := s.conclude(ctx, &r)
	if whole := r.Intact == nil || *r.Intact; whole && p != nil && p.Signed && len(p.References) > 0 && s.checked.Reference == nil && len(s.broken) == 0 {
		r.Level = s.grade(chain)
	}
	return r
}

// intact: what was signed is what stands there, and stands where it was signed; nil where that could not be computed.
func (s *xmlSignature) intact() *bool {
	no := false
	switch {
	case len(s.broken) > 0, s.scope.Wrapped != "", s.scope.Split != "", s.nothing():
		return &no
	}
	return s.checked.Intact()
}

// nothing: no reference leads to content, only to properties or keys.
func (s *xmlSignature) nothing() bool {
	return len(s.scope.Signed) == 0 && !slices.ContainsFunc(s.x.References, func(r *xmldsig.Reference) bool { return r.Problem != nil })
}
