// SPDX-License-Identifier: Apache-2.0

package cms_test

import (
	"bytes"
	"context"
	"crypto"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/cms"
	"rastau/internal/pki"
)

// Ensure that every armour gives the same message, and what is none is told apart.
func TestDecode(t *testing.T) {
	p := newParty(t, "RSA")
	der := honest(t, p, content).der()
	b64 := base64.StdEncoding.EncodeToString(der)
	var lines strings.Builder
	for i := 0; i < len(b64); i += 76 {
		lines.WriteString(b64[i:min(i+76, len(b64))] + "\r\n")
	}
	same := map[string][]byte{
		"DER":                      der,
		"DER padded with zeros":    append(slices.Clone(der), make([]byte, 100)...),
		"PEM, CMS":                 pemOf("CMS", der),
		"PEM, PKCS7":               pemOf("PKCS7", der),
		"PEM after a line of text": append([]byte("signed by the applicant\n"), pemOf("CMS", der)...),
		"base64 in lines":          []byte(lines.String()),
		"base64 in one line":       []byte(b64),
		"base64 without padding":   []byte(strings.TrimRight(b64, "=")),
		"base64 after a BOM":       []byte("\xef\xbb\xbf" + b64),
	}
	for name, data := range same {
		t.Run(name, func(t *testing.T) {
			got, err := cms.Decode(data)
			if err != nil || !bytes.Equal(got, der) {
				t.Errorf("%v", err)
			}
		})
	}
	other := map[string]struct {
		data []byte
		want error
	}{
		"nothing":               {nil, cms.ErrNotCMS},
		"text":                  {[]byte("Minutes of a meeting"), cms.ErrNotCMS},
		"a certificate":         {p.cert.Raw, cms.ErrNotCMS},
		"PEM of a certificate":  {pemOf("CERTIFICATE", p.cert.Raw), cms.ErrNotCMS},
		"two PEM blocks":        {append(pemOf("CMS", der), pemOf("CMS", der)...), cms.ErrFormat},
		"text after PEM":        {append(pemOf("CMS", der), "and so on"...), cms.ErrFormat},
		"PEM that does not end": {pemOf("CMS", der)[:200], cms.ErrFormat},
		"base64 of something":   {[]byte(base64.StdEncoding.EncodeToString(p.cert.Raw)), cms.ErrNotCMS},
	}
	for name, tc := range other {
		t.Run(name, func(t *testing.T) {
			if got, err := cms.Decode(tc.data); !errors.Is(err, tc.want) || got != nil {
				t.Errorf("%v, want %v", err, tc.want)
			}
		})
	}
	if got, _ := cms.Decode(append(slices.Clone(der), 1)); len(got) != len(der)+1 {
		t.Error("Decode hid what follows the message")
	}
}

// indefinite rewrites the element that path leads to (child numbers from the top)
// with an indefinite length, and so every element above it.
func indefinite(t *testing.T, der []byte, path ...int) []byte {
	t.Helper()
	s := cryptobyte.String(der)
	var body cryptobyte.String
	var tag asn1.Tag
	if !s.ReadAnyASN1(&body, &tag) {
		t.Fatal("not an element")
	}
	out := []byte{der[0], 0x80}
	for n := 0; !body.Empty(); n++ {
		var child cryptobyte.String
		if !body.ReadAnyASN1Element(&child, &tag) {
			t.Fatal("not an element")
		}
		if len(path) > 0 && n == path[0] {
			child = indefinite(t, child, path[1:]...)
		}
		out = append(out, child...)
	}
	return append(out, 0, 0)
}

// Ensure that BER around signed attributes is harmless and BER in them is told.
func TestBER(t *testing.T) {
	p := newParty(t, "RSA")
	der := honest(t, p, content).der()
	plain := mustParse(t, der)
	const content0, signed, signerInfos, signer0, attrs = 1, 0, 4, 0, 3
	for _, tc := range []struct {
		name string
		path []int
		der  bool
	}{
		{"outermost", nil, true},
		{"SignedData", []int{content0, signed}, true},
		{"certificates", []int{content0, signed, 3}, true},
		{"SignerInfo", []int{content0, signed, signerInfos, signer0}, true},
		{"signedAttrs", []int{content0, signed, signerInfos, signer0, attrs}, false},
		{"one attribute", []int{content0, signed, signerInfos, signer0, attrs, 1}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sd := mustParse(t, indefinite(t, der, tc.path...))
			if !bytes.Equal(sd.Raw, plain.Raw) {
				t.Error("Raw is not the DER form")
			}
			c := sd.Verify(sd.Signers[0], p.cert, nil)
			if verdict(c) != "intact" || (c.DER == nil) != tc.der {
				t.Errorf("%+v", c)
			}
		})
	}
}

// Ensure that several signers each get their own answer.
func TestSeveralSigners(t *testing.T) {
	p, q := newParty(t, "RSA"), newParty(t, "P256")
	m, n := honest(t, p, content), honest(t, q, []byte("something else"))
	m.certs = append(m.certs, q.cert)
	m.signers = append(m.signers, n.signers[0])
	sd := mustParse(t, m.der())
	var got []string
	for _, s := range sd.Signers {
		got = append(got, verdict(sd.Verify(s, sd.SignerCertificate(s, nil), nil)))
	}
	if !slices.Equal(got, []string{"intact", "broken"}) {
		t.Errorf("%v", got)
	}
	if needed := sd.NeededDigests(); !slices.Equal(needed, []pki.OID{pki.OIDSHA256}) {
		t.Errorf("NeededDigests = %v", needed)
	}
}

// Ensure that a certificate handed in beside the message is found, and that none is no signer's.
func TestExtraCertificate(t *testing.T) {
	p, q := newParty(t, "RSA"), newParty(t, "P256")
	m := honest(t, p, content)
	m.certs = nil
	sd := mustParse(t, m.der())
	s := sd.Signers[0]
	if got := sd.SignerCertificate(s, []*pki.Certificate{q.cert, p.cert}); got != p.cert {
		t.Errorf("%v", got)
	}
	if got := sd.SignerCertificate(s, []*pki.Certificate{q.cert}); got != nil {
		t.Errorf("%v", got)
	}
}

// Ensure that detached content which is not given is told, and a wrong one refused.
func TestDetached(t *testing.T) {
	p := newParty(t, "P256")
	m := honest(t, p, content)
	m.content = nil
	sd := mustParse(t, m.der())
	digest := func(s string) cms.Digests { return cms.Digests{pki.OIDSHA256: sum(crypto.SHA256, []byte(s))} }
	for _, tc := range []struct {
		name string
		d    cms.Digests
		want string
		is   error
	}{
		{"right", digest(string(content)), "intact", nil},
		{"other", digest("other"), "broken", cms.ErrDigest},
		{"none", nil, "unknown", cms.ErrNoContent},
		{"of another hash", cms.Digests{pki.OIDSHA512: sum(crypto.SHA512, content)}, "unknown", cms.ErrNoContent},
		{"too short", cms.Digests{pki.OIDSHA256: []byte{1}}, "unknown", cms.ErrNoContent},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := sd.Verify(sd.Signers[0], p.cert, tc.d)
			if verdict(c) != tc.want || !errors.Is(errors.Join(c.Digest, c.Content), tc.is) {
				t.Errorf("%+v", c)
			}
		})
	}
	// Attached content is judged by itself: digests of another cannot speak for it.
	m.content = []byte("shown")
	if c := check(t, m.der(), digest(string(content))); verdict(c) != "broken" {
		t.Errorf("%+v", c)
	}
}

// counter makes a countersignature by q over a signature value.
func counter(t *testing.T, q party, over []byte, extra ...[]byte) signer {
	attrs := append([][]byte{attribute(pki.OIDMessageDigest, octetValue(sum(crypto.SHA256, over)))}, extra...)
	slices.SortFunc(attrs, bytes.Compare)
	return signer{by: q, digest: pki.OIDSHA256, sigAlg: pki.OIDECDSAWithSHA256, attrs: attrs,
		signature: signWith(t, q, crypto.SHA256, signedSet(attrs), nil)}
}

// Ensure that countersignatures are judged over the parent's signature value.
func TestCounterSignature(t *testing.T) {
	const attr pki.OID = "1.2.840.113549.1.9.6"
	p, q := newParty(t, "RSA"), newParty(t, "P256")
	m := honest(t, p, content)
	over := m.signers[0].signature
	bare := counter(t, q, over)
	bare.attrs, bare.signature = nil, signWith(t, q, crypto.SHA256, over, nil)
	for _, tc := range []struct {
		name string
		by   signer
		want string
	}{
		{"right", counter(t, q, over), "intact"},
		{"without attributes", bare, "intact"},
		{"over the content", counter(t, q, content), "broken"},
		{"with a content-type", counter(t, q, over, attribute(pki.OIDContentType, oidValue(pki.OIDData))), "broken"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := honest(t, p, content)
			m.signers[0].signature = over
			m.certs = append(m.certs, q.cert)
			m.signers[0].unsigned = [][]byte{attribute(attr, tc.by.info())}
			sd := mustParse(t, m.der())
			s := sd.Signers[0]
			counters := s.CounterSigners()
			if len(counters) != 1 {
				t.Fatalf("%d countersigners", len(counters))
			}
			c := sd.VerifyCounter(s, counters[0], sd.SignerCertificate(counters[0], nil))
			if verdict(c) != tc.want {
				t.Errorf("%+v", c)
			}
			if c := sd.Verify(s, p.cert, nil); verdict(c) != "intact" {
				t.Errorf("parent: %+v", c)
			}
		})
	}
	t.Run("nested too deep", func(t *testing.T) {
		s := counter(t, q, over)
		for range 12 {
			up := counter(t, q, over)
			up.unsigned = [][]byte{attribute(attr, s.info())}
			s = up
		}
		m := honest(t, p, content)
		m.signers[0].unsigned = [][]byte{attribute(attr, s.info())}
		if _, err := cms.Parse(m.der(), cms.Limits{}); !errors.Is(err, cms.ErrFormat) {
			t.Errorf("%v", err)
		}
	})
}

// Ensure that an unsigned attribute is added without touching a byte of the rest.
func TestAddUnsigned(t *testing.T) {
	p, q := newParty(t, "RSA"), newParty(t, "P256")
	m := honest(t, p, content)
	m.certs = append(m.certs, q.cert)
	m.signers = append(m.signers, honest(t, q, content).signers...)
	m.signers[1].unsigned = [][]byte{attribute("1.2.3.9", octetValue([]byte("was there")))}
	sd := mustParse(t, m.der())
	out, err := sd.AddUnsigned(1, cms.Attribute{Type: pki.OIDSignatureTimeStamp, Values: [][]byte{octetValue([]byte("token"))}})
	if err != nil {
		t.Fatal(err)
	}
	got := mustParse(t, out)
	for i, s := range got.Signers {
		if c := got.Verify(s, got.SignerCertificate(s, nil), nil); (c != cms.Check{}) {
			t.Errorf("signer %d: %+v", i, c)
		}
	}
	if len(got.Signers[0].UnsignedAttrs) != 0 || len(got.Signers[1].UnsignedAttrs) != 2 {
		t.Errorf("attributes of the wrong signer")
	}
	if tokens := got.Signers[1].TimestampTokens(); len(tokens) != 1 || !bytes.Equal(tokens[0], octetValue([]byte("token"))) {
		t.Errorf("tokens %x", tokens)
	}
	if _, err := sd.AddUnsigned(2, cms.Attribute{Type: "1.2.3"}); err == nil {
		t.Error("a third signer was found")
	}
	if _, err := sd.AddUnsigned(0, cms.Attribute{Type: "not an oid"}); err == nil {
		t.Error("an attribute of no type was added")
	}
}

// Ensure that revocation data in the message is handed on by its kind.
func TestRevocationData(t *testing.T) {
	p := newParty(t, "RSA")
	der := honest(t, p, content).der()
	list, answer := []byte{0x30, 3, 2, 1, 7}, []byte{0x30, 3, 10, 1, 0}
	// After the certificates and before the signers, in every element above.
	sd := mustParse(t, der)
	crls := build(func(b *cryptobyte.Builder) {
		addAll(b, tagged(1, true), list,
			build(func(b *cryptobyte.Builder) { addAll(b, tagged(1, true), oidValue("1.3.6.1.5.5.7.16.2"), answer) }),
			build(func(b *cryptobyte.Builder) { addAll(b, tagged(1, true), oidValue("1.3.6.1.5.5.7.16.4"), answer) }))
	})
	in := cryptobyte.String(sd.Raw)
	var infoBody, explicit, signedBody, rest cryptobyte.String
	if !in.ReadASN1(&infoBody, asn1.SEQUENCE) || !infoBody.SkipASN1(asn1.OBJECT_IDENTIFIER) ||
		!infoBody.ReadASN1(&explicit, tagged(0, true)) || !explicit.ReadASN1(&signedBody, asn1.SEQUENCE) {
		t.Fatal("not a message")
	}
	rest = signedBody
	for range 4 {
		var tag asn1.Tag
		var skipped cryptobyte.String
		if !rest.ReadAnyASN1Element(&skipped, &tag) {
			t.Fatal("not a message")
		}
	}
	head := signedBody[:len(signedBody)-len(rest)]
	got := mustParse(t, build(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			pki.AddOID(b, pki.OIDSignedData)
			b.AddASN1(tagged(0, true), func(b *cryptobyte.Builder) { addAll(b, asn1.SEQUENCE, head, crls, rest) })
		})
	}))
	if len(got.CRLs) != 1 || !bytes.Equal(got.CRLs[0], list) || len(got.OCSPs) != 1 || !bytes.Equal(got.OCSPs[0], answer) {
		t.Errorf("lists %x, answers %x", got.CRLs, got.OCSPs)
	}
}

// Ensure that a certificate which cannot be read costs itself and nothing else.
func TestUnreadableCertificate(t *testing.T) {
	p := newParty(t, "RSA")
	m := honest(t, p, content)
	broken := *p.cert
	broken.Raw = []byte{0x30, 3, 2, 1, 1}
	m.certs = []*pki.Certificate{&broken, p.cert}
	sd := mustParse(t, m.der())
	if len(sd.Unreadable) != 1 || len(sd.Certificates) != 1 {
		t.Errorf("%d unreadable, %d read", len(sd.Unreadable), len(sd.Certificates))
	}
}

// Ensure that Sign refuses what it could not stand by.
func TestSignRefuses(t *testing.T) {
	p, q, ed := newParty(t, "RSA"), newParty(t, "P256"), newParty(t, "Ed25519")
	stampFails := errors.New("the TSA is down")
	for _, tc := range []struct {
		name string
		o    cms.SignOptions
		want error
	}{
		{"no key", cms.SignOptions{Certificate: p.cert, Content: content}, nil},
		{"no certificate", cms.SignOptions{Key: p.key, Content: content}, nil},
		{"another's certificate", cms.SignOptions{Key: p.key, Certificate: q.cert, Content: content}, cms.ErrKeyMismatch},
		{"neither content nor digest", cms.SignOptions{Key: p.key, Certificate: p.cert}, nil},
		{"MD5", cms.SignOptions{Key: p.key, Certificate: p.cert, Content: content, Hash: crypto.MD5}, pki.ErrUnsupported},
		{"Ed25519 with SHA-256", cms.SignOptions{Key: ed.key, Certificate: ed.cert, Content: content, Hash: crypto.SHA256}, pki.ErrUnsupported},
		{"a digest of the wrong size", cms.SignOptions{Key: p.key, Certificate: p.cert, Digest: []byte{1, 2}}, nil},
		{"content and digest", cms.SignOptions{Key: p.key, Certificate: p.cert, Content: content, Digest: sum(crypto.SHA256, content)}, nil},
		{"a second message-digest", cms.SignOptions{Key: p.key, Certificate: p.cert, Content: content,
			Attributes: []cms.Attribute{{Type: pki.OIDMessageDigest, Values: [][]byte{octetValue(nil)}}}}, nil},
		{"a content type that is none", cms.SignOptions{Key: p.key, Certificate: p.cert, Content: content, ContentType: "one.two"}, nil},
		{"a failing stamp", cms.SignOptions{Key: p.key, Certificate: p.cert, Content: content,
			Stamp: func(context.Context, []byte) ([]byte, error) { return nil, stampFails }}, stampFails},
	} {
		t.Run(tc.name, func(t *testing.T) {
			der, err := cms.Sign(t.Context(), tc.o)
			if err == nil || der != nil || tc.want != nil && !errors.Is(err, tc.want) {
				t.Errorf("%v, want %v", err, tc.want)
			}
		})
	}
}

// Ensure that the stamp is asked about the signature value and its token kept.
func TestSignWithStamp(t *testing.T) {
	p := newParty(t, "P256")
	token := octetValue([]byte("token"))
	var asked []byte
	der, err := cms.Sign(t.Context(), cms.SignOptions{Content: content, Key: p.key, Certificate: p.cert,
		Chain:      []*pki.Certificate{p.cert, newParty(t, "RSA").cert},
		Attributes: []cms.Attribute{{Type: "1.2.398.1", Values: [][]byte{octetValue([]byte("b")), octetValue([]byte("a"))}}},
		Stamp: func(_ context.Context, signature []byte) ([]byte, error) {
			asked = signature
			return token, nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	sd := mustParse(t, der)
	s := sd.Signers[0]
	if c := sd.Verify(s, sd.SignerCertificate(s, nil), nil); (c != cms.Check{}) {
		t.Errorf("%+v", c)
	}
	if !bytes.Equal(asked, s.Signature) || len(s.TimestampTokens()) != 1 || !bytes.Equal(s.TimestampTokens()[0], token) {
		t.Error("the token is not the one over this signature")
	}
	if len(sd.Certificates) != 2 {
		t.Errorf("%d certificates", len(sd.Certificates))
	}
}
