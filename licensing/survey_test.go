// SPDX-License-Identifier: Apache-2.0

package licensing_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"rastau/licensing"
)

// TestSurveyIsTheOrders: two questions with three answers each, in the order's
// own words, one for each indicator.
func TestSurveyIsTheOrders(t *testing.T) {
	for file, want := range map[string]string{
		passengerFile: "quality: Сіз электрондық мемлекеттік қызметті көрсету процесінің сапасына және нәтижесіне қанағаттандыңыз ба? 1) қанағаттанбадым 2) ішінара қанағаттандым 3) қанағаттандым\n" +
			"accessibility: Сіз электрондық мемлекеттік қызметті көрсету тәртібі туралы ақпараттың сапасына қанағаттандыңыз ба? 1) қанағаттанбадым 2) ішінара қанағаттандым 3) қанағаттандым\n",
		pipelinesFile: "quality: Электрондық мемлекеттік қызметті көрсету процесінің сапасына және нәтижесіне қанағаттанасыз ба? 1) қанағаттанған жоқпын 2) ішінара қанағаттанамын 3) қанағаттанамын\n" +
			"accessibility: Электрондық мемлекеттік қызметті көрсету тәртібі туралы ақпараттың сапасына қанағаттанасыз ба? 1) қанағаттанған жоқпын 2) ішінара қанағаттанамын 3) қанағаттанамын\n",
	} {
		_, r := regulation(t, file)
		got := ""
		for _, q := range r.Survey {
			got += q.Measure + ": " + q.Text.KK
			for i, a := range q.Answers {
				got += fmt.Sprintf(" %d) %s", i+1, a.KK)
			}
			got += "\n"
		}
		if got != want {
			t.Errorf("%s:\n%s", r.Key, got)
		}
	}
}

// TestSurvey: asked of the one who handed in the application, after the
// result, once; what comes out of it are numbers that name nobody.
func TestSurvey(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	app := h.registered(t)
	answers := map[string]int{"quality": 3, "information": 2}
	if err := h.service.AnswerSurvey(ctx, applicant, app.ID, answers); !errors.Is(err, licensing.ErrState) {
		t.Errorf("before the result: %v", err)
	}
	_, err := h.service.Decide(ctx, officer, app.ID, approval)
	must(t, err)
	before, err := h.service.Survey(ctx, applicant, app.ID)
	must(t, err)
	if len(before.Questions) != 2 || before.Answers != nil || before.At != nil {
		t.Errorf("before the answer: %+v", before)
	}
	for name, other := range map[string]licensing.Actor{"an officer": officer, "somebody": {ID: "applicant-2", Applicant: true}} {
		if err := h.service.AnswerSurvey(ctx, other, app.ID, answers); !errors.Is(err, licensing.ErrForbidden) {
			t.Errorf("%s answers: %v", name, err)
		}
		if _, err := h.service.Survey(ctx, other, app.ID); !errors.Is(err, licensing.ErrForbidden) {
			t.Errorf("%s reads: %v", name, err)
		}
	}
	for name, wrong := range map[string]map[string]int{
		"one question left out": {"quality": 3}, "no such answer": {"quality": 4, "information": 1},
		"zero": {"quality": 0, "information": 1}, "a question of nobody": {"quality": 3, "information": 1, "weather": 1},
	} {
		var input *licensing.InputError
		if err := h.service.AnswerSurvey(ctx, applicant, app.ID, wrong); !errors.As(err, &input) || !strings.HasPrefix(input.Field, "answers") {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, h.service.AnswerSurvey(ctx, applicant, app.ID, answers))
	must(t, h.service.AnswerSurvey(ctx, applicant, app.ID, answers)) // the same again is the same
	if err := h.service.AnswerSurvey(ctx, applicant, app.ID, map[string]int{"quality": 1, "information": 1}); !errors.Is(err, licensing.ErrState) {
		t.Errorf("other answers: %v", err)
	}
	after, err := h.service.Survey(ctx, applicant, app.ID)
	must(t, err)
	if after.Answers["quality"] != 3 || after.Answers["information"] != 2 || after.At == nil {
		t.Errorf("after the answer: %+v", after)
	}

	second := h.registered(t)
	_, err = h.service.Decide(ctx, officer, second.ID, licensing.Decision{Grounds: "біліктілік талаптарына сай емес"})
	must(t, err)
	must(t, h.service.AnswerSurvey(ctx, applicant, second.ID, map[string]int{"quality": 1, "information": 2}))
	list, err := h.service.Indicators(ctx, licensing.Period{})
	must(t, err)
	shown, err := json.Marshal(list)
	must(t, err)
	want := `[{"service":"passenger-transport","channel":"portal","measure":"quality","answers":2,"counts":[1,0,1],"percent":50},` +
		`{"service":"passenger-transport","channel":"portal","measure":"accessibility","answers":2,"counts":[0,2,0],"percent":50}]`
	if string(shown) != want {
		t.Errorf("%s", shown)
	}
	for _, personal := range []string{personIIN, app.ID, app.Number, "applicant"} {
		if strings.Contains(string(shown), personal) {
			t.Errorf("the report holds %q", personal)
		}
	}
	if list, err := h.service.Indicators(ctx, licensing.Period{From: "2013-01-01", Until: "2013-02-01"}); err != nil || len(list) != 0 {
		t.Errorf("another period: %v %v", list, err)
	}
	if _, err := h.service.Indicators(ctx, licensing.Period{From: "yesterday"}); err == nil {
		t.Error("a period that is none")
	}
}
