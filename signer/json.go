// SPDX-License-Identifier: Apache-2.0

package signer

import (
	"context"
	"crypto/sha256"
	"encoding/asn1"
	"fmt"
	"time"

	"github.com/digitorus/pkcs7"
	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/cms"
	"rastau/internal/gost"
	"rastau/internal/pki"
)

// JSON signs content as CAdES B-B or, with a Stamper, B-T: attached by default. digitorus/pkcs7 writes it for RSA and ECDSA
// keys with ESS signing-certificate-v2 as an extra attribute, internal/cms for the national algorithms; the time-stamp is added
// by internal/cms. The signing-time attribute is claimed time and nothing is judged by it; that library takes it from the
// machine's clock.
// Errors are [ErrExpired], [ErrNotYetValid], [ErrStamp], [ErrUnchecked] and the key's own.
func (s *Signer) JSON(ctx context.Context, content []byte, detached bool) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	now, err := s.ready()
	if err != nil {
		return nil, err
	}
	signed, err := s.cades(ctx, content, detached, now)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	if s.o.Stamper != nil {
		if signed, err = s.stamped(ctx, signed); err != nil {
			return nil, err
		}
	}
	kind := "cades"
	if detached {
		kind = "cades-detached"
	}
	if err := s.check(ctx, kind, signed, content); err != nil {
		return nil, err
	}
	return signed, nil
}

func (s *Signer) cades(ctx context.Context, content []byte, detached bool, now time.Time) ([]byte, error) {
	if _, national := s.o.Key.Signer.Public().(*gost.PublicKey); national {
		if content == nil {
			content = []byte{} // the other library signs nothing as empty content too
		}
		return cms.Sign(ctx, cms.SignOptions{
			Content: content, Detached: detached, SigningTime: now,
			Key: s.o.Key.Signer, Certificate: s.o.Key.Certificate, Chain: s.o.Key.Chain,
		})
	}
	sd, err := pkcs7.NewSignedData(content)
	if err != nil {
		return nil, err
	}
	sd.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256) // the library's default is SHA-1
	ess, err := signingCertificate(s.o.Key.Certificate)
	if err != nil {
		return nil, err
	}
	config := pkcs7.SignerInfoConfig{ExtraSignedAttributes: []pkcs7.Attribute{
		{Type: pki.OIDSigningCertificateV2.ASN1(), Value: asn1.RawValue{FullBytes: ess}},
	}}
	if err := sd.AddSigner(s.leaf, s.o.Key.Signer, config); err != nil {
		return nil, err
	}
	for _, c := range s.chain {
		sd.AddCertificate(c)
	}
	if detached {
		sd.Detach()
	}
	return sd.Finish()
}

// signingCertificate is the value of the ESS attribute (RFC 5035 §3): SHA-256 is the default and left out, as DER demands;
// issuerSerial is left out too, the hash alone binds (EN 319 122-1 §5.2.2.3).
func signingCertificate(c *pki.Certificate) ([]byte, error) {
	sum := sha256.Sum256(c.Raw)
	var b cryptobyte.Builder
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) { // SigningCertificateV2
		b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) { // certs
			b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) { // ESSCertIDv2
				b.AddASN1OctetString(sum[:])
			})
		})
	})
	return b.Bytes()
}

// stamped adds a signature time-stamp (EN 319 122-1 §5.3).
func (s *Signer) stamped(ctx context.Context, signed []byte) ([]byte, error) {
	sd, err := cms.Parse(signed, cms.Limits{})
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	if len(sd.Signers) != 1 {
		return nil, fmt.Errorf("signing: %d signers instead of one", len(sd.Signers))
	}
	token, err := s.stamp(ctx, sd.Signers[0].Signature)
	if err != nil {
		return nil, err
	}
	return sd.AddUnsigned(0, cms.Attribute{Type: pki.OIDSignatureTimeStamp, Values: [][]byte{token}})
}
