// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"slices"
	"strings"

	"rastau/internal/blob"
	"rastau/internal/identity"
)

//go:embed regulations/*.yaml
var regulationFiles embed.FS

// Outcomes of a condition that a Next waits for.
const (
	whenPass = "pass"
	whenFail = "fail"
)

// checks that the workflow knows how to run behind a step.
var knownChecks = []string{onAuthorisation, onRegisters, onPayment, onCertificate, onReview}

const (
	onAuthorisation = "authorisation"
	onRegisters     = "registers" // the applicant is found in the registers of persons and bodies
	onPayment       = "payment"
	onCertificate   = "certificate"
	onReview        = "review"
)

// attachmentTypes are those whose bytes can be held to them.
var attachmentTypes = []string{blob.TypePDF, blob.TypePNG, blob.TypeJPEG}

// maxAttachment bounds what a regulation may allow for one document.
const maxAttachment = 20 << 20

// Embedded returns the regulations in licensing/regulations, by file name.
func Embedded() ([]*Regulation, error) {
	names, err := fs.Glob(regulationFiles, "regulations/*.yaml")
	if err != nil {
		return nil, err
	}
	var all []*Regulation
	for _, name := range names {
		data, err := regulationFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		r, err := LoadRegulation(name, data)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// LoadRegulation reads and checks one YAML file. What is wrong comes as
// *DataError with the line, joined where there are several.
func LoadRegulation(name string, data []byte) (*Regulation, error) {
	r := &Regulation{}
	src, err := readSource(name, data, r)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	r.digest = hex.EncodeToString(sum[:])
	r.checkPassport(src)
	r.checkOperations(src)
	r.checkForm(src)
	r.checkDocuments(src)
	r.checkTerms(src)
	r.checkRefusals(src)
	r.checkPaths(src)
	r.checkLegend(src)
	r.checkSurvey(src)
	if err := src.err(); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *Regulation) checkPassport(src *source) {
	if !isKey(r.Key) {
		src.problem(src.line("key"), "key must be small Latin letters, digits and hyphens")
	}
	for _, t := range []struct {
		field string
		empty bool
	}{
		{"name", r.Name.EN == ""}, {"automation", r.Automation.EN == ""}, {"kind", r.Kind.EN == ""},
		{"result", r.Result.EN == ""}, {"activity", r.Activity.EN == ""}, {"licensor", r.Licensor.Name.EN == "" || r.Licensor.Place.EN == ""},
		{"basis", len(r.Basis) == 0}, {"contacts", len(r.Contacts) == 0},
	} {
		if t.empty {
			src.problem(src.line(t.field), "%s is missing", t.field)
		}
	}
	if r.Act.Number == "" || r.Act.Name.EN == "" || !r.Act.Date.Valid() || r.Act.Registration.Number == "" || !r.Act.Registration.Date.Valid() {
		src.problem(src.line("act"), "act needs name, number, date and its registration with number and date")
	}
	if !r.InForce.From.Valid() || r.InForce.Until != "" && (!r.InForce.Until.Valid() || r.InForce.Until <= r.InForce.From) {
		src.problem(src.line("inForce"), "inForce needs from, and until where the act was repealed, later than from")
	}
	if n, err := identity.Parse(r.Licensor.BIN); err != nil || !n.CheckDigitOK {
		src.problem(src.line("licensor", "bin"), "the licensor's BIN must have twelve digits, the last of which is the check digit")
	}
	if r.Numbering.Prefix == "" || strings.Trim(r.Numbering.Prefix, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" || r.Numbering.Digits < 4 || r.Numbering.Digits > 12 {
		src.problem(src.line("numbering"), "numbering needs a prefix of Latin capital letters and 4 to 12 digits")
	}
	seen := map[ApplicantKind]bool{}
	for i, a := range r.Applicants {
		if a.Name.EN == "" {
			src.problem(src.line("applicants", i), "the applicant kind %q has no name", a.Kind)
		}
		if seen[a.Kind] || !slices.Contains([]ApplicantKind{NaturalPerson, SoleEntrepreneur, LegalEntity}, a.Kind) || a.Number != byIIN && a.Number != byBIN {
			src.problem(src.line("applicants", i), "an applicant kind must be known, stand once, and be known by iin or bin")
		}
		seen[a.Kind] = true
	}
	if len(r.Applicants) == 0 {
		src.problem(src.line("applicants"), "nobody may apply: applicants is empty")
	}
}

func (r *Regulation) checkOperations(src *source) {
	seen := map[string]bool{}
	for i, o := range r.Operations {
		line := src.line("operations", i)
		if !slices.Contains(knownOperations, o.Key) || seen[o.Key] {
			src.problem(line, "operation %q: its key must be one of %s and stand once", o.Key, strings.Join(knownOperations, ", "))
		}
		seen[o.Key] = true
		if o.Name.EN == "" {
			src.problem(line, "operation %q has no name", o.Key)
		}
		switch f := o.Fee; {
		case f.MRP < 0 || f.Percent < 0 || f.Percent > 100 || f.CapMRP < 0 || f.MRP > 10_000:
			src.problem(line, "operation %q: a fee is a number of MRP or a percentage from 0 to 100", o.Key)
		case f.Of != "" && f.MRP != 0 || f.Of == "" && f.Percent != 0:
			src.problem(line, "operation %q: a fee is either a number of MRP or a percentage of another operation's", o.Key)
		case f.Of != "":
			if other, ok := r.Operation(f.Of); !ok || other.Fee.Of != "" {
				src.problem(line, "operation %q: the fee is a part of %q, which has no fee in MRP", o.Key, f.Of)
			}
		}
		if o.Deadline.WorkingDays < 1 || o.Deadline.WorkingDays > 250 {
			src.problem(line, "operation %q: the deadline must be 1 to 250 working days", o.Key)
		}
		for j, p := range o.Paths {
			at := src.line("operations", i, "paths", j)
			if _, ok := r.Path(p); !ok || slices.Index(o.Paths, p) != j {
				src.problem(at, "operation %q: there is no path %q, or it stands twice", o.Key, p)
				continue
			}
			r.checkServed(src, at, o, p)
		}
		if len(o.Paths) == 0 {
			src.problem(line, "operation %q runs on no path", o.Key)
		}
	}
	if !seen[OperationIssue] {
		src.problem(src.line("operations"), "there is no operation %q", OperationIssue)
	}
}

// checkServed holds an operation to a path that it runs on: the refusals that
// the workflow gives must be there, and the table's term must be the issue's.
// The tables give no other; the law does, and is named.
func (r *Regulation) checkServed(src *source, line int, o Operation, path string) {
	p, _ := r.Path(path)
	needed := []string{onReview}
	if path == string(ChannelPortal) {
		needed = append(needed, onCertificate)
		if o.Fee.MRP > 0 || o.Fee.Percent > 0 {
			// R046: an unpaid request never reaches registration.
			needed = append(needed, onPayment)
		}
	}
	for _, check := range needed {
		if p.refusal(check) == "" {
			src.problem(line, "operation %q: its path %q has no condition with check %q that leads to a refusal", o.Key, path, check)
		}
	}
	for _, s := range p.Steps {
		switch {
		case s.Time.WorkingDays == 0 || s.Time.WorkingDays == o.Deadline.WorkingDays:
		case o.Key == OperationIssue:
			src.problem(line, "operation %q: the deadline is %d working days, step %d of its path has %d", o.Key, o.Deadline.WorkingDays, s.Number, s.Time.WorkingDays)
		case o.Deadline.Source == "":
			src.problem(line, "operation %q: the deadline is not the table's: name its source", o.Key)
		}
	}
}

func (r *Regulation) checkTerms(src *source) {
	for _, t := range []struct {
		key  string
		term Term
	}{
		{"completeness", r.Terms.Completeness}, {"agreementRequest", r.Terms.AgreementRequest}, {"agreementReply", r.Terms.AgreementReply},
		{"handOver", r.Terms.HandOver}, {"reissueRequest", r.Terms.ReissueRequest}, {"inspection", r.Terms.Inspection}, {"return", r.Terms.Return},
	} {
		if (t.term.WorkingDays > 0) == (t.term.CalendarDays > 0) || t.term.WorkingDays < 0 || t.term.CalendarDays < 0 || t.term.Source == "" {
			src.problem(src.line("terms", t.key), "terms: %s needs workingDays or calendarDays above zero, and its source", t.key)
		}
	}
	for i, a := range r.Agreements {
		if !isKey(a.Key) || slices.IndexFunc(r.Agreements, func(b Agreement) bool { return b.Key == a.Key }) != i || a.Name.EN == "" || a.Source == "" {
			src.problem(src.line("agreements", i), "an agreement needs a key that stands once, a name and a source")
		}
		r.checkOperationKeys(src, a.Operations, "agreements", i)
	}
}

// checkOperationKeys holds a list of operations somewhere in the file to those that there are.
func (r *Regulation) checkOperationKeys(src *source, keys []string, at ...any) {
	for i, key := range keys {
		if _, ok := r.Operation(key); !ok {
			src.problem(src.line(append(at, "operations", i)...), "there is no operation %q", key)
		}
	}
}

func (r *Regulation) checkRefusals(src *source) {
	seen := map[string]bool{}
	for i, m := range r.Refusals {
		line := src.line("refusals", i)
		if !isRefusal(m.Code) || seen[m.Code] || !slices.Contains(knownChecks, m.Check) || m.Name.EN == "" {
			src.problem(line, "a refusal needs a code from M1 to M6 that stands once, a name and one of the checks %v", knownChecks)
		}
		seen[m.Code] = true
		for j, p := range m.Paths {
			if _, ok := r.Path(p); !ok {
				src.problem(src.line("refusals", i, "paths", j), "there is no path %q", p)
			}
		}
		used := slices.ContainsFunc(r.Paths, func(p Path) bool {
			return slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Refusal == m.Code })
		})
		if !used {
			src.problem(line, "the refusal %s is unreachable: no step of any path gives it", m.Code)
		}
	}
}

func (r *Regulation) checkLegend(src *source) {
	var keys []string
	for i, s := range r.Legend {
		if !slices.Contains(knownSymbols, s.Key) || slices.Contains(keys, s.Key) || s.Name.EN == "" {
			src.problem(src.line("legend", i), "the legend has no symbol %q, or has it twice, or without a name", s.Key)
		}
		keys = append(keys, s.Key)
	}
	for _, k := range knownSymbols {
		if !slices.Contains(keys, k) {
			src.problem(src.line("legend"), "the legend lacks the symbol %q", k)
		}
	}
}

func (r *Regulation) checkSurvey(src *source) {
	seen := map[string]bool{}
	for i, q := range r.Survey {
		if !isKey(q.Key) || seen[q.Key] || q.Text.EN == "" || len(q.Answers) < 2 || !slices.Contains(indicators, q.Measure) {
			src.problem(src.line("survey", i), "a survey question needs a key of its own, text, answers, and measures one of %v", indicators)
		}
		seen[q.Key] = true
	}
}

func isKey(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
