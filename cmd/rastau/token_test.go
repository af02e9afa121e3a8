// SPDX-License-Identifier: Apache-2.0

//go:build pkcs11

package main

import (
	"crypto/x509"
	"encoding/pem"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rastau/internal/testpki"
)

// TestTokenCommands: the program built for tokens lists their keys, judges them, and refuses what it must.
func TestTokenCommands(t *testing.T) {
	util := tool(t, "softhsm2-util")
	h := newOffice(t, testpki.Options{})
	conf := h.write(t, "softhsm2.conf", []byte("directories.tokendir = "+h.dir+"\nobjectstore.backend = file\nlog.level = ERROR\n"))
	t.Setenv("SOFTHSM2_CONF", conf)
	der := made(x509.MarshalPKCS8PrivateKey(h.key.Signer))
	key := h.write(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	var chain []byte
	for _, c := range [][]byte{h.key.Certificate.Raw, h.ca.Certificate.Raw} {
		chain = append(chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c})...)
	}
	certificate := h.write(t, "chain.pem", chain)
	for _, args := range [][]string{
		{"--init-token", "--free", "--label", "OFFICE", "--pin", "4711", "--so-pin", "90817"},
		{"--import", key, "--token", "OFFICE", "--label", "licensor", "--id", "a1", "--pin", "4711"},
	} {
		if out, err := exec.Command(util, args...).CombinedOutput(); err != nil {
			t.Fatalf("softhsm2-util: %v\n%s", err, out)
		}
	}
	modules := append(made(filepath.Glob("/usr/lib/softhsm/libsofthsm2.so")), made(filepath.Glob("/usr/lib/*/softhsm/libsofthsm2.so"))...)
	pin, wrong := h.write(t, "pin", []byte("4711\n")), h.write(t, "wrong", []byte("1\n"))
	program := filepath.Join(h.dir, "rastau")
	if out, err := exec.Command("go", "build", "-tags", "pkcs11", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	at := []string{"--module", modules[0], "--token", "OFFICE", "--label", "licensor", "--certificate", certificate}
	judged := []string{"--anchors", h.root, "--allow", "127.0.0.0/8", "--quiet"}
	run := func(args ...[]string) (int, string) {
		var all []string
		for _, a := range args {
			all = append(all, a...)
		}
		cmd := exec.Command(program, all...)
		out, _ := cmd.CombinedOutput() // the exit code is looked at below
		return cmd.ProcessState.ExitCode(), string(out)
	}
	if code, out := run([]string{"key", "list", "--password-file", pin}, at); code != 0 || !strings.Contains(out, "licensor: may sign documents") {
		t.Errorf("list: exit %d\n%s", code, out)
	}
	if code, out := run([]string{"key", "check", "--password-file", pin}, at, judged); code != 0 || !strings.Contains(out, "TOTAL-PASSED") {
		t.Errorf("check: exit %d\n%s", code, out)
	}
	if code, out := run([]string{"key", "list", "--password-file", wrong}, at); code != 4 || !strings.Contains(out, "mend the PIN") {
		t.Errorf("wrong PIN: exit %d\n%s", code, out)
	}
	if code, out := run([]string{"key", "list", "--password-file", pin, "--module", modules[0], "--token", "OFFICE"}); code != 4 || !strings.Contains(out, "no key with a certificate") {
		t.Errorf("without a certificate: exit %d\n%s", code, out)
	}
	h.ca.Revoke(h.key.Certificate, h.now(), 1)
	if code, out := run([]string{"key", "check", "--password-file", pin}, at, judged); code != 1 || !strings.Contains(out, "revoked") {
		t.Errorf("revoked: exit %d\n%s", code, out)
	}
}
