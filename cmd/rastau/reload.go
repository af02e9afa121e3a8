// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"rastau/internal/account"
	"rastau/internal/pki"
	"rastau/internal/trust"
	"rastau/licensing"
	"rastau/verifier"
)

// reloadable are the keys of the configuration that a reload takes over; every other one waits for a restart.
var reloadable = []string{"anchors", "tsaAnchors", "testContour", "certificates", "key", "keys", "authorities", "regulations", "rates", "calendar", "accounts"}

// tables are what a reload reads anew. Whoever has begun with one goes on with it: it never changes.
type tables struct {
	config      *Config
	anchors     []trust.Anchor
	tsaAnchors  []trust.Anchor // never nil: an empty list trusts nobody
	extra       []*pki.Certificate
	authorities []licensing.Authority
	regulations []*licensing.Regulation
	calendar    *licensing.Calendar
	rates       *licensing.Rates
	book        *account.Book
	missing     []string // what could not be read: the service runs, and nothing is valid by it
}

// readTables reads them. Anchors that cannot be read are no reason not to start where degraded is allowed: without them nothing
// is ever valid, and /readyz says so.
func readTables(c *Config, degraded bool) (*tables, error) {
	t := &tables{config: c}
	missing := func(err error) error {
		if degraded {
			t.missing = append(t.missing, err.Error())
			return nil
		}
		return err
	}
	var err error
	if t.anchors, err = readAnchors("anchors", c.paths(c.Anchors)); err != nil {
		t.anchors = nil
		if err := missing(err); err != nil {
			return nil, err
		}
	}
	t.tsaAnchors = t.anchors
	if len(c.TSAAnchors) > 0 {
		if t.tsaAnchors, err = readAnchors("tsaAnchors", c.paths(c.TSAAnchors)); err != nil {
			t.tsaAnchors = nil
			if err := missing(err); err != nil {
				return nil, err
			}
		}
	}
	if t.tsaAnchors == nil {
		t.tsaAnchors = []trust.Anchor{}
	}
	if err := refuseTestContour(c, slices.Concat(t.anchors, t.tsaAnchors)); err != nil {
		return nil, err
	}
	if t.extra, err = readCertificates(c.paths(c.Certificates)); err != nil {
		return nil, err
	}
	if t.authorities, err = readAuthorities(c); err != nil {
		return nil, err
	}
	if t.regulations, err = readRegulations(c); err != nil {
		return nil, err
	}
	if t.calendar, t.rates, err = readDates(c); err != nil {
		return nil, err
	}
	if t.book, err = account.NewBook(c.Accounts); err != nil {
		return nil, usagef("accounts: %v", err)
	}
	return t, nil
}

// question is what this installation asks of everything.
func (t *tables) question() verifier.Question {
	return verifier.Question{Anchors: t.anchors, TSAAnchors: t.tsaAnchors, Certs: t.extra, MaxAge: t.config.MaxAge,
		Purpose: verifier.PurposeSign, Algorithms: pki.DefaultAlgorithms}
}

// front is what requests are answered by: the tables and everything that was made from them.
type front struct {
	tables  *tables
	service *licensing.Service
	handler http.Handler
}

// reloading makes a new front when it is told to.
type reloading struct {
	mu    sync.Mutex // one reload at a time
	build func(t *tables) (*front, error)
	note  func(ctx context.Context, by, kind string) error // in the journal
	log   *slog.Logger
}

// ServeHTTP answers with the front that stands when the request comes; a reload meanwhile does not touch it.
func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.front.Load().handler.ServeHTTP(w, r)
}

// Reload reads the configuration's file again and all that it names of reloadable. A mistake anywhere changes nothing. It tells
// which other keys have changed and wait for a restart. by is the account that asked, "" for a signal.
func (a *app) Reload(ctx context.Context, by string) (waiting []string, err error) {
	a.reloads.mu.Lock()
	defer a.reloads.mu.Unlock()
	old := a.front.Load()
	waiting, err = a.reload(ctx, old)
	kind := account.EventReloaded
	if err != nil {
		kind = account.EventReloadRefused
		a.reloads.log.ErrorContext(ctx, "the configuration was not read again; what was read before goes on", "error", err)
	}
	if noted := a.reloads.note(ctx, by, kind); noted != nil {
		a.reloads.log.ErrorContext(ctx, "a reload could not be noted in the journal", "error", noted)
	}
	return waiting, err
}

func (a *app) reload(ctx context.Context, old *front) (waiting []string, err error) {
	fresh, err := loadConfig(old.tables.config.file)
	if err != nil {
		return nil, err
	}
	waiting = takeOver(old.tables.config, fresh)
	t, err := readTables(fresh, false)
	if err != nil {
		return nil, err
	}
	// The keys come last before the exchange: they alone are changed in place, for signatures under way finish with theirs.
	next, err := a.reloads.build(t)
	if err != nil {
		return nil, err
	}
	if err := a.Keys.replace(fresh); err != nil {
		return nil, err
	}
	a.tables.Store(t)
	a.front.Store(next)
	a.Verifier.Forget()
	a.Lists.Renew(context.WithoutCancel(ctx))
	prints := make([]string, 0, len(t.anchors))
	for _, anchor := range t.anchors {
		prints = append(prints, anchor.Certificate.SHA256Hex())
	}
	a.reloads.log.InfoContext(ctx, "the configuration was read again", "anchors", prints, "signers", len(t.authorities), "regulations", len(t.regulations),
		"accounts", len(t.config.Accounts), "waitingForRestart", waiting)
	return waiting, nil
}

// takeOver leaves in fresh only the reloadable keys and gives the others their values of before; it tells which of those differ.
func takeOver(before, fresh *Config) (waiting []string) {
	was, is := reflect.ValueOf(before).Elem(), reflect.ValueOf(fresh).Elem()
	for i := range is.NumField() {
		key := yamlName(is.Type().Field(i))
		if key == "" || slices.Contains(reloadable, key) {
			continue
		}
		if !reflect.DeepEqual(was.Field(i).Interface(), is.Field(i).Interface()) {
			waiting = append(waiting, key)
			is.Field(i).Set(was.Field(i))
		}
	}
	return waiting
}

// yamlName is how a field is called in the file, "" for one that does not stand there.
func yamlName(f reflect.StructField) string {
	if !f.IsExported() {
		return ""
	}
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return name
}

// watch reads everything again at every signal, the keys when their files have changed, and what was missing at the start until
// it is there, until the context ends.
func (a *app) watch(ctx context.Context, signals <-chan os.Signal, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
			_, _ = a.Reload(ctx, "") // logged and noted
		case <-tick.C:
			if a.Keys.changed() {
				a.Keys.reload()
			}
			if t := a.front.Load().tables; len(t.missing) > 0 {
				if _, err := readTables(t.config, false); err == nil {
					_, _ = a.Reload(ctx, "")
				}
			}
		}
	}
}

// ready says why this installation cannot do its whole work now; empty means ready. degraded is what is missed and changes no verdict.
func (a *app) ready(ctx context.Context, now func() time.Time) (why, degraded []string) {
	t := a.front.Load().tables
	why = append(why, t.missing...)
	if len(t.anchors) == 0 {
		why = append(why, "no anchor can be read: nothing is valid, every verdict is INDETERMINATE")
	}
	for _, s := range a.Lists.States() {
		if !s.NextUpdate.IsZero() && now().After(s.NextUpdate) {
			why = append(why, fmt.Sprintf("the list %s ended %s and could not be fetched again: %s", s.URL, s.NextUpdate.UTC().Format(time.RFC3339), s.LastError))
		}
	}
	if err := a.ping(ctx); err != nil {
		why = append(why, "the database does not answer")
	}
	if a.shared != nil && !a.shared.Answers() {
		degraded = append(degraded, "Redis does not answer: each process fetches lists for itself; verdicts stay right")
	}
	return why, append(degraded, datesEnding(t.calendar, t.rates, now())...)
}

// pingTime is how long the database may take to answer /readyz.
const pingTime = 2 * time.Second

func (a *app) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pingTime)
	defer cancel()
	return a.database.View(ctx, func(licensing.Tx) error { return nil })
}
