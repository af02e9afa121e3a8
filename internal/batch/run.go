// SPDX-License-Identifier: Apache-2.0

package batch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"rastau/internal/outbox"
	"rastau/verifier"
)

const (
	// sliceTime is how long a process works at one batch before it looks whether another waits.
	sliceTime = 5 * time.Second
	// busyWait is how long a batch waits while this process works at another.
	busyWait = 200 * time.Millisecond
	// patience is how many attempts may fail before the first file without a line is given up: a file that kills whoever
	// judges it must not keep all others from their verdicts.
	patience = 3
	// maxStumbles is how many attempts may fail in all.
	maxStumbles = 14
)

// Run goes on with a batch for a while: it is the outbox handler of KindVerify.
// It may run again, also after the process died: every file has one line. While
// there is more to do it postpones its message, so that batches take turns.
func (s *Service) Run(ctx context.Context, i outbox.Item) error {
	var id string
	if err := json.Unmarshal(i.Body, &id); err != nil {
		return outbox.Permanent(fmt.Errorf("a batch that cannot be read: %w", err))
	}
	select {
	case s.busy <- struct{}{}:
		defer func() { <-s.busy }()
	default:
		return outbox.Postpone(s.o.Now().Add(busyWait))
	}
	j, err := s.begin(ctx, id, i.Attempts)
	if err != nil || j == nil {
		return err
	}
	workers := workersOf(s.o.Workers)
	many := 8 * workers
	if i.Attempts > 1 {
		many = workers // the file at which an attempt failed is among these
	}
	end := time.Now().Add(sliceTime)
	for time.Now().Before(end) {
		over, err := s.some(ctx, j.ID, j.Ask, many, workers)
		if err != nil || over {
			return err
		}
	}
	return outbox.Postpone(s.o.Now())
}

// begin reads the job, nil where there is nothing more to do, and answers for attempts that failed.
func (s *Service) begin(ctx context.Context, id string, attempts int) (j *Job, err error) {
	err = s.o.Store.UpdateBatches(ctx, func(t Storage) error {
		j, err = t.Batch(id)
		if errors.Is(err, ErrUnknown) {
			j = nil
			return nil
		}
		if err != nil {
			return err
		}
		if j.State.over() {
			j = nil
			return nil
		}
		j.State = Running
		switch {
		case s.o.Now().After(j.Created.Add(s.o.Limits.Time)):
			s.end(j, Failed, fmt.Sprintf("it took longer than %v", s.o.Limits.Time))
		case attempts > maxStumbles:
			s.end(j, Failed, "judging failed too often")
		case attempts > max(j.Stumbled, 1)+patience-1:
			j.Stumbled = attempts
			files, err := t.NextFiles(id, 1)
			if err != nil {
				return err
			}
			for _, f := range files {
				s.o.Log.ErrorContext(ctx, "a file of a batch was given up", "batch", id, "file", f.N, "attempts", attempts)
				line := errorLine(f.Value.Name, fmt.Sprintf("given up after %d attempts to judge it", attempts-1))
				if err := t.PutLines(id, []Numbered[Line]{{f.N, line}}); err != nil {
					return err
				}
				j.count(line)
			}
		}
		if err := t.PutBatch(j); err != nil {
			return err
		}
		if j.State.over() {
			j = nil
		}
		return nil
	})
	return j, err
}

func (j *Job) count(l Line) {
	j.Judged++
	if j.Verdicts == nil {
		j.Verdicts = map[string]int{}
	}
	j.Verdicts[l.Verdict]++
}

// some judges the next files and keeps their lines in one transaction. It tells
// whether the batch is over.
func (s *Service) some(ctx context.Context, id string, ask Ask, many, workers int) (over bool, err error) {
	var files []Numbered[Input]
	err = s.o.Store.ViewBatches(ctx, func(t Storage) error {
		files, err = t.NextFiles(id, many)
		return err
	})
	if err != nil {
		return false, err
	}
	judge := func(ctx context.Context, in Input) (*verifier.Report, error) {
		r := s.o.Verifier.Document(ctx, in.Document, s.question(ask, in))
		if s.o.Counted != nil && ctx.Err() == nil {
			s.o.Counted(r)
		}
		return r, nil
	}
	var lines []Numbered[Line]
	judged := each(ctx, len(files), workers, s.o.Gate, judge, func(i int) (Input, error) { return files[i].Value, nil }, func(l Line) error {
		lines = append(lines, Numbered[Line]{files[len(lines)].N, l})
		return nil
	})
	// What is judged is kept although the time has ended.
	err = s.o.Store.UpdateBatches(context.WithoutCancel(ctx), func(t Storage) error {
		j, err := t.Batch(id)
		if errors.Is(err, ErrUnknown) {
			over = true
			return nil
		}
		if err != nil {
			return err
		}
		if j.State.over() {
			over = true
			return nil
		}
		// Where a lease ended while its holder lived, another has gone on: only the files that still wait count.
		left, err := t.Left(id, many)
		if err != nil {
			return err
		}
		var fresh []Numbered[Line]
		for _, l := range lines {
			if slices.Contains(left, l.N) {
				fresh = append(fresh, l)
				j.count(l.Value)
			}
		}
		if err := t.PutLines(id, fresh); err != nil {
			return err
		}
		if j.Judged == j.Files {
			s.end(j, Done, "")
			over = true
		}
		return t.PutBatch(j)
	})
	if judged != nil && len(lines) > 0 && err == nil {
		return over, outbox.Postpone(s.o.Now()) // slow servers are no failure while there is progress
	}
	return over, errors.Join(judged, err)
}
