// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"rastau/console"
	"rastau/internal/account"
	"rastau/licensing"
)

func (h *house) settings() console.Settings {
	rates, err := licensing.EmbeddedRates()
	if err != nil {
		panic(err)
	}
	return console.Settings{File: "config.yaml", Anchors: []string{"anchors"}, Authorities: "authorities.yaml", Table: rates, Keys: []string{h.licensor.Certificate.SHA256Hex()}}
}

// TestPeople enters staff, changes what they may, ends their sessions, shuts them out; each change is journalled with who and from where.
func TestPeople(t *testing.T) {
	h := newHouse(t)
	b := h.staff(t, "admin.1", account.Admin)
	b.open("/admin").sees(200, "/admin/people", "/admin/signers")
	b.open("/admin/people").sees(200, "admin.1")
	b.post("/admin/people", url.Values{"login": {"auditor.1"}, "name": {"ТЕКСЕРУШІ"}, "roles": {"auditor"}, "password": {"short"}}).sees(422, `href="#f-password"`)
	b.post("/admin/people", url.Values{"login": {"auditor.1"}, "name": {"ТЕКСЕРУШІ"}, "roles": {"auditor"}, "password": {secret}}).sees(200, "ТЕКСЕРУШІ")
	b.post("/admin/people", url.Values{"login": {"auditor.1"}, "name": {"ТЕКСЕРУШІ"}, "roles": {"auditor"}, "password": {secret}}).sees(409)
	b.post("/admin/people", url.Values{"login": {"key.x"}, "name": {"X"}, "roles": {"auditor"}, "password": {secret}}).sees(422, `href="#f-login"`)
	b.open("/admin/people?find=ТЕКСЕР").sees(200, "auditor.1")
	if strings.Contains(b.page, "/admin/people/admin.1") {
		t.Error("the search finds everybody")
	}
	a := h.browser(t)
	a.post("/login", url.Values{"login": {"auditor.1"}, "password": {secret}}).sees(200, "Аудит")
	a.open("/audit").sees(200, "auditor.1", "кірді")
	for _, page := range []string{"", "/people", "/keys", "/signers", "/anchors", "/lists", "/policy", "/calendar", "/rates"} {
		a.open("/admin" + page).sees(403)
	}
	person := "/admin/people/auditor.1"
	b.open(person).sees(200, "ТЕКСЕРУШІ", "есептік жазба ашылды", "127.0.0.1")
	b.post(person, url.Values{"do": {"sessions"}}).sees(200, "барлық сеансы аяқталды")
	a.open("/audit").sees(200, "Кіру")
	b.post(person, url.Values{"do": {"roles"}}).sees(422, `href="#f-roles"`)
	b.post(person, url.Values{"do": {"roles"}, "roles": {"employee"}}).sees(422, `href="#f-roles"`) // without numbers
	b.post(person, url.Values{"do": {"roles"}, "roles": {"auditor", "admin"}}).sees(200, "рөлдері өзгертілді")
	a.post("/login", url.Values{"login": {"auditor.1"}, "password": {secret}}).sees(200)
	a.open("/admin").sees(200)
	b.post(person, url.Values{"do": {"disable"}}).sees(200, "кіруі жабық")
	a.open("/audit").sees(200, "Кіру")
	a.post("/login", url.Values{"login": {"auditor.1"}, "password": {secret}}).sees(401)
	b.post(person, url.Values{"do": {"enable"}}).sees(200, "кіруге ашық")
	for range 5 {
		a.post("/login", url.Values{"login": {"auditor.1"}, "password": {"қате құпия сөз"}})
	}
	b.open(person).sees(200, "бұғатталған")
	b.post(person, url.Values{"do": {"unlock"}}).sees(200, "бұғаты алынды", "кіруге ашық")
	a.post("/login", url.Values{"login": {"auditor.1"}, "password": {secret}}).sees(200)
	b.post(person, url.Values{"do": {"password"}, "password": {"қысқа"}}).sees(422, `href="#f-password"`)
	b.post(person, url.Values{"do": {"password"}, "password": {secret + " жаңа"}}).sees(200, "құпия сөзі өзгертілді")
	a.open("/audit").sees(200, "Кіру")
	a.post("/login", url.Values{"login": {"auditor.1"}, "password": {secret}}).sees(401)
	a.post("/login", url.Values{"login": {"auditor.1"}, "password": {secret + " жаңа"}}).sees(200)
	b.post("/admin/people/admin.1", url.Values{"do": {"password"}, "password": {secret + " жаңа"}}).sees(404)
	b.post(person, url.Values{"do": {"what"}}).sees(404)
	b.post("/admin/people/nobody", url.Values{"do": {"unlock"}}).sees(404)
	b.open("/admin/people/admin.1").sees(200, "сіздің есептік жазбаңыз")
	b.post("/admin/people/admin.1", url.Values{"do": {"roles"}, "roles": {"auditor"}}).sees(422)
	b.post("/admin/people/admin.1", url.Values{"do": {"disable"}}).sees(422)
}

// TestKeys makes a key whose token is shown once and opens the API until it is revoked.
func TestKeys(t *testing.T) {
	h := newHouse(t)
	b := h.staff(t, "admin.1", account.Admin)
	b.post("/admin/keys", url.Values{"id": {"Ә"}, "name": {"x"}, "roles": {"auditor"}}).sees(422, `href="#f-id"`)
	b.post("/admin/keys", url.Values{"id": {"portal"}, "roles": {"auditor"}}).sees(422, `href="#f-name"`)
	b.post("/admin/keys", url.Values{"id": {"portal"}, "name": {"Портал"}}).sees(422, `href="#f-roles"`)
	b.post("/admin/keys", url.Values{"id": {"portal"}, "name": {"Портал"}, "roles": {"auditor", "officer"}}).sees(201, "key.portal", "енді көрсетілмейді")
	token := b.hidden(`<pre class="app-pre"[^>]*>([^<]{43})</pre>`)
	who, err := h.desk.ByToken(t.Context(), token)
	if err != nil || who.ID != "key.portal" || !who.Has(account.Officer) || who.Has(account.Admin) {
		t.Errorf("%+v %v", who, err)
	}
	b.post("/admin/keys", url.Values{"id": {"portal"}, "name": {"Портал"}, "roles": {"auditor"}}).sees(409)
	b.open("/admin/keys").sees(200, "key.portal", "жарамды")
	if strings.Contains(b.page, token) {
		t.Error("the token is shown again")
	}
	b.open("/admin/keys/key.portal/revoke").sees(200, "Портал", `action="/admin/keys/key.portal/revoke"`)
	b.post("/admin/keys/key.portal/revoke", nil).sees(200, "қайтарып алынған")
	if _, err := h.desk.ByToken(t.Context(), token); err != account.ErrToken {
		t.Errorf("a revoked key opens: %v", err)
	}
	b.post("/admin/keys/key.portal/revoke", nil).sees(404)
	b.open("/audit/events?who=key.portal").sees(200, "API кілті жасалды", "API кілті қайтарып алынды", "admin.1", "127.0.0.1")
	if _, err := h.desk.ByToken(t.Context(), "nobody's"); err != account.ErrToken {
		t.Errorf("a made-up token: %v", err)
	}
}

// TestSigners ends an officer's authority and gives it anew; decisions follow at once.
func TestSigners(t *testing.T) {
	h := newHouse(t)
	app := h.registered(t)
	b := h.staff(t, "admin.1", account.Admin)
	h.staff(t, "officer.1", account.Officer)
	b.open("/admin/signers").sees(200, "Officer One", "authorities.yaml", "қолданыста")
	b.open(b.hidden(`(?s)>officer\.1</span>.*?href="(/admin/signers/[^"]+/end)"`)).sees(200, "Officer One")
	b.post(b.hidden(`action="(/admin/signers/[^"]+/end)"`), nil).sees(200, "аяқталған")
	decide := func() error {
		_, err := h.service.Decide(t.Context(), licensing.Actor{ID: "officer.1", Officer: true}, app.ID,
			licensing.Decision{Approve: true, Checklist: map[string]bool{"documents-match": true, "grounds": true}})
		return err
	}
	if err := decide(); err == nil {
		t.Fatal("an officer without authority decides")
	}
	form := url.Values{"officer": {"officer.1"}, "name": {"ӘБДІҚҰЛОВ"}, "position_kk": {"басшы"}, "position_ru": {"руководитель"}, "position_en": {"head"},
		"licensor": {h.service.Regulations()[0].Licensor.BIN}, "certificate": {h.licensor.Certificate.SHA256Hex()}}
	with := func(field, value string) url.Values {
		out := url.Values{}
		for k, v := range form {
			out[k] = v
		}
		out.Set(field, value)
		return out
	}
	b.post("/admin/signers", with("name", "")).sees(422, `href="#f-name"`)
	b.post("/admin/signers", with("certificate", "abc")).sees(422, `href="#f-certificate"`)
	b.post("/admin/signers", with("from", "01.01.2020")).sees(422, `href="#f-from"`)
	b.post("/admin/signers", with("until", "tomorrow")).sees(422, `href="#f-until"`)
	b.post("/admin/signers", form).sees(200, "ӘБДІҚҰЛОВ", "осы бетте қосылған")
	if err := decide(); err != nil {
		t.Errorf("the new line does not count: %v", err)
	}
	b.post("/admin/signers/none/end", nil).sees(404)
	b.open("/audit/events?kind=signer-added").sees(200, "admin.1")
}

// What stands in files is shown with its source and how to change it.
func TestWhatIsConfigured(t *testing.T) {
	h := newHouse(t)
	h.issued(t) // so that lists were asked for
	b := h.staff(t, "admin.1", account.Admin)
	for _, lang := range []string{"kk", "ru", "en"} {
		b.in(lang)
		b.open("/admin/anchors").sees(200, h.pki.Root().Certificate.SHA256Hex(), "config.yaml", "rastau config check")
		b.open("/admin/lists").sees(200)
		b.open("/admin/policy").sees(200, "urn:rastau:policy:default", "SHA-256")
		b.open("/admin/calendar").sees(200, "Asia/Almaty")
		b.open("/admin/rates").sees(200, "4325", "01.01.2026")
	}
	calendar, err := licensing.EmbeddedCalendar()
	must(t, err)
	day, err := time.Parse(time.DateOnly, string(calendar.Moved(calendar.Day(time.Now()), 1)[0].Day))
	must(t, err)
	b.open("/admin/calendar").sees(200, day.Format("02.01.2006"))
}
