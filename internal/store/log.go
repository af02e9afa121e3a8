// SPDX-License-Identifier: Apache-2.0

package store

import (
	"fmt"
	"maps"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// edge is what one transaction of the writer knows of the log's end: nobody else appends before it has ended, so that each of the
// steps that share it need not ask again.
type edge struct {
	known  bool // size is
	size   int64
	hashes map[int64]tlog.Hash
	past   *edge // what the last committed transaction of this process left; nil where there was none
}

// maxBehind is how many hashes of others are read to catch up with them.
const maxBehind = 1000

// committed is what of the edge the next transaction can begin with: the hashes of the complete subtrees, of which the next entries
// are hashed together (RFC 6962 §2.1). They never change.
func (e *edge) committed() *edge {
	c := &edge{known: true, size: e.size, hashes: make(map[int64]tlog.Hash)}
	for level := 0; e.size>>level > 0; level++ {
		if e.size>>level&1 == 0 {
			continue
		}
		i := tlog.StoredHashIndex(level, e.size>>level-1)
		h, ok := e.hashes[i]
		if !ok {
			return nil // an entry was appended without it
		}
		c.hashes[i] = h
	}
	return c
}

// LogSize is the number of entries, by the last one's number: a hole before it
// shows when the entry is read.
func (x *tx) LogSize() (n int64, err error) {
	if x.edge == nil {
		return x.logSize()
	}
	if !x.edge.known {
		caught, err := x.catchUp()
		if err != nil {
			return 0, err
		}
		if !caught {
			if x.edge.size, err = x.logSize(); err != nil {
				return 0, err
			}
			x.edge.known = true
		}
	}
	return x.edge.size, nil
}

// catchUp reads in one question what others have appended since this process did, the last hash that it knows included: where
// that is another now, or anything does not fit, it knows nothing, and what is needed is read one by one.
func (x *tx) catchUp() (bool, error) {
	past := x.edge.past
	if past == nil || past.size == 0 {
		return false, nil
	}
	first := tlog.StoredHashCount(past.size) - 1
	size, next, good := int64(0), first, true
	hashes := maps.Clone(past.hashes)
	err := x.all(func(scan func(...any) error) error {
		var i int64
		var raw []byte
		if err := scan(&i, &raw, &size); err != nil {
			return err
		}
		var h tlog.Hash
		if len(raw) != len(h) || i != next {
			good = false
			return nil
		}
		copy(h[:], raw)
		good = good && (i != first || h == past.hashes[i])
		hashes[i] = h
		next++
		return nil
	}, `SELECT i, hash, (SELECT coalesce(max(n), -1) + 1 FROM log_entries) FROM log_hashes WHERE i >= $1 ORDER BY i LIMIT $2`, first, int64(maxBehind))
	if err != nil || !good || size < past.size || next != tlog.StoredHashCount(size) {
		return false, err
	}
	x.edge.known, x.edge.size, x.edge.hashes = true, size, hashes
	return true, nil
}

func (x *tx) logSize() (n int64, err error) {
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
	if x.edge == nil {
		return x.logHashes(indexes)
	}
	var unknown []int64
	for _, i := range indexes {
		if _, ok := x.edge.hashes[i]; !ok {
			unknown = append(unknown, i)
		}
	}
	read, err := x.logHashes(unknown)
	if err != nil {
		return nil, err
	}
	for k, i := range unknown {
		x.edge.add(i, read[k])
	}
	out := make([]tlog.Hash, len(indexes))
	for k, i := range indexes {
		out[k] = x.edge.hashes[i]
	}
	return out, nil
}

func (e *edge) add(i int64, h tlog.Hash) {
	if e.hashes == nil {
		e.hashes = make(map[int64]tlog.Hash)
	}
	e.hashes[i] = h
}

func (x *tx) logHashes(indexes []int64) ([]tlog.Hash, error) {
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
	var args []any
	for k, h := range hashes {
		args = append(args, first+int64(k), h[:])
	}
	if err := x.exec(`INSERT INTO log_hashes (i, hash) VALUES `+places(len(hashes), 2), args...); err != nil {
		return err
	}
	if x.edge != nil {
		x.edge.known, x.edge.size = true, n+1
		for k, h := range hashes {
			x.edge.add(first+int64(k), h)
		}
	}
	return nil
}
