// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"errors"
	"fmt"
)

// Errors; *InputError names the field. The API's one table maps them to HTTP.
var (
	ErrNotFound     = errors.New("not found")
	ErrState        = errors.New("not possible in this state") // wrapped with the state
	ErrNotAuthority = errors.New("not entitled to sign for this licensor on this date")
	ErrForbidden    = errors.New("not this person's application")
	ErrNotInForce   = errors.New("the regulation is not in force")
	// ErrLater: something outside (the time-stamp authority, the key) could not
	// be reached; nothing was changed and the same call may be made again.
	ErrLater = errors.New("cannot be done now, try again")
	// ErrSigningKey: the licensor's certificate is revoked, has ended or is not trusted. Nothing was signed or changed; another
	// key is to be configured.
	ErrSigningKey = errors.New("the licensor's key may not sign")
)

// InputError says which field is wrong and what to do.
type InputError struct{ Field, Problem string }

func (e *InputError) Error() string { return e.Field + ": " + e.Problem }

func badInput(field, format string, a ...any) error {
	return &InputError{Field: field, Problem: fmt.Sprintf(format, a...)}
}

// RefusalError is an InputError that is one of the regulation's refusals: an
// application without its payment is refused with M2 before it is a draft.
// errors.As finds an *InputError in it.
type RefusalError struct {
	Input   *InputError
	Message Message
}

func (e *RefusalError) Error() string { return e.Message.Code + ": " + e.Input.Error() }

// Unwrap gives the *InputError.
func (e *RefusalError) Unwrap() error { return e.Input }
