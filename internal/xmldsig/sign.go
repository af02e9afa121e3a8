// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/gost"
	"rastau/internal/pki"
)

// SignOptions of [Sign] and [SignSecurity].
type SignOptions struct {
	Key         crypto.Signer      // Required. RSA, ECDSA or a national key.
	Certificate *pki.Certificate   // Required.
	Chain       []*pki.Certificate // Optional. Written beside the certificate.
	// Element is the identifier of the element that is signed. Optional. If empty, the whole document is, enveloped.
	Element string
	// XAdES adds the signed properties of level B (EN 319 132-1 §6.3): the claimed time and the certificate's digest.
	XAdES bool
	// SigningTime is the claimed time of XAdES. Required there.
	SigningTime time.Time
	// Stamp gives a time-stamp token over what it is handed: level T. Optional; XAdES alone.
	Stamp func(ctx context.Context, data []byte) ([]byte, error)
	// Canonical names the canonicalisation of SignedInfo and of what is signed. Optional. If empty, what Kazakhstan's
	// programs write: Canonical XML 1.0, for SignedInfo of one element's signature the exclusive one.
	Canonical string
}

// scheme is how a key signs in XML.
type scheme struct {
	digest, method string
	hash           func() hash.Hash
	opts           crypto.SignerOpts
	size           int // octets of r and of s; 0: as the key gives it
}

func schemeOf(key crypto.Signer) (scheme, error) {
	s := scheme{digest: encryption + "sha256", hash: crypto.SHA256.New, opts: crypto.SHA256}
	switch k := key.Public().(type) {
	case *rsa.PublicKey:
		s.method = more2001 + "rsa-sha256"
	case *ecdsa.PublicKey:
		s.method = more2001 + "ecdsa-sha256"
		s.size = (k.Curve.Params().N.BitLen() + 7) / 8
	case *gost.PublicKey:
		digest, signature, err := pki.NationalSignature(k)
		if err != nil {
			return s, err
		}
		s.opts = crypto.Hash(0)
		if s.hash, err = pki.NewHash(digest.OID); err != nil {
			return s, err
		}
		s.digest, s.method = nameOf(digests, digest.OID), nameOf(signatureMethods, signature.OID)
	default:
		return s, fmt.Errorf("%w: key %T", pki.ErrUnsupported, k)
	}
	return s, nil
}

// nameOf is the name that Kazakhstan's programs write, the one with fewer words where there are two.
func nameOf(table map[string]pki.OID, o pki.OID) string {
	out := ""
	for uri, have := range table {
		if have == o && (out == "" || len(uri) < len(out) || len(uri) == len(out) && uri < out) {
			out = uri
		}
	}
	return out
}

func (s scheme) sum(data []byte) []byte {
	h := s.hash()
	h.Write(data)
	return h.Sum(nil)
}

func (s scheme) sign(key crypto.Signer, message []byte) ([]byte, error) {
	sig, err := key.Sign(rand.Reader, s.sum(message), s.opts)
	if err != nil || s.size == 0 {
		return sig, err
	}
	in, body := cryptobyte.String(sig), cryptobyte.String(nil)
	var r, t []byte
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !body.ReadASN1Integer(&r) || !body.ReadASN1Integer(&t) || len(r) > s.size || len(t) > s.size {
		return nil, errors.New("xmldsig: the key made no signature of ECDSA")
	}
	out := make([]byte, 2*s.size)
	copy(out[s.size-len(r):], r)
	copy(out[2*s.size-len(t):], t)
	return out, nil
}

// Sign signs a document, or the element that the options name, and puts the signature at the end of the root element. The
// other bytes of the document stay as they are. Several signatures stand one behind another, each over those before it.
// Errors are those of [Parse], of the key and of Stamp.
func Sign(ctx context.Context, data []byte, o SignOptions) ([]byte, error) {
	d, err := Parse(data, Limits{})
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if err := d.asWritten(data); err != nil {
		return nil, err
	}
	if o.Canonical == "" {
		o.Canonical = c14n10
	}
	b := builder{SignOptions: o, doc: d, id: fmt.Sprintf("xmldsig-%s", fresh())}
	if err := b.prepare(); err != nil {
		return nil, err
	}
	b.info, b.what = o.Canonical, o.Canonical
	if o.Canonical == c14n10 {
		b.what = c14n10Comments // what NCALayer writes; comments are left out of the digest all the same
		if o.Element != "" {
			b.info = exclusive
		}
	}
	target := span{from: d.root, to: d.nodes[d.root].link, whole: true}
	if o.Element != "" {
		at, err := d.byID(o.Element)
		if err != nil {
			return nil, fmt.Errorf("%w: %.60q", err, o.Element)
		}
		if at == d.root {
			return nil, errors.New("xmldsig: the root element is signed whole: leave Element out")
		}
		target, b.uri = d.span(at), "#"+o.Element
	} else {
		b.enveloped = true
	}
	m := methods[b.what]
	m.comments = false
	digest := b.scheme.hash()
	if d.nodes[d.root].kind == emptyTag {
		// The tag has to be opened for the signature; that changes nothing in canonical form.
		n := &d.nodes[d.root]
		name := d.src[n.from+1 : d.nameEnd(n.from+1)]
		opened := append(append(append([]byte{}, d.src[:n.to-2]...), "></"+string(name)+">"...), d.src[n.to:]...)
		return Sign(ctx, opened, o)
	}
	if err := d.canonical(digest, target, nil, m); err != nil {
		return nil, err
	}
	return b.finish(ctx, digest.Sum(nil), d.nodes[d.nodes[d.root].link].from)
}

// asWritten refuses a document in another encoding: what is put into it would not be in that.
func (d *Document) asWritten(data []byte) error {
	if !bytes.HasSuffix(data, d.src) || len(data)-len(d.src) > 3 {
		return xmlError(ErrUnsafe, 0, "a document that is not in UTF-8 cannot be signed; convert it first")
	}
	return nil
}

// builder makes one signature.
type builder struct {
	SignOptions
	doc        *Document
	scheme     scheme
	id         string
	uri        string
	info, what string // canonicalisation of SignedInfo and of the content
	enveloped  bool
	token      bool // the certificate stands in a SecurityTokenReference
}

func (b *builder) prepare() error {
	if b.Key == nil || b.Certificate == nil {
		return errors.New("xmldsig: SignOptions.Key and Certificate are required")
	}
	public, ok := b.Key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || b.Certificate.PublicKey.Key == nil || !public.Equal(b.Certificate.PublicKey.Key) {
		return errors.New("xmldsig: the key does not belong to the certificate")
	}
	if b.XAdES && b.SigningTime.IsZero() {
		return errors.New("xmldsig: SignOptions.SigningTime is required for XAdES")
	}
	if b.Stamp != nil && !b.XAdES {
		return errors.New("xmldsig: a time-stamp needs XAdES")
	}
	if _, ok := methods[b.Canonical]; !ok {
		return errTransform(b.Canonical)
	}
	var err error
	b.scheme, err = schemeOf(b.Key)
	return err
}

// finish writes the signature into the document at a byte of its source, signs it there and adds the time-stamp. The
// canonical forms of its parts are taken from the document as it will leave, by the same reader that judges.
func (b *builder) finish(ctx context.Context, digest []byte, at uint32) ([]byte, error) {
	parts := draft{digest: digest, value: []byte{0}, properties: []byte{0}}
	insert := func() []byte {
		src := b.doc.src
		out := make([]byte, 0, len(src)+16<<10)
		out = append(out, src[:at]...)
		out = append(out, b.write(parts)...)
		return append(out, src[at:]...)
	}
	canonical := func(pick func(*Signature) (span, method)) ([]byte, error) {
		d, err := Parse(insert(), Limits{})
		if err != nil {
			return nil, err
		}
		defer d.Close()
		for _, s := range d.Signatures() {
			if s.ID == b.id {
				if s.Problem != nil {
					return nil, s.Problem
				}
				var out bytes.Buffer
				part, m := pick(s)
				err := d.canonical(&out, part, nil, m)
				return out.Bytes(), err
			}
		}
		return nil, errors.New("xmldsig: the new signature is not in the document")
	}
	if b.XAdES {
		properties, err := canonical(func(s *Signature) (span, method) {
			return s.doc.span(s.Properties.signed), methods[exclusive]
		})
		if err != nil {
			return nil, err
		}
		parts.properties = b.scheme.sum(properties)
	}
	info, err := canonical(func(s *Signature) (span, method) { return s.doc.span(s.info), s.canonical })
	if err != nil {
		return nil, err
	}
	if parts.value, err = b.scheme.sign(b.Key, info); err != nil {
		return nil, fmt.Errorf("xmldsig: signing: %w", err)
	}
	if b.Stamp != nil {
		value, err := canonical(func(s *Signature) (span, method) { return s.doc.span(s.value), methods[exclusive] })
		if err != nil {
			return nil, err
		}
		if parts.token, err = b.Stamp(ctx, value); err != nil {
			return nil, err
		}
	}
	return insert(), nil
}

// draft holds what the parts of a signature are known to be so far.
type draft struct{ digest, properties, value, token []byte }

func (b *builder) write(p draft) []byte {
	var w strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&w, format+"\n", args...) }
	line(`<ds:Signature xmlns:ds="%s" Id="%s">`, xmldsig, b.id)
	line(`<ds:SignedInfo>`)
	line(`<ds:CanonicalizationMethod Algorithm="%s"/>`, b.info)
	line(`<ds:SignatureMethod Algorithm="%s"/>`, b.scheme.method)
	b.reference(&w, b.uri, "", p.digest, b.what, b.enveloped)
	if b.XAdES {
		b.reference(&w, "#"+b.id+"-properties", typeProperties, p.properties, exclusive, false)
	}
	line(`</ds:SignedInfo>`)
	line(`<ds:SignatureValue>%s</ds:SignatureValue>`, lines(p.value))
	line(`<ds:KeyInfo>`)
	if b.token {
		line(`<wsse:SecurityTokenReference xmlns:wsse="%s"><wsse:KeyIdentifier EncodingType="%s" ValueType="%s">%s</wsse:KeyIdentifier></wsse:SecurityTokenReference>`,
			namespaceWSSE, tokenBase64, tokenV3, base64.StdEncoding.EncodeToString(b.Certificate.Raw))
	} else {
		line(`<ds:X509Data>`)
		for _, c := range append([]*pki.Certificate{b.Certificate}, b.Chain...) {
			line(`<ds:X509Certificate>%s</ds:X509Certificate>`, lines(c.Raw))
		}
		line(`</ds:X509Data>`)
	}
	line(`</ds:KeyInfo>`)
	if b.XAdES {
		b.qualifying(&w, p)
	}
	w.WriteString(`</ds:Signature>`)
	return []byte(w.String())
}

func (b *builder) reference(w *strings.Builder, uri, kind string, digest []byte, canonical string, own bool) {
	fmt.Fprintf(w, `<ds:Reference URI="%s"`, escape(uri))
	if kind != "" {
		fmt.Fprintf(w, ` Type="%s"`, kind)
	}
	w.WriteString(">\n<ds:Transforms>\n")
	if own {
		fmt.Fprintf(w, "<ds:Transform Algorithm=\"%s\"/>\n", enveloped)
	}
	fmt.Fprintf(w, "<ds:Transform Algorithm=\"%s\"/>\n</ds:Transforms>\n", canonical)
	fmt.Fprintf(w, "<ds:DigestMethod Algorithm=\"%s\"/>\n<ds:DigestValue>%s</ds:DigestValue>\n</ds:Reference>\n", b.scheme.digest, base64.StdEncoding.EncodeToString(digest))
}

// qualifying writes the properties (EN 319 132-1 §4.3). The certificate is named by SHA-256 whatever the key: every reader
// of XAdES knows it.
func (b *builder) qualifying(w *strings.Builder, p draft) {
	fmt.Fprintf(w, "<ds:Object>\n<xades:QualifyingProperties xmlns:xades=\"%s\" Target=\"#%s\">\n", namespaceXAdES, b.id)
	fmt.Fprintf(w, "<xades:SignedProperties Id=\"%s-properties\">\n<xades:SignedSignatureProperties>\n", b.id)
	fmt.Fprintf(w, "<xades:SigningTime>%s</xades:SigningTime>\n", b.SigningTime.UTC().Format(time.RFC3339))
	fmt.Fprintf(w, "<xades:SigningCertificateV2>\n<xades:Cert>\n<xades:CertDigest>\n<ds:DigestMethod Algorithm=\"%ssha256\"/>\n", encryption)
	fmt.Fprintf(w, "<ds:DigestValue>%s</ds:DigestValue>\n</xades:CertDigest>\n</xades:Cert>\n</xades:SigningCertificateV2>\n",
		base64.StdEncoding.EncodeToString(b.Certificate.SHA256[:]))
	w.WriteString("</xades:SignedSignatureProperties>\n</xades:SignedProperties>\n")
	if p.token != nil {
		fmt.Fprintf(w, "<xades:UnsignedProperties>\n<xades:UnsignedSignatureProperties>\n<xades:SignatureTimeStamp>\n<ds:CanonicalizationMethod Algorithm=\"%s\"/>\n", exclusive)
		fmt.Fprintf(w, "<xades:EncapsulatedTimeStamp>%s</xades:EncapsulatedTimeStamp>\n</xades:SignatureTimeStamp>\n", base64.StdEncoding.EncodeToString(p.token))
		w.WriteString("</xades:UnsignedSignatureProperties>\n</xades:UnsignedProperties>\n")
	}
	w.WriteString("</xades:QualifyingProperties>\n</ds:Object>\n")
}

// lines is base64 in lines of 76.
func lines(b []byte) string {
	s := base64.StdEncoding.EncodeToString(b)
	var out strings.Builder
	for len(s) > 76 {
		out.WriteString(s[:76] + "\n")
		s = s[76:]
	}
	return out.String() + s
}

// escape makes text fit for an attribute.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", "\"", "&quot;", "\t", "&#x9;", "\n", "&#xA;", "\r", "&#xD;").Replace(s)
}

// fresh is an identifier that no document holds yet.
func fresh() string {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(err) // crypto/rand never fails
	}
	return fmt.Sprintf("%x", b)
}
