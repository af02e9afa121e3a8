// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"context"
	"time"

	"rastau/internal/journal"
	"rastau/internal/outbox"
)

// Store keeps applications, decisions, licences and the register's log.
//
// Update runs f in one read-write transaction, alone among writers, and has
// made its changes durable when it returns nil; an error of f or of the commit
// means that nothing was changed, except that a commit whose answer was lost
// may have happened: callers find out by reading. An error of a write may come
// with a later read or with the commit. f may run more than once, here and in
// View: it must only use the Tx and set what it finds out anew each time. View runs f over one
// unchanging state. f must not keep the Tx, nor call Update or View.
type Store interface {
	View(ctx context.Context, f func(Tx) error) error
	// Look is View for a single question, which needs no transaction around it: a second one is an error.
	Look(ctx context.Context, f func(Tx) error) error
	Update(ctx context.Context, f func(Tx) error) error
	// Beside is Update for a step whose every statement holds by a key or a condition of its own, whatever others write at the
	// same time: it need not wait for its turn among the writers. What it read may be old when it writes.
	Beside(ctx context.Context, f func(BesideTx) error) error
	// Keep makes bytes durable before the transaction that names them by PutBlob: a slow blob store then keeps no
	// other writer waiting. What nothing names in the end is removed after a day.
	Keep(ctx context.Context, contents ...[]byte) error
}

// BesideTx is what needs no turn among the writers: neither log nor series.
type BesideTx interface {
	DraftTx
	PaymentTx
}

// Tx is one transaction. What is not there is ErrNotFound.
type Tx interface {
	journal.Storage
	outbox.Storage
	DraftTx
	PaymentTx
	RegisterTx
	RenewalTx
	CaseTx
	OwnTx
	SurveyTx
	SignerTx
	FileTx
	TaskTx

	Application(id string) (*Application, error)
	ApplicationNumbered(number string) (*Application, error)
	// MoveApplication writes number, status, times, licence and refusal; what
	// was signed never changes.
	MoveApplication(a *Application) error
	// Enter writes number, status, registration and deadline of a draft for which this serial of the series is reserved;
	// ErrOvertaken where it is no draft any more or the serial is not its own.
	Enter(a *Application, series string, serial int64) error
	// Applications are listed newest first.
	Applications(f Filter) ([]Application, error)

	Blob(sha256 string) ([]byte, error)

	// Reserve gives an application its serial in a series, counted from 1:
	// the one it has, else the smallest that was released, else the next.
	// It is known when Update has returned, so that nobody waits for it under the writers' lock.
	Reserve(series, application string, serial *int64) error
	// Release gives an unused serial back, so that the series keeps no gap.
	Release(series, application string) error
	// Serial is the serial reserved for an application; ErrNotFound if none.
	Serial(series, application string) (int64, error)

	AddAttempt(a Attempt) error
	AddRegistration(r *Registration) error
	Registration(application string) (*Registration, error)
	AddRuling(r *Ruling) error
	Ruling(application string) (*Ruling, error)
	// AddLicence keeps everything but the PDF, which is a blob.
	AddLicence(l *LicenceRecord) error
	Licence(number string) (*LicenceRecord, error)

	Counts() (Counts, error)
}

// Outgoing is something to be done or sent, enqueued with the change that causes it.
type Outgoing = outbox.Message

// Counts of what stands in the register.
type Counts struct{ Registrations, Rulings, Licences, Moves, Appendices, Amendments, Renewals int64 }

// Filter of a list of applications; a zero field does not filter.
type Filter struct {
	Owner     string
	Holder    string // IIN or BIN of the applicant
	Status    Status
	NotDrafts bool
	Limit     int
}

// Attempt is a signature that was not accepted. It names nobody.
type Attempt struct {
	Application     string
	At              time.Time
	SignatureSHA256 string
	Outcome         string // "refused" or "later"
	Reason          string
	SubIndication   string
	FindingKey      string
}

// Registration is the accepted signature with its evidence.
type Registration struct {
	Application     string // id
	Number          string
	At              time.Time
	SignatureSHA256 string
	Signature       []byte // exactly as it came
	Stamped         []byte // the same with an RFC 3161 token on each signature value (CAdES-T), of XML a token over it; nil without a Stamper
	Report          []byte // the verdict as JSON
	Receipt         []byte // CAdES over the receipt
	Entry           int64  // of the log
}

// Ruling is an officer's signed decision.
type Ruling struct {
	Application string // id
	At          time.Time
	Officer     string // actor ID
	Approve     bool
	Document    []byte // RFC 8785 JSON
	Signed      []byte // CAdES over Document
	Entry       int64  // of the log

	preserve func(Tx) error // of one just signed: begins the care for it
}

// LicenceRecord is a licence as it stands in the register.
type LicenceRecord struct {
	Licence       Licence
	ApplicationID string
	Document      []byte       // RFC 8785 JSON that was signed
	Born          LicenceState // in which it came into the register
	Moves         int          // since then
}
