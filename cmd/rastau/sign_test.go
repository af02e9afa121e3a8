// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rastau/internal/cms"
	"rastau/internal/pdf"
	"rastau/internal/testpki"
)

// stack is a folder of pages and other files to be signed, and the command that signs them.
func stack(t *testing.T, h *office, n int) (files, command []string, out string) {
	t.Helper()
	page := licencePage(t)
	for i := range n {
		name, data := fmt.Sprintf("page-%03d.pdf", i), page
		if i%10 == 0 {
			name, data = fmt.Sprintf("note-%03d.json", i), fmt.Appendf(nil, `{"n":%d}`, i)
		}
		files = append(files, h.write(t, name, data))
	}
	password := h.write(t, "password", []byte("secret"))
	key := h.write(t, "key.p12", made(testpki.PKCS12(h.key, "secret")))
	out = filepath.Join(h.dir, "signed")
	return files, append([]string{"sign", "--key", key, "--password-file", password, "--anchors", h.root, "--allow", "127.0.0.0/8", "--out", out}, files...), out
}

// outputs reads what stands in the folder.
func outputs(t *testing.T, out string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, f := range append(made(filepath.Glob(filepath.Join(out, "*.pdf"))), made(filepath.Glob(filepath.Join(out, "*.p7m")))...) {
		all[filepath.Base(f)] = made(os.ReadFile(f))
	}
	return all
}

// TestSignKilled kills a batch with -9 again and again: run again, it goes on; what was signed stays as it is, every file is signed
// once, and nothing half-written is left.
func TestSignKilled(t *testing.T) {
	h := newOffice(t, testpki.Options{EC: true})
	const n = 200
	files, command, out := stack(t, h, n)
	kept := map[string][]byte{}
	for _, after := range []int{1, 30, 90, 150} {
		cmd := exec.Command(rastau(t), command...)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(time.Minute); len(outputs(t, out)) < after; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("it does not get on")
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		now := outputs(t, out)
		for name, was := range kept {
			if !bytes.Equal(was, now[name]) {
				t.Fatalf("%s was signed again", name)
			}
		}
		kept = now
	}
	code, told, problems := call(t, append([]string{command[0], "--json"}, command[1:]...)...)
	if code != 0 || strings.Count(told, `"error":null`) != n || strings.Count(told, `"before":true`) < len(kept) {
		t.Fatalf("the last run: exit %d, %d done, %d before\n%s", code, strings.Count(told, `"error":null`), strings.Count(told, `"before":true`), problems)
	}
	all := outputs(t, out)
	if len(all) != n {
		t.Fatalf("%d files are signed, want %d", len(all), n)
	}
	for name, data := range all {
		if was, known := kept[name]; known && !bytes.Equal(was, data) {
			t.Errorf("%s was signed again", name)
		}
		count := 1
		if pdf.Is(data) {
			count = len(made(pdf.Open(data, pdf.Limits{})).Signatures())
		} else {
			count = len(made(cms.Parse(data, cms.Limits{})).Signers)
		}
		if count != 1 {
			t.Errorf("%s bears %d signatures", name, count)
		}
	}
	if left := made(filepath.Glob(filepath.Join(out, ".*.unfinished-*"))); len(left) > 0 {
		t.Errorf("half-written files are left: %v", left)
	}
	// The same command again does nothing.
	if code, told, _ := call(t, command...); code != 0 || !strings.Contains(told, fmt.Sprintf("0 signed, %d signed before, 0 not", n)) {
		t.Errorf("again: exit %d %s", code, told)
	}
	args := append([]string{"verify", "--anchors", h.root, "--allow", "127.0.0.0/8", "--quiet"}, filepath.Join(out, filepath.Base(files[1])), filepath.Join(out, filepath.Base(files[0])+".p7m"))
	if code, told, problems := call(t, args...); code != 0 {
		t.Errorf("verify: exit %d\n%s%s", code, told, problems)
	}
}

// TestSignCommand: what is refused, and how it is told.
func TestSignCommand(t *testing.T) {
	h := newOffice(t, testpki.Options{EC: true})
	files, command, out := stack(t, h, 3)
	tsa := []string{"--tsa", h.base + "/tsp", "--level", "LTA"}
	if code, told, problems := call(t, slices.Concat(command, tsa)...); code != 0 || told != "3 signed, 0 signed before, 0 not\n" {
		t.Fatalf("exit %d %q\n%s", code, told, problems)
	}
	if code, told, problems := call(t, "verify", "--offline", "--json", "--anchors", h.root, filepath.Join(out, "page-001.pdf")); code != 0 || !strings.Contains(told, `"level":"LTA"`) {
		t.Errorf("exit %d %s%s", code, told, problems)
	}
	base := command[:len(command)-len(files)]
	foreign := filepath.Join(out, "foreign.pdf")
	if err := os.WriteFile(foreign, licencePage(t), 0o600); err != nil {
		t.Fatal(err)
	}
	// An earlier signature that does not hold: a byte of the page was changed under it.
	broken := made(os.ReadFile(filepath.Join(out, "page-001.pdf")))
	broken[bytes.Index(broken, []byte("/MediaBox"))+12] ^= 1
	huge := h.write(t, "huge.pdf", nil) // sparse: nothing of it is read
	if err := os.Truncate(huge, 3<<30); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"signed and changed":          {append(slices.Clone(base), h.write(t, "changed.pdf", broken)), 1, "was there before does not hold"},
		"empty":                       {append(slices.Clone(base), h.write(t, "empty.pdf", nil)), 1, "nothing to sign"},
		"huge":                        {append(slices.Clone(base), huge), 1, "too large"},
		"cut":                         {append(slices.Clone(base), h.write(t, "cut.pdf", licencePage(t)[:3000])), 1, "damaged"},
		"a folder":                    {append(slices.Clone(base), h.dir), 1, "no regular file"},
		"in its place stands another": {append(slices.Clone(base), h.write(t, "foreign.pdf", licencePage(t))), 1, "another file is there already"},
		"two of one name":             {append(slices.Clone(base), files[0], files[0]), 4, "same name"},
		"no such file":                {append(slices.Clone(base), filepath.Join(h.dir, "none")), 4, "no such file"},
		"no authority":                {slices.Concat(base, []string{"--level", "LTA"}, files), 2, "time-stamping authority"},
		"no such level":               {slices.Concat(base, []string{"--level", "X"}, files), 2, "choose B, T, LT or LTA"},
		"no folder":                   {[]string{"sign", files[0]}, 2, "--out"},
		"silent authority":            {slices.Concat(base, []string{"--tsa", h.base + "/none", h.write(t, "more.pdf", licencePage(t))}), 3, "no time-stamp"},
	} {
		if code, told, problems := call(t, c.args...); code != c.code || !strings.Contains(told+problems, c.says) {
			t.Errorf("%s: exit %d, want %d, saying %q\n%s%s", name, code, c.code, c.says, told, problems)
		}
	}
	if !bytes.Equal(made(os.ReadFile(foreign)), licencePage(t)) {
		t.Error("a foreign file was replaced")
	}
	h.ca.Revoke(h.key.Certificate, time.Now(), 1)
	if code, told, problems := call(t, append(slices.Clone(base), h.write(t, "late.pdf", licencePage(t)))...); code != 1 || !strings.Contains(problems, "not accepted") {
		t.Errorf("a revoked key: exit %d\n%s%s", code, told, problems)
	}
}
