// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"rastau/internal/phrase"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/internal/timestamp"
	"rastau/internal/trust"
	"rastau/signer"
	"rastau/verifier"
)

// successor is the authority of time-stamps that comes after: other roots, other keys, another address.
type successor struct {
	pki    *testpki.PKI
	server *httptest.Server

	closing atomic.Bool // it publishes its last lists
}

func newSuccessor(t *testing.T, h *office, name string, ends time.Time) *successor {
	t.Helper()
	s := &successor{pki: made(testpki.New(testpki.Options{Now: h.now, EC: true}))}
	lists := map[string]*testpki.CA{"/crl/root.crl": s.pki.Root()}
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ca := lists[r.URL.Path]; ca != nil && s.closing.Load() {
			// The last list of an authority that ends says what holds for ever (RFC 5280 §5.1.2.5; EN 319 411-1 §6.3.9).
			w.Write(made(ca.CRL(testpki.CRLOptions{NextUpdate: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)}))) //nolint:errcheck // the client has gone
			return
		}
		s.pki.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(s.server.Close)
	s.pki.SetBaseURL(s.server.URL)
	ca := made(s.pki.NewCA(name))
	lists["/crl/"+ca.ID()+".crl"] = ca
	s.pki.UseTSA(made(ca.Issue(testpki.Leaf{CommonName: name + " TSA", NotBefore: h.now().Add(-time.Hour), NotAfter: ends,
		KeyUsage: pki.DigitalSignature, ExtKeyUsage: []pki.OID{pki.OIDTimeStamping}})))
	return s
}

// TestJudgedIn2046: a licence that is signed in 2026 passes in 2046 by itself. The time-stamp on it is renewed in 2029, before its
// service's certificate ends, and in 2035, before its signature's algorithm does; the signer's and every other authority of
// those years are gone long since. Left alone, or renewed too late, it does not pass.
func TestJudgedIn2046(t *testing.T) {
	day0 := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	h := newOfficeAt(t, testpki.Options{}, day0) // RSA of 2048 bits counts until the end of 2035
	h.pki.UseTSA(made(h.ca.Issue(testpki.Leaf{CommonName: "TSA 2026", NotBefore: day0.AddDate(-1, 0, 0), NotAfter: time.Date(2030, 3, 1, 0, 0, 0, 0, time.UTC),
		KeyUsage: pki.DigitalSignature, ExtKeyUsage: []pki.OID{pki.OIDTimeStamping}})))
	roots := []trust.Anchor{trust.AnchorOf(h.pki.Root().Certificate)}
	question := func() verifier.Question {
		return verifier.Question{Anchors: roots[:1], TSAAnchors: roots, Purpose: verifier.PurposeSign}
	}
	e := examiner{h.verifier, question}
	s := made(signer.New(signer.Options{Keys: h.ring, Judge: e, Checker: h.verifier, Stamper: h.stamper, Examiner: e, Level: signer.LevelLTA, Now: h.now}))
	type file struct{ data, content []byte }
	files := map[string]*file{
		"licence.pdf":  {made(s.PDF(t.Context(), licencePage(t), signer.PDFOptions{})), nil},
		"licence.p7m":  {made(s.JSON(t.Context(), document, signer.JSONOptions{})), nil},
		"detached.p7s": {made(s.JSON(t.Context(), document, signer.JSONOptions{Detached: true})), document},
	}
	horizon := func(want int) {
		t.Helper()
		for name, f := range files {
			if end := made(signer.Horizon(f.data, pki.DefaultAlgorithms)); end.Year() != want {
				t.Errorf("%s is to be renewed before %s, want %d", name, end, want)
			}
		}
	}
	horizon(2030)
	level := signer.LevelLTA
	renew := func(by *successor) {
		t.Helper()
		if by != nil {
			roots = append(roots, trust.AnchorOf(by.pki.Root().Certificate))
			h.stamper = &timestamp.Client{URL: by.server.URL + "/tsp", HTTP: h.stamper.HTTP, Hash: pki.OIDSHA512}
		}
		x := made(signer.NewExtender(signer.ExtenderOptions{Stamper: h.stamper, Examiner: e, Hash: h.stamper.Hash}))
		for name, f := range files {
			var err error
			if f.data, err = x.Extend(t.Context(), f.data, f.content, level); err != nil {
				t.Fatalf("%s in %d: %v", name, h.now().Year(), err)
			}
		}
	}
	judge := func(want verifier.Indication) {
		t.Helper()
		for name, f := range files {
			q := e.ask(f.content)
			q.Offline = true
			r := h.verifier.Document(t.Context(), f.data, q)
			if r.Indication != want {
				why := ""
				if d := r.Deciding(); d != nil {
					why = d.In(phrase.EN)
				}
				t.Errorf("%s in %d: %s, want %s: %s", name, h.now().Year(), verdictLine(r.Indication, r.SubIndication), want, why)
				for _, f := range r.Findings {
					t.Logf("%s %s: %s", f.Key, f.Outcome, f.In(phrase.EN))
				}
				continue
			}
			if one := r.Signatures[0]; want == verifier.TotalPassed && (one.Level != "LTA" || one.SigningTime == nil || !one.SigningTime.Equal(day0)) {
				t.Errorf("%s in %d: level %s, signed %v", name, h.now().Year(), one.Level, one.SigningTime)
			}
		}
	}

	// Left alone, it ends with its service.
	h.setClock(time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC))
	judge(verifier.Indeterminate)

	h.setClock(time.Date(2029, 10, 1, 0, 0, 0, 0, time.UTC)) // the service of 2026 goes on with a new certificate, the same algorithm
	h.pki.UseTSA(made(h.ca.Issue(testpki.Leaf{CommonName: "TSA 2029", NotBefore: h.now().Add(-time.Hour), NotAfter: time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC),
		KeyUsage: pki.DigitalSignature, ExtKeyUsage: []pki.OID{pki.OIDTimeStamping}})))
	renew(nil)
	horizon(2035) // not 2040: the algorithm ends first
	judge(verifier.TotalPassed)

	h.setClock(time.Date(2036, 6, 1, 0, 0, 0, 0, time.UTC)) // nobody renewed it while RSA of 2048 bits counted
	judge(verifier.Indeterminate)

	h.setClock(time.Date(2035, 6, 1, 0, 0, 0, 0, time.UTC))
	next := newSuccessor(t, h, "2035", time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC))
	renew(next)
	judge(verifier.TotalPassed)

	// The last authority ends too, as it should: its responder is silent, and its last lists go into the file, without a new time-stamp.
	h.setClock(time.Date(2041, 6, 1, 0, 0, 0, 0, time.UTC))
	next.closing.Store(true)
	next.pki.SetDown(false, true, true)
	level = signer.LevelLT
	renew(nil)

	// Everybody is gone.
	h.pki.SetDown(true, true, true)
	next.server.Close()
	h.setClock(time.Date(2046, 11, 28, 0, 0, 0, 0, time.UTC))
	judge(verifier.TotalPassed)
}
