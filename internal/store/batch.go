// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"rastau/internal/batch"
	"rastau/licensing"
)

// batches keeps files that are judged many at a time in the same database as the register.
type batches struct{ s *Store }

// Batches is the batch.Store of this database.
func (s *Store) Batches() batch.Store { return batches{s} }

func (b batches) UpdateBatches(ctx context.Context, f func(batch.Storage) error) error {
	return unknownBatch(b.s.update(ctx, func(x *tx) error { return f(batchTx{x}) }))
}

func (b batches) ViewBatches(ctx context.Context, f func(batch.Storage) error) error {
	return unknownBatch(b.s.view(ctx, func(x *tx) error { return f(batchTx{x}) }))
}

func unknownBatch(err error) error {
	if errors.Is(err, licensing.ErrNotFound) {
		return batch.ErrUnknown
	}
	return err
}

// batchTx is a step as batches see it: licensing has batches of its own, of decisions.
type batchTx struct{ *tx }

func (x batchTx) AddBatch(j *batch.Job) error {
	body, err := json.Marshal(j)
	if err != nil {
		return err
	}
	return x.exec(`INSERT INTO verification_batches (id, owner, state, created, erased, body) VALUES ($1, $2, $3, $4, $5, $6)`,
		j.ID, j.Owner, string(j.State), j.Created.UnixMilli(), j.Erased.UnixMilli(), x.hide("verification_batches.body", j.ID, body))
}

func (x batchTx) PutBatch(j *batch.Job) error {
	body, err := json.Marshal(j)
	if err != nil {
		return err
	}
	return x.must(batch.ErrUnknown, `UPDATE verification_batches SET state = $1, body = $2 WHERE id = $3`, string(j.State), x.hide("verification_batches.body", j.ID, body), j.ID)
}

func (x batchTx) Batch(id string) (*batch.Job, error) {
	list, err := x.jobs(`SELECT id, body FROM verification_batches WHERE id = $1`, id)
	if err == nil && len(list) == 0 {
		err = batch.ErrUnknown
	}
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}

func (x batchTx) Batches(owner string, limit int) ([]batch.Job, error) {
	query := `SELECT id, body FROM verification_batches WHERE ($1 = '' OR owner = $1) ORDER BY created DESC, id`
	if limit > 0 {
		query += fmt.Sprintf(` LIMIT %d`, limit)
	}
	return x.jobs(query, owner)
}

func (x batchTx) jobs(query string, args ...any) ([]batch.Job, error) {
	list := []batch.Job{}
	err := x.all(func(scan func(...any) error) error {
		var id string
		var body []byte
		if err := scan(&id, x.shown(&body, "verification_batches.body", &id)); err != nil {
			return err
		}
		var j batch.Job
		if err := json.Unmarshal(body, &j); err != nil {
			return fmt.Errorf("batch %s: %w", id, err)
		}
		list = append(list, j)
		return nil
	}, query, args...)
	return list, err
}

// fileHead is what is known of a file beside its bytes.
type fileHead struct {
	Name    string      `json:"name"`
	Asked   batch.Asked `json:"asked"`
	Problem string      `json:"problem,omitempty"`
	Content bool        `json:"content,omitempty"` // given, be it empty
}

func (x batchTx) AddFiles(id string, files []batch.Numbered[batch.Input]) error {
	for _, f := range files {
		in, row := f.Value, fmt.Sprintf("%s/%d", id, f.N)
		head, err := json.Marshal(fileHead{in.Name, in.Asked, in.Problem, in.Content != nil})
		if err != nil {
			return err
		}
		err = x.exec(`INSERT INTO verification_files (batch, n, row, asked, document, content) VALUES ($1, $2, $3, $4, $5, $6)`, id, int64(f.N), row,
			x.hide("verification_files.asked", row, head), x.hide("verification_files.document", row, in.Document), x.hide("verification_files.content", row, in.Content))
		if err != nil {
			return err
		}
	}
	return nil
}

func (x batchTx) NextFiles(id string, limit int) ([]batch.Numbered[batch.Input], error) {
	var list []batch.Numbered[batch.Input]
	err := x.all(func(scan func(...any) error) error {
		var n int64
		var row string
		var raw []byte
		var in batch.Input
		err := scan(&n, &row, x.shown(&raw, "verification_files.asked", &row), x.shown(&in.Document, "verification_files.document", &row),
			x.shown(&in.Content, "verification_files.content", &row))
		if err != nil {
			return err
		}
		var head fileHead
		if err := json.Unmarshal(raw, &head); err != nil {
			return fmt.Errorf("batch %s: file %d: %w", id, n, err)
		}
		in.Name, in.Asked, in.Problem = head.Name, head.Asked, head.Problem
		if head.Content && in.Content == nil {
			in.Content = []byte{}
		} else if !head.Content {
			in.Content = nil
		}
		list = append(list, batch.Numbered[batch.Input]{N: int(n), Value: in})
		return nil
	}, `SELECT n, row, asked, document, content FROM verification_files WHERE batch = $1 AND line IS NULL ORDER BY n LIMIT $2`, id, int64(limit))
	return list, err
}

func (x batchTx) Left(id string, limit int) ([]int, error) {
	var list []int
	err := x.all(func(scan func(...any) error) error {
		var n int64
		err := scan(&n)
		list = append(list, int(n))
		return err
	}, `SELECT n FROM verification_files WHERE batch = $1 AND line IS NULL ORDER BY n LIMIT $2`, id, int64(limit))
	return list, err
}

// storedLine is a batch.Line in the database.
type storedLine struct {
	Name    string          `json:"name"`
	Verdict string          `json:"verdict"`
	JSON    json.RawMessage `json:"json"`
}

func (x batchTx) PutLines(id string, lines []batch.Numbered[batch.Line]) error {
	for _, l := range lines {
		var body bytes.Buffer
		encoder := json.NewEncoder(&body)
		encoder.SetEscapeHTML(false) // the line comes out byte for byte
		if err := encoder.Encode(storedLine{l.Value.Name, l.Value.Verdict, l.Value.JSON}); err != nil {
			return err
		}
		row := fmt.Sprintf("%s/%d", id, l.N)
		err := x.exec(`UPDATE verification_files SET line = $1, document = NULL, content = NULL WHERE batch = $2 AND n = $3 AND line IS NULL`,
			x.hide("verification_files.line", row, body.Bytes()), id, int64(l.N))
		if err != nil {
			return err
		}
	}
	return nil
}

func (x batchTx) Lines(id string, from, limit int) ([]batch.Numbered[batch.Line], error) {
	var list []batch.Numbered[batch.Line]
	err := x.all(func(scan func(...any) error) error {
		var n int64
		var row string
		var raw []byte
		if err := scan(&n, &row, x.shown(&raw, "verification_files.line", &row)); err != nil {
			return err
		}
		var l storedLine
		if err := json.Unmarshal(raw, &l); err != nil {
			return fmt.Errorf("batch %s: line %d: %w", id, n, err)
		}
		list = append(list, batch.Numbered[batch.Line]{N: int(n), Value: batch.Line{Name: l.Name, Verdict: l.Verdict, JSON: l.JSON}})
		return nil
	}, `SELECT n, row, line FROM verification_files WHERE batch = $1 AND n >= $2 AND line IS NOT NULL ORDER BY n LIMIT $3`, id, int64(from), int64(limit))
	return list, err
}

func (x batchTx) RemoveBatch(id string) error {
	if err := x.exec(`DELETE FROM verification_files WHERE batch = $1`, id); err != nil {
		return err
	}
	return x.exec(`DELETE FROM verification_batches WHERE id = $1`, id)
}

func (x batchTx) OldBatches(erased, received time.Time) ([]string, error) {
	var list []string
	err := x.all(func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		list = append(list, id)
		return err
	}, `SELECT id FROM verification_batches WHERE erased < $1 OR state = $2 AND created < $3`, erased.UnixMilli(), string(batch.Receiving), received.UnixMilli())
	return list, err
}
