// SPDX-License-Identifier: Apache-2.0

package cache_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rastau/internal/cache"
)

// node runs a redis-server, or a sentinel, on a free port of loopback until the test ends.
func node(t *testing.T, lines string, args ...string) (port int, kill func()) {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("RASTAU_REQUIRE_TOOLS") == "1" {
			t.Fatal("redis-server is required and not installed")
		}
		t.Skip("redis-server is not installed: the test with a real one is skipped")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port = l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "redis.conf")
	text := fmt.Sprintf("port %d\nbind 127.0.0.1\ndir %s\nloglevel warning\n%s", port, dir, lines)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, append([]string{file}, args...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	dead := false
	kill = func() {
		if !dead {
			dead = true
			_ = cmd.Process.Kill() // it is gone already where this fails
			_ = cmd.Wait()
		}
	}
	t.Cleanup(kill)
	eventually(t, "the server listens", func() bool {
		c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second)
		return err == nil && c.Close() == nil
	})
	return port, kill
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: never", what)
		}
	}
}

func redisCLI(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("redis-cli", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("redis-cli %v: %v %s", args, err, out)
	}
	return string(out)
}

// serves says whether what is put comes back, and that a lease holds.
func serves(t *testing.T, s *cache.Redis, name string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if s.Set(ctx, name, []byte(name), time.Minute) != nil {
		return false
	}
	got, err := s.Get(ctx, name)
	if err != nil || string(got) != name {
		return false
	}
	release, ok, err := s.Lease(ctx, "lease:"+name, time.Minute)
	if err != nil || !ok {
		return false
	}
	_, again, err := s.Lease(ctx, "lease:"+name, time.Minute)
	release()
	return err == nil && !again
}

// TestCluster: keys of every slot on a real cluster of three.
func TestCluster(t *testing.T) {
	var ports []int
	var addresses []string
	for range 3 {
		p, _ := node(t, "save \"\"\nappendonly no\ncluster-enabled yes\ncluster-config-file nodes.conf\n")
		ports = append(ports, p)
		addresses = append(addresses, fmt.Sprintf("127.0.0.1:%d", p))
	}
	for i, p := range ports {
		redisCLI(t, "-p", fmt.Sprint(p), "cluster", "addslotsrange", fmt.Sprint(i*5462), fmt.Sprint(min(i*5462+5461, 16383)))
		if i > 0 {
			redisCLI(t, "-p", fmt.Sprint(p), "cluster", "meet", "127.0.0.1", fmt.Sprint(ports[0]))
		}
	}
	eventually(t, "the cluster stands", func() bool {
		for _, p := range ports {
			if !strings.Contains(redisCLI(t, "-p", fmt.Sprint(p), "cluster", "info"), "cluster_state:ok") {
				return false
			}
		}
		return true
	})
	s, err := cache.NewRedis(cache.RedisOptions{URL: "redis://" + addresses[0] + "?addr=" + addresses[1] + "&addr=" + addresses[2]})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	eventually(t, "the client knows the cluster", func() bool { return serves(t, s, "first") })
	for i := range 60 {
		if name := fmt.Sprintf("key-%d", i); !serves(t, s, name) {
			t.Errorf("%s does not serve", name)
		}
	}
	spread := 0
	for _, p := range ports {
		if redisCLI(t, "-p", fmt.Sprint(p), "dbsize") != "0\n" {
			spread++
		}
	}
	if spread != 3 {
		t.Errorf("keys lie on %d of 3 nodes", spread)
	}
}

// TestSentinel: when the master dies a real sentinel names another, and the cache goes on with it.
func TestSentinel(t *testing.T) {
	master, kill := node(t, "save \"\"\nappendonly no\n")
	replica, _ := node(t, fmt.Sprintf("save \"\"\nappendonly no\nreplicaof 127.0.0.1 %d\n", master))
	eventually(t, "the replica follows", func() bool {
		return strings.Contains(redisCLI(t, "-p", fmt.Sprint(replica), "info", "replication"), "master_link_status:up")
	})
	sentinel, _ := node(t, fmt.Sprintf("sentinel monitor mymaster 127.0.0.1 %d 1\nsentinel down-after-milliseconds mymaster 500\nsentinel failover-timeout mymaster 3000\n", master), "--sentinel")
	eventually(t, "the sentinel knows the replica", func() bool {
		return strings.Contains(redisCLI(t, "-p", fmt.Sprint(sentinel), "sentinel", "replicas", "mymaster"), fmt.Sprint(replica))
	})
	s, err := cache.NewRedis(cache.RedisOptions{URL: fmt.Sprintf("redis://127.0.0.1:%d/0?master_name=mymaster", sentinel)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	eventually(t, "the master serves", func() bool { return serves(t, s, "before") })
	kill()
	if _, err := s.Get(t.Context(), "before"); err != nil && !errors.Is(err, cache.ErrDown) && !errors.Is(err, cache.ErrMiss) {
		t.Errorf("while nobody serves: %v", err)
	}
	eventually(t, "the replica serves", func() bool { return serves(t, s, "after") })
}
