// SPDX-License-Identifier: Apache-2.0

package testpki

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
	"software.sslmate.com/src/go-pkcs12"

	"rastau/internal/gost"
	"rastau/internal/pki"
)

// PKCS12 encodes a key with its certificate and chain for a file, with AES-256
// and PBKDF2 as OpenSSL 3 does by default.
func PKCS12(k *pki.Key, password string) ([]byte, error) {
	if key, ok := k.Signer.(*gost.PrivateKey); ok {
		return nationalPKCS12(key, k, password)
	}
	cert, err := x509.ParseCertificate(k.Certificate.Raw)
	if err != nil {
		return nil, err
	}
	var chain []*x509.Certificate
	for _, c := range k.Chain {
		x, err := x509.ParseCertificate(c.Raw)
		if err != nil {
			return nil, err
		}
		chain = append(chain, x)
	}
	return pkcs12.Modern2023.Encode(k.Signer, cert, chain, password)
}

const (
	oidShroudedKey pki.OID = "1.2.840.113549.1.12.10.1.2"
	oidCertBag     pki.OID = "1.2.840.113549.1.12.10.1.3"
	oidX509        pki.OID = "1.2.840.113549.1.9.22.1"
	oidPBES2       pki.OID = "1.2.840.113549.1.5.13"
	oidPBKDF2      pki.OID = "1.2.840.113549.1.5.12"
	oidPBMAC1      pki.OID = "1.2.840.113549.1.5.14"
	oidHMACSHA256  pki.OID = "1.2.840.113549.2.9"
	oidAES256CBC   pki.OID = "2.16.840.1.101.3.4.1.42"

	iterations = 2048
)

// nationalPKCS12 writes a file that the library cannot, for it knows no national key: the key under PBES2, the certificates in
// the open, the whole under PBMAC1 (RFC 9579).
func nationalPKCS12(key *gost.PrivateKey, k *pki.Key, password string) ([]byte, error) {
	info, err := pki.MarshalNationalPrivateKey(key)
	if err != nil {
		return nil, err
	}
	random := make([]byte, 16+16+aes.BlockSize)
	if _, err := rand.Read(random); err != nil {
		return nil, err
	}
	salt, macSalt, iv := random[:16], random[16:32], random[32:]
	secret, err := pbkdf2.Key(sha256.New, password, salt, iterations, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	padding := aes.BlockSize - len(info)%aes.BlockSize
	sealed := append(info, bytes.Repeat([]byte{byte(padding)}, padding)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(sealed, sealed)

	explicit := casn1.Tag(0).ContextSpecific().Constructed()
	sequence := func(b *cryptobyte.Builder, f cryptobyte.BuilderContinuation) { b.AddASN1(casn1.SEQUENCE, f) }
	derivation := func(b *cryptobyte.Builder, salt []byte) {
		sequence(b, func(b *cryptobyte.Builder) {
			pki.AddOID(b, oidPBKDF2)
			sequence(b, func(b *cryptobyte.Builder) {
				b.AddASN1OctetString(salt)
				b.AddASN1Int64(iterations)
				b.AddASN1Int64(32)
				addAlgorithm(b, oidHMACSHA256)
			})
		})
	}
	bags := func(b *cryptobyte.Builder) {
		sequence(b, func(b *cryptobyte.Builder) {
			pki.AddOID(b, oidShroudedKey)
			b.AddASN1(explicit, func(b *cryptobyte.Builder) {
				sequence(b, func(b *cryptobyte.Builder) {
					sequence(b, func(b *cryptobyte.Builder) {
						pki.AddOID(b, oidPBES2)
						sequence(b, func(b *cryptobyte.Builder) {
							derivation(b, salt)
							sequence(b, func(b *cryptobyte.Builder) {
								pki.AddOID(b, oidAES256CBC)
								b.AddASN1OctetString(iv)
							})
						})
					})
					b.AddASN1OctetString(sealed)
				})
			})
		})
		for _, c := range append([]*pki.Certificate{k.Certificate}, k.Chain...) {
			sequence(b, func(b *cryptobyte.Builder) {
				pki.AddOID(b, oidCertBag)
				b.AddASN1(explicit, func(b *cryptobyte.Builder) {
					sequence(b, func(b *cryptobyte.Builder) {
						pki.AddOID(b, oidX509)
						b.AddASN1(explicit, func(b *cryptobyte.Builder) { b.AddASN1OctetString(c.Raw) })
					})
				})
			})
		}
	}
	data := func(b *cryptobyte.Builder, contents cryptobyte.BuilderContinuation) {
		sequence(b, func(b *cryptobyte.Builder) {
			pki.AddOID(b, pki.OIDData)
			b.AddASN1(explicit, func(b *cryptobyte.Builder) { b.AddASN1(casn1.OCTET_STRING, contents) })
		})
	}
	var safe cryptobyte.Builder
	sequence(&safe, func(b *cryptobyte.Builder) {
		data(b, func(b *cryptobyte.Builder) { sequence(b, bags) })
	})
	contents, err := safe.Bytes()
	if err != nil {
		return nil, err
	}
	macSecret, err := pbkdf2.Key(sha256.New, password, macSalt, iterations, 32)
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, macSecret)
	mac.Write(contents)
	var out cryptobyte.Builder
	sequence(&out, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(3)
		data(b, func(b *cryptobyte.Builder) { b.AddBytes(contents) })
		sequence(b, func(b *cryptobyte.Builder) {
			sequence(b, func(b *cryptobyte.Builder) {
				sequence(b, func(b *cryptobyte.Builder) {
					pki.AddOID(b, oidPBMAC1)
					sequence(b, func(b *cryptobyte.Builder) {
						derivation(b, macSalt)
						addAlgorithm(b, oidHMACSHA256)
					})
				})
				b.AddASN1OctetString(mac.Sum(nil))
			})
			b.AddASN1OctetString(macSalt) // RFC 9579 §4: these two are not looked at
			b.AddASN1Int64(1)
		})
	})
	return out.Bytes()
}
