// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"rastau/licensing"
)

// The same numbers stand in both folders. A migration only adds, so that the
// program one version back still works beside the new one.
//
//go:embed migrations/sqlite/*.sql migrations/postgres/*.sql
var migrations embed.FS

// up brings the tables to this program's version; several processes may try at once.
func up(ctx context.Context, d *dialect, db *sql.DB) error {
	p, err := provider(d, db)
	if err != nil {
		return err
	}
	// PostgreSQL has a lock for this. On SQLite another process may take a step
	// that this one is about to take: then the version has moved, and it goes on from there.
	for try := 0; ; try++ {
		before, first := p.GetDBVersion(ctx)
		_, err := p.Up(ctx)
		if err == nil {
			return nil
		}
		after, second := p.GetDBVersion(ctx)
		moved := first != nil || second != nil || after > before
		if d == postgresDialect || !moved || try == maxTurns {
			return fmt.Errorf("migrating: %w", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(try+1) * 10 * time.Millisecond):
		}
	}
}

// maxTurns is how often a process that migrates gives way to another.
const maxTurns = 50

func provider(d *dialect, db *sql.DB) (*goose.Provider, error) {
	dir, err := fs.Sub(migrations, "migrations/"+d.name)
	if err != nil {
		return nil, err
	}
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true), goose.WithGoMigrations(indexWords(d))}
	kind := goose.DialectSQLite3
	if d == postgresDialect {
		kind = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return nil, err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	return goose.NewProvider(kind, db, dir, options...)
}

// indexWords fills the words by which the register is searched, for licences that were there before the search.
func indexWords(d *dialect) *goose.Migration {
	text := func(query string) string {
		if d == sqliteDialect {
			return numbered(query)
		}
		return query
	}
	return goose.NewGoMigration(21, &goose.GoFunc{RunTx: func(ctx context.Context, t *sql.Tx) error {
		rows, err := t.QueryContext(ctx, `SELECT entry, body FROM licences`)
		if err != nil {
			return err
		}
		defer rows.Close()
		names := map[int64]string{}
		for rows.Next() {
			var entry int64
			var body []byte
			if err := rows.Scan(&entry, &body); err != nil {
				return err
			}
			var l licensing.Licence
			if err := json.Unmarshal(body, &l); err != nil {
				return err
			}
			names[entry] = l.Holder.Name
		}
		if err := rows.Err(); err != nil {
			return err
		}
		for entry, name := range names {
			for _, word := range licensing.SearchWords(name) {
				if _, err := t.ExecContext(ctx, text(addWord), word, entry); err != nil {
					return err
				}
			}
		}
		return nil
	}}, nil)
}
