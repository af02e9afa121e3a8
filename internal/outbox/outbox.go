// SPDX-License-Identifier: Apache-2.0

// Package outbox answers one question: what has still to be done or sent.
//
// A message is enqueued in the transaction of the change that causes it, so
// that it stands with that change or not at all. A Runner leases what is due,
// hands it to the handler of its kind and notes the outcome. A holder that
// dies loses its lease and another takes over: a message is delivered at least
// once, and its ID is the idempotency key by which the receiver sees it once.
// What fails too often is put aside for a person to look at. Left out: how
// anything is sent.
package outbox

import (
	"errors"
	"time"
)

// Message is something to be done or sent.
type Message struct {
	// ID is the idempotency key that the receiver is told. Optional. If empty, 128 random bits.
	ID string
	// Kind names the handler. Required.
	Kind string
	// Key is what the message is about, for example a number and a date. Optional. Where it is given, a second
	// message of the same Kind and Key is not taken, whatever became of the first: enqueuing twice does no harm.
	Key string
	// Body is for the handler. It may hold personal data.
	Body []byte
	// Due is when it is to be done, to the millisecond. If zero, at once.
	Due time.Time
}

// State of a message.
type State string

// A message waits until it is done or, after too many failures, dead.
const (
	Waiting State = "waiting"
	Done    State = "done"
	Dead    State = "dead"
)

// Item is a message as it stands in the store.
type Item struct {
	Message
	State       State
	Attempts    int        // begun, the one under way included
	Holder      string     // who works on it; "" if nobody
	LeasedUntil *time.Time // nil if nobody works on it
	Error       string     // of the last attempt
	Finished    *time.Time // nil while waiting
}

// Outcome of one attempt.
type Outcome struct {
	State State
	Due   time.Time // Waiting: when to try again
	Error string    // Waiting, Dead: what failed
	// Uncounted takes the attempt back: it was none, the time had not come.
	Uncounted bool
	At        time.Time // the clock, for Finished
}

// Filter of a list; a zero field does not filter.
type Filter struct {
	State State
	Kind  string
	Limit int
}

// Tally of the messages of one kind and state.
type Tally struct {
	Kind  string
	State State
	Count int64
	Due   time.Time // the earliest
}

// Storage keeps messages inside one transaction of the caller's.
type Storage interface {
	// Enqueue adds a message, or nothing where one of the same ID, or of the same Kind and Key, was added before.
	Enqueue(m Message) error
	// Withdraw takes back what waits under this kind and key; it is no error where nothing does. What a
	// holder has begun is not stopped.
	Withdraw(kind, key string) error
	// Lease gives up to limit due messages of these kinds to a holder until a time, earliest first, and counts an attempt.
	Lease(holder string, kinds []string, now, until time.Time, limit int) ([]Item, error)
	// Finish notes how an attempt ended. ErrLost where the lease has passed to another holder.
	Finish(holder, id string, o Outcome) error
	// Items lists, oldest first.
	Items(f Filter) ([]Item, error)
	// Revive lets a dead message wait again, due at a time, with no attempts counted. ErrUnknown where there is no such dead message.
	Revive(id string, due time.Time) error
	// Forget drops what was done before a time and has no Key.
	Forget(before time.Time) error
	// Tallies counts by kind and state.
	Tallies() ([]Tally, error)
}

// Errors of a Storage.
var (
	ErrLost    = errors.New("the lease has passed to another holder")
	ErrUnknown = errors.New("no such message in the outbox")
)
