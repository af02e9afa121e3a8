// SPDX-License-Identifier: Apache-2.0

package account

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Person is somebody who logs in: an applicant who registered with a certificate, or staff whom an administrator entered.
type Person struct {
	ID       string
	Login    string // IIN or BIN of an applicant; a name of staff
	Name     string
	IIN, BIN string
	Roles    []Role
	Password string // argon2id in its encoded form; "" where the person logs in by certificate only
	Created  time.Time
	Failures int       // wrong passwords since the last right one
	Locked   time.Time // until when no password is looked at; zero: not locked
	Disabled bool
}

// Account is the person as the API knows callers.
func (p *Person) Account() Account {
	return Account{ID: p.ID, Name: p.Name, IIN: p.IIN, BIN: p.BIN, Roles: slices.Clone(p.Roles)}
}

// Session is a log-in that lasts. Only the SHA-256 of its token is kept.
type Session struct {
	TokenSHA256   string // hex
	Person        string // id
	Method        Method
	Created, Seen time.Time
	Ended         time.Time // zero: not ended by the person
}

// Method of a log-in.
type Method string

// The methods.
const (
	ByPassword    Method = "password"
	ByCertificate Method = "certificate"
)

// Challenge is what a person signs to show that a certificate is theirs. It serves once.
type Challenge struct {
	Nonce   string
	Purpose string // "register" or "login"
	Expires time.Time
	Text    []byte // RFC 8785 JSON: exactly what is signed
}

// Event is one line of the journal of log-ins.
type Event struct {
	At     time.Time
	Person string // id; "" where nobody was found
	Kind   string // "registered", "logged-in", "refused", "locked", "logged-out", "entered", "disabled", "enabled", "password", "unlocked", "roles", "sessions-ended", EventKeyMade, EventKeyRevoked
	From   string // address
	By     string // id of the administrator; "" for the person
}

// Store keeps people, their sessions and the journal of log-ins. Each method is one transaction and durable when it returns nil.
// What is not there is ErrUnknown. It must be safe for concurrent use, from several processes.
type Store interface {
	// AddPerson is ErrTaken where the login, or the pair of IIN and BIN of an applicant, is another's.
	AddPerson(ctx context.Context, p *Person, e Event) error
	PersonByID(ctx context.Context, id string) (*Person, error)
	PersonByLogin(ctx context.Context, login string) (*Person, error)
	// PersonByNumbers finds an applicant by the numbers of a certificate.
	PersonByNumbers(ctx context.Context, iin, bin string) (*Person, error)
	People(ctx context.Context) ([]Person, error)
	// ChangePerson reads, changes and writes in one transaction, so that two wrong passwords at once count as two.
	ChangePerson(ctx context.Context, id string, change func(*Person) (*Event, error)) error

	AddSession(ctx context.Context, s *Session, e Event) error
	// Session gives a session and whose it is, in one question: every request asks it.
	Session(ctx context.Context, tokenSHA256 string) (*Session, *Person, error)
	// SeeSession notes that a session is in use.
	SeeSession(ctx context.Context, tokenSHA256 string, at time.Time) error
	EndSession(ctx context.Context, tokenSHA256 string, e Event) error
	// EndSessions ends all of a person's.
	EndSessions(ctx context.Context, person string, at time.Time) error

	AddChallenge(ctx context.Context, c *Challenge) error
	// TakeChallenge removes it, so that it serves once.
	TakeChallenge(ctx context.Context, nonce string) (*Challenge, error)

	AddEvent(ctx context.Context, e Event) error

	// AddKey is ErrTaken where the id is another's.
	AddKey(ctx context.Context, k *Key, e Event) error
	// RevokeKey is ErrUnknown where there is none that holds.
	RevokeKey(ctx context.Context, id string, e Event) error
	Keys(ctx context.Context) ([]Key, error)
	KeyByToken(ctx context.Context, tokenSHA256 string) (*Key, error)

	// Search lists what was done, newest first.
	Search(ctx context.Context, q Search) ([]Line, error)
	Events(ctx context.Context, person string, limit int) ([]Event, error)
}

var (
	// ErrUnknown: there is no such person, session or challenge.
	ErrUnknown = errors.New("unknown")
	// ErrTaken: the login or the person is registered already.
	ErrTaken = errors.New("registered already")
	// ErrLogin: the login and the password, or the certificate, do not belong to an account. It says no more, so that an answer
	// tells nothing about the accounts that exist.
	ErrLogin = errors.New("log-in refused")
	// ErrLocked: too many wrong passwords; no password is looked at for a while.
	ErrLocked = errors.New("locked for a while after too many wrong passwords")
	// ErrPassword: the new password is too weak; the error says what is wanted.
	ErrPassword = errors.New("the password cannot be used")
	// ErrBusy: too many people log in at once.
	ErrBusy = errors.New("too many log-ins at once")
)
