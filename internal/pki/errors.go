// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"errors"
	"fmt"
)

var (
	// ErrMalformed: the bytes are not what they should be (DER, bounds, or a rule of the structure).
	ErrMalformed = errors.New("malformed")
	// ErrUnsupported: the algorithm is not supported; nothing was computed.
	ErrUnsupported = errors.New("algorithm not yet supported")
	// ErrSignature: the signature value does not verify.
	ErrSignature = errors.New("signature value does not verify")
	// ErrAlgorithm: the algorithm's parameters or the key do not fit.
	ErrAlgorithm = errors.New("algorithm parameters or key do not fit")
	// ErrPassword: the password does not open the PKCS#12 file.
	ErrPassword = errors.New("wrong password for the PKCS#12 file")
	// ErrNotPKCS12: the file is not PKCS#12.
	ErrNotPKCS12 = errors.New("not a PKCS#12 file")
	// ErrNoKey: the PKCS#12 file holds no private key.
	ErrNoKey = errors.New("the PKCS#12 file holds no private key with a certificate")
)

// malformed says what could not be read; the error is an ErrMalformed.
func malformed(format string, a ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, a...)...)
}
