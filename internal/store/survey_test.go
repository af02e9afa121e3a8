// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"rastau/internal/store"
	"rastau/licensing"
)

// TestSurveys: answers are kept once a result, read back the same, and counted
// within their period.
func TestSurveys(t *testing.T) { both(t, testSurveys) }

func testSurveys(t *testing.T, open func() *store.Store) {
	s := open()
	add(t, s, "a1", "a2", "a3")
	at := time.UnixMilli(1_700_000_111_222).UTC()
	record := func(id string, quality int, at time.Time) *licensing.SurveyRecord {
		return &licensing.SurveyRecord{Application: id, Service: "s", Operation: "issue", Channel: licensing.ChannelCentre, At: at,
			Answers: map[string]int{"quality": quality, "information": 1}}
	}
	keep := func(r *licensing.SurveyRecord) error {
		return s.Update(t.Context(), func(tx licensing.Tx) error { return tx.AddSurvey(r) })
	}
	must(t, keep(record("a1", 3, at)))
	must(t, keep(record("a2", 3, at.Add(time.Hour))))
	must(t, keep(record("a3", 2, at.Add(48*time.Hour))))
	if err := keep(record("a1", 1, at)); !errors.Is(err, licensing.ErrState) {
		t.Errorf("answered twice: %v", err)
	}
	if err := keep(record("nobody", 1, at)); err == nil {
		t.Error("answers about nothing were kept")
	}
	must(t, s.Close())
	s = open()
	must(t, s.View(t.Context(), func(tx licensing.Tx) error {
		got, err := tx.Survey("a1")
		must(t, err)
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", record("a1", 3, at)) {
			t.Errorf("%+v", got)
		}
		if _, err := tx.Survey("a9"); !errors.Is(err, licensing.ErrNotFound) {
			t.Errorf("no answers: %v", err)
		}
		counts, err := tx.SurveyCounts(at, at.Add(48*time.Hour))
		must(t, err)
		if want := "[{s centre information 1 2} {s centre quality 3 2}]"; fmt.Sprint(counts) != want {
			t.Errorf("%v, want %s", counts, want)
		}
		return nil
	}))
}
