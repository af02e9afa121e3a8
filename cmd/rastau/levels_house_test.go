// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/pem"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"rastau/crl"
	"rastau/internal/fetch"
	"rastau/internal/page"
	"rastau/internal/phrase"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/internal/timestamp"
	"rastau/internal/trust"
	"rastau/signer"
	"rastau/verifier"
)

// office is a licensor's office: an authority with its responders on loopback, a key, and everything that signs, with a clock
// that the test moves.
type office struct {
	dir, root string
	pki       *testpki.PKI
	ca        *testpki.CA
	base      string
	key       *pki.Key
	clock     atomic.Pointer[time.Time]

	verifier *verifier.Verifier
	stamper  *timestamp.Client
	ring     *signer.Ring
	signer   *signer.Signer
}

var document = []byte(`{"number":"ZZZ-1","holder":"Үлгі Құндыз"}`)

func newOffice(tb testing.TB, o testpki.Options) *office {
	tb.Helper()
	return newOfficeAt(tb, o, time.Now())
}

func newOfficeAt(tb testing.TB, o testpki.Options, at time.Time) *office {
	tb.Helper()
	h := &office{dir: tb.TempDir()}
	h.setClock(at)
	o.Now = h.now
	h.pki = made(testpki.New(o))
	server := httptest.NewServer(h.pki.Handler())
	tb.Cleanup(server.Close)
	h.base = server.URL
	h.pki.SetBaseURL(h.base)
	h.ca = made(h.pki.NewCA(""))
	made(h.pki.NewTSA(h.ca))
	h.key = made(h.ca.Issue(testpki.Leaf{CommonName: "ЛИЦЕНЗИАР ҮЛГІ", BIN: "130140004109", Organization: "ЛИЦЕНЗИАР (TEST)"}))
	h.root = h.write(tb, "root.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.pki.Root().Certificate.Raw}))

	web := made(fetch.New(fetch.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}))
	h.verifier = verifier.New(verifier.Options{Now: h.now, Web: web, Lists: crl.NewSource(crl.SourceOptions{Fetch: web, Now: h.now, Refresh: time.Millisecond})})
	h.stamper = &timestamp.Client{URL: h.base + "/tsp", HTTP: web}
	h.ring = made(signer.NewRing(h.key))
	h.signer = h.newSigner(tb, h.ring)
	return h
}

func (h *office) newSigner(tb testing.TB, ring *signer.Ring) *signer.Signer {
	tb.Helper()
	e := examiner{h.verifier, h.question}
	return made(signer.New(signer.Options{Keys: ring, Judge: e, Checker: h.verifier, Stamper: h.stamper, Examiner: e, Now: h.now}))
}

func (h *office) now() time.Time       { return *h.clock.Load() }
func (h *office) setClock(t time.Time) { h.clock.Store(&t) }
func (h *office) question() verifier.Question {
	return verifier.Question{Anchors: []trust.Anchor{trust.AnchorOf(h.pki.Root().Certificate)}, Purpose: verifier.PurposeSign}
}

// judge asks about a document from it alone, with nobody on the network.
func (h *office) judge(ctx context.Context, data, content []byte, at time.Time) *verifier.Report {
	q := examiner{h.verifier, h.question}.ask(content)
	q.Offline, q.At = true, at
	return h.verifier.Document(ctx, data, q)
}

func (h *office) write(tb testing.TB, name string, data []byte) string {
	tb.Helper()
	path := filepath.Join(h.dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// made is the value of a call that must not fail; tests of this package have nobody to go on without it.
func made[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// licencePage is a page as the workflow draws it.
func licencePage(tb testing.TB) []byte {
	tb.Helper()
	return made(page.Draw(page.Licence{
		Number: "KZ24ZZZ00000001", Issued: time.Date(2026, 11, 21, 20, 0, 0, 0, time.UTC), HolderName: "«Үлгі» ЖШС", HolderNumberKind: "BIN",
		HolderNumber: "990140000002", HolderAddress: "Астана қ.", Activity: phrase.Text{KK: "тасымалдау", RU: "перевозка", EN: "transport"},
		Licensor: phrase.Text{KK: "Комитет", RU: "Комитет", EN: "Committee"}, SignerName: "ӘБІЛҚАЙЫРОВ ҮМІТ",
		SignerPosition: phrase.Text{KK: "Басшы", RU: "Руководитель", EN: "Head"}, Place: phrase.Text{KK: "Астана", RU: "Астана", EN: "Astana"},
		Basis: phrase.Text{KK: "өтініш", RU: "заявление", EN: "application"}, VerifyURL: "http://127.0.0.1:8080/v/KZ24ZZZ00000001", Demo: true,
		Attachment: document, AttachmentName: "licence.json",
	}))
}
