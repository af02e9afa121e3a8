// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"rastau/internal/cms"
	"rastau/internal/pdf"
	"rastau/internal/phrase"
	"rastau/internal/pki"
)

// ErrSigned: what was just signed is not intact, not complete, or by another
// certificate. It wraps the reason and must never leave the house.
var ErrSigned = errors.New("the new signature does not hold")

// CheckSigned implements signer.Checker: what was just signed is intact, complete
// and by that certificate. kind is "cades" (attached), "cades-detached" (content
// given), "pades", "xades" or "xmldsig" (over the document content) or "wsse". Trust and revocation are not asked: that was the question
// before signing. Nil means that it holds.
func (v *Verifier) CheckSigned(ctx context.Context, kind string, signed, content []byte, certificate *pki.Certificate) error {
	return v.checkSigned(ctx, kind, nil, signed, content, certificate)
}

// CheckSignedPDF is CheckSigned of a "pades" signature that was put onto before, which is not read a second time: the signed file must
// begin with its bytes, and what follows them is read and judged like any other.
func (v *Verifier) CheckSignedPDF(ctx context.Context, before *pdf.Document, signed []byte, certificate *pki.Certificate) error {
	return v.checkSigned(ctx, "pades", before, signed, nil, certificate)
}

func (v *Verifier) checkSigned(ctx context.Context, kind string, before *pdf.Document, signed, content []byte, certificate *pki.Certificate) error {
	if certificate == nil {
		return fmt.Errorf("%w: no certificate to check it against", ErrSigned)
	}
	in := v.ask(ctx, Question{At: v.o.Now(), Offline: true}, PurposeSign)
	defer in.online.end()
	in.own = certificate
	var one *signature
	var err error
	switch kind {
	case "cades", "cades-detached":
		one, err = in.signedCMS(kind == "cades-detached", signed, content)
	case "pades":
		one, err = in.signedPDF(before, signed)
	case "xades", "xmldsig", "wsse":
		if err := in.signedXML(kind, signed, content, certificate); err != nil {
			return fmt.Errorf("%w: %w", ErrSigned, err)
		}
		return nil
	default:
		return fmt.Errorf("%w: unknown kind %q", ErrSigned, kind)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSigned, err)
	}
	c := one.check
	for _, err := range []error{c.Attributes, c.DER, c.Algorithm, c.Content, c.Digest, c.Value, c.Reference} {
		if err != nil {
			return fmt.Errorf("%w: %w", ErrSigned, err)
		}
	}
	switch intact := one.intact(); {
	case one.cert == nil || !bytes.Equal(one.cert.Raw, certificate.Raw):
		return fmt.Errorf("%w: signed by another certificate", ErrSigned)
	case intact == nil || !*intact:
		return fmt.Errorf("%w: the signed bytes are not those intended", ErrSigned)
	case !one.signer.ESS().Present:
		return fmt.Errorf("%w: the signing-certificate attribute is missing", ErrSigned)
	}
	return nil
}

// certificate decodes one that a message brings; the house's own need not be decoded for each signature.
func (in *inquiry) certificate(der []byte) (*pki.Certificate, error) {
	if in.own != nil && bytes.Equal(der, in.own.Raw) {
		return in.own, nil
	}
	return in.v.memory.certificate(der)
}

func (in *inquiry) signedCMS(detached bool, signed, content []byte) (*signature, error) {
	sd, err := cms.ParseKnowing(signed, cms.Limits{}, in.certificate)
	if err != nil {
		return nil, err
	}
	switch {
	case len(sd.Signers) != 1:
		return nil, fmt.Errorf("%d signers", len(sd.Signers))
	case sd.Detached != detached:
		return nil, errors.New("content attached and detached confused")
	}
	// Attached content is compared too: it must be what was to be signed.
	shown := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	return in.open(sd, shown).signature(0), nil
}

// signedPDF takes the newest signature, which must cover the whole file.
func (in *inquiry) signedPDF(before *pdf.Document, signed []byte) (*signature, error) {
	var doc *pdf.Document
	var err error
	if limit := int(in.v.o.Limits.Document); before != nil && len(signed) <= limit {
		doc, err = before.Continue(signed)
	} else {
		doc, err = pdf.Open(signed, pdf.Limits{Bytes: limit})
	}
	if err != nil {
		return nil, err
	}
	all := doc.Signatures()
	if len(all) == 0 {
		return nil, errors.New("no signature")
	}
	last := all[len(all)-1]
	if last.Problem != nil {
		return nil, last.Problem
	}
	if !last.CoversAll {
		return nil, errors.New("the signature does not cover the whole file")
	}
	signers, err := in.pdfSignatures(doc, in.store(doc), last)
	switch {
	case err != nil:
		return nil, err
	case len(signers[0].broken) > 0:
		return nil, errors.New(signers[0].broken[0].In(phrase.EN))
	case len(signers) > 1:
		return nil, fmt.Errorf("%d signers", len(signers))
	}
	return signers[0], in.othersHold(doc, all[:len(all)-1])
}

// othersHold: a document with a signature that is broken, or that the new one breaks because it forbids what follows, passes
// nowhere, whoever signs it last (EN 319 102-1 §5.1.4 as this verifier answers it: the worst of a document's signatures decides).
func (in *inquiry) othersHold(doc *pdf.Document, others []pdf.Signature) error {
	for _, s := range others {
		if s.IsTimestamp() {
			continue
		}
		signers, err := in.pdfSignatures(doc, in.store(doc), s)
		if err != nil {
			return fmt.Errorf("the signature %q that was there before: %w", s.Field, err)
		}
		for _, one := range signers {
			if intact := one.intact(); intact != nil && !*intact {
				return fmt.Errorf("the signature %q that was there before does not hold: mend or leave out that document", s.Field)
			}
		}
	}
	return nil
}
