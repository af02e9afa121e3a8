// SPDX-License-Identifier: Apache-2.0

package gost_test

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rastau/internal/gost"
)

// suite reads one file of the recorded Kazakh data; without the data the test is skipped, or fails where they are required.
func suite(t *testing.T, name string) []byte {
	t.Helper()
	root := os.Getenv("RASTAU_SUITES")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "suites")
	}
	data, err := os.ReadFile(filepath.Join(root, "kz", name))
	if err != nil {
		if os.Getenv("RASTAU_SUITES_REQUIRED") == "1" {
			t.Fatal(err)
		}
		t.Skipf("the recorded data %q are not at hand: set RASTAU_SUITES to the folder that holds kz", name)
	}
	return data
}

// Ensure a recorded signature verifies, and that its private key gives its public one.
func TestRecordedVectors(t *testing.T) {
	v := make(map[string][]byte)
	for line := range strings.Lines(string(suite(t, "vectors/test_gost512.vectors"))) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			switch name {
			case "msg":
				v[name] = []byte(value)
			case "sigalg_oid":
			default:
				v[name] = unhex(value)
			}
		}
	}
	c := gost.TC26512A()
	digest := gost.SumStreebog512(v["msg"])
	if !bytes.Equal(digest[:], v["digest"]) {
		t.Errorf("digest %x", digest)
	}
	k, err := gost.NewPrivateKeyBigEndian(c, v["d"]) // the file writes numbers as one reads them
	if err != nil {
		t.Fatal(err)
	}
	x, y := slices.Clone(v["qx"]), slices.Clone(v["qy"])
	slices.Reverse(x)
	slices.Reverse(y)
	pub, err := gost.NewPublicKey(c, append(x, y...))
	if err != nil {
		t.Fatal(err)
	}
	if !pub.Equal(k.Public()) || !bytes.HasSuffix(v["spki"], pub.Bytes()) {
		t.Error("the private key's public key is another")
	}
	if !gost.Verify(pub, digest[:], v["sig"]) {
		t.Error("the signature does not verify")
	}
	tbs := gost.SumStreebog512(v["cert_tbs"])
	if !gost.Verify(pub, tbs[:], v["cert_sig"]) {
		t.Error("the certificate's signature does not verify")
	}
	if gost.Verify(pub, tbs[:], v["sig"]) {
		t.Error("a signature verifies for another digest")
	}
}

// certificate is as much of an X.509 certificate as its signature needs.
type certificate struct {
	TBS       tbsCertificate
	Algorithm pkix.AlgorithmIdentifier
	Signature asn1.BitString
}

type tbsCertificate struct {
	Raw                        asn1.RawContent
	Version                    int `asn1:"optional,explicit,tag:0"`
	Serial                     asn1.RawValue
	Algorithm, Issuer          asn1.RawValue
	Validity, Subject          asn1.RawValue
	Key                        subjectPublicKeyInfo
	IssuerUniqueID, SubjUnique asn1.BitString `asn1:"optional"`
	Extensions                 asn1.RawValue  `asn1:"optional,explicit,tag:3"`
}

type subjectPublicKeyInfo struct {
	Algorithm pkix.AlgorithmIdentifier
	Key       asn1.BitString
}

func parseCertificate(t testing.TB, data []byte) (c certificate) {
	t.Helper()
	if block, _ := pem.Decode(data); block != nil {
		data = block.Bytes
	}
	if _, err := asn1.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// publicKey reads the key of a certificate on curve.
func (c *certificate) publicKey(t testing.TB, curve *gost.Curve) *gost.PublicKey {
	t.Helper()
	var octets []byte
	if _, err := asn1.Unmarshal(c.TBS.Key.Key.Bytes, &octets); err != nil {
		t.Fatal(err)
	}
	k, err := gost.NewPublicKey(curve, octets)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Ensure the State's certificates verify under their issuers' keys, and under no other.
func TestStateCertificates(t *testing.T) {
	old := func(b []byte) []byte { d := gost.Sum34311(b); return d[:] }
	now := func(b []byte) []byte { d := gost.SumStreebog512(b); return d[:] }
	for _, c := range []struct {
		name, issuer string
		curve        *gost.Curve
		sum          func([]byte) []byte
	}{
		{"certs/test_gost512.cer.pem", "certs/test_gost512.cer.pem", gost.TC26512A(), now},
		{"ca/root_gost_2022.pem", "ca/root_gost_2022.pem", gost.TC26512A(), now},
		{"ca/nca_gost_2022.pem", "ca/root_gost_2022.pem", gost.TC26512A(), now},
		{"ca/root_test_gost_2022.cer", "ca/root_test_gost_2022.cer", gost.TC26512A(), now},
		{"ca/nca_gost2022_test.cer", "ca/root_test_gost_2022.cer", gost.TC26512A(), now},
		{"ca/root_gost.pem", "ca/root_gost.pem", gost.CryptoProA(), old},
		{"ca/root_gost_2020.cer", "ca/root_gost_2020.cer", gost.CryptoProA(), old},
		{"ca/nca_gost.pem", "ca/root_gost.pem", gost.CryptoProA(), old},
		{"ca/ucgo_gost.cer", "ca/root_gost_2020.cer", gost.CryptoProA(), old},
		{"ca/btsd_gost.cer", "ca/root_gost_2020.cer", gost.CryptoProA(), old},
		{"certs/ceo_valid_sign_2004_gost.cer", "ca/nca_gost_test.crt", gost.CryptoProA(), old},
	} {
		t.Run(c.name, func(t *testing.T) {
			subject, issuer := parseCertificate(t, suite(t, c.name)), parseCertificate(t, suite(t, c.issuer))
			digest := c.sum(subject.TBS.Raw)
			key := issuer.publicKey(t, c.curve)
			if !gost.Verify(key, digest, subject.Signature.Bytes) {
				t.Error("the signature does not verify")
			}
			if wrong := subject.publicKey(t, c.curve); !wrong.Equal(key) && gost.Verify(wrong, digest, subject.Signature.Bytes) {
				t.Error("the signature verifies under the subject's own key")
			}
			digest[5] ^= 1
			if gost.Verify(key, digest, subject.Signature.Bytes) {
				t.Error("the signature verifies for another digest")
			}
		})
	}
	// The roots of 2015 and 2020 share their name: only the key tells them apart.
	t.Run("wrong root of the same name", func(t *testing.T) {
		subject, root := parseCertificate(t, suite(t, "ca/ucgo_gost.cer")), parseCertificate(t, suite(t, "ca/root_gost.pem"))
		if gost.Verify(root.publicKey(t, gost.CryptoProA()), old(subject.TBS.Raw), subject.Signature.Bytes) {
			t.Error("it verifies")
		}
	})
}
