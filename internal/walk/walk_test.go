// SPDX-License-Identifier: Apache-2.0

package walk_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/emulation"
)

// path is one way through one regulation in one language.
type path struct{ lang, channel, service string }

// channels tell who files on a path, and in whose name.
var channels = map[string]struct{ kind string }{
	"portal": {"legal-entity"}, "provider": {"legal-entity"}, "centre": {"sole-entrepreneur"},
}

var services = []string{"passenger-transport", "trunk-pipelines"}

// paths are all of them in Kazakh, and one each in Russian and English; in a full run all in all languages.
func paths() []path {
	var all []path
	for _, lang := range []string{"kk", "ru", "en"} {
		for _, channel := range []string{"portal", "provider", "centre"} {
			for _, service := range services {
				all = append(all, path{lang, channel, service})
			}
		}
	}
	if full() {
		return all
	}
	return append(all[:6:6], path{"ru", "portal", "trunk-pipelines"}, path{"en", "centre", "passenger-transport"})
}

// TestPaths walks the three paths of both regulations, from the first page to the opened licence, with NCALayer's double signing.
func TestPaths(t *testing.T) {
	h := open(t)
	for _, one := range paths() {
		t.Run(fmt.Sprintf("%s/%s/%s", one.lang, one.channel, one.service), func(t *testing.T) {
			t.Parallel()
			p := h.enters(t, one.lang)
			p.files(one)
			draft := p.walks(channels[one.channel].kind)
			number := p.signs()
			h.grants(t, one.lang, number)
			p.receives(draft)
			if one.channel == "portal" {
				p.answersSurvey()
			}
		})
	}
}

// files begins the application of a path: an applicant in their own name, a clerk for whom the registers know.
func (p *person) files(one path) {
	p.t.Helper()
	kind := channels[one.channel].kind
	number := p.h.person
	if kind == "legal-entity" {
		number = p.h.body
	}
	switch one.channel {
	case "portal":
		p.logIn(number)
		p.begins(one.service)
		return
	case "provider":
		p.logIn(map[string]string{services[0]: "demo-employee", services[1]: "demo-employee2"}[one.service])
	case "centre":
		p.logIn("demo-operator")
	}
	p.looksUp(one.service, kind, number)
}

// looksUp asks the registers for an applicant and begins for them.
func (p *person) looksUp(service, kind, number string) {
	p.t.Helper()
	p.open("/entry")
	p.press(the(`main a[href="/entry?service=` + service + `"]`))
	p.use(the(`input[name=kind][value="` + kind + `"]`))
	p.fill("#f-number", number)
	p.press(the(`form[action="/entry"] button`))
	p.use(the(`form[action="/apply"] input[name=operation][value=issue]`))
	p.press(the(`form[action="/apply"] button`))
}

// answersSurvey says what the applicant thought of the service.
func (p *person) answersSurvey() {
	p.t.Helper()
	if !p.has(`form[action$="/survey"]`) {
		p.t.Error("nobody asks how it was")
		return
	}
	p.press(the(`form[action$="/survey"] button`))
	if !p.has(".govuk-error-summary") {
		p.t.Error("a survey without answers is no complaint")
	}
	for i := range eval[int](p, `document.querySelectorAll('form[action$="/survey"] fieldset').length`) {
		p.use(fmt.Sprintf(`document.querySelectorAll('form[action$="/survey"] fieldset')[%d].querySelector("input")`, i))
	}
	p.press(the(`form[action$="/survey"] button`))
	if p.has(`form[action$="/survey"]`) {
		p.t.Error("the survey is asked again")
	}
}

// TestKeyboard walks a whole application with Tab, Space, arrows, letters and Enter.
func TestKeyboard(t *testing.T) {
	h := open(t)
	t.Parallel()
	p := h.enters(t, "kk")
	p.keyboard = true
	p.logIn(h.person)
	p.begins("passenger-transport")
	p.walks("natural-person")
	p.signs()
}

// TestWithoutScript walks up to the signature where the browser runs no script; there the page says how to sign elsewhere.
func TestWithoutScript(t *testing.T) {
	h := open(t)
	t.Parallel()
	p := h.enters(t, "kk")
	p.noScript = true
	call(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	p.logIn(h.person)
	p.begins("passenger-transport")
	p.walks("sole-entrepreneur")
	p.sees("JavaScript")
	if !eval[bool](p, `document.querySelector(".app-sign").hidden && !!document.querySelector("a[download]") && !!document.querySelector("input[type=file][name=file]")`) {
		t.Error("without script there is no way to sign")
	}
}
