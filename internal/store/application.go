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
	Fields    json.RawMessage     `json:"fields,omitempty"`
	OnPaper   bool                `json:"onPaper,omitempty"`
	Payment   licensing.Payment   `json:"payment"`
	Lang      phrase.Lang         `json:"lang"`
}

const applicationColumns = `id, number, status, service, operation, owner, body, package, created, registered, deadline, decided, licence, refusal`

// Application reads one by id.
func (x *tx) Application(id string) (*licensing.Application, error) {
	return x.application(` WHERE id = $1`, id)
}

// ApplicationNumbered reads one by the number it got at registration.
func (x *tx) ApplicationNumbered(number string) (*licensing.Application, error) {
	return x.application(` WHERE number = $1`, number)
}

func (x *tx) application(where, key string) (*licensing.Application, error) {
	list, err := x.applications(where, key)
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
	add := func(clause string, arg any) {
		args = append(args, arg)
		where = append(where, fmt.Sprintf(clause, len(args)))
	}
	if f.Owner != "" {
		add(`owner = $%d`, f.Owner)
	}
	if f.Status != "" {
		add(`status = $%d`, string(f.Status))
	}
	if f.Holder != "" {
		add(`holder = $%d`, x.digest("applicant", f.Holder))
	}
	if f.NotDrafts {
		where = append(where, `status <> 'draft'`)
	}
	rest := ""
	if len(where) > 0 {
		rest = ` WHERE ` + strings.Join(where, ` AND `)
	}
	rest += ` ORDER BY seq DESC, id`
	if f.Limit > 0 {
		args = append(args, f.Limit)
		rest += fmt.Sprintf(` LIMIT $%d`, len(args))
	}
	return x.applications(rest, args...)
}

// applications reads whole applications with their attachments in one question.
func (x *tx) applications(rest string, args ...any) ([]licensing.Application, error) {
	list := []licensing.Application{}
	err := x.all(func(scan func(...any) error) error {
		a, err := x.scanApplication(scan)
		list = append(list, a)
		return err
	}, `SELECT `+applicationColumns+`, `+x.d.attachments+` FROM applications`+rest, args...)
	return list, err
}

func (x *tx) scanApplication(scan func(...any) error) (a licensing.Application, err error) {
	var number, licence sql.NullString
	var created int64
	var registered, deadline, decided sql.NullInt64
	var body, refusal, attachments []byte
	err = scan(&a.ID, &number, &a.Status, &a.Service, &a.Operation, &a.Owner, x.shown(&body, "applications.body", &a.ID), x.shown(&a.Package, "applications.package", &a.ID),
		&created, &registered, &deadline, &decided, &licence, x.shown(&refusal, "applications.refusal", &a.ID), &attachments)
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
	if a.Created = moment(created); a.Package == nil {
		a.Package = []byte{} // a driver's word for no bytes: the draft is open
	}
	a.Registered, a.Deadline, a.Decided = maybe(registered), maybe(deadline), maybe(decided)
	if refusal != nil {
		a.Refusal = new(licensing.Message)
		if err := json.Unmarshal(refusal, a.Refusal); err != nil {
			return a, fmt.Errorf("application %s: %w", a.ID, err)
		}
	}
	a.Attachments = []licensing.Attachment{}
	if attachments != nil {
		if err := json.Unmarshal(attachments, &a.Attachments); err != nil {
			return a, fmt.Errorf("attachments of application %s: %w", a.ID, err)
		}
	}
	for i := range a.Attachments {
		at := &a.Attachments[i]
		if at.Name, err = x.showText("attachments.name", a.ID, at.Name); err != nil {
			return a, err
		}
	}
	return a, nil
}

// AddApplication writes a draft with its attachments, whose bytes must be there as blobs. On PostgreSQL two that come at the same
// time may get the same place in the list.
func (x *tx) AddApplication(a *licensing.Application) error {
	body, err := bodyOf(a)
	if err != nil {
		return err
	}
	err = x.exec(`INSERT INTO applications (id, seq, status, service, operation, owner, body, package, created, holder)
		VALUES ($1, (SELECT coalesce(max(seq), 0) + 1 FROM applications), $2, $3, $4, $5, $6, $7, $8, $9)`,
		a.ID, string(a.Status), a.Service, a.Operation, a.Owner, x.hide("applications.body", a.ID, body), x.hide("applications.package", a.ID, sealedPackage(a)), a.Created.UnixMilli(), x.holder(a))
	if err != nil {
		return err
	}
	return x.addAttachments(a)
}

// ChangeDraft writes over a draft whose package is empty.
func (x *tx) ChangeDraft(a *licensing.Application) error {
	body, err := bodyOf(a)
	if err != nil {
		return err
	}
	if err := x.amongDrafts(); err != nil {
		return err
	}
	err = x.must(fmt.Errorf("application %s: %w", a.ID, licensing.ErrState),
		`UPDATE applications SET operation = $1, body = $2, package = $3, holder = $4 WHERE id = $5 AND status = 'draft' AND length(package) = 0`,
		a.Operation, x.hide("applications.body", a.ID, body), x.hide("applications.package", a.ID, sealedPackage(a)), x.holder(a), a.ID)
	if err != nil {
		return err
	}
	if err := x.exec(`DELETE FROM attachments WHERE application = $1`, a.ID); err != nil {
		return err
	}
	return x.addAttachments(a)
}

func bodyOf(a *licensing.Application) ([]byte, error) {
	return json.Marshal(applicationBody{
		Channel: a.Channel, About: a.About, Applicant: a.Applicant, Clerk: a.Clerk, Fields: a.Fields, OnPaper: a.OnPaper, Payment: a.Payment, Lang: a.Lang,
	})
}

// sealedPackage is empty, not absent, while the draft is open.
func sealedPackage(a *licensing.Application) []byte {
	if a.Package == nil {
		return []byte{}
	}
	return a.Package
}

// holder is what an applicant's applications are found by.
func (x *tx) holder(a *licensing.Application) any {
	switch {
	case a.Applicant.IIN != "":
		return x.digest("applicant", a.Applicant.IIN)
	case a.Applicant.BIN != "":
		return x.digest("applicant", a.Applicant.BIN)
	}
	return nil
}

func (x *tx) addAttachments(a *licensing.Application) error {
	if len(a.Attachments) == 0 {
		return nil
	}
	var args []any
	for i, at := range a.Attachments {
		args = append(args, a.ID, i, at.Document, x.hideText("attachments.name", a.ID, at.Name), at.Type, at.Size, at.SHA256)
	}
	return x.exec(`INSERT INTO attachments (application, position, document, name, type, size, sha256) VALUES `+places(len(a.Attachments), 7), args...)
}

// places writes ($1, $2), ($3, $4) … for several rows.
func places(rows, columns int) string {
	var b strings.Builder
	for i := range rows * columns {
		switch {
		case i == 0:
			b.WriteString("(")
		case i%columns == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", i+1)
	}
	b.WriteString(")")
	return b.String()
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
	return x.must(missing("application %s", a.ID),
		`UPDATE applications SET number = $1, status = $2, registered = $3, deadline = $4, decided = $5, licence = $6, refusal = $7 WHERE id = $8`,
		absent(a.Number), string(a.Status), millis(a.Registered), millis(a.Deadline), millis(a.Decided), absent(a.Licence), x.hide("applications.refusal", a.ID, refusal), a.ID)
}

// Enter is MoveApplication of a draft that holds this serial.
func (x *tx) Enter(a *licensing.Application, series string, serial int64) error {
	return x.must(fmt.Errorf("application %s: %w", a.ID, licensing.ErrOvertaken),
		`UPDATE applications SET number = $1, status = $2, registered = $3, deadline = $4 WHERE id = $5 AND status = 'draft'
		AND EXISTS (SELECT 1 FROM serials WHERE series = $6 AND serial = $7 AND application = $5)`,
		absent(a.Number), string(a.Status), millis(a.Registered), millis(a.Deadline), a.ID, series, serial)
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
