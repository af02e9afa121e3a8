// SPDX-License-Identifier: Apache-2.0

package cms_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rastau/internal/cms"
	"rastau/internal/pki"
)

// suite is the folder of a conformance suite; the test is skipped where it is absent,
// and fails where the environment says that it must be there.
func suite(t *testing.T, name string) string {
	t.Helper()
	root := os.Getenv("RASTAU_SUITES")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "suites")
	}
	dir := filepath.Join(root, name)
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("RASTAU_SUITES_REQUIRED") == "1" {
			t.Fatalf("suite %s is required: %v", name, err)
		}
		t.Skipf("suite %s is not at hand: set RASTAU_SUITES to its folder's parent", name)
	}
	return dir
}

func manifest(t *testing.T, dir string, into any) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// waived cases are decided otherwise than the suite expects, or are another package's.
var waived = map[string]string{
	"DSS-CAdES-DSS1419Sha3RsaMgf1Test": "disputed: the hash of RSASSA-PSS differs from digestAlgorithm, refused by RFC 5652 §5.4 as every other such pair",
	"BC-ML-DSA-65":                     "optional: ML-DSA is not supported",
	"BC-ML-DSA-87":                     "optional: ML-DSA is not supported",
}

// Ensure that integrity is judged as the authors of the suite's cases judge it.
func TestSuite(t *testing.T) {
	dir := suite(t, "cms")
	var cases []struct {
		ID, File, Expect, Disputed string
		Content                    string                     `json:"detached_content"`
		Digest                     *struct{ Alg, Hex string } `json:"detached_digest"`
	}
	manifest(t, dir, &cases)
	if len(cases) == 0 {
		t.Fatal("the suite is empty")
	}
	agreed, used := 0, map[string]bool{}
	for _, c := range cases {
		var given cms.Digests
		if c.Digest != nil {
			sum, err := hex.DecodeString(c.Digest.Hex)
			if err != nil || c.Digest.Alg != "SHA-256" {
				t.Fatalf("%s: digest %v", c.ID, c.Digest)
			}
			given = cms.Digests{pki.OIDSHA256: sum}
		}
		var content []byte
		if c.Content != "" {
			content = read(t, dir, c.Content)
		}
		got, why := judge(t, read(t, dir, c.File), content, given)
		ok := got == c.Expect || c.Expect == "invalid" && got != "valid"
		if ok {
			agreed++
			continue
		}
		if reason := waived[c.ID]; reason != "" {
			used[c.ID] = true
			t.Logf("waived %s: %s, expected %s: %s", c.ID, got, c.Expect, reason)
			continue
		}
		t.Errorf("%s: %s, expected %s: %s (disputed: %q)", c.ID, got, c.Expect, why, c.Disputed)
	}
	for id := range waived {
		if !used[id] {
			t.Errorf("the waiver of %s is not needed", id)
		}
	}
	t.Logf("cms: %d of %d agree, %d waived", agreed, len(cases), len(used))
}

// judge is what a caller does with a file: valid where every signer and every
// countersigner is intact.
func judge(t *testing.T, file, content []byte, d cms.Digests) (verdict, why string) {
	t.Helper()
	if m, ok := cms.DecodeMIME(file); ok {
		file = m.Message
		if m.Content != nil {
			content = m.Content
		}
	}
	raw, err := cms.Decode(file)
	if err == nil {
		var sd *cms.SignedData
		if sd, err = cms.Parse(raw, cms.Limits{}); err == nil {
			return judgeMessage(t, sd, content, d)
		}
	}
	if errors.Is(err, cms.ErrNotSignedData) {
		return "no-signature", err.Error()
	}
	return "invalid", err.Error()
}

func judgeMessage(t *testing.T, sd *cms.SignedData, content []byte, d cms.Digests) (verdict, why string) {
	t.Helper()
	if len(sd.Signers) == 0 {
		return "no-signature", ""
	}
	if content != nil {
		var err error
		if d, err = cms.DigestContent(bytes.NewReader(content), sd.NeededDigests()); err != nil {
			t.Fatal(err)
		}
	}
	verdict = "valid"
	for _, s := range sd.Signers {
		c := sd.Verify(s, sd.SignerCertificate(s, nil), d)
		if c.Content != nil && verdict == "valid" {
			verdict = "indeterminate"
		} else if i := c.Intact(); i == nil || !*i {
			verdict, why = "invalid", describe(c)
		}
		for _, k := range s.CounterSigners() {
			c := sd.VerifyCounter(s, k, sd.SignerCertificate(k, nil))
			if i := c.Intact(); i == nil || !*i {
				verdict, why = "invalid", "countersignature: "+describe(c)
			}
		}
	}
	return verdict, why
}

func describe(c cms.Check) string {
	return errors.Join(c.Attributes, c.DER, c.Algorithm, c.Digest, c.Content, c.Value, c.Reference).Error()
}

// Ensure that messages of Kazakhstan's authority and of NCALayer are intact, and that
// the detached one is not over other content.
func TestKazakhstan(t *testing.T) {
	dir := suite(t, "kz")
	for _, tc := range []struct {
		file     string
		detached bool
		want     []string
	}{
		{"cms/cms_attached_rsa_prodchain_authcert.p7s", false, []string{"intact"}},
		{"cms/gost_attached_two_signers.p7s", false, []string{"intact", "intact"}},
		{"cms/gost_detached.p7s", true, []string{"intact", "intact"}},
		{"tsp/tsp_token.bin", false, []string{"intact"}},
	} {
		t.Run(tc.file, func(t *testing.T) {
			raw, err := cms.Decode(read(t, dir, tc.file))
			if err != nil {
				t.Fatal(err)
			}
			sd := mustParse(t, raw)
			if sd.Detached != tc.detached || len(sd.Unreadable) != 0 {
				t.Errorf("detached %v, %d unreadable", sd.Detached, len(sd.Unreadable))
			}
			d, err := cms.DigestContent(bytes.NewReader([]byte("test123")), sd.NeededDigests())
			if err != nil {
				t.Fatal(err)
			}
			other, err := cms.DigestContent(bytes.NewReader([]byte("test124")), sd.NeededDigests())
			if err != nil {
				t.Fatal(err)
			}
			for i, s := range sd.Signers {
				c := sd.Verify(s, sd.SignerCertificate(s, nil), d)
				if i >= len(tc.want) || verdict(c) != tc.want[i] {
					t.Errorf("signer %d: %s: %+v", i, verdict(c), c)
				}
				if c := sd.Verify(s, sd.SignerCertificate(s, nil), other); tc.detached && (verdict(c) != "broken" || c.Digest == nil) {
					t.Errorf("signer %d over other content: %s: %+v", i, verdict(c), c)
				}
				if _, ok := s.SigningTime(); !ok {
					t.Errorf("signer %d claims no time", i)
				}
			}
		})
	}
}

// Ensure that no file of the public fuzz corpora panics, hangs or is read for long.
func TestMalformed(t *testing.T) {
	dir := suite(t, "malformed")
	var archives []struct{ ID, File string }
	manifest(t, dir, &archives)
	total := 0
	for _, a := range archives {
		gz, err := gzip.NewReader(bytes.NewReader(read(t, dir, a.File)))
		if err != nil {
			t.Fatal(err)
		}
		for r := tar.NewReader(gz); ; {
			h, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(io.LimitReader(r, 64<<20))
			if err != nil {
				t.Fatal(err)
			}
			if h.Typeflag != tar.TypeReg {
				continue
			}
			start := time.Now()
			judge(t, data, nil, nil)
			cms.Parse(data, cms.Limits{})
			if d := time.Since(start); d > time.Second {
				t.Errorf("%s/%s took %v", a.ID, h.Name, d)
			}
			total++
		}
	}
	if total == 0 {
		t.Fatal("the archives are empty")
	}
	t.Logf("%d files", total)
}
