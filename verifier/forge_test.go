// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"math/big"
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"rastau/crl"
	"rastau/internal/cms"
	"rastau/internal/pki"
	"rastau/internal/testpki"
)

const contentTimestamp pki.OID = "1.2.840.113549.1.9.16.2.20"

// contentStamped puts a content timestamp of a stated time among the signed attributes.
func (h *house) contentStamped(t testing.TB, at time.Time) func(*cms.SignOptions) {
	t.Helper()
	return func(o *cms.SignOptions) {
		token, err := h.pki.TimestampToken(o.Content, at)
		if err != nil {
			t.Fatal(err)
		}
		o.Attributes = append(o.Attributes, cms.Attribute{Type: contentTimestamp, Values: [][]byte{token}})
	}
}

func stampOther(h *house) func(context.Context, []byte) ([]byte, error) {
	return func(context.Context, []byte) ([]byte, error) {
		return h.pki.TimestampToken([]byte("another signature"), day0.Add(-time.Minute))
	}
}

// cross certifies this house's authority, under its own name and key, by another root.
func (h *house) cross(t testing.TB, by *testpki.CA) *pki.Certificate {
	t.Helper()
	ca, err := x509.ParseCertificate(h.ca.Certificate.Raw)
	if err != nil {
		t.Fatal(err)
	}
	parent, err := x509.ParseCertificate(by.Certificate.Raw)
	if err != nil {
		t.Fatal(err)
	}
	der, err := testpki.CreateCertificate(&x509.Certificate{
		SerialNumber: big.NewInt(77), RawSubject: ca.RawSubject, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, BasicConstraintsValid: true, IsCA: true, SubjectKeyId: ca.SubjectKeyId,
	}, parent, h.ca.Key.Public(), by.Key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := pki.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// forgery writes a SignedData piece by piece, so that each piece can be wrong.
type forgery struct {
	contentType pki.OID
	content     func(*cryptobyte.Builder) // the element inside [0]; nil: detached
	digest, alg pki.OID
	attrs       [][]byte // DER of each Attribute, in the order written; nil: none
	signs       []byte   // what the key signs; nil: the SET OF attrs as written
	key         *pki.Key
	hash        crypto.Hash // of signs; zero: SHA-256
	trailing    []byte
}

func attribute(t pki.OID, values ...[]byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		pki.AddOID(b, t)
		b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) {
			for _, v := range values {
				b.AddBytes(v)
			}
		})
	})
	return b.BytesOrPanic()
}

func oid(o pki.OID) []byte {
	der, err := o.DER()
	if err != nil {
		panic(err)
	}
	return der
}

func octets(data []byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1OctetString(data)
	return b.BytesOrPanic()
}

func set(elements [][]byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) {
		for _, e := range elements {
			b.AddBytes(e)
		}
	})
	return b.BytesOrPanic()
}

func sum(data []byte) []byte {
	s := sha256.Sum256(data)
	return s[:]
}

// signedAttributes are the ones that a good signature over data has.
func signedAttributes(data []byte) [][]byte {
	return [][]byte{attribute(pki.OIDContentType, oid(pki.OIDData)), attribute(pki.OIDMessageDigest, octets(sum(data)))}
}

func (f forgery) der(t testing.TB) []byte {
	t.Helper()
	if f.contentType == "" {
		f.contentType = pki.OIDData
	}
	if f.digest == "" {
		f.digest = pki.OIDSHA256
	}
	if f.alg == "" {
		f.alg = pki.OIDECDSAWithSHA256
	}
	if f.signs == nil {
		f.signs = set(f.attrs)
	}
	if f.hash == 0 {
		f.hash = crypto.SHA256
	}
	digest := f.hash.New()
	digest.Write(f.signs)
	signature, err := f.key.Signer.Sign(rand.Reader, digest.Sum(nil), f.hash)
	if err != nil {
		t.Fatal(err)
	}
	algorithm := func(b *cryptobyte.Builder, o pki.OID) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { pki.AddOID(b, o) })
	}
	cert := f.key.Certificate
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		pki.AddOID(b, pki.OIDSignedData)
		b.AddASN1(zero, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(1)
				b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) { algorithm(b, f.digest) })
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
					pki.AddOID(b, f.contentType)
					if f.content != nil {
						b.AddASN1(zero, f.content)
					}
				})
				b.AddASN1(zero, func(b *cryptobyte.Builder) {
					b.AddBytes(cert.Raw)
					for _, c := range f.key.Chain {
						b.AddBytes(c.Raw)
					}
				})
				b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) {
					b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1Int64(1)
						b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
							b.AddBytes(cert.Issuer.Raw)
							b.AddASN1(asn1.INTEGER, func(b *cryptobyte.Builder) { b.AddBytes(cert.SerialBytes) })
						})
						algorithm(b, f.digest)
						if f.attrs != nil {
							b.AddASN1(zero, func(b *cryptobyte.Builder) {
								for _, a := range f.attrs {
									b.AddBytes(a)
								}
							})
						}
						algorithm(b, f.alg)
						b.AddASN1OctetString(signature)
					})
				})
			})
		})
	})
	return append(b.BytesOrPanic(), f.trailing...)
}

func holding(data []byte) func(*cryptobyte.Builder) {
	return func(b *cryptobyte.Builder) { b.AddASN1OctetString(data) }
}

// pieces are the parts of a SignedData in DER, as cms.Sign writes it.
type pieces struct{ version, digests, content, certificates, lists, signers cryptobyte.String }

var zero, one = asn1.Tag(0).Constructed().ContextSpecific(), asn1.Tag(1).Constructed().ContextSpecific()

func split(t testing.TB, der []byte) (p pieces) {
	t.Helper()
	in := cryptobyte.String(der)
	var outer, explicit, signed cryptobyte.String
	if !in.ReadASN1(&outer, asn1.SEQUENCE) || !outer.SkipASN1(asn1.OBJECT_IDENTIFIER) ||
		!outer.ReadASN1(&explicit, zero) || !explicit.ReadASN1(&signed, asn1.SEQUENCE) ||
		!signed.ReadASN1Element(&p.version, asn1.INTEGER) || !signed.ReadASN1Element(&p.digests, asn1.SET) ||
		!signed.ReadASN1Element(&p.content, asn1.SEQUENCE) || !signed.ReadASN1(&p.certificates, zero) ||
		!signed.ReadASN1(&p.signers, asn1.SET) {
		t.Fatal("not a SignedData of the expected form")
	}
	return p
}

func (p pieces) der() []byte {
	var out cryptobyte.Builder
	out.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		pki.AddOID(b, pki.OIDSignedData)
		b.AddASN1(zero, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddBytes(p.version)
				b.AddBytes(p.digests)
				b.AddBytes(p.content)
				b.AddASN1(zero, func(b *cryptobyte.Builder) { b.AddBytes(p.certificates) })
				if len(p.lists) > 0 {
					b.AddASN1(one, func(b *cryptobyte.Builder) { b.AddBytes(p.lists) })
				}
				b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(p.signers) })
			})
		})
	})
	return out.BytesOrPanic()
}

// merge makes one message of two over the same content: both certificates, both signers.
func merge(t testing.TB, a, b []byte) []byte {
	t.Helper()
	x, y := split(t, a), split(t, b)
	x.certificates = slices.Concat(x.certificates, y.certificates)
	x.signers = slices.Concat(x.signers, y.signers)
	return x.der()
}

// embed puts lists into a message (RFC 5652 §5.1 crls).
func embed(t testing.TB, der []byte, lists ...*crl.List) []byte {
	t.Helper()
	p := split(t, der)
	for _, l := range lists {
		p.lists = append(p.lists, l.Raw...)
	}
	return p.der()
}

func sequence(elements ...[]byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, e := range elements {
			b.AddBytes(e)
		}
	})
	return b.BytesOrPanic()
}

func explicit(tag uint8, der []byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(asn1.Tag(tag).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(der) })
	return b.BytesOrPanic()
}

// basicOf takes the BasicOCSPResponse out of an answer.
func basicOf(t testing.TB, der []byte) []byte {
	t.Helper()
	in := cryptobyte.String(der)
	var outer, tagged, inner, basic cryptobyte.String
	if !in.ReadASN1(&outer, asn1.SEQUENCE) || !outer.SkipASN1(asn1.ENUM) || !outer.ReadASN1(&tagged, zero) ||
		!tagged.ReadASN1(&inner, asn1.SEQUENCE) || !inner.SkipASN1(asn1.OBJECT_IDENTIFIER) || !inner.ReadASN1(&basic, asn1.OCTET_STRING) {
		t.Fatal("not an OCSP answer")
	}
	return basic
}
