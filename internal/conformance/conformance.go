// SPDX-License-Identifier: Apache-2.0

// Package conformance measures the program against suites that others made: how many
// of their answers does it give, and where not, why not?
//
// A suite is a folder with a manifest.json. The path, OCSP and document suites go
// through the command line itself, flags and all, as its user would call it; raw
// signatures (wycheproof) and broken files go through the readers behind it. A case
// that disagrees is a failure unless a waiver names it, and a waiver names an input
// that the program has no flag for, or the section of the standard that decides the
// other way. A waiver for a case that agrees is a failure too.
//
// Nothing of the suites stands in this repository but the names of cases and counts.
package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Command runs the command line and gives what it prints and its exit code.
type Command func(ctx context.Context, args []string) (stdout []byte, code int)

// Result is the score of one suite.
type Result struct {
	Suite        string
	Cases        int // all cases but those set aside
	Agree        int
	WrongAccepts int           // invalid by the suite, accepted here, and not waived
	Waived       []Waiver      // each of a case that disagrees
	Failures     []string      // "id: what came", not waived
	SetAside     int           // cases that are about something else, by their prefix or mark
	Decided      []string      // disputed and optional cases with what was decided
	Slowest      time.Duration // of one case
	Largest      uint64        // bytes allocated for one case; malformed only
	Note         string
}

// Whole reports whether nothing is left unexplained.
func (r *Result) Whole() bool { return len(r.Failures) == 0 }

// entry is one case of a manifest.
type entry struct {
	ID            string   `json:"id"`
	Expect        string   `json:"expect"`
	Reason        string   `json:"reason"`
	Acceptable    []string `json:"acceptable"`
	Target        string   `json:"target_cert"`
	Issuer        string   `json:"issuer"`
	Request       string   `json:"request"`
	Status        string   `json:"cert_status"`
	Intermediates []string `json:"intermediates"`
	CRLs          []string `json:"crls"`
	Anchors       []string `json:"anchors"`
	Settings      struct {
		Time                  string   `json:"time"`
		Policies              []string `json:"initial_policy_set"`
		RequireExplicitPolicy bool     `json:"require_explicit_policy"`
		InhibitPolicyMapping  bool     `json:"inhibit_policy_mapping"`
		InhibitAnyPolicy      bool     `json:"inhibit_any_policy"`
		MaxAge                int      `json:"max_age_seconds"`
		Revocation            string   `json:"revocation"`
	} `json:"settings"`
	File            string `json:"file"`
	DetachedContent string `json:"detached_content"`
	DetachedDigest  *struct {
		Algorithm string `json:"alg"`
		Hex       string `json:"hex"`
	} `json:"detached_digest"`
	Disputed any    `json:"disputed"`
	Optional any    `json:"optional"`
	Kind     string `json:"kind"`
}

func (e *entry) undecided() bool {
	return e.Disputed != nil || e.Optional != nil && e.Optional != false
}

// ErrNoSuite: the folder has no manifest, or an empty one.
var ErrNoSuite = errors.New("no suite")

func manifest(dir string) ([]entry, error) {
	data, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoSuite, err)
	}
	var all []entry
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: %s has no cases", ErrNoSuite, dir)
	}
	return all, nil
}

// Suites are the suites measured, in the order of the report.
var Suites = []string{"pkits", "crl", "ocsp", "limbo", "cms", "pades", "pdf-attacks", "wycheproof", "malformed"}

// Run measures one suite of the folder that holds them all.
func Run(ctx context.Context, suites, name string, command Command) (*Result, error) {
	dir := filepath.Join(suites, name)
	all, err := manifest(dir)
	if err != nil {
		return nil, err
	}
	switch name {
	case "wycheproof":
		return vectors(dir, all)
	case "malformed":
		return hostile(ctx, dir, all)
	}
	r := &Result{Suite: name}
	judge := map[string]func(context.Context, string, *entry, Command) outcome{"ocsp": response}[name]
	switch {
	case judge != nil:
	case all[0].Target != "":
		judge = path
	default:
		judge = document
	}
	if err := r.cases(ctx, dir, all, judge, command); err != nil {
		return nil, err
	}
	return r, nil
}

// outcome is what came of one case.
type outcome struct {
	got    string
	agrees bool
	detail string
}

// caseTime is longer than any case may take.
const caseTime = 20 * time.Second

func (r *Result) cases(ctx context.Context, dir string, all []entry, judge func(context.Context, string, *entry, Command) outcome, command Command) error {
	for i := range all {
		e := &all[i]
		if slices.ContainsFunc(setAside[r.Suite], func(prefix string) bool { return strings.HasPrefix(e.ID, prefix) }) {
			r.SetAside++
			continue
		}
		began := time.Now()
		limit, cancel := context.WithTimeout(ctx, caseTime)
		out := judge(limit, dir, e, command)
		cancel()
		if err := ctx.Err(); err != nil {
			return err
		}
		if d := time.Since(began); d > r.Slowest {
			r.Slowest = d
		}
		if e.undecided() {
			r.SetAside++
			r.Decided = append(r.Decided, fmt.Sprintf("%s: %s; the suite says %s", e.ID, out.detail, e.Expect))
			continue
		}
		r.count(e, out)
	}
	return nil
}

func (r *Result) count(e *entry, out outcome) {
	r.Cases++
	reason, waived := waivers[e.ID]
	switch {
	case out.agrees && waived:
		r.Agree++
		r.Failures = append(r.Failures, e.ID+": is waived and agrees; take the waiver away")
	case out.agrees:
		r.Agree++
	case waived:
		r.Waived = append(r.Waived, Waiver{e.ID, reason})
	default:
		r.Failures = append(r.Failures, fmt.Sprintf("%s: %s, expected %s", e.ID, out.detail, e.Expect))
		if e.Expect != "valid" && out.got == "valid" {
			r.WrongAccepts++
		}
	}
}
