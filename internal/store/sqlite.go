// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"sync"

	_ "modernc.org/sqlite" // driver "sqlite"

	"rastau/licensing"
)

// readers is how many connections read an SQLite file at a time.
const readers = 4

var sqliteDialect = &dialect{
	name: "sqlite",
	attachments: `(SELECT json_group_array(json_object('document', document, 'name', name, 'type', type, 'size', size, 'sha256', sha256))
		FROM (SELECT * FROM attachments WHERE application = applications.id ORDER BY position))`,
}

type sqlite struct{ write, read *sql.DB }

func openSQLite(ctx context.Context, path string) (_ *sqlite, err error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	// synchronous FULL: in WAL mode only this syncs at every commit.
	write, err := openPool(abs, "immediate", "journal_mode(WAL)", "synchronous(FULL)")
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	write.SetMaxOpenConns(1)
	if err := up(ctx, sqliteDialect, write); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), write.Close())
	}
	read, err := openPool(abs, "deferred", "query_only(1)")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), write.Close())
	}
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	return &sqlite{write: write, read: read}, nil
}

// openPool prepares a pool; every connection gets the pragmas when it is made.
// lock is how transactions begin: a writer takes its lock at once, so that it
// never fails in the middle because another was faster.
func openPool(path, lock string, pragmas ...string) (*sql.DB, error) {
	q := url.Values{"_txlock": {lock}}
	for _, p := range append([]string{"busy_timeout(10000)", "foreign_keys(1)"}, pragmas...) {
		q.Add("_pragma", p)
	}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: q.Encode()}
	return sql.Open("sqlite", u.String())
}

func (d *sqlite) dialect() *dialect { return sqliteDialect }
func (d *sqlite) writer() session   { return &sqliteSession{db: d.write} }
func (d *sqlite) close() error      { return errors.Join(d.read.Close(), d.write.Close()) }

func (d *sqlite) view(ctx context.Context, f func(statements) error) error {
	t, err := d.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer t.Rollback() //nolint:errcheck // nothing was written
	return f(&sqliteStatements{ctx: ctx, t: t})
}

// sqliteSession writes over the one writing connection. No statement of it is
// ever interrupted: that would roll back the steps of others.
type sqliteSession struct {
	sqliteStatements
	db *sql.DB
	tx *sql.Tx
}

func (s *sqliteSession) begin(context.Context) (err error) {
	ctx := context.Background()
	if s.tx, err = s.db.BeginTx(ctx, nil); err != nil {
		return err
	}
	s.sqliteStatements = sqliteStatements{ctx: ctx, t: s.tx}
	return nil
}

func (s *sqliteSession) savepoint() error { return s.exec(`SAVEPOINT step`) }
func (s *sqliteSession) release() error   { return s.exec(`RELEASE step`) }
func (s *sqliteSession) commit() (bool, error) {
	return true, s.tx.Commit()
}
func (s *sqliteSession) undo() error { return s.exec(`ROLLBACK TO step`) }
func (s *sqliteSession) rollback()   { _ = s.tx.Rollback() }

// sqliteStatements runs statements in a transaction of either pool.
type sqliteStatements struct {
	ctx context.Context
	t   *sql.Tx
}

func (x *sqliteStatements) exec(query string, args ...any) error {
	_, err := x.t.ExecContext(x.ctx, numbered(query), args...)
	return err
}

func (x *sqliteStatements) must(otherwise error, query string, args ...any) error {
	res, err := x.t.ExecContext(x.ctx, numbered(query), args...)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return otherwise
	}
	return nil
}

func (x *sqliteStatements) one(into []any, query string, args ...any) error {
	err := x.t.QueryRowContext(x.ctx, numbered(query), args...).Scan(into...)
	if errors.Is(err, sql.ErrNoRows) {
		return licensing.ErrNotFound
	}
	return err
}

func (x *sqliteStatements) all(row func(scan func(into ...any) error) error, query string, args ...any) error {
	rows, err := x.t.QueryContext(x.ctx, numbered(query), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

var (
	dollar   = regexp.MustCompile(`\$([0-9]+)`)
	rewrites sync.Map // of our own statements: they are few
)

// numbered writes $1 as ?1: SQLite counts ?1 by its number, $1 by its first place in the text.
func numbered(query string) string {
	if q, ok := rewrites.Load(query); ok {
		return q.(string)
	}
	q := dollar.ReplaceAllString(query, "?$1")
	rewrites.Store(query, q)
	return q
}
