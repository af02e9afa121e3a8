// SPDX-License-Identifier: Apache-2.0

package cms_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/digitorus/pkcs7"

	"rastau/internal/cms"
	"rastau/internal/pki"
)

// openssl runs the binary in dir, bounded in time.
func openssl(t *testing.T, dir string, args ...string) ([]byte, error) {
	t.Helper()
	bin, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("RASTAU_SUITES_REQUIRED") == "1" {
			t.Fatal("openssl is required")
		}
		t.Skip("openssl is not installed")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, bin, args...)
	cmd.Dir = dir
	return cmd.CombinedOutput()
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func pemOf(label string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})
}

var signings = []struct {
	name, key string
	o         cms.SignOptions
}{
	{"RSA", "RSA", cms.SignOptions{Content: content}},
	{"RSA with a claimed time", "RSA", cms.SignOptions{Content: content, SigningTime: notBefore.AddDate(0, 8, 0)}},
	{"RSA with SHA-512", "RSA", cms.SignOptions{Content: content, Hash: crypto.SHA512}},
	{"RSA, detached", "RSA", cms.SignOptions{Content: content, Detached: true}},
	{"RSA, by digest", "RSA", cms.SignOptions{Digest: sum(crypto.SHA256, content)}},
	{"P-256", "P256", cms.SignOptions{Content: content}},
	{"P-384 with SHA-384", "P384", cms.SignOptions{Content: content, Hash: crypto.SHA384}},
	{"P-521 with SHA-512, detached", "P521", cms.SignOptions{Content: content, Hash: crypto.SHA512, Detached: true}},
	{"Ed25519", "Ed25519", cms.SignOptions{Content: content}},
	{"another content type", "RSA", cms.SignOptions{Content: content, ContentType: pki.OIDTSTInfo}},
	{"no content at all", "P256", cms.SignOptions{Content: []byte{}}},
}

// Ensure that what Sign writes is intact to us, to OpenSSL and to digitorus/pkcs7.
func TestSignIsReadByOthers(t *testing.T) {
	for _, tc := range signings {
		t.Run(tc.name, func(t *testing.T) {
			p := newParty(t, tc.key)
			o := tc.o
			o.Key, o.Certificate = p.key, p.cert
			der, err := cms.Sign(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			sd := mustParse(t, der)
			d, err := cms.DigestContent(bytes.NewReader(content), sd.NeededDigests())
			if err != nil {
				t.Fatal(err)
			}
			s := sd.Signers[0]
			if c := sd.Verify(s, sd.SignerCertificate(s, nil), d); (c != cms.Check{}) {
				t.Errorf("Verify: %+v", c)
			}
			if e := s.ESS(); !e.Valid || !e.V2 || e.Digest != pki.OIDSHA256 {
				t.Errorf("ESS: %+v", e)
			}
			at, claimed := s.SigningTime()
			if claimed == o.SigningTime.IsZero() || claimed && !at.Equal(o.SigningTime) {
				t.Errorf("SigningTime: %v, %v, want %v", at, claimed, o.SigningTime)
			}
			if sd.Detached != (o.Detached || o.Digest != nil) {
				t.Errorf("Detached = %v", sd.Detached)
			}
			t.Run("openssl", func(t *testing.T) { opensslVerifies(t, p, der, sd) })
			t.Run("digitorus", func(t *testing.T) { digitorusVerifies(t, p, der, sd) })
		})
	}
}

func opensslVerifies(t *testing.T, p party, der []byte, sd *cms.SignedData) {
	if p.cert.PublicKey.Algorithm.OID == pki.OIDEd25519 {
		t.Skip("OpenSSL 3.0 hands the digest of the attributes to Ed25519 and stops with \"invalid digest\"")
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "m.der"), der)
	write(t, filepath.Join(dir, "ca.pem"), pemOf("CERTIFICATE", p.cert.Raw))
	write(t, filepath.Join(dir, "content"), content)
	args := []string{"cms", "-verify", "-binary", "-inform", "DER", "-in", "m.der", "-CAfile", "ca.pem",
		"-purpose", "any", "-attime", "1790000000", "-out", "out", "-cades"}
	if sd.Detached {
		args = append(args, "-content", "content")
	}
	if out, err := openssl(t, dir, args...); err != nil {
		t.Errorf("openssl: %v\n%s", err, out)
	}
}

func digitorusVerifies(t *testing.T, p party, der []byte, sd *cms.SignedData) {
	p7, err := pkcs7.Parse(der)
	if err != nil {
		t.Fatal(err)
	}
	if sd.Detached {
		p7.Content = content
	}
	roots := x509.NewCertPool()
	roots.AddCert(p.x509)
	if err := p7.VerifyWithChainAtTime(roots, notBefore.AddDate(0, 9, 0)); err != nil {
		t.Error(err)
	}
}

// Ensure that what OpenSSL writes is read, in every form that it writes.
func TestReadsOpenSSL(t *testing.T) {
	cases := []struct {
		name, key string
		args      []string
		want      func(sd *cms.SignedData, c cms.Check) bool
	}{
		{"DER", "RSA", []string{"-nodetach", "-outform", "DER"}, nil},
		{"streamed BER with chunks", "RSA", []string{"-nodetach", "-stream", "-outform", "DER"},
			func(sd *cms.SignedData, c cms.Check) bool { return sd.Signers[0].SignedAttrsDER }},
		{"PEM", "P256", []string{"-nodetach", "-outform", "PEM"}, nil},
		{"S/MIME, opaque", "RSA", []string{"-nodetach", "-outform", "SMIME"}, nil},
		{"S/MIME, clear-signed", "RSA", []string{"-outform", "SMIME"}, nil},
		{"detached", "RSA", []string{"-outform", "DER"}, nil},
		{"subjectKeyIdentifier", "RSA", []string{"-nodetach", "-keyid", "-outform", "DER"},
			func(sd *cms.SignedData, c cms.Check) bool { return sd.Signers[0].SubjectKeyID != nil }},
		{"no signed attributes", "P256", []string{"-nodetach", "-noattr", "-outform", "DER"},
			func(sd *cms.SignedData, c cms.Check) bool { return sd.Signers[0].SignedAttrs == nil }},
		{"RSASSA-PSS", "RSA", []string{"-nodetach", "-keyopt", "rsa_padding_mode:pss", "-outform", "DER"},
			func(sd *cms.SignedData, c cms.Check) bool {
				return sd.Signers[0].SignatureAlgorithm.OID == pki.OIDRSAPSS
			}},
		{"SHA3-512", "RSA", []string{"-nodetach", "-md", "sha3-512", "-outform", "DER"}, nil},
		{"SHA-1", "RSA", []string{"-nodetach", "-md", "sha1", "-outform", "DER"}, nil},
		{"CAdES", "RSA", []string{"-nodetach", "-cades", "-outform", "DER"},
			func(sd *cms.SignedData, c cms.Check) bool { return sd.Signers[0].ESS().Valid }},
		{"CAdES with SHA-512", "P521", []string{"-nodetach", "-cades", "-md", "sha512", "-outform", "DER"},
			func(sd *cms.SignedData, c cms.Check) bool { return sd.Signers[0].ESS().Valid }},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			p := newParty(t, tc.key)
			dir := t.TempDir()
			key, err := x509.MarshalPKCS8PrivateKey(p.key)
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, "key.pem"), pemOf("PRIVATE KEY", key))
			write(t, filepath.Join(dir, "cert.pem"), pemOf("CERTIFICATE", p.cert.Raw))
			write(t, filepath.Join(dir, "content"), content)
			if tc.name != "S/MIME, clear-signed" { // whose lines are brought to canonical form
				tc.args = append(tc.args, "-binary")
			}
			args := append([]string{"cms", "-sign", "-in", "content", "-signer", "cert.pem", "-inkey", "key.pem", "-out", "m"}, tc.args...)
			if out, err := openssl(t, dir, args...); err != nil {
				t.Fatalf("openssl: %v\n%s", err, out)
			}
			file := read(t, dir, "m")
			detached := content
			if m, ok := cms.DecodeMIME(file); ok {
				file = m.Message
				if m.Content != nil {
					detached = m.Content
				}
			}
			raw, err := cms.Decode(file)
			if err != nil {
				t.Fatal(err)
			}
			sd := mustParse(t, raw)
			d, err := cms.DigestContent(bytes.NewReader(detached), sd.NeededDigests())
			if err != nil {
				t.Fatal(err)
			}
			c := sd.Verify(sd.Signers[0], sd.SignerCertificate(sd.Signers[0], nil), d)
			if (c != cms.Check{}) || tc.want != nil && !tc.want(sd, c) {
				t.Errorf("%+v", c)
			}
			if !sd.Detached && !bytes.Equal(sd.Content, content) {
				t.Errorf("content %q", sd.Content)
			}
		})
	}
}
