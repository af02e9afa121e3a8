// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rastau/internal/testpostgres"
)

const previousEnv = "RASTAU_PREVIOUS" // the program of the version before; without it this one is replaced by itself

// balancer sends each request to one of the processes that say that they are ready, and never twice.
type balancer struct {
	mu      sync.Mutex
	targets []*target
	next    int
	failed  atomic.Int64
	served  atomic.Int64
}

type target struct {
	base  string
	proxy *httputil.ReverseProxy
	ready atomic.Bool
	busy  atomic.Int64
}

const balancerLooks = 100 * time.Millisecond

func (b *balancer) add(base string) *target {
	u := made(url.Parse(base))
	t := &target{base: base, proxy: httputil.NewSingleHostReverseProxy(u)}
	t.proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, err error) {
		b.failed.Add(1)
		http.Error(w, err.Error(), http.StatusBadGateway)
	}
	t.proxy.Transport = &http.Transport{MaxIdleConnsPerHost: 64}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.targets = append(b.targets, t)
	return t
}

// watch looks at /readyz of every process until done.
func (b *balancer) watch(done <-chan struct{}) {
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		b.mu.Lock()
		all := b.targets
		b.mu.Unlock()
		for _, t := range all {
			res, err := client.Get(t.base + "/readyz")
			t.ready.Store(err == nil && res.StatusCode == http.StatusOK)
			if err == nil {
				res.Body.Close()
			}
		}
		select {
		case <-done:
			return
		case <-time.After(balancerLooks):
		}
	}
}

func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	var to *target
	for range b.targets {
		b.next++
		if t := b.targets[b.next%len(b.targets)]; t.ready.Load() {
			to = t
			break
		}
	}
	b.mu.Unlock()
	if to == nil {
		b.failed.Add(1)
		http.Error(w, "no process is ready", http.StatusServiceUnavailable)
		return
	}
	to.busy.Add(1)
	defer to.busy.Add(-1)
	to.proxy.ServeHTTP(w, r)
	b.served.Add(1)
}

// TestRollingUpgrade: two processes of the version before are replaced one after the other by this one, under load, behind a proxy that
// looks at /readyz and repeats nothing. No request fails, and everything acknowledged is in the register.
// `make upgrade` does it with the program of an earlier commit.
func TestRollingUpgrade(t *testing.T) {
	current := rastau(t)
	previous, rate, seconds := os.Getenv(previousEnv), loadSmall, 12
	if previous != "" {
		rate, seconds = 20, 40
	} else {
		previous = current
	}
	dir := t.TempDir()
	addresses := []string{freeAddress(t), freeAddress(t), freeAddress(t)}
	b := &balancer{}
	front := httptest.NewServer(b)
	t.Cleanup(front.Close)
	w, err := openWorld(dir, strings.TrimPrefix(front.URL, "http://"), addresses[2], demoShared{EC: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	l := &load{t: t, w: w, papers: sampleAttachments(), steps: map[string][]time.Duration{}, failures: map[string]int{}}
	address := made(url.Parse(testpostgres.Start(t).Database(t)))
	address.User = url.User(address.User.Username())
	begin := func(i int, program string) *served {
		c := *w.config
		c.Database, c.DatabasePasswordEnv, c.PersonalData.KeyFile = address.String(), "RASTAU_TEST_PASSWORD", "data.keys"
		c.Listen, c.Blobs.Address = addresses[i], "blobs"
		if program == current {
			c.Drain = 5 * balancerLooks // the version before may not know it
		}
		s := startServe(t, program, dir, fmt.Sprintf("load%d.yaml", i), &c)
		s.base = "http://" + c.Listen
		return s
	}
	processes := []*served{begin(0, previous), begin(1, previous)}
	var targets []*target
	for _, s := range processes {
		targets = append(targets, b.add(s.base))
	}
	watching := make(chan struct{})
	go b.watch(watching)
	defer close(watching)
	for end := time.Now().Add(time.Minute); !targets[0].ready.Load() || !targets[1].ready.Load(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the processes do not get ready")
		}
	}
	l.servers = []*served{{base: front.URL}}
	l.enter()
	done := make(chan struct{})
	go func() { defer close(done); l.play(rate, seconds, false) }()
	time.Sleep(time.Duration(seconds) * time.Second / 4)
	for i, old := range processes {
		if previous != current {
			// A version that does not announce its end is taken out of the proxy first, as its operator would have done.
			b.mu.Lock()
			b.targets = []*target{targets[1-i]}
			b.mu.Unlock()
			for targets[i].busy.Load() > 0 {
				time.Sleep(10 * time.Millisecond)
			}
		}
		old.stop()
		processes[i] = begin(i, current)
		if previous != current {
			b.mu.Lock()
			b.targets = targets
			b.mu.Unlock()
		}
		time.Sleep(3 * balancerLooks)
	}
	<-done
	l.report(rate, time.Duration(seconds)*time.Second, 0, 0)
	t.Logf("%d requests through the proxy while both processes were replaced, %d failed", b.served.Load(), b.failed.Load())
	if n := b.failed.Load() + l.repeated.Load(); n > 0 || len(l.failures) > 0 {
		t.Errorf("%d requests failed, %v", n, l.failures)
	}
	for _, s := range processes {
		s.stop()
	}
	if _, err := os.Stat(filepath.Join(dir, "load0.yaml")); err != nil {
		t.Fatal(err)
	}
	l.prove("")
}
