// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"bytes"
	"io"
	"math/big"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/pki"
)

// maxValues bounds the certificates, lists, responses and tokens of one signature, each.
const maxValues = 64

// Properties are those of XAdES (EN 319 132-1). What is signed counts only where a reference of the signature covers it;
// everything else is as untrusted as any other bytes at hand.
type Properties struct {
	Signed       bool              // a reference covers SignedProperties
	References   []CertificateName // SigningCertificate, SigningCertificateV2, where signed
	SigningTime  *time.Time        // claimed, where signed
	Tokens       []Token           // SignatureTimeStamp
	Contents     []Token           // AllDataObjectsTimeStamp
	Archive      []Token           // ArchiveTimeStamp, in order
	Certificates [][]byte          // CertificateValues, TimeStampValidationData: DER
	Lists        [][]byte          // RevocationValues, likewise
	Responses    [][]byte
	Unjudged     []string // names of properties for the long term that prove nothing here

	target   string
	signed   uint32     // SignedProperties
	unsigned []*element // children of UnsignedSignatureProperties
}

// Token is one time-stamp property.
type Token struct {
	DER    []byte // the TimeStampToken
	method method
	place  int // among the unsigned properties
}

// CertificateName is the signed statement which certificate is the signer's (EN 319 132-1 §5.2.2).
type CertificateName struct {
	Hash   pki.OID
	Digest []byte
	Serial *big.Int // nil where not stated
	Known  bool     // the digest algorithm is one of the list
}

// Matches says whether the statement is about c. The error is pki.ErrUnsupported where the digest cannot be computed.
func (n CertificateName) Matches(c *pki.Certificate) (bool, error) {
	newHash, err := pki.NewHash(n.Hash)
	if err != nil {
		return false, err
	}
	h := newHash()
	h.Write(c.Raw)
	return bytes.Equal(h.Sum(nil), n.Digest) && (n.Serial == nil || n.Serial.Cmp(c.Serial) == 0), nil
}

// unsign forgets what was stated and not signed.
func (p *Properties) unsign() { p.References, p.SigningTime, p.Contents = nil, nil, nil }

func readProperties(e *element) (*Properties, error) {
	p := &Properties{}
	p.target, _ = e.attr("Target")
	for _, c := range e.children {
		switch {
		case c.uri == namespaceXAdES && c.local == "SignedProperties" && p.signed == 0:
			p.signed = c.node
			if err := p.readSigned(c); err != nil {
				return nil, err
			}
		case c.uri == namespaceXAdES && c.local == "UnsignedProperties" && p.unsigned == nil:
			u := c.child(namespaceXAdES, "UnsignedSignatureProperties")
			if u == nil {
				continue
			}
			p.unsigned = u.children
			p.readUnsigned()
		default:
			return nil, structure("QualifyingProperties holds %s", c.local)
		}
	}
	return p, nil
}

func (p *Properties) readSigned(e *element) error {
	s := e.child(namespaceXAdES, "SignedSignatureProperties")
	if s != nil {
		for _, c := range s.children {
			if c.uri != namespaceXAdES {
				continue
			}
			switch c.local {
			case "SigningTime":
				text, err := c.simple()
				if err != nil {
					return err
				}
				t, err := time.Parse(time.RFC3339, string(text))
				if err != nil {
					if t, err = time.Parse("2006-01-02T15:04:05", string(text)); err != nil {
						return structure("SigningTime is no time")
					}
				}
				t = t.UTC()
				p.SigningTime = &t
			case "SigningCertificate", "SigningCertificateV2":
				// The first is the signer's, the others stand for the path (EN 319 132-1 §5.2.2).
				first := c.child(namespaceXAdES, "Cert")
				n, err := readName(first)
				if err != nil {
					return err
				}
				p.References = append(p.References, n)
			}
		}
	}
	o := e.child(namespaceXAdES, "SignedDataObjectProperties")
	if o == nil {
		return nil
	}
	for _, c := range o.children {
		if c.uri == namespaceXAdES && c.local == "AllDataObjectsTimeStamp" {
			if err := readTokens(c, 0, &p.Contents); err != nil {
				return err
			}
		}
	}
	return nil
}

func readName(e *element) (CertificateName, error) {
	var n CertificateName
	d := e.child(namespaceXAdES, "CertDigest")
	if d == nil {
		return n, structure("SigningCertificate names no certificate")
	}
	m := d.child(xmldsig, "DigestMethod")
	if m == nil {
		return n, structure("CertDigest names no digest")
	}
	uri, _ := m.attr("Algorithm")
	n.Hash, n.Known = digests[uri]
	var err error
	if n.Digest, err = d.child(xmldsig, "DigestValue").binary(); err != nil {
		return n, err
	}
	if s := e.child(namespaceXAdES, "IssuerSerial"); s != nil {
		text, err := s.child(xmldsig, "X509SerialNumber").simple()
		if err != nil {
			return n, err
		}
		var ok bool
		if n.Serial, ok = new(big.Int).SetString(string(text), 10); !ok {
			return n, structure("X509SerialNumber is no number")
		}
	}
	if s := e.child(namespaceXAdES, "IssuerSerialV2"); s != nil {
		der, err := s.binary()
		if err != nil {
			return n, err
		}
		// IssuerSerial ::= SEQUENCE { issuer GeneralNames, serialNumber } (RFC 5035 §4)
		in, body := cryptobyte.String(der), cryptobyte.String(nil)
		n.Serial = new(big.Int)
		if !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() || !body.SkipASN1(asn1.SEQUENCE) || !body.ReadASN1Integer(n.Serial) || !body.Empty() {
			return n, structure("IssuerSerialV2 is malformed")
		}
	}
	return n, nil
}

// readUnsigned reads what anyone may have added: a property that cannot be read proves nothing, and takes nothing away.
func (p *Properties) readUnsigned() {
	for i, c := range p.unsigned {
		switch {
		case c.local == "SignatureTimeStamp" && c.uri == namespaceXAdES:
			if readTokens(c, i, &p.Tokens) != nil {
				p.Unjudged = append(p.Unjudged, c.local)
			}
		case c.local == "ArchiveTimeStamp" && c.uri == namespaceXAdES141:
			if readTokens(c, i, &p.Archive) != nil {
				p.Unjudged = append(p.Unjudged, c.local)
			}
		case c.local == "CertificateValues", c.local == "RevocationValues":
			p.collect(c)
		case c.local == "TimeStampValidationData", c.local == "AnyValidationData":
			for _, v := range c.children {
				p.collect(v)
			}
		case c.local == "CounterSignature":
		default:
			p.Unjudged = append(p.Unjudged, c.local)
		}
	}
}

// collect takes up the values in an element, at any depth below it; what cannot be decoded is left out.
func (p *Properties) collect(e *element) {
	for _, c := range e.children {
		var to *[][]byte
		switch c.local {
		case "EncapsulatedX509Certificate":
			to = &p.Certificates
		case "EncapsulatedCRLValue":
			to = &p.Lists
		case "EncapsulatedOCSPValue":
			to = &p.Responses
		default:
			p.collect(c)
			continue
		}
		if der, err := c.binary(); err == nil && len(*to) < maxValues {
			*to = append(*to, der)
		}
	}
}

// readTokens reads a time-stamp property (EN 319 132-1 §5.1.4.3): the canonicalisation and one or more tokens.
func readTokens(e *element, place int, to *[]Token) error {
	m := method{}
	for _, c := range e.children {
		switch {
		case is(c, "CanonicalizationMethod"):
			var err error
			if m, err = readMethod(c); err != nil {
				return err
			}
		case c.local == "EncapsulatedTimeStamp":
			der, err := c.binary()
			if err != nil {
				return err
			}
			if len(*to) < maxValues {
				*to = append(*to, Token{DER: der, method: m, place: place})
			}
		default:
			return structure("%s holds %s, which is not computed here", e.local, c.local)
		}
	}
	return nil
}

// StampInput writes what a SignatureTimeStamp was made over (EN 319 132-1 §5.3): the canonical form of SignatureValue.
func (s *Signature) StampInput(t Token) ([]byte, error) {
	var out bytes.Buffer
	err := s.doc.canonical(&out, s.doc.span(s.value), nil, t.method)
	return out.Bytes(), err
}

// ContentInput writes what an AllDataObjectsTimeStamp was made over (EN 319 132-1 §5.2.8.1): what every reference but the
// one to the properties digests, in order.
func (s *Signature) ContentInput(t Token) ([]byte, error) {
	var out bytes.Buffer
	for _, r := range s.References {
		if r.Properties {
			continue
		}
		if err := s.stamped(&out, r, t.method); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

// stamped writes the outcome of a reference; where that is nodes, by the time-stamp's canonicalisation.
func (s *Signature) stamped(out io.Writer, r *Reference, m method) error {
	omit, err := s.matching(r)
	if err != nil {
		return err
	}
	if r.canonical != nil || r.decode {
		return s.write(out, r, omit)
	}
	m.comments = m.comments && r.comments
	return s.doc.canonical(out, r.target, omit, m)
}

// ArchiveInput writes what an ArchiveTimeStamp was made over (EN 319 132-1 §5.5.2.2): the outcome of every reference,
// SignedInfo, SignatureValue, KeyInfo, the unsigned properties in front of it, and the objects that nothing refers to.
func (s *Signature) ArchiveInput(t Token) ([]byte, error) {
	var out bytes.Buffer
	for _, r := range s.References {
		if err := s.stamped(&out, r, t.method); err != nil {
			return nil, err
		}
	}
	parts := []uint32{s.info, s.value}
	if s.keyInfo != 0 {
		parts = append(parts, s.keyInfo)
	}
	for _, u := range s.Properties.unsigned[:t.place] {
		parts = append(parts, u.node)
	}
	for _, o := range s.objects {
		if o != s.properties && !s.refers(o) {
			parts = append(parts, o)
		}
	}
	for _, p := range parts {
		if err := s.doc.canonical(&out, s.doc.span(p), nil, t.method); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

func (s *Signature) refers(object uint32) bool {
	return slices.ContainsFunc(s.References, func(r *Reference) bool { return r.Problem == nil && r.target.from == object && !r.target.whole })
}

// Before gives the properties that an archive time-stamp covers: tokens, certificates, lists and responses in front of it.
func (p *Properties) Before(t Token) (tokens, certificates, lists, responses [][]byte) {
	part := &Properties{unsigned: p.unsigned[:t.place]}
	part.readUnsigned()
	for _, x := range append(part.Tokens, part.Archive...) {
		tokens = append(tokens, x.DER)
	}
	return tokens, part.Certificates, part.Lists, part.Responses
}
