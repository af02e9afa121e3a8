// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
)

// Probe tries whether a database can be used, and changes nothing in it. It tells the server's time, zero for SQLite.
func Probe(ctx context.Context, o Options) (at time.Time, err error) {
	if IsPostgres(o.Database) {
		config, err := pgx.ParseConfig(o.Database)
		if err != nil {
			return at, fmt.Errorf("address of the database: %w", err) // pgx leaves the password out
		}
		if o.Password != "" {
			config.Password = o.Password
		}
		conn, err := pgx.ConnectConfig(ctx, config)
		if err != nil {
			return at, err
		}
		err = conn.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&at)
		return at, errors.Join(err, conn.Close(ctx))
	}
	if _, err := os.Stat(o.Database); errors.Is(err, fs.ErrNotExist) {
		// It is made where it is missing: the folder must take it.
		probe, err := os.CreateTemp(filepath.Dir(o.Database), ".rastau-probe-*")
		if err != nil {
			return at, err
		}
		return at, errors.Join(probe.Close(), os.Remove(probe.Name()))
	}
	pool, err := openPool(o.Database, "deferred", "query_only(1)")
	if err != nil {
		return at, err
	}
	var pages int64
	err = pool.QueryRowContext(ctx, `PRAGMA page_count`).Scan(&pages)
	return at, errors.Join(err, pool.Close())
}
