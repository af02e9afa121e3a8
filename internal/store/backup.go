// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"golang.org/x/mod/sumdb/note"

	"rastau/internal/archive"
	"rastau/internal/blob"
	"rastau/internal/journal"
	"rastau/internal/seal"
)

// tables of the register in an order in which they can be filled: what others
// refer to stands first.
var tables = []string{
	"data_keys", "log_entries", "log_hashes", "blobs", "blob_removals", "people", "sessions", "challenges", "account_events",
	"applications", "attachments", "serials", "attempts", "registrations", "rulings", "payments", "outbox", "exchanges",
	"licences", "licence_words", "licence_moves", "licence_appendices", "cases", "events", "amendments", "batches", "own_signings",
	"surveys", "survey_answers", "renewals", "verification_batches", "verification_files", "api_keys", "signers", "signer_ends",
}

// versions is the table in which the migrations keep their state.
const versions = "goose_db_version"

// schemaPart is the first part of an archive: the newest migration of its tables.
const schemaPart = "schema"

// partSize is about how many bytes of rows travel together.
const partSize = 4 << 20

// Backup says what an archive of a register holds.
type Backup struct {
	Made     time.Time        `json:"made"`
	Program  string           `json:"program"`
	Database string           `json:"database"` // sqlite or postgres; it may be restored to either
	Schema   int64            `json:"schema"`   // the newest migration
	Sealed   bool             `json:"sealed"`   // personal data cannot be read without the master key
	Log      journal.Head     `json:"log"`
	Signed   string           `json:"checkpoint,omitempty"` // the head of the log, signed
	Rows     map[string]int64 `json:"rows"`
	Blobs    int64            `json:"blobs"`             // that lie outside the database
	Missing  []string         `json:"missing,omitempty"` // blobs that could not be read when the backup was made
}

// BackupOptions of Store.Backup.
type BackupOptions struct {
	// Program is the version that is named in the archive. Required.
	Program string
	// Now is the time of the backup. Required.
	Now time.Time
	// Key signs the archive and the log's head in it. Optional.
	Key note.Signer
	// Progress hears of every part, with what is being written and how many rows or blobs of it were. Optional.
	Progress func(what string, n int64)
}

// Backup writes everything that this register holds as one archive: all tables
// as they stood at one moment, the blobs outside the database that they name,
// and the head of the log. Personal data stay sealed as they are. The service may go on meanwhile.
//
// A blob that cannot be read, or is not what its name says, does not end the
// backup: it is named in Missing.
func (s *Store) Backup(ctx context.Context, to io.Writer, o BackupOptions) (*Backup, error) {
	w, err := archive.NewWriter(to, o.Now)
	if err != nil {
		return nil, err
	}
	b := &Backup{Made: o.Now.UTC(), Program: o.Program, Database: s.db.dialect().name, Sealed: s.keys.box.Load() != nil, Rows: map[string]int64{}}
	var outside [][32]byte
	err = s.view(ctx, func(x *tx) error {
		if x.d == postgresDialect {
			// A table takes as long as it takes.
			var is string
			if err := x.one([]any{&is}, `SELECT set_config('statement_timeout', '0', true)`); err != nil {
				return err
			}
		}
		if err := x.one([]any{&b.Schema}, `SELECT max(version_id) FROM `+versions); err != nil {
			return err
		}
		if err := w.Add(schemaPart, []byte(strconv.FormatInt(b.Schema, 10))); err != nil {
			return err
		}
		if b.Log, err = journal.Now(x); err != nil {
			return err
		}
		for _, table := range tables {
			if err := x.dump(w, table, b, o.Progress); err != nil {
				return fmt.Errorf("table %s: %w", table, err)
			}
		}
		outside, err = x.outside()
		return err
	})
	if err != nil {
		return nil, err
	}
	if o.Key != nil {
		signed, err := journal.Sign(b.Log, o.Key)
		if err != nil {
			return nil, err
		}
		b.Signed = string(signed)
	}
	if err := s.dumpBlobs(ctx, w, outside, b, o.Progress); err != nil {
		return nil, err
	}
	return b, w.Close(b, o.Key)
}

// dump writes a table in parts: the first line names the columns, each other one is a row.
func (x *tx) dump(w *archive.Writer, table string, b *Backup, progress func(string, int64)) error {
	columns, err := x.texts(x.d.columns, table)
	if err != nil {
		return err
	}
	if len(columns) == 0 {
		return errors.New("is not there")
	}
	head, err := json.Marshal(columns)
	if err != nil {
		return err
	}
	var part []byte
	parts := 0
	flush := func() error {
		parts++
		err := w.Add(fmt.Sprintf("tables/%s/%06d.jsonl", table, parts), part)
		part = part[:0]
		if progress != nil {
			progress(table, b.Rows[table])
		}
		return err
	}
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	err = x.all(func(scan func(...any) error) error {
		if err := x.ctx.Err(); err != nil {
			return err
		}
		if err := scan(into...); err != nil {
			return err
		}
		line, err := encodeRow(values)
		if err != nil {
			return err
		}
		if len(part) > 0 && len(part)+len(line) > partSize {
			if err := flush(); err != nil {
				return err
			}
		}
		if len(part) == 0 {
			part = append(append(part, head...), '\n')
		}
		part = append(append(part, line...), '\n')
		b.Rows[table]++
		return nil
	}, `SELECT * FROM `+table)
	if err == nil && len(part) > 0 {
		err = flush()
	}
	return err
}

func (x *tx) texts(query string, args ...any) (list []string, err error) {
	err = x.all(func(scan func(...any) error) error {
		var t string
		err := scan(&t)
		list = append(list, t)
		return err
	}, query, args...)
	return list, err
}

// outside lists the blobs that lie outside the database.
func (x *tx) outside() (list [][32]byte, err error) {
	err = x.all(func(scan func(...any) error) error {
		var name string
		if err := scan(&name); err != nil {
			return err
		}
		sum, err := parseName(name)
		list = append(list, sum)
		return err
	}, `SELECT sha256 FROM blobs WHERE size > 0 AND length(content) = 0 ORDER BY sha256`)
	return list, err
}

func (s *Store) dumpBlobs(ctx context.Context, w *archive.Writer, names [][32]byte, b *Backup, progress func(string, int64)) error {
	if len(names) > 0 && s.blobs == nil {
		return errors.New("blobs lie outside the database: say where (blobs)")
	}
	x := s.tx(ctx, nil)
	for i, sum := range names {
		name := fmt.Sprintf("%x", sum)
		var raw []byte
		err := s.withKeys(ctx, func() (err error) {
			if raw, err = s.blobs.Get(ctx, name, maxBlob); err != nil {
				return err
			}
			return x.holds(name, raw)
		})
		switch {
		case errors.Is(err, blob.ErrNotFound), errors.Is(err, seal.ErrBroken), errors.Is(err, errBlobChanged):
			b.Missing = append(b.Missing, name)
			continue
		case err != nil:
			return fmt.Errorf("blob %s: %w", name, err) // the place of the blobs does not answer: later it may
		}
		if err := w.Add("blobs/"+name, raw); err != nil {
			return err
		}
		b.Blobs++
		if progress != nil && (i%100 == 99 || i == len(names)-1) {
			progress("blobs", b.Blobs)
		}
	}
	return nil
}

var errBlobChanged = errors.New("the blob was changed where it is kept")

// holds says whether bytes from the blob store are those that their name means.
func (x *tx) holds(name string, raw []byte) error {
	content, err := x.show("blob", name, raw)
	if err == nil && blobName(content) != name {
		err = errBlobChanged
	}
	return err
}

func parseName(name string) (sum [32]byte, err error) {
	raw, err := hex.DecodeString(name)
	if err != nil || len(raw) != len(sum) {
		return sum, fmt.Errorf("%w, not %q", blob.ErrName, name)
	}
	return [32]byte(raw), nil
}

// encodeRow writes a row as one line of JSON: numbers and texts as they are, bytes as {"b": base64}.
func encodeRow(values []any) ([]byte, error) {
	row := make([]any, len(values))
	for i, v := range values {
		switch v := v.(type) {
		case nil, int64, string:
			row[i] = v
		case int32:
			row[i] = int64(v)
		case int16:
			row[i] = int64(v)
		case bool:
			row[i] = int64(0)
			if v {
				row[i] = int64(1)
			}
		case []byte:
			row[i] = rawBytes{base64.StdEncoding.EncodeToString(v)}
		default:
			return nil, fmt.Errorf("a value of the type %T cannot be backed up", v)
		}
	}
	return json.Marshal(row)
}

type rawBytes struct {
	B string `json:"b"`
}

// maxColumns bounds a row that is read back.
const maxColumns = 100

// decodeRow reads what encodeRow wrote.
func decodeRow(line []byte) ([]any, error) {
	var raw []json.RawMessage
	if err := json.Unmarshal(line, &raw); err != nil {
		return nil, err
	}
	if len(raw) > maxColumns {
		return nil, fmt.Errorf("a row of %d columns", len(raw))
	}
	values := make([]any, len(raw))
	for i, r := range raw {
		var err error
		switch {
		case string(r) == "null":
		case r[0] == '"':
			var s string
			err = json.Unmarshal(r, &s)
			values[i] = s
		case r[0] == '{':
			var b rawBytes
			if err = json.Unmarshal(r, &b); err == nil {
				values[i], err = base64.StdEncoding.DecodeString(b.B)
			}
		default:
			var n int64
			err = json.Unmarshal(r, &n)
			values[i] = n
		}
		if err != nil {
			return nil, err
		}
	}
	return values, nil
}
