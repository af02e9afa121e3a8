// SPDX-License-Identifier: Apache-2.0

// Package page draws a licence as an A4 page that a person reads: Kazakh and Russian side by side, a QR code that leads to
// the public check, and room for the visible block of the signature. What it draws is handed in; it knows nothing of
// registers or signatures, and its result is ordinary PDF 1.4 that a later revision signs.
package page

import "time"

// Licence is what stands on the page. Words come in Kazakh and Russian, numbers once.
type Licence struct {
	Number           string
	Issued           time.Time // Required. Printed as dd.MM.yyyy in Kazakhstan's time (UTC+5).
	FirstIssued      time.Time // Optional. If zero, the same as Issued.
	ValidUntil       time.Time // Optional. If zero, unlimited (мерзімсіз, бессрочная).
	HolderName       string
	HolderNumberKind string // "IIN" or "BIN"
	HolderNumber     string
	HolderAddress    string

	ActivityKK, ActivityRU     string
	SubtypesKK, SubtypesRU     []string
	ConditionsKK, ConditionsRU string // special conditions
	LicensorKK, LicensorRU     string
	SignerName                 string // authorised person
	SignerPositionKK           string
	SignerPositionRU           string
	PlaceKK, PlaceRU           string
	BasisKK, BasisRU           string // basis for issue
	VerifyURL                  string // in the QR code and printed below it
	Demo                       bool   // a clear mark that this is no real licence
	Attachment                 []byte // canonical JSON of the licence, embedded; nil: none
	AttachmentName             string // Optional. If empty, "licence.json".
}

// kazakhstan is the country's single time zone since 1 March 2024.
var kazakhstan = time.FixedZone("UTC+5", 5*60*60)

func day(t time.Time) string { return t.In(kazakhstan).Format("02.01.2006") }
