// SPDX-License-Identifier: Apache-2.0

package ncalayer_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"rastau/internal/cms"
	"rastau/internal/identity"
	"rastau/internal/ncalayer"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/internal/timestamp"
	"rastau/internal/xmldsig"
)

var (
	personIIN = identity.NewIIN(time.Date(1985, 4, 12, 0, 0, 0, 0, time.UTC), true, 417)
	headIIN   = identity.NewIIN(time.Date(1979, 1, 30, 0, 0, 0, 0, time.UTC), true, 91)
	bodyBIN   = identity.NewBIN(time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC), 55)
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// keys are a person's for signing and for logging in, the head's of a body, an expired one, and the person's national one.
var keys = sync.OnceValues(func() ([]ncalayer.Key, error) {
	var out []ncalayer.Key
	for _, national := range []bool{false, true} {
		p, err := testpki.New(testpki.Options{Now: time.Now, EC: !national, GOST: national})
		if err != nil {
			return nil, err
		}
		ca, err := p.NewCA("")
		if err != nil {
			return nil, err
		}
		for _, l := range []struct {
			alias    string
			national bool
			leaf     testpki.Leaf
		}{
			{"old", false, testpki.Leaf{IIN: personIIN, NotBefore: time.Now().AddDate(-2, 0, 0), NotAfter: time.Now().AddDate(-1, 0, 0)}},
			{"person", false, testpki.Leaf{IIN: personIIN}},
			{"login", false, testpki.Leaf{IIN: personIIN, Auth: true}},
			{"head", false, testpki.Leaf{IIN: headIIN, BIN: bodyBIN, Organization: "ҮЛГІ"}},
			{"national", true, testpki.Leaf{IIN: personIIN}},
		} {
			if l.national != national {
				continue
			}
			key, err := ca.Issue(l.leaf)
			if err != nil {
				return nil, err
			}
			out = append(out, ncalayer.Key{Alias: l.alias, Key: key})
		}
	}
	return out, nil
})

type house struct {
	double *ncalayer.Double
	server *httptest.Server
	keys   map[string]ncalayer.Key
}

func newHouse(t testing.TB) *house {
	t.Helper()
	all, err := keys()
	must(t, err)
	authority, err := testpki.New(testpki.Options{Now: time.Now, EC: true})
	must(t, err)
	ca, err := authority.NewCA("")
	must(t, err)
	_, err = authority.NewTSA(ca)
	must(t, err)
	responders := httptest.NewServer(authority.Handler())
	t.Cleanup(responders.Close)
	authority.SetBaseURL(responders.URL)
	client := &timestamp.Client{URL: responders.URL + "/tsp", HTTP: poster{}}
	h := &house{keys: map[string]ncalayer.Key{}}
	h.double, err = ncalayer.New(ncalayer.Options{Keys: all, Now: time.Now, Log: slog.New(slog.DiscardHandler), Stamp: client.Stamp})
	must(t, err)
	for _, k := range all {
		h.keys[k.Alias] = k
	}
	h.server = httptest.NewServer(h.double)
	t.Cleanup(h.server.Close)
	return h
}

// poster posts to the loopback responders.
type poster struct{}

func (poster) Post(ctx context.Context, url, contentType string, body []byte, limit int64) ([]byte, error) {
	r, err := http.Post(url, contentType, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	return io.ReadAll(io.LimitReader(r.Body, limit))
}

// connect opens a connection as a page of an origin does and reads the greeting.
func (h *house) connect(t testing.TB, origin string) (*websocket.Conn, error) {
	t.Helper()
	c, _, err := websocket.Dial(t.Context(), h.server.URL, &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {origin}}})
	if err != nil {
		return nil, err
	}
	c.SetReadLimit(64 << 20)
	t.Cleanup(func() { c.CloseNow() })
	_, hello, err := c.Read(t.Context())
	must(t, err)
	if string(hello) != `{"result":{"version":"1.4"}}` {
		t.Fatalf("greeting %s", hello)
	}
	return c, nil
}

type reply struct {
	Status    any
	Code      any
	Message   string
	ErrorCode string
	Success   *bool
	Body      struct{ Result json.RawMessage }
	Response  json.RawMessage `json:"responseObject"`
	UUID      string
	raw       string
}

// ask puts a question and reads the answer.
func (h *house) ask(t testing.TB, question string) (reply, error) {
	t.Helper()
	c, err := h.connect(t, "http://127.0.0.1:8080")
	must(t, err)
	must(t, c.Write(t.Context(), websocket.MessageText, []byte(question)))
	_, data, err := c.Read(t.Context())
	if err != nil {
		return reply{}, err
	}
	r := reply{raw: string(data)}
	return r, json.Unmarshal(data, &r)
}

func basics(args string) string {
	return `{"module":"kz.gov.pki.knca.basics","method":"sign","args":{` + args + `}}`
}

func common(method, args string) string {
	return `{"module":"kz.gov.pki.knca.commonUtils","method":"` + method + `","args":[` + args + `],"uuid":"7"}`
}

// text is the result as one string.
func (r reply) text(t testing.TB) string {
	t.Helper()
	var s string
	raw := r.Body.Result
	if raw == nil {
		raw = r.Response
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatalf("%v: %s", err, r.raw)
	}
	return s
}

// holds checks the mathematics of a message with one signature by a key.
func (h *house) holds(t *testing.T, message, alias string, content []byte, detached bool) *cms.Signer {
	t.Helper()
	der, err := cms.Decode([]byte(message))
	must(t, err)
	sd, err := cms.Parse(der, cms.Limits{})
	must(t, err)
	if len(sd.Signers) != 1 || sd.Detached != detached || !detached && string(sd.Content) != string(content) {
		t.Fatalf("%d signers, detached %v, content %q", len(sd.Signers), sd.Detached, sd.Content)
	}
	s := sd.Signers[0]
	c := sd.SignerCertificate(s, nil)
	if c == nil || c.SHA256Hex() != h.keys[alias].Certificate.SHA256Hex() {
		t.Fatalf("signed by another key than %s", alias)
	}
	digests, err := cms.DigestContent(strings.NewReader(string(content)), sd.NeededDigests())
	must(t, err)
	if check := sd.Verify(s, c, digests); check.Intact() == nil || !*check.Intact() || check.Reference != nil {
		t.Fatalf("%+v", check)
	}
	return s
}

const filter = `"signerParams":{"extKeyUsageOids":["1.3.6.1.5.5.7.3.4"],"iin":"`

func TestBasicsSigns(t *testing.T) {
	h := newHouse(t)
	content := []byte("қолтаңба")
	b64 := base64.StdEncoding.EncodeToString(content)
	r, err := h.ask(t, basics(`"format":"cms","data":"`+b64+`","signingParams":{"decode":true},`+filter+personIIN+`"}`))
	must(t, err)
	if !strings.HasPrefix(r.text(t), "-----BEGIN CMS-----") {
		t.Error(r.raw)
	}
	h.holds(t, r.text(t), "person", content, false)

	must(t, h.double.Order(ncalayer.Next{Key: "national"}))
	r, err = h.ask(t, basics(`"format":"cms","data":"`+b64+`","signingParams":{"decode":true,"encapsulate":false},`+filter+personIIN+`"}`))
	must(t, err)
	h.holds(t, r.text(t), "national", content, true)

	r, err = h.ask(t, basics(`"format":"cms","data":"қолтаңба","signingParams":{"tsaProfile":{}},"signerParams":{"bin":"`+bodyBIN+`"}`))
	must(t, err)
	if s := h.holds(t, r.text(t), "head", content, false); len(s.TimestampTokens()) != 1 {
		t.Error("no time stamp")
	}
	digest := sha256.Sum256(content)
	r, err = h.ask(t, basics(`"format":"cms","data":"`+base64.StdEncoding.EncodeToString(digest[:])+`","signingParams":{"decode":true,"digested":true},`+filter+personIIN+`"}`))
	must(t, err)
	h.holds(t, r.text(t), "person", content, true)

	for _, alias := range []string{"person", "national"} {
		must(t, h.double.Order(ncalayer.Next{Key: alias}))
		r, err = h.ask(t, basics(`"format":"xml","data":["<a>1</a>","<a>2</a>"],"signingParams":{},"signerParams":{"iin":"`+personIIN+`"}`))
		must(t, err)
		var several []string
		must(t, json.Unmarshal(r.Body.Result, &several))
		if len(several) != 2 {
			t.Fatal(r.raw)
		}
		h.holdsXML(t, several[1], alias)
	}

	r, err = h.ask(t, basics(`"format":"raw","data":"abc","signingParams":{},"signerParams":{"iin":"`+personIIN+`"}`))
	must(t, err)
	var raw struct {
		Signatures  []string
		Certificate string
	}
	must(t, json.Unmarshal(r.Body.Result, &raw))
	block, _ := pem.Decode([]byte(raw.Certificate))
	value, err := base64.StdEncoding.DecodeString(raw.Signatures[0])
	must(t, err)
	c, err := pki.ParseCertificate(block.Bytes)
	must(t, err)
	algorithm, err := pki.NewAlgorithm("1.2.840.10045.4.3.2", nil)
	must(t, err)
	must(t, c.PublicKey.Verify(algorithm, []byte("abc"), value))
}

func (h *house) holdsXML(t *testing.T, document, alias string) {
	t.Helper()
	d, err := xmldsig.Parse([]byte(document), xmldsig.Limits{})
	must(t, err)
	if len(d.Signatures()) != 1 {
		t.Fatalf("%d signatures in %s", len(d.Signatures()), document)
	}
	s := d.Signatures()[0]
	if check := s.Verify(h.keys[alias].Certificate); check.Intact() == nil || !*check.Intact() {
		t.Errorf("%s: %+v", alias, check)
	}
}

// TestOnlyKeysThatFit: the filter of the page decides, whatever the person would like to choose.
func TestOnlyKeysThatFit(t *testing.T) {
	h := newHouse(t)
	other := identity.NewIIN(time.Date(1991, 5, 5, 0, 0, 0, 0, time.UTC), false, 3)
	for name, c := range map[string]struct{ signer, order, want string }{
		"purpose":              {`"extKeyUsageOids":["1.3.6.1.5.5.7.3.2"],"iin":"` + personIIN + `"`, "", "login"},
		"body":                 {`"bin":"` + bodyBIN + `"`, "", "head"},
		"not another's":        {`"iin":"` + other + `"`, "", ""},
		"not the body's":       {`"iin":"` + personIIN + `","bin":"` + bodyBIN + `"`, "", ""},
		"not a named stranger": {`"iin":"` + personIIN + `"`, "head", ""},
		"not an expired one":   {`"iin":"` + personIIN + `"`, "old", ""},
		"serial number":        {`"serialNumber":"` + h.keys["head"].Certificate.SerialHex() + `"`, "", "head"},
		"issuer":               {`"chain":[` + quoted(pemOf(h.keys["national"].Chain[0])) + `]`, "", "national"},
	} {
		must(t, h.double.Order(ncalayer.Next{Key: c.order}))
		r, err := h.ask(t, basics(`"format":"cms","data":"x","signerParams":{`+c.signer+`}`))
		must(t, err)
		if c.want == "" {
			if r.Status != false || r.Code != "SIGNING_FAILURE" || r.Message == "" {
				t.Errorf("%s: %s", name, r.raw)
			}
			continue
		}
		h.holds(t, r.text(t), c.want, []byte("x"), false)
	}
}

func pemOf(c *pki.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

func quoted(s string) string {
	out, _ := json.Marshal(s) // a string always has JSON
	return string(out)
}

func TestCommonUtils(t *testing.T) {
	h := newHouse(t)
	content := []byte("мәтін")
	b64 := base64.StdEncoding.EncodeToString(content)
	r, err := h.ask(t, common("createCAdESFromBase64", `"PKCS12","SIGNATURE","`+b64+`",true`))
	must(t, err)
	if r.Code != "200" || r.UUID != "7" {
		t.Error(r.raw)
	}
	h.holds(t, r.text(t), "old", content, false) // this module does not look at the time
	must(t, h.double.Order(ncalayer.Next{Key: "person"}))
	r, err = h.ask(t, common("createCMSSignatureFromBase64", `"PKCS12","SIGNATURE","`+b64+`",false`))
	must(t, err)
	if s := h.holds(t, r.text(t), "person", content, true); len(s.TimestampTokens()) != 1 {
		t.Error("no time stamp")
	}
	digest := sha256.Sum256(content)
	r, err = h.ask(t, common("createCAdESFromBase64Hash", `"PKCS12","AUTHENTICATION","`+base64.StdEncoding.EncodeToString(digest[:])+`"`))
	must(t, err)
	h.holds(t, r.text(t), "login", content, true)
	r, err = h.ask(t, common("applyCAdEST", `"PKCS12","SIGNATURE","`+r.text(t)+`"`))
	must(t, err)
	if s := h.holds(t, r.text(t), "login", content, true); len(s.TimestampTokens()) != 1 {
		t.Error("no time stamp was added")
	}
	must(t, h.double.Order(ncalayer.Next{Key: "national"}))
	r, err = h.ask(t, common("signXml", `"PKCS12","SIGNATURE","<a/>","",""`))
	must(t, err)
	h.holdsXML(t, r.text(t), "national")
	r, err = h.ask(t, common("getKeyInfo", `"PKCS12"`))
	must(t, err)
	var info struct{ Alias, SerialNumber, CertNotAfter, Pem string }
	must(t, json.Unmarshal(r.Response, &info))
	if info.Alias != "old" || info.SerialNumber != h.keys["old"].Certificate.SerialHex() || len(info.CertNotAfter) != len("02.01.2006 15:04:05") || info.Pem == "" {
		t.Error(r.raw)
	}
	for question, want := range map[string]string{
		common("createCAdESFromBase64", `"PKCS12"`):                              "java.lang.IllegalArgumentException: argument type mismatch. Method: createCAdESFromBase64",
		common("createCAdESFromBase64", `"PKCS12","SIGNATURE","не base64",true`): "the content is not base64",
		common("signXml", `"PKCS12","SIGNATURE","<a/>","//b",""`):                "only whole documents are signed here: leave the two XPaths empty",
		common("showFileChooser", `"ALL",""`):                                    "java.lang.NoSuchMethodException: showFileChooser",
	} {
		if r, err = h.ask(t, question); err != nil || r.Code != "500" || r.Message != want {
			t.Errorf("%s: %s %v", question, r.raw, err)
		}
	}
	if r, err = h.ask(t, common("getActiveTokens", "")); err != nil || r.raw != `{"code":"200","responseObject":[],"uuid":"7"}` {
		t.Error(r.raw, err)
	}
	must(t, h.double.Order(ncalayer.Next{Fault: ncalayer.Cancelled}))
	if r, err = h.ask(t, common("signXml", `"PKCS12","SIGNATURE","<a/>","",""`)); err != nil || r.Code != "500" || r.Message != "action.canceled" {
		t.Error(r.raw, err)
	}
}

func TestFaults(t *testing.T) {
	h := newHouse(t)
	question := basics(`"format":"cms","data":"x","signerParams":{"iin":"` + personIIN + `"}`)
	order := func(values url.Values) int {
		r, err := http.PostForm(h.server.URL+"/next", values)
		must(t, err)
		r.Body.Close()
		return r.StatusCode
	}
	if order(url.Values{"fault": {"cancelled"}, "slow": {"50ms"}}) != 204 {
		t.Fatal("not ordered")
	}
	began := time.Now()
	if r, err := h.ask(t, question); err != nil || r.raw != `{"body":{},"status":true}` || time.Since(began) < 50*time.Millisecond {
		t.Error(r.raw, err, time.Since(began))
	}
	order(url.Values{"fault": {"error"}})
	if r, err := h.ask(t, question); err != nil || r.Status != false || r.Code != "SIGNING_FAILURE" {
		t.Error(r.raw, err)
	}
	order(url.Values{"fault": {"dropped"}})
	if r, err := h.ask(t, question); err == nil {
		t.Error("answered after the connection broke:", r.raw)
	}
	order(url.Values{"fault": {"garbled"}})
	if _, err := h.ask(t, question); err == nil {
		t.Error("that was JSON")
	}
	order(url.Values{"fault": {"absent"}})
	if _, err := h.connect(t, "http://127.0.0.1:1"); err == nil {
		t.Error("connected to a program that is not running")
	}
	if r, err := h.ask(t, question); err != nil || r.Status != true {
		t.Error("a fault befell two questions:", r.raw, err)
	}
	for _, bad := range []url.Values{{"fault": {"explosion"}}, {"key": {"nobody's"}}, {"slow": {"later"}}, {"slow": {"10h"}}} {
		if order(bad) != http.StatusBadRequest {
			t.Errorf("ordered %v", bad)
		}
	}
}

// TestStrangers: pages of elsewhere get no connection, and no order is taken from them; what is no question gets NCALayer's words.
func TestStrangers(t *testing.T) {
	h := newHouse(t)
	if _, err := h.connect(t, "https://elsewhere.example"); err == nil {
		t.Error("a page of elsewhere was connected")
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.server.URL+"/next", strings.NewReader("fault=error"))
	must(t, err)
	request.Header.Set("Origin", "https://elsewhere.example")
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r, err := http.DefaultClient.Do(request)
	must(t, err)
	r.Body.Close()
	if r.StatusCode != http.StatusForbidden {
		t.Errorf("an order from elsewhere: %s", r.Status)
	}
	for question, want := range map[string]string{
		"{": `{"code":"COMMON_JSON_WRAPPING_EXCEPTION","success":false}`,
		`{"module":"kz.digiflow.mobile.extensions","method":"getVersion"}`: `{"errorCode":"MODULE_NOT_FOUND","success":false}`,
		`--heartbeat--`: `--heartbeat--`,
		`{"module":"kz.gov.pki.knca.basics","method":"generateCsr"}`: `{"code":"INVOCATION_ERROR","details":"","message":"this double signs and does nothing else","status":false}`,
	} {
		if got, _ := h.ask(t, question); got.raw != want {
			t.Errorf("%s: %s", question, got.raw)
		}
	}
	page, err := http.Get(h.server.URL)
	must(t, err)
	defer page.Body.Close()
	text, err := io.ReadAll(page.Body)
	must(t, err)
	if !strings.Contains(string(text), "development signer") || !strings.Contains(string(text), personIIN) {
		t.Errorf("%s", text)
	}
	if _, err := ncalayer.New(ncalayer.Options{}); err == nil {
		t.Error("made without keys")
	}
}
