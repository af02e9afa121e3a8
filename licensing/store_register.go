// SPDX-License-Identifier: Apache-2.0

package licensing

import "time"

// RegisterTx is what the register of licences needs besides: moves, appendices, search.
type RegisterTx interface {
	// AddMove writes a move and brings the licence into its state. ErrState where the licence has moved meanwhile.
	AddMove(m *MoveRecord) error
	// Moves of a licence, oldest first.
	Moves(licence string) ([]MoveRecord, error)

	// AddAppendix keeps everything but the PDF, which is a blob.
	AddAppendix(a *AppendixRecord) error
	// Appendices of a licence, oldest first.
	Appendices(licence string) ([]AppendixRecord, error)

	// SearchLicences lists newest first.
	SearchLicences(f LicenceFilter) ([]Licence, error)
	// CountLicences by service and state.
	CountLicences() ([]LicenceCount, error)
}

// LicenceFilter of the register; a zero field does not filter.
type LicenceFilter struct {
	Words   []string // of the holder's name, lower case; every one must begin a word of the name
	Number  string   // holder's IIN or BIN
	Service string
	State   LicenceState
	From    time.Time // issued at or after
	Until   time.Time // issued before
	Before  int64     // entry number: only licences with a smaller one; zero is no bound
	Limit   int       // Required.
}

// LicenceCount is how many licences of a service are in a state.
type LicenceCount struct {
	Service string       `json:"service"`
	State   LicenceState `json:"state"`
	Count   int64        `json:"count"`
}
