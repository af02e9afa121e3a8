// SPDX-License-Identifier: Apache-2.0

// Package signer answers how a licensor's key signs a licence so that it stays verifiable for decades: CAdES over the canonical
// JSON (EN 319 122-1) and PAdES over the PDF (EN 319 142-1), levels B, T, LT and LTA, and how a signature that is there
// is brought to a higher level or renewed before its time-stamp ends.
//
// The key's certificate is judged before it signs (its key, validity, purpose here; trust and revocation by the [Judge]), and
// every signature is judged by the [Checker], every extended document by the [Examiner], before it leaves. The key may be in
// a file, in a token (build tag pkcs11), or elsewhere altogether: see [Signer.Begin]. How verdicts are reached is left out: that
// is the verifier's, and this package never imports it.
package signer
