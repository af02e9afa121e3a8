// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rastau/internal/testpostgres"
)

// elsewhereConfig is the demo's configuration with another database.
func elsewhereConfig(t *testing.T, dir, database string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if u, err := url.Parse(database); err == nil && u.User != nil {
		u.User = url.User(u.User.Username())
		database = u.String()
		if err := os.WriteFile(filepath.Join(dir, "keys", "database.password"), []byte(testpostgres.Password+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		text = regexp.MustCompile(`(?m)^databasePasswordFile: .*$`).ReplaceAll(text, []byte("databasePasswordFile: keys/database.password"))
	}
	changed := regexp.MustCompile(`(?m)^database: .*$`).ReplaceAllString(string(text), "database: "+database)
	if changed == string(text) {
		t.Fatal("the demo's configuration names no database")
	}
	path := filepath.Join(dir, "elsewhere.yaml") // relative paths count from the demo's folder
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// backupAndRestore backs up the register that a demo left, restores it to the other kind of database and back, and proves
// each; what is not the whole register is refused and leaves nothing.
func backupAndRestore(t *testing.T, dir string) {
	t.Helper()
	config, kept := filepath.Join(dir, "config.yaml"), filepath.Join(dir, checkpointFile)
	key := publicLogKey(t, dir)
	run := func(want int, args ...string) string {
		t.Helper()
		code, out, problems := call(t, args...)
		if code != want {
			t.Fatalf("%v: exit %d\n%s%s", args, code, out, problems)
		}
		return out + problems
	}
	proven := run(0, "log", "verify", "--quiet", "--config", config)
	into := t.TempDir()
	file := filepath.Join(into, "backup.tar.zst")
	run(0, "backup", "--config", config, "--out", file)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the archive: %v, %v", info, err)
	}
	if got := run(4, "backup", "--config", config, "--out", file); !strings.Contains(got, "never written over") {
		t.Errorf("over another: %s", got)
	}
	run(0, "restore", file, "--config", config, "--check", "--since", kept, "--key", key)
	if got := run(4, "restore", file, "--config", config); !strings.Contains(got, "never writes over a register") {
		t.Errorf("over a register: %s", got)
	}

	there := elsewhereConfig(t, dir, testpostgres.Database(t))
	run(0, "restore", file, "--config", there, "--since", kept)
	if got := run(0, "log", "verify", "--config", there, "--since", kept, "--key", key); !strings.HasPrefix(got, strings.SplitN(proven, ":", 2)[0]) {
		t.Errorf("restored to PostgreSQL: %swas: %s", got, proven)
	}
	if got := run(4, "restore", file, "--config", there); !strings.Contains(got, "empty database") {
		t.Errorf("over a register of PostgreSQL: %s", got)
	}
	second := filepath.Join(into, "second.tar.zst")
	run(0, "backup", "--config", there, "--out", second)
	back := filepath.Join(into, "back.db")
	here := elsewhereConfig(t, dir, back)
	run(0, "restore", second, "--config", here)
	if got := run(0, "log", "verify", "--quiet", "--config", here); got != proven {
		t.Errorf("restored to SQLite: %swas: %s", got, proven)
	}
	if info, err := os.Stat(back); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the restored file: %v, %v", info, err)
	}

	// What is not whole, not the newest, or not ours is refused loudly and leaves nothing behind.
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(into, "bad.tar.zst")
	gone := filepath.Join(into, "gone.db")
	nowhere := elsewhereConfig(t, dir, gone)
	refused := func(name, want string, content []byte, more ...string) {
		t.Helper()
		if err := os.WriteFile(bad, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := run(1, append([]string{"restore", bad, "--config", nowhere}, more...)...); !strings.Contains(got, "NOTHING WAS RESTORED") || !strings.Contains(got, want) {
			t.Errorf("%s: %s", name, got)
		}
		for _, end := range []string{"", ".restoring", ".restoring-wal"} {
			if _, err := os.Stat(gone + end); err == nil {
				t.Errorf("%s: %s%s is there", name, gone, end)
			}
		}
	}
	refused("cut off", "not whole", whole[:len(whole)/2])
	refused("a byte changed", "not whole", bytes.Join([][]byte{whole[:len(whole)/2], {whole[len(whole)/2] ^ 1}, whole[len(whole)/2+1:]}, nil))
	stranger, err := writeLogKey("demo.example/log", filepath.Join(into, "stranger.key"))
	if err != nil {
		t.Fatal(err)
	}
	refused("another's key", "signature does not hold", whole, "--key", stranger)
	later := filepath.Join(into, "later")
	checkpoint, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitN(string(checkpoint), "\n", 3)
	lines[1] = "99999999" // as if the log had been longer when the checkpoint was kept
	if err := os.WriteFile(later, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	refused("lost entries", "rewritten", whole, "--since", later)
}
