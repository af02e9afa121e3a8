// SPDX-License-Identifier: Apache-2.0

package walk_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
)

// lighthouseRuns is of how many runs the median counts.
const lighthouseRuns = 5

// marks are what Lighthouse gives a page, of 100, and what it finds wanting.
type marks struct {
	accessibility, performance int
	wanting                    []string
}

// TestLighthouse asks Lighthouse, as a telephone on a slow network, for its marks of four pages; the median of five runs counts.
func TestLighthouse(t *testing.T) {
	if os.Getenv("RASTAU_LIGHTHOUSE") == "" {
		t.Skip("takes minutes and a quiet machine; `make lighthouse` runs it")
	}
	h := open(t)
	applicant, draft := h.applies(t, "passenger-transport", "natural-person")
	h.grants(t, "kk", applicant.signs())
	applicant.open(strings.Replace(draft, "/apply/", "/my/", 1))
	licence := eval[string](applicant, `(document.querySelector("main").innerText.replaceAll(" ", "").match(/KZ[0-9]{2}ZZZ[0-9]{8}/) || [""])[0]`)
	applicant.begins("passenger-transport")
	step := applicant.path()
	officer := h.enters(t, "kk")
	officer.logIn("demo-officer")
	for _, one := range []struct {
		name, path string
		as         *person
	}{
		{"start", "/", applicant}, {"wizard", step, applicant}, {"verdict", "/v/" + licence, applicant}, {"queue", "/queue", officer},
	} {
		var accessibility, performance []int
		wanting := map[string]bool{}
		for range lighthouseRuns {
			m := one.as.lighthouse(one.path)
			accessibility, performance = append(accessibility, m.accessibility), append(performance, m.performance)
			for _, w := range m.wanting {
				wanting[w] = true
			}
		}
		slices.Sort(accessibility)
		slices.Sort(performance)
		t.Logf("%s: accessibility %v, performance %v", one.name, accessibility, performance)
		if accessibility[lighthouseRuns/2] < 100 || performance[lighthouseRuns/2] < 95 {
			for w := range wanting {
				t.Errorf("%s: %s", one.name, w)
			}
			t.Errorf("%s: medians must be 100 and at least 95", one.name)
		}
	}
}

// lighthouse has one page looked at, with the person's session and language.
func (p *person) lighthouse(path string) marks {
	p.t.Helper()
	cookies := call(p, network.GetCookies, network.GetCookiesParams{URLs: []string{p.h.base}})
	var pairs []string
	for _, c := range cookies.Cookies {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	headers, err := json.Marshal(map[string]string{"Cookie": strings.Join(pairs, "; ")})
	p.must(err)
	ctx, stop := context.WithTimeout(context.Background(), 2*time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, "node", filepath.Join("node_modules", "lighthouse", "cli", "index.js"), p.h.base+path, "--quiet", "--output=json",
		"--only-categories=accessibility,performance", "--extra-headers="+string(headers), "--no-enable-error-reporting",
		"--chrome-flags=--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync")
	cmd.Env = append(os.Environ(), "CHROME_PATH="+p.h.chromium)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	p.must(err)
	var report struct {
		FinalDisplayedURL string `json:"finalDisplayedUrl"`
		Categories        map[string]struct{ Score float64 }
		Audits            map[string]struct {
			Score            *float64
			ScoreDisplayMode string
			Title            string
			DisplayValue     string
		}
	}
	p.must(json.Unmarshal(out, &report))
	if !strings.HasSuffix(report.FinalDisplayedURL, path) {
		p.t.Fatalf("asked for %s, looked at %s", path, report.FinalDisplayedURL)
	}
	m := marks{accessibility: int(report.Categories["accessibility"].Score*100 + .5), performance: int(report.Categories["performance"].Score*100 + .5)}
	for id, a := range report.Audits {
		if a.Score != nil && *a.Score < .9 && a.ScoreDisplayMode != "informative" {
			m.wanting = append(m.wanting, fmt.Sprintf("%s (%s) %s: %.2f", a.Title, id, a.DisplayValue, *a.Score))
		}
	}
	return m
}
