// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"

	"rastau/internal/account"
	"rastau/internal/egov"
	"rastau/internal/testpostgres"
	"rastau/internal/testredis"
	"rastau/licensing"
)

const (
	faultRunEnv  = "RASTAU_FAULTRUN" // how long, for example 30m; without it the short form
	faultSeedEnv = "RASTAU_SEED"
	clockEnv     = "RASTAU_TEST_CLOCK" // a file with the seconds by which the process's clock is off; the test binary then is the service

	faultShort  = 25 * time.Second
	faultEvery  = 300 * time.Millisecond // between two applications
	faultBudget = 3 * time.Minute        // in which a person gets through, whatever happens meanwhile
	healBudget  = 90 * time.Second       // in which everything is ready again when a fault has ended
)

// TestFaultRun: three processes on PostgreSQL and Redis issue licences while each part of the installation fails in turn: killed,
// hung, cut off, slow, its disk full, its clock wrong. Nothing that was acknowledged is lost or doubled, no verdict is wrong, and
// everything works again without a hand. `make faultrun` plays it for half an hour; the same seed makes the same faults in
// the same order.
func TestFaultRun(t *testing.T) {
	length, seed := faultShort, uint64(1)
	if given := os.Getenv(faultRunEnv); given != "" {
		length = made(time.ParseDuration(given))
	}
	if given := os.Getenv(faultSeedEnv); given != "" {
		seed = made(strconv.ParseUint(given, 10, 64))
	}
	r := newFaultRun(t, rand.New(rand.NewPCG(seed, 0)))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	end := time.Now().Add(length)
	r.busy, r.began = processorsWanted(), time.Now()
	var load sync.WaitGroup
	work := func(every time.Duration, one func(context.Context, int)) {
		load.Go(func() {
			var all sync.WaitGroup
			for i := 0; time.Now().Before(end) && ctx.Err() == nil; i++ {
				all.Go(func() { one(ctx, i) })
				time.Sleep(every)
			}
			all.Wait()
		})
	}
	work(faultEvery, r.applicant)
	work(500*time.Millisecond, r.portal)
	faults := r.faults()
	for n := 0; time.Now().Before(end); n++ {
		if n%len(faults) == 0 {
			r.rng.Shuffle(len(faults), func(i, j int) { faults[i], faults[j] = faults[j], faults[i] })
		}
		f := faults[n%len(faults)]
		began := time.Now()
		heal := f.inject()
		time.Sleep(min(f.lasts, time.Until(end)))
		lasted := time.Since(began)
		heal()
		r.awaitHealth(f.name)
		r.logf("%s for %s, ready again after %s", f.name, lasted.Round(100*time.Millisecond), (time.Since(began) - lasted).Round(100*time.Millisecond))
		r.played[f.name]++
		time.Sleep(min(time.Second, length/20))
	}
	load.Wait()
	r.report(seed, length)
	r.drain()
	for _, s := range r.servers {
		s.stop()
	}
	r.prove("")
	r.proveDecisions()
}

// faultRun is a load whose world can be broken.
type faultRun struct {
	*load
	rng      *rand.Rand
	program  string
	configs  []*Config
	postgres *testpostgres.Server
	database *toxiproxy.Proxy
	redis    *testredis.Server
	cache    *toxiproxy.Proxy
	client   *http.Client
	good     []byte // a signature that is good, one whose certificate is revoked, one over something else
	revoked  []byte
	changed  []byte
	content  []byte

	played   map[string]int
	lock     sync.Mutex
	licences map[string]string // application → licence that an officer was told of
	refused  map[string]bool
	verdicts map[string]int
	slowest  time.Duration
	busy     time.Duration // processorsWanted when the run began
	began    time.Time
}

func newFaultRun(t *testing.T, rng *rand.Rand) *faultRun {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	addresses := []string{freeAddress(t), freeAddress(t), freeAddress(t), freeAddress(t)}
	w, err := openWorld(dir, addresses[0], addresses[3], demoShared{EC: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	r := &faultRun{
		load: &load{t: t, w: w, steps: map[string][]time.Duration{}, failures: map[string]int{}},
		rng:  rng, program: program, postgres: testpostgres.Start(t), redis: testredis.Start(t),
		// A process that hangs holds its connections: an answer that does not come is asked for elsewhere.
		client: &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
		played: map[string]int{}, licences: map[string]string{}, refused: map[string]bool{}, verdicts: map[string]int{},
	}
	address, err := url.Parse(r.postgres.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	r.database, r.cache = proxied(t, address.Host), proxied(t, r.redis.Addr)
	address.Host, address.User = r.database.Listen, url.User(address.User.Username())
	if err := os.MkdirAll(filepath.Join(dir, "disk"), 0o700); err != nil {
		t.Fatal(err)
	}
	r.mountDisk(filepath.Join(dir, "disk"))
	for i := range 3 {
		c := *w.config
		c.Database, c.DatabasePasswordEnv, c.PersonalData.KeyFile = address.String(), "RASTAU_TEST_PASSWORD", "data.keys"
		c.Listen, c.Redis, c.Blobs.Address = addresses[i], "redis://"+r.cache.Listen+"/0", "disk/blobs"
		r.configs = append(r.configs, &c)
		r.setClock(i, 0)
		r.servers = append(r.servers, r.startOne(i))
	}
	w.outside.SetCallback(r.servers[0].base + "/v1/payments/told")
	r.enter()
	r.content = []byte("келісім")
	r.good, r.revoked = made(signedBy(w.people.head)(r.content)), made(signedBy(w.people.listed)(r.content))
	r.changed = made(signedBy(w.people.head)([]byte("басқа")))
	return r
}

// serveWithClock is the service with a clock that is off by what stands in a file: the tests' own binary runs it, so that no
// released program has such a switch.
func serveWithClock(file, config string) int {
	now := func() time.Time {
		text, err := os.ReadFile(file)
		if err != nil {
			return time.Now()
		}
		off, _ := strconv.Atoi(strings.TrimSpace(string(text)))
		return time.Now().Add(time.Duration(off) * time.Second)
	}
	err := func() error {
		c, err := loadConfig(config)
		if err != nil {
			return err
		}
		log := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
		ctx, stop := untilStopped(context.Background())
		defer stop()
		a, err := newApp(ctx, c, appOptions{Log: log, Now: now})
		if err != nil {
			return err
		}
		listener, err := net.Listen("tcp", c.Listen)
		if err != nil {
			return errors.Join(err, a.Close())
		}
		return errors.Join(serve(ctx, listener, a.Handler, log, 0), a.Close())
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (r *faultRun) clockFile(i int) string {
	return filepath.Join(r.w.dir, fmt.Sprintf("clock%d", i))
}

func (r *faultRun) setClock(i int, off time.Duration) {
	name := r.clockFile(i)
	if err := errors.Join(os.WriteFile(name+".new", []byte(strconv.Itoa(int(off.Seconds()))), 0o600), os.Rename(name+".new", name)); err != nil {
		r.t.Error(err)
	}
}

func (r *faultRun) startOne(i int) *served {
	r.t.Setenv(clockEnv, r.clockFile(i))
	s := startServe(r.t, r.program, r.w.dir, fmt.Sprintf("load%d.yaml", i), r.configs[i])
	r.t.Setenv(clockEnv, "")
	return s
}

func (r *faultRun) logf(format string, args ...any) {
	r.t.Logf("%s "+format, append([]any{time.Now().Format("15:04:05")}, args...)...)
}

// applicant gets a licence, or a refusal, whatever happens on the way: what fails is tried again, as a portal does it.
func (r *faultRun) applicant(ctx context.Context, i int) {
	ctx, stop := context.WithTimeout(ctx, faultBudget)
	defer stop()
	began := time.Now()
	fail := func(err error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.failures[err.Error()]++
	}
	reg, err := r.register(ctx, i)
	if err != nil {
		fail(err)
		return
	}
	r.mu.Lock()
	r.told = append(r.told, reg)
	r.took = append(r.took, time.Since(began))
	r.mu.Unlock()
	approve := i%4 != 3
	var decided licensing.Application
	decision := licensing.Decision{Approve: approve, Checklist: sampleChecklist()}
	if !approve {
		decision = licensing.Decision{Grounds: "Құжаттар талаптарға сай емес.", Checklist: map[string]bool{"documents-match": false, "grounds": true}}
	}
	err = r.patiently(ctx, i, r.w.tokens[account.Officer], "/v1/applications/"+reg.id+"/decision", decision, &decided)
	var problem *httpProblem
	if errors.As(err, &problem) && problem.status == http.StatusConflict {
		// The answer to an earlier try was lost; what stands there now is what was decided.
		err = r.patiently(ctx, i, r.w.tokens[account.Officer], "/v1/applications/"+reg.id, nil, &decided)
	}
	if err != nil {
		fail(fmt.Errorf("decision: %w", err))
		return
	}
	r.lock.Lock()
	defer r.lock.Unlock()
	if approve {
		r.licences[reg.id] = decided.Licence
	} else {
		r.refused[reg.id] = true
	}
	r.slowest = max(r.slowest, time.Since(began))
}

func (r *faultRun) register(ctx context.Context, i int) (reg registered, err error) {
	p := &r.people[i%len(r.people)]
	var app licensing.Application
	step := func(path string, body, answer any) {
		if err == nil {
			err = r.patiently(ctx, i, p.token, path, body, answer)
		}
	}
	step("/v1/drafts", json.RawMessage(p.draft), &app)
	of := "/v1/applications/" + app.ID
	var payment struct{ Reference string }
	step(of+"/payment", struct{}{}, &payment)
	if err == nil {
		// Where the gateway cannot tell of the payment it keeps it all the same: sealing asks the gateway itself.
		_ = r.w.outside.Pay(ctx, payment.Reference)
	}
	step(of+"/seal", struct{}{}, &app)
	step(of+"/certificate", map[string][]byte{"certificate": p.key.Certificate.Raw}, nil)
	if err != nil {
		return reg, err
	}
	signature, err := signedBy(p.key)(app.Package)
	for err == nil {
		var sub submission
		if err = r.patiently(ctx, i, p.token, of+"/signature", map[string][]byte{"signature": signature}, &sub); err != nil {
			break
		}
		if sub.Application.Number != "" {
			return registered{app.ID, sub.Application.Number, sub.Receipt}, nil
		}
		// The signature may be good and the time stamp or the receipt still be missing: then the answer says that it is to be sent again.
		if v := sub.Verdict.String(); sub.Message.Code != licensing.CodeLater && !strings.HasPrefix(v, "INDETERMINATE/") {
			return reg, fmt.Errorf("a good signature was judged %s, and the answer was %s: %s", v, sub.Message.Code, sub.Message.Reason)
		}
		select {
		case <-ctx.Done():
			err = fmt.Errorf("never registered: %s", sub.Verdict.String())
		case <-time.After(time.Second):
		}
	}
	return reg, err
}

// httpProblem is an answer that says no.
type httpProblem struct {
	status int
	text   string
}

func (p *httpProblem) Error() string { return fmt.Sprintf("%d %.200s", p.status, p.text) }

// patiently asks until somebody answers: silence, 5xx and 429 are tried again at another process.
func (r *faultRun) patiently(ctx context.Context, i int, token, path string, body, answer any) error {
	method, encoded := http.MethodGet, []byte(nil)
	if body != nil {
		var err error
		method = http.MethodPost
		if encoded, err = json.Marshal(body); err != nil {
			return err
		}
	}
	var last error
	for try := 0; ; try++ {
		req, err := http.NewRequestWithContext(ctx, method, r.base((i+try)%3)+path, bytes.NewReader(encoded))
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json")
		res, err := r.client.Do(req)
		if err == nil {
			var data []byte
			data, err = io.ReadAll(res.Body)
			res.Body.Close()
			switch {
			case err != nil:
			case res.StatusCode/100 == 2:
				if answer == nil {
					return nil
				}
				return json.Unmarshal(data, answer)
			case res.StatusCode/100 == 5 || res.StatusCode == http.StatusTooManyRequests:
				err = &httpProblem{res.StatusCode, string(data)}
			default:
				return &httpProblem{res.StatusCode, string(data)}
			}
		}
		last = err
		r.repeated.Add(1)
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: nobody answers, last: %w", path[:min(len(path), 20)], last)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (r *faultRun) base(i int) string { return "http://" + r.configs[i].Listen }

// portal asks for verdicts that it knows: what is not known may be undecided, never wrong.
func (r *faultRun) portal(ctx context.Context, i int) {
	kind := []string{"good", "revoked", "changed"}[i%3]
	document := map[string][]byte{"good": r.good, "revoked": r.revoked, "changed": r.changed}[kind]
	var v verdict
	err := r.patiently(ctx, i, r.w.tokens[account.Auditor], "/v1/signatures/verify", map[string][]byte{"document": document, "content": r.content}, &v)
	r.lock.Lock()
	defer r.lock.Unlock()
	if err != nil {
		r.verdicts[kind+": no answer"]++
		return
	}
	got := v.String()
	r.verdicts[kind+": "+got]++
	wrong := kind == "good" && strings.HasPrefix(got, "TOTAL-FAILED") || kind != "good" && got == "TOTAL-PASSED" || kind == "changed" && !strings.HasPrefix(got, "TOTAL-FAILED")
	if wrong {
		r.t.Errorf("a WRONG verdict: %s was judged %s", kind, got)
	}
}

// fault is one thing that breaks; inject gives what ends it.
type fault struct {
	name   string
	lasts  time.Duration
	inject func() (heal func())
}

func (r *faultRun) faults() []fault {
	toxic := func(p *toxiproxy.Proxy, kind, attributes string) func() func() {
		return func() func() { return toxic(r.t, p, kind, attributes) }
	}
	process := func(name string, lasts time.Duration, f func(i int, s *served) func()) fault {
		return fault{name, lasts, func() func() {
			i := r.rng.IntN(3)
			return f(i, r.servers[i])
		}}
	}
	again := func(i int) func() { return func() { r.servers[i] = r.startOne(i) } }
	down := func(crl, ocsp, tsa bool) func() func() {
		return func() func() {
			r.w.pki.SetDown(crl, ocsp, tsa)
			return func() { r.w.pki.SetDown(false, false, false) }
		}
	}
	outside := func(system egov.System, f egov.Fault) func() func() {
		return func() func() {
			r.w.outside.Break(system, f)
			return func() { r.w.outside.Break(system, egov.Fault{}) }
		}
	}
	clock := func(off time.Duration) func(int, *served) func() {
		return func(i int, _ *served) func() {
			r.setClock(i, off)
			return func() { r.setClock(i, 0) }
		}
	}
	const s = time.Second
	list := []fault{
		process("a process killed", 2*s, func(i int, s *served) func() { s.kill(); return again(i) }),
		process("a process stopped and started", s, func(i int, s *served) func() { s.stop(); return again(i) }),
		process("a process hung", 8*s, func(_ int, s *served) func() {
			_ = s.cmd.Process.Signal(syscall.SIGSTOP)
			return func() { _ = s.cmd.Process.Signal(syscall.SIGCONT) }
		}),
		process("a process hung longer than its leases", 65*s, func(_ int, s *served) func() {
			_ = s.cmd.Process.Signal(syscall.SIGSTOP)
			return func() { _ = s.cmd.Process.Signal(syscall.SIGCONT) }
		}),
		process("a clock ten minutes ahead", 8*s, clock(10*time.Minute)),
		process("a clock ten minutes behind", 8*s, clock(-10*time.Minute)),
		{"PostgreSQL killed", 2 * s, func() func() { r.postgres.Kill(); return r.postgres.Restart }},
		{"PostgreSQL cut off", 5 * s, func() func() { r.database.Stop(); return func() { start(r.t, r.database) } }},
		{"PostgreSQL hung", 8 * s, toxic(r.database, "timeout", `"timeout":0`)},
		{"PostgreSQL slow", 8 * s, toxic(r.database, "latency", `"latency":100`)},
		{"Redis cut off", 5 * s, func() func() { r.cache.Stop(); return func() { start(r.t, r.cache) } }},
		{"Redis hung", 5 * s, func() func() { r.redis.Pause(); return r.redis.Resume }},
		{"Redis slow", 5 * s, toxic(r.cache, "latency", `"latency":200`)},
		{"Redis emptied", s, func() func() { r.redis.Flush(); return func() {} }},
		{"the lists down", 8 * s, down(true, false, false)},
		{"OCSP down", 8 * s, down(false, true, false)},
		{"lists and OCSP down", 8 * s, down(true, true, false)},
		{"time stamps down", 8 * s, down(false, false, true)},
		{"registers down", 5 * s, outside(egov.Persons, egov.Fault{Mode: egov.FaultDown})},
		{"registers forged", 5 * s, outside(egov.Persons, egov.Fault{Mode: egov.FaultForged})},
		{"payments dropped after the question was done", 5 * s, outside(egov.Payments, egov.Fault{Mode: egov.FaultDrop})},
		{"payments slow", 5 * s, outside(egov.Payments, egov.Fault{Mode: egov.FaultSlow, Delay: 2 * s})},
		{"notices down", 5 * s, outside(egov.Notices, egov.Fault{Mode: egov.FaultDown})},
		{"the disk full", 5 * s, r.fillDisk},
	}
	if os.Getenv(faultRunEnv) == "" {
		// The short form: one of each kind, quickly.
		var short []fault
		for _, f := range list {
			switch f.name {
			case "a process killed", "PostgreSQL killed", "Redis emptied", "the disk full", "a clock ten minutes ahead", "lists and OCSP down":
				f.lasts = min(f.lasts, 2*s)
				short = append(short, f)
			}
		}
		return short
	}
	return list
}

// awaitHealth: without a hand everything is ready again, at every process.
func (r *faultRun) awaitHealth(after string) {
	deadline := time.Now().Add(healBudget)
	client := &http.Client{Timeout: 5 * time.Second}
	for i := range 3 {
		for {
			res, err := client.Get(r.base(i) + "/readyz")
			said := ""
			if err == nil {
				data, _ := io.ReadAll(res.Body)
				res.Body.Close()
				if res.StatusCode == http.StatusOK {
					break
				}
				said = string(data)
			}
			if time.Now().After(deadline) {
				r.t.Fatalf("after %q process %d is not ready again within %s: %v %.500s\n%s", after, i, healBudget, err, said, lastLines(r.servers[i].said.String(), 10))
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// diskSize holds the licences of the longest run (130 KB each) and is filled within a second.
const diskSize = "1g"

// mountDisk gives the blobs a small disk of their own, where this user may mount one.
func (r *faultRun) mountDisk(path string) {
	if err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+diskSize+",mode=700", "rastau-faultrun", path).Run(); err != nil {
		r.logf("no disk of its own can be mounted (%v): a full disk is played by a folder that cannot be written", err)
		return
	}
	r.t.Cleanup(func() { _ = exec.Command("umount", "-l", path).Run() })
}

// fillDisk leaves no room for another attachment.
func (r *faultRun) fillDisk() (heal func()) {
	name := filepath.Join(r.w.dir, "disk", "filler")
	f, err := os.Create(name)
	if err != nil {
		r.t.Error(err)
		return func() {}
	}
	block := make([]byte, 1<<20)
	for n := 0; n < 1100; n++ { // stops at the end of the disk; never fills one that is not its own
		if _, err = f.Write(block); err != nil {
			break
		}
	}
	_ = f.Close()
	return func() { _ = os.Remove(name) }
}
