// SPDX-License-Identifier: Apache-2.0

// Package store answers one question: what stood in the register when the
// call returned. It keeps applications, decisions, licences and the register's
// log in SQL and implements licensing.Store.
//
// Here it is SQLite embedded: write-ahead log, synchronous FULL, foreign keys,
// one connection that writes and some that read. A transaction that Update
// has returned from survives the death of the process and of the machine.
// Attachments and PDFs lie in the same file, so that they are written with
// what refers to them or not at all. Left out: PostgreSQL and separate blobs.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // driver "sqlite"

	"rastau/licensing"
)

//go:embed migrations/*.sql
var migrations embed.FS

// readers is how many connections read at a time.
const readers = 4

// Store implements licensing.Store. Safe for concurrent use; several processes
// may open the same file.
type Store struct {
	write, read *sql.DB
}

var _ licensing.Store = (*Store)(nil)

// Open opens or creates the SQLite file and migrates it. Close when done.
func Open(ctx context.Context, path string) (*Store, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	// synchronous FULL: in WAL mode only this syncs at every commit.
	write, err := open(abs, "immediate", "journal_mode(WAL)", "synchronous(FULL)")
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	write.SetMaxOpenConns(1)
	if err := migrate(ctx, write); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), write.Close())
	}
	read, err := open(abs, "deferred", "query_only(1)")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), write.Close())
	}
	read.SetMaxOpenConns(readers)
	return &Store{write: write, read: read}, nil
}

// open prepares a pool; every connection gets the pragmas when it is made. lock
// is how transactions begin: a writer takes its lock at once, so that it never
// fails in the middle because another was faster.
func open(path, lock string, pragmas ...string) (*sql.DB, error) {
	q := url.Values{"_txlock": {lock}}
	for _, p := range append([]string{"busy_timeout(10000)", "foreign_keys(1)"}, pragmas...) {
		q.Add("_pragma", p)
	}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: q.Encode()}
	return sql.Open("sqlite", u.String())
}

func migrate(ctx context.Context, db *sql.DB) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, dir, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrating: %w", err)
	}
	return nil
}

// Close waits for running transactions and closes the file.
func (s *Store) Close() error { return errors.Join(s.read.Close(), s.write.Close()) }

// View runs f over one unchanging state.
func (s *Store) View(ctx context.Context, f func(licensing.Tx) error) error {
	t, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer t.Rollback() //nolint:errcheck // nothing was written
	return f(&tx{ctx: ctx, t: t})
}

// Update runs f alone among writers and commits durably.
func (s *Store) Update(ctx context.Context, f func(licensing.Tx) error) error {
	t, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer t.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	if err := f(&tx{ctx: ctx, t: t}); err != nil {
		return err
	}
	if err := t.Commit(); err != nil {
		return fmt.Errorf("store: commit: %w", err)
	}
	return nil
}

// tx is one transaction of either pool.
type tx struct {
	ctx context.Context
	t   *sql.Tx
}

func (x *tx) exec(query string, args ...any) error {
	_, err := x.t.ExecContext(x.ctx, query, args...)
	return err
}

// one reads one row; licensing.ErrNotFound where there is none.
func (x *tx) one(into []any, query string, args ...any) error {
	err := x.t.QueryRowContext(x.ctx, query, args...).Scan(into...)
	if errors.Is(err, sql.ErrNoRows) {
		return licensing.ErrNotFound
	}
	return err
}
