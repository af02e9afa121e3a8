// SPDX-License-Identifier: Apache-2.0

package signer_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"rastau/internal/cms"
	"rastau/internal/pdf"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/signer"
)

// over signs a digest of the attributes as a card does.
func over(t *testing.T, k *pki.Key, d *signer.Draft) []byte {
	t.Helper()
	newHash, err := pki.NewHash(d.Hash)
	if err != nil {
		t.Fatal(err)
	}
	h := newHash()
	h.Write(d.Attributes)
	opts := crypto.SHA256
	if d.Hash != pki.OIDSHA256 {
		opts = 0 // a national key knows its own
	}
	value, err := k.Signer.Sign(rand.Reader, h.Sum(nil), opts)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// layer makes the whole CMS as NCALayer does: with the signer's certificate and a claimed time.
func layer(t *testing.T, k *pki.Key, content []byte) []byte {
	t.Helper()
	der, err := cms.Sign(t.Context(), cms.SignOptions{Content: content, Detached: true, Key: k.Signer, Certificate: k.Certificate, SigningTime: now})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// kept is a draft that went through somebody's storage.
func kept(t *testing.T, d *signer.Draft) *signer.Draft {
	t.Helper()
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var out signer.Draft
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return &out
}

// verdict is a Judge with a mind of its own.
type verdict struct{ err error }

func (v verdict) JudgeKey(context.Context, *pki.Key) error { return v.err }

// either looks at the bytes as checker does, whatever the sub-filter of a signature.
type either struct{}

func (e either) CheckSigned(ctx context.Context, kind string, signed, content []byte, want *pki.Certificate) error {
	d, err := pdf.Open(signed, pdf.Limits{})
	if err != nil {
		return err
	}
	s := d.Signatures()[len(d.Signatures())-1]
	if s.Problem != nil || !s.CoversAll {
		return errors.New("not whole")
	}
	sd, err := cms.Parse(s.Contents, cms.Limits{})
	if err != nil {
		return err
	}
	digests, err := cms.DigestContent(d.Signed(s), sd.NeededDigests())
	if err != nil {
		return err
	}
	return intact(sd, digests, want)
}

func TestElsewhere(t *testing.T) {
	for _, kind := range []string{"RSA", "EC", "GOST"} {
		t.Run(kind, func(t *testing.T) {
			h := newHouseOf(t, testpki.Options{EC: kind == "EC", GOST: kind == "GOST"})
			officer, other := h.issue(t, testpki.Leaf{}), h.issue(t, testpki.Leaf{})
			make := func(j signer.Judge, at time.Time) *signer.Signer {
				s, err := signer.New(signer.Options{Keys: ring(t, h.issue(t, testpki.Leaf{})), Judge: j, Checker: either{}, Now: func() time.Time { return at }})
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			s := make(trusting{}, now)
			page := licencePage(t)

			// The attributes are signed elsewhere: PAdES.
			d, err := s.Begin(t.Context(), page, signer.PDFOptions{Certificate: officer.Certificate, Reason: "Шешім"}, officer.Chain...)
			if err != nil {
				t.Fatal(err)
			}
			d = kept(t, d)
			signed, err := s.Finish(t.Context(), d, over(t, officer, d))
			if err != nil {
				t.Fatal(err)
			}
			if err := (checker{}).CheckSigned(t.Context(), "pades", signed, nil, officer.Certificate); err != nil {
				t.Error(err)
			}
			refuses := func(what string, s *signer.Signer, d *signer.Draft, answer []byte, want error) {
				t.Helper()
				if out, err := s.Finish(t.Context(), d, answer); out != nil || !errors.Is(err, want) {
					t.Errorf("%s: %v, want %v", what, err, want)
				}
			}
			refuses("the value of another key", s, d, over(t, other, d), signer.ErrUnchecked)
			refuses("no value", s, d, nil, signer.ErrUnchecked)
			revoked := errors.New("revoked")
			refuses("a revoked certificate", make(verdict{revoked}, now), d, over(t, officer, d), signer.ErrRefused)
			refuses("nobody knows", make(verdict{signer.ErrUndecided}, now), d, over(t, officer, d), signer.ErrUndecided)
			refuses("long after", make(trusting{}, now.AddDate(3, 0, 0)), d, over(t, officer, d), signer.ErrExpired)
			broken := kept(t, d)
			broken.File[100] ^= 1
			refuses("another page", s, broken, over(t, officer, d), signer.ErrUnchecked)
			broken = kept(t, d)
			broken.File = signed
			refuses("a place that is taken", s, broken, over(t, officer, d), pdf.ErrField)

			// The whole CMS is made elsewhere.
			d, err = s.Begin(t.Context(), page, signer.PDFOptions{})
			if err != nil {
				t.Fatal(err)
			}
			d = kept(t, d)
			answer := layer(t, officer, d.Content)
			for _, form := range [][]byte{answer, []byte(base64.StdEncoding.EncodeToString(answer))} {
				if signed, err = s.Finish(t.Context(), d, form); err != nil {
					t.Fatal(err)
				}
			}
			if kind != "GOST" {
				poppler(t, signed)
			}
			refuses("over another page", s, d, layer(t, officer, page), signer.ErrUnchecked)
			refuses("no CMS", s, d, []byte("signature"), signer.ErrUnchecked)
			attached, err := cms.Sign(t.Context(), cms.SignOptions{Content: d.Content, Key: officer.Signer, Certificate: officer.Certificate})
			if err != nil {
				t.Fatal(err)
			}
			refuses("with its own content", s, d, attached, signer.ErrUnchecked)
			stranger := h.issue(t, testpki.Leaf{Auth: true})
			refuses("a key for logging in", s, d, layer(t, stranger, d.Content), signer.ErrPurpose)
			if _, err := s.Begin(t.Context(), page, signer.PDFOptions{Certificate: stranger.Certificate}); !errors.Is(err, signer.ErrPurpose) {
				t.Errorf("a draft for a key for logging in: %v", err)
			}
		})
	}
}
