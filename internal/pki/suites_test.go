// SPDX-License-Identifier: Apache-2.0

package pki_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rastau/internal/pki"
)

// suite returns the folder of a conformance suite; the test is skipped where it is absent and not required.
func suite(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("RASTAU_SUITES")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "suites")
	}
	dir := filepath.Join(root, name)
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("RASTAU_SUITES_REQUIRED") == "1" {
			t.Fatalf("the suite %s is required: %v", name, err)
		}
		t.Skipf("the suite %s is not on this machine (RASTAU_SUITES names its folder)", name)
	}
	return dir
}

func files(t testing.TB, dir string, suffixes ...string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		for _, s := range suffixes {
			if strings.HasSuffix(path, s) {
				out = append(out, path)
			}
		}
		return nil
	})
	if err != nil || len(out) == 0 {
		t.Fatalf("no files in %s: %v", dir, err)
	}
	return out
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func manifest(t testing.TB, dir string, into any) {
	t.Helper()
	if err := json.Unmarshal(read(t, filepath.Join(dir, "manifest.json")), into); err != nil {
		t.Fatal(err)
	}
}

func certificate(t testing.TB, path string) *pki.Certificate {
	t.Helper()
	list, err := pki.ReadCertificates(read(t, path))
	if err != nil {
		t.Fatalf("%s: %v", filepath.Base(path), err)
	}
	return list[0]
}
