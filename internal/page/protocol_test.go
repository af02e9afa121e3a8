// SPDX-License-Identifier: Apache-2.0

package page_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pdfcpu/pdfcpu/pkg/api"

	"rastau/internal/page"
)

// A protocol goes on over pages, says every line, and a letter without a glyph hides nothing else.
func TestProtocol(t *testing.T) {
	p := page.Protocol{Title: "Тексеру хаттамасы", Lang: "kk-KZ", At: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)}
	for i := range 6 {
		part := page.ProtocolPart{Heading: fmt.Sprintf("Бөлім %d", i)}
		for k := range 30 {
			part.Lines = append(part.Lines, page.ProtocolLine{Name: fmt.Sprintf("жол %d-%d", i, k), Value: strings.Repeat("Әә Ғғ Ққ Ңң Өө Ұұ Үү Һһ Іі ", 4)})
		}
		p.Parts = append(p.Parts, part)
	}
	p.Parts[0].Lines[0] = page.ProtocolLine{Value: "漢字 қалды"}
	out, err := page.DrawProtocol(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := api.Validate(bytes.NewReader(out), nil); err != nil {
		t.Errorf("pdfcpu: %v", err)
	}
	again, err := page.DrawProtocol(p)
	if err != nil || !bytes.Equal(out, again) {
		t.Error("the same protocol gives other bytes")
	}
	pdftotext := program(t, "pdftotext")
	file := filepath.Join(t.TempDir(), "p.pdf")
	if err := os.WriteFile(file, out, 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := exec.Command(pdftotext, "-layout", file, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Тексеру хаттамасы", "?? қалды", "жол 0-29", "жол 5-29", "Бөлім 5", "Һһ Іі"} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("%q is not on the pages", want)
		}
	}
	p.Parts[0].Lines[1].Value = strings.Repeat("ұзын ", 100_000)
	if _, err := page.DrawProtocol(p); err != page.ErrTooLong {
		t.Errorf("a protocol without end: %v", err)
	}
}
