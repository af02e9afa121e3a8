// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"rastau/internal/account"
	"rastau/internal/phrase"
	"rastau/internal/testpki"
	"rastau/licensing"
)

// installation is the files of a service: anchors, the licensor's key, an auditor's token, the key that seals lists.
type installation struct {
	dir, token, digest string
}

func newInstallation(t testing.TB, root, ca *testpki.CA) *installation {
	t.Helper()
	in := &installation{dir: t.TempDir()}
	certificate := func(der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}) }
	licensor := made(root.Issue(testpki.Leaf{CommonName: "ЛИЦЕНЗИАР ҮЛГІ", BIN: "130140004109", Organization: "ЛИЦЕНЗИАР (TEST)", NoOCSP: true}))
	in.put(t, "root.pem", certificate(root.Certificate.Raw))
	in.put(t, "ca.pem", certificate(ca.Certificate.Raw))
	in.put(t, "licensor.p12", made(testpki.PKCS12(licensor, "a password")))
	in.put(t, "licensor.password", []byte("a password\n"))
	in.put(t, "seal", []byte("0123456789abcdef0123456789abcdef\n"))
	in.put(t, "authorities.yaml", made(yaml.Marshal([]licensing.Authority{{Officer: "officer", Name: "ӘБІЛҚАЙЫРОВ ҮМІТ", Licensor: "130140004109",
		Position: phrase.Text{KK: "Басшы", RU: "Руководитель", EN: "Head"}, Certificate: licensor.Certificate.SHA256Hex(), From: time.Now().Add(-time.Hour).UTC()}})))
	var err error
	if in.token, in.digest, err = account.NewToken(); err != nil {
		t.Fatal(err)
	}
	return in
}

func (in *installation) put(t testing.TB, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(in.dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// config is a configuration of it, which may ask 127.0.0.1 alone of this machine.
func (in *installation) config(change func(*Config)) *Config {
	c := &Config{
		Listen: "127.0.0.1:0", PublicURL: "http://127.0.0.1", Database: "rastau.db", Anchors: []string{"root.pem"}, Certificates: []string{"ca.pem"},
		Key: KeyConfig{File: "licensor.p12", PasswordFile: "licensor.password"}, Lists: ListConfig{KeyFile: "seal"},
		Allow: []string{"127.0.0.1/32"}, Authorities: "authorities.yaml", LicenceCode: "ZZZ", AcceptRepealed: true, RatePerMinute: 100_000_000,
		Accounts: []account.Account{{ID: "auditor", Name: "Auditor", Roles: []account.Role{account.Auditor}, TokenSHA256: in.digest}},
		folder:   in.dir,
	}
	if change != nil {
		change(c)
	}
	return c
}
