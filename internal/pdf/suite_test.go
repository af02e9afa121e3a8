// SPDX-License-Identifier: Apache-2.0

package pdf_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rastau/internal/cms"
	"rastau/internal/pdf"
)

// suites returns the folder of conformance data or skips.
func suites(t *testing.T, name string) string {
	root := os.Getenv("RASTAU_SUITES")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "suites")
	}
	dir := filepath.Join(root, name)
	if _, err := os.Stat(filepath.Join(dir, "manifest.json")); err != nil {
		if os.Getenv("RASTAU_SUITES_REQUIRED") == "1" {
			t.Fatalf("the suite %s is required: %v", name, err)
		}
		t.Skipf("the suite %s is not there; set RASTAU_SUITES to its folder", name)
	}
	return dir
}

type suiteCase struct {
	ID, File, Expect, Class, Reason string
	Acceptable                      []string
	Disputed, Optional              any
}

func manifest(t *testing.T, dir string) []suiteCase {
	raw, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []suiteCase
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) == 0 {
		t.Fatal("the suite is empty")
	}
	return cases
}

// judge says what bytes and mathematics together say: "valid" where every signature is whole, exact and unchanged since.
func judge(data []byte) (string, string) {
	d, err := pdf.Open(data, pdf.Limits{})
	if err != nil {
		return "invalid", "open: " + err.Error()
	}
	sigs := d.Signatures()
	if len(sigs) == 0 {
		return "no-signature", ""
	}
	for _, s := range sigs {
		if s.Problem != nil {
			return "invalid", s.Field + ": " + s.Problem.Error()
		}
		for _, c := range s.Changes {
			if !c.Justified {
				return "invalid", s.Field + ": " + c.Kind + ": " + c.Detail
			}
		}
	}
	for _, s := range sigs {
		if why := intact(d, s); why != "" {
			return "invalid", "mathematics: " + s.Field + ": " + why
		}
	}
	return "valid", ""
}

func intact(d *pdf.Document, s pdf.Signature) string {
	if s.SubFilter == "adbe.x509.rsa_sha1" || s.IsTimestamp() || s.SubFilter == "adbe.pkcs7.sha1" {
		return ""
	}
	sd, err := cms.Parse(s.Contents, cms.Limits{})
	if err != nil {
		return err.Error()
	}
	digests, err := cms.DigestContent(d.Signed(s), sd.NeededDigests())
	if err != nil {
		return err.Error()
	}
	for _, g := range sd.Signers {
		cert := sd.SignerCertificate(g, nil)
		if cert == nil {
			return "no certificate"
		}
		if ok := sd.Verify(g, cert, digests).Intact(); ok == nil || !*ok {
			return fmt.Sprintf("not intact: %+v", sd.Verify(g, cert, digests))
		}
	}
	return ""
}

// argued are the files of others whose updates are refused although their makers call them valid.
var argued = map[string]string{
	"DSS-PAdESWithVRITimeTest":                  "a value is changed from TEST2 to TEST20 after a signature whose field locks all fields",
	"DSS-PAdESLevelBWithAnnotAddedTest":         "an unsigned note is written onto the page, and no certification allows notes",
	"DSS-PAdESWithOCSPInvalidArchiveCutOffTest": "a mark is put onto a scanned page: that it covers nothing cannot be told without decoding the pictures",
}

// Every file of both suites is read in bounded time, no attack passes, and no honest update is refused but for the argued
// ones. What is wrong in a CMS is not this package's to see.
func TestSuites(t *testing.T) {
	for name, least := range map[string]int{"pdf-attacks": 44, "pades": 68} {
		t.Run(name, func(t *testing.T) {
			dir := suites(t, name)
			good, all := 0, 0
			for _, c := range manifest(t, dir) {
				data, err := os.ReadFile(filepath.Join(dir, c.File))
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				got, why := judge(data)
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("%s took %v", c.ID, took)
				}
				all++
				ok := got == c.Expect || c.Expect == "invalid" && got == "no-signature"
				for _, a := range c.Acceptable {
					ok = ok || a == got
				}
				if ok {
					good++
					continue
				}
				t.Logf("%s (%s): %s, expected %s: %s", c.ID, c.File, got, c.Expect, why)
				if got == "valid" && name == "pdf-attacks" {
					t.Errorf("%s: wrongly accepted (%s)", c.ID, c.Reason)
				}
				if c.Expect == "valid" && !strings.HasPrefix(why, "mathematics") && argued[c.ID] == "" {
					t.Errorf("%s: wrongly refused: %s", c.ID, why)
				}
			}
			t.Logf("%s: %d of %d", name, good, all)
			if good < least {
				t.Errorf("%s: %d of %d, it has been %d", name, good, all, least)
			}
		})
	}
}
