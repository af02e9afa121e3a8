// SPDX-License-Identifier: Apache-2.0

package testpki_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/digitorus/timestamp"
	"golang.org/x/crypto/ocsp"

	"rastau/internal/pki"
	"rastau/internal/testpki"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// house is a PKI with one authority, served on loopback.
type house struct {
	*testpki.PKI
	CA  *testpki.CA
	URL string
}

func newHouse(t *testing.T, ec bool) house {
	t.Helper()
	p, err := testpki.New(testpki.Options{Now: func() time.Time { return noon }, EC: ec})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(p.Handler())
	t.Cleanup(server.Close)
	p.SetBaseURL(server.URL)
	ca, err := p.NewCA("")
	if err != nil {
		t.Fatal(err)
	}
	return house{p, ca, server.URL}
}

func (h house) get(t *testing.T, path string) (int, []byte) {
	t.Helper()
	r, err := http.Get(h.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, r)
}

func (h house) post(t *testing.T, path, contentType string, body []byte) (int, []byte) {
	t.Helper()
	r, err := http.Post(h.URL+path, contentType, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return read(t, r)
}

func read(t *testing.T, r *http.Response) (int, []byte) {
	t.Helper()
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, body
}

func issue(t *testing.T, ca *testpki.CA, l testpki.Leaf) *pki.Key {
	t.Helper()
	k, err := ca.Issue(l)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func std(t *testing.T, c *pki.Certificate) *x509.Certificate {
	t.Helper()
	x, err := x509.ParseCertificate(c.Raw)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// The standard library, as an independent reader, builds the chain of a leaf and
// finds Kazakhstan's profile in it.
func TestLeafHasTheNationalProfile(t *testing.T) {
	for _, ec := range []bool{true, false} {
		t.Run(fmt.Sprintf("ec=%v", ec), func(t *testing.T) {
			h := newHouse(t, ec)
			k := issue(t, h.CA, testpki.Leaf{
				CommonName: "ӘЛИЕВ ҒАНИ", Surname: "ӘЛИЕВ", Patronymic: "ҰЛАНҰЛЫ", IIN: "900101300017", BIN: "150140000019",
				Organization: "ЖШС «ЖОЛ»", Email: "gani@example.kz", Roles: []pki.OID{pki.OIDRoleHead},
			})
			if len(k.Chain) != 1 || k.Chain[0] != h.CA.Certificate {
				t.Fatalf("chain = %d certificates, want the authority alone", len(k.Chain))
			}
			leaf := std(t, k.Certificate)
			roots, between := x509.NewCertPool(), x509.NewCertPool()
			roots.AddCert(std(t, h.Root().Certificate))
			between.AddCert(std(t, h.CA.Certificate))
			if _, err := leaf.Verify(x509.VerifyOptions{
				Roots: roots, Intermediates: between, CurrentTime: noon, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection},
			}); err != nil {
				t.Fatal(err)
			}
			if n := len(leaf.SerialNumber.Bytes()); n != 20 {
				t.Errorf("serial number has %d octets, want 20", n)
			}
			if leaf.KeyUsage != x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment {
				t.Errorf("key usage = %b", leaf.KeyUsage)
			}
			want := []string{h.URL + "/crl/ca1.crl", h.URL + "/ocsp/ca1", h.URL + "/cert/ca1.cer"}
			if leaf.CRLDistributionPoints[0] != want[0] || leaf.OCSPServer[0] != want[1] || leaf.IssuingCertificateURL[0] != want[2] {
				t.Errorf("addresses %v %v %v", leaf.CRLDistributionPoints, leaf.OCSPServer, leaf.IssuingCertificateURL)
			}
			holder := pki.HolderOf(k.Certificate)
			if holder.IIN != "900101300017" || holder.BIN != "150140000019" || holder.Patronymic != "ҰЛАНҰЛЫ" || holder.Organization != "ЖШС «ЖОЛ»" {
				t.Errorf("holder = %+v", holder)
			}
			for _, o := range []pki.OID{pki.OIDEmailProtection, pki.OIDRoleLegal, pki.OIDRoleHead} {
				if !k.Certificate.HasExtKeyUsage(o) {
					t.Errorf("no %s among %v", o, k.Certificate.ExtKeyUsage)
				}
			}
		})
	}
}

func TestLeafOptions(t *testing.T) {
	h := newHouse(t, true)
	auth := issue(t, h.CA, testpki.Leaf{Auth: true, NoCRL: true, NoOCSP: true}).Certificate
	if !auth.HasExtKeyUsage(pki.OIDClientAuth) || auth.KeyUsage&pki.NonRepudiation != 0 || len(auth.OCSPServers)+len(auth.DistributionPoints) != 0 {
		t.Errorf("authentication leaf: %v, usage %b", auth.ExtKeyUsage, auth.KeyUsage)
	}
	odd := issue(t, h.CA, testpki.Leaf{Critical: []pki.OID{"1.2.3.4"}, KeyUsage: pki.KeyAgreement, ExtKeyUsage: []pki.OID{pki.OIDCodeSigning}}).Certificate
	if e := odd.Extension("1.2.3.4"); e == nil || !e.Critical || odd.KeyUsage != pki.KeyAgreement || !odd.HasExtKeyUsage(pki.OIDCodeSigning) {
		t.Errorf("odd leaf: %v", odd.Extensions)
	}
	raw := issue(t, h.CA, testpki.Leaf{RawSubject: auth.Subject.Raw}).Certificate
	if !bytes.Equal(raw.Subject.Raw, auth.Subject.Raw) {
		t.Error("RawSubject was not used")
	}
	if _, err := h.CA.Issue(testpki.Leaf{Critical: []pki.OID{"no"}}); err == nil {
		t.Error("a critical extension without an identifier was issued")
	}
}

func TestListIsServedAndCounted(t *testing.T) {
	h := newHouse(t, true)
	revoked := issue(t, h.CA, testpki.Leaf{}).Certificate
	h.CA.Revoke(revoked, noon.Add(-time.Hour), 1)
	h.CA.RevokeOCSPOnly(issue(t, h.CA, testpki.Leaf{}).Certificate, noon, 1)

	var last int64
	for i := range 2 {
		code, der := h.get(t, "/crl/ca1.crl")
		if code != http.StatusOK {
			t.Fatalf("status %d", code)
		}
		list, err := x509.ParseRevocationList(der)
		if err != nil {
			t.Fatal(err)
		}
		if err := list.CheckSignatureFrom(std(t, h.CA.Certificate)); err != nil {
			t.Error(err)
		}
		if len(list.RevokedCertificateEntries) != 1 || list.RevokedCertificateEntries[0].SerialNumber.Cmp(revoked.Serial) != 0 || list.RevokedCertificateEntries[0].ReasonCode != 1 {
			t.Errorf("entries %v", list.RevokedCertificateEntries)
		}
		if n := list.Number.Int64(); n <= last {
			t.Errorf("number %d after %d", n, last)
		} else {
			last = n
		}
		if got := h.Requests("/crl/ca1.crl"); got != i+1 {
			t.Errorf("counted %d, want %d", got, i+1)
		}
	}
	if code, _ := h.get(t, "/crl/ca9.crl"); code != http.StatusNotFound || h.Requests("/crl/ca9.crl") != 0 {
		t.Errorf("a list nobody has: status %d", code)
	}

	forger := issue(t, h.CA, testpki.Leaf{})
	der, err := h.CA.CRL(testpki.CRLOptions{Number: 77, Extra: 3, Signer: forger, ThisUpdate: noon.Add(-time.Hour), NextUpdate: noon.Add(-time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		t.Fatal(err)
	}
	if len(list.RevokedCertificateEntries) != 4 || list.Number.Int64() != 77 || list.CheckSignatureFrom(std(t, h.CA.Certificate)) == nil {
		t.Error("the options of a list were not obeyed")
	}
}

// golang.org/x/crypto/ocsp asks and reads as an independent client.
func TestResponderAnswers(t *testing.T) {
	h := newHouse(t, false)
	good := issue(t, h.CA, testpki.Leaf{})
	revoked := issue(t, h.CA, testpki.Leaf{})
	h.CA.Revoke(revoked.Certificate, noon.Add(-time.Hour), ocsp.KeyCompromise)
	listOnly := issue(t, h.CA, testpki.Leaf{})
	h.CA.RevokeCRLOnly(listOnly.Certificate, noon, 1)
	answerOnly := issue(t, h.CA, testpki.Leaf{})
	h.CA.RevokeOCSPOnly(answerOnly.Certificate, noon, 1)

	issuer := std(t, h.CA.Certificate)
	for _, c := range []struct {
		name string
		key  *pki.Key
		want int
	}{
		{"good", good, ocsp.Good},
		{"revoked", revoked, ocsp.Revoked},
		{"revoked on the list only", listOnly, ocsp.Unknown},
		{"revoked at the responder only", answerOnly, ocsp.Revoked},
	} {
		for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256} {
			t.Run(c.name+" "+hash.String(), func(t *testing.T) {
				request, err := ocsp.CreateRequest(std(t, c.key.Certificate), issuer, &ocsp.RequestOptions{Hash: hash})
				if err != nil {
					t.Fatal(err)
				}
				_, posted := h.post(t, "/ocsp/ca1", "application/ocsp-request", request)
				_, got := h.get(t, "/ocsp/ca1/"+url.PathEscape(base64.StdEncoding.EncodeToString(request)))
				for how, body := range map[string][]byte{"POST": posted, "GET": got} {
					r, err := ocsp.ParseResponseForCert(body, std(t, c.key.Certificate), issuer)
					if err != nil {
						t.Fatalf("%s: %v", how, err)
					}
					if r.Status != c.want || r.Certificate == nil || r.IssuerHash != hash {
						t.Errorf("%s: status %d, want %d; delegate %v", how, r.Status, c.want, r.Certificate != nil)
					}
				}
			})
		}
	}
	if n := h.Requests("/ocsp/ca1"); n != 16 {
		t.Errorf("counted %d requests, want 16", n)
	}
	// The root answers about its authority.
	request, err := ocsp.CreateRequest(issuer, std(t, h.Root().Certificate), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, body := h.post(t, "/ocsp/root", "application/ocsp-request", request)
	if r, err := ocsp.ParseResponseForCert(body, issuer, std(t, h.Root().Certificate)); err != nil || r.Status != ocsp.Good {
		t.Errorf("the root about its authority: %v", err)
	}
	_, body = h.post(t, "/ocsp/ca1", "application/ocsp-request", []byte("?"))
	var refusal ocsp.ResponseError
	if _, err := ocsp.ParseResponse(body, issuer); !errors.As(err, &refusal) || refusal.Status != ocsp.Malformed {
		t.Errorf("garbage: %v", err)
	}
}

func TestTimestampAuthority(t *testing.T) {
	h := newHouse(t, false)
	query := []byte("сынақ")
	request, err := timestamp.CreateRequest(bytes.NewReader(query), &timestamp.RequestOptions{Hash: crypto.SHA256, Certificates: true})
	if err != nil {
		t.Fatal(err)
	}
	_, body := h.post(t, "/tsp", "application/timestamp-query", request)
	if _, err := timestamp.ParseResponse(body); err == nil {
		t.Error("a token before there is an authority")
	}
	key, err := h.NewTSA(h.CA)
	if err != nil {
		t.Fatal(err)
	}
	if e := key.Certificate.Extension(pki.OIDExtKeyUsage); e == nil || !e.Critical || len(key.Certificate.ExtKeyUsage) != 1 {
		t.Error("extended key usage must be timeStamping alone and critical (RFC 3161 §2.3)")
	}
	_, body = h.post(t, "/tsp", "application/timestamp-query", request)
	token, err := timestamp.ParseResponse(body)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(query)
	if !token.Time.Equal(noon) || !bytes.Equal(token.HashedMessage, sum[:]) {
		t.Errorf("token %v %x", token.Time, token.HashedMessage)
	}
	at := noon.Add(-48 * time.Hour)
	der, err := h.TimestampToken(query, at)
	if err != nil {
		t.Fatal(err)
	}
	if token, err = timestamp.Parse(der); err != nil || !token.Time.Equal(at) {
		t.Errorf("token at a stated time: %v", err)
	}
}

func TestSwitches(t *testing.T) {
	h := newHouse(t, true)
	other, err := h.NewCA("БАСҚА ОРТАЛЫҚ DEMO")
	if err != nil {
		t.Fatal(err)
	}
	status := func(path string) int { code, _ := h.get(t, path); return code }
	crl, answer := "/crl/"+h.CA.ID()+".crl", "/ocsp/"+h.CA.ID()+"/AA=="
	h.SetCADown(h.CA, true, true)
	if status(crl) != 503 || status(answer) != 503 || status("/crl/"+other.ID()+".crl") != 200 {
		t.Error("one authority down")
	}
	h.SetCADown(h.CA, false, false)
	h.SetDown(true, true, true)
	if status(crl) != 503 || status("/crl/root.crl") != 503 || status(answer) != 503 || status("/tsp") != 503 {
		t.Error("everything down")
	}
	h.SetDown(false, false, false)
	if status(crl) != 200 || status(answer) != 200 {
		t.Error("everything back")
	}
	if code, der := h.get(t, "/cert/ca1.cer"); code != 200 || !bytes.Equal(der, h.CA.Certificate.Raw) {
		t.Error("the authority's certificate is not served")
	}
}

func TestPKCS12(t *testing.T) {
	h := newHouse(t, false)
	k := issue(t, h.CA, testpki.Leaf{})
	file, err := testpki.PKCS12(k, "Құпия 1")
	if err != nil {
		t.Fatal(err)
	}
	got, err := pki.ReadPKCS12(file, "Құпия 1")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Certificate.Raw, k.Certificate.Raw) || len(got.Chain) != 1 {
		t.Error("the file holds another key")
	}
	if openssl, err := exec.LookPath("openssl"); err == nil {
		name := filepath.Join(t.TempDir(), "key.p12")
		if err := os.WriteFile(name, file, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(openssl, "pkcs12", "-in", name, "-passin", "pass:Құпия 1", "-nokeys", "-info").CombinedOutput(); err != nil {
			t.Errorf("openssl: %v %s", err, out)
		}
	}
}

// OpenSSL, where it is at hand, agrees with list, answer and token.
func TestOpenSSLAgrees(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	h := newHouse(t, false)
	if _, err := h.NewTSA(h.CA); err != nil {
		t.Fatal(err)
	}
	leaf := issue(t, h.CA, testpki.Leaf{})
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	asPEM := func(c *pki.Certificate) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	}
	root, ca, cert := write("root.pem", asPEM(h.Root().Certificate)), write("ca.pem", asPEM(h.CA.Certificate)), write("leaf.pem", asPEM(leaf.Certificate))
	answer, err := h.CA.OCSP(leaf.Certificate, testpki.OCSPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	token, err := h.TimestampToken([]byte("x"), noon)
	if err != nil {
		t.Fatal(err)
	}
	at := fmt.Sprint(noon.Unix())
	for name, args := range map[string][]string{
		"path":  {"verify", "-attime", at, "-purpose", "smimesign", "-CAfile", root, "-untrusted", ca, cert},
		"ocsp":  {"ocsp", "-respin", write("answer", answer), "-issuer", ca, "-sha256", "-cert", cert, "-CAfile", root, "-no_cert_checks", "-attime", at},
		"token": {"ts", "-verify", "-attime", at, "-token_in", "-in", write("token", token), "-data", write("data", []byte("x")), "-CAfile", root, "-untrusted", ca},
	} {
		if out, err := exec.Command(openssl, args...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	h := newHouse(t, true)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			k, err := h.CA.Issue(testpki.Leaf{})
			if err != nil {
				t.Error(err)
				return
			}
			h.CA.Revoke(k.Certificate, noon, 1)
			if _, err := h.CA.OCSP(k.Certificate, testpki.OCSPOptions{}); err != nil {
				t.Error(err)
			}
			if _, err := h.CA.CRL(testpki.CRLOptions{}); err != nil {
				t.Error(err)
			}
			h.SetDown(false, false, false)
			h.SetBaseURL(h.URL)
			_ = h.Requests("/tsp")
			if _, err := http.Get(h.URL + "/crl/ca1.crl"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// FuzzHandler sends the responder and the time-stamping authority what nobody
// would: there is an answer to everything.
func FuzzHandler(f *testing.F) {
	p, err := testpki.New(testpki.Options{Now: func() time.Time { return noon }, EC: true})
	if err != nil {
		f.Fatal(err)
	}
	if _, err := p.NewTSA(p.Root()); err != nil {
		f.Fatal(err)
	}
	root, err := x509.ParseCertificate(p.Root().Certificate.Raw)
	if err != nil {
		f.Fatal(err)
	}
	question, err := ocsp.CreateRequest(root, root, nil)
	if err != nil {
		f.Fatal(err)
	}
	query, err := timestamp.CreateRequest(bytes.NewReader(nil), &timestamp.RequestOptions{Hash: crypto.SHA256})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("/ocsp/root", question)
	f.Add("/tsp", query)
	f.Add("/ocsp/root/"+base64.URLEncoding.EncodeToString(question), []byte{})
	handler := p.Handler()
	f.Fuzz(func(t *testing.T, path string, body []byte) {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, &http.Request{Method: method, URL: &url.URL{Path: path}, Body: io.NopCloser(bytes.NewReader(body))})
			if w.Code >= http.StatusInternalServerError {
				t.Fatalf("%s %q: status %d", method, path, w.Code)
			}
		}
	})
}

func TestClockIsRequired(t *testing.T) {
	if _, err := testpki.New(testpki.Options{}); err == nil {
		t.Error("a PKI without a clock was made")
	}
}

// A whole hierarchy takes three calls; the leaf's key signs at once.
func Example() {
	p, err := testpki.New(testpki.Options{Now: func() time.Time { return noon }, EC: true})
	if err != nil {
		panic(err)
	}
	ca, err := p.NewCA("")
	if err != nil {
		panic(err)
	}
	key, err := ca.Issue(testpki.Leaf{CommonName: "СЫНАҚОВ АСҚАР", IIN: "900101300017"})
	if err != nil {
		panic(err)
	}
	digest := sha256.Sum256([]byte("өтініш"))
	if _, err := key.Signer.Sign(rand.Reader, digest[:], crypto.SHA256); err != nil {
		panic(err)
	}
	fmt.Println(key.Certificate.Subject)
	// Output: C=KZ,SERIALNUMBER=IIN900101300017,CN=СЫНАҚОВ АСҚАР
}
