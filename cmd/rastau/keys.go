// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"rastau/internal/pki"
	"rastau/signer"
	"rastau/verifier"
)

// KeyConfig names a key: in a PKCS#12 file or in a token. Passwords and PINs stand in a file or in the environment, never here.
type KeyConfig struct {
	// Label names the key in messages, and in a token chooses it. Required for a key in a token.
	Label        string `yaml:"label"`
	File         string `yaml:"file"`
	PasswordFile string `yaml:"passwordFile"`
	PasswordEnv  string `yaml:"passwordEnv"`
	// Token holds the key instead of a file. Builds with the tag pkcs11 only.
	Token *TokenConfig `yaml:"token"`
	// Certificate is the file with the certificate of a key in a token and those of its issuers, PEM. Optional. If empty, the
	// certificate in the token.
	Certificate string `yaml:"certificate"`
}

// TokenConfig names a token and where its PIN stands.
type TokenConfig struct {
	Module  string `yaml:"module"`
	Label   string `yaml:"label"`
	PINFile string `yaml:"pinFile"`
	PINEnv  string `yaml:"pinEnv"`
}

func (k KeyConfig) name() string {
	if k.Label != "" {
		return k.Label
	}
	return k.File
}

// keyConfigs are the keys in their order, whichever way they were configured.
func (c *Config) keyConfigs() []KeyConfig {
	if len(c.Keys) > 0 {
		return c.Keys
	}
	return []KeyConfig{c.Key}
}

// checkKeys names every mistake in the keys.
func (c *Config) checkKeys(add func(format string, args ...any)) {
	if len(c.Keys) > 0 && c.Key != (KeyConfig{}) {
		add("key and keys: give one of them")
	}
	seen := map[string]bool{}
	for i, k := range c.keyConfigs() {
		at := "key"
		if len(c.Keys) > 0 {
			at = fmt.Sprintf("keys[%d]", i)
			if k.Label == "" || seen[k.Label] {
				add("%s.label: required, and another one for each key", at)
			}
			seen[k.Label] = true
		}
		if t := k.Token; t != nil {
			if k.Label == "" || k.File != "" || k.PasswordFile != "" || k.PasswordEnv != "" {
				add("%s: a key in a token has a label and no file or password", at)
			}
			if t.Module == "" || t.Label == "" {
				add("%s.token: module (the PKCS#11 library) and label (of the token) are required", at)
			}
			if (t.PINFile == "") == (t.PINEnv == "") {
				add("%s.token: give either pinFile or pinEnv", at)
			}
			continue
		}
		if k.File == "" {
			add("%s.file: required, the licensor's key as PKCS#12", at)
		}
		if (k.PasswordFile == "") == (k.PasswordEnv == "") {
			add("%s: give either passwordFile or passwordEnv", at)
		}
		if k.Certificate != "" {
			add("%s.certificate: a PKCS#12 file holds its own certificate", at)
		}
	}
}

// keyring holds the licensor's keys and reads them again when asked.
type keyring struct {
	log  *slog.Logger
	ring *signer.Ring

	mu     sync.Mutex
	config *Config
	tokens map[TokenConfig]*signer.Token // stay open over a reload: their keys may be under way
	seen   map[string]time.Time          // when the files were last changed
}

func openKeyring(c *Config, log *slog.Logger) (*keyring, error) {
	r := &keyring{log: log, config: c, tokens: map[TokenConfig]*signer.Token{}}
	keys, err := r.load(c)
	if err == nil {
		if r.ring, err = signer.NewRing(keys...); err != nil {
			err = usagef("key: %v", err)
		}
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	r.seen = r.changes()
	return r, nil
}

func (r *keyring) load(c *Config) ([]*pki.Key, error) {
	var out []*pki.Key
	for _, k := range c.keyConfigs() {
		key, err := r.loadOne(c, k)
		if err != nil {
			return nil, err
		}
		out = append(out, key)
	}
	return out, nil
}

func (r *keyring) loadOne(c *Config, k KeyConfig) (*pki.Key, error) {
	if k.Token == nil {
		password, err := c.secret("key.password", k.PasswordFile, k.PasswordEnv)
		if err != nil {
			return nil, err
		}
		key, err := signer.LoadKey(c.path(k.File), password)
		if err != nil {
			return nil, unreadablef("key: %v", err)
		}
		return key, nil
	}
	var chain []*pki.Certificate
	if k.Certificate != "" {
		data, err := readFile(c.path(k.Certificate))
		if err == nil {
			chain, err = pki.ReadCertificates(data)
		}
		if err != nil {
			return nil, unreadablef("key %s: certificate: %v", k.Label, err)
		}
	}
	t := r.tokens[*k.Token]
	if t == nil {
		var err error
		config := *k.Token
		t, err = signer.OpenToken(signer.TokenOptions{Module: c.path(config.Module), Label: config.Label,
			PIN: func() (string, error) { return c.secret("key.token.pin", config.PINFile, config.PINEnv) }})
		if err != nil {
			return nil, unreadablef("key %s: %v", k.Label, err)
		}
		r.tokens[config] = t
	}
	key, err := t.Key(k.Label, chain)
	if err != nil {
		return nil, unreadablef("key %s: %v", k.Label, err)
	}
	return key, nil
}

// reload reads the keys of the configuration again. What cannot be read changes nothing: the keys held go on.
func (r *keyring) reload() {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, err := loadConfig(r.config.file)
	if err == nil {
		err = r.exchange(c)
	}
	r.seen = r.changes()
	if err != nil {
		r.log.Error("the keys were not read again; those held go on", "error", err)
		return
	}
	for _, k := range r.ring.Keys() {
		r.log.Info("key", "certificate", k.Certificate.SHA256Hex(), "from", k.Certificate.NotBefore.UTC().Format(time.RFC3339), "until", k.Certificate.NotAfter.UTC().Format(time.RFC3339))
	}
}

// replace takes the keys of a configuration, all or none.
func (r *keyring) replace(c *Config) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.exchange(c)
	r.seen = r.changes()
	return err
}

func (r *keyring) exchange(c *Config) error {
	keys, err := r.load(c)
	if err != nil {
		return err
	}
	if err := r.ring.Replace(keys...); err != nil {
		return err
	}
	r.config = c
	return nil
}

// changes is when each file that the keys come from was last changed.
func (r *keyring) changes() map[string]time.Time {
	files := []string{r.config.file}
	for _, k := range r.config.keyConfigs() {
		for _, f := range []string{k.File, k.PasswordFile, k.Certificate} {
			if f != "" {
				files = append(files, r.config.path(f))
			}
		}
	}
	out := map[string]time.Time{}
	for _, f := range files {
		switch info, err := os.Stat(f); {
		case err == nil:
			out[f] = info.ModTime()
		case !errors.Is(err, fs.ErrNotExist):
			r.log.Warn("a file of the keys cannot be looked at", "file", f, "error", err)
		}
	}
	return out
}

// changed says whether any of the files was changed since the keys were read.
func (r *keyring) changed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.changes()
	if len(now) != len(r.seen) {
		return true
	}
	for f, t := range now {
		if !t.Equal(r.seen[f]) {
			return true
		}
	}
	return false
}

// Close logs out of the tokens.
func (r *keyring) Close() error {
	var all []error
	for _, t := range r.tokens {
		all = append(all, t.Close())
	}
	return errors.Join(all...)
}

// warn says at the start which keys would be refused; a licence signed with a revoked one would be refused by everybody.
func (r *keyring) warn(ctx context.Context, v *verifier.Verifier, q verifier.Question) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for _, key := range r.ring.Keys() {
		asked := q
		asked.Certs = slices.Concat(q.Certs, key.Chain)
		report := v.Certificate(ctx, key.Certificate, asked)
		if report.Indication != verifier.TotalPassed {
			r.log.Warn("the licensor's certificate does not pass", "verdict", verdictLine(report.Indication, report.SubIndication), "sha256", key.Certificate.SHA256Hex())
		}
	}
}
