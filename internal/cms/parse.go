// SPDX-License-Identifier: Apache-2.0

package cms

import (
	"bytes"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/ber"
	"rastau/internal/pki"
)

// Limits bound the work before any of it is done. Zero fields take the defaults named here.
type Limits struct {
	Bytes        int // 64 MiB
	Depth        int // 64
	Signers      int // 256, countersigners included
	Certificates int // 512, embedded lists and OCSP responses counted alike
}

// maxAttributes bounds the attributes of one set and the values of one attribute.
const maxAttributes = 256

// maxElements bounds the elements of a message: an embedded list of a million entries
// has four million, and a hostile message costs eight octets of memory for each of its.
const maxElements = 4 << 20

// maxCounterDepth bounds countersignatures upon countersignatures.
const maxCounterDepth = 8

func (l Limits) withDefaults() Limits {
	for _, f := range []struct {
		field *int
		value int
	}{{&l.Bytes, 64 << 20}, {&l.Depth, 64}, {&l.Signers, 256}, {&l.Certificates, 512}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	return l
}

var (
	tag0 = asn1.Tag(0).ContextSpecific().Constructed()
	tag1 = asn1.Tag(1).ContextSpecific().Constructed()

	// subjectKeyIdentifier [0] IMPLICIT OCTET STRING
	tagKeyID = asn1.Tag(0).ContextSpecific()
)

// Parse reads a ContentInfo with SignedData, DER or BER, bounded by lim, with
// nothing after it. [ErrNotCMS] where it is no ContentInfo, [ErrNotSignedData] where
// it is one of another type, [ErrFormat] for every other defect. The result shares
// memory with data, which must not change afterwards.
func Parse(data []byte, lim Limits) (*SignedData, error) {
	return ParseKnowing(data, lim, pki.ParseCertificate)
}

// ParseKnowing is [Parse] for callers who may know the certificates already: read
// stands for [pki.ParseCertificate] and must give what that would give.
func ParseKnowing(data []byte, lim Limits, read func(der []byte) (*pki.Certificate, error)) (*SignedData, error) {
	lim = lim.withDefaults()
	if len(data) > lim.Bytes {
		return nil, malformed("%d bytes, more than %d", len(data), lim.Bytes)
	}
	if len(data) < 2 || data[0] != 0x30 {
		return nil, ErrNotCMS
	}
	der, err := ber.ToDER(data, ber.Limits{Bytes: lim.Bytes, Depth: lim.Depth, Nodes: maxElements})
	if err != nil {
		return nil, malformed("%v", err)
	}
	p := parser{lim: lim, read: read}
	if !bytes.Equal(der, data) {
		p.source = signedAttrsOf(data)
		p.ber = true
	}
	return p.contentInfo(der)
}

type parser struct {
	lim     Limits
	known   []*pki.Certificate // of the message
	read    func(der []byte) (*pki.Certificate, error)
	signers int
	choices int // certificates and revocation data read so far

	// where the message came as BER: its signedAttrs elements as they stood, in order
	ber    bool
	source [][]byte
}

// contentInfo reads ContentInfo ::= SEQUENCE { contentType, content [0] EXPLICIT ANY } (RFC 5652 §3).
func (p *parser) contentInfo(der []byte) (*SignedData, error) {
	in := cryptobyte.String(der)
	var info, content, signed cryptobyte.String
	if !in.ReadASN1(&info, asn1.SEQUENCE) || !in.Empty() {
		return nil, malformed("bytes after the message")
	}
	kind, err := pki.ReadOID(&info)
	if err != nil || !info.ReadASN1(&content, tag0) || !info.Empty() {
		return nil, ErrNotCMS
	}
	if kind != pki.OIDSignedData {
		if kind.Under(oidPKCS7) || kind.Under(oidSMIMEContent) {
			return nil, ErrNotSignedData
		}
		return nil, ErrNotCMS
	}
	if !content.ReadASN1(&signed, asn1.SEQUENCE) || !content.Empty() {
		return nil, malformed("content is not one SEQUENCE")
	}
	sd := &SignedData{Raw: der}
	if err := p.signedData(sd, signed); err != nil {
		return nil, err
	}
	return sd, nil
}

// signedData reads the contents of SignedData (RFC 5652 §5.1).
func (p *parser) signedData(sd *SignedData, in cryptobyte.String) error {
	whole := in
	if !in.ReadASN1Integer(&sd.Version) || sd.Version < 0 || sd.Version > 5 {
		return malformed("version")
	}
	// digestAlgorithms is a hint for one-pass readers: what counts stands in each SignerInfo.
	if !in.SkipASN1(asn1.SET) {
		return malformed("digestAlgorithms")
	}
	if err := sd.readContent(&in); err != nil {
		return err
	}
	var set cryptobyte.String
	var present bool
	if !in.ReadOptionalASN1(&set, &present, tag0) {
		return malformed("certificates")
	}
	if err := p.certificates(sd, set); err != nil {
		return err
	}
	if !in.ReadOptionalASN1(&set, &present, tag1) {
		return malformed("crls")
	}
	if present {
		if err := p.revocation(sd, set); err != nil {
			return err
		}
	}
	sd.head = whole[:len(whole)-len(in)]
	if !in.ReadASN1(&set, asn1.SET) || !in.Empty() {
		return malformed("signerInfos")
	}
	for !set.Empty() {
		var body cryptobyte.String
		if !set.ReadASN1(&body, asn1.SEQUENCE) {
			return malformed("signerInfo %d", len(sd.Signers))
		}
		var source []byte
		if len(p.source) > len(sd.Signers) {
			source = p.source[len(sd.Signers)]
		}
		s, err := p.signer(body, source, 0)
		if err != nil {
			return err
		}
		sd.Signers = append(sd.Signers, s)
	}
	return nil
}

// readContent reads EncapsulatedContentInfo (RFC 5652 §5.2). Chunks of a constructed
// OCTET STRING have been joined already, so that what is shown is all that was signed.
func (sd *SignedData) readContent(in *cryptobyte.String) error {
	var encap, explicit, octets cryptobyte.String
	if !in.ReadASN1(&encap, asn1.SEQUENCE) {
		return malformed("encapContentInfo")
	}
	var err error
	if sd.ContentType, err = pki.ReadOID(&encap); err != nil {
		return malformed("eContentType")
	}
	if encap.Empty() {
		sd.Detached = true
		return nil
	}
	// PKCS#7's content of any type (RFC 5652 §5.2.1) is refused: its digest leaves
	// out the tag, so two readings of the same bytes would be signed alike.
	if !encap.ReadASN1(&explicit, tag0) || !encap.Empty() ||
		!explicit.ReadASN1(&octets, asn1.OCTET_STRING) || !explicit.Empty() {
		return malformed("eContent is not one OCTET STRING")
	}
	sd.Content = octets
	if sd.Content == nil {
		sd.Content = []byte{}
	}
	return nil
}

// certificates reads a CertificateSet (RFC 5652 §10.2.3). Attribute certificates and
// other formats are passed over: no signer can be judged by them.
func (p *parser) certificates(sd *SignedData, set cryptobyte.String) error {
	if !set.Empty() { // mostly a signer's and its issuer's
		sd.certificateSet, sd.Certificates = make([][]byte, 0, 4), make([]*pki.Certificate, 0, 4)
	}
	for !set.Empty() {
		var element cryptobyte.String
		var tag asn1.Tag
		if !set.ReadAnyASN1Element(&element, &tag) {
			return malformed("certificate %d", p.choices)
		}
		if p.choices++; p.choices > p.lim.Certificates {
			return malformed("more than %d certificates and lists", p.lim.Certificates)
		}
		sd.certificateSet = append(sd.certificateSet, element)
		if tag != asn1.SEQUENCE {
			continue
		}
		c, err := p.read(element)
		if err != nil {
			sd.Unreadable = append(sd.Unreadable, element)
			continue
		}
		sd.Certificates = append(sd.Certificates, c)
	}
	p.known = sd.Certificates
	return nil
}

// revocation reads RevocationInfoChoices (RFC 5652 §10.2.1) with RFC 5940's OCSP
// responses; other formats are passed over.
func (p *parser) revocation(sd *SignedData, set cryptobyte.String) error {
	for !set.Empty() {
		var element, other cryptobyte.String
		var tag asn1.Tag
		if !set.ReadAnyASN1Element(&element, &tag) {
			return malformed("revocation information %d", p.choices)
		}
		if p.choices++; p.choices > p.lim.Certificates {
			return malformed("more than %d certificates and lists", p.lim.Certificates)
		}
		sd.revocationSet = append(sd.revocationSet, element)
		switch tag {
		case asn1.SEQUENCE:
			sd.CRLs = append(sd.CRLs, element)
		case tag1:
			if !element.ReadASN1(&other, tag1) {
				return malformed("other revocation information")
			}
			format, err := pki.ReadOID(&other)
			if err != nil {
				return malformed("format of other revocation information")
			}
			if format == oidOCSPResponse {
				sd.OCSPs = append(sd.OCSPs, other)
			}
		}
	}
	return nil
}

// signer reads the contents of one SignerInfo (RFC 5652 §5.3). source is the
// signedAttrs element as it stood in a BER message. depth counts countersignatures.
func (p *parser) signer(in cryptobyte.String, source []byte, depth int) (*Signer, error) {
	if p.signers++; p.signers > p.lim.Signers {
		return nil, malformed("more than %d signers", p.lim.Signers)
	}
	whole := in
	s := &Signer{SignedAttrsDER: true}
	if !in.ReadASN1Integer(&s.Version) || s.Version < 0 || s.Version > 5 {
		return nil, malformed("version of a signerInfo")
	}
	if err := s.readIdentifier(&in, p.known); err != nil {
		return nil, err
	}
	var err error
	if s.DigestAlgorithm, err = pki.ReadAlgorithm(&in); err != nil {
		return nil, malformed("digestAlgorithm")
	}
	if in.PeekASN1Tag(tag0) {
		var element cryptobyte.String
		if !in.ReadASN1Element(&element, tag0) {
			return nil, malformed("signedAttrs")
		}
		if err := s.readSigned(element); err != nil {
			return nil, err
		}
		if p.ber && !bytes.Equal(source, element) {
			s.SignedAttrsDER = false
			element = source
		}
		if !s.SignedAttrsDER && len(element) > 0 {
			s.signedAttrsSent = bytes.Clone(element)
			s.signedAttrsSent[0] = byte(asn1.SET)
		}
	}
	if s.SignatureAlgorithm, err = pki.ReadAlgorithm(&in); err != nil {
		return nil, malformed("signatureAlgorithm")
	}
	var signature, unsigned cryptobyte.String
	if !in.ReadASN1(&signature, asn1.OCTET_STRING) {
		return nil, malformed("signature")
	}
	s.Signature = signature
	s.head = whole[:len(whole)-len(in)]
	var present bool
	if !in.ReadOptionalASN1(&unsigned, &present, tag1) || !in.Empty() {
		return nil, malformed("unsignedAttrs")
	}
	s.unsigned = unsigned
	if s.UnsignedAttrs, err = readAttributes(unsigned); err != nil {
		return nil, malformed("unsignedAttrs: %v", err)
	}
	s.named = s.readReferences()
	return s, p.counterSigners(s, depth+1)
}

// readIdentifier reads a SignerIdentifier. The issuer's name mostly stands in one of the
// message's certificates, where it has been read.
func (s *Signer) readIdentifier(in *cryptobyte.String, known []*pki.Certificate) error {
	if in.PeekASN1Tag(tagKeyID) {
		var id cryptobyte.String
		if !in.ReadASN1(&id, tagKeyID) {
			return malformed("subjectKeyIdentifier")
		}
		s.SubjectKeyID = append([]byte{}, id...) // an empty one is not an absent one
		return nil
	}
	var sid, name, serial cryptobyte.String
	if !in.ReadASN1(&sid, asn1.SEQUENCE) || !sid.ReadASN1Element(&name, asn1.SEQUENCE) ||
		!sid.ReadASN1(&serial, asn1.INTEGER) || len(serial) == 0 || !sid.Empty() {
		return malformed("signer identifier")
	}
	// X.690 §8.3.2: the first nine bits of an INTEGER are never all alike, in BER either. A
	// certificate with such a number is read; a message that names one is not, as nowhere.
	if len(serial) > 1 && (serial[0] == 0 && serial[1] < 0x80 || serial[0] == 0xff && serial[1] >= 0x80) {
		return malformed("serial number of the signer's certificate")
	}
	s.SerialBytes = serial
	for _, c := range known {
		if bytes.Equal(c.Issuer.Raw, name) {
			s.Issuer = c.Issuer
			return nil
		}
	}
	issuer, err := pki.ParseName(name)
	if err != nil {
		return malformed("issuer of the signer's certificate: %v", err)
	}
	s.Issuer = issuer
	return nil
}

// readSigned reads the signedAttrs element and makes the encoding that is signed:
// "a separate encoding of the signedAttrs field is performed for message digest
// calculation … an EXPLICIT SET OF tag is used" and DER, so its elements are sorted
// (RFC 5652 §5.4, X.690 §11.6).
func (s *Signer) readSigned(element cryptobyte.String) error {
	whole := element
	var body cryptobyte.String
	if !element.ReadASN1(&body, tag0) {
		return malformed("signedAttrs")
	}
	attrs, err := readAttributes(body)
	if err != nil {
		return malformed("signedAttrs: %v", err)
	}
	if attrs == nil {
		attrs = []Attribute{} // present and empty, which is not the same as absent
	}
	s.SignedAttrs = attrs
	if s.SignedAttrsDER = sortedAttributes(body, attrs); s.SignedAttrsDER {
		s.signedAttrsSet = bytes.Clone(whole)
		s.signedAttrsSet[0] = byte(asn1.SET)
		return nil
	}
	if s.signedAttrsSet, err = attributeSet(attrs, asn1.SET); err != nil {
		return malformed("signedAttrs: %v", err)
	}
	return nil
}

// counterSigners reads the countersignatures among s's unsigned attributes.
func (p *parser) counterSigners(s *Signer, depth int) error {
	values := s.UnsignedAttr(oidCounterSignature)
	if len(values) > 0 && depth > maxCounterDepth {
		return malformed("countersignatures nested deeper than %d", maxCounterDepth)
	}
	for _, v := range values {
		in := cryptobyte.String(v)
		var body cryptobyte.String
		if !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() {
			return malformed("countersignature")
		}
		// In a BER message nobody can tell any more how a countersignature's
		// attributes stood; they are judged by their order alone.
		inner := parser{lim: p.lim, known: p.known, signers: p.signers}
		c, err := inner.signer(body, nil, depth)
		if err != nil {
			return err
		}
		p.signers = inner.signers
		s.counters = append(s.counters, c)
	}
	return nil
}
