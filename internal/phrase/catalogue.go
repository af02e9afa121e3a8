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
	t, ok := catalogue()[key]
	if !ok {
		return Text{KK: key, RU: key, EN: key}
	}
	if len(args) == 0 {
		return t
	}
	pairs := make([]string, 0, 2*len(args))
	for _, name := range slices.Sorted(maps.Keys(args)) {
		pairs = append(pairs, "{"+name+"}", args[name])
	}
	r := strings.NewReplacer(pairs...)
	return Text{KK: r.Replace(t.KK), RU: r.Replace(t.RU), EN: r.Replace(t.EN)}
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
