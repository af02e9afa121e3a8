// SPDX-License-Identifier: Apache-2.0

package phrase_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rastau/internal/phrase"
)

// Every key says something in each language, and says it differently.
func TestEveryKeyHasThreeTexts(t *testing.T) {
	keys := phrase.Keys()
	if len(keys) < 100 {
		t.Fatalf("only %d keys: the catalogue is not embedded whole", len(keys))
	}
	for _, key := range keys {
		x := phrase.Get(key, nil)
		if strings.TrimSpace(x.KK) == "" || strings.TrimSpace(x.RU) == "" || strings.TrimSpace(x.EN) == "" {
			t.Errorf("%s: a text is missing: %+v", key, x)
		}
		// Kazakh and Russian share whole words (лицензия, оператор), never sentences.
		if x.RU == x.EN || x.KK == x.EN || (x.KK == x.RU && len(strings.Fields(x.KK)) > 1) {
			t.Errorf("%s: two languages have the same text: %+v", key, x)
		}
	}
}

// A placeholder of the Kazakh or the Russian text stands in the English one too:
// otherwise one of them was forgotten when the other changed.
func TestPlaceholdersAgree(t *testing.T) {
	hole := regexp.MustCompile(`\{[a-z]+\}`)
	for _, key := range phrase.Keys() {
		x := phrase.Get(key, nil)
		for _, other := range []string{x.KK, x.RU} {
			for _, h := range hole.FindAllString(other, -1) {
				if !strings.Contains(x.EN, h) {
					t.Errorf("%s: %s is not in the English text", key, h)
				}
			}
		}
		for _, h := range hole.FindAllString(x.KK, -1) {
			if !strings.Contains(x.RU, h) {
				t.Errorf("%s: %s is in the Kazakh text and not in the Russian", key, h)
			}
		}
	}
}

// Kazakh texts are Kazakh and Russian ones Russian: an English word that slipped in
// would otherwise pass.
func TestScripts(t *testing.T) {
	cyrillic := regexp.MustCompile(`\p{Cyrillic}`)
	for _, key := range phrase.Keys() {
		x := phrase.Get(key, nil)
		if !cyrillic.MatchString(x.KK) || !cyrillic.MatchString(x.RU) {
			t.Errorf("%s: no Cyrillic letters: %+v", key, x)
		}
		if cyrillic.MatchString(x.EN) {
			t.Errorf("%s: Cyrillic letters in the English text: %s", key, x.EN)
		}
	}
}

// Every key that the sources name exists. Literals that end in a dot are prefixes
// and belong to the tests of those who build keys.
func TestEveryUsedKeyExists(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	literal := regexp.MustCompile(`"((?:finding|indication|sub|todo|refusal|state|workflow)\.[A-Za-z0-9_.-]*[A-Za-z0-9_])"`)
	used := 0
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); name != "." && strings.HasPrefix(name, ".") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range literal.FindAllStringSubmatch(string(source), -1) {
			used++
			if !phrase.Has(m[1]) {
				t.Errorf("%s names %s, which is not in the catalogue", filepath.Base(path), m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if used == 0 {
		t.Error("no source names a key: the test looks in the wrong place")
	}
}

func TestGet(t *testing.T) {
	x := phrase.Get("finding.document.signature.found", map[string]string{"count": "2"})
	for _, l := range []phrase.Lang{phrase.KK, phrase.RU, phrase.EN} {
		if !strings.Contains(x.In(l), "2") || strings.Contains(x.In(l), "{") {
			t.Errorf("%s: %q", l, x.In(l))
		}
	}
	if x := phrase.Get("no.such.key", nil); x.KK != "no.such.key" || x.RU != x.KK || x.EN != x.KK {
		t.Errorf("a missing key gives %+v", x)
	}
	// A value is text, not a template: what a certificate says of itself must not
	// open a placeholder of ours.
	x = phrase.Get("finding.cert.validity.valid", map[string]string{"name": "{at}", "at": "now", "from": "a", "until": "b"})
	if !strings.Contains(x.EN, "“{at}”") {
		t.Errorf("a value was replaced again: %s", x.EN)
	}
}

func TestParseLang(t *testing.T) {
	for in, want := range map[string]bool{"kk": true, "ru": true, "en": true, "": false, "KK": false, "de": false} {
		l, ok := phrase.ParseLang(in)
		if ok != want || (ok && string(l) != in) {
			t.Errorf("ParseLang(%q) = %q, %v", in, l, ok)
		}
	}
}

func ExampleGet() {
	t := phrase.Get("finding.document.signature.found", map[string]string{"count": "3"})
	fmt.Println(t.In(phrase.KK))
	fmt.Println(t.In(phrase.RU))
	fmt.Println(t.In(phrase.EN))
	// Output:
	// Табылған қолтаңбалар саны: 3.
	// Найдено подписей: 3.
	// Signatures found: 3.
}
