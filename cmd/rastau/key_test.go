// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"rastau/internal/testpki"
)

// pkcs12 writes a key with its password beside it.
func (h *office) pkcs12(t *testing.T, name string, l testpki.Leaf) string {
	t.Helper()
	k := made(h.ca.Issue(l))
	return h.write(t, name, made(testpki.PKCS12(k, "secret")))
}

// TestKeyCommands: what a key may sign, until when, and whether its certificate is revoked.
func TestKeyCommands(t *testing.T) {
	h := newOffice(t, testpki.Options{EC: true})
	password := h.write(t, "password", []byte("secret\n"))
	good := h.pkcs12(t, "good.p12", testpki.Leaf{})
	auth := h.pkcs12(t, "auth.p12", testpki.Leaf{Auth: true})
	past := h.pkcs12(t, "past.p12", testpki.Leaf{NotBefore: time.Now().AddDate(-2, 0, 0), NotAfter: time.Now().AddDate(-1, 0, 0)})
	revoked := made(h.ca.Issue(testpki.Leaf{}))
	h.ca.Revoke(revoked.Certificate, time.Now(), 1)
	gone := h.write(t, "gone.p12", made(testpki.PKCS12(revoked, "secret")))
	judged := []string{"--anchors", h.root, "--allow", "127.0.0.0/8", "--quiet"}
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"list":                  {[]string{"list", "--password-file", password, good, auth, past}, 0, "outside its validity period"},
		"list, not for signing": {[]string{"list", "--password-file", password, auth}, 0, "may not sign documents"},
		"list as JSON":          {[]string{"list", "--json", "--password-file", password, good}, 0, `"maySign":true`},
		"check":                 {slices.Concat([]string{"check", "--password-file", password, good}, judged), 0, "TOTAL-PASSED"},
		"check, revoked":        {slices.Concat([]string{"check", "--password-file", password, gone}, judged), 1, "TOTAL-FAILED/REVOKED"},
		"check, expired":        {slices.Concat([]string{"check", "--password-file", password, past}, judged), 1, "TOTAL-FAILED/EXPIRED"},
		"check, for logging in": {slices.Concat([]string{"check", "--password-file", password, auth}, judged), 3, "CHAIN_CONSTRAINTS_FAILURE"},
		"check, several":        {slices.Concat([]string{"check", "--password-file", password, good, gone}, judged), 1, "TOTAL-PASSED"},
		"no password":           {[]string{"list", good}, 2, "--password-file"},
		"no key":                {[]string{"list", "--password-file", password}, 2, "name at least one"},
		"no such file":          {[]string{"list", "--password-file", password, filepath.Join(h.dir, "none")}, 4, "check the path"},
		"a token, no PIN":       {[]string{"list", "--token", "T", "--module", "M"}, 2, "PIN"},
		"a token, no module":    {[]string{"list", "--token", "T", "--password-file", password}, 2, "--module"},
		"a token, static":       {[]string{"list", "--token", "T", "--module", "M", "--password-file", password}, 4, "without PKCS#11"},
		"config and a file":     {[]string{"list", "--config", password, good}, 2, "--config"},
	} {
		code, out, problems := call(t, append([]string{"key"}, c.args...)...)
		if code != c.code || !strings.Contains(out+problems, c.says) {
			t.Errorf("%s: exit %d, want %d, saying %q\n%s%s", name, code, c.code, c.says, out, problems)
		}
	}
}

// TestKeysOfService: the keys of a service's configuration are listed and judged too.
func TestKeysOfService(t *testing.T) {
	w := made(openWorld(t.TempDir(), "127.0.0.1:1", "127.0.0.1:2", demoShared{}))
	defer w.Close()
	config := filepath.Join(w.dir, "config.yaml")
	if code, out, problems := call(t, "key", "list", "--config", config); code != 0 || !strings.Contains(out, "may sign documents") {
		t.Errorf("list: exit %d\n%s%s", code, out, problems)
	}
	if code, out, problems := call(t, "key", "check", "--config", config, "--anchors", filepath.Join(w.dir, "anchors"), "--allow", "127.0.0.0/8"); code != 0 || !strings.Contains(out, "TOTAL-PASSED") {
		t.Errorf("check: exit %d\n%s%s", code, out, problems)
	}
	// The configuration says whom to trust and which networks may be asked; what is given here comes first.
	if code, out, problems := call(t, "key", "check", "--config", config, "--quiet"); code != 0 || !strings.Contains(out, "TOTAL-PASSED") {
		t.Errorf("check by the configuration alone: exit %d\n%s%s", code, out, problems)
	}
	other := filepath.Join(t.TempDir(), "other.pem")
	p := made(testpki.New(testpki.Options{EC: true, Now: time.Now}))
	if err := os.WriteFile(other, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Root().Certificate.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, problems := call(t, "key", "check", "--config", config, "--anchors", other, "--quiet"); code != 3 || !strings.Contains(out, "NO_CERTIFICATE_CHAIN_FOUND") {
		t.Errorf("check by another anchor: exit %d\n%s%s", code, out, problems)
	}
}

// TestKeysReadAgain: a service reads its keys again on a signal and when their files change; what cannot be read changes nothing.
func TestKeysReadAgain(t *testing.T) {
	w := made(openWorld(t.TempDir(), "127.0.0.1:1", "127.0.0.1:2", demoShared{}))
	defer w.Close()
	file := filepath.Join(w.dir, "config.yaml")
	c := made(loadConfig(file))
	r := made(openKeyring(c, quietLog()))
	defer r.Close()
	first := r.ring.Keys()[0].Certificate
	signals := make(chan os.Signal)
	go func() { // as app.watch does for a whole service
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-t.Context().Done():
				return
			case <-signals:
				r.reload()
			case <-tick.C:
				if r.changed() {
					r.reload()
				}
			}
		}
	}()
	waits := func(what string, want func() bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); !want(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: not seen", what)
			}
		}
	}
	next := made(w.ca.Issue(testpki.Leaf{}))
	path := c.path(c.Key.File)
	password := strings.TrimSpace(string(made(os.ReadFile(c.path(c.Key.PasswordFile)))))
	if err := replaceFile(path, made(testpki.PKCS12(next, password))); err != nil {
		t.Fatal(err)
	}
	waits("a changed file", func() bool { return r.ring.Keys()[0].Certificate.SHA256 == next.Certificate.SHA256 })
	if err := replaceFile(path, []byte("no key at all")); err != nil {
		t.Fatal(err)
	}
	signals <- syscall.SIGHUP
	signals <- syscall.SIGHUP // when the second is taken the first has been served
	if r.ring.Keys()[0].Certificate.SHA256 != next.Certificate.SHA256 {
		t.Error("a broken file took the key away")
	}
	// Two keys by label.
	both := strings.Replace(string(made(os.ReadFile(file))), "\nkeys: []", "", 1)
	if err := replaceFile(path, made(testpki.PKCS12(next, password))); err != nil {
		t.Fatal(err)
	}
	h := made(w.ca.Issue(testpki.Leaf{}))
	if err := replaceFile(c.path("keys/second.p12"), made(testpki.PKCS12(h, password))); err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(both, "\nkey:", "\nkeys:\n  - {label: b, file: keys/second.p12, passwordFile: "+c.Key.PasswordFile+"}\n  - {label: a, file: "+c.Key.File+", passwordFile: "+c.Key.PasswordFile+"}\nkey:", 1)
	i := strings.Index(text, "\nkey:")
	j := i + 1 + strings.Index(text[i+1:], "\n")
	for strings.HasPrefix(text[j+1:], " ") {
		j += 1 + strings.Index(text[j+1:], "\n")
	}
	if err := replaceFile(file, []byte(text[:i]+text[j:])); err != nil {
		t.Fatal(err)
	}
	if _, err := loadConfig(file); err != nil {
		t.Fatal(err)
	}
	waits("two keys", func() bool { return len(r.ring.Keys()) == 2 })
	if k := r.ring.Keys(); k[0].Certificate.SHA256 != h.Certificate.SHA256 || k[1].Certificate.SHA256 != next.Certificate.SHA256 || first.SHA256 == k[1].Certificate.SHA256 {
		t.Error("another order than the configuration's")
	}
}
