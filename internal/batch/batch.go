// SPDX-License-Identifier: Apache-2.0

// Package batch answers one question: what are the verdicts on thousands of
// files?
//
// The files come as a folder, a ZIP archive or a CSV table; everything is
// bounded before it is read or unpacked. Each file is judged like one alone
// and gets one line of JSON, in the order of the files. A run that ended early
// goes on where it stopped and judges nothing twice: on the command line the
// file of results is the memory (ToFile), in the service the database is
// (Service), where any process goes on with what another began. A batch gives
// way to people who wait for an answer (Gate).
//
// Left out: how a file is judged. That is handed in.
package batch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"rastau/internal/pki"
	"rastau/verifier"
)

// Errors of a batch; the text of what wraps them says what is wrong and what to do.
var (
	// ErrSource: this is no folder, archive or table that can be judged.
	ErrSource = errors.New("no batch")
	// ErrLimit: there is more than one batch may hold.
	ErrLimit = errors.New("too much for one batch")
	// ErrUnknown: there is no such batch, or it is somebody else's.
	ErrUnknown = errors.New("no such batch")
	// ErrMany: the account has too many batches under way.
	ErrMany = errors.New("too many batches under way")
)

// Limits of one batch. Zero = default.
type Limits struct {
	Files int           // how many, 100,000
	File  int64         // bytes of one file, unpacked, 64 MiB; a larger one has an error for its verdict
	Total int64         // bytes of all files together, unpacked, 4 GiB
	Time  time.Duration // from beginning to end, 24 h
}

func (l Limits) withDefaults() Limits {
	if l.Files <= 0 {
		l.Files = 100_000
	}
	if l.File <= 0 {
		l.File = 64 << 20
	}
	if l.Total <= 0 {
		l.Total = 4 << 30
	}
	if l.Time <= 0 {
		l.Time = 24 * time.Hour
	}
	return l
}

// Asked is what a table says about one file beside its name; zero fields ask
// nothing.
type Asked struct {
	IIN    string    `json:"iin,omitempty"` // expected holder, twelve digits
	BIN    string    `json:"bin,omitempty"`
	At     time.Time `json:"at,omitzero"`             // the time judged
	Digest string    `json:"contentDigest,omitempty"` // of the detached content, sha256:HEX
}

// Input is one file, read.
type Input struct {
	Name     string
	Document []byte
	Content  []byte // detached content; nil where it is not given
	Asked    Asked
	Problem  string // why there is nothing to judge; "" where there is
}

// Narrow adds to a question what the batch says about this one file.
func (in Input) Narrow(q *verifier.Question) {
	a := in.Asked
	if !a.At.IsZero() {
		q.At = a.At
	}
	if a.IIN != "" {
		q.IIN = a.IIN
	}
	if a.BIN != "" {
		q.BIN = a.BIN
	}
	switch {
	case in.Content != nil:
		content := in.Content
		q.Content, q.Digests = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }, nil
	case a.Digest != "":
		// A table with a digest that cannot be read was refused before; without one the content is missing, which is never valid.
		q.Digests, _ = pki.ParseDigest(a.Digest)
	}
}

// Judge judges one file. An error says why there is no verdict, in words for
// whoever sent the file. It must be safe for concurrent use.
type Judge func(ctx context.Context, in Input) (*verifier.Report, error)

// Line is the answer about one file.
type Line struct {
	Name string
	// Verdict is the indication and sub-indication, as in TOTAL-FAILED/HASH_FAILURE, or NoVerdict.
	Verdict string
	// JSON is one object: the report as `rastau verify --json` prints it, or {file, error}. Without a line feed.
	JSON []byte
}

// NoVerdict is the verdict of a line that holds an error.
const NoVerdict = "error"

func verdictOf(indication, sub string) string {
	if sub == "" {
		return indication
	}
	return indication + "/" + sub
}

// lineOf judges one file. False where the judgement was cut off by ctx: what it
// found then says more of the haste than of the file.
func lineOf(ctx context.Context, in Input, judge Judge) (line Line, ok bool, err error) {
	defer func() {
		if p := recover(); p != nil { // one file never ends the program
			line, ok, err = errorLine(in.Name, "judging this file failed inside the program; tell its makers"), true, nil
		}
	}()
	problem := in.Problem
	if problem == "" {
		report, err := judge(ctx, in)
		if ctx.Err() != nil {
			return Line{}, false, nil
		}
		if err == nil {
			report.File = in.Name
			body, err := encode(report)
			return Line{in.Name, verdictOf(report.Indication.String(), string(report.SubIndication)), body}, err == nil, err
		}
		problem = err.Error()
	}
	return errorLine(in.Name, problem), true, nil
}

func errorLine(name, problem string) Line {
	// Two texts always encode.
	body, _ := encode(struct {
		File  string `json:"file"`
		Error string `json:"error"`
	}{name, problem})
	return Line{name, NoVerdict, body}
}

// encode writes one object as the command line prints it.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// workersOf leaves half of the machine to others where nobody says how many.
func workersOf(given int) int {
	if given > 0 {
		return given
	}
	return max(1, runtime.GOMAXPROCS(0)/2)
}

// each judges n files, read one after the other by read, with so many workers,
// and hands the lines to put in the order of the files. It ends with the first
// error, or early when ctx ends; the lines handed on until then stand.
func each(ctx context.Context, n, workers int, gate *Gate, judge Judge, read func(i int) (Input, error), put func(Line) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	type outcome struct {
		line Line
		ok   bool
		err  error
	}
	waiting := make(chan chan outcome, workers-1) // files under way, in their order
	go func() {
		defer close(waiting)
		for i := range n {
			gate.wait(ctx)
			if ctx.Err() != nil {
				return
			}
			in, err := read(i)
			done := make(chan outcome, 1)
			if err != nil {
				done <- outcome{err: err}
			}
			select {
			case waiting <- done:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
			go func() {
				line, ok, err := lineOf(ctx, in, judge)
				done <- outcome{line, ok, err}
			}()
		}
	}()
	var failed error
	cut := false
	for done := range waiting {
		o := <-done
		// Lines have no gap: what follows a file that was cut off, or the error that ended the run, is judged again another time.
		if cut = cut || !o.ok && o.err == nil; cut || failed != nil {
			continue
		}
		if o.err == nil {
			o.err = put(o.line)
		}
		if o.err != nil {
			failed = o.err
			cancel(failed)
		}
	}
	if failed == nil && ctx.Err() != nil {
		failed = fmt.Errorf("the batch ended early: %w", context.Cause(ctx))
	}
	return failed
}
