// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	_ "embed"
	"slices"

	"rastau/internal/phrase"
)

//go:embed grounds.yaml
var groundsFile []byte

// Ground is a reason that the law gives for a move of a licence.
type Ground struct {
	Key       string      `yaml:"key" json:"key"`
	Move      Move        `yaml:"move" json:"move"`
	Name      phrase.Text `yaml:"name" json:"name"`
	Source    string      `yaml:"source" json:"source"`
	Reference bool        `yaml:"reference" json:"reference"` // an act with number and date must be named
	Term      bool        `yaml:"term" json:"term"`           // the last day must be named
	MaxDays   int         `yaml:"maxDays" json:"maxDays,omitempty"`
}

// Grounds of all moves: data. They do not change once loaded.
type Grounds struct{ list []Ground }

// EmbeddedGrounds is the table that the program carries.
func EmbeddedGrounds() (*Grounds, error) { return LoadGrounds("grounds.yaml", groundsFile) }

// LoadGrounds reads a table of grounds. Errors are *DataError, joined.
func LoadGrounds(name string, data []byte) (*Grounds, error) {
	var d struct {
		Grounds []Ground `yaml:"grounds"`
	}
	src, err := readSource(name, data, &d)
	if err != nil {
		return nil, err
	}
	g := &Grounds{list: d.Grounds}
	for i, x := range d.Grounds {
		line := src.line("grounds", i)
		switch x.Move {
		case MoveSuspend, MoveResume, MoveTerminate, MoveReplace:
		default:
			src.problem(line, "move is suspend, resume, terminate or replace, not %q", x.Move)
		}
		if !isKey(x.Key) || x.Name.EN == "" || x.Source == "" {
			src.problem(line, "a ground needs key, name and source")
		}
		if x.MaxDays < 0 || x.MaxDays > 0 && !x.Term || x.Term && x.Move != MoveSuspend {
			src.problem(line, "only a suspension has a term; maxDays bounds it")
		}
		if slices.ContainsFunc(d.Grounds[:i], func(o Ground) bool { return o.Key == x.Key && o.Move == x.Move }) {
			src.problem(line, "the ground %q of %s stands twice", x.Key, x.Move)
		}
	}
	for _, op := range []string{OperationReissue, OperationDuplicate, OperationCorrection} {
		if _, ok := g.of(MoveReplace, op); !ok {
			src.problem(src.line("grounds"), "the ground %q of replace is missing", op)
		}
	}
	if err := src.err(); err != nil {
		return nil, err
	}
	return g, nil
}

// List of all grounds, in the order of the file. It is a copy.
func (g *Grounds) List() []Ground { return slices.Clone(g.list) }

func (g *Grounds) of(m Move, key string) (Ground, bool) {
	i := slices.IndexFunc(g.list, func(x Ground) bool { return x.Move == m && x.Key == key })
	if i < 0 {
		return Ground{}, false
	}
	return g.list[i], true
}
