// SPDX-License-Identifier: Apache-2.0

package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"rastau/internal/phrase"
	"rastau/licensing"
)

// applicationBody is what is never searched for.
type applicationBody struct {
	Channel   licensing.Channel   `json:"channel"`
	About     string              `json:"about,omitempty"`
	Applicant licensing.Applicant `json:"applicant"`
	Clerk     *licensing.Clerk    `json:"clerk,omitempty"`
	Fields    json.RawMessage     `json:"fields"`
	OnPaper   bool                `json:"onPaper,omitempty"`
	Payment   licensing.Payment   `json:"payment"`
	Lang      phrase.Lang         `json:"lang"`
}

const applicationColumns = `id, number, status, service, operation, owner, body, package, created, registered, deadline, decided, licence, refusal`

// Application reads one by id.
func (x *tx) Application(id string) (*licensing.Application, error) {
	return x.application(`SELECT `+applicationColumns+` FROM applications WHERE id = ?`, id)
}

// ApplicationNumbered reads one by the number it got at registration.
func (x *tx) ApplicationNumbered(number string) (*licensing.Application, error) {
	return x.application(`SELECT `+applicationColumns+` FROM applications WHERE number = ?`, number)
}

func (x *tx) application(query, key string) (*licensing.Application, error) {
	list, err := x.applications(query, key)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, licensing.ErrNotFound
	}
	return &list[0], nil
}

// Applications lists, newest first.
func (x *tx) Applications(f licensing.Filter) ([]licensing.Application, error) {
	var where []string
	var args []any
	add := func(clause string, arg ...any) { where, args = append(where, clause), append(args, arg...) }
	if f.Owner != "" {
		add(`owner = ?`, f.Owner)
	}
	if f.Status != "" {
		add(`status = ?`, string(f.Status))
	}
	if f.NotDrafts {
		add(`status <> 'draft'`)
	}
	query := `SELECT ` + applicationColumns + ` FROM applications`
	if len(where) > 0 {
		query += ` WHERE ` + strings.Join(where, ` AND `)
	}
	query += ` ORDER BY seq DESC`
	if f.Limit > 0 {
		query += ` LIMIT ?`
		args = append(args, f.Limit)
	}
	return x.applications(query, args...)
}

func (x *tx) applications(query string, args ...any) ([]licensing.Application, error) {
	rows, err := x.t.QueryContext(x.ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []licensing.Application{}
	for rows.Next() {
		a, err := scanApplication(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].Attachments, err = x.attachments(list[i].ID); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func scanApplication(rows *sql.Rows) (a licensing.Application, err error) {
	var number, licence sql.NullString
	var created int64
	var registered, deadline, decided sql.NullInt64
	var body, refusal []byte
	err = rows.Scan(&a.ID, &number, &a.Status, &a.Service, &a.Operation, &a.Owner, &body, &a.Package,
		&created, &registered, &deadline, &decided, &licence, &refusal)
	if err != nil {
		return a, err
	}
	var b applicationBody
	if err := json.Unmarshal(body, &b); err != nil {
		return a, fmt.Errorf("application %s: %w", a.ID, err)
	}
	a.Applicant, a.Fields, a.Payment, a.Lang = b.Applicant, b.Fields, b.Payment, b.Lang
	a.About, a.Clerk, a.OnPaper = b.About, b.Clerk, b.OnPaper
	if a.Channel = b.Channel; a.Channel == "" {
		a.Channel = licensing.ChannelPortal // written before there were others
	}
	a.Number, a.Licence = number.String, licence.String
	a.Created = moment(created)
	a.Registered, a.Deadline, a.Decided = maybe(registered), maybe(deadline), maybe(decided)
	if refusal != nil {
		a.Refusal = new(licensing.Message)
		if err := json.Unmarshal(refusal, a.Refusal); err != nil {
			return a, fmt.Errorf("application %s: %w", a.ID, err)
		}
	}
	return a, nil
}

func (x *tx) attachments(application string) ([]licensing.Attachment, error) {
	rows, err := x.t.QueryContext(x.ctx, `SELECT document, name, type, size, sha256 FROM attachments WHERE application = ? ORDER BY position`, application)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []licensing.Attachment{}
	for rows.Next() {
		var a licensing.Attachment
		if err := rows.Scan(&a.Document, &a.Name, &a.Type, &a.Size, &a.SHA256); err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, rows.Err()
}

// AddApplication writes a draft with its attachments, whose bytes must be there as blobs.
func (x *tx) AddApplication(a *licensing.Application) error {
	body, err := json.Marshal(applicationBody{
		Channel: a.Channel, About: a.About, Applicant: a.Applicant, Clerk: a.Clerk, Fields: a.Fields, OnPaper: a.OnPaper, Payment: a.Payment, Lang: a.Lang,
	})
	if err != nil {
		return err
	}
	err = x.exec(`INSERT INTO applications (id, seq, status, service, operation, owner, body, package, created)
		VALUES (?, (SELECT coalesce(max(seq), 0) + 1 FROM applications), ?, ?, ?, ?, ?, ?, ?)`,
		a.ID, string(a.Status), a.Service, a.Operation, a.Owner, body, a.Package, a.Created.UnixMilli())
	if err != nil {
		return err
	}
	for i, at := range a.Attachments {
		err := x.exec(`INSERT INTO attachments (application, position, document, name, type, size, sha256) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			a.ID, i, at.Document, at.Name, at.Type, at.Size, at.SHA256)
		if err != nil {
			return err
		}
	}
	return nil
}

// MoveApplication writes what changes on the way: number, status, times, licence, refusal.
func (x *tx) MoveApplication(a *licensing.Application) error {
	var refusal []byte
	if a.Refusal != nil {
		var err error
		if refusal, err = json.Marshal(a.Refusal); err != nil {
			return err
		}
	}
	res, err := x.t.ExecContext(x.ctx, `UPDATE applications SET number = ?, status = ?, registered = ?, deadline = ?, decided = ?, licence = ?, refusal = ? WHERE id = ?`,
		absent(a.Number), string(a.Status), millis(a.Registered), millis(a.Deadline), millis(a.Decided), absent(a.Licence), refusal, a.ID)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return fmt.Errorf("application %s: %w (%d rows, %v)", a.ID, licensing.ErrNotFound, n, err)
	}
	return nil
}

// absent is NULL for "".
func absent(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func millis(t *time.Time) any {
	if t == nil {
		return nil
	}
	return t.UnixMilli()
}

func moment(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func maybe(ms sql.NullInt64) *time.Time {
	if !ms.Valid {
		return nil
	}
	t := moment(ms.Int64)
	return &t
}
