// SPDX-License-Identifier: Apache-2.0

package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"rastau/internal/account"
	"rastau/licensing"
)

// FileOf names what a registered page is of: a licence's number, or an appendix as its licence's and its own.
func (x *tx) FileOf(sha256 string) (subject string, err error) {
	err = x.one([]any{&subject}, `SELECT number FROM licences WHERE pdf = $1
		UNION ALL SELECT licence FROM licence_appendices WHERE pdf = $1
		UNION ALL SELECT subject FROM renewals WHERE pdf = $1 AND pdf <> signed LIMIT 1`, sha256)
	number, _, _ := strings.Cut(subject, "/")
	return number, err
}

// Signers are the lines that administrators added, oldest first, with what was ended.
func (x *tx) Signers() (list []licensing.Authority, ends map[string]time.Time, err error) {
	ends = map[string]time.Time{}
	err = x.all(func(scan func(...any) error) error {
		var a licensing.Authority
		var line, position string
		var from int64
		var until sql.NullInt64
		if err := scan(&line, &a.Officer, &a.Name, &position, &a.Licensor, &a.Certificate, &from, &until); err != nil {
			return err
		}
		a.From = moment(from)
		if until.Valid {
			a.Until = moment(until.Int64)
		}
		list = append(list, a)
		return json.Unmarshal([]byte(position), &list[len(list)-1].Position)
	}, `SELECT line, officer, name, position, licensor, certificate, from_at, until_at FROM signers ORDER BY from_at, line`)
	if err != nil {
		return nil, nil, fmt.Errorf("table of signers: %w", err)
	}
	err = x.all(func(scan func(...any) error) error {
		var line string
		var until int64
		err := scan(&line, &until)
		ends[line] = moment(until)
		return err
	}, `SELECT line, until_at FROM signer_ends`)
	return list, ends, err
}

// AddSigner keeps a line; ErrState where it is there.
func (x *tx) AddSigner(line string, a licensing.Authority) error {
	position, err := json.Marshal(a.Position)
	if err != nil {
		return err
	}
	var until any
	if !a.Until.IsZero() {
		until = a.Until.UnixMilli()
	}
	return x.must(licensing.ErrState, `INSERT INTO signers (line, officer, name, position, licensor, certificate, from_at, until_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`, line, a.Officer, a.Name, string(position), a.Licensor, a.Certificate, a.From.UnixMilli(), until)
}

// EndSigner says from when a line no longer holds; ErrState where that was said already.
func (x *tx) EndSigner(line string, until time.Time) error {
	return x.must(licensing.ErrState, `INSERT INTO signer_ends (line, until_at) VALUES ($1, $2) ON CONFLICT DO NOTHING`, line, until.UnixMilli())
}

func (a accounts) AddKey(ctx context.Context, k *account.Key, e account.Event) error {
	return a.update(ctx, func(x *tx) error {
		err := x.must(account.ErrTaken, `INSERT INTO api_keys (id, name, roles, token, created, made_by, revoked_by) VALUES ($1, $2, $3, $4, $5, $6, '') ON CONFLICT DO NOTHING`,
			k.ID, k.Name, rolesText(k.Roles), k.TokenSHA256, k.Created.UnixMilli(), k.By)
		if err != nil {
			return err
		}
		return x.addEvent(e)
	})
}

func (a accounts) RevokeKey(ctx context.Context, id string, e account.Event) error {
	return a.update(ctx, func(x *tx) error {
		err := x.must(account.ErrUnknown, `UPDATE api_keys SET revoked = $1, revoked_by = $2 WHERE id = $3 AND revoked IS NULL`, e.At.UnixMilli(), e.By, id)
		if err != nil {
			return err
		}
		return x.addEvent(e)
	})
}

const keyColumns = `id, name, roles, token, created, made_by, revoked, revoked_by`

func (a accounts) Keys(ctx context.Context) (list []account.Key, err error) {
	err = a.look(ctx, func(x *tx) error {
		list, err = x.apiKeys(`true ORDER BY created, id`)
		return err
	})
	return list, err
}

func (a accounts) KeyByToken(ctx context.Context, token string) (k *account.Key, err error) {
	err = a.look(ctx, func(x *tx) error {
		list, err := x.apiKeys(`token = $1`, token)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return account.ErrUnknown
		}
		k = &list[0]
		return nil
	})
	return k, err
}

func (x *tx) apiKeys(where string, args ...any) ([]account.Key, error) {
	list := []account.Key{}
	err := x.all(func(scan func(...any) error) error {
		var k account.Key
		var roles string
		var created int64
		var revoked sql.NullInt64
		err := scan(&k.ID, &k.Name, &roles, &k.TokenSHA256, &created, &k.By, &revoked, &k.RevokedBy)
		for r := range strings.SplitSeq(roles, " ") {
			k.Roles = append(k.Roles, account.Role(r))
		}
		k.Created = moment(created)
		if revoked.Valid {
			k.Revoked = moment(revoked.Int64)
		}
		list = append(list, k)
		return err
	}, `SELECT `+keyColumns+` FROM api_keys WHERE `+where, args...)
	return list, err
}

// Search looks through the journal of log-ins and through what was done on applications and licences, newest first. Both are read
// as far as the page needs and put together by time.
func (a accounts) Search(ctx context.Context, q account.Search) (list []account.Line, err error) {
	before, from := q.Before.UnixMilli(), q.From.UnixMilli()
	if q.Before.IsZero() {
		before = 1 << 62
	}
	if q.From.IsZero() {
		from = 0
	}
	limit := q.Limit + q.Skip
	err = a.s.view(ctx, func(x *tx) error {
		list = []account.Line{}
		err := x.all(func(scan func(...any) error) error {
			var l account.Line
			var at int64
			err := scan(&at, &l.Subject, &l.Kind, &l.From, &l.Actor)
			l.At, l.Work = moment(at), false
			list = append(list, l)
			return err
		}, `SELECT at, person, kind, origin, actor FROM account_events WHERE at <= $1 AND at >= $2 AND ($3 = '' OR person = $3 OR actor = $3)
			AND ($4 = '' OR kind = $4) ORDER BY at DESC, id DESC LIMIT $5`, before, from, q.Who, q.Kind, limit)
		if err != nil {
			return err
		}
		return x.all(func(scan func(...any) error) error {
			l := account.Line{Work: true}
			var at int64
			err := scan(&at, &l.Subject, &l.Kind, &l.Actor)
			l.At = moment(at)
			list = append(list, l)
			return err
		}, `SELECT at, subject, kind, actor FROM events WHERE at <= $1 AND at >= $2 AND ($3 = '' OR subject = $3 OR actor = $3)
			AND ($4 = '' OR kind = $4) ORDER BY at DESC, subject, seq DESC LIMIT $5`, before, from, q.Who, q.Kind, limit)
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(list, func(a, b account.Line) int { return cmp.Compare(b.At.UnixMilli(), a.At.UnixMilli()) })
	// Those of the page's first moment that an earlier page has shown.
	return list[min(q.Skip, len(list)):min(limit, len(list))], nil
}
