// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"rastau/internal/journal"
	"rastau/internal/store"
	"rastau/licensing"
)

// TestSearch: the register is found by the beginnings of the holder's words,
// by number, service, state and time, newest first and page by page.
func TestSearch(t *testing.T) { both(t, testSearch) }

func testSearch(t *testing.T, open func() *store.Store) {
	s := open()
	day := time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)
	holders := []licensing.Applicant{
		{IIN: "000000000011", Name: "Қасымова Әлия Үлгіқызы"},
		{BIN: "000000000022", Name: "«Үлгі Тасымал» ЖШС"},
		{BIN: "000000000033", Name: "«Үлгі Құбыр» АҚ"},
	}
	for i, h := range holders {
		id, number := fmt.Sprintf("a%d", i+1), fmt.Sprintf("KZ%d", i+1)
		service, state := "passenger-transport", licensing.StateIssued
		if i == 2 {
			service, state = "trunk-pipelines", licensing.StateReissued
		}
		must(t, s.Update(t.Context(), func(tx licensing.Tx) error {
			if err := tx.AddApplication(draft(id)); err != nil {
				return err
			}
			sum, err := tx.PutBlob([]byte("pdf of " + number))
			if err != nil {
				return err
			}
			n, err := journal.Append(tx, []byte(number))
			if err != nil {
				return err
			}
			return tx.AddLicence(&licensing.LicenceRecord{ApplicationID: id, Document: []byte("{}"), Licence: licensing.Licence{
				Number: number, State: state, Service: service, Holder: h, Issued: day.AddDate(0, 0, 7*i), Signed: []byte{1}, PDFSHA256: sum, Fields: json.RawMessage("{}"), Entry: n,
			}})
		}))
	}
	for name, c := range map[string]struct {
		filter licensing.LicenceFilter
		want   string
	}{
		"everything":          {licensing.LicenceFilter{}, "KZ3 KZ2 KZ1"},
		"one word":            {licensing.LicenceFilter{Words: []string{"үлгі"}}, "KZ3 KZ2 KZ1"},
		"two words":           {licensing.LicenceFilter{Words: []string{"үлгі", "тас"}}, "KZ2"},
		"no such word":        {licensing.LicenceFilter{Words: []string{"үлгі", "кеме"}}, ""},
		"the middle of one":   {licensing.LicenceFilter{Words: []string{"лия"}}, ""},
		"a number":            {licensing.LicenceFilter{Number: "000000000011"}, "KZ1"},
		"a service":           {licensing.LicenceFilter{Service: "trunk-pipelines"}, "KZ3"},
		"a state":             {licensing.LicenceFilter{State: licensing.StateIssued}, "KZ2 KZ1"},
		"from the second":     {licensing.LicenceFilter{From: day.AddDate(0, 0, 7)}, "KZ3 KZ2"},
		"before the second":   {licensing.LicenceFilter{Until: day.AddDate(0, 0, 7)}, "KZ1"},
		"the second page":     {licensing.LicenceFilter{Before: 2, Limit: 1}, "KZ2"},
		"a page of two":       {licensing.LicenceFilter{Limit: 2}, "KZ3 KZ2"},
		"word and other kind": {licensing.LicenceFilter{Words: []string{"қасымова"}, Service: "trunk-pipelines"}, ""},
	} {
		if c.filter.Limit == 0 {
			c.filter.Limit = 10
		}
		must(t, s.View(t.Context(), func(tx licensing.Tx) error {
			list, err := tx.SearchLicences(c.filter)
			var got []string
			for _, l := range list {
				got = append(got, l.Number)
			}
			if joined := strings.Join(got, " "); joined != c.want {
				t.Errorf("%s: %q, want %q", name, joined, c.want)
			}
			return err
		}))
	}
	must(t, s.View(t.Context(), func(tx licensing.Tx) error {
		counts, err := tx.CountLicences()
		var total int64
		for _, c := range counts {
			total += c.Count
		}
		if total != 3 || len(counts) != 2 {
			t.Errorf("counted %+v", counts)
		}
		return err
	}))
}
