// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// answered is what --json prints, as far as these tests look.
type answered struct {
	File, Indication, SubIndication string
	Findings                        []struct{ Key, Outcome string }
}

func (r *answered) warns(key string) bool {
	return slices.ContainsFunc(r.Findings, func(f struct{ Key, Outcome string }) bool { return f.Key == key && f.Outcome == "warn" })
}

func tell(t *testing.T, args ...string) (answered, []byte, int) {
	t.Helper()
	out, code := ownCommand(t.Context(), args)
	var r answered
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("%v: %v in %q, exit %d", args, err, out, code)
	}
	_, rest, _ := bytes.Cut(out, []byte(",")) // what follows the file's name
	return r, rest, code
}

var judgeSession = []string{"--offline", "--quiet", "--json", "--at", "2026-11-02T00:00:00Z", "--crl", filepath.Join(session, "lists")}

// The evidence of each verdict of the session gives it again, and says whose the anchors are.
func TestEvidenceOfTheSession(t *testing.T) {
	dir, root := t.TempDir(), filepath.Join(session, "root.pem")
	for name, exit := range map[string]int{"good": exitPassed, "revoked": exitIndeterminate, "altered": exitFailed} {
		t.Run(name, func(t *testing.T) {
			file, archive, copied := filepath.Join(session, name+".p7s"), filepath.Join(dir, name+".zip"), filepath.Join(dir, name+"-2.zip")
			ask := slices.Concat([]string{"verify", "--anchors", root}, judgeSession)
			first, rest, code := tell(t, slices.Concat(ask, []string{"--evidence", archive, file})...)
			if code != exit {
				t.Fatalf("exit %d, want %d", code, exit)
			}
			if _, _, code = tell(t, slices.Concat(ask, []string{"--evidence", copied, file})...); code != exit {
				t.Fatalf("exit %d the second time", code)
			}
			a, err := os.ReadFile(archive)
			if err != nil {
				t.Fatal(err)
			}
			if b, err := os.ReadFile(copied); err != nil || !bytes.Equal(a, b) {
				t.Errorf("the same question gives other bytes: %v", err)
			}
			own, again, code := tell(t, "verify", "--offline", "--quiet", "--json", "--anchors", root, "--at", "2026-11-02T00:00:00Z", archive)
			if code != exit || !bytes.Equal(again, rest) || own.warns("input.anchors") || own.warns("input.question") {
				t.Errorf("with anchors: exit %d\n%s\n%s", code, again, rest)
			}
			theirs, _, code := tell(t, "verify", "--offline", "--quiet", "--json", archive)
			if code != exit || theirs.SubIndication != first.SubIndication || !theirs.warns("input.anchors") || !theirs.warns("input.question") {
				t.Errorf("without anchors: exit %d, %+v", code, theirs)
			}
			// Another flag replaces what the file says.
			late, _, _ := tell(t, "verify", "--offline", "--quiet", "--json", "--anchors", root, "--at", "2029-01-01T00:00:00Z", archive)
			if late.Indication == "TOTAL-PASSED" {
				t.Error("passed in 2029")
			}
		})
	}
}

func TestEvidenceOfACertificate(t *testing.T) {
	root, archive := filepath.Join(session, "root.pem"), filepath.Join(t.TempDir(), "c.zip")
	_, rest, code := tell(t, slices.Concat([]string{"certificate", "--anchors", root}, judgeSession, []string{"--evidence", archive, root})...)
	if code != exitPassed {
		t.Fatalf("exit %d", code)
	}
	if _, again, code := tell(t, "certificate", "--offline", "--quiet", "--json", "--anchors", root, "--at", "2026-11-02T00:00:00Z", archive); code != exitPassed || !bytes.Equal(again, rest) {
		t.Errorf("exit %d\n%s\n%s", code, again, rest)
	}
	if out, code := ownCommand(t.Context(), []string{"verify", "--offline", "--quiet", archive}); code != exitUsage {
		t.Errorf("as a document: exit %d %s", code, out)
	}
}

// What the maker asked less for than is usual is answered.
func TestEvidenceOfLess(t *testing.T) {
	root, archive := filepath.Join(session, "root.pem"), filepath.Join(t.TempDir(), "less.zip")
	ask := []string{"verify", "--offline", "--quiet", "--json", "--at", "2026-11-02T00:00:00Z", "--anchors", root, "--revocation", "none", "--evidence", archive}
	if _, _, code := tell(t, append(ask, filepath.Join(session, "revoked.p7s"))...); code != exitPassed {
		t.Fatalf("exit %d", code)
	}
	if r, _, code := tell(t, "verify", "--offline", "--quiet", "--json", "--anchors", root, "--at", "2026-11-02T00:00:00Z", archive); code != exitPassed || !r.warns("input.question") {
		t.Errorf("exit %d, %+v", code, r)
	}
	if r, _, code := tell(t, "verify", "--offline", "--quiet", "--json", "--anchors", root, "--at", "2026-11-02T00:00:00Z", "--revocation", "require", archive); code != exitIndeterminate || r.warns("input.question") {
		t.Errorf("exit %d, %+v", code, r)
	}
}

func TestEvidenceRefusals(t *testing.T) {
	dir := t.TempDir()
	good, root := filepath.Join(session, "good.p7s"), filepath.Join(session, "root.pem")
	archive := filepath.Join(dir, "e.zip")
	base := slices.Concat([]string{"verify", "--anchors", root}, judgeSession)
	if _, _, code := tell(t, slices.Concat(base, []string{"--evidence", archive, good})...); code != exitPassed {
		t.Fatalf("exit %d", code)
	}
	whole, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(dir, "broken.zip")
	if err := os.WriteFile(broken, whole[:len(whole)-1], 0o600); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "other.zip")
	if err := os.WriteFile(other, []byte("PK\x03\x04 some other archive"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		args []string
		code int
	}{
		"several files":            {slices.Concat(base, []string{"--evidence", filepath.Join(dir, "x.zip"), good, good}), exitUsage},
		"evidence of evidence":     {slices.Concat(base, []string{"--evidence", filepath.Join(dir, "x.zip"), archive}), exitUsage},
		"a folder that is not":     {slices.Concat(base, []string{"--evidence", filepath.Join(dir, "none", "x.zip"), good}), exitUnreadable},
		"a file that is not whole": {slices.Concat(base, []string{broken}), exitUnreadable},
		"another archive":          {slices.Concat(base, []string{other}), exitFailed},
	} {
		t.Run(name, func(t *testing.T) {
			if out, code := ownCommand(t.Context(), tt.args); code != tt.code {
				t.Errorf("exit %d, want %d: %s", code, tt.code, out)
			}
			if _, err := os.Stat(filepath.Join(dir, "x.zip")); err == nil {
				t.Error("a file was left")
			}
		})
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range left {
		if strings.HasPrefix(f.Name(), ".rastau") {
			t.Errorf("%s was left", f.Name())
		}
	}
}
