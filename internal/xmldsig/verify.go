// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"bytes"
	"crypto/dsa" //lint:ignore SA1019 old archives are verified with it; the algorithm policy refuses it by default
	"crypto/ecdsa"
	"errors"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/pki"
)

// Check is what the mathematics of one signature says. A nil error holds.
type Check struct {
	Structure error   // the signature cannot be read; nothing else was computed
	Digests   []error // of each reference, in order
	Value     error   // pki.ErrSignature, [ErrNoCertificate]
	Algorithm error   // pki.ErrUnsupported, pki.ErrAlgorithm, [ErrSymmetric]: the value could not be computed
	Reference error   // the XAdES property names another certificate
}

// Intact says whether what was signed is what stands in the document: true where every digest and the value hold, false
// where one is wrong, nil where it could not be computed. It says nothing about whose signature it is.
func (c Check) Intact() *bool {
	wrong, right := false, true
	if c.Structure != nil {
		return &wrong
	}
	computed := c.Algorithm == nil && c.Value == nil
	for _, err := range c.Digests {
		switch {
		case err == nil:
		case errors.Is(err, ErrDigest), errors.Is(err, ErrAmbiguous), errors.Is(err, ErrNotFound), errors.Is(err, ErrStructure):
			return &wrong
		default:
			computed = false
		}
	}
	switch {
	case c.Value != nil && !errors.Is(c.Value, ErrNoCertificate):
		return &wrong
	case !computed:
		return nil
	}
	return &right
}

// Verify checks the digest of every reference and the value with cert's key; a nil cert leaves the value unchecked. It never
// judges trust, time or the strength of algorithms.
func (s *Signature) Verify(cert *pki.Certificate) Check {
	if s.Problem != nil {
		return Check{Structure: s.Problem}
	}
	c := Check{Digests: make([]error, len(s.References))}
	for i, r := range s.References {
		c.Digests[i] = s.verifyReference(r)
	}
	switch err := s.checkValue(cert); {
	case err == nil:
	case errors.Is(err, pki.ErrUnsupported), errors.Is(err, pki.ErrAlgorithm), errors.Is(err, ErrCanonical), errors.Is(err, ErrSymmetric):
		c.Algorithm = err
	default:
		c.Value = err
	}
	if p := s.Properties; p != nil && cert != nil {
		for _, ref := range p.References {
			if ok, err := ref.Matches(cert); !ok || err != nil {
				c.Reference = errors.Join(errors.New("the signed property names another certificate"), err)
			}
		}
	}
	return c
}

// SignedInfo is the canonical form of SignedInfo: what the value was made over.
func (s *Signature) SignedInfo() ([]byte, error) {
	var out bytes.Buffer
	if err := s.doc.canonical(&out, s.doc.span(s.info), nil, s.canonical); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func (s *Signature) checkValue(cert *pki.Certificate) error {
	switch {
	case errors.Is(s.Unknown, ErrSymmetric):
		return s.Unknown
	case cert == nil:
		return ErrNoCertificate
	case s.Unknown != nil:
		return s.Unknown
	}
	info, err := s.SignedInfo()
	if err != nil {
		return err
	}
	sig, err := fromXML(&cert.PublicKey, s.Value)
	if err != nil {
		return err
	}
	return cert.PublicKey.Verify(s.Algorithm, info, sig)
}

// fromXML brings r||s of ECDSA and DSA, each as long as the order (XMLDSig 1.1 §6.4.3), into the form of CMS.
func fromXML(key *pki.PublicKey, sig []byte) ([]byte, error) {
	var size int
	switch k := key.Key.(type) {
	case *ecdsa.PublicKey:
		size = (k.Curve.Params().N.BitLen() + 7) / 8
	case *dsa.PublicKey:
		if k.Q == nil {
			return nil, pki.ErrAlgorithm
		}
		size = (k.Q.BitLen() + 7) / 8
	default:
		return sig, nil
	}
	if len(sig) != 2*size {
		return nil, pki.ErrSignature
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(new(big.Int).SetBytes(sig[:size]))
		b.AddASN1BigInt(new(big.Int).SetBytes(sig[size:]))
	})
	return b.Bytes()
}
