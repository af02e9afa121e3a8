// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"net/http"
	"regexp"
	"testing"
)

// TestStatic: what a page loads goes out zipped and is kept for good at this version's address, at another's for a minute.
func TestStatic(t *testing.T) {
	b := newHouse(t).browser(t)
	b.open("/").sees(200)
	address := regexp.MustCompile(`/static/[0-9a-f]{12}/app\.css`).FindString(b.page)
	if address == "" {
		t.Fatal("the page names no style sheet of this version")
	}
	for path, want := range map[string]string{address: "public, max-age=31536000, immutable", "/static/000000000000/app.css": "public, max-age=60"} {
		for accept, encoding := range map[string]string{"gzip, br": "gzip", "gzip;q=0": "", "identity": ""} {
			r, err := http.NewRequest(http.MethodGet, b.h.server.URL+path, nil)
			must(t, err)
			r.Header.Set("Accept-Encoding", accept)
			answer, err := http.DefaultTransport.RoundTrip(r)
			must(t, err)
			answer.Body.Close()
			h := answer.Header
			if h.Get("Cache-Control") != want || h.Get("Content-Encoding") != encoding || h.Get("Content-Type") != "text/css; charset=utf-8" || h.Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s for %q: %v", path, accept, h)
			}
		}
	}
}
