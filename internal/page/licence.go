// SPDX-License-Identifier: Apache-2.0

// Package page draws a licence as A4 pages that a person reads: Kazakh and Russian side by side, English on a page of its own
// where asked for, appendices, a QR code that leads to the public check, and room for the visible block of the signature. What
// it draws is handed in; it knows nothing of registers or signatures, and its result is an ordinary PDF that a later revision
// signs.
package page

import (
	"time"

	"rastau/internal/phrase"
)

// Licence is what stands on the page. Words come in Kazakh and Russian, and in English where English is set; numbers come once.
type Licence struct {
	Number           string
	Issued           time.Time   // Required. Printed as dd.MM.yyyy in Kazakhstan's time (UTC+5).
	FirstIssued      time.Time   // Optional. If zero, the same as Issued.
	Reissued         []time.Time // Optional. Earlier re-issues, oldest first.
	ValidUntil       time.Time   // Optional. If zero, unlimited (мерзімсіз, бессрочная).
	HolderName       string
	HolderNumberKind string // "IIN" or "BIN"
	HolderNumber     string
	HolderAddress    string

	Activity       phrase.Text
	Subtypes       []phrase.Text
	Conditions     phrase.Text // special conditions
	Licensor       phrase.Text
	SignerName     string // authorised person
	SignerPosition phrase.Text
	Place          phrase.Text
	Basis          phrase.Text // basis for issue

	Appendices []Appendix
	Duplicate  bool   // "Телнұсқа / Дубликат" in the top right corner
	State      State  // Optional. If empty, as issued.
	English    bool   // a further page says it all in English
	VerifyURL  string // in the QR code
	Demo       bool   // a clear mark that this is no real licence

	Attachment     []byte // canonical JSON of the licence, embedded; nil: none
	AttachmentName string // Optional. If empty, "licence.json".
}

// State is a mark below the licence's number.
type State string

// The states that a page can show beside "as issued", which needs no mark.
const (
	Reissued   State = "reissued"
	Suspended  State = "suspended"
	Resumed    State = "resumed"
	Terminated State = "terminated"
)

// Appendix is a part of the licence with a page of its own: a branch, a sub-type at a place, a fleet. What is empty is left out.
type Appendix struct {
	Number   string    // "001"
	Issued   time.Time // Optional. If zero, the licence's.
	Subtypes []phrase.Text
	Basis    phrase.Text
	Branches []Branch
	Objects  []Object
	Vehicles []Vehicle
}

// Branch of the holder.
type Branch struct {
	Name    string
	BIN     string // Optional.
	Address string
}

// Object is a place at which the activity is carried out: a site, a point of sale, a production hall.
type Object struct {
	Name    phrase.Text // Optional.
	Address string
}

// Vehicle as its registration certificate names it.
type Vehicle struct {
	Make  string
	Year  int // of manufacture
	Plate string
}

// kazakhstan is the country's single time zone since 1 March 2024.
var kazakhstan = time.FixedZone("UTC+5", 5*60*60)

func day(t time.Time) string { return t.In(kazakhstan).Format("02.01.2006") }
