// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"bytes"
	"context"
	"io"
	"maps"
	"slices"
	"time"

	"rastau/internal/cms"
	"rastau/internal/pki"
	"rastau/internal/timestamp"
)

// maxTokens bounds the timestamps judged for one signature.
const maxTokens = 16

// signature is one signature of a document under judgement.
type signature struct {
	*inquiry
	sd         *cms.SignedData
	signer     *cms.Signer
	cert       *pki.Certificate // nil: not found
	candidates []*pki.Certificate
	at         evidence
	check      cms.Check
	broken     []Finding // what is wrong before any mathematics: a PDF's byte range, an unreadable CMS
	revised    []Finding // what later revisions of a PDF changed
	remarks    []Finding // what is odd about its form
	unasked    bool      // content could not be read although it was given
	foreign    bool      // content was given beside attached content, and differs
	contents   cms.Digests
	evidence   []string  // that names cert
	hashes     []pki.OID // further digests that the signature rests on
	poe        *poe
	own        poe // at poe, until somebody proves more

	stamped  *time.Time // proven: it existed then (earliest valid timestamp)
	after    *time.Time // proven: it was not made before then (latest valid content timestamp)
	archived bool       // a valid timestamp covers what it is validated with
}

// named is the evidence that names the signer's certificate.
func (s *signature) named() []string {
	if s.evidence == nil {
		s.evidence = []string{certificateEvidence(s.cert)}
	}
	return s.evidence
}

// when is the time at which validity, revocation dates and algorithms are judged.
func (s *signature) when() time.Time {
	if s.stamped != nil {
		return *s.stamped
	}
	return s.q.At
}

// message is a SignedData with what its signers share.
type message struct {
	*inquiry
	sd         *cms.SignedData
	at         evidence
	candidates []*pki.Certificate
	contents   cms.Digests
	unasked    bool
	foreign    bool
}

// open gathers what the signers of one message share: certificates, embedded
// revocation data, and the digests of the content, read once.
func (in *inquiry) open(sd *cms.SignedData, content func() (io.ReadCloser, error)) *message {
	m := &message{inquiry: in, sd: sd, at: in.given}
	if len(sd.CRLs)+len(sd.OCSPs) > 0 {
		m.at = in.given.plus(sd.CRLs, sd.OCSPs)
	}
	m.candidates = make([]*pki.Certificate, 0, len(sd.Certificates)+len(in.q.Certs)+len(in.q.Anchors)+len(in.q.TSAAnchors))
	m.candidates = append(append(m.candidates, sd.Certificates...), in.q.Certs...)
	m.candidates = anchorCertificates(anchorCertificates(m.candidates, in.q.Anchors), in.q.TSAAnchors)
	needed := m.needed()
	if !sd.Detached {
		// The digests of the attached content serve content timestamps and the
		// comparison.
		m.contents = sd.AttachedDigests(needed)
	}
	shown, ok := in.shown(content, needed)
	m.unasked = !ok
	switch {
	case sd.Detached:
		m.contents = shown
	default:
		for o, d := range shown {
			if have := m.contents[o]; have != nil && !bytes.Equal(have, d) {
				m.foreign = true
			}
		}
	}
	return m
}

// needed lists the digests of the content that signers and content timestamps use.
func (m *message) needed() []pki.OID {
	out := m.sd.NeededDigests()
	// A digest that the asker gives is compared even where no signer uses it.
	if len(m.q.Digests) > 0 {
		for _, o := range slices.Sorted(maps.Keys(m.q.Digests)) {
			if !slices.Contains(out, o) {
				out = append(out, o)
			}
		}
	}
	for _, s := range m.sd.Signers {
		if len(s.UnsignedAttrs) == 0 && len(contentTokens(s)) == 0 {
			continue
		}
		for _, raw := range slices.Concat(contentTokens(s), s.ArchiveTokens()) {
			if t, err := timestamp.Parse(raw); err == nil && !slices.Contains(out, t.HashAlgorithm) && len(out) < maxTokens {
				out = append(out, t.HashAlgorithm)
			}
		}
	}
	return out
}

// shown gives the digests of the content that the asker shows; ok is false where
// it was given and could not be read.
func (in *inquiry) shown(content func() (io.ReadCloser, error), needed []pki.OID) (d cms.Digests, ok bool) {
	if content == nil {
		return cms.Digests(in.q.Digests), true
	}
	r, err := content()
	if err != nil {
		return nil, false
	}
	defer r.Close()
	d, err = cms.DigestContent(r, needed)
	in.keeper.read(r, d, err)
	if err != nil {
		return nil, false
	}
	return d, true
}

// signature takes signer i of the message; its mathematics is done here, once.
func (m *message) signature(i int) *signature {
	s := &signature{
		inquiry:  m.inquiry,
		sd:       m.sd,
		signer:   m.sd.Signers[i],
		at:       m.at,
		contents: m.contents,
		unasked:  m.unasked,
		foreign:  m.foreign,
	}
	s.poe = &s.own
	s.gather(m)
	s.cert = m.sd.SignerCertificate(s.signer, s.candidates)
	s.check = m.sd.Verify(s.signer, s.cert, m.contents)
	return s
}

// gather takes up the validation data that stand in the signature's own attributes:
// as values, and inside its timestamps.
func (s *signature) gather(m *message) {
	s.candidates = slices.Clip(m.candidates)
	if len(s.signer.UnsignedAttrs) == 0 {
		return
	}
	certificates := certificateValues(s.signer)
	lists, responses := revocationValues(s.signer)
	archivedLists, archivedResponses := archivedRevocation(s.signer)
	lists, responses = append(lists, archivedLists...), append(responses, archivedResponses...)
	tokens := slices.Concat(s.signer.TimestampTokens(), s.signer.ArchiveTokens())
	for _, raw := range tokens[:min(len(tokens), maxTokens)] {
		if t, err := timestamp.Parse(raw); err == nil {
			c, l, r := tokenMaterial(t)
			certificates, lists, responses = append(certificates, c...), append(lists, l...), append(responses, r...)
		}
	}
	s.candidates = slices.Concat(m.candidates, certificates)
	if len(lists)+len(responses) > 0 {
		s.at = m.at.plus(lists, responses)
	}
}

// judge runs the checks of the signature and then those of its certificate.
func (s *signature) judge(ctx context.Context) SignatureReport {
	r := SignatureReport{Level: levelNone}
	r.Findings = examine(ctx, s.inquiry, signatureChecks, s, signatureRoom)
	r.Intact = s.intact()
	r.SigningTime = s.stamped
	r.Signed = s.contents
	if s.signer != nil {
		r.Value = s.signer.Signature
		if t, ok := s.signer.SigningTime(); ok {
			t = t.UTC()
			r.ClaimedTime = &t
		}
	}
	chain := s.conclude(ctx, &r)
	if s.signer != nil {
		r.Level = s.level(chain, r.Intact)
	}
	return r
}

// conclude judges the signer's certificate and names the verdict.
func (s *signature) conclude(ctx context.Context, r *SignatureReport) judged {
	var chain judged
	if s.cert != nil {
		r.Certificate = s.cert
		s.keeper.keep(PieceCertificate, embedded, s.cert.Raw)
		chain = s.subject(r.Intact).judge(ctx)
		r.Signer = chain.holder(s.cert)
		r.Findings = append(r.Findings, chain.findings...)
	}
	r.Indication, r.SubIndication = verdict(r.Findings)
	r.RetryAfter = s.retryAfter(r.SubIndication, chain.retry)
	return chain
}

// subject is the question about the signer's certificate. For a signature that is
// broken nobody on the network is troubled.
func (s *signature) subject(intact *bool) *subject {
	in := s.inquiry
	if intact != nil && !*intact && !in.q.Offline {
		quiet := *in
		quiet.q.Offline = true
		in = &quiet
	}
	return &subject{
		inquiry:    in,
		role:       asSigner,
		cert:       s.cert,
		purpose:    s.q.Purpose,
		anchors:    s.q.Anchors,
		candidates: s.candidates,
		at:         s.at,
		poe:        s.poe,
		when:       s.when(),
		proven:     s.stamped != nil,
		after:      s.after,
	}
}

// intact: the bytes as shown are what was signed and the value holds, whatever the
// trust; nil where that could not be computed.
func (s *signature) intact() *bool {
	no := false
	if len(s.broken) > 0 {
		if s.broken[0].Sub == CryptoConstraintsFailure {
			return nil
		}
		return &no
	}
	if len(s.revised) > 0 && s.revised[0].Outcome == Fail || s.foreign {
		return &no
	}
	return s.check.Intact()
}

// retryAfter is when to ask again, for a verdict of TRY_LATER only.
func (in *inquiry) retryAfter(sub SubIndication, hint time.Time) *time.Time {
	if sub != TryLater {
		return nil
	}
	at := hint.UTC()
	if hint.IsZero() {
		at = in.q.At.Add(retryDelay)
	}
	// Reports show whole seconds, and nobody should come back too early.
	if whole := at.Truncate(time.Second); !whole.Equal(at) {
		at = whole.Add(time.Second)
	}
	return &at
}
