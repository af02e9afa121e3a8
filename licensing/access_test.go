// SPDX-License-Identifier: Apache-2.0

package licensing_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"rastau/licensing"
)

// TestAccessLogged: who reads which case stands in the log, who tried in vain
// too, and no personal data do.
func TestAccessLogged(t *testing.T) {
	h := newHouse(t)
	app := h.registered(t)
	h.log.Reset()
	_, err := h.service.Application(t.Context(), officer, app.ID)
	must(t, err)
	_, _, err = h.service.AttachmentContent(t.Context(), officer, app.ID, app.Attachments[0].SHA256)
	must(t, err)
	if _, err := h.service.Application(t.Context(), licensing.Actor{ID: "curious", Applicant: true}, app.ID); !errors.Is(err, licensing.ErrForbidden) {
		t.Fatal(err)
	}
	_, err = h.service.Applications(t.Context(), officer, "", 0)
	must(t, err)
	text := h.log.String()
	seen := map[string]int{}
	for line := range strings.Lines(text) {
		var l struct{ Msg, Actor, Application, Part string }
		must(t, json.Unmarshal([]byte(line), &l))
		if l.Application == app.ID {
			part, _, _ := strings.Cut(l.Part, " ")
			seen[l.Msg+" "+part+" by "+l.Actor]++
		}
	}
	for _, want := range []string{"case read application by officer-1", "case read attachment by officer-1", "case refused application by curious", "case read list by officer-1"} {
		if seen[want] == 0 {
			t.Errorf("not in the log: %s (%v)", want, seen)
		}
	}
	for _, personal := range []string{personIIN, "Ғаниева", "example.kz", "біліктілік"} {
		if strings.Contains(text, personal) {
			t.Errorf("%q stands in the log", personal)
		}
	}
}
