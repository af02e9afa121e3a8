// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rastau/internal/testpostgres"
	"rastau/internal/testredis"
)

// The same story on PostgreSQL and Redis; then what an auditor does with the log of that register.
func TestDemoOnServers(t *testing.T) {
	dir := t.TempDir()
	redis := testredis.Start(t)
	var out bytes.Buffer
	err := runDemo(t.Context(), &out, demoOptions{Dir: dir, Listen: "127.0.0.1:0", Check: true, Quiet: true,
		demoShared: demoShared{Database: testpostgres.Database(t), Redis: redis.URL}})
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if _, err := os.Stat(filepath.Join(dir, "rastau.db")); err == nil {
		t.Error("the register is in a file")
	}
	if !strings.Contains(out.String(), " checks as they must be, 0 not.") || strings.Contains(out.String(), "✗") {
		t.Errorf("the story:\n%s", out.String())
	}
	auditLog(t, dir)
	backupAndRestore(t, dir)
}

// publicLogKey is the key of the log's checkpoints that a demo left for everybody.
func publicLogKey(t *testing.T, dir string) string {
	t.Helper()
	public, err := os.ReadFile(filepath.Join(dir, "log.pub"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(public))
}

// auditLog finds a rewrite since the checkpoint that the demo kept, in the register, in an export without it, and in neither where nothing was changed.
func auditLog(t *testing.T, dir string) {
	t.Helper()
	config, kept := filepath.Join(dir, "config.yaml"), filepath.Join(dir, checkpointFile)
	key := publicLogKey(t, dir)
	run := func(want int, args ...string) string {
		t.Helper()
		code, out, problems := call(t, append([]string{"log"}, args...)...)
		if code != want {
			t.Errorf("log %v: exit %d\n%s%s", args, code, out, problems)
		}
		return out + problems
	}
	if got := run(0, "verify", "--config", config, "--since", kept, "--key", key); !strings.Contains(got, "those of the checkpoint") {
		t.Errorf("verify: %s", got)
	}
	code, entries, problems := call(t, "log", "export", "--config", config)
	if code != 0 {
		t.Fatal(problems)
	}
	export := filepath.Join(t.TempDir(), "entries.jsonl")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(export, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(entries)
	run(0, "verify", "--export", export, "--since", kept, "--key", key)
	run(0, "verify", "--export", export)
	_, removed, _ := strings.Cut(entries, "\n")
	for name, text := range map[string]string{
		"changed": strings.Replace(entries, "PT-00000001", "PT-00000009", 1), "removed": removed,
		"slipped in": `{"kind":"licence"}` + "\n" + entries, "cut off": strings.Join(strings.SplitAfterN(entries, "\n", 3)[:2], ""),
	} {
		write(text)
		if got := run(1, "verify", "--export", export, "--since", kept); !strings.Contains(got, "rewritten") {
			t.Errorf("%s: %s", name, got)
		}
	}
	stranger, err := writeLogKey("demo.example/log", filepath.Join(t.TempDir(), "stranger.key"))
	if err != nil {
		t.Fatal(err)
	}
	run(1, "verify", "--config", config, "--since", kept, "--key", stranger)
	run(2, "verify", "--config", config, "--since", kept, "--key", "no key")
	run(2, "verify", "--config", config, "--key", key)
	run(2, "verify")
	run(4, "verify", "--config", config, "--since", filepath.Join(dir, "none.txt"))
	if got := run(0, "checkpoint", "--config", config); !strings.HasPrefix(got, "demo.example/log\n") {
		t.Errorf("checkpoint: %s", got)
	}
	if got := run(0, "proof", "--config", config, "--entry", "0"); !strings.Contains(got, `"proof":[`) {
		t.Errorf("proof: %s", got)
	}
	if got := run(0, "proof", "--config", config, "--from", "1"); !strings.Contains(got, `"toRoot"`) {
		t.Errorf("growth: %s", got)
	}
	run(2, "proof", "--config", config)
	run(2, "proof", "--config", config, "--entry", "100000")
	if got := run(0, "key", "test.example/log", "--out", filepath.Join(t.TempDir(), "log.key")); !strings.HasPrefix(got, "test.example/log+") {
		t.Errorf("key: %s", got)
	}
	run(2, "key", "two words", "--out", filepath.Join(t.TempDir(), "x"))
}
