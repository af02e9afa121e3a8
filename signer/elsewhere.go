// SPDX-License-Identifier: Apache-2.0

package signer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"rastau/internal/cms"
	"rastau/internal/pdf"
	"rastau/internal/pki"
)

// Draft is a PDF that waits for a signature made elsewhere: by an officer's own key, on a card or in NCALayer. It may be kept, as
// JSON too, for as long as that takes.
type Draft struct {
	File        []byte   `json:"file"`                  // with an empty place for the signature
	Certificate []byte   `json:"certificate,omitempty"` // DER, where it is known beforehand whose key signs
	Chain       [][]byte `json:"chain,omitempty"`
	Level       Level    `json:"level"`

	// Attributes are to be signed where Certificate is given: a DER SET. The answer is the signature value.
	Attributes []byte `json:"attributes,omitempty"`
	// Hash is the digest algorithm under which the key signs Attributes.
	Hash pki.OID `json:"hash,omitempty"`
	// Content is to be signed where no Certificate is given: the answer is a whole CMS over it, detached, as NCALayer makes it.
	Content []byte `json:"content,omitempty"`
}

// Begin prepares a PDF for a signature made elsewhere. With PDFOptions.Certificate the signed attributes are written here and the
// result is PAdES (ETSI.CAdES.detached); chain is that certificate's issuers. Without it the other program writes the whole CMS, which
// may hold what PAdES forbids, such as a signing time: the result is a signature of ISO 32000 (adbe.pkcs7.detached). Errors are those
// of [Signer.PDF].
func (s *Signer) Begin(ctx context.Context, file []byte, o PDFOptions, chain ...*pki.Certificate) (*Draft, error) {
	level, err := s.level(o.Level)
	if err != nil {
		return nil, err
	}
	prepare := o.prepare(s.o.Now())
	d := &Draft{Level: level}
	if o.Certificate == nil {
		prepare.SubFilter = "adbe.pkcs7.detached"
		prepare.Size = foreignRoom
		p, err := pdf.Prepare(file, prepare)
		if err != nil {
			return nil, err
		}
		d.File = p.Bytes()
		d.Content, err = io.ReadAll(p.Signed())
		return d, err
	}
	if err := errors.Join(purpose(o.Certificate), (&held{Key: &pki.Key{Certificate: o.Certificate}}).inTime(s.o.Now())); err != nil {
		return nil, err
	}
	d.Certificate = o.Certificate.Raw
	for _, c := range chain {
		d.Chain = append(d.Chain, c.Raw)
	}
	prepare.Size = room(&pki.Key{Certificate: o.Certificate, Chain: chain}) // its time-stamp is one of the document
	p, err := pdf.Prepare(file, prepare)
	if err != nil {
		return nil, err
	}
	d.File = p.Bytes()
	u, err := d.unsigned(p)
	if err != nil {
		return nil, err
	}
	d.Attributes, d.Hash = u.Attributes, u.Hash
	return d, nil
}

// foreignRoom is how many bytes are left for a CMS that another program writes, with its certificates and perhaps a token: the place
// cannot be made larger once it has been signed.
const foreignRoom = 12 << 10

// unsigned is the CMS of a draft without its signature value: the same each time.
func (d *Draft) unsigned(p *pdf.Prepared) (*cms.Prepared, error) {
	c, err := pki.ParseCertificate(d.Certificate)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	var chain []*pki.Certificate
	for _, der := range d.Chain {
		one, err := pki.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrKey, err)
		}
		chain = append(chain, one)
	}
	o, err := overPDF(p, c, chain)
	if err != nil {
		return nil, err
	}
	return cms.Prepare(o)
}

// Finish puts the answer in and gives the signed file at the draft's level. The signer's certificate is judged like the
// licensor's own, and the file is checked, before it is accepted. answer is the signature value over Draft.Attributes, or the CMS
// over Draft.Content (DER, PEM or base64). Errors: [ErrUnchecked] where the answer does not fit the draft, [ErrRefused], [ErrUndecided],
// those of [Signer.PDF].
func (s *Signer) Finish(ctx context.Context, d *Draft, answer []byte) ([]byte, error) {
	p, err := pdf.Resume(d.File)
	if err != nil {
		return nil, err
	}
	var der []byte
	if d.Certificate != nil {
		u, err := d.unsigned(p)
		if err != nil {
			return nil, err
		}
		if der, err = u.Finish(ctx, answer); err != nil {
			return nil, fmt.Errorf("signing: %w", err)
		}
	} else if der, err = cms.Decode(answer); err != nil {
		return nil, fmt.Errorf("%w: the answer is no CMS: %w", ErrUnchecked, err)
	}
	sd, err := cms.Parse(der, cms.Limits{})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnchecked, err)
	}
	if len(sd.Signers) != 1 || !sd.Detached {
		return nil, fmt.Errorf("%w: one signature over detached content was asked for", ErrUnchecked)
	}
	by := sd.SignerCertificate(sd.Signers[0], nil)
	if by == nil {
		return nil, fmt.Errorf("%w: the signer's certificate is missing; sign with it included", ErrUnchecked)
	}
	signed, err := p.Embed(der)
	if err != nil {
		return nil, err
	}
	if err := s.check(ctx, "pades", signed, nil, by); err != nil {
		return nil, err
	}
	now := s.o.Now()
	h := &held{Key: &pki.Key{Certificate: by, Chain: sd.Certificates}}
	if err := errors.Join(purpose(by), h.inTime(now)); err != nil {
		return nil, err
	}
	if err := s.judge(ctx, h, now); err != nil {
		return nil, err
	}
	if d.Level == LevelB {
		return signed, nil
	}
	return s.extender.pdf(ctx, signed, d.Level)
}

// Accept takes a CMS with content inside that another program made over it, as NCALayer does with an officer's own key, and gives it
// at the level of o. The content must be exactly the one that was to be signed, by one signer whose certificate is inside; the
// certificate is judged like the licensor's own, and what was made is checked, before it is accepted. The errors are those of
// [Signer.Finish].
func (s *Signer) Accept(ctx context.Context, content, answer []byte, o JSONOptions) ([]byte, error) {
	level, err := s.level(o.Level)
	if err != nil {
		return nil, err
	}
	der, err := cms.Decode(answer)
	if err != nil {
		return nil, fmt.Errorf("%w: the answer is no CMS: %w", ErrUnchecked, err)
	}
	sd, err := cms.Parse(der, cms.Limits{})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnchecked, err)
	}
	if len(sd.Signers) != 1 || sd.Detached || !bytes.Equal(sd.Content, content) {
		return nil, fmt.Errorf("%w: one signature with exactly the given content inside was asked for", ErrUnchecked)
	}
	by := sd.SignerCertificate(sd.Signers[0], nil)
	if by == nil {
		return nil, fmt.Errorf("%w: the signer's certificate is missing; sign with it included", ErrUnchecked)
	}
	if err := s.check(ctx, "cades", der, content, by); err != nil {
		return nil, err
	}
	now := s.o.Now()
	h := &held{Key: &pki.Key{Certificate: by, Chain: sd.Certificates}}
	if err := errors.Join(purpose(by), h.inTime(now)); err != nil {
		return nil, err
	}
	if err := s.judge(ctx, h, now); err != nil {
		return nil, err
	}
	if level == LevelB {
		return der, nil
	}
	extended, err := s.extender.cms(ctx, der, nil, level)
	if err != nil {
		return nil, err
	}
	return extended, s.check(ctx, "cades", extended, content, by)
}
