// SPDX-License-Identifier: Apache-2.0

package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"rastau/licensing"
)

// AddLicence writes a licence; its PDF must be there as a blob.
func (x *tx) AddLicence(l *licensing.LicenceRecord) error {
	body, err := json.Marshal(l.Licence)
	if err != nil {
		return err
	}
	err = x.exec(`INSERT INTO licences (number, application, body, document, signed, pdf, issued, entry, state, service, holder)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		l.Licence.Number, l.ApplicationID, body, l.Document, l.Licence.Signed, l.Licence.PDFSHA256, l.Licence.Issued.UnixMilli(), l.Licence.Entry,
		string(l.Licence.State), l.Licence.Service, holderOf(l.Licence))
	if err != nil {
		return err
	}
	for _, word := range licensing.SearchWords(l.Licence.Holder.Name) {
		if err := x.exec(addWord, word, l.Licence.Entry); err != nil {
			return err
		}
	}
	return nil
}

// holderOf is the number by which a holder is known.
func holderOf(l licensing.Licence) string {
	if l.Holder.IIN != "" {
		return l.Holder.IIN
	}
	return l.Holder.BIN
}

const addWord = `INSERT INTO licence_words (word, entry) VALUES ($1, $2) ON CONFLICT DO NOTHING`

const licenceColumns = `application, body, document, signed, pdf, state, moves, successor, service, holder`

// Licence reads one by number, without the PDF's bytes.
func (x *tx) Licence(number string) (*licensing.LicenceRecord, error) {
	l := &licensing.LicenceRecord{}
	var body, signed []byte
	var pdf, state, service, holder string
	var successor sql.NullString
	err := x.one([]any{&l.ApplicationID, &body, &l.Document, &signed, &pdf, &state, &l.Moves, &successor, &service, &holder},
		`SELECT `+licenceColumns+` FROM licences WHERE number = $1`, number)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body, &l.Licence); err != nil {
		return nil, fmt.Errorf("licence %s: %w", number, err)
	}
	// A licence that the search does not find under its own service and holder was hidden. The version before wrote neither.
	if service != "" && service != l.Licence.Service || holder != "" && holder != holderOf(l.Licence) {
		return nil, fmt.Errorf("%w: the licence %s was changed where it is searched for", licensing.ErrRegister, number)
	}
	l.Born = l.Licence.State
	l.Licence.State, l.Licence.Successor = licensing.LicenceState(state), successor.String
	l.Licence.Signed, l.Licence.PDFSHA256 = signed, pdf
	return l, nil
}

// AddMove writes a move and the state that it leads to, where the licence has moved as often as the move says.
func (x *tx) AddMove(m *licensing.MoveRecord) error {
	err := x.exec(`INSERT INTO licence_moves (licence, seq, move, from_state, to_state, ground, until_day, successor, at, officer, document, signed, entry)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		m.Licence, m.Seq, string(m.Move), string(m.From), string(m.To), m.Ground, string(m.Until), m.Successor, m.At.UnixMilli(), m.Officer, m.Document, m.Signed, m.Entry)
	if err != nil {
		return err
	}
	return x.must(fmt.Errorf("%w: the licence %s was moved meanwhile", licensing.ErrState, m.Licence),
		`UPDATE licences SET state = $1, moves = moves + 1, successor = coalesce($2, successor) WHERE number = $3 AND moves = $4 AND state = $5`,
		string(m.To), absent(m.Successor), m.Licence, m.Seq-1, string(m.From))
}

// Moves of a licence, oldest first.
func (x *tx) Moves(licence string) ([]licensing.MoveRecord, error) {
	list := []licensing.MoveRecord{}
	err := x.all(func(scan func(...any) error) error {
		m := licensing.MoveRecord{Licence: licence}
		var move, from, to, until string
		var at int64
		err := scan(&m.Seq, &move, &from, &to, &m.Ground, &until, &m.Successor, &at, &m.Officer, &m.Document, &m.Signed, &m.Entry)
		m.Move, m.From, m.To, m.Until, m.At = licensing.Move(move), licensing.LicenceState(from), licensing.LicenceState(to), licensing.Day(until), moment(at)
		list = append(list, m)
		return err
	}, `SELECT seq, move, from_state, to_state, ground, until_day, successor, at, officer, document, signed, entry FROM licence_moves WHERE licence = $1 ORDER BY seq`, licence)
	return list, err
}

// AddAppendix writes an appendix; its PDF must be there as a blob.
func (x *tx) AddAppendix(a *licensing.AppendixRecord) error {
	body, err := json.Marshal(a.Appendix)
	if err != nil {
		return err
	}
	return x.exec(`INSERT INTO licence_appendices (licence, number, application, body, document, signed, pdf, entry) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		a.Licence, a.Number, a.ApplicationID, body, a.Document, a.Signed, a.PDFSHA256, a.Entry)
}

// Appendices of a licence, oldest first.
func (x *tx) Appendices(licence string) ([]licensing.AppendixRecord, error) {
	list := []licensing.AppendixRecord{}
	err := x.all(func(scan func(...any) error) error {
		var a licensing.AppendixRecord
		var body, signed []byte
		if err := scan(&a.ApplicationID, &body, &a.Document, &signed); err != nil {
			return err
		}
		if err := json.Unmarshal(body, &a.Appendix); err != nil {
			return fmt.Errorf("appendix to %s: %w", licence, err)
		}
		a.Signed = signed
		list = append(list, a)
		return nil
	}, `SELECT application, body, document, signed FROM licence_appendices WHERE licence = $1 ORDER BY entry`, licence)
	return list, err
}

// fewMatches is up to how many licences a word of the search leads; words with
// more are looked for among the newest licences instead.
const fewMatches = 5000

// SearchLicences lists newest first.
func (x *tx) SearchLicences(f licensing.LicenceFilter) ([]licensing.Licence, error) {
	var where []string
	var args []any
	arg := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	rarest, err := x.rarest(f.Words)
	if err != nil {
		return nil, err
	}
	for i, w := range f.Words {
		in := `word >= ` + arg(w) + ` AND word < ` + arg(w+"\U0010FFFF")
		if i == rarest {
			where = append(where, `entry IN (SELECT entry FROM licence_words WHERE `+in+`)`)
		} else {
			where = append(where, `EXISTS (SELECT 1 FROM licence_words WHERE licence_words.entry = licences.entry AND `+in+`)`)
		}
	}
	for _, c := range []struct {
		given  bool
		clause string
		value  any
	}{
		{f.Number != "", `holder = `, f.Number}, {f.Service != "", `service = `, f.Service}, {f.State != "", `state = `, string(f.State)},
		{!f.From.IsZero(), `issued >= `, f.From.UnixMilli()}, {!f.Until.IsZero(), `issued < `, f.Until.UnixMilli()}, {f.Before > 0, `entry < `, f.Before},
	} {
		if c.given {
			where = append(where, c.clause+arg(c.value))
		}
	}
	// Licences are entered as they are issued, up to the clocks of several machines: a
	// search among old ones begins and ends near them instead of walking there.
	const day = 24 * 60 * 60 * 1000
	if !f.Until.IsZero() {
		where = append(where, `entry <= coalesce((SELECT entry FROM licences WHERE issued < `+arg(f.Until.UnixMilli()+day)+` ORDER BY issued DESC, entry DESC LIMIT 1), -1)`)
	}
	if !f.From.IsZero() {
		where = append(where, `entry >= coalesce((SELECT entry FROM licences WHERE issued >= `+arg(f.From.UnixMilli()-day)+` ORDER BY issued, entry LIMIT 1), 0)`)
	}
	query := `SELECT body, state, successor FROM licences`
	if len(where) > 0 {
		query += ` WHERE ` + strings.Join(where, ` AND `)
	}
	query += ` ORDER BY entry DESC LIMIT ` + arg(f.Limit)
	list := []licensing.Licence{}
	err = x.all(func(scan func(...any) error) error {
		var body []byte
		var state string
		var successor sql.NullString
		if err := scan(&body, &state, &successor); err != nil {
			return err
		}
		var l licensing.Licence
		if err := json.Unmarshal(body, &l); err != nil {
			return fmt.Errorf("a licence of the register: %w", err)
		}
		l.State, l.Successor = licensing.LicenceState(state), successor.String
		list = append(list, l)
		return nil
	}, query, args...)
	return list, err
}

// rarest is the index of the word with the fewest matches, -1 where all have many.
func (x *tx) rarest(words []string) (int, error) {
	best, least := -1, int64(fewMatches+1)
	for i, w := range words {
		var n int64
		err := x.one([]any{&n}, `SELECT count(*) FROM (SELECT 1 FROM licence_words WHERE word >= $1 AND word < $2 LIMIT $3) AS found`, w, w+"\U0010FFFF", fewMatches+1)
		if err != nil {
			return -1, err
		}
		if n < least {
			best, least = i, n
		}
	}
	return best, nil
}

// CountLicences by service and state.
func (x *tx) CountLicences() ([]licensing.LicenceCount, error) {
	list := []licensing.LicenceCount{}
	err := x.all(func(scan func(...any) error) error {
		var c licensing.LicenceCount
		var state string
		err := scan(&c.Service, &state, &c.Count)
		c.State = licensing.LicenceState(state)
		list = append(list, c)
		return err
	}, `SELECT service, state, count(*) FROM licences GROUP BY service, state ORDER BY service, state`)
	return list, err
}

// Counts what stands in the register.
func (x *tx) Counts() (c licensing.Counts, err error) {
	err = x.one([]any{&c.Registrations, &c.Rulings, &c.Licences, &c.Moves, &c.Appendices, &c.Amendments, &c.Renewals},
		`SELECT (SELECT count(*) FROM registrations), (SELECT count(*) FROM rulings), (SELECT count(*) FROM licences),
			(SELECT count(*) FROM licence_moves), (SELECT count(*) FROM licence_appendices), (SELECT count(*) FROM amendments WHERE accepted IS NOT NULL),
			(SELECT count(*) FROM renewals)`)
	return c, err
}
