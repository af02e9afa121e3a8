// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rastau/crl"
	"rastau/internal/account"
	"rastau/internal/fetch"
	"rastau/internal/ocsp"
	"rastau/internal/phrase"
	"rastau/licensing"
	"rastau/verifier"
)

func newDemo() *cobra.Command {
	var check, quiet bool
	var shared demoShared
	var dir, listen, trial string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Runs everything on this machine: a development authority, a licensor, applicants, the API",
		Long: `Starts a development certification authority with live list, OCSP and time stamps on loopback, a licensor's key, sample
people and the API, with embedded defaults: SQLite, memory cache, no other program. Everything in it is invented.

With --check the whole story is played without a person: a licence is applied for, judged, decided, signed and audited;
every refusal is tried; the transcript is printed, and the exit code is 0 where everything was as it must be, else 1.

With --trial the service is not started but tried: the demo leaves config.yaml in its folder, waits until a service that was
started with it answers at that address, has it issue one licence and checks that from outside. docs/INSTALL.md uses it.`,
		Example: `  rastau demo
  rastau demo --check --database postgres://rastau@127.0.0.1/rastau --redis redis://127.0.0.1:6379/0
  rastau demo --check --dir story   # leaves story/licences/*.pdf, story/tampered/, story/anchors/*.pem`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := loopbackOnly(listen); err != nil {
				return err
			}
			if trial != "" && (check || loopbackOnly(trial) != nil || strings.HasSuffix(trial, ":0")) {
				return usagef("--trial %q: the address of a service on this machine, for example 127.0.0.1:8080, and not with --check", trial)
			}
			ctx, stop := untilStopped(cmd.Context())
			defer stop()
			if dir == "" {
				var err error
				if dir, err = os.MkdirTemp("", "rastau-demo-"); err != nil {
					return unreadablef("%v", err)
				}
				fmt.Fprintln(cmd.ErrOrStderr(), "the demo's files are in", dir)
			}
			o := demoOptions{demoShared: shared, Dir: dir, Listen: listen, Trial: trial, Check: check, Quiet: quiet}
			if trial != "" {
				return runTrial(ctx, cmd.OutOrStdout(), o)
			}
			return runDemo(ctx, cmd.OutOrStdout(), o)
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "play the whole story, print it and exit 0 or 1")
	cmd.Flags().StringVar(&dir, "dir", "", "`FOLDER` for state and licences (default: a new temporary folder); an earlier demo's folder is gone on with")
	cmd.Flags().StringVar(&trial, "trial", "", "`ADDRESS` of a service on this machine that is tried instead of being started")
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:0", "address of the API; loopback only")
	cmd.Flags().StringVar(&shared.Database, "database", "", "`ADDRESS` of an empty PostgreSQL database (postgres://…) instead of the embedded one")
	cmd.Flags().StringVar(&shared.Redis, "redis", "", "`ADDRESS` of a Redis (redis://…) instead of the memory cache")
	cmd.Flags().BoolVar(&quiet, "quiet", false, "no progress and no logs on stderr")
	return cmd
}

type demoOptions struct {
	demoShared
	Dir, Listen  string
	Trial        string // address of a service that is tried
	Check, Quiet bool
}

func loopbackOnly(listen string) error {
	if host, _, err := net.SplitHostPort(listen); err != nil || !listenLoopbackOnly(host) {
		return usagef("--listen %q: the demo's keys are in the open, so it listens on loopback only, for example 127.0.0.1:8080", listen)
	}
	return nil
}

func runDemo(ctx context.Context, out io.Writer, o demoOptions) error {
	if err := loopbackOnly(o.Listen); err != nil {
		return err
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return unreadablef("%v", err)
	}
	note := func(format string, args ...any) {
		if !o.Quiet {
			fmt.Fprintf(os.Stderr, format+"\n", args...)
		}
	}
	note("making keys and certificates …")
	var listeners []net.Listener
	for _, address := range []string{o.Listen, "127.0.0.1:0"} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return unreadablef("%v", err)
		}
		defer l.Close() // again where it was served: that error says nothing
		listeners = append(listeners, l)
	}
	w, err := openWorld(dir, listeners[0].Addr().String(), listeners[1].Addr().String(), o.demoShared)
	if err != nil {
		return err
	}
	defer w.Close()

	level := slog.LevelWarn
	if o.Quiet {
		level = slog.LevelError
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	finish, err := startInstallations(ctx, []*world{w, w.second}, listeners, log)
	if err != nil {
		return err
	}
	if !o.Check {
		if err := errors.Join(w.enterStaff(ctx), w.enterApplicants(ctx)); err != nil {
			return errors.Join(err, finish())
		}
		w.introduce(out)
		<-ctx.Done()
		return finish()
	}
	note("playing the story …")
	s := &story{world: w, client: newClient(w.config.PublicURL, w.tokens), out: out}
	err = s.play(ctx)
	if err := errors.Join(err, finish()); err != nil {
		return &exitError{code: exitFailed, message: err.Error()}
	}
	if s.wrong > 0 {
		return &exitError{code: exitFailed, message: errStory.Error()}
	}
	return nil
}

// startInstallations serves each world's installation; finish ends them all.
func startInstallations(ctx context.Context, worlds []*world, listeners []net.Listener, log *slog.Logger) (finish func() error, err error) {
	serving, stop := context.WithCancel(ctx)
	var ends []func() error
	finish = func() error {
		stop()
		var all []error
		for _, end := range ends {
			all = append(all, end())
		}
		return errors.Join(all...)
	}
	for i, w := range worlds {
		a, err := newApp(ctx, w.config, appOptions{Log: log})
		if err != nil {
			return nil, errors.Join(err, finish())
		}
		if w.fee, err = a.Service.Fee("passenger-transport", "issue"); err != nil {
			return nil, errors.Join(err, a.Close(), finish())
		}
		w.desk = a.Desk
		done := make(chan error, 1)
		go func() { done <- serve(serving, listeners[i], a.Handler, log, 0) }()
		ends = append(ends, func() error { return errors.Join(<-done, a.Close()) })
	}
	return finish, nil
}

// auditor is an engine of its own: no register, no configuration, loopback allowed because the demo's authority lives there.
func (w *world) auditor() (*verifier.Verifier, error) {
	v, _, err := w.engines()
	return v, err
}

// engines are the auditor, who asks a responder at every question, and one for a system that judges all day: it asks again when
// the responder's answer has ended.
func (w *world) engines() (auditor, system *verifier.Verifier, err error) {
	web, err := fetch.New(fetch.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if err != nil {
		return nil, nil, err
	}
	log := quietLog()
	o := verifier.Options{Now: time.Now, Web: web, Log: log, Lists: crl.NewSource(crl.SourceOptions{Fetch: web, Now: time.Now, Log: log})}
	auditor = verifier.New(o)
	o.OCSP = ocsp.NewSource(ocsp.SourceOptions{Web: web, Now: time.Now, Log: log})
	return auditor, verifier.New(o), nil
}

// sampleApplication is a complete application for the passenger-transport licence.
func (w *world) sampleApplication(a licensing.Applicant) licensing.NewApplication {
	const service = "passenger-transport"
	return licensing.NewApplication{Service: service, Operation: "issue", Applicant: a, Fields: sampleFields(a), Attachments: sampleAttachments(),
		Payment: w.payment(service, a, w.fee), Lang: phrase.KK}
}

// introduce prints addresses, tokens and calls to try.
func (w *world) introduce(out io.Writer) {
	base := w.config.PublicURL
	sample := filepath.Join(w.dir, "application.json")
	if data, err := json.MarshalIndent(w.sampleApplication(w.body()), "", "  "); err == nil {
		if err := os.WriteFile(sample, data, 0o600); err != nil {
			fmt.Fprintln(out, "the sample application could not be written:", err)
		}
	}
	fmt.Fprintf(out, "Rastau demo. Everything in it is invented; it answers on this machine only. Ctrl-C ends it.\n\n")
	fmt.Fprintf(out, "pages          %s/   (register %s/registry, check a licence %s/verify)\n", base, base, base)
	fmt.Fprintf(out, "log in         %s/login as %s, password %s\n", base, strings.Join(demoStaff, ", "), demoPassword)
	fmt.Fprintf(out, "applicants     the same password: %s (a person), %s (a body)\n", w.people.iin, w.people.bin)
	fmt.Fprintf(out, "NCALayer       %s\n", w.signer)
	fmt.Fprintf(out, "API            %s/v1   (console: %s/docs, description: %s/v1/openapi.json)\n", base, base, base)
	fmt.Fprintf(out, "authority      lists %s/crl/ca1.crl · OCSP %s/ocsp/ca1 · time stamps %s/tsp\n", w.base, w.base, w.base)
	fmt.Fprintf(out, "GOST           %s/v1   a second installation with keys of the national algorithms, in %s\n", w.second.config.PublicURL, w.second.dir)
	if w.outside != nil {
		fmt.Fprintf(out, "outside        registers, payments and notices in a sandbox: %s\n", w.outside)
	}
	fmt.Fprintf(out, "files          %s\n\nTokens\n", w.dir)
	for _, role := range []account.Role{account.Applicant, account.Officer, account.Auditor, account.Admin} {
		fmt.Fprintf(out, "  %-10s %s\n", role, w.tokens[role])
	}
	fmt.Fprintf(out, "\nTry\n")
	fmt.Fprintf(out, "  curl -s %s/readyz\n", base)
	fmt.Fprintf(out, "  curl -s -H 'Authorization: Bearer %s' %s/v1/services\n", w.tokens[account.Applicant], base)
	fmt.Fprintf(out, "  curl -s -H 'Authorization: Bearer %s' -H 'Content-Type: application/json' -d @%s %s/v1/applications\n", w.tokens[account.Applicant], sample, base)
	body := base64.StdEncoding.EncodeToString(w.people.head.Certificate.Raw)
	fmt.Fprintf(out, "  curl -s -H 'Authorization: Bearer %s' -H 'Content-Type: application/json' -d '{\"certificate\":\"%s\"}' %s/v1/certificates/verify\n", w.tokens[account.Auditor], body, base)
}
