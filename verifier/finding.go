// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

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

	// What Text says, so that it can be said of another time (proven.go).
	sentence string
	args     []string
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

// said makes the sentence. What files and certificates say of themselves is shown
// without characters that could paint over the line it stands in. A remark ends the
// sentence, whose full stop is the catalogue's, in the language of the sentence.
func said(o Outcome, key string, args []string) Finding {
	remark, copied := -1, false
	for i := 0; i+1 < len(args); i += 2 {
		value := printable(args[i+1])
		if args[i] == "detail" {
			remark = i + 1
			if value = strings.TrimRight(value, ". "); value == "" {
				value = "no more is known"
			}
		}
		if value != args[i+1] {
			if !copied {
				args, copied = slices.Clone(args), true
			}
			args[i+1] = value
		}
	}
	if remark < 0 {
		return Finding{Outcome: o, Text: phrase.Say(key, args...), sentence: key, args: args}
	}
	texts := make(map[string]phrase.Text, len(args)/2)
	for i := 0; i+1 < len(args); i += 2 {
		texts[args[i]] = phrase.Text{KK: args[i+1], RU: args[i+1], EN: args[i+1]}
	}
	texts["detail"] = phrase.Remark(args[remark])
	return Finding{Outcome: o, Text: phrase.Render(key, texts), sentence: key, args: args}
}

// printable writes characters that cannot be seen, or that turn the direction of what
// follows, as Go escapes them.
func printable(s string) string {
	if !strings.ContainsFunc(s, hidden) && utf8.ValidString(s) {
		return s
	}
	var out strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if hidden(r) || r == utf8.RuneError && size == 1 {
			quoted := strconv.QuoteToASCII(s[:size])
			out.WriteString(quoted[1 : len(quoted)-1])
		} else {
			out.WriteString(s[:size])
		}
		s = s[size:]
	}
	return out.String()
}

func hidden(r rune) bool {
	if r < utf8.RuneSelf {
		return r < ' ' || r == 0x7f
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs)
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
