// SPDX-License-Identifier: Apache-2.0

package batch

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"rastau/internal/outbox"
	"rastau/internal/pki"
	"rastau/verifier"
)

// KindVerify is the kind of the outbox messages by which batches run.
const KindVerify = "verification-batch"

// Options of a Service.
type Options struct {
	Store    Store                    // Required.
	Verifier Verifier                 // Required.
	Question func() verifier.Question // Required. Anchors and policy of the installation.
	Now      func() time.Time         // Required.
	Limits   Limits                   // Optional. Files: if zero, 10,000.
	Open     int                      // Optional. Batches of one account under way; if zero, 4.
	Keep     time.Duration            // Optional. How long a batch and its results are kept; if zero, 7 days.
	Workers  int                      // Optional. If zero, half of the processors.
	Gate     *Gate                    // Optional. If nil, batches give way to nobody.
	Counted  func(r *verifier.Report) // Optional. Told of every verdict; called from many goroutines.
	Log      *slog.Logger             // Optional. If nil, nothing is logged. Never personal data.
}

// Verifier judges (verifier.Verifier). It must be safe for concurrent use.
type Verifier interface {
	Document(ctx context.Context, data []byte, q verifier.Question) *verifier.Report
}

// Service keeps and runs batches. Any process on the same store goes on with
// what another began. It is safe for concurrent use.
type Service struct {
	o    Options
	busy chan struct{} // one batch at a time in this process
}

// New makes a Service. Its Run is the handler of KindVerify.
func New(o Options) (*Service, error) {
	if o.Store == nil || o.Verifier == nil || o.Question == nil || o.Now == nil {
		return nil, errors.New("batch: Store, Verifier, Question and Now are required")
	}
	o.Limits.Files = cmp.Or(o.Limits.Files, 10_000)
	o.Limits = o.Limits.withDefaults()
	o.Open = cmp.Or(o.Open, 4)
	o.Keep = cmp.Or(o.Keep, 7*24*time.Hour)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{o: o, busy: make(chan struct{}, 1)}, nil
}

// Limits are those of every batch, for opening a Source.
func (s *Service) Limits() Limits { return s.o.Limits }

// chunk bounds what one transaction carries, so that a batch keeps no decision waiting.
const (
	chunkFiles = 100
	chunkBytes = 1 << 20
)

// Submit keeps the files of a source and begins a batch. The errors are
// ErrLimit, ErrMany and those of the store; files that cannot be read get their
// line like all others. The source is read to its end and not closed.
func (s *Service) Submit(ctx context.Context, owner string, source *Source, ask Ask) (*Job, error) {
	var raw [12]byte
	if _, err := rand.Read(raw[:]); err != nil {
		return nil, fmt.Errorf("random id: %w", err)
	}
	now := s.o.Now().UTC()
	j := &Job{ID: hex.EncodeToString(raw[:]), Owner: owner, State: Receiving, Created: now, Erased: now.Add(s.o.Keep), Files: source.Len(), Verdicts: map[string]int{}, Ask: ask}
	err := s.o.Store.UpdateBatches(ctx, func(t Storage) error {
		list, err := t.Batches(owner, 0)
		if err != nil {
			return err
		}
		open := 0
		for i := range list {
			if !list[i].State.over() {
				open++
			}
		}
		if open >= s.o.Open {
			return fmt.Errorf("%w: %d; wait until one is done, or cancel it", ErrMany, open)
		}
		return t.AddBatch(j)
	})
	if err != nil {
		return nil, err
	}
	if err := s.receive(ctx, j, source); err != nil {
		return nil, errors.Join(err, s.o.Store.UpdateBatches(context.WithoutCancel(ctx), func(t Storage) error { return t.RemoveBatch(j.ID) }))
	}
	return j, nil
}

func (s *Service) receive(ctx context.Context, j *Job, source *Source) error {
	var files []Numbered[Input]
	size := 0
	flush := func(last bool) error {
		err := s.o.Store.UpdateBatches(ctx, func(t Storage) error {
			if err := t.AddFiles(j.ID, files); err != nil || !last {
				return err
			}
			waiting := *j
			waiting.State = Waiting
			body, err := json.Marshal(j.ID)
			if err != nil {
				return err
			}
			return errors.Join(t.PutBatch(&waiting), t.Enqueue(outbox.Message{Kind: KindVerify, Key: j.ID, Body: body}))
		})
		files, size = files[:0], 0
		return err
	}
	for i := range source.Len() {
		in, err := source.Read(i)
		if err != nil {
			return err
		}
		files = append(files, Numbered[Input]{i, in})
		if size += len(in.Document) + len(in.Content); len(files) == chunkFiles || size >= chunkBytes {
			if err := flush(false); err != nil {
				return err
			}
		}
	}
	if err := flush(true); err != nil {
		return err
	}
	j.State = Waiting
	return nil
}

// Job shows how far a batch is. all: those of other accounts too. ErrUnknown.
func (s *Service) Job(ctx context.Context, owner string, all bool, id string) (j *Job, err error) {
	err = s.o.Store.ViewBatches(ctx, func(t Storage) error {
		j, err = mine(t, owner, all, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return j, nil
}

func mine(t Storage, owner string, all bool, id string) (*Job, error) {
	j, err := t.Batch(id)
	if err != nil {
		return nil, err
	}
	if !all && j.Owner != owner || j.State == Receiving {
		return nil, ErrUnknown
	}
	return j, nil
}

// Jobs lists an account's batches, newest first; all: everybody's.
func (s *Service) Jobs(ctx context.Context, owner string, all bool) (list []Job, err error) {
	if all {
		owner = ""
	}
	err = s.o.Store.ViewBatches(ctx, func(t Storage) error {
		list, err = t.Batches(owner, maxJobs)
		return err
	})
	return slices.DeleteFunc(list, func(j Job) bool { return j.State == Receiving }), err
}

const maxJobs = 200

// Lines hands the lines that there are, from number from on, to put.
func (s *Service) Lines(ctx context.Context, owner string, all bool, id string, from int, put func(n int, l Line) error) error {
	for {
		var lines []Numbered[Line]
		err := s.o.Store.ViewBatches(ctx, func(t Storage) error {
			if _, err := mine(t, owner, all, id); err != nil {
				return err
			}
			var err error
			lines, err = t.Lines(id, from, chunkFiles)
			return err
		})
		if err != nil || len(lines) == 0 {
			return err
		}
		for _, l := range lines {
			if err := put(l.N, l.Value); err != nil {
				return err
			}
			from = l.N + 1
		}
	}
}

// Cancel ends a batch; the lines that it has stay. One that is over stays as it is.
func (s *Service) Cancel(ctx context.Context, owner string, all bool, id string) (j *Job, err error) {
	err = s.o.Store.UpdateBatches(ctx, func(t Storage) error {
		if j, err = mine(t, owner, all, id); err != nil || j.State.over() {
			return err
		}
		s.end(j, Cancelled, "")
		return t.PutBatch(j)
	})
	if err != nil {
		return nil, err
	}
	return j, nil
}

// Remove erases a batch with its results, whatever its state.
func (s *Service) Remove(ctx context.Context, owner string, all bool, id string) error {
	return s.o.Store.UpdateBatches(ctx, func(t Storage) error {
		if _, err := mine(t, owner, all, id); err != nil {
			return err
		}
		return t.RemoveBatch(id)
	})
}

func (s *Service) end(j *Job, state State, problem string) {
	now := s.o.Now().UTC()
	j.State, j.Problem, j.Finished = state, problem, &now
}

// received is how long the files of a batch may come; what is older was left by a dead process.
const received = time.Hour

// Sweep erases what is older than it is kept, and tells how many batches.
func (s *Service) Sweep(ctx context.Context) (int, error) {
	now := s.o.Now()
	var old []string
	err := s.o.Store.ViewBatches(ctx, func(t Storage) (err error) {
		old, err = t.OldBatches(now, now.Add(-received))
		return err
	})
	for i, id := range old {
		if err := s.o.Store.UpdateBatches(ctx, func(t Storage) error { return t.RemoveBatch(id) }); err != nil {
			return i, err
		}
	}
	return len(old), err
}

// question is what is asked of one file.
func (s *Service) question(a Ask, in Input) verifier.Question {
	q := s.o.Question()
	q.At, q.IIN, q.BIN, q.Applicant = a.At, a.IIN, a.BIN, verifier.Applicant(a.Applicant)
	q.Purpose, q.NoRevocation, q.Lang = a.Purpose, a.NoRevocation, a.Lang
	if a.MaxAge > 0 {
		q.MaxAge = a.MaxAge
	}
	if a.Legacy {
		q.Algorithms = pki.LegacyAlgorithms
	}
	in.Narrow(&q)
	return q
}
