// SPDX-License-Identifier: Apache-2.0

package licensing_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"codeberg.org/go-pdf/fpdf"

	"rastau/licensing"
)

// TestAttachedPDF: what is said to be a PDF opens, has pages and hides no file, or is refused in words that say what to do.
func TestAttachedPDF(t *testing.T) {
	h := newHouse(t)
	var carrier bytes.Buffer
	f := fpdf.New("P", "mm", "A4", "")
	f.SetAttachments([]fpdf.Attachment{{Content: []byte("MZ"), Filename: "run.exe"}})
	f.AddPage()
	must(t, f.Output(&carrier))
	for name, content := range map[string][]byte{
		"a header alone": []byte("%PDF-1.7 fake"), "cut off": paper[:len(paper)/2], "no cross-references": bytes.Replace(paper, []byte("startxref"), []byte("startxxxx"), 1),
		"no pages":  bytes.Replace(paper, []byte("/Kids [3 0 R"), []byte("/Kids [     "), 1),
		"a carrier": carrier.Bytes(), "a page of the web": []byte("%PDF-1.4\n<html></html>"),
	} {
		n := h.form(t)
		n.Attachments[0].Content = content
		var input *licensing.InputError
		if _, err := h.service.Save(t.Context(), applicant, "", n); !errors.As(err, &input) || input.Field != "attachments.0.content" || !strings.Contains(input.Problem, "PDF") {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := h.service.Save(t.Context(), applicant, "", h.form(t))
	must(t, err)
}
