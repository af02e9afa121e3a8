// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
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
	x.later(`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`, nil, nil)
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
}

func (s *postgresSession) begin(ctx context.Context) error {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	s.held = conn
	s.postgresStatements = postgresStatements{conn: conn.Conn(), ctx: func() (context.Context, context.CancelFunc) {
		return context.WithTimeout(context.Background(), patience)
	}}
	s.later(`BEGIN ISOLATION LEVEL READ COMMITTED`, nil, nil)
	if s.lock {
		s.later(`SELECT pg_advisory_xact_lock($1)`, []any{int64(writersLock)}, nil)
	}
	return nil
}

const savepoint = `SAVEPOINT step`

func (s *postgresSession) savepoint() error {
	s.later(savepoint, nil, nil)
	return nil
}

// release makes the step's outstanding writes, so that an error is the step's own; where there are none, nothing can fail, and
// the end travels with what comes next.
func (s *postgresSession) release() error {
	sent := len(s.queue) == 0
	s.later(`RELEASE SAVEPOINT step`, nil, nil)
	if sent {
		return nil
	}
	return s.flush(nil)
}

// commit sends the outstanding writes and the COMMIT in one round trip. A
// statement that fails stops the COMMIT behind it.
func (s *postgresSession) commit() (bool, error) {
	s.later(`COMMIT`, nil, nil)
	err := s.flush(nil)
	if err != nil && !s.conn.IsClosed() && s.conn.PgConn().TxStatus() == 'E' {
		return false, err
	}
	if err == nil {
		s.free()
	}
	return true, err
}

// undo takes back what was sent; what was not sent is forgotten.
func (s *postgresSession) undo() error {
	unsent := slices.IndexFunc(s.queue, func(o outstanding) bool { return o.query == savepoint })
	if unsent >= 0 {
		s.queue = s.queue[:unsent]
		return nil
	}
	s.queue = nil
	return s.control(`ROLLBACK TO SAVEPOINT step`)
}

func (s *postgresSession) rollback() {
	if s.held == nil {
		return
	}
	s.queue = nil
	if !s.conn.IsClosed() && s.conn.PgConn().TxStatus() != 'I' {
		_ = s.control(`ROLLBACK`)
	}
	s.free()
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
	queue []outstanding
	reads bool // nothing may be written
}

type outstanding struct {
	query     string
	args      []any
	otherwise error // of a statement that must change one row
}

func (x *postgresStatements) later(query string, args []any, otherwise error) {
	x.queue = append(x.queue, outstanding{query, args, otherwise})
}

// flush sends what is outstanding, and read behind it, in one round trip.
func (x *postgresStatements) flush(read func(*pgx.Batch)) error {
	b := &pgx.Batch{}
	sent, made := x.queue, 0
	for _, o := range sent {
		b.Queue(o.query, o.args...).Exec(func(pgconn.CommandTag) error { made++; return nil })
	}
	x.queue = nil
	if read != nil {
		read(b)
	}
	ctx, cancel := x.ctx()
	defer cancel()
	err := x.conn.SendBatch(ctx, b).Close()
	var p *pgconn.PgError
	if errors.As(err, &p) && p.Code == divisionByZero && made < len(sent) && sent[made].otherwise != nil {
		return sent[made].otherwise
	}
	return err
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
	x.later(query, args, nil)
	return nil
}

const divisionByZero = "22012"

// must has the server itself refuse, because the COMMIT may be on its way behind.
func (x *postgresStatements) must(otherwise error, query string, args ...any) error {
	if x.reads {
		return errReadOnly
	}
	x.later(`WITH changed AS (`+query+` RETURNING 1) SELECT 1 / (CASE count(*) WHEN 1 THEN 1 ELSE 0 END) FROM changed`, args, otherwise)
	return nil
}

func (x *postgresStatements) one(into []any, query string, args ...any) error {
	found := false
	err := x.flush(func(b *pgx.Batch) {
		b.Queue(query, args...).Query(func(rows pgx.Rows) error {
			defer rows.Close()
			if rows.Next() {
				found = true
				if err := rows.Scan(into...); err != nil {
					return err
				}
			}
			rows.Close()
			return rows.Err()
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
