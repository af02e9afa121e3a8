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
type Outcome uint8

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
	Key        string // stable: document.format, signature.digest, cert.revocation, holder.iin …
	Outcome    Outcome
	Indication Indication    // what it stands for when it decides. Not in JSON.
	Sub        SubIndication // likewise
	// KeyCompromise: the certificate was revoked because of its key, whenever that was.
	KeyCompromise bool
	Citation      string      // "RFC 5280 §6.1.3"
	Evidence      []string    // "sha256:… label" of the certificates, lists, responses and tokens used
	Lang          phrase.Lang // of Detail; anything but Kazakh and Russian is English

	// Text is what a finding made elsewhere says. The verifier's own keep the sentence of
	// the catalogue and what it speaks of, and say it when they are asked: a service that
	// judges thousands of signatures shows few of them, and in one language.
	Text     *phrase.Text
	sentence string
	args     []string
}

// Detail is one sentence in the question's language.
func (f *Finding) Detail() string { return f.In(f.Lang) }

// In is the sentence in another language. What files and certificates say of themselves
// is shown without characters that could paint over the line it stands in. A remark ends
// the sentence, whose full stop is the catalogue's, in the language of the sentence.
func (f *Finding) In(l phrase.Lang) string {
	if f.Text != nil {
		return f.Text.In(l)
	}
	return string(f.appendIn(nil, l))
}

func (f *Finding) appendIn(out []byte, l phrase.Lang) []byte {
	switch {
	case f.Text != nil:
		return append(out, f.Text.In(l)...)
	case f.sentence == "":
		return out
	}
	args := f.args
	for i := 1; i < len(args); i += 2 {
		shown := printable(args[i])
		if args[i-1] == "detail" {
			if shown = strings.TrimRight(shown, ". "); shown == "" {
				shown = "no more is known"
			}
			shown = phrase.Remark(shown).In(l)
		}
		if shown != args[i] {
			if &args[0] == &f.args[0] {
				args = slices.Clone(args)
			}
			args[i] = shown
		}
	}
	return phrase.AppendIn(out, l, f.sentence, args...)
}

// then puts the sentence of o after its own.
func (f Finding) then(o Finding) Finding {
	text := f.Texts().Join(o.Texts())
	f.Text = &text
	return f
}

// Texts is the sentence in the three languages.
func (f *Finding) Texts() phrase.Text {
	return phrase.Text{KK: f.In(phrase.KK), RU: f.In(phrase.RU), EN: f.In(phrase.EN)}
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
	return Finding{Outcome: o, sentence: key, args: args}
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
	switch {
	case r < utf8.RuneSelf:
		return r < ' ' || r == 0x7f
	case r >= 0x400 && r < 0x530: // Cyrillic
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs)
}

// with adds evidence.
func (f Finding) with(evidence ...string) Finding {
	if f.Evidence == nil {
		f.Evidence = slices.Clip(evidence) // shared: nobody may append into it
	} else {
		f.Evidence = append(f.Evidence, evidence...)
	}
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
func moment(t time.Time) string { return clockText(t, ' ', " UTC") }

// moment is moment, written once for the time that was asked for last.
func (in *inquiry) moment(t time.Time) string {
	if s := &in.spoken; s.text == "" || !s.at.Equal(t) {
		s.at, s.text = t, moment(t)
	}
	return in.spoken.text
}

// clockText writes a time in UTC to the second. time.Format reads its layout anew each
// time, and a report has a dozen.
func clockText(t time.Time, between byte, zone string) string {
	var room [32]byte
	return string(appendClock(room[:0], t, between, zone))
}

func appendClock(out []byte, t time.Time, between byte, zone string) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		return t.AppendFormat(out, "2006-01-02"+string(between)+"15:04:05"+zone)
	}
	hour, minute, second := t.Clock()
	two := func(v int, after byte) { out = append(out, byte('0'+v/10), byte('0'+v%10), after) }
	out = append(out, byte('0'+year/1000), byte('0'+year/100%10))
	two(year%100, '-')
	two(int(month), '-')
	two(day, between)
	two(hour, ':')
	two(minute, ':')
	two(second, ' ')
	return append(out[:len(out)-1], zone...)
}

// stamp writes a time for evidence lines and JSON.
func stamp(t time.Time) string {
	var room [32]byte
	return string(appendStamp(room[:0], t))
}

func appendStamp(out []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(out, "none"...)
	}
	return appendClock(out, t, 'T', "Z")
}

// title names a certificate for people: its common name, else the whole name.
func title(c *pki.Certificate) string {
	if name := c.Subject.First(pki.OIDCommonName); name != "" {
		return name
	}
	return c.Subject.String()
}

// certificateEvidence names a certificate by its bytes.
func certificateEvidence(c *pki.Certificate) string {
	return c.Evidence()
}
