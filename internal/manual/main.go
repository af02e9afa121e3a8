// SPDX-License-Identifier: Apache-2.0

// Command manual writes the pages of docs/ that are made from the code: which checks
// are there and what follows from each (docs/CHECKS.md), and the table of algorithms
// and the matching
// matrix in docs/POLICY.md. `make docs` runs it in the module's root; a test fails while a
// page is stale.
//
// The table of checks is read from verifier's source: every sentence of the catalogue
// that a check can utter, with the outcome and the sub-indication it is uttered with.
// So no list of checks has to be kept beside the checks.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, "manual:", err)
		os.Exit(1)
	}
}

// run writes the pages of the module in root.
func run(root string) error {
	pages, err := render(root)
	if err != nil {
		return err
	}
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join(root, "docs", name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// render gives the pages by their names.
func render(root string) (map[string]string, error) {
	checks, err := readChecks(filepath.Join(root, "verifier"))
	if err != nil {
		return nil, err
	}
	policy, err := os.ReadFile(filepath.Join(root, "docs", "POLICY.md"))
	if err != nil {
		return nil, err
	}
	filled, err := fill(string(policy), "algorithms", algorithmsTable())
	if err != nil {
		return nil, err
	}
	applicants, err := applicantsTable(filepath.Join(root, "verifier"))
	if err != nil {
		return nil, err
	}
	if filled, err = fill(filled, "applicants", applicants); err != nil {
		return nil, err
	}
	return map[string]string{"CHECKS.md": checksPage(checks), "POLICY.md": filled}, nil
}
