// SPDX-License-Identifier: Apache-2.0

// Package store answers one question: what stood in the register when the
// call returned. It keeps applications, decisions, licences, work to be done
// and the register's log in SQL and implements licensing.Store.
//
// There are two databases behind the same statements. SQLite is embedded:
// write-ahead log, synchronous FULL, foreign keys, one connection that writes
// and some that read. PostgreSQL serves several processes: writers take one
// advisory lock and so follow each other. Steps whose every statement holds by
// a key or a condition of its own (Beside) do not take it and keep nobody
// waiting. On both, steps that wait for their turn at the same time share one
// transaction, each behind a savepoint of its own, and so one sync of the disk
// (group commit). On PostgreSQL all that they write travels together with the
// COMMIT; where a statement fails there, all are made again, each by itself.
// What Update has returned from survives the death
// of the process and of the machine.
//
// docs/STORAGE.md is for those who run it.
package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"rastau/internal/blob"
	"rastau/internal/seal"
	"rastau/internal/span"
	"rastau/licensing"
)

// Options of a Store.
type Options struct {
	// Database is the path of an SQLite file, which is made where it is missing, or a postgres:// address. Required.
	Database string
	// Password for PostgreSQL. Optional. If empty, the one in the address, PGPASSWORD or the password file of libpq.
	Password string
	// Blobs is where attachments and pages lie. Optional. If nil, in the database. What was put into the database once is read
	// from there for ever.
	Blobs blob.Store
	// Masters seal personal data. Optional. If nil, they stand open in the database; once sealed, they cannot be read without.
	Masters *seal.Masters
}

// Store implements licensing.Store. Safe for concurrent use; several processes
// may open the same database.
type Store struct {
	db    database
	group *group
	// beside is for steps that need no turn among the writers; on SQLite there is one writer, and so it is the group.
	beside *group
	blobs  blob.Store
	kept   kept
	keys   keys
}

// database is what SQLite and PostgreSQL do differently.
type database interface {
	dialect() *dialect
	// view runs f over one unchanging state.
	view(ctx context.Context, f func(statements) error) error
	// look runs f, which reads once.
	look(ctx context.Context, f func(statements) error) error
	// writer makes the writing session; only one is in use at a time.
	writer() session
	// companion writes beside the writer, without the writers' lock; nil where a database has one writer only.
	companion() session
	close() error
}

// dialect holds the few texts that differ.
type dialect struct {
	name        string
	attachments string // one column: all attachments of the application in hand, as JSON
	indexed     string // after a table's name: the index to walk, where the planner would not find it without statistics; "" where it does
	tables      string // one column: the names of all tables, those of the migrations among them
	columns     string // one column: the names of the columns of table $1 in their order
	draftsAmong string // waits for whoever has the drafts alone, until the transaction ends; "" where there is one writer
	draftsAlone string // waits for everybody who writes drafts and names blobs, and keeps them waiting
}

// statements is one transaction as the code of this package sees it. Arguments
// are written $1, $2 … on both databases. A row function must not ask anything
// else meanwhile.
type statements interface {
	// exec writes. On PostgreSQL it travels with the next read or the COMMIT, and
	// so does its error.
	exec(query string, args ...any) error
	// must is exec of a statement that has to change exactly one row; if not, the step fails with otherwise.
	must(otherwise error, query string, args ...any) error
	// none is exec of a question that must find nothing; if not, the step fails with otherwise.
	none(otherwise error, query string, args ...any) error
	// later is exec of a statement that gives one row; it is there when the step's transaction has ended.
	later(into []any, query string, args ...any) error
	// one reads one row; licensing.ErrNotFound where there is none.
	one(into []any, query string, args ...any) error
	// all reads every row.
	all(row func(scan func(into ...any) error) error, query string, args ...any) error
}

var _ licensing.Store = (*Store)(nil)

// IsPostgres tells the address of a PostgreSQL server from the path of a file.
func IsPostgres(address string) bool {
	return strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://")
}

// Open opens the database and brings its tables to this program's version. Close when done.
func Open(ctx context.Context, o Options) (*Store, error) {
	db, err := connect(ctx, o)
	if err != nil {
		return nil, err
	}
	s := &Store{db: db, group: newGroup(db.writer()), blobs: o.Blobs}
	s.beside = s.group
	if c := db.companion(); c != nil {
		s.beside = newGroup(c)
	}
	s.keys.masters = o.Masters
	if err := s.openKeys(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("database: %w", err), s.Close())
	}
	return s, nil
}

func connect(ctx context.Context, o Options) (database, error) {
	if IsPostgres(o.Database) {
		return openPostgres(ctx, o)
	}
	return openSQLite(ctx, o.Database)
}

// Close waits for running transactions and closes the database.
func (s *Store) Close() error {
	return errors.Join(s.group.close(), s.beside.close(), s.db.close())
}

// View runs f over one unchanging state.
func (s *Store) View(ctx context.Context, f func(licensing.Tx) error) error {
	return s.view(ctx, func(x *tx) error { return f(x) })
}

// Look runs f, which asks one question.
func (s *Store) Look(ctx context.Context, f func(licensing.Tx) error) error {
	return s.look(ctx, func(x *tx) error { return f(x) })
}

func (s *Store) look(ctx context.Context, f func(*tx) error) (err error) {
	ctx, end := step(ctx, "look")
	defer func() { end(err) }()
	return s.withKeys(ctx, func() error {
		return s.db.look(ctx, func(q statements) error { return f(s.tx(ctx, &once{statements: q})) })
	})
}

// once refuses what a look may not do: two questions could be answered from two states.
type once struct {
	statements
	asked bool
}

var errOnce = errors.New("a look asks one question: use a view")

func (o *once) ask() error {
	if o.asked {
		return errOnce
	}
	o.asked = true
	return nil
}

func (o *once) exec(string, ...any) error        { return errReadOnly }
func (o *once) must(error, string, ...any) error { return errReadOnly }
func (o *once) none(error, string, ...any) error { return errReadOnly }

func (o *once) later([]any, string, ...any) error { return errReadOnly }

func (o *once) one(into []any, query string, args ...any) error {
	if err := o.ask(); err != nil {
		return err
	}
	return o.statements.one(into, query, args...)
}

func (o *once) all(row func(scan func(into ...any) error) error, query string, args ...any) error {
	if err := o.ask(); err != nil {
		return err
	}
	return o.statements.all(row, query, args...)
}

// Update runs f alone among writers and commits durably.
func (s *Store) Update(ctx context.Context, f func(licensing.Tx) error) error {
	return s.update(ctx, func(x *tx) error { return f(x) })
}

// Beside runs f without a turn among the writers and commits durably.
func (s *Store) Beside(ctx context.Context, f func(licensing.BesideTx) error) error {
	return s.stepBeside(ctx, func(x *tx) error { return f(x) })
}

func (s *Store) stepBeside(ctx context.Context, f func(*tx) error) (err error) {
	ctx, end := step(ctx, "beside")
	defer func() { end(err) }()
	return s.again(func() error {
		return s.withKeys(ctx, func() error {
			return s.beside.update(ctx, func(q statements) error { return f(s.tx(ctx, q)) })
		})
	})
}

func (s *Store) view(ctx context.Context, f func(*tx) error) (err error) {
	ctx, end := step(ctx, "view")
	defer func() { end(err) }()
	return s.withKeys(ctx, func() error {
		return s.db.view(ctx, func(q statements) error { return f(s.tx(ctx, q)) })
	})
}

// step marks a step of the store in a trace.
func step(ctx context.Context, kind string) (context.Context, func(error)) {
	ctx, s := span.Start(ctx, "store")
	s.Set(span.Kind, kind)
	return ctx, s.End
}

func (s *Store) update(ctx context.Context, f func(*tx) error) (err error) {
	ctx, end := step(ctx, "update")
	defer func() { end(err) }()
	return s.again(func() error {
		return s.withKeys(ctx, func() error {
			return s.group.update(ctx, func(q statements) error {
				x := s.tx(ctx, q)
				x.edge = &s.group.edge
				return f(x)
			})
		})
	})
}

// again runs a step a second time where a blob that it names was about to be removed.
func (s *Store) again(step func() error) error {
	err := step()
	var r *removed
	if errors.As(err, &r) {
		s.kept.forget(r.name)
		err = step()
	}
	return err
}

// withKeys runs a step again with the data keys that another process has made since.
func (s *Store) withKeys(ctx context.Context, step func() error) error {
	err := step()
	if errors.Is(err, seal.ErrUnknownKey) && !errors.Is(err, errCommit) {
		if again := s.reloadKeys(ctx); again != nil {
			return errors.Join(err, again)
		}
		return step()
	}
	return err
}

func (s *Store) tx(ctx context.Context, q statements) *tx {
	return &tx{ctx: ctx, q: q, d: s.db.dialect(), s: s, keys: &s.keys}
}

// tx is one step: the licensing.Tx that callers see.
type tx struct {
	ctx  context.Context
	q    statements
	d    *dialect
	s    *Store
	keys *keys
	edge *edge // of a step that has its turn among the writers; else nil

	among bool // this step has waited for whoever had the drafts alone
}

func (x *tx) exec(query string, args ...any) error {
	if err := x.ctx.Err(); err != nil {
		return err
	}
	return x.q.exec(query, args...)
}

func (x *tx) must(otherwise error, query string, args ...any) error {
	if err := x.ctx.Err(); err != nil {
		return err
	}
	return x.q.must(otherwise, query, args...)
}

func (x *tx) none(otherwise error, query string, args ...any) error {
	if err := x.ctx.Err(); err != nil {
		return err
	}
	return x.q.none(otherwise, query, args...)
}

func (x *tx) later(into []any, query string, args ...any) error {
	if err := x.ctx.Err(); err != nil {
		return err
	}
	return x.q.later(into, query, args...)
}

func (x *tx) one(into []any, query string, args ...any) error {
	if err := x.ctx.Err(); err != nil {
		return err
	}
	return x.q.one(into, query, args...)
}

func (x *tx) all(row func(scan func(into ...any) error) error, query string, args ...any) error {
	if err := x.ctx.Err(); err != nil {
		return err
	}
	return x.q.all(row, query, args...)
}

var errReadOnly = errors.New("a view cannot write")

// missing is the error of a change to something that is not there.
func missing(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), licensing.ErrNotFound)
}
