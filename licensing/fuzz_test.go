// SPDX-License-Identifier: Apache-2.0

package licensing_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"testing"
	"unicode/utf8"

	"rastau/internal/phrase"
	"rastau/licensing"
)

// FuzzRegulation: no file makes the loader panic; what loads marshals and is
// drawn, or has too many steps for a sheet.
func FuzzRegulation(f *testing.F) {
	files, err := fs.Glob(os.DirFS("regulations"), "*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatal("no regulation to begin with", err)
	}
	for _, name := range files {
		data, err := os.ReadFile("regulations/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("key: a\npaths:\n  - {key: p, steps: [{number: 1, next: [{to: 1}]}]}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := licensing.LoadRegulation("fuzz.yaml", data)
		if err != nil {
			return
		}
		if _, err := json.Marshal(r); err != nil {
			t.Fatal(err)
		}
		for _, key := range r.PathKeys() {
			if svg, err := r.Diagram(key, phrase.KK); err == nil && !utf8.Valid(svg) {
				t.Fatal("the drawing is no text")
			}
		}
	})
}

// FuzzData: calendars, rates and authorities likewise.
func FuzzData(f *testing.F) {
	for _, name := range []string{"calendar.yaml", "mrp.yaml"} {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("- {officer: a, name: b, licensor: \"120940948216\", from: 2026-01-01}\n"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		_, _ = licensing.LoadCalendar("fuzz.yaml", data)
		_, _ = licensing.LoadRates("fuzz.yaml", data)
		_, _ = licensing.LoadAuthorities(data)
	})
}

// FuzzNumber: a number that is accepted has the form of one.
func FuzzNumber(f *testing.F) {
	f.Add("KZ00ZZZ00000001")
	f.Add("KZ98ZZZ99999999")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		err := licensing.ParseNumber(s)
		var input *licensing.InputError
		if err != nil && !errors.As(err, &input) {
			t.Fatal(err)
		}
		if err == nil && (len(s) != 15 || s[:2] != "KZ") {
			t.Fatalf("%q is accepted", s)
		}
	})
}

// FuzzFields: no form makes Apply panic; what it keeps is canonical already.
func FuzzFields(f *testing.F) {
	h := newHouse(f)
	f.Add([]byte(h.form(f).Fields))
	f.Add([]byte(`{"consent":true,"subtypes":[],"vehicles":[{"year":1e400}]}`))
	f.Add([]byte("{\"a\":\"\\ud800\"}"))
	f.Fuzz(func(t *testing.T, fields []byte) {
		n := h.form(t)
		n.Fields = fields
		app, err := h.service.Apply(t.Context(), applicant, n)
		if err != nil {
			var input *licensing.InputError
			if !errors.As(err, &input) {
				t.Fatal(err)
			}
			return
		}
		n.Fields = app.Fields
		again, err := h.service.Apply(t.Context(), applicant, n)
		if err != nil || string(again.Fields) != string(app.Fields) {
			t.Fatalf("%s became %v %v", app.Fields, again, err)
		}
	})
}
