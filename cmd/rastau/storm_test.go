// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"rastau/internal/identity"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/internal/testredis"
)

const (
	stormEnv = "RASTAU_STORM" // how many verdicts; without it a small storm

	stormProcesses = 8
	stormClients   = 2                // connections to each process
	stormLate      = 5 * time.Second  // from when on a published revocation must be known
	stormLeaves    = 3600             // certificates that are revoked one after another
	stormSpared    = 300              // certificates that never are
	stormEach      = 4                // revocations of one list
	stormLeast     = 12 * time.Second // many lists long
	stormMost      = 15 * time.Minute // then it ends, wherever it is
	stormSmall     = 4000             // verdicts without stormEnv
)

// truth is what was published and when: the checker knows it, the processes do not.
type truth struct {
	mu        sync.Mutex
	revoked   int         // leaves before this one stand on the newest list, or on one about to be published
	published []time.Time // when the list with the leaves up to stormEach·(i+1) came out
}

// wrong compares a verdict on a leaf that was asked for at a time.
func (tr *truth) wrong(leaf int, asked time.Time, indication string) bool {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	list := leaf / stormEach
	known := leaf < stormLeaves && list < len(tr.published) && tr.published[list].Add(stormLate).Before(asked)
	ever := leaf < tr.revoked
	return indication == "TOTAL-PASSED" && known || indication == "TOTAL-FAILED" && !ever
}

// stormWorld is an authority whose list changes every second, its certificates, and eight services that judge them.
type stormWorld struct {
	truth
	ca        *testpki.CA
	leaves    []*pki.Certificate
	questions [][]byte // one body for each certificate
	list      atomic.Pointer[[]byte]
	asked     atomic.Int64 // requests for the list
	redis     *testredis.Server
	token     string
	addresses []string
}

// TestStorm: eight services on one Redis judge without pause, over HTTP, while a new list with more revocations comes out every
// second, and Redis is emptied now and then. Each verdict is compared with the truth: "valid" for a certificate on a list that was published
// more than five seconds ago is wrong, and so is "revoked" for one that never was on any.
func TestStorm(t *testing.T) {
	total := stormSmall
	if s := os.Getenv(stormEnv); s != "" {
		total = made(strconv.Atoi(s))
	} else if testing.Short() {
		t.Skip("takes a quarter of a minute")
	}
	w := newStormWorld(t)
	ctx, cancel := context.WithTimeout(t.Context(), stormMost)
	defer cancel()
	began := time.Now()
	changing := make(chan struct{})
	stop := make(chan struct{})
	go func() { defer close(changing); w.change(t, stop) }()

	var passed, failed, open, wrong, late atomic.Int64
	var judged atomic.Int64
	var clients sync.WaitGroup
	for i, address := range w.addresses {
		for j := range stormClients {
			clients.Go(func() {
				random := rand.New(rand.NewPCG(uint64(i), uint64(j)))
				client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}, Timeout: time.Minute}
				defer client.CloseIdleConnections()
				for ctx.Err() == nil && (judged.Load() < int64(total) || time.Since(began) < stormLeast) {
					leaf := w.pick(random)
					asked := time.Now()
					indication, sub, err := w.ask(ctx, client, address, w.questions[leaf])
					if err != nil {
						if ctx.Err() == nil {
							t.Error(err)
						}
						return
					}
					switch {
					case indication == "TOTAL-PASSED":
						passed.Add(1)
					case indication == "TOTAL-FAILED" && sub == "REVOKED":
						failed.Add(1)
					case indication == "INDETERMINATE" && sub == "TRY_LATER":
						open.Add(1)
					default:
						t.Errorf("leaf %d: %s/%s", leaf, indication, sub)
						return
					}
					if w.wrong(leaf, asked, indication) {
						if wrong.Add(1) < 10 {
							t.Errorf("leaf %d, asked %s after the beginning: %s", leaf, asked.Sub(began), indication)
						}
					}
					if time.Since(asked) > time.Second {
						late.Add(1)
					}
					judged.Add(1)
				}
			})
		}
	}
	clients.Wait()
	took := time.Since(began)
	close(stop)
	<-changing
	w.mu.Lock()
	lists := len(w.published)
	w.mu.Unlock()
	t.Logf("%d verdicts by %d services in %s while %d lists came out, %d downloads: %d valid, %d revoked, %d unknown, %d over a second; %d wrong", judged.Load(),
		stormProcesses, took.Round(time.Second), lists, w.asked.Load(), passed.Load(), failed.Load(), open.Load(), late.Load(), wrong.Load())
	if n := judged.Load(); n < int64(total) {
		t.Errorf("only %d of %d verdicts were given within %s", n, total, stormMost)
	}
	if passed.Load() == 0 || failed.Load() == 0 || lists < 8 {
		t.Error("the storm was a calm: nothing was shown")
	}
	if open.Load() > judged.Load()/100 {
		t.Errorf("%d verdicts were left open although the list server never failed", open.Load())
	}
}

// pick chooses a certificate: one near the newest revocations as often as any other.
func (w *stormWorld) pick(random *rand.Rand) int {
	w.mu.Lock()
	revoked := w.revoked
	w.mu.Unlock()
	switch random.IntN(4) {
	case 0:
		return stormLeaves + random.IntN(stormSpared)
	case 1:
		return random.IntN(stormLeaves)
	}
	return min(max(0, revoked-10*stormEach+random.IntN(14*stormEach)), stormLeaves-1)
}

// ask puts one question and answers the verdict.
func (w *stormWorld) ask(ctx context.Context, client *http.Client, address string, body []byte) (indication, sub string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/v1/certificates/verify", bytes.NewReader(body))
	if err != nil {
		return "", "", err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+w.token)
	answer, err := client.Do(r)
	if err != nil {
		return "", "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return "", "", err
	}
	if answer.StatusCode != http.StatusOK {
		return "", "", fmt.Errorf("%s: %.300s", answer.Status, text)
	}
	return member(text, `"indication":"`), member(text, `"subIndication":"`), nil
}

// member is the first string of that name: to decode a whole report would take the time of the services.
func member(text []byte, name string) string {
	_, after, _ := bytes.Cut(text, []byte(name))
	value, _, _ := bytes.Cut(after, []byte(`"`))
	return string(value)
}

// publish brings out a list with stormEach revocations more.
func (w *stormWorld) publish(t *testing.T) {
	w.mu.Lock()
	from := w.revoked
	w.revoked = min(from+stormEach, stormLeaves)
	to := w.revoked
	w.mu.Unlock()
	for _, leaf := range w.leaves[from:to] {
		w.ca.Revoke(leaf, time.Now().Add(-time.Hour), 1)
	}
	der, err := w.ca.CRL(testpki.CRLOptions{ThisUpdate: time.Now()})
	if err != nil {
		t.Error(err)
		return
	}
	w.list.Store(&der)
	w.mu.Lock()
	w.published = append(w.published, time.Now())
	w.mu.Unlock()
}

// change publishes every second and empties Redis now and then.
func (w *stormWorld) change(t *testing.T, stop <-chan struct{}) {
	for n := 1; n < stormLeaves/stormEach; n++ {
		select {
		case <-stop:
			return
		case <-time.After(time.Second):
		}
		w.publish(t)
		if n%7 == 0 {
			w.redis.Flush()
		}
	}
}

func newStormWorld(t *testing.T) *stormWorld {
	t.Helper()
	w := &stormWorld{redis: testredis.Start(t)}
	p := made(testpki.New(testpki.Options{Now: time.Now, EC: true}))
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if w.ca == nil || r.URL.Path != "/crl/"+w.ca.ID()+".crl" {
			p.Handler().ServeHTTP(rw, r)
			return
		}
		w.asked.Add(1)
		_, _ = rw.Write(*w.list.Load()) // who asked may be gone
	}))
	t.Cleanup(server.Close)
	p.SetBaseURL(server.URL)
	w.ca = made(p.NewCA(""))
	for range stormLeaves + stormSpared {
		leaf := made(w.ca.Issue(testpki.Leaf{NoOCSP: true, IIN: identity.NewIIN(time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC), true, 1)})).Certificate
		w.leaves = append(w.leaves, leaf)
		w.questions = append(w.questions, made(json.Marshal(map[string]any{"certificate": leaf.Raw})))
	}
	w.publish(t)

	in := newInstallation(t, p.Root(), w.ca)
	w.token = in.token
	for i := range stormProcesses {
		c := in.config(func(c *Config) {
			c.Database, c.Redis = fmt.Sprintf("rastau-%d.db", i), w.redis.URL
			c.Lists = ListConfig{KeyFile: "seal", Refresh: time.Second, Poll: 250 * time.Millisecond, Folder: fmt.Sprintf("lists-%d", i)}
		})
		name := fmt.Sprintf("config-%d.yaml", i)
		in.put(t, name, made(yaml.Marshal(c)))
		w.addresses = append(w.addresses, startService(t, filepath.Join(in.dir, name)))
	}
	return w
}

// startService runs `rastau serve` until the test ends and answers its address.
func startService(t *testing.T, config string) string {
	t.Helper()
	cmd := exec.Command(rastau(t), "serve", "--config", config)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=2")
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address := make(chan string, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		var last []string
		for in := bufio.NewScanner(log); in.Scan(); {
			var line struct{ Msg, Address string }
			if json.Unmarshal(in.Bytes(), &line) == nil && line.Msg == "serving" {
				address <- line.Address
			}
			if last = append(last, in.Text()); len(last) > 20 {
				last = last[1:]
			}
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("the service ended: %v\n%s", err, strings.Join(last, "\n"))
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it finishes, as in a real stop
		select {
		case <-ended:
		case <-time.After(30 * time.Second):
			t.Error("the service does not stop")
			_ = cmd.Process.Kill()
			<-ended
		}
	})
	select {
	case a := <-address:
		return a
	case <-ended:
		t.Fatal("the service did not start")
	case <-time.After(time.Minute):
		t.Fatal("the service does not start")
	}
	return ""
}
