// SPDX-License-Identifier: Apache-2.0

package phrase

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"
)

// Text is one text in the three languages.
type Text struct {
	KK string `json:"kk" yaml:"kk"`
	RU string `json:"ru" yaml:"ru"`
	EN string `json:"en" yaml:"en"`
}

// In gives the text in l; any other language than Kazakh and Russian gives English.
func (t Text) In(l Lang) string {
	switch l {
	case KK:
		return t.KK
	case RU:
		return t.RU
	}
	return t.EN
}

//go:embed catalogue
var files embed.FS

// catalogue reads every file of the folder once. The files are part of the
// program, so a broken one is a mistake of the build and stops it at first use.
var catalogue = sync.OnceValue(func() map[string]Text {
	all := map[string]Text{}
	err := fs.WalkDir(files, "catalogue", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := files.ReadFile(path)
		if err != nil {
			return err
		}
		var part map[string]Text
		if err := yaml.Unmarshal(data, &part); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		for key, text := range part {
			if _, twice := all[key]; twice {
				return fmt.Errorf("%s: %s stands in two files", path, key)
			}
			all[key] = text
		}
		return nil
	})
	if err != nil {
		panic("phrase: " + err.Error())
	}
	return all
})

// Get renders a key with named arguments: {name} in a text is replaced by
// args["name"]. A key that is not in the catalogue gives the key itself in all
// three languages, so that nothing is ever left unsaid.
func Get(key string, args map[string]string) Text {
	pairs := make([]string, 0, 2*len(args))
	for name, value := range args {
		pairs = append(pairs, name, value)
	}
	return Say(key, pairs...)
}

// Say is [Get] with arguments in pairs of name and value; of a name given twice the
// last value counts.
func Say(key string, pairs ...string) Text {
	t, ok := catalogue()[key]
	if !ok {
		return same(key)
	}
	return Text{KK: expand(t.KK, pairs), RU: expand(t.RU, pairs), EN: expand(t.EN, pairs)}
}

// AppendIn is [Say] in one language, appended to out.
func AppendIn(out []byte, l Lang, key string, pairs ...string) []byte {
	t, ok := catalogue()[key]
	if !ok {
		return append(out, key...)
	}
	return appendExpanded(out, t.In(l), pairs)
}

// Render is [Get] with arguments that differ by language.
func Render(key string, args map[string]Text) Text {
	t, ok := catalogue()[key]
	if !ok {
		return same(key)
	}
	return t.fill(args)
}

// fill replaces {name} by the argument of that name, in each language by its own.
func (t Text) fill(args map[string]Text) Text {
	var kk, ru, en []string
	for name, value := range args {
		kk, ru, en = append(kk, name, value.KK), append(ru, name, value.RU), append(en, name, value.EN)
	}
	return Text{KK: expand(t.KK, kk), RU: expand(t.RU, ru), EN: expand(t.EN, en)}
}

// expand replaces {name} in one pass: a value is text and no template, so what stands
// in it opens no place of ours.
func expand(text string, pairs []string) string {
	if len(pairs) < 2 || !strings.Contains(text, "{") {
		return text
	}
	return string(appendExpanded(nil, text, pairs))
}

func appendExpanded(out []byte, text string, pairs []string) []byte {
	for {
		before, rest, found := strings.Cut(text, "{")
		out = append(out, before...)
		if !found {
			return out
		}
		name, after, closed := strings.Cut(rest, "}")
		i := len(pairs) / 2 * 2
		for i -= 2; closed && i >= 0 && pairs[i] != name; i -= 2 {
		}
		if !closed || i < 0 {
			out = append(out, '{')
			text = rest
			continue
		}
		out = append(out, pairs[i+1]...)
		text = after
	}
}

// Has says whether the catalogue knows key.
func Has(key string) bool {
	_, ok := catalogue()[key]
	return ok
}

// Keys lists all keys, sorted.
func Keys() []string { return slices.Sorted(maps.Keys(catalogue())) }

// Join puts the sentence o after t, in each language.
func (t Text) Join(o Text) Text {
	return Text{KK: t.KK + " " + o.KK, RU: t.RU + " " + o.RU, EN: t.EN + " " + o.EN}
}
