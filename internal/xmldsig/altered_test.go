// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"bytes"
	"context"
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"

	"golang.org/x/text/encoding/charmap"
)

// stands says whether every signature holds and shows what it signed.
func stands(doc []byte) bool {
	if !intactQuietly(doc) {
		return false
	}
	d, err := Parse(doc, Limits{})
	if err != nil {
		return false
	}
	for _, s := range d.Signatures() {
		if c := s.Scope(); !c.Whole && !c.Body || c.Wrapped != "" || c.Split != "" || c.Whole && len(c.Unsigned) > 0 {
			return false
		}
	}
	return true
}

// Copies of signed documents, each changed in one place: those that say the same hold, the others do not.
func TestAltered(t *testing.T) {
	k := keyOf(t, rsaKey)
	const plain = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<өтініш xmlns=\"urn:a\" xmlns:p=\"urn:p\" a=\"1\" b=\"2\">\n  <p:аты>Әсел</p:аты><бос/>\n</өтініш>"
	message, err := SignSecurity(context.Background(), []byte(envelope), SignOptions{Key: k.Signer, Certificate: k.Certificate})
	if err != nil {
		t.Fatal(err)
	}
	documents := map[string]string{
		"enveloped": string(signWith(t, rsaKey, []byte(plain))),
		"two":       string(signWith(t, gostKey, signWith(t, rsaKey, []byte(plain)), xades)),
		"message":   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + string(message),
	}
	replace := func(old, to string) func(string) []byte {
		return func(s string) []byte { return []byte(strings.Replace(s, old, to, 1)) }
	}
	declared := func(name string) func(string) []byte { return replace(`encoding="UTF-8"`, `encoding="`+name+`"`) }
	wide := func(order binary.AppendByteOrder, mark bool, name string) func(string) []byte {
		return func(s string) []byte {
			var out []byte
			if mark {
				out = order.AppendUint16(out, 0xFEFF)
			}
			for _, u := range utf16.Encode([]rune(string(declared(name)(s)))) {
				out = order.AppendUint16(out, u)
			}
			return out
		}
	}
	before := func(add string) func(string) []byte {
		return func(s string) []byte {
			if at := strings.Index(s, "?>\n"); at > 0 {
				return []byte(s[:at+2] + add + s[at+2:])
			}
			return []byte(add + s)
		}
	}
	for name, change := range map[string]func(string) []byte{
		"a mark of UTF-8":                  func(s string) []byte { return []byte("\ufeff" + s) },
		"UTF-16, little end first":         wide(binary.LittleEndian, true, "UTF-16"),
		"UTF-16, big end first":            wide(binary.BigEndian, true, "UTF-16BE"),
		"single quotes":                    replace(`a="1"`, `a='1'`),
		"attributes the other way round":   replace(`a="1" b="2"`, `b="2" a="1"`),
		"declarations the other way round": replace(`xmlns="urn:a" xmlns:p="urn:p"`, `xmlns:p="urn:p" xmlns="urn:a"`),
		"space in a tag":                   replace(`b="2">`, "b = \"2\"\n>"),
		"space in an end tag":              replace(`</p:аты>`, "</p:аты\n>"),
		"an empty element as two tags":     replace(`<бос/>`, `<бос></бос>`),
		"a letter by its number":           replace(`Әсел`, `&#x4D8;сел`),
		"a section of the same text":       replace(`Әсел`, `<![CDATA[Әсел]]>`),
		"line ends of another system":      func(s string) []byte { return bytes.ReplaceAll([]byte(s), []byte("\n"), []byte("\r\n")) },
		"a comment before the root":        before("<!-- note -->"),
		"a comment behind the root":        func(s string) []byte { return []byte(s + "<!-- note -->") },
		"a declaration again":              replace(`<p:аты>`, `<p:аты xmlns:p="urn:p">`),
		"no declaration of XML":            replace("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", ""),
	} {
		for kind, doc := range documents {
			if changed := change(doc); !stands(changed) {
				t.Errorf("%s, %s: not intact\n%q", kind, name, changed)
			}
		}
	}
	for name, change := range map[string]func(string) []byte{
		"a letter":                            replace(`Әсел`, `Асел`),
		"a letter that looks the same":        replace(`Әсел`, "Әceл"),
		"a letter in parts":                   replace(`Сұрау`, "Су\u0336рау"),
		"a space":                             replace(`Әсел`, `Әсел `),
		"a space that cannot be broken":       replace(`Әсел`, "Әсел\u00a0"),
		"a sign without width":                replace(`Әсел`, "Ә\u200bсел"),
		"a line end between elements":         replace(`<бос/>`, "\n<бос/>"),
		"a carriage return by its number":     replace("\n  <p:", "&#13;\n  <p:"),
		"a comment in a text":                 replace(`Әсел`, `Ә<!-- -->сел`),
		"a comment in the text of a message":  replace(`Сұрау`, `Сұрау<!-- -->`),
		"an instruction in a text":            replace(`Әсел`, `Ә<?go?>сел`),
		"an instruction before the root":      before(`<?go on?>`),
		"an attribute":                        replace(`b="2"`, `b="2" c="3"`),
		"an attribute's value":                replace(`b="2"`, `b="3"`),
		"an attribute's space":                replace(`b="2"`, `b=" 2"`),
		"an attribute with a prefix":          replace(`b="2"`, `p:b="2"`),
		"an attribute twice":                  replace(`b="2"`, `b="2" b="2"`),
		"an attribute twice by two prefixes":  replace(`b="2"`, `b="2" xmlns:q="urn:p" p:c="1" q:c="1"`),
		"a base":                              replace(`b="2"`, `b="2" xml:base="http://example.kz/"`),
		"a language":                          replace(`<p:аты>`, `<p:аты xml:lang="ru">`),
		"an identifier":                       replace(`<p:аты>`, `<p:аты xml:id="x">`),
		"a namespace":                         replace(`urn:a`, `urn:b`),
		"a namespace taken away":              replace(`<бос/>`, `<бос xmlns=""/>`),
		"a prefix":                            replace(`p:аты>Әсел</p:аты`, `q:аты xmlns:q="urn:p">Әсел</q:аты`),
		"a declaration that nobody uses":      replace(`<бос/>`, `<бос xmlns:q="urn:q"/>`),
		"a name":                              replace(`<бос/>`, `<Бос/>`),
		"an element":                          replace(`<бос/>`, `<бос/><бос/>`),
		"an element taken away":               replace(`<бос/>`, ``),
		"an entity":                           before(`<!DOCTYPE a [<!ENTITY e "Әсел">]>`),
		"a document type":                     before(`<!DOCTYPE a>`),
		"an attribute by a document type":     before(`<!DOCTYPE a [<!ATTLIST a z CDATA "1">]>`),
		"an entity that is not declared":      replace(`Әсел`, `Әсел&e;`),
		"another root":                        func(s string) []byte { return []byte(s + "<b/>") },
		"text behind the root":                func(s string) []byte { return []byte(s + "b") },
		"nothing where a letter was":          replace(`Әсел`, "Әс\x00л"),
		"an octet that is no UTF-8":           replace(`Әсел`, "Әс\xffл"),
		"a letter in more octets than needed": replace(`Әсел`, "Әс\xe0\x82\xa1л"),
		"half a letter of UTF-16":             replace(`Әсел`, "Ә\xed\xa0\x80сел"),
		"another version":                     replace(`version="1.0"`, `version="1.1"`),
		"UTF-8 that says windows-1251":        declared("windows-1251"),
		"UTF-8 that says ISO-8859-1":          declared("ISO-8859-1"),
		"UTF-8 that says UTF-16":              declared("UTF-16"),
		"UTF-8 that says UTF-7":               declared("UTF-7"),
		"UTF-8 that says nothing known":       declared("x-none"),
		"UTF-16 that says windows-1251":       wide(binary.LittleEndian, true, "windows-1251"),
		"UTF-16 without a mark":               wide(binary.BigEndian, false, "UTF-16"),
		"UTF-16 cut off": func(s string) []byte {
			b := wide(binary.LittleEndian, true, "UTF-16")(s)
			return b[:len(b)-1]
		},
	} {
		for kind, doc := range documents {
			if changed := change(doc); !bytes.Equal(changed, []byte(doc)) && stands(changed) {
				t.Errorf("%s, %s: intact\n%q", kind, name, changed)
			}
		}
	}
	// A document in windows-1251, as older systems write; the letters of Kazakh are not in it.
	old := strings.NewReplacer("Әсел", "Айгуль", "өтініш", "заявление", "UTF-8", "windows-1251").Replace(plain)
	cyrillic, err := charmap.Windows1251.NewEncoder().String(old)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Canonical([]byte(cyrillic)); err != nil || !bytes.Contains(got, []byte(">Айгуль<")) {
		t.Errorf("%s %v", got, err)
	}
}
