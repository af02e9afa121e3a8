// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"bytes"
	"context"
	"io"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"rastau/crl"
	"rastau/internal/cms"
	"rastau/internal/fetch"
	"rastau/internal/identity"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/internal/trust"
	"rastau/verifier"
)

// house is a whole PKI with its servers, and a verifier in front of it.
type house struct {
	pki *testpki.PKI
	ca  *testpki.CA
	v   *verifier.Verifier
	o   verifier.Options

	mu  sync.Mutex
	now time.Time
}

// day0 is where the tests' clock starts.
var day0 = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

var (
	iin = identity.NewIIN(time.Date(1988, 4, 12, 0, 0, 0, 0, time.UTC), true, 4321)
	bin = identity.NewBIN(time.Date(2015, 9, 1, 0, 0, 0, 0, time.UTC), 4321)
)

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{now: day0}
	var err error
	if h.pki, err = testpki.New(testpki.Options{Now: h.clock, EC: true, GOST: national(t)}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h.pki.Handler())
	t.Cleanup(server.Close)
	h.pki.SetBaseURL(server.URL)
	if h.ca, err = h.pki.NewCA(""); err != nil {
		t.Fatal(err)
	}
	if _, err = h.pki.NewTSA(h.ca); err != nil {
		t.Fatal(err)
	}
	web, err := fetch.New(fetch.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	h.o = verifier.Options{
		Now:   h.clock,
		Web:   web,
		Lists: crl.NewSource(crl.SourceOptions{Fetch: web, Now: h.clock, Refresh: time.Minute}),
	}
	h.v = verifier.New(h.o)
	return h
}

// fetching is the same verifier, allowed to fetch missing issuers.
func (h *house) fetching() *verifier.Verifier {
	o := h.o
	o.FetchIssuers = true
	return verifier.New(o)
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func (h *house) trust() []trust.Anchor {
	return []trust.Anchor{trust.AnchorOf(h.pki.Root().Certificate)}
}

// ask is the ordinary question: now, to this house's root, over the network.
func (h *house) ask() verifier.Question { return verifier.Question{Anchors: h.trust()} }

func (h *house) person(t testing.TB, change ...func(*testpki.Leaf)) *pki.Key {
	t.Helper()
	l := testpki.Leaf{IIN: iin, BIN: bin, Organization: "Сынақ ЖШС"}
	for _, c := range change {
		c(&l)
	}
	k, err := h.ca.Issue(l)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var statement = []byte("Өтініш: лицензия беруді сұраймын.")

func sign(t testing.TB, k *pki.Key, change ...func(*cms.SignOptions)) []byte {
	t.Helper()
	o := cms.SignOptions{Content: statement, Key: k.Signer, Certificate: k.Certificate, Chain: k.Chain, SigningTime: day0}
	for _, c := range change {
		c(&o)
	}
	der, err := cms.Sign(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// stamped asks the house's TSA for a token of a stated time.
func (h *house) stamped(at time.Time) func(*cms.SignOptions) {
	return func(o *cms.SignOptions) {
		o.Stamp = func(_ context.Context, signature []byte) ([]byte, error) { return h.pki.TimestampToken(signature, at) }
	}
}

func detached(o *cms.SignOptions) { o.Detached = true }

func list(t testing.TB, ca *testpki.CA, o testpki.CRLOptions) *crl.List {
	t.Helper()
	der, err := ca.CRL(o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := crl.Parse(der, crl.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func answer(t testing.TB, ca *testpki.CA, c *pki.Certificate, o testpki.OCSPOptions) []byte {
	t.Helper()
	der, err := ca.OCSP(c, o)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// reader gives content as often as it is asked for.
func reader(content []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
}
