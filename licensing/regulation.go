// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"rastau/internal/phrase"
)

// Day is a calendar day as yyyy-mm-dd, in the time zone of the calendar. Days compare as strings.
type Day string

// Valid reports whether the day exists.
func (d Day) Valid() bool {
	_, err := time.Parse(time.DateOnly, string(d))
	return err == nil
}

// Regulation is one service as data: what the order says, in the order's own steps. It does not change once loaded.
type Regulation struct {
	Key      string      `yaml:"key" json:"key"`
	Name     phrase.Text `yaml:"name" json:"name"`
	Act      Act         `yaml:"act" json:"act"`
	InForce  Period      `yaml:"inForce" json:"inForce"`
	Basis    []Basis     `yaml:"basis" json:"basis"`
	Licensor Licensor    `yaml:"licensor" json:"licensor"`
	Contacts []Contact   `yaml:"contacts" json:"contacts"`

	Automation phrase.Text `yaml:"automation" json:"automation"` // R005
	Kind       phrase.Text `yaml:"kind" json:"kind"`             // R005
	Result     phrase.Text `yaml:"result" json:"result"`         // R006
	Activity   phrase.Text `yaml:"activity" json:"activity"`     // as it stands in the licence

	Numbering  Numbering       `yaml:"numbering" json:"numbering"`
	Applicants []ApplicantRule `yaml:"applicants" json:"applicants"`
	Operations []Operation     `yaml:"operations" json:"operations"`
	Terms      Terms           `yaml:"terms" json:"terms"`
	Agreements []Agreement     `yaml:"agreements" json:"agreements,omitempty"`
	Units      []Unit          `yaml:"units" json:"units"`
	Form       []FormStep      `yaml:"form" json:"form"`
	Documents  []Document      `yaml:"documents" json:"documents"`
	Review     []ReviewItem    `yaml:"review" json:"review"`
	Licence    LicenceRule     `yaml:"licence" json:"licence"`
	Refusals   []Refusal       `yaml:"refusals" json:"refusals"`
	Paths      []Path          `yaml:"paths" json:"paths"`
	Legend     []Symbol        `yaml:"legend" json:"legend"`
	Survey     []Question      `yaml:"survey" json:"survey"`

	digest string // SHA-256 of the file, hex
	forms  map[formKey]*jsonschema.Schema
}

// formKey names one form: what an operation asks of a kind of applicant.
type formKey struct {
	kind      ApplicantKind
	operation string
}

// Act is the order that approved the regulation.
type Act struct {
	Name         phrase.Text  `yaml:"name" json:"name"`
	Number       string       `yaml:"number" json:"number"`
	Date         Day          `yaml:"date" json:"date"`
	Registration Enrolment    `yaml:"registration" json:"registration"`
	Amends       *phrase.Text `yaml:"amends" json:"amends,omitempty"`
	RepealedBy   *phrase.Text `yaml:"repealedBy" json:"repealedBy,omitempty"`
}

// Enrolment is the entry of the act in the register of the Ministry of Justice.
type Enrolment struct {
	Number string `yaml:"number" json:"number"`
	Date   Day    `yaml:"date" json:"date"`
}

// Period is from a day to the last day before Until; Until "" is open.
type Period struct {
	From  Day `yaml:"from" json:"from"`
	Until Day `yaml:"until" json:"until"`
}

// Holds reports whether a day lies in the period.
func (p Period) Holds(d Day) bool { return d >= p.From && (p.Until == "" || d < p.Until) }

// Basis is one act that the service rests on.
type Basis struct {
	Name phrase.Text `yaml:"name" json:"name"`
	Ref  string      `yaml:"ref" json:"ref"`
}

// Licensor is the body that issues. Its BIN is invented.
type Licensor struct {
	Name  phrase.Text `yaml:"name" json:"name"`
	BIN   string      `yaml:"bin" json:"bin"`
	Place phrase.Text `yaml:"place" json:"place"`
}

// Contact for information and consultation (R007).
type Contact struct {
	Name  phrase.Text `yaml:"name" json:"name"`
	Value string      `yaml:"value" json:"value"`
}

// Numbering of the applications of this service: prefix, year and serial.
type Numbering struct {
	Prefix string `yaml:"prefix" json:"prefix"`
	Digits int    `yaml:"digits" json:"digits"`
}

// ApplicantRule says who may apply and by which number they are known.
type ApplicantRule struct {
	Kind   ApplicantKind `yaml:"kind" json:"kind"`
	Name   phrase.Text   `yaml:"name" json:"name"`
	Number string        `yaml:"number" json:"number"` // iin or bin
}

// The operations that the workflow knows. A regulation names those that its
// service has; every one but the issue is about a licence that exists.
const (
	OperationIssue      = "issue"
	OperationReissue    = "re-issue"
	OperationDuplicate  = "duplicate"
	OperationAppendix   = "appendix"   // a sub-type or an object added later
	OperationCorrection = "correction" // of an error in the licence
)

var knownOperations = []string{OperationIssue, OperationReissue, OperationDuplicate, OperationAppendix, OperationCorrection}

// Operation is one thing that the service does.
type Operation struct {
	Key      string      `yaml:"key" json:"key"`
	Name     phrase.Text `yaml:"name" json:"name"`
	Fee      Fee         `yaml:"fee" json:"fee"`
	Deadline Deadline    `yaml:"deadline" json:"deadline"`
	Paths    []string    `yaml:"paths" json:"paths"` // the paths that it runs on: portal, provider, centre
	Source   string      `yaml:"source" json:"source,omitempty"`
}

// OfLicence reports whether the operation is about a licence that exists.
func (o Operation) OfLicence() bool { return o.Key != OperationIssue }

// RunsOn reports whether the operation runs on a path.
func (o Operation) RunsOn(path string) bool { return slices.Contains(o.Paths, path) }

// Fee is a number of MRP, or a part of another operation's fee with a cap in MRP.
type Fee struct {
	MRP     int64  `yaml:"mrp" json:"mrp,omitempty"`
	Percent int64  `yaml:"percent" json:"percent,omitempty"`
	Of      string `yaml:"of" json:"of,omitempty"`
	CapMRP  int64  `yaml:"capMRP" json:"capMRP,omitempty"`
}

// Deadline in working days, counted from the day after registration.
type Deadline struct {
	WorkingDays int    `yaml:"workingDays" json:"workingDays"`
	Source      string `yaml:"source" json:"source,omitempty"`
}

// Terms are the law's times beside the deadline of each operation.
type Terms struct {
	Completeness     Term `yaml:"completeness" json:"completeness"`         // of the documents: refused to consider further within it
	AgreementRequest Term `yaml:"agreementRequest" json:"agreementRequest"` // to ask the other bodies
	AgreementReply   Term `yaml:"agreementReply" json:"agreementReply"`     // for their answer; silence is agreement
	HandOver         Term `yaml:"handOver" json:"handOver"`                 // of a licence deemed issued on silence
	ReissueRequest   Term `yaml:"reissueRequest" json:"reissueRequest"`     // for the licensee, from the change on
	Inspection       Term `yaml:"inspection" json:"inspection"`             // of a branch or object that is new or moved
	Return           Term `yaml:"return" json:"return"`                     // of a licence on paper after termination
}

// Term is a number of working days or of calendar days, with the norm that gives it.
type Term struct {
	WorkingDays  int    `yaml:"workingDays" json:"workingDays,omitempty"`
	CalendarDays int    `yaml:"calendarDays" json:"calendarDays,omitempty"`
	Source       string `yaml:"source" json:"source"`
}

// Agreement is another body whose agreement is asked before a decision, in
// parallel with the others.
type Agreement struct {
	Key        string      `yaml:"key" json:"key"`
	Name       phrase.Text `yaml:"name" json:"name"`
	Operations []string    `yaml:"operations" json:"operations,omitempty"` // none: all
	Source     string      `yaml:"source" json:"source"`
}

// Refusal is one of the closed list of messages M1 … M6: which check gives it,
// and on which paths. Its words stand in the catalogue of texts.
type Refusal struct {
	Code  string      `yaml:"code" json:"code"`
	Check string      `yaml:"check" json:"check"`
	Paths []string    `yaml:"paths" json:"paths,omitempty"` // none: all
	Name  phrase.Text `yaml:"name" json:"name"`
}

// Symbol of the diagrams' legend.
type Symbol struct {
	Key  string      `yaml:"key" json:"key"`
	Name phrase.Text `yaml:"name" json:"name"`
}

// Unit is a structural-functional unit (ҚФБ) that acts in a path.
type Unit struct {
	Key    string      `yaml:"key" json:"key"`
	Abbr   string      `yaml:"abbr" json:"abbr,omitempty"`
	Name   phrase.Text `yaml:"name" json:"name"`
	System bool        `yaml:"system" json:"system,omitempty"` // an information system, not people
}

// FormStep is one screen of annex 2. Schema is a JSON Schema (2020-12) of an
// object; every property carries a label in three languages.
type FormStep struct {
	Key        string          `yaml:"key" json:"key"`
	Figure     string          `yaml:"figure" json:"figure,omitempty"` // of annex 2
	Step       string          `yaml:"step" json:"step,omitempty"`     // of the figure: 1 … 8, 7.1
	Part       string          `yaml:"part" json:"part,omitempty"`     // of the application that the screen fills; "" is Fields
	Name       phrase.Text     `yaml:"name" json:"name"`
	Applicants []ApplicantKind `yaml:"applicants" json:"applicants,omitempty"` // none: all
	Operations []string        `yaml:"operations" json:"operations,omitempty"` // none: all
	RequiredIn []string        `yaml:"requiredIn" json:"requiredIn,omitempty"` // the operations in which the schema's required holds; none: all
	Schema     map[string]any  `yaml:"schema" json:"schema,omitempty"`
	Note       string          `yaml:"note" json:"note,omitempty"`
}

// Parts of an application that a screen other than of the form fills or shows.
var knownParts = []string{"request", "passport", "payment", "package"}

func (f FormStep) shows(k ApplicantKind, operation string) bool {
	return (len(f.Applicants) == 0 || slices.Contains(f.Applicants, k)) &&
		(len(f.Operations) == 0 || slices.Contains(f.Operations, operation))
}

// Document is one line of the checklist of documents. Its determinants say
// when it is asked for at all: of whom, in which operation, on which path,
// and by which answer in the form.
type Document struct {
	Key        string          `yaml:"key" json:"key"`
	Name       phrase.Text     `yaml:"name" json:"name"`
	Applicants []ApplicantKind `yaml:"applicants" json:"applicants,omitempty"` // none: all
	Operations []string        `yaml:"operations" json:"operations,omitempty"` // none: all
	Paths      []string        `yaml:"paths" json:"paths,omitempty"`           // none: all
	When       *Determinant    `yaml:"when" json:"when,omitempty"`
	Required   bool            `yaml:"required" json:"required"`
	Many       bool            `yaml:"many" json:"many"`
	Types      []string        `yaml:"types" json:"types"`
	MaxBytes   int64           `yaml:"maxBytes" json:"maxBytes"`
	Source     string          `yaml:"source" json:"source,omitempty"`
}

// Determinant is an answer in the form: the field holds one of the values,
// alone or among others.
type Determinant struct {
	Field string   `yaml:"field" json:"field"`
	Is    []string `yaml:"is" json:"is"`
}

// asked reports whether the document is asked for. fields are the form's
// answers as JSON that was judged by the form.
func (d Document) asked(k ApplicantKind, operation, path string, fields json.RawMessage) bool {
	if len(d.Applicants) > 0 && !slices.Contains(d.Applicants, k) ||
		len(d.Operations) > 0 && !slices.Contains(d.Operations, operation) ||
		len(d.Paths) > 0 && !slices.Contains(d.Paths, path) {
		return false
	}
	return d.When == nil || d.When.holds(fields)
}

func (w Determinant) holds(fields json.RawMessage) bool {
	var answers map[string]json.RawMessage
	if json.Unmarshal(fields, &answers) != nil {
		return false
	}
	var many []string
	if json.Unmarshal(answers[w.Field], &many) != nil {
		var one string
		if json.Unmarshal(answers[w.Field], &one) != nil {
			return false
		}
		many = []string{one}
	}
	return slices.ContainsFunc(many, func(s string) bool { return slices.Contains(w.Is, s) })
}

// ReviewItem is a question that the officer answers before deciding.
type ReviewItem struct {
	Key  string      `yaml:"key" json:"key"`
	Name phrase.Text `yaml:"name" json:"name"`
}

// LicenceRule says what of the form stands in the licence and for how long it holds.
type LicenceRule struct {
	Fields     []string    `yaml:"fields" json:"fields"`
	Subtypes   string      `yaml:"subtypes" json:"subtypes"` // the form field with the sub-types, an array of codes
	Conditions phrase.Text `yaml:"conditions" json:"conditions"`
	Basis      phrase.Text `yaml:"basis" json:"basis"` // {number} and {date} are the application's
	Years      int         `yaml:"years" json:"years"` // 0: unlimited
}

// Path is one way through the service, step by step as the order's table says.
type Path struct {
	Key     string      `yaml:"key" json:"key"`
	Name    phrase.Text `yaml:"name" json:"name"`
	Diagram phrase.Text `yaml:"diagram" json:"diagram"`       // the title of its diagram in annex 1
	Table   string      `yaml:"table" json:"table,omitempty"` // of the annex; "" where the order has none
	Note    string      `yaml:"note" json:"note,omitempty"`
	Steps   []Step      `yaml:"steps" json:"steps"`
}

// Step is one column of the table.
type Step struct {
	Number     int         `yaml:"number" json:"number"`
	Process    string      `yaml:"process" json:"process"`         // P1 …
	Req        string      `yaml:"requirement" json:"requirement"` // R031 …
	Unit       string      `yaml:"unit" json:"unit"`
	Action     phrase.Text `yaml:"action" json:"action"`
	Completion phrase.Text `yaml:"completion" json:"completion"`
	Time       Allowed     `yaml:"time" json:"time"`
	Condition  *Condition  `yaml:"condition" json:"condition,omitempty"`
	Short      phrase.Text `yaml:"short" json:"short"`               // for the diagram
	Routes     bool        `yaml:"routes" json:"routes,omitempty"`   // the request goes on to another system
	Tells      string      `yaml:"tells" json:"tells,omitempty"`     // the unit that hears the end of the path
	Refusal    string      `yaml:"refusal" json:"refusal,omitempty"` // M1 … M6: this step tells the person so and ends
	Next       []Next      `yaml:"next" json:"next,omitempty"`
	Note       string      `yaml:"note" json:"note,omitempty"` // where the table and the text differ
}

// Allowed is the time that the table gives: seconds from and to, or working days.
type Allowed struct {
	Seconds     []int `yaml:"seconds" json:"seconds,omitempty"` // one number, or from and to
	WorkingDays int   `yaml:"workingDays" json:"workingDays,omitempty"`
}

// Condition is checked behind its step; Check names what the program does.
type Condition struct {
	Key   string      `yaml:"key" json:"key"` // C1 …
	Req   string      `yaml:"requirement" json:"requirement"`
	Unit  string      `yaml:"unit" json:"unit"`
	Check string      `yaml:"check" json:"check"` // authorisation, registers, payment, certificate, review
	Text  phrase.Text `yaml:"text" json:"text"`
	Short phrase.Text `yaml:"short" json:"short"` // for the diagram
}

// Next is where a step leads.
type Next struct {
	To   int          `yaml:"to" json:"to"`
	When string       `yaml:"when" json:"when,omitempty"` // pass or fail of the condition; "" always
	If   *phrase.Text `yaml:"if" json:"if,omitempty"`     // as the table words it
}

// Question of the survey with its answers (R120–R122).
type Question struct {
	Key     string        `yaml:"key" json:"key"`
	Measure string        `yaml:"measure" json:"measure"` // quality or accessibility
	Text    phrase.Text   `yaml:"text" json:"text"`
	Answers []phrase.Text `yaml:"answers" json:"answers"`
}

// Digest is the SHA-256 of the regulation's file in hexadecimal: it stands in every package.
func (r *Regulation) Digest() string { return r.digest }

// Operation finds an operation by its key.
func (r *Regulation) Operation(key string) (Operation, bool) {
	i := slices.IndexFunc(r.Operations, func(o Operation) bool { return o.Key == key })
	if i < 0 {
		return Operation{}, false
	}
	return r.Operations[i], true
}

// Applicant finds the rule of a kind of applicant.
func (r *Regulation) Applicant(k ApplicantKind) (ApplicantRule, bool) {
	i := slices.IndexFunc(r.Applicants, func(a ApplicantRule) bool { return a.Kind == k })
	if i < 0 {
		return ApplicantRule{}, false
	}
	return r.Applicants[i], true
}

// Path finds a path by its key.
func (r *Regulation) Path(key string) (Path, bool) {
	i := slices.IndexFunc(r.Paths, func(p Path) bool { return p.Key == key })
	if i < 0 {
		return Path{}, false
	}
	return r.Paths[i], true
}

// PathKeys lists the paths in the regulation's order.
func (r *Regulation) PathKeys() []string {
	var keys []string
	for _, p := range r.Paths {
		keys = append(keys, p.Key)
	}
	return keys
}

// refusal is the message code (M1 … M6) of a check that failed on a path: the
// one that the path's table leads to, and where the table has no such
// condition, the one that the closed list has for the check.
func (r *Regulation) refusal(c Channel, check string) (string, error) {
	path := c.path()
	p, _ := r.Path(path)
	if code := p.refusal(check); code != "" {
		return code, nil
	}
	for _, m := range r.Refusals {
		if m.Check == check && (len(m.Paths) == 0 || slices.Contains(m.Paths, path)) {
			return m.Code, nil
		}
	}
	return "", fmt.Errorf("regulation %s: path %s has no refusal for %s", r.Key, path, check)
}

func (p Path) refusal(check string) string {
	for _, s := range p.Steps {
		if s.Condition == nil || s.Condition.Check != check {
			continue
		}
		for _, n := range s.Next {
			if n.When == whenFail {
				return p.step(n.To).Refusal
			}
		}
	}
	return ""
}

func (p Path) step(number int) Step {
	for _, s := range p.Steps {
		if s.Number == number {
			return s
		}
	}
	return Step{}
}

// schemaFor is the step's schema in an operation.
func (f FormStep) schemaFor(operation string) map[string]any {
	if len(f.RequiredIn) == 0 || slices.Contains(f.RequiredIn, operation) {
		return f.Schema
	}
	s := maps.Clone(f.Schema)
	delete(s, "required")
	return s
}

// schema returns the JSON Schema of the whole form of an operation for a kind of applicant.
func (r *Regulation) schema(k ApplicantKind, operation string) map[string]any {
	steps := []any{}
	for _, f := range r.Form {
		if f.Part == "" && f.shows(k, operation) {
			steps = append(steps, f.schemaFor(operation))
		}
	}
	return map[string]any{
		"$schema":               "https://json-schema.org/draft/2020-12/schema",
		"type":                  "object",
		"allOf":                 steps,
		"unevaluatedProperties": false,
	}
}

// FormSchema is the JSON Schema (2020-12) that Fields of an application must
// satisfy; nil where the kind may not apply or the operation does not exist.
func (r *Regulation) FormSchema(k ApplicantKind, operation string) json.RawMessage {
	if _, ok := r.Applicant(k); !ok {
		return nil
	}
	if _, ok := r.Operation(operation); !ok {
		return nil
	}
	out, err := json.Marshal(r.schema(k, operation))
	if err != nil {
		return nil
	}
	return out
}
