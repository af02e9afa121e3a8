// SPDX-License-Identifier: Apache-2.0

package signer

import (
	"context"
	"errors"
	"fmt"
	"io"

	"rastau/internal/cms"
	"rastau/internal/pdf"
	"rastau/internal/pki"
)

// PDFOptions of one signature. All are optional.
type PDFOptions struct {
	Field, Reason, Location, Name string
	Page                          int        // 1-based page of the visible widget; if zero, 1
	Rect                          [4]float64 // in points: left, bottom, right, top; all zero = invisible
}

// PDF appends a revision signed as ETSI.CAdES.detached (EN 319 142-1 §6): no signing-time attribute in the CMS, /M carries
// the claimed time. The bytes of file stay as they are. Errors are those of JSON and of internal/pdf.
func (s *Signer) PDF(ctx context.Context, file []byte, o PDFOptions) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	now, err := s.ready()
	if err != nil {
		return nil, err
	}
	prepare := pdf.PrepareOptions{
		Field: o.Field, Reason: o.Reason, Location: o.Location, Name: o.Name,
		Page: o.Page, Rect: o.Rect, M: now, Size: s.size(),
	}
	signed, need, err := s.pades(ctx, file, prepare)
	if errors.Is(err, pdf.ErrTooLarge) {
		// A token's size is known only when it is there. The next one is about as large.
		prepare.Size = need + 2048
		signed, _, err = s.pades(ctx, file, prepare)
	}
	if err != nil {
		return nil, err
	}
	if err := s.check(ctx, "pades", signed, nil); err != nil {
		return nil, err
	}
	return signed, nil
}

// size estimates the CMS: certificates, the signature with its attributes, and a token with its own chain.
func (s *Signer) size() int {
	n := 4096 + len(s.leaf.Raw)
	for _, c := range s.chain {
		n += len(c.Raw)
	}
	if s.o.Stamper != nil {
		n += 8192
	}
	return n
}

func (s *Signer) pades(ctx context.Context, file []byte, o pdf.PrepareOptions) (signed []byte, need int, err error) {
	p, err := pdf.Prepare(file, o)
	if err != nil {
		return nil, 0, err
	}
	algorithm, err := cms.DigestOf(s.o.Key.Signer)
	if err != nil {
		return nil, 0, fmt.Errorf("signing: %w", err)
	}
	newHash, err := pki.NewHash(algorithm)
	if err != nil {
		return nil, 0, fmt.Errorf("signing: %w", err)
	}
	h := newHash()
	if _, err := io.Copy(h, p.Signed()); err != nil {
		return nil, 0, err
	}
	c := cms.SignOptions{
		Digest: h.Sum(nil), Detached: true,
		Key: s.o.Key.Signer, Certificate: s.o.Key.Certificate, Chain: s.o.Key.Chain,
	}
	if s.o.Stamper != nil {
		c.Stamp = s.stamp
	}
	sd, err := cms.Sign(ctx, c)
	if err != nil {
		return nil, 0, fmt.Errorf("signing: %w", err)
	}
	signed, err = p.Embed(sd)
	return signed, len(sd), err
}
