// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"time"

	"rastau/api"
	"rastau/internal/fetch"
	"rastau/internal/pki"
	"rastau/internal/span"
	"rastau/internal/store"
	"rastau/internal/timestamp"
	"rastau/licensing"
	"rastau/signer"
)

// timed notes how long the time-stamping authority takes.
type timed struct {
	memory  *api.Memory
	address string
	stamper signer.Stamper
}

func (t timed) Stamp(ctx context.Context, data []byte) ([]byte, error) {
	began := time.Now()
	ctx, step := span.Ask(ctx, "timestamp", t.address)
	token, err := t.stamper.Stamp(ctx, data)
	step.End(err)
	t.memory.Step("timestamp", time.Since(began), err)
	return token, err
}

// stamper asks the configuration's time-stamping authority; nil where it names none.
func (c *Config) stamper(allow []netip.Prefix, memory *api.Memory, now time.Time) (signer.Stamper, error) {
	if c.TSA == "" {
		return nil, nil
	}
	// The authority is ours by configuration, so it alone is told of the trace; who stands in certificates never is.
	asking, err := fetch.New(fetch.Options{Allow: allow, Proxy: c.Proxy, Prepare: span.Inject})
	if err != nil {
		return nil, usagef("proxy: %v", err)
	}
	return timed{memory, c.TSA, &timestamp.Client{URL: c.TSA, HTTP: tracedWeb{asking}, Hash: signer.StampHash(pki.DefaultAlgorithms, now)}}, nil
}

// backlog asks what waits, for /metrics.
func backlog(flow *licensing.Service, db *store.Store) func(ctx context.Context) (api.Backlog, error) {
	watcher := licensing.Actor{ID: "metrics", Admin: true}
	return func(ctx context.Context) (b api.Backlog, err error) {
		if b.Figures, err = flow.Statistics(ctx, watcher, licensing.Period{}); err != nil {
			return b, err
		}
		first, err := flow.Queue(ctx, watcher, licensing.QueueFilter{Limit: 1})
		if err != nil {
			return b, err
		}
		if len(first) > 0 {
			b.Next = first[0].Deadline
		}
		err = db.View(ctx, func(tx licensing.Tx) error {
			b.Outbox, err = tx.Tallies()
			return err
		})
		return b, err
	}
}

// profile serves net/http/pprof on its own address until ctx ends. The configuration holds it to loopback: a profile shows memory.
func profile(ctx context.Context, address string, log *slog.Logger) (func() error, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, unreadablef("pprof: %v", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	log.InfoContext(ctx, "profiles are served", "address", listener.Addr().String())
	return func() error {
		err := server.Close()
		if served := <-done; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	}, nil
}
