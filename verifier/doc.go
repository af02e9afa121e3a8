// SPDX-License-Identifier: Apache-2.0

// Package verifier gives verdicts: is this document's signature, or this
// certificate, to be relied on at this time, and if not, why not.
//
// It follows ETSI EN 319 102-1: the main statuses TOTAL-PASSED, TOTAL-FAILED and
// INDETERMINATE with their sub-indications, over the rules of RFC 5652 and
// EN 319 122 (signatures), RFC 5280 (paths and lists), RFC 6960 (OCSP), RFC 3161
// (timestamps) and ISO 32000-1 with EN 319 142-1 (PDF). One check is one file and
// one citation; checks.go lists them in order. A check leaves findings, and the
// findings alone decide the verdict (verdict.go).
//
// Time is what is proven, never what is claimed. Each timestamp is judged as a
// signature of its own, the latest first (check_archive.go, check_timestamp.go): what
// it covers is then proven to have existed (poe.go), and is judged as of that time.
// So a signature whose certificate has ended or was revoked since stands by what it
// brings, as long as somebody has stamped that in time; without proof it is
// INDETERMINATE with …_NO_POE. Revocation data are judged when they are proven to
// exist and must tell of the time that counts (past.go). Where this differs from
// EN 319 102-1 §5.6.2.2: an authority must have been good when the data that it signed
// are proven to exist, rather than at the time that its own list was issued, for that
// is what the data rest on.
//
// A bad signature is an answer, never an error, and what could not be decided is
// INDETERMINATE, never a pass. The same bytes, time and evidence give the same
// report.
//
// Left out: XML signatures, the national algorithms (both are named as "not
// judged yet"), archive timestamps before version 3 and evidence records,
// revocation data in a PDF's security store, formal signature policies.
package verifier
