// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"rastau/internal/cms"
	"rastau/internal/identity"
	"rastau/internal/testpki"
)

// streamed is the size of the detached file judged; the others are how much more memory than `rastau version` that may take,
// alone and where the evidence is written, too.
const (
	streamed        = 256 << 20
	allowed         = 16 << 20
	allowedEvidence = 32 << 20
)

// TestDetachedContentStreams judges a large detached file and compares the peak resident size with that of `version`.
func TestDetachedContentStreams(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "rastau")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	p, err := testpki.New(testpki.Options{Now: func() time.Time { return now }, EC: true})
	if err != nil {
		t.Fatal(err)
	}
	ca, err := p.NewCA("")
	if err != nil {
		t.Fatal(err)
	}
	key, err := ca.Issue(testpki.Leaf{CommonName: "СЫНАҚ", IIN: identity.NewIIN(time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC), true, 1234)})
	if err != nil {
		t.Fatal(err)
	}
	content := filepath.Join(dir, "content")
	file, err := os.Create(content)
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Truncate(streamed); err != nil { // sparse: it takes no room
		t.Fatal(err)
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		t.Fatal(err)
	}
	file.Close()
	signed, err := cms.Sign(context.Background(), cms.SignOptions{Digest: sum.Sum(nil), Key: key.Signer, Certificate: key.Certificate, Chain: key.Chain, SigningTime: now})
	if err != nil {
		t.Fatal(err)
	}
	signature, root := filepath.Join(dir, "sig.p7s"), filepath.Join(dir, "root.cer")
	for name, data := range map[string][]byte{signature: signed, root: p.Root().Certificate.Raw} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	base, _ := peak(t, program, "version")
	ask := []string{"verify", "--offline", "--revocation", "none", "--anchors", root, "--at", now.Format(time.RFC3339), "--content", content}
	for name, more := range map[string][]string{"alone": nil, "with evidence": {"--evidence", filepath.Join(dir, "e.zip")}} {
		limit := int64(allowed)
		if more != nil {
			limit = allowedEvidence
		}
		size, out := peak(t, program, append(append(ask, more...), signature)...)
		if !strings.Contains(out, "TOTAL-PASSED") {
			t.Errorf("%s: %s", name, out)
		}
		if size > base+limit {
			t.Errorf("%s: %d MiB at its peak, version takes %d MiB: the content is held in memory", name, size>>20, base>>20)
		}
		t.Logf("%s: %.1f MiB over the %.1f MiB of version", name, float64(size-base)/(1<<20), float64(base)/(1<<20))
	}
	// The evidence of streamed content is its digests.
	if info, err := os.Stat(filepath.Join(dir, "e.zip")); err != nil || info.Size() > 1<<20 {
		t.Errorf("evidence: %v, %v", info, err)
	}
	if _, out := peak(t, program, "verify", "--offline", "--anchors", root, filepath.Join(dir, "e.zip")); !strings.Contains(out, "TOTAL-PASSED") {
		t.Errorf("the evidence alone: %s", out)
	}
}

// peak runs the program and gives the peak of its resident size with what it printed. VmHWM only grows, so the last reading
// before the end is the one that counts; the rusage of a child would count this process's own memory too.
func peak(t *testing.T, program string, args ...string) (int64, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // what came of it is in out
		close(done)
	}()
	var most int64
	for {
		if size := resident(cmd.Process.Pid); size > most {
			most = size
		}
		select {
		case <-done:
			if most == 0 {
				t.Skip("no /proc on this system")
			}
			return most, out.String()
		case <-time.After(200 * time.Microsecond):
		}
	}
}

// resident reads VmHWM, in bytes; 0 where there is none.
func resident(pid int) int64 {
	file, err := os.Open("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			kib, _ := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			return kib << 10
		}
	}
	return 0
}
