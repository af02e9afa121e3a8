// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// maxSource bounds a data file before it is parsed.
const maxSource = 1 << 20

// maxSourceDepth bounds the nesting of a data file.
const maxSourceDepth = 40

// DataError says which line of a data file is wrong.
type DataError struct {
	File    string
	Line    int // counted from 1; 0 where no line is known
	Problem string
}

func (e *DataError) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Problem
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Problem)
}

// source is a YAML file with its nodes, so that what is wrong can be shown where it stands.
type source struct {
	name     string
	root     *yaml.Node
	problems []error
}

// readSource parses a file, checks every text in it for its three languages
// and decodes it into out; unknown fields are problems.
func readSource(name string, data []byte, out any) (*source, error) {
	src := &source{name: name}
	if len(data) > maxSource {
		return nil, &DataError{File: name, Problem: fmt.Sprintf("the file has more than %d bytes", maxSource)}
	}
	if bad := bytes.IndexFunc(data, func(r rune) bool { return r == utf8.RuneError }); !utf8.Valid(data) && bad >= 0 {
		return nil, &DataError{File: name, Line: 1 + bytes.Count(data[:bad], []byte("\n")), Problem: "the file must be UTF-8"}
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		line, problem := lineOf(strings.TrimPrefix(err.Error(), "yaml: "))
		return nil, &DataError{File: name, Line: line, Problem: problem}
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, &DataError{File: name, Line: 1, Problem: "the file must be one mapping"}
	}
	src.root = doc.Content[0]
	if line, more := secondDocument(data); more {
		return nil, &DataError{File: name, Line: line, Problem: "the file must be one document: what follows would not be read"}
	}
	if err := src.walk(src.root, 0); err != nil {
		return nil, err
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(out); err != nil {
		return nil, src.undecoded(err)
	}
	return src, nil
}

// secondDocument reports whether another document follows the first, and where it begins.
func secondDocument(data []byte) (line int, more bool) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var n yaml.Node
	if dec.Decode(&n) != nil {
		return 0, false
	}
	n = yaml.Node{}
	if err := dec.Decode(&n); errors.Is(err, io.EOF) {
		return 0, false
	}
	return n.Line, true
}

// undecoded turns what yaml.v3 says of the fields that it cannot take ("line 7: …") into problems with their lines.
func (s *source) undecoded(err error) error {
	var fields *yaml.TypeError
	if !errors.As(err, &fields) {
		return &DataError{File: s.name, Problem: err.Error()}
	}
	for _, f := range fields.Errors {
		line, problem := lineOf(f)
		s.problem(line, "%s", problem)
	}
	return s.err()
}

// lineOf parts what yaml.v3 says into its line and the rest; 0 where it names none.
func lineOf(complaint string) (line int, problem string) {
	rest, ok := strings.CutPrefix(complaint, "line ")
	if !ok {
		return 0, complaint
	}
	number, text, ok := strings.Cut(rest, ": ")
	if !ok {
		return 0, complaint
	}
	line, err := strconv.Atoi(number)
	if err != nil {
		return 0, complaint
	}
	return line, text
}

// walk bounds the depth, refuses aliases (a small file can blow up through
// them) and holds every text to its three languages.
func (s *source) walk(n *yaml.Node, depth int) error {
	if depth > maxSourceDepth {
		return &DataError{File: s.name, Line: n.Line, Problem: "nested too deep"}
	}
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		return &DataError{File: s.name, Line: n.Line, Problem: "anchors and aliases are not used in these files"}
	}
	if n.Kind == yaml.MappingNode {
		if err := s.checkKeys(n); err != nil {
			return err
		}
		if isText(n) {
			s.checkText(n)
		}
	}
	for _, c := range n.Content {
		if err := s.walk(c, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// checkKeys refuses a key that a mapping defines twice: one of the two would be lost unseen.
func (s *source) checkKeys(n *yaml.Node) error {
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if first, twice := seen[key.Value]; twice {
			return &DataError{File: s.name, Line: key.Line, Problem: fmt.Sprintf("%q is defined twice, first in line %d", key.Value, first)}
		}
		seen[key.Value] = key.Line
	}
	return nil
}

func isText(n *yaml.Node) bool {
	for _, lang := range []string{"kk", "ru", "en"} {
		if child(n, lang) != nil {
			return true
		}
	}
	return false
}

func (s *source) checkText(n *yaml.Node) {
	for _, lang := range []string{"kk", "ru", "en"} {
		c := child(n, lang)
		if c == nil || strings.TrimSpace(c.Value) == "" {
			s.problem(n.Line, "the text lacks its translation %q", lang)
		}
	}
	if len(n.Content) > 6 {
		s.problem(n.Line, "a text has the translations kk, ru and en and nothing else")
	}
}

func (s *source) problem(line int, format string, a ...any) {
	s.problems = append(s.problems, &DataError{File: s.name, Line: line, Problem: fmt.Sprintf(format, a...)})
}

// err joins what was found; nil when nothing was.
func (s *source) err() error { return errors.Join(s.problems...) }

// line of the node that a path of keys (string) and indexes (int) leads to, or
// of the nearest node above it that exists.
func (s *source) line(path ...any) int { return s.node(path...).Line }

// node that a path leads to, or the nearest above it that exists.
func (s *source) node(path ...any) *yaml.Node {
	n := s.root
	for _, p := range path {
		var next *yaml.Node
		switch p := p.(type) {
		case string:
			next = child(n, p)
		case int:
			if n.Kind == yaml.SequenceNode && p < len(n.Content) {
				next = n.Content[p]
			}
		}
		if next == nil {
			break
		}
		n = next
	}
	return n
}

// child of a mapping by key, nil where absent.
func child(n *yaml.Node, key string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}
