// SPDX-License-Identifier: Apache-2.0

package crl_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"rastau/crl"
	"rastau/internal/testredis"
)

// The folder brings the list back after a restart, and with it the memory of how new it was.
func TestFolder(t *testing.T) {
	for name, key := range map[string][]byte{"with a key": sealKey, "without": nil} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			o := crl.SourceOptions{Folder: dir, Key: key}
			h := newHouse(t, o)
			h.server.bytes(h.list(t, 10, true))
			h.want(t, "at first", h.source, crl.Revoked)
			index := waitFile(t, dir, "*.index")
			h.network.set("down")
			restarted := h.another(t, o)
			h.want(t, "after a restart", restarted, crl.Revoked)
			if st := restarted.States()[0]; st.Origin != crl.OriginFolder || st.Downloads != 0 {
				t.Errorf("%+v", st)
			}

			// Older than seen, by another process, before this one began.
			if err := os.Remove(index); err != nil {
				t.Fatal(err)
			}
			h.network.set("")
			h.server.bytes(h.list(t, 9, false))
			h.want(t, "an older list", h.another(t, o), crl.Unknown)
			h.server.bytes(h.list(t, 11, true))
			h.want(t, "a newer list", h.another(t, o), crl.Revoked)

			// A file that was cut, or changed anywhere, is not taken.
			good, err := os.ReadFile(waitFile(t, dir, "*.index"))
			if err != nil {
				t.Fatal(err)
			}
			h.network.set("down")
			for at := 0; at < len(good); at += 97 {
				bad := bytes.Clone(good)
				bad[at] ^= 4
				if at%2 == 1 {
					bad = good[:at]
				}
				write(t, index, bad)
				if got, err := h.verdict(h.another(t, o)); got == crl.Good {
					t.Fatalf("octet %d: %s %v", at, got, err)
				}
			}
			h.network.set("")
			h.want(t, "the network mends it", h.another(t, o), crl.Revoked)
		})
	}
}

func write(t testing.TB, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func waitFile(t testing.TB, dir, pattern string) string {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if all, _ := filepath.Glob(filepath.Join(dir, pattern)); len(all) == 1 {
			return all[0]
		}
	}
	t.Fatalf("no %s", pattern)
	return ""
}

// A folder of lists as the only source.
func TestOffline(t *testing.T) {
	dir := t.TempDir()
	h := newHouse(t, crl.SourceOptions{})
	other := newRoot(t, "Other")
	write(t, filepath.Join(dir, "a.crl"), h.list(t, 1, false))
	write(t, filepath.Join(dir, "b.crl"), other.der(t, listOptions{number: 7}))
	write(t, filepath.Join(dir, "readme.txt"), []byte("lists"))
	write(t, filepath.Join(dir, "broken.crl"), []byte("<html>"))
	s := h.another(t, crl.SourceOptions{Offline: dir})
	h.want(t, "by its issuer", s, crl.Good)
	write(t, filepath.Join(dir, "c.crl"), h.list(t, 2, true))
	h.move(2 * time.Hour)
	h.want(t, "the newer one", s, crl.Revoked)
	write(t, filepath.Join(dir, "ca.crl"), h.list(t, 3, true))
	h.move(2 * time.Hour)
	h.want(t, "by its name", s, crl.Revoked)
	if st := s.States()[0]; st.Number != "3" || st.Origin != crl.OriginOffline {
		t.Errorf("%+v", st)
	}
	h.move(48 * time.Hour)
	h.want(t, "nobody brought a new one", s, crl.Unknown)
	if h.server.asked.Load() != 0 {
		t.Error("the network was asked")
	}
	if _, err := s.List(context.Background(), "http://nobody.example/x.crl", func(*crl.List) error { return errors.New("no") }); !errors.Is(err, crl.ErrUnavailable) {
		t.Error(err)
	}
}

// Run renews ahead of time, and takes what another process fetched, so that nobody who asks waits.
func TestRun(t *testing.T) {
	store := redisStore(t, testredis.Start(t).URL)
	o := crl.SourceOptions{Cache: store, Key: sealKey, Refresh: time.Second, Poll: 50 * time.Millisecond}
	h := newHouse(t, o)
	tick := func() time.Time { return time.Now() }
	began := time.Now()
	h.wall = &wall{}
	o.Now = tick
	make := func(number int64) []byte {
		return h.ca.der(t, listOptions{number: number, this: began.Add(-time.Hour).Add(time.Duration(number) * time.Second), next: began.Add(time.Hour), entries: []x509.RevocationListEntry{entry(h.leaf, began.Add(-2*time.Hour), 1)}})
	}
	h.server.bytes(make(1))
	web := guarded(t)
	sources := []*crl.Source{}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var wg sync.WaitGroup
	for range 2 {
		s := crl.NewSource(crl.SourceOptions{Fetch: web, Cache: store, Key: sealKey, Refresh: time.Second, Poll: 50 * time.Millisecond, Log: h.log()})
		sources = append(sources, s)
		if _, err := s.List(ctx, h.url, signedBy(h.ca.cert)); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() { s.Run(ctx) })
	}
	for number := int64(2); number < 5; number++ {
		h.server.bytes(make(number))
		for _, s := range sources {
			for end := time.Now().Add(5 * time.Second); s.States()[0].Number != fmt.Sprint(number); time.Sleep(10 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("list %d is not taken: %+v", number, s.States()[0])
				}
			}
		}
	}
	if n := sources[0].States()[0].Downloads + sources[1].States()[0].Downloads; n > int64(time.Since(began)/(800*time.Millisecond))+2 {
		t.Errorf("%d downloads in %s", n, time.Since(began))
	}
	// Another key: Run leaves it alone, a caller who knows better takes it.
	next := newRoot(t, "CA")
	h.server.bytes(next.der(t, listOptions{number: 9, this: time.Now(), next: began.Add(time.Hour)}))
	time.Sleep(1500 * time.Millisecond)
	if n := sources[0].States()[0].Number; n != "4" {
		t.Errorf("Run took a list of another key: %s", n)
	}
	// The other process may hold the lease just now: whoever asks is told when to come back, and comes back.
	l, err := sources[0].List(ctx, h.url, signedBy(next.cert))
	for end := time.Now().Add(10 * time.Second); errors.Is(err, crl.ErrUnavailable) && time.Now().Before(end); {
		time.Sleep(200 * time.Millisecond)
		l, err = sources[0].List(ctx, h.url, signedBy(next.cert))
	}
	if err != nil || l.Number.Int64() != 9 {
		t.Errorf("the list of the new key is not taken: %v", err)
	}
	cancel()
	wg.Wait()
}
