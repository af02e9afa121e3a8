// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"errors"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"rastau/internal/journal"
)

// memory keeps a log in slices.
type memory struct {
	entries [][]byte
	hashes  []tlog.Hash
}

func (m *memory) LogSize() (int64, error) { return int64(len(m.entries)), nil }

func (m *memory) LogEntry(n int64) ([]byte, error) {
	if n >= int64(len(m.entries)) {
		return nil, errors.New("no such entry")
	}
	return m.entries[n], nil
}

func (m *memory) LogHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for k, i := range indexes {
		if i >= int64(len(m.hashes)) {
			return nil, errors.New("no such hash")
		}
		out[k] = m.hashes[i]
	}
	return out, nil
}

func (m *memory) AppendLog(n int64, entry []byte, first int64, hashes []tlog.Hash) error {
	if n != int64(len(m.entries)) || first != int64(len(m.hashes)) {
		return fmt.Errorf("entry %d at %d does not follow", n, first)
	}
	m.entries, m.hashes = append(m.entries, entry), append(m.hashes, hashes...)
	return nil
}

type fataler interface {
	Helper()
	Fatal(...any)
}

func filled(t fataler, n int) *memory {
	t.Helper()
	m := &memory{}
	for i := range n {
		if _, err := journal.Append(m, fmt.Appendf(nil, "entry %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// TestProofs: every entry and every earlier size of logs of many sizes is
// proven, and the proof holds for nothing else.
func TestProofs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(1, 70).Draw(t, "size")
		m := filled(t, int(size))
		head, err := journal.Now(m)
		if err != nil {
			t.Fatal(err)
		}
		n := rapid.Int64Range(0, size-1).Draw(t, "entry")
		proof, err := journal.ProveEntry(m, n, size)
		if err != nil {
			t.Fatal(err)
		}
		if err := journal.CheckEntry(proof, head, n, m.entries[n]); err != nil {
			t.Fatal(err)
		}
		if err := journal.CheckEntry(proof, head, n, []byte("another")); !errors.Is(err, journal.ErrProof) {
			t.Fatal("a proof holds for another entry", err)
		}
		before := rapid.Int64Range(1, size).Draw(t, "before")
		old, err := journal.At(m, before)
		if err != nil {
			t.Fatal(err)
		}
		growth, err := journal.ProveGrowth(m, before, size)
		if err != nil {
			t.Fatal(err)
		}
		if err := journal.CheckGrowth(growth, old, head); err != nil {
			t.Fatal(err)
		}
		old.Root[0] ^= 1
		if err := journal.CheckGrowth(growth, old, head); !errors.Is(err, journal.ErrProof) {
			t.Fatal("a proof holds for another beginning", err)
		}
	})
}

// TestCheckFindsEveryChange: each entry and each hash, changed in one bit,
// breaks the log; so does an entry that is gone.
func TestCheckFindsEveryChange(t *testing.T) {
	const size = 21
	good := filled(t, size)
	seen := 0
	head, err := journal.Check(good, func(int64, []byte) error { seen++; return nil })
	if now, _ := journal.Now(good); err != nil || head != now || seen != size {
		t.Fatalf("%v %v after %d entries", head, err, seen)
	}
	for i := range good.entries {
		m := filled(t, size)
		m.entries[i] = append([]byte("x"), m.entries[i]...)
		if _, err := journal.Check(m, nil); !errors.Is(err, journal.ErrBroken) {
			t.Errorf("entry %d changed: %v", i, err)
		}
	}
	for i := range good.hashes {
		m := filled(t, size)
		m.hashes[i][5] ^= 4
		if _, err := journal.Check(m, nil); !errors.Is(err, journal.ErrBroken) {
			t.Errorf("hash %d changed: %v", i, err)
		}
	}
	m := filled(t, size)
	m.entries = append(m.entries[:7], m.entries[8:]...)
	if _, err := journal.Check(m, nil); !errors.Is(err, journal.ErrBroken) {
		t.Errorf("entry removed: %v", err)
	}
	refuse := errors.New("not ours")
	if _, err := journal.Check(good, func(int64, []byte) error { return refuse }); !errors.Is(err, refuse) {
		t.Errorf("visit: %v", err)
	}
}

func TestBounds(t *testing.T) {
	m := filled(t, 3)
	for name, err := range map[string]error{
		"empty entry": second(journal.Append(m, nil)),
		"huge entry":  second(journal.Append(m, make([]byte, 1<<17))),
	} {
		if !errors.Is(err, journal.ErrEntry) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, err := range map[string]error{
		"future size":   second(journal.At(m, 4)),
		"negative size": second(journal.At(m, -1)),
		"entry behind":  second(journal.ProveEntry(m, 3, 3)),
		"from nothing":  second(journal.ProveGrowth(m, 0, 3)),
		"backwards":     second(journal.ProveGrowth(m, 3, 2)),
	} {
		if !errors.Is(err, journal.ErrRange) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if h, err := journal.Now(&memory{}); err != nil || h.Size != 0 {
		t.Errorf("empty log: %v %v", h, err)
	}
}

func second[T any](_ T, err error) error { return err }

func Example() {
	log := &memory{}
	for _, entry := range []string{"licence 1 issued", "licence 2 issued", "licence 1 suspended"} {
		if _, err := journal.Append(log, []byte(entry)); err != nil {
			fmt.Println(err)
		}
	}
	head, _ := journal.Now(log)
	proof, _ := journal.ProveEntry(log, 1, head.Size)
	fmt.Println(journal.CheckEntry(proof, head, 1, []byte("licence 2 issued")))
	log.entries[0] = []byte("licence 9 issued")
	_, err := journal.Check(log, nil)
	fmt.Println(err)
	// Output:
	// <nil>
	// the log is broken: hash 0 of entry 0 is not the entry's
}
