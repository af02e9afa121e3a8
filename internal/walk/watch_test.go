// SPDX-License-Identifier: Apache-2.0

package walk_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// checksFile has the public check a licence's file: its digest is known, so the file is not sent; one letter changed, it is sent and
// found bad. What the verdict rests on can be fetched.
func (p *person) checksFile(number string, pdf []byte) {
	p.t.Helper()
	file := filepath.Join(p.h.dir, number+"-"+p.lang+".pdf")
	p.must(os.WriteFile(file, pdf, 0o600))
	p.open("/verify")
	p.must(p.do(chromedp.SetUploadFiles("#f-file", []string{file})))
	p.press(the(".app-hash button"))
	p.waits(`location.pathname.startsWith("/verify/file/") && document.readyState == "complete"`)
	p.looks("")
	if p.has(".app-verdict--bad") || !p.has(".app-verdict--good") {
		p.t.Fatalf("the file of the register is not found good:\n%s", eval[string](p, "document.querySelector('main').innerText"))
	}
	for _, kind := range []string{"pdf", "json", "zip"} {
		if !eval[bool](p, `fetch(document.querySelector('a[href$=".`+kind+`"]').href).then(r => r.ok)`) {
			p.t.Errorf("no evidence as %s", kind)
		}
	}
	pdf[len(pdf)/2] ^= 1
	p.must(os.WriteFile(file, pdf, 0o600))
	p.open("/verify")
	p.must(p.do(chromedp.SetUploadFiles("#f-file", []string{file})))
	p.press(the(".app-hash button"))
	p.waits(`location.pathname == "/verify" && !!document.querySelector(".app-verdict--bad")`)
	p.looks("changed")
	entry := eval[string](p, `fetch("/log").then(r => r.text()).then(t => t.match(/href="(\/log\/\d+)"/)[1])`)
	for _, path := range []string{entry, "/v/" + number, "/v/KZ00ZZZ00000001", "/problems/rate", "/docs/apply"} {
		p.open(path)
	}
}

// fetched is a file of the console, as the person gets it.
func (p *person) fetched(address string) []byte {
	p.t.Helper()
	text := eval[string](p, `fetch(`+quoted(address)+`).then(r => r.blob()).then(b => new Promise(ok => { const f = new FileReader(); f.onload = () => ok(f.result); f.readAsDataURL(b); }))`)
	_, content, _ := strings.Cut(text, ",")
	raw, err := base64.StdEncoding.DecodeString(content)
	p.must(err)
	return raw
}

// TestAdministration: a key is made and revoked, a person locked out of their sessions, an authority ended only after a question.
func TestAdministration(t *testing.T) {
	h := open(t)
	t.Parallel()
	p := h.enters(t, "ru")
	p.logIn("demo-admin")
	p.open("/admin/keys")
	p.press(the(`form[action="/admin/keys"] button`))
	p.fill("#f-id", "browser-"+p.lang)
	p.fill("#f-name", "Программа")
	p.use(the("#role-auditor"))
	p.press(the(`form[action="/admin/keys"] button`))
	p.sees("больше он показан не будет")
	p.press(the(`a[href$="/revoke"]`))
	p.press(the(`form[action$="/revoke"] button`))
	p.sees("отозван")
	p.open("/admin/people/demo-auditor")
	p.press(the(`input[value=sessions] + button`))
	p.sees("все сеансы завершены")
	p.open("/admin/signers")
	p.press(the(`form[action="/admin/signers"] button`))
	p.open("/admin/signers")
	p.press(the(`a[href$="/end"]`))
	p.open("/audit/events?kind=key-made")
	p.sees("ключ API создан")
	p.open("/audit/batches")
	p.press(the(`form[action="/audit/batches"] button`))
	table := filepath.Join(h.dir, "numbers.csv")
	p.must(os.WriteFile(table, []byte("number\nKZ00ZZZ00000001\n"), 0o600))
	p.must(p.do(chromedp.SetUploadFiles("#f-file", []string{table})))
	p.press(the(`form[action="/audit/batches"] button`))
	p.sees("Проверено номеров: 1")
	files := filepath.Join(h.dir, "files.csv")
	p.must(os.WriteFile(files, []byte("name,document\n1.txt,bm8gc2lnbmF0dXJl\n"), 0o600))
	p.open("/audit/batches")
	p.must(p.do(chromedp.SetUploadFiles("#f-file", []string{files})))
	p.press(the(`form[action="/audit/batches"] button`))
	p.waits(`!document.querySelector("[data-live]") && document.querySelector("main").innerText.includes("FORMAT_FAILURE")`)
	p.looks("done")
}
