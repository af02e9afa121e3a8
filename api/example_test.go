// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
)

// installation stands in for a test where an example needs a house.
type installation struct {
	testing.TB
	closers []func()
}

func (*installation) Helper()            {}
func (*installation) Fatal(why ...any)   { panic(fmt.Sprint(why...)) }
func (i *installation) Cleanup(f func()) { i.closers = append(i.closers, f) }
func (i *installation) TempDir() string {
	dir, err := os.MkdirTemp("", "api")
	if err != nil {
		panic(err)
	}
	i.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (i *installation) close() {
	for _, f := range slices.Backward(i.closers) {
		f()
	}
}

// A bad signature is an answer; a question that cannot be read is a problem.
func Example() {
	var here installation
	defer here.close()
	h := newHouse(&here, nil)
	server := httptest.NewServer(h.handler)
	defer server.Close()

	ask := func(body string) {
		req, _ := http.NewRequest("POST", server.URL+"/v1/signatures/verify", strings.NewReader(body))
		req.Header.Set("Authorization", "Bearer "+h.tokens["auditor"])
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			fmt.Println(err)
			return
		}
		defer res.Body.Close()
		var answer struct{ Indication, SubIndication, Code, Detail string }
		if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
			fmt.Println(err)
		}
		fmt.Println(res.StatusCode, strings.TrimSpace(answer.Indication+" "+answer.SubIndication+answer.Code+" "+answer.Detail))
	}
	ask(`{"document":"bm90IGEgc2lnbmF0dXJl"}`)
	ask(`{"document":"bm90IGEgc2lnbmF0dXJl","anchors":[]}`)
	// Output:
	// 200 TOTAL-FAILED FORMAT_FAILURE
	// 400 json unknown name "anchors"
}
