// SPDX-License-Identifier: Apache-2.0

// Package pki answers what a certificate says, whether a signature value holds under a key, and who the holder of a
// Kazakh certificate is.
//
// It reads certificates and their extensions (RFC 5280 §4), names (RFC 5280 §7.1, RFC 4514, RFC 4518), public keys and
// signature algorithms (RFC 3279, 4055, 5758, 8410, Kazakhstan's own), PKCS#12 files (RFC 7292), and Kazakhstan's profile of the subject. One
// reader of its own takes every certificate, because crypto/x509 refuses some that are legal. Input is strict DER
// within stated bounds; what breaks them is an error wrapping [ErrMalformed].
//
// It decides nothing about trust: paths, revocation and purpose are judged elsewhere, and [AlgorithmPolicy] only says
// which algorithms count at a time. The national algorithms (GOST 34.310-2004, GOST 34.10-2015) are computed by package gost;
// which identifiers name them, and how their keys are encoded, stands here. Of the old names under 1.3.6.1.4.1.6801 one is known,
// [OIDGammaSign]; keys under the others answer [ErrUnsupported], never [ErrSignature].
//
// Values are not changed after they are read; everything here is safe for concurrent use.
package pki
