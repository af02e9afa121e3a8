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
	name:    "sqlite",
	indexed: ` INDEXED BY`,
	attachments: `(SELECT json_group_array(json_object('document', document, 'name', name, 'type', type, 'size', size, 'sha256', sha256))
		FROM (SELECT * FROM attachments WHERE application = applications.id ORDER BY position))`,
	tables:  `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY name`,
	columns: `SELECT name FROM pragma_table_info($1) ORDER BY cid`,
}

type sqlite struct {
	pools []*sql.DB
	write *sqliteConn
	read  chan *sqliteConn
	conns []*sqliteConn // all of them

	once   sync.Once
	closed chan struct{}
}

func openSQLite(ctx context.Context, path string) (_ *sqlite, err error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	d := &sqlite{read: make(chan *sqliteConn, readers), closed: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("open %s: %w", path, err), d.close())
		}
	}()
	// synchronous FULL: in WAL mode only this syncs at every commit.
	write, err := openPool(abs, "immediate", "journal_mode(WAL)", "synchronous(FULL)")
	if err != nil {
		return nil, err
	}
	d.pools = append(d.pools, write)
	write.SetMaxOpenConns(1)
	if err := up(ctx, sqliteDialect, write); err != nil {
		return nil, err
	}
	if d.write, err = d.connection(ctx, write); err != nil {
		return nil, err
	}
	read, err := openPool(abs, "deferred", "query_only(1)")
	if err != nil {
		return nil, err
	}
	d.pools = append(d.pools, read)
	for range readers {
		c, err := d.connection(ctx, read)
		if err != nil {
			return nil, err
		}
		d.read <- c
	}
	return d, nil
}

// sqliteConn is one connection with its statements, each prepared once.
type sqliteConn struct {
	c        *sql.Conn
	prepared map[string]*sql.Stmt
}

// maxPrepared bounds the statements that a connection keeps: a search makes many shapes.
const maxPrepared = 256

func (d *sqlite) connection(ctx context.Context, pool *sql.DB) (*sqliteConn, error) {
	c, err := pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	made := &sqliteConn{c: c, prepared: make(map[string]*sql.Stmt)}
	d.conns = append(d.conns, made)
	return made, nil
}

func (c *sqliteConn) statement(query string) (*sql.Stmt, error) {
	if s := c.prepared[query]; s != nil {
		return s, nil
	}
	if len(c.prepared) >= maxPrepared {
		for q, s := range c.prepared {
			delete(c.prepared, q)
			if err := s.Close(); err != nil {
				return nil, err
			}
		}
	}
	s, err := c.c.PrepareContext(context.Background(), numbered(query))
	if err == nil {
		c.prepared[query] = s
	}
	return s, err
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
func (d *sqlite) writer() session {
	return &sqliteSession{sqliteStatements: sqliteStatements{ctx: context.Background(), conn: d.write}}
}

// companion: a file has one writer.
func (d *sqlite) companion() session { return nil }

func (d *sqlite) close() (err error) {
	d.once.Do(func() {
		close(d.closed)
		for range len(d.conns) - 1 { // all but the writing one: a view that runs ends first
			<-d.read
		}
		for _, c := range d.conns {
			err = errors.Join(err, c.c.Close())
		}
		for _, pool := range d.pools {
			err = errors.Join(err, pool.Close())
		}
	})
	return err
}

func (d *sqlite) reader(ctx context.Context) (*sqliteConn, error) {
	select {
	case conn := <-d.read:
		return conn, nil
	case <-d.closed:
		return nil, fmt.Errorf("store: %w", errClosed)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (d *sqlite) look(ctx context.Context, f func(statements) error) error {
	conn, err := d.reader(ctx)
	if err != nil {
		return err
	}
	defer func() { d.read <- conn }()
	return f(&sqliteStatements{ctx: ctx, conn: conn})
}

func (d *sqlite) view(ctx context.Context, f func(statements) error) error {
	conn, err := d.reader(ctx)
	if err != nil {
		return err
	}
	defer func() { d.read <- conn }()
	always := &sqliteStatements{ctx: context.Background(), conn: conn}
	if err := always.exec(`BEGIN DEFERRED`); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer always.exec(`ROLLBACK`) //nolint:errcheck // nothing was written
	return f(&sqliteStatements{ctx: ctx, conn: conn})
}

// sqliteSession writes over the one writing connection. No statement of it is
// ever interrupted: that would roll back the steps of others.
type sqliteSession struct {
	sqliteStatements
	saved bool // the step in hand has its savepoint
}

func (s *sqliteSession) begin(context.Context) error {
	s.saved = false
	return s.exec(`BEGIN IMMEDIATE`)
}

func (s *sqliteSession) savepoint() error {
	s.saved = true
	return s.exec(`SAVEPOINT step`)
}

func (s *sqliteSession) release(bool) error {
	if !s.saved {
		return nil
	}
	return s.exec(`RELEASE step`)
}

func (s *sqliteSession) commit() (bool, error) { return true, s.exec(`COMMIT`) }
func (s *sqliteSession) undo() error           { return s.exec(`ROLLBACK TO step`) }
func (s *sqliteSession) rollback() error       { return s.exec(`ROLLBACK`) }

// sqliteStatements runs statements in the transaction of a connection.
type sqliteStatements struct {
	ctx  context.Context
	conn *sqliteConn
}

func (x *sqliteStatements) exec(query string, args ...any) error {
	s, err := x.conn.statement(query)
	if err != nil {
		return err
	}
	_, err = s.ExecContext(x.ctx, args...)
	return err
}

func (x *sqliteStatements) must(otherwise error, query string, args ...any) error {
	s, err := x.conn.statement(query)
	if err != nil {
		return err
	}
	res, err := s.ExecContext(x.ctx, args...)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return otherwise
	}
	return nil
}

func (x *sqliteStatements) none(otherwise error, query string, args ...any) error {
	var found int64
	err := x.one([]any{&found}, `SELECT 1 WHERE EXISTS (`+query+`)`, args...)
	switch {
	case errors.Is(err, licensing.ErrNotFound):
		return nil
	case err == nil:
		return otherwise
	}
	return err
}

func (x *sqliteStatements) later(into []any, query string, args ...any) error {
	return x.one(into, query, args...)
}

func (x *sqliteStatements) one(into []any, query string, args ...any) error {
	s, err := x.conn.statement(query)
	if err != nil {
		return err
	}
	err = s.QueryRowContext(x.ctx, args...).Scan(into...)
	if errors.Is(err, sql.ErrNoRows) {
		return licensing.ErrNotFound
	}
	return err
}

func (x *sqliteStatements) all(row func(scan func(into ...any) error) error, query string, args ...any) error {
	s, err := x.conn.statement(query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(x.ctx, args...)
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
