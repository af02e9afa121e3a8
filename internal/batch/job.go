// SPDX-License-Identifier: Apache-2.0

package batch

import (
	"context"
	"time"

	"rastau/internal/outbox"
	"rastau/internal/phrase"
	"rastau/verifier"
)

// State of a batch in the service.
type State string

// A batch is received, waits, runs, and comes to one of three ends.
const (
	Receiving State = "receiving" // its files are being kept
	Waiting   State = "waiting"
	Running   State = "running"
	Done      State = "done"
	Cancelled State = "cancelled"
	Failed    State = "failed" // Job.Problem says why
)

func (s State) over() bool { return s == Done || s == Cancelled || s == Failed }

// Ask is the question that is asked of every file of a batch; the installation's
// own anchors and policy come with it.
type Ask struct {
	At           time.Time        `json:"at,omitzero"` // zero: the clock when each file is judged
	IIN          string           `json:"iin,omitempty"`
	BIN          string           `json:"bin,omitempty"`
	Applicant    string           `json:"applicant,omitempty"`
	Purpose      verifier.Purpose `json:"purpose"`
	NoRevocation bool             `json:"noRevocation,omitempty"`
	MaxAge       time.Duration    `json:"maxAge,omitempty"` // nanoseconds
	Lang         phrase.Lang      `json:"lang"`
	Legacy       bool             `json:"legacy,omitempty"` // the algorithms of old archives
}

// Job is a batch in the service: how far it is and what came out.
type Job struct {
	ID       string         `json:"id"`
	Owner    string         `json:"owner"` // the account that may see it
	State    State          `json:"state"`
	Problem  string         `json:"problem,omitempty"`
	Created  time.Time      `json:"created"`
	Finished *time.Time     `json:"finished"`
	Erased   time.Time      `json:"erased"` // when it and its results are removed
	Files    int            `json:"files"`
	Judged   int            `json:"judged"`
	Verdicts map[string]int `json:"verdicts"` // by Line.Verdict
	Ask      Ask            `json:"question"`

	// Stumbled is how many attempts of its outbox message have been answered for by giving a file up.
	Stumbled int `json:"stumbled,omitempty"`
}

// Numbered is a file or its line with its place in the batch, from 0.
type Numbered[T any] struct {
	N     int
	Value T
}

// Storage keeps batches inside one transaction of the caller's.
type Storage interface {
	// AddBatch adds a job; PutBatch keeps what has become of it. ErrUnknown where there is none.
	AddBatch(j *Job) error
	PutBatch(j *Job) error
	// Batch reads one. ErrUnknown.
	Batch(id string) (*Job, error)
	// Batches lists those of an owner, "" for all, newest first.
	Batches(owner string, limit int) ([]Job, error)
	// AddFiles adds files that have to be judged.
	AddFiles(id string, files []Numbered[Input]) error
	// NextFiles reads the first files without a line.
	NextFiles(id string, limit int) ([]Numbered[Input], error)
	// Left tells the numbers of the first files without a line.
	Left(id string, limit int) ([]int, error)
	// PutLines keeps lines and drops the bytes that they were judged from. A file that has its line keeps the first.
	PutLines(id string, lines []Numbered[Line]) error
	// Lines reads lines from number from on.
	Lines(id string, from, limit int) ([]Numbered[Line], error)
	// RemoveBatch removes a job with all that belongs to it.
	RemoveBatch(id string) error
	// OldBatches tells which jobs were to be erased before a time, and which were still being received at another.
	OldBatches(erased, received time.Time) ([]string, error)
	// Enqueue has Run called.
	Enqueue(m outbox.Message) error
}

// Store runs a step in one durable transaction.
type Store interface {
	UpdateBatches(ctx context.Context, f func(Storage) error) error
	ViewBatches(ctx context.Context, f func(Storage) error) error
}
