// SPDX-License-Identifier: Apache-2.0

package evidence_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rastau/internal/evidence"
	"rastau/internal/pki"
	"rastau/verifier"
)

// Documents of others, sound and forged, give the same report from their evidence.
func TestSuitesFromEvidenceAlone(t *testing.T) {
	root := os.Getenv("RASTAU_SUITES")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "suites")
	}
	v := verifier.New(verifier.Options{Now: func() time.Time { return day0 }})
	for _, name := range []string{"cms", "pades", "pdf-attacks"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(root, name)
			manifest, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
			if err != nil {
				if os.Getenv("RASTAU_SUITES_REQUIRED") == "1" {
					t.Fatalf("the suite %s is required and not there: %v", name, err)
				}
				t.Skipf("the suite %s is not on this machine: set RASTAU_SUITES", name)
			}
			var cases []struct {
				ID, File string
				Detached string `json:"detached_content"`
			}
			if err := json.Unmarshal(manifest, &cases); err != nil || len(cases) == 0 {
				t.Fatalf("%d cases, %v", len(cases), err)
			}
			for _, c := range cases {
				data, err := os.ReadFile(filepath.Join(dir, c.File))
				if err != nil {
					t.Fatal(err)
				}
				q := verifier.Question{Offline: true, NoRevocation: true, Algorithms: pki.LegacyAlgorithms, KeepRecord: true}
				if c.Detached != "" {
					content, err := os.ReadFile(filepath.Join(dir, c.Detached))
					if err != nil {
						t.Fatal(err)
					}
					q.Content = reader(content)
				}
				first := v.Document(t.Context(), data, q)
				f, err := evidence.Open(pack(t, first))
				if err != nil {
					t.Errorf("%s: %v", c.ID, err)
					continue
				}
				again := v.Document(t.Context(), f.Document, f.Question)
				if have, want := asJSON(t, again), asJSON(t, first); have != want {
					t.Errorf("%s: again:\n%.2000s\nfirst:\n%.2000s", c.ID, have, want)
				}
				if _, err := evidence.XML(first); err != nil {
					t.Errorf("%s: %v", c.ID, err)
				}
			}
		})
	}
}
