// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// keyInterval is how often the files of the keys are looked at.
const keyInterval = 10 * time.Second

// gracePeriod is how long requests under way may take after a stop was asked for.
const gracePeriod = 20 * time.Second

// garbageReserve is how many bytes the service counts as in use beside its own, when it plans the next collection.
const garbageReserve = 128 << 20

func newServe() *cobra.Command {
	var config string
	cmd := &cobra.Command{
		Use:     "serve --config FILE",
		Short:   "Runs the service",
		Long:    "Runs the service until SIGTERM or SIGINT; requests under way are finished first. SIGHUP, or a change of their files, reads the licensor's keys again.\ndocs/CONFIG.md shows the configuration, docs/KEYS.md tells of keys.",
		Example: `  rastau serve --config /etc/rastau/config.yaml`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if config == "" {
				return usagef("--config is required; docs/CONFIG.md shows an example, `rastau demo` makes one")
			}
			c, err := loadConfig(config)
			if err != nil {
				return err
			}
			log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
			ctx, stop := untilStopped(cmd.Context())
			defer stop()
			a, err := newApp(ctx, c, appOptions{Log: log})
			if err != nil {
				return err
			}
			listener, err := net.Listen("tcp", c.Listen)
			if err != nil {
				return errors.Join(unreadablef("listen: %v", err), a.Close())
			}
			if host, _, err := net.SplitHostPort(c.Listen); err == nil && !listenLoopbackOnly(host) {
				log.Info("listening beyond this machine: put TLS in front", "address", listener.Addr().String())
			}
			again := make(chan os.Signal, 1)
			signal.Notify(again, syscall.SIGHUP)
			defer signal.Stop(again)
			go a.Keys.watch(ctx, again, keyInterval)
			if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
				// A service whose own data are small would collect garbage several times a second under load. The reserve is never
				// touched, so that it costs addresses, not memory; what it lets grow is at most twice its size.
				reserve := make([]byte, garbageReserve)
				defer runtime.KeepAlive(reserve)
			}
			return errors.Join(serve(ctx, listener, a.Handler, log), a.Close())
		},
	}
	cmd.Flags().StringVar(&config, "config", "", "configuration `FILE` (YAML)")
	return cmd
}

// serve answers until ctx ends, then lets requests under way finish.
func serve(ctx context.Context, listener net.Listener, handler http.Handler, log *slog.Logger) error {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 2 * time.Minute,
		WriteTimeout: 3 * time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	log.Info("serving", "address", listener.Addr().String(), "version", version())
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	log.Info("stopping", "grace", gracePeriod.String())
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), gracePeriod)
	defer cancel()
	if err := server.Shutdown(late); err != nil {
		return fmt.Errorf("requests under way were cut off: %w", err)
	}
	return nil
}
