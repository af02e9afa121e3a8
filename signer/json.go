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

// JSONOptions of one signature. All are optional.
type JSONOptions struct {
	Detached    bool             // leave the content out
	Level       Level            // if zero, the Signer's
	Certificate *pki.Certificate // sign with the key of this certificate, so that several documents bear the same; if nil, the one that signs now
}

// JSON signs content as CAdES (EN 319 122-1). digitorus/pkcs7 writes it for RSA and ECDSA
// keys with ESS signing-certificate-v2 as an extra attribute, internal/cms for the national algorithms; time-stamps and what the
// higher levels need are added by internal/cms. The signing-time attribute is claimed time and nothing is judged by it; that library takes it from the
// machine's clock.
// Errors are [ErrExpired], [ErrNotYetValid], [ErrRefused], [ErrUndecided], [ErrStamp], [ErrLevel], [ErrUnchecked] and the key's own.
func (s *Signer) JSON(ctx context.Context, content []byte, o JSONOptions) (done []byte, err error) {
	ctx, step := s.observe(ctx, "cades")
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
	signed, err := cades(ctx, by, content, o.Detached, now)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	kind := "cades"
	if o.Detached {
		kind = "cades-detached"
	}
	if err := s.check(ctx, kind, signed, content, by.Certificate); err != nil {
		return nil, err
	}
	if level == LevelB {
		return signed, nil
	}
	var shown []byte
	if o.Detached {
		shown = content
	}
	extended, err := s.extender.cms(ctx, signed, shown, level)
	if err != nil {
		return nil, err
	}
	return extended, s.check(ctx, kind, extended, content, by.Certificate)
}

func cades(ctx context.Context, by *held, content []byte, detached bool, now time.Time) ([]byte, error) {
	if _, national := by.Signer.Public().(*gost.PublicKey); national {
		if content == nil {
			content = []byte{} // the other library signs nothing as empty content too
		}
		return cms.Sign(ctx, cms.SignOptions{
			Content: content, Detached: detached, SigningTime: now,
			Key: by.Signer, Certificate: by.Certificate, Chain: by.Chain,
		})
	}
	sd, err := pkcs7.NewSignedData(content)
	if err != nil {
		return nil, err
	}
	sd.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256) // the library's default is SHA-1
	ess, err := signingCertificate(by.Certificate)
	if err != nil {
		return nil, err
	}
	config := pkcs7.SignerInfoConfig{ExtraSignedAttributes: []pkcs7.Attribute{
		{Type: pki.OIDSigningCertificateV2.ASN1(), Value: asn1.RawValue{FullBytes: ess}},
	}}
	if err := sd.AddSigner(by.leaf, by.Signer, config); err != nil {
		return nil, err
	}
	for _, c := range by.chain {
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
