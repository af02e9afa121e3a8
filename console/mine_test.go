// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"encoding/base64"
	"net/url"
	"testing"

	"rastau/internal/account"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/licensing"
)

// resident is a person who has registered on the portal, with an application of theirs.
func (h *house) resident(t *testing.T) (*browser, *licensing.Application, testpki.Leaf) {
	t.Helper()
	leaf := testpki.Leaf{CommonName: "ҮЛГІБАЕВА ҚҰНДЫЗ", IIN: personIIN, Roles: []pki.OID{pki.OIDRoleIndividual}}
	b := h.browser(t).registers(leaf)
	people, err := h.desk.People(t.Context())
	must(t, err)
	for _, p := range people {
		if p.IIN == personIIN {
			return b, h.registeredBy(t, licensing.Actor{ID: p.ID, Name: p.Name, IIN: p.IIN, Applicant: true}), leaf
		}
	}
	t.Fatal("the person has not registered")
	return nil, nil, leaf
}

// TestCorrectionIsAnswered: what an officer asks for is put right and signed again, and the officer sees both.
func TestCorrectionIsAnswered(t *testing.T) {
	h := newHouse(t)
	b, app, leaf := h.resident(t)
	mine := "/my/" + app.ID
	b.open(mine).sees(200, "қалған күн:").lacks("/correction", "/appeal")
	if b.open(mine + "/correction"); b.url.Path != mine {
		t.Errorf("a correction that nobody asked for is offered at %s", b.url)
	}
	officer := h.staff(t, "officer.1", account.Officer)
	officer.post("/case/"+app.ID+"/claim", nil).sees(200)
	officer.post("/case/"+app.ID+"/step/correction", url.Values{"fields": {"vehicles"}, "text": {"нөмірін түзетіңіз"}}).sees(200)
	b.open(mine).sees(200, "нөмірін түзетіңіз", mine+"/correction").lacks("officer.1")
	b.open(mine+"/correction").sees(200, "нөмірін түзетіңіз", "001 ZZZ 01", "біліктілік.png")
	values := url.Values{"name": {"Әлия Үлгіқызы"}, "address": {"Астана қ."}, "consent": {"yes"}, "subtypes": {"irregular-inter-oblast"},
		"vehicles.0.plate": {""}, "vehicles.0.make": {"Demo"}, "vehicles.0.year": {"2020"}}
	b.upload(mine+"/correction", values, "none", "", nil).sees(422, `href="#f-vehicles.0.plate"`)
	b.upload(mine+"/correction", merged(values, url.Values{"add": {"vehicles"}}), "none", "", nil).sees(200, `name="vehicles.1.plate"`)
	values.Set("vehicles.0.plate", "777 ZZZ 01")
	b.upload(mine+"/correction", merged(values, url.Values{"drop": {app.Attachments[0].SHA256}}), "none", "", nil).sees(422, `href="#f-attachments`)
	b.upload(mine+"/correction", merged(values, url.Values{"drop": {app.Attachments[0].SHA256}}), "document.qualification", "жаңа.png", picture(t)).sees(200, "777 ZZZ 01", "жаңа.png")
	pkg, err := base64.StdEncoding.DecodeString(b.hidden(`data-content="([^"]+)"`))
	must(t, err)
	b.upload(mine+"/correction/signature", nil, "none", "", nil).sees(422, `href="#f-sign"`)
	b.upload(mine+"/correction/signature", nil, "file", "x.p7s", sign(t, h.issue(t, testpki.Leaf{CommonName: "БАСҚА", IIN: "880709300015"}), pkg)).sees(422)
	b.upload(mine+"/correction/signature", nil, "file", "x.p7s", sign(t, h.issue(t, leaf), pkg)).sees(200, "Өтініш түзетіліп, қайта қол қойылды").lacks("href=\"" + mine + "/correction\"")
	officer.open("/case/"+app.ID).sees(200, "777 ZZZ 01", "жаңа.png", "Қолтаңба түпнұсқа").lacks("Өтініш берушіден түзету күтілуде")
}

// merged is one set of values with those of another.
func merged(a, b url.Values) url.Values {
	out := url.Values{}
	for _, v := range []url.Values{a, b} {
		for k := range v {
			out[k] = append([]string(nil), v[k]...)
		}
	}
	return out
}

// TestAppealIsAnswered: a refusal is appealed against once, and answered by another officer than the one who refused.
func TestAppealIsAnswered(t *testing.T) {
	h := newHouse(t)
	b, app, _ := h.resident(t)
	mine, at := "/my/"+app.ID, "/case/"+app.ID
	first, second := h.staff(t, "officer.1", account.Officer), h.colleague(t, "officer.2")
	first.post(at+"/decision", url.Values{"decision": {"refuse"}, "grounds": {"талаптарға сай емес"}}).sees(200)
	b.open(mine).sees(200, "талаптарға сай емес", mine+"/appeal")
	b.open(mine+"/appeal").sees(200, "басқа уәкілетті тұлға")
	b.post(mine+"/appeal", nil).sees(422, `href="#f-text"`)
	b.post(mine+"/appeal", url.Values{"text": {"құжаттар сай келеді"}}).sees(200, "Шешімге шағым берілді", "құжаттар сай келеді").lacks(mine + "/appeal")
	b.post(mine+"/appeal", url.Values{"text": {"тағы"}}).sees(409, "шағым қаралып жатыр")
	second.open("/queue").sees(200, `app-figure__n">1</strong> Жауап күткен шағымдар`)
	second.open("/appeals").sees(200, app.Number)
	first.post(at+"/step/appeal", url.Values{"answer": {"no"}, "text": {"жоқ"}}).sees(409, "өз шешіміне берілген шағымға ешкім жауап бермейді")
	second.open(at+"/step/appeal").sees(200, "құжаттар сай келеді")
	second.post(at+"/step/appeal", url.Values{"answer": {"yes"}, "text": {"шағым негізді"}}).sees(200, "Шағым қанағаттандырылды")
	second.open("/appeals").sees(200, "Жауап күткен шағым жоқ")
	b.open(mine).sees(200, "Шағым қанағаттандырылды", "шағым негізді").lacks("officer.2")
}

// TestOwnLicence: a holder opens and saves the licence and asks for another in its place; nobody else does.
func TestOwnLicence(t *testing.T) {
	h := newHouse(t)
	b, app, _ := h.resident(t)
	officer := h.staff(t, "officer.1", account.Officer)
	officer.open("/case/"+app.ID).post("/case/"+app.ID+"/claim", nil)
	officer.post("/case/"+app.ID+"/decision", officer.decision(true, nil)).sees(200)
	const number = "KZ18ZZZ00000001"
	b.open("/my").sees(200, "/licences/"+number)
	b.open("/my?status=draft").sees(200).lacks("/my/" + app.ID)
	b.open("/my?status=nothing").sees(404)
	b.open("/licences/"+number).sees(200, "Ашу", "Сақтау", `value="duplicate"`, `value="re-issue"`)
	if b.open("/licences/" + number + "/licence.pdf"); b.code != 200 || b.page[:5] != "%PDF-" {
		t.Errorf("the licence does not open: %d", b.code)
	}
	b.post("/apply", url.Values{"service": {"passenger-transport"}, "operation": {"duplicate"}, "about": {number}}).sees(200, "1-қадамы")
	other := h.browser(t).registers(testpki.Leaf{CommonName: "БАСҚАОВА ГҮЛ", IIN: "880709300015"})
	other.open("/licences/" + number).sees(404)
	other.open("/licences/" + number + "/licence.pdf").sees(404)
	other.open("/licences/x").sees(404)
}
