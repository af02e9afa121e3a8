// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"rastau/licensing"
)

// maxBlob bounds what is read back; attachments and pages are far smaller.
const maxBlob = 64 << 20

// keptFor is how long a blob that was handed over is known to be there. It is
// far shorter than the grace of those that nothing names.
const keptFor = 10 * time.Minute

// grace is how old a blob must be before it is removed because nothing names it.
const grace = 24 * time.Hour

// kept remembers what was handed over lately.
type kept struct {
	mu sync.Mutex
	at map[string]time.Time
}

func (k *kept) add(name string, at time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.at == nil {
		k.at = make(map[string]time.Time)
	}
	if len(k.at) >= 4096 {
		for n, t := range k.at {
			if at.Sub(t) > keptFor {
				delete(k.at, n)
			}
		}
	}
	k.at[name] = at
}

func (k *kept) has(name string, now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	t, ok := k.at[name]
	return ok && now.Sub(t) < keptFor
}

func (k *kept) forget(name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.at, name)
}

func blobName(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// Keep hands bytes to the blob store, durably, before the transaction that
// names them with PutBlob, which then has nothing to wait for. What no
// transaction names in the end is removed after a day.
func (s *Store) Keep(ctx context.Context, contents ...[]byte) error {
	if s.blobs == nil {
		return nil
	}
	for _, content := range contents {
		if err := s.keep(ctx, blobName(content), content); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) keep(ctx context.Context, name string, content []byte) error {
	x := &tx{keys: &s.keys}
	if err := s.blobs.Put(ctx, name, x.hide("blob", name, content)); err != nil {
		return err
	}
	s.kept.add(name, time.Now())
	return nil
}

// PutBlob names bytes by their SHA-256 in this transaction. They are in the blob
// store before the row is: handed over by Keep, else now.
func (x *tx) PutBlob(content []byte) (string, error) {
	name := blobName(content)
	if err := x.amongDrafts(); err != nil {
		return "", err
	}
	if x.s.blobs == nil {
		return name, x.exec(`INSERT INTO blobs (sha256, size, content) VALUES ($1, $2, $3) ON CONFLICT (sha256) DO NOTHING`,
			name, len(content), x.hide("blob", name, content))
	}
	if !x.s.kept.has(name, time.Now()) {
		// Nothing is removed while this transaction is among the drafts.
		if err := x.wait(); err != nil {
			return "", err
		}
		if err := x.s.keep(x.ctx, name, content); err != nil {
			return "", err
		}
		if err := x.exec(`DELETE FROM blob_removals WHERE sha256 = $1`, name); err != nil {
			return "", err
		}
	}
	if err := x.none(&removed{name}, `SELECT 1 FROM blob_removals WHERE sha256 = $1`, name); err != nil {
		return "", err
	}
	return name, x.exec(`INSERT INTO blobs (sha256, size, content) VALUES ($1, $2, $3) ON CONFLICT (sha256) DO NOTHING`, name, int64(len(content)), []byte{})
}

// Steps beside the writers name blobs and change drafts. Whoever removes either has them alone: who is among them at
// that time waits, on PostgreSQL by a lock of the transaction, on SQLite because there is one writer.

func (x *tx) amongDrafts() error {
	if x.d.draftsAmong == "" || x.among {
		return nil
	}
	x.among = true
	return x.exec(x.d.draftsAmong)
}

// wait returns when everything that the step has written so far was made: its locks are held.
func (x *tx) wait() error {
	if x.d.draftsAmong == "" {
		return nil
	}
	var one int64
	return x.one([]any{&one}, `SELECT 1`)
}

func (x *tx) aloneWithDrafts() error {
	if x.d.draftsAlone == "" {
		return nil
	}
	return x.exec(x.d.draftsAlone)
}

// removed: a blob that was handed over is about to be removed; the step is made again and puts it itself.
type removed struct{ name string }

func (r *removed) Error() string { return "blob " + r.name + " was removed before it was named" }

// Blob reads bytes and holds them to their name.
func (x *tx) Blob(name string) ([]byte, error) {
	var content []byte
	var size int64
	if err := x.one([]any{&size, x.shown(&content, "blob", &name)}, `SELECT size, content FROM blobs WHERE sha256 = $1`, name); err != nil {
		return nil, err
	}
	if len(content) == 0 && size > 0 {
		if x.s.blobs == nil {
			return nil, fmt.Errorf("blob %s lies outside the database: say where (blobs)", name)
		}
		raw, err := x.s.blobs.Get(x.ctx, name, maxBlob)
		if err == nil {
			content, err = x.show("blob", name, raw)
		}
		if err != nil {
			return nil, fmt.Errorf("blob %s: %w", name, err)
		}
	}
	if blobName(content) != name {
		return nil, fmt.Errorf("blob %s was changed where it is kept", name)
	}
	return content, nil
}

// SweepBlobs removes what lies in the blob store and is named by nothing: what a
// process that died had handed over. It says how many it removed. A removal is
// noted first, so that no transaction names the blob meanwhile.
func (s *Store) SweepBlobs(ctx context.Context, now time.Time) (n int, err error) {
	if s.blobs == nil {
		return 0, nil
	}
	var old []string
	err = s.blobs.Walk(ctx, func(name string, put time.Time) error {
		if now.Sub(put) > grace {
			old = append(old, name)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, name := range old {
		named := true
		err := s.View(ctx, func(t licensing.Tx) error { named, err = t.(*tx).named(name); return err })
		if err != nil || named {
			if err != nil {
				return n, err
			}
			continue
		}
		gone, err := s.sweep(ctx, name, now)
		if err != nil {
			return n, err
		}
		if gone {
			n++
		}
	}
	return n, s.Update(ctx, func(t licensing.Tx) error {
		return t.(*tx).exec(`DELETE FROM blob_removals WHERE at < $1`, now.Add(-grace).UnixMilli())
	})
}

func (x *tx) named(name string) (bool, error) {
	var size int64
	err := x.one([]any{&size}, `SELECT size FROM blobs WHERE sha256 = $1`, name)
	if errors.Is(err, licensing.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// sweep notes the removal in one transaction and removes in the next, if it still stands.
func (s *Store) sweep(ctx context.Context, name string, now time.Time) (gone bool, err error) {
	err = s.update(ctx, func(x *tx) error {
		if err := x.aloneWithDrafts(); err != nil {
			return err
		}
		return x.exec(`INSERT INTO blob_removals (sha256, at) SELECT $1, $2 WHERE NOT EXISTS (SELECT 1 FROM blobs WHERE sha256 = $1)
			ON CONFLICT (sha256) DO UPDATE SET at = excluded.at`, name, now.UnixMilli())
	})
	if err != nil {
		return false, err
	}
	err = s.update(ctx, func(x *tx) error {
		if err := x.aloneWithDrafts(); err != nil {
			return err
		}
		var at int64
		gone = false
		err := x.one([]any{&at}, `SELECT at FROM blob_removals WHERE sha256 = $1`, name)
		if errors.Is(err, licensing.ErrNotFound) {
			return nil // named again meanwhile
		}
		if err != nil {
			return err
		}
		gone = true
		return s.blobs.Remove(ctx, name)
	})
	return gone, err
}
