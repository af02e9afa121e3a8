// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rastau/internal/phrase"
)

const root = "../.."

func TestPagesAreFresh(t *testing.T) {
	pages, err := render(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range pages {
		have, err := os.ReadFile(filepath.Join(root, "docs", name))
		if err != nil {
			t.Fatal(err)
		}
		if string(have) != want {
			t.Errorf("docs/%s is stale: run `make docs`", name)
		}
	}
}

// Every sentence that the verifier can utter stands in the table, with an outcome and, where it decides, a sub-indication; and
// every finding of the catalogue about a document or a certificate is one that can be uttered.
func TestNoSentenceIsLeftOut(t *testing.T) {
	dir := filepath.Join(root, "verifier")
	c, err := readChecks(dir)
	if err != nil {
		t.Fatal(err)
	}
	all, err := sentences(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 100 {
		t.Fatalf("only %d sentences found", len(all))
	}
	for _, s := range all {
		if strings.HasSuffix(s, ".") {
			continue // a prefix, completed at run time
		}
		if !phrase.Has(s) {
			t.Errorf("%s is not in the catalogue", s)
		}
		if !slices.ContainsFunc(c.sayings, func(x saying) bool { return x.sentence == s }) {
			t.Errorf("%s is uttered in a way that the table does not understand", s)
		}
	}
	for _, s := range c.sayings {
		if s.outcome == "" || (s.outcome == "fail" || s.outcome == "unknown") && (s.sub == "" || s.sub == "*") {
			t.Errorf("%s: outcome %q, sub-indication %q", s.sentence, s.outcome, s.sub)
		}
	}
}

// The keys of the checks are a contract; those that other programs ask for are there.
func TestKeysOfTheContract(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs", "CHECKS.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"document.format", "document.signature", "signature.content", "signature.digest", "signature.value",
		"signature.certificate", "signature.algorithm", "cert.path", "cert.validity", "cert.revocation", "cert.purpose", "cert.policy", "holder.iin", "holder.bin"} {
		if !strings.Contains(string(page), "\n## "+key+"\n") {
			t.Errorf("%s is missing", key)
		}
	}
}
