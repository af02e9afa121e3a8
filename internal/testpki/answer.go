// SPDX-License-Identifier: Apache-2.0

package testpki

import (
	"crypto/sha1" // CertIDs of older clients (RFC 6960 §4.1.1)
	"errors"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/pki"
)

// OCSPOptions: zero = signed by a delegate with nocheck, thisUpdate a minute ago, nextUpdate in an hour, SHA-256 CertID.
type OCSPOptions struct {
	ThisUpdate, NextUpdate time.Time
	ProducedAt             time.Time // if zero, ThisUpdate where that is set, else now
	NoNextUpdate           bool
	Signer                 *pki.Key // another signer than the delegate
	ByCA                   bool     // signed with the CA's own key
	ByKey                  bool     // ResponderID is the hash of the signer's key; if false its name
	NoCertificate          bool     // the signer's certificate is not sent along
	Nonce                  []byte
	SHA1                   bool
	WrongIssuer            *CA      // CertID of another issuer with the same serial
	Status                 string   // overrides: good, revoked, unknown, not-issued (RFC 6960 §4.4.8)
	Also                   []string // further answers about the same certificate, after the first, with these statuses
	Extensions             []pki.Extension
	SingleExtensions       []pki.Extension
}

var (
	malformedRequest = []byte{0x30, 3, 0x0a, 1, 1}
	internalError    = []byte{0x30, 3, 0x0a, 1, 2}
)

// OCSP writes an answer about cert, DER.
func (c *CA) OCSP(cert *pki.Certificate, o OCSPOptions) ([]byte, error) {
	issuer := c
	if o.WrongIssuer != nil {
		issuer = o.WrongIssuer
	}
	ids := []certID{issuer.certID(cert.Serial, o.SHA1)}
	for range o.Also {
		ids = append(ids, ids[0])
	}
	statuses := append([]string{o.Status}, o.Also...)
	return c.answer(ids, func(certID) (string, entry) { // called once for each id, in order
		status, e := c.status(cert.Serial)
		if statuses[0] != "" {
			status = statuses[0]
		}
		statuses = statuses[1:]
		if status == "revoked" && e.at.IsZero() {
			e.at = c.pki.now().Add(-time.Hour).UTC()
		}
		return status, e
	}, o)
}

// certID names a certificate to a responder (RFC 6960 §4.1.1).
type certID struct {
	hash              pki.OID
	nameHash, keyHash []byte
	serial            *big.Int
	encoded           []byte // as the client wrote it, so that the answer repeats its bytes
}

func (c *CA) certID(serial *big.Int, old bool) certID {
	hash := pki.OIDSHA256
	if old {
		hash = pki.OIDSHA1
	}
	id := certID{hash: hash, serial: serial}
	id.nameHash, id.keyHash = c.hashes(hash)
	return id
}

// hashes gives the name's and the key's hash; nil for a hash that the responder does not know.
func (c *CA) hashes(hash pki.OID) (name, key []byte) {
	newHash, err := pki.NewHash(hash)
	if err != nil {
		return nil, nil
	}
	h := newHash()
	h.Write(c.Certificate.Subject.Raw)
	name = h.Sum(nil)
	h.Reset()
	h.Write(c.Certificate.PublicKey.Bits)
	return name, h.Sum(nil)
}

// status is what the responder says about a serial number.
func (c *CA) status(serial *big.Int) (string, entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := serial.String()
	if e, ok := c.answered[s]; ok {
		return "revoked", e
	}
	if _, ok := c.silent[s]; ok || !c.issued[s] && !c.reloaded {
		return "unknown", entry{}
	}
	return "good", entry{}
}

// responder is the delegate that signs answers. It lives as long as its
// authority, so that a clock moved by a test does not outlive it.
func (c *CA) responder() (*pki.Key, error) {
	c.mu.Lock()
	k := c.delegate
	c.mu.Unlock()
	if k != nil {
		return k, nil
	}
	k, err := c.Issue(Leaf{
		CommonName: ocspName, Organization: ownerOrg,
		NotBefore: c.Certificate.NotBefore, NotAfter: c.Certificate.NotAfter,
		OCSPSigning: true, NoCheck: true, NoOCSP: true, NoCRL: true,
	})
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.delegate == nil { // another goroutine may have been first
		c.delegate = k
	}
	return c.delegate, nil
}

// answer encodes an OCSPResponse (RFC 6960 §4.2.1) for every id.
func (c *CA) answer(ids []certID, statusOf func(certID) (string, entry), o OCSPOptions) ([]byte, error) {
	now := c.pki.now()
	if o.ProducedAt.IsZero() {
		if o.ProducedAt = o.ThisUpdate; o.ThisUpdate.IsZero() {
			o.ProducedAt = now
		}
	}
	if o.ThisUpdate.IsZero() {
		o.ThisUpdate = now.Add(-time.Minute)
	}
	if o.NextUpdate.IsZero() {
		o.NextUpdate = now.Add(time.Hour)
	}
	signer := o.Signer
	switch {
	case signer != nil:
	case o.ByCA:
		signer = &pki.Key{Signer: c.Key, Certificate: c.Certificate}
		o.NoCertificate = true // the client has it
	default:
		var err error
		if signer, err = c.responder(); err != nil {
			return nil, err
		}
	}
	extensions := o.Extensions
	if o.Nonce != nil {
		var b cryptobyte.Builder
		b.AddASN1OctetString(o.Nonce) // RFC 9654 §2.1: Nonce ::= OCTET STRING within extnValue
		value, err := b.Bytes()
		if err != nil {
			return nil, err
		}
		extensions = append([]pki.Extension{{OID: pki.OIDOCSPNonce, Value: value}}, extensions...)
	}

	var data cryptobyte.Builder
	data.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		if o.ByKey {
			b.AddASN1(casn1.Tag(2).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
				sum := sha1.Sum(signer.Certificate.PublicKey.Bits) // RFC 6960 §4.2.1: KeyHash is SHA-1 always
				b.AddASN1OctetString(sum[:])
			})
		} else {
			b.AddASN1(casn1.Tag(1).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
				b.AddBytes(signer.Certificate.Subject.Raw)
			})
		}
		b.AddASN1GeneralizedTime(o.ProducedAt.UTC())
		b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, id := range ids {
				status, e := statusOf(id)
				if status == "not-issued" {
					extensions = append(extensions, pki.Extension{OID: pki.OIDOCSPExtendedRevoke, Value: []byte{5, 0}})
				}
				addSingle(b, id, status, e, o)
			}
		})
		addExtensions(b, extensions)
	})
	tbs, err := data.Bytes()
	if err != nil {
		return nil, fmt.Errorf("testpki: write an answer: %w", err)
	}
	algorithm, signature, err := sign(signer.Signer, tbs)
	if err != nil {
		return nil, err
	}

	var b cryptobyte.Builder
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Enum(0)
		b.AddASN1(casn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
			b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
				pki.AddOID(b, pki.OIDOCSPBasic)
				b.AddASN1(casn1.OCTET_STRING, func(b *cryptobyte.Builder) {
					b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddBytes(tbs)
						b.AddBytes(algorithm.Raw)
						b.AddASN1BitString(signature)
						if !o.NoCertificate {
							b.AddASN1(casn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
								b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(signer.Certificate.Raw) })
							})
						}
					})
				})
			})
		})
	})
	return b.Bytes()
}

func addSingle(b *cryptobyte.Builder, id certID, status string, e entry, o OCSPOptions) {
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		if id.encoded != nil {
			b.AddBytes(id.encoded)
		} else {
			b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
				addAlgorithm(b, id.hash)
				b.AddASN1OctetString(id.nameHash)
				b.AddASN1OctetString(id.keyHash)
				b.AddASN1BigInt(id.serial)
			})
		}
		switch status {
		case "good":
			b.AddASN1(casn1.Tag(0).ContextSpecific(), func(*cryptobyte.Builder) {})
		case "not-issued": // RFC 6960 §2.2: revoked on 1 January 1970, on hold
			addRevoked(b, entry{time.Unix(0, 0).UTC(), 6})
		case "revoked":
			addRevoked(b, e)
		case "unknown":
			b.AddASN1(casn1.Tag(2).ContextSpecific(), func(*cryptobyte.Builder) {})
		default:
			b.SetError(fmt.Errorf("testpki: no such status %q", status))
		}
		b.AddASN1GeneralizedTime(o.ThisUpdate.UTC())
		if !o.NoNextUpdate {
			b.AddASN1(casn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
				b.AddASN1GeneralizedTime(o.NextUpdate.UTC())
			})
		}
		addExtensions(b, o.SingleExtensions)
	})
}

func addRevoked(b *cryptobyte.Builder, e entry) {
	b.AddASN1(casn1.Tag(1).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
		b.AddASN1GeneralizedTime(e.at)
		if e.reason != 0 {
			b.AddASN1(casn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddASN1Enum(int64(e.reason)) })
		}
	})
}

// addExtensions writes [1] EXPLICIT Extensions, the tag of both responseExtensions and singleExtensions.
func addExtensions(b *cryptobyte.Builder, extensions []pki.Extension) {
	if len(extensions) == 0 {
		return
	}
	b.AddASN1(casn1.Tag(1).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
		b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, e := range extensions {
				b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
					pki.AddOID(b, e.OID)
					if e.Critical {
						b.AddASN1Boolean(true)
					}
					b.AddASN1OctetString(e.Value)
				})
			}
		})
	})
}

// addAlgorithm writes the AlgorithmIdentifier of a hash.
func addAlgorithm(b *cryptobyte.Builder, o pki.OID) {
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		pki.AddOID(b, o)
		b.AddASN1NULL()
	})
}

var errRequest = errors.New("testpki: not an OCSP request")

// readRequest takes the CertIDs and the nonce from an OCSPRequest (RFC 6960 §4.1.1).
// golang.org/x/crypto/ocsp reads the first CertID alone and no nonce.
func readRequest(der []byte) (ids []certID, nonce []byte, err error) {
	input := cryptobyte.String(der)
	var request, tbs, list cryptobyte.String
	if !input.ReadASN1(&request, casn1.SEQUENCE) || !input.Empty() ||
		!request.ReadASN1(&tbs, casn1.SEQUENCE) ||
		!tbs.SkipOptionalASN1(casn1.Tag(0).ContextSpecific().Constructed()) || // version
		!tbs.SkipOptionalASN1(casn1.Tag(1).ContextSpecific().Constructed()) || // requestorName
		!tbs.ReadASN1(&list, casn1.SEQUENCE) {
		return nil, nil, errRequest
	}
	for !list.Empty() {
		var one, element, fields, algorithm cryptobyte.String
		id := certID{serial: new(big.Int)}
		if !list.ReadASN1(&one, casn1.SEQUENCE) || !one.ReadASN1Element(&element, casn1.SEQUENCE) {
			return nil, nil, errRequest
		}
		id.encoded = append([]byte(nil), element...)
		if !element.ReadASN1(&fields, casn1.SEQUENCE) || !fields.ReadASN1(&algorithm, casn1.SEQUENCE) {
			return nil, nil, errRequest
		}
		if id.hash, err = pki.ReadOID(&algorithm); err != nil {
			return nil, nil, errRequest
		}
		if !fields.ReadASN1Bytes(&id.nameHash, casn1.OCTET_STRING) || !fields.ReadASN1Bytes(&id.keyHash, casn1.OCTET_STRING) ||
			!fields.ReadASN1Integer(id.serial) || !fields.Empty() {
			return nil, nil, errRequest
		}
		ids = append(ids, id)
	}
	var wrapped, extensions cryptobyte.String
	var present bool
	if !tbs.ReadOptionalASN1(&wrapped, &present, casn1.Tag(2).ContextSpecific().Constructed()) || len(ids) == 0 {
		return nil, nil, errRequest
	}
	if !present {
		return ids, nil, nil
	}
	if !wrapped.ReadASN1(&extensions, casn1.SEQUENCE) {
		return nil, nil, errRequest
	}
	for !extensions.Empty() {
		var one, value cryptobyte.String
		if !extensions.ReadASN1(&one, casn1.SEQUENCE) {
			return nil, nil, errRequest
		}
		oid, err := pki.ReadOID(&one)
		if err != nil || !one.SkipOptionalASN1(casn1.BOOLEAN) || !one.ReadASN1(&value, casn1.OCTET_STRING) {
			return nil, nil, errRequest
		}
		if oid == pki.OIDOCSPNonce && !value.ReadASN1Bytes(&nonce, casn1.OCTET_STRING) {
			return nil, nil, errRequest
		}
	}
	return ids, nonce, nil
}
