// SPDX-License-Identifier: Apache-2.0

package walk_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// person is somebody before a window of the browser, with cookies of their own.
type person struct {
	t        testing.TB
	h        *house
	ctx      context.Context
	lang     string
	keyboard bool // mouse and script are not used: Tab, Space, Enter, letters
	noScript bool
	mu       sync.Mutex
	errs     []string // what the browser complained of
	status   int64    // of the page that is shown
}

// patience is how long one step may take on a busy machine.
const patience = 60 * time.Second

// enters opens a window in a language.
func (h *house) enters(t testing.TB, lang string) *person {
	t.Helper()
	ctx, end := chromedp.NewContext(h.browser, chromedp.WithNewBrowserContext())
	t.Cleanup(end)
	p := &person{t: t, h: h, ctx: ctx, lang: lang}
	p.must(chromedp.Listen(ctx, p.hears))
	call(p, network.Enable, network.EnableParams{})
	call(p, log.Enable, cdp.Empty{})
	p.width(1280)
	p.open("/?lang=" + lang)
	return p
}

// call gives the browser one command of its protocol.
func call[P, R any](p *person, c cdp.Command[P, R], params P) R {
	p.t.Helper()
	ctx, stop := context.WithTimeout(p.ctx, patience)
	defer stop()
	r, err := chromedp.Call(ctx, c, params)
	p.must(err)
	return r
}

// eval is the value of an expression on the page.
func eval[T any](p *person, expression string) T {
	p.t.Helper()
	ctx, stop := context.WithTimeout(p.ctx, patience)
	defer stop()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v in %s", p.path(), err, expression)
	}
	return v
}

func (p *person) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *person) do(steps ...chromedp.Action[chromedp.Void]) error {
	ctx, stop := context.WithTimeout(p.ctx, patience)
	defer stop()
	return chromedp.Do(ctx, steps...)
}

// hears keeps what pages ask of others and what the browser complains of: a script that fails, a thing that the policy forbids.
func (p *person) hears(ev any) {
	switch e := ev.(type) {
	case *network.EventRequestWillBeSent:
		if !local(e.Request.URL) {
			p.h.outside.Store(e.Request.URL, true)
		}
	case *network.EventWebSocketCreated:
		if !local(e.URL) {
			p.h.outside.Store(e.URL, true)
		}
	case *network.EventResponseReceived:
		if e.Type == network.ResourceTypeDocument {
			p.mu.Lock()
			p.status = e.Response.Status
			p.mu.Unlock()
		}
	case *runtime.EventExceptionThrown:
		p.complain(e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		// Answers 4xx are part of the walk, and a socket to a program that is not running is what some walks try.
		if e.Entry.Level == log.EntryLevelError && e.Entry.Source != log.EntrySourceNetwork && !strings.Contains(e.Entry.Text, "WebSocket") {
			p.complain(e.Entry.Text)
		}
	}
}

func (p *person) complain(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.errs = append(p.errs, text)
}

func (p *person) path() string {
	ctx, stop := context.WithTimeout(p.ctx, patience)
	defer stop()
	address, err := chromedp.Run(ctx, chromedp.Evaluate[string]("location.pathname + location.search"))
	p.must(err)
	return address
}

// open goes to an address of the house, as one who types it.
func (p *person) open(path string) {
	p.t.Helper()
	p.must(p.do(chromedp.Navigate(p.h.base + path)))
	p.arrived()
}

// arrived holds the page that has been loaded to what every page must be.
func (p *person) arrived() {
	p.t.Helper()
	if lang := eval[string](p, "document.documentElement.lang"); lang != p.lang {
		p.t.Errorf("%s is in %q, not in %q", p.path(), lang, p.lang)
	}
	p.looks("")
}

// mark makes one element the next to be used; which is an expression for it.
func (p *person) mark(which string) string {
	p.t.Helper()
	const mark = "data-walk"
	found := eval[bool](p, `(() => { document.querySelectorAll("[`+mark+`]").forEach(e => e.removeAttribute("`+mark+`")); const e = `+which+`; if (e) e.setAttribute("`+mark+`", ""); return !!e })()`)
	if !found {
		p.t.Fatalf("%s holds no %s:\n%s", p.path(), which, eval[string](p, "document.querySelector('main').innerText"))
	}
	return "[" + mark + "]"
}

func the(selector string) string { return "document.querySelector(" + quoted(selector) + ")" }

func quoted(s string) string {
	out, _ := json.Marshal(s) // a string always has JSON
	return string(out)
}

// next is the button with which a page of the wizard goes on.
const next = `[...document.querySelectorAll("main form button")].filter(b => b.tabIndex >= 0 && b.type != "button" && !["add", "drop"].includes(b.name) && !b.closest("details")).pop()`

// reach moves the focus to the marked element with Tab alone.
func (p *person) reach(marked string) {
	p.t.Helper()
	for range 150 {
		if eval[bool](p, "document.activeElement.matches("+quoted(marked)+")") {
			return
		}
		p.must(p.do(chromedp.KeyEvent(kb.Tab)))
	}
	p.t.Fatalf("%s: Tab does not reach %s", p.path(), marked)
}

// use presses an element that does not lead to another page: a radio, a box, a summary, a button of a script.
func (p *person) use(which string) {
	p.t.Helper()
	marked := p.mark(which)
	if !p.keyboard {
		p.must(p.do(chromedp.Click(chromedp.CSS(marked))))
		return
	}
	if eval[bool](p, the(marked)+`.type == "radio"`) { // Tab reaches a group, arrows move in it
		p.mark(which + `.form.elements[` + which + `.name][0] || ` + which)
		p.reach("input[type=radio][name=\"" + eval[string](p, the(marked)+".name") + "\"]")
		p.mark(which)
		p.must(p.do(chromedp.KeyEvent(" ")))
		for range 10 {
			if eval[bool](p, the(marked)+".checked") {
				return
			}
			p.must(p.do(chromedp.KeyEvent(kb.ArrowDown)))
		}
		p.t.Fatalf("%s: the keyboard does not choose %s", p.path(), which)
	}
	p.reach(marked)
	p.must(p.do(chromedp.KeyEvent(" ")))
}

// press follows a link or sends a form and waits for the page that comes.
func (p *person) press(which string) {
	p.t.Helper()
	marked := p.mark(which)
	ctx, stop := context.WithTimeout(p.ctx, patience)
	defer stop()
	action := chromedp.Click(chromedp.CSS(marked))
	if p.keyboard {
		p.reach(marked)
		action = chromedp.KeyEvent(kb.Enter)
	}
	before := p.path()
	if _, err := chromedp.Run(ctx, chromedp.WaitEvent(page.LoadEventFired, nil, action)); err != nil {
		p.t.Fatalf("%s: pressing %s: %v", before, which, err)
	}
	p.arrived()
}

// fill writes into a field.
func (p *person) fill(selector, value string) {
	p.t.Helper()
	marked := p.mark(the(selector))
	if p.keyboard {
		p.reach(marked)
		p.must(p.do(chromedp.KeyEvent(value)))
		return
	}
	eval[bool](p, "("+the(marked)+".value = "+quoted(value)+", true)")
}

func (p *person) has(selector string) bool {
	return eval[bool](p, "!!"+the(selector))
}

// sees fails where the page does not show a text.
func (p *person) sees(texts ...string) {
	p.t.Helper()
	shown := eval[string](p, "document.querySelector('main').innerText")
	for _, text := range texts {
		if !strings.Contains(strings.ToLower(shown), strings.ToLower(text)) {
			p.t.Fatalf("%s does not show %q but:\n%s", p.path(), text, shown)
		}
	}
}

// waits until an expression on the page is true.
func (p *person) waits(expression string) {
	p.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if eval[bool](p, expression) {
			return
		}
	}
	p.t.Fatalf("%s: in vain waited for %s:\n%s", p.path(), expression, eval[string](p, "document.querySelector('main').innerText"))
}

// logIn is by password.
func (p *person) logIn(login string) {
	p.t.Helper()
	p.open("/login")
	p.fill("#f-login", login)
	p.fill("#f-password", p.h.secret)
	p.press(the(`form[action="/login"] button`))
}
