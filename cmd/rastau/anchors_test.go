// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// stateCertificates is the folder with the State's certificates in the conformance data.
func stateCertificates(t *testing.T) string {
	t.Helper()
	root := os.Getenv("RASTAU_SUITES")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "suites")
	}
	folder, err := filepath.Abs(filepath.Join(root, "kz", "ca"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(folder); err != nil {
		if os.Getenv("RASTAU_SUITES_REQUIRED") != "" {
			t.Fatal(err)
		}
		t.Skip("the conformance data is not here: set RASTAU_SUITES to its folder")
	}
	return folder
}

// What has the pinned digest is stored, the contours are kept apart, and the stored folder checks.
func TestAnchorsFromAFolder(t *testing.T) {
	from, dir := stateCertificates(t), t.TempDir()
	code, out, problems := call(t, "anchors", "fetch", "--dir", dir, "--from", from)
	if code != 0 || strings.Contains(out, "test") {
		t.Fatalf("exit %d\n%s%s", code, out, problems)
	}
	roots, err := filepath.Glob(filepath.Join(dir, "roots", "*.cer"))
	if err != nil || len(roots) != 5 {
		t.Errorf("%d roots stored, want the five of the production contour: %v", len(roots), err)
	}
	if code, out, problems := call(t, "anchors", "check", dir); code != 0 {
		t.Errorf("check of what was stored: exit %d\n%s%s", code, out, problems)
	}
	if code, _, problems := call(t, "anchors", "check", "--contour", "test", dir); code != 1 || !strings.Contains(problems, "REFUSED") {
		t.Errorf("production certificates pass as the test contour: exit %d\n%s", code, problems)
	}
	if code, _, _ := call(t, "certificate", "--offline", "--revocation", "none", "--at", "2023-01-01T00:00:00Z", "--anchors", filepath.Join(dir, "roots"), filepath.Join(dir, "certificates", "nca_rsa_2022.cer")); code != 0 {
		t.Errorf("the national authority's RSA certificate does not lead to its root: exit %d", code)
	}
}

// Another certificate under an authority's name is refused loudly and not stored.
func TestAnchorMismatchIsRefused(t *testing.T) {
	from, dir := t.TempDir(), t.TempDir()
	other, err := os.ReadFile("../../testdata/session/root.pem")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(from, "root_rsa.pem"), other, 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, problems := call(t, "anchors", "fetch", "--dir", dir, "--from", from)
	if code != 1 || !strings.Contains(problems, "REFUSED root_rsa.cer") || strings.Contains(out, "stored") {
		t.Errorf("exit %d\n%s%s", code, out, problems)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*", "*")); len(left) != 0 {
		t.Errorf("stored: %v", left)
	}
}

// Nobody's production rests on keys that everybody has.
func TestProductionRefusesTheTestContour(t *testing.T) {
	anchors, err := readAnchors("anchors", []string{filepath.Join(stateCertificates(t), "root_test_gost_2022.cer")})
	if err != nil {
		t.Fatal(err)
	}
	if err := refuseTestContour(&Config{}, anchors); err == nil || !strings.Contains(err.Error(), "testContour") {
		t.Errorf("got %v", err)
	}
	if err := refuseTestContour(&Config{TestContour: true}, anchors); err != nil {
		t.Errorf("asked for, yet: %v", err)
	}
}
