// SPDX-License-Identifier: Apache-2.0

// Package evidence keeps what a verdict rests on in one file: can somebody else,
// years later and without a network, reach the same verdict from it alone?
//
// The file is a ZIP archive of stored entries in a fixed order with fixed times, so
// that the same question gives the same bytes:
//
//	question.json   what was asked, of what, and which piece came from where
//	report.json     the verdict, as --json prints it
//	report.xml      the same as ETSI TS 119 102-2 has it (documents only)
//	document        what was judged
//	content         the detached content, up to verifier.MaxContent bytes
//	anchors/ certs/ lists/ ocsp/ timestamps/
//
// question.json names every other entry with its SHA-256, and Open refuses a file in
// which anything is missing, more, larger or different. That makes a file whole, not
// true: whoever made it also chose the anchors, the time and the rules in it. An
// auditor gives anchors of their own, and reads what was asked.
//
// XML gives the validation report of ETSI TS 119 102-2. Left out: signing the report
// and the archive, evidence records (RFC 4998), ASiC containers.
package evidence

import (
	"errors"
	"fmt"
	"regexp"
)

// Limits of an evidence file. Write refuses what Open would.
const (
	MaxFile    = 256 << 20 // bytes of the archive
	maxEntries = 4096
	maxNotes   = 16 << 20 // bytes of question.json, report.json and report.xml, each
)

// ErrMalformed: the file is no evidence file, or not a whole one. It wraps what is
// wrong.
var ErrMalformed = errors.New("not a whole evidence file")

// ErrTooLarge: the evidence does not fit into one file.
var ErrTooLarge = errors.New("the evidence is too large for one file")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

// The entries that stand once. The format's version is in question.json.
const (
	format       = "rastau-evidence/1"
	nameQuestion = "question.json"
	nameReport   = "report.json"
	nameXML      = "report.xml"
	nameDocument = "document"
	nameContent  = "content"
)

// A name says nothing but where an entry stands: no paths, no names of people's files.
var entryName = regexp.MustCompile(`^(document|content|report\.json|report\.xml|(anchors|certs)/[0-9]{4}-[0-9a-f]{16}\.cer|` +
	`lists/[0-9]{4}-[0-9a-f]{16}\.crl|ocsp/[0-9]{4}-[0-9a-f]{16}\.ors|timestamps/[0-9]{4}-[0-9a-f]{16}\.tst)$`)
