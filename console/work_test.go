// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rastau/internal/account"
)

// decision fills in a decision form: every question of the checklist answered with yes.
func (b *browser) decision(approve bool, more url.Values) url.Values {
	values := url.Values{"decision": {"refuse"}}
	if approve {
		values.Set("decision", "approve")
	}
	for _, m := range regexp.MustCompile(`name="(check\.[^"]+)"`).FindAllStringSubmatch(b.page, -1) {
		values.Set(m[1], "yes")
	}
	for k, v := range more {
		values[k] = v
	}
	return values
}

// lacks holds the page to what must not stand on it.
func (b *browser) lacks(texts ...string) *browser {
	b.t.Helper()
	for _, text := range texts {
		if strings.Contains(b.page, text) {
			b.t.Fatalf("%s shows %q\n%s", b.url, text, b.page)
		}
	}
	return b
}

// colleague is another officer of the licensor.
func (h *house) colleague(t *testing.T, login string) *browser {
	t.Helper()
	root := account.Account{ID: "root", Roles: []account.Role{account.Admin}}
	_, err := h.desk.Enter(t.Context(), root, "127.0.0.1", account.NewStaff{Login: login, Name: "ӘРІПТЕС", IIN: "880709300015", BIN: h.service.Regulations()[0].Licensor.BIN,
		Roles: []account.Role{account.Officer}, Password: secret})
	must(t, err)
	b := h.browser(t)
	return b.post("/login", url.Values{"login": {login}, "password": {secret}}).sees(200)
}

// TestWorkOnACase goes through every step between registration and decision, each without JavaScript, and sees each in the history.
func TestWorkOnACase(t *testing.T) {
	h := newHouse(t)
	app := h.registered(t)
	at := "/case/" + app.ID
	b := h.staff(t, "officer.1", account.Officer)
	h.colleague(t, "officer.2")
	b.open(at).sees(200, "Қолтаңба түпнұсқа", "Міндетті 1 құжаттың 1-і тіркелген", "Куәлік кері қайтарылмаған ба", "портал арқылы").lacks("console.", at+"/decision")
	b.post(at+"/claim", nil).sees(200, at+"/decision", "officer.1 алды")
	b.open(at+"/step/note").sees(200, "Белгіні тек қызметкерлер көреді")
	b.post(at+"/step/note", nil).sees(422, `href="#f-text"`)
	b.post(at+"/step/note", url.Values{"text": {"өтініш берушіге қоңырау шалынды"}}).sees(200, "өтініш берушіге қоңырау шалынды")
	b.post(at+"/step/nothing", nil).sees(404)
	b.open(at + "/step/nothing").sees(404)

	b.open(at+"/step/agreement").sees(200, "Әр орган жеке жолға жазылады")
	b.post(at+"/step/agreement", nil).sees(422, `href="#f-bodies"`)
	b.post(at+"/step/agreement", url.Values{"bodies": {"Экология комитеті\nКөлік инспекциясы\n"}}).sees(200, "«Экология комитеті» келісімі күтілуде", "«Көлік инспекциясы» келісімі күтілуде")
	b.post(at+"/step/agreement", url.Values{"bodies": {"Экология комитеті"}}).sees(409, "Экология комитеті бұрын сұралған")
	b.open(at)
	b.post(at+"/decision", b.decision(true, nil)).sees(409, "келісімі күтілуде")
	b.open(at+"/step/agreed").sees(200, "Көлік инспекциясы")
	b.post(at+"/step/agreed", url.Values{"body": {"Көлік инспекциясы"}}).sees(422, `href="#f-answer"`)
	b.post(at+"/step/agreed", url.Values{"body": {"Көлік инспекциясы"}, "answer": {"no"}}).sees(422, `href="#f-text"`)
	b.post(at+"/step/agreed", url.Values{"body": {"Көлік инспекциясы"}, "answer": {"yes"}}).sees(200, "«Көлік инспекциясы» келісті").lacks("«Көлік инспекциясы» келісімі күтілуде")
	b.post(at+"/step/agreed", url.Values{"body": {"Экология комитеті"}, "answer": {"yes"}}).sees(200)

	b.post(at+"/step/inspection", url.Values{"text": {"автобекет"}, "on": {"кеше"}}).sees(422, `href="#f-on"`)
	b.post(at+"/step/inspection", url.Values{"text": {"автобекет"}, "on": {app.Deadline.Format("02.01.2006")}}).sees(200, "Орнында тексеру тағайындалды", "автобекет")
	b.post(at+"/step/inspected", url.Values{"answer": {"yes"}, "text": {"бәрі сай"}}).sees(200, "Тексеру: талаптарға сай", "бәрі сай")
	b.post(at+"/step/inspected", url.Values{"answer": {"yes"}, "text": {"бәрі сай"}}).sees(409, "тексеру тағайындалмаған")

	b.open(at+"/step/correction").sees(200, `value="vehicles"`, `value="qualification"`)
	b.post(at+"/step/correction", url.Values{"fields": {"vehicles"}, "text": {"мемлекеттік нөмірін түзетіңіз"}}).sees(200, "Өтініш берушіден түзету күтілуде")
	b.post(at+"/step/complete", nil).sees(200, "Құжаттар толық деп танылды").lacks("/step/incomplete")
	b.post(at+"/step/incomplete", url.Values{"text": {"сурет жоқ"}}).sees(409, "құжаттар толық деп танылған")

	b.post(at+"/step/assign", url.Values{"officer": {"nobody.here"}}).sees(422, `href="#f-officer"`)
	b.post(at+"/step/assign", url.Values{"officer": {"officer.2"}}).sees(200, "officer.2 қарауына берілді", "басқа қызметкер қарап жатыр: officer.2").lacks(at + "/decision")
	b.post(at+"/decision", url.Values{"decision": {"refuse"}, "grounds": {"сынақ"}}).sees(409)
	if b.open(at + "?lang=ru"); strings.Contains(b.page, "console.") {
		t.Error("a text is missing")
	}
}

// TestQueueIsSearched filters, sorts and saves the queue, and finds a decided application by its number.
func TestQueueIsSearched(t *testing.T) {
	h := newHouse(t)
	app := h.registered(t)
	b := h.staff(t, "officer.1", account.Officer)
	b.open("/queue").sees(200, app.Number, "ешкім алмаған", "/queue.csv")
	b.open("/queue?officer=me").sees(200, "/queue?lang=ru&amp;officer=me").lacks(app.ID)
	b.open("/queue?officer=nobody&due=&sort=farthest").sees(200, app.ID)
	b.open("/queue?service=trunk-pipelines").sees(200).lacks(app.ID)
	b.open("/queue?due=overdue").sees(200).lacks(app.ID)
	b.open("/queue?q="+strings.ToLower(app.Number)).sees(200, app.ID)
	b.open("/queue?q=PT-99999999").sees(200, "Шешім күтіп тұрған өтініш жоқ")
	b.open("/queue.csv").sees(200, "\ufeffНөмірі,", app.Number, "\r\n")
	b.post("/case/"+app.ID+"/claim", nil)
	b.open("/queue?mine=1").sees(200, app.ID)
	b.open("/queue?officer=nobody").sees(200).lacks(app.ID)
	b.post("/case/"+app.ID+"/decision", url.Values{"decision": {"refuse"}, "grounds": {"талаптарға сай емес"}}).sees(200)
	if b.open("/queue?q=" + app.Number); b.url.Path != "/case/"+app.ID {
		t.Errorf("the number of a decided application led to %s", b.url)
	}
	b.open("/reports").sees(200, "100 %").lacks("console.")
	b.open("/reports?from=xx").sees(422, `href="#f-from"`)
	b.open("/reports.csv?from=01.01.2020&until=31.12.2020").sees(200, "Қызмет,")
	h.browser(t).open("/queue.csv").sees(200, "Кіру")
}

// TestBatchFromTheQueue decides several at once, sees how far it is, and what failed and why.
func TestBatchFromTheQueue(t *testing.T) {
	h := newHouse(t)
	var ids []string
	for range 3 {
		ids = append(ids, h.registered(t).ID)
	}
	b := h.staff(t, "officer.1", account.Officer)
	other := h.colleague(t, "officer.2")
	other.post("/case/"+ids[2]+"/claim", nil).sees(200)
	b.open("/batches/new").sees(422, "Тізімнен кемінде бір өтінішті белгілеңіз")
	b.open("/batches/new?"+url.Values{"id": ids}.Encode()).sees(200, "Таңдалған өтініштер саны: 3")
	b.post("/batches", url.Values{"id": ids}).sees(422, `href="#f-decision"`)
	b.post("/batches", url.Values{"id": ids, "decision": {"refuse"}}).sees(422, `href="#f-grounds"`)
	b.post("/batches", b.decision(true, url.Values{"id": ids})).sees(200, "3 өтініштің 0-і өңделді", "data-live=")
	id := b.url.Path[strings.LastIndex(b.url.Path, "/")+1:]
	body, err := json.Marshal(id)
	must(t, err)
	must(t, h.service.RunBatch(t.Context(), body))
	b.open("/batches/"+id).sees(200, "KZ18 ZZZ 0000 0001", "ZZZ 0000 0002", "өтінішті басқа қызметкер қарап жатыр", "/batches/new?id="+ids[2]).lacks("data-live", "console.")
	b.open("/batches").sees(200, id, "3 / 3")
	other.open("/batches/" + id).sees(404)
}

// TestChangesAreJournalled: whoever changes something on a page stands in the journal with the address, before it is done; reading
// leaves no line there.
func TestChangesAreJournalled(t *testing.T) {
	h := newHouse(t)
	app := h.registered(t)
	b := h.staff(t, "officer.1", account.Officer)
	b.open("/case/" + app.ID)
	b.post("/case/"+app.ID+"/claim", nil).sees(200)
	b.post("/case/"+app.ID+"/decision", nil).sees(422)
	events, err := h.desk.Events(t.Context(), "", 10)
	must(t, err)
	var changes []string
	for _, e := range events {
		if e.Kind != "changed" {
			continue
		}
		changes = append(changes, e.By+" "+e.Person)
		if e.From != "127.0.0.1" {
			t.Errorf("%s came from %q", e.Person, e.From)
		}
	}
	want := []string{"officer.1 /case/" + app.ID + "/decision", "officer.1 /case/" + app.ID + "/claim"}
	if !slices.Equal(changes, want) {
		t.Errorf("the journal holds %q, want %q", changes, want)
	}
}
