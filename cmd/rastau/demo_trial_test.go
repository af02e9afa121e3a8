// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestTrial: a service that runs by itself issues a licence for the trial; without a service the trial says so.
func TestTrial(t *testing.T) {
	program, dir, address := rastau(t), t.TempDir(), freeAddress(t)
	from, to := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := runTrial(t.Context(), to, demoOptions{Dir: dir, Trial: address, Quiet: true})
		done <- err
		to.CloseWithError(err)
	}()
	lines := bufio.NewScanner(from)
	config := filepath.Join(dir, "config.yaml")
	if !lines.Scan() || lines.Text() != "start the service with "+config {
		t.Fatalf("the trial begins with %q, %v", lines.Text(), lines.Err())
	}
	cmd := exec.Command(program, "serve", "--config", config)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Signal(syscall.SIGTERM); _ = cmd.Wait() })
	var out strings.Builder
	for lines.Scan() {
		out.WriteString(lines.Text() + "\n")
	}
	if err := <-done; err != nil {
		t.Fatalf("%v\n%s\n%s", err, out.String(), said.String())
	}
	if !strings.Contains(out.String(), "checks as they must be, 0 not.") {
		t.Errorf("the trial:\n%s", out.String())
	}
	files, err := filepath.Glob(filepath.Join(dir, "licences", "*.pdf"))
	if err != nil || len(files) != 1 {
		t.Fatalf("licences: %v, %v", files, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "rastau.db")); err != nil {
		t.Error(err)
	}
	if err := awaitReady(context.Background(), "http://"+freeAddress(t), 10*time.Millisecond); err == nil || !strings.Contains(err.Error(), "no service got ready") {
		t.Errorf("no service: %v", err)
	}
	if code, _, problems := call(t, "demo", "--trial", "192.0.2.1:80"); code != 2 || !strings.Contains(problems, "on this machine") {
		t.Errorf("elsewhere: exit %d %s", code, problems)
	}
}
