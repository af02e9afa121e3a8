// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"errors"
	"fmt"
	"net/http"
)

var (
	// ErrRefused: the scheme, credentials, redirect or address is not allowed; nothing was sent there.
	ErrRefused = errors.New("address refused")
	// ErrTooLarge: the answer is larger than the caller allowed.
	ErrTooLarge = errors.New("answer too large")
	// ErrUnreachable: no whole answer came (name, connection, TLS, time, cut in the middle).
	ErrUnreachable = errors.New("no answer")
)

// StatusError: the server answered, but not with 200.
type StatusError struct{ Code int }

func (e *StatusError) Error() string {
	return fmt.Sprintf("the server answered %d %s", e.Code, http.StatusText(e.Code))
}
