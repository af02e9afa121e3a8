// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"rastau/internal/journal"
	"rastau/internal/phrase"
)

// MoveRequest is what an officer asks for.
type MoveRequest struct {
	Move      Move   `json:"move"`      // suspend, resume or terminate; the other moves are decisions on applications
	Ground    string `json:"ground"`    // key of the table of grounds
	Reference string `json:"reference"` // act with number and date, where the ground asks for one
	Reason    string `json:"reason"`    // in words
	Until     Day    `json:"until"`     // last day of a suspension
}

// MoveRecord is one move of a licence as it stands in the register: signed, and never changed.
type MoveRecord struct {
	Licence   string       `json:"licence"`
	Seq       int          `json:"seq"` // of this licence's moves, counted from 1
	Move      Move         `json:"move"`
	From      LicenceState `json:"from"`
	To        LicenceState `json:"to"`
	Ground    string       `json:"ground"`
	Until     Day          `json:"until,omitempty"`
	Successor string       `json:"successor,omitempty"` // number of the licence that took its place
	At        time.Time    `json:"at"`
	Officer   string       `json:"-"`        // actor ID
	Document  []byte       `json:"document"` // RFC 8785 JSON
	Signed    []byte       `json:"signed"`   // CAdES over Document
	Entry     int64        `json:"entry"`    // of the log

	preserve func(Tx) error // of one just signed: begins the care for it
}

// moveDocument is what is signed of a move.
type moveDocument struct {
	Schema    string       `json:"schema"`
	Licence   string       `json:"licence"`
	Document  string       `json:"documentSHA256"` // of the licence
	Seq       int          `json:"seq"`
	Move      Move         `json:"move"`
	From      LicenceState `json:"from"`
	To        LicenceState `json:"to"`
	Ground    string       `json:"ground"`
	GroundIs  phrase.Text  `json:"groundText"`
	Law       string       `json:"law"`
	Reference string       `json:"reference,omitempty"`
	Reason    string       `json:"reason,omitempty"`
	Until     Day          `json:"until,omitempty"`
	Successor string       `json:"successor,omitempty"`
	Officer   officerLine  `json:"officer"`
	Licensor  string       `json:"licensorBIN"`
	Time      string       `json:"time"`
}

type moveEntry struct {
	Kind      string       `json:"kind"`
	Licence   string       `json:"licence"`
	Seq       int          `json:"seq"`
	Move      Move         `json:"move"`
	From      LicenceState `json:"from"`
	To        LicenceState `json:"to"`
	Ground    string       `json:"ground"`
	Until     Day          `json:"until,omitempty"`
	Successor string       `json:"successor,omitempty"`
	At        string       `json:"at"`
	Document  string       `json:"documentSHA256"`
	Signed    string       `json:"signedSHA256"`
}

// Move suspends, resumes or terminates a licence: a new signed entry of the register, durable when it returns.
// Errors: ErrNotAuthority; ErrState where the table has no such move; *InputError; ErrNotFound; ErrLater.
func (s *Service) Move(ctx context.Context, a Actor, number string, q MoveRequest) (*Licence, error) {
	if !a.Officer {
		return nil, fmt.Errorf("%w: only officers move licences", ErrNotAuthority)
	}
	if ParseNumber(number) != nil {
		return nil, ErrNotFound
	}
	ground, err := s.checkMove(q)
	if err != nil {
		return nil, err
	}
	unlock, err := s.running.lock(ctx, number)
	if err != nil {
		return nil, err
	}
	defer unlock()
	rec, err := s.licence(ctx, number)
	if err != nil {
		return nil, err
	}
	if err := s.interestedInLicence(ctx, a, rec); err != nil {
		return nil, err
	}
	line, err := s.authority(ctx, a, rec.Licence.LicensorBIN, s.now())
	if err != nil {
		return nil, err
	}
	h, err := s.hand(a, line)
	if err != nil {
		return nil, err
	}
	m, err := s.signMove(ctx, h, rec, q, ground, "")
	if err != nil {
		return nil, unsigned(err)
	}
	err = s.o.Store.Update(ctx, func(tx Tx) error {
		current, err := tx.Licence(number)
		if err != nil {
			return err
		}
		if current.Moves != rec.Moves {
			return fmt.Errorf("%w: the licence is %s by now", ErrState, current.Licence.State)
		}
		if err := enterMove(tx, m); err != nil {
			return err
		}
		return s.termsOfMove(tx, m)
	})
	if err != nil {
		return nil, fmt.Errorf("registering the move: %w", err)
	}
	s.o.Log.InfoContext(ctx, "licence moved", "licence", number, "move", string(m.Move), "ground", m.Ground, "state", string(m.To), "officer", a.ID)
	rec.Licence.State = m.To
	return &rec.Licence, nil
}

// checkMove holds a request to the table of grounds.
func (s *Service) checkMove(q MoveRequest) (Ground, error) {
	switch q.Move {
	case MoveSuspend, MoveResume, MoveTerminate:
	default:
		return Ground{}, badInput("move", "must be suspend, resume or terminate")
	}
	g, ok := s.o.Grounds.of(q.Move, q.Ground)
	if !ok {
		return Ground{}, badInput("ground", "is not one of the grounds for %q: see the list of grounds", q.Move)
	}
	if err := checkLine("reference", q.Reference, g.Reference); err != nil {
		return Ground{}, err
	}
	if strings.TrimSpace(q.Reason) == "" {
		return Ground{}, badInput("reason", "a licence is moved for a reason: say it in words")
	}
	if !utf8.ValidString(q.Reason) || utf8.RuneCountInString(q.Reason) > maxGrounds {
		return Ground{}, badInput("reason", "must be UTF-8 and not longer than %d characters", maxGrounds)
	}
	if err := checkSeen("reason", q.Reason); err != nil {
		return Ground{}, err
	}
	return g, s.checkTerm(g, q.Until)
}

func (s *Service) checkTerm(g Ground, until Day) error {
	switch {
	case until == "" && g.Term:
		return badInput("until", "a suspension on this ground has a term: give its last day as yyyy-mm-dd")
	case until == "":
		return nil
	case g.Move != MoveSuspend:
		return badInput("until", "only a suspension has a term")
	case !until.Valid():
		return badInput("until", "must be a day as yyyy-mm-dd")
	}
	today := s.o.Calendar.Day(s.now())
	if until < today {
		return badInput("until", "must not have passed")
	}
	if g.MaxDays > 0 && until.time().After(today.time().AddDate(0, 0, g.MaxDays)) {
		return badInput("until", "must not be more than %d days from today", g.MaxDays)
	}
	return nil
}

// signMove makes the record of a move and signs it. Nothing is written.
func (s *Service) signMove(ctx context.Context, h hand, rec *LicenceRecord, q MoveRequest, g Ground, successor string) (*MoveRecord, error) {
	l := rec.Licence
	to, err := l.State.After(q.Move)
	if err != nil {
		return nil, err
	}
	now := s.when(h)
	m := &MoveRecord{
		Licence: l.Number, Seq: rec.Moves + 1, Move: q.Move, From: l.State, To: to, Ground: g.Key, Until: q.Until,
		Successor: successor, At: now, Officer: h.officer,
	}
	m.Document, err = canonical(moveDocument{
		Schema: schemaMove, Licence: l.Number, Document: digest(rec.Document), Seq: m.Seq, Move: m.Move, From: m.From, To: m.To,
		Ground: g.Key, GroundIs: g.Name, Law: g.Source, Reference: q.Reference, Reason: q.Reason, Until: q.Until, Successor: successor,
		Officer: officerLine{h.line.Name, h.line.Position}, Licensor: l.LicensorBIN, Time: now.Format(time.RFC3339Nano),
	})
	if err != nil {
		return nil, err
	}
	if m.Signed, err = h.sign(ctx, m.Document, s.o.Levels.Decision); err != nil {
		return nil, fmt.Errorf("signing the move: %w", err)
	}
	m.preserve, err = s.preserve(m.subject(), m.Signed, nil)
	return m, err
}

// enterMove writes the move with its entry; the licence must have moved as often as when it was signed.
func enterMove(tx Tx, m *MoveRecord) error {
	entry, err := canonical(m.entry())
	if err != nil {
		return err
	}
	if m.Entry, err = journal.Append(tx, entry); err != nil {
		return err
	}
	return errors.Join(tx.AddMove(m), m.preserve(tx))
}

// subject of its renewals.
func (m *MoveRecord) subject() string { return fmt.Sprintf("%s%s/%d", moveOf, m.Licence, m.Seq) }

func (m *MoveRecord) entry() moveEntry {
	return moveEntry{
		Kind: entryMove, Licence: m.Licence, Seq: m.Seq, Move: m.Move, From: m.From, To: m.To, Ground: m.Ground, Until: m.Until,
		Successor: m.Successor, At: m.At.Format(time.RFC3339Nano), Document: digest(m.Document), Signed: digest(m.Signed),
	}
}

// licence reads a licence's record whoever asks.
func (s *Service) licence(ctx context.Context, number string) (rec *LicenceRecord, err error) {
	err = s.o.Store.View(ctx, func(tx Tx) error {
		rec, err = tx.Licence(number)
		return err
	})
	return rec, err
}

// Grounds of suspension, resumption and termination that this installation knows.
func (s *Service) Grounds() []Ground { return s.o.Grounds.List() }

// Moves of a licence, oldest first, each with the newest time-stamp on it. They are public: documents of moves name no person but
// the officer.
func (s *Service) Moves(ctx context.Context, number string) (list []MoveRecord, err error) {
	if err := ParseNumber(number); err != nil {
		return nil, err
	}
	err = s.o.Store.View(ctx, func(tx Tx) error {
		if _, err := tx.Licence(number); err != nil {
			return err
		}
		if list, err = tx.Moves(number); err != nil {
			return err
		}
		for i := range list {
			if list[i].Signed, _, _, err = newest(tx, list[i].subject()); err != nil {
				return err
			}
		}
		return nil
	})
	return list, err
}
