// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzConfig reads any bytes as a configuration: a mistake is an error with a sentence, never a panic.
func FuzzConfig(f *testing.F) {
	page, err := os.ReadFile("../../docs/CONFIG.md")
	if err != nil {
		f.Fatal(err)
	}
	seeds := 0
	for _, b := range blocks(string(page)) {
		if b.kind == "yaml" {
			f.Add([]byte(b.text))
			seeds++
		}
	}
	if seeds == 0 {
		f.Fatal("docs/CONFIG.md shows no configuration to start from")
	}
	f.Add([]byte("listen: [\n"))
	f.Add([]byte("accounts: &a [*a]\n"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		name := filepath.Join(dir, "config.yaml")
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := loadConfig(name)
		if (c == nil) == (err == nil) {
			t.Errorf("got %v and %v", c, err)
		}
		if err != nil && err.Error() == "" {
			t.Error("a mistake without a sentence")
		}
	})
}
