// SPDX-License-Identifier: Apache-2.0

package licensing_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// requirements that exist: first and last of each run.
var requirements = [][2]int{
	{1, 7}, {10, 24}, {30, 47}, {50, 62}, {70, 81}, {90, 103}, {110, 111}, {120, 123}, {130, 133}, {140, 144}, {150, 153},
}

// outside the system; each row says why.
var outside = []string{"R140", "R144"}

// line of a table of docs/REGULATIONS.md.
type line struct{ number, what, where, proof string }

// TestRequirementsHaveTests: docs/REGULATIONS.md has one row for each
// requirement and each line of the yardstick; every row names a test that
// exists, every file that it names exists.
func TestRequirementsHaveTests(t *testing.T) {
	page, err := os.ReadFile("../docs/REGULATIONS.md")
	must(t, err)
	asked := map[string]bool{}
	for _, span := range requirements {
		for n := span[0]; n <= span[1]; n++ {
			asked[fmt.Sprintf("R%03d", n)] = true
		}
	}
	for n := 1; n <= 56; n++ {
		if n != 51 { // not asked for; the page says why it is not there
			asked[fmt.Sprint(n)] = true
		}
	}
	seen := map[string]bool{}
	for _, l := range lines(string(page)) {
		if seen[l.number] {
			t.Errorf("%s has two rows", l.number)
		}
		seen[l.number] = true
		if !asked[l.number] {
			t.Errorf("%s is no requirement", l.number)
		}
		checkRow(t, l)
	}
	for number := range asked {
		if !seen[number] {
			t.Errorf("%s has no row in docs/REGULATIONS.md", number)
		}
	}
	for _, file := range []string{passengerFile, pipelinesFile} {
		_, r := regulation(t, file)
		for _, p := range r.Paths {
			for _, s := range p.Steps {
				if !seen[s.Req] || s.Condition != nil && !seen[s.Condition.Req] {
					t.Errorf("%s %s step %d: its requirement has no row", r.Key, p.Key, s.Number)
				}
			}
		}
	}
}

// lines of the page's tables whose first cell is a number.
func lines(page string) []line {
	var all []line
	numbered := regexp.MustCompile(`^(R\d{3}|\d+)$`)
	for _, text := range strings.Split(page, "\n") {
		cells := strings.Split(strings.Trim(text, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if strings.HasPrefix(text, "|") && len(cells) == 4 && numbered.MatchString(cells[0]) {
			all = append(all, line{cells[0], cells[1], cells[2], cells[3]})
		}
	}
	return all
}

var (
	quoted   = regexp.MustCompile("`([^`]+)`")
	fileName = regexp.MustCompile(`\.(go|yaml|json|md|sql)$`)
	testName = regexp.MustCompile(`^([a-z/]+)/((?:Test|Fuzz|Example)\w+)$`)
)

func checkRow(t *testing.T, l line) {
	t.Helper()
	if l.what == "" || l.where == "" {
		t.Errorf("%s says too little", l.number)
	}
	for _, q := range quoted.FindAllStringSubmatch(l.where, -1) {
		if !fileName.MatchString(q[1]) {
			continue
		}
		if _, err := os.Stat(filepath.Join("..", q[1])); err != nil {
			t.Errorf("%s: %s does not exist", l.number, q[1])
		}
	}
	if slices.Contains(outside, l.number) {
		if !strings.HasPrefix(l.where, "outside the system, because ") || quoted.MatchString(l.proof) {
			t.Errorf("%s lies outside the system: the row must say why", l.number)
		}
		return
	}
	proofs := quoted.FindAllStringSubmatch(l.proof, -1)
	if len(proofs) == 0 {
		t.Errorf("%s names no test", l.number)
	}
	for _, q := range proofs {
		m := testName.FindStringSubmatch(q[1])
		if m == nil || !declared(t, m[1], m[2]) {
			t.Errorf("%s: there is no test %s", l.number, q[1])
		}
	}
}

// declared looks for a test function in the test files of a package.
func declared(t *testing.T, folder, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", folder, "*_test.go"))
	must(t, err)
	for _, f := range files {
		data, err := os.ReadFile(f)
		must(t, err)
		if strings.Contains(string(data), "\nfunc "+name+"(") {
			return true
		}
	}
	return false
}
