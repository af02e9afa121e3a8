// SPDX-License-Identifier: Apache-2.0

package store

import (
	"fmt"
	"strings"

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
	err = x.one([]any{&entry}, `SELECT entry FROM log_entries WHERE n = $1`, n)
	return entry, err
}

// LogHashes reads hashes in the order asked for: at most a few dozen, one for
// each level of the tree.
func (x *tx) LogHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	if len(indexes) == 0 {
		return out, nil
	}
	args := make([]any, len(indexes))
	places := make([]string, len(indexes))
	for k, i := range indexes {
		args[k], places[k] = i, fmt.Sprintf("$%d", k+1)
	}
	found := make(map[int64][]byte, len(indexes))
	err := x.all(func(scan func(...any) error) error {
		var i int64
		var raw []byte
		err := scan(&i, &raw)
		found[i] = raw
		return err
	}, `SELECT i, hash FROM log_hashes WHERE i IN (`+strings.Join(places, ", ")+`)`, args...)
	if err != nil {
		return nil, err
	}
	for k, i := range indexes {
		raw, ok := found[i]
		if !ok {
			return nil, missing("hash %d of the log", i)
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
	if err := x.exec(`INSERT INTO log_entries (n, entry) VALUES ($1, $2)`, n, entry); err != nil {
		return err
	}
	for k, h := range hashes {
		if err := x.exec(`INSERT INTO log_hashes (i, hash) VALUES ($1, $2)`, first+int64(k), h[:]); err != nil {
			return err
		}
	}
	return nil
}
