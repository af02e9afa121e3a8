// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"

	"rastau/internal/phrase"
	"rastau/internal/pki"
	"rastau/verifier"
)

// inputs are the findings about what the asker gave; they are made where the inputs are read, and warn.
var inputs = map[string]string{
	"finding.input.certs.broken": "RFC 5280 §4.1", "finding.input.crl.broken": "RFC 5280 §5.1", "finding.input.ocsp.broken": "RFC 6960 §4.2.1",
	"finding.input.anchors.evidence": "RFC 5280 §6.1.1", "finding.input.question.evidence": "RFC 5280 §6.1.1",
}

// checkOf is the stable key of the check that utters a sentence: the longest known one that it starts with.
func (c *checks) checkOf(sentence string) string {
	parts := strings.Split(strings.TrimPrefix(sentence, sentencePrefix), ".")
	for n := len(parts); n > 0; n-- {
		if key := strings.Join(parts[:n], "."); c.citations[key] != nil {
			return key
		}
	}
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// leads says which verdict a saying stands for when it decides.
func (s saying) leads() string {
	sub := s.sub
	if sub == "*" {
		sub = "(see the table below)"
	}
	switch {
	case s.outcome != "fail" && s.outcome != "unknown":
		return "–"
	case s.refuted:
		return "TOTAL-FAILED/" + sub
	}
	return "INDETERMINATE/" + sub
}

func checksPage(c *checks) string {
	for sentence, citation := range inputs {
		if phrase.Has(sentence) {
			c.sayings = append(c.sayings, saying{sentence: sentence, outcome: "warn", citation: citation})
		}
	}
	byCheck := map[string][]saying{}
	for _, s := range c.sayings {
		key := c.checkOf(s.sentence)
		byCheck[key] = append(byCheck[key], s)
	}
	keys := make([]string, 0, len(byCheck))
	for key := range byCheck {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	var b strings.Builder
	b.WriteString(`# Checks, and what follows from each

Made from the code by ` + "`make docs`" + `; a test fails while it is stale. A report is a list of findings; the key of a finding is stable, and the worst
finding names the verdict: TOTAL-FAILED before INDETERMINATE, a fail before an unknown, and among those the order of the table of
sub-indications at the end. Pass, warn and not-applicable decide nothing. {name}, {at} and the like are filled in.
`)
	for _, key := range keys {
		fmt.Fprintf(&b, "\n## %s\n\n", key)
		if cited := c.citations[key]; len(cited) > 0 {
			fmt.Fprintf(&b, "%s.\n\n", strings.Join(cited, "; "))
		}
		b.WriteString("| outcome | verdict where it decides | English | Русский | Қазақша | citation of its own |\n|---|---|---|---|---|---|\n")
		rows := byCheck[key]
		slices.SortStableFunc(rows, func(a, b saying) int { return strings.Compare(a.sentence+a.outcome+a.sub, b.sentence+b.outcome+b.sub) })
		for _, s := range rows {
			t := phrase.Get(s.sentence, nil)
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", s.outcome, s.leads(), cell(t.EN), cell(t.RU), cell(t.KK), s.citation)
		}
	}
	b.WriteString("\n## What to do, by sub-indication\n\nIn the order in which they name a verdict (EN 319 102-1 §5.1.3).\n\n" +
		"| sub-indication | English | Русский | Қазақша |\n|---|---|---|---|\n")
	for _, s := range verifier.SubIndications() {
		t := phrase.Get("todo."+string(s), nil)
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", s, cell(t.EN), cell(t.RU), cell(t.KK))
	}
	return b.String()
}

func cell(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, "|", "\\|"), "\n", " ") }

// fill puts a table where a page has a place of that name for it.
func fill(page, name, table string) (string, error) {
	start, end := "<!-- "+name+": made by `make docs` -->\n", "<!-- end of "+name+" -->\n"
	head, rest, found := strings.Cut(page, start)
	_, tail, ended := strings.Cut(rest, end)
	if !found || !ended {
		return "", fmt.Errorf("docs/POLICY.md has no place for the table of %s", name)
	}
	return head + start + table + end + tail, nil
}

func algorithmsTable() string {
	var b strings.Builder
	b.WriteString("| algorithm | counts until |\n|---|---|\n")
	for _, e := range pki.AlgorithmEnds() {
		until := "no end in sight"
		switch {
		case e.Never:
			until = "never"
		case !e.Until.IsZero():
			until = e.Until.Format("2006-01-02")
		}
		fmt.Fprintf(&b, "| %s | %s |\n", e.Name, until)
	}
	return b.String()
}
