// SPDX-License-Identifier: Apache-2.0

package store

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// LogSize is the number of entries, by the last one's number: a hole before it
// shows when the entry is read.
func (x *tx) LogSize() (n int64, err error) {
	err = x.one([]any{&n}, `SELECT coalesce(max(n), -1) + 1 FROM log_entries`)
	return n, err
}

// LogEntry reads entry n.
func (x *tx) LogEntry(n int64) (entry []byte, err error) {
	err = x.one([]any{&entry}, `SELECT entry FROM log_entries WHERE n = ?`, n)
	return entry, err
}

// LogHashes reads hashes in the order asked for: at most a few dozen, one for
// each level of the tree.
func (x *tx) LogHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for k, i := range indexes {
		var raw []byte
		if err := x.one([]any{&raw}, `SELECT hash FROM log_hashes WHERE i = ?`, i); err != nil {
			return nil, fmt.Errorf("hash %d of the log: %w", i, err)
		}
		if len(raw) != tlog.HashSize {
			return nil, fmt.Errorf("hash %d of the log has %d bytes", i, len(raw))
		}
		copy(out[k][:], raw)
	}
	return out, nil
}

// AppendLog writes an entry and its hashes. The primary keys refuse a second
// entry of the same number.
func (x *tx) AppendLog(n int64, entry []byte, first int64, hashes []tlog.Hash) error {
	if err := x.exec(`INSERT INTO log_entries (n, entry) VALUES (?, ?)`, n, entry); err != nil {
		return err
	}
	for k, h := range hashes {
		if err := x.exec(`INSERT INTO log_hashes (i, hash) VALUES (?, ?)`, first+int64(k), h[:]); err != nil {
			return err
		}
	}
	return nil
}
