// SPDX-License-Identifier: Apache-2.0

package licensing_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rastau/licensing"
)

const passengerFile = "regulations/passenger-transport.yaml"

func passenger(t testing.TB) (string, *licensing.Regulation) {
	t.Helper()
	data, err := os.ReadFile(passengerFile)
	must(t, err)
	r, err := licensing.LoadRegulation(passengerFile, data)
	must(t, err)
	return string(data), r
}

// TestPortalPathIsTheTable: table 1 of the order, column by column.
func TestPortalPathIsTheTable(t *testing.T) {
	_, r := passenger(t)
	if len(r.Paths) != 3 || r.Paths[0].Key != "portal" {
		t.Fatal("the portal path is missing")
	}
	type column struct {
		unit    string
		seconds []int
		days    int
		next    []int
		refusal string
	}
	want := []column{
		{"applicant", []int{10, 15}, 0, []int{2, 3}, ""},
		{"portal", []int{20}, 0, nil, "M1"},
		{"applicant", []int{90}, 0, []int{4}, ""},
		{"payment-gateway", []int{90}, 0, []int{5, 6}, ""},
		{"portal", []int{10, 15}, 0, nil, "M2"},
		{"applicant", []int{10, 15}, 0, []int{7, 8}, ""},
		{"portal", []int{10, 15}, 0, nil, "M3"},
		{"applicant", []int{90}, 0, []int{9}, ""},
		{"portal", nil, 15, []int{10, 11}, ""},
		{"portal", nil, 0, nil, "M4"},
		{"portal", nil, 0, nil, ""},
	}
	steps := r.Paths[0].Steps
	if len(steps) != len(want) {
		t.Fatalf("%d steps", len(steps))
	}
	for i, s := range steps {
		var next []int
		for _, n := range s.Next {
			next = append(next, n.To)
		}
		got, _ := json.Marshal([]any{s.Number, s.Unit, s.Time.Seconds, s.Time.WorkingDays, next, s.Refusal})
		expect, _ := json.Marshal([]any{i + 1, want[i].unit, want[i].seconds, want[i].days, want[i].next, want[i].refusal})
		if string(got) != string(expect) {
			t.Errorf("step %d: %s, the table has %s", i+1, got, expect)
		}
	}
}

// TestKazakhIsTheOrders: the Kazakh words of the path stand in the order.
func TestKazakhIsTheOrders(t *testing.T) {
	suites := os.Getenv("RASTAU_SUITES")
	if suites == "" {
		suites = filepath.Join("..", "..", "shared", "suites")
	}
	order, err := os.ReadFile(filepath.Join(suites, "..", "seeds", "passenger-transport-907.txt"))
	if err != nil && os.Getenv("RASTAU_SUITES_REQUIRED") == "1" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip("the order's text is not beside the suites: set RASTAU_SUITES")
	}
	flat := strings.Join(strings.Fields(string(order)), " ")
	_, r := passenger(t)
	for _, s := range r.Paths[0].Steps {
		for _, text := range []string{s.Action.KK, s.Completion.KK} {
			if !strings.Contains(flat, text) {
				t.Errorf("step %d: %q is not the order's", s.Number, text)
			}
		}
		if s.Condition != nil && !strings.Contains(flat, strings.TrimPrefix(s.Condition.Text.KK, "ЭҮП-де ")) {
			t.Errorf("condition %s: %q is not the order's", s.Condition.Key, s.Condition.Text.KK)
		}
	}
	for _, q := range r.Survey {
		if !strings.Contains(flat, q.Text.KK) {
			t.Errorf("survey: %q is not the order's", q.Text.KK)
		}
	}
}

// TestBrokenRegulations: what is wrong is named with its line.
func TestBrokenRegulations(t *testing.T) {
	good, _ := passenger(t)
	for _, c := range []struct{ name, old, new, problem string }{
		{"unknown step", "next: [{to: 4}]", "next: [{to: 44}]", "step 44, which does not exist"},
		{"missing translation", "kind: {kk: транзакциялық, ru: транзакционная, en: transactional}", "kind: {kk: транзакциялық, ru: транзакционная}", `lacks its translation "en"`},
		{"empty translation", "kk: ішінара автоматтандырылған", "kk: ''", `lacks its translation "kk"`},
		{"unknown unit", "unit: payment-gateway", "unit: bank", `no unit "bank"`},
		{"unknown field", "refusal: M4", "refuse: M4", "field refuse not found"},
		{"dead end", "next: [{to: 9}]", "note2: x", "field note2 not found"},
		{"no way on", "        next: [{to: 9}]\n", "", "dead end"},
		{"refusal that is none", "refusal: M4", "refusal: M9", "M1 to M6"},
		{"condition without a refusal", "{to: 11, when: pass}", "{to: 11, when: fail}", "must be a refusal"},
		{"unreachable", "{to: 11, when: pass}", "{to: 10, when: pass}", "no way leads"},
		{"unknown check", "check: payment", "check: weather", "one of the checks"},
		{"BIN with a wrong digit", `bin: "120940948216"`, `bin: "120940948217"`, "check digit"},
		{"fee of nothing", "of: issue, capMRP: 4", "of: nothing, capMRP: 4", "has no fee in MRP"},
		{"no path", "paths: [portal, provider, centre]", "paths: [portal, door]", `no path "door"`},
		{"field without a label", "label: {kk: Маркасы, ru: Марка, en: Make}", "label: {kk: Маркасы, ru: Марка}", `translation "en"`},
		{"type that cannot be told", "types: [application/pdf, image/png, image/jpeg]", "types: [application/zip]", "cannot be"},
		{"licence field", "fields: [subtypes, vehicles, branches]", "fields: [subtypes, horses]", `no field "horses"`},
		{"an anchor", "kind: {kk:", "kind: &a {kk:", "anchors"},
		{"broken schema", "type: integer", "type: number-of-wheels", "no JSON Schema"},
		{"a schema from outside", "type: integer", `$ref: "https://example.kz/x"`, "may not refer"},
		{"a term that is not the table's", "deadline: {workingDays: 15, source: table 1}", "deadline: {workingDays: 14, source: table 1}", "step 9 of its path has 15"},
		{"no payment condition", "check: payment\n          text", "check: registers\n          text", `no condition with check "payment"`},
		{"a key twice", "kind: {kk:", "key: again\nkind: {kk:", `"key" is defined twice, first in line 5`},
		{"a comma in a text", "{kk: транзакциялық,", "{kk: транзакциялық, сірә,", "and nothing else"},
		{"a refusal that no step gives", "        refusal: M1\n", "        refusal: M5\n", "M1 is unreachable"},
		{"an unknown operation", "operations: [re-issue]", "operations: [rename]", `no operation "rename"`},
		{"a determinant that never holds", "is: [reorganisation]", "is: [earthquake]", `is never "earthquake"`},
		{"a term without days", "completeness: {workingDays: 2,", "completeness: {workingDays: 0,", "completeness needs workingDays"},
		{"a legend with a hole", "  - {key: error, name: {kk: Қате, ru: Ошибка, en: Error}}\n", "", `lacks the symbol "error"`},
		{"nobody is told", "        tells: applicant\n", "", "tells names the unit"},
		{"sub-types without names", "items:\n            oneOf:", "items:\n            anyOf:", "names no sub-types"},
		{"no mapping", good, "- a\n", "one mapping"},
	} {
		t.Run(c.name, func(t *testing.T) {
			broken := strings.Replace(good, c.old, c.new, 1)
			if broken == good {
				t.Fatal("the test does not fit the file any more")
			}
			_, err := licensing.LoadRegulation("x.yaml", []byte(broken))
			if err == nil {
				t.Fatal("accepted")
			}
			if c.name == "type that cannot be told" {
				c.problem = "is not one that can be checked"
			}
			if !strings.Contains(err.Error(), c.problem) {
				t.Errorf("%v", err)
			}
			var data *licensing.DataError
			if !errors.As(err, &data) || data.Line == 0 && !strings.Contains(err.Error(), "line ") {
				t.Errorf("no line: %v", err)
			}
		})
	}
}

// TestThirdRegulation: another licence kind is a file and no line of Go.
func TestThirdRegulation(t *testing.T) {
	h := newHouse(t)
	good, _ := passenger(t)
	other := strings.NewReplacer("key: passenger-transport", "key: ferries", "prefix: PT", "prefix: FR", "fee: {mrp: 3}", "fee: {mrp: 7}",
		"workingDays: 15", "workingDays: 5").Replace(good)
	r, err := licensing.LoadRegulation("ferries.yaml", []byte(other))
	must(t, err)
	h.options.Regulations = append(h.options.Regulations, r)
	h.reopen(t)
	n := h.form(t)
	n.Service = "ferries"
	n.Payment.Amount, err = h.service.Fee("ferries", "issue")
	must(t, err)
	app, err := h.service.Apply(t.Context(), applicant, n)
	must(t, err)
	sub, err := h.service.Submit(t.Context(), applicant, app.ID, sign(t, h.person(t), app.Package, true))
	must(t, err)
	if sub.Application.Number != "FR-00000001" {
		t.Fatalf("%+v", sub.Application)
	}
	done, err := h.service.Decide(t.Context(), officer, app.ID, licensing.Decision{Approve: true})
	must(t, err)
	if done.Licence == "" {
		t.Fatal("no licence")
	}
}
