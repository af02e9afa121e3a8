// SPDX-License-Identifier: Apache-2.0

package console

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"rastau/internal/phrase"
	"rastau/licensing"
)

// A screen of the form is drawn from its JSON Schema: what the schema says of a property decides how it is asked for.

// field is one property of a screen as the template draws it.
type field struct {
	Name     string // of the input: the path in the form's data, joined by dots
	Kind     string // text, date, number, yes, choice, choices, rows
	Label    string
	Value    string
	Required bool
	Options  []option
	Rows     [][]field // of rows: one set of fields an entry
	Error    string
}

type option struct {
	Value, Label string
	Chosen       bool
}

// fieldsOf draws the properties of a screen with the values that the draft has.
func fieldsOf(f licensing.FormStep, operation string, values map[string]any, lang phrase.Lang, errs []fieldError) []field {
	required := len(f.RequiredIn) == 0 || slices.Contains(f.RequiredIn, operation)
	return properties(f.Schema, "", values, required, lang, errs)
}

func properties(schema map[string]any, prefix string, values map[string]any, required bool, lang phrase.Lang, errs []fieldError) []field {
	props, _ := schema["properties"].(map[string]any)
	needed := map[string]bool{}
	for _, n := range listOf(schema["required"]) {
		if s, ok := n.(string); ok {
			needed[s] = true
		}
	}
	var out []field
	for _, name := range ordered(schema, props) {
		p, _ := props[name].(map[string]any)
		fd := draw(p, prefix+name, values[name], lang, errs)
		fd.Required = required && needed[name]
		fd.Error = complaint(errs, fd.Name)
		out = append(out, fd)
	}
	return out
}

// ordered puts required properties first, then the others, each by name: a map has no order of its own.
func ordered(schema, props map[string]any) []string {
	var first []string
	for _, n := range listOf(schema["required"]) {
		if s, ok := n.(string); ok && props[s] != nil {
			first = append(first, s)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(props)) {
		if !slices.Contains(first, n) {
			first = append(first, n)
		}
	}
	return first
}

func draw(p map[string]any, name string, value any, lang phrase.Lang, errs []fieldError) field {
	fd := field{Name: name, Kind: "text", Label: labelOf(p, lang)}
	switch {
	case p["const"] == true:
		fd.Kind = "yes"
		if value == true {
			fd.Value = "yes"
		}
	case p["type"] == "array":
		items, _ := p["items"].(map[string]any)
		if choices := optionsOf(items, lang); choices != nil {
			fd.Kind, fd.Options = "choices", choices
			chosen := listOf(value)
			for i := range fd.Options {
				fd.Options[i].Chosen = slices.ContainsFunc(chosen, func(v any) bool { return fmt.Sprint(v) == fd.Options[i].Value })
			}
			return fd
		}
		fd.Kind = "rows"
		for i, entry := range listOf(value) {
			m, _ := entry.(map[string]any)
			fd.Rows = append(fd.Rows, properties(items, name+"."+strconv.Itoa(i)+".", m, true, lang, errs))
		}
		return fd
	case optionsOf(p, lang) != nil:
		fd.Kind, fd.Options = "choice", optionsOf(p, lang)
		for i := range fd.Options {
			fd.Options[i].Chosen = value != nil && fmt.Sprint(value) == fd.Options[i].Value
		}
	case p["type"] == "integer" || p["type"] == "number":
		fd.Kind, fd.Value = "number", text(value)
	case p["format"] == "date":
		fd.Kind, fd.Value = "date", text(value)
	default:
		fd.Value = text(value)
	}
	return fd
}

func text(v any) string {
	switch x := v.(type) {
	case nil:
		return ""
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

func listOf(v any) []any {
	l, _ := v.([]any)
	return l
}

func labelOf(p map[string]any, lang phrase.Lang) string {
	l, _ := p["label"].(map[string]any)
	t := phrase.Text{KK: text(l["kk"]), RU: text(l["ru"]), EN: text(l["en"])}
	return t.In(lang)
}

func optionsOf(p map[string]any, lang phrase.Lang) []option {
	var out []option
	for _, o := range listOf(p["oneOf"]) {
		m, _ := o.(map[string]any)
		if m["const"] == nil || m["label"] == nil {
			return nil
		}
		out = append(out, option{Value: text(m["const"]), Label: labelOf(m, lang)})
	}
	return out
}

func complaint(errs []fieldError, name string) string {
	for _, e := range errs {
		if e.Field == name {
			return e.Text
		}
	}
	return ""
}

// posted reads a screen's values out of what was posted and puts them into the draft's fields; what was left empty is absent.
// Rows that are empty altogether go.
func posted(f licensing.FormStep, form url.Values, fields map[string]any) {
	props, _ := f.Schema["properties"].(map[string]any)
	for name, p := range props {
		m, _ := p.(map[string]any)
		if v := read(m, name, form); v != nil {
			fields[name] = v
		} else {
			delete(fields, name)
		}
	}
}

// maxRows bounds the entries of one list that are looked for in a form.
const maxRows = 200

func read(p map[string]any, name string, form url.Values) any {
	given := strings.TrimSpace(form.Get(name))
	switch {
	case p["const"] == true:
		if given == "yes" {
			return true
		}
		return nil
	case p["type"] == "array":
		items, _ := p["items"].(map[string]any)
		if optionsOf(items, phrase.KK) != nil {
			var out []any
			for _, v := range form[name] {
				out = append(out, v)
			}
			if out == nil {
				return nil
			}
			return out
		}
		var out []any
		props, _ := items["properties"].(map[string]any)
		for i := range maxRows {
			row := map[string]any{}
			for n, q := range props {
				m, _ := q.(map[string]any)
				if v := read(m, name+"."+strconv.Itoa(i)+"."+n, form); v != nil {
					row[n] = v
				}
			}
			if len(row) > 0 {
				out = append(out, row)
			}
		}
		if out == nil {
			return nil
		}
		return out
	case given == "":
		return nil
	case p["type"] == "integer" || p["type"] == "number":
		// A number that is none stays as it was written: the schema says what is wrong with it.
		if n, err := strconv.ParseFloat(strings.ReplaceAll(given, ",", "."), 64); err == nil {
			return n
		}
	case p["format"] == "date":
		if d, ok := isoDate(given); ok {
			return d
		}
	}
	return given
}

// isoDate reads 2026-11-21 and 21.11.2026.
func isoDate(s string) (string, bool) {
	var d, m, y int
	if n, err := fmt.Sscanf(s, "%d.%d.%d", &d, &m, &y); err == nil && n == 3 {
		return fmt.Sprintf("%04d-%02d-%02d", y, m, d), true
	}
	return s, licensing.Day(s).Valid()
}

// valuesOf reads a draft's fields; a draft without any has none.
func valuesOf(raw json.RawMessage) map[string]any {
	out := map[string]any{}
	if json.Unmarshal(raw, &out) != nil || out == nil {
		return map[string]any{}
	}
	return out
}

// addRow makes room for another entry in a list.
func addRow(fields map[string]any, name string) {
	fields[name] = append(listOf(fields[name]), map[string]any{})
}

// answers are a screen's values in words, for checking before signing.
type answer struct{ Label, Value string }

func answersOf(f licensing.FormStep, values map[string]any, lang phrase.Lang, yes string) []answer {
	var out []answer
	for _, fd := range fieldsOf(f, "", values, lang, nil) {
		out = append(out, words(fd, lang, yes)...)
	}
	return out
}

func words(fd field, lang phrase.Lang, yes string) []answer {
	switch fd.Kind {
	case "yes":
		if fd.Value == "" {
			return nil
		}
		return []answer{{fd.Label, yes}}
	case "choice", "choices":
		var chosen []string
		for _, o := range fd.Options {
			if o.Chosen {
				chosen = append(chosen, o.Label)
			}
		}
		if len(chosen) == 0 {
			return nil
		}
		return []answer{{fd.Label, strings.Join(chosen, "; ")}}
	case "rows":
		var out []answer
		for i, row := range fd.Rows {
			var parts []string
			for _, f := range row {
				for _, a := range words(f, lang, yes) {
					parts = append(parts, a.Value)
				}
			}
			out = append(out, answer{fd.Label + " " + strconv.Itoa(i+1), strings.Join(parts, ", ")})
		}
		return out
	}
	if fd.Value == "" {
		return nil
	}
	if fd.Kind == "number" && lang != phrase.EN {
		fd.Value = strings.Replace(fd.Value, ".", ",", 1) // the decimal mark of Kazakh and Russian
	}
	if fd.Kind == "date" && len(fd.Value) == 10 {
		fd.Value = fd.Value[8:] + "." + fd.Value[5:7] + "." + fd.Value[:4]
	}
	return []answer{{fd.Label, fd.Value}}
}
