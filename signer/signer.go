// SPDX-License-Identifier: Apache-2.0

package signer

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"rastau/internal/gost"
	"rastau/internal/pki"
)

// Stamper gives RFC 3161 tokens (internal/timestamp.Client). It must be safe for concurrent use.
type Stamper interface {
	// Stamp returns a TimeStampToken, DER, whose imprint is the digest of data.
	Stamp(ctx context.Context, data []byte) (token []byte, err error)
}

// Checker judges what was just signed, so that nothing wrong leaves. A nil error means: intact and by that certificate.
// kind is "cades" (attached), "cades-detached" or "pades"; for the first two content is what was to be signed. It must be safe for
// concurrent use.
type Checker interface {
	CheckSigned(ctx context.Context, kind string, signed, content []byte, certificate *pki.Certificate) error
}

// Options of a Signer.
type Options struct {
	Key     *pki.Key         // Required. Licensor's key with chain.
	Stamper Stamper          // Optional. If nil: B-B, no timestamp.
	Checker Checker          // Required.
	Now     func() time.Time // Required.
}

// Signer is safe for concurrent use, without a global lock, as far as its key is (keys from files are).
type Signer struct {
	o     Options
	leaf  *x509.Certificate
	chain []*x509.Certificate // what digitorus/pkcs7 writes beside the leaf
}

// New checks that the key is one that may sign documents: it belongs to its certificate, is RSA, ECDSA or of the national algorithms, and the
// certificate is for signing. Errors are [ErrKey] and [ErrPurpose]. Validity is checked at each signature, because a
// service outlives certificates.
func New(o Options) (*Signer, error) {
	if o.Key == nil || o.Key.Signer == nil || o.Key.Certificate == nil || o.Checker == nil || o.Now == nil {
		return nil, errors.New("signer: Options.Key with its certificate, Checker and Now are required")
	}
	s := &Signer{o: o}
	var err error
	if s.leaf, err = x509.ParseCertificate(o.Key.Certificate.Raw); err != nil {
		return nil, fmt.Errorf("%w: the certificate cannot be used for signing: %v", ErrKey, err)
	}
	for _, c := range o.Key.Chain {
		x, err := x509.ParseCertificate(c.Raw)
		if err != nil {
			return nil, fmt.Errorf("%w: certificate %s of the chain cannot be used: %v", ErrKey, c.SHA256Hex(), err)
		}
		s.chain = append(s.chain, x)
	}
	if err := matches(o.Key); err != nil {
		return nil, err
	}
	if err := purpose(o.Key.Certificate); err != nil {
		return nil, err
	}
	return s, nil
}

// Certificate of the key.
func (s *Signer) Certificate() *pki.Certificate { return s.o.Key.Certificate }

// matches compares the key's public half with the certificate's.
func matches(k *pki.Key) error {
	same := false
	switch public := k.Signer.Public().(type) {
	case *rsa.PublicKey:
		same = public.Equal(k.Certificate.PublicKey.Key)
	case *ecdsa.PublicKey:
		same = public.Equal(k.Certificate.PublicKey.Key)
	case *gost.PublicKey:
		same = public.Equal(k.Certificate.PublicKey.Key)
	default:
		return fmt.Errorf("%w: a key of type %T cannot sign licences, only RSA, ECDSA and GOST keys can", ErrKey, public)
	}
	if !same {
		return fmt.Errorf("%w: the private key does not belong to the certificate %s; take both from one file", ErrKey, k.Certificate.SHA256Hex())
	}
	return nil
}

// purpose: the same rule by which a signature is judged, so that nothing is signed that will be refused
// (RFC 5280 §4.2.1.3, §4.2.1.12): nonRepudiation where key usage is present, emailProtection where extended key usage is.
func purpose(c *pki.Certificate) error {
	if c.BasicConstraints != nil && c.BasicConstraints.CA {
		return fmt.Errorf("%w: it is an authority's certificate", ErrPurpose)
	}
	if c.HasKeyUsage && c.KeyUsage&pki.NonRepudiation == 0 {
		return fmt.Errorf("%w: its key usage does not allow nonRepudiation; an authentication key cannot sign, use the signing key (in Kazakhstan's files: RSA… or GOST…, not AUTH…)", ErrPurpose)
	}
	if len(c.ExtKeyUsage) > 0 && !c.HasExtKeyUsage(pki.OIDEmailProtection) && !c.HasExtKeyUsage(pki.OIDAnyExtKeyUsage) {
		return fmt.Errorf("%w: its extended key usage does not allow emailProtection, which signing of documents needs", ErrPurpose)
	}
	return nil
}

// ready says whether the certificate is inside its validity now (RFC 5280 §4.1.2.5: both ends included).
func (s *Signer) ready() (time.Time, error) {
	now, c := s.o.Now(), s.o.Key.Certificate
	switch {
	case now.Before(c.NotBefore):
		return now, fmt.Errorf("%w: it is valid from %s", ErrNotYetValid, c.NotBefore.UTC().Format(time.RFC3339))
	case now.After(c.NotAfter):
		return now, fmt.Errorf("%w: it was valid until %s; configure the licensor's new key", ErrExpired, c.NotAfter.UTC().Format(time.RFC3339))
	}
	return now, nil
}

// check lets nothing out that the checker does not accept.
func (s *Signer) check(ctx context.Context, kind string, signed, content []byte) error {
	if err := s.o.Checker.CheckSigned(ctx, kind, signed, content, s.o.Key.Certificate); err != nil {
		return fmt.Errorf("%w: %w", ErrUnchecked, err)
	}
	return nil
}

// stamp asks for a token; an empty answer is an error.
func (s *Signer) stamp(ctx context.Context, signature []byte) ([]byte, error) {
	token, err := s.o.Stamper.Stamp(ctx, signature)
	if err == nil && len(token) == 0 {
		err = errors.New("the answer is empty")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStamp, err)
	}
	return token, nil
}
