// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// elsewhere lists the commands in documents that other tests or the whole build run, with the reason.
var elsewhere = map[string]string{
	"rastau key list --password-file password licensor.p12":                                                                                        "TestKeyCommands",
	"rastau key check --password-file password --anchors root.pem licensor.p12":                                                                    "TestKeyCommands",
	"rastau key list --module /usr/lib/softhsm/libsofthsm2.so --token OFFICE --password-file pin":                                                  "TestTokenCommands, with the tag pkcs11",
	"rastau key check --config config.yaml":                                                                                                        "TestKeysOfService",
	"rastau extend --anchors root.pem --tsa http://tsp.example/ licence.pdf":                                                                       "TestExtendCommand",
	"rastau extend --anchors root.pem --tsa http://tsp.example/ --level LT --out long.p7s --content application.json application.p7s":              "TestExtendCommand",
	"rastau sign --key licensor.p12 --password-file password --anchors root.pem --tsa http://tsp.example/ --level LTA --out signed licences/*.pdf": "TestSignCommand",
	`rastau log verify --server https://licence.example.kz --since checkpoint.txt --key "$(cat log.pub)"`:                                          "TestLogOfAService",
	"curl -fsS https://licence.example.kz/v1/log/checkpoint -o checkpoint.new":                                                                     "TestLogOfAService fetches it",
	"go run ./cmd/rastau demo": "TestDemoServes starts it and asks its API",
	"make test":                "it is how this test is run",
	"make load":                "TestLoad plays a small one of it",

	"rastau config check --config /etc/rastau/config.yaml":                "TestConfigCheck",
	"rastau migrate --config /etc/rastau/config.yaml":                     "TestOperators",
	"rastau outbox list --config /etc/rastau/config.yaml":                 "TestOperators",
	"rastau outbox list --state waiting --config /etc/rastau/config.yaml": "TestOperators",
	"rastau outbox retry ID --config /etc/rastau/config.yaml":             "TestOperators",

	"rastau backup --config /etc/rastau/config.yaml --out /backup/rastau-2026-11-02.tar.zst":                   "TestDemoStory and TestDemoOnServers (backupAndRestore)",
	"rastau restore /backup/rastau-2026-11-02.tar.zst --config /etc/rastau/config.yaml --check":                "TestDemoStory and TestDemoOnServers (backupAndRestore)",
	"rastau restore /backup/rastau-2026-11-02.tar.zst --config /etc/rastau/config.yaml --since checkpoint.txt": "TestDemoStory and TestDemoOnServers (backupAndRestore)",
}

// TestDocumentedCommands runs every command of README.md and docs/*.md and compares what it prints.
func TestDocumentedCommands(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	pages = append([]string{filepath.Join(root, "README.md")}, pages...)
	ran := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range blocks(string(text)) {
			switch block.kind {
			case "console":
				for _, c := range commands(block.text) {
					ran++
					runDocumented(t, root, page, c)
				}
			case "sh":
				if filepath.Base(page) == "INSTALL.md" {
					// It changes the machine that it runs on: deploy/try-install runs this page word by word on a bare one.
					if script, err := os.ReadFile(filepath.Join(root, "deploy", "try-install")); err != nil || !strings.Contains(string(script), "docs/INSTALL.md") {
						t.Errorf("deploy/try-install does not run docs/INSTALL.md: %v", err)
					}
					continue
				}
				for _, line := range strings.Split(strings.TrimSpace(block.text), "\n") {
					command, _, _ := strings.Cut(line, "#")
					if command = strings.TrimSpace(command); command != "" && elsewhere[command] == "" {
						t.Errorf("%s: nothing runs %q: make it a console block, or say which test does", filepath.Base(page), command)
					}
				}
			}
		}
	}
	if ran < 5 {
		t.Errorf("only %d commands were found in the documents", ran)
	}
}

type block struct{ kind, text string }

// blocks finds the fenced blocks of a page.
func blocks(page string) []block {
	var all []block
	parts := strings.Split("\n"+page, "\n```")
	for i := 1; i < len(parts); i += 2 {
		kind, text, _ := strings.Cut(parts[i], "\n")
		all = append(all, block{strings.TrimSpace(kind), text})
	}
	return all
}

type command struct{ line, output string }

// commands splits a console block into what is typed ("$ …") and what must be printed.
func commands(text string) []command {
	var all []command
	for _, line := range strings.Split(text, "\n") {
		if typed, ok := strings.CutPrefix(line, "$ "); ok {
			all = append(all, command{line: typed})
		} else if len(all) > 0 && line != "" {
			all[len(all)-1].output += line + "\n"
		}
	}
	return all
}

func runDocumented(t *testing.T, root, page string, c command) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", c.line)
	cmd.Dir = root
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		t.Errorf("%s: %s: %v\n%s%s", filepath.Base(page), c.line, err, out.String(), problems.String())
		return
	}
	if out.String() != c.output {
		t.Errorf("%s: %s\nprints:\n%sthe page says:\n%s", filepath.Base(page), c.line, out.String(), c.output)
	}
}
