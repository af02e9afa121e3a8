// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"encoding/json"
	"time"
)

// Terms are how long personal data stay that the law does not keep; docs/PRIVACY.md tells them. Zero fields keep for good.
type Terms struct {
	Drafts   time.Duration // since they were begun; one with a payment stays
	Sessions time.Duration // since they ended or were last used
	Events   time.Duration // of the journal of log-ins
}

// Erased is how much was erased.
type Erased struct{ Drafts, Sessions, Events, Blobs int64 }

// eraseAtOnce bounds the drafts of one transaction, so that no decision waits for long.
const eraseAtOnce = 100

// Erase removes what is older than its term. Licences, decisions, registered applications and the log stay.
func (s *Store) Erase(ctx context.Context, now time.Time, terms Terms) (done Erased, err error) {
	before := func(term time.Duration) int64 {
		if term <= 0 {
			return 0
		}
		return now.Add(-term).UnixMilli()
	}
	err = s.update(ctx, func(x *tx) error {
		for _, e := range []struct {
			count *int64
			where string
			until int64
		}{
			{&done.Sessions, `FROM sessions WHERE seen < $1`, before(terms.Sessions)},
			{&done.Events, `FROM account_events WHERE at < $1`, before(terms.Events)},
		} {
			if err := x.one([]any{e.count}, `SELECT count(*) `+e.where, e.until); err != nil {
				return err
			}
			if err := x.exec(`DELETE `+e.where, e.until); err != nil {
				return err
			}
		}
		return nil
	})
	for err == nil {
		var drafts, blobs int64
		err = s.update(ctx, func(x *tx) error {
			drafts, blobs, err = x.eraseDrafts(before(terms.Drafts))
			return err
		})
		done.Drafts, done.Blobs = done.Drafts+drafts, done.Blobs+blobs
		if drafts < eraseAtOnce {
			break
		}
	}
	return done, err
}

// eraseDrafts removes drafts that were never registered, with the attachments that nothing else names.
func (x *tx) eraseDrafts(until int64) (drafts, blobs int64, err error) {
	if err := x.aloneWithDrafts(); err != nil {
		return 0, 0, err
	}
	ids, err := x.strings(`SELECT id FROM applications a WHERE status = 'draft' AND created < $1
		AND NOT EXISTS (SELECT 1 FROM payments p WHERE p.application = a.id) AND NOT EXISTS (SELECT 1 FROM serials s WHERE s.application = a.id)
		AND NOT EXISTS (SELECT 1 FROM cases c WHERE c.application = a.id) AND NOT EXISTS (SELECT 1 FROM amendments m WHERE m.application = a.id)
		ORDER BY seq LIMIT $2`, until, int64(eraseAtOnce))
	if err != nil || len(ids) == 0 {
		return 0, 0, err
	}
	names := map[string]bool{}
	for _, id := range ids {
		list, err := x.strings(`SELECT sha256 FROM attachments WHERE application = $1`, id)
		if err != nil {
			return 0, 0, err
		}
		for _, name := range list {
			names[name] = true
		}
		for _, table := range []string{`DELETE FROM attachments WHERE application = $1`, `DELETE FROM attempts WHERE application = $1`, `DELETE FROM applications WHERE id = $1`} {
			if err := x.exec(table, id); err != nil {
				return 0, 0, err
			}
		}
	}
	if len(names) > 0 {
		// What corrections attach stands in their bodies.
		if err := x.spareAmended(names); err != nil {
			return 0, 0, err
		}
	}
	for name := range names {
		const free = `FROM blobs WHERE sha256 = $1 AND NOT EXISTS (SELECT 1 FROM attachments a WHERE a.sha256 = $1)
			AND NOT EXISTS (SELECT 1 FROM licences l WHERE l.pdf = $1) AND NOT EXISTS (SELECT 1 FROM licence_appendices l WHERE l.pdf = $1)
			AND NOT EXISTS (SELECT 1 FROM renewals r WHERE r.signed = $1 OR r.pdf = $1)`
		var n int64
		if err := x.one([]any{&n}, `SELECT count(*) `+free, name); err != nil {
			return 0, 0, err
		}
		if err := x.exec(`DELETE `+free, name); err != nil {
			return 0, 0, err
		}
		// The bytes in the blob store are named by nothing now: the sweep removes them.
		if x.s.kept.forget(name); n > 0 {
			blobs += n
		}
	}
	return int64(len(ids)), blobs, nil
}

func (x *tx) spareAmended(names map[string]bool) error {
	return x.all(func(scan func(...any) error) error {
		var application string
		var raw []byte
		if err := scan(&application, x.shown(&raw, "amendments.body", &application)); err != nil {
			return err
		}
		var body amendmentBody
		if err := json.Unmarshal(raw, &body); err != nil {
			return err
		}
		for _, a := range body.Attachments {
			delete(names, a.SHA256)
		}
		return nil
	}, `SELECT application, body FROM amendments`)
}

func (x *tx) strings(query string, args ...any) (list []string, err error) {
	err = x.all(func(scan func(...any) error) error {
		var s string
		err := scan(&s)
		list = append(list, s)
		return err
	}, query, args...)
	return list, err
}
