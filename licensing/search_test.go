// SPDX-License-Identifier: Apache-2.0

package licensing_test

import (
	"bytes"
	"crypto/rand"
	"encoding/csv"
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"rastau/internal/journal"
	"rastau/internal/phrase"
	"rastau/licensing"
)

// TestPublicRegister: found by number, words, state and day, page by page; of a
// person the name alone is told; no cell of the CSV is a formula.
func TestPublicRegister(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	issue := func(name string) string {
		n := h.form(t)
		n.Applicant.Name = name
		done, err := h.service.Decide(ctx, officer, h.walk(t, n).ID, approval)
		must(t, err)
		return done.Licence
	}
	first, formula, third := h.licensed(t), issue("=HYPERLINK(Әлия)"), issue("Өркен, Ғали")
	_, err := h.service.Move(ctx, officer, third, licensing.MoveRequest{Move: licensing.MoveSuspend, Ground: "court", Reference: "1", Reason: "x"})
	must(t, err)
	today := h.options.Calendar.Day(h.options.Now())
	for name, c := range map[string]struct {
		q    licensing.Search
		want []string
	}{
		"all, the newest first": {licensing.Search{}, []string{third, formula, first}},
		"number":                {licensing.Search{Text: " " + strings.ToLower(first) + " "}, []string{first}},
		"a number nobody has":   {licensing.Search{Text: "KZ61TWQ01996275"}, nil},
		"beginning of a word":   {licensing.Search{Text: "ӘЛИ"}, []string{formula, first}},
		"two words":             {licensing.Search{Text: "ғаниева әлия"}, []string{first}},
		"the middle of a word":  {licensing.Search{Text: "ркен"}, nil},
		"state":                 {licensing.Search{State: licensing.StateSuspended}, []string{third}},
		"state and word":        {licensing.Search{State: licensing.StateIssued, Text: "өркен"}, nil},
		"person's number":       {licensing.Search{IIN: personIIN}, []string{third, formula, first}},
		"today":                 {licensing.Search{Issued: licensing.Period{From: today}}, []string{third, formula, first}},
		"before today":          {licensing.Search{Issued: licensing.Period{Until: today}}, nil},
		"another service's":     {licensing.Search{Service: "trunk-pipelines"}, nil},
		"behind the newest":     {licensing.Search{Cursor: 5, Limit: 1}, []string{formula}},
	} {
		page, err := h.service.Register(ctx, c.q)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, l := range page.Licences {
			got = append(got, l.Number)
		}
		if strings.Join(got, " ") != strings.Join(c.want, " ") {
			t.Errorf("%s: %v instead of %v", name, got, c.want)
		}
	}
	page, err := h.service.Register(ctx, licensing.Search{Limit: 2})
	must(t, err)
	rest, err := h.service.Register(ctx, licensing.Search{Limit: 2, Cursor: page.Next})
	must(t, err)
	if len(page.Licences) != 2 || page.Next == 0 || len(rest.Licences) != 1 || rest.Next != 0 || rest.Licences[0].Number != first {
		t.Errorf("pages: %+v %+v", page, rest)
	}
	var input *licensing.InputError
	for name, q := range map[string]licensing.Search{
		"state": {State: "burnt"}, "service": {Service: "x"}, "number": {BIN: "1"}, "no letters": {Text: "!?"}, "too long": {Text: strings.Repeat("а", 300)},
		"too many words": {Text: "а б в г д е ж з"}, "days": {Issued: licensing.Period{From: "2014-02-30"}}, "not UTF-8": {Text: "\xff"},
	} {
		if _, err := h.service.Register(ctx, q); !errors.As(err, &input) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var out bytes.Buffer
	must(t, h.service.RegisterCSV(ctx, &out, licensing.Search{}, phrase.KK))
	if strings.Contains(out.String(), personIIN) {
		t.Error("the CSV tells a person's number")
	}
	lines, err := csv.NewReader(&out).ReadAll()
	must(t, err)
	if len(lines) != 4 || lines[2][2] != "'=HYPERLINK(Әлия)" || lines[1][2] != "Өркен, Ғали" || lines[1][1] != "тоқтатыла тұрған" {
		t.Errorf("CSV: %q", lines)
	}
}

// TestStatement: whoever holds the log's public key proves the state of a licence without trusting the register.
func TestStatement(t *testing.T) {
	h := newHouse(t)
	secret, public, err := note.GenerateKey(rand.Reader, "test.example/log")
	must(t, err)
	h.options.LogKey, err = note.NewSigner(secret)
	must(t, err)
	h.reopen(t)
	key, err := note.NewVerifier(public)
	must(t, err)
	ctx := t.Context()
	n := h.licensed(t)
	kept, err := h.service.Checkpoint(ctx)
	must(t, err)
	before, err := journal.OpenCheckpoint(kept, key)
	must(t, err)
	h.approve(t, licensing.OperationAppendix, n)
	_, err = h.service.Move(ctx, officer, n, licensing.MoveRequest{Move: licensing.MoveSuspend, Ground: "court", Reference: "1", Reason: "x"})
	must(t, err)
	st, err := h.service.Statement(ctx, n)
	must(t, err)
	head, err := journal.OpenCheckpoint([]byte(st.Checkpoint), key)
	must(t, err)
	if len(st.Entries) != 3 || st.Licence.State != licensing.StateSuspended || len(st.Moves) != 1 {
		t.Fatalf("%+v", st)
	}
	for _, e := range st.Entries {
		if e.Size != head.Size || e.Root != head.Root {
			t.Errorf("entry %d is proven in another log", e.Entry)
		}
		must(t, journal.CheckEntry(tlog.RecordProof(e.Proof), head, e.Entry, e.Body))
		if err := journal.CheckEntry(tlog.RecordProof(e.Proof), head, e.Entry, append([]byte(" "), e.Body...)); err == nil {
			t.Errorf("entry %d: a changed one is proven too", e.Entry)
		}
	}
	growth, err := h.service.ProveGrowth(ctx, before.Size, 0)
	must(t, err)
	must(t, journal.CheckGrowth(growth.Proof, before, head))
	var input *licensing.InputError
	for name, err := range map[string]error{
		"entry too high": second2(h.service.ProveEntry(ctx, 1000, 0)), "size too high": second2(h.service.ProveEntry(ctx, 0, 1000)),
		"growth backwards": second2(h.service.ProveGrowth(ctx, 3, 2)), "too many entries": second2(h.service.Entries(ctx, 0, 1001)),
	} {
		if !errors.As(err, &input) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.service.Statement(ctx, "KZ61TWQ01996275"); !errors.Is(err, licensing.ErrNotFound) {
		t.Errorf("no licence: %v", err)
	}
}

func second2[T any](_ T, err error) error { return err }
