// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"rastau/api"
	"rastau/internal/account"
)

// public are the routes that need no token; whatever else Echo serves needs one.
var public = []string{
	"GET /livez", "GET /readyz", "GET /metrics", "GET /v1/openapi.json", "GET /v/:number",
	"POST /v1/challenges", "POST /v1/registrations", "POST /v1/session", "POST /v1/payments/told",
	"GET /v1/register", "GET /v1/register.csv", "GET /v1/register/:number", "GET /v1/log/checkpoint", "GET /v1/log/entries", "GET /v1/log/proof", "GET /v1/log/growth",
}

// allowed is who may do what, written here a second time on purpose.
var allowed = map[string]string{
	"GET /v1/services":                                     "applicant employee operator officer auditor admin",
	"GET /v1/services/:key":                                "applicant employee operator officer auditor admin",
	"GET /v1/session":                                      "applicant employee operator officer auditor admin",
	"DELETE /v1/session":                                   "applicant employee operator officer auditor admin",
	"GET /v1/people":                                       "admin",
	"POST /v1/people":                                      "admin",
	"PUT /v1/people/:id/disabled":                          "admin",
	"PUT /v1/people/:id/password":                          "applicant employee operator officer auditor admin",
	"POST /v1/configuration/reload":                        "admin",
	"GET /v1/logins":                                       "auditor admin",
	"POST /v1/registers/lookup":                            "employee operator",
	"POST /v1/drafts":                                      "applicant employee operator",
	"PUT /v1/drafts/:id":                                   "applicant employee operator",
	"POST /v1/applications/:id/payment":                    "applicant employee operator",
	"POST /v1/applications/:id/seal":                       "applicant employee operator",
	"POST /v1/applications/:id/certificate":                "applicant employee operator",
	"POST /v1/applications":                                "applicant employee operator",
	"GET /v1/applications":                                 "applicant employee operator officer admin",
	"GET /v1/applications/:id":                             "applicant employee operator officer admin",
	"POST /v1/applications/:id/signature":                  "applicant employee operator",
	"POST /v1/applications/:id/decision":                   "officer",
	"GET /v1/applications/:id/file":                        "applicant employee operator officer admin",
	"GET /v1/applications/:id/ruling":                      "applicant employee operator officer admin",
	"POST /v1/applications/:id/work":                       "officer admin",
	"POST /v1/applications/:id/correction":                 "applicant employee operator",
	"POST /v1/applications/:id/correction/signature":       "applicant employee operator",
	"POST /v1/applications/:id/appeal":                     "applicant employee operator",
	"POST /v1/bulk/applications":                           "applicant employee operator",
	"POST /v1/bulk/signatures":                             "applicant employee operator",
	"GET /v1/queue":                                        "officer admin",
	"POST /v1/batches":                                     "officer",
	"GET /v1/batches/:id":                                  "officer admin",
	"GET /v1/tasks":                                        "officer admin",
	"GET /v1/statistics":                                   "officer admin",
	"GET /v1/grounds":                                      "applicant employee operator officer auditor admin",
	"GET /v1/licences":                                     "officer auditor admin",
	"POST /v1/licences/download":                           "applicant employee operator officer auditor admin",
	"POST /v1/licences/:number/moves":                      "officer",
	"GET /v1/licences/:number/appendices":                  "applicant employee operator officer auditor admin",
	"GET /v1/licences/:number/appendices/:appendix/pdf":    "applicant employee operator officer auditor admin",
	"GET /v1/licences/:number/appendices/:appendix/signed": "applicant employee operator officer auditor admin",
	"GET /v1/licences/:number":                             "applicant employee operator officer auditor admin",
	"GET /v1/licences/:number/pdf":                         "applicant employee operator officer auditor admin",
	"GET /v1/licences/:number/signed":                      "applicant employee operator officer auditor admin",
	"POST /v1/signatures/verify":                           "officer auditor admin",
	"POST /v1/signatures/batches":                          "officer auditor admin",
	"GET /v1/signatures/batches":                           "officer auditor admin",
	"GET /v1/signatures/batches/:id":                       "officer auditor admin",
	"GET /v1/signatures/batches/:id/results":               "officer auditor admin",
	"POST /v1/signatures/batches/:id/cancel":               "officer auditor admin",
	"DELETE /v1/signatures/batches/:id":                    "officer auditor admin",
	"POST /v1/certificates/verify":                         "officer auditor admin",
	"POST /v1/licences/verify":                             "officer auditor admin",
	"GET /v1/log":                                          "auditor admin",
	"GET /v1/applications/:id/survey":                      "applicant employee operator",
	"POST /v1/applications/:id/survey":                     "applicant employee operator",
	"GET /v1/reports/survey":                               "officer auditor admin",
}

// No route is open that should not be: Echo's own list is walked.
func TestEveryRouteAsksForItsRole(t *testing.T) {
	h := newHouse(t, nil)
	app := h.issue(t)
	seen := 0
	for _, route := range api.Routes(h.handler) {
		line := route.Method + " " + route.Path
		path := strings.NewReplacer(":key", "passenger-transport", ":id", app.ID, ":number", app.Licence, ":file", "style.css", ":type", "token", ":appendix", "002").Replace(route.Path)
		if slices.Contains(public, line) {
			// What is posted without an account proves itself: an empty body is refused as a body, never for the lack of a token.
			if w := h.do(t, ask{method: route.Method, path: path}); (route.Method == http.MethodGet) != (w.Code == 200) || w.Code == 401 || w.Code >= 500 {
				t.Errorf("%s: %d for everybody", line, w.Code)
			}
			continue
		}
		roles, known := allowed[line]
		if !known {
			t.Errorf("%s is neither public nor in the table of roles", line)
			continue
		}
		seen++
		body := "{}"
		if route.Method == http.MethodGet {
			body = ""
		}
		for name, header := range map[string]string{
			"none": "", "unknown": "Bearer nobody-has-this", "empty": "Bearer ", "another scheme": "Basic " + h.tokens["admin"], "bare": h.tokens["admin"], "two words": "Bearer " + h.tokens["admin"] + " x",
		} {
			a := ask{method: route.Method, path: path, body: body, header: map[string]string{}}
			if header != "" {
				a.header["Authorization"] = header
			}
			w := h.do(t, a)
			if w.Code != 401 || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("%s with token %s: %d %v", line, name, w.Code, w.Header())
			}
		}
		for _, role := range []account.Role{account.Applicant, account.Employee, account.Operator, account.Officer, account.Auditor, account.Admin} {
			w := h.do(t, ask{method: route.Method, path: path, account: string(role), body: body})
			if may := slices.Contains(strings.Fields(roles), string(role)); may == (w.Code == 403) || w.Code == 401 || w.Code >= 500 {
				t.Errorf("%s as %s: %d %s", line, role, w.Code, w.Body)
			}
		}
	}
	if seen != len(allowed) {
		t.Errorf("%d routes of %d are served", seen, len(allowed))
	}
	h.refused(t, ask{path: "/v1/services"}, 401, "token_missing")
	h.refused(t, ask{path: "/v1/services", header: map[string]string{"Authorization": "Bearer x"}}, 401, "token")
	h.refused(t, ask{path: "/v1/log", account: "applicant"}, 403, "role")
	if w := h.do(t, ask{path: "/v1/services", header: map[string]string{"Authorization": "bearer " + h.tokens["admin"]}}); w.Code != 200 {
		t.Error("the scheme's name must not depend on case")
	}
}

// Roles do not stand in for the dated table: an officer who is not in it decides nothing.
func TestOfficerOutsideTheTable(t *testing.T) {
	token, digest, err := account.NewToken()
	if err != nil {
		t.Fatal(err)
	}
	h := newHouse(t, nil)
	app := h.register(t)
	book, err := account.NewBook([]account.Account{{ID: "stranger", Name: "X", Roles: []account.Role{account.Officer}, TokenSHA256: digest}})
	if err != nil {
		t.Fatal(err)
	}
	o := h.options
	o.Accounts = book
	if h.handler, err = api.Handler(o); err != nil {
		t.Fatal(err)
	}
	h.tokens["stranger"] = token
	h.refused(t, ask{path: "/v1/applications/" + app.ID + "/decision", account: "stranger", body: approval}, 403, "not_authority")
}
