// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"rastau/api"
	"rastau/internal/account"
	"rastau/licensing"
)

// description is openapi.json as far as the tests read it.
type description struct {
	OpenAPI    string
	Tags       []struct{ Name string }
	Paths      map[string]map[string]operation
	Components struct{ Schemas, Parameters map[string]json.RawMessage }
	raw        any
}

type operation struct {
	OperationID string
	Tags        []string
	Roles       []account.Role `json:"x-roles"`
	Security    []map[string][]string
	RequestBody struct {
		Content map[string]struct{ Example json.RawMessage }
	}
	Responses map[string]struct {
		Content map[string]json.RawMessage
	}
}

func describe(t *testing.T, h *house) *description {
	t.Helper()
	var d description
	w := h.get(t, ask{path: "/v1/openapi.json"}, &d)
	var err error
	if d.raw, err = jsonschema.UnmarshalJSON(bytes.NewReader(w.Body.Bytes())); err != nil {
		t.Fatal(err)
	}
	return &d
}

var parameter = regexp.MustCompile(`:(\w+)`)

// Echo's routes and the description are the same list, with the same roles.
func TestDescriptionIsComplete(t *testing.T) {
	h := newHouse(t, nil)
	d := describe(t, h)
	if !strings.HasPrefix(d.OpenAPI, "3.1.") {
		t.Errorf("OpenAPI %s", d.OpenAPI)
	}
	roles := api.Roles(h.handler)
	served := map[string]bool{}
	for _, r := range api.Routes(h.handler) {
		path := parameter.ReplaceAllString(r.Path, "{$1}")
		served[r.Method+" "+path] = true
		op, ok := d.Paths[path][strings.ToLower(r.Method)]
		if !ok {
			t.Errorf("%s %s is not described", r.Method, path)
			continue
		}
		want := roles[r.Method+" "+r.Path]
		if !slices.Equal(op.Roles, want) || (len(want) > 0) != (len(op.Security) == 1) {
			t.Errorf("%s %s: described for %v %v, served for %v", r.Method, path, op.Roles, op.Security, want)
		}
		if len(want) > 0 && (!hasKey(op.Responses, "401") || !hasKey(op.Responses, "403")) {
			t.Errorf("%s %s: 401 and 403 are not described", r.Method, path)
		}
	}
	ids := map[string]bool{}
	for path, item := range d.Paths {
		for method, op := range item {
			if !served[strings.ToUpper(method)+" "+path] {
				t.Errorf("%s %s is described and not served", method, path)
			}
			if ids[op.OperationID] || op.OperationID == "" {
				t.Errorf("operationId %q is missing or stands twice", op.OperationID)
			}
			ids[op.OperationID] = true
			if len(op.Tags) != 1 || !slices.ContainsFunc(d.Tags, func(tag struct{ Name string }) bool { return tag.Name == op.Tags[0] }) {
				t.Errorf("%s: tags %v", op.OperationID, op.Tags)
			}
		}
	}
	references(t, d.raw, d.raw)
}

func hasKey[V any](m map[string]V, key string) bool { _, ok := m[key]; return ok }

// references resolves every $ref.
func references(t *testing.T, root, at any) {
	t.Helper()
	switch v := at.(type) {
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok {
			found := root
			for _, key := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
				m, _ := found.(map[string]any)
				found = m[key]
			}
			if found == nil {
				t.Errorf("%s leads nowhere", ref)
			}
		}
		for _, x := range v {
			references(t, root, x)
		}
	case []any:
		for _, x := range v {
			references(t, root, x)
		}
	}
}

// fits judges an answer by the schema that the description has for its status and type.
func fits(t *testing.T, d *description, path, method string, w *httptest.ResponseRecorder) {
	t.Helper()
	kind, _, err := mime.ParseMediaType(w.Header().Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	status := strconv.Itoa(w.Code)
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	where := "#/paths/" + escape.Replace(path) + "/" + method + "/responses/" + status + "/content/" + escape.Replace(kind) + "/schema"
	if w.Code/100 != 2 && w.Code != 503 {
		where = "#/components/schemas/Problem"
	} else if !hasKey(d.Paths[path][method].Responses[status].Content, kind) {
		t.Errorf("%s %s: %s of %s is not described", method, path, status, kind)
		return
	}
	if !strings.HasSuffix(kind, "json") {
		return
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	if err := compiler.AddResource("openapi.json", d.raw); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("openapi.json" + where)
	if err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(w.Body.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(value); err != nil {
		t.Errorf("%s %s: the answer does not fit its description: %v", method, path, err)
	}
}

// Every example works as it stands, and what comes back is as described.
func TestExamplesWork(t *testing.T) {
	h := newHouse(t, nil)
	d := describe(t, h)
	issued := h.issue(t)
	waiting := h.register(t)
	open := h.draft(t)
	if issued.Licence != "KZ18ZZZ00000001" {
		t.Fatalf("the first licence is %s: the examples name another", issued.Licence)
	}
	var saved licensing.Application
	h.get(t, ask{path: "/v1/drafts", account: "applicant", body: h.newApplication()}, &saved)
	var staff struct{ ID string }
	h.get(t, ask{path: "/v1/people", account: "admin", body: map[string]any{"login": "operator.1", "name": "ҮЛГІ", "iin": h.clerkIIN, "bin": h.centreBIN, "roles": []string{"operator"}, "password": "ұзын құпия сөз"}}, &staff)
	ids := map[string]string{"submit": open.ID, "decide": waiting.ID, "readApplication": issued.ID, "readSurvey": issued.ID, "answerSurvey": issued.ID, "changeDraft": saved.ID, "seal": saved.ID, "checkCertificate": open.ID,
		"readFile": issued.ID, "readRuling": issued.ID, "work": h.register(t).ID, "appeal": issued.ID, "amend": waiting.ID, "submitCorrection": waiting.ID, "readBatch": "none", "verificationBatch": "none", "removeVerificationBatch": "none", "verificationResults": "none", "cancelVerificationBatch": "none"}
	// What an example alone cannot do: it holds nobody's signature, and this installation has no payment gateway and no file to read again.
	wants := map[string]int{"register": 401, "pay": 404, "reloadConfiguration": 404, "paymentTold": 404, "checkCertificate": 422, "setPassword": 404, "disablePerson": 404, "changeDraft": 200, "seal": 422,
		// Nobody asked for a correction; the licence has no appendix, and there is no such batch.
		"amend": 409, "submitCorrection": 409, "readAppendixPDF": 404, "readAppendixSigned": 404, "readBatch": 404,
		// This house judges no batches of files; TestBatches has one that does.
		"verificationBatch": 404, "removeVerificationBatch": 404, "verificationResults": 404, "submitVerificationBatch": 404, "verificationBatches": 404, "cancelVerificationBatch": 404}
	// The example of changeDraft leaves the draft half filled, so that it cannot be sealed. Those that would take away what others need are tried last.
	last := []string{"logOut", "seal", "moveLicence"}
	tried := 0
	type line struct {
		path, method string
		op           operation
	}
	var lines, late []line
	for path, item := range d.Paths {
		for method, op := range item {
			if slices.Contains(last, op.OperationID) {
				late = append(late, line{path, method, op})
			} else {
				lines = append(lines, line{path, method, op})
			}
		}
	}
	for _, l := range append(lines, late...) {
		path, method, op := l.path, l.method, l.op
		{
			a := ask{method: strings.ToUpper(method), path: path, header: map[string]string{"Accept": "application/json"}}
			for name, value := range map[string]string{"id": ids[op.OperationID], "number": issued.Licence, "key": "passenger-transport", "file": "style.css", "type": "token", "appendix": "002"} {
				a.path = strings.ReplaceAll(a.path, "{"+name+"}", value)
			}
			if len(op.Roles) > 0 {
				a.account = string(op.Roles[0])
			}
			want := 200
			if len(op.RequestBody.Content) > 0 {
				example := op.RequestBody.Content["application/json"].Example
				if example == nil && hasKey(op.RequestBody.Content, "application/json") {
					t.Errorf("%s has no example", op.OperationID)
					continue
				}
				a.body = []byte(example)
			}
			if hasKey(op.Responses, "201") {
				want = 201
			} else if hasKey(op.Responses, "204") {
				want = 204
			}
			if w, other := wants[op.OperationID]; other {
				want = w
			}
			w := h.do(t, a)
			if w.Code != want {
				t.Errorf("%s: %d %s", op.OperationID, w.Code, w.Body)
				continue
			}
			if w.Code == 204 {
				tried++
				continue
			}
			fits(t, d, path, method, w)
			tried++
		}
	}
	if tried < 20 {
		t.Errorf("only %d operations were tried", tried)
	}
	// And a document, a certificate and a licence that pass.
	pdf := h.do(t, ask{path: "/v1/licences/" + issued.Licence + "/pdf", account: "admin"}).Body.Bytes()
	fits(t, d, "/v1/licences/verify", "post", h.do(t, ask{path: "/v1/licences/verify", account: "admin", body: map[string][]byte{"document": pdf}}))
	fits(t, d, "/v1/signatures/verify", "post", h.do(t, ask{path: "/v1/signatures/verify", account: "admin", body: map[string][]byte{"document": pdf}}))
	fits(t, d, "/v1/certificates/verify", "post", h.do(t, ask{path: "/v1/certificates/verify", account: "admin", body: map[string][]byte{"certificate": h.head.Certificate.Raw}}))
	fits(t, d, "/v1/applications", "post", h.do(t, ask{path: "/v1/applications", account: "applicant", body: licensing.NewApplication{}}))
}
