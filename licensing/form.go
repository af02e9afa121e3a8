// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
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
