// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"testing"
	"time"

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
// medians of one run are reported in µs and in units of one RSA-2048 verification.
func BenchmarkVerifySignature(b *testing.B) {
	w := newBenchWorld(b)
	known, other := w.request(b), w.request(b)
	sum := sha256.Sum256(known)
	key := w.last.Signer.(*rsa.PrivateKey)
	value, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		b.Fatal(err)
	}
	handler := w.handler(b)
	post := func(h http.Handler, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "/v1/signatures/verify", bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+w.house.tokens["officer"])
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		if answer.Code != http.StatusOK || !bytes.Contains(answer.Body.Bytes(), []byte(`"indication":"TOTAL-PASSED"`)) {
			b.Fatal(answer.Code, answer.Body)
		}
	}
	post(handler, known)
	subjects := []struct {
		name        string
		before, run func()
	}{
		{"unit", nil, func() {
			if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], value); err != nil {
				b.Fatal(err)
			}
		}},
		{"proven", nil, func() { post(handler, known) }},
		{"new", func() {
			handler = w.handler(b) // has seen another signer, but never this one
			post(handler, other)
		}, func() { post(handler, known) }},
	}
	const burst = 16 // so that each finds the processor's caches as a busy service leaves them
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
	for _, s := range subjects {
		slices.Sort(taken[s.name])
		median := taken[s.name][len(taken[s.name])/2]
		b.ReportMetric(median, s.name+"-µs")
		b.ReportMetric(median/taken["unit"][len(taken["unit"])/2], s.name+"-units")
	}
	b.ReportMetric(float64(len(known)), "bytes")
	b.ReportMetric(0, "ns/op") // a round is no operation
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
