// SPDX-License-Identifier: Apache-2.0

//go:build !pkcs11

package signer

import (
	"fmt"

	"rastau/internal/pki"
)

// Token is a hardware token. This build cannot open any: it is static and has no cgo.
type Token struct{}

// OpenToken refuses: keys in tokens need a build with the tag pkcs11.
func OpenToken(TokenOptions) (*Token, error) {
	return nil, fmt.Errorf("%w: %w: this program was built without PKCS#11; build it with: CGO_ENABLED=1 go build -tags pkcs11 ./cmd/rastau", ErrKey, ErrToken)
}

// Key is never reached: no Token exists.
func (*Token) Key(string, []*pki.Certificate) (*pki.Key, error) { return nil, ErrToken }

// Keys is never reached: no Token exists.
func (*Token) Keys() ([]Found, error) { return nil, ErrToken }

// Close does nothing.
func (*Token) Close() error { return nil }
