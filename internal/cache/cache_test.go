// SPDX-License-Identifier: Apache-2.0

package cache_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rastau/internal/cache"
	"rastau/internal/testredis"
)

// stores are all kinds of Store: one contract, every kind held to it.
func stores(t *testing.T) map[string]func(t *testing.T) cache.Store {
	return map[string]func(t *testing.T) cache.Store{
		"memory": func(*testing.T) cache.Store { return cache.NewMemory(1 << 20) },
		"redis":  func(t *testing.T) cache.Store { return connect(t, cache.RedisOptions{URL: testredis.Start(t).URL}) },
	}
}

func connect(t *testing.T, o cache.RedisOptions) *cache.Redis {
	t.Helper()
	r, err := cache.NewRedis(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func TestStore(t *testing.T) {
	for name, make := range stores(t) {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			s := make(t)
			if v, err := s.Get(ctx, "a"); !errors.Is(err, cache.ErrMiss) || v != nil {
				t.Fatalf("an empty cache answers %q %v", v, err)
			}
			for _, value := range [][]byte{[]byte("first"), bytes.Repeat([]byte{0, 255, '\r', '\n'}, 50_000)} {
				if err := s.Set(ctx, "a", value, time.Minute); err != nil {
					t.Fatal(err)
				}
				if v, err := s.Get(ctx, "a"); err != nil || !bytes.Equal(v, value) {
					t.Fatalf("%d bytes come back as %d, %v", len(value), len(v), err)
				}
			}
			if err := s.Set(ctx, "short", []byte("x"), 30*time.Millisecond); err != nil {
				t.Fatal(err)
			}
			if err := s.Set(ctx, "never", []byte("x"), -time.Second); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Get(ctx, "never"); !errors.Is(err, cache.ErrMiss) {
				t.Errorf("a value without time to live: %v", err)
			}
			until(t, "a value outlives its time", func() bool {
				_, err := s.Get(ctx, "short")
				return errors.Is(err, cache.ErrMiss)
			})
		})
	}
}

func TestLease(t *testing.T) {
	for name, make := range stores(t) {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			s := make(t)
			var holders atomic.Int32
			var wg sync.WaitGroup
			var held func()
			for range 20 {
				wg.Go(func() {
					release, ok, err := s.Lease(ctx, "k", time.Minute)
					if err != nil {
						t.Error(err)
					}
					if ok {
						holders.Add(1)
						held = release
					} else {
						release() // of one who does not hold it: changes nothing
					}
				})
			}
			wg.Wait()
			if holders.Load() != 1 {
				t.Fatalf("%d hold the lease", holders.Load())
			}
			if _, ok, _ := s.Lease(ctx, "k", time.Minute); ok {
				t.Fatal("a second holder")
			}
			held()
			first, ok, err := s.Lease(ctx, "k", 20*time.Millisecond)
			if !ok || err != nil {
				t.Fatalf("after release: %v %v", ok, err)
			}
			var second func()
			until(t, "a lease outlives its time", func() bool {
				second, ok, _ = s.Lease(ctx, "k", time.Minute)
				return ok
			})
			first() // too late: it is another's now
			if _, ok, _ := s.Lease(ctx, "k", time.Minute); ok {
				t.Fatal("a release after the time took another's lease away")
			}
			cancelled, cancel := context.WithCancel(ctx)
			cancel()
			second()
			second()
			if release, ok, err := s.Lease(cancelled, "other", time.Minute); release == nil {
				t.Errorf("release is not callable: %v %v", ok, err)
			} else {
				release()
			}
		})
	}
}

func until(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if f() {
			return
		}
	}
	t.Error(what)
}

func TestMemoryIsBounded(t *testing.T) {
	ctx := context.Background()
	s := cache.NewMemory(100_000)
	if err := s.Set(ctx, "huge", make([]byte, 200_000), time.Minute); err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		if err := s.Set(ctx, fmt.Sprint(i), make([]byte, 1000), time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	// Eviction runs beside the writers.
	until(t, "more than the limit is held", func() bool {
		held := 0
		for i := range 1000 {
			if v, err := s.Get(ctx, fmt.Sprint(i)); err == nil {
				held += len(v)
			}
		}
		_, err := s.Get(ctx, "huge")
		return held > 0 && held <= 100_000 && errors.Is(err, cache.ErrMiss)
	})
}

// clock is moved by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time        { c.mu.Lock(); defer c.mu.Unlock(); return c.at }
func (c *clock) move(by time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.at = c.at.Add(by) }

// A Redis that is gone costs three calls their wait, then nobody, but for one probe now and then.
func TestBreakerWhenRedisIsKilled(t *testing.T) {
	ctx := context.Background()
	server := testredis.Start(t)
	c := &clock{at: time.Now()}
	r := connect(t, cache.RedisOptions{URL: server.URL, Now: c.now})
	if err := r.Set(ctx, "a", []byte("x"), time.Minute); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	for i := range 3 {
		if _, err := r.Get(ctx, "a"); !errors.Is(err, cache.ErrDown) {
			t.Fatalf("call %d: %v", i, err)
		}
	}
	fast(t, r, 1000)
	release, ok, err := r.Lease(ctx, "k", time.Minute)
	if ok || !errors.Is(err, cache.ErrDown) {
		t.Errorf("lease: %v %v", ok, err)
	}
	release()
	c.move(2 * time.Second) // one probe, which fails: the pause doubles
	if _, err := r.Get(ctx, "a"); !errors.Is(err, cache.ErrDown) {
		t.Error(err)
	}
	c.move(3 * time.Second)
	fast(t, r, 1000)
	if err := r.Ping(ctx); !errors.Is(err, cache.ErrDown) {
		t.Errorf("ping: %v", err)
	}
}

// A Redis that hangs is the worse fault: the connection stands and nothing comes.
func TestBreakerWhenRedisHangs(t *testing.T) {
	ctx := context.Background()
	server := testredis.Start(t)
	c := &clock{at: time.Now()}
	var log bytes.Buffer
	r := connect(t, cache.RedisOptions{URL: server.URL, Now: c.now, Timeout: 100 * time.Millisecond, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err := r.Set(ctx, "a", []byte("x"), time.Minute); err != nil {
		t.Fatal(err)
	}
	server.Pause()
	began := time.Now()
	for range 3 {
		if _, err := r.Get(ctx, "a"); !errors.Is(err, cache.ErrDown) {
			t.Fatal(err)
		}
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("three calls took %s", d)
	}
	fast(t, r, 1000)
	server.Resume()
	fast(t, r, 10) // not asked before the pause is over
	c.move(time.Minute)
	until(t, "it is back and not used", func() bool {
		c.move(time.Minute)
		v, err := r.Get(ctx, "a")
		return err == nil && string(v) == "x"
	})
	if _, err := r.Get(ctx, "b"); !errors.Is(err, cache.ErrMiss) {
		t.Errorf("after recovery: %v", err)
	}
	if gone, back := strings.Count(log.String(), "does not answer"), strings.Count(log.String(), "answers again"); gone != 1 || back != 1 {
		t.Errorf("the log:\n%s", log.String())
	}
}

// fast: so many calls, all refused without a wait.
func fast(t *testing.T, r *cache.Redis, calls int) {
	t.Helper()
	began := time.Now()
	for range calls {
		if _, err := r.Get(context.Background(), "a"); !errors.Is(err, cache.ErrDown) {
			t.Fatalf("the breaker lets a call through: %v", err)
		}
	}
	if d := time.Since(began); d > 2*time.Second {
		t.Errorf("%d refusals took %s", calls, d)
	}
}

// One probe, however many ask at that moment.
func TestBreakerProbesOnce(t *testing.T) {
	server := testredis.Start(t)
	c := &clock{at: time.Now()}
	r := connect(t, cache.RedisOptions{URL: server.URL, Now: c.now, Timeout: 300 * time.Millisecond})
	server.Pause()
	for range 3 {
		_, _ = r.Get(context.Background(), "a")
	}
	c.move(3 * time.Second)
	var slow atomic.Int32
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			began := time.Now()
			_, _ = r.Get(context.Background(), "a")
			if time.Since(began) > 150*time.Millisecond {
				slow.Add(1)
			}
		})
	}
	wg.Wait()
	if n := slow.Load(); n > 1 {
		t.Errorf("%d callers waited for a server that hangs", n)
	}
	server.Resume()
}

// A caller who leaves says nothing about the server.
func TestBreakerIgnoresCallersWhoLeave(t *testing.T) {
	server := testredis.Start(t)
	r := connect(t, cache.RedisOptions{URL: server.URL})
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	for range 10 {
		if _, err := r.Get(gone, "a"); err == nil {
			t.Error("an answer to nobody")
		}
	}
	if _, err := r.Get(context.Background(), "a"); !errors.Is(err, cache.ErrMiss) {
		t.Errorf("got %v", err)
	}
}

func TestRedisDropsWhatIsTooLarge(t *testing.T) {
	r := connect(t, cache.RedisOptions{URL: testredis.Start(t).URL, Timeout: 2 * time.Second})
	ctx := context.Background()
	if err := r.Set(ctx, "a", make([]byte, 33<<20), time.Minute); err != nil {
		t.Error(err)
	}
	if _, err := r.Get(ctx, "a"); !errors.Is(err, cache.ErrMiss) {
		t.Errorf("got %v", err)
	}
}

func TestRedisAddresses(t *testing.T) {
	for _, good := range []string{
		"redis://127.0.0.1:6379/0", "rediss://user:pass@redis.example.kz:6380/2", "redis://a:6379?addr=b:6379&addr=c:6379",
		"redis://s1:26379?addr=s2:26379&master_name=rastau",
	} {
		r, err := cache.NewRedis(cache.RedisOptions{URL: good})
		if err != nil {
			t.Errorf("%s: %v", good, err)
			continue
		}
		_ = r.Close()
	}
	for _, bad := range []string{"", "localhost:6379", "http://a", "redis://a/x", "redis://:pass word@\x00"} {
		if r, err := cache.NewRedis(cache.RedisOptions{URL: bad}); err == nil {
			t.Errorf("%q is taken", bad)
			_ = r.Close()
		}
	}
}

func ExampleNewMemory() {
	ctx := context.Background()
	s := cache.NewMemory(1 << 20)
	_ = s.Set(ctx, "list", []byte("bytes"), time.Hour)
	v, err := s.Get(ctx, "list")
	fmt.Println(string(v), err)
	_, err = s.Get(ctx, "another")
	fmt.Println(err)
	// Output:
	// bytes <nil>
	// not in the cache
}
