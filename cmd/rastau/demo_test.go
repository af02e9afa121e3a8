// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"rastau/internal/account"
	"rastau/licensing"
	"rastau/signer"
)

var program struct {
	sync.Once
	path string
	err  error
}

// rastau is the program, built once for all tests that start it as a process.
func rastau(t *testing.T) string {
	t.Helper()
	program.Do(func() {
		dir, err := os.MkdirTemp("", "rastau-test-")
		if err != nil {
			program.err = err
			return
		}
		program.path = filepath.Join(dir, "rastau")
		out, err := exec.Command("go", "build", "-o", program.path, ".").CombinedOutput()
		if err != nil {
			program.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if program.err != nil {
		t.Fatal(program.err)
	}
	return program.path
}

func TestMain(m *testing.M) {
	if file := os.Getenv(clockEnv); file != "" {
		os.Exit(serveWithClock(file, os.Args[len(os.Args)-1]))
	}
	code := m.Run()
	if program.path != "" {
		_ = os.RemoveAll(filepath.Dir(program.path)) // a temporary folder; nothing depends on it any more
	}
	os.Exit(code)
}

// tool finds a program of another house that the tests ask for a second opinion.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("RASTAU_REQUIRE_TOOLS") != "" {
			t.Fatalf("%s is required here: %v", name, err)
		}
		t.Skipf("%s is not installed; `make tools` installs it", name)
	}
	return path
}

// The story goes as it must, and Poppler, qpdf and OpenSSL agree with it.
func TestDemoStory(t *testing.T) {
	dir := t.TempDir()
	var out bytes.Buffer
	collector := newCollector(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	t.Setenv("OTEL_TRACES_SAMPLER", "always_on")
	if err := runDemo(t.Context(), &out, demoOptions{Dir: dir, Listen: "127.0.0.1:0", Check: true, Quiet: true}); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	collector.judge(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
	compareTranscript(t, out.String())
	backupAndRestore(t, dir)
	licences, err := filepath.Glob(filepath.Join(dir, "licences", "*.pdf"))
	if err != nil || len(licences) != 1 {
		t.Fatalf("licences left behind: %v, %v", licences, err)
	}
	if got := pdfsig(t, dir, licences[0]); !strings.Contains(got, "Signature is Valid.") || !strings.Contains(got, "Total document signed") || !strings.Contains(got, "Certificate is Trusted.") {
		t.Errorf("pdfsig on the licence:\n%s", got)
	}
	if out, err := exec.Command(tool(t, "qpdf"), "--check", licences[0]).CombinedOutput(); err != nil {
		t.Errorf("qpdf --check: %v\n%s", err, out)
	}
	if got := pdfsig(t, dir, filepath.Join(dir, "tampered", "one-byte.pdf")); strings.Contains(got, "Signature is Valid.") {
		t.Errorf("pdfsig accepts the changed licence:\n%s", got)
	}
	if got := pdfsig(t, dir, filepath.Join(dir, "tampered", "page-appended.pdf")); strings.Contains(got, "Total document signed") {
		t.Errorf("pdfsig says that the appended page is signed:\n%s", got)
	}
	// What the demo leaves can be checked when its authority is gone.
	for _, file := range licences {
		trust := []string{"--offline", "--anchors", filepath.Join(dir, "anchors"), "--crl", filepath.Join(dir, "lists"), file}
		if code, out, problems := call(t, append([]string{"verify"}, trust...)...); code != 0 {
			t.Errorf("%s offline: exit %d\n%s%s", file, code, out, problems)
		}
		if code, out, _ := call(t, append([]string{"licence", "verify"}, trust...)...); code != 3 {
			t.Errorf("a licence without register or --bin must stay undecided: exit %d\n%s", code, out)
		}
	}
	national, err := filepath.Glob(filepath.Join(dir, secondFolder, "licences", "*"))
	if err != nil || len(national) != 2 {
		t.Fatalf("licences of the national algorithms: %v, %v", national, err)
	}
	for _, file := range national {
		if code, out, problems := call(t, "verify", "--offline", "--anchors", filepath.Join(dir, secondFolder, "anchors"), "--crl", filepath.Join(dir, secondFolder, "lists"), file); code != 0 {
			t.Errorf("%s offline: exit %d\n%s%s", file, code, out, problems)
		}
		if code, out, _ := call(t, "verify", "--offline", "--anchors", filepath.Join(dir, "anchors"), "--crl", filepath.Join(dir, secondFolder, "lists"), file); code != 3 {
			t.Errorf("%s under the other root: exit %d\n%s", file, code, out)
		}
	}
	if code, out, _ := call(t, append([]string{"licence", "verify", "testdata/session/good.p7s"}, judged...)...); code != 1 || !strings.Contains(out, "no licence") {
		t.Errorf("a file that is no licence: exit %d\n%s", code, out)
	}
	// With the dated table of signers, and from an evidence file that holds all else.
	table := []string{"--authorities", filepath.Join(dir, "authorities.yaml")}
	kept := filepath.Join(t.TempDir(), "licence.zip")
	if code, out, problems := call(t, "verify", "--offline", "--anchors", filepath.Join(dir, "anchors"), "--crl", filepath.Join(dir, "lists"), "--evidence", kept, licences[0]); code != 0 {
		t.Errorf("keeping the evidence: exit %d\n%s%s", code, out, problems)
	}
	for _, file := range []string{licences[0], kept} {
		args := append([]string{"licence", "verify", "--offline", "--anchors", filepath.Join(dir, "anchors"), "--crl", filepath.Join(dir, "lists")}, table...)
		code, out, problems := call(t, append(args, file)...)
		if code != 0 || !strings.Contains(out, "intact: yes") || !strings.Contains(out, "in force today: not known") || !strings.Contains(out, "from the licensor: yes") {
			t.Errorf("%s with the table of signers: exit %d\n%s%s", file, code, out, problems)
		}
	}
	json := strings.TrimSuffix(licences[0], ".pdf") + ".p7m"
	check := exec.Command(tool(t, "openssl"), "cms", "-verify", "-inform", "DER", "-in", json, "-CAfile", filepath.Join(dir, "anchors", "root.pem"), "-purpose", "any", "-cades", "-out", os.DevNull)
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("openssl cms -verify: %v\n%s", err, out)
	}
}

// changing finds what differs from run to run.
var changing = regexp.MustCompile(`[0-9a-f]{32}|\d+ bytes|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(Z| UTC)|\d\d\.\d\d\.\d{4}`)

// compareTranscript holds docs/DEMO.md against a new run.
func compareTranscript(t *testing.T, story string) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "DEMO.md"))
	if err != nil {
		t.Fatal(err)
	}
	var told string
	for _, b := range blocks(string(page)) {
		if b.kind == "text" {
			told = b.text
		}
	}
	want := strings.Split(strings.TrimSpace(changing.ReplaceAllString(told, "…")), "\n")
	got := strings.Split(strings.TrimSpace(changing.ReplaceAllString(story, "…")), "\n")
	for i := range max(len(want), len(got)) {
		w, g := "", ""
		if i < len(want) {
			w = want[i]
		}
		if i < len(got) {
			g = got[i]
		}
		if w != g {
			t.Errorf("docs/DEMO.md, line %d of the transcript (`make transcript` makes it anew):\n got %s\nwant %s", i+1, g, w)
			return
		}
	}
}

// pdfsig gives Poppler's opinion of a file, with the demo's root in its store.
func pdfsig(t *testing.T, dir, file string) string {
	t.Helper()
	store := t.TempDir()
	certutil := tool(t, "certutil")
	for _, args := range [][]string{{"-N", "-d", store, "--empty-password"}, {"-A", "-d", store, "-n", "root", "-t", "CT,CT,CT", "-i", filepath.Join(dir, "anchors", "root.pem")}} {
		if out, err := exec.Command(certutil, args...).CombinedOutput(); err != nil {
			t.Fatalf("certutil %v: %v\n%s", args, err, out)
		}
	}
	// The exit code is not asked: it is 1 for every broken signature, which some of these files have on purpose.
	out, err := exec.Command(tool(t, "pdfsig"), "-no-ocsp", "-nssdir", store, file).CombinedOutput()
	if !bytes.Contains(out, []byte("Signature Validation")) {
		t.Fatalf("pdfsig: %v\n%s", err, out)
	}
	return string(out)
}

// demoProcess is a running `rastau demo`.
type demoProcess struct {
	cmd    *exec.Cmd
	base   string
	tokens map[account.Role]string
}

var (
	apiLine   = regexp.MustCompile(`^API +(http://\S+)/v1`)
	tokenLine = regexp.MustCompile(`^  (applicant|officer|auditor|admin) +(\S+)$`)
)

func startDemo(t *testing.T, dir string) *demoProcess {
	t.Helper()
	d := &demoProcess{cmd: exec.Command(rastau(t), "demo", "--dir", dir, "--quiet"), tokens: map[account.Role]string{}}
	stdout, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var problems bytes.Buffer
	d.cmd.Stderr = &problems
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.cmd.Process.Kill() }) // the process is ours; it may have ended already
	ready := make(chan bool, 1)
	go func() {
		lines := bufio.NewScanner(stdout)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if m := apiLine.FindStringSubmatch(lines.Text()); m != nil {
				d.base = m[1]
			}
			if m := tokenLine.FindStringSubmatch(lines.Text()); m != nil {
				d.tokens[account.Role(m[1])] = m[2]
			}
			if d.base != "" && len(d.tokens) == 4 {
				break
			}
		}
		ready <- d.base != "" && len(d.tokens) == 4
		_, _ = io.Copy(io.Discard, stdout) // keeps the process from blocking on its output
	}()
	select {
	case ok := <-ready:
		if !ok {
			t.Fatalf("the demo did not introduce itself: %s", problems.String())
		}
	case <-time.After(2 * time.Minute):
		t.Fatalf("the demo does not start: %s", problems.String())
	}
	return d
}

// TestDemoServes starts the demo as a person would and asks what it offers.
func TestDemoServes(t *testing.T) {
	dir := t.TempDir()
	d := startDemo(t, dir)
	for path, want := range map[string]int{"/livez": 200, "/readyz": 200, "/v1/openapi.json": 200, "/docs": 200, "/v1/services": 401} {
		res, err := http.Get(d.base + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s answers %d, want %d", path, res.StatusCode, want)
		}
	}
	sample, err := os.ReadFile(filepath.Join(dir, "application.json"))
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(d.base, d.tokens)
	var app licensing.Application
	if err := c.call(t.Context(), account.Applicant, "/v1/applications", json.RawMessage(sample), &app); err != nil {
		t.Errorf("the sample application that the demo leaves is not accepted: %v", err)
	}
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Wait(); err != nil {
		t.Errorf("SIGTERM does not end the demo cleanly: %v", err)
	}
}

// TestKilledDemoLosesNoLicence kills the demo while licences are being issued: every one whose number was heard is in the
// register of the next run, its file verifies, and the whole register proves.
func TestKilledDemoLosesNoLicence(t *testing.T) {
	dir := t.TempDir()
	first := startDemo(t, dir)
	c := newClient(first.base, first.tokens)
	password, err := os.ReadFile(filepath.Join(dir, "keys", passwordFile))
	if err != nil {
		t.Fatal(err)
	}
	key, err := signer.LoadKey(filepath.Join(dir, "keys", "applicant.p12"), strings.TrimSpace(string(password)))
	if err != nil {
		t.Fatal(err)
	}
	sample, err := os.ReadFile(filepath.Join(dir, "application.json"))
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var heard []string
	config, err := loadConfig(filepath.Join(dir, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	sandbox := config.Gateway.URL
	embedded, err := licensing.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	var payments atomic.Int64
	issue := func(ctx context.Context) error {
		var n licensing.NewApplication
		if err := json.Unmarshal(sample, &n); err != nil {
			return err
		}
		n.Payment.Reference = fmt.Sprintf("KILL-%d", payments.Add(1))
		paid, err := json.Marshal(licensing.Invoice{Reference: n.Payment.Reference, Amount: n.Payment.Amount, Payer: n.Applicant.IIN + n.Applicant.BIN, Payee: embedded[0].Licensor.BIN})
		if err != nil {
			return err
		}
		res, err := http.Post(sandbox+"/sandbox/payments", "application/json", bytes.NewReader(paid))
		if err != nil {
			return err
		}
		res.Body.Close()
		var app licensing.Application
		if err := c.call(ctx, account.Applicant, "/v1/applications", n, &app); err != nil {
			return err
		}
		signature, err := signedBy(key)(app.Package)
		if err != nil {
			return err
		}
		var sub submission
		if err := c.call(ctx, account.Applicant, "/v1/applications/"+app.ID+"/signature", map[string][]byte{"signature": signature}, &sub); err != nil {
			return err
		}
		var decided licensing.Application
		if err := c.call(ctx, account.Officer, "/v1/applications/"+app.ID+"/decision", licensing.Decision{Approve: true, Checklist: sampleChecklist()}, &decided); err != nil {
			return err
		}
		mu.Lock()
		heard = append(heard, decided.Licence)
		mu.Unlock()
		return nil
	}
	if err := issue(t.Context()); err != nil {
		t.Fatalf("the demo issues no licence: %v", err)
	}
	var workers sync.WaitGroup
	for range 3 {
		workers.Go(func() {
			for issue(t.Context()) == nil {
			}
		})
	}
	time.Sleep(2 * time.Second)
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	workers.Wait()
	_ = first.cmd.Wait() // it was killed: its exit code says so
	t.Logf("%d licences were heard of before the kill", len(heard))

	second := startDemo(t, dir)
	c = newClient(second.base, second.tokens)
	if config, err = loadConfig(filepath.Join(dir, "config.yaml")); err != nil {
		t.Fatal(err)
	}
	sandbox = config.Gateway.URL
	seen := map[string]bool{}
	for _, number := range heard {
		if seen[number] {
			t.Errorf("number %s was given twice", number)
		}
		seen[number] = true
		pdf, err := c.raw(t.Context(), account.Auditor, "/v1/licences/"+number+"/pdf", nil)
		if err != nil {
			t.Errorf("licence %s was heard of and is lost: %v", number, err)
			continue
		}
		var answer struct {
			Verdict verdict                `json:"verdict"`
			Licence licensing.LicenceCheck `json:"licence"`
		}
		if err := c.call(t.Context(), account.Auditor, "/v1/licences/verify", map[string][]byte{"document": pdf}, &answer); err != nil {
			t.Fatal(err)
		}
		if answer.Verdict.Indication != "TOTAL-PASSED" || !answer.Licence.SameFile || !answer.Licence.InForce {
			t.Errorf("licence %s after the restart: %s, %+v", number, &answer.Verdict, answer.Licence)
		}
	}
	if err := issue(t.Context()); err != nil {
		t.Errorf("the restarted demo issues no licence: %v", err)
	}
	out, err := exec.Command(rastau(t), "log", "verify", "--config", filepath.Join(dir, "config.yaml")).CombinedOutput()
	if err != nil {
		t.Errorf("log verify: %v\n%s", err, out)
	}
}
