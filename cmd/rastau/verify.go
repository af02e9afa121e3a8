// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"rastau/internal/evidence"
	"rastau/internal/phrase"
	"rastau/verifier"
)

func newVerify() *cobra.Command {
	var f questionFlags
	var b batchFlags
	cmd := &cobra.Command{
		Use:   "verify FILE…",
		Short: "Judges every signature in a file: CMS/CAdES (DER, PEM, base64) or PDF, detected by content",
		Long: `Judges every signature in each file by EN 319 102-1 and prints the verdict and the findings behind it.

Revocation is required for every certificate on the path but the anchor, unless --revocation none.
--evidence F.zip keeps everything that the verdict rests on; rastau verify F.zip reaches the same verdict from it alone. Give
--anchors with it: otherwise those in the file count, and the answer says so.
--batch judges thousands: FILE is then a folder, a ZIP archive or a CSV table of files, and --out takes one JSON object a line. The
same command goes on where it was ended, and judges nothing twice; docs/BATCHES.md tells more.
Exit: 0 TOTAL-PASSED, 1 TOTAL-FAILED, 3 INDETERMINATE, 2 usage, 4 a file cannot be opened.`,
		Example: `  rastau verify --anchors root.pem licence.pdf
  rastau verify --anchors root.pem --content application.json application.p7s
  rastau verify --anchors root.pem --crl lists/ --offline --at 2026-04-15T00:00:00Z --json *.p7s
  rastau verify --anchors root.pem --evidence licence.zip licence.pdf
  rastau verify --anchors root.pem --offline licence.zip
  rastau verify --anchors root.pem --batch archive/ --out verdicts.jsonl`,
		Args: atLeastOneFile,
		RunE: func(cmd *cobra.Command, files []string) error {
			if b.batch {
				return judgeBatch(cmd, &f, &b, files)
			}
			if err := b.unused(cmd.Flags()); err != nil {
				return err
			}
			return judgeFiles(cmd, &f, files, true, (*verifier.Verifier).Document)
		},
	}
	f.register(cmd.Flags(), true)
	b.register(cmd.Flags())
	return cmd
}

func newCertificate() *cobra.Command {
	var f questionFlags
	cmd := &cobra.Command{
		Use:   "certificate FILE…",
		Short: "Judges certificates: path, validity, revocation, purpose, holder",
		Long: `Judges each certificate (DER or PEM) at the time of --at or now: path to an anchor by RFC 5280, validity period,
revocation by OCSP and lists, purpose and the holder's IIN and BIN.

Exit: 0 TOTAL-PASSED, 1 TOTAL-FAILED, 3 INDETERMINATE, 2 usage, 4 a file cannot be opened.`,
		Example: `  rastau certificate --anchors root.pem person.cer
  rastau certificate --anchors ca.crt --crl ca.crl --offline --purpose sign --at 2022-04-15T00:00:00Z person.cer`,
		Args: atLeastOneFile,
		RunE: func(cmd *cobra.Command, files []string) error {
			return judgeFiles(cmd, &f, files, false, (*verifier.Verifier).CertificateFile)
		},
	}
	f.register(cmd.Flags(), false)
	return cmd
}

func atLeastOneFile(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usagef("name at least one file; `rastau %s --help` shows examples", cmd.Name())
	}
	return nil
}

type judge func(v *verifier.Verifier, ctx context.Context, data []byte, q verifier.Question) *verifier.Report

// judgeFiles asks the same question of every file; the exit code is the first of 2, 4, 1, 3, 0 that occurs.
func judgeFiles(cmd *cobra.Command, f *questionFlags, files []string, document bool, judge judge) error {
	q, err := f.question()
	if err != nil {
		var exit *exitError
		if f.json && errors.As(err, &exit) && exit.code == exitUnreadable {
			// A list of files asked for as JSON gets its object for each: why there is no verdict.
			for _, name := range files {
				printJSON(cmd.OutOrStdout(), map[string]string{"file": name, "error": err.Error()})
			}
		}
		return err
	}
	if f.evidence != "" && len(files) != 1 {
		return usagef("--evidence keeps one verdict: name one file, and the others in calls of their own")
	}
	v, release, err := f.newVerifier()
	if err != nil {
		return err
	}
	defer release()
	out := cmd.OutOrStdout()
	var codes []int
	for _, name := range files {
		if err := cmd.Context().Err(); err != nil {
			return &exitError{code: exitIndeterminate, message: "interrupted"}
		}
		data, err := readFile(name)
		if err != nil {
			codes = append(codes, f.unjudged(cmd, name, unreadablef("%v", err)))
			continue
		}
		asked := q
		if evidence.Is(data) {
			file, err := openEvidence(name, data, document)
			if err == nil && f.evidence != "" {
				err = usagef("%s is an evidence file already; copy it", name)
			}
			if err != nil {
				codes = append(codes, f.unjudged(cmd, name, err))
				continue
			}
			data, asked = file.Document, f.again(cmd, q, file)
		}
		report := judge(v, cmd.Context(), data, asked)
		report.File = name
		codes = append(codes, exitCode(report.Indication))
		if f.evidence != "" {
			if err := f.writeEvidence(name, report); err != nil {
				fmt.Fprintln(cmd.ErrOrStderr(), "rastau:", err)
				codes = append(codes, exitUnreadable)
			}
		}
		if f.json {
			printJSON(out, report)
		} else {
			printReport(out, report, q.Lang)
		}
	}
	return worst(codes)
}

// unjudged tells why a file has no verdict, and gives the exit code.
func (f *questionFlags) unjudged(cmd *cobra.Command, name string, err error) int {
	if f.json {
		printJSON(cmd.OutOrStdout(), map[string]string{"file": name, "error": err.Error()})
	}
	fmt.Fprintln(cmd.ErrOrStderr(), "rastau:", err)
	var exit *exitError
	if errors.As(err, &exit) {
		return exit.code
	}
	return exitUnreadable
}

func exitCode(i verifier.Indication) int {
	switch i {
	case verifier.TotalPassed:
		return exitPassed
	case verifier.TotalFailed:
		return exitFailed
	}
	return exitIndeterminate
}

func worst(codes []int) error {
	for _, c := range []int{exitUsage, exitUnreadable, exitFailed, exitIndeterminate} {
		if slices.Contains(codes, c) {
			return &exitError{code: c}
		}
	}
	return nil
}

func printJSON(w io.Writer, v any) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	// A report always encodes; a closed pipe ends the program by its signal.
	_ = enc.Encode(v)
}

func verdictLine(i verifier.Indication, s verifier.SubIndication) string {
	if s == "" {
		return i.String()
	}
	return i.String() + "/" + string(s)
}

// printReport is the verdict for a person: what it is, which finding decided, what to do, then all findings.
func printReport(w io.Writer, r *verifier.Report, lang phrase.Lang) {
	fmt.Fprintf(w, "%s: %s\n", printable(r.File), verdictLine(r.Indication, r.SubIndication))
	if d := r.Deciding(); d != nil {
		fmt.Fprintf(w, "  %s: %s (%s)\n", d.Key, d.Detail(), d.Citation)
	}
	if key := "todo." + string(r.SubIndication); r.SubIndication != "" && phrase.Has(key) {
		fmt.Fprintf(w, "  → %s\n", phrase.Get(key, nil).In(lang))
	}
	if r.RetryAfter != nil {
		fmt.Fprintf(w, "  → %s\n", r.RetryAfter.UTC().Format("2006-01-02T15:04:05Z"))
	}
	printFindings(w, "  ", r.Findings)
	for i, s := range r.Signatures {
		fmt.Fprintf(w, "  %d. %s\n", i+1, verdictLine(s.Indication, s.SubIndication))
		if s.Signer != nil {
			fmt.Fprintf(w, "     %s\n", s.Signer.Subject)
		}
		printFindings(w, "     ", s.Findings)
	}
	// EN 319 102-1 §5.1.3: a report names the policy that it was made by.
	fmt.Fprintf(w, "  %s\n", phrase.Get("verdict.policy", map[string]string{
		"id": verifier.PolicyID, "version": verifier.PolicyVersion, "algorithms": r.Algorithms,
		"at": r.Time.Value.UTC().Format("2006-01-02T15:04:05Z"),
	}).In(lang))
}

// printable shows a file's name; one with control characters is quoted, so that it cannot write to the terminal.
func printable(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(name)
	}
	return name
}

var marks = map[verifier.Outcome]string{
	verifier.Pass: "+", verifier.Warn: "!", verifier.Unknown: "?", verifier.Fail: "x", verifier.NotApplicable: "-",
}

func printFindings(w io.Writer, indent string, findings []verifier.Finding) {
	for _, f := range findings {
		fmt.Fprintf(w, "%s%s %-22s %s\n", indent, marks[f.Outcome], f.Key, f.Detail())
	}
}
