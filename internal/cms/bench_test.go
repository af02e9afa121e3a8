// SPDX-License-Identifier: Apache-2.0

package cms_test

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"testing"

	"github.com/digitorus/pkcs7"

	"rastau/internal/cms"
)

// BenchmarkVerify reads and judges one attached message by RSA 2048, beside the
// arithmetic that nobody can avoid and beside the library that others would take.
func BenchmarkVerify(b *testing.B) {
	p := newParty(b, "RSA")
	document := bytes.Repeat(content, 200)
	der, err := cms.Sign(b.Context(), cms.SignOptions{Content: document, Key: p.key, Certificate: p.cert, SigningTime: notBefore.AddDate(0, 6, 0)})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("floor", func(b *testing.B) {
		sum := sha256.Sum256(document)
		sig, err := rsa.SignPKCS1v15(nil, p.key.(*rsa.PrivateKey), crypto.SHA256, sum[:])
		if err != nil {
			b.Fatal(err)
		}
		public := &p.key.(*rsa.PrivateKey).PublicKey
		for b.Loop() {
			sum := sha256.Sum256(document)
			if err := rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], sig); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("cms", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			sd, err := cms.Parse(der, cms.Limits{})
			if err != nil {
				b.Fatal(err)
			}
			s := sd.Signers[0]
			if c := sd.Verify(s, sd.SignerCertificate(s, nil), nil); (c != cms.Check{}) {
				b.Fatal(c)
			}
		}
	})
	b.Run("digitorus", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p7, err := pkcs7.Parse(der)
			if err != nil {
				b.Fatal(err)
			}
			if err := p7.Verify(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
