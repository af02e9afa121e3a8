// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"rastau/internal/blob"
	"rastau/internal/store"
	"rastau/licensing"
)

// raw changes an SQLite file behind the program's back.
func raw(t testing.TB, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	must(t, err)
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
}

func digestOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

func name(t testing.TB, s *store.Store, content string) {
	t.Helper()
	must(t, s.Update(t.Context(), func(tx licensing.Tx) error { return second(tx.PutBlob([]byte(content))) }))
}

func read(s *store.Store, content string) error {
	return s.View(context.Background(), func(tx licensing.Tx) error {
		got, err := tx.Blob(digestOf(content))
		if err == nil && string(got) != content {
			err = fmt.Errorf("%q instead of %q", got, content)
		}
		return err
	})
}

// age makes every file of a folder old enough to be swept away.
func age(t testing.TB, folder string) {
	t.Helper()
	old := time.Now().Add(-48 * time.Hour)
	files, err := filepath.Glob(filepath.Join(folder, "*", "*"))
	must(t, err)
	for _, f := range files {
		must(t, os.Chtimes(f, old, old))
	}
}

// TestSweep: what a row names stays, what nothing names goes after the grace,
// and naming it again brings it back.
func TestSweep(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "blobs")
	s := sealed(t, filepath.Join(t.TempDir(), "r.db"), folder)()
	must(t, s.Keep(t.Context(), []byte("named"), []byte("forgotten")))
	name(t, s, "named")
	name(t, s, "not kept before")
	sweep := func(want int) {
		t.Helper()
		if n, err := s.SweepBlobs(t.Context(), time.Now()); err != nil || n != want {
			t.Errorf("%d removed instead of %d, %v", n, want, err)
		}
	}
	sweep(0) // all are young
	age(t, folder)
	sweep(1)
	sweep(0)
	must(t, read(s, "named"))
	must(t, read(s, "not kept before"))
	// The store still believes that it has kept these bytes; naming them must not trust that.
	name(t, s, "forgotten")
	must(t, read(s, "forgotten"))
	age(t, folder)
	sweep(0)
	must(t, read(s, "forgotten"))
}

// TestSweepBeside: while old blobs are swept away, others hand over and name the
// same bytes; whatever was named is there afterwards.
func TestSweepBeside(t *testing.T) { onBoth(t, testSweepBeside) }

func testSweepBeside(t *testing.T, database string) {
	folder := filepath.Join(t.TempDir(), "blobs")
	open := sealed(t, database, folder)
	stores := []*store.Store{open(), open()}
	const n = 30
	content := func(i int) string { return fmt.Sprintf("content %d", i) }
	for i := range n {
		must(t, stores[0].Keep(t.Context(), []byte(content(i))))
	}
	age(t, folder)
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := stores[1].SweepBlobs(t.Context(), time.Now()); err != nil {
			t.Error(err)
		}
	})
	for i := range n {
		wg.Go(func() {
			err := stores[i%2].Beside(t.Context(), func(tx licensing.BesideTx) error { return second(tx.PutBlob([]byte(content(i)))) })
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range n {
		if err := read(stores[0], content(i)); err != nil {
			t.Errorf("named and gone: %v", err)
		}
	}
}

// TestBlobMoves: blobs that were put into the database are read from there after
// a folder is named; those outside need it.
func TestBlobMoves(t *testing.T) {
	database, folder := filepath.Join(t.TempDir(), "r.db"), filepath.Join(t.TempDir(), "blobs")
	inside := openStore(t, database)
	name(t, inside, "inside")
	blobs, err := blob.NewFolder(folder)
	must(t, err)
	outside := openWith(t, store.Options{Database: database, Blobs: blobs})
	name(t, outside, "outside")
	must(t, read(outside, "inside"))
	must(t, read(outside, "outside"))
	if err := read(inside, "outside"); err == nil {
		t.Error("read without its folder")
	}
	must(t, os.WriteFile(filepath.Join(folder, "x"), nil, 0o600))
	file := filepath.Join(folder, digestOf("outside")[:2], digestOf("outside"))
	must(t, os.Chmod(file, 0o600))
	must(t, os.WriteFile(file, []byte("outsidE"), 0o600))
	if err := read(outside, "outside"); err == nil {
		t.Error("changed bytes were handed out")
	}
	must(t, os.Remove(file))
	if err := read(outside, "outside"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("a lost file: %v", err)
	}
}
