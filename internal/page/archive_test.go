// SPDX-License-Identifier: Apache-2.0

package page_test

import (
	"bytes"
	"encoding/xml"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"rastau/internal/pdf"
)

// What of PDF/A-3 (ISO 19005-3) can be seen without a validator: docs/LICENCE.md lists it.
func TestArchive(t *testing.T) {
	l := whole()
	file, data := draw(t, l)
	t.Run("file", func(t *testing.T) {
		if !bytes.HasPrefix(data, []byte("%PDF-1.7\n%")) || bytes.Count(data, []byte("%%EOF")) != 1 {
			t.Error("no PDF 1.7 of one revision")
		}
		// §6.1.3: an identifier; no encryption. §6.1.2: four bytes above 127 behind the header.
		if !regexp.MustCompile(`/ID\[<[0-9A-F]{32}><[0-9A-F]{32}>\]`).Match(data) || bytes.Contains(data, []byte("/Encrypt")) {
			t.Error("no identifier, or encrypted")
		}
		for _, b := range data[10:14] {
			if b < 128 {
				t.Error("the header's mark of binary data is missing")
			}
		}
		for _, never := range []string{"/JavaScript", "/Launch", "/LZWDecode", "/Interpolate true", "/SMask", "/CA ", "/ca ", "/TR ", "/OpenAction", "/AA"} {
			if bytes.Contains(data, []byte(never)) {
				t.Errorf("%s stands in the file", never)
			}
		}
	})
	t.Run("fonts", func(t *testing.T) {
		out, err := exec.Command(program(t, "pdffonts"), file).Output()
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")[2:]
		if len(lines) != 2 {
			t.Fatalf("%d fonts", len(lines))
		}
		for _, line := range lines {
			if f := strings.Fields(line); !regexp.MustCompile(`^[A-Z]{6}\+`).MatchString(f[0]) || strings.Join(f[len(f)-5:len(f)-2], " ") != "yes yes yes" {
				t.Errorf("not embedded, no subset or without letters: %s", line)
			}
		}
	})
	t.Run("metadata", func(t *testing.T) {
		start, end := bytes.Index(data, []byte("<x:xmpmeta")), bytes.Index(data, []byte("</x:xmpmeta>"))
		var x struct {
			Part        string `xml:"RDF>Description>part"`
			Conformance string `xml:"RDF>Description>conformance"`
			Title       string `xml:"RDF>Description>title>Alt>li"`
			Created     string `xml:"RDF>Description>CreateDate"`
		}
		if err := xml.Unmarshal(data[start:end+len("</x:xmpmeta>")], &x); err != nil {
			t.Fatal(err)
		}
		if x.Part != "3" || x.Conformance != "U" || !strings.Contains(x.Title, l.Number) || x.Created != "2026-11-21T20:00:00Z" {
			t.Errorf("%+v", x)
		}
		out, err := exec.Command(program(t, "pdfinfo"), "-isodates", file).Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{x.Title, "2026-11-21T20:00:00Z", "Tagged:          yes", "Metadata Stream: yes"} {
			if !strings.Contains(string(out), want) {
				t.Errorf("pdfinfo does not say %q:\n%s", want, out)
			}
		}
	})
	t.Run("attachment", func(t *testing.T) {
		d, err := pdf.Open(data, pdf.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		all := d.Attachments()
		if len(all) != 1 || all[0].Relationship != "Data" || !all[0].Associated || all[0].MIME != "application/json" || all[0].Name != "licence.json" {
			t.Fatalf("%+v", all)
		}
		if got, err := all[0].Content(); err != nil || !bytes.Equal(got, l.Attachment) {
			t.Errorf("%s, %v", got, err)
		}
	})
	t.Run("read aloud", func(t *testing.T) {
		out, err := exec.Command(program(t, "pdfinfo"), "-struct-text", file).Output()
		if err != nil {
			t.Fatal(err)
		}
		told := string(out)
		at := 0
		for _, want := range []string{"Document", "H1", "ЛИЦЕНЗИЯ", l.Number, "Берілді (лицензиат) «Әуе-Жол", "Link", "Figure", "ӘБІЛҚАЙЫРОВ", "Licence KZ24", "H2", "Лицензияға № 001 қосымша",
			"Table", "TR", "TH", "Маркасы", "TD", "Yutong ZK6122H9", "101 ZZZ 01", "Приложение № 002", "990141000013", "Жөндеу базасы"} {
			i := strings.Index(told[at:], want)
			if i < 0 {
				t.Errorf("%q is not told in its place", want)
				continue
			}
			at += i
		}
	})
	t.Run("colours", func(t *testing.T) {
		if !bytes.Contains(data, []byte("/S/GTS_PDFA1")) {
			t.Error("no output intent")
		}
	})
	if len(data) > 150<<10 {
		t.Errorf("%d bytes, more than 150 KiB", len(data))
	}
}
