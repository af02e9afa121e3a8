// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rastau/api"
)

// docs/API.md names every route with its roles, and every code.
func TestDocumentIsComplete(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "API.md"))
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]string{}
	for line := range strings.Lines(string(page)) {
		if cells := strings.Split(line, "|"); len(cells) == 4 {
			lines[strings.Trim(cells[1], " `")] = cells[2]
		}
	}
	h := newHouse(t, nil)
	for route, roles := range api.Roles(h.handler) {
		line, ok := lines[parameter.ReplaceAllString(route, "{$1}")]
		if !ok {
			t.Errorf("%s is missing", route)
		}
		if len(roles) == 0 && strings.TrimSpace(line) != "everybody" {
			t.Errorf("%s is public, the page says %s", route, line)
		}
		for _, role := range []string{"applicant", "employee", "operator", "officer", "auditor", "admin"} {
			may := false
			for _, r := range roles {
				may = may || string(r) == role
			}
			if may != strings.Contains(line, role) {
				t.Errorf("%s: %s is %v, the page says %s", route, role, may, line)
			}
		}
	}
	for _, code := range api.Codes() {
		if !strings.Contains(string(page), "`"+code+"`") {
			t.Errorf("code %s is missing", code)
		}
	}
}
