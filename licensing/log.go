// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"context"
	"encoding/json"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"rastau/internal/journal"
)

// maxEntries bounds how many entries of the log are given at once.
const maxEntries = 1000

// EntryProof shows that an entry stands in the log of a size (RFC 6962 §2.1.1).
type EntryProof struct {
	Entry int64           `json:"entry"` // counted from zero
	Body  json.RawMessage `json:"body"`  // the bytes are the leaf
	Size  int64           `json:"size"`
	Root  tlog.Hash       `json:"root"`
	Proof []tlog.Hash     `json:"proof"`
}

// GrowthProof shows that an earlier log is the beginning of a later one (RFC 6962 §2.1.2).
type GrowthProof struct {
	From     int64       `json:"from"`
	FromRoot tlog.Hash   `json:"fromRoot"`
	To       int64       `json:"to"`
	ToRoot   tlog.Hash   `json:"toRoot"`
	Proof    []tlog.Hash `json:"proof"`
}

// Checkpoint is the head of the log, signed with the log's key (golang.org/x/mod/sumdb/note); ErrNotFound where the
// installation has none.
func (s *Service) Checkpoint(ctx context.Context) ([]byte, error) {
	if s.o.LogKey == nil {
		return nil, fmt.Errorf("%w: this installation signs no checkpoints", ErrNotFound)
	}
	var h journal.Head
	err := s.o.Store.View(ctx, func(tx Tx) (err error) {
		h, err = journal.Now(tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return journal.Sign(h, s.o.LogKey)
}

// ProveEntry proves entry n in the log of a size; size 0 is the log as it is. The error is an *InputError where the log has no such entry.
func (s *Service) ProveEntry(ctx context.Context, n, size int64) (*EntryProof, error) {
	return EntryProofOf(ctx, s.o.Store, n, size)
}

// EntryProofOf is ProveEntry where there is only a register.
func EntryProofOf(ctx context.Context, store Store, n, size int64) (p *EntryProof, err error) {
	err = store.View(ctx, func(tx Tx) error {
		if size == 0 {
			if size, err = tx.LogSize(); err != nil {
				return err
			}
		}
		p, err = proveEntry(tx, n, size)
		return err
	})
	return p, err
}

func proveEntry(tx Tx, n, size int64) (*EntryProof, error) {
	have, err := tx.LogSize()
	if err != nil {
		return nil, err
	}
	if size < 1 || size > have || n < 0 || n >= size {
		return nil, badInput("entry", "the log has %d entries, counted from 0; size is one of 1 to %d", have, have)
	}
	p := &EntryProof{Entry: n, Size: size}
	if p.Body, err = tx.LogEntry(n); err != nil {
		return nil, err
	}
	if p.Proof, err = journal.ProveEntry(tx, n, size); err != nil {
		return nil, err
	}
	h, err := journal.At(tx, size)
	p.Root = h.Root
	return p, err
}

// ProveGrowth proves that the log of one size is the beginning of the log of another; to 0 is the log as it is.
func (s *Service) ProveGrowth(ctx context.Context, from, to int64) (*GrowthProof, error) {
	return GrowthProofOf(ctx, s.o.Store, from, to)
}

// GrowthProofOf is ProveGrowth where there is only a register.
func GrowthProofOf(ctx context.Context, store Store, from, to int64) (*GrowthProof, error) {
	p := &GrowthProof{From: from, To: to}
	err := store.View(ctx, func(tx Tx) error {
		have, err := tx.LogSize()
		if err != nil {
			return err
		}
		if p.To == 0 {
			p.To = have
		}
		if from < 1 || from > p.To || p.To > have {
			return badInput("from", "the log has %d entries: from is at least 1 and not more than to", have)
		}
		proof, err := journal.ProveGrowth(tx, from, p.To)
		if err != nil {
			return err
		}
		before, err := journal.At(tx, from)
		if err != nil {
			return err
		}
		after, err := journal.At(tx, p.To)
		p.Proof, p.FromRoot, p.ToRoot = proof, before.Root, after.Root
		return err
	})
	return p, err
}

// Entries of the log from one on, at most 1000. They name no person.
func (s *Service) Entries(ctx context.Context, from int64, count int) (list []json.RawMessage, err error) {
	if from < 0 || count < 1 || count > maxEntries {
		return nil, badInput("from", "must be 0 or more, and count 1 to %d", maxEntries)
	}
	err = s.o.Store.View(ctx, func(tx Tx) error {
		list = []json.RawMessage{}
		size, err := tx.LogSize()
		if err != nil {
			return err
		}
		for n := from; n < min(size, from+int64(count)); n++ {
			entry, err := tx.LogEntry(n)
			if err != nil {
				return err
			}
			list = append(list, entry)
		}
		return nil
	})
	return list, err
}

// Statement is what the register says of a licence, with the proof of every entry that it rests on.
type Statement struct {
	Licence    RegisterLine `json:"licence"`
	Moves      []MoveRecord `json:"moves"`
	Entries    []EntryProof `json:"entries"` // issue, appendices, moves, in the order of the log
	Checkpoint string       `json:"checkpoint,omitempty"`
}

// Statement of a licence for anybody.
func (s *Service) Statement(ctx context.Context, number string) (*Statement, error) {
	if ParseNumber(number) != nil {
		return nil, ErrNotFound
	}
	var st *Statement
	err := s.o.Store.View(ctx, func(tx Tx) error {
		l, err := tx.Licence(number)
		if err != nil {
			return err
		}
		st = &Statement{Licence: s.registerLine(l.Licence), Entries: []EntryProof{}}
		if st.Moves, err = tx.Moves(number); err != nil {
			return err
		}
		appendices, err := tx.Appendices(number)
		if err != nil {
			return err
		}
		head, err := journal.Now(tx)
		if err != nil {
			return err
		}
		numbers := []int64{l.Licence.Entry}
		for _, a := range appendices {
			numbers = append(numbers, a.Entry)
		}
		for _, m := range st.Moves {
			numbers = append(numbers, m.Entry)
		}
		for _, n := range numbers {
			p, err := proveEntry(tx, n, head.Size)
			if err != nil {
				return err
			}
			st.Entries = append(st.Entries, *p)
		}
		if s.o.LogKey != nil {
			signed, err := journal.Sign(head, s.o.LogKey)
			st.Checkpoint = string(signed)
			return err
		}
		return nil
	})
	return st, err
}
