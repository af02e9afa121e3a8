// SPDX-License-Identifier: Apache-2.0

package walk_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// everywhere is each address of the console that needs no parameter, read from its table of routes.
func everywhere(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "console", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`pattern: "GET (/[^"{]*)(\{\$\})?"`).FindAllStringSubmatch(string(text), -1) {
			all = append(all, m[1])
		}
	}
	slices.Sort(all)
	if all = slices.Compact(all); len(all) < 10 {
		t.Fatalf("only %v are read from the console's routes", all)
	}
	return all
}

// TestEveryPage visits every page that needs no parameter, as everybody who may: a page that is added is looked at without a line here.
func TestEveryPage(t *testing.T) {
	h := open(t)
	for _, lang := range []string{"kk", "ru", "en"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			public := map[string]bool{}
			for _, login := range []string{"", h.person, "demo-officer", "demo-employee", "demo-operator", "demo-auditor", "demo-admin"} {
				p := h.enters(t, lang)
				if login != "" {
					p.logIn(login)
				}
				for _, path := range everywhere(t) {
					if public[path] || !eval[bool](p, `fetch(`+quoted(path)+`, {redirect: "manual"}).then(r => r.status == 200 && r.headers.get("Content-Type").startsWith("text/html"))`) {
						continue
					}
					public[path] = login == ""
					p.open(path)
				}
			}
		})
	}
}

// TestErrors: what goes wrong is a page like others.
func TestErrors(t *testing.T) {
	h := open(t)
	t.Parallel()
	p := h.enters(t, "ru")
	for _, path := range []string{"/nothing", "/registry/KZ00ZZZ00000001", "/services/nothing"} {
		p.open(path)
	}
	p.open("/login")
	p.press(the(`form[action="/login"] button`))
	p.logIn(h.person)
	p.open("/queue")
}
