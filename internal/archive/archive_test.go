// SPDX-License-Identifier: Apache-2.0

package archive_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/mod/sumdb/note"

	"rastau/internal/archive"
)

var at = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)

type part struct {
	name    string
	content []byte
}

func made(t testing.TB, key note.Signer, parts ...part) []byte {
	t.Helper()
	var file bytes.Buffer
	w, err := archive.NewWriter(&file, at)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		if err := w.Add(p.name, p.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(map[string]string{"of": "a register"}, key); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func read(file []byte, key note.Verifier) (parts []part, about map[string]string, err error) {
	r, err := archive.NewReader(bytes.NewReader(file))
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	r.Key = key
	for {
		name, content, err := r.Next()
		if errors.Is(err, io.EOF) {
			return parts, about, r.About(&about)
		}
		if err != nil {
			return parts, nil, err
		}
		parts = append(parts, part{name, content})
	}
}

func keys(t testing.TB, name string) (note.Signer, note.Verifier) {
	t.Helper()
	secret, public, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return s, v
}

var sample = []part{{"a", []byte("one")}, {"b", bytes.Repeat([]byte("two"), 100_000)}, {"c", []byte{}}}

func TestRoundTrip(t *testing.T) {
	signer, verifier := keys(t, "licence.example.kz/log")
	for name, key := range map[string]note.Signer{"unsigned": nil, "signed": signer} {
		parts, about, err := read(made(t, key, sample...), nil)
		same := slices.EqualFunc(parts, sample, func(a, b part) bool { return a.name == b.name && bytes.Equal(a.content, b.content) })
		if err != nil || !same || about["of"] != "a register" {
			t.Errorf("%s: %d parts, %v, %v", name, len(parts), about, err)
		}
	}
	if _, _, err := read(made(t, signer, sample...), verifier); err != nil {
		t.Errorf("its maker's key: %v", err)
	}
	if _, _, err := read(made(t, nil), nil); err != nil {
		t.Errorf("without a part: %v", err)
	}
}

func TestRefuses(t *testing.T) {
	signer, _ := keys(t, "licence.example.kz/log")
	_, stranger := keys(t, "licence.example.kz/log")
	whole := made(t, signer, sample...)
	for name, key := range map[string]note.Signer{"unsigned": nil, "of another": signer} {
		if _, _, err := read(made(t, key, sample...), stranger); !errors.Is(err, archive.ErrSigner) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for n := range whole {
		if _, _, err := read(whole[:n], nil); err == nil {
			t.Fatalf("cut off at %d of %d: read", n, len(whole))
		}
	}
	plain := unpacked(t, whole)
	for name, change := range map[string]func([]byte) []byte{
		"a byte of a part":   func(b []byte) []byte { return bytes.Replace(b, []byte("one"), []byte("ona"), 1) },
		"a name":             func(b []byte) []byte { return b }, // below: the header has a checksum of its own
		"a part left out":    func(b []byte) []byte { return b[1024:] },
		"behind the end":     func(b []byte) []byte { return append(slices.Clone(b[:len(b)-1024]), b...) },
		"an earlier version": func(b []byte) []byte { return bytes.Replace(b, []byte(`"parts":3`), []byte(`"parts":2`), 1) },
	} {
		changed := change(slices.Clone(plain))
		if name == "a name" {
			changed = unpacked(t, made(t, signer, append([]part{{"x", sample[0].content}}, sample[1:]...)...))
			// The manifest of the archive before, under the parts of this one.
			cut := bytes.LastIndex(changed, []byte("manifest"))
			before := bytes.LastIndex(plain, []byte("manifest"))
			changed = append(changed[:cut], plain[before:]...)
		}
		_, _, err := read(packed(t, changed), nil)
		if !errors.Is(err, archive.ErrBroken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, file := range [][]byte{nil, []byte("<html>"), packed(t, nil), packed(t, []byte("text"))} {
		if _, _, err := read(file, nil); !errors.Is(err, archive.ErrBroken) {
			t.Errorf("%q: %v", file, err)
		}
	}
}

func TestWriterRefuses(t *testing.T) {
	w, err := archive.NewWriter(io.Discard, at)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []part{{"", nil}, {"manifest", nil}, {"a", make([]byte, archive.MaxPart+1)}} {
		if w.Add(p.name, p.content) == nil {
			t.Errorf("%q with %d bytes was written", p.name, len(p.content))
		}
	}
}

func unpacked(t testing.TB, file []byte) []byte {
	t.Helper()
	d, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	plain, err := d.DecodeAll(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

func packed(t testing.TB, plain []byte) []byte {
	t.Helper()
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	return e.EncodeAll(plain, nil)
}

func FuzzReader(f *testing.F) {
	f.Add(made(f, nil, sample...))
	f.Add(made(f, nil))
	f.Add([]byte("\x28\xb5\x2f\xfd"))
	f.Fuzz(func(t *testing.T, file []byte) {
		parts, _, err := read(file, nil)
		if err == nil {
			again, _, err := read(made(t, nil, parts...), nil)
			if err != nil || len(again) != len(parts) {
				t.Errorf("%d parts became %d: %v", len(parts), len(again), err)
			}
		}
	})
}

func ExampleReader() {
	var file bytes.Buffer
	w, err := archive.NewWriter(&file, at)
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = w.Add("tables/licences/000001.jsonl", []byte("…"))
	_ = w.Close(map[string]int{"licences": 1}, nil)

	cut, err := archive.NewReader(bytes.NewReader(file.Bytes()[:file.Len()/2]))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cut.Close()
	_, _, err = cut.Next()
	fmt.Println(errors.Is(err, archive.ErrBroken))
	// Output: true
}
