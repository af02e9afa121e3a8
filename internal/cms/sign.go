// SPDX-License-Identifier: Apache-2.0

package cms

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"hash"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/gost"
	"rastau/internal/pki"
)

// SignOptions says what [Sign] writes.
type SignOptions struct {
	Content     []byte           // Required unless Digest is set; empty content is an empty slice, not nil.
	Digest      []byte           // Digest (of Hash, see DigestOf) of detached content, instead of Content; implies Detached.
	Detached    bool             // leave the content out
	ContentType pki.OID          // Optional. If empty, id-data.
	Key         crypto.Signer    // Required.
	Certificate *pki.Certificate // Required.
	Chain       []*pki.Certificate
	Hash        crypto.Hash // Optional. If zero, SHA-256; SHA-512 for an Ed25519 key, which admits no other (RFC 8419 §3.1); a national key has its own and takes none from here.
	SigningTime time.Time   // Optional. If zero, no signing-time attribute (PAdES forbids it).
	Attributes  []Attribute // Optional further signed attributes.
	// Stamp is asked for an RFC 3161 token over the signature value. Optional.
	Stamp func(ctx context.Context, signature []byte) (token []byte, err error)
}

var derNull = []byte{5, 0}

// signatureAlgorithms gives the algorithm that a kind of key signs with under a hash.
var signatureAlgorithms = map[crypto.Hash]struct{ digest, rsa, ecdsa pki.OID }{
	crypto.SHA256: {pki.OIDSHA256, pki.OIDSHA256WithRSA, pki.OIDECDSAWithSHA256},
	crypto.SHA384: {pki.OIDSHA384, pki.OIDSHA384WithRSA, pki.OIDECDSAWithSHA384},
	crypto.SHA512: {pki.OIDSHA512, pki.OIDSHA512WithRSA, pki.OIDECDSAWithSHA512},
}

// Sign writes a SignedData with one signer in DER: CAdES-B (EN 319 122-1, with ESS
// signing-certificate-v2) or, with Stamp, CAdES-T. Keys are RSA (PKCS#1 v1.5), ECDSA,
// Ed25519 and the national algorithms'; another is [pki.ErrUnsupported], a key that is not the certificate's
// [ErrKeyMismatch]. The error is also the key's or Stamp's. Checking what was written
// before it leaves the house is the caller's part.
func Sign(ctx context.Context, o SignOptions) ([]byte, error) {
	if o.Key == nil || o.Certificate == nil {
		return nil, errors.New("cms: a key and its certificate are required")
	}
	if err := sameKey(o.Key, o.Certificate); err != nil {
		return nil, err
	}
	u, err := Prepare(o)
	if err != nil {
		return nil, err
	}
	signature, err := u.m.sign(o.Key, u.Attributes)
	if err != nil {
		return nil, fmt.Errorf("cms: signing: %w", err)
	}
	return u.Finish(ctx, signature)
}

// Prepared is a message that lacks its signature value, for a key that is elsewhere: on a card, in another program. The same
// options give the same message, so it need not be kept. Immutable.
type Prepared struct {
	Attributes []byte  // Required to be signed: the signed attributes, a DER SET (RFC 5652 §5.4).
	Hash       pki.OID // that the key is to sign their digest of; "" where it takes the attributes themselves (Ed25519)

	o     SignOptions
	m     mechanism
	attrs []Attribute
}

// Prepare makes everything but the signature value. SignOptions.Key may be nil: the certificate says what kind of key signs.
func Prepare(o SignOptions) (*Prepared, error) {
	if o.Certificate == nil {
		return nil, errors.New("cms: a certificate is required")
	}
	if o.ContentType == "" {
		o.ContentType = pki.OIDData
	}
	m, err := newMechanism(o.Certificate.PublicKey.Key, o.Hash)
	if err != nil {
		return nil, err
	}
	u := &Prepared{Hash: m.digest.OID, o: o, m: m}
	if m.whole {
		u.Hash = ""
	}
	if u.attrs, err = signedAttributes(o, m); err != nil {
		return nil, err
	}
	u.Attributes, err = attributeSet(u.attrs, asn1.SET)
	return u, err
}

// Finish puts the signature value in, with a time-stamp where SignOptions.Stamp is given. Whether the value is right is the
// caller's question, as with [Sign].
func (u *Prepared) Finish(ctx context.Context, signature []byte) ([]byte, error) {
	var unsigned []Attribute
	if u.o.Stamp != nil {
		token, err := u.o.Stamp(ctx, signature)
		if err != nil {
			return nil, fmt.Errorf("cms: time-stamp: %w", err)
		}
		unsigned = append(unsigned, Attribute{Type: pki.OIDSignatureTimeStamp, Values: [][]byte{token}})
	}
	return encodeSigned(u.o, u.m, u.attrs, signature, unsigned)
}

// sameKey refuses a key that would make a signature which its own certificate does not verify.
func sameKey(key crypto.Signer, c *pki.Certificate) error {
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok {
		return fmt.Errorf("%w: key %T", pki.ErrUnsupported, key.Public())
	}
	if c.PublicKey.Key == nil || !public.Equal(c.PublicKey.Key) {
		return ErrKeyMismatch
	}
	return nil
}

// mechanism is how one key signs.
type mechanism struct {
	digest, signature pki.Algorithm
	newHash           func() hash.Hash
	opts              crypto.Hash // what the key is told of the digest; 0 where it takes the message or knows by itself
	whole             bool        // the key takes the message, not its digest
}

// DigestOf is the digest algorithm that [Sign] uses with a key where SignOptions.Hash is zero, for callers that digest the
// content themselves; [pki.ErrUnsupported] for a key that Sign does not take.
func DigestOf(key crypto.PublicKey) (pki.OID, error) {
	m, err := newMechanism(key, 0)
	return m.digest.OID, err
}

func newMechanism(key crypto.PublicKey, hash crypto.Hash) (mechanism, error) {
	var m mechanism
	var err error
	if public, ok := key.(*gost.PublicKey); ok {
		if hash != 0 { // the key's curve and its hash function belong together
			return m, fmt.Errorf("%w: a national key with %v", pki.ErrUnsupported, hash)
		}
		if m.digest, m.signature, err = pki.NationalSignature(public); err != nil {
			return m, err
		}
		m.newHash, err = pki.NewHash(m.digest.OID)
		return m, err
	}
	_, m.whole = key.(ed25519.PublicKey)
	if hash == 0 {
		hash = crypto.SHA256
		if m.whole {
			hash = crypto.SHA512
		}
	}
	names, ok := signatureAlgorithms[hash]
	if !ok {
		return m, fmt.Errorf("%w: signing with %v", pki.ErrUnsupported, hash)
	}
	var signature pki.OID
	var params []byte
	switch key.(type) {
	case *rsa.PublicKey:
		// RFC 4055 §5: the parameters MUST be NULL.
		signature, params = names.rsa, derNull
	case *ecdsa.PublicKey:
		signature = names.ecdsa
	case ed25519.PublicKey:
		if hash != crypto.SHA512 {
			return m, fmt.Errorf("%w: Ed25519 with %v", pki.ErrUnsupported, hash)
		}
		signature = pki.OIDEd25519
	default:
		return m, fmt.Errorf("%w: key %T", pki.ErrUnsupported, key)
	}
	m.newHash = hash.New
	if !m.whole {
		m.opts = hash
	}
	// RFC 5754 §2: parameters of the SHA-2 digests are absent.
	if m.digest, err = pki.NewAlgorithm(names.digest, nil); err == nil {
		m.signature, err = pki.NewAlgorithm(signature, params)
	}
	return m, err
}

func (m mechanism) sum(data []byte) []byte {
	h := m.newHash()
	h.Write(data)
	return h.Sum(nil)
}

func (m mechanism) sign(key crypto.Signer, message []byte) ([]byte, error) {
	if !m.whole {
		message = m.sum(message)
	}
	return key.Sign(rand.Reader, message, m.opts)
}

// signedAttributes are contentType, messageDigest, signing-certificate-v2, the claimed
// time where one is given, and the caller's.
func signedAttributes(o SignOptions, m mechanism) ([]Attribute, error) {
	digest, size := o.Digest, m.newHash().Size()
	switch {
	// Content left out by mistake must not become a signature over nothing.
	case (o.Content == nil) == (o.Digest == nil), o.Digest != nil && len(o.Digest) != size:
		return nil, fmt.Errorf("cms: either content or a digest of %d octets is required", size)
	case o.Digest == nil:
		digest = m.sum(o.Content)
	}
	type value struct {
		of  pki.OID
		add func(*cryptobyte.Builder)
	}
	values := []value{
		{pki.OIDContentType, func(b *cryptobyte.Builder) { pki.AddOID(b, o.ContentType) }},
		{pki.OIDMessageDigest, func(b *cryptobyte.Builder) { b.AddASN1OctetString(digest) }},
		{pki.OIDSigningCertificateV2, func(b *cryptobyte.Builder) { addReference(b, o.Certificate) }},
	}
	if !o.SigningTime.IsZero() {
		values = append(values, value{pki.OIDSigningTime, func(b *cryptobyte.Builder) { addTime(b, o.SigningTime) }})
	}
	var attrs []Attribute
	// The caller's own statement of these would stand beside ours or instead of it.
	taken := map[pki.OID]bool{pki.OIDSigningCertificate: true, pki.OIDSigningTime: true}
	for _, v := range values {
		var b cryptobyte.Builder
		v.add(&b)
		der, err := b.Bytes()
		if err != nil {
			return nil, fmt.Errorf("cms: attribute %s: %w", v.of, err)
		}
		attrs = append(attrs, Attribute{Type: v.of, Values: [][]byte{der}})
		taken[v.of] = true
	}
	for _, a := range o.Attributes {
		if taken[a.Type] || len(a.Values) == 0 {
			return nil, fmt.Errorf("cms: attribute %s is Sign's own, doubled or empty", a.Type)
		}
		taken[a.Type] = true
		attrs = append(attrs, a)
	}
	return attrs, nil
}

// addReference writes SigningCertificateV2 (RFC 5035 §3) naming c by SHA-256, which
// is the default and so left out in DER.
func addReference(b *cryptobyte.Builder, c *pki.Certificate) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { // SigningCertificateV2
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { // certs
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { // ESSCertIDv2
				b.AddASN1OctetString(c.SHA256[:])
			})
		})
	})
}

// addTime writes a Time: UTCTime through 2049, GeneralizedTime from 2050 (RFC 5652 §11.3).
func addTime(b *cryptobyte.Builder, t time.Time) {
	t = t.UTC()
	if y := t.Year(); y >= 1950 && y < 2050 {
		b.AddASN1UTCTime(t)
		return
	}
	b.AddASN1GeneralizedTime(t)
}
