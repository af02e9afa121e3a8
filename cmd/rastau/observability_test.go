// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

const observability = "../../deploy/observability/"

// TestObservability: every metric that the dashboard and the alerts name is told by /metrics, every alert stands in the page for
// operators, and promtool, where it is there, finds the rules right.
func TestObservability(t *testing.T) {
	h := newReloadHouse(t, func(c *Config) { c.Redis = "redis://127.0.0.1:1/0" })
	h.start(t)
	h.verdict(t, h.app)
	w := httptest.NewRecorder()
	h.app.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	told := map[string]bool{}
	for line := range strings.Lines(w.Body.String()) {
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, kind, _ := strings.Cut(strings.TrimSpace(rest), " ")
			told[name] = true
			if kind == "histogram" {
				told[name+"_bucket"], told[name+"_sum"], told[name+"_count"] = true, true, true
			}
		}
	}
	named := regexp.MustCompile(`rastau_[a-z_]+`)
	held := func(where, expr string) {
		if !named.MatchString(expr) {
			t.Errorf("%s: %q names no metric", where, expr)
		}
		for _, name := range named.FindAllString(expr, -1) {
			if !told[name] {
				t.Errorf("%s: /metrics does not tell %s", where, name)
			}
		}
	}
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(made(os.ReadFile(observability+"dashboard.json")), &board); err != nil {
		t.Fatal(err)
	}
	for _, p := range board.Panels {
		for _, q := range p.Targets {
			held(p.Title, q.Expr)
		}
	}
	var alerts struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	if err := yaml.Unmarshal(made(os.ReadFile(observability+"alerts.yaml")), &alerts); err != nil {
		t.Fatal(err)
	}
	page := string(made(os.ReadFile("../../docs/OPERATING.md")))
	for _, r := range alerts.Groups[0].Rules {
		held(r.Alert, r.Expr)
		if !strings.Contains(page, "`"+r.Alert+"`") {
			t.Errorf("docs/OPERATING.md does not say what to do about %s", r.Alert)
		}
	}
	if len(board.Panels) < 10 || len(alerts.Groups[0].Rules) < 10 {
		t.Error("hardly anything was held to the metrics")
	}
	if out, err := exec.Command(tool(t, "promtool"), "check", "rules", observability+"alerts.yaml").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// TestNoPersonalDataInStatistics: the line of a verdict and the metrics hold nothing of the person.
func TestNoPersonalDataInStatistics(t *testing.T) {
	h := newReloadHouse(t, nil)
	var told bytes.Buffer
	h.log = slog.New(slog.NewTextHandler(&told, nil))
	h.start(t)
	h.verdict(t, h.app)
	h.upload(t, "/verify", "ҮЛГІБАЕВ 880412300017.pdf", []byte("no signature"))
	w := httptest.NewRecorder()
	h.app.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if digits := regexp.MustCompile(`\b[0-9]{12}\b`).FindString(w.Body.String()); digits != "" || !strings.Contains(w.Body.String(), `rastau_verdicts_total{question="certificate",indication="TOTAL-PASSED"`) {
		t.Errorf("%q in\n%s", digits, w.Body)
	}
	for _, want := range []string{`rastau_verdicts_total{question="licence",indication="TOTAL-FAILED",sub_indication="FORMAT_FAILURE"} 1`, `rastau_check_duration_seconds_count{group="path"}`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("no %s in\n%s", want, w.Body)
		}
	}
	lines := regexp.MustCompile(`(?m)^.*msg=verdict .*$`).FindAllString(told.String(), -1)
	if len(lines) != 2 || !strings.Contains(lines[1], `question=licence indication=TOTAL-FAILED subIndication=FORMAT_FAILURE`) || strings.Contains(told.String(), "880412300017") {
		t.Errorf("the lines of statistics:\n%s", told.String())
	}
}

// TestThreatsAreTested: every test that docs/THREATS.md names exists, and every row names one.
func TestThreatsAreTested(t *testing.T) {
	source := map[string]bool{}
	written := regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		for _, m := range written.FindAllStringSubmatch(string(made(os.ReadFile(path))), -1) {
			source[m[1]] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(string(made(os.ReadFile("../../docs/THREATS.md")))) {
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|---") || strings.HasPrefix(line, "| who ") {
			continue
		}
		rows++
		named := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(line, -1)
		if len(named) == 0 {
			t.Errorf("no test is named: %s", line)
		}
		for _, m := range named {
			if !source[m[1]] {
				t.Errorf("there is no %s", m[1])
			}
		}
	}
	if rows < 15 {
		t.Errorf("%d rows", rows)
	}
}
