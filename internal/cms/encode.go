// SPDX-License-Identifier: Apache-2.0

package cms

import (
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/pki"
)

// encodeSigned writes the ContentInfo around one signer.
func encodeSigned(o SignOptions, m mechanism, attrs []Attribute, signature []byte, unsigned []Attribute) ([]byte, error) {
	sent, err := attributeSet(attrs, tag0)
	if err != nil {
		return nil, err
	}
	// RFC 5652 §5.1: version 3 where the content is not id-data, otherwise 1.
	version := int64(1)
	if o.ContentType != pki.OIDData {
		version = 3
	}
	info := func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1) // the signer is named by issuerAndSerialNumber (RFC 5652 §5.3)
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(o.Certificate.Issuer.Raw)
			b.AddASN1(asn1.INTEGER, func(b *cryptobyte.Builder) { b.AddBytes(o.Certificate.SerialBytes) })
		})
		b.AddBytes(m.digest.Raw)
		b.AddBytes(sent)
		b.AddBytes(m.signature.Raw)
		b.AddASN1OctetString(signature)
		if len(unsigned) > 0 {
			addAttributes(b, unsigned)
		}
	}
	var b cryptobyte.Builder
	addMessage(&b, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(version)
		addSetOf(b, asn1.SET, [][]byte{m.digest.Raw})
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			pki.AddOID(b, o.ContentType)
			if !o.Detached && o.Digest == nil {
				b.AddASN1(tag0, func(b *cryptobyte.Builder) { b.AddASN1OctetString(o.Content) })
			}
		})
		addSetOf(b, tag0, certificateSet(o))
		b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) { b.AddASN1(asn1.SEQUENCE, info) })
	})
	return b.Bytes()
}

// certificateSet is the signer's certificate and its chain, each once.
func certificateSet(o SignOptions) [][]byte {
	var out [][]byte
	seen := map[[32]byte]bool{}
	for _, c := range append([]*pki.Certificate{o.Certificate}, o.Chain...) {
		if !seen[c.SHA256] {
			seen[c.SHA256] = true
			out = append(out, c.Raw)
		}
	}
	return out
}

// addMessage writes ContentInfo around the contents of a SignedData.
func addMessage(b *cryptobyte.Builder, contents func(*cryptobyte.Builder)) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		pki.AddOID(b, pki.OIDSignedData)
		b.AddASN1(tag0, func(b *cryptobyte.Builder) { b.AddASN1(asn1.SEQUENCE, contents) })
	})
}

// addAttributes writes unsignedAttrs.
func addAttributes(b *cryptobyte.Builder, attrs []Attribute) {
	der, err := attributeSet(attrs, tag1)
	if err != nil {
		b.SetError(err)
		return
	}
	b.AddBytes(der)
}

// AddUnsigned returns the message with an unsigned attribute added to signer i; sd
// stays as it is. Everything else keeps its bytes and its order, unsigned attributes
// that stand already among them: archive time-stamps are made over those.
func (sd *SignedData) AddUnsigned(i int, a Attribute) ([]byte, error) {
	if i < 0 || i >= len(sd.Signers) {
		return nil, fmt.Errorf("cms: no signer %d among %d", i, len(sd.Signers))
	}
	added, err := a.encode()
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	addMessage(&b, func(b *cryptobyte.Builder) {
		b.AddBytes(sd.head)
		b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) {
			for n, s := range sd.Signers {
				unsigned := slices.Clone(s.unsigned)
				if n == i {
					unsigned = append(unsigned, added...)
				}
				s.write(b, unsigned)
			}
		})
	})
	return b.Bytes()
}
