// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rastau/internal/outbox"
	"rastau/internal/store"
	"rastau/internal/testpostgres"
	"rastau/licensing"
)

// leastConfig writes the least configuration that opens a database.
func leastConfig(t *testing.T, database string) (config string) {
	t.Helper()
	dir := t.TempDir()
	text := fmt.Sprintf("publicURL: http://127.0.0.1\nlicenceCode: ZZZ\ndatabase: %s\nanchors: [.]\nauthorities: a.yaml\n"+
		"key: {file: k.p12, passwordEnv: NONE}\naccounts: [{id: a, name: A, roles: [admin], tokenSHA256: x}]\n", database)
	config = filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config
}

// operate runs a command as an operator would.
func operate(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := newRoot()
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

// TestOperators: migrate, outbox list and outbox retry on both databases; the
// password of PostgreSQL comes from a file.
func TestOperators(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { operators(t, leastConfig(t, "r.db"), "r.db") })
	t.Run("postgres", func(t *testing.T) {
		address := strings.Replace(testpostgres.Database(t), ":"+strings.ReplaceAll(testpostgres.Password, " ", "%20")+"@", "@", 1)
		config := leastConfig(t, address)
		password := filepath.Join(filepath.Dir(config), "password")
		text, err := os.ReadFile(config)
		if err != nil {
			t.Fatal(err)
		}
		for name, content := range map[string]string{password: testpostgres.Password + "\n", config: string(text) + "databasePasswordFile: password\n"} {
			if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		operators(t, config, address)
	})
}

func operators(t *testing.T, config, database string) {
	out, err := operate(t, "migrate", "--config", config)
	if err != nil || !strings.Contains(out, database+" is of this version's form") {
		t.Fatalf("migrate: %s %v", out, err)
	}
	c, err := loadConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	db, err := c.openStore(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	err = db.Update(t.Context(), func(tx licensing.Tx) error {
		if err := tx.Enqueue(outbox.Message{ID: "m1", Kind: "notice", Body: []byte("secret")}); err != nil {
			return err
		}
		if _, err := tx.Lease("h", []string{"notice"}, now, now.Add(time.Hour), 1); err != nil {
			return err
		}
		return tx.Finish("h", "m1", outbox.Outcome{State: outbox.Dead, Error: "no such address", At: now})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		want string
		good bool
	}{
		{"list", "no such address", true},
		{"list --json", `"error":"no such address"`, true},
		{"list --state waiting", "no waiting messages", true},
		{"list --state lost", "must be waiting, done or dead", false},
		{"retry m2", "no message of this id was put aside", false},
		{"retry m1", "m1 waits again", true},
		{"list", "no dead messages", true},
		{"list --state waiting --kind notice", "m1", true},
	} {
		out, err := operate(t, append(append([]string{"outbox"}, strings.Fields(c.args)...), "--config", config)...)
		if err != nil {
			out += err.Error()
		}
		if (err == nil) != c.good || !strings.Contains(out, c.want) || strings.Contains(out, "secret") {
			t.Errorf("outbox %s: %s %v", c.args, out, err)
		}
	}
}

// TestDatabaseRefused: what is wrong with the settings of storage is said at once.
func TestDatabaseRefused(t *testing.T) {
	for settings, want := range map[string]string{
		"database: postgres://rastau:geheim@db.example/rastau":                 "does not belong into the address",
		"database: postgres:///":                                               "no address of a server",
		"database: none/r.db":                                                  "does not exist",
		"database: r.db\nblobs: {address: https://s3.example/b, accessKey: a}": "secretFile or secretEnv",
	} {
		config := leastConfig(t, "r.db")
		text, err := os.ReadFile(config)
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.Replace(string(text), "database: r.db", settings, 1)
		if err := os.WriteFile(config, []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := loadConfig(config); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %v", settings, err)
		}
	}
	if _, err := store.Open(t.Context(), store.Options{Database: "postgres://rastau:geheim@127.0.0.1:1/rastau?connect_timeout=1"}); err == nil || strings.Contains(err.Error(), "geheim") {
		t.Errorf("an unreachable server: %v", err)
	}
}
