// SPDX-License-Identifier: Apache-2.0

package signer

import (
	"errors"

	"rastau/internal/pki"
)

// TokenOptions of [OpenToken].
type TokenOptions struct {
	// Module is the path of the token's PKCS#11 library, for example /usr/lib/softhsm/libsofthsm2.so. Required.
	Module string
	// Label of the token. Required.
	Label string
	// PIN gives the user PIN, each time the token is opened anew. Required.
	PIN func() (string, error)
	// Sessions that may be open at once: so many signatures are made in parallel. Optional. If zero, 32.
	Sessions int
}

// ErrToken: the token cannot be opened, or is gone. Wraps [ErrKey] where nothing but another configuration helps.
var ErrToken = errors.New("the token cannot be used")

// Found is a private key in a token, with its certificate where the token holds one.
type Found struct {
	Label string
	Key   *pki.Key // Key.Certificate is nil where the token holds none
}
