// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rastau/internal/account"
	"rastau/internal/egov"
	"rastau/internal/identity"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/licensing"
	"rastau/signer"
)

// Of the licensing system, the state's gateway, and the public service centre.
var (
	systemBIN   = identity.NewBIN(time.Date(2011, 2, 1, 0, 0, 0, 0, time.UTC), 11)
	gatewayBIN  = identity.NewBIN(time.Date(2012, 3, 1, 0, 0, 0, 0, time.UTC), 12)
	centreBIN   = identity.NewBIN(time.Date(2013, 4, 1, 0, 0, 0, 0, time.UTC), 13)
	operatorIIN = identity.NewIIN(time.Date(1979, 8, 20, 0, 0, 0, 0, time.UTC), false, 205)
)

// withRegisters puts the state's registers behind the workflow: the sandbox of the real adapters, over a real wire.
func withRegisters(t *testing.T, people ...licensing.Person) *house {
	t.Helper()
	return newHouseWith(t, filepath.Join(t.TempDir(), "register.db"), func(h *house, o *licensing.Options) {
		envelope := func(bin, peer string) *egov.CMS {
			ring, err := signer.NewRing(h.issue(t, testpki.Leaf{CommonName: "SYSTEM " + bin, BIN: bin, Organization: "SYSTEM"}))
			must(t, err)
			key, err := signer.New(signer.Options{Keys: ring, Judge: keyJudge{h.judge, h.question}, Checker: h.judge, Now: time.Now})
			must(t, err)
			return &egov.CMS{Signer: key, Judge: h.judge, Question: h.question, Peer: peer}
		}
		mux := http.NewServeMux()
		server := httptest.NewServer(mux)
		t.Cleanup(server.Close)
		sandbox, err := egov.NewSandbox(egov.SandboxOptions{Envelope: envelope(gatewayBIN, systemBIN), Base: server.URL, Now: time.Now})
		must(t, err)
		mux.Handle("/", sandbox.Handler())
		for _, p := range people {
			sandbox.AddPerson(p)
		}
		o.Registers, err = egov.New(egov.Options{URL: server.URL, Envelope: envelope(systemBIN, gatewayBIN), Now: time.Now, Keep: func(context.Context, egov.Exchange) error { return nil }})
		must(t, err)
	})
}

// TestAssistedWithoutJavaScript: an operator of a centre finds the applicant in the register, marks the papers, attaches their scans and
// the written consent, and certifies it all with their own signature.
func TestAssistedWithoutJavaScript(t *testing.T) {
	h := withRegisters(t, licensing.Person{IIN: personIIN, Name: "ҮЛГІБАЕВА ҚҰНДЫЗ", Address: "Шымкент қ., Тәуке хан даңғылы, 3-үй"})
	_, err := h.desk.Enter(t.Context(), account.Account{ID: "root"}, "", account.NewStaff{Login: "operator.1", Name: "ОПЕРАТОР", IIN: operatorIIN, BIN: centreBIN,
		Roles: []account.Role{account.Operator}, Password: secret})
	must(t, err)
	b := h.browser(t).post("/login", url.Values{"login": {"operator.1"}, "password": {secret}}).sees(200, "/entry?service=passenger-transport")
	b.open("/entry?service=passenger-transport").sees(200)
	b.post("/entry", url.Values{"service": {"passenger-transport"}, "kind": {"natural-person"}, "number": {"880709300015"}}).sees(422, `href="#f-number"`)
	b.post("/entry", url.Values{"service": {"passenger-transport"}, "kind": {"natural-person"}, "number": {personIIN}}).sees(200, "ҮЛГІБАЕВА ҚҰНДЫЗ", "Тәуке хан")
	b.post("/apply", url.Values{"service": {"passenger-transport"}, "operation": {"issue"}, "kind": {"natural-person"}, "iin": {personIIN}, "name": {"ҮЛГІБАЕВА ҚҰНДЫЗ"},
		"address": {"Шымкент қ., Тәуке хан даңғылы, 3-үй"}}).sees(200, `name="onPaper"`)
	draft := strings.TrimSuffix(b.url.Path, "/applicant")
	b.post(draft+"/applicant", url.Values{"kind": {"natural-person"}, "name": {"ҮЛГІБАЕВА ҚҰНДЫЗ"}, "address": {"Шымкент қ., Тәуке хан даңғылы, 3-үй"}, "onPaper": {"yes"}}).sees(200)
	for range 12 {
		if strings.HasSuffix(b.url.Path, "/documents") {
			break
		}
		values := url.Values{}
		switch {
		case strings.Contains(b.page, `name="subtypes"`):
			values.Set("subtypes", "irregular-inter-oblast")
		case strings.Contains(b.page, `value="vehicles"`):
			values = url.Values{"vehicles.0.plate": {"001 TST 01"}, "vehicles.0.make": {"Қаз-Автобус"}, "vehicles.0.year": {"2024"}}
		case strings.Contains(b.page, `name="consent"`):
			values.Set("consent", "yes")
		}
		b.post(b.url.Path, values).sees(200)
	}
	b.sees(200, `name="document.consent"`)
	for _, name := range []string{"qualification", "identity", "consent"} {
		if strings.Contains(b.page, "document."+name) {
			b.upload(draft+"/documents", url.Values{"more": {"yes"}}, "document."+name, name+".png", picture(t)).sees(200, name+".png")
		}
	}
	b.post(draft+"/documents", nil).sees(200)
	if strings.HasSuffix(b.url.Path, "/payment") {
		b.post(draft+"/payment", url.Values{"reference": {"PAY-1"}}).sees(200)
	}
	b.upload(draft+"/check", nil, "none", "", nil).sees(200, "NCALayer", `data-iin="`+operatorIIN+`"`)
	pkg, err := base64.StdEncoding.DecodeString(b.hidden(`data-content="([^"]+)"`))
	must(t, err)
	// The applicant's own signature is not the operator's.
	b.upload(draft+"/signature", nil, "file", "x.p7s", sign(t, h.issue(t, testpki.Leaf{CommonName: "ҮЛГІБАЕВА ҚҰНДЫЗ", IIN: personIIN, Roles: []pki.OID{pki.OIDRoleIndividual}}), pkg)).sees(422)
	operator := h.issue(t, testpki.Leaf{CommonName: "ОПЕРАТОР", IIN: operatorIIN, BIN: centreBIN, Organization: "CENTRE"})
	b.upload(draft+"/signature", nil, "file", "x.p7s", sign(t, operator, pkg)).sees(200, "PT-00000001")
	b.open("/my").sees(200, "PT-00000001")
	officer := h.colleague(t, "officer.2")
	officer.open(strings.Replace(draft, "/apply/", "/case/", 1)).sees(200, "халыққа қызмет көрсету орталығы арқылы", "ОПЕРАТОР", "Құжаттар қағаз түрінде қабылданған", "consent.png")
}
