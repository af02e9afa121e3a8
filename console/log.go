// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"rastau/internal/journal"
	"rastau/licensing"
)

// logPage is the register's log for everybody: its head, its newest entries, the way to any of them.
type logPage struct {
	Size       int64
	Root       string
	Checkpoint string
	Lines      []logLine
	Older      string
	Typed      string
}

// logLine is an entry in a few words.
type logLine struct {
	N                int64
	Kind, Number, At string
}

const logLines = 50

func (s *site) log(q *request) error {
	typed := strings.TrimSpace(q.FormValue("entry"))
	if typed != "" {
		if n, err := strconv.ParseInt(typed, 10, 64); err == nil && n >= 0 {
			return q.redirect("/log/" + strconv.FormatInt(n, 10))
		}
		l, err := s.o.Service.Licence(q.Context(), compact(typed))
		if err == nil {
			return q.redirect("/log/" + strconv.FormatInt(l.Entry, 10))
		}
		if !errors.Is(err, licensing.ErrNotFound) && !isInput(err) {
			return err
		}
	}
	p := logPage{Typed: typed}
	var err error
	if p.Size, p.Root, err = s.o.Service.LogHead(q.Context()); err != nil {
		return err
	}
	if raw, err := s.o.Service.Checkpoint(q.Context()); err == nil {
		p.Checkpoint = string(raw)
	} else if !errors.Is(err, licensing.ErrNotFound) {
		return err
	}
	end := p.Size
	if before, err := strconv.ParseInt(q.FormValue("before"), 10, 64); err == nil && before > 0 && before < end {
		end = before
	}
	if from := max(0, end-logLines); end > 0 {
		entries, err := s.o.Service.Entries(q.Context(), from, int(end-from))
		if err != nil {
			return err
		}
		for i, e := range entries {
			p.Lines = append(p.Lines, logLineOf(from+int64(i), e))
		}
		slices.Reverse(p.Lines)
		if from > 0 {
			p.Older = "/log?before=" + strconv.FormatInt(from, 10)
		}
	}
	v := q.view("log.title")
	if v.Data = p; typed != "" {
		v.Errors = []fieldError{{"entry", v.T("log.no_entry")}}
		return q.render(http.StatusNotFound, "log", v)
	}
	return q.render(http.StatusOK, "log", v)
}

// logLineOf reads what an entry is about: of a licence its number, of a renewal or a move its subject.
func logLineOf(n int64, entry []byte) logLine {
	var e struct {
		Kind, Number, Licence, Subject, Application, At string
	}
	_ = json.Unmarshal(entry, &e) // an entry of a kind to come is shown by its number
	l := logLine{N: n, Kind: e.Kind, Number: e.Number, At: e.At}
	for _, other := range []string{e.Licence, e.Subject, e.Application} {
		if l.Number == "" {
			l.Number = other
		}
	}
	return l
}

type entryProofPage struct {
	logLine
	*licensing.EntryProof
	Pretty     string
	Leaf       string
	Holds      bool // the proof was computed anew from the entry up to the root
	Checkpoint string
	Licence    string // number, where the entry is a licence's
}

// logEntry shows an entry with the proof that it stands in the log.
func (s *site) logEntry(q *request) error {
	proof, p, err := s.proofOf(q)
	if err != nil {
		return err
	}
	var pretty bytes.Buffer
	if json.Indent(&pretty, proof.Body, "", "  ") != nil {
		pretty.Write(proof.Body)
	}
	p.Pretty = pretty.String()
	if licensing.ParseNumber(p.Number) == nil {
		p.Licence = p.Number
	}
	v := q.view("log.entry", "n", strconv.FormatInt(proof.Entry, 10))
	v.Data, v.Back = p, "/log"
	return q.render(http.StatusOK, "log_entry", v)
}

// logProof is the same as a file: the entry, the proof, the root, the checkpoint.
func (s *site) logProof(q *request) error {
	proof, p, err := s.proofOf(q)
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(struct {
		*licensing.EntryProof
		Checkpoint string `json:"checkpoint,omitempty"`
	}{proof, p.Checkpoint}, "", "  ")
	if err != nil {
		return err
	}
	return q.file("log-entry-"+strconv.FormatInt(proof.Entry, 10)+".json", "application/json", data, true)
}

func (s *site) proofOf(q *request) (*licensing.EntryProof, entryProofPage, error) {
	n, err := strconv.ParseInt(q.PathValue("n"), 10, 64)
	if err != nil {
		return nil, entryProofPage{}, errMissing
	}
	proof, err := s.o.Service.ProveEntry(q.Context(), n, 0)
	if isInput(err) {
		return nil, entryProofPage{}, errMissing // the log is not that long
	}
	if err != nil {
		return nil, entryProofPage{}, err
	}
	p := entryProofPage{logLine: logLineOf(n, proof.Body), EntryProof: proof}
	p.Leaf, p.Holds = tlog.RecordHash(proof.Body).String(), journal.CheckEntry(proof.Proof, journal.Head{Size: proof.Size, Root: proof.Root}, n, proof.Body) == nil
	raw, err := s.o.Service.Checkpoint(q.Context())
	if err != nil && !errors.Is(err, licensing.ErrNotFound) {
		return nil, p, err
	}
	p.Checkpoint = string(raw)
	return proof, p, nil
}
