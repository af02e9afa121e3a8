// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"strings"
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
	"rastau/internal/timestamp"
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
}

// appOptions are what the configuration file does not say.
type appOptions struct {
	Log *slog.Logger     // Required.
	Now func() time.Time // Optional. If nil, time.Now.
	// Dry opens everything but the database and Redis, for `config check`.
	Dry bool
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

	anchors, err := readAnchors("anchors", c.paths(c.Anchors))
	if err != nil {
		return nil, err
	}
	tsaAnchors, err := readAnchors("tsaAnchors", c.paths(c.TSAAnchors))
	if err != nil {
		return nil, err
	}
	if err := refuseTestContour(c, append(anchors[:len(anchors):len(anchors)], tsaAnchors...)); err != nil {
		return nil, err
	}
	extra, err := readCertificates(c.paths(c.Certificates))
	if err != nil {
		return nil, err
	}
	allow, err := parsePrefixes(c.Allow)
	if err != nil {
		return nil, usagef("allow: %v", err)
	}
	web, err := fetch.New(fetch.Options{Allow: allow, Proxy: c.Proxy})
	if err != nil {
		return nil, usagef("proxy: %v", err)
	}
	shared, err := a.openCache(c, o)
	if err != nil {
		return nil, err
	}
	if err := a.openLists(ctx, c, o, web, shared); err != nil {
		return nil, err
	}
	engine := verifier.Options{Now: o.Now, Lists: a.Lists, Log: o.Log}
	if c.Lists.Offline == "" { // otherwise the folder of lists is the only source, and no address in a certificate is asked
		engine.Web, engine.OCSP, engine.FetchIssuers = web, a.Answers, c.FetchIssuers
	}
	a.Verifier = verifier.New(engine)
	question := func() verifier.Question {
		return verifier.Question{Anchors: anchors, TSAAnchors: tsaAnchors, Certs: extra, MaxAge: c.MaxAge,
			Purpose: verifier.PurposeSign, Algorithms: pki.DefaultAlgorithms}
	}
	if a.Keys, err = openKeyring(c, o.Log); err != nil {
		return nil, err
	}
	a.closers = append(a.closers, a.Keys)
	a.Keys.warn(ctx, a.Verifier, question())
	var stamper signer.Stamper
	if c.TSA != "" {
		stamper = &timestamp.Client{URL: c.TSA, HTTP: web, Hash: signer.StampHash(pki.DefaultAlgorithms, o.Now())}
	}
	asked := examiner{a.Verifier, question}
	signs := signer.Options{Keys: a.Keys.ring, Judge: asked, Checker: a.Verifier, Stamper: stamper, Examiner: asked, Hash: signer.StampHash(pki.DefaultAlgorithms, o.Now()), Now: o.Now}
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
	book, err := account.NewBook(c.Accounts)
	if err != nil {
		return nil, usagef("accounts: %v", err)
	}
	authorities, err := readAuthorities(c)
	if err != nil {
		return nil, err
	}
	regulations, err := readRegulations(c)
	if err != nil {
		return nil, err
	}
	calendar, rates, err := readDates(c)
	if err != nil {
		return nil, err
	}
	if c.Gateway.URL != "" && o.Dry {
		if _, err := c.gatewayKey(a.Verifier, question, o.Now); err != nil {
			return nil, err
		}
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
	if o.Dry {
		return a, nil
	}

	db, err := c.openStore(ctx)
	if err != nil {
		return nil, err
	}
	a.closers = append(a.closers, db)
	base := strings.TrimSuffix(c.PublicURL, "/")
	gateway, err := c.openGateway(db, a.Verifier, question, o.Now, o.Log)
	if err != nil {
		return nil, err
	}
	workflow := licensing.Options{
		Regulations: regulations, Store: db, Judge: a.Verifier, Question: question, Signer: licensor, Levels: levels, Extender: extender, Stamper: stamper,
		Seal: seal, LogKey: logKey, Authorities: authorities, Calendar: calendar, Rates: rates, AcceptRepealed: c.AcceptRepealed, Demo: c.Specimen, LicenceCode: c.LicenceCode,
		VerifyURL: func(number string) string { return base + "/v/" + number }, Now: o.Now, Rand: rand.Reader, Log: o.Log, Notices: c.Gateway.has("notices"),
	}
	// An interface that holds a nil pointer would not be nil.
	if c.Gateway.has("registers") {
		workflow.Registers = gateway
	}
	if c.Gateway.has("payments") {
		workflow.Payments = gateway
	}
	a.Service, err = licensing.New(workflow)
	if err != nil {
		return nil, fmt.Errorf("the workflow: %w", err)
	}
	a.sweepBlobs(ctx, db, o.Now, o.Log)
	gate := new(batch.Gate)
	if a.Batches, err = batch.New(batch.Options{Store: db.Batches(), Verifier: a.Verifier, Question: question, Now: o.Now, Gate: gate, Log: o.Log}); err != nil {
		return nil, err
	}
	a.sweepBatches(ctx, o.Log)
	if err := a.runOutbox(ctx, db, gateway, o.Now, o.Log); err != nil {
		return nil, err
	}
	desk, err := account.NewDesk(account.Options{Store: db.Accounts(), Judge: a.Verifier, Question: question, Site: base, Now: o.Now, Log: o.Log})
	if err != nil {
		return nil, err
	}
	a.Desk = desk
	service := api.Options{
		Desk:     desk,
		Verifier: a.Verifier, Question: question, Service: a.Service, Accounts: book, Lists: a.Lists, Answers: a.Answers, Ready: a.ready(anchors, o.Now),
		Batches: a.Batches, Gate: gate, NCANode: ncanode, BodyLimit: c.BodyLimit, RatePerMinute: c.RatePerMinute, TrustProxy: c.TrustProxy, Now: o.Now, Log: o.Log, Version: version(),
	}
	if c.Gateway.has("payments") {
		service.Payments = gateway
	}
	if r, remote := shared.(*cache.Redis); remote {
		service.Shared = r
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
		Service: a.Service, Desk: desk, Verifier: a.Verifier, Question: question, Lists: a.Lists, Calendar: calendar, NCALayer: c.NCALayer,
		Description: api.Description(), Problems: problemPages(), Cache: shared, Settings: a.settings(rates), Batches: a.Batches, Gate: gate, Demo: c.Specimen, Secure: strings.HasPrefix(base, "https://"), Now: o.Now, Log: o.Log,
	})
	if err != nil {
		return nil, err
	}
	a.Handler = split(programs, people)
	return a, nil
}

// settings are what administrators are shown of the configuration.
func (a *app) settings(rates *licensing.Rates) func() console.Settings {
	return func() console.Settings {
		c := a.Config
		s := console.Settings{File: c.file, Anchors: c.Anchors, TSAAnchors: c.TSAAnchors, Authorities: c.Authorities, Calendar: c.Calendar, Rates: c.Rates, Table: rates}
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
	address := c.Redis
	if address == "" {
		address = os.Getenv("REDIS_URL")
	}
	if address == "" || o.Dry {
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
func (a *app) openLists(ctx context.Context, c *Config, o appOptions, web *fetch.Client, shared cache.Store) error {
	lists := crl.SourceOptions{Fetch: web, Cache: shared, Now: o.Now, Log: o.Log, Folder: c.path(c.Lists.Folder), Offline: c.path(c.Lists.Offline),
		Mirrors: c.Lists.Mirrors, Refresh: c.Lists.Refresh, Poll: c.Lists.Poll}
	if c.Lists.KeyFile != "" {
		key, err := readFile(c.path(c.Lists.KeyFile))
		if err != nil {
			return unreadablef("lists.keyFile: %v", err)
		}
		if lists.Key = bytes.TrimSpace(key); len(lists.Key) < 16 {
			return usagef("lists.keyFile: a key has 16 octets or more; make one with: head -c 32 /dev/urandom | base64")
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
	if o.Dry {
		return nil
	}
	ctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); a.Lists.Run(ctx) }()
	a.closers = append(a.closers, closer(func() error { stop(); <-done; return a.Lists.Close() }))
	return nil
}

type closer func() error

func (c closer) Close() error { return c() }

// ready says why this installation cannot do its whole work now; empty means ready.
func (a *app) ready(anchors []trust.Anchor, now func() time.Time) func() []string {
	return func() []string {
		var why []string
		if len(anchors) == 0 {
			why = append(why, "no anchor is configured: no certificate can be valid")
		}
		for _, s := range a.Lists.States() {
			if !s.NextUpdate.IsZero() && now().After(s.NextUpdate) {
				why = append(why, fmt.Sprintf("the list %s ended %s and could not be fetched again: %s", s.URL, s.NextUpdate.UTC().Format(time.RFC3339), s.LastError))
			}
		}
		return why
	}
}

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

// readDates reads the operator's calendar and rates, or the embedded ones.
func readDates(c *Config) (*licensing.Calendar, *licensing.Rates, error) {
	calendar, err := licensing.EmbeddedCalendar()
	if err == nil && c.Calendar != "" {
		calendar, err = readData("calendar", c.path(c.Calendar), licensing.LoadCalendar)
	}
	if err != nil {
		return nil, nil, err
	}
	rates, err := licensing.EmbeddedRates()
	if err == nil && c.Rates != "" {
		rates, err = readData("rates", c.path(c.Rates), licensing.LoadRates)
	}
	return calendar, rates, err
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
