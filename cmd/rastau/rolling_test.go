// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

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

	transport http.Transport
}

type target struct {
	base  string
	ready atomic.Bool
	busy  atomic.Int64
}

const balancerLooks = 100 * time.Millisecond

func (b *balancer) add(base string) *target {
	t := &target{base: base}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.targets = append(b.targets, t)
	return t
}

// pass sends a request on, whole, and the answer back, whole. httputil.ReverseProxy streams both at once, and where an answer is
// faster than the end of its question it closes the connection in its own hand.
func (b *balancer) pass(t *target, w http.ResponseWriter, r *http.Request) error {
	asked, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	on, err := http.NewRequestWithContext(r.Context(), r.Method, t.base+r.URL.RequestURI(), bytes.NewReader(asked))
	if err != nil {
		return err
	}
	on.Header = r.Header.Clone()
	res, err := b.transport.RoundTrip(on)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	maps.Copy(w.Header(), res.Header)
	w.WriteHeader(res.StatusCode)
	_, err = w.Write(answer)
	return err
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
	b.served.Add(1)
	if err := b.pass(to, w, r); err != nil {
		b.failed.Add(1)
		http.Error(w, err.Error(), http.StatusBadGateway)
	}
}

// withoutDefaults leaves out what says nothing.
func withoutDefaults(said map[string]any) map[string]any {
	for key, value := range said {
		switch v := value.(type) {
		case map[string]any:
			if len(withoutDefaults(v)) == 0 {
				delete(said, key)
			}
		case []any:
			if len(v) == 0 {
				delete(said, key)
			}
		case nil, string, bool, int, float64:
			if v == nil || v == "" || v == "0s" || v == false || v == 0 || v == 0.0 {
				delete(said, key)
			}
		}
	}
	return said
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
	b := &balancer{transport: http.Transport{MaxIdleConnsPerHost: 64}}
	front := httptest.NewServer(b)
	t.Cleanup(front.Close)
	w, err := openWorld(dir, strings.TrimPrefix(front.URL, "http://"), addresses[2], demoShared{EC: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	l := &load{t: t, w: w, steps: map[string][]time.Duration{}, failures: map[string]int{}}
	address := made(url.Parse(testpostgres.Start(t).Database(t)))
	address.User = url.User(address.User.Username())
	begin := func(i int, program string) *served {
		c := *w.config
		c.Database, c.DatabasePasswordEnv, c.PersonalData.KeyFile = address.String(), "RASTAU_TEST_PASSWORD", "data.keys"
		c.Listen, c.Blobs.Address = addresses[i], "blobs"
		name := fmt.Sprintf("load%d.yaml", i)
		if program == current {
			c.Drain = 5 * balancerLooks
			return startServe(t, program, dir, name, &c)
		}
		// The version before knows none of the keys that came later; what is not said has its default there too.
		var said map[string]any
		data := made(yaml.Marshal(&c))
		if err := yaml.Unmarshal(data, &said); err != nil {
			t.Fatal(err)
		}
		return startWith(t, program, dir, name, c.Listen, made(yaml.Marshal(withoutDefaults(said))))
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
