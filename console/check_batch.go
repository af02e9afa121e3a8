// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"rastau/internal/account"
	"rastau/internal/batch"
	"rastau/licensing"
	"rastau/verifier"
)

const (
	maxNumbers = 2000    // licence numbers of one table: they are looked up while the page waits
	maxTable   = 1 << 20 // bytes of such a table
	shownLines = 100     // of a batch: the file of results has them all
)

type checksPage struct {
	Jobs   []batch.Job
	At     string
	Limits batch.Limits
	Upload int // MiB
	Most   int // numbers
}

// checks lists the batches of files and takes another one.
func (s *site) checks(q *request) error { return s.showChecks(q, http.StatusOK, "", nil) }

func (s *site) showChecks(q *request, status int, at string, errs []fieldError) error {
	if s.o.Batches == nil {
		return errMissing
	}
	jobs, err := s.o.Batches.Jobs(q.Context(), q.user.ID, q.user.Has(account.Admin))
	if err != nil {
		return err
	}
	v := q.view("checks.title")
	v.Data, v.Errors, v.Back = checksPage{jobs, at, s.o.Batches.Limits(), maxUpload >> 20, maxNumbers}, errs, "/audit"
	return q.render(status, "checks", v)
}

// beginCheck takes a ZIP archive of files or a table: of files, which become a batch, or of licence numbers, which are looked up at once.
func (s *site) beginCheck(q *request) error {
	if s.o.Batches == nil {
		return errMissing
	}
	if err := q.ParseMultipartForm(2 << 20); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return err
	}
	v := q.view("checks.title")
	typed := strings.TrimSpace(q.FormValue("at"))
	wrong := func(field, text string) error {
		return s.showChecks(q, http.StatusUnprocessableEntity, typed, []fieldError{{field, text}})
	}
	at, ok := s.judgedAt(q, typed)
	if !ok {
		return wrong("at", v.T("verify.bad_time"))
	}
	file, header, err := q.FormFile("file")
	if err != nil {
		return wrong("file", v.T("checks.choose"))
	}
	defer file.Close()
	source, numbers, err := s.sourceOf(file, header)
	switch {
	case errors.Is(err, batch.ErrSource):
		return wrong("file", v.T("checks.unreadable"))
	case errors.Is(err, batch.ErrLimit):
		return wrong("file", v.T("checks.too_large", "files", fmt.Sprint(s.o.Batches.Limits().Files), "numbers", fmt.Sprint(maxNumbers)))
	case err != nil:
		return err
	case numbers != nil:
		return s.checkNumbers(q, numbers)
	}
	j, err := s.o.Batches.Submit(q.Context(), q.user.ID, source, batch.Ask{At: at, Purpose: verifier.PurposeSign, Lang: q.lang})
	switch {
	case errors.Is(err, batch.ErrMany):
		return wrong("file", v.T("checks.many"))
	case errors.Is(err, batch.ErrLimit):
		return wrong("file", v.T("checks.too_large", "files", fmt.Sprint(s.o.Batches.Limits().Files), "numbers", fmt.Sprint(maxNumbers)))
	case err != nil:
		return err
	}
	return q.redirect("/audit/batches/" + escapePath(j.ID))
}

// sourceOf tells an archive, a table of files and a table of licence numbers apart.
func (s *site) sourceOf(file multipart.File, header *multipart.FileHeader) (*batch.Source, []string, error) {
	head := make([]byte, 4)
	n, err := file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	if bytes.HasPrefix(head[:n], []byte("PK")) {
		source, err := batch.FromZIP(file, header.Size, s.o.Batches.Limits())
		return source, nil, err
	}
	table, err := io.ReadAll(file)
	if err != nil {
		return nil, nil, err
	}
	if numbers, err := numbersIn(table); numbers != nil || err != nil {
		return nil, numbers, err
	}
	source, err := batch.FromTable(table, s.o.Batches.Limits())
	return source, nil, err
}

// likeNumber is a licence number by its looks: one that is mistyped is looked up in vain and told so.
var likeNumber = regexp.MustCompile(`^KZ[0-9]{2}[A-Z]{3}[0-9]{8}$`)

// numbersIn reads the first column of a table whose first or second line begins with a licence number; nil where it is another table.
func numbersIn(table []byte) ([]string, error) {
	if !utf8.Valid(table) {
		return nil, fmt.Errorf("%w: the table is not UTF-8", batch.ErrSource)
	}
	var numbers []string
	for i, line := range strings.Split(strings.TrimPrefix(string(table), "\ufeff"), "\n") {
		first, _, _ := strings.Cut(strings.ReplaceAll(strings.TrimRight(line, "\r"), ";", ","), ",")
		number := compact(strings.Trim(strings.TrimSpace(first), `"`))
		if number == "" {
			continue
		}
		if !likeNumber.MatchString(number) && len(numbers) == 0 {
			if i > 0 {
				return nil, nil
			}
			continue // the line that names the columns
		}
		if numbers = append(numbers, number); len(numbers) > maxNumbers || len(table) > maxTable {
			return nil, batch.ErrLimit
		}
	}
	return numbers, nil
}

type numbersPage struct {
	Lines                  []numberLine
	Good, Bad, All, Hidden int
	Token                  string
}

type numberLine struct {
	Number, State, Why string
	Registered, Good   bool
}

// checkNumbers looks each number up in the register. The table of results is kept for a while, as evidence is.
func (s *site) checkNumbers(q *request, numbers []string) error {
	leave, err := s.place(q.Context())
	if err != nil {
		return err
	}
	defer leave()
	v := q.view("checks.numbers")
	p := numbersPage{All: len(numbers)}
	var out bytes.Buffer
	out.WriteString("\ufeff")
	w := csv.NewWriter(&out)
	_ = w.Write([]string{"number", "registered", "inForce", "state", "entitled", "why"}) // to memory
	for _, n := range numbers {
		l := numberLine{Number: n, Why: v.T("number.none")}
		var c licensing.LicenceCheck
		if licensing.ParseNumber(n) == nil {
			c = s.o.Service.CheckLicence(q.Context(), nil, nil, n)
			if err := q.Context().Err(); err != nil {
				return err
			}
			l.Why, l.Registered, l.State = c.Why.In(q.lang), c.Registered, string(c.State)
			l.Good = c.Registered && c.InForce && c.Entitled != nil && *c.Entitled
		}
		entitled := ""
		if c.Entitled != nil {
			entitled = fmt.Sprint(*c.Entitled)
		}
		_ = w.Write([]string{cell(n), fmt.Sprint(c.Registered), fmt.Sprint(c.InForce), l.State, entitled, l.Why})
		if l.Good {
			p.Good++
		} else {
			p.Bad++
		}
		p.Lines = append(p.Lines, l)
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return err
	}
	slices.SortStableFunc(p.Lines, func(a, b numberLine) int { // what needs a look comes first
		switch {
		case a.Good == b.Good:
			return 0
		case b.Good:
			return -1
		}
		return 1
	})
	if len(p.Lines) > 2*shownLines {
		p.Hidden = len(p.Lines) - 2*shownLines
		p.Lines = p.Lines[:2*shownLines]
	}
	p.Token = s.shelf.put(q.Context(), out.Bytes())
	v.Data, v.Back = p, "/audit/batches"
	return q.render(http.StatusOK, "numbers", v)
}

func (s *site) numbersCSV(q *request) error {
	token, _ := strings.CutSuffix(q.PathValue("file"), ".csv")
	data, err := s.shelf.get(q.Context(), token)
	if err != nil {
		return err
	}
	return q.file("numbers.csv", "text/csv; charset=utf-8", data, true)
}

type checkPage struct {
	*batch.Job
	Over     bool
	Verdicts []verdictCount
	Lines    []batch.Line
	Hidden   int
	Left     string // how long it will take, as it goes now; "" where nobody knows
}

type verdictCount struct {
	Verdict, Mark string
	N             int
}

var errEnough = errors.New("enough")

// check shows how far a batch is, what came out, and the files that need a look.
func (s *site) check(q *request) error {
	j, all, err := s.jobOf(q)
	if err != nil {
		return err
	}
	p := checkPage{Job: j, Over: j.State == batch.Done || j.State == batch.Cancelled || j.State == batch.Failed}
	for verdict, n := range j.Verdicts {
		mark := "open"
		switch {
		case strings.HasPrefix(verdict, "TOTAL-PASSED"):
			mark = "yes"
		case strings.HasPrefix(verdict, "TOTAL-FAILED"):
			mark = "no"
		}
		p.Verdicts = append(p.Verdicts, verdictCount{verdict, mark, n})
	}
	slices.SortFunc(p.Verdicts, func(a, b verdictCount) int { return strings.Compare(a.Verdict, b.Verdict) })
	if passed := j.Verdicts["TOTAL-PASSED"]; p.Over && j.Judged > passed {
		p.Hidden = j.Judged - passed
		err := s.o.Batches.Lines(q.Context(), q.user.ID, all, j.ID, 0, func(_ int, l batch.Line) error {
			if l.Verdict == "TOTAL-PASSED" {
				return nil
			}
			if len(p.Lines) == shownLines {
				return errEnough
			}
			p.Lines = append(p.Lines, l)
			p.Hidden--
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			return err
		}
	}
	v := q.view("checks.one")
	if spent := s.o.Now().Sub(j.Created); !p.Over && j.Judged > 0 {
		p.Left = v.Span(spent / time.Duration(j.Judged) * time.Duration(j.Files-j.Judged))
	}
	v.Data, v.Back = p, "/audit/batches"
	return q.render(http.StatusOK, "check_batch", v)
}

func (s *site) jobOf(q *request) (*batch.Job, bool, error) {
	if s.o.Batches == nil {
		return nil, false, errMissing
	}
	all := q.user.Has(account.Admin)
	j, err := s.o.Batches.Job(q.Context(), q.user.ID, all, q.PathValue("id"))
	if errors.Is(err, batch.ErrUnknown) {
		return nil, false, errMissing
	}
	return j, all, err
}

// checkResults is what came out, a line a file.
func (s *site) checkResults(q *request) error {
	j, all, err := s.jobOf(q)
	if err != nil {
		return err
	}
	var table *batch.CSV
	h := q.w.Header()
	out := bufio.NewWriterSize(q.w, 64<<10)
	switch q.PathValue("file") {
	case "results.csv":
		h.Set("Content-Type", "text/csv; charset=utf-8")
	case "results.jsonl":
		h.Set("Content-Type", "application/jsonl; charset=utf-8")
	default:
		return errMissing
	}
	h.Set("Content-Disposition", `attachment; filename="batch-`+j.ID+"-"+q.PathValue("file")+`"`)
	if q.PathValue("file") == "results.csv" {
		if table, err = batch.NewCSV(out); err != nil {
			return err
		}
	}
	err = s.o.Batches.Lines(q.Context(), q.user.ID, all, j.ID, 0, func(_ int, l batch.Line) error {
		if table != nil {
			return table.Write(l)
		}
		_, err := out.Write(append(l.JSON, '\n'))
		return err
	})
	if err == nil && table != nil {
		err = table.Flush()
	}
	if err == nil {
		err = out.Flush()
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		s.o.Log.WarnContext(q.Context(), "the results of a batch were cut off", "batch", j.ID, "error", err.Error())
		panic(http.ErrAbortHandler) // half a table must not look like a whole one
	}
	return nil
}

// changeCheck cancels a batch, or removes it with its results.
func (s *site) changeCheck(q *request) error {
	j, all, err := s.jobOf(q)
	if err != nil {
		return err
	}
	switch q.FormValue("do") {
	case "cancel":
		if _, err := s.o.Batches.Cancel(q.Context(), q.user.ID, all, j.ID); err != nil {
			return err
		}
		return q.redirect("/audit/batches/" + escapePath(j.ID))
	case "remove":
		if err := s.o.Batches.Remove(q.Context(), q.user.ID, all, j.ID); err != nil {
			return err
		}
		return q.redirect("/audit/batches")
	}
	return errMissing
}
