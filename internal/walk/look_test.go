// SPDX-License-Identifier: Apache-2.0

package walk_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/emulation"
)

// widths are those of a small telephone, a tablet and a desk, in CSS pixels.
var widths = []int64{320, 768, 1280}

func (p *person) width(pixels int64) {
	p.t.Helper()
	call(p, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: pixels, Height: 900, DeviceScaleFactor: 1})
}

// seen are the states that were looked at: one that looks the same is looked at once a language.
var seen sync.Map

var (
	identifier = regexp.MustCompile(`[0-9a-f]{24,64}|[0-9a-f-]{36}|KZ[0-9]{2}[A-Z]{3}[0-9]{8}|/[0-9]+$`)
	unsafe     = regexp.MustCompile(`[^a-z0-9]+`)
)

// state names a page by its address without what differs from case to case, by what it complains of, and by a word of the walk.
func (p *person) state(word string) string {
	name := identifier.ReplaceAllString(p.path(), "-id")
	name = strings.Trim(unsafe.ReplaceAllString(strings.ToLower(name), "-"), "-")
	if name == "" {
		name = "start"
	}
	if p.has(".govuk-error-summary") {
		name += "-error"
	}
	if word != "" {
		name += "-" + word
	}
	return name
}

type violation struct {
	ID, Impact, Help string
	Nodes            []struct {
		HTML   string
		Target []any
	}
}

// looks holds what is shown to the eye and to those who cannot see: no width overflows, axe finds nothing, the browser has
// complained of nothing. Word tells states apart that have one address.
func (p *person) looks(word string) {
	p.t.Helper()
	p.mu.Lock()
	complaints := p.errs
	p.errs = nil
	p.mu.Unlock()
	name := p.state(word)
	for _, c := range complaints {
		p.t.Errorf("%s: the browser complains: %s", name, c)
	}
	// The parts that a page is made of say whether it was looked at: their kinds, not their texts.
	shape := eval[string](p, `[...new Set([...document.querySelectorAll("main *, header *")].map(e => e.tagName + "." + e.className))].sort().join()`)
	if _, again := seen.LoadOrStore(name+p.lang+shape, true); again && !p.noScript {
		return
	}
	if p.h.pictures != "" { // the same walks look for faults when no pictures are asked for
		p.picture(name)
		return
	}
	for _, w := range widths {
		p.width(w)
		if over := eval[int](p, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
			p.t.Errorf("%s (%s) is %d pixels wider than a window of %d: %s", name, p.lang, over, w,
				eval[string](p, `[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".app-scroll")).map(e => e.outerHTML.slice(0, 160)).slice(0, 3).join("\n")`))
		}
	}
	if p.noScript { // axe is a script
		return
	}
	p.axe(name)
}

func (p *person) axe(name string) {
	p.t.Helper()
	if !eval[bool](p, "!!window.axe") {
		eval[bool](p, p.h.axe+"\n;true")
	}
	found := eval[string](p, `axe.run(document, {resultTypes: ["violations"]}).then(r => JSON.stringify(r.violations))`)
	var all []violation
	p.must(json.Unmarshal([]byte(found), &all))
	for _, v := range all {
		for _, n := range v.Nodes {
			p.t.Errorf("%s (%s): axe: %s (%s): %s: %.300s", name, p.lang, v.ID, v.Impact, v.Help, n.HTML)
		}
	}
}
