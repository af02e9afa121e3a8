// SPDX-License-Identifier: Apache-2.0

package licensing_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rastau/licensing"
	"rastau/verifier"
)

// Three answers, each with its reason, whatever the others are.
func TestAnswers(t *testing.T) {
	h := newHouse(t)
	done, err := h.service.Decide(t.Context(), officer, h.registered(t).ID, approval)
	must(t, err)
	l, err := h.service.Licence(t.Context(), done.Licence)
	must(t, err)
	changed := bytes.Clone(l.PDF)
	changed[bytes.Index(changed, []byte("/CreationDate(D:"))+16] ^= 1
	now := h.options.Authorities
	ended := slices.Clone(now)
	for i := range ended {
		ended[i].Until = ended[i].From.Add(time.Second)
	}
	other := slices.Clone(now)
	for i := range other {
		other[i].Licensor = "990140000002"
	}
	tests := []struct {
		name     string
		file     []byte
		register bool
		table    []licensing.Authority
		want     string // intact, in force, from the licensor
		why      [3]string
	}{
		{"genuine, with the register", l.PDF, true, nil, "true true true", [3]string{"unchanged", "in force today", "was listed"}},
		{"the signed data, with the register", l.Signed, true, nil, "true true true", [3]string{"unchanged", "in force today", "was listed"}},
		{"genuine, with a table alone", l.PDF, false, now, "true null true", [3]string{"unchanged", "register was not asked", "was listed"}},
		{"genuine, with nothing", l.PDF, false, nil, "true null null", [3]string{"unchanged", "register was not asked", "No table"}},
		{"a table whose line has ended", l.PDF, false, ended, "true null false", [3]string{"unchanged", "register was not asked", "not listed"}},
		{"a table for another body", l.PDF, false, other, "true null false", [3]string{"unchanged", "register was not asked", "not listed"}},
		{"changed", changed, false, now, "false null false", [3]string{"altered", "register was not asked", "altered"}},
		{"no licence", []byte("hello"), false, now, "null null false", [3]string{"", "register was not asked", ""}},
		{"a number alone", nil, true, nil, "null true true", [3]string{"No file", "in force today", "was listed"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var report *verifier.Report
			number := done.Licence
			if tt.file != nil {
				report, number = h.verifier.Document(t.Context(), tt.file, h.options.Question()), ""
			}
			var register *licensing.LicenceCheck
			if tt.register {
				c := h.service.CheckLicence(t.Context(), report, tt.file, number)
				register = &c
			}
			a := licensing.AnswersOf(report, tt.file, register, tt.table)
			var got []string
			for i, one := range []licensing.Answer{a.Intact, a.InForce, a.FromLicensor} {
				switch {
				case one.Is == nil:
					got = append(got, "null")
				default:
					got = append(got, fmt.Sprint(*one.Is))
				}
				if one.Why.KK == "" || one.Why.KK == one.Why.EN || !strings.Contains(one.Why.EN, tt.why[i]) {
					t.Errorf("answer %d: %+v, want %q", i, one.Why, tt.why[i])
				}
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("%s, want %s", s, tt.want)
			}
		})
	}
}
