// SPDX-License-Identifier: Apache-2.0

package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"rastau/licensing"
)

// Case is who works on an application; one that nobody has claimed has no row.
func (x *tx) Case(application string) (*licensing.Case, error) {
	c := &licensing.Case{Application: application}
	var since sql.NullInt64
	err := x.one([]any{&c.Officer, &since, &c.Version}, `SELECT officer, since, version FROM cases WHERE application = $1`, application)
	if err != nil && !errors.Is(err, licensing.ErrNotFound) {
		return nil, err
	}
	c.Since = maybe(since)
	return c, nil
}

// PutCase writes it where it is still the version that was read.
func (x *tx) PutCase(c *licensing.Case) error {
	return x.must(fmt.Errorf("%w: somebody else was faster", licensing.ErrState),
		`INSERT INTO cases (application, officer, since, version) VALUES ($1, $2, $3, $4)
		ON CONFLICT (application) DO UPDATE SET officer = excluded.officer, since = excluded.since, version = excluded.version WHERE cases.version = excluded.version - 1`,
		c.Application, c.Officer, millis(c.Since), c.Version+1)
}

// Queue lists registered applications, the nearest deadline first.
func (x *tx) Queue(f licensing.QueueFilter) ([]licensing.QueueLine, error) {
	where := []string{`a.status = 'registered'`}
	var args []any
	arg := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	if f.Service != "" {
		where = append(where, `a.service = `+arg(f.Service))
	}
	if len(f.Services) > 0 {
		where = append(where, `a.service IN (`+list(arg, f.Services)+`)`)
	}
	if f.Number != "" {
		where = append(where, `a.number = `+arg(f.Number))
	}
	from := `applications a` + x.along(f.Service) + ` LEFT JOIN cases c ON c.application = a.id`
	switch {
	case f.Number != "":
		from = `applications a LEFT JOIN cases c ON c.application = a.id`
	case f.Officer != "":
		from = `cases c CROSS JOIN applications a` // SQLite keeps the order of a CROSS JOIN: first the officer's cases
		where = append(where, `a.id = c.application`)
	}
	if f.Officer != "" {
		where = append(where, `c.officer = `+arg(f.Officer))
	}
	if f.Unclaimed {
		where = append(where, `coalesce(c.officer, '') = ''`)
	}
	if !f.DueBefore.IsZero() {
		where = append(where, `a.deadline < `+arg(f.DueBefore.UnixMilli()))
	}
	behind, order := `>`, ` ORDER BY a.deadline, a.id LIMIT `
	if f.Farthest {
		behind, order = `<`, ` ORDER BY a.deadline DESC, a.id DESC LIMIT `
	}
	if f.AfterID != "" {
		where = append(where, `(a.deadline, a.id) `+behind+` (`+arg(f.AfterDue.UnixMilli())+`, `+arg(f.AfterID)+`)`)
	}
	lines := []licensing.QueueLine{}
	err := x.all(func(scan func(...any) error) error {
		var q licensing.QueueLine
		var registered, deadline int64
		var since sql.NullInt64
		err := scan(&q.ID, &q.Number, &q.Service, &q.Operation, &registered, &deadline, &q.Officer, &since)
		q.Registered, q.Deadline, q.Since = moment(registered), moment(deadline), maybe(since)
		lines = append(lines, q)
		return err
	}, `SELECT a.id, a.number, a.service, a.operation, a.registered, a.deadline, coalesce(c.officer, ''), c.since
		FROM `+from+` WHERE `+strings.Join(where, ` AND `)+order+arg(f.Limit), args...)
	return lines, err
}

// along names the index that leads through the queue by deadline, of one service or of all.
func (x *tx) along(service string) string {
	switch {
	case x.d.indexed == "":
		return ""
	case service != "":
		return x.d.indexed + ` applications_queue_service`
	}
	return x.d.indexed + ` applications_queue`
}

// list writes values as the members of an IN.
func list(arg func(any) string, values []string) string {
	places := make([]string, len(values))
	for i, v := range values {
		places[i] = arg(v)
	}
	return strings.Join(places, `, `)
}

// Due counts what must be decided from a moment until before another, up to limit.
func (x *tx) Due(services []string, from, until time.Time, limit int) (n int, err error) {
	args := []any{from.UnixMilli(), until.UnixMilli()}
	arg := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	where := `status = 'registered' AND deadline >= $1 AND deadline < $2`
	if len(services) > 0 {
		where += ` AND service IN (` + list(arg, services) + `)`
	}
	err = x.one([]any{&n}, `SELECT count(*) FROM (SELECT 1 FROM applications`+x.along("")+` WHERE `+where+` LIMIT `+arg(limit)+`) AS found`, args...)
	return n, err
}

// OpenAppeals are applications whose last appeal has no answer yet, the oldest appeal first.
func (x *tx) OpenAppeals(services []string, limit int) ([]string, error) {
	var args []any
	arg := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	of := ``
	if len(services) > 0 {
		of = ` AND a.service IN (` + list(arg, services) + `)`
	}
	ids := []string{}
	err := x.all(func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		ids = append(ids, id)
		return err
	}, `SELECT e.subject FROM events e JOIN applications a ON a.id = e.subject WHERE e.kind = 'appeal'`+of+` AND NOT EXISTS
		(SELECT 1 FROM events l WHERE l.subject = e.subject AND l.kind = 'appeal-answered' AND l.seq > e.seq) ORDER BY e.at, e.subject LIMIT `+arg(limit), args...)
	return ids, err
}

// OpenTasks are events that began tasks which nothing has ended, of the services, the oldest first.
func (x *tx) OpenTasks(services []string, limit int) ([]licensing.Event, error) {
	var args []any
	arg := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	of := ``
	if len(services) > 0 {
		of = ` AND a.service IN (` + list(arg, services) + `)`
	}
	list := []licensing.Event{}
	err := x.all(func(scan func(...any) error) error {
		var e licensing.Event
		var at int64
		var body []byte
		err := scan(&e.Subject, &e.Seq, &at, &e.Actor, &e.Kind, x.shown(&body, "events.body", &e.Subject))
		e.At, e.Body = moment(at), body
		list = append(list, e)
		return err
	}, `SELECT e.subject, e.seq, e.at, e.actor, e.kind, e.body FROM events e
		LEFT JOIN licences l ON l.number = e.subject JOIN applications a ON a.id = coalesce(l.application, e.subject)
		WHERE e.kind LIKE 'task-%' AND coalesce(l.state, '') <> 'terminated'`+of+` AND NOT EXISTS
		(SELECT 1 FROM events d WHERE d.subject = e.subject AND d.seq > e.seq AND d.kind = 'done-' || substr(e.kind, 6)) ORDER BY e.at, e.subject LIMIT `+arg(limit), args...)
	return list, err
}

// AddEvent gives the event its number.
func (x *tx) AddEvent(e *licensing.Event) error {
	var body any
	if e.Body != nil {
		body = x.hide("events.body", e.Subject, e.Body)
	}
	return x.exec(`INSERT INTO events (subject, seq, at, actor, kind, body)
		VALUES ($1, (SELECT coalesce(max(seq), 0) + 1 FROM events WHERE subject = $1), $2, $3, $4, $5)`, e.Subject, e.At.UnixMilli(), e.Actor, e.Kind, body)
}

// Events of a subject, oldest first.
func (x *tx) Events(subject string) ([]licensing.Event, error) {
	list := []licensing.Event{}
	err := x.all(func(scan func(...any) error) error {
		e := licensing.Event{Subject: subject}
		var at int64
		var body []byte
		err := scan(&e.Seq, &at, &e.Actor, &e.Kind, x.shown(&body, "events.body", &subject))
		e.At, e.Body = moment(at), body
		list = append(list, e)
		return err
	}, `SELECT seq, at, actor, kind, body FROM events WHERE subject = $1 ORDER BY seq`, subject)
	return list, err
}

// amendmentBody is what is never searched for.
type amendmentBody struct {
	Applicant   licensing.Applicant    `json:"applicant"`
	Fields      json.RawMessage        `json:"fields"`
	Attachments []licensing.Attachment `json:"attachments"`
}

// PutAmendment keeps one that waits for its signature.
func (x *tx) PutAmendment(m *licensing.AmendmentRecord) error {
	body, err := json.Marshal(amendmentBody{m.Applicant, m.Fields, m.Attachments})
	if err != nil {
		return err
	}
	if err := x.exec(`DELETE FROM amendments WHERE application = $1 AND accepted IS NULL`, m.Application); err != nil {
		return err
	}
	if err := x.one([]any{&m.Seq}, `SELECT coalesce(max(seq), 0) + 1 FROM amendments WHERE application = $1`, m.Application); err != nil {
		return err
	}
	return x.exec(`INSERT INTO amendments (application, seq, created, body, package) VALUES ($1, $2, $3, $4, $5)`,
		m.Application, m.Seq, m.Created.UnixMilli(), x.hide("amendments.body", m.Application, body), x.hide("amendments.package", m.Application, m.Package))
}

// PendingAmendment is the one that waits for its signature.
func (x *tx) PendingAmendment(application string) (*licensing.AmendmentRecord, error) {
	return x.amendment(`application = $1 AND accepted IS NULL`, application)
}

// Amendment is the last accepted one.
func (x *tx) Amendment(application string) (*licensing.AmendmentRecord, error) {
	return x.amendment(`application = $1 AND accepted IS NOT NULL ORDER BY seq DESC LIMIT 1`, application)
}

// AmendmentNumbered is one of them.
func (x *tx) AmendmentNumbered(application string, seq int) (*licensing.AmendmentRecord, error) {
	return x.amendment(`application = $1 AND seq = $2`, application, seq)
}

func (x *tx) amendment(where string, args ...any) (*licensing.AmendmentRecord, error) {
	m := &licensing.AmendmentRecord{}
	var created int64
	var accepted, entry sql.NullInt64
	var body []byte
	err := x.one([]any{&m.Application, &m.Seq, &created, x.shown(&body, "amendments.body", &m.Application), x.shown(&m.Package, "amendments.package", &m.Application),
		&accepted, x.shown(&m.Signature, "amendments.signature", &m.Application), x.shown(&m.Stamped, "amendments.stamped", &m.Application),
		x.shown(&m.Report, "amendments.report", &m.Application), &entry},
		`SELECT application, seq, created, body, package, accepted, signature, stamped, report, entry FROM amendments WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	var b amendmentBody
	if err := json.Unmarshal(body, &b); err != nil {
		return nil, fmt.Errorf("a correction of %s: %w", m.Application, err)
	}
	m.Created, m.Accepted, m.Entry = moment(created), maybe(accepted), entry.Int64
	m.Applicant, m.Fields, m.Attachments = b.Applicant, b.Fields, b.Attachments
	return m, nil
}

// AcceptAmendment writes signature and evidence of the one that waits.
func (x *tx) AcceptAmendment(m *licensing.AmendmentRecord) error {
	return x.must(fmt.Errorf("%w: the correction was made anew meanwhile", licensing.ErrState),
		`UPDATE amendments SET accepted = $1, signature = $2, stamped = $3, report = $4, entry = $5
		WHERE application = $6 AND seq = $7 AND accepted IS NULL AND created = $8`,
		millis(m.Accepted), x.hide("amendments.signature", m.Application, m.Signature), x.hide("amendments.stamped", m.Application, m.Stamped),
		x.hide("amendments.report", m.Application, m.Report), m.Entry, m.Application, m.Seq, m.Created.UnixMilli())
}

// batchBody keeps who decides beside what is shown.
type batchBody struct {
	Batch   licensing.Batch `json:"batch"`
	Officer licensing.Actor `json:"officer"`
}

// PutBatch keeps a batch or what has become of it.
func (x *tx) PutBatch(b *licensing.Batch) error {
	body, err := json.Marshal(batchBody{*b, b.Officer})
	if err != nil {
		return err
	}
	return x.exec(`INSERT INTO batches (id, created, body, officer) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO UPDATE SET body = excluded.body`,
		b.ID, b.Created.UnixMilli(), x.hide("batches.body", b.ID, body), b.Officer.ID)
}

// Batches of an officer, newest first.
func (x *tx) Batches(officer string, limit int) ([]licensing.Batch, error) {
	ids := []string{}
	err := x.all(func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		ids = append(ids, id)
		return err
	}, `SELECT id FROM batches WHERE officer = $1 ORDER BY created DESC, id LIMIT $2`, officer, limit)
	if err != nil {
		return nil, err
	}
	batches := make([]licensing.Batch, 0, len(ids))
	for _, id := range ids {
		b, err := x.Batch(id)
		if err != nil {
			return nil, err
		}
		batches = append(batches, *b)
	}
	return batches, nil
}

// Batch reads one.
func (x *tx) Batch(id string) (*licensing.Batch, error) {
	var raw []byte
	if err := x.one([]any{x.shown(&raw, "batches.body", &id)}, `SELECT body FROM batches WHERE id = $1`, id); err != nil {
		return nil, err
	}
	var b batchBody
	if err := json.Unmarshal(raw, &b); err != nil {
		return nil, fmt.Errorf("batch %s: %w", id, err)
	}
	b.Batch.Officer = b.Officer
	return &b.Batch, nil
}

// Statistics by service and operation.
func (x *tx) Statistics(from, until, now time.Time) ([]licensing.Figures, error) {
	list := []licensing.Figures{}
	err := x.all(func(scan func(...any) error) error {
		var f licensing.Figures
		err := scan(&f.Service, &f.Operation, &f.Waiting, &f.Overdue, &f.Approved, &f.Refused, &f.Late, &f.MeanHours, &f.SlowestHours)
		list = append(list, f)
		return err
	}, `SELECT service, operation,
			coalesce(sum(CASE WHEN status = 'registered' THEN 1 ELSE 0 END), 0),
			coalesce(sum(CASE WHEN status = 'registered' AND deadline < $3 THEN 1 ELSE 0 END), 0),
			coalesce(sum(CASE WHEN status = 'approved' THEN 1 ELSE 0 END), 0),
			coalesce(sum(CASE WHEN status = 'refused' THEN 1 ELSE 0 END), 0),
			coalesce(sum(CASE WHEN decided > deadline THEN 1 ELSE 0 END), 0),
			CAST(coalesce(avg(decided - registered), 0) / 3600000 AS BIGINT),
			coalesce(max(decided - registered), 0) / 3600000
		FROM applications WHERE registered >= $1 AND registered < $2 GROUP BY service, operation ORDER BY service, operation`,
		from.UnixMilli(), until.UnixMilli(), now.UnixMilli())
	return list, err
}
