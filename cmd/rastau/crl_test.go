// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rastau/internal/testpki"
)

// listing is an authority, its list in a file, and a certificate that stands on it.
type listing struct {
	ca                   *testpki.CA
	file, issuer, serial string
	der                  []byte
}

func newListing(t *testing.T, o testpki.CRLOptions) *listing {
	t.Helper()
	l := &listing{ca: made(testpki.New(testpki.Options{Now: time.Now, EC: true})).Root()}
	c := made(l.ca.Issue(testpki.Leaf{})).Certificate
	l.ca.Revoke(c, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), 1)
	l.serial = fmt.Sprintf("%x", c.Serial)
	l.der = made(l.ca.CRL(o))
	dir := t.TempDir()
	l.file, l.issuer = filepath.Join(dir, "ca.crl"), filepath.Join(dir, "ca.pem")
	for name, data := range map[string][]byte{l.file: l.der, l.issuer: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: l.ca.Certificate.Raw})} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// A list is shown with its age, whether it still counts and when the next one is asked for, and is searched by serial number.
func TestListShown(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Second)
	l := newListing(t, testpki.CRLOptions{ThisUpdate: now.Add(-2 * time.Hour), NextUpdate: now.Add(8 * time.Hour), Extra: 9})
	code, out, problems := call(t, "crl", "show", "--issuer", l.issuer, "--serial", strings.ToUpper(l.serial), l.file)
	if code != 0 || problems != "" {
		t.Fatal(code, problems)
	}
	for _, want := range []string{
		"entries     10", "signature   true", "current, 2h0m", "next refresh " + now.Add(7*time.Hour+30*time.Minute).Format(time.RFC3339), // half an hour ahead at most
		l.serial + " is listed: revoked 2026-01-02T03:04:05Z, reason keyCompromise",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if _, out, _ := call(t, "crl", "show", "--serial", "00:0a:1b", l.file); !strings.Contains(out, "a1b is not listed") {
		t.Error(out)
	}
	var view struct {
		Entries     int
		AgeSeconds  int64
		Current     *bool
		NextRefresh string
		Entry       struct{ Listed bool }
	}
	_, out, _ = call(t, "crl", "show", "--json", "--serial", l.serial, l.file)
	if err := json.Unmarshal([]byte(out), &view); err != nil || view.Entries != 10 || view.AgeSeconds < 7200 || view.AgeSeconds > 7300 || view.Current == nil || !*view.Current ||
		view.NextRefresh == "" || !view.Entry.Listed {
		t.Error(err, out)
	}
	ended := newListing(t, testpki.CRLOptions{ThisUpdate: now.Add(-20 * time.Hour), NextUpdate: now.Add(-time.Hour)})
	if _, out, _ := call(t, "crl", "show", ended.file); !strings.Contains(out, "ENDED") {
		t.Error(out)
	}
}

// A list is fetched through a proxy where one is named, and written only when it is genuine.
func TestListFetched(t *testing.T) {
	l := newListing(t, testpki.CRLOptions{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(l.der) }))
	defer server.Close()
	var through atomic.Int64
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL = r.In.URL; through.Add(1) }})
	defer proxy.Close()
	to := filepath.Join(t.TempDir(), "fetched.crl")
	fetch := func(more ...string) (int, string) {
		code, out, problems := call(t, append(append([]string{"crl", "fetch", "--allow", "127.0.0.1/32"}, more...), server.URL+"/ca.crl")...)
		return code, out + problems
	}
	if code, out := fetch("--issuer", l.issuer, "--out", to, "--proxy", proxy.URL); code != 0 || !strings.Contains(out, "1 entries") || through.Load() != 1 {
		t.Errorf("%d %s, %d through the proxy", code, out, through.Load())
	}
	for _, wrong := range [][]string{{"--serial", "", to}, {"--serial", "zz", to}, {"ftp://ca.example/ca.crl"}} {
		if code, _, problems := call(t, append([]string{"crl", "show"}, wrong...)...); code != 2 || problems == "" {
			t.Errorf("%q: exit %d, %s", wrong, code, problems)
		}
	}
	if code, out, _ := call(t, "crl", "show", "--serial", l.serial, to); code != 0 || !strings.Contains(out, "is listed") {
		t.Error(out)
	}
	if code, out := fetch(); code != 0 || !strings.Contains(out, "not written") {
		t.Error(code, out)
	}
	stranger := newListing(t, testpki.CRLOptions{})
	again := filepath.Join(t.TempDir(), "again.crl")
	if code, out := fetch("--issuer", stranger.issuer, "--out", again); code != exitFailed || !strings.Contains(out, "not written") {
		t.Error(code, out)
	}
	if _, err := os.Stat(again); !os.IsNotExist(err) {
		t.Error("a list that is not genuine was written")
	}
	if code, out := fetch("--proxy", "gopher://127.0.0.1"); code != 2 || !strings.Contains(out, "proxy") {
		t.Error(code, out)
	}
}

// Work that takes over a second shows a bar with what is done on a terminal, and one plain line elsewhere.
func TestListProgress(t *testing.T) {
	terminal, err := exec.LookPath("script") // of Debian's bsdutils: it makes a terminal
	if err != nil {
		if os.Getenv("RASTAU_REQUIRE_TOOLS") == "1" {
			t.Fatal("script is required and not installed: .ci/tools installs it")
		}
		t.Skip("script, which makes a terminal, is not installed")
	}
	l := newListing(t, testpki.CRLOptions{Extra: 5000})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(l.der)))
		for part := range 4 {
			_, _ = w.Write(l.der[part*len(l.der)/4 : (part+1)*len(l.der)/4])
			w.(http.Flusher).Flush()
			time.Sleep(400 * time.Millisecond)
		}
	}))
	defer server.Close()
	line := []string{rastau(t), "crl", "index", "--allow", "127.0.0.1/32", "--issuer", l.issuer, server.URL + "/ca.crl"}
	out, err := exec.Command(terminal, "-qec", strings.Join(line, " "), "/dev/null").CombinedOutput()
	if err != nil || !regexp.MustCompile(`[1-9][0-9]%`).Match(out) || !strings.Contains(string(out), "5001 entries") || !strings.Contains(string(out), "signature valid") {
		t.Errorf("on a terminal: %v\n%q", err, out)
	}
	cmd := exec.Command(line[0], line[1:]...)
	var lines, problems strings.Builder
	cmd.Stdout, cmd.Stderr = &lines, &problems
	if err := cmd.Run(); err != nil || !regexp.MustCompile(`^indexing \S+: \d+\.\d s\n$`).MatchString(problems.String()) || strings.Contains(lines.String(), "%") {
		t.Errorf("elsewhere: %v\n%s\n%q", err, lines.String(), problems.String())
	}
	cmd = exec.Command(line[0], append(line[1:], "--quiet")...)
	problems.Reset()
	if cmd.Stderr = &problems; cmd.Run() != nil || problems.Len() > 0 {
		t.Errorf("quiet: %q", problems.String())
	}
}
