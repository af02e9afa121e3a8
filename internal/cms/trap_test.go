// SPDX-License-Identifier: Apache-2.0

package cms_test

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/cms"
	"rastau/internal/pki"
)

var content = []byte("Licence application, all fields and attachments.\n")

// reason is the AttributeReason of an error, or "".
func reason(err error) cms.AttributeReason {
	var a *cms.AttributeError
	if errors.As(err, &a) {
		return a.Reason
	}
	return ""
}

// Ensure that what lenient readers of CMS let through is refused, and for its own reason.
func TestTraps(t *testing.T) {
	p := newParty(t, "RSA")
	ec := newParty(t, "P256")
	at := timeValue(notBefore.AddDate(0, 6, 0))
	cases := []struct {
		name    string
		forge   func(t *testing.T) message
		verdict string
		why     func(c cms.Check) bool
	}{
		{"honest", func(t *testing.T) message { return honest(t, p, content) }, "intact",
			func(c cms.Check) bool { return c == cms.Check{} }},
		{"signed attributes stripped, their encoding shown as the content", func(t *testing.T) message {
			m := honest(t, p, content)
			m.content = signedSet(m.signers[0].attrs)
			m.signers[0].attrs = nil
			return m
		}, "broken", func(c cms.Check) bool { return reason(c.Attributes) == cms.Stripped }},
		{"no signed attributes for content other than id-data", func(t *testing.T) message {
			m := honest(t, p, content)
			m.contentType = pki.OIDTSTInfo
			m.signers[0].attrs = nil
			m.signers[0].signature = signWith(t, p, crypto.SHA256, content, nil)
			return m
		}, "broken", func(c cms.Check) bool { return reason(c.Attributes) == cms.Missing }},
		{"no signed attributes for id-data", func(t *testing.T) message {
			m := honest(t, p, content)
			m.signers[0].attrs = nil
			m.signers[0].signature = signWith(t, p, crypto.SHA256, content, nil)
			return m
		}, "intact", func(c cms.Check) bool { return c == cms.Check{} }},
		{"no signed attributes, another content", func(t *testing.T) message {
			m := honest(t, p, content)
			m.signers[0].attrs = nil
			m.signers[0].signature = signWith(t, p, crypto.SHA256, []byte("other"), nil)
			return m
		}, "broken", func(c cms.Check) bool { return errors.Is(c.Value, pki.ErrSignature) }},
		{"eContentType swapped", func(t *testing.T) message {
			m := honest(t, p, content)
			m.contentType = pki.OIDTSTInfo
			return m
		}, "broken", func(c cms.Check) bool { return reason(c.Attributes) == cms.WrongType }},
		{"content-type missing", func(t *testing.T) message {
			m := honest(t, p, content)
			m.signers[0].attrs = [][]byte{attribute(pki.OIDMessageDigest, octetValue(sum(crypto.SHA256, content)))}
			m.resign(t)
			return m
		}, "broken", func(c cms.Check) bool { return reason(c.Attributes) == cms.Missing }},
		{"message-digest missing", func(t *testing.T) message {
			m := honest(t, p, content)
			m.signers[0].attrs = [][]byte{attribute(pki.OIDContentType, oidValue(pki.OIDData))}
			m.resign(t)
			return m
		}, "broken", func(c cms.Check) bool { return reason(c.Attributes) == cms.Missing }},
		{"signed attributes present and empty", func(t *testing.T) message {
			m := honest(t, p, content)
			m.signers[0].attrs = [][]byte{}
			m.resign(t)
			return m
		}, "broken", func(c cms.Check) bool { return reason(c.Attributes) == cms.Missing }},
		{"message-digest is no octet string", func(t *testing.T) message {
			m := honest(t, p, content)
			m.signers[0].attrs = [][]byte{attribute(pki.OIDContentType, oidValue(pki.OIDData)),
				attribute(pki.OIDMessageDigest, oidValue(pki.OIDData))}
			m.resign(t)
			return m
		}, "broken", func(c cms.Check) bool { return reason(c.Attributes) == cms.Malformed }},
		{"SHA-1 content digest under ecdsa-with-SHA256", func(t *testing.T) message {
			m := honest(t, ec, content)
			m.signers[0].digest = pki.OIDSHA1
			m.signers[0].attrs = standardAttrs(pki.OIDData, sum(crypto.SHA1, content))
			m.resign(t)
			return m
		}, "unknown", func(c cms.Check) bool { return errors.Is(c.Algorithm, cms.ErrMismatch) }},
		{"sha384WithRSA over a SHA-256 DigestInfo", func(t *testing.T) message {
			m := honest(t, p, content)
			m.signers[0].sigAlg = pki.OIDSHA384WithRSA
			return m
		}, "unknown", func(c cms.Check) bool { return errors.Is(c.Algorithm, cms.ErrMismatch) }},
		{"sha384WithRSA and SHA-384, over a SHA-256 DigestInfo", func(t *testing.T) message {
			m := honest(t, p, content)
			m.signers[0].sigAlg, m.signers[0].digest = pki.OIDSHA384WithRSA, pki.OIDSHA384
			m.signers[0].attrs = standardAttrs(pki.OIDData, sum(crypto.SHA384, content))
			m.resign(t)
			return m
		}, "broken", func(c cms.Check) bool { return errors.Is(c.Value, pki.ErrSignature) }},
		{"an ECDSA name on an RSA signature", func(t *testing.T) message {
			m := honest(t, p, content)
			m.signers[0].sigAlg = pki.OIDECDSAWithSHA256
			return m
		}, "unknown", func(c cms.Check) bool { return errors.Is(c.Algorithm, pki.ErrAlgorithm) }},
		{"message-digest doubled", func(t *testing.T) message {
			m := honest(t, p, content)
			m.signers[0].attrs = append(m.signers[0].attrs, attribute(pki.OIDMessageDigest, octetValue(sum(crypto.SHA256, []byte("other")))))
			slices.SortFunc(m.signers[0].attrs, bytes.Compare)
			m.resign(t)
			return m
		}, "broken", func(c cms.Check) bool { return reason(c.Attributes) == cms.Duplicate }},
		{"message-digest of two values", func(t *testing.T) message {
			m := honest(t, p, content)
			m.signers[0].attrs = [][]byte{attribute(pki.OIDContentType, oidValue(pki.OIDData)),
				attribute(pki.OIDMessageDigest, octetValue(sum(crypto.SHA256, content)), octetValue(sum(crypto.SHA256, []byte("other"))))}
			m.resign(t)
			return m
		}, "broken", func(c cms.Check) bool { return reason(c.Attributes) == cms.MultiValue }},
		{"content-type doubled", func(t *testing.T) message {
			m := honest(t, p, content)
			m.signers[0].attrs = append(m.signers[0].attrs, attribute(pki.OIDContentType, oidValue(pki.OIDTSTInfo)))
			m.resign(t)
			return m
		}, "broken", func(c cms.Check) bool { return reason(c.Attributes) == cms.Duplicate }},
		{"signing-time doubled", func(t *testing.T) message {
			m := honest(t, p, content)
			m.signers[0].attrs = append(m.signers[0].attrs, attribute(pki.OIDSigningTime, at), attribute(pki.OIDSigningTime, timeValue(notBefore)))
			m.resign(t)
			return m
		}, "broken", func(c cms.Check) bool { return reason(c.Attributes) == cms.Duplicate }},
		{"signing-time of two values", func(t *testing.T) message {
			m := honest(t, p, content)
			m.signers[0].attrs = append(m.signers[0].attrs, attribute(pki.OIDSigningTime, at, timeValue(notBefore)))
			m.resign(t)
			return m
		}, "broken", func(c cms.Check) bool { return reason(c.Attributes) == cms.MultiValue }},
		{"signing-time malformed", func(t *testing.T) message {
			m := honest(t, p, content)
			bad := build(func(b *cryptobyte.Builder) { addAll(b, asn1.UTCTime, []byte("261331250000Z")) })
			m.signers[0].attrs = append(m.signers[0].attrs, attribute(pki.OIDSigningTime, bad))
			m.resign(t)
			return m
		}, "broken", func(c cms.Check) bool { return reason(c.Attributes) == cms.Malformed }},
		{"signing-time unsigned", func(t *testing.T) message {
			m := honest(t, p, content)
			m.signers[0].unsigned = [][]byte{attribute(pki.OIDSigningTime, at)}
			return m
		}, "broken", func(c cms.Check) bool { return reason(c.Attributes) == cms.Forbidden }},
		{"attributes reordered", func(t *testing.T) message {
			m := honest(t, p, content)
			slices.Reverse(m.signers[0].attrs)
			return m
		}, "intact", func(c cms.Check) bool { return errors.Is(c.DER, cms.ErrNotDER) }},
		{"content altered", func(t *testing.T) message {
			m := honest(t, p, content)
			m.content = bytes.ToUpper(content)
			return m
		}, "broken", func(c cms.Check) bool { return errors.Is(c.Digest, cms.ErrDigest) && c.Value == nil }},
		{"chunked content, the first chunk signed", func(t *testing.T) message {
			m := honest(t, p, content)
			m.chunks = [][]byte{content, []byte("and one thing more")}
			return m
		}, "broken", func(c cms.Check) bool { return errors.Is(c.Digest, cms.ErrDigest) }},
		{"chunked content, the whole signed", func(t *testing.T) message {
			m := honest(t, p, content)
			m.chunks = [][]byte{content[:7], content[7:20], content[20:]}
			return m
		}, "intact", func(c cms.Check) bool { return c == cms.Check{} }},
		{"signature value altered", func(t *testing.T) message {
			m := honest(t, p, content)
			m.signers[0].signature[20] ^= 1
			return m
		}, "broken", func(c cms.Check) bool { return errors.Is(c.Value, pki.ErrSignature) }},
		{"ESS hash of another certificate", func(t *testing.T) message {
			m := honest(t, p, content)
			m.signers[0].attrs = append(m.signers[0].attrs, attribute(pki.OIDSigningCertificateV2, reference(ec.cert.SHA256[:])))
			m.resign(t)
			return m
		}, "intact", func(c cms.Check) bool { return errors.Is(c.Reference, cms.ErrReference) }},
		{"ESS doubled, one of them right", func(t *testing.T) message {
			m := honest(t, p, content)
			for _, c := range []party{p, ec} {
				m.signers[0].attrs = append(m.signers[0].attrs, attribute(pki.OIDSigningCertificateV2, reference(c.cert.SHA256[:])))
			}
			m.resign(t)
			return m
		}, "intact", func(c cms.Check) bool { return errors.Is(c.Reference, cms.ErrReference) }},
		{"ESS version 1 right and version 2 wrong", func(t *testing.T) message {
			m := honest(t, p, content)
			m.signers[0].attrs = append(m.signers[0].attrs,
				attribute(pki.OIDSigningCertificate, reference(sum(crypto.SHA1, p.cert.Raw))),
				attribute(pki.OIDSigningCertificateV2, reference(ec.cert.SHA256[:])))
			m.resign(t)
			return m
		}, "intact", func(c cms.Check) bool { return errors.Is(c.Reference, cms.ErrReference) }},
		{"algorithm protection of other algorithms", func(t *testing.T) message {
			m := honest(t, p, content)
			m.signers[0].attrs = append(m.signers[0].attrs, attribute(pki.OIDCMSAlgProtection, protection(pki.OIDSHA512, pki.OIDSHA512WithRSA)))
			m.resign(t)
			return m
		}, "unknown", func(c cms.Check) bool { return errors.Is(c.Algorithm, cms.ErrMismatch) }},
		{"algorithm protection of these algorithms", func(t *testing.T) message {
			m := honest(t, p, content)
			m.signers[0].attrs = append(m.signers[0].attrs, attribute(pki.OIDCMSAlgProtection, protection(pki.OIDSHA256, pki.OIDSHA256WithRSA)))
			slices.SortFunc(m.signers[0].attrs, bytes.Compare)
			m.resign(t)
			return m
		}, "intact", func(c cms.Check) bool { return c == cms.Check{} }},
		{"certificate missing", func(t *testing.T) message {
			m := honest(t, p, content)
			m.certs = []*pki.Certificate{ec.cert}
			return m
		}, "unknown", func(c cms.Check) bool { return errors.Is(c.Value, cms.ErrNoCertificate) }},
		{"subjectKeyIdentifier signer", func(t *testing.T) message {
			m := honest(t, p, content)
			m.certs = []*pki.Certificate{ec.cert, p.cert}
			m.signers[0].keyID = true
			return m
		}, "intact", func(c cms.Check) bool { return c == cms.Check{} }},
		{"RSASSA-PSS", func(t *testing.T) message { return pss(t, p, crypto.SHA256, pki.OIDSHA256) }, "intact",
			func(c cms.Check) bool { return c == cms.Check{} }},
		{"RSASSA-PSS of another hash than digestAlgorithm", func(t *testing.T) message {
			return pss(t, p, crypto.SHA256, pki.OIDSHA512)
		}, "unknown", func(c cms.Check) bool { return errors.Is(c.Algorithm, cms.ErrMismatch) }},
		{"SHA-3", func(t *testing.T) message {
			m := honest(t, p, content)
			s := &m.signers[0]
			s.digest, s.sigAlg = pki.OIDSHA3x256, pki.OIDSHA3x256WithRSA
			s.attrs = standardAttrs(pki.OIDData, sum(crypto.SHA3_256, content))
			s.signature = signWith(t, p, crypto.SHA3_256, signedSet(s.attrs), nil)
			return m
		}, "intact", func(c cms.Check) bool { return c == cms.Check{} }},
		{"rsaEncryption as the signature algorithm", func(t *testing.T) message {
			m := honest(t, p, content)
			m.signers[0].sigAlg, m.signers[0].sigParams = pki.OIDRSA, []byte{5, 0}
			return m
		}, "intact", func(c cms.Check) bool { return c == cms.Check{} }},
		{"an unknown digest", func(t *testing.T) message {
			m := honest(t, p, content)
			m.signers[0].digest = "1.2.398.3.10.1.3.99"
			return m
		}, "unknown", func(c cms.Check) bool { return errors.Is(c.Algorithm, pki.ErrUnsupported) }},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c := check(t, tc.forge(t).der(), nil)
			if got := verdict(c); got != tc.verdict || !tc.why(c) {
				t.Errorf("%s: %+v, want %s", got, c, tc.verdict)
			}
		})
	}
}

// reference is a SigningCertificate or SigningCertificateV2 with the default digest.
func reference(hash []byte) []byte {
	return build(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1OctetString(hash) })
			})
		})
	})
}

func protection(digest, signature pki.OID) []byte {
	return build(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(algorithm(digest, nil))
			addAll(b, tagged(1, true), oidValue(signature), []byte{5, 0})
		})
	})
}

// pss is a message signed with RSASSA-PSS under h, its digestAlgorithm named as stated.
func pss(t *testing.T, p party, h crypto.Hash, stated pki.OID) message {
	m := honest(t, p, content)
	s := &m.signers[0]
	if stated != pki.OIDSHA256 {
		s.digest = stated
		s.attrs = standardAttrs(pki.OIDData, sum(crypto.SHA512, content))
	}
	s.sigAlg = pki.OIDRSAPSS
	s.sigParams = build(func(b *cryptobyte.Builder) {
		hash := algorithm(pki.OIDSHA256, nil)
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addAll(b, tagged(0, true), hash)
			addAll(b, tagged(1, true), algorithm(pki.OIDMGF1, hash))
			b.AddASN1(tagged(2, true), func(b *cryptobyte.Builder) { b.AddASN1Int64(32) })
		})
	})
	s.signature = signWith(t, p, h, signedSet(s.attrs), &rsa.PSSOptions{SaltLength: 32, Hash: h})
	return m
}

// Ensure that the stripped attributes are recognised where the content is detached too.
func TestStrippedDetached(t *testing.T) {
	p := newParty(t, "RSA")
	m := honest(t, p, content)
	shown := signedSet(m.signers[0].attrs)
	m.content, m.signers[0].attrs = nil, nil
	sd := mustParse(t, m.der())
	d, err := cms.DigestContent(bytes.NewReader(shown), sd.NeededDigests())
	if err != nil {
		t.Fatal(err)
	}
	c := sd.Verify(sd.Signers[0], p.cert, d)
	if verdict(c) != "broken" || reason(c.Attributes) != cms.Stripped {
		t.Errorf("%+v", c)
	}
}

// Ensure that the time a signer claims is shown as that and changes no answer.
func TestClaimedTimeIsOnlyClaimed(t *testing.T) {
	p := newParty(t, "RSA")
	for _, claimed := range []time.Time{notBefore.AddDate(-30, 0, 0), notBefore.AddDate(23, 0, 0)} {
		m := honest(t, p, content)
		m.signers[0].attrs = append(m.signers[0].attrs, attribute(pki.OIDSigningTime, timeValue(claimed)))
		slices.SortFunc(m.signers[0].attrs, bytes.Compare)
		m.resign(t)
		der := m.der()
		if c := check(t, der, nil); (c != cms.Check{}) {
			t.Errorf("%v: %+v", claimed, c)
		}
		if got, ok := mustParse(t, der).Signers[0].SigningTime(); !ok || !got.Equal(claimed) {
			t.Errorf("SigningTime = %v, %v, want %v", got, ok, claimed)
		}
	}
}

// Ensure that a decoy with the signer's name and serial does not take its place.
func TestDecoyCertificate(t *testing.T) {
	p := newParty(t, "RSA")
	decoy := certify(t, newKey(t, "RSA decoy"), "RSA", p.cert.Serial)
	m := honest(t, p, content)
	m.certs = []*pki.Certificate{decoy.cert, p.cert}
	m.signers[0].attrs = append(m.signers[0].attrs, attribute(pki.OIDSigningCertificateV2, reference(p.cert.SHA256[:])))
	slices.SortFunc(m.signers[0].attrs, bytes.Compare)
	m.resign(t)
	if c := check(t, m.der(), nil); (c != cms.Check{}) {
		t.Errorf("%+v", c)
	}
}

// Ensure that bytes which are no SignedData end in the right error, and soon.
func TestRefused(t *testing.T) {
	p := newParty(t, "RSA")
	good := honest(t, p, content).der()
	many := honest(t, p, content)
	for range 300 {
		many.signers = append(many.signers, many.signers[0])
	}
	crowded := honest(t, p, content)
	for range 600 {
		crowded.certs = append(crowded.certs, p.cert)
	}
	cases := []struct {
		name string
		data []byte
		want error
	}{
		{"nothing", nil, cms.ErrNotCMS},
		{"text", []byte("not a signature"), cms.ErrNotCMS},
		{"a certificate", p.cert.Raw, cms.ErrNotCMS},
		{"enveloped data", build(func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				pki.AddOID(b, pki.OIDEnvelopedData)
				addAll(b, tagged(0, true), []byte{0x30, 0})
			})
		}), cms.ErrNotSignedData},
		{"trailing garbage", append(slices.Clone(good), "garbage"...), cms.ErrFormat},
		{"trailing zero", append(slices.Clone(good), 0), cms.ErrFormat},
		{"cut short", good[:len(good)-1], cms.ErrFormat},
		{"six megabytes of open elements", bytes.Repeat([]byte{0x30, 0x80}, 3<<20), cms.ErrFormat},
		{"400 KB of nested DER", nestedDER(100_000), cms.ErrFormat},
		{"too many signers", many.der(), cms.ErrFormat},
		{"too many certificates", crowded.der(), cms.ErrFormat},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			start := time.Now()
			sd, err := cms.Parse(tc.data, cms.Limits{})
			if !errors.Is(err, tc.want) || sd != nil {
				t.Errorf("Parse = %v, %v, want %v", sd, err, tc.want)
			}
			if d := time.Since(start); d > 500*time.Millisecond {
				t.Errorf("took %v", d)
			}
		})
	}
	t.Run("too many bytes", func(t *testing.T) {
		if _, err := cms.Parse(good, cms.Limits{Bytes: len(good) - 1}); !errors.Is(err, cms.ErrFormat) {
			t.Error(err)
		}
	})
}

// nestedDER is n SEQUENCEs one inside the other, in definite lengths.
func nestedDER(n int) []byte {
	var reversed []byte
	for range n {
		length := len(reversed)
		switch {
		case length < 0x80:
			reversed = append(reversed, byte(length))
		case length < 1<<8:
			reversed = append(reversed, byte(length), 0x81)
		case length < 1<<16:
			reversed = append(reversed, byte(length), byte(length>>8), 0x82)
		default:
			reversed = append(reversed, byte(length), byte(length>>8), byte(length>>16), 0x83)
		}
		reversed = append(reversed, 0x30)
	}
	slices.Reverse(reversed)
	return reversed
}

// Ensure that a defect's sentence names its rule.
func TestAttributeErrorCites(t *testing.T) {
	p := newParty(t, "RSA")
	m := honest(t, p, content)
	m.contentType = pki.OIDTSTInfo
	if c := check(t, m.der(), nil); c.Attributes == nil || !strings.Contains(c.Attributes.Error(), "RFC 5652 §11.1") {
		t.Errorf("%v", c.Attributes)
	}
}
