// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Whatever happens to Redis, or is written there, each of two services gives the right verdict.
func TestFaultsOfRedis(t *testing.T) {
	down := func(t *testing.T, w *faultWorld) func() { w.redis.Stop(); return func() { start(t, w.redis) } }
	config := func(t *testing.T, w *faultWorld, name, value string) {
		t.Helper()
		if err := w.client(t).ConfigSet(t.Context(), name, value).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for name, fault := range map[string]struct {
		atStart bool
		inject  func(t *testing.T, w *faultWorld) (heal func())
		log     []string
		up      float64 // what rastau_redis_up says during the fault
	}{
		"down at start":        {atStart: true, inject: down, log: []string{"Redis does not answer"}},
		"killed in the middle": {inject: down, log: []string{"Redis does not answer"}},
		"hung":                 {inject: func(t *testing.T, w *faultWorld) func() { return toxic(t, w.redis, "timeout", `"timeout":0`) }, log: []string{"Redis does not answer"}},
		"slow":                 {inject: func(t *testing.T, w *faultWorld) func() { return toxic(t, w.redis, "latency", `"latency":60`) }, up: 1},
		"cut in the middle":    {inject: func(t *testing.T, w *faultWorld) func() { return toxic(t, w.redis, "limit_data", `"bytes":300`) }, up: -1},
		"emptied":              {inject: func(_ *testing.T, w *faultWorld) func() { w.real.Flush(); return func() {} }, up: 1},
		"full": {up: 1, log: []string{"revocation list not shared", "OOM"}, inject: func(t *testing.T, w *faultWorld) func() {
			config(t, w, "maxmemory", "1")
			return func() { config(t, w, "maxmemory", "0") }
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFaultWorld(t)
			heal := func() {}
			if fault.atStart {
				heal = fault.inject(t, w)
			}
			a, b := w.service(t, true), w.service(t, true)
			all := []*service{a, b}
			for _, s := range all {
				s.want(t, "at first", passed, revoked)
			}
			if !fault.atStart {
				heal = fault.inject(t, w)
			}
			w.later()
			w.serve(w.list())
			w.move(2 * time.Hour)
			for _, s := range all {
				soon(t, "the newer list", func() bool { got, _ := s.verdict(t, w.good); return got == revoked })
				s.want(t, "during the fault", revoked, revoked)
			}
			if fault.log != nil {
				soon(t, "the log", func() bool { return a.log.has(fault.log...) || b.log.has(fault.log...) })
			}
			for _, s := range all {
				if fault.up >= 0 {
					soon(t, "the metric", func() bool { return s.metric(t, "rastau_redis_up") == fault.up })
				}
			}
			heal()
			w.serve(w.list())
			soon(t, "Redis is used again", func() bool {
				w.move(time.Hour)
				for _, s := range all {
					s.want(t, "after the fault", revoked, revoked)
				}
				return a.metric(t, "rastau_redis_up") == 1 && b.metric(t, "rastau_redis_up") == 1 && len(w.cards(t)) > 0
			})
			if fault.log != nil && fault.up == 0 {
				soon(t, "the log after the fault", func() bool { return a.log.has("Redis answers again") && b.log.has("Redis answers again") })
			}
		})
	}
}

// client speaks to Redis as an intruder would.
func (w *faultWorld) client(t *testing.T) *redis.Client {
	t.Helper()
	c := redis.NewClient(made(redis.ParseURL(w.real.URL)))
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// cards are the cards of lists in Redis.
func (w *faultWorld) cards(t *testing.T) map[string]string {
	t.Helper()
	c := w.client(t)
	out := map[string]string{}
	for _, key := range made(c.Keys(t.Context(), "rastau:crl:*").Result()) {
		if strings.Count(key, ":") == 2 {
			out[key], _ = c.Get(t.Context(), key).Result() // it may have gone by now
		}
	}
	return out
}

// An intruder writes to Redis what he likes: a service that runs, and one that starts, give the right verdicts, count and log what they
// refuse, and mend it.
func TestIntruderInRedis(t *testing.T) {
	w := newFaultWorld(t)
	a := w.service(t, true)
	a.want(t, "at first", passed, revoked)
	soon(t, "the lists are shared", func() bool { return len(w.cards(t)) == 2 })
	c := w.client(t)
	older := w.cards(t)
	pieces := map[string]string{}
	for _, key := range made(c.Keys(t.Context(), "rastau:crl:*:*").Result()) {
		pieces[key] = made(c.Get(t.Context(), key).Result())
	}
	w.later()
	w.serve(w.list())
	w.move(2 * time.Hour)
	soon(t, "the newer list", func() bool { got, _ := a.verdict(t, w.good); return got == revoked })
	soon(t, "the newer list is shared", func() bool {
		for key, card := range w.cards(t) {
			if older[key] == card {
				return false
			}
		}
		return true
	})
	newer := w.cards(t)
	if len(newer) != 2 {
		t.Fatalf("%d cards", len(newer))
	}
	write := func(change func(key, card string) string) {
		for key, card := range newer {
			if err := c.Set(t.Context(), key, change(key, card), time.Hour).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for what, tamper := range map[string]func(){
		"an older genuine index": func() {
			for key, piece := range pieces {
				_ = c.Set(t.Context(), key, piece, time.Hour)
			}
			write(func(key, _ string) string { return older[key] })
		},
		"a forged card": func() {
			write(func(_, card string) string {
				return card[:40] + strings.Replace(card[40:], `"Entries":`, `"Entries":1`, 1)
			})
		},
		"a card of another list": func() {
			var all []string
			for _, card := range newer {
				all = append(all, card)
			}
			n := 0
			write(func(key, card string) string {
				if n++; all[0] == card {
					return all[1]
				}
				return all[0]
			})
		},
		"garbage":      func() { write(func(string, string) string { return "garbage" }) },
		"half a card":  func() { write(func(_, card string) string { return card[:len(card)/2] }) },
		"a huge value": func() { write(func(string, string) string { return strings.Repeat("x", 40<<20) }) },
		"a genuine card whose index was changed": func() {
			write(func(_, card string) string { return card })
			for _, key := range made(c.Keys(t.Context(), "rastau:crl:*:*").Result()) {
				if piece, err := c.Get(t.Context(), key).Result(); err == nil && len(piece) > 40 {
					_ = c.Set(t.Context(), key, strings.Repeat("\x00", 40)+piece[40:], time.Hour)
				}
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			const line = "revocation list in the cache refused"
			var tampered map[string]string
			for tries := 0; ; tries++ {
				tamper()
				tampered = w.cards(t)
				fresh := w.service(t, true)
				for range 3 {
					fresh.want(t, "a service that starts", revoked, revoked)
					a.want(t, "a service that runs", revoked, revoked)
				}
				if what == "a huge value" { // is not even read
					break
				}
				if what == "an older genuine index" { // one that knows nothing yet may take it while any list is held that long, which is over
					soon(t, "the refusal", func() bool {
						return a.metric(t, "rastau_crl_refused_total") > 0 && a.log.has(line, "older than one already seen")
					})
					break
				}
				if fresh.metric(t, "rastau_crl_refused_total") > 0 && fresh.log.has(line) {
					break
				}
				if tries == 5 { // Redis may be too slow for one of them on a busy machine: then nothing comes from there
					t.Fatal("nothing was refused")
				}
			}
			w.serve(w.list())
			w.move(2 * time.Hour) // the next renewal mends it
			soon(t, "mended", func() bool {
				now := w.cards(t)
				for key := range newer {
					if now[key] == "" || now[key] == tampered[key] {
						return false
					}
				}
				return true
			})
			newer = w.cards(t)
		})
	}
}
