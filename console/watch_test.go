// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"rastau/internal/account"
	"rastau/internal/batch"
	"rastau/internal/outbox"
	"rastau/internal/pdf"
	"rastau/licensing"
)

// issued is a licence in the register.
func (h *house) issued(t *testing.T) *licensing.Licence {
	t.Helper()
	app := h.registered(t)
	a := licensing.Actor{ID: "officer.1", Officer: true}
	done, err := h.service.Decide(t.Context(), a, app.ID, licensing.Decision{Approve: true, Checklist: map[string]bool{"documents-match": true, "grounds": true}})
	must(t, err)
	l, err := h.service.Licence(t.Context(), done.Licence)
	must(t, err)
	return l
}

// A file is judged, its evidence fetched in three forms, and judged again from what is kept; a registered page need not be sent.
func TestVerdictOnAFile(t *testing.T) {
	h := newHouse(t)
	l := h.issued(t)
	b := h.browser(t)
	b.open("/verify").sees(200, "app-hash")
	b.upload("/verify", nil, "file", `C:\\папка\\лицензия.pdf`, l.PDF).sees(200, "Қолтаңба түпнұсқа", "лицензия.pdf", "LICENSOR DEMO",
		"TOTAL-PASSED", "сенім түбірі", "OCSP жауабы", "уақыт белгісі", "signature.value")
	if n := strings.Count(b.page, `app-verdict--good`); n != 4 {
		t.Errorf("%d good answers on the page of a genuine licence, want the verdict and three", n)
	}
	if strings.Contains(b.page, "папка") || strings.Contains(b.page, "/verify/again/") {
		t.Error("the page shows the folder, or offers the public another time")
	}
	russian := b.hidden(`href="(/verify/result/[^"]+lang=ru)"`)
	link := b.hidden(`href="(/verify/evidence/[^"]+)\.zip"`)
	b.open(link+".json").sees(200, `"TOTAL-PASSED"`)
	if !json.Valid([]byte(b.page)) {
		t.Error("the report is no JSON")
	}
	b.open(link + ".pdf").sees(200)
	if !pdf.Is([]byte(b.page)) {
		t.Error("the protocol is no PDF")
	}
	b.open(link + ".zip").sees(200)
	archive, err := zip.NewReader(strings.NewReader(b.page), int64(len(b.page)))
	must(t, err)
	if archive.File[0].Name != "question.json" {
		t.Errorf("the archive begins with %s", archive.File[0].Name)
	}
	b.open(link + ".exe").sees(404)
	b.open(russian).sees(200, "Подпись подлинная", "лицензия.pdf", "TOTAL-PASSED")
	b.in("kk")
	b.open("/log?before=5").sees(200, `href="/log?before=5&amp;lang=en"`)
	b.open("/verify/evidence/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.zip").sees(410, "қайта тексеріңіз")

	b.open("/verify/known/" + l.PDFSHA256).sees(204)
	b.open("/verify/file/"+l.PDFSHA256).sees(200, "байтына дейін бірдей", "TOTAL-PASSED")
	b.open("/verify/known/" + strings.Repeat("0", 64)).sees(404)
	b.open("/verify/known/none").sees(422)

	a := h.staff(t, "auditor.1", account.Auditor)
	a.upload("/verify", url.Values{"at": {"never"}}, "file", "l.pdf", l.PDF).sees(422, `href="#f-at"`)
	a.upload("/verify", url.Values{"at": {"01.01.2020"}}, "file", "l.pdf", l.PDF).sees(200, "app-verdict--open")
	a.upload("/verify", nil, "file", "l.pdf", l.PDF).sees(200)
	again := a.hidden(`action="(/verify/again/[^"]+)"`)
	a.post(again, url.Values{"at": {"01.01.2020 10:00"}}).sees(200, "01.01.2020 10:00 уақытына қайта тексерілді", "INDETERMINATE")
	a.post(again, url.Values{"at": {""}}).sees(422, `href="#f-at"`)
	b.post(again, url.Values{"at": {"01.01.2020"}}).sees(200, "Кіру") // the public may not

	changed := bytes.Replace(l.PDF, []byte("ZZZ"), []byte("ZZY"), 1)
	if bytes.Equal(changed, l.PDF) {
		changed[len(changed)/3] ^= 1
	}
	b.upload("/verify", nil, "file", "l.pdf", changed).sees(200, "app-verdict--bad", "Бұл құжатты лицензия ретінде қабылдамаңыз")
	b.upload("/verify", nil, "file", "x.txt", []byte("no signature")).sees(200, "FORMAT_FAILURE", "Не істеу керек")
	want := []string{"licence TOTAL-PASSED", "licence TOTAL-PASSED", "licence INDETERMINATE", "licence TOTAL-PASSED", "licence INDETERMINATE", "licence TOTAL-FAILED", "licence TOTAL-FAILED"}
	if !slices.Equal(h.verdicts, want) {
		t.Errorf("the pages told of the verdicts %q, want %q", h.verdicts, want)
	}
}

// The address in the QR code says whether the licence is in force and shows no more of the holder than the name.
func TestPublicPageOfANumber(t *testing.T) {
	h := newHouse(t)
	l := h.issued(t)
	b := h.browser(t)
	for lang, says := range map[string]string{"kk": "бүгін қолданыста", "ru": "действует сегодня", "en": "is in force today"} {
		b.in(lang).open("/v/"+l.Number).sees(200, says, "Әлия Үлгіқызы", "KZ18 ZZZ 0000 0001", `href="/log/`)
		if strings.Contains(b.page, personIIN) || strings.Contains(b.page, "Астана қ.") {
			t.Error("the public page shows the IIN or the address")
		}
	}
	b.in("kk")
	b.open("/verify?number=kz18+zzz+0000+0001").sees(200, "бүгін қолданыста")
	b.open("/verify?number=x").sees(422, `href="#f-number"`)
	for _, file := range []string{"json", "pdf", "zip"} {
		b.open("/v/" + l.Number + "/evidence." + file).sees(200)
		if strings.Contains(b.page, personIIN) {
			t.Errorf("the evidence as %s holds the IIN", file)
		}
	}
	b.open("/v/" + l.Number + "/evidence.exe").sees(404)
	for _, unknown := range []string{"KZ00ZZZ00000001", "no-number", strings.Repeat("9", 2000), "%3Cscript%3E"} {
		b.open("/v/"+unknown).sees(404, "тізілімде жоқ")
		if strings.Contains(b.page, "<script>") {
			t.Error("the number stands unescaped")
		}
		b.open("/v/" + unknown + "/evidence.json").sees(404)
	}
}

// The log shows its entries, proves each, and finds those of a licence; the proof is computed anew.
func TestLog(t *testing.T) {
	h := newHouse(t)
	b := h.browser(t)
	b.open("/log").sees(200, "Тізілім журналы")
	b.open("/log/0").sees(404)
	l := h.issued(t)
	b.open("/log").sees(200, l.Number, "лицензия берілді", "өтініш тіркелді")
	b.open("/log?entry=kz18zzz00000001").sees(200, "лицензия берілді", "түбірге дейін қайта есептелді", l.PDFSHA256)
	b.open(b.url.Path+"/proof.json").sees(200, `"proof"`, `"root"`)
	b.open("/log?entry=KZ00ZZZ00000009").sees(404, `href="#f-entry"`)
	b.open("/log?entry=99999").sees(404)
	b.open("/log/x").sees(404)
	b.open("/log/-1").sees(404)
}

// The search finds by person, kind and day, pages without losing a line, and gives all of it as CSV.
func TestSearchOfEvents(t *testing.T) {
	h := newHouse(t)
	a := h.staff(t, "auditor.1", account.Auditor)
	root := account.Account{ID: "root", Roles: []account.Role{account.Admin}}
	for range 60 {
		must(t, h.desk.Unlock(t.Context(), root, "127.0.0.1", "auditor.1"))
	}
	a.open("/audit").sees(200, "/audit/events")
	a.open("/audit/events?kind=unlocked").sees(200)
	first := strings.Count(a.page, "бұғаты алынды</td>")
	next := a.hidden(`href="(/audit/events\?[^"]*after=[^"]+)"`)
	a.open(strings.ReplaceAll(next, "&amp;", "&")).sees(200)
	second := strings.Count(a.page, "бұғаты алынды</td>")
	all, err := h.desk.Search(t.Context(), account.Search{Kind: "unlocked", Limit: 1000})
	must(t, err)
	if first != 50 || first+second != len(all) {
		t.Errorf("pages of %d and %d lines, %d in the journal", first, second, len(all))
	}
	a.open("/audit/events?who=auditor.1&kind=logged-in").sees(200, "auditor.1", "127.0.0.1")
	a.open("/audit/events?from="+time.Now().AddDate(0, 0, 2).Format("02.01.2006")).sees(200, "табылмады")
	a.open("/audit/events?from=yesterday").sees(422, `href="#f-from"`)
	a.open("/audit/events.csv?kind=unlocked").sees(200)
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(a.page, "\ufeff"))).ReadAll()
	must(t, err)
	if len(rows) != len(all)+1 || !regexp.MustCompile(`^20\d\d-`).MatchString(rows[1][0]) {
		t.Errorf("%d rows, the second %q", len(rows), rows[1])
	}
	h.browser(t).open("/audit/events").sees(200, "Кіру")
}

// A ZIP is judged as a batch behind the page, a table of numbers at once; the files of results hold every line.
func TestCheckingMany(t *testing.T) {
	h := newHouse(t)
	l := h.issued(t)
	a := h.staff(t, "auditor.1", account.Auditor)
	a.open("/audit/batches").sees(200, "KZ18ZZZ00000001")
	a.upload("/audit/batches", nil, "none", "", nil).sees(422, `href="#f-file"`)
	a.upload("/audit/batches", nil, "file", "x.csv", []byte("neither,this\nnor,that\n")).sees(422, `href="#f-file"`)
	a.upload("/audit/batches", nil, "file", "x.zip", []byte("PK\x03\x04 and nothing else")).sees(422, `href="#f-file"`)
	a.upload("/audit/batches", url.Values{"at": {"never"}}, "file", "x.csv", []byte("number\nKZ18ZZZ00000001\n")).sees(422, `href="#f-at"`)

	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for name, data := range map[string][]byte{"жақсы.pdf": l.PDF, "бос.txt": []byte("no signature")} {
		f, err := w.Create(name)
		must(t, err)
		_, err = f.Write(data)
		must(t, err)
	}
	must(t, w.Close())
	a.upload("/audit/batches", nil, "file", "many.zip", out.Bytes()).sees(200, "кезекте", "0 файлы тексерілді", "data-live")
	page := a.url.Path
	id := page[strings.LastIndex(page, "/")+1:]
	body, err := json.Marshal(id)
	must(t, err)
	for range 10 {
		if h.batches.Run(t.Context(), outbox.Item{Message: outbox.Message{Kind: batch.KindVerify, Key: id, Body: body}, Attempts: 1}) == nil {
			break
		}
	}
	a.open(page).sees(200, "аяқталды", "2 файлы тексерілді", "TOTAL-PASSED", "FORMAT_FAILURE", "бос.txt")
	if strings.Contains(a.page, "data-live") || strings.Contains(a.page, "жақсы.pdf") {
		t.Error("a page of a batch that is done goes on asking, or lists what is good among what needs a look")
	}
	a.open(page+"/results.csv").sees(200, "жақсы.pdf", "бос.txt")
	a.open(page+"/results.jsonl").sees(200, `"TOTAL-PASSED"`)
	a.open(page + "/results.exe").sees(404)
	other := h.staff(t, "officer.9", account.Officer)
	other.open(page).sees(404)
	h.browser(t).open(page).sees(200, "Кіру")
	a.post(page, url.Values{"do": {"what"}}).sees(404)
	a.post(page, url.Values{"do": {"remove"}}).sees(200, "Әзірге топтама жоқ")
	a.open(page).sees(404)

	a.upload("/audit/batches", nil, "file", "n.csv", []byte("\ufeffнөмір;ескерту\r\nkz18 zzz 0000 0001;x\r\nKZ00ZZZ00000009\r\nқате\r\n")).
		sees(200, "3 нөмір тексерілді: 1 қолданыста, 2", "KZ18 ZZZ 0000 0001", "ҚАТЕ")
	a.open(a.hidden(`href="(/audit/numbers/[^"]+)"`)).sees(200, "KZ18ZZZ00000001,true,true,issued,true")
	var many strings.Builder
	for range 2001 {
		many.WriteString("KZ18ZZZ00000001\n")
	}
	a.upload("/audit/batches", nil, "file", "n.csv", []byte(many.String())).sees(422, `href="#f-file"`)
}
