// SPDX-License-Identifier: Apache-2.0

// Package timestamp asks for and reads RFC 3161 time-stamp tokens: what time a
// token states, over which bytes, and whether its own signature holds.
//
// Whether the token's signer is trusted, and was when it signed, is the
// verifier's question and is left out. github.com/digitorus/timestamp encodes
// the request; everything that comes back is read here, over internal/cms.
package timestamp

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/cms"
	"rastau/internal/pki"
)

// MaxToken bounds a token or a response in bytes.
const MaxToken = 256 << 10

// maxInteger bounds the encoding of serial numbers and nonces in octets: RFC 3161 §2.4.2 asks for 160 bits at least.
const maxInteger = 64

var (
	// ErrFormat wraps every defect of a token's or a response's encoding.
	ErrFormat = errors.New("malformed time-stamp")
	// ErrCritical: the token carries a critical extension that is not understood.
	ErrCritical = errors.New("time-stamp with a critical extension that is not understood")
)

func malformed(format string, a ...any) error {
	return fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(format, a...))
}

// Token is a parsed TimeStampToken. Immutable.
type Token struct {
	Raw           []byte
	Signed        *cms.SignedData
	GenTime       time.Time
	Accuracy      time.Duration
	Ordering      bool
	Policy        pki.OID
	HashAlgorithm pki.OID
	Imprint       []byte
	Serial        *big.Int
	Nonce         *big.Int // nil where absent
	TSA           *pki.GeneralName
	Extensions    []pki.Extension
}

// Parse reads a TimeStampToken (ContentInfo), at most MaxToken bytes. Errors wrap
// ErrFormat or ErrCritical.
func Parse(data []byte) (*Token, error) {
	if len(data) > MaxToken { // before the copy
		return nil, malformed("more than %d bytes", MaxToken)
	}
	raw := bytes.Clone(data) // what cms reads shares memory with its input
	sd, err := cms.Parse(raw, cms.Limits{Bytes: MaxToken, Depth: 32, Signers: 8, Certificates: 64})
	if err != nil {
		return nil, malformed("%v", err)
	}
	switch {
	case sd.ContentType != pki.OIDTSTInfo:
		return nil, malformed("content type %s is not id-ct-TSTInfo", sd.ContentType)
	case sd.Detached:
		return nil, malformed("no content")
	case len(sd.Signers) != 1:
		// RFC 3161 §2.4.2: "MUST NOT contain any signatures other than the signature of the TSA"
		return nil, malformed("%d signatures, want one", len(sd.Signers))
	}
	t := &Token{Raw: raw, Signed: sd}
	if err := t.readInfo(sd.Content); err != nil {
		return nil, err
	}
	return t, nil
}

func tagged(n uint8) casn1.Tag { return casn1.Tag(n).ContextSpecific() }

// readInfo reads a TSTInfo (RFC 3161 §2.4.2), which is DER by definition.
func (t *Token) readInfo(content []byte) error {
	in := cryptobyte.String(content)
	var body, imprint cryptobyte.String
	var version int64
	var err error
	if !in.ReadASN1(&body, casn1.SEQUENCE) || !in.Empty() || !body.ReadASN1Integer(&version) || version != 1 {
		return malformed("time-stamp info or its version")
	}
	if t.Policy, err = pki.ReadOID(&body); err != nil {
		return malformed("policy: %v", err)
	}
	if !body.ReadASN1(&imprint, casn1.SEQUENCE) {
		return malformed("imprint")
	}
	algorithm, err := pki.ReadAlgorithm(&imprint)
	if err != nil {
		return malformed("imprint: %v", err)
	}
	t.HashAlgorithm = algorithm.OID
	if !imprint.ReadASN1Bytes(&t.Imprint, casn1.OCTET_STRING) || !imprint.Empty() || len(t.Imprint) == 0 {
		return malformed("imprint")
	}
	// RFC 3161 §2.4.1: "the length of the hash … SHOULD be checked"; a value of another length is no digest.
	if newHash, err := pki.NewHash(t.HashAlgorithm); err == nil && newHash().Size() != len(t.Imprint) {
		return malformed("imprint of %d octets is no %s", len(t.Imprint), pki.HashName(t.HashAlgorithm))
	}
	if t.Serial, err = readInteger(&body); err != nil {
		return err
	}
	if t.GenTime, err = readTime(&body); err != nil {
		return err
	}
	return t.readOptional(body)
}

// readOptional reads what follows genTime.
func (t *Token) readOptional(body cryptobyte.String) error {
	var err error
	if body.PeekASN1Tag(casn1.SEQUENCE) {
		if t.Accuracy, err = readAccuracy(&body); err != nil {
			return err
		}
	}
	if body.PeekASN1Tag(casn1.BOOLEAN) && !body.ReadASN1Boolean(&t.Ordering) {
		return malformed("ordering")
	}
	if body.PeekASN1Tag(casn1.INTEGER) {
		if t.Nonce, err = readInteger(&body); err != nil {
			return err
		}
	}
	var wrapped cryptobyte.String
	var present bool
	if !body.ReadOptionalASN1(&wrapped, &present, tagged(0).Constructed()) {
		return malformed("tsa")
	}
	if present {
		name, err := pki.ReadGeneralName(&wrapped)
		if err != nil || !wrapped.Empty() {
			return malformed("tsa")
		}
		t.TSA = &name
	}
	if !body.ReadOptionalASN1(&wrapped, &present, tagged(1).Constructed()) || !body.Empty() {
		return malformed("extensions")
	}
	if !present {
		return nil
	}
	// [1] IMPLICIT Extensions: put the SEQUENCE's own tag back and read as ever.
	var b cryptobyte.Builder
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(wrapped) })
	der, err := b.Bytes()
	if err != nil {
		return malformed("extensions")
	}
	list := cryptobyte.String(der)
	if t.Extensions, err = pki.ReadExtensions(&list); err != nil {
		return malformed("%v", err)
	}
	for _, e := range t.Extensions {
		if e.Critical {
			return fmt.Errorf("%w: %s (RFC 3161 §2.4.2)", ErrCritical, e.OID)
		}
	}
	return nil
}

// readInteger reads a serial number or a nonce, of any sign, minimally encoded.
func readInteger(s *cryptobyte.String) (*big.Int, error) {
	var element cryptobyte.String
	n := new(big.Int)
	if !s.ReadASN1Element(&element, casn1.INTEGER) || len(element) > maxInteger || !element.ReadASN1Integer(n) {
		return nil, malformed("serial number or nonce")
	}
	return n, nil
}

// readAccuracy adds up seconds, milliseconds and microseconds (RFC 3161 §2.4.2).
func readAccuracy(s *cryptobyte.String) (time.Duration, error) {
	var body cryptobyte.String
	if !s.ReadASN1(&body, casn1.SEQUENCE) {
		return 0, malformed("accuracy")
	}
	var total time.Duration
	if body.PeekASN1Tag(casn1.INTEGER) {
		var seconds int64
		// A year of doubt is no time-stamp; the bound also keeps the sum from overflowing.
		if !body.ReadASN1Integer(&seconds) || seconds < 0 || seconds > 366*24*3600 {
			return 0, malformed("accuracy")
		}
		total = time.Duration(seconds) * time.Second
	}
	for i, unit := range []time.Duration{time.Millisecond, time.Microsecond} {
		if body.PeekASN1Tag(tagged(uint8(i))) {
			var n int64
			if !body.ReadASN1Int64WithTag(&n, tagged(uint8(i))) || n < 1 || n > 999 {
				return 0, malformed("accuracy")
			}
			total += time.Duration(n) * unit
		}
	}
	if !body.Empty() {
		return 0, malformed("accuracy")
	}
	return total, nil
}

// readTime reads a GeneralizedTime that, unlike a certificate's, may have a
// fraction: "20060102150405[.s…]Z", no fraction ending in 0 (RFC 3161 §2.4.2).
func readTime(s *cryptobyte.String) (time.Time, error) {
	var raw cryptobyte.String
	if !s.ReadASN1(&raw, casn1.GeneralizedTime) || len(raw) > len("20060102150405.123456789Z") {
		return time.Time{}, malformed("time")
	}
	text, utc := strings.CutSuffix(string(raw), "Z")
	whole, fraction, point := strings.Cut(text, ".")
	if !utc || len(whole) != len("20060102150405") ||
		point && (fraction == "" || strings.HasSuffix(fraction, "0") || strings.Trim(fraction, "0123456789") != "") {
		return time.Time{}, malformed("time %q", string(raw))
	}
	at, err := time.Parse("20060102150405", whole)
	if err != nil || at.Format("20060102150405") != whole {
		return time.Time{}, malformed("time %q", string(raw))
	}
	if point {
		nanos, err := time.ParseDuration("0." + fraction + "s")
		if err != nil {
			return time.Time{}, malformed("time %q", string(raw))
		}
		at = at.Add(nanos)
	}
	return at, nil
}

// Covers says whether the imprint is data's digest. pki.ErrUnsupported where the
// hash is not known.
func (t *Token) Covers(data []byte) (bool, error) {
	newHash, err := pki.NewHash(t.HashAlgorithm)
	if err != nil {
		return false, err
	}
	h := newHash()
	h.Write(data)
	return bytes.Equal(h.Sum(nil), t.Imprint), nil
}

// Verify finds the signer's certificate, in the token and then in extra, and
// checks the token's own signature with it. The certificate is nil where it is
// not at hand; that it may be trusted is not said.
func (t *Token) Verify(extra []*pki.Certificate) (*pki.Certificate, cms.Check) {
	s := t.Signed.Signers[0]
	cert := t.Signed.SignerCertificate(s, extra)
	return cert, t.Signed.Verify(s, cert, nil) // the content is attached: cms digests it
}

// purposeError tells why a certificate may not sign time-stamps: "The
// corresponding certificate MUST contain only one instance of the extended key
// usage field extension … KeyPurposeID id-kp-timeStamping … critical" (RFC 3161 §2.3).
func purposeError(c *pki.Certificate) error {
	e := c.Extension(pki.OIDExtKeyUsage)
	if e == nil || !e.Critical || !slices.Equal(c.ExtKeyUsage, []pki.OID{pki.OIDTimeStamping}) {
		return errors.New("the signer's extended key usage is not timeStamping alone and critical (RFC 3161 §2.3)")
	}
	return nil
}
