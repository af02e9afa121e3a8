// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rastau/api"
	"rastau/console"
	"rastau/internal/phrase"
)

func problems() (out []console.Problem) {
	for _, p := range api.Problems() {
		out = append(out, console.Problem{Code: p.Code, Status: p.Status})
	}
	return out
}

// in reads on in another language.
func (b *browser) in(lang string) *browser {
	b.t.Helper()
	return b.open("/?lang=" + lang).sees(200)
}

// Every type that the API answers with leads to a page in each language; the catalogue holds no page of a type that is gone.
func TestEveryProblemTypeHasItsPage(t *testing.T) {
	h := newHouse(t)
	b := h.browser(t)
	all := api.Problems()
	if len(all) < 30 {
		t.Fatalf("only %d problem types", len(all))
	}
	for _, lang := range []string{"kk", "ru", "en"} {
		b.in(lang)
		for _, p := range all {
			said := func(key string) string {
				return phrase.Get("console.problem."+p.Code+"."+key, nil).In(phrase.Lang(lang))
			}
			for _, key := range []string{"title", "what", "todo"} {
				if !phrase.Has("console.problem." + p.Code + "." + key) {
					t.Fatalf("%s has no text %s: write it into internal/phrase/catalogue/console_problems.yaml", p.Code, key)
				}
			}
			b.open("/problems/"+p.Code).sees(200, `lang="`+lang+`"`, escaped(said("title")), escaped(said("what")), escaped(said("todo")), p.Code)
		}
		b.open("/problems").sees(200)
		if n := strings.Count(b.page, `href="/problems/`); n != len(all) {
			t.Errorf("%d of %d types are listed", n, len(all))
		}
	}
	b.open("/problems/nothing").sees(404)
}

func escaped(s string) string {
	return strings.NewReplacer("&", "&amp;", `"`, "&#34;", "'", "&#39;", "<", "&lt;", ">", "&gt;", "+", "&#43;").Replace(s)
}

// The API's description shows every route, each on a page that says how to call it; nothing comes from outside, nothing is inline.
func TestDescriptionOfTheAPI(t *testing.T) {
	h := newHouse(t)
	b := h.browser(t)
	b.open("/docs").sees(200, `href="/v1/openapi.json"`)
	var file struct {
		Paths map[string]map[string]struct {
			OperationID string   `json:"operationId"`
			Roles       []string `json:"x-roles"`
		} `json:"paths"`
	}
	must(t, json.Unmarshal(api.Description(), &file))
	inline := regexp.MustCompile(`(?i)<script(?:\s[^>]*)?>[^<\s]|<style|\sstyle=|\son\w+=|javascript:|(?:src|href)="https?://`)
	seen, index := 0, b.page
	for path, methods := range file.Paths {
		for method, o := range methods {
			if o.OperationID == "" {
				continue
			}
			seen++
			if !strings.Contains(index, `href="/docs/`+o.OperationID+`"`) {
				t.Errorf("%s %s is not listed", method, path)
			}
			b.open("/docs/"+o.OperationID).sees(200, strings.ToUpper(method)+" "+path, "curl -s")
			for _, role := range o.Roles {
				if !strings.Contains(b.page, phrase.Get("console.role."+role, nil).KK) {
					t.Errorf("%s %s does not name the role %s", method, path, role)
				}
			}
			if found := inline.FindString(b.page); found != "" {
				t.Errorf("%s holds %q", b.url, found)
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d routes", seen)
	}
	b.open("/docs/apply").sees(200, "Idempotency-Key", "passenger-transport", "applicant.kind")
	b.open("/docs/none").sees(404)
	r, err := http.Get(h.server.URL + "/docs")
	must(t, err)
	r.Body.Close()
	if csp := r.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %q", csp)
	}
	if slices.Contains(r.Header.Values("Cache-Control"), "public") {
		t.Error("the page may be kept by others")
	}
}
