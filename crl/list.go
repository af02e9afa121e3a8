// SPDX-License-Identifier: Apache-2.0

// Package crl answers one question: was this certificate revoked at that time, as far as certificate revocation lists say.
//
// It reads lists (RFC 5280 §5), judges a certificate by them (RFC 5280 §6.3) and fetches and shares them between processes.
// The zero answer is Unknown: data that is missing, stale, unsigned, out of scope or of unknown extensions never proves
// that a certificate is good.
//
// Left out: finding the path of the certificate itself (internal/trust), OCSP (internal/ocsp), noRevAvail (RFC 9608: the
// caller skips the question), attribute certificates.
package crl

import (
	"bytes"
	"crypto/sha256"
	"encoding/pem"
	"hash/maphash"
	"math"
	"math/big"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/pki"
)

// Limits bound a list before it is parsed. Zero fields take the default.
type Limits struct {
	Bytes   int64 // 256 MiB; never above 4 GiB, the index counts in 32 bits
	Entries int   // 20 million
}

const (
	defaultBytes   = 256 << 20
	defaultEntries = 20_000_000
)

func (l Limits) orDefault() Limits {
	if l.Bytes <= 0 {
		l.Bytes = defaultBytes
	}
	l.Bytes = min(l.Bytes, math.MaxUint32-1)
	if l.Entries <= 0 {
		l.Entries = defaultEntries
	}
	return l
}

// List is a parsed CRL with an index of its entries. Immutable, safe for concurrent use.
type List struct {
	Raw                       []byte // DER
	SHA256                    [32]byte
	Issuer                    pki.Name
	Algorithm, InnerAlgorithm pki.Algorithm
	ThisUpdate                time.Time
	NextUpdate                time.Time // zero where absent
	Number, BaseNumber        *big.Int  // BaseNumber: deltaCRLIndicator, nil for a complete list
	AuthorityKeyID            []byte
	IDP                       *IssuingDistributionPoint
	FreshestCRL               []pki.DistributionPoint
	ExpiredCerts              time.Time // expiredCertsOnCRL (X.509 §9.5.2.8): entries of certificates expired since then are kept; zero where absent
	UnknownCritical           []pki.OID // list or entry extensions: such a list is not used at all (RFC 5280 §5.2)
	Entries                   int       // as written, duplicates counted

	version    int
	tbs, value []byte // what is signed, the signature
	aki, idp   []byte // extension values as written: a delta must carry the same (RFC 5280 §5.2.4)

	// The index: see index.go.
	first, end uint32 // the entries are Raw[first:end]
	table      []uint64
	seed       maphash.Seed
	runs       []run
	issuers    []pki.Name
	issuerID   map[string]uint32

	verified atomic.Pointer[[32]byte] // digest of the key that this list's signature was last found right under
}

// Parse reads DER or PEM. Inner and outer algorithm that differ by NULL only are accepted (a live Kazakh list is like that),
// any other difference is an error, as is any byte that DER or RFC 5280 §5.1 does not allow. The list keeps data: the caller
// must not change it. Errors: ErrMalformed, ErrTooLarge.
func Parse(data []byte, lim Limits) (*List, error) {
	lim = lim.orDefault()
	if int64(len(data)) > lim.Bytes {
		return nil, tooLarge("%d bytes, %d allowed", len(data), lim.Bytes)
	}
	if len(data) > 0 && data[0] != 0x30 {
		block, rest := pem.Decode(data)
		if block == nil || block.Type != "X509 CRL" {
			return nil, malformed("neither DER nor PEM of a list")
		}
		if len(bytes.TrimSpace(rest)) > 0 {
			return nil, malformed("bytes after the PEM block")
		}
		data = block.Bytes
	}

	l := &List{Raw: data, SHA256: sha256.Sum256(data)}
	in := cryptobyte.String(data)
	var list, tbs, signature cryptobyte.String
	if !in.ReadASN1(&list, casn1.SEQUENCE) || !in.Empty() || !list.ReadASN1Element(&tbs, casn1.SEQUENCE) {
		return nil, malformed("CertificateList")
	}
	var err error
	if l.Algorithm, err = pki.ReadAlgorithm(&list); err != nil {
		return nil, malformed("signatureAlgorithm: %v", err)
	}
	if !list.ReadASN1(&signature, casn1.BIT_STRING) || !list.Empty() || len(signature) < 2 || signature[0] != 0 {
		return nil, malformed("signatureValue")
	}
	l.tbs, l.value = tbs, signature[1:]
	if err := l.parseBody(lim); err != nil {
		return nil, err
	}
	return l, nil
}

// parseBody reads the TBSCertList (RFC 5280 §5.1.2).
func (l *List) parseBody(lim Limits) error {
	element := cryptobyte.String(l.tbs)
	var tbs cryptobyte.String
	element.ReadASN1(&tbs, casn1.SEQUENCE)

	l.version = 1
	if tbs.PeekASN1Tag(casn1.INTEGER) {
		// RFC 5280 §5.1.2.1: "if present, MUST be v2".
		var v int64
		if !tbs.ReadASN1Integer(&v) || v != 1 {
			return malformed("version")
		}
		l.version = 2
	}
	var err error
	if l.InnerAlgorithm, err = pki.ReadAlgorithm(&tbs); err != nil {
		return malformed("signature: %v", err)
	}
	// RFC 5280 §5.1.1.2: the two MUST be the same.
	if !l.Algorithm.Equal(l.InnerAlgorithm) {
		return malformed("inner and outer signature algorithm differ")
	}
	if l.Issuer, err = pki.ReadName(&tbs); err != nil {
		return malformed("issuer: %v", err)
	}
	if l.Issuer.Empty() { // RFC 5280 §5.1.2.3
		return malformed("empty issuer")
	}
	if l.ThisUpdate, err = pki.ReadTime(&tbs); err != nil {
		return malformed("thisUpdate: %v", err)
	}
	if tbs.PeekASN1Tag(casn1.UTCTime) || tbs.PeekASN1Tag(casn1.GeneralizedTime) {
		if l.NextUpdate, err = pki.ReadTime(&tbs); err != nil {
			return malformed("nextUpdate: %v", err)
		}
	}
	l.issuers = []pki.Name{l.Issuer}
	if tbs.PeekASN1Tag(casn1.SEQUENCE) {
		var entries cryptobyte.String
		if !tbs.ReadASN1(&entries, casn1.SEQUENCE) || entries.Empty() {
			// RFC 5280 §5.1.2.6: "When there are no revoked certificates, the revoked certificates list MUST be absent."
			return malformed("revokedCertificates")
		}
		// What is left of the body tells where the entries end in Raw.
		l.end = uint32(cap(l.Raw) - cap(tbs))
		l.first = l.end - uint32(len(entries))
		if err := l.walk(lim); err != nil {
			return err
		}
	}
	if !tbs.Empty() {
		var wrapped cryptobyte.String
		if l.version == 1 || !tbs.ReadASN1(&wrapped, casn1.Tag(0).ContextSpecific().Constructed()) || !tbs.Empty() {
			return malformed("bytes after the entries")
		}
		if err := l.parseExtensions(wrapped); err != nil {
			return err
		}
	}
	if l.issuerID != nil && (l.IDP == nil || !l.IDP.Indirect) {
		// RFC 5280 §5.3.3: certificateIssuer belongs to indirect lists; elsewhere nobody can say whose serial that is.
		l.noteUnknown(pki.OIDCertificateIssuer)
	}
	l.build()
	return nil
}

// noteUnknown remembers a critical extension that is not processed, once each.
func (l *List) noteUnknown(o pki.OID) {
	for _, have := range l.UnknownCritical {
		if have == o {
			return
		}
	}
	l.UnknownCritical = append(l.UnknownCritical, o)
}

// VerifySignature checks the list with a key alone: whether that key may sign lists is Judge's question. A list remembers
// the key that fitted last, so that asking again costs no second hash over the whole. Errors as of pki.PublicKey.Verify.
func (l *List) VerifySignature(k *pki.PublicKey) error {
	id := sha256.Sum256(k.Raw)
	if last := l.verified.Load(); last != nil && *last == id {
		return nil
	}
	if err := k.Verify(l.Algorithm, l.tbs, l.value); err != nil {
		return err
	}
	l.verified.Store(&id)
	return nil
}

// Delta reports whether the list holds changes to a base only (RFC 5280 §5.2.4).
func (l *List) Delta() bool { return l.BaseNumber != nil }
