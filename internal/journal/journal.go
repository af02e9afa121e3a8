// SPDX-License-Identifier: Apache-2.0

// Package journal answers one question: has anything that once stood in the
// register been changed, removed or slipped in.
//
// It is an append-only Merkle log with the hashing of RFC 6962 §2.1, built on
// golang.org/x/mod/sumdb/tlog. Entries and hashes are kept by the caller
// through Storage, inside the caller's own transaction, so that an entry and
// what it stands for are written together or not at all. Heads are signed as
// checkpoints (checkpoint.go). Left out: what an entry means.
package journal

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Storage keeps one log inside one transaction. Nothing it holds is ever
// changed: AppendLog only adds.
type Storage interface {
	// LogSize is the number of entries.
	LogSize() (int64, error)
	// LogEntry returns entry n, counted from zero.
	LogEntry(n int64) ([]byte, error)
	// LogHashes returns the stored hashes of these indexes in this order.
	LogHashes(indexes []int64) ([]tlog.Hash, error)
	// AppendLog adds entry n with its hashes, which take the indexes from first on.
	AppendLog(n int64, entry []byte, first int64, hashes []tlog.Hash) error
}

// maxEntry bounds one entry: entries hold digests, never documents.
const maxEntry = 64 << 10

// Errors of a log that does not hold.
var (
	ErrBroken = errors.New("the log is broken") // wrapped with the entry
	ErrRange  = errors.New("no such entry or size in the log")
	ErrEntry  = errors.New("an entry must have between 1 and 65,536 bytes")
	ErrProof  = errors.New("the proof does not hold")
)

// Head is the state of a log: everything before it is fixed by Root.
type Head struct {
	Size int64
	Root tlog.Hash
}

// String gives the root as base64, as RFC 6962 clients print it.
func (h Head) String() string { return fmt.Sprintf("%d %s", h.Size, h.Root) }

// Append adds an entry and returns its number, counted from zero.
func Append(s Storage, entry []byte) (int64, error) {
	if len(entry) == 0 || len(entry) > maxEntry {
		return 0, ErrEntry
	}
	n, err := s.LogSize()
	if err != nil {
		return 0, fmt.Errorf("size of the log: %w", err)
	}
	hashes, err := tlog.StoredHashes(n, entry, tlog.HashReaderFunc(s.LogHashes))
	if err != nil {
		return 0, fmt.Errorf("hashes of entry %d: %w", n, err)
	}
	if err := s.AppendLog(n, entry, tlog.StoredHashIndex(0, n), hashes); err != nil {
		return 0, fmt.Errorf("append entry %d: %w", n, err)
	}
	return n, nil
}

// Now returns the head of the whole log.
func Now(s Storage) (Head, error) {
	n, err := s.LogSize()
	if err != nil {
		return Head{}, fmt.Errorf("size of the log: %w", err)
	}
	return At(s, n)
}

// At returns the head that the log had at an earlier size.
func At(s Storage, size int64) (Head, error) {
	if err := within(s, size); err != nil {
		return Head{}, err
	}
	root, err := tlog.TreeHash(size, tlog.HashReaderFunc(s.LogHashes))
	if err != nil {
		return Head{}, fmt.Errorf("root of %d entries: %w", size, err)
	}
	return Head{Size: size, Root: root}, nil
}

// within refuses a size that the log has not reached.
func within(s Storage, size int64) error {
	n, err := s.LogSize()
	if err != nil {
		return fmt.Errorf("size of the log: %w", err)
	}
	if size < 0 || size > n {
		return fmt.Errorf("%w: %d of %d", ErrRange, size, n)
	}
	return nil
}
