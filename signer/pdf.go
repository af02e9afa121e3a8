// SPDX-License-Identifier: Apache-2.0

package signer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"rastau/internal/cms"
	"rastau/internal/pdf"
	"rastau/internal/pki"
)

// PDFOptions of one signature. All are optional.
type PDFOptions struct {
	Field, Reason, Location, Name string
	Page                          int              // 1-based page of the visible widget; if zero, 1
	Rect                          [4]float64       // in points: left, bottom, right, top; all zero = invisible
	Level                         Level            // if zero, the Signer's
	Certificate                   *pki.Certificate // sign with the key of this certificate; if nil, the one that signs now
}

// PDF appends a revision signed as ETSI.CAdES.detached (EN 319 142-1 §6): no signing-time attribute in the CMS, /M carries
// the claimed time. From level LT revisions with the validation data and a document time-stamp follow. The bytes of file stay
// as they are. Errors are those of JSON and of internal/pdf.
func (s *Signer) PDF(ctx context.Context, file []byte, o PDFOptions) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d, err := pdf.Open(file, pdf.Limits{})
	if err != nil {
		return nil, err
	}
	return s.Document(ctx, d, o)
}

// Document is [Signer.PDF] of a file that is open already, as internal/page composes it.
func (s *Signer) Document(ctx context.Context, d *pdf.Document, o PDFOptions) (done []byte, err error) {
	ctx, step := s.observe(ctx, "pades")
	defer func() { step(err) }()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	level, err := s.level(o.Level)
	if err != nil {
		return nil, err
	}
	by, now, err := s.ready(ctx, o.Certificate)
	if err != nil {
		return nil, err
	}
	prepare := o.prepare(now)
	prepare.Size = room(by.Key)
	if level >= LevelT {
		prepare.Size += s.extender.room()
	}
	signed, need, err := s.pades(ctx, by, d, prepare, level)
	if errors.Is(err, pdf.ErrTooLarge) {
		// A token's size is known only when it is there. The next one is about as large.
		prepare.Size = need + 2048
		signed, _, err = s.pades(ctx, by, d, prepare, level)
	}
	if err != nil {
		return nil, err
	}
	if err := s.checkPDF(ctx, d, signed, by.Certificate); err != nil {
		return nil, err
	}
	if level <= LevelT {
		return signed, nil
	}
	return s.extender.pdf(ctx, signed, level)
}

func (o PDFOptions) prepare(now time.Time) pdf.PrepareOptions {
	return pdf.PrepareOptions{
		Field: o.Field, Reason: o.Reason, Location: o.Location, Name: o.Name, Page: o.Page, Rect: o.Rect, M: now,
	}
}

// room estimates the CMS without its token: certificates, and the signature with its attributes.
func room(k *pki.Key) int {
	n := 2048 + len(k.Certificate.Raw)
	for _, c := range k.Chain {
		n += len(c.Raw)
	}
	return n
}

func (s *Signer) pades(ctx context.Context, by *held, d *pdf.Document, o pdf.PrepareOptions, level Level) (signed []byte, need int, err error) {
	p, err := d.Prepare(o)
	if err != nil {
		return nil, 0, err
	}
	c, err := overPDF(p, by.Certificate, by.Chain)
	if err != nil {
		return nil, 0, err
	}
	c.Key = by.Signer
	if level >= LevelT {
		c.Stamp = s.extender.stamp
	}
	sd, err := cms.Sign(ctx, c)
	if err != nil {
		return nil, 0, fmt.Errorf("signing: %w", err)
	}
	signed, err = p.Seal(sd)
	return signed, len(sd), err
}

// overPDF is the CMS to be made over a prepared PDF, without its key.
func overPDF(p *pdf.Prepared, c *pki.Certificate, chain []*pki.Certificate) (cms.SignOptions, error) {
	algorithm, err := cms.DigestOf(c.PublicKey.Key)
	if err != nil {
		return cms.SignOptions{}, fmt.Errorf("signing: %w", err)
	}
	newHash, err := pki.NewHash(algorithm)
	if err != nil {
		return cms.SignOptions{}, fmt.Errorf("signing: %w", err)
	}
	h := newHash()
	if _, err := io.Copy(h, p.Signed()); err != nil {
		return cms.SignOptions{}, err
	}
	return cms.SignOptions{Digest: h.Sum(nil), Detached: true, Certificate: c, Chain: chain}, nil
}
