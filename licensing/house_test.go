// SPDX-License-Identifier: Apache-2.0

package licensing_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"rastau/crl"

	"rastau/internal/cms"
	"rastau/internal/fetch"
	"rastau/internal/identity"
	"rastau/internal/phrase"
	"rastau/internal/pki"
	"rastau/internal/store"
	"rastau/internal/testpki"
	"rastau/internal/timestamp"
	"rastau/internal/trust"
	"rastau/licensing"
	"rastau/signer"
	"rastau/verifier"
)

// house is a whole licensing authority on this machine: a PKI with live lists,
// OCSP and time-stamps, the real verifier and signer, SQLite in a folder.
type house struct {
	pki      *testpki.PKI
	ca       *testpki.CA
	service  *licensing.Service
	store    *store.Store
	verifier *verifier.Verifier
	options  licensing.Options
	licensor *pki.Key
	log      *bytes.Buffer
}

var (
	applicant = licensing.Actor{ID: "applicant-1", Applicant: true}
	officer   = licensing.Actor{ID: "officer-1", Officer: true}
	approval  = licensing.Decision{Approve: true, Checklist: map[string]bool{"documents-match": true, "grounds": true}}
	personIIN = identity.NewIIN(time.Date(1985, 4, 12, 0, 0, 0, 0, time.UTC), true, 417)
	bodyBIN   = identity.NewBIN(time.Date(2010, 6, 1, 0, 0, 0, 0, time.UTC), 731)
)

func newHouse(t testing.TB) *house { return newHouseIn(t, t.TempDir()) }

// newHouseIn keeps the register in a folder that the caller owns.
func newHouseIn(t testing.TB, folder string) *house {
	t.Helper()
	return newHouseOn(t, filepath.Join(folder, "register.db"))
}

// newHouseOn keeps the register in a database: a file or a postgres:// address.
func newHouseOn(t testing.TB, database string) *house {
	t.Helper()
	h := &house{log: &bytes.Buffer{}}
	var err error
	h.pki, err = testpki.New(testpki.Options{Now: time.Now, EC: !rsaKeys(t), GOST: national(t)})
	must(t, err)
	server := httptest.NewServer(h.pki.Handler())
	t.Cleanup(server.Close)
	h.pki.SetBaseURL(server.URL)
	h.ca, err = h.pki.NewCA("")
	must(t, err)
	_, err = h.pki.NewTSA(h.ca)
	must(t, err)
	web, err := fetch.New(fetch.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Timeout: 5 * time.Second})
	must(t, err)
	h.verifier = verifier.New(verifier.Options{Now: time.Now, Web: web, Lists: crl.NewSource(crl.SourceOptions{Fetch: web, Now: time.Now, Refresh: time.Millisecond})})
	regulations, err := licensing.Embedded()
	must(t, err)
	calendar, err := licensing.EmbeddedCalendar()
	must(t, err)
	h.licensor = h.issue(t, testpki.Leaf{CommonName: "LICENSOR DEMO", BIN: regulations[0].Licensor.BIN, Organization: "LICENSOR"})
	stamper := &timestamp.Client{URL: server.URL + "/tsp", HTTP: web}
	ring, err := signer.NewRing(h.licensor)
	must(t, err)
	key, err := signer.New(signer.Options{Keys: ring, Stamper: stamper, Judge: keyJudge{h.verifier, h.pki}, Checker: h.verifier, Now: time.Now})
	must(t, err)
	h.store, err = store.Open(t.Context(), store.Options{Database: database})
	must(t, err)
	t.Cleanup(func() { must(t, h.store.Close()) })
	h.options = licensing.Options{
		Regulations: regulations, Store: h.store, Judge: h.verifier, Signer: key, Stamper: stamper, Calendar: calendar,
		Question: func() verifier.Question {
			return verifier.Question{Anchors: []trust.Anchor{trust.AnchorOf(h.pki.Root().Certificate)}}
		},
		Authorities: []licensing.Authority{{
			Officer: officer.ID, Name: "Officer One", Position: phrase.Text{KK: "басшы", RU: "руководитель", EN: "head"},
			Licensor: regulations[0].Licensor.BIN, Certificate: h.licensor.Certificate.SHA256Hex(), From: time.Now().Add(-time.Hour),
		}},
		AcceptRepealed: true, Demo: true, LicenceCode: "ZZZ",
		VerifyURL: func(number string) string { return "http://127.0.0.1/v/" + number },
		Now:       time.Now, Rand: rand.Reader, Log: slog.New(slog.NewJSONHandler(h.log, nil)),
	}
	h.reopen(t)
	return h
}

// reopen makes a new service over the same store, as after a restart.
func (h *house) reopen(t testing.TB) {
	t.Helper()
	var err error
	h.service, err = licensing.New(h.options)
	must(t, err)
}

func (h *house) issue(t testing.TB, l testpki.Leaf) *pki.Key {
	t.Helper()
	key, err := h.ca.Issue(l)
	must(t, err)
	return key
}

func (h *house) person(t testing.TB) *pki.Key {
	t.Helper()
	return h.issue(t, testpki.Leaf{IIN: personIIN})
}

// licensorBIN is the licensor of the house's first regulation.
var licensorBIN = func() string {
	regulations, err := licensing.Embedded()
	if err != nil {
		panic(err)
	}
	return regulations[0].Licensor.BIN
}()

// paper is what people attach.
var paper = func() []byte {
	var out bytes.Buffer
	f := fpdf.New("P", "mm", "A4", "")
	f.AddPage()
	if err := f.Output(&out); err != nil {
		panic(err)
	}
	return out.Bytes()
}()

// form is a good application of a natural person.
func (h *house) form(t testing.TB) licensing.NewApplication {
	t.Helper()
	fee, err := h.service.Fee("passenger-transport", "issue")
	must(t, err)
	return licensing.NewApplication{
		Service: "passenger-transport", Operation: "issue", Lang: phrase.KK,
		Applicant: licensing.Applicant{Kind: licensing.NaturalPerson, IIN: personIIN, Name: "Әлия Үлгіқызы Ғаниева", Address: "Астана қ., Ұлы Дала д., 1", Email: "applicant@example.kz"},
		Fields: json.RawMessage(`{"consent":true, "subtypes":["regular-international","irregular-inter-oblast"],
			"vehicles":[{"plate":"001 ZZZ 01","make":"Demo","year":2020}]}`),
		Attachments: []licensing.NewAttachment{{Document: "qualification", Name: "біліктілік.pdf", Type: "application/pdf", Content: paper}},
		Payment:     licensing.Payment{Reference: "PAY-1", Amount: fee},
	}
}

func (h *house) draft(t testing.TB) *licensing.Application {
	t.Helper()
	app, err := h.service.Apply(t.Context(), applicant, h.form(t))
	must(t, err)
	return app
}

func (h *house) registered(t testing.TB) *licensing.Application {
	t.Helper()
	app := h.draft(t)
	sub, err := h.service.Submit(t.Context(), applicant, app.ID, sign(t, h.person(t), app.Package, true))
	must(t, err)
	if sub.Application.Status != licensing.Registered {
		t.Fatalf("not registered: %+v %s", sub.Message, verdictJSON(t, sub.Verdict))
	}
	return &sub.Application
}

func sign(t testing.TB, key *pki.Key, content []byte, detached bool) []byte {
	t.Helper()
	out, err := cms.Sign(context.Background(), cms.SignOptions{Content: content, Detached: detached, Key: key.Signer, Certificate: key.Certificate, Chain: key.Chain})
	must(t, err)
	return out
}

func verdictJSON(t testing.TB, r *verifier.Report) string {
	t.Helper()
	out, err := json.Marshal(r)
	must(t, err)
	return string(out)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// keyJudge judges the licensor's certificate before it signs.
type keyJudge struct {
	*verifier.Verifier
	pki *testpki.PKI
}

func (j keyJudge) JudgeKey(ctx context.Context, k *pki.Key) error {
	q := verifier.Question{Anchors: []trust.Anchor{trust.AnchorOf(j.pki.Root().Certificate)}, Certs: k.Chain, Purpose: verifier.PurposeSign}
	switch r := j.Certificate(ctx, k.Certificate, q); {
	case r.SubIndication == verifier.TryLater:
		return signer.ErrUndecided
	case r.Indication != verifier.TotalPassed:
		return errors.New(string(r.SubIndication))
	}
	return nil
}
