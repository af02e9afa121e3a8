// SPDX-License-Identifier: Apache-2.0

package licensing_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"rastau/internal/phrase"
	"rastau/licensing"
)

// TestDiagrams: every path of both orders in three languages is one SVG that
// a renderer draws as A3 landscape, with a title, a description and the whole
// Kazakh, Russian or English text of every step for those who hear it.
func TestDiagrams(t *testing.T) {
	for _, file := range []string{passengerFile, pipelinesFile} {
		_, r := regulation(t, file)
		for _, p := range r.Paths {
			for _, lang := range []phrase.Lang{phrase.KK, phrase.RU, phrase.EN} {
				t.Run(r.Key+"/"+p.Key+"/"+string(lang), func(t *testing.T) {
					svg, err := r.Diagram(p.Key, lang)
					must(t, err)
					titles := wellFormed(t, svg)
					for _, s := range p.Steps {
						if !strings.Contains(titles, s.Action.In(lang)) {
							t.Errorf("step %d is not told", s.Number)
						}
						if s.Condition != nil && !strings.Contains(titles, s.Condition.Text.In(lang)) {
							t.Errorf("condition %s is not told", s.Condition.Key)
						}
					}
					for _, s := range r.Legend {
						if !drawn(svg, s.Name.In(lang)) {
							t.Errorf("the legend lacks %q", s.Name.In(lang))
						}
					}
					again, err := r.Diagram(p.Key, lang)
					must(t, err)
					if !bytes.Equal(svg, again) {
						t.Error("drawn twice, drawn otherwise")
					}
					rendered(t, svg, 1587, 1123)
				})
			}
		}
		all, err := r.Diagrams(phrase.KK)
		must(t, err)
		wellFormed(t, all)
		rendered(t, all, 1587, 1123*len(r.Paths))
		if _, err := r.Diagram("door", phrase.KK); !errors.Is(err, licensing.ErrNotFound) {
			t.Errorf("a path that does not exist: %v", err)
		}
	}
}

// wellFormed reads the whole XML and gives the texts of its titles.
func wellFormed(t *testing.T, svg []byte) string {
	t.Helper()
	dec := xml.NewDecoder(bytes.NewReader(svg))
	var titles strings.Builder
	in := ""
	ids := map[string]bool{}
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return titles.String()
		}
		must(t, err)
		switch tok := tok.(type) {
		case xml.StartElement:
			in = tok.Name.Local
			for _, a := range tok.Attr {
				if a.Name.Local == "id" && ids[a.Value] {
					t.Errorf("the id %s stands twice", a.Value)
				}
				if a.Name.Local == "id" {
					ids[a.Value] = true
				}
			}
		case xml.EndElement:
			in = ""
		case xml.CharData:
			if in == "title" {
				titles.Write(tok)
				titles.WriteByte('\n')
			}
		}
	}
}

// drawn finds a text whose lines were broken.
func drawn(svg []byte, text string) bool {
	flat := strings.NewReplacer("\n", "", " ", "").Replace(string(svg))
	for _, word := range strings.Fields(text) {
		if !strings.Contains(flat, word) {
			return false
		}
	}
	return true
}

// rendered draws the sheet with librsvg and looks whether there is ink.
func rendered(t *testing.T, svg []byte, width, height int) {
	t.Helper()
	tool, err := exec.LookPath("rsvg-convert")
	if err != nil {
		if os.Getenv("RASTAU_REQUIRE_TOOLS") == "1" {
			t.Fatal("rsvg-convert is required and not installed: .ci/tools installs it")
		}
		t.Skip("rsvg-convert is not installed: run .ci/tools")
	}
	cmd := exec.Command(tool, "--format", "png", "-w", "1587")
	cmd.Stdin = bytes.NewReader(svg)
	out, err := cmd.Output()
	must(t, err)
	img, err := png.Decode(bytes.NewReader(out))
	must(t, err)
	if b := img.Bounds(); b.Dx() != width || b.Dy() < height-2 || b.Dy() > height+2 {
		t.Errorf("rendered as %v", b)
	}
	dark := 0
	for y := 0; y < img.Bounds().Dy(); y += 2 {
		for x := 0; x < img.Bounds().Dx(); x += 2 {
			if r, g, b, _ := img.At(x, y).RGBA(); r+g+b < 0x18000 {
				dark++
			}
		}
	}
	if dark < 2000 {
		t.Errorf("%d dark dots only", dark)
	}
}
