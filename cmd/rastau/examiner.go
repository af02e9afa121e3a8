// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"

	"rastau/internal/cms"
	"rastau/internal/pdf"
	"rastau/internal/phrase"
	"rastau/internal/pki"
	"rastau/internal/timestamp"
	"rastau/signer"
	"rastau/verifier"
)

// examiner is what the signer asks of the verifier: whether a key may sign, and what a document passes by.
type examiner struct {
	verifier *verifier.Verifier
	question func() verifier.Question // whom to trust
}

// JudgeKey judges the certificate of a key as whoever receives its signatures will (signer.Judge).
func (e examiner) JudgeKey(ctx context.Context, k *pki.Key) error {
	q := e.question()
	q.Purpose, q.IIN, q.BIN, q.Applicant = verifier.PurposeSign, "", "", ""
	q.Certs = slices.Concat(q.Certs, k.Chain)
	r := e.verifier.Certificate(ctx, k.Certificate, q)
	return verdictError("certificate "+k.Certificate.SHA256Hex(), r)
}

// verdictError is nil for TOTAL-PASSED alone.
func verdictError(what string, r *verifier.Report) error {
	if r.Indication == verifier.TotalPassed {
		return nil
	}
	why := verdictLine(r.Indication, r.SubIndication)
	if d := r.Deciding(); d != nil {
		why += ": " + d.In(phrase.EN)
	}
	err := error(&notPassed{what + ": " + why, r.Indication})
	if r.SubIndication == verifier.TryLater {
		err = fmt.Errorf("%w: %w", signer.ErrUndecided, err)
	}
	return err
}

// notPassed is a verdict as an error: whoever signs needs TOTAL-PASSED.
type notPassed struct {
	text       string
	indication verifier.Indication
}

func (n *notPassed) Error() string { return n.text }

// Material implements signer.Examiner: the document is judged now, and what the verdict rests on handed over.
func (e examiner) Material(ctx context.Context, document, content []byte) (signer.Material, error) {
	q := e.ask(content)
	q.KeepRecord = true
	r := e.verifier.Document(ctx, document, q)
	if err := verdictError("the document", r); err != nil {
		return signer.Material{}, err
	}
	if r.Record.Missing != nil {
		return signer.Material{}, r.Record.Missing
	}
	var m signer.Material
	pool := anchorsOf(q)
	for _, p := range r.Record.Pieces {
		switch {
		case p.Kind == verifier.PieceList && p.Used:
			m.Lists = append(m.Lists, p.Bytes)
		case p.Kind == verifier.PieceResponse && p.Used:
			m.Responses = append(m.Responses, p.Bytes)
		case p.Kind == verifier.PieceCertificate:
			if c, err := pki.ParseCertificate(p.Bytes); err == nil {
				pool = append(pool, c)
			}
		}
	}
	for _, c := range issuers(certificatesOf(document), pool) {
		m.Certificates = append(m.Certificates, c.Raw)
	}
	return m, nil
}

// CheckExtended implements signer.Examiner: the document passes by itself, whoever is down, and has the level.
func (e examiner) CheckExtended(ctx context.Context, document, content []byte, level signer.Level) error {
	q := e.ask(content)
	q.Offline = level >= signer.LevelLT
	r := e.verifier.Document(ctx, document, q)
	if err := verdictError("the document", r); err != nil {
		return err
	}
	for i, s := range r.Signatures {
		if have, err := signer.ParseLevel(s.Level); err != nil || have < level {
			return fmt.Errorf("signature %d has level %s", i+1, s.Level)
		}
	}
	return nil
}

// ask is a question about a document; of whom it is signed nobody cares here.
func (e examiner) ask(content []byte) verifier.Question {
	q := e.question()
	if content != nil {
		q.Content = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	}
	return q
}

func anchorsOf(q verifier.Question) []*pki.Certificate {
	var out []*pki.Certificate
	for _, a := range slices.Concat(q.Anchors, q.TSAAnchors) {
		if a.Certificate != nil {
			out = append(out, a.Certificate)
		}
	}
	return out
}

// certificatesOf lists the certificates of a document's signatures and time-stamps.
func certificatesOf(document []byte) []*pki.Certificate {
	var out []*pki.Certificate
	message := func(der []byte) {
		sd, err := cms.Parse(der, cms.Limits{})
		if err != nil {
			return
		}
		out = append(out, sd.Certificates...)
		for _, s := range sd.Signers {
			for _, raw := range slices.Concat(s.TimestampTokens(), s.ArchiveTokens()) {
				if t, err := timestamp.Parse(raw); err == nil {
					out = append(out, t.Signed.Certificates...)
				}
			}
		}
	}
	if !pdf.Is(document) {
		message(document)
		return out
	}
	if doc, err := pdf.Open(document, pdf.Limits{}); err == nil {
		for _, s := range doc.Signatures() {
			message(s.Contents)
		}
	}
	return out
}

// issuers is certs with those of pool that lead up from them, each once. Nothing is judged here: whoever reads the document
// does that, and finds the path among what is there.
func issuers(certs, pool []*pki.Certificate) []*pki.Certificate {
	var out []*pki.Certificate
	have := map[[32]byte]bool{}
	add := func(c *pki.Certificate) {
		if !have[c.SHA256] {
			have[c.SHA256] = true
			out = append(out, c)
		}
	}
	for _, c := range certs {
		add(c)
	}
	for i := 0; i < len(out); i++ {
		for _, p := range pool {
			if p.Subject.Equal(out[i].Issuer) && out[i].CheckSignatureFrom(&p.PublicKey) == nil {
				add(p)
			}
		}
	}
	return out
}
