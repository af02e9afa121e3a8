// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

// TestLogVerifyServer: the log of a running service is replayed page by page, and what does not answer proves nothing.
func TestLogVerifyServer(t *testing.T) {
	const size = pageOfEntries + 7
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, err := strconv.Atoi(r.URL.Query().Get("from"))
		if err != nil || r.URL.Path != "/v1/log/entries" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		for i := from; i < min(size, from+pageOfEntries); i++ {
			fmt.Fprintf(w, "{\"n\":%d}\n", i)
		}
	}))
	defer server.Close()
	code, out, problems := call(t, "log", "verify", "--server", server.URL)
	if code != 0 || !strings.Contains(out, strconv.Itoa(size)) {
		t.Errorf("%d %s %s", code, out, problems)
	}
	if code, out, _ := call(t, "log", "verify", "--server", server.URL+"/nowhere"); code == 0 {
		t.Errorf("another address: %s", out)
	}
}
