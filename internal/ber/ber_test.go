// SPDX-License-Identifier: Apache-2.0

package ber_test

import (
	"bytes"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rastau/internal/ber"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	out, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var rewritten = []struct{ name, in, want string }{
	{"DER stays", "30 03 02 01 05", "30 03 02 01 05"},
	{"empty sequence", "30 00", "30 00"},
	{"long form of a short length", "30 81 03 02 01 05", "30 03 02 01 05"},
	{"length with leading zeros", "30 84 00 00 00 03 02 01 05", "30 03 02 01 05"},
	{"primitive with a long form", "02 81 01 05", "02 01 05"},
	{"indefinite", "30 80 02 01 05 00 00", "30 03 02 01 05"},
	{"indefinite in indefinite", "30 80 31 80 02 01 05 00 00 05 00 00 00", "30 07 31 03 02 01 05 05 00"},
	{"indefinite and empty", "30 80 00 00", "30 00"},
	{"explicit tag", "a0 80 02 01 05 00 00", "a0 03 02 01 05"},
	{"implicit tag keeps its pieces", "a0 80 04 01 61 04 01 62 00 00", "a0 06 04 01 61 04 01 62"},
	{"octet string in pieces", "24 80 04 01 61 04 02 62 63 00 00", "04 03 61 62 63"},
	{"octet string in pieces, definite", "24 06 04 01 61 04 01 62", "04 02 61 62"},
	{"octet string of nothing", "24 80 00 00", "04 00"},
	{"pieces in pieces", "24 80 24 80 04 01 61 00 00 24 03 04 01 62 00 00", "04 02 61 62"},
	{"text of octet strings", "2c 80 04 02 d2 9a 04 01 41 00 00", "0c 03 d2 9a 41"},
	{"text of texts", "36 80 16 01 61 16 01 62 00 00", "16 02 61 62"},
	{"bit string in pieces", "23 80 03 02 00 ff 03 02 04 f0 00 00", "03 03 04 ff f0"},
	{"bit string of nothing", "23 80 00 00", "03 01 00"},
	{"inside a sequence", "30 80 24 80 04 01 61 00 00 02 01 05 00 00", "30 06 04 01 61 02 01 05"},
	{"high tag number", "bf 81 00 80 02 01 05 00 00", "bf 81 00 03 02 01 05"},
	{"set order stays", "31 80 02 01 09 02 01 05 00 00", "31 06 02 01 09 02 01 05"},
	{"contents are no business of ours", "01 01 01", "01 01 01"},
}

func TestToDER(t *testing.T) {
	for _, test := range rewritten {
		t.Run(test.name, func(t *testing.T) {
			in := unhex(t, test.in)
			kept := bytes.Clone(in)
			got, err := ber.ToDER(in, ber.Limits{})
			if err != nil || !bytes.Equal(got, unhex(t, test.want)) {
				t.Errorf("%x, %v, want %s", got, err, test.want)
			}
			if !bytes.Equal(in, kept) {
				t.Error("the input was changed")
			}
			if test.in == test.want && &got[0] != &in[0] {
				t.Error("DER was copied")
			}
		})
	}
	long := append(append([]byte{0x24, 0x80}, bytes.Repeat(append([]byte{4, 100}, make([]byte, 100)...), 3)...), 0, 0)
	got, err := ber.ToDER(long, ber.Limits{})
	if want := append([]byte{4, 0x82, 1, 44}, make([]byte, 300)...); err != nil || !bytes.Equal(got, want) {
		t.Errorf("length of two octets: %x, %v", got[:8], err)
	}
}

func TestToDERRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"nothing": "", "no length": "30", "cut": "30 03 02 01", "byte behind": "05 00 00", "indefinite primitive": "04 80 61 00 00",
		"no end": "30 80 02 01 05", "half an end": "30 80 00", "end inside a definite one": "30 02 00 00", "end alone": "00 00",
		"end with a length": "30 80 00 01 61 00 00", "end in long form": "30 80 00 81 00 00 00",
		"child beyond its parent": "30 03 04 05 61", "length FF": "30 ff 00", "length of nine octets": "30 89 01 00 00 00 00 00 00 00 00",
		"length overflow": "30 88 ff ff ff ff ff ff ff ff", "negative length": "30 84 80 00 00 00",
		"padded tag number": "3f 80 01 00", "short tag number in long form": "1f 1e 00", "endless tag number": "1f ff ff ff ff ff ff 01 00", "tag number cut": "1f 81",
		"a piece of another type": "24 80 02 01 05 00 00", "a text piece in an octet string": "24 80 0c 01 61 00 00",
		"bit string with octets": "23 80 04 01 61 00 00", "ragged piece not the last": "23 80 03 02 04 f0 03 02 00 ff 00 00",
		"bit piece without octets": "23 80 03 00 00 00", "eight unused bits": "23 80 03 02 08 ff 00 00", "bits in bits": "23 80 23 80 03 02 00 ff 00 00 00 00",
	} {
		if got, err := ber.ToDER(unhex(t, in), ber.Limits{}); !errors.Is(err, ber.ErrMalformed) || got != nil {
			t.Errorf("%s: %x, %v", name, got, err)
		}
	}
}

func TestLimits(t *testing.T) {
	nested := func(n int) []byte { return append(bytes.Repeat([]byte{0x30, 0x80}, n), make([]byte, 2*n)...) }
	for _, test := range []struct {
		name string
		in   []byte
		lim  ber.Limits
		ok   bool
	}{
		{"depth held", nested(64), ber.Limits{}, true},
		{"too deep", nested(65), ber.Limits{}, false},
		{"depth given", nested(3), ber.Limits{Depth: 2}, false},
		{"nodes held", unhex(t, "30 04 05 00 05 00"), ber.Limits{Nodes: 3}, true},
		{"too many nodes", unhex(t, "30 04 05 00 05 00"), ber.Limits{Nodes: 2}, false},
		{"bytes held", unhex(t, "30 04 05 00 05 00"), ber.Limits{Bytes: 6}, true},
		{"too many bytes", unhex(t, "30 04 05 00 05 00"), ber.Limits{Bytes: 5}, false},
		{"six megabytes of open sequences", bytes.Repeat([]byte{0x30, 0x80}, 3<<20), ber.Limits{}, false},
		{"a flood of nodes", append([]byte{0x30, 0x80}, append(bytes.Repeat([]byte{5, 0}, 2<<20), 0, 0)...), ber.Limits{}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			start := time.Now()
			if _, err := ber.ToDER(test.in, test.lim); (err == nil) != test.ok {
				t.Error(err)
			}
			if spent := time.Since(start); spent > time.Second {
				t.Errorf("took %v", spent)
			}
		})
	}
}

// TestAnyShape writes a random tree twice, in DER and in random BER: both must come out as the DER.
func TestAnyShape(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		der, loose := tree(t, 0)
		for _, in := range [][]byte{der, loose} {
			got, err := ber.ToDER(in, ber.Limits{})
			if err != nil || !bytes.Equal(got, der) {
				t.Fatalf("%x gave %x, %v; want %x", in, got, err, der)
			}
		}
	})
}

func tree(t *rapid.T, depth int) (der, loose []byte) {
	if depth < 5 && rapid.Bool().Draw(t, "constructed") {
		var a, b []byte
		for range rapid.IntRange(0, 4).Draw(t, "children") {
			x, y := tree(t, depth+1)
			a, b = append(a, x...), append(b, y...)
		}
		tag := rapid.SampledFrom([]byte{0x30, 0x31, 0xa0, 0xa3}).Draw(t, "tag")
		return element(tag, a, 0), element(tag, b, rapid.IntRange(0, 2).Draw(t, "length form"))
	}
	body := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "octets")
	if rapid.Bool().Draw(t, "in pieces") {
		cut := rapid.IntRange(0, len(body)).Draw(t, "cut")
		pieces := append(element(4, body[:cut], 0), element(4, body[cut:], 1)...)
		return element(4, body, 0), element(0x24, pieces, rapid.IntRange(0, 2).Draw(t, "length form"))
	}
	return element(4, body, 0), element(4, body, rapid.IntRange(0, 1).Draw(t, "length form"))
}

// element writes a length in DER (0), with four octets (1), or indefinite (2).
func element(tag byte, body []byte, form int) []byte {
	switch form {
	case 1:
		return append([]byte{tag, 0x84, 0, 0, byte(len(body) >> 8), byte(len(body))}, body...)
	case 2:
		return append(append([]byte{tag, 0x80}, body...), 0, 0)
	}
	out, err := asn1.Marshal(asn1.RawValue{Class: int(tag >> 6), Tag: int(tag & 0x1f), IsCompound: tag&0x20 != 0, Bytes: body})
	if err != nil {
		panic(err)
	}
	return out
}

// TestRealMessages reads the signatures of the suites: each comes out readable by encoding/asn1, and a second time the same.
func TestRealMessages(t *testing.T) {
	root := os.Getenv("RASTAU_SUITES")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "suites")
	}
	count := 0
	for _, dir := range []string{"cms", "kz"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.Contains(" .p7s .p7m .der .ber .p12 .tst", " "+filepath.Ext(path)) {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil || len(data) == 0 || data[0] != 0x30 {
				return err
			}
			count++
			der, err := ber.ToDER(data, ber.Limits{})
			if err != nil {
				t.Logf("%s: %v", filepath.Base(path), err)
				return nil
			}
			again, err := ber.ToDER(der, ber.Limits{})
			if err != nil || &again[0] != &der[0] {
				t.Errorf("%s: the second time %v", filepath.Base(path), err)
			}
			var raw asn1.RawValue
			if rest, err := asn1.Unmarshal(der, &raw); err != nil || len(rest) != 0 {
				t.Errorf("%s: %v", filepath.Base(path), err)
			}
			return nil
		})
		if err != nil || count == 0 {
			if os.Getenv("RASTAU_SUITES_REQUIRED") == "1" {
				t.Fatalf("the suite %s is required: %v", dir, err)
			}
			t.Skipf("the suite %s is not on this machine (RASTAU_SUITES names its folder)", dir)
		}
	}
}

func FuzzToDER(f *testing.F) {
	for _, test := range rewritten {
		f.Add(unhex(f, test.in))
	}
	if len(rewritten) == 0 {
		f.Fatal("the corpus is empty")
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		der, err := ber.ToDER(in, ber.Limits{Bytes: 1 << 20})
		if err != nil {
			return
		}
		again, err := ber.ToDER(der, ber.Limits{})
		if err != nil || &again[0] != &der[0] {
			t.Fatalf("%x became %x and then %v", in, der, err)
		}
	})
}

func ExampleToDER() {
	// An octet string in two pieces inside a sequence of indefinite length.
	in := []byte{0x30, 0x80, 0x24, 0x80, 4, 1, 'a', 4, 1, 'b', 0, 0, 0, 0}
	der, err := ber.ToDER(in, ber.Limits{})
	fmt.Printf("%x %v\n", der, err)
	// Output: 300404026162 <nil>
}
