// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"rastau/internal/identity"
	"rastau/internal/phrase"
)

// Bounds of a search.
const (
	maxWords = 6
	maxQuery = 200 // characters
	maxLines = 500
	maxCSV   = 100_000 // lines of one file
)

// Search of the public register.
type Search struct {
	Text    string // a licence's number, or beginnings of words of the holder's name
	BIN     string // of the holder
	IIN     string // of the holder; only for officers, auditors and administrators
	Service string
	State   LicenceState
	Issued  Period // days
	Cursor  int64  // RegisterPage.Next of the page before
	Limit   int    // 0 or above 500 is 500
}

// RegisterLine is a licence as anybody sees it: of a person the name alone, of a body its number too.
type RegisterLine struct {
	Number      string       `json:"number"`
	State       LicenceState `json:"state"`
	InForce     bool         `json:"inForce"`
	Service     string       `json:"service"`
	Activity    phrase.Text  `json:"activity"`
	Holder      string       `json:"holder"`
	BIN         string       `json:"bin,omitempty"`
	Licensor    phrase.Text  `json:"licensor"`
	Issued      time.Time    `json:"issued"`
	FirstIssued *time.Time   `json:"firstIssued,omitempty"`
	ValidUntil  *time.Time   `json:"validUntil"`
	Predecessor string       `json:"predecessor,omitempty"`
	Successor   string       `json:"successor,omitempty"`
	Duplicate   bool         `json:"duplicate,omitempty"`
	Deemed      bool         `json:"deemed,omitempty"`
	Entry       int64        `json:"entry"` // of the log
}

// RegisterPage is one page of a search, the newest licence first.
type RegisterPage struct {
	Licences []RegisterLine `json:"licences"`
	Next     int64          `json:"next,omitempty"` // cursor of the next page; 0 where this is the last
}

func (s *Service) registerLine(l Licence) RegisterLine {
	return RegisterLine{
		Number: l.Number, State: l.State, InForce: l.State.InForce() && (l.ValidUntil == nil || s.now().Before(*l.ValidUntil)),
		Service: l.Service, Activity: l.Activity, Holder: l.Holder.Name, BIN: l.Holder.BIN, Licensor: l.Licensor, Issued: l.Issued,
		FirstIssued: l.FirstIssued, ValidUntil: l.ValidUntil, Predecessor: l.Predecessor, Successor: l.Successor, Duplicate: l.Duplicate,
		Deemed: l.Deemed, Entry: l.Entry,
	}
}

// Register searches the register of licences.
func (s *Service) Register(ctx context.Context, q Search) (*RegisterPage, error) {
	if q.Limit <= 0 || q.Limit > maxLines {
		q.Limit = maxLines
	}
	f, number, err := s.filter(q)
	if err != nil {
		return nil, err
	}
	page := &RegisterPage{Licences: []RegisterLine{}}
	var list []Licence
	err = s.o.Store.View(ctx, func(tx Tx) error {
		if number != "" {
			l, err := tx.Licence(number)
			if err != nil {
				return err
			}
			list = []Licence{l.Licence}
			return nil
		}
		f.Limit++ // one more, to know whether there is another page
		list, err = tx.SearchLicences(f)
		return err
	})
	if number != "" && errors.Is(err, ErrNotFound) {
		return page, nil
	}
	if err != nil {
		return nil, err
	}
	if len(list) > q.Limit {
		list = list[:q.Limit]
		page.Next = list[len(list)-1].Entry
	}
	for _, l := range list {
		page.Licences = append(page.Licences, s.registerLine(l))
	}
	return page, nil
}

// filter holds a search to its bounds. A text that is a licence's number is that licence.
func (s *Service) filter(q Search) (f LicenceFilter, number string, err error) {
	f = LicenceFilter{Service: q.Service, State: q.State, Before: q.Cursor, Limit: q.Limit}
	if q.State != "" && !q.State.Valid() {
		return f, "", badInput("state", "must be issued, re-issued, suspended, resumed or terminated")
	}
	if q.Service != "" && s.regulations[q.Service] == nil {
		return f, "", badInput("service", "there is no such service: see the list of services")
	}
	if q.Cursor < 0 {
		return f, "", badInput("cursor", "must be the next of a page")
	}
	for field, n := range map[string]string{"bin": q.BIN, "iin": q.IIN} {
		if n == "" {
			continue
		}
		if _, err := identity.Parse(n); err != nil {
			return f, "", badInput(field, "must have twelve digits")
		}
		f.Number = n
	}
	if q.Issued != (Period{}) {
		if f.From, f.Until, err = s.o.Calendar.Bounds(q.Issued); err != nil {
			return f, "", err
		}
	}
	text := strings.TrimSpace(q.Text)
	if !utf8.ValidString(text) || utf8.RuneCountInString(text) > maxQuery {
		return f, "", badInput("q", "must be UTF-8 and not longer than %d characters", maxQuery)
	}
	if upper := strings.ToUpper(text); ParseNumber(upper) == nil {
		return f, upper, nil
	}
	f.Words = SearchWords(text)
	if text != "" && len(f.Words) == 0 || len(f.Words) > maxWords {
		return f, "", badInput("q", "must be a licence's number or one to %d beginnings of words", maxWords)
	}
	return f, "", nil
}

// SearchWords are the words of a text as the register is searched by them:
// letters and digits, in lower case, each once.
func SearchWords(text string) []string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	slices.Sort(words)
	return slices.Compact(words)
}

// RegisterCSV writes what a search finds, at most 100,000 lines, as CSV (RFC 4180) with a header in a language.
func (s *Service) RegisterCSV(ctx context.Context, out io.Writer, q Search, lang phrase.Lang) error {
	w := &csvWriter{out: out}
	var head []string
	for _, key := range []string{"number", "state", "holder", "bin", "activity", "licensor", "issued", "until", "predecessor", "successor", "entry"} {
		head = append(head, phrase.Get("register.csv."+key, nil).In(lang))
	}
	w.line(head...)
	q.Limit = maxLines
	for written := 0; written < maxCSV; {
		page, err := s.Register(ctx, q)
		if err != nil {
			return err
		}
		for _, l := range page.Licences {
			until := ""
			if l.ValidUntil != nil {
				until = string(s.o.Calendar.Day(*l.ValidUntil))
			}
			w.line(l.Number, phrase.Get("register.state."+string(l.State), nil).In(lang), l.Holder, l.BIN, l.Activity.In(lang), l.Licensor.In(lang),
				string(s.o.Calendar.Day(l.Issued)), until, l.Predecessor, l.Successor, fmt.Sprint(l.Entry))
		}
		if w.err != nil || page.Next == 0 {
			return w.err
		}
		written += len(page.Licences)
		q.Cursor = page.Next
	}
	return w.err
}

// csvWriter writes RFC 4180. A cell that a spreadsheet would take for a formula
// gets an apostrophe before it, so that a holder's name never runs in anybody's
// table.
type csvWriter struct {
	out io.Writer
	err error
}

func (w *csvWriter) line(cells ...string) {
	var b strings.Builder
	for i, c := range cells {
		if i > 0 {
			b.WriteByte(',')
		}
		if c != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(c)[0]) {
			c = "'" + c
		}
		if strings.ContainsAny(c, ",\"\r\n") || c != strings.TrimSpace(c) {
			c = `"` + strings.ReplaceAll(c, `"`, `""`) + `"`
		}
		b.WriteString(c)
	}
	b.WriteString("\r\n")
	if w.err == nil {
		_, w.err = io.WriteString(w.out, b.String())
	}
}

// Counted is how many licences of each service are in each state.
func (s *Service) Counted(ctx context.Context) (list []LicenceCount, err error) {
	err = s.o.Store.View(ctx, func(tx Tx) error {
		list, err = tx.CountLicences()
		return err
	})
	return list, err
}
