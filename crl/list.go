// SPDX-License-Identifier: Apache-2.0

// Package crl answers one question: was this certificate revoked at that time, as far as certificate revocation lists say.
//
// It reads lists (RFC 5280 §5) as they come in, keeps an exact index of their entries, judges a certificate by them
// (RFC 5280 §6.3), and fetches, renews and shares them between processes. The zero answer is Unknown: data that is missing,
// stale, unsigned, out of scope or of unknown extensions never proves that a certificate is good.
//
// Left out: finding the path of the certificate itself (internal/trust), OCSP (internal/ocsp), noRevAvail (RFC 9608: the
// caller skips the question), attribute certificates.
package crl

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math"
	"math/big"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/pki"
)

// Limits bound a list while it is read. Zero fields take the default.
type Limits struct {
	Bytes   int64 // 1 GiB; never above 4 GiB
	Entries int   // 20 million
	// Nameless leaves List.SHA256 without an answer for a list over 4 MiB that is read: for who counts entries and keeps no evidence.
	Nameless bool
}

const (
	defaultBytes   = 1 << 30
	defaultEntries = 20_000_000

	// maxRaw is up to what size a list that is read from a stream keeps its own octets.
	maxRaw = 4 << 20
)

func (l Limits) orDefault() Limits {
	if l.Bytes <= 0 {
		l.Bytes = defaultBytes
	}
	l.Bytes = min(l.Bytes, math.MaxUint32-1)
	if l.Entries <= 0 {
		l.Entries = defaultEntries
	}
	l.Entries = min(l.Entries, math.MaxInt32)
	return l
}

// List is what a CRL says, with an index of its entries. Immutable, safe for concurrent use.
type List struct {
	// Raw is the DER, kept of lists up to 4 MiB and of those given to Parse; nil else: see DER.
	Raw                       []byte
	Size                      int64 // of the DER, in bytes
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
	head, tail []byte // what is signed, before and after the entries
	signature  []byte // the octets after what is signed: algorithm and value
	value      []byte // the signature's value
	signed     signed // where in the DER what is signed stands
	digestOf   pki.OID
	digest     []byte // of what is signed; nil where its algorithm names none that is known
	aki, idp   []byte // extension values as written: a delta must carry the same (RFC 5280 §5.2.4)
	index      *index
	issuers    []pki.Name        // the list's own, then each certificateIssuer
	issuerID   map[string]uint32 // their canonical keys, nil where there is but one
	file       string            // a copy of the DER, "" where there is none
	verified   atomic.Pointer[verifiedKey]
	sum        [sha256.Size]byte // of the DER, once named
	once       sync.Once         // names it
}

// SHA256 is the digest of the DER, by which reports and caches call the list. Of a list that keeps its octets it is made when
// somebody first asks: until then its signature's digest is enough. Zero for a list read with Limits.Nameless over 4 MiB.
func (l *List) SHA256() [sha256.Size]byte {
	l.once.Do(func() {
		if l.Raw != nil {
			l.sum = sha256.Sum256(l.Raw)
		}
	})
	return l.sum
}

// name sets what was hashed elsewhere.
func (l *List) name(sum [sha256.Size]byte) { l.once.Do(func() { l.sum = sum }) }

// named reports whether that is the list's digest.
func (l *List) named(sum []byte) bool {
	mine := l.SHA256()
	return bytes.Equal(sum, mine[:])
}

// same reports whether two lists are the same octets.
func (l *List) same(o *List) bool {
	return l.Size == o.Size && bytes.Equal(l.signature, o.signature) && l.SHA256() == o.SHA256()
}

// verifiedKey is a key that a list's signature was found right under.
type verifiedKey struct {
	id  [32]byte
	key *pki.PublicKey
}

// readHead reads the fields of TBSCertList before the entries (RFC 5280 §5.1.2).
func (l *List) readHead() error {
	tbs := cryptobyte.String(l.head)
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
	if l.Issuer, err = pki.ReadName(&tbs); err != nil {
		return malformed("issuer: %v", err)
	}
	if l.Issuer.Empty() { // RFC 5280 §5.1.2.3
		return malformed("empty issuer")
	}
	if l.ThisUpdate, err = pki.ReadTime(&tbs); err != nil {
		return malformed("thisUpdate: %v", err)
	}
	if !tbs.Empty() {
		if l.NextUpdate, err = pki.ReadTime(&tbs); err != nil {
			return malformed("nextUpdate: %v", err)
		}
	}
	l.issuers = []pki.Name{l.Issuer}
	return nil
}

// readTail reads the extensions, and the algorithm and value of the signature.
func (l *List) readTail() error {
	list := cryptobyte.String(l.signature)
	var signature cryptobyte.String
	var err error
	if l.Algorithm, err = pki.ReadAlgorithm(&list); err != nil {
		return malformed("signatureAlgorithm: %v", err)
	}
	if !list.ReadASN1(&signature, casn1.BIT_STRING) || !list.Empty() || len(signature) < 2 || signature[0] != 0 {
		return malformed("signatureValue")
	}
	l.value = signature[1:]
	// RFC 5280 §5.1.1.2: the two MUST be the same. A live Kazakh list differs by NULL: what
	// stands in the signed part counts, for RFC 5758 §3.2 has no NULL behind ECDSA.
	if !l.Algorithm.Equal(l.InnerAlgorithm) {
		return malformed("inner and outer signature algorithm differ")
	}
	l.Algorithm = l.InnerAlgorithm
	if tbs := cryptobyte.String(l.tail); !tbs.Empty() {
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

// VerifySignature checks the list with a key alone: whether that key may sign lists is Judge's question. What is hashed was
// hashed as the list was read, and a list remembers the key that fitted last. Errors as of pki.PublicKey.Verify; also
// pki.ErrUnsupported for a list over 4 MiB whose algorithm signs no digest (Ed25519).
func (l *List) VerifySignature(k *pki.PublicKey) error {
	if l.provenBy(k) {
		return nil
	}
	var err error
	switch {
	case l.digest != nil:
		err = k.VerifyDigest(l.Algorithm, l.digestOf, l.digest, l.value)
	case l.Raw != nil:
		err = k.Verify(l.Algorithm, l.Raw[l.signed.from:l.signed.to], l.value)
	default:
		err = pki.ErrUnsupported
	}
	if err != nil {
		return err
	}
	key := *k
	l.verified.Store(&verifiedKey{sha256.Sum256(k.Raw), &key})
	return nil
}

// provenBy reports that the list remembers this key.
func (l *List) provenBy(k *pki.PublicKey) bool {
	last := l.verified.Load()
	return last != nil && bytes.Equal(last.key.Raw, k.Raw)
}

// Delta reports whether the list holds changes to a base only (RFC 5280 §5.2.4).
func (l *List) Delta() bool { return l.BaseNumber != nil }

// DER answers the list as it was signed: Raw, or what its copy on disk holds. A list over 4 MiB has a copy only where
// SourceOptions.Folder is set and this machine downloaded it; for others the error says so. The caller must not change it.
func (l *List) DER() ([]byte, error) {
	if l.Raw != nil {
		return l.Raw, nil
	}
	if l.file == "" {
		return nil, fmt.Errorf("no copy of the list of %d bytes is kept here", l.Size)
	}
	der, err := os.ReadFile(l.file)
	if err != nil {
		return nil, fmt.Errorf("the copy of the list: %w", err)
	}
	if sha256.Sum256(der) != l.SHA256() {
		return nil, fmt.Errorf("the copy of the list is not the list any more")
	}
	return der, nil
}
