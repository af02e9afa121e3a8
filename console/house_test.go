// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"rastau/api"
	"rastau/console"
	"rastau/crl"
	"rastau/internal/account"
	"rastau/internal/batch"
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

// house is a whole installation with its pages on loopback.
type house struct {
	pki      *testpki.PKI
	ca       *testpki.CA
	service  *licensing.Service
	desk     *account.Desk
	server   *httptest.Server
	licensor *pki.Key
	judge    *verifier.Verifier
	question func() verifier.Question
	batches  *batch.Service
	verdicts []string // that pages gave, in order: question and indication
}

const secret = "ұзын құпия сөз"

var personIIN = identity.NewIIN(time.Date(1985, 4, 12, 0, 0, 0, 0, time.UTC), true, 417)

// keyJudge judges the licensor's certificate before it signs.
type keyJudge struct {
	*verifier.Verifier
	question func() verifier.Question
}

func (j keyJudge) JudgeKey(ctx context.Context, k *pki.Key) error {
	q := j.question()
	q.Certs, q.Purpose = k.Chain, verifier.PurposeSign
	if r := j.Certificate(ctx, k.Certificate, q); r.Indication != verifier.TotalPassed {
		return errors.New(string(r.SubIndication))
	}
	return nil
}

func newHouse(t testing.TB) *house {
	t.Helper()
	return newHouseOn(t, filepath.Join(t.TempDir(), "register.db"))
}

// newHouseOn is a house over a database that may hold something already, with regulations beside the program's own.
func newHouseOn(t testing.TB, database string, more ...*licensing.Regulation) *house {
	t.Helper()
	return newHouseWith(t, database, func(*house, *licensing.Options) {}, more...)
}

// newHouseWith is a house whose workflow is set up further.
func newHouseWith(t testing.TB, database string, setup func(*house, *licensing.Options), more ...*licensing.Regulation) *house {
	t.Helper()
	h := &house{}
	var err error
	h.pki, err = testpki.New(testpki.Options{Now: time.Now, EC: true})
	must(t, err)
	responders := httptest.NewServer(h.pki.Handler())
	t.Cleanup(responders.Close)
	h.pki.SetBaseURL(responders.URL)
	h.ca, err = h.pki.NewCA("")
	must(t, err)
	_, err = h.pki.NewTSA(h.ca)
	must(t, err)
	web, err := fetch.New(fetch.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	must(t, err)
	lists := crl.NewSource(crl.SourceOptions{Fetch: web, Now: time.Now})
	v := verifier.New(verifier.Options{Now: time.Now, Web: web, Lists: lists})
	question := func() verifier.Question {
		return verifier.Question{Anchors: []trust.Anchor{trust.AnchorOf(h.pki.Root().Certificate)}}
	}
	regulations, err := licensing.Embedded()
	must(t, err)
	regulations = append(regulations, more...)
	calendar, err := licensing.EmbeddedCalendar()
	must(t, err)
	h.licensor = h.issue(t, testpki.Leaf{CommonName: "LICENSOR DEMO", BIN: regulations[0].Licensor.BIN, Organization: "LICENSOR"})
	ring, err := signer.NewRing(h.licensor)
	must(t, err)
	stamper := &timestamp.Client{URL: responders.URL + "/tsp", HTTP: web}
	key, err := signer.New(signer.Options{Keys: ring, Stamper: stamper, Judge: keyJudge{v, question}, Checker: v, Now: time.Now})
	must(t, err)
	db, err := store.Open(t.Context(), store.Options{Database: database})
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	log := slog.New(slog.DiscardHandler)
	var authorities []licensing.Authority
	for _, r := range regulations {
		for login, name := range map[string]string{"officer.1": "Officer One", "officer.2": "Officer Two"} {
			authorities = append(authorities, licensing.Authority{Officer: login, Name: name, Position: phrase.Text{KK: "басшы", RU: "руководитель", EN: "head"},
				Licensor: r.Licensor.BIN, Certificate: h.licensor.Certificate.SHA256Hex(), From: time.Now().Add(-time.Hour)})
		}
	}
	h.judge, h.question = v, question
	workflow := licensing.Options{
		Regulations: regulations, Store: db, Judge: v, Signer: key, Stamper: stamper, Calendar: calendar, Question: question,
		Authorities:    authorities,
		AcceptRepealed: true, Demo: true, LicenceCode: "ZZZ",
		VerifyURL: func(number string) string { return "http://127.0.0.1/v/" + number }, Now: time.Now, Rand: rand.Reader, Log: log,
	}
	setup(h, &workflow)
	h.service, err = licensing.New(workflow)
	must(t, err)
	h.desk, err = account.NewDesk(account.Options{Store: db.Accounts(), Judge: v, Question: question, Site: "http://127.0.0.1", Now: time.Now,
		Hash: &argon2id.Params{Memory: 8, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}})
	must(t, err)
	h.batches, err = batch.New(batch.Options{Store: db.Batches(), Verifier: v, Question: question, Now: time.Now})
	must(t, err)
	handler, err := console.Handler(console.Options{Service: h.service, Desk: h.desk, Verifier: v, Question: question, Calendar: calendar, Demo: true,
		Description: api.Description(), Problems: problems(), Settings: h.settings, Batches: h.batches, Lists: lists, Now: time.Now, Log: log,
		Verdict: func(question string, r *verifier.Report) {
			h.verdicts = append(h.verdicts, question+" "+r.Indication.String())
		}})
	must(t, err)
	h.server = httptest.NewServer(handler)
	t.Cleanup(h.server.Close)
	return h
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (h *house) issue(t testing.TB, l testpki.Leaf) *pki.Key {
	t.Helper()
	key, err := h.ca.Issue(l)
	must(t, err)
	return key
}

func sign(t testing.TB, key *pki.Key, content []byte) []byte {
	t.Helper()
	out, err := cms.Sign(context.Background(), cms.SignOptions{Content: content, Key: key.Signer, Certificate: key.Certificate, Chain: key.Chain})
	must(t, err)
	return out
}

// browser is a person before a browser without JavaScript.
type browser struct {
	t    testing.TB
	h    *house
	http *http.Client
	url  *url.URL // of the page that is shown
	page string
	code int
}

func (h *house) browser(t testing.TB) *browser {
	jar, err := cookiejar.New(nil)
	must(t, err)
	return &browser{t: t, h: h, http: &http.Client{Jar: jar}}
}

func (b *browser) take(r *http.Response, err error) *browser {
	b.t.Helper()
	must(b.t, err)
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	must(b.t, err)
	b.url, b.page, b.code = r.Request.URL, string(body), r.StatusCode
	return b
}

func (b *browser) open(path string) *browser {
	b.t.Helper()
	return b.take(b.http.Get(b.h.server.URL + path))
}

func (b *browser) post(path string, values url.Values) *browser {
	b.t.Helper()
	return b.take(b.http.PostForm(b.h.server.URL+path, values))
}

// sees holds the page to what must stand on it.
func (b *browser) sees(code int, texts ...string) *browser {
	b.t.Helper()
	if b.code != code {
		b.t.Fatalf("%s: %d, want %d\n%s", b.url, b.code, code, b.page)
	}
	for _, text := range texts {
		if !strings.Contains(b.page, text) {
			b.t.Fatalf("%s does not show %q\n%s", b.url, text, b.page)
		}
	}
	return b
}

// hidden is the value of a hidden field or a data attribute.
func (b *browser) hidden(pattern string) string {
	b.t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(b.page)
	if m == nil {
		b.t.Fatalf("%s holds nothing like %s\n%s", b.url, pattern, b.page)
	}
	return strings.ReplaceAll(m[1], "&#43;", "+")
}

// registers an applicant and leaves the browser logged in.
func (b *browser) registers(l testpki.Leaf) *browser {
	b.t.Helper()
	l.Auth = true
	key := b.h.issue(b.t, l)
	b.open("/register").sees(200)
	challenge, err := base64.StdEncoding.DecodeString(b.hidden(`data-content="([^"]+)"`))
	must(b.t, err)
	return b.post("/register", url.Values{"nonce": {b.hidden(`name="nonce" value="([^"]+)"`)}, "password": {secret}, "again": {secret},
		"signature": {base64.StdEncoding.EncodeToString(sign(b.t, key, challenge))}})
}
