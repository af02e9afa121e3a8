// SPDX-License-Identifier: Apache-2.0

package egov_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"rastau/crl"
	"rastau/internal/egov"
	"rastau/internal/fetch"
	"rastau/internal/identity"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/internal/trust"
	"rastau/licensing"
	"rastau/signer"
	"rastau/verifier"
)

// sides are both ends of the wire: real keys, real judgement, a real server.
type sides struct {
	gateway *egov.Gateway
	sandbox *egov.Sandbox
	server  *httptest.Server
	ours    *egov.CMS // of the licensing system
	theirs  *egov.CMS // of the gateway
	ca      *testpki.CA

	mu   sync.Mutex
	kept []egov.Exchange
	lost error    // what Keep answers
	told []string // the traceparent of each question; "" where it had none
}

var (
	licensorBIN = identity.NewBIN(time.Date(2011, 2, 1, 0, 0, 0, 0, time.UTC), 11)
	gatewayBIN  = identity.NewBIN(time.Date(2012, 3, 1, 0, 0, 0, 0, time.UTC), 12)
	strangerBIN = identity.NewBIN(time.Date(2013, 4, 1, 0, 0, 0, 0, time.UTC), 13)
	somebody    = licensing.Person{IIN: identity.NewIIN(time.Date(1990, 5, 6, 0, 0, 0, 0, time.UTC), true, 91), Name: "ӘЛІБЕКОВА ҚЫЗҒАЛДАҚ", Address: "Астана қ."}
	somewhere   = licensing.Body{BIN: identity.NewBIN(time.Date(2014, 5, 1, 0, 0, 0, 0, time.UTC), 14), Name: "«ҮЛГІ» ЖШС", Head: somebody.IIN}
)

func newSides(t *testing.T) *sides {
	t.Helper()
	p, err := testpki.New(testpki.Options{Now: time.Now, EC: true})
	must(t, err)
	authority := httptest.NewServer(p.Handler())
	t.Cleanup(authority.Close)
	p.SetBaseURL(authority.URL)
	ca, err := p.NewCA("")
	must(t, err)
	web, err := fetch.New(fetch.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Timeout: 5 * time.Second})
	must(t, err)
	v := verifier.New(verifier.Options{Now: time.Now, Web: web, Lists: crl.NewSource(crl.SourceOptions{Fetch: web, Now: time.Now})})
	question := func() verifier.Question {
		return verifier.Question{Anchors: []trust.Anchor{trust.AnchorOf(p.Root().Certificate)}}
	}
	s := &sides{ca: ca}
	envelope := func(bin, peer string) *egov.CMS {
		key, err := ca.Issue(testpki.Leaf{CommonName: "SYSTEM " + bin, BIN: bin, Organization: "SYSTEM"})
		must(t, err)
		sg := signerOf(t, key, v, question)
		return &egov.CMS{Signer: sg, Judge: v, Question: question, Peer: peer}
	}
	s.ours, s.theirs = envelope(licensorBIN, gatewayBIN), envelope(gatewayBIN, licensorBIN)
	mux := http.NewServeMux()
	s.server = httptest.NewServer(mux)
	t.Cleanup(s.server.Close)
	s.sandbox, err = egov.NewSandbox(egov.SandboxOptions{Envelope: s.theirs, Base: s.server.URL, Now: time.Now})
	must(t, err)
	answers := s.sandbox.Handler()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.told = append(s.told, r.Header.Get("Traceparent"))
		s.mu.Unlock()
		answers.ServeHTTP(w, r)
	})
	s.sandbox.AddPerson(somebody)
	s.sandbox.AddBody(somewhere)
	s.gateway = s.open(t, s.ours)
	return s
}

func (s *sides) open(t *testing.T, e egov.Envelope) *egov.Gateway {
	t.Helper()
	g, err := egov.New(egov.Options{URL: s.server.URL, Envelope: e, Now: time.Now, Timeout: 2 * time.Second,
		Keep: func(_ context.Context, x egov.Exchange) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.kept = append(s.kept, x)
			return s.lost
		}})
	must(t, err)
	return g
}

// keyJudge judges a system's certificate before it signs.
type keyJudge struct {
	*verifier.Verifier
	question func() verifier.Question
}

func (j keyJudge) JudgeKey(ctx context.Context, k *pki.Key) error {
	q := j.question()
	q.Certs = k.Chain
	if r := j.Certificate(ctx, k.Certificate, q); r.Indication != verifier.TotalPassed {
		return errors.New(string(r.SubIndication))
	}
	return nil
}

func signerOf(t *testing.T, key *pki.Key, v *verifier.Verifier, question func() verifier.Question) *signer.Signer {
	t.Helper()
	ring, err := signer.NewRing(key)
	must(t, err)
	s, err := signer.New(signer.Options{Keys: ring, Judge: keyJudge{v, question}, Checker: v, Now: time.Now})
	must(t, err)
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestRegisters: what the registers have comes back, what they have not is told apart from not being able to ask.
func TestRegisters(t *testing.T) {
	s := newSides(t)
	p, err := s.gateway.Person(t.Context(), somebody.IIN)
	must(t, err)
	if *p != somebody {
		t.Errorf("got %+v", p)
	}
	b, err := s.gateway.Body(t.Context(), somewhere.BIN)
	must(t, err)
	if *b != somewhere {
		t.Errorf("got %+v", b)
	}
	if _, err := s.gateway.Person(t.Context(), somewhere.BIN); !errors.Is(err, licensing.ErrNoRecord) || errors.Is(err, egov.ErrUnavailable) {
		t.Errorf("absent: %v", err)
	}
	if len(s.kept) != 3 || len(s.kept[0].Request) == 0 || len(s.kept[0].Response) == 0 || s.kept[2].Outcome != "fault absent" {
		t.Errorf("kept %d exchanges: %+v", len(s.kept), s.kept)
	}
	// What was kept proves itself: the answer opens as the gateway's, years later too.
	if _, err := s.ours.Open(t.Context(), s.kept[0].Response, egov.TypeCMS); err != nil {
		t.Errorf("the kept answer: %v", err)
	}
}

// TestTrace: the gateway is told which trace a question belongs to where there is one, and nothing else of it.
func TestTrace(t *testing.T) {
	s := newSides(t)
	_, err := s.gateway.Person(t.Context(), somebody.IIN)
	must(t, err)
	ctx, request := sdktrace.NewTracerProvider().Tracer("").Start(t.Context(), "request")
	_, err = s.gateway.Person(ctx, somebody.IIN)
	must(t, err)
	request.End()
	if len(s.told) != 2 || s.told[0] != "" || !strings.HasPrefix(s.told[1], "00-"+request.SpanContext().TraceID().String()+"-") {
		t.Errorf("the gateway was told %q", s.told)
	}
}

// TestFaults: each fault ends in an answer that proves nothing, and passes without a restart.
func TestFaults(t *testing.T) {
	for _, mode := range []egov.FaultMode{egov.FaultDown, egov.FaultDrop, egov.FaultSlow, egov.FaultBusy, egov.FaultGarbage, egov.FaultForged, egov.FaultReplay} {
		t.Run(string(mode), func(t *testing.T) {
			s := newSides(t)
			s.sandbox.Break(egov.Persons, egov.Fault{Mode: mode, Delay: 3 * time.Second})
			p, err := s.gateway.Person(t.Context(), somebody.IIN)
			if p != nil || !errors.Is(err, egov.ErrUnavailable) || errors.Is(err, licensing.ErrNoRecord) {
				t.Errorf("answered %+v, %v", p, err)
			}
			if len(s.kept) != 1 || s.kept[0].Outcome == "answered" {
				t.Errorf("kept %+v", s.kept)
			}
			s.sandbox.Break(egov.Persons, egov.Fault{})
			if _, err := s.gateway.Person(t.Context(), somebody.IIN); err != nil {
				t.Errorf("after it was mended: %v", err)
			}
		})
	}
}

// TestOnce: a question whose answer was lost on the way is asked again and done once.
func TestOnce(t *testing.T) {
	s := newSides(t)
	notice := licensing.Notice{ID: "n-1", Channel: "email", To: "a@example.kz", Text: "Сәлем"}
	s.sandbox.Break(egov.Notices, egov.Fault{Mode: egov.FaultDrop, Times: 1})
	must(t, s.gateway.Send(t.Context(), notice))
	must(t, s.gateway.Send(t.Context(), notice))
	if inbox := s.sandbox.Inbox(); !slices.Equal(inbox, []licensing.Notice{notice}) || s.sandbox.Heard(egov.Notices) != 3 {
		t.Errorf("sent %+v, heard %d", inbox, s.sandbox.Heard(egov.Notices))
	}
	invoice := licensing.Invoice{Reference: "r-1", Amount: 500, Payer: somebody.IIN, Payee: licensorBIN, Purpose: "алым", Until: time.Now().Add(time.Hour).Format(time.RFC3339)}
	s.sandbox.Break(egov.Payments, egov.Fault{Mode: egov.FaultDrop, Times: 2})
	state, err := s.gateway.Open(t.Context(), invoice)
	must(t, err)
	if state.Paid != nil || state.Amount != 500 || !strings.HasSuffix(state.Address, "/sandbox/pay/r-1") {
		t.Errorf("opened %+v", state)
	}
	resp, err := http.Post(state.Address, "", nil)
	must(t, err)
	resp.Body.Close()
	state, err = s.gateway.State(t.Context(), "r-1")
	must(t, err)
	if state.Paid == nil || state.Receipt == "" {
		t.Errorf("after paying: %+v", state)
	}
	invoice.Amount = 1
	if _, err := s.gateway.Open(t.Context(), invoice); !errors.Is(err, egov.ErrRefused) {
		t.Errorf("another amount under the same reference: %v", err)
	}
	if _, err := s.gateway.State(t.Context(), "nothing"); !errors.Is(err, licensing.ErrNoRecord) {
		t.Errorf("no payment: %v", err)
	}
	late := licensing.Invoice{Reference: "r-2", Amount: 500, Until: time.Now().Add(-time.Second).Format(time.RFC3339)}
	_, err = s.gateway.Open(t.Context(), late)
	must(t, err)
	if err := s.sandbox.Pay(t.Context(), "r-2"); err == nil {
		t.Error("an invoice that ended was paid")
	}
}

// TestStrangers: nobody but the gateway is believed, and the gateway believes nobody but us.
func TestStrangers(t *testing.T) {
	s := newSides(t)
	key, err := s.ca.Issue(testpki.Leaf{CommonName: "STRANGER", BIN: strangerBIN, Organization: "STRANGER"})
	must(t, err)
	foreign := *s.ours
	foreign.Signer = signerOf(t, key, s.ours.Judge.(*verifier.Verifier), s.ours.Question)
	if _, err := s.open(t, &foreign).Person(t.Context(), somebody.IIN); !errors.Is(err, egov.ErrUnavailable) {
		t.Errorf("a stranger asks: %v", err)
	}
	other := *s.ours
	other.Peer = strangerBIN
	if _, err := s.open(t, &other).Person(t.Context(), somebody.IIN); !errors.Is(err, egov.ErrUnavailable) || !strings.Contains(err.Error(), "holder.bin") {
		t.Errorf("a stranger answers: %v", err)
	}
	// A message of ours sent back to us is no message of the gateway's.
	echo, kind, err := s.ours.Seal(t.Context(), []byte(`{"id":"x","system":"payments","action":"paid","at":"`+time.Now().UTC().Format(time.RFC3339)+`","body":{"reference":"r"}}`))
	must(t, err)
	if _, err := s.gateway.Paid(t.Context(), echo, kind); err == nil {
		t.Error("our own message was taken for the gateway's")
	}
	for name, sealed := range map[string][]byte{"nothing": nil, "text": []byte("{}"), "long": make([]byte, 2<<20)} {
		if _, err := s.gateway.Paid(t.Context(), sealed, egov.TypeCMS); err == nil {
			t.Errorf("%s was taken for a message", name)
		}
	}
}

// TestPaid: the gateway's word of a payment, an old one, one about something else.
func TestPaid(t *testing.T) {
	s := newSides(t)
	at := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339) }
	for name, c := range map[string]struct {
		message string
		good    bool
	}{
		"good":      {`{"id":"a","system":"payments","action":"paid","at":"` + at(0) + `","body":{"reference":"r-1","amount":5,"paid":"2026-01-02T03:04:05Z"}}`, true},
		"old":       {`{"id":"a","system":"payments","action":"paid","at":"` + at(-time.Hour) + `","body":{"reference":"r-1"}}`, false},
		"of later":  {`{"id":"a","system":"payments","action":"paid","at":"` + at(time.Hour) + `","body":{"reference":"r-1"}}`, false},
		"no time":   {`{"id":"a","system":"payments","action":"paid","body":{"reference":"r-1"}}`, false},
		"other":     {`{"id":"a","system":"notices","action":"paid","at":"` + at(0) + `","body":{"reference":"r-1"}}`, false},
		"unopened":  {`{"id":"a","system":"payments","action":"state","at":"` + at(0) + `","body":{"reference":"r-1"}}`, false},
		"no object": {`[]`, false},
	} {
		t.Run(name, func(t *testing.T) {
			sealed, kind, err := s.theirs.Seal(t.Context(), []byte(c.message))
			must(t, err)
			state, err := s.gateway.Paid(t.Context(), sealed, kind)
			if (err == nil) != c.good || c.good && (state.Reference != "r-1" || state.Amount != 5 || state.Paid == nil) {
				t.Errorf("got %+v, %v", state, err)
			}
		})
	}
}

// TestBreaker: a system that is down is left alone for a while, and the others are asked all the same.
func TestBreaker(t *testing.T) {
	s := newSides(t)
	s.sandbox.Break(egov.Persons, egov.Fault{Mode: egov.FaultGarbage})
	for range 8 {
		if _, err := s.gateway.Person(t.Context(), somebody.IIN); !errors.Is(err, egov.ErrUnavailable) {
			t.Fatal(err)
		}
	}
	if heard := s.sandbox.Heard(egov.Persons); heard != 5 || s.gateway.Health()[egov.Persons] != "open" {
		t.Errorf("asked %d times, breaker %s", heard, s.gateway.Health()[egov.Persons])
	}
	if _, err := s.gateway.Body(t.Context(), somewhere.BIN); err != nil {
		t.Errorf("another system: %v", err)
	}
}

// TestKeepOrNothing: an answer that cannot be kept does not count.
func TestKeepOrNothing(t *testing.T) {
	s := newSides(t)
	s.lost = errors.New("the disk is full")
	if _, err := s.gateway.Person(t.Context(), somebody.IIN); !errors.Is(err, egov.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.lost = nil
	if _, err := s.gateway.Person(ctx, somebody.IIN); err == nil {
		t.Error("a question that was broken off was answered")
	}
}

// TestOptions: nothing required may be missing.
func TestOptions(t *testing.T) {
	good := egov.Options{URL: "http://127.0.0.1:1", Envelope: &egov.CMS{}, Now: time.Now, Keep: func(context.Context, egov.Exchange) error { return nil }}
	if _, err := egov.New(good); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*egov.Options){
		"address": func(o *egov.Options) { o.URL = "" }, "scheme": func(o *egov.Options) { o.URL = "ftp://x" },
		"envelope": func(o *egov.Options) { o.Envelope = nil }, "keep": func(o *egov.Options) { o.Keep = nil }, "now": func(o *egov.Options) { o.Now = nil },
	} {
		o := good
		change(&o)
		if _, err := egov.New(o); err == nil {
			t.Errorf("without %s", name)
		}
	}
	if _, err := egov.NewSandbox(egov.SandboxOptions{}); err == nil {
		t.Error("a sandbox of nothing")
	}
}
