// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"

	"golang.org/x/mod/sumdb/note"

	"rastau/signer"
)

// openSeal loads the system's own key, which signs what the licensor's silence decides; nil where none is configured.
func (c *Config) openSeal(o signer.Options) (*signer.Signer, error) {
	if c.Seal == (KeyConfig{}) {
		return nil, nil
	}
	password, err := c.secret("seal.password", c.Seal.PasswordFile, c.Seal.PasswordEnv)
	if err != nil {
		return nil, err
	}
	key, err := signer.LoadKey(c.path(c.Seal.File), password)
	if err != nil {
		return nil, unreadablef("seal: %v", err)
	}
	if o.Keys, err = signer.NewRing(key); err != nil {
		return nil, usagef("seal: %v", err)
	}
	seal, err := signer.New(o)
	if err != nil {
		return nil, usagef("seal: %v", err)
	}
	return seal, nil
}

// openLogKey loads the key of the log's checkpoints; nil where none is configured.
func (c *Config) openLogKey() (note.Signer, error) {
	if c.LogKey == "" {
		return nil, nil
	}
	data, err := readFile(c.path(c.LogKey))
	if err != nil {
		return nil, unreadablef("logKey: %v", err)
	}
	key, err := note.NewSigner(string(bytes.TrimSpace(data)))
	if err != nil {
		return nil, usagef("logKey: %s holds no key; make one with: rastau log key NAME --out FILE", c.path(c.LogKey))
	}
	return key, nil
}
