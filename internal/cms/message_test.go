// SPDX-License-Identifier: Apache-2.0

package cms_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/cms"
	"rastau/internal/pki"
)

// party is a key with a certificate made for the test.
type party struct {
	key  crypto.Signer
	cert *pki.Certificate
	x509 *x509.Certificate
}

var notBefore = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// keys are made once: RSA generation is the slowest thing these tests do.
var keys = struct {
	sync.Mutex
	byName map[string]crypto.Signer
}{byName: map[string]crypto.Signer{}}

func newKey(t testing.TB, name string) crypto.Signer {
	t.Helper()
	keys.Lock()
	defer keys.Unlock()
	if k, ok := keys.byName[name]; ok {
		return k
	}
	var k crypto.Signer
	var err error
	switch name[:2] {
	case "RS":
		k, err = rsa.GenerateKey(rand.Reader, 2048)
	case "P2":
		k, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "P3":
		k, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "P5":
		k, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "Ed":
		_, k, err = ed25519.GenerateKey(rand.Reader)
	default:
		t.Fatalf("no key is called %q", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	keys.byName[name] = k
	return k
}

// newParty makes a self-signed signer; name starts with RSA, P256, P384, P521 or Ed25519.
func newParty(t testing.TB, name string) party {
	t.Helper()
	key := newKey(t, name)
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		t.Fatal(err)
	}
	return certify(t, key, name, serial)
}

func certify(t testing.TB, key crypto.Signer, name string, serial *big.Int) party {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "Signer " + name, Country: []string{"KZ"}},
		NotBefore:    notBefore, NotAfter: notBefore.AddDate(10, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment | x509.KeyUsageCertSign,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection},
		SubjectKeyId: []byte("key of " + name),
		IsCA:         true, BasicConstraintsValid: true,
	}, &x509.Certificate{Subject: pkix.Name{CommonName: "Signer " + name, Country: []string{"KZ"}}}, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	std, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	c, err := pki.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return party{key, c, std}
}

// message is a SignedData that a forger can set in every part.
type message struct {
	contentType pki.OID
	content     []byte // nil: detached
	chunks      [][]byte
	certs       []*pki.Certificate
	signers     []signer
}

type signer struct {
	by             party
	keyID          bool
	digest, sigAlg pki.OID
	sigParams      []byte
	attrs          [][]byte // encoded, in the order sent; nil: none
	signature      []byte
	unsigned       [][]byte
}

// build runs f over a builder and gives the bytes.
func build(f func(b *cryptobyte.Builder)) []byte {
	var b cryptobyte.Builder
	f(&b)
	return b.BytesOrPanic()
}

func tagged(n int, constructed bool) asn1.Tag {
	t := asn1.Tag(n).ContextSpecific()
	if constructed {
		t = t.Constructed()
	}
	return t
}

func addAll(b *cryptobyte.Builder, tag asn1.Tag, elements ...[]byte) {
	b.AddASN1(tag, func(b *cryptobyte.Builder) {
		for _, e := range elements {
			b.AddBytes(e)
		}
	})
}

func algorithm(o pki.OID, params []byte) []byte {
	return build(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			pki.AddOID(b, o)
			b.AddBytes(params)
		})
	})
}

func attribute(o pki.OID, values ...[]byte) []byte {
	return build(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			pki.AddOID(b, o)
			addAll(b, asn1.SET, values...)
		})
	})
}

func oidValue(o pki.OID) []byte { return build(func(b *cryptobyte.Builder) { pki.AddOID(b, o) }) }
func octetValue(v []byte) []byte {
	return build(func(b *cryptobyte.Builder) { b.AddASN1OctetString(v) })
}
func timeValue(at time.Time) []byte {
	return build(func(b *cryptobyte.Builder) { b.AddASN1UTCTime(at) })
}

// signedSet is the DER SET OF that a signature over attributes covers.
func signedSet(attrs [][]byte) []byte {
	sorted := slices.Clone(attrs)
	slices.SortFunc(sorted, bytes.Compare)
	return build(func(b *cryptobyte.Builder) { addAll(b, asn1.SET, sorted...) })
}

func (s signer) info() []byte {
	return build(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			if s.keyID {
				b.AddASN1Int64(3)
				b.AddASN1(tagged(0, false), func(b *cryptobyte.Builder) { b.AddBytes(s.by.cert.SubjectKeyID) })
			} else {
				b.AddASN1Int64(1)
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddBytes(s.by.cert.Issuer.Raw)
					b.AddASN1BigInt(s.by.cert.Serial)
				})
			}
			b.AddBytes(algorithm(s.digest, nil))
			if s.attrs != nil {
				addAll(b, tagged(0, true), s.attrs...)
			}
			b.AddBytes(algorithm(s.sigAlg, s.sigParams))
			b.AddASN1OctetString(s.signature)
			if s.unsigned != nil {
				addAll(b, tagged(1, true), s.unsigned...)
			}
		})
	})
}

func (m message) der() []byte {
	return build(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			pki.AddOID(b, pki.OIDSignedData)
			b.AddASN1(tagged(0, true), func(b *cryptobyte.Builder) {
				b.AddASN1(asn1.SEQUENCE, m.addContents)
			})
		})
	})
}

func (m message) addContents(b *cryptobyte.Builder) {
	b.AddASN1Int64(1)
	b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) {
		for _, s := range m.signers {
			b.AddBytes(algorithm(s.digest, nil))
		}
	})
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		pki.AddOID(b, m.contentType)
		switch {
		case m.chunks != nil:
			b.AddASN1(tagged(0, true), func(b *cryptobyte.Builder) {
				b.AddASN1(asn1.OCTET_STRING.Constructed(), func(b *cryptobyte.Builder) {
					for _, c := range m.chunks {
						b.AddASN1OctetString(c)
					}
				})
			})
		case m.content != nil:
			b.AddASN1(tagged(0, true), func(b *cryptobyte.Builder) { b.AddASN1OctetString(m.content) })
		}
	})
	b.AddASN1(tagged(0, true), func(b *cryptobyte.Builder) {
		for _, c := range m.certs {
			b.AddBytes(c.Raw)
		}
	})
	b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) {
		for _, s := range m.signers {
			b.AddBytes(s.info())
		}
	})
}

// sum hashes data.
func sum(h crypto.Hash, data []byte) []byte {
	w := h.New()
	w.Write(data)
	return w.Sum(nil)
}

// signWith signs message with p's key under h, or as opts say.
func signWith(t testing.TB, p party, h crypto.Hash, message []byte, opts crypto.SignerOpts) []byte {
	t.Helper()
	if opts == nil {
		opts = h
	}
	input := message
	if h != 0 {
		input = sum(h, message)
	}
	sig, err := p.key.Sign(rand.Reader, input, opts)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

// standardAttrs are contentType and messageDigest.
func standardAttrs(contentType pki.OID, digest []byte) [][]byte {
	attrs := [][]byte{
		attribute(pki.OIDContentType, oidValue(contentType)),
		attribute(pki.OIDMessageDigest, octetValue(digest)),
	}
	slices.SortFunc(attrs, bytes.Compare)
	return attrs
}

// honest is a correct message by p over content; h names the hash, RSA or ECDSA the algorithm.
func honest(t testing.TB, p party, content []byte) message {
	t.Helper()
	sigAlg := pki.OIDECDSAWithSHA256
	if _, ok := p.key.(*rsa.PrivateKey); ok {
		sigAlg = pki.OIDSHA256WithRSA
	}
	attrs := standardAttrs(pki.OIDData, sum(crypto.SHA256, content))
	return message{
		contentType: pki.OIDData,
		content:     content,
		certs:       []*pki.Certificate{p.cert},
		signers: []signer{{
			by: p, digest: pki.OIDSHA256, sigAlg: sigAlg, attrs: attrs,
			signature: signWith(t, p, crypto.SHA256, signedSet(attrs), nil),
		}},
	}
}

// resign signs the first signer's attributes as they stand now.
func (m *message) resign(t testing.TB) {
	t.Helper()
	s := &m.signers[0]
	s.signature = signWith(t, s.by, crypto.SHA256, signedSet(s.attrs), nil)
}

func mustParse(t testing.TB, der []byte) *cms.SignedData {
	t.Helper()
	sd, err := cms.Parse(der, cms.Limits{})
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return sd
}

// check parses and verifies the first signer with the certificate it names.
func check(t testing.TB, der []byte, d cms.Digests) cms.Check {
	t.Helper()
	sd := mustParse(t, der)
	if len(sd.Signers) == 0 {
		t.Fatal("no signers")
	}
	return sd.Verify(sd.Signers[0], sd.SignerCertificate(sd.Signers[0], nil), d)
}

func verdict(c cms.Check) string {
	switch i := c.Intact(); {
	case i == nil:
		return "unknown"
	case *i:
		return "intact"
	}
	return "broken"
}
