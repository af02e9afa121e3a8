// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// ProveEntry shows that entry n stands in the log of the given size
// (RFC 6962 §2.1.1).
func ProveEntry(s Storage, n, size int64) (tlog.RecordProof, error) {
	if err := within(s, size); err != nil {
		return nil, err
	}
	if n < 0 || n >= size {
		return nil, fmt.Errorf("%w: entry %d of %d", ErrRange, n, size)
	}
	return tlog.ProveRecord(size, n, tlog.HashReaderFunc(s.LogHashes))
}

// CheckEntry verifies a proof of ProveEntry from the entry's bytes and a head alone.
func CheckEntry(p tlog.RecordProof, h Head, n int64, entry []byte) error {
	if err := tlog.CheckRecord(p, h.Size, h.Root, n, tlog.RecordHash(entry)); err != nil {
		return fmt.Errorf("%w: entry %d: %w", ErrProof, n, err)
	}
	return nil
}

// ProveGrowth shows that the log of size before is a beginning of the log of
// size after (RFC 6962 §2.1.2). Both must be at least one.
func ProveGrowth(s Storage, before, after int64) (tlog.TreeProof, error) {
	if err := within(s, after); err != nil {
		return nil, err
	}
	if before < 1 || before > after {
		return nil, fmt.Errorf("%w: from %d to %d", ErrRange, before, after)
	}
	return tlog.ProveTree(after, before, tlog.HashReaderFunc(s.LogHashes))
}

// CheckGrowth verifies a proof of ProveGrowth from two heads alone.
func CheckGrowth(p tlog.TreeProof, before, after Head) error {
	if err := tlog.CheckTree(p, after.Size, after.Root, before.Size, before.Root); err != nil {
		return fmt.Errorf("%w: from %d to %d: %w", ErrProof, before.Size, after.Size, err)
	}
	return nil
}

// Check re-proves the whole log: every hash is made again from the stored
// entries and compared with the stored one. visit, if not nil, sees every
// entry in order. The head that comes back is the recomputed one.
func Check(s Storage, visit func(n int64, entry []byte) error) (Head, error) {
	size, err := s.LogSize()
	if err != nil {
		return Head{}, fmt.Errorf("size of the log: %w", err)
	}
	// Hashes below the entry being made again have been compared already, so
	// reading them back from storage adds no trust in storage.
	for n := range size {
		entry, err := s.LogEntry(n)
		if err != nil {
			return Head{}, fmt.Errorf("%w: entry %d cannot be read: %w", ErrBroken, n, err)
		}
		want, err := tlog.StoredHashes(n, entry, tlog.HashReaderFunc(s.LogHashes))
		if err != nil {
			return Head{}, fmt.Errorf("%w: entry %d: %w", ErrBroken, n, err)
		}
		indexes := make([]int64, len(want))
		for i := range indexes {
			indexes[i] = tlog.StoredHashIndex(0, n) + int64(i)
		}
		got, err := s.LogHashes(indexes)
		if err != nil {
			return Head{}, fmt.Errorf("%w: hashes of entry %d: %w", ErrBroken, n, err)
		}
		for i := range want {
			if got[i] != want[i] {
				return Head{}, fmt.Errorf("%w: hash %d of entry %d is not the entry's", ErrBroken, i, n)
			}
		}
		if visit != nil {
			if err := visit(n, entry); err != nil {
				return Head{}, fmt.Errorf("%w: entry %d: %w", ErrBroken, n, err)
			}
		}
	}
	return At(s, size)
}
