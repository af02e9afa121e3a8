// SPDX-License-Identifier: Apache-2.0

package walk_test

import (
	"net/url"
	"os/exec"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
)

// failures are NCALayer's, with the text that the page has for each.
var failures = []struct{ fault, text string }{
	{"absent", "absent"}, {"cancelled", "cancelled"}, {"error", "error"}, {"dropped", "dropped"}, {"garbled", "error"},
}

// fails presses the button and waits for what the page says.
func (p *person) fails(fault, text string) {
	p.t.Helper()
	p.h.order(p.t, url.Values{"fault": {fault}})
	p.use(the(".app-sign__button"))
	p.waits(`!document.querySelector(".app-sign__button").disabled && document.querySelector(".app-sign__status").textContent.startsWith(document.querySelector(".app-sign").dataset.text` + strings.ToUpper(text[:1]) + text[1:] + `)`)
	if !eval[bool](p, `document.activeElement.matches(".app-sign__button")`) {
		p.t.Errorf("after %s the focus is lost", fault)
	}
	p.looks(fault)
}

// TestSigningFails tries each failure of NCALayer in one application: all are told apart, none loses what was entered, and the last
// attempt signs, with a key of the national algorithms, after the person took their time.
func TestSigningFails(t *testing.T) {
	h := open(t)
	p, draft := h.applies(t, "trunk-pipelines", "sole-entrepreneur")
	said := map[string]string{}
	for _, f := range failures {
		p.fails(f.fault, f.text)
		text := eval[string](p, the(".app-sign__status")+".textContent")
		if before, twice := said[text]; twice {
			t.Errorf("%s and %s are told in the same words: %s", before, f.fault, text)
		}
		said[text] = f.fault
		p.open(strings.TrimPrefix(draft, p.h.base)) // goes on where it was left
		if !strings.HasSuffix(p.path(), "/sign") {
			t.Fatalf("after %s the draft is at %s", f.fault, p.path())
		}
	}
	h.order(t, url.Values{"key": {"person-gost"}, "slow": {"300ms"}})
	p.signs()
}

// TestOwnKey: an officer signs every document of a decision with a key of their own, in NCALayer; the key of another is not taken,
// and the public finds the licence good.
func TestOwnKey(t *testing.T) {
	h := open(t)
	applicant, draft := h.applies(t, "passenger-transport", "natural-person")
	number := applicant.signs()
	p := h.enters(t, "kk")
	p.logIn("demo-officer")
	h.reviews(p, number)
	p.press(the(`button[formaction$="/own"]`))
	h.order(t, url.Values{"key": {"person"}})
	p.use(the(".app-sign__button"))
	p.waits(`document.querySelector(".app-sign__status").textContent.startsWith(document.querySelector(".app-sign").dataset.textError)`)
	for n := 1; strings.HasSuffix(p.path(), "/own"); n++ {
		if n > 4 {
			t.Fatal("there is no end to the documents")
		}
		p.looks("")
		h.order(t, url.Values{"key": {"officer-own"}})
		p.press(the(".app-sign__button"))
	}
	applicant.receives(draft)
}

// TestRegistration: a newcomer registers with the certificate for logging in, leaves, and comes back with it; a stranger's
// certificate for signing is not offered.
func TestRegistration(t *testing.T) {
	h := open(t)
	p := h.enters(t, "kk")
	p.open("/register")
	p.fill("#f-password", h.secret)
	p.fill("#f-again", h.secret)
	p.fails("cancelled", "cancelled")
	h.order(t, url.Values{"key": {"newcomer"}}) // a key for signing: the page asks for one for logging in
	p.use(the(".app-sign__button"))
	p.waits(`document.querySelector(".app-sign__status").textContent.startsWith(document.querySelector(".app-sign").dataset.textError)`)
	h.order(t, url.Values{"key": {"newcomer-login"}})
	p.press(the(".app-sign__button"))
	p.sees("Өтініштер")
	p.press(the(`form[action="/logout"] button`))
	p.open("/login")
	h.order(t, url.Values{"key": {"newcomer-login"}})
	p.press(the(".app-sign__button"))
	if p.path() != "/my" {
		t.Errorf("logged in with the certificate, and now at %s", p.path())
	}
}

// TestSelfTest: the page that checks a person's machine says what is wrong with it, and that nothing is.
func TestSelfTest(t *testing.T) {
	h := open(t)
	p := h.enters(t, "kk")
	p.open("/check-ncalayer")
	for _, c := range []struct{ fault, tags, text string }{
		{"absent", "✓✗…", "textAbsent"}, {"cancelled", "✓✓✗", "textCancelled"}, {"error", "✓✓✗", "textError"}, {"dropped", "✓✓✗", "textDropped"}, {"", "✓✓✓", "textGood"},
	} {
		h.order(t, url.Values{"fault": {c.fault}})
		p.use(the(".app-selftest button"))
		p.waits(`document.querySelector('[data-test="text"]').textContent.startsWith(document.querySelector(".app-selftest").dataset.` + c.text + `)`)
		if tags := eval[string](p, `[...document.querySelectorAll(".app-selftest .govuk-tag")].map(e => e.textContent.trim()[0]).join("")`); tags != c.tags {
			t.Errorf("%s: %s, want %s", c.fault, tags, c.tags)
		}
		p.looks(c.text)
	}
}

// TestBlocked: where the browser keeps a public page from this machine's programs, the page says that and not that NCALayer is not
// running; with the permission it signs.
func TestBlocked(t *testing.T) {
	h := open(t)
	address, err := url.Parse(h.base)
	if err != nil {
		t.Fatal(err)
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal(err) // open found it
	}
	other := *h
	if err := other.startBrowser(chromium, chromedp.Flag("ip-address-space-overrides", address.Host+"=public")); err != nil {
		t.Fatal(err)
	}
	p := other.enters(t, "kk")
	p.open("/check-ncalayer")
	p.use(the(".app-selftest button"))
	p.waits(`document.querySelector('[data-test="text"]').textContent.startsWith(document.querySelector(".app-selftest").dataset.textBlocked)`)
	p.looks("blocked")
	if _, err := chromedp.CallBrowser(p.ctx, browser.SetPermission, browser.SetPermissionParams{
		Permission: &browser.PermissionDescriptor{Name: "loopback-network"}, Setting: browser.PermissionSettingGranted, Origin: h.base,
		BrowserContextID: chromedp.FromContext(p.ctx).BrowserContextID,
	}); err != nil {
		t.Fatal(err)
	}
	p.open("/check-ncalayer")
	p.use(the(".app-selftest button"))
	p.waits(`document.querySelector('[data-test="text"]').textContent.startsWith(document.querySelector(".app-selftest").dataset.textGood)`)
}
