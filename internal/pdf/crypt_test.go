// SPDX-License-Identifier: Apache-2.0

package pdf_test

import (
	"crypto/md5"
	"crypto/rc4"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"rastau/internal/pdf"
)

// What opens without a password is read, in every revision of the standard handler; what does not is an error; neither is written to.
func TestEncrypted(t *testing.T) {
	plain := page(t, 2, []byte(`{"number":"ZZZ-1"}`))
	cases := map[string][]string{
		"RC4, 40 bits":                         {"40", "--"},
		"RC4, 128 bits":                        {"128", "--use-aes=n", "--"},
		"RC4, version 4":                       {"128", "--use-aes=n", "--force-V4", "--"},
		"AES, 128 bits":                        {"128", "--use-aes=y", "--"},
		"AES, 128 bits, metadata in the clear": {"128", "--use-aes=y", "--cleartext-metadata", "--"},
		"AES, 256 bits, revision 5":            {"256", "--force-R5", "--"},
		"AES, 256 bits":                        {"256", "--"},
	}
	for name, args := range cases {
		for _, kind := range []string{"disable", "generate"} {
			t.Run(name+" "+kind, func(t *testing.T) {
				make := func(user string) []byte {
					return qpdf(t, plain, append([]string{"--allow-weak-crypto", "--object-streams=" + kind, "--encrypt", user, "owner"}, args...)...)
				}
				d := open(t, make(""))
				if got, ok := d.Attachment("licence.json"); !ok || string(got) != `{"number":"ZZZ-1"}` {
					t.Errorf("attachment: %q, %v", got, ok)
				}
				if !d.Encrypted() || d.Pages() != 2 {
					t.Errorf("encrypted %v, %d pages", d.Encrypted(), d.Pages())
				}
				if _, err := pdf.Prepare(make(""), pdf.PrepareOptions{}); !errors.Is(err, pdf.ErrEncrypted) {
					t.Errorf("written to: %v", err)
				}
				if _, err := pdf.AppendDSS(make(""), &pdf.DSS{}); !errors.Is(err, pdf.ErrEncrypted) {
					t.Errorf("written to: %v", err)
				}
				if _, err := pdf.Open(make("secret"), pdf.Limits{}); !errors.Is(err, pdf.ErrEncrypted) || !strings.Contains(err.Error(), "password") {
					t.Errorf("with a password: %v", err)
				}
			})
		}
	}
}

// encrypted is the form of the other tests under RC4 with 40 bits and no password (ISO 32000-1 §7.6.3.3, §7.6.3.4). Its
// strings and streams stand there as they are and mean something else now.
func encrypted(tb testing.TB) []byte {
	pad := []byte("\x28\xBF\x4E\x5E\x4E\x75\x8A\x41\x64\x00\x4E\x56\xFF\xFA\x01\x08\x2E\x2E\x00\xB6\xD0\x68\x3E\x80\x2F\x0C\xA9\xFE\x64\x53\x69\x7A")
	owner := make([]byte, 32)
	key := md5.Sum(slices.Concat(pad, owner, []byte{0xfc, 0xff, 0xff, 0xff}, []byte("id")))
	c, err := rc4.NewCipher(key[:5])
	if err != nil {
		tb.Fatal(err)
	}
	user := make([]byte, 32)
	c.XORKeyStream(user, pad)
	return whole(fmt.Sprintf("/Encrypt<</Filter/Standard/V 1/R 2/P -4/O<%x>/U<%x>>>/ID[(id)(id)]", owner, user),
		formCatalog, "<</Type/Pages/Kids[3 0 R]/Count 1>>", formPage, formText, formFont, emptyField, fullField)
}

func TestAttachments(t *testing.T) {
	file := drawing("/Type/EmbeddedFile/Subtype/application#2Fjson", "{}")
	spec := "<</Type/Filespec/F(licence.json)/UF(licence.json)/AFRelationship/Data/Desc(canonical)/EF<</F 31 0 R/UF 31 0 R>>>>"
	cases := map[string]struct {
		catalog string
		n       int
		data    bool
	}{
		"by name and associated": {"/Names<</EmbeddedFiles<</Names[(licence.json) 30 0 R]>>>>/AF[30 0 R]", 1, true},
		"associated only":        {"/AF[30 0 R]", 1, true},
		"by name only":           {"/Names<</EmbeddedFiles<</Names[(licence.json) 30 0 R]>>>>", 1, false},
		"two of a name":          {"/Names<</EmbeddedFiles<</Names[(licence.json) 30 0 R]>>>>/AF[32 0 R]", 2, false},
		"none":                   {"", 0, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			d := open(t, edit(t, smallest(), "", map[int]string{1: "<</Type/Catalog/Pages 2 0 R" + c.catalog + ">>", 30: spec, 31: file, 32: spec}))
			all := d.Attachments()
			if len(all) != c.n {
				t.Fatalf("%+v", all)
			}
			_, ok := d.Attachment("licence.json")
			if ok != (c.n == 1) {
				t.Error("read by name:", ok)
			}
			if c.n == 0 {
				return
			}
			a := all[0]
			content, err := a.Content()
			if a.Name != "licence.json" || a.Relationship != "Data" || a.Description != "canonical" || a.MIME != "application/json" || string(content) != "{}" || err != nil {
				t.Errorf("%+v %q %v", a, content, err)
			}
			if c.n == 1 && a.Associated != c.data {
				t.Errorf("associated: %v", a.Associated)
			}
		})
	}
}
