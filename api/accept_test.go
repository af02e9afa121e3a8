// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"
)

// The validation report of ETSI TS 119 102-2 is there for whoever prefers XML.
func TestValidationReport(t *testing.T) {
	h := newHouse(t, nil)
	for accept, want := range map[string]string{
		"": "application/json", "*/*": "application/json", "application/json": "application/json", "application/xml": "application/xml",
		"text/xml": "application/xml", "application/json, application/xml": "application/json", "application/json;q=0.5, application/xml": "application/xml",
		"application/xml;q=0.5, application/json": "application/json", strings.Repeat("application/xml,", 100): "application/json",
	} {
		w := h.do(t, ask{path: "/v1/signatures/verify", account: "auditor", body: map[string]any{"document": []byte("no signature")}, header: map[string]string{"Accept": accept}})
		if w.Code != 200 || w.Header().Get("Content-Type") != want || !strings.Contains(w.Header().Get("Vary"), "Accept") {
			t.Errorf("%.40q: %d %s, Vary %s", accept, w.Code, w.Header().Get("Content-Type"), w.Header().Get("Vary"))
			continue
		}
		if want != "application/xml" {
			continue
		}
		body := w.Body.String()
		if !strings.Contains(body, `xmlns="http://uri.etsi.org/19102/v1.4.1#"`) || !strings.Contains(body, "urn:etsi:019102:mainindication:total-failed") ||
			!strings.Contains(body, "urn:etsi:019102:subindication:FORMAT_FAILURE") {
			t.Errorf("%s", body)
		}
		for dec := xml.NewDecoder(w.Body); ; {
			if _, err := dec.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
	// A certificate has no such report.
	w := h.do(t, ask{path: "/v1/certificates/verify", account: "auditor", body: map[string]any{"certificate": h.head.Certificate.Raw}, header: map[string]string{"Accept": "application/xml"}})
	if w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("certificate: %s", w.Header().Get("Content-Type"))
	}
}
