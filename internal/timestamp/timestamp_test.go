// SPDX-License-Identifier: Apache-2.0

package timestamp_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	dtimestamp "github.com/digitorus/timestamp"

	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/internal/timestamp"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// authority is a PKI with a time-stamping authority on loopback.
type authority struct {
	*testpki.PKI
	ca  *testpki.CA
	key *pki.Key
	url string
}

func newAuthority(t testing.TB) authority {
	t.Helper()
	p, err := testpki.New(testpki.Options{Now: func() time.Time { return noon }, EC: true, GOST: national(t)})
	if err != nil {
		t.Fatal(err)
	}
	ca, err := p.NewCA("")
	if err != nil {
		t.Fatal(err)
	}
	key, err := p.NewTSA(ca)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(p.Handler())
	t.Cleanup(server.Close)
	return authority{p, ca, key, server.URL + "/tsp"}
}

func (a authority) token(t testing.TB, data []byte) []byte {
	t.Helper()
	der, err := a.TimestampToken(data, noon)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// network posts for real.
type network struct{}

func (network) Post(ctx context.Context, url, contentType string, body []byte, max int64) ([]byte, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	q.Header.Set("Content-Type", contentType)
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", r.StatusCode)
	}
	return io.ReadAll(io.LimitReader(r.Body, max))
}

// answers is a Poster that a test writes.
type answers func(request []byte) ([]byte, error)

func (f answers) Post(_ context.Context, _, _ string, body []byte, _ int64) ([]byte, error) {
	return f(body)
}

func TestParseReadsEveryField(t *testing.T) {
	a := newAuthority(t)
	data := []byte("қолтаңба")
	token, err := timestamp.Parse(a.token(t, data))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	policy := pki.OID("1.2.398.3.3.2.6.2")
	if national(t) {
		policy = "1.2.398.3.3.2.6.4"
	}
	if !token.GenTime.Equal(noon) || token.Accuracy != time.Second || token.Policy != policy ||
		token.HashAlgorithm != pki.OIDSHA256 || !bytes.Equal(token.Imprint, sum[:]) || token.Serial.Sign() <= 0 || token.Nonce != nil {
		t.Errorf("token %+v", token)
	}
	if token.TSA == nil || !token.TSA.Dir.Equal(a.key.Certificate.Subject) {
		t.Errorf("authority's name %v", token.TSA)
	}
	if ok, err := token.Covers(data); !ok || err != nil {
		t.Errorf("covers its data: %v %v", ok, err)
	}
	if ok, err := token.Covers([]byte("басқа")); ok || err != nil {
		t.Errorf("covers other data: %v %v", ok, err)
	}
	cert, check := token.Verify(nil)
	if cert == nil || !bytes.Equal(cert.Raw, a.key.Certificate.Raw) || check.Intact() == nil || !*check.Intact() || check.Reference != nil || check.DER != nil {
		t.Errorf("own signature: %+v", check)
	}
}

// The national test authority's token has a GOST 34.310-2004 signer and a SHA-1
// imprint: the signature holds.
func TestNationalToken(t *testing.T) {
	dir := suite(t, "kz")
	token, err := timestamp.Parse(read(t, dir, "tsp", "tsp_token.bin"))
	if err != nil {
		t.Fatal(err)
	}
	if token.GenTime.IsZero() || token.Policy != "1.2.398.3.3.2.6.1" || token.HashAlgorithm != pki.OIDSHA1 || len(token.Imprint) != 20 {
		t.Errorf("token %v %s %s", token.GenTime, token.Policy, token.HashAlgorithm)
	}
	if _, err := timestamp.ParseResponse(read(t, dir, "tsp", "tsp_response.bin")); err != nil {
		t.Errorf("response: %v", err)
	}
	cert, check := token.Verify(nil)
	if intact := check.Intact(); cert == nil || intact == nil || !*intact || check.Reference != nil {
		t.Errorf("own signature: %v %+v", cert, check)
	}
}

func TestClientStamps(t *testing.T) {
	a := newAuthority(t)
	for _, policy := range []pki.OID{"", "1.2.398.3.3.2.6.4"} {
		c := timestamp.Client{URL: a.url, HTTP: network{}, Policy: policy}
		der, err := c.Stamp(t.Context(), []byte("құжат"))
		if err != nil {
			t.Fatal(err)
		}
		token, err := timestamp.Parse(der)
		if err != nil {
			t.Fatal(err)
		}
		if ok, _ := token.Covers([]byte("құжат")); !ok || token.Nonce == nil || token.Nonce.BitLen() < 64 || policy != "" && token.Policy != policy {
			t.Errorf("token %+v", token)
		}
	}
	if n := a.Requests("/tsp"); n != 2 {
		t.Errorf("asked %d times", n)
	}
}

func TestClientRefuses(t *testing.T) {
	a := newAuthority(t)
	data := []byte("құжат")
	impostor, err := a.ca.Issue(testpki.Leaf{}) // a certificate without timeStamping
	if err != nil {
		t.Fatal(err)
	}
	// answer reads the client's request and lets a test bend the time-stamp.
	answer := func(key *pki.Key, bend func(*dtimestamp.Timestamp)) answers {
		return func(request []byte) ([]byte, error) {
			q, err := dtimestamp.ParseRequest(request)
			if err != nil {
				return nil, err
			}
			cert, err := x509.ParseCertificate(key.Certificate.Raw)
			if err != nil {
				return nil, err
			}
			s := &dtimestamp.Timestamp{
				HashAlgorithm: q.HashAlgorithm, HashedMessage: q.HashedMessage, Nonce: q.Nonce, Time: noon,
				Policy: asn1.ObjectIdentifier{1, 2, 3}, AddTSACertificate: true,
			}
			bend(s)
			return s.CreateResponseWithOpts(cert, key.Signer, crypto.SHA256)
		}
	}
	none := func(*dtimestamp.Timestamp) {}
	other := sha256.Sum256([]byte("басқа"))
	var refused *timestamp.StatusError
	for _, c := range []struct {
		name   string
		http   timestamp.Poster
		policy pki.OID
		want   func(error) bool
	}{
		{"other data", answer(a.key, func(s *dtimestamp.Timestamp) { s.HashedMessage = other[:] }), "", is(timestamp.ErrMismatch)},
		{"other nonce", answer(a.key, func(s *dtimestamp.Timestamp) { s.Nonce = big.NewInt(1) }), "", is(timestamp.ErrMismatch)},
		{"no nonce", answer(a.key, func(s *dtimestamp.Timestamp) { s.Nonce = nil }), "", is(timestamp.ErrMismatch)},
		{"other policy", answer(a.key, none), "1.2.4", is(timestamp.ErrMismatch)},
		{"no certificate", answer(a.key, func(s *dtimestamp.Timestamp) { s.AddTSACertificate = false }), "", is(timestamp.ErrSignature)},
		{"certificate without timeStamping", answer(impostor, none), "", is(timestamp.ErrSignature)},
		{"key of another", answer(&pki.Key{Signer: impostor.Signer, Certificate: a.key.Certificate}, none), "", is(timestamp.ErrSignature)},
		{"signature bent", answers(func(request []byte) ([]byte, error) {
			der, err := answer(a.key, none)(request)
			if err == nil {
				der[len(der)-1] ^= 1
			}
			return der, err
		}), "", is(timestamp.ErrSignature)},
		{"refusal", answers(func([]byte) ([]byte, error) {
			return dtimestamp.CreateErrorResponse(dtimestamp.Rejection, dtimestamp.UnacceptedPolicy)
		}), "", func(err error) bool { return errors.As(err, &refused) && refused.Failure == "unacceptedPolicy" }},
		{"garbage", answers(func([]byte) ([]byte, error) { return []byte("<html>"), nil }), "", is(timestamp.ErrFormat)},
		{"nothing", answers(func([]byte) ([]byte, error) { return nil, context.DeadlineExceeded }), "", is(context.DeadlineExceeded)},
		{"policy that is none", answer(a.key, none), "policy", func(err error) bool { return strings.Contains(err.Error(), "object identifier") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := timestamp.Client{URL: "http://tsa.example", HTTP: c.http, Policy: c.policy}
			der, err := client.Stamp(t.Context(), data)
			if err == nil || !c.want(err) || der != nil {
				t.Errorf("got %v", err)
			}
		})
	}
	good := timestamp.Client{URL: "http://tsa.example", HTTP: answer(a.key, none), Policy: "1.2.3"}
	if _, err := good.Stamp(t.Context(), data); err != nil {
		t.Errorf("unbent: %v", err)
	}
}

func is(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }

// A nonce that cannot be drawn ends the matter before anybody is asked.
func TestClientNeedsRandomness(t *testing.T) {
	c := timestamp.Client{HTTP: answers(func([]byte) ([]byte, error) { t.Error("asked"); return nil, nil }), Rand: strings.NewReader("short")}
	if _, err := c.Stamp(t.Context(), nil); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
}

// info is a TSTInfo whose every part a test may spoil.
type info struct {
	version, policy, imprint, serial, time, rest string
}

var goodInfo = info{
	version: "\x02\x01\x01",
	policy:  "\x06\x02\x2a\x03",
	imprint: "\x30\x2f\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x04\x20" + strings.Repeat("x", 32),
	serial:  "\x02\x01\x07",
	time:    "\x18\x0f20260302120000Z",
}

// token wraps the info in a SignedData with one unreadable-for-trust but well-formed signer.
func (i info) token(t testing.TB) []byte {
	t.Helper()
	body := i.version + i.policy + i.imprint + i.serial + i.time + i.rest
	content := wrap(0x30, body)
	algorithm := "\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01"
	signer := wrap(0x30, "\x02\x01\x03"+"\x80\x01k"+algorithm+wrap(0xa0,
		wrap(0x30, "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x03"+wrap(0x31, "\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x04"))+
			wrap(0x30, "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04"+wrap(0x31, wrap(0x04, strings.Repeat("d", 32)))))+
		"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"+"\x04\x01s")
	signed := wrap(0x30, "\x02\x01\x03"+wrap(0x31, algorithm)+
		wrap(0x30, "\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x04"+wrap(0xa0, wrap(0x04, content)))+
		wrap(0x31, signer))
	return []byte(wrap(0x30, "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"+wrap(0xa0, signed)))
}

// wrap writes one element.
func wrap(tag byte, body string) string {
	switch n := len(body); {
	case n < 0x80:
		return string([]byte{tag, byte(n)}) + body
	case n < 0x100:
		return string([]byte{tag, 0x81, byte(n)}) + body
	default:
		return string([]byte{tag, 0x82, byte(n >> 8), byte(n)}) + body
	}
}

func TestStrictInfo(t *testing.T) {
	if _, err := timestamp.Parse(goodInfo.token(t)); err != nil {
		t.Fatalf("the unspoilt token: %v", err)
	}
	at := func(text string) func(*info) { return func(i *info) { i.time = wrap(0x18, text) } }
	rest := func(text string) func(*info) { return func(i *info) { i.rest = text } }
	for _, c := range []struct {
		name  string
		spoil func(*info)
		want  func(*timestamp.Token) bool // nil: refused
	}{
		{"fraction", at("20260302120000.25Z"), func(k *timestamp.Token) bool { return k.GenTime.Nanosecond() == 250e6 }},
		{"fraction ending in zero", at("20260302120000.20Z"), nil},
		{"empty fraction", at("20260302120000.Z"), nil},
		{"local time", at("20260302120000"), nil},
		{"offset", at("20260302120000+0500"), nil},
		{"thirteenth month", at("20261302120000Z"), nil},
		{"UTCTime", func(i *info) { i.time = wrap(0x17, "260302120000Z") }, nil},
		{"no seconds", at("202603021200Z"), nil},
		{"version 2", func(i *info) { i.version = "\x02\x01\x02" }, nil},
		{"imprint of another length", func(i *info) { i.imprint = strings.Replace(goodInfo.imprint, "\x30\x2f", "\x30\x2e", 1)[:48] }, nil},
		{"huge serial", func(i *info) { i.serial = wrap(0x02, strings.Repeat("\x11", 65)) }, nil},
		{"padded serial", func(i *info) { i.serial = "\x02\x02\x00\x07" }, nil},
		{"accuracy", rest("\x30\x0a\x02\x01\x01\x80\x02\x01\xf4\x81\x01\x07"), func(k *timestamp.Token) bool {
			return k.Accuracy == time.Second+500*time.Millisecond+7*time.Microsecond
		}},
		{"accuracy out of range", rest("\x30\x04\x80\x02\x03\xe8"), nil},
		{"negative accuracy", rest("\x30\x03\x02\x01\xff"), nil},
		{"ordering and nonce", rest("\x01\x01\xff\x02\x01\x05"), func(k *timestamp.Token) bool { return k.Ordering && k.Nonce.Int64() == 5 }},
		{"ordering after nonce", rest("\x02\x01\x05\x01\x01\xff"), nil},
		{"extension", rest("\xa1\x0a\x30\x08\x06\x02\x2a\x03\x04\x02\x05\x00"), func(k *timestamp.Token) bool { return len(k.Extensions) == 1 }},
		{"critical extension", rest("\xa1\x0d\x30\x0b\x06\x02\x2a\x03\x01\x01\xff\x04\x02\x05\x00"), nil},
		{"something more", rest("\x05\x00"), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			i := goodInfo
			c.spoil(&i)
			k, err := timestamp.Parse(i.token(t))
			switch {
			case c.want == nil && (err == nil || k != nil):
				t.Errorf("accepted: %+v", k)
			case c.want == nil && !errors.Is(err, timestamp.ErrFormat) && !errors.Is(err, timestamp.ErrCritical):
				t.Errorf("error of another kind: %v", err)
			case c.want != nil && (err != nil || !c.want(k)):
				t.Errorf("got %+v, %v", k, err)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	a := newAuthority(t)
	token := a.token(t, []byte("x"))
	for name, data := range map[string][]byte{
		"nothing":        nil,
		"trailing bytes": append(bytes.Clone(token), 0),
		"cut short":      token[:len(token)-1],
		"too large":      make([]byte, timestamp.MaxToken+1),
	} {
		if _, err := timestamp.Parse(data); !errors.Is(err, timestamp.ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, data := range map[string]string{
		"token beside a rejection": wrap(0x30, wrap(0x30, "\x02\x01\x02")+string(token)),
		"granted without token":    wrap(0x30, wrap(0x30, "\x02\x01\x00")),
		"bytes after the token":    wrap(0x30, wrap(0x30, "\x02\x01\x00")+string(token)+"\x05\x00"),
		"too large":                strings.Repeat("\x30", timestamp.MaxToken+1),
	} {
		if _, err := timestamp.ParseResponse([]byte(data)); !errors.Is(err, timestamp.ErrFormat) {
			t.Errorf("response, %s: %v", name, err)
		}
	}
	if _, err := timestamp.ParseResponse([]byte(wrap(0x30, wrap(0x30, "\x02\x01\x01")+string(token)))); err != nil {
		t.Errorf("grantedWithMods: %v", err)
	}
	_, err := timestamp.ParseResponse([]byte(wrap(0x30, wrap(0x30, "\x02\x01\x03"+wrap(0x30, wrap(0x0c, "күте тұрыңыз"))))))
	var refused *timestamp.StatusError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "waiting") || !strings.Contains(err.Error(), "күте тұрыңыз") {
		t.Errorf("waiting: %v", err)
	}
}

// suite gives a folder of the conformance suites. Where it is absent the test is
// skipped, or fails if RASTAU_SUITES_REQUIRED says so.
func suite(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("RASTAU_SUITES")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "suites")
	}
	dir := filepath.Join(root, name)
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("RASTAU_SUITES_REQUIRED") == "1" {
			t.Fatalf("the conformance suite %q is required and absent", name)
		}
		t.Skipf("the conformance suite %q is not at hand: set RASTAU_SUITES to its folder", name)
	}
	return dir
}

func read(t testing.TB, parts ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// What is accepted is what was given: the token's bytes are kept, and asking for
// anything it states does not panic.
func FuzzParse(f *testing.F) {
	a := newAuthority(f)
	f.Add(a.token(f, []byte("x")))
	f.Add(goodInfo.token(f))
	refusal, err := dtimestamp.CreateErrorResponse(dtimestamp.Rejection, dtimestamp.BadRequest)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(refusal)
	f.Add([]byte(wrap(0x30, wrap(0x30, "\x02\x01\x00")+string(goodInfo.token(f)))))
	f.Fuzz(func(t *testing.T, data []byte) {
		token, err := timestamp.Parse(data)
		if (token == nil) == (err == nil) {
			t.Fatal("a token and an error, or neither")
		}
		if token != nil {
			if !bytes.Equal(token.Raw, data) {
				t.Fatal("the token is not what was given")
			}
			_, _ = token.Covers(data)
			_, _ = token.Verify(nil)
		}
		token, err = timestamp.ParseResponse(data)
		if (token == nil) == (err == nil) {
			t.Fatal("a token and an error, or neither")
		}
	})
}

// Ask an authority for a token over a signature value, and read what it states.
func ExampleClient_Stamp() {
	p, err := testpki.New(testpki.Options{Now: func() time.Time { return noon }, EC: true})
	if err != nil {
		panic(err)
	}
	if _, err := p.NewTSA(p.Root()); err != nil {
		panic(err)
	}
	server := httptest.NewServer(p.Handler())
	defer server.Close()

	client := timestamp.Client{URL: server.URL + "/tsp", HTTP: network{}}
	der, err := client.Stamp(context.Background(), []byte("signature value"))
	if err != nil {
		panic(err)
	}
	token, err := timestamp.Parse(der)
	if err != nil {
		panic(err)
	}
	covers, _ := token.Covers([]byte("signature value"))
	fmt.Println(token.GenTime.Format(time.RFC3339), pki.HashName(token.HashAlgorithm), covers)
	// Output: 2026-03-02T12:00:00Z SHA-256 true
}
