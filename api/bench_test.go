// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/digitorus/pkcs7"
	"github.com/labstack/echo/v4"

	"rastau/api"
	"rastau/crl"
	"rastau/internal/cms"
	"rastau/internal/fetch"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/internal/trust"
	"rastau/verifier"
)

// BenchmarkVerifySignature asks POST /v1/signatures/verify in process, without a
// network, with 6.3 KB of JSON: a document signed with RSA of 2048 bits, in base64. The
// medians of one run are reported in µs and in units of one RSA-2048 verification by
// crypto/rsa.
//
//	proven   a signer whose path is already proven
//	new      a signer never seen, of an authority that has been
//	peer     the same question to echo's Bind and digitorus/pkcs7 with chain
//	ping     the same route asked without a body, which it refuses
func BenchmarkVerifySignature(b *testing.B) {
	w := newBenchWorld(b)
	known, other := w.request(b), w.request(b)
	sum := sha256.Sum256(known)
	key := w.last.Signer.(*rsa.PrivateKey)
	value, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		b.Fatal(err)
	}
	handler, peer := w.handler(b), w.peer(b)
	post := func(h http.Handler, body []byte, passed string) {
		r := httptest.NewRequest(http.MethodPost, "/v1/signatures/verify", bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+w.house.tokens["officer"])
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		if answer.Code != http.StatusOK || !bytes.Contains(answer.Body.Bytes(), []byte(passed)) {
			b.Fatal(answer.Code, answer.Body)
		}
	}
	const passed = `"indication":"TOTAL-PASSED"`
	post(handler, known, passed)
	// Signers come to a service that has seen their authority, none of them twice.
	var unknown [][]byte
	for range 16 {
		unknown = append(unknown, w.request(b))
	}
	fresh, turn := handler, 0
	subjects := []struct {
		name        string
		before, run func()
	}{
		{"unit", nil, func() {
			if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], value); err != nil {
				b.Fatal(err)
			}
		}},
		{"ping", nil, func() {
			handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/v1/signatures/verify", nil))
		}},
		{"proven", nil, func() { post(handler, known, passed) }},
		{"new", func() {
			if turn++; turn%len(unknown) == 0 {
				fresh = w.handler(b)
				post(fresh, other, passed)
			}
		}, func() { post(fresh, unknown[turn%len(unknown)], passed) }},
		{"peer", nil, func() { post(peer, known, `"valid":true`) }},
	}
	const burst = 16 // so that each finds the processor's caches as a busy service leaves them
	// A service holds its lists in memory, and so collects its garbage once in as many
	// bytes; in an empty process every second request would meet the collector at work.
	lists := make([]byte, 27<<20) // the index of a list of a million
	defer runtime.KeepAlive(lists)
	taken := map[string][]float64{}
	for b.Loop() {
		for _, s := range subjects {
			for range burst {
				if s.before != nil {
					s.before()
				}
				began := time.Now()
				s.run()
				taken[s.name] = append(taken[s.name], float64(time.Since(began).Nanoseconds())/1000)
			}
		}
	}
	median := func(name string) float64 {
		slices.Sort(taken[name])
		return taken[name][len(taken[name])/2]
	}
	for _, s := range subjects {
		b.ReportMetric(median(s.name), s.name+"-µs")
		b.ReportMetric(median(s.name)/median("unit"), s.name+"-units")
	}
	b.ReportMetric(median("peer")/median("proven"), "peer/proven")
	b.ReportMetric(median("peer")/median("new"), "peer/new")
	b.ReportMetric(float64(len(known)), "bytes")
	b.ReportMetric(0, "ns/op") // a round is no operation
}

// peer is what a service without this house would be: echo's Bind, pkcs7 with chain.
func (w *benchWorld) peer(b *testing.B) http.Handler {
	b.Helper()
	root, err := x509.ParseCertificate(w.pki.Root().Certificate.Raw)
	if err != nil {
		b.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(root)
	e := echo.New()
	e.POST("/v1/signatures/verify", func(c echo.Context) error {
		var q struct {
			Document []byte `json:"document"`
		}
		if err := c.Bind(&q); err != nil {
			return err
		}
		p7, err := pkcs7.Parse(q.Document)
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, map[string]bool{"valid": p7.VerifyWithChainAtTime(roots, w.house.clock.now()) == nil})
	})
	return e
}

// BenchmarkRequest is one request of a signer whose path is already proven, for profiles.
func BenchmarkRequest(b *testing.B) {
	w := newBenchWorld(b)
	body, handler := w.request(b), w.handler(b)
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/v1/signatures/verify", bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+w.house.tokens["officer"])
		answer := httptest.NewRecorder()
		if handler.ServeHTTP(answer, r); answer.Code != http.StatusOK {
			b.Fatal(answer.Code, answer.Body)
		}
	}
}

// benchWorld is the house with a PKI of RSA keys, whose lists are at hand.
type benchWorld struct {
	house *house
	pki   *testpki.PKI
	ca    *testpki.CA
	lists *crl.Source
	last  *pki.Key // who signed the last request
}

func newBenchWorld(b *testing.B) *benchWorld {
	b.Helper()
	w := &benchWorld{house: newHouse(b, nil)}
	var err error
	if w.pki, err = testpki.New(testpki.Options{Now: w.house.clock.now}); err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(w.pki.Handler())
	b.Cleanup(server.Close)
	w.pki.SetBaseURL(server.URL)
	if w.ca, err = w.pki.NewCA(""); err != nil {
		b.Fatal(err)
	}
	web, err := fetch.New(fetch.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if err != nil {
		b.Fatal(err)
	}
	w.lists = crl.NewSource(crl.SourceOptions{Fetch: web, Now: w.house.clock.now})
	return w
}

// handler is the API with a verifier that has seen nobody.
func (w *benchWorld) handler(b *testing.B) http.Handler {
	b.Helper()
	o := w.house.options
	o.Verifier = verifier.New(verifier.Options{Now: w.house.clock.now, Lists: w.lists})
	o.Question = func() verifier.Question {
		return verifier.Question{Anchors: []trust.Anchor{trust.AnchorOf(w.pki.Root().Certificate)}}
	}
	o.Log = slog.New(slog.NewJSONHandler(io.Discard, nil))
	h, err := api.Handler(o)
	if err != nil {
		b.Fatal(err)
	}
	return h
}

// request is signed by a new person.
func (w *benchWorld) request(b *testing.B) []byte {
	b.Helper()
	var err error
	if w.last, err = w.ca.Issue(testpki.Leaf{Surname: "ҮЛГІБАЕВ", CommonName: "ҮЛГІБАЕВ ӘЛІ"}); err != nil {
		b.Fatal(err)
	}
	der, err := cms.Sign(context.Background(), cms.SignOptions{Content: bytes.Repeat([]byte("statement "), 165), Key: w.last.Signer, Certificate: w.last.Certificate,
		Chain: []*pki.Certificate{w.ca.Certificate}, SigningTime: w.house.clock.now()})
	if err != nil {
		b.Fatal(err)
	}
	body, err := json.Marshal(map[string][]byte{"document": der})
	if err != nil {
		b.Fatal(err)
	}
	return body
}
