// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"golang.org/x/mod/sumdb/note"

	"rastau/internal/archive"
	"rastau/internal/blob"
	"rastau/internal/journal"
	"rastau/licensing"
)

// ErrLost: the archive does not hold what it must; nothing was restored.
var ErrLost = errors.New("the backup does not hold the whole register")

// ErrNotEmpty: a register is only restored where there is none.
var ErrNotEmpty = errors.New("there is a register already")

// RestoreOptions of Prove and Restore.
type RestoreOptions struct {
	// Key must have signed the archive. Optional. If nil, a signature is not looked at.
	Key note.Verifier
	// Since is a head of the log that was kept outside: the archive must hold everything up to it. Optional.
	Since *journal.Head
	// Now is when sessions that were open end. Required by Restore.
	Now time.Time
	// Progress hears what is being read and how many rows or blobs of it were. Optional.
	Progress func(what string, n int64)
}

// Prove restores an archive into a folder of its own, proves the whole register
// from it (licensing.CheckRegister, the head of the log, Since) and forgets it.
// of gives the master keys; its database is not looked at.
func Prove(ctx context.Context, from io.Reader, of Options, o RestoreOptions) (*Backup, error) {
	dir, err := os.MkdirTemp("", "rastau-proof-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if of.Blobs, err = blob.NewFolder(filepath.Join(dir, "blobs")); err != nil {
		return nil, err
	}
	of.Database = filepath.Join(dir, "register.db")
	return unpack(ctx, from, of, o)
}

// Restore brings a register back from an archive into an empty place: an SQLite
// file that is not there yet, which needs to.Blobs, or a PostgreSQL database
// without tables, and the blob store; without one blobs go into PostgreSQL. The whole register is proven first; where anything does not hold
// nothing is restored (blobs that were put are removed by SweepBlobs). from is read
// twice for PostgreSQL. Sessions that were open are ended, and challenges forgotten:
// some of them may have been ended or used since the backup.
func Restore(ctx context.Context, from io.ReadSeeker, to Options, o RestoreOptions) (b *Backup, err error) {
	proof := to
	if IsPostgres(to.Database) {
		if err := emptyPostgres(ctx, to); err != nil {
			return nil, err
		}
		dir, err := os.MkdirTemp("", "rastau-proof-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		proof.Database = filepath.Join(dir, "register.db")
		if to.Blobs == nil {
			if proof.Blobs, err = blob.NewFolder(filepath.Join(dir, "blobs")); err != nil {
				return nil, err
			}
		}
	} else {
		if _, err := os.Lstat(to.Database); err == nil {
			return nil, fmt.Errorf("%w: %s", ErrNotEmpty, to.Database)
		}
		proof.Database = to.Database + ".restoring"
		defer func() {
			for _, end := range []string{"", "-wal", "-shm"} {
				err = errors.Join(err, notThere(os.Remove(proof.Database+end)))
			}
		}()
		for _, end := range []string{"", "-wal", "-shm"} { // of a restore that died
			if err := notThere(os.Remove(proof.Database + end)); err != nil {
				return nil, err
			}
		}
	}
	if b, err = unpack(ctx, from, proof, o); err != nil {
		return nil, err
	}
	if !IsPostgres(to.Database) {
		// unpack has closed the file, and with its last connection the write-ahead log went into it.
		if err := os.Link(proof.Database, to.Database); err != nil { // unlike a renaming it never replaces anything
			return nil, fmt.Errorf("%w: %w", ErrNotEmpty, err)
		}
		return b, syncPath(filepath.Dir(to.Database))
	}
	if _, err := from.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	again, err := fillPostgres(ctx, from, to, o)
	if err != nil {
		return nil, err
	}
	if again.Log != b.Log {
		return nil, fmt.Errorf("%w: the archive changed while it was read", ErrLost)
	}
	return b, nil
}

// notThere forgives that a file to be removed is not there.
func notThere(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// unpack restores into a new SQLite file and proves what stands there.
func unpack(ctx context.Context, from io.Reader, to Options, o RestoreOptions) (*Backup, error) {
	db, err := openPool(to.Database, "immediate", "journal_mode(WAL)", "synchronous(FULL)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	f := &filling{dialect: sqliteDialect, o: o, rows: map[string]int64{}}
	f.put = func(name string, content []byte) error { return to.Blobs.Put(ctx, name, content) }
	b, err := f.sqlite(ctx, from, db)
	if err = errors.Join(err, db.Close()); err != nil {
		return nil, err
	}
	if err := os.Chmod(to.Database, 0o600); err != nil {
		return nil, err
	}
	s, err := Open(ctx, to)
	if err != nil {
		return nil, err
	}
	head, err := licensing.CheckRegister(ctx, s)
	if err == nil && head != b.Log {
		err = fmt.Errorf("the log has the head %s, the backup was made at %s", head, b.Log)
	}
	if err == nil && o.Since != nil {
		err = s.View(ctx, func(tx licensing.Tx) error { return journal.Since(tx, *o.Since) })
	}
	if err == nil {
		err = s.allBlobs(ctx, b.Missing)
	}
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrLost, err)
	}
	return b, errors.Join(err, s.Close())
}

// allBlobs holds every blob outside the database to its name. missing are known to be lost.
func (s *Store) allBlobs(ctx context.Context, missing []string) error {
	var outside [][32]byte
	err := s.view(ctx, func(x *tx) (err error) { outside, err = x.outside(); return err })
	if err != nil {
		return err
	}
	x := s.tx(ctx, nil)
	for _, sum := range outside {
		name := fmt.Sprintf("%x", sum)
		if _, known := slices.BinarySearch(missing, name); known {
			continue
		}
		raw, err := s.blobs.Get(ctx, name, maxBlob)
		if err == nil {
			err = x.holds(name, raw)
		}
		if err != nil {
			return fmt.Errorf("blob %s: %w", name, err)
		}
	}
	return nil
}

// filling puts the parts of an archive into an empty database.
type filling struct {
	dialect *dialect
	archive *archive.Reader
	o       RestoreOptions
	rows    map[string]int64
	blobs   int64
	// insert adds rows to a table, put takes a blob from outside the database.
	insert func(table string, columns []string, rows [][]any) error
	put    func(name string, content []byte) error
}

// begin reads the form of the tables, which is an archive's first part, and makes them.
func (f *filling) begin(ctx context.Context, from io.Reader, db *sql.DB) (err error) {
	if f.archive, err = archive.NewReader(from); err != nil {
		return err
	}
	f.archive.Key = f.o.Key
	name, content, err := f.archive.Next()
	if err == nil {
		schema, bad := strconv.ParseInt(string(content), 10, 64)
		if name != schemaPart || bad != nil {
			err = fmt.Errorf("%w: it is no backup of a register", archive.ErrBroken)
		} else {
			err = f.migrate(ctx, db, schema)
		}
	}
	if err != nil {
		f.archive.Close()
	}
	return err
}

// read takes the rest of the archive; everything is known to be right only when it returns without an error.
func (f *filling) read(ctx context.Context) (*Backup, error) {
	for {
		name, content, err := f.archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		kind, rest, _ := strings.Cut(name, "/")
		switch kind {
		case "tables":
			table, _, _ := strings.Cut(rest, "/")
			if err := f.table(table, content); err != nil {
				return nil, fmt.Errorf("%w: table %.40q: %w", ErrLost, table, err)
			}
		case "blobs":
			if err := f.put(rest, content); err != nil {
				return nil, fmt.Errorf("blob %.64q: %w", rest, err)
			}
			f.blobs++
			f.tell("blobs", f.blobs)
		default:
			return nil, fmt.Errorf("%w: it has a part %.100q that this version does not know", archive.ErrBroken, name)
		}
	}
	var b Backup
	if err := f.archive.About(&b); err != nil {
		return nil, err
	}
	if b.Blobs != f.blobs {
		return nil, fmt.Errorf("%w: %d blobs of %d", ErrLost, f.blobs, b.Blobs)
	}
	for table, n := range b.Rows {
		if f.rows[table] != n {
			return nil, fmt.Errorf("%w: %d rows of %d in %s", ErrLost, f.rows[table], n, table)
		}
	}
	slices.Sort(b.Missing)
	return &b, nil
}

func (f *filling) tell(what string, n int64) {
	if f.o.Progress != nil {
		f.o.Progress(what, n)
	}
}

func (f *filling) table(table string, part []byte) error {
	if !slices.Contains(tables, table) {
		return errors.New("this version does not know it")
	}
	var columns []string
	var rows [][]any
	for line := range bytes.Lines(part) {
		values, err := decodeRow(line)
		if err != nil {
			return err
		}
		if columns == nil {
			for _, v := range values {
				name, ok := v.(string)
				if !ok || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" || name == "" {
					return errors.New("its columns are not named")
				}
				columns = append(columns, name)
			}
			continue
		}
		if len(values) != len(columns) {
			return fmt.Errorf("a row has %d values for %d columns", len(values), len(columns))
		}
		rows = append(rows, values)
	}
	if len(rows) == 0 {
		return errors.New("a part without rows")
	}
	f.rows[table] += int64(len(rows))
	f.tell(table, f.rows[table])
	return f.insert(table, columns, rows)
}

// migrate brings an empty database to the form that the archive has; Open goes on from there.
func (f *filling) migrate(ctx context.Context, db *sql.DB, schema int64) error {
	p, err := provider(f.dialect, db)
	if err != nil {
		return err
	}
	sources := p.ListSources()
	if newest := sources[len(sources)-1].Version; schema > newest {
		return fmt.Errorf("the backup was made by a newer version: its tables are of form %d, this one knows forms up to %d; install that version", schema, newest)
	}
	_, err = p.UpTo(ctx, schema)
	return err
}

func (f *filling) sqlite(ctx context.Context, from io.Reader, db *sql.DB) (*Backup, error) {
	if err := f.begin(ctx, from, db); err != nil {
		return nil, err
	}
	defer f.archive.Close()
	t, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer t.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	f.insert = func(table string, columns []string, rows [][]any) error {
		marks := strings.TrimSuffix(strings.Repeat("?,", len(columns)), ",")
		s, err := t.PrepareContext(ctx, `INSERT INTO `+table+` (`+strings.Join(columns, ",")+`) VALUES (`+marks+`)`)
		if err != nil {
			return err
		}
		defer s.Close()
		for _, row := range rows {
			if _, err := s.ExecContext(ctx, row...); err != nil {
				return err
			}
		}
		return nil
	}
	b, err := f.read(ctx)
	if err != nil {
		return nil, err
	}
	for _, query := range f.endings() {
		if _, err := t.ExecContext(ctx, query); err != nil {
			return nil, err
		}
	}
	return b, t.Commit()
}

// endings end what may have been ended since the backup.
func (f *filling) endings() []string {
	return []string{
		fmt.Sprintf(`UPDATE sessions SET ended = %d WHERE ended IS NULL`, f.o.Now.UnixMilli()),
		`DELETE FROM challenges`,
	}
}

func emptyPostgres(ctx context.Context, to Options) error {
	conn, err := connectPostgres(ctx, to)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, postgresDialect.tables)
	if err != nil {
		return err
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err == nil && len(found) > 0 {
		err = fmt.Errorf("%w: the database has the table %s; a register is restored into an empty database", ErrNotEmpty, found[0])
	}
	return err
}

func connectPostgres(ctx context.Context, to Options) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(to.Database)
	if err != nil {
		return nil, fmt.Errorf("address of the database: %w", err)
	}
	if to.Password != "" {
		config.Password = to.Password
	}
	return pgx.ConnectConfig(ctx, config)
}

// fillPostgres copies the tables of a proven archive in one transaction.
func fillPostgres(ctx context.Context, from io.Reader, to Options, o RestoreOptions) (*Backup, error) {
	config, err := pgx.ParseConfig(to.Database)
	if err != nil {
		return nil, err
	}
	if to.Password != "" {
		config.Password = to.Password
	}
	db := stdlib.OpenDB(*config)
	defer db.Close()
	f := &filling{dialect: postgresDialect, o: o, rows: map[string]int64{}}
	if err := f.begin(ctx, from, db); err != nil {
		return nil, err
	}
	defer f.archive.Close()
	conn, err := connectPostgres(ctx, to)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	t, err := conn.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer t.Rollback(ctx) //nolint:errcheck // after a commit there is nothing to roll back
	if _, err := t.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(writersLock)); err != nil {
		return nil, err
	}
	booleans, err := pairs(ctx, t, `SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = current_schema() AND data_type = 'boolean'`)
	if err != nil {
		return nil, err
	}
	f.insert = func(table string, columns []string, rows [][]any) error {
		for i, c := range columns {
			if slices.Contains(booleans, [2]string{table, c}) {
				for _, row := range rows {
					if n, ok := row[i].(int64); ok {
						row[i] = n != 0
					}
				}
			}
		}
		_, err := t.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromRows(rows))
		return err
	}
	f.put = func(name string, content []byte) error {
		if to.Blobs != nil {
			return nil // the proof has put it
		}
		_, err := t.Exec(ctx, `UPDATE blobs SET content = $2 WHERE sha256 = $1`, name, content)
		return err
	}
	b, err := f.read(ctx)
	if err != nil {
		return nil, err
	}
	counted, err := pairs(ctx, t, `SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = current_schema() AND is_identity = 'YES'`)
	if err != nil {
		return nil, err
	}
	endings := f.endings()
	for _, c := range counted {
		endings = append(endings, fmt.Sprintf(`SELECT setval(pg_get_serial_sequence('%[1]s', '%[2]s'), coalesce(max(%[2]s), 0) + 1, false) FROM %[1]s`, c[0], c[1]))
	}
	for _, query := range endings {
		if _, err := t.Exec(ctx, query); err != nil {
			return nil, err
		}
	}
	return b, t.Commit(ctx)
}

func pairs(ctx context.Context, t pgx.Tx, query string) ([][2]string, error) {
	rows, err := t.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p [2]string, err error) { return p, row.Scan(&p[0], &p[1]) })
}
