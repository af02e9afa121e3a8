// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"rastau/api"
	"rastau/console"
	"rastau/crl"
	"rastau/internal/account"
	"rastau/internal/batch"
	"rastau/internal/cache"
	"rastau/internal/fetch"
	"rastau/internal/ocsp"
	"rastau/internal/pki"
	"rastau/internal/store"
	"rastau/internal/trust"
	"rastau/licensing"
	"rastau/signer"
	"rastau/verifier"
)

// app is one wired installation: what serve and the demo run.
type app struct {
	Config   *Config
	Verifier *verifier.Verifier
	Service  *licensing.Service
	Lists    *crl.Source
	Desk     *account.Desk
	Batches  *batch.Service
	Answers  *ocsp.Source
	Keys     *keyring
	Handler  http.Handler
	closers  []io.Closer

	tables   atomic.Pointer[tables] // what counts now
	front    atomic.Pointer[front]  // what answers now
	reloads  reloading
	database *store.Store
	shared   *cache.Redis // nil: memory
	traces   *traces      // nil: none are kept
}

// appOptions are what the configuration file does not say.
type appOptions struct {
	Log *slog.Logger     // Required.
	Now func() time.Time // Optional. If nil, time.Now.
}

// quietLog drops everything: commands that print one answer.
func quietLog() *slog.Logger { return slog.New(slog.DiscardHandler) }

// newApp wires a configuration. Close releases what it opened.
func newApp(ctx context.Context, c *Config, o appOptions) (_ *app, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &app{Config: c}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()

	read, err := readTables(c, true)
	if err != nil {
		return nil, err
	}
	for _, m := range read.missing {
		o.Log.ErrorContext(ctx, "started without an anchor: nothing is valid until it can be read; it is tried again", "missing", m)
	}
	a.tables.Store(read)
	if a.traces, err = openTraces(ctx, c.Traces, o.Log); err != nil {
		return nil, err
	}
	if a.traces != nil {
		a.closers = append(a.closers, a.traces)
	}
	allow, err := parsePrefixes(c.Allow)
	if err != nil {
		return nil, usagef("allow: %v", err)
	}
	plain, err := fetch.New(fetch.Options{Allow: allow, Proxy: c.Proxy})
	if err != nil {
		return nil, usagef("proxy: %v", err)
	}
	web := tracedWeb{plain}
	shared, err := a.openCache(c, o)
	if err != nil {
		return nil, err
	}
	a.shared, _ = shared.(*cache.Redis)
	if err := a.openLists(ctx, c, o, web, shared); err != nil {
		return nil, err
	}
	memory := api.NewMemory(o.Now, c.RatePerMinute)
	engine := verifier.Options{Now: o.Now, Lists: a.Lists, Log: o.Log, Observe: memory.Checks}
	if c.Lists.Offline == "" { // otherwise the folder of lists is the only source, and no address in a certificate is asked
		engine.Web, engine.OCSP, engine.FetchIssuers = web, a.Answers, c.FetchIssuers
	}
	a.Verifier = verifier.New(engine)
	// What lives longer than a request asks for what counts now.
	question := func() verifier.Question { return a.tables.Load().question() }
	if a.Keys, err = openKeyring(c, o.Log); err != nil {
		return nil, err
	}
	a.closers = append(a.closers, a.Keys)
	a.Keys.warn(ctx, a.Verifier, question())
	stamper, err := c.stamper(allow, memory, o.Now())
	if err != nil {
		return nil, err
	}
	asked := examiner{a.Verifier, question}
	signs := signer.Options{Keys: a.Keys.ring, Judge: asked, Checker: a.Verifier, Stamper: stamper, Examiner: asked, Hash: signer.StampHash(pki.DefaultAlgorithms, o.Now()), Now: o.Now,
		Observe: func(format string, took time.Duration, err error) { memory.Step("sign-"+format, took, err) }}
	licensor, err := signer.New(signs)
	if err != nil {
		return nil, usagef("key: %v", err)
	}
	seal, err := c.openSeal(signs)
	if err != nil {
		return nil, err
	}
	var own []*pki.Certificate
	for _, k := range a.Keys.ring.Keys() {
		own = append(own, k.Certificate)
	}
	if seal != nil {
		own = append(own, seal.Certificate())
	}
	ncanode, err := c.openNCANode(signs, own)
	if err != nil {
		return nil, err
	}
	logKey, err := c.openLogKey()
	if err != nil {
		return nil, err
	}
	levels, err := c.Levels.levels()
	if err != nil {
		return nil, usagef("%v", err)
	}
	var extender licensing.Extender // nil without a time-stamping authority
	if stamper != nil {
		x, err := signer.NewExtender(signer.ExtenderOptions{Stamper: stamper, Examiner: asked, Hash: signer.StampHash(pki.DefaultAlgorithms, o.Now())})
		if err != nil {
			return nil, err
		}
		extender = x
	}
	if _, err := c.readMasters(); err != nil {
		return nil, err
	}
	db, err := c.openStore(ctx)
	if err != nil {
		return nil, err
	}
	a.database = db
	a.closers = append(a.closers, db)
	base := strings.TrimSuffix(c.PublicURL, "/")
	gateway, err := c.openGateway(db, a.Verifier, question, o.Now, o.Log)
	if err != nil {
		return nil, err
	}
	a.sweepBlobs(ctx, db, o.Now, o.Log)
	gate := new(batch.Gate)
	if a.Batches, err = batch.New(batch.Options{Store: db.Batches(), Verifier: a.Verifier, Question: question, Now: o.Now, Gate: gate, Log: o.Log,
		Counted: func(r *verifier.Report) { memory.Verdict(o.Log, "batch", r) }}); err != nil {
		return nil, err
	}
	a.sweepBatches(ctx, o.Log)
	a.erase(ctx, db, o.Now, o.Log)
	desk, err := account.NewDesk(account.Options{Store: db.Accounts(), Judge: a.Verifier, Question: question, Site: base, Now: o.Now, Log: o.Log})
	if err != nil {
		return nil, err
	}
	a.Desk = desk
	build := func(t *tables) (*front, error) {
		for _, ending := range datesEnding(t.calendar, t.rates, o.Now()) {
			o.Log.Warn("a dated table ends soon", "what", ending)
		}
		workflow := licensing.Options{
			Regulations: t.regulations, Store: db, Judge: a.Verifier, Question: t.question, Signer: licensor, Levels: levels, Extender: extender, Stamper: stamper,
			Seal: seal, LogKey: logKey, Authorities: t.authorities, Calendar: t.calendar, Rates: t.rates, AcceptRepealed: c.AcceptRepealed, Demo: c.Specimen, LicenceCode: c.LicenceCode,
			VerifyURL: func(number string) string { return base + "/v/" + number }, Now: o.Now, Rand: rand.Reader, Log: o.Log, Notices: c.Gateway.has("notices"),
		}
		// An interface that holds a nil pointer would not be nil.
		if c.Gateway.has("registers") {
			workflow.Registers = gateway
		}
		if c.Gateway.has("payments") {
			workflow.Payments = gateway
		}
		flow, err := licensing.New(workflow)
		if err != nil {
			return nil, fmt.Errorf("the workflow: %w", err)
		}
		service := api.Options{
			Desk:     desk,
			Verifier: a.Verifier, Question: t.question, Service: flow, Accounts: t.book, Lists: a.Lists, Answers: a.Answers, Ready: func(ctx context.Context) ([]string, []string) { return a.ready(ctx, o.Now) }, Reload: a.Reload, Memory: memory, Backlog: backlog(flow, db),
			Batches: a.Batches, Gate: gate, NCANode: ncanode, BodyLimit: c.BodyLimit, RatePerMinute: c.RatePerMinute, TrustProxy: c.TrustProxy, Now: o.Now, Log: o.Log, Version: version(),
		}
		if c.Gateway.has("payments") {
			service.Payments = gateway
		}
		if a.shared != nil {
			service.Shared = a.shared
		}
		programs, err := api.Handler(service)
		if err != nil {
			return nil, err
		}
		address, err := api.Address(c.TrustProxy)
		if err != nil {
			return nil, err
		}
		people, err := console.Handler(console.Options{
			Address: address,
			Service: flow, Desk: desk, Verifier: a.Verifier, Question: t.question, Lists: a.Lists, Calendar: t.calendar, NCALayer: c.NCALayer,
			Description: api.Description(), Problems: problemPages(), Cache: shared, Settings: a.settings(t), Batches: a.Batches, Gate: gate, Demo: c.Specimen, Secure: strings.HasPrefix(base, "https://"), Now: o.Now, Log: o.Log,
			Verdict: func(question string, r *verifier.Report) { memory.Verdict(o.Log, question, r) },
		})
		if err != nil {
			return nil, err
		}
		return &front{tables: t, service: flow, handler: split(programs, people)}, nil
	}
	first, err := build(read)
	if err != nil {
		return nil, err
	}
	a.front.Store(first)
	a.Service, a.Handler = first.service, a.traces.handler(a)
	a.reloads.build, a.reloads.log = build, o.Log
	a.reloads.note = func(ctx context.Context, by, kind string) error {
		return db.Accounts().AddEvent(ctx, account.Event{At: o.Now(), Person: by, Kind: kind, By: by})
	}
	if err := a.runOutbox(ctx, db, gateway, o.Now, o.Log); err != nil {
		return nil, err
	}
	return a, nil
}

// settings are what administrators are shown of the configuration.
func (a *app) settings(t *tables) func() console.Settings {
	return func() console.Settings {
		c := t.config
		s := console.Settings{File: c.file, Anchors: c.Anchors, TSAAnchors: c.TSAAnchors, Authorities: c.Authorities, Calendar: c.Calendar, Rates: c.Rates, Table: t.rates}
		for _, k := range a.Keys.ring.Keys() {
			s.Keys = append(s.Keys, k.Certificate.SHA256Hex())
		}
		return s
	}
}

// problemPages are the kinds of refusals of the API, each with a page for people.
func problemPages() []console.Problem {
	var out []console.Problem
	for _, p := range api.Problems() {
		out = append(out, console.Problem{Code: p.Code, Status: p.Status})
	}
	return out
}

// forPrograms are the addresses of the API and of those who watch over the service; every other one is a page.
var forPrograms = []string{"/v1/", "/cms/", "/xml/", "/wsse/", "/x509/", "/pkcs12/", "/livez", "/readyz", "/metrics"}

// split hands each request to the API or to the console.
func split(programs, people http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, p := range forPrograms {
			if strings.HasPrefix(r.URL.Path, p) {
				programs.ServeHTTP(w, r)
				return
			}
		}
		if strings.HasPrefix(r.URL.Path, "/v/") && api.PrefersJSON(r.Header.Get("Accept")) {
			programs.ServeHTTP(w, r)
			return
		}
		people.ServeHTTP(w, r)
	})
}

// openCache is Redis where an address is given, memory otherwise. An unreachable Redis is no reason not to start.
func (a *app) openCache(c *Config, o appOptions) (cache.Store, error) {
	address := c.redisAddress()
	if address == "" {
		return cache.NewMemory(256 << 20), nil
	}
	r, err := cache.NewRedis(cache.RedisOptions{URL: address, Now: o.Now, Log: o.Log})
	if err != nil {
		return nil, usagef("redis: %v", err)
	}
	a.closers = append(a.closers, r)
	return r, nil
}

// openLists wires the lists and the OCSP answers; Close ends their renewal and hands on what was fetched before Redis is closed.
func (a *app) openLists(ctx context.Context, c *Config, o appOptions, web tracedWeb, shared cache.Store) error {
	lists := crl.SourceOptions{Fetch: web, Cache: shared, Now: o.Now, Log: o.Log, Folder: c.path(c.Lists.Folder), Offline: c.path(c.Lists.Offline),
		Mirrors: c.Lists.Mirrors, Refresh: c.Lists.Refresh, Poll: c.Lists.Poll}
	if c.Lists.KeyFile != "" {
		var err error
		if lists.Key, err = c.readListKey(); err != nil {
			return err
		}
	} else if _, remote := shared.(*cache.Redis); remote {
		o.Log.Warn("lists go through Redis unsealed: whoever writes to it can show a fresh process an older genuine list; set lists.keyFile")
	}
	a.Lists = crl.NewSource(lists)
	answers := ocsp.SourceOptions{Web: web, Now: o.Now, Log: o.Log, Cap: c.Lists.AnswerCap}
	if _, remote := shared.(*cache.Redis); remote {
		answers.Shared, answers.Key = shared, lists.Key
	}
	a.Answers = ocsp.NewSource(answers)
	ctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); a.Lists.Run(ctx) }()
	a.closers = append(a.closers, closer(func() error { stop(); <-done; return a.Lists.Close() }))
	return nil
}

type closer func() error

func (c closer) Close() error { return c() }

// Close releases everything in the reverse order of opening.
func (a *app) Close() error {
	var all []error
	for i := len(a.closers) - 1; i >= 0; i-- {
		all = append(all, a.closers[i].Close())
	}
	a.closers = nil
	return errors.Join(all...)
}

// refuseTestContour keeps anchors whose private keys everybody has out of an installation that did not ask for them.
func refuseTestContour(c *Config, anchors []trust.Anchor) error {
	if c.TestContour {
		return nil
	}
	for _, s := range trust.StateAuthorities() {
		for _, a := range anchors {
			if s.Test && a.Certificate != nil && a.Certificate.SHA256Hex() == s.SHA256 {
				return usagef("anchors: %s is of the public test contour, whose keys are known to everybody; set testContour: true for testing only", s.Subject)
			}
		}
	}
	return nil
}

func readCertificates(paths []string) ([]*pki.Certificate, error) {
	var all []*pki.Certificate
	err := eachFile("certificates", paths, func(name string, data []byte) error {
		certs, err := pki.ReadCertificates(data)
		if err != nil {
			return unreadablef("certificates: %s is no certificate: %v", name, err)
		}
		all = append(all, certs...)
		return nil
	}, nil)
	return all, err
}

func readAuthorities(c *Config) ([]licensing.Authority, error) {
	data, err := readFile(c.path(c.Authorities))
	if err != nil {
		return nil, unreadablef("authorities: %v", err)
	}
	list, err := licensing.LoadAuthorities(data)
	if err != nil {
		return nil, usagef("authorities: %v", err)
	}
	if len(list) == 0 {
		return nil, usagef("authorities: the table is empty, so nobody could decide")
	}
	return list, nil
}

func readRegulations(c *Config) ([]*licensing.Regulation, error) {
	all, err := licensing.Embedded()
	if err != nil {
		return nil, err
	}
	err = eachFile("regulations", c.paths(c.Regulations), func(name string, data []byte) error {
		r, err := licensing.LoadRegulation(name, data)
		if err != nil {
			return usagef("regulations: %v", err)
		}
		all = append(all, r)
		return nil
	}, nil)
	return all, err
}

func readData[T any](key, path string, load func(name string, data []byte) (T, error)) (none T, _ error) {
	data, err := readFile(path)
	if err != nil {
		return none, unreadablef("%s: %v", key, err)
	}
	v, err := load(path, data)
	if err != nil {
		return none, usagef("%s: %v", key, err)
	}
	return v, nil
}

// listenLoopbackOnly says whether an address is this machine only.
func listenLoopbackOnly(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
