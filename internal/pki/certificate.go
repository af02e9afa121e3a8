// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Bounds, held before anything is parsed.
const (
	// MaxCertificate bounds one certificate in bytes.
	MaxCertificate = 64 << 10
	// MaxBundle bounds a file of certificates in bytes.
	MaxBundle = 16 << 20
	// maxBundleCount bounds the certificates of one file.
	maxBundleCount = 4096
)

// Certificate is an X.509 certificate as read. It is immutable and safe for concurrent use.
type Certificate struct {
	Raw, RawTBS                     []byte
	SHA256                          [32]byte
	Version                         int // 1, 2, 3
	Serial                          *big.Int
	SerialBytes                     []byte    // contents octets of the INTEGER, as encoded
	Algorithm, InnerAlgorithm       Algorithm // outer signatureAlgorithm, tbsCertificate.signature
	Signature                       []byte
	Issuer, Subject                 Name
	NotBefore, NotAfter             time.Time
	PublicKey                       PublicKey
	Extensions                      []Extension
	BasicConstraints                *BasicConstraints
	KeyUsage                        KeyUsage // 0 and HasKeyUsage false where absent
	HasKeyUsage                     bool
	ExtKeyUsage                     []OID
	SubjectKeyID, AuthorityKeyID    []byte
	AuthorityIssuer                 []GeneralName // issuer and serial of the authority key identifier, nil where absent
	AuthoritySerial                 *big.Int
	SubjectAltNames, IssuerAltNames []GeneralName
	DistributionPoints, FreshestCRL []DistributionPoint
	OCSPServers, CAIssuers          []string
	Policies                        []Policy
	PolicyMappings                  []PolicyMapping
	PolicyConstraints               *PolicyConstraints
	InhibitAnyPolicy                int // -1 where absent
	NameConstraints                 *NameConstraints
	NoRevAvail, OCSPNoCheck         bool
	UnknownCritical                 []OID // critical extensions this package does not read

	evidence string // "sha256:", SHA256 in lower-case hex, " certificate"
	ragged   bool   // the signature is no whole number of octets: readable, and never valid
}

// ParseCertificate reads one DER certificate, no trailing bytes. Legal certificates that crypto/x509 refuses are read.
// The error is an ErrMalformed. der is copied.
func ParseCertificate(der []byte) (*Certificate, error) {
	return ParseCertificateKnowing(der, ParseName)
}

// ParseCertificateKnowing is [ParseCertificate] for callers who may know the issuer's name already: most certificates that
// they meet are of few issuers. name stands for [ParseName] and must give what that would give.
func ParseCertificateKnowing(der []byte, name func(der []byte) (Name, error)) (*Certificate, error) {
	if len(der) > MaxCertificate {
		return nil, malformed("certificate of more than %d bytes", MaxCertificate)
	}
	raw := cryptobyte.String(bytes.Clone(der))
	c := &Certificate{Raw: raw, SHA256: sha256.Sum256(raw), InhibitAnyPolicy: -1}
	var named [len(evidenceBefore) + 2*sha256.Size + len(evidenceAfter)]byte
	copy(named[:], evidenceBefore)
	hex.Encode(named[len(evidenceBefore):], c.SHA256[:])
	copy(named[len(evidenceBefore)+2*sha256.Size:], evidenceAfter)
	c.evidence = string(named[:])

	var cert, tbs, signature cryptobyte.String
	if !raw.ReadASN1(&cert, casn1.SEQUENCE) || !raw.Empty() {
		return nil, malformed("certificate: not one DER sequence")
	}
	if !cert.ReadASN1Element(&tbs, casn1.SEQUENCE) {
		return nil, malformed("certificate body")
	}
	c.RawTBS = tbs
	var err error
	if c.Algorithm, err = ReadAlgorithm(&cert); err != nil {
		return nil, err
	}
	if !cert.ReadASN1(&signature, casn1.BIT_STRING) || !cert.Empty() || len(signature) == 0 || signature[0] > 7 {
		return nil, malformed("certificate signature")
	}
	c.Signature, c.ragged = signature[1:], signature[0] != 0
	if err := c.readBody(tbs, name); err != nil {
		return nil, err
	}
	if b := c.BasicConstraints; b != nil && b.CA {
		c.Subject.text = c.Subject.String()
	}
	return c, nil
}

// readBody reads the TBSCertificate (RFC 5280 §4.1.2).
func (c *Certificate) readBody(element cryptobyte.String, name func([]byte) (Name, error)) error {
	var tbs, body, issuer cryptobyte.String
	var present bool
	element.ReadASN1(&tbs, casn1.SEQUENCE)
	if !tbs.ReadOptionalASN1(&body, &present, casn1.Tag(0).ContextSpecific().Constructed()) {
		return malformed("certificate version")
	}
	c.Version = 1
	if present {
		var v int64
		if !body.ReadASN1Integer(&v) || !body.Empty() || v < 0 || v > 2 {
			return malformed("certificate version")
		}
		c.Version = int(v) + 1
	}
	var err error
	if c.Serial, c.SerialBytes, err = ReadSerial(&tbs); err != nil {
		return err
	}
	if c.InnerAlgorithm, err = ReadAlgorithm(&tbs); err != nil {
		return err
	}
	if !tbs.ReadASN1Element(&issuer, casn1.SEQUENCE) {
		return malformed("issuer")
	}
	if c.Issuer, err = name(issuer); err != nil {
		return err
	}
	var validity cryptobyte.String
	if !tbs.ReadASN1(&validity, casn1.SEQUENCE) {
		return malformed("validity")
	}
	if c.NotBefore, err = ReadTime(&validity); err != nil {
		return err
	}
	if c.NotAfter, err = ReadTime(&validity); err != nil {
		return err
	}
	if !validity.Empty() {
		return malformed("validity")
	}
	if c.Subject, err = ReadName(&tbs); err != nil {
		return err
	}
	var spki cryptobyte.String
	if !tbs.ReadASN1Element(&spki, casn1.SEQUENCE) {
		return malformed("public key")
	}
	if c.PublicKey, err = parsePublicKey(spki); err != nil {
		return err
	}
	for _, tag := range []casn1.Tag{1, 2} { // issuerUniqueID, subjectUniqueID
		if !tbs.ReadOptionalASN1(&body, &present, tag.ContextSpecific()) || (present && c.Version == 1) {
			return malformed("unique identifier")
		}
	}
	if !tbs.ReadOptionalASN1(&body, &present, casn1.Tag(3).ContextSpecific().Constructed()) || !tbs.Empty() {
		return malformed("bytes after the certificate body")
	}
	if !present {
		return nil
	}
	if c.Version != 3 { // RFC 5280 §4.1.2.9
		return malformed("extensions in a certificate of version %d", c.Version)
	}
	if c.Extensions, err = ReadExtensions(&body); err != nil {
		return err
	}
	if !body.Empty() {
		return malformed("bytes after the extensions")
	}
	return c.readExtensions()
}

// ReadSerial takes an INTEGER of any size and sign off s and returns its value and contents octets.
// Zero, negative and padded serial numbers break RFC 5280 §4.1.2.2, which also asks that they be handled gracefully: they
// are read. Compare values, not octets.
func ReadSerial(s *cryptobyte.String) (*big.Int, []byte, error) {
	var contents cryptobyte.String
	if !s.ReadASN1(&contents, casn1.INTEGER) || len(contents) == 0 {
		return nil, nil, malformed("serial number")
	}
	return twosComplement(new(big.Int), contents), contents, nil
}

// twosComplement sets n to the value of octets, one at least.
func twosComplement(n *big.Int, octets []byte) *big.Int {
	n.SetBytes(octets)
	if octets[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(octets))))
	}
	return n
}

// ReadTime takes a UTCTime or GeneralizedTime off s in the one form that RFC 5280 §4.1.2.5 allows: seconds, Z, no fraction.
func ReadTime(s *cryptobyte.String) (time.Time, error) {
	var body cryptobyte.String
	var tag casn1.Tag
	if !s.ReadAnyASN1(&body, &tag) {
		return time.Time{}, malformed("time")
	}
	var text [len("20060102150405Z")]byte
	switch {
	case tag == casn1.UTCTime && len(body) == len("060102150405Z"):
		copy(text[:], "20")
		if body[0] >= '5' { // RFC 5280 §4.1.2.5.1: 50 to 99 are of the last century
			copy(text[:], "19")
		}
		copy(text[2:], body)
	case tag == casn1.GeneralizedTime && len(body) == len(text):
		copy(text[:], body)
	default:
		return time.Time{}, malformed("time %q", string(body))
	}
	t, ok := parseTime(&text)
	if !ok {
		return time.Time{}, malformed("time %q", string(text[:]))
	}
	return t, nil
}

// parseTime reads YYYYMMDDhhmmssZ.
func parseTime(text *[len("20060102150405Z")]byte) (time.Time, bool) {
	var f [7]int // century, year, month, day, hour, minute, second
	for i := range f {
		a, b := text[2*i]-'0', text[2*i+1]-'0'
		if a > 9 || b > 9 {
			return time.Time{}, false
		}
		f[i] = 10*int(a) + int(b)
	}
	year := 100*f[0] + f[1]
	t := time.Date(year, time.Month(f[2]), f[3], f[4], f[5], f[6], 0, time.UTC)
	// What time.Date carries over was no date: the 31st of June, 24 o'clock.
	same := t.Year() == year && int(t.Month()) == f[2] && t.Day() == f[3] && t.Hour() == f[4] && t.Minute() == f[5] && t.Second() == f[6]
	return t, same && text[14] == 'Z'
}

// ReadCertificates reads DER or PEM (one or many), also a base64 body. PEM blocks of other kinds are passed over;
// a certificate block that cannot be read makes the whole fail, so that none is lost unseen.
func ReadCertificates(data []byte) ([]*Certificate, error) {
	if len(data) > MaxBundle {
		return nil, malformed("certificates of more than %d bytes", MaxBundle)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // editors put a byte order mark before text
	begin := []byte("-----BEGIN ")
	if !bytes.Contains(data, begin) || (len(data) > 1 && data[0] == 0x30 && data[1] >= 0x80) {
		der := data
		if len(data) > 0 && data[0] != 0x30 {
			text := bytes.Join(bytes.Fields(data), nil)
			body, err := base64.StdEncoding.Strict().DecodeString(string(text))
			if err != nil {
				return nil, malformed("neither DER, PEM nor base64")
			}
			der = body
		}
		c, err := ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		return []*Certificate{c}, nil
	}
	var out []*Certificate
	blocks := 0
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" && block.Type != "X509 CERTIFICATE" {
			continue
		}
		if blocks++; blocks > maxBundleCount {
			return nil, malformed("more than %d certificates", maxBundleCount)
		}
		c, err := ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	// pem.Decode steps over a broken block in silence.
	if blocks != bytes.Count(data, []byte("-----BEGIN CERTIFICATE-----"))+bytes.Count(data, []byte("-----BEGIN X509 CERTIFICATE-----")) {
		return nil, malformed("PEM block of a certificate")
	}
	if len(out) == 0 {
		return nil, malformed("no certificate in the PEM text")
	}
	return out, nil
}

// Extension returns the extension of that type, nil where absent.
func (c *Certificate) Extension(o OID) *Extension {
	for i := range c.Extensions {
		if c.Extensions[i].OID == o {
			return &c.Extensions[i]
		}
	}
	return nil
}

// SelfIssued reports that subject and issuer are the same name (RFC 5280 §3.2); nothing is said about the key.
func (c *Certificate) SelfIssued() bool { return c.Subject.Equal(c.Issuer) }

// HasExtKeyUsage reports that the purpose is listed by name; anyExtendedKeyUsage is not it.
func (c *Certificate) HasExtKeyUsage(o OID) bool { return slices.Contains(c.ExtKeyUsage, o) }

// SHA256Hex is the fingerprint in lower-case hex.
func (c *Certificate) SHA256Hex() string {
	if c.evidence == "" { // not read but made
		return ""
	}
	return c.evidence[len(evidenceBefore) : len(c.evidence)-len(evidenceAfter)]
}

// Evidence names the certificate by its bytes in a report: "sha256:", SHA256Hex, " certificate".
func (c *Certificate) Evidence() string { return c.evidence }

// What stands around the digest in Evidence.
const evidenceBefore, evidenceAfter = "sha256:", " certificate"

// SerialHex is the serial number's contents octets in lower-case hex.
func (c *Certificate) SerialHex() string {
	var room [64]byte
	return string(hex.AppendEncode(room[:0], c.SerialBytes))
}

// CheckSignatureFrom verifies c's signature with the key alone (no other rule). ErrAlgorithm where the algorithm
// signed and the algorithm stated differ (RFC 5280 §4.1.1.2); otherwise as PublicKey.Verify.
func (c *Certificate) CheckSignatureFrom(k *PublicKey) error {
	if !c.Algorithm.Equal(c.InnerAlgorithm) {
		return ErrAlgorithm
	}
	if c.ragged {
		return ErrSignature
	}
	return k.Verify(c.Algorithm, c.RawTBS, c.Signature)
}
