// SPDX-License-Identifier: Apache-2.0

package crl_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rastau/crl"
	"rastau/internal/testpki"
	"rastau/internal/testredis"
)

// A process that starts, with the index in a mapped file or in Redis, against reading and hashing the same octets.
func BenchmarkColdStart(b *testing.B) {
	n := million
	if !testing.Short() {
		n = tenMillion
	}
	ca := bigCA(b)
	name := bigFile(b, ca, testpki.BigList{Entries: n})
	store := redisStore(b, testredis.Start(b).URL)
	dir := b.TempDir()
	now := func() time.Time { return at }
	check := signedBy(ca.Certificate)
	first := crl.NewSource(crl.SourceOptions{Fetch: file(name), Cache: store, Key: sealKey, Folder: dir, Now: now})
	if _, err := first.List(context.Background(), "http://crl.example/big.crl", check); err != nil {
		b.Fatal(err)
	}
	if err := first.Close(); err != nil {
		b.Fatal(err)
	}
	index := waitFile(b, dir, "*.index")
	start := func(o crl.SourceOptions, origin string) time.Duration {
		o.Now, o.Key, o.Fetch = now, sealKey, nobody{}
		return median(1, func() {
			s := crl.NewSource(o)
			l, err := s.List(context.Background(), "http://crl.example/big.crl", check)
			if err != nil || l.Entries != n {
				b.Fatal(err)
			}
			if s.States()[0].Origin != origin {
				b.Fatal(s.States())
			}
		})
	}
	var floors, mapped, shared []time.Duration
	for b.Loop() {
		floors = append(floors, median(1, func() { hashFile(b, index) }))
		mapped = append(mapped, start(crl.SourceOptions{Folder: dir}, crl.OriginFolder))
		time.Sleep(time.Second) // the mapped file is hashed behind the answer
		shared = append(shared, start(crl.SourceOptions{Cache: store}, crl.OriginCache))
	}
	b.ReportMetric(float64(middle(mapped))/float64(middle(floors)), "mapped/read+hash")
	b.ReportMetric(float64(middle(shared))/float64(middle(floors)), "redis/read+hash")
	b.ReportMetric(float64(slices.Min(shared))/float64(slices.Min(floors)), "least-redis/read+hash") // when nobody else was about
	b.ReportMetric(ms(middle(mapped)), "mapped-ms")
	b.ReportMetric(ms(middle(shared)), "redis-ms")
	b.ReportMetric(0, "ns/op")
}

// file answers every address with a file; nobody with nothing.
type file string

func (f file) Get(context.Context, string, int64) ([]byte, error) { return os.ReadFile(string(f)) }

type nobody struct{}

func (nobody) Get(context.Context, string, int64) ([]byte, error) { return nil, os.ErrNotExist }

// The whole process, `rastau crl index`, against `openssl crl -noout -CAfile`: time, and peak memory above that of
// `rastau version`.
func BenchmarkProcess(b *testing.B) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		b.Skip("openssl is not installed")
	}
	dir := b.TempDir()
	program := filepath.Join(dir, "rastau")
	if out, err := exec.Command("go", "build", "-o", program, "rastau/cmd/rastau").CombinedOutput(); err != nil {
		b.Fatalf("%v %s", err, out)
	}
	ca := bigCA(b)
	list, issuer := bigFile(b, ca, testpki.BigList{Entries: million}), filepath.Join(dir, "ca.pem")
	write(b, issuer, pemOf(ca.Certificate.Raw))
	run := func(name string, args ...string) (time.Duration, int64) {
		cmd := exec.Command(name, args...)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		began := time.Now()
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		peak := make(chan int64, 1)
		go func() { peak <- peakOf(cmd.Process.Pid) }()
		if err := cmd.Wait(); err != nil {
			b.Fatalf("%s: %v %s", name, err, out.String())
		} else if strings.Contains(name, "openssl") && !strings.Contains(out.String(), "OK") {
			b.Fatalf("%s", out.String())
		}
		return time.Since(began), <-peak
	}
	var ours, peers []time.Duration
	var mine, theirs, none int64
	for range 5 { // it is over before one can look
		_, n := run(program, "version")
		none = max(none, n)
	}
	for b.Loop() {
		var d time.Duration
		d, mine = run(program, "crl", "index", "--quiet", "--issuer", issuer, list)
		ours = append(ours, d)
		d, theirs = run(openssl, "crl", "-noout", "-inform", "DER", "-CAfile", issuer, "-in", list)
		peers = append(peers, d)
	}
	b.ReportMetric(float64(middle(ours))/float64(middle(peers)), "x-openssl")
	b.ReportMetric(float64(mine-none)/float64(theirs), "x-openssl-memory")
	b.ReportMetric(ms(middle(ours)), "ms")
	b.ReportMetric(float64(mine-none)/1024, "MiB")
	b.ReportMetric(0, "ns/op")
}

// peakOf is the peak memory in KiB of a process, looked at until it ends. What the kernel tells of a process that has ended
// counts what its parent had when it was born.
func peakOf(pid int) (peak int64) {
	name := fmt.Sprintf("/proc/%d/status", pid)
	for ; ; time.Sleep(200 * time.Microsecond) {
		status, err := os.ReadFile(name)
		_, after, ok := strings.Cut(string(status), "VmHWM:")
		if err != nil || !ok { // no memory any more
			return peak
		}
		var n int64
		if _, err := fmt.Sscan(after, &n); err == nil && n > peak {
			peak = n
		}
	}
}

func pemOf(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
