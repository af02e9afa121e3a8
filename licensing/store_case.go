// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"encoding/json"
	"time"
)

// CaseTx keeps what officers do between registration and decision.
type CaseTx interface {
	// Case is who works on an application; one that nobody has claimed has no officer.
	Case(application string) (*Case, error)
	// PutCase writes it; ErrState where it was written meanwhile (Version).
	PutCase(c *Case) error
	// Queue lists registered applications, the nearest deadline first.
	Queue(f QueueFilter) ([]QueueLine, error)

	// AddEvent gives the event its number within its subject.
	AddEvent(e *Event) error
	// Events of an application or licence, oldest first.
	Events(subject string) ([]Event, error)

	// PutAmendment keeps a correction to be signed in place of an earlier unsigned one, and gives it its number.
	PutAmendment(m *AmendmentRecord) error
	// PendingAmendment is the one that waits for its signature.
	PendingAmendment(application string) (*AmendmentRecord, error)
	// AcceptAmendment writes its signature and evidence; ErrState where it is not the one that waits.
	AcceptAmendment(m *AmendmentRecord) error
	// Amendment is the last accepted one.
	Amendment(application string) (*AmendmentRecord, error)
	// AmendmentNumbered is one of them, accepted or not.
	AmendmentNumbered(application string, seq int) (*AmendmentRecord, error)

	// PutBatch keeps a batch or what has become of it.
	PutBatch(b *Batch) error
	Batch(id string) (*Batch, error)
	// Batches of an officer, newest first.
	Batches(officer string, limit int) ([]Batch, error)

	// Due counts registered applications whose deadline lies from one moment until before another, up to limit; services nil: of all.
	Due(services []string, from, until time.Time, limit int) (int, error)
	// OpenAppeals are applications of these services (nil: of all) whose last appeal has no answer yet, the oldest appeal first.
	OpenAppeals(services []string, limit int) ([]string, error)

	// Statistics of applications registered from a moment until before another.
	Statistics(from, until, now time.Time) ([]Figures, error)
}

// Case is the work on one registered application.
type Case struct {
	Application string     `json:"application"` // id
	Officer     string     `json:"officer"`     // actor ID; "" while nobody has claimed it
	Since       *time.Time `json:"since"`
	Version     int        `json:"-"`
}

// Event is one step of the work on an application or a licence. Events are only added.
type Event struct {
	Subject string          `json:"-"` // application's id or licence's number
	Seq     int             `json:"seq"`
	At      time.Time       `json:"at"`
	Actor   string          `json:"actor"` // actor ID, or "system"
	Kind    string          `json:"kind"`
	Body    json.RawMessage `json:"body,omitempty"`
}

// QueueFilter of the officers' list; a zero field does not filter.
type QueueFilter struct {
	Service   string
	Services  []string // one of these; nil: any
	Number    string   // of the application
	Officer   string
	Unclaimed bool
	DueBefore time.Time
	Farthest  bool      // the farthest deadline first
	AfterDue  time.Time // with AfterID: only what comes behind that line
	AfterID   string
	Limit     int // Required.
}

// QueueLine is one application that waits for a decision.
type QueueLine struct {
	ID         string     `json:"id"`
	Number     string     `json:"number"`
	Service    string     `json:"service"`
	Operation  string     `json:"operation"`
	Registered time.Time  `json:"registered"`
	Deadline   time.Time  `json:"deadline"`
	Officer    string     `json:"officer"`
	Since      *time.Time `json:"since"`
	Overdue    bool       `json:"overdue"`
}

// Figures of one service and operation over a period.
type Figures struct {
	Service      string `json:"service"`
	Operation    string `json:"operation"`
	Waiting      int64  `json:"waiting"`
	Overdue      int64  `json:"overdue"` // of those that wait
	Approved     int64  `json:"approved"`
	Refused      int64  `json:"refused"`
	Late         int64  `json:"late"`         // decided after the deadline
	MeanHours    int64  `json:"meanHours"`    // from registration to decision
	SlowestHours int64  `json:"slowestHours"` // the slowest decision
}
