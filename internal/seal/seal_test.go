// SPDX-License-Identifier: Apache-2.0

package seal_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"rastau/internal/seal"
)

func key(b byte) []byte { return bytes.Repeat([]byte{b}, seal.KeySize) }

func line(id string, b byte) string {
	return id + " " + base64.StdEncoding.EncodeToString(key(b)) + "\n"
}

func box(t testing.TB, current uint32) *seal.Box {
	t.Helper()
	b, err := seal.NewBox(map[uint32][]byte{1: key(1), 2: key(2)}, current, key(9))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSeal: what was sealed opens under its label, with every key at hand, and nothing else does.
func TestSeal(t *testing.T) {
	old, now := box(t, 1), box(t, 2)
	for _, content := range []string{"", "Әлия", strings.Repeat("x", 100_000)} {
		a, b := old.Seal([]byte(content), "body/7"), old.Seal([]byte(content), "body/7")
		if bytes.Equal(a, b) {
			t.Error("the same content seals to the same bytes")
		}
		if !seal.Sealed(a) || content != "" && bytes.Contains(a, []byte(content)) {
			t.Error("not sealed")
		}
		got, err := now.Open(a, "body/7")
		if err != nil || string(got) != content {
			t.Errorf("%q %v", got, err)
		}
		if _, err := now.Open(a, "body/8"); !errors.Is(err, seal.ErrBroken) {
			t.Errorf("opened in another's place: %v", err)
		}
		for _, i := range []int{0, 3, 9, len(a) - 1} {
			changed := bytes.Clone(a)
			changed[i] ^= 1
			if _, err := now.Open(changed, "body/7"); err == nil {
				t.Errorf("opened with octet %d changed", i)
			}
		}
		for _, n := range []int{0, 4, 8, 20, len(a) - 1} {
			if _, err := now.Open(a[:n], "body/7"); err == nil {
				t.Errorf("opened when cut at %d", n)
			}
		}
	}
	lone, err := seal.NewBox(map[uint32][]byte{2: key(2)}, 2, key(9))
	if err != nil {
		t.Fatal(err)
	}
	sealed := old.Seal([]byte("x"), "l")
	if _, err := lone.Open(sealed, "l"); !errors.Is(err, seal.ErrUnknownKey) || !strings.Contains(err.Error(), "data key 1") {
		t.Errorf("an unknown key: %v", err)
	}
}

func TestIndex(t *testing.T) {
	a, b := box(t, 1), box(t, 2)
	if a.Index("iin", "1") != b.Index("iin", "1") {
		t.Error("the digest changes with the data key")
	}
	if a.Index("iin", "1") == a.Index("bin", "1") || a.Index("iin", "1") == a.Index("iin", "2") || a.Index("a", "b1") == a.Index("ab", "1") {
		t.Error("digests of different things are the same")
	}
	other, err := seal.NewBox(map[uint32][]byte{1: key(1)}, 1, key(8))
	if err != nil || other.Index("iin", "1") == a.Index("iin", "1") {
		t.Error("the digest does not depend on its key")
	}
}

// TestRotation: a new master key first in the file wraps, the old one still unwraps.
func TestRotation(t *testing.T) {
	before, err := seal.ReadMasters([]byte("# keys\n" + line("2025", 1)))
	if err != nil {
		t.Fatal(err)
	}
	wrapped := before.Wrap(key(7), "data/1")
	after, err := seal.ReadMasters([]byte(line("2026", 2) + line("2025", 1)))
	if err != nil || after.Current() != "2026" {
		t.Fatal(err)
	}
	if got, err := after.Unwrap("2025", wrapped, "data/1"); err != nil || !bytes.Equal(got, key(7)) {
		t.Errorf("%v", err)
	}
	if _, err := after.Unwrap("2025", wrapped, "data/2"); !errors.Is(err, seal.ErrBroken) {
		t.Errorf("another's key: %v", err)
	}
	if _, err := after.Unwrap("2026", wrapped, "data/1"); !errors.Is(err, seal.ErrBroken) {
		t.Errorf("the wrong master: %v", err)
	}
	if _, err := before.Unwrap("2026", wrapped, "data/1"); !errors.Is(err, seal.ErrUnknownKey) {
		t.Errorf("an unknown master: %v", err)
	}
}

func TestReadMastersRefuses(t *testing.T) {
	secret := base64.StdEncoding.EncodeToString(key(1))
	for name, text := range map[string]string{
		"empty": "# nothing\n", "id alone": "2025\n", "short": "a " + secret[:20] + "\n", "not base64": "a " + strings.Repeat("*", 44),
		"twice": line("a", 1) + line("a", 2), "three words": "a b " + secret, "huge": strings.Repeat("#", 70_000),
	} {
		if _, err := seal.ReadMasters([]byte(text)); err == nil || strings.Contains(err.Error(), secret[:20]) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzReadMasters(f *testing.F) {
	f.Add([]byte(line("2026", 2) + line("2025", 1)))
	f.Add([]byte("# a comment\n\n a b"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := seal.ReadMasters(data)
		if err == nil {
			if k, err := m.Unwrap(m.Current(), m.Wrap(key(1), "l"), "l"); err != nil || !bytes.Equal(k, key(1)) {
				t.Error(err)
			}
		}
	})
}

func FuzzOpen(f *testing.F) {
	b := box(f, 1)
	sealed := b.Seal([]byte("content"), "l")
	f.Add(sealed)
	f.Add(sealed[:9])
	f.Fuzz(func(t *testing.T, data []byte) {
		if got, err := b.Open(data, "l"); err == nil && string(got) != "content" {
			t.Error("a forged seal")
		}
	})
}

func ExampleBox() {
	b, err := seal.NewBox(map[uint32][]byte{1: key(1)}, 1, key(2))
	if err != nil {
		fmt.Println(err)
		return
	}
	sealed := b.Seal([]byte("personal"), "application/7")
	content, err := b.Open(sealed, "application/7")
	fmt.Println(string(content), err)
	_, err = b.Open(sealed, "application/8")
	fmt.Println(err)
	// Output:
	// personal <nil>
	// the seal is broken: changed, or put in another's place
}
