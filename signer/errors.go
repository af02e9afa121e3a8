// SPDX-License-Identifier: Apache-2.0

package signer

import "errors"

var (
	// ErrKey: the key or its certificate cannot be used at all.
	ErrKey = errors.New("the signing key cannot be used")
	// ErrPurpose: the certificate is not for signing documents.
	ErrPurpose = errors.New("the certificate is not for signing documents")
	// ErrNotYetValid: the certificate's validity has not begun.
	ErrNotYetValid = errors.New("the signing certificate is not yet valid")
	// ErrExpired: the certificate's validity is over.
	ErrExpired = errors.New("the signing certificate has expired")
	// ErrStamp: no time-stamp was to be had; nothing was signed to a lower level instead.
	ErrStamp = errors.New("no time-stamp")
	// ErrUnchecked: the checker did not accept what was signed; it was thrown away. Wraps the checker's error.
	ErrUnchecked = errors.New("the new signature did not pass its own check")
)
