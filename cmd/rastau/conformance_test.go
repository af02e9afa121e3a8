// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rastau/internal/conformance"
)

// TestConformance runs every suite and holds the numbers of docs/CONFORMANCE.md.
func TestConformance(t *testing.T) {
	dir := os.Getenv("RASTAU_SUITES")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "suites")
	}
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("RASTAU_SUITES_REQUIRED") == "1" {
			t.Fatalf("the suites are required and not there: %v", err)
		}
		t.Skip("the suites are not on this machine: set RASTAU_SUITES to the folder that holds them")
	}
	// At most so many cases may be waived, and each suite must hold at least so many cases.
	bounds := map[string]struct{ waivers, cases int }{
		"pkits": {0, 249}, "crl": {1, 66}, "ocsp": {4, 85}, "limbo": {10, 73}, "cms": {0, 60}, "pades": {5, 77}, "pdf-attacks": {0, 44}, "wycheproof": {0, 3000}, "malformed": {0, 4000},
	}
	var results []*conformance.Result
	for _, name := range conformance.Suites {
		r, err := conformance.Run(t.Context(), dir, name, ownCommand)
		if err != nil {
			t.Fatal(err)
		}
		b := bounds[name]
		if len(r.Waived) > b.waivers || r.Cases < b.cases || r.WrongAccepts > 0 {
			t.Errorf("%s: %d cases, %d waived, %d wrongly accepted", name, r.Cases, len(r.Waived), r.WrongAccepts)
		}
		for _, f := range r.Failures {
			t.Errorf("%s: %s", name, f)
		}
		results = append(results, r)
	}
	var now bytes.Buffer
	conformance.Markdown(&now, results)
	page, err := os.ReadFile("../../docs/CONFORMANCE.md")
	if err != nil {
		t.Fatal(err)
	}
	if _, kept, _ := strings.Cut(string(page), "<!-- results -->\n"); kept != now.String() {
		t.Errorf("docs/CONFORMANCE.md is stale: run `make docs`; now it is\n%s", now.String())
	}
}

func TestConformanceWithoutSuites(t *testing.T) {
	t.Setenv("RASTAU_SUITES", "")
	for _, tt := range []struct {
		args []string
		code int
	}{
		{[]string{"conformance"}, exitUsage},
		{[]string{"conformance", "--suites", t.TempDir()}, exitUnreadable},
		{[]string{"conformance", "extra"}, exitUsage},
	} {
		if _, code := ownCommand(t.Context(), tt.args); code != tt.code {
			t.Errorf("%v: exit %d, want %d", tt.args, code, tt.code)
		}
	}
}
