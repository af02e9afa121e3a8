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
	// ErrRefused: the certificate was judged before it signed and may not: it is revoked, or nobody here trusts its issuer.
	// Wraps the Judge's error. Nothing was signed.
	ErrRefused = errors.New("the signing certificate is not accepted")
	// ErrUndecided: whether a certificate or a document is good cannot be known now, because a source of revocation data does
	// not answer. Asking again later is the right thing to do. Nothing was signed.
	ErrUndecided = errors.New("it cannot be known now")
	// ErrLevel: the level cannot be reached.
	ErrLevel = errors.New("the level cannot be reached")
	// ErrStamp: no time-stamp was to be had; nothing was signed to a lower level instead.
	ErrStamp = errors.New("no time-stamp")
	// ErrUnchecked: the checker did not accept what was signed; it was thrown away. Wraps the checker's error.
	ErrUnchecked = errors.New("the new signature did not pass its own check")
	// ErrExtend: the document cannot be extended: nothing in it is signed, or what is signed does not pass today. Wraps why.
	ErrExtend = errors.New("the document cannot be extended")
)
