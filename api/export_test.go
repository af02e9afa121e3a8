// SPDX-License-Identifier: Apache-2.0

package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"rastau/internal/account"
)

// Routes is Echo's own list of what a handler serves.
func Routes(h http.Handler) []*echo.Route { return h.(*server).echo.Routes() }

// Roles is the table of roles by "METHOD path"; no roles: public.
func Roles(h http.Handler) map[string][]account.Role {
	out := map[string][]account.Role{}
	for _, r := range h.(*server).routes() {
		out[r.method+" "+r.path] = r.roles
	}
	return out
}

// Codes lists every problem code.
func Codes() []string {
	var out []string
	for _, p := range problems {
		out = append(out, p.code)
	}
	return out
}

// Add serves one more route, for faults that no real route has.
func Add(h http.Handler, path string, handle echo.HandlerFunc) { h.(*server).echo.GET(path, handle) }

// The readers of outside bytes, and the limiter.
var (
	DecodeJSON = decodeJSON
	AddressKey = addressKey
	NewBuckets = newBuckets
)

// Take spends one request of a limiter.
var Take = (*buckets).take

// Bounds: the depth of JSON that is read, the large bodies in work at once.
const (
	MaxDepth = maxDepth
	MaxLarge = maxLarge
)

// FillAnswers uses up an account's share of remembered answers.
func FillAnswers(h http.Handler, account string) {
	a := h.(*server).answers
	a.mu.Lock()
	defer a.mu.Unlock()
	a.charge(account, maxKeptOfOne)
}
