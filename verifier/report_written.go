// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"rastau/internal/pki"
)

// written is JSON on its way. A report has hundreds of strings and a service writes one
// for every question; by reflection that costs more than the signature's mathematics.
// The bytes are those that encoding/json would write.
type written []byte

func (w *written) open() { *w = append(*w, '{') }

func (w *written) close() { *w = append(*w, '}') }

// name begins the next member of an object.
func (w *written) name(name string) {
	if b := *w; b[len(b)-1] != '{' {
		*w = append(*w, ',')
	}
	*w = append(append(append(*w, '"'), name...), '"', ':')
}

// list writes n elements.
func (w *written) list(n int, element func(i int)) {
	*w = append(*w, '[')
	for i := range n {
		if i > 0 {
			*w = append(*w, ',')
		}
		element(i)
	}
	*w = append(*w, ']')
}

func (w *written) text(name, value string) {
	w.name(name)
	w.quote(value)
}

func (w *written) texts(name string, values []string) {
	w.name(name)
	w.list(len(values), func(i int) { w.quote(values[i]) })
}

// orNull writes null for "".
func (w *written) orNull(name, value string) {
	if value == "" {
		w.null(name)
		return
	}
	w.text(name, value)
}

func (w *written) null(name string) {
	w.name(name)
	*w = append(*w, "null"...)
}

func (w *written) time(name string, t *time.Time) {
	if t == nil {
		w.null(name)
		return
	}
	w.name(name)
	*w = append(*w, '"')
	*w = append(t.UTC().AppendFormat(*w, time.RFC3339), '"')
}

func (w *written) truth(name string, value *bool) {
	switch {
	case value == nil:
		w.null(name)
		return
	case *value:
		w.name(name)
		*w = append(*w, "true"...)
		return
	}
	w.name(name)
	*w = append(*w, "false"...)
}

// quote writes a string. What encoding/json would escape it escapes.
func (w *written) quote(s string) {
	if !simple(s) {
		quoted, _ := json.Marshal(s) // of a string there is no error
		*w = append(*w, quoted...)
		return
	}
	*w = append(append(append(*w, '"'), s...), '"')
}

// simple reports that a string stands in JSON as it is.
func simple(s string) bool {
	ascii := true
	for i := range len(s) {
		switch c := s[i]; {
		case c >= utf8.RuneSelf:
			ascii = false
		case !asIs[c]:
			return false
		}
	}
	// Line and paragraph separators JavaScript once took for line ends.
	return ascii || utf8.ValidString(s) && !strings.Contains(s, "\u2028") && !strings.Contains(s, "\u2029")
}

// simpleBytes is simple of bytes.
func simpleBytes(s []byte) bool {
	for _, c := range s {
		if c < utf8.RuneSelf && !asIs[c] {
			return false
		}
	}
	return utf8.Valid(s) && !bytes.Contains(s, []byte("\u2028")) && !bytes.Contains(s, []byte("\u2029"))
}

// asIs are the ASCII characters that encoding/json does not escape.
var asIs = func() (out [utf8.RuneSelf]bool) {
	for c := byte(' '); c < utf8.RuneSelf; c++ {
		out[c] = c != '"' && c != '\\' && c != '<' && c != '>' && c != '&'
	}
	return out
}()

func (w *written) finding(f *Finding) {
	w.open()
	w.text("key", f.Key)
	w.text("outcome", f.Outcome.String())
	w.text("citation", f.Citation)
	w.detail(f)
	w.texts("evidence", f.Evidence)
	w.close()
}

// detail writes the sentence where it will stand, and once more where it needs escapes.
func (w *written) detail(f *Finding) {
	w.name("detail")
	start := len(*w)
	*w = append(*w, '"')
	*w = f.appendIn(*w, f.Lang)
	if said := (*w)[start+1:]; simpleBytes(said) {
		*w = append(*w, '"')
	} else {
		quoted, _ := json.Marshal(string(said)) // of a string there is no error
		*w = append((*w)[:start], quoted...)
	}
}

func (w *written) findings(all []Finding) {
	w.name("findings")
	w.list(len(all), func(i int) { w.finding(&all[i]) })
}

func (w *written) signature(s *SignatureReport) {
	w.open()
	if s.Field != "" {
		w.text("field", s.Field)
	}
	w.text("indication", s.Indication.String())
	w.orNull("subIndication", string(s.SubIndication))
	w.truth("intact", s.Intact)
	if s.Signer == nil {
		w.null("signer")
	} else {
		w.name("signer")
		w.person(s.Signer)
	}
	w.time("signingTime", s.SigningTime)
	w.time("claimedTime", s.ClaimedTime)
	w.text("level", s.Level)
	if s.Scope != nil {
		w.name("scope")
		w.open()
		w.texts("signed", s.Scope.Signed)
		w.texts("unsigned", s.Scope.Unsigned)
		w.texts("around", s.Scope.Around)
		w.texts("prefixes", s.Scope.Prefixes)
		w.close()
	}
	w.findings(s.Findings)
	w.time("retryAfter", s.RetryAfter)
	w.close()
}

func (w *written) person(p *Person) {
	w.open()
	w.text("subject", p.Subject)
	w.text("issuer", p.Issuer)
	w.text("serial", p.Serial)
	w.number("iin", p.IIN)
	w.number("bin", p.BIN)
	w.close()
}

func (w *written) number(name string, value *string) {
	if value == nil {
		w.null(name)
		return
	}
	w.text(name, *value)
}

// certificate writes the certificate that was asked about and the policies of its path.
func (w *written) certificate(r *Report) error {
	var c *certificateJSON
	if r.Certificate != nil && r.Holder != nil {
		c = &certificateJSON{
			Person:             *r.Holder,
			NotBefore:          r.Certificate.NotBefore.UTC().Format(time.RFC3339),
			NotAfter:           r.Certificate.NotAfter.UTC().Format(time.RFC3339),
			PublicKey:          pki.AlgorithmName(r.Certificate.PublicKey.Algorithm),
			SignatureAlgorithm: pki.AlgorithmName(r.Certificate.Algorithm),
			SHA256:             r.Certificate.SHA256Hex(),
		}
	}
	shown, err := json.Marshal(c)
	if err != nil {
		return err
	}
	w.name("certificate")
	*w = append(*w, shown...)
	w.name("policies")
	w.list(len(r.Policies), func(i int) { w.quote(string(r.Policies[i])) })
	return nil
}
