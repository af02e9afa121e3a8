// SPDX-License-Identifier: Apache-2.0

package licensing_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"rastau/licensing"
)

const (
	passengerFile = "regulations/passenger-transport.yaml"
	pipelinesFile = "regulations/trunk-pipelines.yaml"
)

func passenger(t testing.TB) (string, *licensing.Regulation) { return regulation(t, passengerFile) }

func regulation(t testing.TB, file string) (string, *licensing.Regulation) {
	t.Helper()
	data, err := os.ReadFile(file)
	must(t, err)
	r, err := licensing.LoadRegulation(file, data)
	must(t, err)
	return string(data), r
}

// column of a table of annex 3 (Order No. 907) or 2 (Order No. 47-НҚ).
type column struct {
	unit    string
	time    []int // seconds, from and to; one number above a thousand is working days
	next    []int
	refusal string
}

// days marks working days in a column's time.
const days = 1000

// TestPathsAreTheTables: every path step by step: who acts, how long it may
// take, where it leads, and which refusal it gives.
func TestPathsAreTheTables(t *testing.T) {
	portal := []column{
		{"applicant", []int{10, 15}, []int{2, 3}, ""},
		{"portal", []int{20}, nil, "M1"},
		{"applicant", []int{90}, []int{4}, ""},
		{"payment-gateway", []int{90}, []int{5, 6}, ""},
		{"portal", []int{10, 15}, nil, "M2"},
		{"applicant", []int{10, 15}, []int{7, 8}, ""},
		{"portal", []int{10, 15}, nil, "M3"},
		{"applicant", []int{90}, []int{9}, ""},
		{"portal", []int{days + 15}, []int{10, 11}, ""},
		{"portal", nil, nil, "M4"},
		{"portal", nil, nil, ""},
	}
	provider := []column{
		{"provider", []int{10, 15}, []int{2, 3}, ""},
		{"e-licensing", []int{10}, nil, "M5"},
		{"provider", []int{90}, []int{4}, ""},
		{"bodies", []int{90}, []int{5, 6}, ""},
		{"e-licensing", []int{90}, nil, "M6"},
		{"provider", []int{10, 15}, []int{7}, ""},
		{"e-licensing", []int{days + 15}, []int{8, 9}, ""},
		{"e-licensing", nil, nil, "M4"},
		{"e-licensing", nil, nil, ""},
	}
	centre := []column{
		{"centre-operator", []int{30, 60}, []int{2}, ""},
		{"centre-operator", []int{30}, []int{3}, ""},
		{"centre-operator", []int{90}, []int{4, 5}, ""},
		{"registers", []int{90}, nil, "M6"},
		{"centre-operator", []int{30, 60}, []int{6}, ""},
		{"centre-operator", []int{60}, []int{7}, ""},
		{"e-licensing", []int{days + 15}, []int{8, 9}, ""},
		{"e-licensing", nil, nil, "M4"},
		{"centre-operator", nil, nil, ""},
	}
	// Where Order No. 47-НҚ has another unit: E-licensing registers and refuses
	// (point 6, 13 and 15), both registers are asked, the operator logs in at the workstation.
	other := func(table []column, units map[int]string) []column {
		table = slices.Clone(table)
		for step, unit := range units {
			table[step-1].unit = unit
		}
		return table
	}
	for file, want := range map[string]map[string][]column{
		passengerFile: {"portal": portal, "provider": provider, "centre": centre},
		pipelinesFile: {
			"portal":   other(portal, map[int]string{9: "e-licensing", 10: "e-licensing"}),
			"provider": other(provider, map[int]string{4: "registers"}),
			"centre":   other(centre, map[int]string{1: "centre-system"}),
		},
	} {
		_, r := regulation(t, file)
		if len(r.Paths) != len(want) {
			t.Errorf("%s: %d paths", r.Key, len(r.Paths))
		}
		for key, table := range want {
			p, _ := r.Path(key)
			if len(p.Steps) != len(table) {
				t.Errorf("%s %s: %d steps", r.Key, key, len(p.Steps))
				continue
			}
			for i, s := range p.Steps {
				got := column{unit: s.Unit, time: s.Time.Seconds, refusal: s.Refusal}
				if s.Time.WorkingDays != 0 {
					got.time = []int{days + s.Time.WorkingDays}
				}
				for _, n := range s.Next {
					got.next = append(got.next, n.To)
				}
				if s.Number != i+1 || !reflect.DeepEqual(got, table[i]) {
					t.Errorf("%s %s step %d: %+v, the order has %+v", r.Key, key, i+1, got, table[i])
				}
			}
		}
	}
}

// TestConditionsAreTheOrders: which check stands behind which step, who makes
// it, and that its two ways out are those of the table.
func TestConditionsAreTheOrders(t *testing.T) {
	for file, want := range map[string]string{
		passengerFile: "portal: C1 authorisation portal 1→3/2 M1, C2 payment e-licensing 4→6/5 M2, C3 certificate portal 6→8/7 M3, C4 review provider 9→11/10 M4\n" +
			"provider: C1 authorisation e-licensing 1→3/2 M5, C2 registers bodies 4→6/5 M6, C3 review provider 7→9/8 M4\n" +
			"centre: C1 registers registers 3→5/4 M6, C2 review provider 7→9/8 M4\n",
		pipelinesFile: "portal: C1 authorisation portal 1→3/2 M1, C2 payment e-licensing 4→6/5 M2, C3 certificate portal 6→8/7 M3, C4 review provider 9→11/10 M4\n" +
			"provider: C1 authorisation e-licensing 1→3/2 M5, C2 registers registers 4→6/5 M6, C3 review provider 7→9/8 M4\n" +
			"centre: C1 registers registers 3→5/4 M6, C2 review provider 7→9/8 M4\n",
	} {
		_, r := regulation(t, file)
		got := ""
		for _, p := range r.Paths {
			var list []string
			for _, s := range p.Steps {
				if s.Condition == nil {
					continue
				}
				to := map[string]int{}
				for _, n := range s.Next {
					to[n.When] = n.To
				}
				list = append(list, fmt.Sprintf("%s %s %s %d→%d/%d %s", s.Condition.Key, s.Condition.Check, s.Condition.Unit,
					s.Number, to["pass"], to["fail"], p.Steps[to["fail"]-1].Refusal))
			}
			got += p.Key + ": " + strings.Join(list, ", ") + "\n"
		}
		if got != want {
			t.Errorf("%s:\n%swant:\n%s", r.Key, got, want)
		}
	}
}

// TestRequirementsOfThePaths: the requirements R031–R045, R050–R061 and
// R070–R080 are each a step or a condition of each order.
func TestRequirementsOfThePaths(t *testing.T) {
	for _, file := range []string{passengerFile, pipelinesFile} {
		_, r := regulation(t, file)
		var got []string
		for _, p := range r.Paths {
			for _, s := range p.Steps {
				got = append(got, s.Req)
				if s.Condition != nil {
					got = append(got, s.Condition.Req)
				}
			}
		}
		slices.Sort(got)
		var want []string
		for _, span := range [][2]int{{31, 45}, {50, 61}, {70, 80}} {
			for n := span[0]; n <= span[1]; n++ {
				want = append(want, fmt.Sprintf("R%03d", n))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v", r.Key, got)
		}
	}
}

// TestPassport: what stands on the first page of each order.
func TestPassport(t *testing.T) {
	for _, c := range []struct {
		file, number, date, registration, registered, from, until, repealed, amends, standard string
		contacts                                                                              []string
	}{
		{passengerFile, "907", "2012-12-24", "8270", "2013-01-17", "2013-01-17", "2015-02-05", "№ 110", "", "№ 1153", []string{"1414"}},
		{pipelinesFile, "47-НҚ", "2013-02-13", "8374", "2013-03-14", "2013-03-14", "2014-03-03", "№ 51-НҚ", "№ 243-НҚ", "№ 1132", []string{"1414", "8 (7172) 58-00-58"}},
	} {
		_, r := regulation(t, c.file)
		got := fmt.Sprint(r.Act.Number, r.Act.Date, r.Act.Registration.Number, r.Act.Registration.Date, r.InForce.From, r.InForce.Until)
		if want := fmt.Sprint(c.number, c.date, c.registration, c.registered, c.from, c.until); got != want {
			t.Errorf("%s: %s, want %s", c.file, got, want)
		}
		if r.Act.RepealedBy == nil || !strings.Contains(r.Act.RepealedBy.KK, c.repealed) || !strings.Contains(r.Basis[0].Name.KK, c.standard) {
			t.Errorf("%s: repealed by %+v, basis %+v", c.file, r.Act.RepealedBy, r.Basis)
		}
		if (r.Act.Amends != nil) != (c.amends != "") || r.Act.Amends != nil && !strings.Contains(r.Act.Amends.KK, c.amends) {
			t.Errorf("%s: amends %+v", c.file, r.Act.Amends)
		}
		var contacts []string
		for _, x := range r.Contacts {
			contacts = append(contacts, x.Value)
		}
		if !slices.Equal(contacts, c.contacts) || r.Automation.KK != "ішінара автоматтандырылған" || r.Kind.KK != "транзакциялық" || r.Result.KK != "электрондық лицензия" {
			t.Errorf("%s: %v %s %s %s", c.file, contacts, r.Automation.KK, r.Kind.KK, r.Result.KK)
		}
		var units []string
		for _, u := range r.Units {
			units = append(units, u.Key)
		}
		for _, u := range []string{"applicant", "portal", "gateway", "payment-gateway", "e-licensing", "registers", "centre-system", "provider"} {
			if !slices.Contains(units, u) {
				t.Errorf("%s: no unit %s", c.file, u)
			}
		}
	}
}

// TestOperations: three of the orders and two that the law adds, with fee, term and paths.
func TestOperations(t *testing.T) {
	for file, fees := range map[string]string{
		passengerFile: "issue 3 0% 0 15, re-issue 0 10% 4 15, duplicate 0 100% 0 2, appendix 0 0% 0 15, correction 0 0% 0 10",
		pipelinesFile: "issue 10 0% 0 15, re-issue 0 10% 4 15, duplicate 0 100% 0 2, appendix 0 0% 0 15, correction 0 0% 0 10",
	} {
		_, r := regulation(t, file)
		var got []string
		for _, o := range r.Operations {
			got = append(got, fmt.Sprintf("%s %d %d%% %d %d", o.Key, o.Fee.MRP, o.Fee.Percent, o.Fee.CapMRP, o.Deadline.WorkingDays))
			if !slices.Equal(o.Paths, []string{"portal", "provider", "centre"}) || o.OfLicence() != (o.Key != "issue") || o.Deadline.Source == "" {
				t.Errorf("%s %s: %+v", r.Key, o.Key, o)
			}
		}
		if s := strings.Join(got, ", "); s != fees {
			t.Errorf("%s: %s", r.Key, s)
		}
		x := r.Terms
		if x.Completeness.WorkingDays != 2 || x.AgreementRequest.WorkingDays != 2 || x.AgreementReply.WorkingDays != 10 || x.HandOver.WorkingDays != 5 || x.ReissueRequest.CalendarDays != 30 {
			t.Errorf("%s: %+v", r.Key, x)
		}
	}
}

// TestFigures: the screens of annex 2 of Order No. 907, each with its title
// and step; Order No. 47-НҚ has none.
func TestFigures(t *testing.T) {
	_, r := regulation(t, passengerFile)
	var got []string
	for _, f := range r.Form {
		if f.Figure != "" {
			got = append(got, f.Figure+":"+f.Step+":"+f.Part)
		}
	}
	want := "1::request 2::passport 3:1: 4:1: 5:2: 6:3: 7:4: 8:5: 8:5: 8:5: 8:5: 9:6: 10:7:payment 10.1:7.1:payment 10.2:7.2:payment 11:8:package"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("%s", s)
	}
	_, r = regulation(t, pipelinesFile)
	for _, f := range r.Form {
		if f.Figure != "" || f.Step != "" {
			t.Errorf("the order has no figure %q", f.Figure)
		}
	}
}

// TestFormsByKindAndOperation: each kind of applicant and each operation has a
// form of its own, which takes what it asks for and nothing else.
func TestFormsByKindAndOperation(t *testing.T) {
	const vehicle = `{"make":"Demo","year":2020,"plate":"001 ZZZ 01"}`
	for _, file := range []string{passengerFile, pipelinesFile} {
		_, r := regulation(t, file)
		whole := `"subtypes":["regular-international"],"vehicles":[` + vehicle + `]`
		added := `"vehicles":[` + vehicle + `]`
		if file == pipelinesFile {
			whole = `"subtypes":["gas"],"objects":[{"name":"Үлгі","address":"А — Б","length":12.5}]`
			added = `"objects":[{"name":"Үлгі","address":"А — Б","length":12.5}]`
		}
		const consent = `"consent":true`
		for _, c := range []struct {
			name      string
			kind      licensing.ApplicantKind
			operation string
			fields    string
			good      bool
		}{
			{"issue", licensing.NaturalPerson, "issue", whole + "," + consent, true},
			{"issue without consent", licensing.NaturalPerson, "issue", whole, false},
			{"issue of nothing", licensing.NaturalPerson, "issue", consent, false},
			{"a person has no head", licensing.NaturalPerson, "issue", whole + `,"head":"Үлгі",` + consent, false},
			{"a body has a head", licensing.LegalEntity, "issue", whole + `,"head":"Үлгі",` + consent, true},
			{"the ground of another operation", licensing.LegalEntity, "issue", whole + `,"reason":"lost",` + consent, false},
			{"re-issue", licensing.LegalEntity, "re-issue", whole + `,"changes":["entity-name"],"changedOn":"2026-01-15",` + consent, true},
			{"re-issue without a ground", licensing.LegalEntity, "re-issue", whole + `,` + consent, false},
			{"duplicate", licensing.LegalEntity, "duplicate", `"reason":"lost",` + consent, true},
			{"duplicate with vehicles", licensing.LegalEntity, "duplicate", `"reason":"lost",` + added + `,` + consent, false},
			{"appendix", licensing.LegalEntity, "appendix", `"addition":"тағы бір нысан",` + added + `,` + consent, true},
			{"appendix of nothing", licensing.LegalEntity, "appendix", `"addition":"ештеңе",` + consent, false},
			{"correction", licensing.LegalEntity, "correction", `"error":"атауында әріп қате",` + whole + `,` + consent, true},
			{"site", licensing.LegalEntity, "issue", whole + `,"sites":[{"name":"Үлгі","address":"Астана"}],` + consent, true},
			{"unknown kind of object", licensing.LegalEntity, "issue", whole + `,"ships":[{"name":"Үлгі","address":"Астана"}],` + consent, false},
		} {
			t.Run(r.Key+" "+c.name, func(t *testing.T) {
				schema, err := jsonschema.UnmarshalJSON(strings.NewReader(string(r.FormSchema(c.kind, c.operation))))
				must(t, err)
				compiler := jsonschema.NewCompiler()
				must(t, compiler.AddResource("form.json", schema))
				form, err := compiler.Compile("form.json")
				must(t, err)
				doc, err := jsonschema.UnmarshalJSON(strings.NewReader("{" + c.fields + "}"))
				must(t, err)
				if err := form.Validate(doc); (err == nil) != c.good {
					t.Errorf("%s: %v", c.fields, err)
				}
			})
		}
		if r.FormSchema("branch", "issue") != nil || r.FormSchema(licensing.LegalEntity, "rename") != nil {
			t.Error("a form of nobody or of nothing")
		}
	}
}

// TestDeterminants: what must be attached follows from who asks for what, on
// which path, with which answers.
func TestDeterminants(t *testing.T) {
	_, r := passenger(t)
	for _, c := range []struct {
		kind      licensing.ApplicantKind
		operation string
		channel   licensing.Channel
		fields    string
		want      string // required ones in capital letters
	}{
		{licensing.NaturalPerson, "issue", "portal", ``, "QUALIFICATION identity registration"},
		{licensing.LegalEntity, "issue", "portal", ``, "QUALIFICATION registration"},
		{licensing.LegalEntity, "issue", "provider", ``, "QUALIFICATION registration payment"},
		{licensing.LegalEntity, "issue", "centre", ``, "QUALIFICATION registration payment CONSENT"},
		{licensing.LegalEntity, "re-issue", "portal", `{"changes":["entity-name"]}`, "CHANGE registration"},
		{licensing.LegalEntity, "re-issue", "portal", `{"changes":["entity-name","reorganisation"]}`, "CHANGE REQUALIFICATION registration"},
		{licensing.LegalEntity, "duplicate", "portal", `{"reason":"lost"}`, "registration"},
		{licensing.LegalEntity, "appendix", "centre", ``, "QUALIFICATION registration CONSENT"},
	} {
		var got []string
		for _, d := range r.Checklist(c.kind, c.operation, c.channel, json.RawMessage(c.fields)) {
			if d.Required {
				d.Key = strings.ToUpper(d.Key)
			}
			got = append(got, d.Key)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s of a %s, %s %s: %s, want %s", c.operation, c.kind, c.channel, c.fields, s, c.want)
		}
	}
}

// TestKazakhIsTheOrders: the Kazakh words of every path and of the survey
// stand in the order. Blanks do not count: the copies letter-space words.
func TestKazakhIsTheOrders(t *testing.T) {
	suites := os.Getenv("RASTAU_SUITES")
	if suites == "" {
		suites = filepath.Join("..", "..", "shared", "suites")
	}
	flat := func(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), "")) }
	for file, seed := range map[string]string{passengerFile: "passenger-transport-907.txt", pipelinesFile: "trunk-pipelines-47.txt"} {
		data, err := os.ReadFile(filepath.Join(suites, "..", "seeds", seed))
		if err != nil && os.Getenv("RASTAU_SUITES_REQUIRED") == "1" {
			t.Fatal(err)
		}
		if err != nil {
			t.Skip("the order's text is not beside the suites: set RASTAU_SUITES")
		}
		order := flat(string(data))
		_, r := regulation(t, file)
		in := func(what, text string) {
			if !strings.Contains(order, flat(text)) {
				t.Errorf("%s %s: %q is not the order's", r.Key, what, text)
			}
		}
		in("name", r.Name.KK)
		in("automation", r.Automation.KK)
		in("kind", r.Kind.KK)
		for _, p := range r.Paths {
			for _, s := range p.Steps {
				step := fmt.Sprintf("%s step %d", p.Key, s.Number)
				in(step, s.Action.KK)
				in(step, s.Completion.KK)
				if s.Condition != nil {
					in(step+" condition", strings.TrimPrefix(s.Condition.Text.KK, "ЭҮП-де "))
				}
			}
		}
		for _, q := range r.Survey {
			in("survey", q.Text.KK)
			for _, a := range q.Answers {
				in("survey", a.KK)
			}
		}
		if file == pipelinesFile {
			for _, s := range r.Legend {
				in("legend", s.Name.KK)
			}
		}
	}
}

// picture is a real one, as small as can be.
func picture(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, png.Encode(&b, image.NewGray(image.Rect(0, 0, 2, 2))))
	return b.Bytes()
}

// TestThirdRegulation: another licence kind is a file and no line of Go. An
// invented service with other units, paths, form, documents, fee, terms and
// survey runs from the draft to the licence, its duplicate and the survey.
func TestThirdRegulation(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	_, r := regulation(t, ferriesFile)
	h.options.Regulations = append(h.options.Regulations, r)
	h.options.AcceptRepealed = false // this one is in force
	h.reopen(t)
	fee, err := h.service.Fee("ferries", "issue")
	must(t, err)
	if passengers, err := h.service.Fee("passenger-transport", "issue"); err != nil || fee*3 != passengers*7 {
		t.Errorf("7 MRP are %d, 3 are %d: %v", fee, passengers, err)
	}
	n := h.form(t)
	n.Service = "ferries"
	n.Fields = json.RawMessage(`{"ship":"Ақбөкен","berths":40}`)
	n.Attachments = []licensing.NewAttachment{{Document: "seaworthiness", Name: "кеме.png", Type: "image/png", Content: picture(t)}}
	n.Payment = licensing.Payment{Reference: "PAY-9", Amount: fee}
	for name, c := range map[string]struct {
		change func(*licensing.NewApplication)
		field  string
	}{
		"the other service's form": {func(n *licensing.NewApplication) { n.Fields = h.form(t).Fields }, "fields"},
		"too many berths": {func(n *licensing.NewApplication) {
			n.Fields = json.RawMessage(`{"ship":"Ақбөкен","berths":901}`)
		}, "fields.berths"},
		"no document": {func(n *licensing.NewApplication) { n.Attachments = nil }, "attachments"},
		"a body":      {func(n *licensing.NewApplication) { n.Applicant.Kind = licensing.LegalEntity }, "applicant.kind"},
		"a re-issue":  {func(n *licensing.NewApplication) { n.Operation = licensing.OperationReissue }, "operation"},
	} {
		wrong := n
		c.change(&wrong)
		_, err := h.service.Apply(ctx, applicant, wrong)
		var input *licensing.InputError
		if !errors.As(err, &input) || !strings.HasPrefix(input.Field, c.field) {
			t.Errorf("%s: %v", name, err)
		}
	}
	unpaid := n
	unpaid.Payment = licensing.Payment{}
	var refused *licensing.RefusalError
	if _, err := h.service.Apply(ctx, applicant, unpaid); !errors.As(err, &refused) || refused.Message.Code != "M2" {
		t.Errorf("unpaid: %v", err)
	}

	register := func(n licensing.NewApplication) *licensing.Application {
		t.Helper()
		app, err := h.service.Apply(ctx, applicant, n)
		must(t, err)
		sub, err := h.service.Submit(ctx, applicant, app.ID, sign(t, h.person(t), app.Package, true))
		must(t, err)
		if sub.Application.Status != licensing.Registered {
			t.Fatalf("%+v", sub.Message)
		}
		return &sub.Application
	}
	app := register(n)
	if app.Number != "FR-00001" {
		t.Errorf("number %s", app.Number)
	}
	due, err := h.options.Calendar.Deadline(*app.Registered, 5)
	must(t, err)
	if app.Deadline == nil || !app.Deadline.Equal(due) {
		t.Errorf("deadline %v, five working days end %v", app.Deadline, due)
	}
	_, err = h.service.Claim(ctx, officer, app.ID)
	must(t, err)
	must(t, h.service.AskAgreement(ctx, officer, app.ID, []string{"lighthouse"}))
	afloat := licensing.Decision{Approve: true, Checklist: map[string]bool{"afloat": true}}
	if _, err := h.service.Decide(ctx, officer, app.ID, afloat); err == nil {
		t.Error("decided while the lighthouse is asked")
	}
	must(t, h.service.AnswerAgreement(ctx, officer, app.ID, "lighthouse", true, ""))
	done, err := h.service.Decide(ctx, officer, app.ID, afloat)
	must(t, err)
	l, err := h.service.Licence(ctx, done.Licence)
	must(t, err)
	if string(l.Fields) != `{"berths":40,"ship":"Ақбөкен"}` || l.Activity.KK != "Паром тасымалы" || l.ValidUntil == nil || l.ValidUntil.Year() != l.Issued.Year()+2 {
		t.Errorf("licence: %+v", l)
	}
	if c := h.genuine(t, l.PDF); !c.Registered || !c.SameFile || !c.InForce {
		t.Errorf("the licence is checked as %+v", c)
	}

	twin := n
	twin.Operation, twin.About, twin.Attachments = licensing.OperationDuplicate, done.Licence, nil
	twin.Fields = json.RawMessage(`{"why":"суға кетті"}`)
	twin.Payment = licensing.Payment{Reference: "PAY-10"}
	twin.Payment.Amount, err = h.service.Fee("ferries", "duplicate")
	must(t, err)
	if twin.Payment.Amount*7 != fee*2 {
		t.Errorf("half of 7 MRP, at most 2, are %d", twin.Payment.Amount)
	}
	second, err := h.service.Decide(ctx, officer, register(twin).ID, afloat)
	must(t, err)
	if d, err := h.service.Licence(ctx, second.Licence); err != nil || !d.Duplicate || d.Predecessor != done.Licence {
		t.Errorf("duplicate: %+v %v", d, err)
	}
	must(t, h.service.AnswerSurvey(ctx, applicant, app.ID, map[string]int{"sea": 2}))
	list, err := h.service.Indicators(ctx, licensing.Period{})
	must(t, err)
	if len(list) != 1 || list[0].Service != "ferries" || list[0].Percent != 100 {
		t.Errorf("indicators: %+v", list)
	}
	h.checkRegister(t)
}
