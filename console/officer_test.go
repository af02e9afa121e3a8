// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"rastau/internal/account"
	"rastau/internal/phrase"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/licensing"
)

// staff enters somebody and leaves a browser logged in as them.
func (h *house) staff(t *testing.T, login string, roles ...account.Role) *browser {
	t.Helper()
	root := account.Account{ID: "root", Roles: []account.Role{account.Admin}}
	_, err := h.desk.Enter(t.Context(), root, "127.0.0.1", account.NewStaff{Login: login, Name: "ҚЫЗМЕТКЕР", IIN: "880709300015", BIN: "100640000312", Roles: roles, Password: secret})
	must(t, err)
	b := h.browser(t)
	b.post("/login", url.Values{"login": {login}, "password": {secret}}).sees(200)
	return b
}

// registered files and signs an application through the service.
func (h *house) registered(t *testing.T) *licensing.Application {
	t.Helper()
	return h.registeredBy(t, licensing.Actor{ID: "portal", Applicant: true})
}

func (h *house) registeredBy(t *testing.T, a licensing.Actor) *licensing.Application {
	t.Helper()
	fee, err := h.service.Fee("passenger-transport", "issue")
	must(t, err)
	app, err := h.service.Apply(t.Context(), a, licensing.NewApplication{
		Service: "passenger-transport", Operation: "issue", Lang: phrase.KK,
		Applicant:   licensing.Applicant{Kind: licensing.NaturalPerson, IIN: personIIN, Name: "Әлия Үлгіқызы", Address: "Астана қ."},
		Fields:      json.RawMessage(`{"consent":true,"subtypes":["irregular-inter-oblast"],"vehicles":[{"plate":"001 ZZZ 01","make":"Demo","year":2020}]}`),
		Attachments: []licensing.NewAttachment{{Document: "qualification", Name: "біліктілік.png", Type: "image/png", Content: picture(t)}},
		Payment:     licensing.Payment{Reference: "PAY-1", Amount: fee},
	})
	must(t, err)
	key := h.issue(t, testpki.Leaf{IIN: personIIN, Roles: []pki.OID{pki.OIDRoleIndividual}})
	sub, err := h.service.Submit(t.Context(), a, app.ID, sign(t, key, app.Package))
	must(t, err)
	if sub.Application.Number == "" {
		t.Fatalf("not registered: %+v", sub.Message)
	}
	return &sub.Application
}

// TestOfficer takes a case, is told what is missing, issues the licence, and suspends it; the public sees each state.
func TestOfficer(t *testing.T) {
	h := newHouse(t)
	app := h.registered(t)
	b := h.staff(t, "officer.1", account.Officer)
	b.open("/queue").sees(200, app.Number)
	b.open("/case/"+app.ID).sees(200, "Әлия Үлгіқызы", "001 ZZZ 01", "біліктілік.png")
	b.post("/case/"+app.ID+"/claim", nil).sees(200)
	b.open(b.hidden(`href="(/case/[^"]+/document/[^"]+)"`)).sees(200)
	b.post("/case/"+app.ID+"/decision", nil).sees(422, `href="#f-decision"`)
	b.post("/case/"+app.ID+"/decision", url.Values{"decision": {"refuse"}}).sees(422, `href="#f-grounds"`)
	b.post("/case/"+app.ID+"/decision", url.Values{"decision": {"approve"}}).sees(422)
	b.open("/case/" + app.ID)
	values := url.Values{"decision": {"approve"}}
	for _, m := range regexp.MustCompile(`name="(check\.[^"]+)"`).FindAllStringSubmatch(b.page, -1) {
		values.Set(m[1], "yes")
	}
	b.post("/case/"+app.ID+"/decision", values).sees(200, "KZ18 ZZZ 0000 0001")
	public := h.browser(t)
	public.open("/registry").sees(200, "KZ18 ZZZ 0000 0001", "берілген")
	public.open("/verify?number=kz18zzz00000001").sees(200, "Әлия Үлгіқызы")
	if strings.Contains(public.page, personIIN) || strings.Contains(public.page, "/move") {
		t.Error("the public page shows the IIN, or offers a move")
	}
	public.post("/registry/KZ18ZZZ00000001/move", url.Values{"ground": {"x"}}).sees(200, "Кіру")
	public.open("/registry.csv").sees(200, "KZ18ZZZ00000001")
	l, err := h.service.Licence(t.Context(), "KZ18ZZZ00000001")
	must(t, err)
	public.upload("/verify", nil, "file", "l.pdf", l.PDF).sees(200, "Қолтаңба түпнұсқа", "бүгін қолданыста", "осы лицензиардың кілті ретінде тізімде тұрған")
	changed := append([]byte(nil), l.PDF...)
	changed[len(changed)/3] ^= 1
	public.upload("/verify", nil, "file", "l.pdf", changed).sees(200, "Бұл файлға сенбеңіз", "Бұл құжатты лицензия ретінде қабылдамаңыз")
	public.upload("/verify", nil, "none", "", nil).sees(422, `href="#f-file"`)

	ground := ""
	for _, g := range h.service.Grounds() {
		if g.Move == licensing.MoveTerminate && !g.Term {
			ground = g.Key
			break
		}
	}
	b.post("/registry/KZ18ZZZ00000001/move", url.Values{"ground": {ground}}).sees(422, "Қате:")
	b.open("/registry/KZ18ZZZ00000001").sees(200, `value="suspend/`, `value="terminate/`).lacks(`value="resume/`, `value="replace/`, "move.")
	// Several moves may have the same ground: the one that was chosen is made, and none where it was not said.
	b.post("/registry/KZ18ZZZ00000001/move", url.Values{"ground": {"own-request"}, "reference": {"№ 2"}, "reason": {"өтінішпен"}}).sees(422)
	b.post("/registry/KZ18ZZZ00000001/move", url.Values{"ground": {"suspend/own-request"}, "reference": {"№ 2"}, "reason": {"өтінішпен"}, "until": {time.Now().AddDate(0, 1, 0).Format("02.01.2006")}}).sees(200, "тоқтатыла тұрған")
	b.post("/registry/KZ18ZZZ00000001/move", url.Values{"ground": {"resume/own-request"}, "reference": {"№ 3"}, "reason": {"өтінішпен"}}).sees(200, "қайта басталған")
	b.post("/registry/KZ18ZZZ00000001/move", url.Values{"ground": {ground}, "reference": {"№ 1, 01.11.2026"}, "reason": {"сынақ"}}).sees(200, "қолданысы тоқтатылған")
	public.open("/registry/KZ18ZZZ00000001").sees(200, "қолданысы тоқтатылған")
	b.post("/registry/KZ18ZZZ00000001/move", url.Values{"ground": {ground}, "reference": {"№ 1"}, "reason": {"сынақ"}}).sees(409)
	b.open("/registry/KZ18ZZZ00000001").lacks("/registry/KZ18ZZZ00000001/move")
}
