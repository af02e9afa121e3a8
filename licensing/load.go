// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"rastau/internal/identity"
)

//go:embed regulations/*.yaml
var regulationFiles embed.FS

// Outcomes of a condition that a Next waits for.
const (
	whenPass = "pass"
	whenFail = "fail"
)

// checks that the workflow knows how to run behind a step.
var knownChecks = []string{onAuthorisation, onPayment, onCertificate, onReview}

const (
	onAuthorisation = "authorisation"
	onPayment       = "payment"
	onCertificate   = "certificate"
	onReview        = "review"
)

// attachmentTypes that can be told by their first bytes.
var attachmentTypes = map[string][]byte{
	"application/pdf": []byte("%PDF-"),
	"image/png":       []byte("\x89PNG\r\n\x1a\n"),
	"image/jpeg":      []byte("\xff\xd8\xff"),
}

// maxAttachment bounds what a regulation may allow for one document.
const maxAttachment = 20 << 20

// Embedded returns the regulations in licensing/regulations, by file name.
func Embedded() ([]*Regulation, error) {
	names, err := fs.Glob(regulationFiles, "regulations/*.yaml")
	if err != nil {
		return nil, err
	}
	var all []*Regulation
	for _, name := range names {
		data, err := regulationFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		r, err := LoadRegulation(name, data)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// LoadRegulation reads and checks one YAML file. What is wrong comes as
// *DataError with the line, joined where there are several.
func LoadRegulation(name string, data []byte) (*Regulation, error) {
	r := &Regulation{}
	src, err := readSource(name, data, r)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	r.digest = hex.EncodeToString(sum[:])
	r.checkPassport(src)
	r.checkOperations(src)
	r.checkForm(src)
	r.checkDocuments(src)
	for i := range r.Paths {
		r.checkPath(src, i)
	}
	r.checkSurvey(src)
	if err := src.err(); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *Regulation) checkPassport(src *source) {
	if !isKey(r.Key) {
		src.problem(src.line("key"), "key must be small Latin letters, digits and hyphens")
	}
	for _, t := range []struct {
		field string
		empty bool
	}{
		{"name", r.Name.EN == ""}, {"automation", r.Automation.EN == ""}, {"kind", r.Kind.EN == ""},
		{"result", r.Result.EN == ""}, {"activity", r.Activity.EN == ""}, {"licensor", r.Licensor.Name.EN == "" || r.Licensor.Place.EN == ""},
		{"basis", len(r.Basis) == 0}, {"contacts", len(r.Contacts) == 0},
	} {
		if t.empty {
			src.problem(src.line(t.field), "%s is missing", t.field)
		}
	}
	if r.Act.Number == "" || r.Act.Name.EN == "" || !r.Act.Date.Valid() || r.Act.Registration.Number == "" || !r.Act.Registration.Date.Valid() {
		src.problem(src.line("act"), "act needs name, number, date and its registration with number and date")
	}
	if !r.InForce.From.Valid() || r.InForce.Until != "" && (!r.InForce.Until.Valid() || r.InForce.Until <= r.InForce.From) {
		src.problem(src.line("inForce"), "inForce needs from, and until where the act was repealed, later than from")
	}
	if n, err := identity.Parse(r.Licensor.BIN); err != nil || !n.CheckDigitOK {
		src.problem(src.line("licensor", "bin"), "the licensor's BIN must have twelve digits, the last of which is the check digit")
	}
	if r.Numbering.Prefix == "" || strings.Trim(r.Numbering.Prefix, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" || r.Numbering.Digits < 4 || r.Numbering.Digits > 12 {
		src.problem(src.line("numbering"), "numbering needs a prefix of Latin capital letters and 4 to 12 digits")
	}
	seen := map[ApplicantKind]bool{}
	for i, a := range r.Applicants {
		if seen[a.Kind] || !slices.Contains([]ApplicantKind{NaturalPerson, SoleEntrepreneur, LegalEntity}, a.Kind) || a.Number != byIIN && a.Number != byBIN {
			src.problem(src.line("applicants", i), "an applicant kind must be known, stand once, and be known by iin or bin")
		}
		seen[a.Kind] = true
	}
	if len(r.Applicants) == 0 {
		src.problem(src.line("applicants"), "nobody may apply: applicants is empty")
	}
}

func (r *Regulation) checkOperations(src *source) {
	seen := map[string]bool{}
	for i, o := range r.Operations {
		line := src.line("operations", i)
		if !isKey(o.Key) || seen[o.Key] {
			src.problem(line, "operation %q: its key must stand once, in small Latin letters, digits and hyphens", o.Key)
		}
		seen[o.Key] = true
		switch f := o.Fee; {
		case f.MRP < 0 || f.Percent < 0 || f.Percent > 100 || f.CapMRP < 0 || f.MRP > 10_000:
			src.problem(line, "operation %q: a fee is a number of MRP or a percentage from 0 to 100", o.Key)
		case f.Of != "" && f.MRP != 0 || f.Of == "" && f.Percent != 0:
			src.problem(line, "operation %q: a fee is either a number of MRP or a percentage of another operation's", o.Key)
		case f.Of != "":
			if other, ok := r.Operation(f.Of); !ok || other.Fee.Of != "" {
				src.problem(line, "operation %q: the fee is a part of %q, which has no fee in MRP", o.Key, f.Of)
			}
		}
		if o.Deadline.WorkingDays < 1 || o.Deadline.WorkingDays > 250 {
			src.problem(line, "operation %q: the deadline must be 1 to 250 working days", o.Key)
		}
		if o.Path != "" && !slices.ContainsFunc(r.Paths, func(p Path) bool { return p.Key == o.Path }) {
			src.problem(line, "operation %q: there is no path %q", o.Key, o.Path)
			continue
		}
		r.checkServed(src, line, o)
	}
	if len(r.Operations) == 0 {
		src.problem(src.line("operations"), "there is no operation")
	}
}

// checkServed holds an operation that is run to its path: the refusals that the
// workflow gives must be there, and the table's term must be the operation's.
func (r *Regulation) checkServed(src *source, line int, o Operation) {
	if o.Path == "" {
		return
	}
	for _, check := range []string{onPayment, onCertificate, onReview} {
		if code, err := r.refusal(o.Key, check); err != nil || code == "" {
			src.problem(line, "operation %q: its path %q has no condition with check %q that leads to a refusal", o.Key, o.Path, check)
		}
	}
	for _, p := range r.Paths {
		for _, s := range p.Steps {
			if p.Key == o.Path && s.Time.WorkingDays != 0 && s.Time.WorkingDays != o.Deadline.WorkingDays {
				src.problem(line, "operation %q: the deadline is %d working days, step %d of its path has %d", o.Key, o.Deadline.WorkingDays, s.Number, s.Time.WorkingDays)
			}
		}
	}
}

func (r *Regulation) checkForm(src *source) {
	properties := map[string]bool{}
	for i, f := range r.Form {
		if f.Name.EN == "" || !isKey(f.Key) {
			src.problem(src.line("form", i), "a form step needs key and name")
		}
		for j, k := range f.Applicants {
			if _, ok := r.Applicant(k); !ok {
				src.problem(src.line("form", i, "applicants", j), "applicant kind %q is not among the applicants", k)
			}
		}
		props, _ := f.Schema["properties"].(map[string]any)
		for name, p := range props {
			properties[name] = true
			if m, ok := p.(map[string]any); !ok || m["label"] == nil {
				src.problem(src.line("form", i, "schema", "properties", name), "the field %q has no label", name)
			}
		}
	}
	r.forms = make(map[ApplicantKind]*jsonschema.Schema, len(r.Applicants))
	for _, a := range r.Applicants {
		schema, err := compile(r.schema(a.Kind))
		if err != nil {
			src.problem(src.line("form"), "the form for %s is no JSON Schema: %v", a.Kind, err)
		}
		r.forms[a.Kind] = schema
	}
	for i, f := range r.Licence.Fields {
		if !properties[f] {
			src.problem(src.line("licence", "fields", i), "the form has no field %q", f)
		}
	}
	if r.Licence.Subtypes != "" && !properties[r.Licence.Subtypes] {
		src.problem(src.line("licence", "subtypes"), "the form has no field %q", r.Licence.Subtypes)
	}
	if r.Licence.Subtypes != "" && len(r.subtypeNames()) == 0 {
		src.problem(src.line("licence", "subtypes"), "the field %q names no sub-types: it needs items.oneOf with const and label", r.Licence.Subtypes)
	}
	if r.Licence.Basis.EN == "" || r.Licence.Conditions.EN == "" || r.Licence.Years < 0 {
		src.problem(src.line("licence"), "licence needs basis and conditions, and years of 0 (unlimited) or more")
	}
}

// compile brings a schema to the numbers that a JSON decoder would give, and compiles it.
func compile(schema map[string]any) (*jsonschema.Schema, error) {
	raw, err := json.Marshal(schema)
	if err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	// A regulation is one file: a reference out of it is never followed.
	c.UseLoader(noLoader{})
	if err := c.AddResource("form.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("form.json")
}

type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("a form may not refer to %s", url)
}

func (r *Regulation) checkDocuments(src *source) {
	seen := map[string]bool{}
	for i, d := range r.Documents {
		line := src.line("documents", i)
		if !isKey(d.Key) || seen[d.Key] || d.Name.EN == "" {
			src.problem(line, "a document needs a name and a key that stands once")
		}
		seen[d.Key] = true
		for j, k := range d.Applicants {
			if _, ok := r.Applicant(k); !ok {
				src.problem(src.line("documents", i, "applicants", j), "applicant kind %q is not among the applicants", k)
			}
		}
		if len(d.Types) == 0 {
			src.problem(line, "document %q allows no type of file", d.Key)
		}
		for j, t := range d.Types {
			if attachmentTypes[t] == nil {
				src.problem(src.line("documents", i, "types", j), "type %q is not one that can be checked", t)
			}
		}
		if d.MaxBytes <= 0 || d.MaxBytes > maxAttachment {
			src.problem(line, "document %q: maxBytes must be 1 to %d", d.Key, maxAttachment)
		}
	}
	for i, item := range r.Review {
		if !isKey(item.Key) || seen[item.Key] || item.Name.EN == "" {
			src.problem(src.line("review", i), "a review question needs a name and a key of its own")
		}
		seen[item.Key] = true
	}
}

func (r *Regulation) checkSurvey(src *source) {
	for i, q := range r.Survey {
		if q.Text.EN == "" || len(q.Answers) < 2 || q.Measure != "quality" && q.Measure != "accessibility" {
			src.problem(src.line("survey", i), "a survey question needs text, answers, and measures quality or accessibility")
		}
	}
}

func isKey(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
