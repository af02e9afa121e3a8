// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"rastau/internal/account"
	"rastau/internal/identity"
	"rastau/internal/phrase"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/internal/testpostgres"
	"rastau/licensing"
)

const (
	loadEnv = "RASTAU_LOAD" // applications a second; without it a small load

	loadPeople  = 6
	loadSeconds = 40
	loadSmall   = 4 // applications a second without loadEnv, for loadShort seconds
	loadShort   = 3
	loadPatient = 30 * time.Second // after the last application has begun
	loadBudget  = time.Second
)

// loader is somebody who is logged in.
type loader struct {
	key   *pki.Key
	token string
	draft []byte // the request's body: writing it 100 times a second would take time from the service
}

// load plays applications through the portal, from the draft to the number, at a
// rate that does not wait for answers.
type load struct {
	t       *testing.T
	w       *world
	people  []loader
	servers []*served

	mu       sync.Mutex
	told     []registered
	took     []time.Duration
	steps    map[string][]time.Duration
	failures map[string]int
	repeated atomic.Int64 // steps that were sent again to another process
}

// registered is what the service acknowledged.
type registered struct {
	id, number string
	receipt    []byte
}

// served is one process of the service.
type served struct {
	t    *testing.T
	base string
	args []string
	cmd  *exec.Cmd
	dead atomic.Bool
	said bytes.Buffer
}

// TestLoad: people who are logged in apply, pay, sign and are registered, many
// at a time. Everything that was acknowledged is in the register, whole, also
// where a process is killed in the middle: on PostgreSQL one of two, on SQLite
// the only one, which begins anew. `make load` plays 100
// applications a second; the figures are reported, not asserted, because they
// belong to the machine. What the outside parties cost is not the service's: all keys
// of this world are P-256, and the gateway asks a responder again only when its answer
// has ended. With keys of RSA-2048 each signature takes about a millisecond more, three
// of them in the service: two questions to the gateway and the receipt.
func TestLoad(t *testing.T) {
	for name, database := range map[string]func(*testing.T) (string, int){
		"sqlite":   func(*testing.T) (string, int) { return "rastau.db", 1 },
		"postgres": func(t *testing.T) (string, int) { return testpostgres.Start(t).Database(t), 2 },
	} {
		if os.Getenv(loadEnv) != "" { // the small load would show nothing that the next one does not
			t.Run(name, func(t *testing.T) {
				address, processes := database(t)
				playLoad(t, address, processes, false)
			})
		}
		t.Run("killed-"+name, func(t *testing.T) {
			address, processes := database(t)
			playLoad(t, address, processes, true)
		})
	}
}

func playLoad(t *testing.T, database string, processes int, kill bool) {
	rate, seconds := loadSmall, loadShort
	if given := os.Getenv(loadEnv); given != "" {
		n, err := strconv.Atoi(given)
		if err != nil || n < 1 || n > 1000 {
			t.Fatalf("%s is a number of applications a second", loadEnv)
		}
		rate, seconds = n, loadSeconds
	}
	l := newLoad(t, database, processes)
	before := cpuOf(t, l.servers...)
	mine := cpuOfSelf(t)
	began := time.Now()
	l.play(rate, seconds, kill)
	elapsed := time.Since(began)
	server, own := cpuOf(t, l.servers...)-before, cpuOfSelf(t)-mine
	l.report(rate, elapsed, server, own)
	for _, s := range l.servers {
		l.metrics(s)
		s.stop()
	}
	l.prove(database)
}

// newLoad makes the world around, starts the processes and logs people in.
func newLoad(t *testing.T, database string, processes int) *load {
	t.Helper()
	program := rastau(t)
	dir := t.TempDir()
	addresses := make([]string, processes+1)
	for i := range addresses {
		addresses[i] = freeAddress(t)
	}
	w, err := openWorld(dir, addresses[0], addresses[processes], demoShared{EC: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	l := &load{t: t, w: w, steps: map[string][]time.Duration{}, failures: map[string]int{}}
	for i := range processes {
		c := *w.config
		c.Database, c.Listen, c.PersonalData.KeyFile = database, addresses[i], "data.keys"
		if !strings.HasPrefix(database, "postgres:") {
			c.Database = filepath.Join(dir, database)
		}
		c.DatabasePasswordEnv = ""
		if strings.HasPrefix(database, "postgres:") {
			// The password never stands in a configuration.
			user, rest, _ := strings.Cut(strings.TrimPrefix(database, "postgres://"), ":")
			_, host, _ := strings.Cut(rest, "@")
			c.Database, c.DatabasePasswordEnv = "postgres://"+user+"@"+host, "RASTAU_TEST_PASSWORD"
			c.Blobs.Address = "blobs"
		}
		l.servers = append(l.servers, startServe(t, program, dir, fmt.Sprintf("load%d.yaml", i), &c))
	}
	l.enter()
	return l
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func startServe(t *testing.T, program, dir, name string, c *Config) *served {
	t.Helper()
	data, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return startWith(t, program, dir, name, c.Listen, data)
}

// startWith starts a process with the text of a configuration.
func startWith(t *testing.T, program, dir, name, listen string, data []byte) *served {
	t.Helper()
	keyLine := "load " + "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=" + "\n"
	for file, content := range map[string]string{name: string(data), "data.keys": keyLine} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := &served{t: t, base: "http://" + listen, args: []string{program, "serve", "--config", filepath.Join(dir, name)}}
	t.Cleanup(s.stop)
	if s.start(); s.dead.Load() {
		t.FailNow()
	}
	return s
}

// start returns when the process is ready.
func (s *served) start() {
	t := s.t
	s.cmd = exec.Command(s.args[0], s.args[1:]...)
	s.cmd.Env = append(os.Environ(), "RASTAU_TEST_PASSWORD="+testpostgres.Password, "GOMAXPROCS=2")
	s.cmd.Stderr = &s.said
	if err := s.cmd.Start(); err != nil {
		s.dead.Store(true)
		t.Error(err)
		return
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		res, err := http.Get(s.base + "/readyz")
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				s.dead.Store(false)
				return
			}
		}
		if time.Now().After(end) {
			s.dead.Store(false)
			s.stop()
			t.Errorf("the service does not get ready: %v\n%s", err, s.said.String())
			return
		}
	}
}

func (s *served) stop() {
	if s.dead.Swap(true) {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	_ = s.cmd.Wait()
}

// again kills the process and starts it anew.
func (s *served) again() {
	s.kill()
	s.start()
}

func (s *served) kill() {
	if s.dead.Swap(true) {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// enter registers people with their certificates and logs them in: passwords are meant to be slow, so this is before the load.
func (l *load) enter() {
	t := l.t
	born := time.Date(1990, 5, 4, 0, 0, 0, 0, time.UTC)
	c := newClient(l.servers[0].base, l.w.tokens)
	s := &story{world: l.w, client: c}
	for i := range loadPeople {
		iin := identity.NewIIN(born, i%2 == 0, 6000+i)
		leaf := testpki.Leaf{Surname: "ЖҮКТЕМЕОВ", CommonName: fmt.Sprintf("ЖҮКТЕМЕОВ ҮЛГІ %d", i), IIN: iin, Roles: []pki.OID{roleIndividual}}
		key, err := l.w.ca.Issue(leaf)
		if err != nil {
			t.Fatal(err)
		}
		leaf.Auth = true
		auth, err := l.w.ca.Issue(leaf)
		if err != nil {
			t.Fatal(err)
		}
		l.w.outside.AddPerson(licensing.Person{IIN: iin, Name: leaf.CommonName, Address: "Шымкент қ., 1", Entrepreneur: true})
		signed, err := s.challenge(t.Context(), account.Admin, "register", auth)
		if err != nil {
			t.Fatal(err)
		}
		signed["password"] = demoPassword
		status, err := c.ask(t.Context(), "", "/v1/registrations", signed, nil)
		if err != nil || status != http.StatusCreated {
			t.Fatalf("registering: %d %v", status, err)
		}
		as := account.Role("load" + strconv.Itoa(i))
		if err := s.logIn(t.Context(), as, iin); err != nil {
			t.Fatal(err)
		}
		who := licensing.Applicant{Kind: licensing.SoleEntrepreneur, IIN: iin, Name: leaf.CommonName, Address: "Шымкент қ., 1", Email: "load@example.com"}
		l.people = append(l.people, loader{key: key, token: c.tokens[as], draft: made(json.Marshal(licensing.NewApplication{
			Service: "passenger-transport", Operation: "issue", Channel: licensing.ChannelPortal, Applicant: who,
			Fields: sampleFields(who), Attachments: sampleAttachments(), Lang: phrase.KK}))})
	}
}

// play begins rate applications a second, whether or not the earlier ones are done.
func (l *load) play(rate, seconds int, kill bool) {
	ctx, stop := context.WithTimeout(l.t.Context(), time.Duration(seconds)*time.Second+loadPatient)
	defer stop()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256, MaxConnsPerHost: 256}}
	var wg sync.WaitGroup
	began := time.Now()
	n := rate * seconds
	for i := range n {
		due := began.Add(time.Duration(i) * time.Second / time.Duration(rate))
		time.Sleep(time.Until(due))
		if kill && i == n/2 {
			if len(l.servers) > 1 {
				l.servers[1].kill()
			} else {
				wg.Go(l.servers[0].again)
			}
		}
		wg.Go(func() {
			r, err := l.apply(ctx, client, i)
			l.mu.Lock()
			defer l.mu.Unlock()
			if err != nil {
				l.failures[err.Error()]++
				return
			}
			l.told = append(l.told, r)
			l.took = append(l.took, time.Since(due)) // from when it was due, so that a stall counts for all that it delays
		})
	}
	wg.Wait()
}

// apply is one application of one person, every step of the portal's path.
func (l *load) apply(ctx context.Context, client *http.Client, i int) (r registered, err error) {
	p := &l.people[i%len(l.people)]
	var app struct {
		ID      string
		Package []byte
	}
	if err := l.step(ctx, client, p, i, "draft", "/v1/drafts", p.draft, &app); err != nil {
		return r, err
	}
	of := "/v1/applications/" + app.ID
	var payment struct{ Reference string }
	if err := l.step(ctx, client, p, i, "payment", of+"/payment", struct{}{}, &payment); err != nil {
		return r, err
	}
	if err := l.w.outside.Pay(ctx, payment.Reference); err != nil && len(l.servers) > 1 && l.servers[0].dead.Load() {
		return r, errors.New("the gateway could not tell of the payment")
	}
	if err := l.step(ctx, client, p, i, "seal", of+"/seal", struct{}{}, &app); err != nil {
		return r, err
	}
	if err := l.step(ctx, client, p, i, "certificate", of+"/certificate", map[string][]byte{"certificate": p.key.Certificate.Raw}, nil); err != nil {
		return r, err
	}
	signature, err := signedBy(p.key)(app.Package)
	if err != nil {
		return r, err
	}
	var sub submission
	if err := l.step(ctx, client, p, i, "signature", of+"/signature", map[string][]byte{"signature": signature}, &sub); err != nil {
		return r, err
	}
	if sub.Application.Number == "" {
		return r, fmt.Errorf("not registered: %s", sub.Message.Text.EN)
	}
	return registered{app.ID, sub.Application.Number, sub.Receipt}, nil
}

// again notes why a step is sent once more.
func (l *load) again(name string, err error) {
	if l.repeated.Add(1) <= 5 {
		l.t.Logf("%s is sent again: %v", name, err)
	}
}

// step sends one request to one of the processes; where that one dies, the same request goes to another.
func (l *load) step(ctx context.Context, client *http.Client, p *loader, i int, name, path string, body, answer any) error {
	encoded, written := body.([]byte)
	if !written {
		var err error
		if encoded, err = json.Marshal(body); err != nil {
			return err
		}
	}
	began := time.Now()
	for try := range 20 {
		s := l.servers[(i+try)%len(l.servers)]
		if s.dead.Load() && len(l.servers) > 1 {
			continue
		}
		for s.dead.Load() && ctx.Err() == nil { // the only one begins anew
			time.Sleep(20 * time.Millisecond)
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+path, bytes.NewReader(encoded))
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+p.token)
		req.Header.Set("Content-Type", "application/json")
		res, err := client.Do(req)
		if err != nil && ctx.Err() == nil {
			l.again(name, err)
			time.Sleep(20 * time.Millisecond)
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: no answer in time", name)
		}
		data, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			l.again(name, err)
			continue
		}
		if res.StatusCode/100 != 2 {
			return fmt.Errorf("%s: %s %.120s", name, res.Status, data)
		}
		l.mu.Lock()
		l.steps[name] = append(l.steps[name], time.Since(began))
		l.mu.Unlock()
		if answer == nil {
			return nil
		}
		return json.Unmarshal(data, answer)
	}
	return fmt.Errorf("%s: nobody answers", name)
}

func quantile(all []time.Duration, q float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[int(q*float64(len(sorted)-1))].Round(time.Millisecond)
}

// report prints the figures.
func (l *load) report(rate int, elapsed, server, own time.Duration) {
	t := l.t
	t.Logf("%d applications a second asked for, %d registered in %s (%.1f a second); from due to registered: median %s, p99 %s, longest %s; budget %s",
		rate, len(l.told), elapsed.Round(time.Millisecond), float64(len(l.told))/elapsed.Seconds(), quantile(l.took, 0.5), quantile(l.took, 0.99), quantile(l.took, 1), loadBudget)
	for _, name := range []string{"draft", "payment", "seal", "certificate", "signature"} {
		t.Logf("step %-11s median %8s p99 %8s", name, quantile(l.steps[name], 0.5), quantile(l.steps[name], 0.99))
	}
	t.Logf("processor time: service %.1f s, everybody else in this test (load, applicants' signatures, gateway, time stamps, OCSP) %.1f s, of %.1f s on two cores; %d requests sent again",
		server.Seconds(), own.Seconds(), 2*elapsed.Seconds(), l.repeated.Load())
	for what, n := range l.failures {
		t.Logf("%d not registered: %s", n, what)
	}
	if len(l.told) == 0 {
		t.Fatal("nothing was registered")
	}
	if os.Getenv(loadEnv) == "" && len(l.failures) > 0 {
		t.Error("even a small load is not registered whole")
	}
}

// metrics prints what the service itself measured of its steps.
func (l *load) metrics(s *served) {
	if s.dead.Load() {
		return
	}
	res, err := http.Get(s.base + "/metrics")
	if err != nil {
		l.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		l.t.Fatal(err)
	}
	seen := 0
	for _, route := range []string{"/v1/drafts", "/v1/applications/:id/payment", "/v1/payments/told", "/v1/applications/:id/seal", "/v1/applications/:id/certificate", "/v1/applications/:id/signature"} {
		within, all := uint64(0), uint64(0)
		for line := range strings.SplitSeq(string(data), "\n") {
			name, value, _ := strings.Cut(line, "} ")
			n, _ := strconv.ParseUint(value, 10, 64)
			switch name {
			case `rastau_http_request_duration_seconds_bucket{route="` + route + `",le="1"`:
				within = n
			case `rastau_http_request_duration_seconds_count{route="` + route + `"`:
				all = n
			}
		}
		if all > 0 {
			seen++
			l.t.Logf("%s %-34s %d of %d answered within a second, time stamps and the gateway included", s.base, route, within, all)
		}
	}
	if seen == 0 {
		l.t.Error("the service measured none of its steps")
	}
}

func cpuOfSelf(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// cpuOf adds up what processes have used, from /proc; one that is dead counts nothing.
func cpuOf(t *testing.T, all ...*served) (sum time.Duration) {
	t.Helper()
	for _, s := range all {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
		if err != nil || s.dead.Load() {
			continue
		}
		// The fields after the name in brackets; 14 and 15 are ticks of 10 ms.
		fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
		for _, i := range []int{11, 12} {
			n, _ := strconv.ParseInt(fields[i], 10, 64)
			sum += time.Duration(n) * 10 * time.Millisecond
		}
	}
	return sum
}
