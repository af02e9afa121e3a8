// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rastau/internal/identity"
	"rastau/internal/testpki"
)

// With a folder of lists as the only source nothing that a certificate names is asked: neither lists nor OCSP nor issuers.
func TestFolderIsTheOnlySource(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		rw.WriteHeader(http.StatusNotFound)
	}))
	defer server.Close()
	p := made(testpki.New(testpki.Options{Now: time.Now, EC: true}))
	p.SetBaseURL(server.URL)
	ca := made(p.NewCA(""))
	leaf := testpki.Leaf{IIN: identity.NewIIN(time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC), true, 1)}
	good, bad := made(ca.Issue(leaf)).Certificate, made(ca.Issue(leaf)).Certificate
	ca.Revoke(bad, time.Now().Add(-30*time.Minute), 1)
	in := newInstallation(t, p.Root(), ca)
	folder := filepath.Join(in.dir, "brought")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	a := made(newApp(t.Context(), in.config(func(c *Config) { c.Lists.Offline, c.FetchIssuers = "brought", true }),
		appOptions{Log: slog.New(slog.DiscardHandler)}))
	defer func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}()
	verdict := func(der []byte) string {
		t.Helper()
		r := httptest.NewRequest(http.MethodPost, "/v1/certificates/verify", bytes.NewReader(made(json.Marshal(map[string]any{"certificate": der}))))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+in.token)
		answer := httptest.NewRecorder()
		a.Handler.ServeHTTP(answer, r)
		var report struct{ Indication, SubIndication string }
		if err := json.Unmarshal(answer.Body.Bytes(), &report); err != nil {
			t.Fatal(err)
		}
		return strings.TrimSuffix(report.Indication+"/"+report.SubIndication, "/")
	}
	if got := verdict(good.Raw); got != tryNow {
		t.Errorf("without lists: %s", got)
	}
	for name, c := range map[string]*testpki.CA{"a.crl": ca, "root.crl": p.Root()} {
		if err := os.WriteFile(filepath.Join(folder, name), made(c.CRL(testpki.CRLOptions{NextUpdate: time.Now().Add(24 * time.Hour)})), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	soon(t, "the lists in the folder are seen", func() bool { return verdict(bad.Raw) == revoked && verdict(good.Raw) == passed })
	if n := asked.Load(); n != 0 {
		t.Errorf("the network was asked %d times", n)
	}
}
