// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"rastau/api"
	"rastau/internal/cms"
	"rastau/internal/pki"
	"rastau/internal/xmldsig"
	"rastau/signer"
)

// ncaHouse answers as NCANode does, with a key of its own for signing.
func ncaHouse(t *testing.T) *house {
	t.Helper()
	h := newHouse(t, nil)
	ring, err := signer.NewRing(h.head)
	if err != nil {
		t.Fatal(err)
	}
	key, err := signer.New(signer.Options{Keys: ring, Judge: keyJudge{h.options.Verifier, h.pki}, Checker: h.options.Verifier, Stamper: stampOf{h}, Now: h.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	h.options.NCANode = &api.NCANode{Signer: key, Alias: "seal", Certs: []*pki.Certificate{h.head.Certificate}}
	if h.handler, err = api.Handler(h.options); err != nil {
		t.Fatal(err)
	}
	return h
}

type stampOf struct{ h *house }

func (s stampOf) Stamp(_ context.Context, data []byte) ([]byte, error) {
	return s.h.pki.TimestampToken(data, s.h.clock.now())
}

// post sends a request as a client of NCANode does, without an account.
func (h *house) post(t *testing.T, path string, body any) (int, map[string]any) {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(data))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	var out map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	if out["status"] != float64(w.Code) || out["message"] == "" {
		t.Errorf("%s: envelope %v with status %d", path, out, w.Code)
	}
	return w.Code, out
}

type object = map[string]any

// Requests in the shapes of NCANode's own description, and what its clients read of the answers.
func TestNCANode(t *testing.T) {
	h := ncaHouse(t)
	b64 := base64.StdEncoding.EncodeToString
	certificate := func(t *testing.T, v any) object {
		t.Helper()
		c, ok := v.(object)
		if !ok {
			t.Fatalf("no certificate: %v", v)
		}
		for _, name := range []string{"valid", "revocations", "notBefore", "notAfter", "keyUsage", "serialNumber", "signAlg", "keyUser", "publicKey", "signature", "subject", "issuer"} {
			if _, ok := c[name]; !ok {
				t.Errorf("%s is missing in %v", name, c)
			}
		}
		subject := c["subject"].(object)
		if subject["bin"] != h.bin || subject["surName"] != "ҮЛГІБАЕВ" || c["keyUsage"] != "SIGN" || !strings.HasSuffix(subject["dn"].(string), "CN=ҮЛГІБАЕВ ӘЛІ") {
			t.Errorf("certificate %v", c)
		}
		return c
	}
	sign := func(content string, change ...func(*cms.SignOptions)) []byte {
		o := cms.SignOptions{Content: []byte(content), Key: h.head.Signer, Certificate: h.head.Certificate, Chain: h.head.Chain, SigningTime: h.clock.now(), Stamp: stampOf{h}.Stamp}
		for _, c := range change {
			c(&o)
		}
		der, err := cms.Sign(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	detached := func(o *cms.SignOptions) { o.Detached = true }
	xml := func(doc string) string {
		out, err := xmldsig.Sign(t.Context(), []byte(doc), xmldsig.SignOptions{Key: h.head.Signer, Certificate: h.head.Certificate})
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	const envelope = `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><a/></soap:Body></soap:Envelope>`
	message, err := xmldsig.SignSecurity(t.Context(), []byte(envelope), xmldsig.SignOptions{Key: h.head.Signer, Certificate: h.head.Certificate})
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte("data"))
	raw, err := h.head.Signer.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	attached := sign("test123")
	revocation := []string{"OCSP", "CRL"}
	const doc = `<?xml version="1.0" encoding="utf-8"?><a><b>test</b></a>`

	t.Run("cms/verify", func(t *testing.T) {
		_, out := h.post(t, "/cms/verify", object{"cms": b64(attached), "revocationCheck": revocation})
		if out["valid"] != true || out["message"] != "OK" {
			t.Fatalf("%v", out)
		}
		one := out["signers"].([]any)[0].(object)
		c := certificate(t, one["certificates"].([]any)[0])
		if r := c["revocations"].([]any)[0].(object); r["revoked"] != false || r["by"] != "OCSP" || c["valid"] != true {
			t.Errorf("revocations %v", r)
		}
		tsp := one["tsp"].(object)
		for _, name := range []string{"serialNumber", "genTime", "policy", "tspHashAlgorithm", "hash"} {
			if s, _ := tsp[name].(string); s == "" {
				t.Errorf("tsp.%s is missing in %v", name, tsp)
			}
		}
	})
	for name, tt := range map[string]struct {
		path  string
		body  object
		valid bool
	}{
		"detached":                     {"/cms/verify", object{"cms": b64(sign("test123", detached)), "data": b64([]byte("test123"))}, true},
		"detached, other data":         {"/cms/verify", object{"cms": b64(sign("test123", detached)), "data": b64([]byte("test124"))}, false},
		"detached, no data":            {"/cms/verify", object{"cms": b64(sign("test123", detached))}, false},
		"attached, other data":         {"/cms/verify", object{"cms": b64(attached), "data": b64([]byte("test124"))}, false},
		"XML":                          {"/xml/verify", object{"xml": "\n" + xml(doc) + "\n", "revocationCheck": []string{}}, true},
		"XML, two signers":             {"/xml/verify", object{"xml": xml(xml(doc))}, true},
		"XML, altered":                 {"/xml/verify", object{"xml": strings.Replace(xml(doc), "test", "tost", 1)}, false},
		"XML without a signature":      {"/xml/verify", object{"xml": doc}, false},
		"message":                      {"/wsse/verify", object{"xml": string(message)}, true},
		"message, altered":             {"/wsse/verify", object{"xml": strings.Replace(string(message), "<a/>", "<b/>", 1)}, false},
		"a signed document as message": {"/wsse/verify", object{"xml": xml(doc)}, false},
		"certificates":                 {"/x509/info", object{"certs": []string{b64(h.head.Certificate.Raw)}, "revocationCheck": revocation}, true},
		"raw signature":                {"/x509/verify", object{"certificate": b64(h.head.Certificate.Raw), "signature": b64(raw), "data": b64([]byte("data"))}, true},
		"raw signature, other data":    {"/x509/verify", object{"certificate": b64(h.head.Certificate.Raw), "signature": b64(raw), "data": b64([]byte("date"))}, false},
		"raw signature, data as text":  {"/x509/verify", object{"certificate": b64(h.head.Certificate.Raw), "signature": b64(raw), "data": "data"}, true},
		"no raw signature":             {"/x509/verify", object{"certificate": b64(h.head.Certificate.Raw), "revocationCheck": revocation}, false},
		"raw signature of no data":     {"/x509/verify", object{"certificate": b64(h.head.Certificate.Raw), "signature": b64(raw)}, false},
		"certificates in PEM":          {"/x509/info", object{"certs": []string{b64(pemOf("CERTIFICATE", h.head.Certificate.Raw)), string(pemOf("CERTIFICATE", h.head.Certificate.Raw))}}, true},
		"no certificates":              {"/x509/info", object{"certs": []string{}}, false},
		"PEM":                          {"/cms/verify", object{"cms": string(pemOf("CMS", attached))}, true},
		"PEM in base64":                {"/cms/verify", object{"cms": b64(pemOf("CMS", attached))}, true},
		"the configured key":           {"/pkcs12/info", object{"keys": []object{{"keyAlias": "seal"}}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			status, out := h.post(t, tt.path, tt.body)
			if status != 200 || out["valid"] != tt.valid {
				t.Fatalf("%d %v", status, out)
			}
			signers := out["signers"].([]any)
			if name == "XML, two signers" && len(signers) != 2 || name == "XML without a signature" && len(signers) != 0 {
				t.Errorf("%d signers", len(signers))
			}
			for _, s := range signers {
				if strings.HasPrefix(tt.path, "/cms") {
					s = s.(object)["certificates"].([]any)[0]
				}
				certificate(t, s)
			}
		})
	}
	t.Run("a certificate that is none", func(t *testing.T) {
		_, out := h.post(t, "/x509/info", object{"certs": []string{b64(h.head.Certificate.Raw), "MAA="}})
		if signers := out["signers"].([]any); out["valid"] != false || len(signers) != 2 || signers[0] == nil || signers[1] != nil || !strings.HasPrefix(out["message"].(string), "[1]: ") {
			t.Errorf("%v", out)
		}
	})
	t.Run("cms/extract", func(t *testing.T) {
		if _, out := h.post(t, "/cms/extract", object{"cms": b64(attached)}); out["data"] != b64([]byte("test123")) {
			t.Errorf("%v", out)
		}
	})
	t.Run("signing", func(t *testing.T) {
		_, out := h.post(t, "/cms/sign", object{"data": b64([]byte("test123")), "withTsp": true, "detached": false, "signers": []object{{"keyAlias": "seal"}}})
		if _, v := h.post(t, "/cms/verify", object{"cms": out["cms"]}); v["valid"] != true {
			t.Errorf("%v", v)
		}
		_, out = h.post(t, "/xml/sign", object{"xml": doc, "signers": []object{{}}})
		if _, v := h.post(t, "/xml/verify", object{"xml": out["xml"]}); v["valid"] != true {
			t.Errorf("%v", v)
		}
		_, out = h.post(t, "/wsse/sign", object{"xml": envelope})
		if _, v := h.post(t, "/wsse/verify", object{"xml": out["xml"]}); v["valid"] != true {
			t.Errorf("%v", v)
		}
		if status, again := h.post(t, "/wsse/sign", object{"xml": out["xml"]}); status != 400 || !strings.Contains(again["message"].(string), "signed already") {
			t.Errorf("%d %v", status, again)
		}
	})
	t.Run("a revoked certificate", func(t *testing.T) {
		h.ca.Revoke(h.head.Certificate, h.clock.now(), 1)
		h.clock.move(48 * 3600e9)
		if _, out := h.post(t, "/xml/verify", object{"xml": xml(doc), "revocationCheck": []string{}}); out["valid"] != false {
			t.Errorf("valid although revoked, and nobody asked for revocation: %v", out)
		}
	})
}

func pemOf(label string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})
}

// Keys do not travel, and what cannot be read is a client's mistake in NCANode's shape.
func TestNCANodeRefuses(t *testing.T) {
	h := ncaHouse(t)
	key := object{"key": "MIIK…", "password": "Qwerty12", "keyAlias": nil}
	for path, body := range map[string]object{
		"/cms/sign":     {"data": "dGVzdA==", "signers": []object{key}},
		"/cms/sign/add": {"cms": "MAA=", "signers": []object{key}},
		"/xml/sign":     {"xml": "<a/>", "signers": []object{key}},
		"/wsse/sign":    {"xml": "<a/>", "key": "MIIK…", "password": "Qwerty12"},
		"/pkcs12/info":  {"keys": []object{key}},
	} {
		status, out := h.post(t, path, body)
		if why, _ := out["message"].(string); status != 400 || !strings.Contains(why, "private key must not travel") {
			t.Errorf("%s: %d %v", path, status, out)
		}
	}
	for path, body := range map[string]any{
		"/cms/verify":     object{"cms": "not base64!"},
		"/cms/extract":    object{"cms": "MAA="},
		"/xml/verify":     object{"xml": "<a"},
		"/wsse/verify":    object{},
		"/x509/info":      object{"certs": make([]string, 101)},
		"/x509/verify":    object{"certificate": "MAA="},
		"/xml/sign":       object{"xml": "<!DOCTYPE a><a/>", "signers": []object{{}}},
		"/wsse/sign":      object{"xml": "<a/>"},
		"/cms/sign":       object{"data": "dGVzdA==", "signers": []object{{"keyAlias": "other"}}},
		"/pkcs12/aliases": []string{},
	} {
		if status, out := h.post(t, path, body); status != 400 {
			t.Errorf("%s: %d %v", path, status, out)
		}
	}
	if strings.Contains(h.logs.String(), "Qwerty12") {
		t.Error("a password is in the log")
	}
	without := newHouse(t, nil)
	r := httptest.NewRequest(http.MethodPost, "/cms/verify", strings.NewReader("{}"))
	w := httptest.NewRecorder()
	without.handler.ServeHTTP(w, r)
	if w.Code != http.StatusNotFound {
		t.Errorf("without the switch: %d", w.Code)
	}
}
