// SPDX-License-Identifier: Apache-2.0

package pki_test

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"

	"rastau/internal/pki"
)

func TestCertificateFields(t *testing.T) {
	u, _ := url.Parse("http://example.test/person")
	c := parsed(t, made(t, key("P-256"), person(t), func(x *x509.Certificate) {
		x.IsCA, x.MaxPathLen, x.KeyUsage = true, 3, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
		x.SubjectKeyId = []byte{1, 2, 3, 4}
		x.AuthorityKeyId = []byte{5, 6}
		x.EmailAddresses, x.DNSNames, x.URIs = []string{"a@example.test"}, []string{"example.test"}, []*url.URL{u}
		x.IPAddresses = []net.IP{net.IPv4(192, 0, 2, 1).To4()}
		x.OCSPServer = []string{"http://ocsp.test/", "http://ocsp.test/"}
		x.IssuingCertificateURL = []string{"http://ca.test/ca.cer"}
		x.CRLDistributionPoints = []string{"http://crl.test/a.crl", "http://crl.test/b.crl"}
		policy, _ := x509.ParseOID("1.2.398.3.3.2")
		x.Policies = []x509.OID{policy}
		x.PermittedDNSDomains, x.PermittedDNSDomainsCritical = []string{"example.test"}, true
		x.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}
		x.ExtraExtensions = []pkix.Extension{
			{Id: pki.OIDInhibitAnyPolicy.ASN1(), Critical: true, Value: []byte{2, 1, 4}},
			{Id: pki.OIDPolicyConstraints.ASN1(), Critical: true, Value: []byte{0x30, 3, 0x80, 1, 2}},
			{Id: pki.OIDOCSPNoCheck.ASN1(), Value: []byte{5, 0}},
			{Id: pki.OIDNoRevAvail.ASN1(), Value: []byte{5, 0}},
			{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte("?")},
			{Id: asn1.ObjectIdentifier{1, 2, 3, 5}, Value: []byte("?")},
		}
	}))
	check := func(name string, ok bool) {
		t.Helper()
		if !ok {
			t.Errorf("%s", name)
		}
	}
	check("version", c.Version == 3)
	check("serial", c.Serial.Int64() == 77 && c.SerialHex() == "4d")
	check("basic constraints", c.BasicConstraints != nil && c.BasicConstraints.CA && c.BasicConstraints.PathLen == 3)
	check("key usage", c.HasKeyUsage && c.KeyUsage == pki.CertSign|pki.CRLSign)
	check("key identifiers", bytes.Equal(c.SubjectKeyID, []byte{1, 2, 3, 4}))
	check("alternative names", len(c.SubjectAltNames) == 4 && c.SubjectAltNames[0].Tag == pki.DNSName)
	check("responders once", len(c.OCSPServers) == 1 && c.CAIssuers[0] == "http://ca.test/ca.cer")
	check("distribution points", len(c.DistributionPoints) == 2 && c.DistributionPoints[1].FullNames[0].Text == "http://crl.test/b.crl")
	check("policies", len(c.Policies) == 1 && c.Policies[0].OID == "1.2.398.3.3.2")
	check("policy constraints", c.PolicyConstraints.RequireExplicit == 2 && c.PolicyConstraints.InhibitMapping == -1)
	check("inhibit any policy", c.InhibitAnyPolicy == 4)
	check("name constraints", c.NameConstraints.Permitted[0].Base.Text == "example.test")
	check("no revocation", c.NoRevAvail && c.OCSPNoCheck)
	check("unknown critical", len(c.UnknownCritical) == 1 && c.UnknownCritical[0] == "1.2.3.4")
	check("extension", c.Extension("1.2.3.5") != nil && c.Extension("1.2.3.6") == nil)
	check("self-issued", c.SelfIssued() && c.CheckSignatureFrom(&c.PublicKey) == nil)
	check("fingerprint", len(c.SHA256Hex()) == 64)

	plain := parsed(t, made(t, key("P-256"), person(t), nil))
	check("absent", plain.InhibitAnyPolicy == -1 && plain.PolicyConstraints == nil && plain.NameConstraints == nil && plain.ExtKeyUsage == nil)
}

// TestOddExtensions reads what real issuers wrote against the letter of the standard, and harmlessly.
func TestOddExtensions(t *testing.T) {
	with := func(id pki.OID, value string) *pki.Certificate {
		return parsed(t, made(t, key("P-256"), person(t), func(x *x509.Certificate) {
			x.ExtraExtensions = []pkix.Extension{{Id: id.ASN1(), Value: []byte(value)}}
		}))
	}
	if c := with(pki.OIDOCSPNoCheck, ""); !c.OCSPNoCheck {
		t.Error("no-check without a value")
	}
	if c := with(pki.OIDSubjectAltName, "\x30\x00"); c.SubjectAltNames != nil {
		t.Error("alternative names of nobody")
	}
	c := with(pki.OIDCertificatePolicies, "\x30\x81\x07\x30\x81\x04\x06\x02\x2a\x03")
	if len(c.Policies) != 1 || c.Policies[0].OID != "1.2.3" || len(c.Extension(pki.OIDCertificatePolicies).Value) != 10 {
		t.Errorf("policies in BER: %v", c.Policies)
	}
	ragged := bytes.Clone(c.Raw)
	ragged[len(ragged)-len(c.Signature)-1] = 1 // the unused-bits octet of the signature
	if c := parsed(t, ragged); !errors.Is(c.CheckSignatureFrom(&c.PublicKey), pki.ErrSignature) {
		t.Error("a signature of no whole octets")
	}
}

func TestSerialNumbers(t *testing.T) {
	for name, contents := range map[string][]byte{
		"zero": {0}, "negative": {0xff}, "padded": {0, 0, 5}, "twenty octets": bytes.Repeat([]byte{0x7f}, 20), "forty octets": bytes.Repeat([]byte{0x11}, 40),
	} {
		t.Run(name, func(t *testing.T) {
			der := made(t, key("P-256"), person(t), nil)
			changed := resized(t, der, []byte{2, 1, 77}, append([]byte{2, byte(len(contents))}, contents...))
			c := parsed(t, changed)
			if !bytes.Equal(c.SerialBytes, contents) {
				t.Errorf("%x", c.SerialBytes)
			}
			want := map[string]int64{"zero": 0, "negative": -1, "padded": 5}
			if w, ok := want[name]; ok && c.Serial.Cmp(big.NewInt(w)) != 0 {
				t.Errorf("%v", c.Serial)
			}
		})
	}
}

// resized replaces the first occurrence of old in the body of a certificate and mends the lengths around it.
func resized(t testing.TB, der, old, new []byte) []byte {
	t.Helper()
	var cert struct {
		TBS, Alg asn1.RawValue
		Sig      asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &cert); err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(cert.TBS.Bytes, old)
	if at < 0 {
		t.Fatalf("%x is not in the certificate", old)
	}
	body := append(append(bytes.Clone(cert.TBS.Bytes[:at]), new...), cert.TBS.Bytes[at+len(old):]...)
	cert.TBS = asn1.RawValue{Tag: 16, IsCompound: true, Bytes: body}
	out, err := asn1.Marshal(cert)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestMalformedCertificates(t *testing.T) {
	der := made(t, key("P-256"), person(t), nil)
	extension := func(id asn1.ObjectIdentifier, value []byte) func() []byte {
		return func() []byte {
			return made(t, key("P-256"), person(t), func(x *x509.Certificate) {
				x.ExtraExtensions = []pkix.Extension{{Id: id, Value: value}}
			})
		}
	}
	for name, make := range map[string]func() []byte{
		"empty":         func() []byte { return nil },
		"trailing byte": func() []byte { return append(bytes.Clone(der), 0) },
		"cut":           func() []byte { return der[:len(der)-1] },
		"too large":     func() []byte { return append(bytes.Clone(der), make([]byte, pki.MaxCertificate)...) },
		"long length":   func() []byte { return append([]byte{0x30, 0x83, 0, der[2], der[3]}, der[4:]...) },
		"indefinite":    func() []byte { return append(append([]byte{0x30, 0x80}, der[4:]...), 0, 0) },
		"version 4":     func() []byte { return resized(t, der, []byte{0xa0, 3, 2, 1, 2}, []byte{0xa0, 3, 2, 1, 3}) },
		"version 1 with extensions": func() []byte {
			return resized(t, der, []byte{0xa0, 3, 2, 1, 2}, []byte{0xa0, 3, 2, 1, 0})
		},
		"serial without octets":                 func() []byte { return resized(t, der, []byte{2, 1, 77}, []byte{2, 0}) },
		"time with an offset":                   func() []byte { return resized(t, der, []byte("250501120000Z"), []byte("2505011200+00")) },
		"month 13":                              func() []byte { return resized(t, der, []byte("250501120000Z"), []byte("251301120000Z")) },
		"30 February":                           func() []byte { return resized(t, der, []byte("250501120000Z"), []byte("250230120000Z")) },
		"second 60":                             func() []byte { return resized(t, der, []byte("250501120000Z"), []byte("250501120060Z")) },
		"bad UTF-8 in the name":                 func() []byte { return resized(t, der, []byte("ҮЛГІЛІ "), []byte("\xff\xfeЛГІЛІ ")) },
		"basic constraints that are an integer": extension(pki.OIDBasicConstraints.ASN1(), []byte{2, 1, 1}),
		"key usage with stray bits":             extension(pki.OIDKeyUsage.ASN1(), []byte{3, 2, 5, 0xff}),
		"empty purposes":                        extension(pki.OIDExtKeyUsage.ASN1(), []byte{0x30, 0}),
		"empty policy constraints":              extension(pki.OIDPolicyConstraints.ASN1(), []byte{0x30, 0}),
		"empty name constraints":                extension(pki.OIDNameConstraints.ASN1(), []byte{0x30, 0}),
		"negative inhibit any policy":           extension(pki.OIDInhibitAnyPolicy.ASN1(), []byte{2, 1, 0xff}),
		"no-check that is no NULL":              extension(pki.OIDOCSPNoCheck.ASN1(), []byte{2, 1, 0}),
		"a subtree with a minimum": extension(pki.OIDNameConstraints.ASN1(),
			[]byte{0x30, 10, 0xa0, 8, 0x30, 6, 0x82, 1, 'a', 0x80, 1, 1}),
		"reasons without a bit": extension(pki.OIDCRLDistributionPoints.ASN1(), []byte{0x30, 5, 0x30, 3, 0x81, 1, 0}),
		"an extension twice": func() []byte {
			return made(t, key("P-256"), person(t), func(x *x509.Certificate) {
				e := pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3}, Value: []byte{5, 0}}
				x.ExtraExtensions = []pkix.Extension{e, e}
			})
		},
		"65 extensions": func() []byte {
			return made(t, key("P-256"), person(t), func(x *x509.Certificate) {
				for i := range 65 {
					x.ExtraExtensions = append(x.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3, i}, Value: []byte{5, 0}})
				}
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			if c, err := pki.ParseCertificate(make()); !errors.Is(err, pki.ErrMalformed) || c != nil {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestReadCertificates(t *testing.T) {
	one, two := made(t, key("P-256"), person(t), nil), made(t, key("Ed25519"), person(t), nil)
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	for _, test := range []struct {
		name string
		in   string
		want int // -1: an error
	}{
		{"DER", string(one), 1},
		{"PEM", block("CERTIFICATE", one), 1},
		{"two in PEM with text between", "subject=…\n" + block("CERTIFICATE", one) + "\nissuer\r\n" + block("X509 CERTIFICATE", two), 2},
		{"a key beside", block("PRIVATE KEY", []byte{1}) + block("CERTIFICATE", one), 1},
		{"base64", base64.StdEncoding.EncodeToString(one), 1},
		{"base64 in lines with a mark", "\xef\xbb\xbf" + strings.Join(strings.SplitAfter(base64.StdEncoding.EncodeToString(one), "A"), "\r\n"), 1},
		{"PEM with a mark", "\xef\xbb\xbf" + block("CERTIFICATE", one), 1},
		{"nothing", "", -1},
		{"text", "no certificate here", -1},
		{"a key alone", block("PRIVATE KEY", []byte{1}), -1},
		{"a broken block is not lost", block("CERTIFICATE", one) + "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n", -1},
		{"a block of something else", block("CERTIFICATE", one) + block("CERTIFICATE", []byte("x")), -1},
		{"DER with a byte behind", string(one) + "\n", -1},
		{"too much", strings.Repeat(" ", pki.MaxBundle+1), -1},
	} {
		t.Run(test.name, func(t *testing.T) {
			list, err := pki.ReadCertificates([]byte(test.in))
			if test.want < 0 {
				if !errors.Is(err, pki.ErrMalformed) {
					t.Errorf("%d certificates, %v", len(list), err)
				}
			} else if err != nil || len(list) != test.want {
				t.Errorf("%d certificates, %v", len(list), err)
			}
		})
	}
}

func TestReadTime(t *testing.T) {
	for in, want := range map[string]string{
		"\x17\x0d500101000000Z":     "1950-01-01T00:00:00Z",
		"\x17\x0d491231235959Z":     "2049-12-31T23:59:59Z",
		"\x18\x0f20500101000000Z":   "2050-01-01T00:00:00Z",
		"\x18\x0f99991231235959Z":   "9999-12-31T23:59:59Z",
		"\x18\x1120500101000000.5Z": "", "\x17\x0b5001010000Z": "", "\x18\x0d500101000000Z": "", "\x0c\x0d500101000000Z": "",
		"\x17\x0d5001010000 0Z": "", "\x17\x0d500101000000z": "", "\x18\x0f+0500101000000Z": "",
	} {
		s := cryptobyte.String(in)
		got, err := pki.ReadTime(&s)
		if (err == nil) != (want != "") || (want != "" && got.Format(time.RFC3339) != want) {
			t.Errorf("%q: %v, %v, want %q", in, got, err, want)
		}
	}
}
