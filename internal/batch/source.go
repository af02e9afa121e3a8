// SPDX-License-Identifier: Apache-2.0

package batch

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// TableName in a folder or at the top of an archive is the table that says
// which files are judged, and how. Without it every file is judged, but those
// whose name or folder begins with a dot.
const TableName = "batch.csv"

const (
	maxName  = 512       // bytes of a file's name
	maxTable = 256 << 20 // bytes of a table
)

// Source is a folder, an archive or a table, opened: its files are known and
// not yet read. It belongs to one goroutine; Close it.
type Source struct {
	limits Limits
	rows   []row
	files  files
	left   int64 // bytes that may still be read
	close  func() error
}

// row is one file to judge.
type row struct {
	name     string
	file     string // in files; "" where the document stands in the table
	document []byte
	content  string // of the detached content in files; "" for none
	asked    Asked
}

// files are what a source reads from.
type files interface {
	// read reads at most max bytes; errTooLong where there are more.
	read(name string, max int64) ([]byte, error)
}

var errTooLong = errors.New("the file is too large")

// Open opens what stands at a path: a folder, a ZIP archive or a CSV table,
// whose files are looked for beside it. The errors are ErrSource, ErrLimit and
// those of opening a file.
func Open(name string, limits Limits) (*Source, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return openFolder(name, limits.withDefaults())
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	head := make([]byte, 4)
	n, err := file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.Join(err, file.Close())
	}
	var s *Source
	if isZIP(head[:n]) {
		s, err = FromZIP(file, info.Size(), limits)
	} else {
		s, err = fromTable(io.NewSectionReader(file, 0, info.Size()), folder(filepath.Dir(name)), limits.withDefaults())
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	s.close = file.Close
	return s, nil
}

// isZIP: a local file header, or the end of an empty archive.
func isZIP(head []byte) bool {
	return bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("PK\x05\x06"))
}

// FromTable reads a table whose documents stand in it in base64. The errors are
// ErrSource and ErrLimit.
func FromTable(table []byte, limits Limits) (*Source, error) {
	return fromTable(bytes.NewReader(table), nil, limits.withDefaults())
}

// FromZIP reads the directory of an archive. The errors are ErrSource and
// ErrLimit.
func FromZIP(from io.ReaderAt, size int64, limits Limits) (*Source, error) {
	limits = limits.withDefaults()
	// archive/zip keeps the whole directory, whatever its end claims: as much of it is read as the files allowed can fill.
	bounded := &boundedReaderAt{from: from, left: 1<<20 + int64(limits.Files)*(maxName+512)}
	archive, err := zip.NewReader(bounded, size)
	if bounded.left < 0 || err == nil && len(archive.File) > 4*limits.Files+64 {
		return nil, fmt.Errorf("%w: the archive has more than %d files; split it", ErrLimit, limits.Files)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: the archive cannot be read: %v", ErrSource, err)
	}
	bounded.free = true
	members := archived{}
	var names []string
	for _, f := range archive.File {
		name := f.Name
		if f.NonUTF8 || !utf8.ValidString(name) {
			return nil, fmt.Errorf("%w: the archive has a name that is not UTF-8 (%q); pack it again with UTF-8 names", ErrSource, shorten(name))
		}
		if f.FileInfo().IsDir() {
			continue
		}
		if members[name] != nil {
			return nil, fmt.Errorf("%w: %q stands twice in the archive; two readers could see different files", ErrSource, shorten(name))
		}
		members[name] = f
		names = append(names, name)
	}
	slices.Sort(names)
	return newSource(members, names, limits)
}

// boundedReaderAt bounds how much is read, until it is free.
type boundedReaderAt struct {
	from io.ReaderAt
	left int64
	free bool
}

func (b *boundedReaderAt) ReadAt(p []byte, off int64) (int, error) {
	if !b.free {
		if b.left -= int64(len(p)); b.left < 0 {
			return 0, ErrLimit
		}
	}
	return b.from.ReadAt(p, off)
}

func openFolder(name string, limits Limits) (*Source, error) {
	var names []string
	err := filepath.WalkDir(name, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		// Links are followed, as everywhere on the command line.
		if info, err := os.Stat(p); err != nil {
			return err
		} else if !info.Mode().IsRegular() {
			if d.IsDir() && p != name && strings.HasPrefix(d.Name(), ".") {
				return filepath.SkipDir
			}
			return nil
		}
		relative, err := filepath.Rel(name, p)
		if err != nil {
			return err
		}
		if names = append(names, filepath.ToSlash(relative)); len(names) > 4*limits.Files+64 {
			return fmt.Errorf("%w: the folder has more than %d files; give --max-files or split it", ErrLimit, limits.Files)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	return newSource(folder(name), names, limits)
}

// newSource is what is judged of a folder or an archive: what its table names, or all.
func newSource(files files, names []string, limits Limits) (*Source, error) {
	if slices.Contains(names, TableName) {
		table, err := files.read(TableName, maxTable)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %v", ErrSource, TableName, err)
		}
		return fromTable(bytes.NewReader(table), files, limits)
	}
	s := &Source{limits: limits, files: files, left: limits.Total}
	for _, name := range names {
		if hidden(name) {
			continue
		}
		if err := nameable(name); err != nil {
			return nil, err
		}
		s.rows = append(s.rows, row{name: name, file: name})
	}
	return s.checked()
}

func (s *Source) checked() (*Source, error) {
	switch {
	case len(s.rows) == 0:
		return nil, fmt.Errorf("%w: there is no file to judge", ErrSource)
	case len(s.rows) > s.limits.Files:
		return nil, fmt.Errorf("%w: %d files, and %d are allowed; split it", ErrLimit, len(s.rows), s.limits.Files)
	}
	return s, nil
}

func hidden(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") && part != "." && part != ".." {
			return true
		}
	}
	return false
}

// nameable: a name that can stand in a line and on a screen.
func nameable(name string) error {
	if name == "" || len(name) > maxName || !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) && r != ' ' }) {
		return fmt.Errorf("%w: %q is no name for a file here: 1 to %d bytes of UTF-8 without control characters", ErrSource, shorten(name), maxName)
	}
	return nil
}

func shorten(name string) string {
	if len(name) > 80 {
		return name[:80] + "…"
	}
	return name
}

// Len is the number of files.
func (s *Source) Len() int { return len(s.rows) }

// Name is the name of file i, which no other file of the batch has.
func (s *Source) Name(i int) string { return s.rows[i].name }

// Read reads file i. What is wrong with this one file is Input.Problem; the
// error is ErrLimit, where all files together are too large.
func (s *Source) Read(i int) (Input, error) {
	r := s.rows[i]
	in := Input{Name: r.name, Document: r.document, Asked: r.asked}
	var err error
	if r.file != "" {
		if in.Document, err = s.read(r.file, &in); err != nil {
			return in, err
		}
	}
	if r.content != "" && in.Problem == "" {
		if in.Content, err = s.read(r.content, &in); err != nil {
			return in, err
		}
		if in.Content == nil {
			in.Content = []byte{} // an empty content was given
		}
	}
	if in.Problem != "" {
		in.Document, in.Content = nil, nil
	}
	return in, nil
}

func (s *Source) read(name string, in *Input) ([]byte, error) {
	limit := min(s.limits.File, s.left)
	data, err := s.files.read(name, limit)
	switch {
	case errors.Is(err, errTooLong) && limit == s.limits.File:
		in.Problem = fmt.Sprintf("%s is larger than %d bytes", name, s.limits.File)
	case errors.Is(err, errTooLong):
		return nil, fmt.Errorf("%w: the files have more than %d bytes together; split it", ErrLimit, s.limits.Total)
	case err != nil:
		in.Problem = err.Error()
	}
	s.left -= int64(len(data))
	return data, nil
}

// Close closes what Open opened.
func (s *Source) Close() error {
	if s.close == nil {
		return nil
	}
	return s.close()
}

// folder holds files on a disk.
type folder string

func (f folder) read(name string, max int64) ([]byte, error) {
	at := filepath.FromSlash(name)
	if !filepath.IsAbs(at) {
		at = filepath.Join(string(f), at)
	}
	file, err := os.Open(at)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be opened: %w", name, reason(err))
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s cannot be opened: %w", name, reason(err))
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no file", name)
	}
	return readBounded(file, max)
}

// reason leaves the path out, which is the caller's.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// archived are the files of an archive by their names.
type archived map[string]*zip.File

func (a archived) read(name string, max int64) ([]byte, error) {
	f := a[path.Clean(name)]
	if f == nil {
		f = a[name]
	}
	if f == nil {
		return nil, fmt.Errorf("the archive has no %s", name)
	}
	if f.Flags&1 != 0 {
		return nil, fmt.Errorf("%s is encrypted; pack it without a password", name)
	}
	// What the directory claims of the size is not believed; it only refuses sooner.
	if f.UncompressedSize64 > uint64(max) {
		return nil, errTooLong
	}
	from, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%s cannot be unpacked: %w", name, err)
	}
	data, err := readBounded(from, max)
	if closed := from.Close(); err == nil {
		err = closed
	}
	if err != nil && !errors.Is(err, errTooLong) {
		return nil, fmt.Errorf("%s cannot be unpacked: %w", name, err)
	}
	return data, err
}

func readBounded(from io.Reader, max int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(from, max+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > max {
		return nil, errTooLong
	}
	return data, nil
}

// run judges all files but those that skip names.
func (s *Source) run(ctx context.Context, workers int, gate *Gate, judge Judge, skip func(name string) bool, put func(Line) error) error {
	var left []int
	for i := range s.rows {
		if !skip(s.rows[i].name) {
			left = append(left, i)
		}
	}
	return each(ctx, len(left), workers, gate, judge, func(i int) (Input, error) { return s.Read(left[i]) }, put)
}
