// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
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
		Long:    "Runs the service until SIGTERM or SIGINT; requests under way are finished first. SIGHUP reads anchors, lists,\ncalendar, rates, signers, regulations, accounts and keys again, and keys are read again when their files change.\ndocs/CONFIG.md shows the configuration, docs/OPERATING.md tells of the rest.",
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
			if c.Pprof != "" {
				end, err := profile(ctx, c.Pprof, log)
				if err != nil {
					return errors.Join(err, listener.Close(), a.Close())
				}
				a.closers = append(a.closers, closer(end))
			}
			again := make(chan os.Signal, 1)
			signal.Notify(again, syscall.SIGHUP)
			defer signal.Stop(again)
			go a.watch(ctx, again, keyInterval)
			if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
				// A service whose own data are small would collect garbage several times a second under load. The reserve is never
				// touched, so that it costs addresses, not memory; what it lets grow is at most twice its size.
				reserve := make([]byte, garbageReserve)
				defer runtime.KeepAlive(reserve)
			}
			return errors.Join(serve(ctx, listener, a.Handler, log, c.Drain), a.Close())
		},
	}
	cmd.Flags().StringVar(&config, "config", "", "configuration `FILE` (YAML)")
	return cmd
}

// serve answers until ctx ends. For the time of drain it then goes on answering while /readyz says that it stops, so that whoever
// sends requests here hears of it; then requests under way finish. Started by systemd it tells when it is ready and when it stops.
func serve(ctx context.Context, listener net.Listener, handler http.Handler, log *slog.Logger, drain time.Duration) error {
	var stopping atomic.Bool
	server := &http.Server{
		Handler: draining(handler, &stopping), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 2 * time.Minute,
		WriteTimeout: 3 * time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	log.Info("serving", "address", listener.Addr().String(), "version", version())
	tellSystemd(log, daemon.SdNotifyReady)
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	log.Info("stopping", "drain", drain.String(), "grace", gracePeriod.String())
	tellSystemd(log, daemon.SdNotifyStopping)
	stopping.Store(true)
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-time.After(drain):
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), gracePeriod)
	defer cancel()
	if err := server.Shutdown(late); err != nil {
		return fmt.Errorf("requests under way were cut off: %w", err)
	}
	return nil
}

// draining answers on while the service stops, and says at /readyz that it does.
func draining(handler http.Handler, stopping *atomic.Bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !stopping.Load() || r.URL.Path != "/readyz" {
			handler.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"ready":false,"reasons":["the service is stopping"],"version":`+strconv.Quote(version())+"}\n")
	})
}

func tellSystemd(log *slog.Logger, state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		log.Warn("systemd was not told", "state", state, "error", err)
	}
}
