// SPDX-License-Identifier: Apache-2.0

package main

import (
	"rastau/api"
	"rastau/internal/pki"
	"rastau/signer"
)

// NCANodeConfig turns on the endpoints of NCANode; docs/NCANODE.md tells what differs.
type NCANodeConfig struct {
	// Enabled answers under /cms, /xml, /wsse, /x509 and /pkcs12, without accounts, as NCANode does.
	Enabled bool `yaml:"enabled"`
	// Key signs for whoever reaches these addresses. Optional; never the licensor's or the system's own.
	Key KeyConfig `yaml:"key"`
}

// openNCANode is nil where the endpoints are off.
func (c *Config) openNCANode(o signer.Options, own []*pki.Certificate) (*api.NCANode, error) {
	n := c.NCANode
	switch {
	case !n.Enabled && n.Key != (KeyConfig{}):
		return nil, usagef("ncanode.key: set ncanode.enabled, or leave the key out")
	case !n.Enabled:
		return nil, nil
	case n.Key == (KeyConfig{}):
		return &api.NCANode{}, nil
	}
	password, err := c.secret("ncanode.key.password", n.Key.PasswordFile, n.Key.PasswordEnv)
	if err != nil {
		return nil, err
	}
	key, err := signer.LoadKey(c.path(n.Key.File), password)
	if err != nil {
		return nil, unreadablef("ncanode.key: %v", err)
	}
	for _, other := range own {
		if other.SHA256 == key.Certificate.SHA256 {
			return nil, usagef("ncanode.key: this is a key that signs licences; whoever reaches the endpoints of NCANode could sign with it. Take another")
		}
	}
	if o.Keys, err = signer.NewRing(key); err != nil {
		return nil, usagef("ncanode.key: %v", err)
	}
	signs, err := signer.New(o)
	if err != nil {
		return nil, usagef("ncanode.key: %v", err)
	}
	return &api.NCANode{Signer: signs, Alias: n.Key.Label, Certs: []*pki.Certificate{key.Certificate}}, nil
}
