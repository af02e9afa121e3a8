// SPDX-License-Identifier: Apache-2.0

package crl

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrMalformed: the bytes are not a list as RFC 5280 §5.1 and DER want it.
	ErrMalformed = errors.New("malformed revocation list")
	// ErrTooLarge: more bytes, entries or names than the limits allow.
	ErrTooLarge = errors.New("revocation list too large")
	// ErrUnavailable: no usable list can be had from an address now. The error in hand is an *UnavailableError.
	ErrUnavailable = errors.New("revocation list unavailable")
)

func malformed(format string, a ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, a...))
}

func tooLarge(format string, a ...any) error {
	return fmt.Errorf("%w: %s", ErrTooLarge, fmt.Sprintf(format, a...))
}

// UnavailableError says why no list came and when to ask again. It is an ErrUnavailable.
type UnavailableError struct {
	URL     string
	RetryAt time.Time // not before then is the address asked again
	Err     error     // the last failure
}

func (e *UnavailableError) Error() string {
	return fmt.Sprintf("%v until %s: %v", ErrUnavailable, e.RetryAt.UTC().Format(time.RFC3339), e.Err)
}

// Unwrap gives ErrUnavailable and the cause.
func (e *UnavailableError) Unwrap() []error { return []error{ErrUnavailable, e.Err} }
