// SPDX-License-Identifier: Apache-2.0

// Package floors_test holds the law of the house: a package imports from lower floors only, never sideways.
package floors_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// floor says where each room stands; ARCHITECTURE.md draws the same table.
var floor = map[string]int{
	"cmd/rastau": 7,

	"api":            6,
	"internal/store": 6,

	"licensing":            5,
	"internal/account":     5,
	"console":              6,
	"internal/egov":        6,
	"internal/conformance": 5,
	"internal/manual":      5,
	"internal/batch":       5,
	"internal/evidence":    5,

	"docs": 0,

	"verifier":         4,
	"signer":           4,
	"internal/testpki": 4,

	"crl":                3,
	"internal/ocsp":      3,
	"internal/timestamp": 3,
	"internal/ncalayer":  3,

	"internal/cms":     2,
	"internal/xmldsig": 2,
	"internal/trust":   2,

	"internal/page": 1,
	"internal/pki":  1,

	"client":            0,
	"internal/ber":      0,
	"internal/blob":     0,
	"internal/archive":  0,
	"internal/cache":    0,
	"internal/fetch":    0,
	"internal/gost":     0,
	"internal/identity": 0,
	"internal/journal":  0,
	"internal/outbox":   0,
	"internal/span":     0,

	"internal/pdf":    0,
	"internal/seal":   0,
	"internal/phrase": 0,

	// beside the house: started by tests only
	"internal/floors":       0,
	"internal/testpostgres": 0,
	"internal/testredis":    0,
	"internal/walk":         0,
}

type listed struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "rastau/...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	dec := json.NewDecoder(bytes.NewReader(out))
	for {
		var p listed
		if err := dec.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 10 {
		t.Fatalf("only %d packages listed: the law was not tried", len(all))
	}
	return all
}

// TestImportsPointDown fails on every import that does not go to a lower floor.
func TestImportsPointDown(t *testing.T) {
	for _, p := range packages(t) {
		room := strings.TrimPrefix(p.ImportPath, "rastau/")
		mine, known := floor[room]
		if !known {
			t.Errorf("%s stands on no floor: give it one here and in ARCHITECTURE.md", room)
			continue
		}
		for _, i := range p.Imports {
			other, ours := strings.CutPrefix(i, "rastau/")
			if !ours {
				continue
			}
			if (other == "internal/testpki" || other == "internal/ncalayer") && room != "cmd/rastau" {
				t.Errorf("%s imports %s: only tests and cmd may", room, other)
			}
			if f, ok := floor[other]; ok && f >= mine {
				t.Errorf("%s (floor %d) imports %s (floor %d)", room, mine, other, f)
			}
		}
	}
}

// TestFloorsAreDrawn fails where ARCHITECTURE.md does not name a room.
func TestFloorsAreDrawn(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	for room := range floor {
		if !bytes.Contains(page, []byte("`"+room+"`")) {
			t.Errorf("ARCHITECTURE.md does not name `%s`", room)
		}
	}
}
