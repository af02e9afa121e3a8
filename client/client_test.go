// SPDX-License-Identifier: Apache-2.0

package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"rastau/client"
)

// What is no answer of the service is an error, and never a verdict. Real answers are read in package api's tests.
func TestNoAnswer(t *testing.T) {
	for name, handle := range map[string]http.HandlerFunc{
		"a page":    func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") },
		"a gateway": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "bad gateway", http.StatusBadGateway) },
		"too long":  func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat(" ", 33<<20)) },
		"nothing":   func(http.ResponseWriter, *http.Request) {},
	} {
		s := httptest.NewServer(handle)
		c := client.Client{URL: s.URL, Token: "x"}
		r, err := c.VerifySignature(t.Context(), client.Question{Document: []byte("x")})
		var p *client.Problem
		if err == nil || errors.As(err, &p) || r.Passed() {
			t.Errorf("%s: %v %v", name, r, err)
		}
		s.Close()
	}
	if _, err := (&client.Client{}).VerifyCertificate(t.Context(), client.Question{}); err == nil {
		t.Error("without an address")
	}
}

func Example() {
	c := client.Client{URL: "http://127.0.0.1:1", Token: "token of an account that may judge"}
	report, err := c.VerifySignature(context.Background(), client.Question{Document: []byte("a signed file"), Lang: "kk"})
	// Nothing listens there: no answer is no yes.
	fmt.Println(report.Passed(), err != nil)
	// Output: false true
}
