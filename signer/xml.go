// SPDX-License-Identifier: Apache-2.0

package signer

import (
	"context"
	"fmt"

	"rastau/internal/pki"
	"rastau/internal/xmldsig"
)

// XMLOptions of one signature. All are optional.
type XMLOptions struct {
	// Plain writes XMLDSig alone, as Kazakhstan's programs do, without the properties of XAdES: nothing binds the
	// certificate or the time then, and there is no level.
	Plain bool
	// Level of XAdES: B or T. Levels above are not written in XML. If zero, the Signer's own, T at most.
	Level       Level
	Certificate *pki.Certificate // sign with the key of this certificate; if nil, the one that signs now
}

// XML signs a whole document, enveloped (EN 319 132-1 §6): the signature stands at the end of the root element, over what
// was signed before too. The other bytes stay as they are. Errors are those of JSON and of internal/xmldsig.
func (s *Signer) XML(ctx context.Context, document []byte, o XMLOptions) ([]byte, error) {
	level, err := s.xmlLevel(o)
	if err != nil {
		return nil, err
	}
	kind := "xades"
	if o.Plain {
		kind = "xmldsig"
	}
	return s.xml(ctx, kind, document, o.Certificate, func(ctx context.Context, x *xmldsig.SignOptions) ([]byte, error) {
		x.XAdES = !o.Plain
		if level == LevelT {
			x.Stamp = s.extender.stamp
		}
		return xmldsig.Sign(ctx, document, *x)
	})
}

// Security signs the body of a SOAP message with WS-Security, as Kazakhstan's gateway has it.
func (s *Signer) Security(ctx context.Context, message []byte) ([]byte, error) {
	return s.xml(ctx, "wsse", message, nil, func(ctx context.Context, x *xmldsig.SignOptions) ([]byte, error) {
		return xmldsig.SignSecurity(ctx, message, *x)
	})
}

func (s *Signer) xmlLevel(o XMLOptions) (Level, error) {
	level, err := s.level(o.Level)
	switch {
	case err != nil:
		return 0, err
	case o.Plain && o.Level > LevelB, o.Level > LevelT:
		return 0, fmt.Errorf("%w: XML is signed at level B or T", ErrLevel)
	case o.Plain:
		return LevelB, nil
	}
	return min(level, LevelT), nil
}

func (s *Signer) xml(ctx context.Context, kind string, content []byte, want *pki.Certificate, sign func(context.Context, *xmldsig.SignOptions) ([]byte, error)) (signed []byte, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ctx, done := s.observe(ctx, kind)
	defer func() { done(err) }()
	by, now, err := s.ready(ctx, want)
	if err != nil {
		return nil, err
	}
	signed, err = sign(ctx, &xmldsig.SignOptions{Key: by.Signer, Certificate: by.Certificate, Chain: by.Chain, SigningTime: now})
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	if err := s.check(ctx, kind, signed, content, by.Certificate); err != nil {
		return nil, err
	}
	return signed, nil
}
