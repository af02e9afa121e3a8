// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"rastau/licensing"
)

var postgresDialect = &dialect{
	name: "postgres",
	attachments: `(SELECT convert_to(json_agg(json_build_object('document', document, 'name', name, 'type', type, 'size', size, 'sha256', sha256) ORDER BY position)::text, 'UTF8')
		FROM attachments WHERE application = applications.id)`,
	tables:  `SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY 1`,
	columns: `SELECT column_name::text FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position`,
	// The number is draftsLock.
	draftsAmong: `SELECT 1 FROM pg_advisory_xact_lock_shared(7021984126131)`,
	draftsAlone: `SELECT 1 FROM pg_advisory_xact_lock(7021984126131)`,
}

// writersLock is the advisory lock of everybody who writes to the register.
const writersLock = 7021984126130

// patience bounds one round trip of a writer. Its wait for the lock is part of it.
const patience = 30 * time.Second

type postgres struct{ pool *pgxpool.Pool }

func openPostgres(ctx context.Context, o Options) (*postgres, error) {
	config, err := pgxpool.ParseConfig(o.Database)
	if err != nil {
		return nil, fmt.Errorf("address of the database: %w", err) // pgx leaves the password out
	}
	if o.Password != "" {
		config.ConnConfig.Password = o.Password
	}
	config.MaxConns = max(config.MaxConns, 8)
	for name, value := range map[string]string{
		"application_name": "rastau",
		// A writer that fell silent must not hold the lock of all others for long.
		"idle_in_transaction_session_timeout": "20s",
		"statement_timeout":                   "60s",
		"tcp_user_timeout":                    "20s",
		// Nothing is durable before it is on the disk, whatever the server's default.
		"synchronous_commit": "on",
	} {
		if _, given := config.ConnConfig.RuntimeParams[name]; !given || name == "synchronous_commit" {
			config.ConnConfig.RuntimeParams[name] = value
		}
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	db := stdlib.OpenDBFromPool(pool)
	defer db.Close()
	if err := up(ctx, postgresDialect, db); err != nil {
		pool.Close()
		return nil, fmt.Errorf("database: %w", err)
	}
	return &postgres{pool: pool}, nil
}

func (d *postgres) dialect() *dialect { return postgresDialect }
func (d *postgres) writer() session   { return &postgresSession{pool: d.pool, lock: true} }

// companion waits for rows, never for the lock. Two that wait for each other's rows are told so by the server (40P01), and one begins again.
func (d *postgres) companion() session { return &postgresSession{pool: d.pool} }

func (d *postgres) close() error {
	d.pool.Close()
	return nil
}

// view sends BEGIN with the first read. The COMMIT that ends it changes nothing
// and keeps nobody waiting.
func (d *postgres) view(ctx context.Context, f func(statements) error) error {
	conn, err := d.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	x := &postgresStatements{ctx: func() (context.Context, context.CancelFunc) { return ctx, func() {} }, conn: conn.Conn()}
	defer func() {
		if conn.Conn().PgConn().TxStatus() == 'I' || conn.Conn().IsClosed() {
			conn.Release()
			return
		}
		go func() {
			late, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			_ = conn.Conn().PgConn().Exec(late, `ROLLBACK`).Close() // a connection still in a transaction is thrown away by the pool
			conn.Release()
		}()
	}()
	x.queued(outstanding{query: `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`})
	x.reads = true
	return f(x)
}

// look needs neither BEGIN nor an end: a statement by itself is a transaction.
func (d *postgres) look(ctx context.Context, f func(statements) error) error {
	conn, err := d.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer conn.Release()
	return f(&postgresStatements{ctx: func() (context.Context, context.CancelFunc) { return ctx, func() {} }, conn: conn.Conn(), reads: true})
}

// postgresSession writes. Every first step of a writer's transaction waits for the lock
// of the writers; READ COMMITTED then shows it what the others left.
type postgresSession struct {
	postgresStatements
	pool *pgxpool.Pool
	held *pgxpool.Conn
	lock bool // the writers'

	saved bool // the step in hand has its savepoint
}

func (s *postgresSession) begin(ctx context.Context) error {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	s.held, s.saved = conn, false
	s.postgresStatements = postgresStatements{conn: conn.Conn(), ctx: func() (context.Context, context.CancelFunc) {
		return context.WithTimeout(context.Background(), patience)
	}}
	s.queued(outstanding{query: `BEGIN ISOLATION LEVEL READ COMMITTED`})
	if s.lock {
		s.queued(outstanding{query: `SELECT pg_advisory_xact_lock($1)`, args: []any{int64(writersLock)}})
	}
	return nil
}

func (s *postgresSession) savepoint() error {
	s.step, s.unsent, s.saved = len(s.queue), true, true
	s.queued(outstanding{query: `SAVEPOINT step`})
	return nil
}

// Bounds of what travels together.
const (
	maxQueue = 512     // statements
	maxBytes = 1 << 20 // of their arguments
)

// release lets the step's writes travel with those that come later, up to the COMMIT. apart makes them now, so that an error is the step's own.
func (s *postgresSession) release(apart bool) error {
	if s.saved {
		s.queued(outstanding{query: `RELEASE SAVEPOINT step`})
	}
	if apart && len(s.queue) > 0 || len(s.queue) > maxQueue || s.bytes > maxBytes {
		return s.flush(nil)
	}
	return nil
}

// commit sends the outstanding writes and the COMMIT in one round trip. A
// statement that fails stops the COMMIT behind it.
func (s *postgresSession) commit() (bool, error) {
	s.queued(outstanding{query: `COMMIT`})
	err := s.flush(nil)
	if err != nil && !s.conn.IsClosed() && s.conn.PgConn().TxStatus() == 'E' {
		return false, err
	}
	if err == nil {
		s.free()
	}
	return true, err
}

// undo takes back what was sent; what was not sent is forgotten. Where an earlier step's statement failed, nothing can be kept.
func (s *postgresSession) undo() error {
	if s.spoiled != nil {
		return s.spoiled
	}
	if s.unsent {
		s.queue = s.queue[:s.step]
		return nil
	}
	s.queue = nil
	return s.control(`ROLLBACK TO SAVEPOINT step`)
}

func (s *postgresSession) rollback() (err error) {
	if s.held == nil {
		return nil
	}
	s.queue = nil
	switch {
	case s.conn.IsClosed():
		err = errUndone
	case s.conn.PgConn().TxStatus() != 'I':
		err = s.control(`ROLLBACK`)
	}
	s.free()
	return err
}

func (s *postgresSession) free() {
	if s.held != nil {
		s.held.Release()
		s.held = nil
	}
}

// postgresStatements sends what is written together with the next read.
type postgresStatements struct {
	ctx   func() (context.Context, context.CancelFunc)
	conn  *pgx.Conn
	reads bool // nothing may be written

	queue   []outstanding
	bytes   int   // of the arguments in queue
	step    int   // where in queue the step in hand begins: before it are steps that seemed to be done
	unsent  bool  // its SAVEPOINT is in queue
	spoiled error // a statement of a step that seemed to be done has failed: the transaction is to be given up
}

type outstanding struct {
	query     string
	args      []any
	otherwise error // of a statement that fails by dividing by zero
	into      []any // of one that gives a row
}

func (x *postgresStatements) queued(o outstanding) {
	for _, arg := range o.args {
		switch a := arg.(type) {
		case []byte:
			x.bytes += len(a)
		case string:
			x.bytes += len(a)
		}
	}
	x.queue = append(x.queue, o)
}

var errAborted = errors.New("an earlier statement of this transaction has failed")

// flush sends what is outstanding, and read behind it, in one round trip.
func (x *postgresStatements) flush(read func(*pgx.Batch)) error {
	if x.spoiled != nil {
		return x.spoiled
	}
	if x.conn.PgConn().TxStatus() == 'E' {
		return errAborted // the server would answer a COMMIT here with a rollback, and call that no error
	}
	b := &pgx.Batch{}
	sent, earlier, made := x.queue, x.step, 0
	for _, o := range sent {
		q := b.Queue(o.query, o.args...)
		if o.into == nil {
			q.Exec(func(pgconn.CommandTag) error { made++; return nil })
			continue
		}
		q.Query(func(rows pgx.Rows) error {
			found, err := scanned(rows, o.into)
			if err == nil && !found {
				err = licensing.ErrNotFound
			}
			if err == nil {
				made++
			}
			return err
		})
	}
	x.queue, x.bytes, x.step, x.unsent = nil, 0, 0, false
	if read != nil {
		read(b)
	}
	ctx, cancel := x.ctx()
	defer cancel()
	err := x.conn.SendBatch(ctx, b).Close()
	if err == nil {
		return nil
	}
	var p *pgconn.PgError
	if errors.As(err, &p) && p.Code == divisionByZero && made < len(sent) && sent[made].otherwise != nil {
		err = sent[made].otherwise
	}
	if made < earlier {
		x.spoiled = fmt.Errorf("%w: %w: %v", errUndone, errOthers, err) // not wrapped: the reason is another's
		return x.spoiled
	}
	return err
}

// scanned reads the only row, if there is one.
func scanned(rows pgx.Rows, into []any) (found bool, err error) {
	defer rows.Close()
	if rows.Next() {
		found = true
		if err := rows.Scan(into...); err != nil {
			return found, err
		}
	}
	rows.Close()
	return found, rows.Err()
}

// control runs a statement that must work in a failed transaction too; the
// simple protocol needs no preparation.
func (x *postgresStatements) control(query string) error {
	ctx, cancel := x.ctx()
	defer cancel()
	return x.conn.PgConn().Exec(ctx, query).Close()
}

func (x *postgresStatements) exec(query string, args ...any) error {
	if x.reads {
		return errReadOnly
	}
	x.queued(outstanding{query: query, args: args})
	return nil
}

const divisionByZero = "22012"

// must has the server itself refuse, because the COMMIT may be on its way behind.
func (x *postgresStatements) must(otherwise error, query string, args ...any) error {
	if x.reads {
		return errReadOnly
	}
	x.queued(outstanding{`WITH changed AS (` + query + ` RETURNING 1) SELECT 1 / (CASE count(*) WHEN 1 THEN 1 ELSE 0 END) FROM changed`, args, otherwise, nil})
	return nil
}

func (x *postgresStatements) none(otherwise error, query string, args ...any) error {
	if x.reads {
		return errReadOnly
	}
	x.queued(outstanding{`SELECT 1 / (CASE WHEN EXISTS (` + query + `) THEN 0 ELSE 1 END)`, args, otherwise, nil})
	return nil
}

func (x *postgresStatements) later(into []any, query string, args ...any) error {
	if x.reads {
		return errReadOnly
	}
	x.queued(outstanding{query: query, args: args, into: into})
	return nil
}

func (x *postgresStatements) one(into []any, query string, args ...any) error {
	found := false
	err := x.flush(func(b *pgx.Batch) {
		b.Queue(query, args...).Query(func(rows pgx.Rows) error {
			var err error
			found, err = scanned(rows, into)
			return err
		})
	})
	if err == nil && !found {
		return licensing.ErrNotFound
	}
	return err
}

func (x *postgresStatements) all(row func(scan func(into ...any) error) error, query string, args ...any) error {
	return x.flush(func(b *pgx.Batch) {
		b.Queue(query, args...).Query(func(rows pgx.Rows) error {
			defer rows.Close()
			for rows.Next() {
				if err := row(rows.Scan); err != nil {
					return err
				}
			}
			return rows.Err()
		})
	})
}

// retryable: the server says that the same may work now, or the connection was
// lost before anything was committed.
func retryable(err error) bool {
	var p *pgconn.PgError
	if errors.As(err, &p) {
		switch p.Code {
		case "40001", "40P01", "57P01", "57P02", "57P03": // serialization, deadlock, shutdown, crash, starting
			return true
		}
		return false
	}
	var refused *net.OpError
	return pgconn.SafeToRetry(err) || errors.As(err, &refused) && refused.Op == "dial"
}
