// SPDX-License-Identifier: Apache-2.0

package pdf_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"rastau/internal/pdf"
)

// continued demands that going on from each beginning of a file that can be read by itself finds what reading it whole finds.
func continued(t *testing.T, data []byte) (beginnings int) {
	t.Helper()
	want, wantErr := pdf.Open(data, pdf.Limits{})
	for at := 0; ; {
		i := bytes.Index(data[at:], []byte("%%EOF"))
		if i < 0 {
			return beginnings
		}
		at += i + len("%%EOF")
		for _, cut := range []int{at, min(at+1, len(data))} {
			before, err := pdf.Open(data[:cut:cut], pdf.Limits{})
			if err != nil {
				continue
			}
			beginnings++
			got, gotErr := before.Continue(data)
			if (gotErr == nil) != (wantErr == nil) || gotErr == nil && !reflect.DeepEqual(got, want) {
				t.Fatalf("from byte %d: %v %v, whole: %v %v", cut, got, gotErr, want, wantErr)
			}
			again, err := pdf.Open(data[:cut:cut], pdf.Limits{})
			if err != nil || !reflect.DeepEqual(again, before) {
				t.Fatalf("going on from byte %d changed what was read before", cut)
			}
		}
		if beginnings > 40 {
			return beginnings
		}
	}
}

func TestContinue(t *testing.T) {
	key, plain := licensor(t), page(t, 2, []byte("{}"))
	once := sign(t, key, plain, pdf.PrepareOptions{Rect: [4]float64{10, 10, 90, 40}})
	stored, err := pdf.AppendDSS(once, &pdf.DSS{Material: pdf.Material{Certificates: items("ca")}})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"signed": once, "signed twice": sign(t, key, once, pdf.PrepareOptions{}), "with a store": stored, "signed after it": sign(t, key, stored, pdf.PrepareOptions{}),
		"edited": edit(t, once, "", map[int]string{3: "<</Type/Page>>"}), "hidden": edit(t, plain, "", map[int]string{3: "("}),
		"streams": sign(t, key, packed(t), pdf.PrepareOptions{}),
	} {
		t.Run(name, func(t *testing.T) {
			if n := continued(t, data); n < 2 {
				t.Errorf("%d beginnings", n)
			}
		})
	}
	// Another file than the one that was read is read whole.
	before, err := pdf.Open(plain, pdf.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	other := bytes.Replace(once, []byte("/Count 2"), []byte("/Count 1"), 1)
	other[15] ^= 1
	if got, err := before.Continue(other); err == nil {
		want, err := pdf.Open(other, pdf.Limits{})
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v %v", got, err)
		}
	}
	if _, err := before.Continue(plain[:len(plain)-20]); err == nil {
		t.Error("a file that is cut passes")
	}
}

// TestContinueSuites holds it against the files of others, the attacks among them.
func TestContinueSuites(t *testing.T) {
	for _, suite := range []string{"pdf-attacks", "pades"} {
		t.Run(suite, func(t *testing.T) {
			dir, all := suites(t, suite), 0
			for _, c := range manifest(t, dir) {
				data, err := os.ReadFile(filepath.Join(dir, c.File))
				if err != nil || !strings.HasSuffix(c.File, ".pdf") || len(data) > 1<<20 {
					continue
				}
				all += continued(t, data)
			}
			if all < 100 {
				t.Errorf("only %d beginnings", all)
			}
		})
	}
}

func FuzzContinue(f *testing.F) {
	key := licensor(f)
	f.Add(sign(f, key, smallest(), pdf.PrepareOptions{}))
	f.Add(sign(f, key, packed(f), pdf.PrepareOptions{}))
	f.Add(edit(f, smallest(), "", map[int]string{3: "null"}))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 1<<16 {
			continued(t, data)
		}
	})
}
