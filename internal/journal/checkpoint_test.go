// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"rastau/internal/journal"
)

func keys(t testing.TB, name string) (note.Signer, note.Verifier) {
	t.Helper()
	secret, public, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return signer, verifier
}

// TestReplay: what an export gives is the head of the log, at every size, and
// whatever was changed before a kept checkpoint is found, by the export and by
// the log alike.
func TestReplay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &memory{}
		n := rapid.IntRange(1, 60).Draw(t, "entries")
		for i := range n {
			if _, err := journal.Append(m, fmt.Appendf(nil, "entry %d %s", i, rapid.StringMatching(`[a-z]{0,20}`).Draw(t, "body"))); err != nil {
				t.Fatal(err)
			}
		}
		size := rapid.Int64Range(1, int64(n)).Draw(t, "kept")
		kept, err := journal.At(m, size)
		if err != nil {
			t.Fatal(err)
		}
		export := bytes.Join(m.entries, []byte("\n"))
		now, err := journal.Now(m)
		if err != nil {
			t.Fatal(err)
		}
		if h, err := journal.Replay(bytes.NewReader(export), kept); err != nil || h != now {
			t.Fatalf("%v %v, not %v", h, err, now)
		}
		if err := journal.Since(m, kept); err != nil {
			t.Fatal(err)
		}
		other := &memory{}
		where := rapid.Int64Range(0, size-1).Draw(t, "where")
		for i, e := range m.entries {
			switch kind := rapid.SampledFrom([]string{"changed", "removed", "slipped in"}).Draw(t, "kind"); {
			case int64(i) != where:
			case kind == "changed":
				e = append([]byte("x"), e...)
			case kind == "removed":
				continue
			default:
				if _, err := journal.Append(other, []byte("slipped in")); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := journal.Append(other, e); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := journal.Replay(bytes.NewReader(bytes.Join(other.entries, []byte("\n"))), kept); !errors.Is(err, journal.ErrRewritten) {
			t.Fatalf("the export: %v", err)
		}
		if err := journal.Since(other, kept); !errors.Is(err, journal.ErrRewritten) {
			t.Fatalf("the log: %v", err)
		}
	})
}

// TestCheckpoint: only the log's own key makes one, for this log, of these bytes.
func TestCheckpoint(t *testing.T) {
	signer, verifier := keys(t, "rastau.example/log")
	_, stranger := keys(t, "rastau.example/log")
	m := &memory{}
	for i := range 5 {
		if _, err := journal.Append(m, fmt.Appendf(nil, "entry %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	head, err := journal.Now(m)
	if err != nil {
		t.Fatal(err)
	}
	msg, err := journal.Sign(head, signer)
	if err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func() (journal.Head, error){
		"signed": func() (journal.Head, error) { return journal.OpenCheckpoint(msg, verifier) },
		"read":   func() (journal.Head, error) { return journal.ReadCheckpoint(msg) },
	} {
		if h, err := open(); err != nil || h != head {
			t.Errorf("%s: %v %v", name, h, err)
		}
	}
	if !strings.HasPrefix(string(msg), "rastau.example/log\n5\n") {
		t.Errorf("checkpoint: %s", msg)
	}
	for name, bad := range map[string][]byte{
		"empty": nil, "changed size": bytes.Replace(msg, []byte("\n5\n"), []byte("\n6\n"), 1), "no signature": msg[:bytes.Index(msg, []byte("\n\n"))+2], "too long": bytes.Repeat(msg, 1000),
	} {
		if _, err := journal.OpenCheckpoint(bad, verifier); !errors.Is(err, journal.ErrCheckpoint) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := journal.OpenCheckpoint(msg, stranger); !errors.Is(err, journal.ErrCheckpoint) {
		t.Errorf("another's key: %v", err)
	}
	for _, bad := range []string{"", "x", "log\n-1\nAAAA\n\n", "log\n01\n" + strings.Repeat("A", 43) + "=\n\n", "log\n1\nAAAA\n\n"} {
		if _, err := journal.ReadCheckpoint([]byte(bad)); !errors.Is(err, journal.ErrCheckpoint) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzReadCheckpoint(f *testing.F) {
	f.Add([]byte("log\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n— log AAAA\n"))
	f.Fuzz(func(t *testing.T, msg []byte) {
		h, err := journal.ReadCheckpoint(msg)
		if err == nil && h.Size < 0 {
			t.Errorf("size %d", h.Size)
		}
	})
}
