// SPDX-License-Identifier: Apache-2.0

package signer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rastau/internal/pdf"
	"rastau/internal/pki"
	"rastau/internal/span"
)

// Stamper gives RFC 3161 tokens (internal/timestamp.Client). It must be safe for concurrent use.
type Stamper interface {
	// Stamp returns a TimeStampToken, DER, whose imprint is the digest of data.
	Stamp(ctx context.Context, data []byte) (token []byte, err error)
}

// Judge says whether a certificate may sign now, before it does: nil where it is trusted, of the right kind and known not to be
// revoked; [ErrUndecided], wrapped with why, where that cannot be known now; any other error where it may not. It must be
// safe for concurrent use.
type Judge interface {
	JudgeKey(ctx context.Context, key *pki.Key) error
}

// Checker judges what was just signed, so that nothing wrong leaves. A nil error means: intact and by that certificate.
// kind is "cades" (attached), "cades-detached", "pades", "xades", "xmldsig" or "wsse"; but for "pades" content is what was to be signed. It must be safe for
// concurrent use.
type Checker interface {
	CheckSigned(ctx context.Context, kind string, signed, content []byte, certificate *pki.Certificate) error
}

// Options of a Signer.
type Options struct {
	Keys     *Ring            // Required.
	Judge    Judge            // Required. Asked before a key signs.
	Checker  Checker          // Required. Asked of what was signed.
	Stamper  Stamper          // Required from level T.
	Examiner Examiner         // Required from level LT.
	Hash     pki.OID          // Optional. That the Stamper's imprints are made by; if empty, SHA-256.
	Level    Level            // Optional. Of signatures that name none; if zero, T with a Stamper and B without.
	Now      func() time.Time // Required.
	// Observe is told how long each signature took with its time stamp and its check, by format: cades, pades, xades, xmldsig, wsse. Optional.
	Observe func(format string, took time.Duration, err error)
	// Recheck is how long the Judge's yes holds. Optional. If zero, a minute: a batch of a thousand does not ask a thousand
	// times, and a revocation is heeded a minute after it is known.
	Recheck time.Duration
}

// Signer is safe for concurrent use, without a global lock, as far as its keys are (keys from files and tokens are).
type Signer struct {
	o        Options
	extender *Extender // nil: without a Stamper
}

// New makes a Signer; the keys were checked by [NewRing].
func New(o Options) (*Signer, error) {
	if o.Keys == nil || o.Judge == nil || o.Checker == nil || o.Now == nil {
		return nil, errors.New("signer: Options.Keys, Judge, Checker and Now are required")
	}
	if o.Recheck == 0 {
		o.Recheck = time.Minute
	}
	s := &Signer{o: o}
	if o.Stamper != nil {
		s.extender = newExtender(ExtenderOptions{Stamper: o.Stamper, Examiner: o.Examiner, Hash: o.Hash})
	}
	if s.o.Level == LevelDefault {
		s.o.Level = LevelB
		if o.Stamper != nil {
			s.o.Level = LevelT
		}
	}
	return s, s.able(s.o.Level)
}

// able says whether a level can be reached with what the Signer was given.
func (s *Signer) able(l Level) error {
	switch {
	case l >= LevelT && s.o.Stamper == nil:
		return fmt.Errorf("%w: level %s needs a time-stamping authority; configure one", ErrLevel, l)
	case l >= LevelLT && s.o.Examiner == nil:
		return fmt.Errorf("%w: level %s needs whoever gathers validation data", ErrLevel, l)
	}
	return nil
}

// Certificate of the key that signs now; where no key is inside its validity, of the first.
func (s *Signer) Certificate() *pki.Certificate {
	h, err := s.o.Keys.current(s.o.Now())
	if err != nil {
		h = (*s.o.Keys.keys.Load())[0]
	}
	return h.Certificate
}

// Chain is the certificates of the authorities above [Signer.Certificate], as the key brings them.
func (s *Signer) Chain() []*pki.Certificate {
	h, err := s.o.Keys.current(s.o.Now())
	if err != nil {
		h = (*s.o.Keys.keys.Load())[0]
	}
	return h.Chain
}

// ready picks the key that signs: the first inside its validity that the Judge accepts, or, where want is given, the one with
// that certificate.
func (s *Signer) ready(ctx context.Context, want *pki.Certificate) (*held, time.Time, error) {
	now := s.o.Now()
	var why []error
	for _, h := range *s.o.Keys.keys.Load() {
		if want != nil && h.Certificate.SHA256 != want.SHA256 {
			continue
		}
		err := h.inTime(now)
		if err == nil {
			err = s.judge(ctx, h, now)
		}
		if err == nil {
			return h, now, nil
		}
		why = append(why, err)
	}
	if len(why) == 0 {
		why = append(why, fmt.Errorf("%w: the key of certificate %s is no longer configured", ErrKey, want.SHA256Hex()))
	}
	return nil, now, errors.Join(why...)
}

// judge asks the Judge, whose yes holds for Recheck; a no is asked again each time.
func (s *Signer) judge(ctx context.Context, h *held, now time.Time) error {
	if last := h.judged.Load(); last != nil && !now.Before(*last) && now.Sub(*last) < s.o.Recheck {
		return nil
	}
	switch err := s.o.Judge.JudgeKey(ctx, h.Key); {
	case errors.Is(err, ErrUndecided):
		return err
	case err != nil:
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	h.judged.Store(&now)
	return nil
}

// check lets nothing out that the checker does not accept.
func (s *Signer) check(ctx context.Context, kind string, signed, content []byte, by *pki.Certificate) error {
	if err := s.o.Checker.CheckSigned(ctx, kind, signed, content, by); err != nil {
		return fmt.Errorf("%w: %w", ErrUnchecked, err)
	}
	return nil
}

// checkPDF is check for a revision put onto before. A checker that can need not read that a second time.
func (s *Signer) checkPDF(ctx context.Context, before *pdf.Document, signed []byte, by *pki.Certificate) error {
	c, ok := s.o.Checker.(interface {
		CheckSignedPDF(ctx context.Context, before *pdf.Document, signed []byte, certificate *pki.Certificate) error
	})
	if !ok {
		return s.check(ctx, "pades", signed, nil, by)
	}
	if err := c.CheckSignedPDF(ctx, before, signed, by); err != nil {
		return fmt.Errorf("%w: %w", ErrUnchecked, err)
	}
	return nil
}

// level is the one asked for, or the Signer's own.
func (s *Signer) level(l Level) (Level, error) {
	if l == LevelDefault {
		return s.o.Level, nil
	}
	return l, s.able(l)
}

// observe begins a signature; whoever ends it tells what it took.
func (s *Signer) observe(ctx context.Context, format string) (context.Context, func(error)) {
	began := time.Now()
	ctx, step := span.Start(ctx, "sign")
	step.Set(span.Kind, format)
	return ctx, func(err error) {
		if s.o.Observe != nil {
			s.o.Observe(format, time.Since(began), err)
		}
		step.End(err)
	}
}
