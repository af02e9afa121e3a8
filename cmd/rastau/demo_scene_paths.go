// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"rastau/internal/account"
	"rastau/internal/egov"
	"rastau/internal/phrase"
	"rastau/internal/pki"
	"rastau/licensing"
)

// Names under which the scene keeps the sessions of people.
const (
	visitor account.Role = "session of the entrepreneur"
	clerk   account.Role = "session of the one who enters"
)

const demoPassword = "демо құпия сөз"

// threePaths walks each path of both regulations up to registration, with the refusals that stand on the way.
func (s *story) threePaths(ctx context.Context) error {
	s.say("\n5. The three paths of both regulations, up to registration")
	s.known = map[string]bool{}
	if err := s.enterPeople(ctx); err != nil {
		return err
	}
	for _, service := range []string{"passenger-transport", "trunk-pipelines"} {
		for _, path := range []func(context.Context, string) error{s.portalPath, s.providerPath, s.centrePath} {
			if err := path(ctx, service); err != nil {
				return err
			}
		}
	}
	s.outsideDown(ctx)
	inbox := s.world.outside.notices(1)
	s.check(len(inbox) > 0 && inbox[0].To != "" && inbox[0].Text != "", "notices of the registrations are in the sandbox's inbox")
	return nil
}

// refusal is what the API answers to a step that the regulation refuses; ok is false where it was not refused so.
func (s *story) refusal(ctx context.Context, role account.Role, path string, body any, status int, code, reason string) (told, bool) {
	var p struct {
		Code    string
		Message *told
	}
	got, err := s.client.ask(ctx, role, path, body, &p)
	if err != nil || p.Message == nil {
		return told{}, false
	}
	return *p.Message, got == status && p.Message.Code == code && p.Message.Reason == reason
}

// tellOnce tells what was not told before: both regulations say the same.
func (s *story) tellOnce(m told) {
	if key := m.Code + m.Reason; !s.known[key] {
		s.known[key] = true
		s.tell(m)
	}
}

// enterPeople registers the entrepreneur with the certificate for logging in; the administrator enters the two others.
func (s *story) enterPeople(ctx context.Context) error {
	w := s.world
	signed, err := s.challenge(ctx, account.Admin, "register", w.people.enters)
	if err != nil {
		return err
	}
	signed["password"] = demoPassword
	var me struct{ Login, Name string }
	status, err := s.client.ask(ctx, "", "/v1/registrations", signed, &me)
	if err != nil {
		return err
	}
	s.check(status == http.StatusCreated && me.Login == w.people.iin || status == http.StatusConflict, "the entrepreneur registers with the certificate for logging in")
	m, ok := s.refusal(ctx, "", "/v1/session", map[string]string{"login": w.people.iin, "password": "бұл емес"}, http.StatusUnauthorized, "M1", "credentials")
	s.check(ok, "refusal M1: a wrong password")
	s.tell(m)
	if err := s.logIn(ctx, visitor, w.people.iin); err != nil {
		return err
	}
	s.check(s.client.tokens[visitor] != "", "the entrepreneur is logged in")
	regulations, err := licensing.Embedded()
	if err != nil {
		return err
	}
	for _, p := range []struct{ login, bin, role string }{
		{"employee.passenger-transport", regulations[0].Licensor.BIN, "employee"}, {"employee.trunk-pipelines", regulations[1].Licensor.BIN, "employee"},
		{"operator", w.people.centreBIN, "operator"},
	} {
		status, err := s.client.ask(ctx, account.Admin, "/v1/people", map[string]any{"login": p.login, "name": "ҚЫЗМЕТКЕРОВ ӘНУАР", "iin": w.people.clerkIIN, "bin": p.bin,
			"roles": []string{p.role}, "password": demoPassword}, nil)
		if err != nil {
			return err
		}
		s.check(status == http.StatusCreated || status == http.StatusConflict, "the administrator enters %s", p.login)
	}
	m, ok = s.refusal(ctx, "", "/v1/session", map[string]string{"login": "operator", "password": "бұл емес"}, http.StatusUnauthorized, "M5", "credentials")
	s.check(ok, "refusal M5: a wrong password of staff")
	s.tell(m)
	return nil
}

func (s *story) challenge(ctx context.Context, role account.Role, purpose string, key *pki.Key) (map[string]any, error) {
	var c struct {
		Nonce     string
		Challenge []byte
	}
	if err := s.client.call(ctx, role, "/v1/challenges", map[string]string{"purpose": purpose}, &c); err != nil {
		return nil, err
	}
	signature, err := signedBy(key)(c.Challenge)
	return map[string]any{"nonce": c.Nonce, "signature": signature}, err
}

// logIn keeps a session's token under a name.
func (s *story) logIn(ctx context.Context, as account.Role, login string) error {
	var in struct{ Token string }
	status, err := s.client.ask(ctx, "", "/v1/session", map[string]string{"login": login, "password": demoPassword}, &in)
	if err == nil && status != http.StatusCreated {
		err = fmt.Errorf("logging in as %s: status %d", login, status)
	}
	s.client.tokens[as] = in.Token
	return err
}

// form fills the form of a service for the entrepreneur.
func (s *story) form(service string, c licensing.Channel) licensing.NewApplication {
	a := s.world.entrepreneurs()
	n := licensing.NewApplication{Service: service, Operation: "issue", Channel: c, Applicant: a, Fields: sampleFields(a), Attachments: sampleAttachments(), Lang: phrase.KK}
	if service == "trunk-pipelines" {
		n.Fields = json.RawMessage(`{"subtypes":["gas"],"objects":[{"name":"«Үлгі» газ құбыры (DEMO)","address":"А пункті – Ә пункті","length":12.5}],"consent":true}`)
	}
	if c != licensing.ChannelPortal {
		n.OnPaper = true
	}
	return n
}

func (s *story) portalPath(ctx context.Context, service string) error {
	s.say("  %s, through the portal", service)
	w := s.world
	var app licensing.Application
	if err := s.client.call(ctx, visitor, "/v1/drafts", s.form(service, licensing.ChannelPortal), &app); err != nil {
		return err
	}
	of := "/v1/applications/" + app.ID
	m, ok := s.refusal(ctx, visitor, of+"/seal", struct{}{}, http.StatusUnprocessableEntity, "M2", "not_paid")
	s.check(ok, "refusal M2: the fee is not paid")
	s.tellOnce(m)
	var p struct {
		Reference string
		Amount    int64
		Paid      *string
	}
	if err := s.client.call(ctx, visitor, of+"/payment", struct{}{}, &p); err != nil {
		return err
	}
	if err := w.outside.Pay(ctx, p.Reference); err != nil {
		return err
	}
	if err := s.client.call(ctx, visitor, of+"/seal", struct{}{}, &app); err != nil {
		return err
	}
	s.check(p.Paid == nil && app.Payment.Receipt != "", "%d tiyn paid at the gateway, receipt in the package to be signed", p.Amount)
	for _, c := range []struct {
		title, reason string
		key           *pki.Key
	}{{"the certificate for logging in", "purpose", w.people.enters}, {"somebody else's certificate", "holder_iin", w.people.stranger}} {
		var check struct{ Message *told }
		if err := s.client.call(ctx, visitor, of+"/certificate", map[string][]byte{"certificate": c.key.Certificate.Raw}, &check); err != nil {
			return err
		}
		s.check(check.Message != nil && check.Message.Code == "M3" && check.Message.Reason == c.reason, "refusal M3 before anything is signed: %s", c.title)
	}
	return s.signAs(ctx, visitor, &app, w.people.entrepreneur)
}

// signAs signs the package and hands it in; it must be registered.
func (s *story) signAs(ctx context.Context, role account.Role, app *licensing.Application, key *pki.Key) error {
	signature, err := signedBy(key)(app.Package)
	if err != nil {
		return err
	}
	var sub submission
	if err := s.client.call(ctx, role, "/v1/applications/"+app.ID+"/signature", map[string][]byte{"signature": signature}, &sub); err != nil {
		return err
	}
	s.check(sub.Verdict.String() == "TOTAL-PASSED" && sub.Application.Number != "" && len(sub.Receipt) > 0, "signed, judged %s, registered under number %s with a signed receipt", &sub.Verdict, sub.Application.Number)
	return nil
}

func (s *story) providerPath(ctx context.Context, service string) error {
	s.say("  %s, through the provider's employee", service)
	if err := s.logIn(ctx, clerk, "employee."+service); err != nil {
		return err
	}
	key := s.world.people.employee
	if service == "trunk-pipelines" {
		key = s.world.people.employee2
	}
	return s.clerkPath(ctx, service, licensing.ChannelProvider, key)
}

func (s *story) centrePath(ctx context.Context, service string) error {
	s.say("  %s, through a public service centre", service)
	if err := s.logIn(ctx, clerk, "operator"); err != nil {
		return err
	}
	return s.clerkPath(ctx, service, licensing.ChannelCentre, s.world.people.operator)
}

func (s *story) clerkPath(ctx context.Context, service string, c licensing.Channel, key *pki.Key) error {
	w := s.world
	look := func(kind, number string) map[string]string {
		return map[string]string{"service": service, "channel": string(c), "kind": kind, "number": number}
	}
	m, ok := s.refusal(ctx, clerk, "/v1/registers/lookup", look("natural-person", w.people.clerkIIN), http.StatusUnprocessableEntity, "M6", "absent")
	s.check(ok, "refusal M6: not in the state register of persons")
	s.tellOnce(m)
	_, ok = s.refusal(ctx, clerk, "/v1/registers/lookup", look("legal-entity", w.people.otherBIN), http.StatusUnprocessableEntity, "M6", "liquidated")
	s.check(ok, "refusal M6: a body that the state register calls liquidated")
	var found licensing.Found
	if err := s.client.call(ctx, clerk, "/v1/registers/lookup", look("sole-entrepreneur", w.people.iin), &found); err != nil {
		return err
	}
	s.check(found.Person != nil && found.Person.IIN == w.people.iin, "found in the state register")
	n := s.form(service, c)
	var page struct {
		Operations []struct {
			Key    string
			Amount *int64
		}
	}
	if err := s.client.call(ctx, clerk, "/v1/services/"+service, nil, &page); err != nil {
		return err
	}
	for _, op := range page.Operations {
		if op.Key == "issue" && op.Amount != nil {
			n.Payment = w.payment(service, n.Applicant, *op.Amount)
		}
	}
	if c == licensing.ChannelCentre {
		status, err := s.client.ask(ctx, clerk, "/v1/applications", n, nil)
		s.check(err == nil && status == http.StatusUnprocessableEntity, "not without the applicant's written consent")
		consent := n.Attachments[0]
		consent.Document, consent.Name = licensing.DocumentConsent, "келісім.png"
		n.Attachments = append(n.Attachments, consent)
	}
	var app licensing.Application
	if err := s.client.call(ctx, clerk, "/v1/applications", n, &app); err != nil {
		return err
	}
	s.check(app.Clerk != nil && app.OnPaper, "entered from paper, scans attached; to be certified by %s, not by the applicant", app.Channel)
	return s.signAs(ctx, clerk, &app, key)
}

// outsideDown: while a register is down nothing is refused and nothing accepted.
func (s *story) outsideDown(ctx context.Context) {
	s.world.outside.Break(egov.Persons, egov.Fault{Mode: egov.FaultForged})
	status, err := s.client.ask(ctx, clerk, "/v1/registers/lookup", map[string]string{"service": "passenger-transport", "channel": "centre", "kind": "sole-entrepreneur", "number": s.world.people.iin}, nil)
	s.check(err == nil && status == http.StatusServiceUnavailable, "an answer of the register that was changed on its way does not count: later, not refused")
	s.world.outside.Break(egov.Persons, egov.Fault{})
}
