// SPDX-License-Identifier: Apache-2.0

// Package ocsp answers one question: may this OCSP response be relied on for
// this certificate at this time, and what does it say? It follows RFC 6960 §3.2
// and §4.2.2.2, with the nonce of RFC 9654.
//
// It writes requests (golang.org/x/crypto/ocsp encodes them), reads every field
// of a response itself, and judges it. Source asks responders, once for all who
// want to know. Left out are the path of the certificate, the revocation of a delegate (Answer.NoCheck says whether the
// caller must ask), and the meaning of a revocation after the time judged:
// Answer.RevokedAt is there for the caller to compare.
package ocsp
