// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestBatchKilled kills the program again and again while it judges a folder, and starts it again: in the end every file has one
// line, and what had its line when the program died has the same bytes still.
func TestBatchKilled(t *testing.T) {
	good, err := os.ReadFile("../../testdata/session/good.p7s")
	if err != nil {
		t.Fatal(err)
	}
	dir, out := t.TempDir(), filepath.Join(t.TempDir(), "out.jsonl")
	const files = 1500
	for i := range files {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%04d.p7s", i)), good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args := with("verify", "--batch", dir, "--out", out, "--workers", "1", "--quiet")
	var before []byte
	kills := 0
	for {
		cmd := exec.Command(rastau(t), args...)
		cmd.Dir = "../.."
		var problems bytes.Buffer
		cmd.Stderr = &problems
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		// It dies once it has written some hundred lines more.
		dead := false
		for !dead {
			select {
			case err := <-ended:
				if err != nil {
					t.Fatalf("%v: %s", err, problems.String())
				}
				dead = true
			case <-time.After(2 * time.Millisecond):
				if info, err := os.Stat(out); err == nil && info.Size() > int64(len(before))+200_000 && kills < 5 {
					_ = cmd.Process.Kill() // it may have ended by itself just now
					<-ended
					kills++
					dead = true
				}
			}
		}
		after, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if whole := bytes.LastIndexByte(before, '\n') + 1; !bytes.HasPrefix(after, before[:whole]) {
			t.Fatal("a line that stood was changed")
		}
		before = after
		if cmd.ProcessState.Exited() {
			break
		}
	}
	var names []string
	for line := range strings.Lines(string(before)) {
		var l struct{ File, Indication string }
		if err := json.Unmarshal([]byte(line), &l); err != nil || l.Indication != "TOTAL-PASSED" {
			t.Fatalf("%v: %s", err, line)
		}
		names = append(names, l.File)
	}
	if !slices.IsSorted(names) || len(slices.Compact(names)) != files || len(names) != files {
		t.Errorf("%d lines", len(names))
	}
	if kills < 3 {
		t.Errorf("killed %d times only", kills)
	}
}

// TestBatchCommand: what a batch is told wrongly is said, and its line is what --json prints of the file alone.
func TestBatchCommand(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out.jsonl")
	session, err := filepath.Abs("../../testdata/session")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		say  string
	}{
		{[]string{"verify", "--batch", session}, 2, "--out"},
		{[]string{"verify", "--batch", "--out", out, session, session}, 2, "name one"},
		{[]string{"verify", "--out", out, session}, 2, "goes with --batch"},
		{[]string{"verify", "--batch", "--out", out, "--max-files", "1", session}, 2, "1 are allowed"},
		{[]string{"verify", "--batch", "--out", out, "--content", "x", session}, 2, "about one file"},
		{[]string{"verify", "--batch", "--out", out, filepath.Join(dir, "nothing")}, 4, "no such file"},
		{with("verify", "--batch", "--out", out, session), 1, "1 TOTAL-PASSED"},
		{with("verify", "--batch", "--out", out, session), 1, "6 of them judged before"},
		{with("verify", "--batch", "--out", out, "--purpose", "any", session), 4, "another question"},
	} {
		code, _, stderr := call(t, c.args...)
		if code != c.code || !strings.Contains(stderr, c.say) {
			t.Errorf("%v: exit %d, %s", c.args, code, stderr)
		}
	}
	lines, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	_, alone, _ := call(t, with("verify", "--json", "testdata/session/good.p7s")...)
	alone = strings.Replace(alone, `"testdata/session/good.p7s"`, `"good.p7s"`, 1)
	if !strings.Contains(string(lines), alone) {
		t.Errorf("the line of good.p7s is not what --json prints:\n%s\n%s", lines, alone)
	}
}
