// SPDX-License-Identifier: Apache-2.0

package crl_test

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"rastau/crl"
	"rastau/internal/cache"
	"rastau/internal/pki"
	"rastau/internal/testredis"
	"rastau/internal/trust"
)

const (
	stormEnv   = "RASTAU_STORM" // how many verdicts, over all processes
	stormChild = "RASTAU_STORM_PROCESS"

	stormProcesses = 8
	stormLate      = 5 * time.Second // from when on a published revocation must be known
	stormSerials   = 4096            // serial numbers 1 … are revoked one after another; those above never
)

// TestStorm: eight processes on one Redis judge without pause while a new list, with more revocations, comes out every
// second. Each verdict is compared with the truth: "good" for a serial that was published more than five seconds ago is
// wrong, and so is "revoked" for one that never was.
func TestStorm(t *testing.T) {
	total, err := strconv.Atoi(os.Getenv(stormEnv))
	if err != nil || total <= 0 {
		t.Skipf("takes minutes: %s=1000000 runs it with so many verdicts", stormEnv)
	}
	redisServer := testredis.Start(t)
	ca := newRoot(t, "CA")
	server := newListServer(t)

	// The truth: published[n] is when the list with serials up to n came out.
	var mu sync.Mutex
	revoked := 0
	began := time.Now()
	publish := func(number int64) {
		mu.Lock()
		revoked += 8
		n := revoked
		mu.Unlock()
		entries := make([]x509.RevocationListEntry, n)
		for i := range entries {
			entries[i] = x509.RevocationListEntry{SerialNumber: big.NewInt(int64(i + 1)), RevocationTime: began.Add(-time.Hour), ReasonCode: 1}
		}
		now := time.Now()
		der := ca.der(t, listOptions{number: number, this: now, next: now.Add(time.Hour), entries: entries})
		server.set(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Revoked", strconv.Itoa(n))
			_, _ = w.Write(der)
		})
	}
	publish(1)
	ctx, cancel := context.WithCancel(t.Context())
	var changing sync.WaitGroup
	times := []time.Time{time.Now()} // when list i+1 came out; serials up to 8(i+1)
	changing.Go(func() {
		for number := int64(2); 8*number < stormSerials; number++ {
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Second):
			}
			publish(number)
			mu.Lock()
			times = append(times, time.Now())
			mu.Unlock()
		}
	})

	type outcome struct {
		serial int64
		asked  time.Time
		status string
	}
	var wrong, judged, unknown int
	var sum sync.Mutex
	var all sync.WaitGroup
	for i := range stormProcesses {
		cmd := exec.Command(os.Args[0], "-test.run=^TestStormProcess$")
		cmd.Env = append(os.Environ(), stormChild+"="+strconv.Itoa(total/stormProcesses), "REDIS="+redisServer.URL, "LIST="+server.URL, "CA="+hex.EncodeToString(ca.cert.Raw),
			"SEED="+strconv.Itoa(i))
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill() })
		all.Go(func() {
			for in := bufio.NewScanner(out); in.Scan(); {
				var o outcome
				var nanos int64
				if n, _ := fmt.Sscanf(in.Text(), "verdict %d %d %s", &o.serial, &nanos, &o.status); n != 3 {
					continue
				}
				o.asked = time.Unix(0, nanos)
				mu.Lock()
				ever := o.serial <= int64(revoked)
				known := false
				if list := int(o.serial-1) / 8; list < len(times) {
					known = times[list].Add(stormLate).Before(o.asked)
				}
				mu.Unlock()
				sum.Lock()
				judged++
				switch {
				case o.status == "unknown":
					unknown++
				case o.status == "good" && known, o.status != "good" && !ever:
					if wrong++; wrong < 10 {
						t.Errorf("serial %d at %s: %s (published and known: %t, ever: %t)", o.serial, o.asked.Sub(began), o.status, known, ever)
					}
				}
				sum.Unlock()
			}
			_ = cmd.Wait()
		})
	}
	all.Wait()
	cancel()
	changing.Wait()
	t.Logf("%d verdicts by %d processes in %s, %d lists, %d downloads: %d wrong, %d unknown", judged, stormProcesses, time.Since(began).Round(time.Second),
		len(times), server.asked.Load(), wrong, unknown)
	if judged < total/stormProcesses*stormProcesses {
		t.Errorf("only %d of %d verdicts were given", judged, total)
	}
}

// TestStormProcess is not a test: it is one of the eight processes.
func TestStormProcess(t *testing.T) {
	share, err := strconv.Atoi(os.Getenv(stormChild))
	if err != nil {
		t.Skip("only run by TestStorm")
	}
	raw, err := hex.DecodeString(os.Getenv("CA"))
	if err != nil {
		t.Fatal(err)
	}
	ca, err := pki.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	shared, err := cache.NewRedis(cache.RedisOptions{URL: os.Getenv("REDIS"), Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	source := crl.NewSource(crl.SourceOptions{Fetch: guarded(t), Cache: shared, Key: sealKey, Refresh: time.Second, Poll: 500 * time.Millisecond})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { source.Run(ctx) })
	seed, _ := strconv.ParseUint(os.Getenv("SEED"), 10, 64)
	random := rand.New(rand.NewPCG(seed, 1))
	anchor := trust.AnchorOf(ca)
	var b strings.Builder
	began := time.Now()
	for i := range share {
		if pause := time.Duration(i) * 2 * time.Minute / 125_000; time.Since(began) < pause { // a million in two minutes, many lists long
			time.Sleep(pause - time.Since(began))
		}
		serial := 1 + random.Int64N(stormSerials)
		if random.IntN(4) == 0 {
			serial += 1 << 40 // one that never will be
		}
		asked, status := time.Now(), "unknown"
		if l, err := source.List(ctx, os.Getenv("LIST"), signedBy(ca)); err == nil {
			leaf := *ca // what Judge looks at of a certificate: issuer, serial number, times
			leaf.Serial, leaf.Issuer, leaf.BasicConstraints = big.NewInt(serial), ca.Subject, nil
			leaf.NotBefore, leaf.NotAfter = asked.Add(-time.Hour), asked.Add(time.Hour)
			a := crl.Judge(ctx, crl.Query{Certificate: &leaf, Issuer: anchor, IssuerCert: ca, Anchor: anchor, Lists: []*crl.List{l}, At: time.Now()})
			status = a.Status.String()
		}
		fmt.Fprintf(&b, "verdict %d %d %s\n", serial, asked.UnixNano(), status)
		if i%100 == 99 || i == share-1 {
			fmt.Print(b.String())
			b.Reset()
		}
	}
	cancel()
	running.Wait()
	_ = source.Close()
	os.Exit(0)
}
