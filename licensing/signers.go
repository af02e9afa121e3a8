// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// SignerTx keeps what administrators change in the table of who may sign. Lines and ends are only added: who might sign on a day
// that has passed does not change.
type SignerTx interface {
	// Signers are the lines that were added, and from when lines, also those of the configuration, no longer hold.
	Signers() (added []Authority, ends map[string]time.Time, err error)
	// AddSigner keeps a line under its ID; ErrState where it is there.
	AddSigner(id string, a Authority) error
	// EndSigner keeps from when a line no longer holds; ErrState where that was said already.
	EndSigner(id string, until time.Time) error
}

// Signer is one line of the table with where it comes from.
type Signer struct {
	Authority
	ID    string // of the line: what it says but for its end
	Added bool   // by an administrator; else the line stands in the configuration
}

// subjectSigners is the subject of the events of the table.
const subjectSigners = "signers"

// Kinds of its events.
const (
	EventSignerAdded = "signer-added"
	EventSignerEnded = "signer-ended"
)

// lineID is the same for a line wherever it stands.
func (a Authority) lineID() string {
	sum := sha256.Sum256([]byte(a.Officer + "\x00" + a.Licensor + "\x00" + a.Certificate + "\x00" + a.From.UTC().Format(time.RFC3339Nano)))
	return hex.EncodeToString(sum[:16])
}

// Signers is the whole table: the configuration's lines, then those that administrators added, each with its end.
func (s *Service) Signers(ctx context.Context) (list []Signer, err error) {
	err = s.o.Store.View(ctx, func(tx Tx) error {
		list, err = s.signers(tx)
		return err
	})
	return list, err
}

func (s *Service) signers(tx Tx) ([]Signer, error) {
	added, ends, err := tx.Signers()
	if err != nil {
		return nil, err
	}
	list := make([]Signer, 0, len(s.o.Authorities)+len(added))
	for i, a := range append(s.o.Authorities[:len(s.o.Authorities):len(s.o.Authorities)], added...) {
		l := Signer{Authority: a, ID: a.lineID(), Added: i >= len(s.o.Authorities)}
		if end, ended := ends[l.ID]; ended && (l.Until.IsZero() || end.Before(l.Until)) {
			l.Until = end
		}
		list = append(list, l)
	}
	return list, nil
}

// authorities is the table as it holds now; an error where it cannot be read, so that nobody signs on an older one.
func (s *Service) authorities(ctx context.Context) (list []Authority, err error) {
	err = s.o.Store.View(ctx, func(tx Tx) error {
		list, err = s.table(tx)
		return err
	})
	return list, err
}

func (s *Service) table(tx Tx) ([]Authority, error) {
	list, err := s.signers(tx)
	if err != nil {
		return nil, fmt.Errorf("table of signers: %w", err)
	}
	out := make([]Authority, len(list))
	for i, l := range list {
		out[i] = l.Authority
	}
	return out, nil
}

// bound: an officer sees and does nothing of another licensor's unless the table of signers lists them there.
func (a Actor) bound() bool { return a.Officer && !a.Admin }

// AddSigner lets an officer sign for a licensor from a time on, which is not in the past: a licence that was signed without
// authority does not get one afterwards. from is the address of the administrator. The error is an *InputError, ErrState or ErrForbidden.
func (s *Service) AddSigner(ctx context.Context, a Actor, from string, n Authority) error {
	if !a.Admin {
		return ErrForbidden
	}
	now := s.now()
	n.From, n.Until = n.From.UTC().Truncate(time.Millisecond), n.Until.UTC().Truncate(time.Millisecond)
	if err := n.check(); err != nil {
		return badInput("signer", "%v", err)
	}
	if n.From.Before(s.o.Calendar.begin(s.o.Calendar.Day(now))) {
		return badInput("from", "must not be before today")
	}
	if n.Officer == System {
		return badInput("officer", "the system's own line stands in the configuration")
	}
	return s.o.Store.Update(ctx, func(tx Tx) error {
		all, err := s.signers(tx)
		if err != nil {
			return err
		}
		for _, l := range all {
			if l.ID == n.lineID() {
				return fmt.Errorf("%w: the line is there already", ErrState)
			}
		}
		if err := tx.AddSigner(n.lineID(), n); err != nil {
			return err
		}
		return s.event(tx, subjectSigners, a.ID, EventSignerAdded, map[string]string{"officer": n.Officer, "licensor": n.Licensor,
			"certificate": n.Certificate, "begins": n.From.Format(time.RFC3339), "from": from})
	})
}

// EndSigner ends a line, of the configuration too, now or at a later time. from is the address of the administrator. The error is
// an *InputError, ErrNotFound, ErrState or ErrForbidden.
func (s *Service) EndSigner(ctx context.Context, a Actor, from, id string, until time.Time) error {
	if !a.Admin {
		return ErrForbidden
	}
	now := s.now()
	if until.IsZero() {
		until = now
	}
	until = until.UTC().Truncate(time.Millisecond)
	if until.Before(now) {
		return badInput("until", "must not be in the past")
	}
	return s.o.Store.Update(ctx, func(tx Tx) error {
		all, err := s.signers(tx)
		if err != nil {
			return err
		}
		for _, l := range all {
			if l.ID != id {
				continue
			}
			if !l.Until.IsZero() && !until.Before(l.Until) {
				return fmt.Errorf("%w: the line ends before", ErrState)
			}
			if err := tx.EndSigner(id, until); err != nil {
				return err
			}
			return s.event(tx, subjectSigners, a.ID, EventSignerEnded, map[string]string{"officer": l.Officer, "licensor": l.Licensor,
				"certificate": l.Certificate, "ends": until.Format(time.RFC3339), "from": from})
		}
		return ErrNotFound
	})
}
