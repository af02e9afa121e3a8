// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"strings"
	"testing"

	"rastau/docs"
	"rastau/verifier"
)

// The policy that a report names is a page for everybody, in the version of the report, with what follows from each check.
func TestPublicPolicy(t *testing.T) {
	h := newHouse(t)
	b := h.browser(t)
	for lang, title := range map[string]string{"kk": "Тексеру саясаты, " + verifier.PolicyVersion + "-нұсқа", "ru": "Политика проверки, версия " + verifier.PolicyVersion, "en": "Validation policy, version " + verifier.PolicyVersion} {
		b.open("/?lang="+lang).sees(200, `href="/policy"`)
		b.open("/policy?lang="+lang).sees(200, ">"+title+"</h1>", verifier.PolicyID, `<div lang="en">`, `href="/policy/checks"`)
		if strings.Count(b.page, "<h1") != 1 || strings.Contains(b.page, "style=") || strings.Contains(b.page, "<!--") {
			t.Errorf("%s: the page has two headings, inline styles or comments", lang)
		}
	}
	// Nothing of the text is lost: each of its chapters and each row of its tables stands on the page.
	chapters, rows := 0, 0
	for line := range strings.Lines(string(docs.Policy)) {
		if name, ok := strings.CutPrefix(line, "## "); ok {
			chapters++
			if !strings.Contains(b.page, ">"+strings.TrimSpace(name)+"</h2>") {
				t.Errorf("the chapter %q is missing", name)
			}
		}
		if strings.HasPrefix(line, "|") && !strings.HasPrefix(line, "|-") {
			rows++
		}
	}
	if got := strings.Count(b.page, "<tr"); got != rows || chapters < 5 || rows < 30 {
		t.Errorf("%d rows of %d, %d chapters", got, rows, chapters)
	}
	b.open("/policy/checks").sees(200, ">cert.revocation</h2>", "TRY_LATER", `<table class="govuk-table`)
}
