// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// Screens are the steps of the form that an applicant of this kind sees in an operation, in the order's order. Those with a Part
// fill another part of the application than its fields.
func (r *Regulation) Screens(k ApplicantKind, operation string) []FormStep {
	var out []FormStep
	for _, f := range r.Form {
		if f.shows(k, operation) {
			out = append(out, f)
		}
	}
	return out
}

// CheckScreen holds the fields of one screen to its schema, so that a person hears on the page itself what is missing. It answers
// every complaint, each once; what other screens ask for is not its matter.
func (r *Regulation) CheckScreen(f FormStep, operation string, fields json.RawMessage) []*InputError {
	schema, err := compile(f.schemaFor(operation))
	if err != nil {
		return []*InputError{{Field: "fields", Problem: "cannot be judged: " + err.Error()}}
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(fields))
	if err != nil {
		return []*InputError{{Field: "fields", Problem: "must be JSON"}}
	}
	var v *jsonschema.ValidationError
	if err := schema.Validate(doc); !errors.As(err, &v) {
		return nil
	}
	var out []*InputError
	seen := map[string]bool{}
	var visit func(v *jsonschema.ValidationError)
	visit = func(v *jsonschema.ValidationError) {
		if len(v.Causes) > 0 {
			for _, c := range v.Causes {
				visit(c)
			}
			return
		}
		for _, missing := range required(v) {
			var e *InputError
			if errors.As(fieldProblem(missing), &e) && !seen[e.Field] {
				seen[e.Field] = true
				out = append(out, e)
			}
		}
	}
	visit(v)
	return out
}

// required takes a complaint about several missing properties apart, so that each is named.
func required(v *jsonschema.ValidationError) []*jsonschema.ValidationError {
	r, ok := v.ErrorKind.(*kind.Required)
	if !ok || len(r.Missing) < 2 {
		return []*jsonschema.ValidationError{v}
	}
	out := make([]*jsonschema.ValidationError, len(r.Missing))
	for i, name := range r.Missing {
		one := *v
		one.ErrorKind = &kind.Required{Missing: []string{name}}
		out[i] = &one
	}
	return out
}
