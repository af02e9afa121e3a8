// SPDX-License-Identifier: Apache-2.0

package pdf_test

import (
	"bytes"
	"errors"
	"reflect"
	"regexp"
	"strconv"
	"sync"
	"testing"

	"rastau/internal/pdf"
)

// drafted is a file of one revision with a classic table as its writer knows it, with room behind it.
func drafted(tb testing.TB, data []byte, room int) pdf.Draft {
	tb.Helper()
	w := pdf.Draft{Data: append(make([]byte, 0, len(data)+room), data...), Table: bytes.LastIndex(data, []byte("\nxref")) + 1, Trailer: bytes.LastIndex(data, []byte("trailer"))}
	for _, m := range regexp.MustCompile(`(?m)^(\d+) 0 obj`).FindAllSubmatchIndex(data[:w.Table], -1) {
		n, err := strconv.Atoi(string(data[m[2]:m[3]]))
		if err != nil {
			tb.Fatal(err)
		}
		for len(w.Offsets) <= n {
			w.Offsets = append(w.Offsets, 0)
		}
		w.Offsets[n] = m[0]
	}
	if len(w.Offsets) < 4 {
		tb.Fatal("no objects")
	}
	return w
}

// A file that its writer goes on with is the same file as one that was read: the revision that follows it has the same bytes, and
// what is found in it is the same.
func TestDraft(t *testing.T) {
	o := pdf.PrepareOptions{Name: "Ұлы", Rect: [4]float64{10, 10, 90, 40}, Size: 3000}
	for name, plain := range map[string][]byte{"smallest": smallest(), "of another maker": page(t, 3, []byte("{}")), "with a form": whole("", "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R]>>>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Annots[4 0 R]>>", "<</Type/Annot/Subtype/Widget/FT/Tx/T(Seen)/P 3 0 R/Rect[0 0 9 9]>>")} {
		for _, room := range []int{0, 100, 64 << 10} {
			t.Run(name+" "+strconv.Itoa(room), func(t *testing.T) {
				d, err := drafted(t, plain, room).Document()
				if err != nil {
					t.Fatal(err)
				}
				read, err := pdf.Open(plain, pdf.Limits{})
				if err != nil {
					t.Fatal(err)
				}
				for again := range 3 { // the room is taken once
					p, err := d.Prepare(o)
					if err != nil {
						t.Fatal(err)
					}
					want, err := read.Prepare(o)
					if err != nil {
						t.Fatal(err)
					}
					if !bytes.Equal(p.Bytes(), want.Bytes()) || !bytes.Equal(d.Bytes(), plain) {
						t.Fatalf("time %d: another revision than after a file that was read", again+1)
					}
					got, err := p.Embed([]byte{0x30, 0})
					if err != nil {
						t.Fatal(err)
					}
					if next, err := d.Continue(got); err != nil {
						t.Fatal(err)
					} else if all, err := pdf.Open(got, pdf.Limits{}); err != nil || !reflect.DeepEqual(next.Signatures(), all.Signatures()) || next.String() != all.String() {
						t.Fatalf("%v: %v %+v\n%v %+v", err, next, next.Signatures(), all, all.Signatures())
					}
				}
				// What was edited behind the signature is seen as well as ever.
				signed := sign(t, licensor(t), plain, o)
				edited := edit(t, signed, "", map[int]string{3: "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>"})
				all, err := pdf.Open(edited, pdf.Limits{})
				if err != nil {
					t.Fatal(err)
				}
				if next, err := d.Continue(edited); err != nil || !reflect.DeepEqual(next.Signatures(), all.Signatures()) || len(next.Signatures()[0].Changes) == 0 {
					t.Fatalf("%v %v", next, err)
				}
			})
		}
	}
}

// Several signers at once each get a file of their own.
func TestDraftParallel(t *testing.T) {
	d, err := drafted(t, page(t, 2, nil), 64<<10).Document()
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	out := make([][]byte, 8)
	for i := range out {
		wg.Go(func() {
			p, err := d.Prepare(pdf.PrepareOptions{Size: 64, Reason: strconv.Itoa(i)})
			if err == nil {
				out[i], err = p.Seal([]byte{0x30, 1, byte(i)})
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i, data := range out {
		got, err := pdf.Open(data, pdf.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if s := got.Signatures(); len(s) != 1 || s[0].Reason != strconv.Itoa(i) || !bytes.Equal(s[0].Contents, []byte{0x30, 1, byte(i)}) || !s[0].CoversAll {
			t.Errorf("%d: %+v", i, s)
		}
	}
}

// A writer that is wrong about its own file gets an error, not a document without what it lost.
func TestDraftRefuses(t *testing.T) {
	plain := smallest()
	for name, spoil := range map[string]func(w *pdf.Draft){
		"no PDF":            func(w *pdf.Draft) { w.Data = []byte("text") },
		"no trailer":        func(w *pdf.Draft) { w.Trailer++ },
		"beyond the end":    func(w *pdf.Draft) { w.Trailer = len(w.Data) + 1 },
		"no catalog":        func(w *pdf.Draft) { w.Offsets[1] = 0 },
		"another place":     func(w *pdf.Draft) { w.Offsets[1] = w.Offsets[2] },
		"beyond the file":   func(w *pdf.Draft) { w.Offsets[2] = len(w.Data) + 5 },
		"the page is lost":  func(w *pdf.Draft) { w.Offsets = w.Offsets[:3] },
		"something follows": func(w *pdf.Draft) { w.Data = append(w.Data, "more"...) },
		"cut":               func(w *pdf.Draft) { w.Data = w.Data[:len(w.Data)-8] },
	} {
		t.Run(name, func(t *testing.T) {
			w := drafted(t, plain, 0)
			spoil(&w)
			if d, err := w.Document(); err == nil || !errors.Is(err, pdf.ErrFormat) && !errors.Is(err, pdf.ErrNotPDF) {
				t.Errorf("%v %v", d, err)
			}
		})
	}
	encrypted := drafted(t, whole("/Encrypt<<>>", "<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>", "<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>"), 0)
	if d, err := encrypted.Document(); err == nil {
		t.Errorf("%v", d)
	}
}
