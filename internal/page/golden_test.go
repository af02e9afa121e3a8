// SPDX-License-Identifier: Apache-2.0

package page_test

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/color"
	imagedraw "image/draw"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"rastau/internal/page"
)

var update = flag.Bool("update", false, "make the pictures in testdata anew; look at them before they are kept")

// pictures draws the pages with a reader of PDF that is not ours.
func pictures(t *testing.T, l page.Licence) []image.Image {
	t.Helper()
	tool := program(t, "pdftoppm")
	file, _ := draw(t, l)
	root := filepath.Join(t.TempDir(), "page")
	if out, err := exec.Command(tool, "-r", "45", "-gray", "-png", file, root).CombinedOutput(); err != nil {
		t.Fatalf("pdftoppm: %v: %s", err, out)
	}
	names, err := filepath.Glob(root + "*.png")
	if err != nil || len(names) == 0 {
		t.Fatalf("no pictures: %v", err)
	}
	var out []image.Image
	for _, name := range names {
		out = append(out, picture(t, name))
	}
	return out
}

func picture(t *testing.T, name string) image.Image {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// sixteen keeps sixteen shades of grey, which is enough to compare with.
func sixteen(m image.Image) image.Image {
	var shades color.Palette
	for i := range 16 {
		shades = append(shades, color.Gray{Y: uint8(17 * i)})
	}
	out := image.NewPaletted(m.Bounds(), shades)
	imagedraw.Draw(out, m.Bounds(), m, m.Bounds().Min, imagedraw.Src)
	return out
}

// apart measures how different two pictures are: the mean difference of the grey, and the share of points that differ clearly.
// Readers smooth the edges of letters in their own ways, so neither is nothing.
func apart(a, b image.Image) (mean, clear float64) {
	if a.Bounds() != b.Bounds() {
		return 1, 1
	}
	r := a.Bounds()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			d := int(color.GrayModel.Convert(a.At(x, y)).(color.Gray).Y) - int(color.GrayModel.Convert(b.At(x, y)).(color.Gray).Y)
			if d = max(d, -d); d > 96 {
				clear++
			}
			mean += float64(d) / 255
		}
	}
	n := float64(r.Dx() * r.Dy())
	return mean / n, clear / n
}

// The pages look as they did when somebody looked at them: `go test ./internal/page -run Pictures -update` makes them anew.
func TestPictures(t *testing.T) {
	suspended := licence()
	suspended.State, suspended.Demo = page.Suspended, false
	for name, l := range map[string]page.Licence{"plain": licence(), "whole": whole(), "suspended": suspended} {
		t.Run(name, func(t *testing.T) {
			got := pictures(t, l)
			for i, m := range got {
				file := filepath.Join("testdata", fmt.Sprintf("%s-%d.png", name, i+1))
				if *update {
					var b bytes.Buffer
					if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, sixteen(m)); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				if mean, clear := apart(picture(t, file), m); mean > 0.01 || clear > 0.005 {
					t.Errorf("page %d looks different: %.4f in the mean, %.4f clearly", i+1, mean, clear)
				}
			}
			if kept, _ := filepath.Glob(filepath.Join("testdata", name+"-*.png")); len(kept) != len(got) {
				t.Errorf("%d pages, %d pictures are kept", len(got), len(kept))
			}
		})
	}
	// What the comparison is worth: a licence with another number looks different.
	l := licence()
	l.HolderName = "Басқа ұйым ЖШС"
	if mean, clear := apart(picture(t, "testdata/plain-1.png"), pictures(t, l)[0]); mean < 0.001 && clear < 0.001 {
		t.Errorf("another holder cannot be told from the picture: %.5f, %.5f", mean, clear)
	}
}
