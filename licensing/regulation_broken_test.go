// SPDX-License-Identifier: Apache-2.0

package licensing_test

import (
	"errors"
	"strings"
	"testing"

	"rastau/licensing"
)

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
		{"licence field", "fields: [subtypes, vehicles, branches,", "fields: [subtypes, horses,", `no field "horses"`},
		{"an anchor", "kind: {kk:", "kind: &a {kk:", "anchors"},
		{"broken schema", "type: integer", "type: number-of-wheels", `x.yaml:284: the schema of a form step is no JSON Schema: "number-of-wheels" does not fit there`},
		{"a bound that is no number", "maximum: 2100", "maximum: soon", `x.yaml:286: the schema of a form step is no JSON Schema: "soon" does not fit there`},
		{"a required field that is none", "required: [subtypes]", "required: [subtipes]", `the field "subtipes" is required, and the form has none of this name`},
		{"bytes that are no text", "place: {kk: Астана", "place: {kk: \xffстана", "x.yaml:43: the file must be UTF-8"},
		{"a process twice", "process: P2\n", "process: P3\n", "the process P3 stands on another step"},
		{"a condition twice", "key: C2\n", "key: C1\n", "the condition C1 stands on another step"},
		{"a schema from outside", "type: integer", `$ref: "https://example.kz/x"`, "x.yaml:284: \"$ref\" is no word of a form's schema"},
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
		{"a slip in a schema", "maxItems: 500", "maxItem: 500", `"maxItem" is no word of a form's schema`},
		{"no YAML", "kind: {kk:", "kind: }kk:", "mapping values are not allowed"},
		{"a step that leads back", "        next: [{to: 9}]", "        next: [{to: 3}]", "leads back to step 3"},
		{"a pattern that cannot be read", "pattern: '^[0-9A-Z ]{4,12}$'", "pattern: '^[0-9('", "x.yaml:290: the pattern cannot be read"},
		{"a pattern on a screen", "pattern: '^KZ[0-9]{2}[A-Z]{3}[0-9]{8}$'", "pattern: '^KZ('", "the pattern cannot be read"},
		{"two documents", good, good + "---\nkey: another\n", "must be one document"},
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
			if !errors.As(err, &data) || data.Line == 0 {
				t.Errorf("no line: %v", err)
			}
		})
	}
}

const ferriesFile = "testdata/ferries.yaml"
