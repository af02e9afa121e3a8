// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"golang.org/x/mod/sumdb/note"
	"rastau/api"

	"rastau/crl"
	"rastau/internal/account"
	"rastau/internal/cms"
	"rastau/internal/egov"
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

// started is when the tests' clock begins: a working day that the calendar and the table of rates know.
var started = time.Date(2026, 6, 10, 5, 0, 0, 0, time.UTC)

// clock can be moved on; certificates and answers follow it.
type clock struct {
	mu    sync.Mutex
	began time.Time
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return started.Add(time.Since(c.began) + c.ahead)
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// house is a whole installation: a development CA with its responders on
// loopback, the real verifier, signer, register on disk, and the API.
type house struct {
	clock               *clock
	pki                 *testpki.PKI
	ca                  *testpki.CA
	head                *pki.Key // signs for the body with bin
	licensor            *pki.Key
	bin                 string
	centreBIN, clerkIIN string
	sandbox             *egov.Sandbox
	service             *licensing.Service
	options             api.Options
	handler             http.Handler
	tokens              map[string]string // by account id
	fee                 int64
	logs                *logBook
}

// logBook keeps what was logged.
type logBook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// accounts of the house: one for each role, and a second applicant.
var accounts = map[string]account.Role{
	"applicant": account.Applicant, "other": account.Applicant, "employee": account.Employee, "operator": account.Operator, "officer": account.Officer, "auditor": account.Auditor, "admin": account.Admin,
}

func newHouse(tb testing.TB, change func(*api.Options)) *house {
	return newHouseWith(tb, change, false)
}

// newHouseWith takes payments through the gateway where paying is true; else the portal answers for the references that it gives.
func newHouseWith(tb testing.TB, change func(*api.Options), paying bool) *house {
	tb.Helper()
	h := &house{clock: &clock{began: time.Now()}, tokens: map[string]string{}, logs: &logBook{}}
	must := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	var err error
	h.pki, err = testpki.New(testpki.Options{Now: h.clock.now, EC: true})
	must(err)
	responders := httptest.NewServer(h.pki.Handler())
	tb.Cleanup(responders.Close)
	h.pki.SetBaseURL(responders.URL)
	h.ca, err = h.pki.NewCA("")
	must(err)
	_, err = h.pki.NewTSA(h.ca)
	must(err)

	regulations, err := licensing.Embedded()
	must(err)
	day := time.Date(2011, 3, 9, 0, 0, 0, 0, time.UTC)
	h.bin, h.centreBIN = identity.NewBIN(day, 5201), identity.NewBIN(day, 5202)
	h.clerkIIN = identity.NewIIN(day.AddDate(-28, 0, 0), false, 13)
	h.licensor, err = h.ca.Issue(testpki.Leaf{Surname: "ЛИЦЕНЗИАР", CommonName: "ЛИЦЕНЗИАР ҮЛГІ", IIN: identity.NewIIN(day.AddDate(-30, 0, 0), true, 11), BIN: regulations[0].Licensor.BIN, Organization: "ЛИЦЕНЗИАР (TEST)"})
	must(err)
	h.head, err = h.ca.Issue(testpki.Leaf{Surname: "ҮЛГІБАЕВ", CommonName: "ҮЛГІБАЕВ ӘЛІ", IIN: identity.NewIIN(day.AddDate(-35, 0, 0), true, 12), BIN: h.bin, Organization: "«ҮЛГІ» ЖШС (TEST)", Roles: []pki.OID{pki.OIDRoleHead}})
	must(err)

	log := slog.New(slog.NewJSONHandler(h.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	web, err := fetch.New(fetch.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	must(err)
	lists := crl.NewSource(crl.SourceOptions{Fetch: web, Now: h.clock.now, Log: log})
	judge := verifier.New(verifier.Options{Now: h.clock.now, Lists: lists, Web: web, Log: log})
	question := func() verifier.Question {
		return verifier.Question{Anchors: []trust.Anchor{trust.AnchorOf(h.pki.Root().Certificate)}, Certs: []*pki.Certificate{h.ca.Certificate}, Purpose: verifier.PurposeSign}
	}
	stamper := &timestamp.Client{URL: responders.URL + "/tsp", HTTP: web}
	gateway := h.gateway(tb, judge, question)
	ring, err := signer.NewRing(h.licensor)
	must(err)
	key, err := signer.New(signer.Options{Keys: ring, Stamper: stamper, Judge: keyJudge{judge, h.pki}, Checker: judge, Now: h.clock.now})
	must(err)
	db, err := store.Open(context.Background(), store.Options{Database: filepath.Join(tb.TempDir(), "register.db")})
	must(err)
	tb.Cleanup(func() { db.Close() })
	calendar, err := licensing.EmbeddedCalendar()
	must(err)
	workflow := licensing.Options{
		Regulations: regulations, Store: db, Judge: judge, Question: question, Signer: key, Stamper: stamper,
		Authorities: []licensing.Authority{{Officer: "officer", Name: "ҚЫЗМЕТКЕР", Position: phrase.Text{KK: "Басшы", RU: "Руководитель", EN: "Head"},
			Licensor: regulations[0].Licensor.BIN, Certificate: h.licensor.Certificate.SHA256Hex(), From: started.Add(-time.Hour)}},
		Registers: gateway, Calendar: calendar, AcceptRepealed: true, Demo: true, LicenceCode: "ZZZ",
		VerifyURL: func(number string) string { return "http://localhost/v/" + number }, Now: h.clock.now, Rand: rand.Reader, Log: log,
	}
	if paying {
		workflow.Payments, workflow.Notices = gateway, true
	}
	secret, _, err := note.GenerateKey(rand.Reader, "test.example/log")
	must(err)
	workflow.LogKey, err = note.NewSigner(secret)
	must(err)
	h.service, err = licensing.New(workflow)
	must(err)
	h.fee, err = h.service.Fee("passenger-transport", "issue")
	must(err)

	var list []account.Account
	for id, role := range accounts {
		token, digest, err := account.NewToken()
		must(err)
		h.tokens[id] = token
		a := account.Account{ID: id, Name: "Test " + id, Roles: []account.Role{role}, TokenSHA256: digest}
		switch role {
		case account.Employee:
			a.IIN, a.BIN = h.clerkIIN, regulations[0].Licensor.BIN
		case account.Operator:
			a.IIN, a.BIN = h.clerkIIN, h.centreBIN
		}
		list = append(list, a)
	}
	book, err := account.NewBook(list)
	must(err)
	desk, err := account.NewDesk(account.Options{Store: db.Accounts(), Judge: judge, Question: question, Site: "http://localhost", Now: h.clock.now, Log: log,
		Hash: &argon2id.Params{Memory: 8, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}})
	must(err)
	o := api.Options{Desk: desk, Verifier: judge, Question: question, Service: h.service, Accounts: book, Lists: lists, RatePerMinute: 1_000_000, Now: h.clock.now, Log: log, Version: "test"}
	if paying {
		o.Payments = gateway
	}
	if change != nil {
		change(&o)
	}
	h.options = o
	h.handler, err = api.Handler(o)
	must(err)
	return h
}

// ask is one request to the API.
type ask struct {
	method, path, account, contentType string
	header                             map[string]string
	body                               any // []byte and string go as they are, anything else as JSON
}

func (h *house) do(tb testing.TB, a ask) *httptest.ResponseRecorder {
	tb.Helper()
	var body io.Reader = http.NoBody
	kind := a.contentType
	switch b := a.body.(type) {
	case nil:
	case []byte:
		body = bytes.NewReader(b)
	case string:
		body = strings.NewReader(b)
	default:
		encoded, err := json.Marshal(b)
		if err != nil {
			tb.Fatal(err)
		}
		body = bytes.NewReader(encoded)
	}
	if a.method == "" {
		a.method = http.MethodGet
		if a.body != nil {
			a.method = http.MethodPost
		}
	}
	if kind == "" && a.body != nil {
		kind = "application/json"
	}
	r := httptest.NewRequest(a.method, a.path, body)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	if a.account != "" {
		r.Header.Set("Authorization", "Bearer "+h.tokens[a.account])
	}
	for name, value := range a.header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	return w
}

// get decodes a 2xx answer.
func (h *house) get(tb testing.TB, a ask, into any) *httptest.ResponseRecorder {
	tb.Helper()
	w := h.do(tb, a)
	if w.Code/100 != 2 {
		tb.Fatalf("%s %s: %d %s", a.method, a.path, w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
		tb.Fatalf("%s: %v in %s", a.path, err, w.Body)
	}
	return w
}

// problem is a problem document as a client reads it.
type problem struct {
	Type, Title, Detail, Code, Field, RequestID string
	Status                                      int
	Message                                     *licensing.Message
}

// refused asks and expects a problem with this status and code.
func (h *house) refused(tb testing.TB, a ask, status int, code string) problem {
	tb.Helper()
	w := h.do(tb, a)
	var p problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		tb.Fatalf("%s %s: %d %q is no problem document", a.method, a.path, w.Code, w.Body)
	}
	if w.Code != status || p.Code != code || p.Status != status || p.Type != "/problems/"+code || p.Title == "" ||
		w.Header().Get("Content-Type") != "application/problem+json" || p.RequestID != w.Header().Get("X-Request-Id") {
		tb.Fatalf("%s %s: got %d %s, want %d %s", a.method, a.path, w.Code, w.Body, status, code)
	}
	return p
}

// png is the smallest picture: one white point.
var png = []byte("\x89PNG\r\n\x1a\n" +
	"\x00\x00\x00\x0d\x49\x48\x44\x52\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00\x3a\x7e\x9b\x55" +
	"\x00\x00\x00\x0a\x49\x44\x41\x54\x78\x9c\x63\xf8\x0f\x00\x01\x01\x01\x00\xb1\x38\xf6\x14" +
	"\x00\x00\x00\x00IEND\xaeB`\x82")

func (h *house) newApplication() licensing.NewApplication {
	return licensing.NewApplication{
		Service: "passenger-transport", Operation: "issue", Lang: phrase.KK,
		Applicant: licensing.Applicant{Kind: licensing.LegalEntity, BIN: h.bin, Name: "«Үлгі» ЖШС (TEST)", Address: "Астана қ., Үлгі к-сі, 1"},
		Fields: json.RawMessage(`{"subtypes":["irregular-inter-oblast"],"vehicles":[{"make":"Қаз-Автобус 12","year":2024,"plate":"001 TST 01"}],` +
			`"consent":true,"registrationDocument":"TEST-1","registrationDate":"2011-03-09","head":"ҮЛГІБАЕВ ӘЛІ"}`),
		Attachments: []licensing.NewAttachment{{Document: "qualification", Name: "біліктілік.png", Type: "image/png", Content: png}},
		Payment:     licensing.Payment{Reference: "TEST-0001", Amount: h.fee},
	}
}

// sign makes the applicant's detached signature over a package.
func (h *house) sign(tb testing.TB, pkg []byte) []byte {
	tb.Helper()
	signature, err := cms.Sign(context.Background(), cms.SignOptions{Content: pkg, Detached: true, Key: h.head.Signer, Certificate: h.head.Certificate, Chain: h.head.Chain, SigningTime: h.clock.now()})
	if err != nil {
		tb.Fatal(err)
	}
	return signature
}

type submission struct {
	Application licensing.Application
	Verdict     report
	Message     licensing.Message
	RetryAfter  *time.Time
	Receipt     []byte
}

type report struct {
	Format, Indication string
	SubIndication      *string
	Findings           []struct{ Key, Outcome, Detail string }
	Signatures         []struct {
		Indication string
		Findings   []struct{ Key, Outcome, Detail string }
	}
	Time struct{ Value, Source string }
}

func (r report) verdict() string {
	if r.SubIndication == nil {
		return r.Indication
	}
	return r.Indication + "/" + *r.SubIndication
}

// draft files an application.
func (h *house) draft(tb testing.TB) licensing.Application {
	tb.Helper()
	var app licensing.Application
	h.get(tb, ask{path: "/v1/applications", account: "applicant", body: h.newApplication()}, &app)
	return app
}

// register files, signs and registers an application.
func (h *house) register(tb testing.TB) licensing.Application {
	tb.Helper()
	app := h.draft(tb)
	var sub submission
	h.get(tb, ask{path: "/v1/applications/" + app.ID + "/signature", account: "applicant", body: map[string][]byte{"signature": h.sign(tb, app.Package)}}, &sub)
	if sub.Verdict.verdict() != "TOTAL-PASSED" || sub.Application.Status != licensing.Registered {
		tb.Fatalf("not registered: %s, %s %s\n%s", sub.Verdict.verdict(), sub.Message.Code, sub.Message.Text.EN, h.logs)
	}
	return sub.Application
}

var approval = licensing.Decision{Approve: true, Checklist: map[string]bool{"documents-match": true, "grounds": true}}

// issue goes the whole way to a licence.
func (h *house) issue(tb testing.TB) licensing.Application {
	tb.Helper()
	app := h.register(tb)
	var decided licensing.Application
	h.get(tb, ask{path: "/v1/applications/" + app.ID + "/decision", account: "officer", body: approval}, &decided)
	return decided
}

// request is one to /v1/signatures/verify whose length nobody knows.
func request(tb testing.TB, body io.Reader) *http.Request {
	tb.Helper()
	r := httptest.NewRequest(http.MethodPost, "/v1/signatures/verify", body)
	r.Header.Set("Content-Type", "application/json")
	r.ContentLength = -1
	return r
}

func record(h *house, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	return w
}

func sha256Sum(data []byte) []byte {
	sum := sha256.Sum256(data)
	return sum[:]
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
