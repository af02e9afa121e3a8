// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rastau/internal/account"
	"rastau/internal/cache"
	"rastau/internal/fetch"
	"rastau/internal/store"
	"rastau/signer"
)

// maxClockError is how far this machine's clock may be from those it is compared with: less than what makes a time stamp or an OCSP
// answer of this very moment look as if it came from the future.
const maxClockError = 5 * time.Second

func newConfig() *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Checks a configuration", RunE: needSubcommand, Args: cobra.ArbitraryArgs}
	var config, clock string
	var offline bool
	check := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Reads a configuration as serve does, tries what it names, and tells every mistake",
		Long: `Reads a configuration as serve does and tells every mistake with what to do: unknown keys and variables, bad addresses, missing
secrets, unreadable keys and tables, a database or Redis that does not answer, a clock that is off. Nothing is changed.

Exit: 0 no mistake, 2 a mistake in what the configuration says, 4 something that it names cannot be opened or reached.`,
		Example: "  rastau config check --config /etc/rastau/config.yaml\n  rastau config check /etc/rastau/config.yaml --offline",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (config == "") == (len(args) == 0) {
				return usagef("name the configuration: rastau config check --config FILE")
			}
			if config == "" {
				config = args[0]
			}
			c, err := loadConfig(config)
			if err != nil {
				return err
			}
			checker := &configChecker{c: c, offline: offline, clock: clock, now: time.Now}
			checker.check(cmd.Context())
			for _, n := range checker.notes {
				fmt.Fprintln(cmd.OutOrStdout(), n)
			}
			if len(checker.problems) > 0 {
				return checker.result(config)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: no mistakes found\n", config)
			return nil
		},
	}
	check.Flags().StringVar(&config, "config", "", "configuration `FILE`")
	check.Flags().BoolVar(&offline, "offline", false, "ask neither the database, Redis nor any address; the clock is then compared with nothing")
	check.Flags().StringVar(&clock, "clock", "", "compare the clock with the Date header of this `URL` too")
	cmd.AddCommand(check)
	return cmd
}

// configChecker tries everything by itself, so that one mistake hides no other.
type configChecker struct {
	c        *Config
	offline  bool
	clock    string
	now      func() time.Time
	problems []error
	notes    []string
	compared int
}

func (k *configChecker) add(err error) {
	if err != nil {
		k.problems = append(k.problems, err)
	}
}

func (k *configChecker) note(format string, args ...any) {
	k.notes = append(k.notes, fmt.Sprintf(format, args...))
}

// result tells all problems; the exit code is the first of 2, 4 that occurs.
func (k *configChecker) result(name string) error {
	code := exitUnreadable
	var all []string
	for _, p := range k.problems {
		all = append(all, "  "+strings.ReplaceAll(p.Error(), "\n", "\n  "))
		var exit *exitError
		if !errors.As(p, &exit) || exit.code == exitUsage {
			code = exitUsage
		}
	}
	return &exitError{code: code, message: fmt.Sprintf("%s: %d mistakes:\n%s", name, len(k.problems), strings.Join(all, "\n"))}
}

func (k *configChecker) check(ctx context.Context) {
	c := k.c
	anchors, err := readAnchors("anchors", c.paths(c.Anchors))
	k.add(err)
	tsa, err := readAnchors("tsaAnchors", c.paths(c.TSAAnchors))
	k.add(err)
	k.add(refuseTestContour(c, append(anchors, tsa...)))
	_, err = readCertificates(c.paths(c.Certificates))
	k.add(err)
	_, err = readAuthorities(c)
	k.add(err)
	_, err = readRegulations(c)
	k.add(err)
	calendar, rates, err := readDates(c)
	k.add(err)
	if err == nil {
		k.notes = append(k.notes, datesEnding(calendar, rates, k.now())...)
	}
	if _, err = account.NewBook(c.Accounts); err != nil {
		k.add(usagef("accounts: %v", err))
	}
	ring := &keyring{log: quietLog(), config: c, tokens: map[TokenConfig]*signer.Token{}}
	for _, one := range c.keyConfigs() {
		key, err := ring.loadOne(c, one)
		k.add(err)
		if err == nil && k.now().After(key.Certificate.NotAfter) {
			k.note("key %s: its certificate ended %s; what it signs is refused by everybody", one.name(), key.Certificate.NotAfter.UTC().Format(time.RFC3339))
		}
	}
	for name, one := range map[string]KeyConfig{"seal": c.Seal, "gateway.key": c.Gateway.Key, "ncanode.key": c.NCANode.Key} {
		if one != (KeyConfig{}) {
			if _, err := ring.loadOne(c, one); err != nil {
				k.add(fmt.Errorf("%s: %w", name, err))
			}
		}
	}
	k.add(ring.Close())
	_, err = c.openLogKey()
	k.add(err)
	_, err = c.readMasters()
	k.add(err)
	if c.Lists.KeyFile != "" {
		_, err := c.readListKey()
		k.add(err)
	}
	for name, path := range map[string]string{"lists.folder": c.Lists.Folder, "lists.offline": c.Lists.Offline} {
		if info, err := os.Stat(c.path(path)); path != "" && (err != nil || !info.IsDir()) {
			k.add(unreadablef("%s: %s is no folder; create it", name, c.path(path)))
		}
	}
	if _, err := c.openBlobs(); err != nil {
		k.add(err)
	}
	k.database(ctx)
	k.redis(ctx)
	k.clocks(ctx)
}

// patience bounds each question to something outside.
const configPatience = 5 * time.Second

func (k *configChecker) database(ctx context.Context) {
	o, err := k.c.storeOptions()
	if err != nil {
		k.add(err)
		return
	}
	if k.offline {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, configPatience)
	defer cancel()
	at, err := store.Probe(ctx, o)
	if err != nil {
		k.add(unreadablef("database: %v; check its address, its password, and that it runs", err))
		return
	}
	if !at.IsZero() {
		k.compare("PostgreSQL", at)
	}
}

func (k *configChecker) redis(ctx context.Context) {
	address := k.c.redisAddress()
	if address == "" {
		return
	}
	r, err := cache.NewRedis(cache.RedisOptions{URL: address, Timeout: configPatience})
	if err != nil {
		k.add(usagef("redis: %v; write it like redis://host:6379/0", err))
		return
	}
	if !k.offline {
		at, err := r.Time(ctx)
		if err != nil {
			k.add(unreadablef("redis: it does not answer (%v); the service starts without it, and each process fetches lists for itself", err))
		} else {
			k.compare("Redis", at)
		}
	}
	k.add(r.Close())
}

// clocks compares with the Date header of the time-stamping authority and of the address that was given.
func (k *configChecker) clocks(ctx context.Context) {
	if k.offline {
		k.note("clock: compared with nothing, for nothing is asked")
		return
	}
	allow, err := parsePrefixes(k.c.Allow)
	if err != nil {
		return // told already
	}
	for _, one := range []struct{ name, url string }{{"the time-stamping authority", k.c.TSA}, {k.clock, k.clock}} {
		if one.url == "" {
			continue
		}
		at, err := dateOf(ctx, fetch.Options{Allow: allow, Proxy: k.c.Proxy}, one.url)
		if err != nil {
			k.note("clock: not compared with %s: %v", one.name, err)
			continue
		}
		k.compare(one.name, at)
	}
	if k.compared == 0 {
		k.note("clock: compared with nothing: neither PostgreSQL, Redis nor a TSA answers here; give --clock URL")
	}
}

func (k *configChecker) compare(with string, at time.Time) {
	k.compared++
	off := k.now().Sub(at).Round(100 * time.Millisecond)
	if off.Abs() > maxClockError {
		k.add(usagef("clock: this machine is %v ahead of %s (%s there); verdicts depend on the time: set it by NTP (timedatectl set-ntp true)", off, with, at.UTC().Format(time.RFC3339)))
		return
	}
	k.note("clock: %v from %s", off, with)
}

// dateOf asks a server for its time. A second is the least that the header tells.
func dateOf(ctx context.Context, o fetch.Options, url string) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, configPatience)
	defer cancel()
	client, err := fetch.New(o)
	if err != nil {
		return time.Time{}, err
	}
	at, err := client.Date(ctx, url)
	if err != nil {
		return time.Time{}, err
	}
	return at.Add(time.Second / 2), nil
}
