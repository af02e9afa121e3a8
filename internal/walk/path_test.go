// SPDX-License-Identifier: Apache-2.0

package walk_test

import (
	"bytes"
	"image"
	"image/png"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// scan is a scanned page.
func (h *house) scan(t testing.TB) string {
	t.Helper()
	file := filepath.Join(h.dir, "biliktilik.png")
	var out bytes.Buffer
	if err := png.Encode(&out, image.NewGray(image.Rect(0, 0, 210, 297))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// values are what people write into fields; a field that is not named here may stay empty.
var values = map[string]string{
	"make": "Қаз-Автобус 12", "year": "2024", "plate": "001 DEM 01", "name": "Үлгі құбыры (DEMO)", "address": "А пункті – Ә пункті", "length": "12.5",
}

// applies: somebody logs in, begins an application and walks through it up to the signature.
func (h *house) applies(t testing.TB, service, kind string) (p *person, draft string) {
	t.Helper()
	p = h.enters(t, "kk")
	p.logIn(h.person)
	p.begins(service)
	return p, p.walks(kind)
}

// begins an application: of the applicant's own, or for whom a clerk has looked up.
func (p *person) begins(service string) {
	p.t.Helper()
	p.open("/services/" + service)
	p.use(the(`input[name=operation][value=issue]`))
	p.press(the(`form[action="/apply"] button`))
}

// walks through the screens up to the signature, and answers the draft's address.
func (p *person) walks(kind string) string {
	p.t.Helper()
	for range 20 {
		path, _, _ := strings.Cut(p.path(), "?")
		draft, step := filepath.Dir(path), filepath.Base(path)
		switch step {
		case "sign":
			return draft
		case "applicant":
			if p.has(`input[type=radio][name=kind]`) {
				p.use(the(`input[name=kind][value="` + kind + `"]`))
			}
			for name, value := range map[string]string{"name": "ҮЛГІБАЕВА ҚҰНДЫЗ", "address": "Астана қ., Мәңгілік Ел даңғылы, 8-үй"} {
				if eval[string](p, the("#f-"+name)+".value") == "" {
					p.fill("#f-"+name, value)
				}
			}
		case "documents":
			p.attaches()
		case "payment":
			p.pays()
		case "check":
		default:
			p.answers()
		}
		p.press(next)
		if now, _, _ := strings.Cut(p.path(), "?"); now == path || p.has(".govuk-error-summary") {
			p.t.Fatalf("%s does not go on:\n%s", p.path(), eval[string](p, "document.querySelector('main').innerText"))
		}
	}
	p.t.Fatal("the wizard does not end")
	return ""
}

// attaches a scan wherever a document is required.
func (p *person) attaches() {
	p.t.Helper()
	file := p.h.scan(p.t)
	for _, name := range []string{"document.qualification", "document.consent"} {
		if p.has(`input[type=file][name="` + name + `"]`) {
			p.must(p.do(chromedp.SetUploadFiles(chromedp.CSS(`input[type=file][name="`+name+`"]`), []string{file})))
		}
	}
}

// pays at the gateway, as another window of the bank would.
func (p *person) pays() {
	p.t.Helper()
	address := eval[string](p, `(document.querySelector('main a[rel~="noreferrer"]') || {href: ""}).href`)
	if address == "" {
		return
	}
	r, err := (&http.Client{Timeout: 10 * time.Second}).PostForm(address, url.Values{})
	p.must(err)
	r.Body.Close()
	path := p.path()
	p.open(path)
}

// answers a screen of the regulation's: the first of what can be chosen, a row where rows are needed.
func (p *person) answers() {
	p.t.Helper()
	if name := eval[string](p, `[...document.querySelectorAll('button[name=add]')].map(b => b.value).find(v => ["vehicles", "objects"].includes(v)) || ""`); name != "" &&
		eval[bool](p, `!document.querySelector('input[name^="`+name+`."]') && !document.querySelector('button[name=add][value=branches]')`) {
		p.press(the(`button[name=add][value=` + name + `]`))
	}
	for _, name := range strings.Fields(eval[string](p, `[...document.querySelectorAll("main input[type=text]")].filter(e => !e.value).map(e => e.name).join(" ")`)) {
		if value, ok := values[name[strings.LastIndexByte(name, '.')+1:]]; ok {
			p.fill(`[name="`+name+`"]`, value)
		}
	}
	for _, name := range []string{"subtypes", "consent"} {
		if p.has(`input[type=checkbox][name="`+name+`"]`) && !p.has(`input[name="`+name+`"]:checked`) {
			p.use(the(`input[type=checkbox][name="` + name + `"]`))
		}
	}
}

// signs with NCALayer and arrives at the receipt.
func (p *person) signs() (number string) {
	p.t.Helper()
	p.looks("")
	p.press(the(".app-sign__button"))
	if path := p.path(); !strings.HasSuffix(path, "/done") {
		p.t.Fatalf("signed and not registered: %s\n%s", path, eval[string](p, "document.querySelector('main').innerText"))
	}
	return eval[string](p, `document.querySelector(".govuk-panel__body strong").textContent`)
}

// grants a licence: the officer takes the case, checks, approves and signs.
func (h *house) grants(t testing.TB, lang, number string) {
	t.Helper()
	p := h.enters(t, lang)
	p.logIn("demo-officer")
	h.reviews(p, number)
	p.press(`[...document.querySelectorAll('form[action$="/decision"] button:not([formaction])')].pop()`)
	if p.has(".govuk-error-summary") {
		t.Fatalf("the officer could not decide:\n%s", eval[string](p, "document.querySelector('main').innerText"))
	}
}

// reviews has an officer take a case, answer the checklist and choose to approve; the decision is not sent.
func (h *house) reviews(p *person, number string) {
	p.t.Helper()
	p.open("/queue")
	p.press(`[...document.querySelectorAll('main a[href^="/case/"]')].find(a => a.textContent.includes(` + quoted(number) + `))`)
	if p.has(`form[action$="/claim"] button`) && !p.has(`input[name=decision]`) {
		p.press(the(`form[action$="/claim"] button`))
	}
	for _, name := range strings.Fields(eval[string](p, `[...new Set([...document.querySelectorAll('input[name^="check."]')].map(e => e.name))].join(" ")`)) {
		p.use(the(`input[name="` + name + `"][value=yes]`))
	}
	p.use(the(`input[name=decision][value=approve]`))
	if p.has("#f-grounds") {
		p.fill("#f-grounds", "Талаптар орындалған.")
	}
}

// receives the licence: opened, and checked by the public.
func (p *person) receives(draft string) {
	p.t.Helper()
	p.open(strings.Replace(draft, "/apply/", "/my/", 1))
	address := eval[string](p, `(document.querySelector('a[href*="licence.pdf"]') || {href: ""}).href`)
	if address == "" {
		p.t.Fatalf("no licence to open:\n%s", eval[string](p, "document.querySelector('main').innerText"))
	}
	if head := eval[string](p, `fetch(`+quoted(address)+`).then(r => r.text()).then(t => t.slice(0, 5))`); head != "%PDF-" {
		p.t.Fatalf("the licence begins with %q", head)
	}
	number := eval[string](p, `(document.querySelector("main").innerText.replaceAll(" ", "").match(/KZ[0-9]{2}ZZZ[0-9]{8}/) || [""])[0]`)
	visitor := p.h.enters(p.t, p.lang)
	visitor.open("/registry/" + number)
	visitor.open("/verify")
	visitor.fill("#f-number", number)
	visitor.press(`document.querySelector("#f-number").form.querySelector("button")`)
	if visitor.has(".govuk-error-summary") || !visitor.has(".app-verdict--good") || visitor.has(".app-verdict--bad") {
		p.t.Fatalf("the licence is not found good:\n%s", eval[string](visitor, "document.querySelector('main').innerText"))
	}
	visitor.checksFile(number, p.fetched(address))
}
