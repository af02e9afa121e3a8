// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"rastau/internal/evidence"
	"rastau/internal/phrase"
	"rastau/internal/pki"
	"rastau/verifier"
)

// openEvidence reads an evidence file and the question in it; document says which of the two commands was called.
func openEvidence(name string, data []byte, document bool) (*evidence.File, error) {
	file, err := evidence.Open(data)
	if err != nil {
		return nil, unreadablef("%s: %v", name, err)
	}
	if file.Certificate == document {
		return nil, usagef("%s is the evidence of a %s; use `rastau %s`", name,
			map[bool]string{true: "certificate", false: "document"}[file.Certificate], map[bool]string{true: "certificate", false: "verify"}[file.Certificate])
	}
	return file, nil
}

// again is the question of an evidence file: what the file says, but for the flags that were given. Whoever gives none trusts
// the file's maker, and the answer says so.
func (f *questionFlags) again(cmd *cobra.Command, asked verifier.Question, file *evidence.File) verifier.Question {
	given := func(flag string) bool { return cmd.Flags().Changed(flag) }
	q := file.Question
	q.Certs, q.Lists, q.OCSPs = slices.Concat(q.Certs, asked.Certs), slices.Concat(q.Lists, asked.Lists), slices.Concat(q.OCSPs, asked.OCSPs)
	q.Broken = slices.Concat(q.Broken, asked.Broken)
	if given("anchors") {
		q.Anchors, q.TSAAnchors = asked.Anchors, nil
	} else {
		q.Broken = append(q.Broken, fromFile("input.anchors", "finding.input.anchors.evidence", nil))
	}
	if given("tsa-anchors") {
		q.TSAAnchors = asked.TSAAnchors
	}
	if given("content") || given("content-digest") {
		q.Content, q.Digests = asked.Content, asked.Digests
	}
	for flag, take := range map[string]func(){
		"at":                      func() { q.At, q.Replay.TimeSource = asked.At, "given" },
		"lang":                    func() { q.Lang = asked.Lang },
		"iin":                     func() { q.IIN = asked.IIN },
		"bin":                     func() { q.BIN = asked.BIN },
		"applicant":               func() { q.Applicant = asked.Applicant },
		"purpose":                 func() { q.Purpose = asked.Purpose },
		"policy":                  func() { q.Policies = asked.Policies },
		"require-explicit-policy": func() { q.RequireExplicitPolicy = asked.RequireExplicitPolicy },
		"inhibit-policy-mapping":  func() { q.InhibitPolicyMapping = asked.InhibitPolicyMapping },
		"inhibit-any-policy":      func() { q.InhibitAnyPolicy = asked.InhibitAnyPolicy },
		"revocation":              func() { q.NoRevocation = asked.NoRevocation },
		"max-age":                 func() { q.MaxAge = asked.MaxAge },
		"algorithms":              func() { q.Algorithms = asked.Algorithms },
	} {
		if given(flag) {
			take()
		}
	}
	var weaker []string
	if q.NoRevocation && !given("revocation") {
		weaker = append(weaker, "--revocation none")
	}
	if q.Algorithms == pki.LegacyAlgorithms && !given("algorithms") {
		weaker = append(weaker, "--algorithms legacy")
	}
	if q.MaxAge > 0 && !given("max-age") {
		weaker = append(weaker, "--max-age "+q.MaxAge.String())
	}
	if !file.Certificate && q.Purpose == verifier.PurposeAny && !given("purpose") {
		weaker = append(weaker, "--purpose any")
	}
	for _, w := range weaker {
		q.Broken = append(q.Broken, fromFile("input.question", "finding.input.question.evidence", map[string]string{"name": w}))
	}
	if !given("at") {
		// Whoever made the file chose the time too: an expired certificate is good in the year that they name.
		q.Broken = append(q.Broken, fromFile("input.question", "finding.input.question.time", map[string]string{"time": q.At.UTC().Format(time.RFC3339)}))
	}
	if !f.quiet {
		fmt.Fprintf(cmd.ErrOrStderr(), "rastau: this is an evidence file: the question in it is judged, of %q at %s, from what it holds alone\n",
			file.Name, q.At.UTC().Format(time.RFC3339))
	}
	return q
}

// fromFile says that the evidence file's maker chose something that decides.
func fromFile(key, text string, args map[string]string) verifier.Finding {
	said := phrase.Get(text, args)
	return verifier.Finding{Key: key, Outcome: verifier.Warn, Citation: "RFC 5280 §6.1.1", Text: &said}
}

// writeEvidence writes the evidence of a report to the file of --evidence: whole or not at all.
func (f *questionFlags) writeEvidence(name string, r *verifier.Report) error {
	out, err := os.CreateTemp(filepath.Dir(f.evidence), ".rastau-evidence-*")
	if err != nil {
		return unreadablef("--evidence: %v", err)
	}
	defer os.Remove(out.Name()) // gone already where everything went well
	err = evidence.Write(out, filepath.Base(name), r)
	if closed := out.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(out.Name(), f.evidence)
	}
	if err != nil {
		return unreadablef("--evidence: %v", err)
	}
	return nil
}
