// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"

	"rastau/internal/store"
)

// demoShared is what the first installation has instead of the defaults: servers, and keys of P-256 where EC is set.
type demoShared struct {
	Database, Redis string
	EC              bool
}

// apply enters them into the configuration; a password in the address goes into a file of its own.
func (d demoShared) apply(c *Config) error {
	if d.Redis != "" {
		c.Redis = d.Redis
	}
	if d.Database == "" {
		return nil
	}
	if !store.IsPostgres(d.Database) {
		return usagef("--database %q: give the address of a PostgreSQL database, postgres://…; without it the demo has an embedded one", d.Database)
	}
	u, err := url.Parse(d.Database)
	if err != nil {
		return usagef("--database: %v", err)
	}
	if password, given := u.User.Password(); given {
		c.DatabasePasswordFile = "keys/database.password"
		if err := os.WriteFile(c.path(c.DatabasePasswordFile), []byte(password+"\n"), 0o600); err != nil {
			return err
		}
		u.User = url.User(u.User.Username())
	}
	c.Database = u.String()
	return nil
}

const logKeyFile = "keys/log.key"

// openLogKey makes the key of the log's checkpoints, or takes that of an earlier run.
func (w *world) openLogKey() error {
	name := filepath.Join(w.dir, logKeyFile)
	public := filepath.Join(w.dir, "log.pub")
	secret, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		if w.logKey, err = writeLogKey("demo.example/log", name); err != nil {
			return err
		}
		return os.WriteFile(public, []byte(w.logKey+"\n"), 0o644)
	}
	if err != nil {
		return err
	}
	if _, err := note.NewSigner(string(bytes.TrimSpace(secret))); err != nil {
		return err
	}
	known, err := os.ReadFile(public)
	w.logKey = string(bytes.TrimSpace(known))
	return err
}
