// SPDX-License-Identifier: Apache-2.0

package ocsp_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
	xocsp "golang.org/x/crypto/ocsp"

	"rastau/internal/ocsp"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/internal/trust"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// scene is an authority, another beside it, and a leaf that is asked about.
type scene struct {
	*testpki.PKI
	ca, other *testpki.CA
	leaf      *pki.Key
}

func newScene(t testing.TB) scene {
	t.Helper()
	p, err := testpki.New(testpki.Options{Now: func() time.Time { return noon }, EC: true, GOST: national(t)})
	if err != nil {
		t.Fatal(err)
	}
	s := scene{PKI: p}
	if s.ca, err = p.NewCA(""); err != nil {
		t.Fatal(err)
	}
	if s.other, err = p.NewCA("БАСҚА ОРТАЛЫҚ DEMO"); err != nil {
		t.Fatal(err)
	}
	s.leaf = s.issue(t, s.ca, testpki.Leaf{})
	return s
}

func (s scene) issue(t testing.TB, ca *testpki.CA, l testpki.Leaf) *pki.Key {
	t.Helper()
	k, err := ca.Issue(l)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (s scene) answer(t testing.TB, o testpki.OCSPOptions) []byte {
	t.Helper()
	der, err := s.ca.OCSP(s.leaf.Certificate, o)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func (s scene) query() ocsp.Query {
	return ocsp.Query{Certificate: s.leaf.Certificate, Issuer: trust.AnchorOf(s.ca.Certificate), At: noon}
}

func der(t testing.TB, build func(*cryptobyte.Builder)) []byte {
	t.Helper()
	var b cryptobyte.Builder
	build(&b)
	out, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func generalized(t testing.TB, at time.Time) []byte {
	return der(t, func(b *cryptobyte.Builder) { b.AddASN1GeneralizedTime(at) })
}

// certHash is the Common PKI extension over a certificate's bytes.
func certHash(t testing.TB, raw []byte) []byte {
	sum := sha256.Sum256(raw)
	return der(t, func(b *cryptobyte.Builder) {
		b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) { pki.AddOID(b, pki.OIDSHA256) })
			b.AddASN1OctetString(sum[:])
		})
	})
}

// Who may answer, about what, and when.
func TestJudge(t *testing.T) {
	s := newScene(t)
	ordinary := s.issue(t, s.ca, testpki.Leaf{})
	delegate := func(ca *testpki.CA, l testpki.Leaf) *pki.Key {
		l.CommonName, l.OCSPSigning = "OCSP DEMO", true
		if l.NotBefore.IsZero() {
			l.NotBefore, l.NotAfter = noon.AddDate(0, -1, 0), noon.AddDate(0, 1, 0)
		}
		return s.issue(t, ca, l)
	}
	plain := delegate(s.ca, testpki.Leaf{}) // without nocheck
	foreign := delegate(s.other, testpki.Leaf{NoCheck: true})
	above := delegate(s.Root(), testpki.Leaf{NoCheck: true})
	impostor := &pki.Key{Signer: ordinary.Signer, Certificate: plain.Certificate}
	asCA := &pki.Key{Signer: s.other.Key, Certificate: s.ca.Certificate}
	expired := delegate(s.ca, testpki.Leaf{NoCheck: true, NotBefore: noon.AddDate(-1, 0, 0), NotAfter: noon.AddDate(0, 0, -1)})
	future := delegate(s.ca, testpki.Leaf{NoCheck: true, NotBefore: noon.Add(time.Hour), NotAfter: noon.AddDate(1, 0, 0)})
	anyPurpose := delegate(s.ca, testpki.Leaf{ExtKeyUsage: []pki.OID{pki.OIDAnyExtKeyUsage}})
	noSigning := delegate(s.ca, testpki.Leaf{KeyUsage: pki.KeyEncipherment})
	odd := delegate(s.ca, testpki.Leaf{Critical: []pki.OID{"1.2.3.4"}})
	nonce, stranger := bytes.Repeat([]byte{7}, 32), bytes.Repeat([]byte{8}, 32)
	request := func(cert *pki.Certificate, o ocsp.RequestOptions) []byte {
		out, err := ocsp.Request(cert, trust.AnchorOf(s.ca.Certificate), o)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	ext := func(o pki.OID, critical bool, value []byte) []pki.Extension {
		return []pki.Extension{{OID: o, Critical: critical, Value: value}}
	}
	const archive, hash pki.OID = "1.3.6.1.5.5.7.48.1.6", "1.3.36.8.3.13"

	for _, c := range []struct {
		name string
		o    testpki.OCSPOptions
		q    func(*ocsp.Query)
		want ocsp.Usable
		why  string                 // part of the reason, where not Yes
		also func(ocsp.Answer) bool // of a Yes
	}{
		{name: "delegate with nocheck", want: ocsp.Yes, also: func(a ocsp.Answer) bool {
			return a.Status == ocsp.StatusGood && a.Delegated && a.NoCheck && a.Responder != nil && a.Reason == -1 &&
				a.ThisUpdate.Equal(noon.Add(-time.Minute)) && a.NextUpdate.Equal(noon.Add(time.Hour)) && a.ProducedAt.Equal(noon)
		}},
		{name: "delegate named by key", o: testpki.OCSPOptions{ByKey: true}, want: ocsp.Yes, also: func(a ocsp.Answer) bool { return a.Delegated }},
		{name: "delegate without nocheck", o: testpki.OCSPOptions{Signer: plain}, want: ocsp.Yes, also: func(a ocsp.Answer) bool {
			return a.Delegated && !a.NoCheck && bytes.Equal(a.Responder.Raw, plain.Certificate.Raw)
		}},
		{name: "the authority itself", o: testpki.OCSPOptions{ByCA: true}, want: ocsp.Yes, also: func(a ocsp.Answer) bool { return !a.Delegated && !a.NoCheck }},
		{name: "the authority named by key", o: testpki.OCSPOptions{ByCA: true, ByKey: true}, want: ocsp.Yes},
		{name: "an authority that is name and key alone", o: testpki.OCSPOptions{ByCA: true},
			q: func(q *ocsp.Query) { q.Issuer.Certificate = nil }, want: ocsp.Yes, also: func(a ocsp.Answer) bool { return a.Responder == nil }},
		{name: "SHA-1 certificate id", o: testpki.OCSPOptions{SHA1: true}, want: ocsp.Yes},

		// x/crypto/ocsp accepts these three.
		{name: "ordinary certificate of the same authority", o: testpki.OCSPOptions{Signer: ordinary}, want: ocsp.No, why: "OCSPSigning"},
		{name: "stale by a year", o: testpki.OCSPOptions{ThisUpdate: noon.AddDate(-1, 0, -1), NextUpdate: noon.AddDate(-1, 0, 0), ProducedAt: noon}, want: ocsp.No, why: "stale"},
		{name: "another issuer's certificate with the same serial", o: testpki.OCSPOptions{WrongIssuer: s.other}, want: ocsp.No, why: "another issuer"},

		{name: "delegate of another authority", o: testpki.OCSPOptions{Signer: foreign}, want: ocsp.No, why: "not issued by the authority"},
		{name: "delegate of the authority above", o: testpki.OCSPOptions{Signer: above}, want: ocsp.No, why: "not issued by the authority"},
		{name: "delegate's name, another's key", o: testpki.OCSPOptions{Signer: impostor}, want: ocsp.No, why: "does not verify"},
		{name: "authority's name, another's key", o: testpki.OCSPOptions{Signer: asCA}, want: ocsp.No, why: "does not verify"},
		{name: "delegate expired", o: testpki.OCSPOptions{Signer: expired}, want: ocsp.No, why: "not valid"},
		{name: "delegate of tomorrow", o: testpki.OCSPOptions{Signer: future}, want: ocsp.No, why: "not valid"},
		{name: "delegate for any purpose", o: testpki.OCSPOptions{Signer: anyPurpose}, want: ocsp.No, why: "OCSPSigning"},
		{name: "delegate that may not sign", o: testpki.OCSPOptions{Signer: noSigning}, want: ocsp.No, why: "key usage"},
		{name: "delegate with an unknown critical extension", o: testpki.OCSPOptions{Signer: odd}, want: ocsp.No, why: "1.2.3.4"},
		{name: "delegate's certificate missing", o: testpki.OCSPOptions{Signer: plain, NoCertificate: true}, want: ocsp.Undecided, why: "not at hand"},
		{name: "delegate's certificate given", o: testpki.OCSPOptions{Signer: plain, NoCertificate: true},
			q: func(q *ocsp.Query) { q.Candidates = []*pki.Certificate{ordinary.Certificate, plain.Certificate} }, want: ocsp.Yes},
		{name: "configured responder", o: testpki.OCSPOptions{Signer: foreign},
			q: func(q *ocsp.Query) { q.Responders = []*pki.Certificate{foreign.Certificate} }, want: ocsp.Yes,
			also: func(a ocsp.Answer) bool { return !a.Delegated && a.Responder == foreign.Certificate }},
		{name: "configured responder that did not sign", o: testpki.OCSPOptions{Signer: foreign},
			q: func(q *ocsp.Query) { q.Responders = []*pki.Certificate{above.Certificate} }, want: ocsp.No, why: "does not verify"},

		{name: "nonce echoed", o: testpki.OCSPOptions{Nonce: nonce}, q: func(q *ocsp.Query) { q.Nonce = nonce }, want: ocsp.Yes},
		{name: "nonce left out", q: func(q *ocsp.Query) { q.Nonce = nonce }, want: ocsp.Yes},
		{name: "nonce unasked for", o: testpki.OCSPOptions{Nonce: nonce}, want: ocsp.Yes},
		{name: "nonce of another request", o: testpki.OCSPOptions{Nonce: stranger}, q: func(q *ocsp.Query) { q.Nonce = nonce }, want: ocsp.No, why: "nonce"},
		{name: "nonce of the request's bytes", o: testpki.OCSPOptions{Nonce: stranger},
			q: func(q *ocsp.Query) { q.Request = request(q.Certificate, ocsp.RequestOptions{Nonce: nonce}) }, want: ocsp.No, why: "nonce"},
		{name: "request with another hash", o: testpki.OCSPOptions{Nonce: nonce},
			q: func(q *ocsp.Query) {
				q.Request = request(q.Certificate, ocsp.RequestOptions{Nonce: nonce, SHA1: true})
			}, want: ocsp.Yes},
		{name: "request about another certificate",
			q: func(q *ocsp.Query) { q.Request = request(ordinary.Certificate, ocsp.RequestOptions{}) }, want: ocsp.No, why: "did not ask"},
		{name: "request unreadable", q: func(q *ocsp.Query) { q.Request = []byte("?") }, want: ocsp.No, why: "request"},

		{name: "from tomorrow", o: testpki.OCSPOptions{ThisUpdate: noon.Add(time.Hour), NextUpdate: noon.Add(2 * time.Hour)}, want: ocsp.No, why: "after the time judged"},
		{name: "signed on demand, after the question", o: testpki.OCSPOptions{ThisUpdate: noon.Add(2 * time.Second)}, want: ocsp.Yes},
		{name: "a clock a little ahead", o: testpki.OCSPOptions{ThisUpdate: noon.Add(time.Minute)}, q: func(q *ocsp.Query) { q.Skew = time.Minute }, want: ocsp.Yes},
		{name: "a clock further ahead than allowed", o: testpki.OCSPOptions{ThisUpdate: noon.Add(61 * time.Second)}, q: func(q *ocsp.Query) { q.Skew = time.Minute }, want: ocsp.No, why: "after the time judged"},
		{name: "a second past nextUpdate", o: testpki.OCSPOptions{NextUpdate: noon.Add(-time.Second)}, want: ocsp.No, why: "stale"},
		{name: "produced later than judged", o: testpki.OCSPOptions{ProducedAt: noon.Add(time.Hour)}, want: ocsp.No, why: "produced"},
		{name: "ends before it begins", o: testpki.OCSPOptions{NextUpdate: noon.Add(-time.Hour)}, want: ocsp.No, why: "before thisUpdate"},
		{name: "older than asked for", o: testpki.OCSPOptions{ThisUpdate: noon.Add(-30 * time.Minute)}, q: func(q *ocsp.Query) { q.MaxAge = 20 * time.Minute }, want: ocsp.No, why: "older"},
		{name: "no nextUpdate, within twelve hours", o: testpki.OCSPOptions{NoNextUpdate: true, ThisUpdate: noon.Add(-12 * time.Hour), ProducedAt: noon}, want: ocsp.Yes,
			also: func(a ocsp.Answer) bool { return a.NextUpdate.IsZero() }},
		{name: "no nextUpdate, older", o: testpki.OCSPOptions{NoNextUpdate: true, ThisUpdate: noon.Add(-12*time.Hour - time.Second), ProducedAt: noon}, want: ocsp.No, why: "older than 12h"},
		{name: "no nextUpdate, older and allowed", o: testpki.OCSPOptions{NoNextUpdate: true, ThisUpdate: noon.Add(-20 * time.Hour), ProducedAt: noon},
			q: func(q *ocsp.Query) { q.MaxAge = 24 * time.Hour }, want: ocsp.Yes},
		{name: "produced before the certificate was", o: testpki.OCSPOptions{ThisUpdate: noon.Add(-2 * time.Hour)}, want: ocsp.No, why: "before the certificate's validity"},

		{name: "critical extension of the response", o: testpki.OCSPOptions{Extensions: ext("1.2.3.4", true, []byte{5, 0})}, want: ocsp.No, why: "1.2.3.4"},
		{name: "critical extension of the answer", o: testpki.OCSPOptions{SingleExtensions: ext("1.2.3.4", true, []byte{5, 0})}, want: ocsp.No, why: "1.2.3.4"},
		{name: "other extensions", o: testpki.OCSPOptions{Extensions: ext("1.2.3.4", false, nil), SingleExtensions: ext("1.2.3.4", false, nil)}, want: ocsp.Yes},
		{name: "archive cutoff", o: testpki.OCSPOptions{SingleExtensions: ext(archive, true, generalized(t, noon.AddDate(-9, 0, 0)))}, want: ocsp.Yes,
			also: func(a ocsp.Answer) bool { return a.ArchiveCutoff.Equal(noon.AddDate(-9, 0, 0)) }},
		{name: "archive cutoff unreadable", o: testpki.OCSPOptions{SingleExtensions: ext(archive, false, []byte{5, 0})}, want: ocsp.No, why: "archive cutoff"},
		{name: "digest of the certificate", o: testpki.OCSPOptions{SingleExtensions: ext(hash, true, certHash(t, s.leaf.Certificate.Raw))}, want: ocsp.Yes},
		{name: "digest of another certificate", o: testpki.OCSPOptions{SingleExtensions: ext(hash, false, certHash(t, ordinary.Certificate.Raw))}, want: ocsp.No, why: "digest"},

		{name: "revoked", o: testpki.OCSPOptions{Status: "revoked"}, want: ocsp.Yes, also: func(a ocsp.Answer) bool {
			return a.Status == ocsp.StatusRevoked && a.RevokedAt.Equal(noon.Add(-time.Hour)) && !a.NotIssued && a.Why == ""
		}},
		{name: "unknown", o: testpki.OCSPOptions{Status: "unknown"}, want: ocsp.Yes, also: func(a ocsp.Answer) bool { return a.Status == ocsp.StatusUnknown }},
		{name: "never issued", o: testpki.OCSPOptions{Status: "not-issued"}, want: ocsp.Yes, also: func(a ocsp.Answer) bool {
			return a.Status == ocsp.StatusRevoked && a.NotIssued && a.Reason == 6 && strings.Contains(a.Why, "never issued") && a.Citation != ""
		}},
		{name: "good, and revoked beside it", o: testpki.OCSPOptions{Status: "good", Also: []string{"unknown", "revoked", "good"}}, want: ocsp.Yes,
			also: func(a ocsp.Answer) bool { return a.Status == ocsp.StatusRevoked }},
		{name: "good, and unknown beside it", o: testpki.OCSPOptions{Status: "good", Also: []string{"unknown"}}, want: ocsp.Yes,
			also: func(a ocsp.Answer) bool { return a.Status == ocsp.StatusUnknown }},

		{name: "another authority asked about", q: func(q *ocsp.Query) { q.Issuer = trust.AnchorOf(s.other.Certificate) }, want: ocsp.No, why: "another issuer"},
		{name: "another certificate asked about", q: func(q *ocsp.Query) { q.Certificate = ordinary.Certificate }, want: ocsp.No, why: "nothing about this certificate"},
		{name: "authority's name, another's key asked about", q: func(q *ocsp.Query) { q.Issuer.Key = s.other.Certificate.PublicKey }, want: ocsp.No, why: "another issuer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := s.query()
			if c.q != nil {
				c.q(&q)
			}
			a := ocsp.Judge(s.answer(t, c.o), q)
			if a.Usable != c.want {
				t.Fatalf("%v (%s, %s), want %v", a.Usable, a.Why, a.Citation, c.want)
			}
			if c.want == ocsp.Yes {
				if c.also != nil && !c.also(a) {
					t.Errorf("answer %+v", a)
				}
				return
			}
			if !strings.Contains(a.Why, c.why) || a.Citation == "" {
				t.Errorf("why %q (%s), want something about %q", a.Why, a.Citation, c.why)
			}
			if a.Status != ocsp.StatusUnknown || a.Reason != -1 || !a.RevokedAt.IsZero() {
				t.Errorf("an unusable response's status is repeated: %+v", a)
			}
		})
	}
}

// A response produced after a certificate expired is usable, and says where its
// "good" may come of having forgotten.
func TestExpiredCertificate(t *testing.T) {
	s := newScene(t)
	s.leaf = s.issue(t, s.ca, testpki.Leaf{NotBefore: noon.AddDate(-2, 0, 0), NotAfter: noon.AddDate(-1, 0, 0)})
	cutoff := func(at time.Time) []pki.Extension {
		return []pki.Extension{{OID: "1.3.6.1.5.5.7.48.1.6", Value: generalized(t, at)}}
	}
	for _, c := range []struct {
		name string
		o    testpki.OCSPOptions
		want bool
	}{
		{"no cutoff", testpki.OCSPOptions{}, true},
		{"archive reaches back", testpki.OCSPOptions{SingleExtensions: cutoff(noon.AddDate(-3, 0, 0))}, false},
		{"archive does not", testpki.OCSPOptions{SingleExtensions: cutoff(noon.AddDate(0, -1, 0))}, true},
		{"produced in time", testpki.OCSPOptions{ThisUpdate: noon.AddDate(-1, 0, -1)}, false},
	} {
		if a := ocsp.Judge(s.answer(t, c.o), s.query()); a.Usable != ocsp.Yes || a.AfterExpiry != c.want {
			t.Errorf("%s: %v (%s), after expiry %v, want %v", c.name, a.Usable, a.Why, a.AfterExpiry, c.want)
		}
	}
}

// No single bit of a usable response can be changed, even where its signatures are remembered as proven.
func TestEveryBitCounts(t *testing.T) {
	s := newScene(t)
	good := s.answer(t, testpki.OCSPOptions{Nonce: []byte("0123456789abcdef")})
	proven, proofs := map[[32]byte]bool{}, 0
	remembering := s.query()
	remembering.Once = func(digest [32]byte, prove func() error) error {
		if proven[digest] {
			return nil
		}
		proofs++
		err := prove()
		proven[digest] = err == nil
		return err
	}
	for range 2 {
		if a := ocsp.Judge(good, remembering); a.Usable != ocsp.Yes || proofs == 0 || proofs != len(proven) {
			t.Fatalf("%v after %d proofs: %s", a.Usable, proofs, a.Why)
		}
	}
	for i := range good {
		for bit := range 8 {
			if national(t) && bit != i%8 { // each check takes a millisecond there: one bit of every octet
				continue
			}
			bent := bytes.Clone(good)
			bent[i] ^= 1 << bit
			for _, q := range []ocsp.Query{s.query(), remembering} {
				if a := ocsp.Judge(bent, q); a.Usable == ocsp.Yes {
					t.Fatalf("octet %d, bit %d changed: still %s", i, bit, a.Status)
				}
			}
		}
	}
	for name, data := range map[string][]byte{
		"nothing": nil, "cut short": good[:len(good)-1], "bytes after it": append(bytes.Clone(good), 0),
		"too large": make([]byte, ocsp.MaxResponse+1),
	} {
		if a := ocsp.Judge(data, s.query()); a.Usable != ocsp.No || a.Why == "" {
			t.Errorf("%s: %v", name, a.Usable)
		}
	}
}

// RFC 5280 §5.3.1 leaves 7 unused and ends at 10.
func TestReasons(t *testing.T) {
	s := newScene(t)
	for reason := range 12 {
		s.ca.RevokeOCSPOnly(s.leaf.Certificate, noon.Add(-time.Hour), reason)
		a := ocsp.Judge(s.answer(t, testpki.OCSPOptions{}), s.query())
		switch {
		case reason == 7 || reason == 11:
			if a.Usable != ocsp.No || !strings.Contains(a.Why, "reason") {
				t.Errorf("reason %d: %v %q", reason, a.Usable, a.Why)
			}
		case a.Usable != ocsp.Yes || a.Status != ocsp.StatusRevoked || a.Reason != reason && !(reason == 0 && a.Reason == -1):
			t.Errorf("reason %d: %+v", reason, a)
		}
	}
}

// A certificate id under a hash that cannot be computed leaves the question open.
func TestUnknownHashOfTheCertificateID(t *testing.T) {
	s := newScene(t)
	name, err := pki.OIDSHA256.DER()
	if err != nil {
		t.Fatal(err)
	}
	other := bytes.Clone(name)
	other[len(other)-1] = 0x7f
	bent := bytes.Replace(s.answer(t, testpki.OCSPOptions{}), name, other, 1) // the first stands in the certificate id
	if a := ocsp.Judge(bent, s.query()); a.Usable != ocsp.Undecided || !strings.Contains(a.Why, "not yet supported") {
		t.Errorf("%v %q", a.Usable, a.Why)
	}
}

func TestErrorStatusesDecideNothing(t *testing.T) {
	s := newScene(t)
	for status, name := range map[byte]string{1: "malformedRequest", 2: "internalError", 3: "tryLater", 5: "sigRequired", 6: "unauthorized"} {
		a := ocsp.Judge([]byte{0x30, 3, 0x0a, 1, status}, s.query())
		if a.Usable != ocsp.Undecided || !strings.Contains(a.Why, name) {
			t.Errorf("%s: %v %q", name, a.Usable, a.Why)
		}
	}
	for _, status := range []byte{0, 4, 7} {
		if a := ocsp.Judge([]byte{0x30, 3, 0x0a, 1, status}, s.query()); a.Usable != ocsp.No {
			t.Errorf("status %d: %v", status, a.Usable)
		}
	}
}

// x/crypto/ocsp, as an independent reader, reads our requests; a real responder
// answers them, POST and nonce included.
func TestRequest(t *testing.T) {
	s := newScene(t)
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	issuer := trust.AnchorOf(s.ca.Certificate)
	nonce := bytes.Repeat([]byte{9}, 32)
	for _, o := range []ocsp.RequestOptions{{}, {SHA1: true}, {Nonce: nonce}, {Nonce: nonce, SHA1: true}} {
		request, err := ocsp.Request(s.leaf.Certificate, issuer, o)
		if err != nil {
			t.Fatal(err)
		}
		read, err := xocsp.ParseRequest(request)
		if err != nil || read.SerialNumber.Cmp(s.leaf.Certificate.Serial) != 0 {
			t.Fatalf("%+v: %v", o, err)
		}
		response, err := http.Post(server.URL+"/ocsp/"+s.ca.ID(), "application/ocsp-request", bytes.NewReader(request))
		if err != nil {
			t.Fatal(err)
		}
		var body bytes.Buffer
		if _, err := body.ReadFrom(response.Body); err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		q := s.query()
		q.Nonce, q.Request = o.Nonce, request
		if a := ocsp.Judge(body.Bytes(), q); a.Usable != ocsp.Yes || a.Status != ocsp.StatusGood {
			t.Errorf("%+v: %v %s", o, a.Usable, a.Why)
		}
		r, err := ocsp.Parse(body.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		echoed := slices.ContainsFunc(r.Extensions, func(e pki.Extension) bool { return e.OID == pki.OIDOCSPNonce })
		if echoed != (o.Nonce != nil) {
			t.Errorf("%+v: nonce echoed %v", o, echoed)
		}
	}
	if _, err := ocsp.Request(s.leaf.Certificate, issuer, ocsp.RequestOptions{Nonce: make([]byte, 129)}); err == nil {
		t.Error("a nonce of 129 octets was sent")
	}
}

// Why the library encodes and does not judge: it accepts each of these, which
// TestJudge refuses.
func TestWhatTheLibraryAccepts(t *testing.T) {
	s := newScene(t)
	ordinary := s.issue(t, s.ca, testpki.Leaf{})
	issuer, err := x509.ParseCertificate(s.ca.Certificate.Raw)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(s.leaf.Certificate.Raw)
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]testpki.OCSPOptions{
		"ordinary certificate":             {Signer: ordinary},
		"stale by a year":                  {ThisUpdate: noon.AddDate(-1, 0, -1), NextUpdate: noon.AddDate(-1, 0, 0)},
		"another issuer, the same serial":  {WrongIssuer: s.other},
		"good beside revoked, first taken": {Status: "good", Also: []string{"revoked"}},
	} {
		r, err := xocsp.ParseResponseForCert(s.answer(t, o), cert, issuer)
		if err != nil || r.Status != xocsp.Good {
			t.Errorf("%s: x/crypto/ocsp has become stricter (%v): this line can go", name, err)
		}
	}
}

// FuzzJudge feeds both parsers of the package. A forged signature cannot be
// found by chance, so that only known responses may be usable.
func FuzzJudge(f *testing.F) {
	s := newScene(f)
	request, err := ocsp.Request(s.leaf.Certificate, trust.AnchorOf(s.ca.Certificate), ocsp.RequestOptions{Nonce: []byte("0123456789abcdef")})
	if err != nil {
		f.Fatal(err)
	}
	var known [][]byte
	for _, o := range []testpki.OCSPOptions{
		{}, {ByCA: true, ByKey: true}, {Status: "revoked"}, {Status: "unknown"}, {Status: "not-issued", SHA1: true},
		{Nonce: []byte("0123456789abcdef")}, {NoNextUpdate: true, NoCertificate: true},
		{Extensions: []pki.Extension{{OID: "1.2.3.4", Critical: true}}, SingleExtensions: []pki.Extension{{OID: "1.3.36.8.3.13", Value: certHash(f, nil)}}},
	} {
		data := s.answer(f, o)
		known = append(known, data)
		f.Add(data, request)
	}
	f.Add([]byte{0x30, 3, 0x0a, 1, 3}, []byte{})
	f.Fuzz(func(t *testing.T, response, request []byte) {
		q := s.query()
		if len(request) > 0 {
			q.Request = request
		}
		a := ocsp.Judge(response, q)
		if a.Usable == ocsp.Yes && !slices.ContainsFunc(known, func(k []byte) bool { return bytes.Equal(k, response) }) {
			t.Fatalf("a response nobody made is usable: %+v", a)
		}
		if a.Usable != ocsp.Yes && (a.Status != ocsp.StatusUnknown || a.Why == "" || a.Citation == "") {
			t.Fatalf("unusable without a reason, or with a status: %+v", a)
		}
		r, err := ocsp.Parse(response)
		if (r == nil) == (err == nil) || r != nil && !bytes.Equal(r.Raw, response) {
			t.Fatal("what was read is not what was given")
		}
	})
}

// An answer is judged for one certificate at one time.
func ExampleJudge() {
	p, err := testpki.New(testpki.Options{Now: func() time.Time { return noon }, EC: true})
	if err != nil {
		panic(err)
	}
	ca, err := p.NewCA("")
	if err != nil {
		panic(err)
	}
	key, err := ca.Issue(testpki.Leaf{})
	if err != nil {
		panic(err)
	}
	ca.Revoke(key.Certificate, noon.Add(-10*time.Minute), 1)
	response, err := ca.OCSP(key.Certificate, testpki.OCSPOptions{})
	if err != nil {
		panic(err)
	}
	q := ocsp.Query{Certificate: key.Certificate, Issuer: trust.AnchorOf(ca.Certificate), At: noon}
	a := ocsp.Judge(response, q)
	fmt.Println(a.Usable, a.Status, a.RevokedAt.Format(time.RFC3339), a.Reason)
	q.At = noon.Add(2 * time.Hour)
	a = ocsp.Judge(response, q)
	fmt.Println(a.Usable, a.Status, a.Why)
	// Output:
	// yes revoked 2026-03-02T11:50:00Z 1
	// no unknown the response is stale: nextUpdate was 2026-03-02T13:00:00Z, the time judged is 2026-03-02T14:00:00Z
}
