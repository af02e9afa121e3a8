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
// A bad signature is an answer, never an error, and what could not be decided is
// INDETERMINATE, never a pass. The same bytes, time and evidence give the same
// report.
//
// Left out: XML signatures, the national algorithms (both are named as "not
// judged yet"), archive timestamps (ATSv3) and evidence records, formal signature
// policies.
package verifier
