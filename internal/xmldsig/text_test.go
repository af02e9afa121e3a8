// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"errors"
	"testing"
)

func TestText(t *testing.T) {
	const doc = `<package xmlns="urn:x">{"a":"&lt;Ә&gt;"}</package>`
	twice := signWith(t, rsaKey, signWith(t, gostKey, []byte(doc), xades))
	for _, good := range [][]byte{[]byte(doc), twice} {
		if text, err := mustParse(t, good).Text("urn:x", "package"); err != nil || string(text) != `{"a":"<Ә>"}` {
			t.Errorf("%s %v", text, err)
		}
	}
	for _, bad := range []string{
		`<package>x</package>`, `<other xmlns="urn:x">x</other>`, `<package xmlns="urn:x" a="1">x</package>`, `<package xmlns="urn:x"/>`,
		`<package xmlns="urn:x">x<!-- --></package>`, `<package xmlns="urn:x">x<b/></package>`, `<package xmlns="urn:x"><![CDATA[x]]></package>`, `<package xmlns="urn:x">x<?p?></package>`,
	} {
		if _, err := mustParse(t, []byte(bad)).Text("urn:x", "package"); !errors.Is(err, ErrOther) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
