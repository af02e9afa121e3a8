// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"rastau/internal/account"
	"rastau/internal/testpki"
)

// reloadHouse is an installation with its file on the disk, and a certificate to ask about.
type reloadHouse struct {
	in          *installation
	file        string
	certificate []byte
	other       []byte // another root, PEM
	app         *app
	log         *slog.Logger // nil: quiet
}

func newReloadHouse(t *testing.T, change func(*Config)) *reloadHouse {
	t.Helper()
	p := made(testpki.New(testpki.Options{Now: time.Now, EC: true}))
	p.SetBaseURL("http://127.0.0.1:1")
	ca := made(p.NewCA(""))
	in := newInstallation(t, ca, ca)
	in.put(t, "root.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Certificate.Raw}))
	q := made(testpki.New(testpki.Options{Now: time.Now, EC: true}))
	h := &reloadHouse{in: in, file: filepath.Join(in.dir, "config.yaml"),
		certificate: made(ca.Issue(testpki.Leaf{})).Certificate.Raw,
		other:       pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made(q.NewCA("")).Certificate.Raw})}
	c := in.config(change)
	c.Accounts[0].Roles = append(c.Accounts[0].Roles, account.Admin)
	in.put(t, "config.yaml", made(yaml.Marshal(c)))
	return h
}

func (h *reloadHouse) start(t *testing.T) {
	t.Helper()
	c, err := loadConfig(h.file)
	if err != nil {
		t.Fatal(err)
	}
	if h.app, err = newApp(t.Context(), c, appOptions{Log: cmp.Or(h.log, quietLog())}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.app.Close(); err != nil {
			t.Error(err)
		}
	})
}

// upload posts a file to a page.
func (h *reloadHouse) upload(t *testing.T, path, name string, data []byte) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	made(made(form.CreateFormFile("file", name)).Write(data))
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, path, &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	w := httptest.NewRecorder()
	if h.app.ServeHTTP(w, r); w.Code != http.StatusOK {
		t.Fatalf("%s: %d\n%s", path, w.Code, w.Body)
	}
}

func (h *reloadHouse) ask(t *testing.T, handler http.Handler, method, path string, body any, into any) int {
	t.Helper()
	r := httptest.NewRequest(method, path, bytes.NewReader(made(json.Marshal(body))))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+h.in.token)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
		t.Fatalf("%s: %v", w.Body, err)
	}
	return w.Code
}

// verdict is what the handler says of the certificate.
func (h *reloadHouse) verdict(t *testing.T, handler http.Handler) string {
	t.Helper()
	var r struct{ Indication, SubIndication string }
	h.ask(t, handler, "POST", "/v1/certificates/verify", map[string]any{"certificate": h.certificate, "revocation": "none"}, &r)
	return strings.TrimSuffix(r.Indication+"/"+r.SubIndication, "/")
}

const unknownRoot = "INDETERMINATE/NO_CERTIFICATE_CHAIN_FOUND"

// TestReload: what the file and its tables say now counts at once for new requests, those under way end as they began, and a
// mistake anywhere changes nothing.
func TestReload(t *testing.T) {
	h := newReloadHouse(t, nil)
	h.start(t)
	if got := h.verdict(t, h.app); got != "TOTAL-PASSED" {
		t.Fatal(got)
	}
	begun := h.app.front.Load().handler // as a request that is under way holds it
	reload := func() (code int, waiting []string, detail string) {
		var answer struct {
			WaitingForRestart []string
			Detail            string
		}
		code = h.ask(t, h.app, "POST", "/v1/configuration/reload", nil, &answer)
		return code, answer.WaitingForRestart, answer.Detail
	}
	root := made(os.ReadFile(filepath.Join(h.in.dir, "root.pem")))
	for name, c := range map[string]struct{ file, content, say string }{
		"no anchor":       {"root.pem", "no certificate", "is no certificate"},
		"broken table":    {"authorities.yaml", "- officer: {", "authorities"},
		"broken key":      {"licensor.p12", "no key", "key"},
		"mistaken config": {"config.yaml", "lissten: x\n", `unknown key "lissten"; did you mean listen?`},
	} {
		before := made(os.ReadFile(filepath.Join(h.in.dir, c.file)))
		h.in.put(t, "root.pem", h.other) // a good change beside the mistake is not taken either
		h.in.put(t, c.file, []byte(c.content))
		if code, _, detail := reload(); code != 422 || !strings.Contains(detail, c.say) {
			t.Errorf("%s: %d %s", name, code, detail)
		}
		if got := h.verdict(t, h.app); got != "TOTAL-PASSED" {
			t.Errorf("%s: a file with a mistake changed the verdict to %s", name, got)
		}
		h.in.put(t, c.file, before)
		h.in.put(t, "root.pem", root)
	}
	h.in.put(t, "root.pem", h.other)
	text := made(os.ReadFile(h.file))
	h.in.put(t, "config.yaml", bytes.Replace(text, []byte("publicURL: http://127.0.0.1"), []byte("publicURL: http://elsewhere.example"), 1))
	if code, waiting, detail := reload(); code != 200 || !slices.Equal(waiting, []string{"publicURL"}) {
		t.Fatalf("%d %v %s", code, waiting, detail)
	}
	if got := h.verdict(t, h.app); got != unknownRoot {
		t.Errorf("an anchor that was taken away still counts: %s", got)
	}
	if got := h.verdict(t, begun); got != "TOTAL-PASSED" {
		t.Errorf("a request under way lost its anchors: %s", got)
	}
	h.in.put(t, "root.pem", root)
	if _, err := h.app.Reload(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if got := h.verdict(t, h.app); got != "TOTAL-PASSED" {
		t.Error(got)
	}
	// Each attempt stands in the journal.
	kinds := map[string]int{}
	for _, e := range made(h.app.Desk.Events(t.Context(), "auditor", 100)) {
		kinds[e.Kind]++
	}
	if kinds[account.EventReloaded] != 1 || kinds[account.EventReloadRefused] != 4 {
		t.Errorf("%v", kinds)
	}
}

// TestStartsDegraded: without an anchor the service starts, says so, calls nothing valid, and mends itself when the anchor comes.
func TestStartsDegraded(t *testing.T) {
	h := newReloadHouse(t, func(c *Config) { c.Redis = "redis://127.0.0.1:1/0" })
	root := made(os.ReadFile(filepath.Join(h.in.dir, "root.pem")))
	if err := os.Remove(filepath.Join(h.in.dir, "root.pem")); err != nil {
		t.Fatal(err)
	}
	h.start(t)
	var r struct {
		Ready             bool
		Reasons, Degraded []string
	}
	if code := h.ask(t, h.app, "GET", "/readyz", nil, &r); code != 503 || r.Ready || !strings.Contains(strings.Join(r.Reasons, "\n"), "root.pem: there is no such file") {
		t.Errorf("%d %+v", code, r)
	}
	if got := h.verdict(t, h.app); got != unknownRoot {
		t.Errorf("without an anchor: %s", got)
	}
	go h.app.watch(t.Context(), nil, 10*time.Millisecond)
	h.in.put(t, "root.pem", root)
	for end := time.Now().Add(20 * time.Second); h.verdict(t, h.app) != "TOTAL-PASSED"; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the anchor is there and does not count")
		}
	}
	if code := h.ask(t, h.app, "GET", "/readyz", nil, &r); code != 200 || !r.Ready {
		t.Errorf("%d %+v", code, r)
	}
}

// TestRatesReadAgain: the table of rates that administrators are shown is the one that counts since the last reload.
func TestRatesReadAgain(t *testing.T) {
	h := newReloadHouse(t, func(c *Config) { c.Rates = "rates.yaml" })
	table := func(tenge int) {
		h.in.put(t, "rates.yaml", fmt.Appendf(nil, "rates:\n  - {from: 2020-01-01, until: 2099-01-01, tenge: %d}\n", tenge))
	}
	shown := func() int64 {
		rows := h.app.settings(h.app.front.Load().tables)().Table.Rows()
		return int64(rows[0].Tenge)
	}
	table(4000)
	h.start(t)
	if got := shown(); got != 4000 {
		t.Fatal(got)
	}
	table(5000)
	if got := shown(); got != 4000 {
		t.Errorf("a file that nobody read again counts: %d", got)
	}
	if _, err := h.app.Reload(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if got := shown(); got != 5000 {
		t.Errorf("after the reload %d", got)
	}
}
