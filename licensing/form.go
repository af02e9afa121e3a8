// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"gopkg.in/yaml.v3"
)

// fieldProblem names the field that does not fit, the innermost where several
// complaints are one inside the other. The value itself stays out: it may be
// personal.
func fieldProblem(v *jsonschema.ValidationError) error {
	leaf := innermost(v)
	location := append([]string{"fields"}, leaf.InstanceLocation...)
	problem := ""
	switch k := leaf.ErrorKind.(type) {
	case *kind.Required:
		location = append(location, k.Missing[0])
		problem = "is required"
	case *kind.FalseSchema, *kind.AdditionalProperties:
		problem = "is not a field of this form"
	case *kind.Type:
		problem = "must be of type " + strings.Join(k.Want, " or ")
	case *kind.Const, *kind.Enum, *kind.OneOf:
		problem = "is not one of the allowed values"
	case *kind.Format:
		problem = "must be written as " + k.Want
	case *kind.Pattern:
		problem = "must look like " + k.Want
	case *kind.MinLength:
		problem = fmt.Sprintf("must have at least %d characters", k.Want)
	case *kind.MaxLength:
		problem = fmt.Sprintf("must not have more than %d characters", k.Want)
	case *kind.MinItems:
		problem = fmt.Sprintf("must have at least %d entries", k.Want)
	case *kind.MaxItems:
		problem = fmt.Sprintf("must not have more than %d entries", k.Want)
	case *kind.UniqueItems:
		problem = "must not repeat an entry"
	default:
		problem = "does not fit the form: " + strings.Join(leaf.ErrorKind.KeywordPath(), "/")
	}
	return badInput(strings.Join(location, "."), "%s", problem)
}

// innermost finds the deepest complaint. A field that does not fit its step is
// also reported as one that no step knows; that echo counts only alone.
func innermost(v *jsonschema.ValidationError) *jsonschema.ValidationError {
	var best *jsonschema.ValidationError
	var visit func(v *jsonschema.ValidationError)
	visit = func(v *jsonschema.ValidationError) {
		if len(v.Causes) == 0 {
			if best == nil || weight(v) > weight(best) {
				best = v
			}
			return
		}
		for _, c := range v.Causes {
			visit(c)
		}
	}
	visit(v)
	return best
}

func weight(v *jsonschema.ValidationError) int {
	if _, echo := v.ErrorKind.(*kind.FalseSchema); echo {
		return 0
	}
	return 1 + len(v.InstanceLocation)
}

func (r *Regulation) checkForm(src *source) {
	properties := map[string]map[string]any{}
	seen, names, sound := map[string]bool{}, map[string]bool{}, true
	fieldNames(src.node("form"), names)
	for i, f := range r.Form {
		if f.Name.EN == "" || !isKey(f.Key) || seen[f.Key] {
			src.problem(src.line("form", i), "a form step needs a name and a key that stands once")
		}
		seen[f.Key] = true
		if f.Part != "" && !slices.Contains(knownParts, f.Part) {
			src.problem(src.line("form", i, "part"), "part %q is not one of %v", f.Part, knownParts)
		}
		if f.Part == "" && f.Schema == nil {
			src.problem(src.line("form", i), "the form step %q has no schema", f.Key)
		}
		r.checkOperationKeys(src, f.Operations, "form", i)
		for j, key := range f.RequiredIn {
			if _, ok := r.Operation(key); !ok {
				src.problem(src.line("form", i, "requiredIn", j), "there is no operation %q", key)
			}
		}
		for j, k := range f.Applicants {
			if _, ok := r.Applicant(k); !ok {
				src.problem(src.line("form", i, "applicants", j), "applicant kind %q is not among the applicants", k)
			}
		}
		if f.Schema != nil {
			before := len(src.problems)
			src.checkSchema(src.node("form", i, "schema"), names)
			if len(src.problems) == before { // else what is wrong has been named already
				src.checkCompiles(f.Schema, i)
			}
			sound = sound && len(src.problems) == before
		}
		props, _ := f.Schema["properties"].(map[string]any)
		for name, p := range props {
			m, ok := p.(map[string]any)
			if !ok || m["label"] == nil {
				src.problem(src.line("form", i, "schema", "properties", name), "the field %q has no label", name)
			}
			if f.Part == "" {
				properties[name] = m
			}
		}
	}
	r.forms = make(map[formKey]*jsonschema.Schema, len(r.Applicants)*len(r.Operations))
	for _, a := range r.Applicants {
		for _, o := range r.Operations {
			schema, err := compile(r.schema(a.Kind, o.Key))
			if err != nil && sound { // else its step was named already
				src.problem(src.line("form"), "the form for %s of a %s is no JSON Schema: %v", o.Key, a.Kind, err)
			}
			r.forms[formKey{a.Kind, o.Key}] = schema
		}
	}
	r.checkDeterminants(src, properties)
	for i, f := range r.Licence.Fields {
		if properties[f] == nil {
			src.problem(src.line("licence", "fields", i), "the form has no field %q", f)
		}
	}
	if r.Licence.Subtypes != "" && properties[r.Licence.Subtypes] == nil {
		src.problem(src.line("licence", "subtypes"), "the form has no field %q", r.Licence.Subtypes)
	}
	if r.Licence.Subtypes != "" && len(r.subtypeNames()) == 0 {
		src.problem(src.line("licence", "subtypes"), "the field %q names no sub-types: it needs items.oneOf with const and label", r.Licence.Subtypes)
	}
	if r.Licence.Basis.EN == "" || r.Licence.Conditions.EN == "" || r.Licence.Years < 0 {
		src.problem(src.line("licence"), "licence needs basis and conditions, and years of 0 (unlimited) or more")
	}
}

// schemaKeywords are the words of JSON Schema that forms use, and label. A
// schema ignores words that it does not know, so that a slip of the pen would
// let everything pass: here it is a mistake.
var schemaKeywords = []string{
	"type", "required", "properties", "additionalProperties", "items", "oneOf", "anyOf", "const", "enum", "format", "pattern", "label",
	"minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "uniqueItems",
}

// fieldNames are those of all steps: one step may ask for what another shows.
func fieldNames(n *yaml.Node, into map[string]bool) {
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 && n.Content[i-1].Value == "properties" {
			for j := 0; j < len(c.Content); j += 2 {
				into[c.Content[j].Value] = true
			}
		}
		fieldNames(c, into)
	}
}

func (s *source) checkSchema(n *yaml.Node, names map[string]bool) {
	switch n.Kind {
	case yaml.SequenceNode:
		for _, c := range n.Content {
			s.checkSchema(c, names)
		}
		return
	case yaml.MappingNode:
	default:
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if !slices.Contains(schemaKeywords, key.Value) {
			s.problem(key.Line, "%q is no word of a form's schema", key.Value)
		}
		switch key.Value {
		case "pattern":
			if _, err := regexp.Compile(value.Value); err != nil {
				s.problem(value.Line, "the pattern cannot be read: %v", err)
			}
		case "required":
			for _, name := range value.Content {
				if !names[name.Value] { // then nothing that anybody fills in would do
					s.problem(name.Line, "the field %q is required, and the form has none of this name", name.Value)
				}
			}
		case "items", "oneOf", "anyOf", "additionalProperties":
			s.checkSchema(value, names)
		case "properties":
			for j := 1; j < len(value.Content); j += 2 {
				s.checkSchema(value.Content[j], names)
			}
		}
	}
}

// checkCompiles holds a step's schema to JSON Schema itself. What does not fit is named where it stands.
func (s *source) checkCompiles(schema map[string]any, step int) {
	_, err := compile(schema)
	if err == nil {
		return
	}
	line, why := s.line("form", step, "schema"), err.Error()
	var unfit *jsonschema.SchemaValidationError
	var found *jsonschema.ValidationError
	if errors.As(err, &unfit) && errors.As(unfit.Err, &found) {
		leaf := innermost(found)
		n := s.node("form", step, "schema")
		for _, part := range leaf.InstanceLocation {
			next := child(n, part)
			if i, err := strconv.Atoi(part); err == nil && n.Kind == yaml.SequenceNode && i < len(n.Content) {
				next = n.Content[i]
			}
			if next == nil {
				break
			}
			n = next
		}
		line, why = n.Line, fmt.Sprintf("%q does not fit there", strings.Join(leaf.InstanceLocation, "/"))
		if n.Kind == yaml.ScalarNode {
			why = fmt.Sprintf("%q does not fit there", n.Value)
		}
	}
	s.problem(line, "the schema of a form step is no JSON Schema: %s", why)
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
		if d.Key == DocumentConsent {
			src.problem(line, "the document %q is asked for on the centre's path whatever the regulation lists: leave it out", d.Key)
		}
		r.checkOperationKeys(src, d.Operations, "documents", i)
		for j, p := range d.Paths {
			if _, ok := r.Path(p); !ok {
				src.problem(src.line("documents", i, "paths", j), "there is no path %q", p)
			}
		}
		for j, k := range d.Applicants {
			if _, ok := r.Applicant(k); !ok {
				src.problem(src.line("documents", i, "applicants", j), "applicant kind %q is not among the applicants", k)
			}
		}
		if len(d.Types) == 0 {
			src.problem(line, "document %q allows no type of file", d.Key)
		}
		for j, t := range d.Types {
			if !slices.Contains(attachmentTypes, t) {
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

// checkDeterminants holds every condition on a form's answer to the form: the
// field exists and can hold each of the values.
func (r *Regulation) checkDeterminants(src *source, properties map[string]map[string]any) {
	for i, d := range r.Documents {
		if d.When == nil {
			continue
		}
		field := properties[d.When.Field]
		if field == nil || len(d.When.Is) == 0 {
			src.problem(src.line("documents", i, "when"), "document %q: when needs a field of the form and the values that it is asked for", d.Key)
			continue
		}
		for j, value := range d.When.Is {
			if allowed := choices(field); !slices.Contains(allowed, value) {
				src.problem(src.line("documents", i, "when", "is", j), "document %q: the field %q is never %q", d.Key, d.When.Field, value)
			}
		}
	}
}

// choices are the values that a field allows, alone (oneOf) or as entries (items.oneOf).
func choices(field map[string]any) []string {
	if items, ok := field["items"].(map[string]any); ok {
		field = items
	}
	list, _ := field["oneOf"].([]any)
	var out []string
	for _, c := range list {
		choice, _ := c.(map[string]any)
		if code, ok := choice["const"].(string); ok {
			out = append(out, code)
		}
	}
	return out
}
