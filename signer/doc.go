// SPDX-License-Identifier: Apache-2.0

// Package signer answers how a licensor's key signs a licence so that it stays verifiable: CAdES over the canonical JSON
// (EN 319 122-1) and PAdES over the PDF (EN 319 142-1), level B-B, or B-T where a time-stamping authority is given.
//
// The key's certificate is looked at before it signs (its key, validity, purpose), and every signature is judged by the
// checker that the signer was given before it leaves. Whether the certificate is revoked or trusted is the checker's
// question. Archive levels (LT, LTA) and keys in hardware are left out here; any [crypto.Signer] of an RSA or ECDSA key, or of
// the national algorithms, signs.
package signer
