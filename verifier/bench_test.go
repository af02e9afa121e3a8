// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/digitorus/pkcs7"

	"rastau/crl"
	"rastau/internal/cms"
	"rastau/internal/fetch"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/internal/trust"
	"rastau/verifier"
)

// BenchmarkDocument judges an attached CMS message of 2 KB with signed attributes and
// two certificates, RSA of 2048 bits, revocation by lists that are at hand. Only ratios
// within one run count: every subject takes its turn in every round, and the medians
// of the rounds are compared.
//
// A floor is the cryptography that no verdict can do without: the digests of content and
// signed attributes and the verification of the value; for a signer never seen the digest
// of the certificate and the verification of its authority's signature upon it, too. It is
// done with the fastest verification there is here, which is the product's own; beside it
// stands the same with crypto/rsa.
//
//	proven/floor       a signer whose path is already proven
//	new/floor-new      a signer never seen, of an authority that has been
//	digitorus/proven   pkcs7 with chain over the same message
func BenchmarkDocument(b *testing.B) {
	h := newRSAHouse(b)
	known := h.message(b)
	leaf := h.leaf
	x := native(b, leaf.Certificate)
	ca, root := native(b, h.ca.Certificate), native(b, h.pki.Root().Certificate)
	roots := x509.NewCertPool()
	roots.AddCert(root)
	sd, err := cms.Parse(known, cms.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	attributes := bytes.Repeat([]byte{1}, 250) // as long as those that are signed
	sum := sha256.Sum256(attributes)
	value, err := rsa.SignPKCS1v15(nil, leaf.Signer.(*rsa.PrivateKey), crypto.SHA256, sum[:])
	if err != nil {
		b.Fatal(err)
	}
	verify := func(key *pki.PublicKey, signed, value []byte) {
		sum := sha256.Sum256(signed)
		if err := key.VerifyDigest(leaf.Certificate.Algorithm, pki.OIDSHA256, sum[:], value); err != nil {
			b.Fatal(err)
		}
	}
	std := func(c *x509.Certificate, signed, value []byte) {
		sum := sha256.Sum256(signed)
		if err := rsa.VerifyPKCS1v15(c.PublicKey.(*rsa.PublicKey), crypto.SHA256, sum[:], value); err != nil {
			b.Fatal(err)
		}
	}
	unseen := leaf.Certificate.PublicKey
	judge := func(v *verifier.Verifier, der []byte) {
		if r := v.Document(b.Context(), der, h.question()); r.Indication != passed {
			b.Fatal(r.Indication, r.SubIndication, r.Deciding())
		}
	}
	proven := verifier.New(h.o)
	judge(proven, known)
	// Signers come to a verifier that has seen their authority, none of them twice.
	other := h.message(b)
	var unknown [][]byte
	for range 16 {
		unknown = append(unknown, h.message(b))
	}
	fresh, turn := verifier.New(h.o), 0
	measure(b, []subject{
		{"floor", nil, func() {
			sha256.Sum256(sd.Content)
			verify(&leaf.Certificate.PublicKey, attributes, value)
		}},
		{"floor-std", nil, func() {
			sha256.Sum256(sd.Content)
			std(x, attributes, value)
		}},
		{"proven", nil, func() { judge(proven, known) }},
		{"floor-new", func() {
			if unseen, err = pki.ParsePublicKey(leaf.Certificate.PublicKey.Raw); err != nil {
				b.Fatal(err)
			}
		}, func() {
			sha256.Sum256(sd.Content)
			verify(&unseen, attributes, value)
			verify(&h.ca.Certificate.PublicKey, leaf.Certificate.RawTBS, leaf.Certificate.Signature)
		}},
		{"floor-new-std", nil, func() {
			sha256.Sum256(sd.Content)
			std(x, attributes, value)
			std(ca, x.RawTBSCertificate, x.Signature)
		}},
		{"new", func() {
			if turn++; turn%len(unknown) == 0 {
				fresh = verifier.New(h.o)
				judge(fresh, other)
			}
		}, func() { judge(fresh, unknown[turn%len(unknown)]) }},
		{"digitorus", nil, func() {
			p7, err := pkcs7.Parse(known)
			if err != nil {
				b.Fatal(err)
			}
			if err := p7.VerifyWithChainAtTime(roots, day0); err != nil {
				b.Fatal(err)
			}
		}},
	}, [][2]string{{"proven", "floor"}, {"proven", "floor-std"}, {"new", "floor-new"}, {"new", "floor-new-std"}, {"digitorus", "proven"}, {"digitorus", "new"}})
}

// subject of a comparison; before is not measured.
type subject struct {
	name        string
	before, run func()
}

// burst is how often a subject runs before the next one's turn, so that each finds the
// processor's caches as a busy service leaves them.
const burst = 16

// measure lets the subjects take turns, and reports each one's median in µs and the
// ratios of medians asked for.
func measure(b *testing.B, subjects []subject, ratios [][2]string) {
	b.Helper()
	// A service holds its lists in memory, and so collects its garbage once in as many
	// bytes; in an empty process every second message would meet the collector at work.
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
	}
	for _, r := range ratios {
		b.ReportMetric(median(r[0])/median(r[1]), r[0]+"/"+r[1])
	}
	b.ReportMetric(0, "ns/op") // a round is no operation
}

// rsaHouse is a PKI of RSA keys whose lists are at hand.
type rsaHouse struct {
	pki  *testpki.PKI
	ca   *testpki.CA
	leaf *pki.Key
	o    verifier.Options
}

func newRSAHouse(b testing.TB) *rsaHouse {
	b.Helper()
	clock := func() time.Time { return day0 }
	h := &rsaHouse{}
	var err error
	if h.pki, err = testpki.New(testpki.Options{Now: clock}); err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(h.pki.Handler())
	b.Cleanup(server.Close)
	h.pki.SetBaseURL(server.URL)
	if h.ca, err = h.pki.NewCA(""); err != nil {
		b.Fatal(err)
	}
	web, err := fetch.New(fetch.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Timeout: 5 * time.Second})
	if err != nil {
		b.Fatal(err)
	}
	h.o = verifier.Options{Now: clock, Lists: crl.NewSource(crl.SourceOptions{Fetch: web, Now: clock})}
	return h
}

func (h *rsaHouse) question() verifier.Question {
	return verifier.Question{Anchors: []trust.Anchor{trust.AnchorOf(h.pki.Root().Certificate)}}
}

// message is signed by a new person; h.leaf is the last.
func (h *rsaHouse) message(b testing.TB) []byte {
	b.Helper()
	var err error
	if h.leaf, err = h.ca.Issue(testpki.Leaf{Surname: "ҮЛГІБАЕВ", CommonName: "ҮЛГІБАЕВ ӘЛІ", IIN: iin}); err != nil {
		b.Fatal(err)
	}
	der, err := cms.Sign(b.Context(), cms.SignOptions{Content: bytes.Repeat([]byte("statement "), 200), Key: h.leaf.Signer, Certificate: h.leaf.Certificate,
		Chain: []*pki.Certificate{h.ca.Certificate}, SigningTime: day0})
	if err != nil {
		b.Fatal(err)
	}
	return der
}

// BenchmarkProven is one judgement of a signer whose path is already proven, for profiles.
func BenchmarkProven(b *testing.B) {
	h := newRSAHouse(b)
	der, v := h.message(b), verifier.New(h.o)
	b.ReportAllocs()
	for b.Loop() {
		if r := v.Document(b.Context(), der, h.question()); r.Indication != passed {
			b.Fatal(r.Indication, r.SubIndication, r.Deciding())
		}
	}
}

// BenchmarkNew is one judgement of a signer never seen, of an authority that has been, for
// profiles: the first of every round, which sees the authority, is not measured.
func BenchmarkNew(b *testing.B) {
	h := newRSAHouse(b)
	var messages [][]byte
	for range 33 {
		messages = append(messages, h.message(b))
	}
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		v := verifier.New(h.o)
		v.Document(b.Context(), messages[0], h.question())
		b.StartTimer()
		for _, der := range messages[1:] {
			if r := v.Document(b.Context(), der, h.question()); r.Indication != passed {
				b.Fatal(r.Indication, r.SubIndication, r.Deciding())
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*32), "ns/signer")
}
