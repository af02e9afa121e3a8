// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"rastau/internal/cms"
	"rastau/internal/egov"
	"rastau/internal/identity"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/licensing"
)

const secret = "ұзын құпия сөз"

// portal is a house with the payment gateway, whose word of a payment comes to the API as from the network.
func portal(t *testing.T) *house {
	t.Helper()
	h := newHouseWith(t, nil, true)
	server := httptest.NewServer(h.handler)
	t.Cleanup(server.Close)
	h.sandbox.SetCallback(server.URL + "/v1/payments/told")
	return h
}

func (h *house) key(t *testing.T, l testpki.Leaf) *pki.Key {
	t.Helper()
	key, err := h.ca.Issue(l)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (h *house) signedBy(t *testing.T, key *pki.Key, content []byte) []byte {
	t.Helper()
	out, err := cms.Sign(context.Background(), cms.SignOptions{Content: content, Detached: true, Key: key.Signer, Certificate: key.Certificate, Chain: key.Chain, SigningTime: h.clock.now()})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// challenged asks for a challenge and signs it.
func (h *house) challenged(t *testing.T, purpose string, key *pki.Key) map[string]any {
	t.Helper()
	var c struct {
		Nonce     string
		Challenge []byte
	}
	h.get(t, ask{path: "/v1/challenges", body: map[string]string{"purpose": purpose}}, &c)
	return map[string]any{"nonce": c.Nonce, "signature": h.signedBy(t, key, c.Challenge)}
}

// logIn opens a session under a name for the tests.
func (h *house) logIn(t *testing.T, name string, body map[string]any) {
	t.Helper()
	var in struct{ Token string }
	h.get(t, ask{path: "/v1/session", body: body}, &in)
	h.tokens[name] = in.Token
}

func (h *house) staff(t *testing.T, login, iin, bin, role string) {
	t.Helper()
	var p struct{ ID string }
	h.get(t, ask{path: "/v1/people", account: "admin", body: map[string]any{"login": login, "name": "ҚЫЗМЕТКЕР " + login, "iin": iin, "bin": bin, "roles": []string{role}, "password": secret}}, &p)
}

func (h *house) register3(t *testing.T, who, id string, key *pki.Key, pkg []byte) submission {
	t.Helper()
	var sub submission
	h.get(t, ask{path: "/v1/applications/" + id + "/signature", account: who, body: map[string][]byte{"signature": h.signedBy(t, key, pkg)}}, &sub)
	return sub
}

// TestPortalPath walks path 1 of the order, every process and condition: registration with the certificate (R030), P1 and C1 (R031,
// R032) with refusal P2 (R033), P3 (R034), P4 and C2 (R035, R036) with refusal P5 (R037), P6 and C3 (R038, R039) with refusal P7
// (R040), P8 (R041), P9 (R042) with the number and the receipt.
func TestPortalPath(t *testing.T) {
	h := portal(t)
	iin := identity.NewIIN(time.Date(1991, 2, 3, 0, 0, 0, 0, time.UTC), true, 71)
	leaf := testpki.Leaf{CommonName: "ӘЛИЕВ ҒАНИ", IIN: iin, Roles: []pki.OID{pki.OIDRoleIndividual}}
	signing := h.key(t, leaf)
	leaf.Auth = true
	auth := h.key(t, leaf)

	// Registration (R024, R030): not with a certificate for signing documents.
	body := h.challenged(t, "register", signing)
	body["password"] = secret
	if p := h.refused(t, ask{path: "/v1/registrations", body: body}, 401, "login"); p.Message == nil || p.Message.Code != "M1" || p.Message.Reason != "certificate" {
		t.Errorf("registered with a signing certificate: %+v", p)
	}
	body = h.challenged(t, "register", auth)
	body["password"] = "short"
	h.refused(t, ask{path: "/v1/registrations", body: body}, 422, "password")
	body["password"] = secret
	var me struct{ ID, Login, Name, IIN string }
	h.get(t, ask{path: "/v1/registrations", body: body}, &me)
	if me.Login != iin || me.Name != "ӘЛИЕВ ҒАНИ" {
		t.Errorf("registered as %+v", me)
	}
	again := h.challenged(t, "register", auth)
	again["password"] = secret
	h.refused(t, ask{path: "/v1/registrations", body: again}, 409, "taken")

	// P1, C1; refusal P2.
	if p := h.refused(t, ask{path: "/v1/session", body: map[string]string{"login": iin, "password": "not this one"}}, 401, "login"); p.Message == nil || p.Message.Code != "M1" || p.Message.Next.KK == "" {
		t.Errorf("a wrong password: %+v", p)
	}
	h.logIn(t, "person", map[string]any{"login": iin, "password": secret})
	h.logIn(t, "person", h.challenged(t, "login", auth))

	// P3: half filled, then whole. Somebody else's number is not taken.
	form := licensing.NewApplication{Service: "passenger-transport", Operation: "issue", Lang: "kk", Applicant: licensing.Applicant{Kind: licensing.NaturalPerson, IIN: iin}}
	var app licensing.Application
	h.get(t, ask{path: "/v1/drafts", account: "person", body: form}, &app)
	other := form
	other.Applicant.IIN = "880709300015"
	h.refused(t, ask{path: "/v1/drafts", account: "person", body: other}, 422, "input")
	h.refused(t, ask{path: "/v1/applications/" + app.ID + "/seal", account: "person", body: "{}"}, 422, "input")
	whole := h.newApplication()
	whole.Applicant = licensing.Applicant{Kind: licensing.NaturalPerson, IIN: iin, Name: "ӘЛИЕВ ҒАНИ", Address: "Астана қ.", Email: "gani@example.kz", Phone: "+7 700 000 00 00"}
	whole.Fields = json.RawMessage(`{"subtypes":["irregular-inter-oblast"],"vehicles":[{"make":"Қаз-Автобус 12","year":2024,"plate":"001 TST 01"}],"consent":true}`)
	whole.Payment = licensing.Payment{}
	h.put(t, ask{path: "/v1/drafts/" + app.ID, account: "person", body: whole}, &app)
	kept := whole
	kept.Attachments = []licensing.NewAttachment{{Document: "qualification", SHA256: app.Attachments[0].SHA256}}
	h.put(t, ask{path: "/v1/drafts/" + app.ID, account: "person", body: kept}, &app)
	if len(app.Attachments) != 1 || len(app.Package) != 0 {
		t.Fatalf("the draft: %+v", app)
	}
	h.refused(t, ask{method: "PUT", path: "/v1/drafts/" + app.ID, account: "other", body: whole}, 404, "not_found")

	// C2 and refusal P5: not paid.
	seal := ask{path: "/v1/applications/" + app.ID + "/seal", account: "person", body: "{}"}
	if p := h.refused(t, seal, 422, "refused"); p.Message == nil || p.Message.Code != "M2" || p.Message.Reason != "not_paid" {
		t.Errorf("unpaid: %+v", p)
	}
	// P4: the gateway's word comes by itself.
	var payment struct {
		Reference, Address string
		Amount             int64
		Paid               *time.Time
	}
	pay := ask{path: "/v1/applications/" + app.ID + "/payment", account: "person", body: "{}"}
	h.get(t, pay, &payment)
	if payment.Amount != h.fee || payment.Paid != nil || !strings.Contains(payment.Address, payment.Reference) {
		t.Fatalf("opened %+v", payment)
	}
	if p := h.refused(t, seal, 422, "refused"); p.Message.Code != "M2" {
		t.Errorf("opened and unpaid: %+v", p)
	}
	if err := h.sandbox.Pay(t.Context(), payment.Reference); err != nil {
		t.Fatal(err)
	}
	h.sandbox.Break(egov.Payments, egov.Fault{Mode: egov.FaultDown}) // the gateway told us: it need not be asked again
	h.get(t, pay, &payment)
	if payment.Paid == nil {
		t.Error("the gateway's word of the payment did not arrive")
	}
	h.get(t, seal, &app)
	if len(app.Package) == 0 || app.Payment.Receipt == "" || !strings.Contains(string(app.Package), payment.Reference) {
		t.Fatalf("sealed %s", app.Package)
	}
	h.refused(t, ask{method: "PUT", path: "/v1/drafts/" + app.ID, account: "person", body: whole}, 409, "state")

	// The same payment pays for nothing else.
	h.sandbox.Break(egov.Payments, egov.Fault{})
	second := whole
	second.Payment.Reference = payment.Reference
	if p := h.refused(t, ask{path: "/v1/applications", account: "person", body: second}, 422, "refused"); p.Message.Code != "M2" || p.Message.Reason != "used" {
		t.Errorf("the same payment twice: %+v", p)
	}
	second.Payment.Reference = "nobody-paid-this"
	if p := h.refused(t, ask{path: "/v1/applications", account: "person", body: second}, 422, "refused"); p.Message.Code != "M2" {
		t.Errorf("an invented reference: %+v", p)
	}
	h.sandbox.Break(egov.Payments, egov.Fault{Mode: egov.FaultForged})
	h.refused(t, ask{path: "/v1/applications", account: "person", body: second}, 503, "later")
	h.sandbox.Break(egov.Payments, egov.Fault{})

	// P6, C3 and refusal P7, before anything is signed.
	revoked := h.key(t, testpki.Leaf{IIN: iin})
	h.ca.Revoke(revoked.Certificate, h.clock.now().Add(-time.Hour), 1)
	for name, c := range map[string]struct {
		key    *pki.Key
		reason string
	}{
		"good": {signing, ""}, "for logging in": {auth, "purpose"}, "another person's": {h.key(t, testpki.Leaf{IIN: "880709300015"}), "holder_iin"},
		"a body's": {h.key(t, testpki.Leaf{IIN: iin, BIN: h.bin, Organization: "X"}), "capacity"}, "revoked": {revoked, "revoked"},
		"ended": {h.key(t, testpki.Leaf{IIN: iin, NotBefore: h.clock.now().AddDate(-2, 0, 0), NotAfter: h.clock.now().AddDate(-1, 0, 0)}), "expired"},
	} {
		var check struct {
			Verdict report
			Message *licensing.Message
		}
		h.get(t, ask{path: "/v1/applications/" + app.ID + "/certificate", account: "person", body: map[string][]byte{"certificate": c.key.Certificate.Raw}}, &check)
		if c.reason == "" && (check.Message != nil || check.Verdict.verdict() != "TOTAL-PASSED") || c.reason != "" && (check.Message == nil || check.Message.Code != "M3" || check.Message.Reason != c.reason) {
			t.Errorf("%s: %s, %+v", name, check.Verdict.verdict(), check.Message)
		}
	}

	// P8, P9.
	if sub := h.register3(t, "person", app.ID, revoked, app.Package); sub.Message.Code != "M3" || sub.Application.Status != licensing.Draft {
		t.Errorf("signed with a revoked one: %+v", sub.Message)
	}
	sub := h.register3(t, "person", app.ID, signing, app.Package)
	if sub.Message.Code != "registered" || sub.Application.Number != "PT-00000001" || len(sub.Receipt) == 0 || sub.Application.Deadline == nil {
		t.Errorf("registered: %+v", sub.Message)
	}
	h.do(t, ask{method: "DELETE", path: "/v1/session", account: "person"})
	h.refused(t, ask{path: "/v1/applications", account: "person"}, 401, "token")
	var journal struct {
		Events []struct{ Kind, Person string }
	}
	h.get(t, ask{path: "/v1/logins?person=" + me.ID, account: "auditor"}, &journal)
	var kinds []string
	for _, e := range journal.Events {
		kinds = append(kinds, e.Kind)
	}
	if !slices.Equal(kinds, []string{"logged-out", "logged-in", "logged-in", "refused", "registered"}) {
		t.Errorf("journal %v", kinds)
	}
}

func (h *house) put(tb testing.TB, a ask, into any) {
	tb.Helper()
	a.method = "PUT"
	h.get(tb, a, into)
}

// TestProviderPath walks path 2: P1 and C1 (R050, R051) with refusal P2 (R052), P3 (R053), P4 and C2 (R054, R055) with refusal P5
// (R056), P6 with the mark of paper documents (R057), P7 (R058). The employee certifies, as the order leaves open (R062).
func TestProviderPath(t *testing.T) {
	h := portal(t)
	var services struct {
		Services []struct {
			Key      string
			Licensor struct{ BIN string }
		}
	}
	h.get(t, ask{path: "/v1/services", account: "admin"}, &services)
	licensor := services.Services[slices.IndexFunc(services.Services, func(s struct {
		Key      string
		Licensor struct{ BIN string }
	}) bool {
		return s.Key == "passenger-transport"
	})].Licensor.BIN
	h.staff(t, "employee.1", h.clerkIIN, licensor, "employee")
	if p := h.refused(t, ask{path: "/v1/session", body: map[string]string{"login": "employee.1", "password": "not this one"}}, 401, "login"); p.Message == nil || p.Message.Code != "M5" {
		t.Errorf("a wrong password: %+v", p)
	}
	h.logIn(t, "clerk", map[string]any{"login": "employee.1", "password": secret})
	key := h.key(t, testpki.Leaf{CommonName: "ҚЫЗМЕТКЕР", IIN: h.clerkIIN, BIN: licensor, Organization: "ЛИЦЕНЗИАР (TEST)"})
	h.clerkPath(t, licensing.ChannelProvider, key)
}

// TestCentrePath walks path 3: P1 (R070), P2 (R071), P3 and C1 (R072, R073) with the reasoned refusal P4 (R074), P5 with paper mark,
// scans and consent (R075), P6 (R076), P7 (R077); the operator signs and is never matched to the applicant (R081).
func TestCentrePath(t *testing.T) {
	h := portal(t)
	h.staff(t, "operator.1", h.clerkIIN, h.centreBIN, "operator")
	h.logIn(t, "clerk", map[string]any{"login": "operator.1", "password": secret})
	key := h.key(t, testpki.Leaf{CommonName: "ОПЕРАТОР", IIN: h.clerkIIN, BIN: h.centreBIN, Organization: "ОРТАЛЫҚ (TEST)"})
	h.clerkPath(t, licensing.ChannelCentre, key)
}

func (h *house) clerkPath(t *testing.T, channel licensing.Channel, key *pki.Key) {
	t.Helper()
	const applicant = "880709300015"
	ask1 := map[string]string{"service": "passenger-transport", "channel": string(channel), "kind": "natural-person", "number": applicant}
	var found licensing.Found
	h.get(t, ask{path: "/v1/registers/lookup", account: "clerk", body: ask1}, &found)
	if found.Person == nil || found.Person.Name != "ҮЛГІБАЕВА ҚҰНДЫЗ" {
		t.Errorf("found %+v", found)
	}
	ask1["number"] = identity.NewIIN(time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC), true, 1)
	if p := h.refused(t, ask{path: "/v1/registers/lookup", account: "clerk", body: ask1}, 422, "refused"); p.Message == nil || p.Message.Code != "M6" || p.Message.Reason != "absent" || p.Message.Next.RU == "" {
		t.Errorf("absent: %+v", p)
	}
	h.sandbox.Break(egov.Persons, egov.Fault{Mode: egov.FaultDown})
	h.refused(t, ask{path: "/v1/registers/lookup", account: "clerk", body: ask1}, 503, "later")
	h.sandbox.Break(egov.Persons, egov.Fault{})
	h.refused(t, ask{path: "/v1/registers/lookup", account: "person", body: ask1}, 401, "token")

	form := h.newApplication()
	form.Channel, form.OnPaper = channel, true
	form.Applicant = licensing.Applicant{Kind: licensing.NaturalPerson, IIN: applicant, Name: "ҮЛГІБАЕВА ҚҰНДЫЗ", Address: "Астана қ."}
	form.Fields = json.RawMessage(`{"subtypes":["irregular-inter-oblast"],"vehicles":[{"make":"Қаз-Автобус 12","year":2024,"plate":"001 TST 01"}],"consent":true}`)
	form.Payment = licensing.Payment{Reference: "BANK-1"}
	if p := h.refused(t, ask{path: "/v1/applications", account: "clerk", body: form}, 422, map[bool]string{true: "input", false: "refused"}[channel == licensing.ChannelCentre]); channel == licensing.ChannelCentre && p.Field != "attachments" {
		t.Errorf("without consent: %+v", p)
	}
	if channel == licensing.ChannelCentre {
		form.Attachments = append(form.Attachments, licensing.NewAttachment{Document: licensing.DocumentConsent, Name: "келісім.png", Type: "image/png", Content: png})
	}
	// Whoever knows the reference of another's payment, or of one to another body, has not paid.
	for reference, i := range map[string]licensing.Invoice{
		"BANK-2": {Payer: applicant, Payee: h.centreBIN}, "BANK-3": {Payer: h.clerkIIN, Payee: pki.HolderOf(h.licensor.Certificate).BIN},
	} {
		i.Reference, i.Amount = reference, h.fee
		h.sandbox.PayOver(i)
		stolen := form
		stolen.Payment.Reference = reference
		if p := h.refused(t, ask{path: "/v1/applications", account: "clerk", body: stolen}, 422, "refused"); p.Message == nil || p.Message.Code != "M2" {
			t.Errorf("%s: %+v", reference, p)
		}
	}
	h.sandbox.PayOver(licensing.Invoice{Reference: "BANK-1", Amount: h.fee, Payer: applicant, Payee: pki.HolderOf(h.licensor.Certificate).BIN})
	wrong := form
	wrong.Applicant.IIN = h.clerkIIN
	if p := h.refused(t, ask{path: "/v1/applications", account: "clerk", body: wrong}, 422, "input"); p.Field != "applicant.iin" {
		t.Errorf("an application of their own: %+v", p)
	}
	wrong = form
	wrong.Channel = licensing.ChannelPortal
	h.refused(t, ask{path: "/v1/applications", account: "clerk", body: wrong}, 404, "not_found")
	var app licensing.Application
	h.get(t, ask{path: "/v1/applications", account: "clerk", body: form}, &app)
	if app.Clerk == nil || app.Clerk.IIN != h.clerkIIN || !strings.Contains(string(app.Package), `"channel":"`+string(channel)+`"`) || !strings.Contains(string(app.Package), `"onPaper":true`) {
		t.Fatalf("entered %s", app.Package)
	}
	// The applicant's own signature is not the clerk's.
	if sub := h.register3(t, "clerk", app.ID, h.key(t, testpki.Leaf{IIN: applicant}), app.Package); sub.Message.Code != "M3" {
		t.Errorf("signed by the applicant: %+v", sub.Message)
	}
	if sub := h.register3(t, "clerk", app.ID, key, app.Package); sub.Message.Code != "registered" || sub.Application.Number == "" || len(sub.Receipt) == 0 {
		t.Errorf("registered: %+v %s", sub.Message, sub.Verdict.verdict())
	}
}
