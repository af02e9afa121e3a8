// SPDX-License-Identifier: Apache-2.0

package crl_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"rastau/crl"
	"rastau/internal/cache"
	"rastau/internal/pki"
	"rastau/internal/testredis"
	"rastau/internal/trust"
)

// process is this test binary run once more, with a Source of its own on the same Redis. It answers lines.
type process struct {
	in  io.WriteCloser
	out *bufio.Reader
}

// helperEnv makes the test binary a process of the tests below.
const helperEnv = "RASTAU_CRL_TEST_PROCESS"

func startProcess(t *testing.T, redisURL, listURL string, ca, leaf *pki.Certificate) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestHelperProcess$")
	cmd.Env = append(os.Environ(), helperEnv+"=1", "REDIS="+redisURL, "LIST="+listURL,
		"CA="+hex.EncodeToString(ca.Raw), "LEAF="+hex.EncodeToString(leaf.Raw))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // it ends with its input, or is ended
		_ = in.Close()
		late := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		defer late.Stop()
		_ = cmd.Wait()
	})
	return &process{in: in, out: bufio.NewReader(out)}
}

// tell sends a line and answers the line that comes back.
func (p *process) tell(t *testing.T, line string) string {
	t.Helper()
	if _, err := fmt.Fprintln(p.in, line); err != nil {
		t.Error(err)
		return ""
	}
	reply := make(chan string, 1)
	go func() {
		s, _ := p.out.ReadString('\n')
		reply <- strings.TrimSpace(s)
	}()
	select {
	case s := <-reply:
		return s
	case <-time.After(30 * time.Second):
		t.Errorf("no answer to %q", line)
		return ""
	}
}

// TestHelperProcess is not a test: it is the other process of those below.
func TestHelperProcess(t *testing.T) {
	if os.Getenv(helperEnv) == "" {
		t.Skip("only run by the tests with two processes")
	}
	read := func(name string) *pki.Certificate {
		der, err := hex.DecodeString(os.Getenv(name))
		if err != nil {
			t.Fatal(err)
		}
		c, err := pki.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	ca, leaf := read("CA"), read("LEAF")
	shared, err := cache.NewRedis(cache.RedisOptions{URL: os.Getenv("REDIS")})
	if err != nil {
		t.Fatal(err)
	}
	w := &wall{}
	source := crl.NewSource(crl.SourceOptions{Fetch: guarded(t), Cache: shared, Now: w.now})
	anchor := trust.AnchorOf(ca)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		if d, err := time.ParseDuration(strings.TrimPrefix(in.Text(), "move ")); err == nil {
			w.move(d)
			fmt.Println("moved")
			continue
		}
		l, err := source.List(context.Background(), os.Getenv("LIST"), signedBy(ca))
		if err != nil {
			fmt.Println("error", err)
			continue
		}
		a := crl.Judge(context.Background(), crl.Query{Certificate: leaf, Issuer: anchor, IssuerCert: ca, Anchor: anchor, Lists: []*crl.List{l}, At: w.now()})
		fmt.Println(a.Status, l.Number)
	}
	_ = source.Close()
	os.Exit(0)
}

// The second process takes the list from the first by Redis; Redis dies, and nobody's answer changes.
func TestTwoProcesses(t *testing.T) {
	redisServer := testredis.Start(t)
	ca := newRoot(t, "CA")
	leaf := ca.leaf(t, certOptions{})
	server := newListServer(t)
	server.bytes(ca.der(t, listOptions{number: 1, entries: []x509.RevocationListEntry{entry(leaf, at.Add(-2*time.Hour), 1)}}))
	a := startProcess(t, redisServer.URL, server.URL, ca.cert, leaf)
	b := startProcess(t, redisServer.URL, server.URL, ca.cert, leaf)

	want := func(p *process, answer string) {
		t.Helper()
		if got := p.tell(t, "ask"); got != answer {
			t.Fatalf("want %q, got %q", answer, got)
		}
	}
	want(a, "revoked 1")
	want(b, "revoked 1")
	if n := server.asked.Load(); n != 1 {
		t.Fatalf("the list server was asked %d times", n)
	}
	// An hour later one of them renews it, for both.
	for _, p := range []*process{a, b} {
		p.tell(t, "move 2h")
	}
	want(b, "revoked 1")
	want(a, "revoked 1")
	if n := server.asked.Load(); n != 2 {
		t.Fatalf("after the renewal the list server was asked %d times", n)
	}

	redisServer.Kill()
	for range 20 {
		want(a, "revoked 1")
		want(b, "revoked 1")
	}
	for _, p := range []*process{a, b} { // each renews for itself
		p.tell(t, "move 2h")
		want(p, "revoked 1")
	}
	if n := server.asked.Load(); n != 4 {
		t.Fatalf("without Redis the list server was asked %d times", n)
	}
	c := startProcess(t, redisServer.URL, server.URL, ca.cert, leaf) // and one that starts without Redis
	want(c, "revoked 1")
}

// Both ask at the same moment: one downloads, the other waits for it.
func TestTwoProcessesAtOnce(t *testing.T) {
	redisServer := testredis.Start(t)
	ca := newRoot(t, "CA")
	leaf := ca.leaf(t, certOptions{})
	server := newListServer(t)
	der := ca.der(t, listOptions{number: 1})
	server.set(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(500 * time.Millisecond)
		_, _ = w.Write(der)
	})
	var ready, asked sync.WaitGroup
	for range 2 {
		p := startProcess(t, redisServer.URL, server.URL, ca.cert, leaf)
		p.tell(t, "move 0s") // it runs
		ready.Add(1)
		asked.Go(func() {
			ready.Wait()
			if got := p.tell(t, "ask"); got != "good 1" {
				t.Error(got)
			}
		})
		ready.Done()
	}
	asked.Wait()
	if n := server.asked.Load(); n != 1 {
		t.Errorf("the list server was asked %d times", n)
	}
}

// Whoever holds the lease may have died: the others wait a little, then ask for themselves.
func TestLeaseOfTheDead(t *testing.T) {
	ca := newRoot(t, "CA")
	server := newListServer(t)
	server.bytes(ca.der(t, listOptions{}))
	store := &leased{Store: cache.NewMemory(1 << 20)}
	s := crl.NewSource(crl.SourceOptions{Fetch: guarded(t), Cache: store, Now: (&wall{}).now})
	if _, err := s.List(t.Context(), server.URL, signedBy(ca.cert)); err != nil {
		t.Fatal(err)
	}
	if !store.refused.Load() || server.asked.Load() != 1 {
		t.Errorf("lease asked %t, list server asked %d times", store.refused.Load(), server.asked.Load())
	}
}

// leased is a cache whose every lease somebody else holds.
type leased struct {
	cache.Store
	refused atomic.Bool
}

func (l *leased) Lease(context.Context, string, time.Duration) (func(), bool, error) {
	l.refused.Store(true)
	return func() {}, false, nil
}

// Redis hangs: answers come, from the network.
func TestTwoProcessesRedisHangs(t *testing.T) {
	redisServer := testredis.Start(t)
	ca := newRoot(t, "CA")
	leaf := ca.leaf(t, certOptions{})
	server := newListServer(t)
	server.bytes(ca.der(t, listOptions{number: 1}))
	redisServer.Pause()
	a := startProcess(t, redisServer.URL, server.URL, ca.cert, leaf)
	began := time.Now()
	if got := a.tell(t, "ask"); got != "good 1" {
		t.Fatal(got)
	}
	if d := time.Since(began); d > 10*time.Second {
		t.Errorf("took %s", d)
	}
	redisServer.Resume()
}

// Whoever can write to Redis cannot take a revocation back.
func TestIntruderInRedis(t *testing.T) {
	redisServer := testredis.Start(t)
	ca := newRoot(t, "CA")
	leaf := ca.leaf(t, certOptions{serial: bigInt(0x1122334455667788)})
	server := newListServer(t)
	next := at.Add(1000 * time.Hour)
	before := ca.der(t, listOptions{number: 1, this: at.Add(-3 * time.Hour), next: next})
	after := ca.der(t, listOptions{number: 2, next: next, entries: []x509.RevocationListEntry{entry(leaf, at.Add(-2*time.Hour), 1)}})
	server.bytes(after)
	a := startProcess(t, redisServer.URL, server.URL, ca.cert, leaf)
	if got := a.tell(t, "ask"); got != "revoked 2" {
		t.Fatal(got)
	}

	opt, err := redis.ParseURL(redisServer.URL)
	if err != nil {
		t.Fatal(err)
	}
	intruder := redis.NewClient(opt)
	defer intruder.Close()
	ctx := context.Background()
	keys := []string{"rastau:" + crl.CacheKey(server.URL)}
	honest, err := intruder.Get(ctx, keys[0]).Bytes()
	for end := time.Now().Add(5 * time.Second); err != nil && time.Now().Before(end); honest, err = intruder.Get(ctx, keys[0]).Bytes() {
		time.Sleep(5 * time.Millisecond) // shared a moment after it was answered
	}
	if err != nil {
		t.Fatal(err)
	}
	head := honest[:bytes.IndexByte(honest, '\n')+1]
	late := []byte(at.Add(999*time.Hour).Format(time.RFC3339) + "\n") // a time of download that never grows old
	put := func(head, der []byte) []byte { return append(bytes.Clone(head), der...) }
	forged := ca.der(t, listOptions{number: 3, signer: newRoot(t, "CA")})
	tampered := bytes.Replace(after, leaf.Serial.Bytes(), bigInt(0x1122334455667789).Bytes(), 1)
	if bytes.Equal(tampered, after) {
		t.Fatal("the serial is not in the list")
	}
	for name, value := range map[string][]byte{
		"older genuine": put(head, before), "older genuine, young": put(late, before), "forged": put(head, forged), "forged, young": put(late, forged),
		"tampered": put(late, tampered), "garbage": []byte("garbage"), "garbage with a time": put(late, []byte("garbage")), "only DER": before,
		"empty": {}, "only a time": late, "huge": put(late, make([]byte, 40<<20)),
	} {
		t.Run(name, func(t *testing.T) {
			write := func() {
				if err := intruder.Set(ctx, keys[0], value, 0).Err(); err != nil {
					t.Fatal(err)
				}
			}
			write()
			server.bytes(after)
			a.tell(t, "move 1h1m") // time to renew: the cache is looked at again
			if got := a.tell(t, "ask"); got != "revoked 2" {
				t.Fatalf("list server there: %s", got)
			}
			write()
			server.down()
			a.tell(t, "move 1h1m")
			if got := a.tell(t, "ask"); got != "revoked 2" {
				t.Fatalf("list server down: %s", got)
			}
			if strings.HasPrefix(name, "older") || name == "only DER" {
				return
			}
			// A process that has seen nothing yet refuses what is not genuine.
			write()
			server.bytes(after)
			fresh := startProcess(t, redisServer.URL, server.URL, ca.cert, leaf)
			if got := fresh.tell(t, "ask"); got != "revoked 2" {
				t.Fatalf("a new process: %s", got)
			}
		})
	}
	// Emptied: nothing lost but a download.
	redisServer.Flush()
	server.bytes(after)
	a.tell(t, "move 1h1m")
	if got := a.tell(t, "ask"); got != "revoked 2" {
		t.Fatalf("emptied: %s", got)
	}
}
