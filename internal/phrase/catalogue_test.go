// SPDX-License-Identifier: Apache-2.0

package phrase_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

// Each placeholder stands in all three texts: whoever reads Kazakh or Russian is told
// the same reason, name and time as whoever reads English.
func TestPlaceholdersAgree(t *testing.T) {
	hole := regexp.MustCompile(`\{[a-z]+\}`)
	holes := func(s string) string {
		found := hole.FindAllString(s, -1)
		slices.Sort(found)
		return strings.Join(slices.Compact(found), " ")
	}
	for _, key := range phrase.Keys() {
		x := phrase.Get(key, nil)
		if kk, ru, en := holes(x.KK), holes(x.RU), holes(x.EN); kk != en || ru != en {
			t.Errorf("%s: kk has %q, ru %q, en %q", key, kk, ru, en)
		}
	}
}

// Of a time long past the wait alone is no advice: lists or answers of that time are.
func TestTryLaterSaysWhatToGive(t *testing.T) {
	x := phrase.Get("todo.TRY_LATER", nil)
	for _, text := range []string{x.KK, x.RU, x.EN} {
		if !strings.Contains(text, "OCSP") {
			t.Errorf("no word of what could be given: %s", text)
		}
	}
}

// A remark is recognised by its English words; what is not known stays as it is.
func TestRemark(t *testing.T) {
	for _, tt := range []struct{ in, kk, ru, en string }{
		{"OCSP could not be reached", "OCSP қызметіне қосылу мүмкін болмады", "служба OCSP недоступна", "OCSP could not be reached"},
		{"no revocation data at hand; OCSP could not be reached", "қолда күшін жою туралы мәлімет жоқ; OCSP қызметіне қосылу мүмкін болмады",
			"сведений об отзыве под рукой нет; служба OCSP недоступна", "no revocation data at hand; OCSP could not be reached"},
		{"the list is stale: its nextUpdate was 2026-03-01T00:00:00Z", "тізім ескірген: келесісі 2026-03-01T00:00:00Z шығуы тиіс еді",
			"список устарел: следующий должен был выйти 2026-03-01T00:00:00Z", "the list is stale: its nextUpdate was 2026-03-01T00:00:00Z"},
		{"whether the list's signer is revoked is not known: OCSP could not be reached", "тізімге қол қоюшының күші жойылған-жойылмағаны белгісіз: OCSP қызметіне қосылу мүмкін болмады",
			"неизвестно, отозван ли подписавший список: служба OCSP недоступна", "whether the list's signer is revoked is not known: OCSP could not be reached"},
		{"the list is stale: its nextUpdate was {time}", "тізім ескірген: келесісі {time} шығуы тиіс еді",
			"список устарел: следующий должен был выйти {time}", "the list is stale: its nextUpdate was {time}"},
		{"asn1: {detail}", "asn1: {detail}", "asn1: {detail}", "asn1: {detail}"},
		{"", "", "", ""},
	} {
		if got, want := phrase.Remark(tt.in), (phrase.Text{KK: tt.kk, RU: tt.ru, EN: tt.en}); got != want {
			t.Errorf("%q: %+v, want %+v", tt.in, got, want)
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
