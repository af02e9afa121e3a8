// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// printed is what the command line prints with --json, as far as it decides a case.
type printed struct {
	Indication    string            `json:"indication"`
	SubIndication string            `json:"subIndication"`
	Intact        *bool             `json:"intact"`
	Signatures    []json.RawMessage `json:"signatures"`
	Usable        *bool             `json:"usable"`
	Status        string            `json:"status"`
	Error         string            `json:"error"`
}

// call runs the command and reads its last line.
func call(ctx context.Context, command Command, args []string) (*printed, int) {
	out, code := command(ctx, args)
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	var p printed
	if json.Unmarshal(lines[len(lines)-1], &p) != nil {
		return nil, code
	}
	return &p, code
}

func noAnswer(code int) outcome {
	return outcome{"none", false, fmt.Sprintf("no answer, exit %d", code)}
}

func at(e *entry) string { return strings.Replace(e.Settings.Time, "+00:00", "Z", 1) }

// path is a case of `rastau certificate`.
func path(ctx context.Context, dir string, e *entry, command Command) outcome {
	s := &e.Settings
	args := []string{"certificate", "--offline", "--quiet", "--json", "--purpose", "any", "--algorithms", "legacy", "--at", at(e)}
	add := func(flag string, files []string) {
		for _, f := range files {
			args = append(args, flag, filepath.Join(dir, f))
		}
	}
	add("--anchors", e.Anchors)
	add("--certs", e.Intermediates)
	add("--crl", e.CRLs)
	if !slices.Equal(s.Policies, []string{"2.5.29.32.0"}) { // any policy will do
		for _, p := range s.Policies {
			args = append(args, "--policy", p)
		}
	}
	for flag, given := range map[string]bool{
		"--require-explicit-policy": s.RequireExplicitPolicy, "--inhibit-policy-mapping": s.InhibitPolicyMapping, "--inhibit-any-policy": s.InhibitAnyPolicy,
	} {
		if given {
			args = append(args, flag)
		}
	}
	if s.MaxAge > 0 {
		args = append(args, "--max-age", fmt.Sprintf("%ds", s.MaxAge))
	}
	revocation := "none"
	if len(e.CRLs) > 0 || s.Revocation != "" {
		revocation = "require"
	}
	p, code := call(ctx, command, append(args, "--revocation", revocation, filepath.Join(dir, e.Target)))
	if p == nil {
		return noAnswer(code)
	}
	got := "invalid"
	if p.Indication == "TOTAL-PASSED" {
		got = "valid"
	}
	return outcome{got, got == e.Expect, p.Indication + "/" + p.SubIndication}
}

// response is a case of `rastau ocsp check`; one without a certificate is there to be read without a crash.
func response(ctx context.Context, dir string, e *entry, command Command) outcome {
	if e.Target == "" {
		return outcome{"read", true, "read"}
	}
	issuer := e.Issuer
	if issuer == "" && len(e.Anchors) > 0 {
		issuer = e.Anchors[0]
	}
	args := []string{"ocsp", "check", "--json", "--quiet", "--algorithms", "legacy", "--at", at(e),
		"--cert", filepath.Join(dir, e.Target), "--issuer", filepath.Join(dir, issuer)}
	if e.Request != "" {
		args = append(args, "--request", filepath.Join(dir, e.Request))
	}
	if e.Settings.MaxAge > 0 {
		args = append(args, "--max-age", fmt.Sprintf("%ds", e.Settings.MaxAge))
	}
	p, code := call(ctx, command, append(args, filepath.Join(dir, e.File)))
	if p == nil {
		return noAnswer(code)
	}
	got := "invalid"
	if p.Usable != nil && *p.Usable {
		got = "valid"
	}
	agrees := got == e.Expect || slices.Contains(e.Acceptable, got)
	if agrees && got == "valid" && slices.Contains([]string{"good", "revoked", "unknown"}, e.Status) {
		agrees = p.Status == e.Status
	}
	return outcome{got, agrees, got + ", status " + p.Status}
}

// document is a case of `rastau verify`: integrity without trust.
func document(ctx context.Context, dir string, e *entry, command Command) outcome {
	args := []string{"verify", "--offline", "--quiet", "--json", "--revocation", "none", "--algorithms", "legacy"}
	if e.DetachedContent != "" {
		args = append(args, "--content", filepath.Join(dir, e.DetachedContent))
	}
	if d := e.DetachedDigest; d != nil {
		args = append(args, "--content-digest", strings.ReplaceAll(strings.ToLower(d.Algorithm), "-", "")+":"+d.Hex)
	}
	p, code := call(ctx, command, append(args, filepath.Join(dir, e.File)))
	if p == nil {
		return noAnswer(code)
	}
	got, whole := "invalid", "null"
	if p.Intact != nil {
		whole = strconv.FormatBool(*p.Intact)
	}
	switch {
	case p.SubIndication == "SIGNED_DATA_NOT_FOUND":
		got = "indeterminate"
	case len(p.Signatures) == 0:
		got = "no-signature"
	case p.Intact != nil && *p.Intact:
		got = "valid"
	}
	agrees := got == e.Expect || slices.Contains(e.Acceptable, got) || e.Expect == "terminates" || e.Expect == "invalid" && got != "valid"
	return outcome{got, agrees, p.Indication + "/" + p.SubIndication + ", intact " + whole}
}
