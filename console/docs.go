// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Problem is a kind of refusal of the API; its type leads to a page here (RFC 9457 §3.1.1).
type Problem struct {
	Code   string
	Status int
}

// The API's description as people read it: one page lists the routes, one shows each. It is made from openapi.json, so that it
// cannot say anything else than what programs read.

type docTag struct {
	Name, Description string
	Operations        []*docOperation
}

type docOperation struct {
	ID, Method, Path, Summary, Description string
	Roles                                  []string // none: everybody
	Token                                  bool
	Parameters                             []docField
	Bodies                                 []docBody
	Answers                                []docAnswer
}

type docField struct {
	Name, In, Type, Description, Example string
	Required                             bool
}

type docBody struct {
	Type    string // media type
	Fields  []docField
	Example string // JSON
}

type docAnswer struct {
	Status, Description string
	Types               []string
	Fields              []docField
}

// docs is the description, read once.
type docs struct {
	tags []docTag
	byID map[string]*docOperation
}

// maxDepth bounds how deep the fields of a schema are told.
const maxDepth = 3

type openAPI struct {
	root map[string]any
}

// readDocs reads a description of OpenAPI 3.1; nil where there is none.
func readDocs(description []byte) (*docs, error) {
	if len(description) == 0 {
		return nil, nil
	}
	var file struct {
		Tags  []docTag                             `json:"tags"`
		Paths map[string]map[string]map[string]any `json:"paths"`
	}
	d := openAPI{}
	if err := json.Unmarshal(description, &d.root); err != nil {
		return nil, fmt.Errorf("console: the API's description: %w", err)
	}
	if err := json.Unmarshal(description, &file); err != nil {
		return nil, fmt.Errorf("console: the API's description: %w", err)
	}
	out := &docs{tags: file.Tags, byID: map[string]*docOperation{}}
	for _, path := range slices.Sorted(maps.Keys(file.Paths)) {
		for _, method := range []string{"get", "post", "put", "patch", "delete"} {
			raw, there := file.Paths[path][method]
			if !there {
				continue
			}
			o := d.operation(raw)
			o.Method, o.Path = strings.ToUpper(method), path
			tag := ""
			if tags := listOf(raw["tags"]); len(tags) > 0 {
				tag = text(tags[0])
			}
			i := slices.IndexFunc(out.tags, func(t docTag) bool { return t.Name == tag })
			if i < 0 || o.ID == "" || out.byID[o.ID] != nil {
				return nil, fmt.Errorf("console: the API's description: %s %s has no known tag or no operationId of its own", method, path)
			}
			out.tags[i].Operations = append(out.tags[i].Operations, o)
			out.byID[o.ID] = o
		}
	}
	return out, nil
}

// resolve follows a reference within the description.
func (d openAPI) resolve(v any) map[string]any {
	m, _ := v.(map[string]any)
	for range 8 {
		ref, is := m["$ref"].(string)
		if !is {
			return m
		}
		at := d.root
		for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
			at, _ = at[part].(map[string]any)
		}
		m = at
	}
	return m
}

func (d openAPI) operation(raw map[string]any) *docOperation {
	o := &docOperation{ID: text(raw["operationId"]), Summary: text(raw["summary"]), Description: text(raw["description"]), Token: len(listOf(raw["security"])) > 0}
	for _, r := range listOf(raw["x-roles"]) {
		o.Roles = append(o.Roles, text(r))
	}
	for _, p := range listOf(raw["parameters"]) {
		m := d.resolve(p)
		schema := d.resolve(m["schema"])
		o.Parameters = append(o.Parameters, docField{Name: text(m["name"]), In: text(m["in"]), Type: d.kind(schema), Description: text(m["description"]),
			Required: m["required"] == true, Example: exampleOf(m, schema)})
	}
	body := d.resolve(raw["requestBody"])
	content, _ := body["content"].(map[string]any)
	for _, media := range slices.Sorted(maps.Keys(content)) {
		m, _ := content[media].(map[string]any)
		b := docBody{Type: media, Fields: d.fields(m["schema"], "", 1)}
		example := m["example"]
		if all, _ := m["examples"].(map[string]any); example == nil && len(all) > 0 {
			first := d.resolve(all[slices.Sorted(maps.Keys(all))[0]])
			example = first["value"]
		}
		if example != nil && strings.HasSuffix(media, "json") {
			b.Example = indented(example)
		}
		o.Bodies = append(o.Bodies, b)
	}
	answers, _ := raw["responses"].(map[string]any)
	for _, status := range slices.Sorted(maps.Keys(answers)) {
		m := d.resolve(answers[status])
		a := docAnswer{Status: status, Description: text(m["description"])}
		content, _ := m["content"].(map[string]any)
		a.Types = slices.Sorted(maps.Keys(content))
		if status[0] == '2' {
			if m, is := content["application/json"].(map[string]any); is {
				a.Fields = d.fields(m["schema"], "", 1)
			}
		}
		o.Answers = append(o.Answers, a)
	}
	return o
}

// fields tells the properties of a schema, those of objects within by their path.
func (d openAPI) fields(schema any, prefix string, depth int) (out []docField) {
	m := d.resolve(schema)
	if m["type"] == "array" {
		return d.fields(m["items"], prefix, depth)
	}
	for _, part := range listOf(m["allOf"]) {
		out = append(out, d.fields(part, prefix, depth)...)
	}
	props, _ := m["properties"].(map[string]any)
	for _, name := range ordered(m, props) {
		p := d.resolve(props[name])
		out = append(out, docField{Name: prefix + name, Type: d.kind(p), Description: text(p["description"]), Example: exampleOf(p, p),
			Required: slices.Contains(listOf(m["required"]), any(name))})
		if depth < maxDepth {
			out = append(out, d.fields(p, prefix+name+".", depth+1)...)
		}
	}
	return out
}

// kind is the type of a schema in a word or two.
func (d openAPI) kind(m map[string]any) string {
	var kinds []string
	switch t := m["type"].(type) {
	case string:
		kinds = append(kinds, t)
	case []any:
		for _, one := range t {
			kinds = append(kinds, text(one))
		}
	}
	kind := strings.Join(kinds, " | ")
	if kind == "array" {
		if of := d.kind(d.resolve(m["items"])); of != "" {
			kind = of + "[]"
		}
	}
	if format := text(m["format"]); format != "" {
		kind += " (" + format + ")"
	}
	if values := listOf(m["enum"]); len(values) > 0 {
		var words []string
		for _, v := range values {
			words = append(words, text(v))
		}
		kind = strings.Join(words, " | ")
	}
	return kind
}

func exampleOf(m, schema map[string]any) string {
	for _, v := range []any{m["example"], schema["example"]} {
		if v != nil {
			return short(v)
		}
	}
	if all := listOf(schema["examples"]); len(all) > 0 {
		return short(all[0])
	}
	return ""
}

func short(v any) string {
	if s, is := v.(string); is {
		return s
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(raw)
}

func indented(v any) string {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if e.Encode(v) != nil {
		return ""
	}
	return strings.TrimSpace(out.String())
}

// Curl is the call as a line of a shell.
func (o *docOperation) Curl(base string) string {
	line := "curl -s"
	if o.Method != http.MethodGet {
		line += " -X " + o.Method
	}
	if o.Token {
		line += ` -H "Authorization: Bearer $TOKEN"`
	}
	for _, b := range o.Bodies {
		if b.Example != "" {
			line += " -H 'Content-Type: " + b.Type + "' -d @body.json"
			break
		}
	}
	return line + " '" + base + o.Path + "'"
}

// Body is the example of what is sent, "" where nothing is.
func (o *docOperation) Body() string {
	for _, b := range o.Bodies {
		if b.Example != "" {
			return b.Example
		}
	}
	return ""
}

func (q *request) base() string {
	if q.site.o.Secure {
		return "https://" + q.Host
	}
	return "http://" + q.Host
}

func (s *site) docs(q *request) error {
	if s.described == nil {
		return errMissing
	}
	v := q.view("docs.title")
	v.Data = s.described.tags
	return q.render(http.StatusOK, "docs", v)
}

type operationPage struct {
	*docOperation
	Curl string
}

func (s *site) operation(q *request) error {
	if s.described == nil || s.described.byID[q.PathValue("id")] == nil {
		return errMissing
	}
	o := s.described.byID[q.PathValue("id")]
	v := q.view("docs.title")
	v.Title, v.Back = o.Method+" "+o.Path, "/docs"
	v.Data = operationPage{o, o.Curl(q.base())}
	return q.render(http.StatusOK, "operation", v)
}

// problems lists every kind of refusal; problem explains one.
func (s *site) problems(q *request) error {
	v := q.view("problems.title")
	v.Data = s.o.Problems
	return q.render(http.StatusOK, "problems", v)
}

func (s *site) problem(q *request) error {
	i := slices.IndexFunc(s.o.Problems, func(p Problem) bool { return p.Code == q.PathValue("type") })
	if i < 0 {
		return errMissing
	}
	v := q.view("problem." + s.o.Problems[i].Code + ".title")
	v.Data, v.Back = s.o.Problems[i], "/problems"
	return q.render(http.StatusOK, "problem", v)
}
