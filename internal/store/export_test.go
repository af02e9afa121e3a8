// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/jackc/pgx/v5"
)

// OpenAt opens a database whose tables are those of an earlier version, for the
// tests of migrations. It gives all versions that there are.
func OpenAt(ctx context.Context, database string, version int64) (db *sql.DB, versions []int64, err error) {
	d := sqliteDialect
	if IsPostgres(database) {
		d = postgresDialect
		config, err := pgx.ParseConfig(database)
		if err != nil {
			return nil, nil, err
		}
		db = stdlib.OpenDB(*config)
	} else if db, err = openPool(database, "immediate", "journal_mode(WAL)"); err != nil {
		return nil, nil, err
	}
	db.SetMaxOpenConns(2) // goose holds one for its lock
	if d == sqliteDialect {
		db.SetMaxOpenConns(1)
	}
	p, err := provider(d, db)
	if err != nil {
		return nil, nil, err
	}
	for _, s := range p.ListSources() {
		versions = append(versions, s.Version)
	}
	if version > 0 {
		_, err = p.UpTo(ctx, version)
	}
	return db, versions, err
}

// Tables and Versions are what a backup knows.
var Tables = tables

const Versions = versions

// TableNames lists what the database has.
func (s *Store) TableNames(ctx context.Context) (names []string, err error) {
	err = s.view(ctx, func(x *tx) error { names, err = x.texts(x.d.tables); return err })
	return names, err
}
