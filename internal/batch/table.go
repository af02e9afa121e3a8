// SPDX-License-Identifier: Apache-2.0

package batch

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"rastau/internal/identity"
	"rastau/internal/pki"
)

// columns that a table may have; its first line names those that it has.
var columns = []string{"name", "file", "document", "content", "contentDigest", "iin", "bin", "at"}

// fromTable reads a table (RFC 4180; a semicolon between the cells is understood
// too). from holds the files that it names, nil where there are none.
func fromTable(table io.Reader, from files, limits Limits) (*Source, error) {
	text := bufio.NewReaderSize(io.LimitReader(table, maxTable+1), 64<<10)
	if mark, err := text.Peek(3); err == nil && bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		_, _ = text.Discard(3) // just seen
	}
	reader := csv.NewReader(text)
	reader.Comma = comma(text)
	head, err := reader.Read()
	if err != nil {
		return nil, fmt.Errorf("%w: neither a ZIP archive nor a table: %v", ErrSource, err)
	}
	at, err := columnsOf(head)
	if err != nil {
		return nil, err
	}
	s := &Source{limits: limits, files: from, left: limits.Total}
	seen := map[string]bool{}
	for {
		cells, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %v", ErrSource, err)
		}
		line, _ := reader.FieldPos(0)
		if reader.InputOffset() > maxTable {
			return nil, fmt.Errorf("%w: the table has more than %d bytes; split it", ErrLimit, maxTable)
		}
		if len(s.rows) == limits.Files {
			return nil, fmt.Errorf("%w: the table has more than %d lines; split it", ErrLimit, limits.Files)
		}
		r, err := rowOf(cells, at, from != nil, line)
		if err != nil {
			return nil, fmt.Errorf("%w: line %d: %v", ErrSource, line, err)
		}
		if seen[r.name] {
			return nil, fmt.Errorf("%w: line %d: %q stands twice; give each line a name of its own in the column name", ErrSource, line, shorten(r.name))
		}
		seen[r.name] = true
		if s.left -= int64(len(r.document)); s.left < 0 {
			return nil, fmt.Errorf("%w: the files have more than %d bytes together; split it", ErrLimit, limits.Total)
		}
		s.rows = append(s.rows, r)
	}
	return s.checked()
}

// comma is what stands between the cells: what the first line has more of.
func comma(text *bufio.Reader) rune {
	head, _ := text.Peek(text.Size()) // shorter where the table is
	head, _, _ = bytes.Cut(head, []byte("\n"))
	if bytes.Count(head, []byte(";")) > bytes.Count(head, []byte(",")) {
		return ';'
	}
	return ','
}

func columnsOf(head []string) (map[string]int, error) {
	at := map[string]int{}
	for i, name := range head {
		name = strings.TrimSpace(name)
		if !slices.Contains(columns, name) {
			return nil, fmt.Errorf("%w: the table's first line has the unknown column %q; known are %s", ErrSource, shorten(name), strings.Join(columns, ", "))
		}
		if _, twice := at[name]; twice {
			return nil, fmt.Errorf("%w: the column %s stands twice", ErrSource, name)
		}
		at[name] = i
	}
	_, file := at["file"]
	_, document := at["document"]
	if file == document {
		return nil, fmt.Errorf("%w: the table needs either the column file (a path) or the column document (base64)", ErrSource)
	}
	return at, nil
}

func rowOf(cells []string, at map[string]int, files bool, line int) (row, error) {
	cell := func(name string) string {
		if i, ok := at[name]; ok {
			return cells[i]
		}
		return ""
	}
	r := row{name: cell("name"), file: cell("file"), content: cell("content")}
	if (r.file != "" || r.content != "") && !files {
		return r, errors.New("files cannot be named here; put the documents into the column document, or send an archive with the table in it")
	}
	if _, inside := at["document"]; inside {
		var err error
		if r.document, err = base64.StdEncoding.DecodeString(cell("document")); err != nil || len(r.document) == 0 {
			return r, errors.New("the document is no base64")
		}
		if r.name == "" {
			r.name = fmt.Sprintf("line %d", line)
		}
	} else if r.file == "" {
		return r, errors.New("the file is missing")
	}
	if r.name == "" {
		r.name = r.file
	}
	if err := nameable(r.name); err != nil {
		return r, err
	}
	r.asked = Asked{IIN: cell("iin"), BIN: cell("bin"), Digest: cell("contentDigest")}
	for column, number := range map[string]string{"iin": r.asked.IIN, "bin": r.asked.BIN} {
		if _, err := identity.Parse(number); number != "" && err != nil {
			return r, fmt.Errorf("%s must have exactly twelve digits", column)
		}
	}
	if r.asked.Digest != "" {
		if _, err := pki.ParseDigest(r.asked.Digest); err != nil {
			return r, fmt.Errorf("contentDigest: %w", err)
		}
		if r.content != "" {
			return r, errors.New("give the content or its digest, not both")
		}
	}
	if when := cell("at"); when != "" {
		var err error
		if r.asked.At, err = time.Parse(time.RFC3339, when); err != nil {
			return r, errors.New("at must be a time of RFC 3339, for example 2026-04-15T00:00:00Z")
		}
	}
	return r, nil
}
