// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"strings"
	"time"

	"rastau/internal/phrase"
	"rastau/internal/pki"
)

// Outcome of a finding; the zero value is Unknown.
type Outcome int

// The outcomes.
const (
	Unknown       Outcome = iota // could not be decided: the verdict cannot be TOTAL-PASSED
	Pass                         // the rule holds
	Warn                         // worth knowing, decides nothing
	Fail                         // the rule is broken
	NotApplicable                // the rule has nothing to say here, and why
)

// String gives "pass", "warn", "unknown", "fail" or "not-applicable".
func (o Outcome) String() string {
	switch o {
	case Pass:
		return "pass"
	case Warn:
		return "warn"
	case Fail:
		return "fail"
	case NotApplicable:
		return "not-applicable"
	}
	return "unknown"
}

// Finding is the outcome of one check. In JSON {key, outcome, citation, detail, evidence[]}.
type Finding struct {
	Key      string // stable: document.format, signature.digest, cert.revocation, holder.iin …
	Outcome  Outcome
	Citation string   // "RFC 5280 §6.1.3"
	Detail   string   // one sentence in the question's language
	Evidence []string // "sha256:… label" of the certificates, lists, responses and tokens used

	// What the finding stands for when it decides. Not in JSON.
	Sub        SubIndication
	Indication Indication
	Text       phrase.Text // Detail in the three languages. Not in JSON.
}

// passed, warned and absent say that nothing is wrong; args are pairs of a name in
// the text and its value.
func passed(key string, args ...string) Finding { return said(Pass, key, args) }
func warned(key string, args ...string) Finding { return said(Warn, key, args) }
func absent(key string, args ...string) Finding { return said(NotApplicable, key, args) }

// undecided and failed name the sub-indication they stand for, INDETERMINATE;
// refuted is a failure that is proven, TOTAL-FAILED.
func undecided(sub SubIndication, key string, args ...string) Finding {
	f := said(Unknown, key, args)
	f.Sub = sub
	return f
}

func failed(sub SubIndication, key string, args ...string) Finding {
	f := said(Fail, key, args)
	f.Sub = sub
	return f
}

func refuted(sub SubIndication, key string, args ...string) Finding {
	f := failed(sub, key, args...)
	f.Indication = TotalFailed
	return f
}

func said(o Outcome, key string, args []string) Finding {
	named := make(map[string]string, len(args)/2)
	for i := 0; i+1 < len(args); i += 2 {
		named[args[i]] = args[i+1]
	}
	if remark, ok := named["detail"]; ok {
		// A remark ends the English sentence, whose full stop is the catalogue's.
		if remark = strings.TrimRight(remark, ". "); remark == "" {
			remark = "no more is known"
		}
		named["detail"] = remark
	}
	return Finding{Outcome: o, Text: phrase.Get(key, named)}
}

// with adds evidence.
func (f Finding) with(evidence ...string) Finding {
	f.Evidence = append(f.Evidence, evidence...)
	return f
}

// citing replaces the check's own citation by a narrower one.
func (f Finding) citing(citation string) Finding {
	if citation != "" {
		f.Citation = citation
	}
	return f
}

// moment writes a time for people.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// stamp writes a time for evidence lines and JSON.
func stamp(t time.Time) string {
	if t.IsZero() {
		return "none"
	}
	return t.UTC().Format(time.RFC3339)
}

// title names a certificate for people: its common name, else the whole name.
func title(c *pki.Certificate) string {
	if names := c.Subject.Get(pki.OIDCommonName); len(names) > 0 && names[0] != "" {
		return names[0]
	}
	return c.Subject.String()
}

// certificateEvidence names a certificate by its bytes.
func certificateEvidence(c *pki.Certificate) string {
	return "sha256:" + c.SHA256Hex() + " certificate"
}
