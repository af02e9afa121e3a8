// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"encoding/json"
	"fmt"
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
	Units      []Unit          `yaml:"units" json:"units"`
	Form       []FormStep      `yaml:"form" json:"form"`
	Documents  []Document      `yaml:"documents" json:"documents"`
	Review     []ReviewItem    `yaml:"review" json:"review"`
	Licence    LicenceRule     `yaml:"licence" json:"licence"`
	Paths      []Path          `yaml:"paths" json:"paths"`
	Survey     []Question      `yaml:"survey" json:"survey"`

	digest string // SHA-256 of the file, hex
	forms  map[ApplicantKind]*jsonschema.Schema
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

// Operation is one thing that the service does.
type Operation struct {
	Key      string      `yaml:"key" json:"key"`
	Name     phrase.Text `yaml:"name" json:"name"`
	Fee      Fee         `yaml:"fee" json:"fee"`
	Deadline Deadline    `yaml:"deadline" json:"deadline"`
	Path     string      `yaml:"path" json:"path"` // the path of the portal that it runs on; "" while it is not run
}

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

// Unit is a structural-functional unit (ҚФБ) that acts in a path.
type Unit struct {
	Key  string      `yaml:"key" json:"key"`
	Abbr string      `yaml:"abbr" json:"abbr,omitempty"`
	Name phrase.Text `yaml:"name" json:"name"`
}

// FormStep is one screen of the form. Schema is a JSON Schema (2020-12) of an
// object; every property carries a label in three languages.
type FormStep struct {
	Key        string          `yaml:"key" json:"key"`
	Figure     string          `yaml:"figure" json:"figure"`
	Name       phrase.Text     `yaml:"name" json:"name"`
	Applicants []ApplicantKind `yaml:"applicants" json:"applicants,omitempty"` // none: all
	Schema     map[string]any  `yaml:"schema" json:"schema"`
}

func (f FormStep) shows(k ApplicantKind) bool {
	return len(f.Applicants) == 0 || slices.Contains(f.Applicants, k)
}

// Document is one line of the checklist of documents.
type Document struct {
	Key        string          `yaml:"key" json:"key"`
	Name       phrase.Text     `yaml:"name" json:"name"`
	Applicants []ApplicantKind `yaml:"applicants" json:"applicants,omitempty"` // none: all
	Required   bool            `yaml:"required" json:"required"`
	Many       bool            `yaml:"many" json:"many"`
	Types      []string        `yaml:"types" json:"types"`
	MaxBytes   int64           `yaml:"maxBytes" json:"maxBytes"`
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
	Key   string      `yaml:"key" json:"key"`
	Name  phrase.Text `yaml:"name" json:"name"`
	Table string      `yaml:"table" json:"table"`
	Steps []Step      `yaml:"steps" json:"steps"`
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
	Check string      `yaml:"check" json:"check"` // authorisation, payment, certificate, review
	Text  phrase.Text `yaml:"text" json:"text"`
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

// refusal is the message code (M1 … M6) that the operation's path gives where
// a check fails.
func (r *Regulation) refusal(operation, check string) (string, error) {
	op, _ := r.Operation(operation)
	for _, p := range r.Paths {
		if p.Key != op.Path {
			continue
		}
		for _, s := range p.Steps {
			if s.Condition == nil || s.Condition.Check != check {
				continue
			}
			for _, n := range s.Next {
				if n.When == whenFail {
					return p.step(n.To).Refusal, nil
				}
			}
		}
	}
	return "", fmt.Errorf("regulation %s: operation %s has no refusal for %s", r.Key, operation, check)
}

func (p Path) step(number int) Step {
	for _, s := range p.Steps {
		if s.Number == number {
			return s
		}
	}
	return Step{}
}

// schema returns the JSON Schema of the whole form for a kind of applicant.
func (r *Regulation) schema(k ApplicantKind) map[string]any {
	var steps []any
	for _, f := range r.Form {
		if f.shows(k) {
			steps = append(steps, f.Schema)
		}
	}
	return map[string]any{
		"$schema":               "https://json-schema.org/draft/2020-12/schema",
		"type":                  "object",
		"allOf":                 steps,
		"unevaluatedProperties": false,
	}
}

// FormSchema is the JSON Schema (2020-12) that Fields of an application of
// this kind must satisfy; nil where the kind may not apply.
func (r *Regulation) FormSchema(k ApplicantKind) json.RawMessage {
	if _, ok := r.Applicant(k); !ok {
		return nil
	}
	out, err := json.Marshal(r.schema(k))
	if err != nil {
		return nil
	}
	return out
}
